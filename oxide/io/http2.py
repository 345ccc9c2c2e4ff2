"""What both shells do with an HTTP/2 connection that does not wait: reading what is there, writing what is taken, under a lock."""

from __future__ import annotations

import socket
import threading
from collections import deque
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..core.errors import ReadError
from ..core.http import Request
from ..core.http2 import H2Connection
from ..core.http2_options import HTTP2
from ..core.http2_stream import H2Stream
from ..core.turns import Turn
from .sockets import READ_SIZE, is_pending

if TYPE_CHECKING:
    import ssl

__all__ = ["HIGH_WATER", "BaseConnection", "SocketLink", "TLSLink", "link_of"]

HIGH_WATER = 256 * 1024
"""Bytes. With more than that waiting to be written, nothing more of a request's body is made ready, and nothing is read: a peer
that asks and does not listen to the answers can't fill the memory."""

AT_ONCE = 256 * 1024
"""Bytes. The most that is read before others get their turn."""

SLICE = 1.0
"""Seconds. The longest that the caller who reads goes without looking whether something is left to be written."""


class SocketLink:
    """A non-blocking socket, with TLS where it is an `ssl.SSLSocket`.

    Attributes:
        holding: whether something that `send` took has not been written yet.
    """

    __slots__ = ("_pending", "sock")

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._pending = getattr(sock, "pending", None)

    def receive(self) -> bytes | None:
        """Some bytes, `None` if there are none yet, empty at the end. Raises OSError."""
        try:
            return self.sock.recv(READ_SIZE)
        except OSError as error:
            if is_pending(error):
                return None
            raise

    holding = False

    def send(self, data: bytes | bytearray) -> int:
        """How many bytes were taken. Raises OSError."""
        sent = 0
        try:
            sent = self.sock.send(data)
            if self._pending is not None and sent < len(data):
                # TLS takes a record at a time.
                with memoryview(data) as view:
                    while sent < len(data):
                        sent += self.sock.send(view[sent:])
        except OSError as error:
            if not is_pending(error) and type(error).__name__ != "SSLWantWriteError":
                raise
        return sent

    def is_drained(self, data: bytes) -> bool:
        """Whether the socket will tell if there is more behind `data`."""
        return len(data) < READ_SIZE and (self._pending is None or not self._pending())


