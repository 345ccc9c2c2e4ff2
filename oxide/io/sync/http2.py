"""HTTP/2 for threads: those that wait for a connection read it for one another."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

from ...core.checkout import checkout, is_live
from ...core.errors import TransportError
from ...core.http import Request, Response
from ...core.http2_options import HTTP2
from ...core.http2_stream import H2Stream, replayable
from ...core.limits import DRAIN_LIMIT
from ..abort import StreamSwitch
from ..http2 import HIGH_WATER, BaseConnection, link_of
from ..pool import SharedPool
from ..sockets import wait_ready
from .run import run

if TYPE_CHECKING:
    from .network import Connection

__all__ = ["SharedConnection", "send", "share"]


def share(connection: Connection, scheme: str, options: HTTP2, pool: SharedPool) -> SharedConnection:
    """A connection that was made for HTTP/2 as one that calls can share."""
    return SharedConnection(link_of(connection), scheme, options, pool, connection.h1.max_expansion)


class SharedConnection(BaseConnection):
    """One HTTP/2 connection, used by any number of threads."""

    def wait(self, stream: H2Stream) -> None:
        """Until there is news for a stream.

        Raises:
            TransportError: the stream ended before its time, and all that came has been taken.
            TimeoutError: a limit passed.
        """
        stream.touched = monotonic()
        try:
            while True:
                nap: Any = None
                with self:
                    if stream.news or stream.error is not None:
                        stream.news = False
                        break
                    now = monotonic()
                    left = self._patience(stream, now)
                    reading = self._reading.take(stream)
                    writing = self._clogged and self._writer is None
                    if writing:
                        self._writer = stream
                    if reading or writing:
                        left = self._slice(left, now)
                    else:
                        nap = Nap()
                        stream.wake = nap.wake
                        self._reading.sleep(stream)
                if nap is not None:
                    nap.sleep(left)
                    continue
                try:
                    self._ready(reading, writing, left)
                finally:
                    if writing:
                        self._writer = None
                self.pump()
        finally:
            with self:
                self._leave(stream)
        self._check(stream)

    def _ready(self, reading: bool, writing: bool, timeout: float | None) -> None:
        """Until the socket can be read or written, for `timeout` seconds at most."""
        reading = reading and len(self._backlog) <= HIGH_WATER
        if not (reading and self._more):
            wait_ready(self._sock, reading, writing, timeout)


class Nap:
    """A sleep that another thread can end."""

    __slots__ = ("_lock", "wake")

    def __init__(self) -> None:
        # A bare lock, because a finalizer may be what wakes us, in the middle of anything: an Event could deadlock.
        self._lock = threading.Lock()
        self._lock.acquire()
        self.wake = self._lock.release

    def sleep(self, seconds: float | None) -> None:
        self._lock.acquire(timeout=-1 if seconds is None else seconds)


def send(transport: Any, connection: SharedConnection, request: Request, streaming: bool) -> Response:
    """Send a request on a connection that was checked out, on another one if the server does not take it there."""
    pool = transport._pool
    replays = 0
    while True:
        try:
            return attempt(pool, connection, request, streaming)
        except TransportError as error:
            if not replayable(request, error, replays):
                raise
        replays += 1
        connection = pool.acquire(request.url.origin)
        if not is_live(connection):
            network = transport._network if request.abort is None else request.abort.over(transport._network)
            connection, _ = run(checkout(pool, request, connection), network)
        if connection.h1 is not None:
            # The server has changed its mind about the protocol.
            pool.release(connection, True)
            return transport.send(request, stream=streaming)


def attempt(pool: SharedPool, connection: SharedConnection, request: Request, streaming: bool) -> Response:
    stream: H2Stream | None = None
    try:
        stream = connection.start(request, streaming)
        if request.abort is not None:
            request.abort.attach(StreamSwitch(connection, stream))
        if stream.sending:
            finish(connection, stream)
        if not isinstance(request.content, bytes):
            upload(connection, stream, request.content)
        while not stream.ready:
            connection.wait(stream)
        response = stream.response()
    except (TransportError, TimeoutError) as error:
        pool.release(connection, connection.leave(stream))
        if stream is None:
            raise
        stream.fail(error)
    except BaseException:
        pool.release(connection, connection.leave(stream))
        raise
    if stream.complete:
        pool.release(connection, connection.leave(stream))
    if streaming:
        response.stream = Body(pool, connection, stream)
    return response


def finish(connection: SharedConnection, stream: H2Stream) -> None:
    """Send what the stream has of the request's body."""
    while True:
        connection.push(stream)
        if not stream.sending:
            return
        connection.wait(stream)


def upload(connection: SharedConnection, stream: H2Stream, content: Any) -> None:
    """Send a request's body that is read meanwhile."""
    chunks = content.__iter__()
    try:
        for data in chunks:
            stream.add(data)
            finish(connection, stream)
            if stream.declined:
                return
        stream.add(b"")
        finish(connection, stream)
    finally:
        chunks.close()


class Body:
    """The rest of a response: `core.http.ByteStream` on a stream of a shared connection."""

    __slots__ = ("_connection", "_pool", "_shared", "_stream")

    def __init__(self, pool: SharedPool, connection: SharedConnection, stream: H2Stream) -> None:
        self._pool = pool
        self._stream = stream
        self._shared = connection
        self._connection: SharedConnection | None = None if stream.complete else connection

    def hold(self) -> None:
        """Note that the whole body is to be kept in memory."""
        self._stream.hold()

    def __next__(self) -> bytes:
        stream = self._stream
        while True:
            if stream.available:
                data = self._take()
                if data:
                    return data
            if self._connection is None:
                raise StopIteration
            self._receive(self._connection)

    def _take(self) -> bytes:
        try:
            return self._shared.take(self._stream)
        except BaseException:
            self._give_up()
            raise

    def _receive(self, connection: SharedConnection) -> None:
        stream = self._stream
        try:
            connection.wait(stream)
        except (TransportError, TimeoutError) as error:
            self._give_up()
            stream.fail(error)
        except BaseException:
            self._give_up()
            raise
        if stream.complete:
            self._connection = None
            self._pool.release(connection, connection.leave(stream))

    def drain(self, seconds: float) -> None:
        """Read on for at most `seconds` to reach the end, if it is near; what comes is dropped."""
        stream = self._stream
        end = monotonic() + seconds
        deadline = stream.request.deadline
        stream.request.deadline = end if deadline is None else min(end, deadline)
        left = DRAIN_LIMIT
        try:
            while self._connection is not None:
                left -= len(self._take())
                if left < 0:
                    return
                self._receive(self._connection)
        except TransportError:
            # The caller has all it wanted; `_receive` has ended the stream.
            return
        finally:
            stream.request.deadline = deadline

    def _give_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.release(connection, connection.leave(self._stream))

    def close(self) -> None:
        self._give_up()

    def __del__(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.lose_stream(connection, self._stream)
