"""A client's connection, below HTTP: for what ASGI cannot say."""

from __future__ import annotations

import asyncio
import os
import socket
import struct

__all__ = ["EXTENSION", "Connection"]

EXTENSION = "oxide.connection"
"""The key in an ASGI scope's `extensions`: a dict of the request's `connection` and its `headers` as they were sent."""


class Connection:
    """One client connection, as the application sees it."""

    __slots__ = ("closed", "number", "raw_headers", "transport")

    def __init__(self, transport: asyncio.Transport, number: int) -> None:
        self.transport = transport
        self.number = number
        self.closed = asyncio.Event()
        self.raw_headers: list[tuple[bytes, bytes]] = []

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
