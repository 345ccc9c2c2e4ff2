"""uvicorn's protocols with a door to the connection, for what ASGI cannot say: resets, garbage, closing early."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from wsproto.events import Request

from .connection import EXTENSION, Connection, Metered
from .record import Hub

__all__ = ["Protocol", "WebSocketProtocol"]


class Protocol(HttpToolsProtocol):
    """Numbers the connections, keeps the header lines as sent, and puts the `Connection` into each scope."""

    hub: Hub  # set by a subclass made for each server
    connection: Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.connection = Connection(transport, self.hub.opened())

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.connection.closed.set()
        self.hub.closed(self.connection.number)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # A pipelined request must not overwrite the lines of the one before it.
        self.connection.raw_headers = []
        scope = cast("dict[str, Any]", self.scope)
        scope["extensions"] = {EXTENSION: {"connection": self.connection, "headers": self.connection.raw_headers}}

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self.connection.raw_headers.append((name, value))

    def handle_websocket_upgrade(self) -> None:
        # What uvicorn is to make, as its constructor has no place for the connection.
        upgraded = partial(WebSocketProtocol, connection=self.connection, hub=self.hub)
        self.ws_protocol_class = cast("Any", upgraded)
        super().handle_websocket_upgrade()

    @property
    def idle(self) -> bool:
        """No request is being received or answered."""
        return self.cycle is None or self.cycle.response_complete


class WebSocketProtocol(WSProtocol):
    """A connection that was upgraded."""

    idle = False

    def __init__(self, *arguments: Any, connection: Connection, hub: Hub, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.connection = connection
        self._hub = hub

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast("asyncio.Transport", Metered(transport, self.connection)))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.connection.closed.set()
        self._hub.closed(self.connection.number)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope = cast("dict[str, Any]", self.scope)
        scope["extensions"][EXTENSION] = {"connection": self.connection, "headers": self.connection.raw_headers}
