"""Non-blocking sockets: connect, TLS, read, write."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

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
    input_probe,
    is_pending,
    is_timeout,
    numeric_addresses,
    read_error,
    says_something,
    tls_error,
)
from ..trust import Trust
from .waiting import DONE, Waiter

__all__ = ["Connection", "Network"]


class Connection:
    """A connected socket and the protocol machine that speaks over it.

    `read` and `write` raise TimeoutError when the socket did nothing for `timeout` seconds.
    """

    __slots__ = ("_probe", "_sock", "_waiter", "h1")

    # A task is cancelled where it waits, and needs no switch for it.
    abort = None

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._probe: Callable[[], object] | None = None
        self._waiter = Waiter(sock)
        self.h1 = H1Connection()

    # These two give what is to be awaited rather than being coroutines: nearly always it is a future or nothing.

    def read(self, timeout: float | None) -> Awaitable[bytes]:
        """Some bytes, empty at the end of the connection. Raises ReadError, TimeoutError."""
        return self._waiter.read(timeout)

    def read_ready(self) -> bytes | None:
        """What has come already, `None` for nothing, empty at the end of the connection. Raises ReadError."""
        if not self.has_input():
            return None
        try:
            return self._sock.recv(READ_SIZE)
        except OSError as error:
            if is_pending(error):
                return None
            raise read_error(error) from error

    def write(self, data: bytes, allowance: Callable[[], float | None]) -> Awaitable[None]:
        """Send all of `data`; `allowance` gives the timeout of each step. Raises WriteError, TimeoutError."""
        try:
            sent = self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            raise WriteError(f"the connection broke: {error.strerror or error}") from error
        return DONE if sent == len(data) else self._write_rest(memoryview(data)[sent:], allowance)

    async def _write_rest(self, data: memoryview, allowance: Callable[[], float | None]) -> None:
        try:
            while data:
                await self._waiter.writable(allowance())
                try:
                    data = data[self._sock.send(data) :]
                except (BlockingIOError, InterruptedError):
                    continue
        except OSError as error:
            if is_timeout(error):
                raise
            raise WriteError(f"the connection broke: {error.strerror or error}") from error

    def has_input(self) -> bool:
        """Whether there is something to be read, be it the end."""
        probe = self._probe
        if probe is None:
            probe = self._probe = input_probe(self._sock)
        return bool(probe())

    def is_stale(self) -> bool:
        """Whether the idle connection was closed by its peer, or has something to say unasked."""
        return self.has_input() and says_something(self)

    def agreed_protocol(self) -> str | None:
        """What the TLS handshake settled on (ALPN)."""
        return None

    def close(self) -> None:
        """Close the socket, from wherever it may be called. Never raises."""
        self._waiter.close()

    def forget(self) -> None:
        """Close this process's copy of the socket; the connection stays as it is. Never raises."""
        self._waiter.forget()


class Network:
    """Makes connections: the commands of `core.dial`.

    Args:
        reach: how origins are reached.
        trust: for TLS.
    """

    def __init__(self, reach: Reach, trust: Trust) -> None:
        self._reach = reach
        self._trust = trust

    async def reach(self) -> Reach:
        return self._reach

    async def resolve(self, host: str, port: int, timeout: float | None) -> list[Address]:
        found = numeric_addresses(host, port)
        if found is not None:
            return found
        try:
            return as_addresses(await look_up(host, port, timeout))
        except TimeoutError:
            raise
        except (OSError, UnicodeError) as error:
            raise connect_error(host, None, error) from error

    async def begin(self, address: Address) -> Attempt:
        return begin(address, self._reach.local_address)

    async def wait_any(self, attempts: list[Attempt], timeout: float | None) -> list[Attempt]:
        ended: list[Attempt] = []

        async def wait(attempt: Attempt) -> None:
            await anyio.wait_writable(attempt.sock)
            ended.append(attempt)

        with anyio.move_on_after(timeout) as scope:
            if len(attempts) == 1:
                await wait(attempts[0])
            elif not attempts:
                await anyio.sleep_forever()
            else:

                async def wait_first(attempt: Attempt) -> None:
                    await wait(attempt)
                    scope.cancel()

                async with anyio.create_task_group() as group:
                    for attempt in attempts:
                        group.start_soon(wait_first, attempt)
        return ended

    async def finish(self, attempt: Attempt) -> Connection:
        return Connection(finish(attempt))

    async def start_tls(
        self, connection: Connection, host: str, timeout: float | None, to_proxy: bool, http2: bool = False
    ) -> Connection:
        try:
            # asyncio has imported ssl, but trio alone has not.
            from .tls import TLSConnection

            secured = TLSConnection(connection, self._trust.context(to_proxy, http2), host)
            with anyio.fail_after(timeout):
                await secured.handshake(None)
            return secured
        except TimeoutError:
            connection.close()
            raise
        except (OSError, ValueError, ReadError, WriteError) as error:
            connection.close()
            raise tls_error(host, error) from error
        except BaseException:
            connection.close()
            raise


async def look_up(host: str, port: int, timeout: float | None) -> Any:
    """`socket.getaddrinfo` with a limit. Raises OSError, UnicodeError, TimeoutError."""
    with anyio.fail_after(timeout):
        return await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
