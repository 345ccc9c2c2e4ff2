"""Requests and responses as plain values: what goes through the seam between the client and a transport.

A transport takes a `Request` and gives back a `Response`. Both are the same for the synchronous and the asynchronous
side; only the response's `stream` differs, and with it which of `read` and `aread`, `iter_bytes` and `aiter_bytes`,
`close` and `aclose` can be used.
"""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

from .errors import OpenAIError
from .headers import Headers, RawHeaders, is_secret_field
from .timeouts import DEFAULT_TIMEOUT, Timeout
from .url import URL

__all__ = ["AsyncByteStream", "Body", "ByteStream", "HeadBlock", "RateLimit", "Request", "Response", "ResponseMeta"]


class HeadBlock:
    """Header fields that many requests share, encoded once.

    Attributes:
        pairs: the fields.
        rendered: the same as they stand on the wire, each line with its CRLF.
    """

    __slots__ = ("pairs", "rendered")

    def __init__(self, pairs: RawHeaders) -> None:
        self.pairs = pairs
        self.rendered = b"".join([b"%b: %b\r\n" % pair for pair in pairs])

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors carry their request across processes; the credentials in its head stay behind.
        from .secrets import carried

        return HeadBlock, (tuple(pair for pair in self.pairs if carried() or not is_secret_field(*pair)),)

    def __copy__(self) -> HeadBlock:
        return self

    def __deepcopy__(self, memo: Any) -> HeadBlock:
        return self


class Body(Protocol):
    """A request body that is read while it is sent, because it is large, or does not exist yet.

    A synchronous one has `__iter__`, an asynchronous one `__aiter__`. Each gives an iterator over the body from its first
    byte, in pieces of bytes none of which is empty, with a method `close` or `aclose` that gives up what it holds. What goes
    wrong with reading is raised as it is, and is no reason to try again.
    """

    @property
    def length(self) -> int | None:
        """Bytes, or `None` if only the end will tell."""

    @property
    def replayable(self) -> bool:
        """Whether an iterator can be had: one more, if there was one before."""


class Request:
    """One HTTP request, ready to be sent as often as it takes.

    Attributes:
        method: in capitals.
        url: where to.
        head: the header fields without `Host` and `Content-Length`, which the transport writes.
        content: the body in bytes, empty for none; or a `Body` that has the iterator of the side that sends it.
        timeout: the limits for this request.
        deadline: the time on `time.monotonic()`'s clock at which the call has to be over, or `None`.
        retries: how often this request was sent before.
        abort: the switch by which another thread may give the request up, or `None` (see `io.abort`).
        trace: the `core.watch.Trace` that wants to know where the time goes, or `None`.
    """

    __slots__ = ("abort", "content", "deadline", "head", "method", "retries", "timeout", "trace", "url")

    may_authorize = True
    """Whether credentials may be added to it. They may not where a redirect has led it to another origin."""

    redirected = False
    """Whether its URL is one that a server gave, which is not to be added to."""

    def __init__(
        self,
        method: str,
        url: URL,
        head: HeadBlock,
        content: bytes | Body = b"",
        timeout: Timeout = DEFAULT_TIMEOUT,
        deadline: float | None = None,
        retries: int = 0,
    ) -> None:
        self.method = method
        self.url = url
        self.head = head
        self.content = content
        self.timeout = timeout
        self.deadline = deadline
        self.retries = retries
        self.abort: Any = None
        self.trace: Any = None

    @property
    def headers(self) -> Headers:
        """Every header field that is sent."""
        pairs: list[tuple[bytes, bytes]] = [(b"Host", self.url.host_header), *self.head.pairs]
        length = self.length
        if length is None:
            pairs.append((b"Transfer-Encoding", b"chunked"))
        elif self.has_length:
            pairs.append((b"Content-Length", b"%d" % length))
        return Headers(pairs)

    @property
    def length(self) -> int | None:
        """The length of the body in bytes, `None` where nobody knows before its end."""
        content = self.content
        return len(content) if isinstance(content, bytes) else content.length

    @property
    def has_length(self) -> bool:
        """Whether the request says how long its body is: always, but for methods that have none (RFC 9110, 8.6)."""
        return bool(self.content) or self.method in ("POST", "PUT", "PATCH")

    def __repr__(self) -> str:
        return f"<Request {self.method} {str(self.url).partition('?')[0]}>"

    def __reduce__(self) -> tuple[Any, ...]:
        from .secrets import carried, without_secret_values

        # A body that is still to be read stays behind.
        content = self.content if isinstance(self.content, bytes) else b""
        if not carried():
            content = without_secret_values(content, self.url.path)
        return Request, (self.method, self.url, self.head, content, self.timeout, None, self.retries)


class ByteStream(Protocol):
    """What a synchronous transport reads a response's body from."""

    def __next__(self) -> bytes:
        """The next piece; StopIteration at the end of the body.

        Raises:
            TransportError: the connection broke, timed out, or carries something that is not HTTP.
        """

    def close(self) -> None:
        """Give the connection up; it is closed unless the body has been read to its end. Never raises."""


