"""The seam: everything above the wire talks to one of these two.

Implement one to send oxide's requests some other way, such as through another SDK's connections, and pass it as
`http_client=`. `oxide.HTTPTransport` and `oxide.AsyncHTTPTransport` are oxide's own.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from .http import Request, Response

__all__ = ["AsyncTransport", "Transport"]


@runtime_checkable
class Transport(Protocol):
    """Sends requests from synchronous code; any number of threads may call it at the same time."""

    def send(self, request: Request, *, stream: bool) -> Response:
        """Send one request, once, and return its response whatever the status.

        Args:
            request: what to send: method, URL, header pairs, body; `timeout` and `deadline` are the limits to keep. The
                body (`content`) is bytes, or a `Body` to be iterated over.
            stream: return as soon as the status and headers are there, with the body in `Response.stream`;
                otherwise with the whole body.

        Raises:
            TransportError: no response; `TransportTimeout` where a limit passed.
        """

    def close(self) -> None:
        """Close every connection. May be called twice."""


@runtime_checkable
class AsyncTransport(Protocol):
    """Sends requests from asyncio or trio."""

    async def send(self, request: Request, *, stream: bool) -> Response:
        """As `Transport.send`. Cancelling it closes the connection that it used."""

    async def aclose(self) -> None:
        """As `Transport.close`."""
