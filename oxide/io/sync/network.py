"""Blocking sockets: connect, TLS, read, write."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    import ssl

__all__ = ["Connection", "Network"]


class Connection:
    """A connected socket and the protocol machine that speaks over it.

    `read` and `write` raise TimeoutError when the socket did nothing for `timeout` seconds.
    """

    __slots__ = ("_probe", "_sock", "_timeout", "h1")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._probe: Callable[[], object] | None = None
        self._timeout = sock.gettimeout()
        self.h1 = H1Connection()

    def _limit(self, timeout: float | None) -> None:
        if timeout != self._timeout:
            # A timeout of 0 would make the socket non-blocking.
            self._sock.settimeout(timeout if timeout is None else max(timeout, 0.001))
            self._timeout = timeout

    def read(self, timeout: float | None) -> bytes:
        """Some bytes, empty at the end of the connection. Raises ReadError, TimeoutError."""
        self._limit(timeout)
        try:
            return self._sock.recv(READ_SIZE)
        except OSError as error:
            if is_timeout(error):
                raise
            raise ReadError(f"the connection broke: {error.strerror or error}") from error

    def read_ready(self) -> bytes | None:
        """What has come already, `None` for nothing, empty at the end of the connection. Raises ReadError."""
        if not self.is_stale():
            return None
        self._sock.settimeout(0.0)
        # No limit that anybody sets, so that the next one is set.
        self._timeout = -1.0
        try:
            return self._sock.recv(READ_SIZE)
        except OSError as error:
            if is_pending(error):
                return None
            raise ReadError(f"the connection broke: {error.strerror or error}") from error

    def write(self, data: bytes, allowance: Callable[[], float | None]) -> None:
        """Send all of `data`; `allowance` gives the timeout of each step. Raises WriteError, TimeoutError."""
        self._limit(allowance())
        try:
            sent = self._sock.send(data)
            if sent < len(data):
                view = memoryview(data)
                while sent < len(data):
                    self._limit(allowance())
                    sent += self._sock.send(view[sent : sent + READ_SIZE])
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
        """Close the socket, and wake up who may be waiting for it in another thread. Never raises."""
        try:
            # Not the method of a TLS socket, which would take the TLS layer away from under that other thread.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
        except OSError:
            pass
        self.forget()

    def forget(self) -> None:
        """Close this process's copy of the socket; the connection stays as it is. Never raises."""
        try:
            self._sock.close()
        except OSError:
            pass


class Network:
    """Makes connections: the commands of `core.dial`.

    Args:
        ssl_context: for TLS; one that verifies certificates and host names is made when it is first needed.
    """

    def __init__(self, ssl_context: ssl.SSLContext | None) -> None:
        self._ssl_context = ssl_context

    def resolve(self, host: str, port: int, timeout: float | None) -> list[Address]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise connect_error(host, None, error) from error
        return [(family, address) for family, _, _, _, address in found]

    def open(self, address: Address, timeout: float | None) -> Connection:
        family, where = address
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise connect_error(where[0], where[1], error) from error
        try:
            sock.settimeout(timeout if timeout is None else max(timeout, 0.001))
            sock.connect(where)
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

    def start_tls(self, connection: Connection, host: str, timeout: float | None) -> Connection:
        if self._ssl_context is None:
            self._ssl_context = default_ssl_context()
        sock = connection._sock
        sock.settimeout(timeout if timeout is None else max(timeout, 0.001))
        try:
            return Connection(self._ssl_context.wrap_socket(sock, server_hostname=host))
        except TimeoutError:
            sock.close()
            raise
        except (OSError, ValueError) as error:
            sock.close()
            raise tls_error(host, error) from error
        except BaseException:
            sock.close()
            raise
