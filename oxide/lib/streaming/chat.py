"""Streams of chat completions: what `client.chat.completions.stream` gives, and its events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ...core.sentinels import Omit, omit
from ...core.streams.chat_events import (
    ChatCompletionStreamEvent,
    ChunkEvent,
    ContentDeltaEvent,
    ContentDoneEvent,
    FunctionToolCallArgumentsDeltaEvent,
    FunctionToolCallArgumentsDoneEvent,
    LogprobsContentDeltaEvent,
    LogprobsContentDoneEvent,
    LogprobsRefusalDeltaEvent,
    LogprobsRefusalDoneEvent,
    ParsedChatCompletionMessageSnapshot,
    ParsedChatCompletionSnapshot,
    ParsedChoiceSnapshot,
    RefusalDeltaEvent,
    RefusalDoneEvent,
)
from ...core.streams.readers import CallReader, ChatReader
from ._stream import AsyncEventStream, AsyncStreamManager, EventStream, StreamManager

if TYPE_CHECKING:
    from ...streaming import AsyncStream, Stream
    from ...types.chat import ChatCompletionChunk, ParsedChatCompletion

__all__ = [
    "AsyncChatCompletionStream",
    "AsyncChatCompletionStreamManager",
    "ChatCompletionStream",
    "ChatCompletionStreamEvent",
    "ChatCompletionStreamManager",
    "ChatCompletionStreamState",
    "ChunkEvent",
    "ContentDeltaEvent",
    "ContentDoneEvent",
    "FunctionToolCallArgumentsDeltaEvent",
    "FunctionToolCallArgumentsDoneEvent",
    "LogprobsContentDeltaEvent",
    "LogprobsContentDoneEvent",
    "LogprobsRefusalDeltaEvent",
    "LogprobsRefusalDoneEvent",
    "ParsedChatCompletionMessageSnapshot",
    "ParsedChatCompletionSnapshot",
    "ParsedChoiceSnapshot",
    "RefusalDeltaEvent",
    "RefusalDoneEvent",
]

T = TypeVar("T")


class ChatCompletionStreamState(Generic[T]):
    """Accumulates chunks that come by a way of your own, such as those of `create(..., stream=True)`.

        state = ChatCompletionStreamState()
        for chunk in client.chat.completions.create(..., stream=True):
            state.handle_chunk(chunk)
        completion = state.get_final_completion()

    Args:
        input_tools: those of the request; the arguments of strict functions are parsed.
        response_format: a type or a JSON schema that the content is parsed to.
    """

    def __init__(
        self, *, input_tools: Iterable[Any] | Omit | None = omit, response_format: type[T] | Any = omit
    ) -> None:
        self._reader = ChatReader(response_format, input_tools)

    def handle_chunk(self, chunk: ChatCompletionChunk) -> list[ChatCompletionStreamEvent[T]]:
        """Add a chunk, and return the events that it means; raises as iterating over a `ChatCompletionStream`."""
        return list(self._reader.receive(chunk))

    @property
    def current_completion_snapshot(self) -> ParsedChatCompletionSnapshot:
        """The completion so far. Raises StreamOrderError before the first chunk."""
        return self._reader.accumulator.snapshot

    def get_final_completion(self) -> ParsedChatCompletion[T]:
        """The completion, parsed, as far as it came; raises as `ChatCompletionStream.get_final_completion`."""
        return self._reader.accumulator.final()


class ChatCompletionStream(EventStream["ChatCompletionStreamEvent[T]"], Generic[T]):
    """The events that the chunks of a chat completion mean, with snapshots; see `EventStream`."""

    _text_event = "content.delta"

    def __init__(
        self,
        *,
        raw_stream: Stream[ChatCompletionChunk],
        response_format: type[T] | Any = omit,
        input_tools: Iterable[Any] | Omit | None = omit,
        early_calls: bool = False,
    ) -> None:
        reader = ChatReader(response_format, input_tools, raw_stream.response)
        super().__init__(raw_stream, CallReader(reader) if early_calls else reader)

    @property
    def current_completion_snapshot(self) -> ParsedChatCompletionSnapshot:
        """The completion so far. Raises StreamOrderError before the first chunk."""
        snapshot: ParsedChatCompletionSnapshot = self._reader.accumulator.snapshot
        return snapshot

    def get_final_completion(self) -> ParsedChatCompletion[T]:
        """Read the stream to its end, and return the completion, parsed.

        Raises:
            LengthFinishReasonError, ContentFilterFinishReasonError: a choice was cut off; the error has the completion.
            StructuredOutputError: the content, or the arguments of a strict function, do not fit their type.
            APIError: as iterating.
        """
        self.until_done()
        completion: ParsedChatCompletion[T] = self._reader.accumulator.final()
        return completion


class AsyncChatCompletionStream(AsyncEventStream["ChatCompletionStreamEvent[T]"], Generic[T]):
    """The same as `ChatCompletionStream`, for asyncio and trio."""

    _text_event = "content.delta"

    def __init__(
        self,
        *,
        raw_stream: AsyncStream[ChatCompletionChunk],
        response_format: type[T] | Any = omit,
        input_tools: Iterable[Any] | Omit | None = omit,
        early_calls: bool = False,
    ) -> None:
        reader = ChatReader(response_format, input_tools, raw_stream.response)
        super().__init__(raw_stream, CallReader(reader) if early_calls else reader)

    @property
    def current_completion_snapshot(self) -> ParsedChatCompletionSnapshot:
        """The completion so far. Raises StreamOrderError before the first chunk."""
        snapshot: ParsedChatCompletionSnapshot = self._reader.accumulator.snapshot
        return snapshot

    async def get_final_completion(self) -> ParsedChatCompletion[T]:
        """Read the stream to its end, and return the completion; raises as `ChatCompletionStream.get_final_completion`."""
        await self.until_done()
        completion: ParsedChatCompletion[T] = self._reader.accumulator.final()
        return completion


class ChatCompletionStreamManager(StreamManager[ChatCompletionStream[T]], Generic[T]):
    """What `client.chat.completions.stream` returns: `with` sends the request and gives a `ChatCompletionStream`."""


class AsyncChatCompletionStreamManager(AsyncStreamManager[AsyncChatCompletionStream[T]], Generic[T]):
    """The same for asyncio and trio, with `async with`."""
