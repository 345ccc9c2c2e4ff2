"""The flow that makes a connection: resolve, connect, pass through a proxy, TLS.

`dial` is the one way to the network: HTTP/1.1, HTTP/2 and WebSocket all get their connections from it. What it yields is
performed against a `Network`; whether there is a proxy, a Unix socket or another TLS name is the network's `Reach`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from time import monotonic
from typing import Any, Protocol

from .coding import MAX_EXPANSION
from .errors import ConnectError, ProxyError, ReadError, WriteError
from .http2_options import HTTP2
from .proxies import Proxy, ProxyRules
from .tunnel import tunnel_machine
from .url import Origin

__all__ = ["ATTEMPT_DELAY", "Address", "Begin", "Busy", "Finish", "Network", "Reach", "Resolve", "StartTLS", "dial"]

Address = tuple[Any, Any]
"""An address family and the socket address in it, as `socket.getaddrinfo` gives them; or `"unix"` and a path."""

ATTEMPT_DELAY = 0.25
"""Seconds after which the next address is tried beside those that have not answered yet (RFC 8305, section 5)."""

_BUSY_DELAY = 0.005


class Busy(ConnectError):
    """A Unix socket's backlog is full, which can't be waited for otherwise than by trying again."""


class Reach:
    """How origins are reached. A value.

    Attributes:
        proxies: which proxy an origin is reached through.
        uds: the path of a Unix socket to which all connections go, instead of to the origin's host.
        local_address: the address to connect from.
        server_hostname: the name for TLS, in SNI and to be found in the certificate, instead of the origin's host.
        max_expansion: the bound for compressed bodies, see `core.coding`.
    """

    __slots__ = ("local_address", "max_expansion", "proxies", "server_hostname", "uds")

    def __init__(
        self,
        proxies: ProxyRules,
        uds: str | None = None,
        local_address: str | None = None,
        server_hostname: str | None = None,
        max_expansion: float | None = MAX_EXPANSION,
    ) -> None:
        self.proxies = proxies
        self.max_expansion = max_expansion
        self.uds = uds
        self.local_address = local_address
        self.server_hostname = server_hostname


class Network(Protocol):
    """What the commands of `dial` are performed against; the asynchronous one's methods return awaitables."""

    def reach(self) -> Any:
        """The `Reach`."""

    def resolve(self, host: str, port: int, timeout: float | None) -> Any:
        """The addresses of a host, best first. Raises ConnectError, TimeoutError."""

    def begin(self, address: Address) -> Any:
        """An attempt to connect, under way, which has a method `close`. Raises ConnectError."""

    def wait_any(self, attempts: list[Any], timeout: float | None) -> Any:
        """Those of the attempts that came to an end, as soon as one has; none of them after `timeout` seconds."""

    def finish(self, attempt: Any) -> Any:
        """The connection that an ended attempt came to. Raises ConnectError."""

    def start_tls(self, connection: Any, host: str, timeout: float | None, to_proxy: bool, http2: bool) -> Any:
        """The connection with TLS over it, closed if that fails; `http2` is whether to offer that. Raises ConnectError, TimeoutError."""

    def start_http2(self, connection: Any, scheme: str, options: HTTP2) -> Any:
        """The connection as one that requests share."""


class _GetReach:
    __slots__ = ()

    def perform(self, network: Network) -> Any:
        return network.reach()


class Resolve:
    __slots__ = ("host", "port", "timeout")

    def __init__(self, host: str, port: int, timeout: float | None) -> None:
        self.host = host
        self.port = port
        self.timeout = timeout

    def perform(self, network: Network) -> Any:
        return network.resolve(self.host, self.port, self.timeout)


class Begin:
    __slots__ = ("address",)

    def __init__(self, address: Address) -> None:
        self.address = address

    def perform(self, network: Network) -> Any:
        return network.begin(self.address)


