"""Running flows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

import anyio

from ...core.http import Response
from ...core.transport import AsyncTransport

if TYPE_CHECKING:
    from ...core.body import Plan
    from ...core.race import Race

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

    async def load(self, plan: Plan) -> Any:
        # Few calls have a body that is a file.
        from .files import load

        return await load(plan)

    async def read(self, response: Response) -> bytes:
        return await response.aread()

    async def read_some(self, response: Response) -> bytes:
        return b"" if response.stream is None else await anext(response.stream, b"")

    async def discard(self, response: Response) -> None:
        await response.aclose()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def now(self) -> float:
        # Only those look who are paced.
        from .clock import now

        return now()

    async def invoke(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        return await result if isawaitable(result) else result

    async def block(self, function: Callable[..., Any], *args: Any) -> Any:
        # Few calls have something that blocks.
        from .threads import run_in_thread

        return await run_in_thread(function, *args)

    async def race(self, race: Race) -> Any:
        # Few calls are hedged.
        from .race import run_race

        return await run_race(race, self)

    async def map(self, function: Callable[[Any], Any], items: Iterable[Any], limit: int) -> list[Any]:
        from .map import map_concurrently

        return await map_concurrently(function, items, limit)

    async def make_gate(self) -> Any:
        # Only those need one who share a token.
        from .gate import Gate

        return Gate()

    async def wait(self, gate: Any, seconds: float | None) -> bool:
        return await gate.wait(seconds)  # type: ignore[no-any-return]
