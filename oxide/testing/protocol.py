"""uvicorn's HTTP protocol with a door to the connection, for what ASGI cannot say: resets, garbage, closing early."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .connection import EXTENSION, Connection
from .record import Hub

__all__ = ["Protocol"]


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

    @property
    def idle(self) -> bool:
        """No request is being received or answered."""
        return self.cycle is None or self.cycle.response_complete
