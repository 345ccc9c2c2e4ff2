"""Transports without a network: a function answers each request."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from inspect import isawaitable
from typing import Any

from ..core.errors import OpenAIError
from ..core.headers import Headers, encode_header
from ..core.http import Request, Response

__all__ = ["AsyncMockTransport", "MockTransport"]


class MockTransport:
    """Answers requests by calling a function, for tests: `OpenAI(http_client=MockTransport(handler))`.

    Args:
        handler: is called with each `oxide.Request` and returns what to answer: a JSON value, text, bytes, or an iterable of bytes
            to be streamed; or a tuple of a status and one of these, and a mapping of header fields if there are any; or an
            `oxide.Response`. What it raises is raised: an `oxide.TransportError` counts as a failed connection, and is retried.

    Attributes:
        requests: those that came so far.
    """

    def __init__(self, handler: Callable[[Request], Any]) -> None:
        self._handler = _function(handler)
        self.requests: list[Request] = []
        self.closed = False

    def send(self, request: Request, *, stream: bool) -> Response:
        """See `oxide.Transport`."""
        _begin(self, request)
        response = _response(request, self._handler(request))
        if not stream:
            response.read()
        return response

    def close(self) -> None:
        """Refuse every further request."""
        self.closed = True


class AsyncMockTransport:
    """The same for `AsyncOpenAI`; the handler may be a coroutine function, and what it streams an asynchronous iterable."""

    def __init__(self, handler: Callable[[Request], Any]) -> None:
        self._handler = _function(handler)
        self.requests: list[Request] = []
        self.closed = False

    async def send(self, request: Request, *, stream: bool) -> Response:
        """See `oxide.AsyncTransport`."""
        _begin(self, request)
        answer = self._handler(request)
        response = _response(request, await answer if isawaitable(answer) else answer)
        if not stream:
            await response.aread()
        return response

    async def aclose(self) -> None:
        """Refuse every further request."""
        self.closed = True


def _function(handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
    if not callable(handler):
        raise TypeError(f"a mock's handler must be a function of an oxide.Request, not {handler!r}")
    return handler


def _begin(transport: MockTransport | AsyncMockTransport, request: Request) -> None:
    if transport.closed:
        raise OpenAIError("the client is closed: make a new one")
    transport.requests.append(request)


def _response(request: Request, answer: Any) -> Response:
    if isinstance(answer, Response):
        answer.request = request
        return answer
    status: int = 200
    fields: Mapping[str, str] = {}
    if isinstance(answer, tuple):
        if not 2 <= len(answer) <= 3 or not isinstance(answer[0], int):
            raise TypeError("a tuple from a mock's handler is a status, a body, and perhaps a mapping of header fields")
        status, answer, *rest = answer
        fields = rest[0] if rest else {}
    kind = "application/json"
    content: bytes | None = None
    stream: Any = None
    if isinstance(answer, (bytes, bytearray)):
        kind, content = "application/octet-stream", bytes(answer)
    elif isinstance(answer, str):
        kind, content = "text/plain; charset=utf-8", answer.encode()
    elif answer is None or isinstance(answer, (Mapping, list, int, float)):
        content = b"" if answer is None and status == 204 else json.dumps(answer).encode()
    elif isinstance(answer, AsyncIterable):
        kind, stream = "text/event-stream", AsyncPieces(answer)
    elif isinstance(answer, Iterable):
        kind, stream = "text/event-stream", Pieces(answer)
    else:
        raise TypeError(f"a mock's handler can't answer with {type(answer).__name__}")
    given = {name.lower() for name in fields}
    pairs = [encode_header(name, value) for name, value in fields.items()]
    if "content-type" not in given:
        pairs.append((b"Content-Type", kind.encode()))
    if content is not None and "content-length" not in given:
        pairs.append((b"Content-Length", b"%d" % len(content)))
    return Response(status, Headers(pairs), request, content=content, stream=stream)


class Pieces:
    """`core.http.ByteStream` and `AsyncByteStream` on an iterable."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """A generator runs its `finally` now."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

    async def __anext__(self) -> bytes:
        for data in self._pieces:
            return data
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.close()


class AsyncPieces:
    """`core.http.AsyncByteStream` on an asynchronous iterable."""

    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        self._pieces = pieces.__aiter__()

    async def __anext__(self) -> bytes:
        return await self._pieces.__anext__()

    async def aclose(self) -> None:
        close = getattr(self._pieces, "aclose", None)
        if close is not None:
            await close()
