"""The flow that makes a connection: resolve, connect, TLS."""

from __future__ import annotations

from collections.abc import Generator
from time import monotonic
from typing import Any, Protocol

from .errors import ConnectError
from .url import Origin

__all__ = ["Address", "Network", "OpenSocket", "Resolve", "StartTLS", "dial"]

Address = tuple[int, Any]
"""An address family and the socket address in it, as `socket.getaddrinfo` gives them."""


class Network(Protocol):
    """What the commands of `dial` are performed against; the asynchronous one's methods return awaitables."""

    def resolve(self, host: str, port: int, timeout: float | None) -> Any:
        """The addresses of a host, best first. Raises ConnectError, TimeoutError."""

    def open(self, address: Address, timeout: float | None) -> Any:
        """A connection. Raises ConnectError, TimeoutError."""

    def start_tls(self, connection: Any, host: str, timeout: float | None) -> Any:
        """The connection with TLS over it, closed if that fails. Raises ConnectError, TimeoutError."""


class Resolve:
    __slots__ = ("host", "port", "timeout")

    def __init__(self, host: str, port: int, timeout: float | None) -> None:
        self.host = host
        self.port = port
        self.timeout = timeout

    def perform(self, network: Network) -> Any:
        return network.resolve(self.host, self.port, self.timeout)


class OpenSocket:
    __slots__ = ("address", "timeout")

    def __init__(self, address: Address, timeout: float | None) -> None:
        self.address = address
        self.timeout = timeout

    def perform(self, network: Network) -> Any:
        return network.open(self.address, self.timeout)


class StartTLS:
    __slots__ = ("connection", "host", "timeout")

    def __init__(self, connection: Any, host: str, timeout: float | None) -> None:
        self.connection = connection
        self.host = host
        self.timeout = timeout

    def perform(self, network: Network) -> Any:
        return network.start_tls(self.connection, self.host, self.timeout)


def dial(origin: Origin, timeout: float | None) -> Generator[Any, Any, Any]:
    """Connect to an origin, trying its addresses in order.

    Args:
        origin: where to.
        timeout: seconds for everything together; an address gets an equal share of what is left for it and those after.

    Raises:
        ConnectError: every address refused, or the TLS handshake failed.
        TimeoutError: it took longer than `timeout`.
    """
    end = None if timeout is None else monotonic() + timeout

    def left() -> float | None:
        return None if end is None else max(end - monotonic(), 0.0)

    addresses = yield Resolve(origin.host, origin.port, timeout)
    failures: list[ConnectError] = []
    for position, address in enumerate(addresses):
        # An address that does not answer must not use up the time of those after it.
        others = len(addresses) - position - 1
        share = left()
        if share is not None:
            share /= others + 1
        try:
            connection = yield OpenSocket(address, share)
        except ConnectError as error:
            failures.append(error)
        except TimeoutError:
            if not others:
                raise
            failures.append(ConnectError(f"{address[1][0]} did not answer"))
        else:
            break
    else:
        if len(failures) == 1:
            raise failures[0]
        reasons = "; ".join(map(str, failures)) or "the name has no address"
        raise ConnectError(f"can't connect to {origin.host}:{origin.port}: {reasons}") from (
            failures[0] if failures else None
        )
    if origin.scheme in ("https", "wss"):
        connection = yield StartTLS(connection, origin.host, left())
    return connection