class TLSLink:
    """The same over a TLS layer that is not the socket's own (`ssl.SSLObject` on memory buffers)."""

    __slots__ = ("_incoming", "_link", "_outgoing", "_tls", "sock")

    def __init__(
        self, inner: SocketLink | TLSLink, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self._link = inner
        self.sock: socket.socket = inner.sock
        self._tls = tls
        self._incoming = incoming
        self._outgoing = outgoing

    def receive(self) -> bytes | None:
        while True:
            try:
                return self._tls.read(READ_SIZE)
            except OSError as error:
                name = type(error).__name__
                if name in ("SSLZeroReturnError", "SSLEOFError"):
                    return b""
                if not is_pending(error):
                    raise
            data = self._link.receive()
            if data is None:
                return None
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def send(self, data: bytes | bytearray) -> int:
        # What could not be sent before comes first, since TLS can't take it back.
        written = 0
        with memoryview(data) as view:
            while self._flush() and written < len(data):
                written += self._tls.write(view[written : written + READ_SIZE])
        return written

    @property
    def holding(self) -> bool:
        return bool(self._outgoing.pending or self._link.holding)

    def is_drained(self, data: bytes) -> bool:
        return False

    def _flush(self) -> bool:
        while self._outgoing.pending:
            data = self._outgoing.read(READ_SIZE)
            sent = self._link.send(data)
            if sent < len(data):
                rest = data[sent:] + self._outgoing.read()
                self._outgoing.write(rest)
                return False
        return True


def link_of(connection: Any) -> SocketLink | TLSLink:
    """What is under a connection that was made for this."""
    tls = getattr(connection, "_tls", None)
    if tls is None:
        return SocketLink(connection._sock)
    return TLSLink(link_of(connection._inner), tls, connection._incoming, connection._outgoing)


class BaseConnection:
    """One HTTP/2 connection. Each method holds the lock for as long as it takes to move bytes, and none waits.

    Calls come and go: `start`, wait until there is news, `take`, and at the end `leave`.
    How to wait is the shells'.

    Args:
        link: the socket.
        scheme: `"https"` or `"http"`.
        options: windows and pings.
        pool: is told when the server takes more or fewer streams.
        max_expansion: the bound for compressed bodies.
    """

    h1 = None
    """What an HTTP/1.1 connection has its machine in."""

    abort = None
    """What may give up the only request of an HTTP/1.1 connection."""

    def __init__(self, link: Any, scheme: str, options: HTTP2, pool: Any, max_expansion: float | None) -> None:
        self._link = link
        self._sock: socket.socket = link.sock
        self._pool = pool
        self._lock = threading.Lock()
        self._machine = H2Connection(options, scheme, monotonic())
        self._machine.max_expansion = max_expansion
        self._backlog = bytearray()
        self._queued = 0
        self._sent = 0
        self._mute = False
        self._more = False
        self._told = self._machine.limit
        self._lost: deque[H2Stream] = deque()
        self._reading = Turn()
        self._writer: H2Stream | None = None

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is not None and not isinstance(error, Exception):
            # Interrupted in the middle: who knows what was taken in and what was not.
            self._machine.fail(ReadError("the connection was given up: reading it was interrupted"))
        if self._machine.news:
            self._wake()
        self._lock.release()
        if self._lost:
            self._settle()

    @property
    def usable(self) -> bool:
        """Whether more requests may use it."""
        return self._machine.usable

    @property
    def streams(self) -> int:
        """How many requests it takes at once; 0 for one, until more is known."""
        return self._machine.limit

    def is_stale(self) -> bool:
        """Whether it can't be used for another request; what came while it was idle is taken in first."""
        if not self._machine.active:
            self.pump()
        return not self._machine.promising

    def start(self, request: Request, streaming: bool) -> H2Stream:
        """Begin a request, and send of it what the server takes at once. Raises ReadError with `sent` False: not here."""
        with self:
            stream = self._machine.open(request, streaming, monotonic())
            self._push(stream)
        return stream

    def push(self, stream: H2Stream) -> None:
        """Send more of a request's body, as far as the server takes it."""
        with self:
            stream.news = False
            self._push(stream)

    def _push(self, stream: H2Stream) -> None:
        while self._machine.push(stream, HIGH_WATER - len(self._backlog)) and stream.sending:
            stream.touched = monotonic()
            self._flush()
        self._flush()
        stream.mark = self._queued

    def take(self, stream: H2Stream) -> bytes:
        """What came of a response's body; empty for nothing new. Raises ProtocolError."""
        with self:
            data = stream.take()
            if self._machine.consumed(stream):
                self._flush()
        return data

    def leave(self, stream: H2Stream | None) -> bool:
        """Have done with a stream, which is reset if it is not over; returns `usable`. Never raises."""
        if stream is not None and not stream.complete:
            with self:
                self._machine.cancel(stream, monotonic())
                self._flush()
        return self._machine.usable

    def give_up(self, stream: H2Stream) -> None:
        """Have another thread's wait for a stream end. Whoever reads the socket for it notices within a slice."""
        with self:
            if stream.complete or stream.error is not None:
                return
            self._machine.cancel(stream)
            self._flush()
            stream.error = ReadError("the request was given up")
            wake, stream.wake = stream.wake, None
        if wake is not None:
            wake()

    def lose(self, stream: H2Stream) -> None:
        """The same from a finalizer, which may run in the middle of any of these methods: so it only takes a note."""
        self._lost.append(stream)
        self._settle()

    def _settle(self) -> None:
        while self._lost and self._lock.acquire(blocking=False):
            try:
                while self._lost:
                    self._machine.cancel(self._lost.popleft())
                self._flush()
            finally:
                self._lock.release()

    def pump(self) -> None:
        """Take in what has come and tell those that it is for; write what is to be written."""
        machine = self._machine
        with self:
            self._more = False
            left = AT_ONCE
            while machine.error is None and len(self._backlog) <= HIGH_WATER:
                try:
                    data = self._link.receive()
                except OSError as error:
                    machine.fail(ReadError(f"the connection broke: {error.strerror or error}"), error)
                    break
                if data is None:
                    break
                if not data:
                    machine.receive_eof()
                    break
                machine.receive_data(data, monotonic())
                left -= len(data)
                if self._link.is_drained(data):
                    break
                if left <= 0:
                    self._more = True
                    break
            self._flush()
            resized = machine.limit != self._told
            self._told = machine.limit
        if resized:
            self._pool.resized(self)

    def _flush(self) -> None:
        data = self._machine.data_to_send()
        self._queued += len(data)
        backlog = self._backlog
        if self._mute:
            return
        try:
            if backlog:
                backlog += data
                sent = self._link.send(backlog)
                del backlog[:sent]
                if sent and len(backlog) <= HIGH_WATER // 2:
                    self._machine.tell_senders()
            elif data or self._link.holding:
                sent = self._link.send(data)
                if sent < len(data):
                    backlog += data[sent:]
            else:
                return
            self._sent += sent
        except OSError:
            # Reading tells what became of the requests: there may be answers yet.
            self._mute = True
            backlog.clear()
        if self._clogged:
            self._watch()

    @property
    def _clogged(self) -> bool:
        """Whether something waits for the socket to take it."""
        return not self._mute and (bool(self._backlog) or self._link.holding)

    def _watch(self) -> None:
        """Something is left to be written."""

    def _wake(self) -> None:
        news = self._machine.news
        for stream in news:
            wake, stream.wake = stream.wake, None
            if wake is not None:
                wake()
        news.clear()

    def _patience(self, stream: H2Stream, now: float) -> float | None:
        """Seconds that a call may wait. Raises TimeoutError."""
        stream.step = "read" if stream.ended and (not self._clogged or self._sent >= stream.mark) else "write"
        return stream.patience(now)

    def _slice(self, patience: float | None, now: float) -> float | None:
        """Seconds that the caller whose turn it is may wait for the socket."""
        check = self._machine.check(now)
        self._flush()
        if self._machine.error is not None:
            return 0.0
        limits = [
            limit for limit in (patience, check, SLICE if self._machine.active > 1 else None) if limit is not None
        ]
        return min(limits) if limits else None

    def _leave(self, stream: H2Stream) -> None:
        """A call waits no more; somebody else reads, if it did."""
        stream.wake = None
        heir: Any = self._reading.leave(stream)
        if heir is not None and heir.wake is not None:
            wake, heir.wake = heir.wake, None
            wake()

    def _check(self, stream: H2Stream) -> None:
        """Raise what ended a stream before its time, unless it still has something to give."""
        if stream.error is not None and not (stream.streaming and stream.chunks):
            raise stream.error

    def close(self) -> None:
        """Close the socket, and wake up who may be waiting for it in another thread. Never raises."""
        try:
            # Not the method of a TLS socket, which would take the TLS layer away from under that other thread.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
        except OSError:
            pass
        self._close_socket()

    def forget(self) -> None:
        """In the child of a fork: close this process's copy of the socket. Never raises."""
        self._lock = threading.Lock()
        self._machine.fail(ReadError("the connection belongs to the parent process"))
        self._close_socket()

    def _close_socket(self) -> None:
        try:
            self._sock.close()
        except OSError:
            pass