class WaitAny:
    __slots__ = ("attempts", "timeout")

    def __init__(self, attempts: list[Any], timeout: float | None) -> None:
        self.attempts = attempts
        self.timeout = timeout

    def perform(self, network: Network) -> Any:
        return network.wait_any(self.attempts, self.timeout)


class Finish:
    __slots__ = ("attempt",)

    def __init__(self, attempt: Any) -> None:
        self.attempt = attempt

    def perform(self, network: Network) -> Any:
        return network.finish(self.attempt)


class StartTLS:
    __slots__ = ("connection", "host", "http2", "timeout", "to_proxy")

    def __init__(self, connection: Any, host: str, timeout: float | None, to_proxy: bool, http2: bool = False) -> None:
        self.connection = connection
        self.host = host
        self.timeout = timeout
        self.to_proxy = to_proxy
        self.http2 = http2

    def perform(self, network: Network) -> Any:
        return network.start_tls(self.connection, self.host, self.timeout, self.to_proxy, self.http2)


class Write:
    __slots__ = ("clock", "connection", "data")

    def __init__(self, connection: Any, data: bytes, clock: Clock) -> None:
        self.connection = connection
        self.data = data
        self.clock = clock

    def perform(self, network: Network) -> Any:
        return self.connection.write(self.data, self.clock.left)


class Read:
    __slots__ = ("connection", "timeout")

    def __init__(self, connection: Any, timeout: float | None) -> None:
        self.connection = connection
        self.timeout = timeout

    def perform(self, network: Network) -> Any:
        return self.connection.read(self.timeout)


class Clock:
    """The time that is left for everything together."""

    __slots__ = ("_end", "timeout")

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout
        self._end = None if timeout is None else monotonic() + timeout

    def left(self) -> float | None:
        return None if self._end is None else max(self._end - monotonic(), 0.0)

    def until(self, moment: float | None) -> float | None:
        """Seconds until `moment`, or until there is no time left if that is sooner."""
        left = self.left()
        if moment is None:
            return left
        wait = max(moment - monotonic(), 0.0)
        return wait if left is None or wait < left else left


class StartHTTP2:
    __slots__ = ("connection", "options", "scheme")

    def __init__(self, connection: Any, scheme: str, options: HTTP2) -> None:
        self.connection = connection
        self.scheme = scheme
        self.options = options

    def perform(self, network: Network) -> Any:
        return network.start_http2(self.connection, self.scheme, self.options)


def dial(origin: Origin, timeout: float | None, http2: HTTP2 | None = None) -> Generator[Any, Any, Any]:
    """A connection over which bytes go to an origin and come from it, with TLS where its scheme (`https`, `wss`) has it.

    Where a proxy passes on single requests rather than bytes, which is what it does for `http`, the connection's machine is
    told so (`h1.forward`).

    Args:
        origin: where to.
        timeout: seconds for everything together.
        http2: how HTTP/2 is spoken where the server agrees to it; `None` for HTTP/1.1 alone.

    Raises:
        ConnectError: every address refused, the TLS handshake failed, or (ProxyError) the proxy did.
        TimeoutError: it took longer than `timeout`.
    """
    clock = Clock(timeout)
    reach: Reach = yield _GetReach()
    if reach.uds is not None:
        connection = yield from _connect([("unix", reach.uds)], reach.uds, clock)
    else:
        proxy = reach.proxies.proxy_for(origin) if reach.proxies else None
        if proxy is None:
            addresses = yield Resolve(origin.host, origin.port, clock.left())
            connection = yield from _connect(addresses, _place(origin), clock)
        else:
            connection = yield from _through(proxy, origin, clock)
    connection.h1.max_expansion = reach.max_expansion
    if origin.scheme in ("https", "wss"):
        # No certificate has the zone of an address in it.
        name = reach.server_hostname or origin.host.rstrip(".").partition("%")[0]
        offer = http2 is not None and origin.scheme == "https"
        connection = yield StartTLS(connection, name, clock.left(), False, offer)
        agreed = offer and connection.agreed_protocol() == "h2"
    else:
        # A proxy that passes on single requests has a say in their protocol.
        agreed = http2 is not None and http2.prior_knowledge and origin.scheme == "http" and not connection.h1.forward
    if agreed and http2 is not None:
        connection = yield StartHTTP2(connection, origin.scheme, http2)
    return connection