class AsyncByteStream(Protocol):
    """What an asynchronous transport reads a response's body from."""

    async def __anext__(self) -> bytes:
        """The next piece; StopAsyncIteration at the end of the body. Raises as `ByteStream` does."""

    async def aclose(self) -> None:
        """Give the connection up; it is closed unless the body has been read to its end. Never raises."""


class RateLimit:
    """What the `x-ratelimit-*` headers say; an attribute is `None` where its header is absent or no number.

    Attributes:
        limit_requests, remaining_requests: requests allowed in the window, and left.
        limit_tokens, remaining_tokens: the same in tokens.
        reset_requests, reset_tokens: seconds until the allowance is whole again.
    """

    __slots__ = (
        "limit_requests",
        "limit_tokens",
        "remaining_requests",
        "remaining_tokens",
        "reset_requests",
        "reset_tokens",
    )

    def __init__(self, headers: Headers) -> None:
        self.limit_requests = _whole(headers.get("x-ratelimit-limit-requests"))
        self.limit_tokens = _whole(headers.get("x-ratelimit-limit-tokens"))
        self.remaining_requests = _whole(headers.get("x-ratelimit-remaining-requests"))
        self.remaining_tokens = _whole(headers.get("x-ratelimit-remaining-tokens"))
        self.reset_requests = _duration(headers.get("x-ratelimit-reset-requests"))
        self.reset_tokens = _duration(headers.get("x-ratelimit-reset-tokens"))

    def __repr__(self) -> str:
        return f"RateLimit({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"


_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _duration(text: str | None) -> float | None:
    # The API writes durations as "1s", "6m0s", "120ms"; others write plain seconds.
    import re

    if not text:
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|d|h|m|s)", text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    return float(text) if re.fullmatch(r"\d+(?:\.\d+)?", text) else None


class ResponseMeta:
    """What an object that a call returned knows of its response, beside the data (see `codec.set_meta`).

    Attributes:
        headers: of the response.
        fetch: for pages, the function that gets the next one with these parameters changed.
        request_id: the `x-request-id` header.
        retries_taken: how often the request had been repeated.
    """

    __slots__ = ("_headers", "_request_id", "fetch", "retries_taken")

    def __init__(self, headers: Any, retries_taken: int = 0) -> None:
        # As `Response` has them.
        self._headers = headers
        self.retries_taken = retries_taken
        self.fetch: Any = None
        self._request_id: str | None = None

    @property
    def headers(self) -> Headers:
        headers = self._headers = as_headers(self._headers)
        return headers

    @property
    def request_id(self) -> str | None:
        # Read off the headers when somebody asks, which is seldom.
        return self._request_id or self.headers.get("x-request-id")

    @request_id.setter
    def request_id(self, value: str | None) -> None:
        self._request_id = value

    def __reduce__(self) -> tuple[Any, ...]:
        # A page that was pickled can't fetch: its client stayed behind.
        return ResponseMeta, (Headers(list(self.headers.raw)), self.retries_taken)


