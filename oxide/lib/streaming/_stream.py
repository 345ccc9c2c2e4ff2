"""The two shells of every helper's stream: they take objects off a stream, ask a reader what they mean, and hand that on."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ...core.errors import APIConnectionError
from ...core.streams.readers import broken_off
from ...streaming import AsyncStream, Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from ...core.http import Response

__all__ = ["AsyncEventStream", "AsyncPieces", "AsyncStreamManager", "EventStream", "Pieces", "StreamManager"]

T = TypeVar("T")
StreamT = TypeVar("StreamT", bound="Closing")
AsyncStreamT = TypeVar("AsyncStreamT", bound="AsyncClosing")


class Reader(Protocol):
    """What decides; see `core.streams.readers`."""

    @property
    def accumulator(self) -> Any: ...
    def receive(self, item: Any) -> Sequence[Any]: ...
    def finish(self, announced: bool) -> Sequence[Any]: ...


class Closing(Protocol):
    def close(self) -> Any: ...


class AsyncClosing(Protocol):
    async def close(self) -> Any: ...


class EventStream(Generic[T]):
    """The events of a helper's stream: an iterator, and a context manager that gives the response up on leaving.

    Iterating raises:
        StreamEndedError: the stream was over before the answer was.
        StreamOrderError: an event does not fit those before it.
        LengthFinishReasonError, ContentFilterFinishReasonError: the answer was cut off, and was to be parsed.
        StructuredOutputError: the answer does not fit the type that it was to be parsed to.
        APIError, APIConnectionError, APITimeoutError: as iterating over a `Stream`.

    Attributes:
        response: the HTTP response.
    """

    # The type of the events that have a piece of text in `delta`.
    _text_event = ""

    def __init__(self, raw_stream: Stream[Any], reader: Reader) -> None:
        self.response: Response = raw_stream.response
        self._raw_stream = raw_stream
        self._reader = reader
        self._iterator: Iterator[T] = _events(raw_stream, reader)

    def __next__(self) -> T:
        return next(self._iterator)

    def __iter__(self) -> Iterator[T]:
        return self._iterator

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the response up. Its connection is kept if the stream was read to its end, and closed otherwise."""
        self._raw_stream.close()

    def until_done(self) -> Self:
        """Read the stream to its end."""
        for _ in self._iterator:
            pass
        return self

    @property
    def text_deltas(self) -> Iterator[str]:
        """The pieces of text as they arrive, and nothing else."""
        return Pieces(self, self._texts)

    def _texts(self, event: Any) -> Sequence[str]:
        return (event.delta,) if event.type == self._text_event else ()


# A function beside the class, as in `oxide.streaming` and for the same reason.
def _events(raw_stream: Stream[Any], reader: Reader) -> Iterator[Any]:
    receive = reader.receive
    try:
        for item in raw_stream:
            yield from receive(item)
        yield from reader.finish(raw_stream.announced)
    except APIConnectionError as error:
        raw_stream.close()
        raise broken_off(reader, error)  # noqa: B904 (it has its cause)
    except Exception:
        raw_stream.close()
        raise


class AsyncEventStream(Generic[T]):
    """The same as `EventStream`, for asyncio and trio."""

    _text_event = ""

    def __init__(self, raw_stream: AsyncStream[Any], reader: Reader) -> None:
        self.response: Response = raw_stream.response
        self._raw_stream = raw_stream
        self._reader = reader
        self._queue: deque[T] = deque()
        self._over = False

    async def __anext__(self) -> T:
        queue = self._queue
        raw_stream = self._raw_stream
        while not queue:
            if self._over:
                raise StopAsyncIteration
            # What has arrived already is taken without a coroutine in between.
            item = raw_stream.take()
            try:
                if item is None:
                    item = await raw_stream.__anext__()
                events = self._reader.receive(item)
            except StopAsyncIteration:
                self._over = True
                events = ()
            except APIConnectionError as error:
                self._over = True
                await raw_stream.close()
                raise broken_off(self._reader, error)  # noqa: B904 (it has its cause)
            except Exception:
                self._over = True
                await raw_stream.close()
                raise
            if self._over:
                events = self._reader.finish(raw_stream.announced)
            if len(events) == 1:
                event: T = events[0]
                return event
            queue.extend(events)
        return queue.popleft()

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the response up. Its connection is kept if the stream was read to its end, and closed otherwise."""
        await self._raw_stream.close()

    async def until_done(self) -> Self:
        """Read the stream to its end."""
        async for _ in self:
            pass
        return self

    @property
    def text_deltas(self) -> AsyncIterator[str]:
        """The pieces of text as they arrive, and nothing else."""
        return AsyncPieces(self, self._texts)

    def _texts(self, event: Any) -> Sequence[str]:
        return (event.delta,) if event.type == self._text_event else ()


class Pieces:
    """What a function finds in the events of a stream: an iterator."""

    def __init__(self, events: Any, find: Callable[[Any], Iterable[str]]) -> None:
        self._events = events
        self._find = find
        self._ready: deque[str] = deque()

    def __next__(self) -> str:
        while not self._ready:
            self._ready.extend(self._find(next(self._events)))
        return self._ready.popleft()

    def __iter__(self) -> Self:
        return self


class AsyncPieces:
    """The same for asyncio and trio. No generator: trio complains about one that was not read to its end."""

    def __init__(self, events: Any, find: Callable[[Any], Iterable[str]]) -> None:
        self._events = events
        self._find = find
        self._ready: deque[str] = deque()

    async def __anext__(self) -> str:
        while not self._ready:
            self._ready.extend(self._find(await self._events.__anext__()))
        return self._ready.popleft()

    def __aiter__(self) -> Self:
        return self


class StreamManager(Generic[StreamT]):
    """What a `stream` method returns: entering it sends the request and gives the stream, leaving it closes that."""

    def __init__(self, open_stream: Callable[[], StreamT]) -> None:
        self._open = open_stream
        self._stream: StreamT | None = None

    def __enter__(self) -> StreamT:
        self._stream = self._open()
        return self._stream

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()


class AsyncStreamManager(Generic[AsyncStreamT]):
    """The same as `StreamManager`, for asyncio and trio. Awaiting it gives the stream without the block."""

    def __init__(self, open_stream: Callable[[], Awaitable[AsyncStreamT]]) -> None:
        self._open = open_stream
        self._stream: AsyncStreamT | None = None

    def __await__(self) -> Generator[Any, Any, AsyncStreamT]:
        return self._open().__await__()

    async def __aenter__(self) -> AsyncStreamT:
        self._stream = await self._open()
        return self._stream

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._stream is not None:
            await self._stream.close()