def _place(origin: Origin) -> str:
    return f"{origin.host}:{origin.port}"


def _through(proxy: Proxy, origin: Origin, clock: Clock) -> Generator[Any, Any, Any]:
    """A connection to a proxy, which then passes on what is sent. Raises ProxyError, TimeoutError."""
    where = proxy.origin
    try:
        addresses = yield Resolve(where.host, where.port, clock.left())
        connection = yield from _connect(addresses, _place(where), clock)
        if where.scheme == "https":
            connection = yield StartTLS(connection, where.host, clock.left(), True)
    except ConnectError as error:
        raise ProxyError(f"can't reach the proxy {proxy}: {error}") from error
    if proxy.forwards(origin):
        connection.h1.forward = proxy.headers
        return connection
    machine = tunnel_machine(proxy, origin)
    try:
        done = False
        while not done:
            data = machine.data_to_send()
            if data:
                yield Write(connection, data, clock)
            done = machine.receive_data((yield Read(connection, clock.left())))
    except (ReadError, WriteError) as error:
        connection.close()
        raise ProxyError(f"the proxy {proxy} broke the connection off: {error}") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(addresses: Iterable[Any], place: str, clock: Clock) -> Generator[Any, Any, Any]:
    """A connection to the first address that answers, of which the next one gets its chance every quarter of a second.

    "Happy eyeballs" (RFC 8305), but for its section 3: both families are looked up in one call, so the order is the system's.
    """
    queue = _interleave(addresses)
    # Where there is little time, each still gets some of it.
    delay = ATTEMPT_DELAY if clock.timeout is None else min(ATTEMPT_DELAY, clock.timeout / max(len(queue), 1))
    under_way: list[Any] = []
    failures: list[ConnectError] = []
    begin_next = monotonic()
    try:
        while queue or under_way:
            if queue and (not under_way or monotonic() >= begin_next):
                address = queue.popleft()
                try:
                    under_way.append((yield Begin(address)))
                except Busy:
                    queue.appendleft(address)
                    if clock.left() == 0:
                        break
                    yield WaitAny([], clock.until(monotonic() + _BUSY_DELAY))
                    continue
                except ConnectError as error:
                    failures.append(error)
                    continue
                begin_next = monotonic() + delay
            ended = yield WaitAny(under_way, clock.until(begin_next if queue else None))
            for attempt in ended:
                under_way.remove(attempt)
                try:
                    return (yield Finish(attempt))
                except ConnectError as error:
                    failures.append(error)
                    begin_next = monotonic()
            if not ended and clock.left() == 0:
                break
        if not failures and (under_way or queue):
            raise TimeoutError
        failures[:0] = [ConnectError(f"{attempt.address[1][0]} did not answer") for attempt in under_way]
    finally:
        for attempt in under_way:
            attempt.close()
    if len(failures) == 1:
        raise failures[0]
    reasons = "; ".join(map(str, failures)) or "the name has no address"
    raise ConnectError(f"can't connect to {place}: {reasons}") from (failures[0] if failures else None)


def _interleave(addresses: Iterable[Any]) -> deque[Any]:
    """The addresses by turns of their families, beginning with the system's favourite (RFC 8305, section 4)."""
    families: dict[Any, deque[Any]] = {}
    for address in addresses:
        families.setdefault(address[0], deque()).append(address)
    found: deque[Any] = deque()
    while families:
        for family in list(families):
            found.append(families[family].popleft())
            if not families[family]:
                del families[family]
    return found
