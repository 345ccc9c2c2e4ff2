"""Running flows."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

from ...core.http import Response
from ...core.transport import Transport

__all__ = ["IO", "run"]


def run(flow: Generator[Any, Any, Any], io: Any) -> Any:
    """Run a flow to its end: perform what it asks for, tell it what came of that."""
    resume, value = flow.send, None
    try:
        while True:
            try:
                command = resume(value)
            except StopIteration as end:
                return end.value
            try:
                resume, value = flow.send, command.perform(io)
            except Exception as error:  # noqa: BLE001 (the flow decides)
                resume, value = flow.throw, error
    finally:
        # Cancelled or interrupted: the flow gives back what it holds now, and not when it is collected.
        flow.close()


class IO:
    """What flows are run against: `core.flow.IO` on a transport."""

    __slots__ = ("transport",)

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def read(self, response: Response) -> bytes:
        return response.read()

    def discard(self, response: Response) -> None:
        response.close()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def invoke(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)
