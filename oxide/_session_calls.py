"""Function calls of a response on a session, each as soon as it is complete."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING

from .core.streams.calls import FunctionCall, ResponseCalls

if TYPE_CHECKING:
    from typing_extensions import Self

    from .sessions import AsyncResponseEvents, ResponseEvents
    from .types.responses.response import Response

__all__ = ["AsyncSessionCalls", "SessionCalls"]


class SessionCalls:
    """An iterator of function calls, each the moment its arguments are complete, while the model goes on writing.

    It ends with the response, and raises what iterating over `events` raises. It is a context manager that gives the response up on leaving.

    Attributes:
        events: the events of the response; every one that is read goes through this object.
        calls: every call that is complete so far.
    """

    def __init__(self, events: ResponseEvents) -> None:
        self.events = events
        self.calls: list[FunctionCall] = []
        self._machine = ResponseCalls()
        self._ready: deque[FunctionCall] = deque()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> FunctionCall:
        while not self._ready:
            found = self._machine.receive(next(self.events))
            self._ready.extend(found)
            self.calls.extend(found)
        return self._ready.popleft()

    def get_final_response(self) -> Response:
        """Read to the end; the response. Calls that are complete only then are in `calls`."""
        for event in self.events:
            self.calls.extend(self._machine.receive(event))
        return self.events.get_final_response()

    def close(self) -> None:
        """Give the response up."""
        self.events.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()


class AsyncSessionCalls:
    """The same as `SessionCalls`, for asyncio and trio."""

    def __init__(self, events: AsyncResponseEvents) -> None:
        self.events = events
        self.calls: list[FunctionCall] = []
        self._machine = ResponseCalls()
        self._ready: deque[FunctionCall] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FunctionCall:
        while not self._ready:
            found = self._machine.receive(await self.events.__anext__())
            self._ready.extend(found)
            self.calls.extend(found)
        return self._ready.popleft()

    async def get_final_response(self) -> Response:
        """Read to the end; the response. Calls that are complete only then are in `calls`."""
        async for event in self.events:
            self.calls.extend(self._machine.receive(event))
        return await self.events.get_final_response()

    async def close(self) -> None:
        """Give the response up."""
        await self.events.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()
