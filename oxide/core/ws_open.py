"""The flow that opens a WebSocket connection: connect, shake hands, follow where the server leads."""

from __future__ import annotations

import logging
from collections.abc import Generator
from time import monotonic
from typing import Any

from .call import status_error
from .dial import dial
from .errors import ProtocolError, TransportError
from .http import HeadBlock, Request, Response
from .logs import log_connection
from .redirect import MAX_REDIRECTS
from .websocket import WebSocket
from .ws_handshake import Handshake
from .ws_options import WebSocketOptions
from .ws_state import not_open_in_time

__all__ = ["Opened", "ReadSome", "WriteAll", "open_websocket"]

log = logging.getLogger("oxide")

_REDIRECTS = (301, 302, 303, 307, 308)


class WriteAll:
    """Write bytes to a connection that is not in the pool."""

    __slots__ = ("connection", "data", "timeout")

    def __init__(self, connection: Any, data: bytes, timeout: float | None) -> None:
        self.connection = connection
        self.data = data
        self.timeout = timeout

    def perform(self, network: object) -> Any:
        return self.connection.write(self.data, lambda: self.timeout)


class ReadSome:
    """Read from a connection that is not in the pool; the result is the bytes, empty at its end."""

    __slots__ = ("connection", "timeout")

    def __init__(self, connection: Any, timeout: float | None) -> None:
        self.connection = connection
        self.timeout = timeout

    def perform(self, network: object) -> Any:
        return self.connection.read(self.timeout)


class Opened:
    """What came of it.

    Attributes:
        connection: the network's.
        websocket: the machine that speaks over it.
        response: the server's answer to the handshake.
        subprotocol: what the server chose, or `None`.
        trailing: what came behind the answer already.
    """

    __slots__ = ("connection", "response", "subprotocol", "trailing", "websocket")

    def __init__(self, connection: Any, handshake: Handshake) -> None:
        assert handshake.websocket is not None
        assert handshake.response is not None
        self.connection = connection
        self.websocket: WebSocket = handshake.websocket
        self.response: Response = handshake.response
        self.subprotocol = handshake.subprotocol
        self.trailing = handshake.trailing


def open_websocket(request: Request, options: WebSocketOptions) -> Generator[Any, Any, Opened]:
    """Open a connection.

    A redirect is followed on the same origin, as the official SDK does: the credentials that the request carries are for nobody else.

    Raises:
        ConnectError: no connection could be made.
        ConnectTimeout: it was not open within `open_timeout`.
        TransportError: the connection broke, or the server does not speak WebSocket.
        APIStatusError: the server declined, with this status.
    """
    limit = options.open_timeout
    begun = monotonic()
    end = None if limit is None else begun + limit

    def left() -> float | None:
        return None if end is None else max(end - monotonic(), 0.001)

    for _ in range(MAX_REDIRECTS):
        connection: Any = None
        try:
            connection = yield from dial(request.url.origin, left())
            handshake = Handshake(request, options)
            yield WriteAll(connection, handshake.data_to_send(), left())
            while not handshake.receive_data((yield ReadSome(connection, left()))):
                if end is not None and monotonic() >= end:
                    raise TimeoutError
            if handshake.websocket is not None:
                opened, connection = Opened(connection, handshake), None
                if log.isEnabledFor(logging.DEBUG):
                    log_connection(request.url.origin, monotonic() - begun, "WebSocket")
                return opened
        except TimeoutError:
            assert limit is not None
            raise not_open_in_time(limit) from None
        finally:
            if connection is not None:
                connection.close()
        response = handshake.response
        assert response is not None
        request = _next(request, response)
    raise ProtocolError(f"more than {MAX_REDIRECTS} redirects")


def _next(request: Request, response: Response) -> Request:
    location = response.headers.get("location")
    if response.status_code not in _REDIRECTS or location is None:
        if response.status_code < 300:
            raise ProtocolError(
                f"the server answered the WebSocket handshake with status {response.status_code}: it does not speak WebSocket here"
            )
        raise status_error(response)
    try:
        url = request.url.join(location.strip().replace(" ", "%20"))
    except ValueError as error:
        raise ProtocolError(f"the redirect's Location is no URL: {error}") from error
    secure = {"http": "ws", "https": "wss"}
    same = (secure.get(url.scheme, url.scheme), url.host, url.port) == tuple(request.url.origin)
    if not same:
        raise TransportError(
            f"the WebSocket handshake is redirected to another origin, {url.origin.host}, which gets no credentials"
        )
    return Request("GET", request.url.with_target(url.target), HeadBlock(request.head.pairs), b"", request.timeout)
