"""An `httpx` or `httpx2` client as a library for the adapters.

The user's client keeps its say: proxies, event hooks, its own header fields, cookies, `auth`, mounted transports and mocks. Redirects
are followed if it follows them, but by oxide's rules, which let no credentials go to another origin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from typing import Any

from ..core.headers import Headers
from ..core.http import Request, Response
from ..core.secrets import hide_requests_in_logs, is_secret
from .library import AdaptedResponse, limits

__all__ = ["HTTPX"]


class HTTPX:
    """See `library.Library`."""

    def __init__(self, client: Any) -> None:
        hide_requests_in_logs()
        self._client = client
        package = next(
            name for cls in type(client).__mro__ if (name := cls.__module__.partition(".")[0]) in ("httpx", "httpx2")
        )
        self._timeout = import_module(package).Timeout
        self._asynchronous = hasattr(client, "aclose")

    @property
    def closed(self) -> bool:
        return bool(self._client.is_closed)

    @property
    def follows_redirects(self) -> bool:
        return bool(self._client.follow_redirects)

    def send(self, request: Request, stream: bool) -> Any:
        content: Any = request.content
        fields = list(request.head.pairs)
        if not isinstance(content, bytes):
            if content.length is not None:
                fields.append((b"Content-Length", b"%d" % content.length))
            content = AsyncReplayed(content) if self._asynchronous else Replayed(content)
        native = self._client.build_request(
            request.method,
            str(request.url),
            headers=fields,
            content=content or None,
            timeout=self._timeout(**limits(request)),
        )
        options: dict[str, Any] = {}
        if request.redirected:
            # Without the client's own parameters, which it adds to every URL.
            native.url = type(native.url)(str(request.url))
        if not request.may_authorize:
            # Nor with the credentials that it adds to every request.
            options["auth"] = None
            for name in [name for name, value in native.headers.items() if is_secret(name, value)]:
                del native.headers[name]
        return self._client.send(native, stream=stream, follow_redirects=False, **options)

    def response(self, native: Any, request: Request, follows: bool) -> Response:
        make = Response if follows else AdaptedResponse
        return make(native.status_code, Headers(native.headers.raw), request, http_version=native.http_version)

    def content(self, native: Any) -> bytes | None:
        content: bytes | None = native.content if native.is_closed else None
        return content

    def pieces(self, native: Any) -> Any:
        return native.aiter_bytes() if self._asynchronous else native.iter_bytes()

    def decoder(self, native: Any) -> None:
        return None

    def close_response(self, native: Any) -> Any:
        return native.aclose() if self._asynchronous else native.close()

    def close(self) -> Any:
        return self._client.aclose() if self._asynchronous else self._client.close()

    def __repr__(self) -> str:
        return f"{type(self._client).__module__.partition('.')[0]}.{type(self._client).__name__}"


class Replayed:
    """A body that httpx may iterate over as often as it wants."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        pieces = self._body.__iter__()
        try:
            yield from pieces
        finally:
            pieces.close()


class AsyncReplayed:
    """The same, asynchronously."""

    def __init__(self, body: Any) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = self._body.__aiter__()
        try:
            async for data in pieces:
                yield data
        finally:
            await pieces.aclose()
