"""Streams of server-sent events, as the methods with `stream=True` return them."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .core.call import api_error
from .core.errors import TransportError
from .core.events import EventDecoder
from .core.http import Response

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AsyncStream", "Stream"]

T = TypeVar("T")

# After `[DONE]` comes the end of the body, usually in the same packet. Waiting a moment for it keeps the connection,
# and making a new one would take longer.
DRAIN_SECONDS = 0.05


class Stream(Generic[T]):
    """The events of a response as they arrive: an iterator, and a context manager that gives the response up on leaving.

    A response that breaks off before its first event is asked for again, as the client's retry policy says.

    Args:
        again: gives the response of the next attempt, for what broke this one.

    Iterating raises:
        APIError: the stream carried an error event.
        APIConnectionError: the connection broke; APITimeoutError where a timeout passed.
        APIResponseValidationError: an event was not JSON, or with `strict=True` not of its type.

    Attributes:
        response: the response whose body this is.
    """

    def __init__(
        self, *, response: Response, decoder: EventDecoder, again: Callable[[TransportError], Response] | None = None
    ) -> None:
        self.response = response
        self._decoder = decoder
        self._iterator: Iterator[T] = _events(response, decoder, again)

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

    @property
    def announced(self) -> bool:
        """Whether the stream said that it was over, by `[DONE]`, as those of chat completions do."""
        return self._decoder.announced

    def close(self) -> None:
        """Give the response up. Its connection is kept if the stream was read to its end, and closed otherwise."""
        self.response.close()


# A function beside the class: a generator that knew the stream would make a cycle, and a stream that is dropped early
# would keep its connection until the next garbage collection.
def _events(
    response: Response, decoder: EventDecoder, again: Callable[[TransportError], Response] | None
) -> Iterator[Any]:
    stream = response.stream
    try:
        while stream is not None and not decoder.done:
            try:
                objects = decoder.receive_data(next(stream))
            except StopIteration:
                objects = decoder.receive_eof()
            except TransportError as error:
                if again is None or decoder.received:
                    raise api_error(response.request, error) from error
                response.close()
                response.become(again(error))
                decoder.start_over()
                stream = response.stream
                continue
            if objects:
                # Who holds a stream that has begun does not hold the client.
                again = None
            yield from objects
        if decoder.error is not None:
            raise decoder.error
        drain = getattr(stream, "drain", None)
        if drain is not None:
            drain(DRAIN_SECONDS)
    finally:
        response.close()


class AsyncStream(Generic[T]):
    """The same as `Stream`, for asyncio and trio."""

    def __init__(
        self,
        *,
        response: Response,
        decoder: EventDecoder,
        again: Callable[[TransportError], Awaitable[Response]] | None = None,
    ) -> None:
        self.response = response
        self._decoder = decoder
        self._again = again
        self._ready: deque[T] = deque()

    async def __anext__(self) -> T:
        ready = self._ready
        while not ready:
            decoder = self._decoder
            if decoder.done:
                drain = getattr(self.response.stream, "drain", None)
                if drain is not None and decoder.error is None:
                    await drain(DRAIN_SECONDS)
                await self.close()
                error, decoder.error = decoder.error, None
                raise error or StopAsyncIteration
            stream = self.response.stream
            if stream is None:
                raise StopAsyncIteration
            try:
                ready.extend(decoder.receive_data(await stream.__anext__()))
            except StopAsyncIteration:
                ready.extend(decoder.receive_eof())
            except TransportError as error:
                decoder.done = True
                await self.close()
                if self._again is None or decoder.received:
                    raise api_error(self.response.request, error) from error
                self.response.become(await self._again(error))
                decoder.start_over()
            except BaseException:
                # Cancelled: what was being received is lost, and with it the place in the stream.
                decoder.done = True
                await self.close()
                raise
            if ready:
                # Who holds a stream that has begun does not hold the client.
                self._again = None
        return ready.popleft()

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def announced(self) -> bool:
        """Whether the stream said that it was over, by `[DONE]`, as those of chat completions do."""
        return self._decoder.announced

    def take(self) -> T | None:
        """An event that has arrived already, or `None`."""
        ready = self._ready
        return ready.popleft() if ready else None

    async def close(self) -> None:
        """Give the response up. Its connection is kept if the stream was read to its end, and closed otherwise."""
        await self.response.aclose()

    async def aclose(self) -> None:
        """The same as `close`."""
        await self.close()
