"""A client of the plainest kind: a socket, and what came over it."""

from __future__ import annotations

import json
import socket
import ssl
from types import TracebackType
from typing import Any

from oxide.testing import MockServer

RESET = "reset"
CLOSED = "closed"


class Wire:
    """One connection to a server."""

    def __init__(self, server: MockServer, *, context: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()

    def ask(self, body: Any = None, *, path: str = "/v1/responses") -> None:
        """Send a request: POST with a JSON body, or GET without one."""
        data = b"" if body is None else json.dumps(body).encode()
        method = "GET" if body is None else "POST"
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
        self.socket.sendall(head.encode() + data)

    def read_until(self, end: bytes) -> bytes:
        """What comes, up to and including `end`."""
        received = b""
        while not received.endswith(end):
            part = self.socket.recv(1)
            assert part, received
            received += part
        return received

    def read_response(self) -> tuple[int, bytes]:
        """One complete response with a Content-Length: status and body."""
        head = self.read_until(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = b""
        while len(body) < length:
            body += self.socket.recv(length - len(body))
        return int(head.split()[1]), body

    def read_to_end(self) -> tuple[bytes, str]:
        """Everything up to the end of the connection, and how it ended."""
        received = b""
        while True:
            try:
                part = self.socket.recv(65536)
            except ConnectionResetError:
                return received, RESET
            if not part:
                return received, CLOSED
            received += part
