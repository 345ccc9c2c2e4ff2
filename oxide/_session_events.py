"""The events of one response on a session."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from .core.ws_turns import LOST, Turn

if TYPE_CHECKING:
    from typing_extensions import Self

    from .types.responses.response import Response
    from .types.responses.responses_server_event import ResponsesServerEvent

__all__ = ["AsyncResponseEvents", "ResponseEvents"]


class BaseEvents:
    """The events of one response, as far as they need no waiting."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    @property
    def response(self) -> Response | None:
        """The response, once it is over; `None` before."""
        response: Response | None = self._turn.final
        return response

    @property
    def response_id(self) -> str | None:
        """The id of the response, as soon as it is known."""
        return self._turn.response_id

    def _final(self) -> Response:
        response = self.response
        if response is None:
            raise RuntimeError("the events were closed before the response was over")
        return response

    def __del__(self) -> None:
        # A note; the lane's next turn takes care of what comes of this one. Locks are not for finalizers.
        turn = getattr(self, "_turn", None)
        if turn is not None:
            turn.dropped = True


class ResponseEvents(BaseEvents):
    """The events of one response as they arrive: an iterator, and a context manager that gives the response up on leaving.

    Iterating raises:
        ResponsesWebSocketError: the server sent an error event for this lane.
        APIConnectionError: the connection was lost; APITimeoutError where a timeout passed.
        ResponsesWebSocketBufferError: so many events were waiting here that the lane was given up.
    """

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ResponsesServerEvent:
        turn = self._turn
        event = turn.kept()
        if event is None:
            if turn.over:
                raise StopIteration
            try:
                event = turn.desk.next(turn.seat, turn.allowance())
            except (*LOST, TimeoutError, RuntimeError) as error:
                raise turn.fail(error) from error.__cause__ or error
        return turn.receive(event)  # type: ignore[no-any-return]

    def get_final_response(self) -> Response:
        """Read to the end; the response, failed and incomplete ones too. Raises as iterating does."""
        for _ in self:
            pass
        return self._final()

    def close(self) -> None:
        """Give the response up. The connection stays; what still comes is dropped."""
        self._turn.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()


class AsyncResponseEvents(BaseEvents):
    """The same as `ResponseEvents`, for asyncio and trio."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ResponsesServerEvent:
        turn = self._turn
        event = turn.kept()
        if event is None:
            if turn.over:
                raise StopAsyncIteration
            try:
                event = await turn.desk.next(turn.seat, turn.allowance())
            except (*LOST, TimeoutError, RuntimeError) as error:
                raise turn.fail(error) from error.__cause__ or error
        return turn.receive(event)  # type: ignore[no-any-return]

    async def get_final_response(self) -> Response:
        """Read to the end; the response, failed and incomplete ones too. Raises as iterating does."""
        async for _ in self:
            pass
        return self._final()

    async def close(self) -> None:
        """Give the response up. The connection stays; what still comes is dropped."""
        self._turn.end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()
