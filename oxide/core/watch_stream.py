"""Bodies that are read later, as those see them who watch a call: how far they came, and how they ended."""

from __future__ import annotations

import gc
from collections import deque
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Any

from .errors import TransportError
from .events import EventDecoder

if TYPE_CHECKING:
    from .watch import Watch

__all__ = ["StreamProgress", "WatchedBody", "WatchedDecoder", "tell_of_dropped"]


class StreamProgress:
    """How far the body of a response was read.

    Attributes:
        watch: who is told.
        done: whether it came to its end.
        error: what ended it before.
        cancelled: whether its reading was given up.
        events, bytes: how many came.
        first, last: when the first and the last event came.
        ended: when it was over; 0 before.
        renewable: whether another response takes the place of one that breaks off before its first event, if there are retries left.
    """

    __slots__ = ("bytes", "cancelled", "done", "ended", "error", "events", "first", "last", "renewable", "watch")

    def __init__(self, watch: Watch, renewable: bool) -> None:
        self.watch = watch
        self.renewable = renewable
        self.done = False
        self.error: BaseException | None = None
        self.cancelled = False
        self.events = 0
        self.bytes = 0
        self.first: float | None = None
        self.last = watch.begun
        self.ended = 0.0

    def receive(self, objects: list[Any]) -> None:
        """Events have arrived."""
        if not objects:
            return
        now = monotonic()
        if self.first is None:
            self.first = now
        see = self.watch.summary.see
        for event in objects:
            self.events += 1
            see(event)
            if self.watch.wants_events:
                self.watch.stream_event(self.events, now, self.last)
            self.last = now

    def end(self) -> None:
        """It was read to its end, closed, or dropped; only the first time counts."""
        if self.ended or (self.renewable and not self.events and isinstance(self.error, TransportError)):
            # Of what broke, `Watch.again` tells.
            return
        self.ended = monotonic()
        if collecting.get():
            dropped.append(self)
        else:
            self.tell()

    def give_up(self, error: BaseException) -> None:
        """There is no response to take the place of the one that broke."""
        self.error = error if isinstance(error, Exception) else None
        self.cancelled = self.error is None
        self.renewable = False
        self.end()

    def tell(self) -> None:
        if self.error is not None:
            how = "error"
        elif self.done:
            how = "complete"
        else:
            how = "cancelled" if self.cancelled else "closed"
        self.watch.stream_end(self, how)


class WatchedBody:
    """A body of which somebody wants to know how far it was read: `core.http.ByteStream` and `AsyncByteStream`."""

    __slots__ = ("_progress", "_stream")

    def __init__(self, stream: Any, progress: StreamProgress) -> None:
        self._stream = stream
        self._progress = progress

    def _failed(self, error: BaseException) -> None:
        progress = self._progress
        if isinstance(error, (StopIteration, StopAsyncIteration)):
            progress.done = True
        elif isinstance(error, Exception):
            progress.error = error
        else:
            progress.cancelled = True

    def __next__(self) -> bytes:
        try:
            data: bytes = next(self._stream)
        except BaseException as error:
            self._failed(error)
            raise
        self._progress.bytes += len(data)
        return data

    def close(self) -> None:
        self._stream.close()
        self._progress.end()

    async def __anext__(self) -> bytes:
        try:
            data: bytes = await self._stream.__anext__()
        except BaseException as error:
            self._failed(error)
            raise
        self._progress.bytes += len(data)
        return data

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._progress.end()

    @property
    def drain(self) -> Any:
        """What the stream has for reading on to a near end, if it has that."""
        return getattr(self._stream, "drain", None)

    @property
    def hold(self) -> Any:
        """What the stream has for noting that all of it is kept, if it has that."""
        return getattr(self._stream, "hold", None)

    def __del__(self) -> None:
        self._progress.end()


class WatchedDecoder(EventDecoder):
    """An `EventDecoder` that tells what it has decoded."""

    __slots__ = ("_progress",)

    def __init__(self, progress: StreamProgress, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._progress = progress

    def receive_data(self, data: bytes) -> list[Any]:
        return self._told(super().receive_data(data))

    def receive_eof(self) -> list[Any]:
        return self._told(super().receive_eof())

    def _told(self, objects: list[Any]) -> list[Any]:
        self._progress.receive(objects)
        if self.done:
            self._progress.done = True
            self._progress.error = self.error
        return objects


# A stream that is dropped ends where it is dropped, unless it is the garbage collector that finds it: that may be in the middle of
# anything, with locks held that a hook needs. Then it is told of with the next call. (A context belongs to one thread.)
dropped: deque[StreamProgress] = deque()
collecting: ContextVar[bool] = ContextVar("collecting", default=False)


def tell_of_dropped() -> None:
    """Tell of the streams that the garbage collector found."""
    while dropped:
        try:
            progress = dropped.popleft()
        except IndexError:
            return
        progress.tell()


def _collects(phase: str, info: Any) -> None:
    collecting.set(phase == "start")


gc.callbacks.append(_collects)
