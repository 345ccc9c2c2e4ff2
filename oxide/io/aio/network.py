"""Non-blocking sockets: connect, TLS, read, write."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

import anyio
import anyio.lowlevel

from ...core.dial import Address
from ...core.errors import ReadError, WriteError
from ...core.http11 import H1Connection
from ..sockets import (
    READ_SIZE,
    configure,
    connect_error,
    default_ssl_context,
    input_probe,
    is_pending,
    is_timeout,
    tls_error,
)
from .waiting import Waiter

__all__ = ["Connection", "Network", "TLSConnection"]


class Connection:
    """A connected socket and the protocol machine that speaks over it.

    `read` and `write` raise TimeoutError when the socket did nothing for `timeout` seconds.
    """

    __slots__ = ("_probe", "_sock", "_waiter", "h1")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._probe: Callable[[], object] | None = None
        self._waiter = Waiter(sock)
        self.h1 = H1Connection()

    async def read(self, timeout: float | None) -> bytes:
        """Some bytes, empty at the end of the connection. Raises ReadError, TimeoutError."""
        try:
            while True:
                # Waiting first, although there may be something already: this is where the event loop gets its turn.
                data: bytes | None = await self._waiter.readable(timeout)
                if data is not None:
                    return data
                try:
                    return self._sock.recv(READ_SIZE)
                except (BlockingIOError, InterruptedError):
                    continue
        except OSError as error:
            if is_timeout(error):
                raise
            raise ReadError(f"the connection broke: {error.strerror or error}") from error

    def read_ready(self) -> bytes | None:
        """What has come already, `None` for nothing, empty at the end of the connection. Raises ReadError."""
        if not self.is_stale():
            return None
        try:
            return self._sock.recv(READ_SIZE)
        except OSError as error:
            if is_pending(error):
                return None
            raise ReadError(f"the connection broke: {error.strerror or error}") from error

    async def write(self, data: bytes, allowance: Callable[[], float | None]) -> None:
        """Send all of `data`; `allowance` gives the timeout of each step. Raises WriteError, TimeoutError."""
        view: memoryview | None = None
        sent = 0
        try:
            while True:
                try:
                    sent += self._sock.send(data if view is None else view[sent:])
                except (BlockingIOError, InterruptedError):
                    await self._waiter.writable(allowance())
                if sent == len(data):
                    return
                view = memoryview(data)
        except OSError as error:
            if is_timeout(error):
                raise
            raise WriteError(f"the connection broke: {error.strerror or error}") from error

    def is_stale(self) -> bool:
        """Whether the idle connection was closed by its peer, or has something to say unasked."""
        probe = self._probe
        if probe is None:
            probe = self._probe = input_probe(self._sock)
        return bool(probe())

    def close(self) -> None:
        """Close the socket, from wherever it may be called. Never raises."""
        self._waiter.close()

    def forget(self) -> None:
        """Close this process's copy of the socket; the connection stays as it is. Never raises."""
        self._waiter.forget()


class TLSConnection(Connection):
    """The same with TLS between the socket and the machine (`ssl.SSLObject` over memory buffers)."""

    __slots__ = ("_incoming", "_outgoing", "_tls")

    def __init__(self, connection: Connection, context: ssl.SSLContext, host: str) -> None:
        # One waiter for both: it is known to the event loop, and has to leave it before the socket is closed.
        self._sock = connection._sock
        self._probe = None
        self._waiter = connection._waiter
        self.h1 = connection.h1
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    async def handshake(self, timeout: float | None) -> None:
        """Do the TLS handshake. Raises ssl.SSLError, ReadError, WriteError, TimeoutError."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush(timeout)
                await self._fill(timeout)
            except ssl.SSLError:
                # The peer is to get the alert that says why, if it is still there.
                try:
                    await self._flush(timeout)
                except WriteError:
                    pass
                raise
            else:
                await self._flush(timeout)
                return

    async def read(self, timeout: float | None) -> bytes:
        try:
            if self._tls.pending():
                await anyio.lowlevel.checkpoint()
            while True:
                try:
                    return self._tls.read(READ_SIZE)
                except ssl.SSLWantReadError:
                    await self._flush(timeout)
                    await self._fill(timeout)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            raise ReadError(f"the TLS connection broke: {error.reason or error}") from error

    def read_ready(self) -> bytes | None:
        data = super().read_ready()
        if data:
            self._incoming.write(data)
        elif data is not None:
            self._incoming.write_eof()
        try:
            return self._tls.read(READ_SIZE)
        except ssl.SSLWantReadError:
            # Half a record, or one that is not for us, such as a session ticket.
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            raise ReadError(f"the TLS connection broke: {error.reason or error}") from error

    async def write(self, data: bytes, allowance: Callable[[], float | None]) -> None:
        try:
            view = memoryview(data)
            while view:
                # A piece at a time, so that the ciphertext of a large body is not all in memory.
                view = view[self._tls.write(view[:READ_SIZE]) :]
                await super().write(self._outgoing.read(), allowance)
        except ssl.SSLError as error:
            raise WriteError(f"the TLS connection broke: {error.reason or error}") from error

    def is_stale(self) -> bool:
        # What came in one packet with the last response may be waiting here instead of in the socket.
        return bool(self._incoming.pending or self._tls.pending()) or super().is_stale()

    async def _fill(self, timeout: float | None) -> None:
        data = await super().read(timeout)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self, timeout: float | None) -> None:
        if self._outgoing.pending:
            await super().write(self._outgoing.read(), lambda: timeout)


class Network:
    """Makes connections: the commands of `core.dial`.

    Args:
        ssl_context: for TLS; one that verifies certificates and host names is made when it is first needed.
    """

    def __init__(self, ssl_context: ssl.SSLContext | None) -> None:
        self._ssl_context = ssl_context

    async def resolve(self, host: str, port: int, timeout: float | None) -> list[Address]:
        try:
            # An address needs no look-up, and so no thread.
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            try:
                with anyio.fail_after(timeout):
                    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)  # type: ignore[assignment]
            except TimeoutError:
                raise
            except (OSError, UnicodeError) as error:
                raise connect_error(host, None, error) from error
        return [(family, address) for family, _, _, _, address in found]

    async def open(self, address: Address, timeout: float | None) -> Connection:
        family, where = address
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise connect_error(where[0], where[1], error) from error
        try:
            sock.setblocking(False)
            with anyio.fail_after(timeout):
                try:
                    sock.connect(where)
                except (BlockingIOError, InterruptedError):
                    await anyio.wait_writable(sock)
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code:
                        from os import strerror

                        raise OSError(code, strerror(code)) from None
            configure(sock)
        except TimeoutError:
            sock.close()
            raise
        except OSError as error:
            sock.close()
            raise connect_error(where[0], where[1], error) from error
        except BaseException:
            sock.close()
            raise
        return Connection(sock)

    async def start_tls(self, connection: Connection, host: str, timeout: float | None) -> Connection:
        if self._ssl_context is None:
            self._ssl_context = default_ssl_context()
        try:
            secured = TLSConnection(connection, self._ssl_context, host)
            with anyio.fail_after(timeout):
                await secured.handshake(None)
        except TimeoutError:
            connection.close()
            raise
        except (OSError, ValueError, ReadError, WriteError) as error:
            connection.close()
            raise tls_error(host, error) from error
        except BaseException:
            connection.close()
            raise
        return secured
