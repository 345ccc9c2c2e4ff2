"""Streams of responses: what `client.responses.stream` gives, and its events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ...core.sentinels import Omit, omit
from ...core.streams.readers import CallReader, ResponseReader
from ...core.streams.response_events import (
    ParsedResponseSnapshot,
    ResponseCompletedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
)
from ._stream import AsyncEventStream, AsyncStreamManager, EventStream, StreamManager

if TYPE_CHECKING:
    from ...streaming import AsyncStream, Stream
    from ...types.responses.parsed_response import ParsedResponse

__all__ = [
    "AsyncResponseStream",
    "AsyncResponseStreamManager",
    "ParsedResponseSnapshot",
    "ResponseCompletedEvent",
    "ResponseFunctionCallArgumentsDeltaEvent",
    "ResponseStream",
    "ResponseStreamEvent",
    "ResponseStreamManager",
    "ResponseStreamState",
    "ResponseTextDeltaEvent",
    "ResponseTextDoneEvent",
]

T = TypeVar("T")


class ResponseStreamState(Generic[T]):
    """Accumulates events that come by a way of your own, such as a queue.

    Args:
        input_tools: those of the request; the arguments of strict functions are parsed.
        text_format: a type or a JSON schema that the text is parsed to.
    """

    def __init__(self, *, input_tools: Iterable[Any] | Omit | None = omit, text_format: type[T] | Any = omit) -> None:
        self._reader = ResponseReader(text_format, input_tools)

    def handle_event(self, event: Any) -> list[ResponseStreamEvent[T]]:
        """The events that a `ResponseStream` would give for this one: it, or one of its kind with more in it, or none.

        Raises as iterating over a `ResponseStream`.
        """
        return list(self._reader.receive(event))

    def accumulate_event(self, event: Any) -> ParsedResponseSnapshot:
        """Add an event, and return the response so far."""
        self._reader.receive(event)
        return self.current_response_snapshot

    @property
    def current_response_snapshot(self) -> ParsedResponseSnapshot:
        """The response so far. Raises StreamOrderError before the first event."""
        return self._reader.accumulator.snapshot

    def get_final_response(self) -> ParsedResponse[T]:
        """The parsed response; raises as `ResponseStream.get_final_response`."""
        return self._reader.accumulator.final()


class ResponseStream(EventStream["ResponseStreamEvent[T]"], Generic[T]):
    """The events of a response, with snapshots; see `EventStream`."""

    _text_event = "response.output_text.delta"

    def __init__(
        self,
        *,
        raw_stream: Stream[Any],
        text_format: type[T] | Any = omit,
        input_tools: Iterable[Any] | Omit | None = omit,
        starting_after: int | None = None,
        early_calls: bool = False,
    ) -> None:
        reader = ResponseReader(text_format, input_tools, raw_stream.response, starting_after)
        super().__init__(raw_stream, CallReader(reader) if early_calls else reader)

    @property
    def current_response_snapshot(self) -> ParsedResponseSnapshot:
        """The response so far. Raises StreamOrderError before the first event."""
        snapshot: ParsedResponseSnapshot = self._reader.accumulator.snapshot
        return snapshot

    def get_final_response(self) -> ParsedResponse[T]:
        """Read the stream to its end, and return the parsed response.

        Raises:
            ResponseNotCompletedError: the response failed or was cut off, or there was an error event.
            LengthFinishReasonError, ContentFilterFinishReasonError: it was cut off, and was to be parsed.
            APIError: as iterating.
        """
        self.until_done()
        response: ParsedResponse[T] = self._reader.accumulator.final()
        return response


class AsyncResponseStream(AsyncEventStream["ResponseStreamEvent[T]"], Generic[T]):
    """The same as `ResponseStream`, for asyncio and trio."""

    _text_event = "response.output_text.delta"

    def __init__(
        self,
        *,
        raw_stream: AsyncStream[Any],
        text_format: type[T] | Any = omit,
        input_tools: Iterable[Any] | Omit | None = omit,
        starting_after: int | None = None,
        early_calls: bool = False,
    ) -> None:
        reader = ResponseReader(text_format, input_tools, raw_stream.response, starting_after)
        super().__init__(raw_stream, CallReader(reader) if early_calls else reader)

    @property
    def current_response_snapshot(self) -> ParsedResponseSnapshot:
        """The response so far. Raises StreamOrderError before the first event."""
        snapshot: ParsedResponseSnapshot = self._reader.accumulator.snapshot
        return snapshot

    async def get_final_response(self) -> ParsedResponse[T]:
        """Read the stream to its end, and return the parsed response; raises as `ResponseStream.get_final_response`."""
        await self.until_done()
        response: ParsedResponse[T] = self._reader.accumulator.final()
        return response


class ResponseStreamManager(StreamManager[ResponseStream[T]], Generic[T]):
    """What `client.responses.stream` returns: `with` sends the request and gives a `ResponseStream`."""


class AsyncResponseStreamManager(AsyncStreamManager[AsyncResponseStream[T]], Generic[T]):
    """The same for asyncio and trio, with `async with`."""
