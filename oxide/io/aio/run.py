"""Running flows."""

from __future__ import annotations

from collections.abc import Callable, Generator
from inspect import isawaitable
from typing import Any

import anyio

from ...core.http import Response
from ...core.transport import AsyncTransport

__all__ = ["IO", "run"]


async def run(flow: Generator[Any, Any, Any], io: Any) -> Any:
    """Run a flow to its end: perform what it asks for, tell it what came of that."""
    resume, value = flow.send, None
    try:
        while True:
            try:
                command = resume(value)
            except StopIteration as end:
                return end.value
            try:
                resume, value = flow.send, await command.perform(io)
            except Exception as error:  # noqa: BLE001 (the flow decides)
                resume, value = flow.throw, error
    finally:
        # Cancelled or interrupted: the flow gives back what it holds now, and not when it is collected.
        flow.close()


class IO:
    """What flows are run against: `core.flow.IO` on a transport."""

    __slots__ = ("transport",)

    def __init__(self, transport: AsyncTransport) -> None:
        self.transport = transport

    async def read(self, response: Response) -> bytes:
        return await response.aread()

    async def discard(self, response: Response) -> None:
        await response.aclose()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def invoke(self, function: Callable[..., Any], *args: Any) -> Any:
        result = function(*args)
        return await result if isawaitable(result) else result
