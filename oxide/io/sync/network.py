"""Blocking sockets: connect, TLS, read, write."""

from __future__ import annotations

import socket
import ssl

from ...core.dial import Address
from ...core.errors import ReadError, WriteError
from ...core.http11 import H1Connection
from ..sockets import READ_SIZE, configure, connect_error, default_ssl_context, is_timeout, pending_input, tls_error

__all__ = ["Connection", "Network"]


class Connection:
    """A connected socket and the protocol machine that speaks over it.

    `read` and `write` raise TimeoutError when the socket did nothing for `timeout` seconds.
    """

    __slots__ = ("_sock", "_timeout", "h1")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
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

    def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteError, TimeoutError."""
        self._limit(timeout)
        try:
            sent = self._sock.send(data)
            if sent < len(data):
                view = memoryview(data)
                while sent < len(data):
                    sent += self._sock.send(view[sent : sent + READ_SIZE])
        except OSError as error:
            if is_timeout(error):
                raise
            raise WriteError(f"the connection broke: {error.strerror or error}") from error

    def is_stale(self) -> bool:
        """Whether the idle connection was closed by its peer, or has something to say unasked."""
        return pending_input(self._sock)

    def close(self) -> None:
        """Close the socket. Never raises."""
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
        except OSError as error:
            raise connect_error(host, None, error) from error
        return [(family, address) for family, _, _, _, address in found]

    def open(self, address: Address, timeout: float | None) -> Connection:
        family, where = address
        sock = socket.socket(family, socket.SOCK_STREAM)
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
