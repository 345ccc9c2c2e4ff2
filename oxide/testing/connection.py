"""A client's connection, below HTTP: for what ASGI cannot say."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from typing import Any

__all__ = ["EXTENSION", "Connection", "Metered"]

EXTENSION = "oxide.connection"
"""The key in an ASGI scope's `extensions`: a dict of the request's `connection` and its `headers` as they were sent."""


class Connection:
    """One client connection, as the application sees it."""

    __slots__ = ("_cut", "_left", "closed", "number", "raw_headers", "transport")

    def __init__(self, transport: asyncio.Transport, number: int) -> None:
        self.transport = transport
        self.number = number
        self.closed = asyncio.Event()
        self.raw_headers: list[tuple[bytes, bytes]] = []
        self._cut: Callable[[], None] | None = None
        self._left = 0

    def cut_after(self, count: int, cut: Callable[[], None]) -> None:
        """Let through so many more bytes of what `metered` writes, and none after them; `cut` is called once then."""
        self._cut, self._left = cut, count
        if count <= 0:
            cut()

    def metered(self, data: bytes) -> bytes:
        """As much of the data as may still be written."""
        if self._cut is None:
            return data
        data, before = data[: self._left], self._left
        self._left -= len(data)
        if before > 0 >= self._left:
            # After the write that this is called for.
            asyncio.get_running_loop().call_soon(self._cut)
        return data

    def write(self, data: bytes) -> None:
        """Send bytes past the HTTP layer."""
        self.transport.write(data)

    def close(self) -> None:
        """FIN, once everything written is sent."""
        self.transport.close()

    def reset(self) -> None:
        """RST at once; what is not sent yet is lost."""
        sock: socket.socket | None = self.transport.get_extra_info("socket")
        if sock is not None:
            # Lingering for zero seconds makes close() send RST. The structure is of two shorts on Windows.
            linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()

    async def flushed(self) -> None:
        """Wait until the kernel has taken everything written."""
        # A transport tells when much is unsent, but not when nothing is.
        while self.transport.get_write_buffer_size() and not self.transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


class Metered:
    """A transport that writes as much as its connection lets through."""

    def __init__(self, transport: asyncio.Transport, connection: Connection) -> None:
        self._transport = transport
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write what is let through."""
        allowed = self._connection.metered(data)
        if allowed:
            self._transport.write(allowed)
