"""oxide's own transport, asynchronous."""

from __future__ import annotations

from os import PathLike
from time import monotonic
from typing import TYPE_CHECKING, Any

import anyio

from ...core.checkout import checkout, is_live
from ...core.coding import MAX_EXPANSION, accept_encoding
from ...core.dial import Reach
from ...core.errors import TransportError, WriteError
from ...core.exchange import Exchange
from ...core.http import Request, Response
from ...core.http2_options import HTTP2, HTTP2Types, as_http2
from ...core.limits import DRAIN_LIMIT
from ...core.pool import Ticket
from ...core.proxies import Proxy
from ..pool import Limits, SharedPool, as_limits
from ..reach import make_reach
from ..trust import Trust
from .network import Connection, Network
from .run import IO, run
from .waiting import from_anywhere

if TYPE_CHECKING:
    import ssl

    from ...core.ws_options import WebSocketOptions
    from .websocket import AsyncWebSocketConnection

__all__ = ["AsyncHTTPTransport"]


class AsyncHTTPTransport:
    """Sends requests over pooled connections, on asyncio or trio.

    Args:
        ssl_context: for TLS, instead of one that verifies against the system's certificates.
        verify: the path of a file or directory of certificates to trust; or `False` for no verification at all, with which anybody
            on the way can read the key and all else: for a server of one's own with a certificate that it signed itself.
        cert: our own certificate, for servers that ask for one: the path of a PEM file, or a tuple of the paths of certificate and
            key, and the key's password if it has one.
        server_hostname: the name that the server's certificate must have, and that is sent as SNI, if it is not the URL's host.
        proxy: an `http://`, `https://` or `socks5://` URL, with `user:password@` if the proxy asks for it; or a `Proxy`.
        trust_env: whether to use the proxies of `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` (where `proxy` is not
            given), and the certificates of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
        uds: the path of a Unix socket to connect to, whatever the URL's host.
        local_address: the address to connect from.
        max_expansion: how many times its size a compressed response may come to where all of it is kept in memory; up to 64 MiB
            are always allowed. What is streamed is decoded piece by piece, and not bounded. `None` for no bound.
        limits: how many connections there may be.
        http2: whether to offer HTTP/2, and how to speak it (`HTTP2`). A server that does not agree to it is spoken to in HTTP/1.1. An
            `ssl_context` has its list of protocols (ALPN) set for this.

    Raises:
        ValueError, TypeError: an argument has a value it can't have, or one excludes another; or an environment variable is no URL.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        verify: bool | str | PathLike[str] = True,
        cert: str | PathLike[str] | tuple[str, ...] | None = None,
        server_hostname: str | None = None,
        proxy: str | Proxy | None = None,
        trust_env: bool = True,
        uds: str | PathLike[str] | None = None,
        local_address: str | None = None,
        max_expansion: float | None = MAX_EXPANSION,
        limits: Limits | None = None,
        http2: HTTP2Types = False,
    ) -> None:
        options = as_http2(http2)
        self._pool = SharedPool(as_limits(limits), options)
        self._pool.close_with(self)
        reach = make_reach(proxy, trust_env, uds, local_address, server_hostname, max_expansion)
        self._network = PoolNetwork(reach, Trust(ssl_context, verify, cert, trust_env, options is not None), self._pool)

    accept_encoding = staticmethod(accept_encoding)

    async def send(self, request: Request, *, stream: bool) -> Response:
        """Send one request; see `oxide.AsyncTransport`."""
        connection, reused = self._pool.acquire(request.url.origin), True
        if not is_live(connection):
            network = self._network if request.abort is None else request.abort.over(self._network)
            connection, reused = await run(checkout(self._pool, request, connection), network)
        if connection.h1 is None:
            return await self._network.send(self, connection, request, stream)  # type: ignore[no-any-return]
        exchange = Exchange(connection.h1, request, stream, reused)
        try:
            if request.abort is not None:
                request.abort.attach(connection)
            try:
                if isinstance(request.content, bytes):
                    for data in exchange.pieces_to_send():
                        await connection.write(data, exchange.allowance)
                    exchange.sent()
                else:
                    await self._upload(connection, exchange, request.content)
            except WriteError as error:
                exchange.sent(error)
            while not (exchange.ready or exchange.receive_data(await connection.read(exchange.allowance()))):
                pass
        except (TransportError, TimeoutError) as error:
            self._pool.release(connection, False)
            exchange.fail(error)
        except BaseException:
            self._pool.release(connection, False)
            raise
        response = exchange.response()
        if exchange.complete:
            self._pool.release(connection, exchange.reusable)
        if stream:
            response.stream = Body(self._pool, connection, exchange)
        return response

    async def _upload(self, connection: Connection, exchange: Exchange, content: Any) -> None:
        head = exchange.data_to_send()
        chunks = content.__aiter__()
        try:
            async for data in chunks:
                await connection.write(head + exchange.body_to_send(data), exchange.allowance)
                head = b""
                if exchange.answered(connection.read_ready()):
                    return
            end = head + exchange.body_to_send(b"")
            if end:
                await connection.write(end, exchange.allowance)
            exchange.sent()
        finally:
            await chunks.aclose()

    async def open_websocket(self, request: Request, options: WebSocketOptions) -> AsyncWebSocketConnection:
        """Open a WebSocket connection of its own, which does not come from the pool, nor go there.

        Args:
            request: a GET to a `ws` or `wss` URL, with the header fields that are to be sent beside the handshake's own.
            options: how the connection is to be.

        Raises:
            APIStatusError: the server declined, with this status.
            TransportError: no connection could be made in time, it broke, or the server does not speak WebSocket.
        """
        # Few clients open one.
        from .websocket import connect

        return await connect(self._network, request, options)

    async def warmup(self, request: Request, calls: int) -> None:
        """Open connections before they are needed, so that there are enough for `calls` at the same time, as far as the limits allow.

        Args:
            request: names the origin, and the limits of time; it is not sent.
            calls: for how many. Of HTTP/2, one connection is enough for many.

        Raises:
            TransportError: a connection could not be made; those that could are kept.
        """
        # Few clients are in such a hurry.
        from ...core.warmup import warm_up

        async def perform(flow: Any) -> Any:
            return await run(flow, self._network)

        await run(warm_up(self._pool, request, calls, perform), IO(self))

    async def aclose(self) -> None:
        """Close what is idle, now, and what is in use when it is done."""
        self._pool.close()

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called."""
        return self._pool.closed

    def stats(self) -> dict[str, int]:
        """Connections `open`, `idle`, `in_use`; calls `waiting`; connections `opened` and `reused` so far."""
        return self._pool.stats()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._pool.stats()}>"


