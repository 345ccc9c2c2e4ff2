"""Function calls as soon as they are complete: what `create_stream_fc` gives."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ...core.streams.calls import FunctionCall
from ._stream import AsyncStreamManager
from .chat import AsyncChatCompletionStream, ChatCompletionStream
from .responses import AsyncResponseStream, ResponseStream

if TYPE_CHECKING:
    from typing_extensions import Self

    from ...types.chat.parsed_chat_completion import ParsedChatCompletion
    from ...types.responses.parsed_response import ParsedResponse

__all__ = [
    "AsyncCallStreamManager",
    "AsyncChatCallStream",
    "AsyncFunctionCallStream",
    "AsyncResponseCallStream",
    "ChatCallStream",
    "FunctionCall",
    "FunctionCallStream",
    "ResponseCallStream",
]

StreamT = TypeVar("StreamT", bound="ResponseStream[Any] | ChatCompletionStream[Any]")
AsyncStreamT = TypeVar("AsyncStreamT", bound="AsyncResponseStream[Any] | AsyncChatCompletionStream[Any]")
CallsT = TypeVar("CallsT", bound="AsyncFunctionCallStream[Any]")


class FunctionCallStream(Generic[StreamT]):
    """An iterator of function calls, each the moment its arguments are complete, while the model goes on writing.

    It ends with the stream, and raises what iterating over the stream raises. It is a context manager that gives the
    response up on leaving.

    Attributes:
        events: the stream itself. Whoever iterates over it takes the events from where it stands; calls that become complete
            meanwhile are in `calls`, and still to come out of this iterator.
    """

    def __init__(self, events: StreamT) -> None:
        self.events: StreamT = events
        self._reader: Any = events._reader

    @property
    def calls(self) -> list[FunctionCall]:
        """Every call that is complete so far."""
        return list(self._reader.calls)

    def __next__(self) -> FunctionCall:
        ready = self._reader.ready
        while not ready:
            try:
                next(self.events)
            except StopIteration:
                if not ready:
                    raise
        call: FunctionCall = ready.popleft()
        return call

    def __iter__(self) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the response up; see `EventStream.close`."""
        self.events.close()


class AsyncFunctionCallStream(Generic[AsyncStreamT]):
    """The same as `FunctionCallStream`, for asyncio and trio."""

    def __init__(self, events: AsyncStreamT) -> None:
        self.events: AsyncStreamT = events
        self._reader: Any = events._reader

    @property
    def calls(self) -> list[FunctionCall]:
        """Every call that is complete so far."""
        return list(self._reader.calls)

    async def __anext__(self) -> FunctionCall:
        ready = self._reader.ready
        while not ready:
            try:
                await self.events.__anext__()
            except StopAsyncIteration:
                if not ready:
                    raise
        call: FunctionCall = ready.popleft()
        return call

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the response up; see `AsyncEventStream.close`."""
        await self.events.close()


class ResponseCallStream(FunctionCallStream[ResponseStream[Any]]):
    """The function calls of a response."""

    def get_final_response(self) -> ParsedResponse[Any]:
        """Read the stream to its end, and return the response; see `ResponseStream.get_final_response`."""
        return self.events.get_final_response()


class AsyncResponseCallStream(AsyncFunctionCallStream[AsyncResponseStream[Any]]):
    """The function calls of a response, for asyncio and trio."""

    async def get_final_response(self) -> ParsedResponse[Any]:
        """Read the stream to its end, and return the response; see `ResponseStream.get_final_response`."""
        return await self.events.get_final_response()


class ChatCallStream(FunctionCallStream[ChatCompletionStream[Any]]):
    """The function calls of a chat completion."""

    def get_final_completion(self) -> ParsedChatCompletion[Any]:
        """Read the stream to its end, and return the completion; see `ChatCompletionStream.get_final_completion`."""
        return self.events.get_final_completion()


class AsyncChatCallStream(AsyncFunctionCallStream[AsyncChatCompletionStream[Any]]):
    """The function calls of a chat completion, for asyncio and trio."""

    async def get_final_completion(self) -> ParsedChatCompletion[Any]:
        """Read the stream to its end, and return the completion; see `ChatCompletionStream.get_final_completion`."""
        return await self.events.get_final_completion()


class AsyncCallStreamManager(AsyncStreamManager[CallsT], Generic[CallsT]):
    """What `create_stream_fc` of an asynchronous client returns: to be awaited, entered, or iterated over."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FunctionCall:
        if self._stream is None:
            await self.__aenter__()
            assert self._stream is not None
        try:
            return await self._stream.__anext__()
        except BaseException:
            await self._stream.close()
            raise
