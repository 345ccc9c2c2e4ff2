"""An `httpcore` pool as a library for the adapters: custom network backends, other proxies, sockets that somebody else made."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..core.coding import BodyDecoder, accept_encoding, body_decoder
from ..core.headers import Headers
from ..core.http import Request, Response
from ..core.secrets import hide_requests_in_logs
from .httpx import AsyncReplayed, Replayed
from .library import limits

__all__ = ["HTTPCore"]


class HTTPCore:
    """See `library.Library`."""

    accept_encoding = staticmethod(accept_encoding)
    follows_redirects = True

    def __init__(self, pool: Any) -> None:
        hide_requests_in_logs()
        self._pool = pool
        package = next(
            name
            for cls in type(pool).__mro__
            if (name := cls.__module__.partition(".")[0]) in ("httpcore", "httpcore2")
        )
        self._package = import_module(package)
        self._asynchronous = hasattr(pool, "aclose")
        self.closed = False

    def send(self, request: Request, stream: bool) -> Any:
        content: Any = request.content
        if not isinstance(content, bytes):
            content = AsyncReplayed(content) if self._asynchronous else Replayed(content)
        native = self._package.Request(
            request.method,
            str(request.url),
            headers=list(request.headers.raw),
            content=content,
            extensions={"timeout": limits(request)},
        )
        return self._pool.handle_async_request(native) if self._asynchronous else self._pool.handle_request(native)

    def response(self, native: Any, request: Request, follows: bool) -> Response:
        version = native.extensions.get("http_version", b"HTTP/1.1").decode("ascii")
        return Response(native.status, Headers(native.headers), request, http_version=version)

    def content(self, native: Any) -> None:
        return None

    def pieces(self, native: Any) -> Any:
        return native.aiter_stream() if self._asynchronous else native.iter_stream()

    def decoder(self, native: Any) -> BodyDecoder | None:
        return body_decoder(native.headers)

    def close_response(self, native: Any) -> Any:
        return native.aclose() if self._asynchronous else native.close()

    def close(self) -> Any:
        self.closed = True
        return self._pool.aclose() if self._asynchronous else self._pool.close()

    def __repr__(self) -> str:
        # That of a proxy's pool has its password in it.
        return f"{self._package.__name__}.{type(self._pool).__name__}"
