"""Blocking sockets: connect, TLS, read, write."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from ...core.dial import Address, Reach
from ...core.errors import ReadError, WriteError
from ...core.http11 import H1Connection
from ..sockets import (
    READ_SIZE,
    Attempt,
    as_addresses,
    begin,
    connect_error,
    finish,
    has_kernel_timeouts,
    idle_probe,
    is_pending,
    is_timeout,
    numeric_addresses,
    read_error,
    says_something,
    set_kernel_timeout,
    tls_error,
    wait_any,
)
from ..trust import Trust

__all__ = ["Connection", "Network"]


class Connection:
    """A connected socket and the protocol machine that speaks over it.

    `read` and `write` raise TimeoutError when the socket did nothing for `timeout` seconds.
    """

    __slots__ = ("_by_kernel", "_probe", "_sock", "_timeout", "abort", "h1")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._probe: Callable[[], object] | None = None
        self._timeout = sock.gettimeout()
        self._by_kernel = self._timeout is None and has_kernel_timeouts(sock)
        self.abort: Any = None
        self.h1 = H1Connection()

    def _limit(self, timeout: float | None) -> None:
        if timeout != self._timeout:
            if self._by_kernel:
                set_kernel_timeout(self._sock, timeout)
            else:
                # A timeout of 0 would make the socket non-blocking.
                self._sock.settimeout(timeout if timeout is None else max(timeout, 0.001))
            self._timeout = timeout

    def read(self, timeout: float | None) -> bytes:
        """Some bytes, empty at the end of the connection. Raises ReadError, TimeoutError."""
        self._limit(timeout)
        try:
            return self._sock.recv(READ_SIZE)
        except OSError as error:
            if self._timed_out(error):
                raise TimeoutError from None
            raise read_error(error) from error

    def _timed_out(self, error: OSError) -> bool:
        return is_timeout(error) or (self._by_kernel and isinstance(error, BlockingIOError))

    def read_ready(self) -> bytes | None:
        """What has come already, `None` for nothing, empty at the end of the connection. Raises ReadError."""
        if not self.has_input():
            return None
        try:
            if self._by_kernel:
                return self._sock.recv(READ_SIZE, socket.MSG_DONTWAIT)
            self._sock.settimeout(0.0)
            # No limit that anybody sets, so that the next one is set.
            self._timeout = -1.0
            return self._sock.recv(READ_SIZE)
        except OSError as error:
            if is_pending(error):
                return None
            raise read_error(error) from error

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
            if self._timed_out(error):
                raise TimeoutError from None
            raise WriteError(f"the connection broke: {error.strerror or error}") from error

    def has_input(self) -> bool:
        """Whether there is something to be read, be it the end."""
        probe = self._probe
        if probe is None:
            probe = self._probe = idle_probe(self._sock)
        return bool(probe())

    def is_stale(self) -> bool:
        """Whether the idle connection was closed by its peer, or has something to say unasked."""
        return self.has_input() and says_something(self)

    def agreed_protocol(self) -> str | None:
        """What the TLS handshake settled on (ALPN)."""
        return getattr(self._sock, "selected_alpn_protocol", str)() or None

    def close(self) -> None:
        """Close the socket, and wake up who may be waiting for it in another thread. Never raises."""
        self.shut_down()
        self.forget()

    def shut_down(self) -> None:
        """Wake up who may be waiting for the socket in another thread, and is to close it. Never raises."""
        try:
            # Not the method of a TLS socket, which would take the TLS layer away from under that other thread.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
        except OSError:
            pass

    def forget(self) -> None:
        """Close this process's copy of the socket; the connection stays as it is. Never raises."""
        try:
            self._sock.close()
        except OSError:
            pass


class Network:
    """Makes connections: the commands of `core.dial`.

    Args:
        reach: how origins are reached.
        trust: for TLS.
    """

    def __init__(self, reach: Reach, trust: Trust) -> None:
        self._reach = reach
        self._trust = trust

    def reach(self) -> Reach:
        return self._reach

    def resolve(self, host: str, port: int, timeout: float | None) -> list[Address]:
        found = numeric_addresses(host, port)
        if found is not None:
            return found
        try:
            return as_addresses(look_up(host, port, timeout))
        except TimeoutError:
            raise
        except (OSError, UnicodeError) as error:
            raise connect_error(host, None, error) from error

    def begin(self, address: Address) -> Attempt:
        return begin(address, self._reach.local_address)

    def wait_any(self, attempts: list[Attempt], timeout: float | None) -> list[Attempt]:
        return wait_any(attempts, timeout)

    def finish(self, attempt: Attempt) -> Connection:
        sock = finish(attempt)
        sock.setblocking(True)
        return Connection(sock)

    def start_tls(
        self, connection: Connection, host: str, timeout: float | None, to_proxy: bool, http2: bool = False
    ) -> Connection:
        try:
            context = self._trust.context(to_proxy, http2)
            import ssl

            sock = connection._sock
            if not isinstance(sock, ssl.SSLSocket):
                sock.settimeout(timeout if timeout is None else max(timeout, 0.001))
                secured = Connection(context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False))
                secured.h1 = connection.h1
                abort, connection = connection.abort, secured
                if abort is not None:
                    abort.attach(secured)
                secured._sock.do_handshake()  # type: ignore[attr-defined]
                return secured
            # TLS in TLS, to a server behind a proxy that is itself reached over TLS.
            from .tls import TLSConnection

            nested = TLSConnection(connection, context, host)
            nested.handshake(timeout)
            return nested
        except TimeoutError:
            connection.close()
            raise
        except (OSError, ValueError, ReadError, WriteError) as error:
            connection.close()
            raise tls_error(host, error) from error
        except BaseException:
            connection.close()
            raise


def look_up(host: str, port: int, timeout: float | None) -> Any:
    """`socket.getaddrinfo` with a limit, for which it needs a thread. Raises OSError, UnicodeError, TimeoutError."""
    if timeout is None:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    results: list[Any] = []
    done = threading.Lock()
    done.acquire()

    def work() -> None:
        try:
            results.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 (raised below)
            results.append(error)
        finally:
            done.release()

    # One that is late ends by itself, whenever the resolver gives up.
    threading.Thread(target=work, name="oxide-look-up", daemon=True).start()
    if not done.acquire(timeout=timeout):
        raise TimeoutError
    if isinstance(results[0], Exception):
        raise results[0]
    return results[0]
