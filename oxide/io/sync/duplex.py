"""A connection that is read and written at the same time, by different threads."""

from __future__ import annotations

import select
import threading
from time import monotonic
from typing import Any

from ...core.errors import ReadError, WriteError
from ..duplex import BaseDuplex, would_block
from ..sockets import READ_SIZE, wait_ready
from .network import Connection

__all__ = ["Duplex"]

FLUSH_SECONDS = 30.0
"""How long a piece that is encrypted twice may take to leave; waiting for that has no timeout of its own."""


class Duplex(BaseDuplex):
    """The socket of a connection, made non-blocking: what it does not take is kept and sent later.

    A blocking socket has one timeout for reading and writing alike, and OpenSSL does not allow for both at the same time. So each use of
    the socket is short and under a lock, and waiting is done outside of it.
    """

    __slots__ = ("_lock",)

    def __init__(self, connection: Connection) -> None:
        sock = _socket_of(connection)
        sock.setblocking(False)
        super().__init__(connection, sock)
        self._lock = threading.Lock()

    def push(self, data: bytes) -> int:
        """As `BaseDuplex._offer`."""
        with self._lock:
            return self._offer(data)

    def drain(self, goal: int, timeout: float | None) -> None:
        """Wait until `sent` is `goal`. Raises WriteError; TimeoutError where the peer took in nothing for `timeout` seconds."""
        while self.sent < goal:
            self._wait(True, timeout)
            self.push(b"")

    def read(self, timeout: float | None) -> bytes:
        """Some bytes, empty at the end of the connection. Raises ReadError, TimeoutError."""
        end = None if timeout is None else monotonic() + timeout
        while True:
            data = self._recv()
            if data is not None:
                return data
            self._wait(False, None if end is None else max(end - monotonic(), 0.0))

    def read_ready(self) -> bytes | None:
        """What has come already, `None` for nothing, empty at the end of the connection. Raises ReadError."""
        return self._recv()

    def _recv(self) -> bytes | None:
        try:
            with self._lock:
                data: bytes = self._sock.recv(READ_SIZE)
                return data
        except OSError as error:
            if would_block(error):
                return None
            raise ReadError(f"the connection broke: {error.strerror or error}") from error

    def _wait(self, writing: bool, timeout: float | None) -> None:
        sock = self._sock
        try:
            if hasattr(select, "poll"):
                poll = select.poll()
                poll.register(sock, select.POLLOUT if writing else select.POLLIN)
                ready: object = poll.poll(None if timeout is None else timeout * 1000)
            else:
                wanted = [sock]
                read, write, _ = select.select([] if writing else wanted, wanted if writing else [], [], timeout)
                ready = read or write
        except (OSError, ValueError) as error:
            raise (WriteError if writing else ReadError)("the connection was closed while it was in use") from error
        if not ready:
            raise TimeoutError


class Nested:
    """What `Duplex` does to a socket, done to TLS in TLS."""

    def __init__(self, connection: Connection) -> None:
        from ..http2 import link_of

        self._link = link_of(connection)

    def setblocking(self, flag: bool) -> None:
        """It is not, from the beginning."""

    def fileno(self) -> int:
        return self._link.sock.fileno()

    def send(self, data: bytes | bytearray) -> int:
        taken = self._link.send(data)
        # What is encrypted can't be taken back, so it has to leave the layers before it counts as sent.
        end = monotonic() + FLUSH_SECONDS
        while self._link.holding:
            if monotonic() >= end:
                raise OSError(f"the proxy took nothing in for {FLUSH_SECONDS:g} s")
            wait_ready(self._link.sock, False, True, FLUSH_SECONDS)
            self._link.send(b"")
        return taken

    def recv(self, size: int) -> bytes:
        data = self._link.receive()
        if data is None:
            raise BlockingIOError
        return data


def _socket_of(connection: Connection) -> Any:
    # TLS in TLS, behind a proxy that is reached over TLS, is not the socket's own.
    return Nested(connection) if hasattr(connection, "_inner") else connection._sock
