"""Running flows."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any

from ...core.http import Response
from ...core.transport import Transport

if TYPE_CHECKING:
    from ...core.body import Plan
    from ...core.race import Race

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

    def load(self, plan: Plan) -> Any:
        # Few calls have a body that is a file.
        from .files import load

        return load(plan)

    def read(self, response: Response) -> bytes:
        return response.read()

    def read_some(self, response: Response) -> bytes:
        return b"" if response.stream is None else next(response.stream, b"")

    def discard(self, response: Response) -> None:
        response.close()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def now(self) -> float:
        return time.monotonic()

    def invoke(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    def block(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    def race(self, race: Race) -> Any:
        # Few calls are hedged.
        from .race import run_race

        return run_race(race, self)

    def map(self, function: Callable[[Any], Any], items: Iterable[Any], limit: int) -> list[Any]:
        # A pool of threads takes 5 ms to import, and few calls need one.
        from .map import map_concurrently

        return map_concurrently(function, items, limit)

    def make_gate(self) -> Any:
        # Only those need one who share a token.
        from .gate import Gate

        return Gate()

    def wait(self, gate: Any, seconds: float | None) -> bool:
        return gate.wait(seconds)  # type: ignore[no-any-return]