class Response:
    """One HTTP response; its body comes with it or is still to be read from `stream`.

    Attributes:
        status_code: the HTTP status.
        headers: the header fields; given as `Headers`, or as a `core.http11.Head` to take them from when somebody asks.
        http_version: `"HTTP/1.1"`, `"HTTP/1.0"` or `"HTTP/2"`.
        request: what this answers.
        stream: where the rest of the body comes from; `None` once it has been read or given up.
    """

    __slots__ = ("_content", "_headers", "_lost", "http_version", "request", "status_code", "stream")

    may_redirect = True
    """Whether a redirect is to be followed, if that is what the call wants."""

    def __init__(
        self,
        status_code: int,
        headers: Any,
        request: Request,
        *,
        content: bytes | None = None,
        stream: Any = None,
        http_version: str = "HTTP/1.1",
    ) -> None:
        self.status_code = status_code
        self._headers = headers
        self.request = request
        self.http_version = http_version
        self.stream = stream
        self._content = content
        self._lost = False

    def __repr__(self) -> str:
        return f"<Response [{self.status_code}]>"

    def __reduce__(self) -> tuple[Any, ...]:
        from .secrets import carried, hidden, secret_items, without_secret_values

        # Reduced by themselves, header fields leave behind what is secret.
        content = self._content
        if content is not None and not carried():
            content = without_secret_values(hidden(content, secret_items(self.request)), self.request.url.path)
        return _restore, (self.status_code, self.headers, self.request, content, self.http_version)

    # What both sides share.

    def become(self, other: Response) -> None:
        """Be another response from now on, for everybody who has this one: that of the next attempt."""
        for name in Response.__slots__:
            setattr(self, name, getattr(other, name))

    @property
    def headers(self) -> Headers:
        headers = self._headers = as_headers(self._headers)
        return headers

    @property
    def meta(self) -> ResponseMeta:
        """What is kept of the response with the object that is made of its body."""
        return ResponseMeta(self._headers, self.request.retries)

    @property
    def request_id(self) -> str | None:
        """The `x-request-id` header: the provider's name for this call."""
        return self.headers.get("x-request-id")

    @property
    def retries_taken(self) -> int:
        """How often the request had been repeated when this came."""
        return self.request.retries

    @property
    def rate_limit(self) -> RateLimit:
        """The limits that the `x-ratelimit-*` headers tell."""
        return RateLimit(self.headers)

    @property
    def is_closed(self) -> bool:
        """Whether the connection has been given back or closed."""
        return self.stream is None

    @property
    def url(self) -> URL:
        return self.request.url

    @property
    def content(self) -> bytes:
        """The whole body in bytes; what a `Content-Encoding` did to it is undone.

        Raises:
            OpenAIError: if it has not been read, or was given up before its end.
        """
        if self._content is None:
            if self._lost:
                raise OpenAIError("the response was closed, or read piece by piece, so there is no whole body to give")
            raise OpenAIError("the response has not been read yet: call read(), or aread() for an asynchronous one")
        return self._content

    @property
    def text(self) -> str:
        """The body as text, by the charset of its `Content-Type` (UTF-8 without one); never raises for bad bytes."""
        return self.content.decode(charset(self.headers), "replace")

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: if it is none.
        """
        import json

        return json.loads(self.content)

    def _take_stream(self) -> Any:
        if self.stream is None or self._lost:
            raise OpenAIError("the response's body was read or closed before")
        self._lost = True
        return self.stream

    def _hold(self) -> None:
        # What unfolds without end is to be read piece by piece or not at all.
        hold = getattr(self.stream, "hold", None)
        if hold is not None:
            hold()

    # Synchronous.

    def read(self) -> bytes:
        """Read the body to its end; from then on it is `content`. Raises as `iter_bytes`."""
        if self._content is None:
            self._hold()
            self._content = b"".join(self.iter_bytes())
        return self._content

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The body in pieces as they arrive, or of `chunk_size` bytes each (the last may be shorter).

        Raises:
            TransportError: the connection broke, timed out, or carries something that is not HTTP.
        """
        if self._content is not None:
            yield from _cut(self._content, chunk_size)
            return
        stream = self._take_stream()
        chunks = Rechunker(chunk_size)
        try:
            while True:
                try:
                    data = next(stream)
                except StopIteration:
                    break
                yield from chunks.add(data)
            yield from chunks.rest()
        finally:
            self.stream = None
            stream.close()

    def close(self) -> None:
        """Give the response up. The connection is closed unless the body has been read to its end."""
        stream, self.stream = self.stream, None
        if stream is not None:
            self._lost = self._content is None
            stream.close()

    # Asynchronous; the same in the same order.

    async def aread(self) -> bytes:
        """`read` for an asynchronous response."""
        if self._content is None:
            self._hold()
            self._content = b"".join([data async for data in self.aiter_bytes()])
        return self._content

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """`iter_bytes` for an asynchronous response."""
        if self._content is not None:
            for data in _cut(self._content, chunk_size):
                yield data
            return
        stream = self._take_stream()
        chunks = Rechunker(chunk_size)
        try:
            while True:
                try:
                    data = await stream.__anext__()
                except StopAsyncIteration:
                    break
                for piece in chunks.add(data):
                    yield piece
            for piece in chunks.rest():
                yield piece
        finally:
            self.stream = None
            await stream.aclose()

    async def aclose(self) -> None:
        """`close` for an asynchronous response."""
        stream, self.stream = self.stream, None
        if stream is not None:
            self._lost = self._content is None
            await stream.aclose()


def as_headers(given: Any) -> Headers:
    """Header fields as `Response` was given them."""
    return given if isinstance(given, Headers) else Headers.of(given)


def _restore(
    status_code: int, headers: Headers, request: Request, content: bytes | None, http_version: str
) -> Response:
    return Response(status_code, headers, request, content=content, http_version=http_version)


def charset(headers: Headers) -> str:
    """The charset that the `Content-Type` names, if Python knows it; else UTF-8."""
    _, _, parameters = headers.get("content-type", "").partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset":
            try:
                return codecs.lookup(value.strip('"')).name
            except LookupError:
                break
    return "utf-8"


def _cut(data: bytes, size: int | None) -> Iterator[bytes]:
    chunks = Rechunker(size)
    yield from chunks.add(data)
    yield from chunks.rest()


class Rechunker:
    """Pieces of any size in, pieces of one size out; without a size, pieces go through as they are."""

    __slots__ = ("_buffer", "_size")

    def __init__(self, size: int | None) -> None:
        if size is not None and size < 1:
            raise ValueError(f"chunk_size must be at least 1 byte, not {size}")
        self._size = size
        self._buffer = bytearray()

    def add(self, data: bytes) -> Iterator[bytes]:
        """Whatever is complete with `data`."""
        size = self._size
        if size is None:
            if data:
                yield data
            return
        buffer = self._buffer
        buffer += data
        whole = len(buffer) - len(buffer) % size
        for start in range(0, whole, size):
            yield bytes(buffer[start : start + size])
        del buffer[:whole]

    def rest(self) -> Iterator[bytes]:
        """What is left at the end."""
        if self._buffer:
            yield bytes(self._buffer)
            self._buffer.clear()