class Body:
    """The rest of a response: `core.http.AsyncByteStream` on a connection that goes back to the pool at its end."""

    __slots__ = ("_connection", "_exchange", "_pool")

    def __init__(self, pool: SharedPool, connection: Connection, exchange: Exchange) -> None:
        self._pool = pool
        self._exchange = exchange
        self._connection: Connection | None = None if exchange.complete else connection

    def hold(self) -> None:
        """Note that the whole body is to be kept in memory."""
        self._exchange.hold()

    async def __anext__(self) -> bytes:
        exchange = self._exchange
        while True:
            try:
                data = exchange.take()
            except TransportError:
                await self.aclose()
                raise
            if data:
                return data
            if self._connection is None:
                raise StopAsyncIteration
            await self._receive(self._connection, exchange.allowance())

    async def _receive(self, connection: Connection, timeout: float | None) -> None:
        exchange = self._exchange
        try:
            exchange.receive_data(await connection.read(timeout))
        except (TransportError, TimeoutError) as error:
            await self.aclose()
            exchange.fail(error)
        except BaseException:
            await self.aclose()
            raise
        if exchange.complete:
            self._connection = None
            self._pool.release(connection, exchange.reusable)

    async def drain(self, seconds: float) -> None:
        """Read on for at most `seconds` to reach the end, if it is near; what comes is dropped."""
        end = monotonic() + seconds
        left = DRAIN_LIMIT
        try:
            while self._connection is not None:
                left -= len(self._exchange.take())
                timeout = end - monotonic()
                if left < 0 or timeout <= 0:
                    return
                await self._receive(self._connection, timeout)
        except TransportError:
            # The caller has all it wanted; `_receive` has closed the connection.
            return

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.release(connection, False)

    def __del__(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.lose(connection)


class PoolNetwork(Network):
    """The network's commands, and those that have to do with the pool."""

    def __init__(self, reach: Reach, trust: Trust, pool: SharedPool) -> None:
        super().__init__(reach, trust)
        self._pool = pool
        self.send: Any = None

    async def start_http2(self, connection: Connection, scheme: str, options: HTTP2) -> Any:
        # h2 is imported with the first connection that speaks it.
        from .http2 import send, share

        self.send = send
        return share(connection, scheme, options, self._pool)

    async def wait(self, ticket: Ticket[Any], timeout: float | None) -> Any:
        event = anyio.Event()
        ticket.wake = from_anywhere(event.set)
        if ticket.result is None:
            with anyio.fail_after(timeout):
                await event.wait()
        return ticket.result
