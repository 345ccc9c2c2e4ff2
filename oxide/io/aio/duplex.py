"""A connection that is read and written at the same time, by different tasks, any of which may be cancelled."""

from __future__ import annotations

import ssl
from asyncio import Future
from time import monotonic
from typing import Any

import anyio

from ...core.errors import ReadError, WriteError
from ..duplex import BaseDuplex
from ..sockets import READ_SIZE
from .network import Connection
from .tls import TLSConnection

__all__ = ["Duplex"]


class Duplex(BaseDuplex):
    """The socket of a connection: what it does not take is kept and sent later.

    A cancelled task leaves nothing half done: what it had to send stays here for the next one, and what had been read for it as well.
    """

    __slots__ = ("_kept", "_layers", "_sending", "_waiter")

    def __init__(self, connection: Connection) -> None:
        # TLS, and under it TLS to a proxy.
        self._layers: list[TLSConnection] = []
        inner = connection
        while isinstance(inner, TLSConnection):
            self._layers.append(inner)
            inner = inner._inner
        super().__init__(connection, inner._sock)
        self._waiter = inner._waiter
        self._sending: Any = None
        self._kept: bytes | None = None  # what was read for a task that was cancelled just then

    def push(self, data: bytes) -> int:
        """As `BaseDuplex._offer`."""
        for tls in self._layers:
            data = self._encrypt(tls, data)
        return self._offer(data)

    def _encrypt(self, tls: TLSConnection, data: bytes) -> bytes:
        try:
            view = memoryview(data)
            while view:
                view = view[tls._tls.write(view) :]
        except ssl.SSLError as error:
            raise WriteError(f"the TLS connection broke: {error.reason or error}") from error
        return tls._outgoing.read()

    async def drain(self, goal: int, timeout: float | None) -> None:
        """Wait until `sent` is `goal`. Raises WriteError; TimeoutError where the peer took in nothing for `timeout` seconds."""
        if self.sent >= goal:
            return
        if self._sending is None:
            self._sending = anyio.Lock()
        # One waits for the socket, the others for that one.
        async with self._sending:
            while self.sent < goal:
                try:
                    await self._waiter.writable(timeout)
                except TimeoutError:
                    raise
                except OSError as error:
                    # On trio, a read whose time is up wakes whoever waits for the socket.
                    if self.closed:
                        raise WriteError("the connection was closed while it was in use") from error
                self.push(b"")

    async def read(self, timeout: float | None) -> bytes:
        """Some bytes, empty at the end of the connection. Raises ReadError, TimeoutError."""
        end = None if timeout is None else monotonic() + timeout
        while True:
            data = self._decrypt(0, None) if self._layers else None
            if data is None:
                data = await self._receive(None if end is None else max(end - monotonic(), 0.0))
                if self._layers:
                    data = self._decrypt(0, data)
            if data is not None:
                return data

    async def _receive(self, timeout: float | None) -> bytes:
        data: bytes | None
        data, self._kept = self._kept, None
        if data is not None:
            return data
        waiting: Any = None
        try:
            waiting = self._waiter.read(timeout)
            data = await waiting
            return data
        except BaseException:
            # asyncio may cancel a task that has its bytes already.
            if isinstance(waiting, Future) and waiting.done() and not waiting.cancelled() and not waiting.exception():
                self._kept = waiting.result()
            raise

    def read_ready(self) -> bytes | None:
        """What has come already, `None` for nothing, empty at the end of the connection. Raises ReadError."""
        data, self._kept = self._kept, None
        try:
            if data is None:
                data = self._sock.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            data = None
        except OSError as error:
            raise ReadError(f"the connection broke: {error.strerror or error}") from error
        return self._decrypt(0, data) if self._layers else data

    def _decrypt(self, index: int, data: bytes | None) -> bytes | None:
        """Take in what came from the socket, `b""` for its end; gives what can be read of a layer, `None` for nothing."""
        tls = self._layers[index]
        last = index == len(self._layers) - 1
        while True:
            if not last:
                data = self._decrypt(index + 1, data)
            if data:
                tls._incoming.write(data)
            elif data is not None:
                tls._incoming.write_eof()
            try:
                return tls._tls.read(READ_SIZE)
            except ssl.SSLWantReadError:
                if tls._outgoing.pending:
                    self.push(b"")
                if last or data is None:
                    return None
                # There may be more in the layer below than it gave at once.
                data = None
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                raise ReadError(f"the TLS connection broke: {error.reason or error}") from error
