"""Raw responses: what `with_raw_response` and `with_streaming_response` give."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ._binary import HttpxBinaryResponseContent
from .core.call import api_error
from .core.errors import TransportError
from .core.headers import Headers
from .core.http import RateLimit, Request, Response
from .core.prepare import Call
from .core.text import Lines, text_decoder
from .core.url import URL

if TYPE_CHECKING:
    from datetime import timedelta
    from os import PathLike

__all__ = [
    "APIResponse",
    "AsyncAPIResponse",
    "AsyncBinaryAPIResponse",
    "AsyncResponseContextManager",
    "AsyncStreamedBinaryAPIResponse",
    "BinaryAPIResponse",
    "HttpxBinaryResponseContent",
    "LegacyAPIResponse",
    "ResponseContextManager",
    "StreamedBinaryAPIResponse",
]

R = TypeVar("R")
T = TypeVar("T")
ResponseT = TypeVar("ResponseT")

# What makes the method's result of a response, reading nothing: `finish(call, response, to)`.
Finish = Callable[[Call, Response, Any], Any]


class BaseAPIResponse(Generic[R]):
    """What all raw responses have.

    Attributes:
        http_response: the response as the transport gave it.
        retries_taken: how often the request was repeated.
    """

    def __init__(self, call: Call, response: Response, finish: Finish) -> None:
        self.http_response = response
        self.retries_taken = call.retries_taken
        self._elapsed = monotonic() - call.started
        self._call = call
        self._finish = finish
        self._parsed: dict[Any, Any] = {}

    @property
    def headers(self) -> Headers:
        """The header fields, read without regard to case."""
        return self.http_response.headers

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self.http_response.status_code

    @property
    def request_id(self) -> str | None:
        """The `x-request-id` header."""
        return self.http_response.request_id

    @property
    def rate_limit(self) -> RateLimit:
        """What the `x-ratelimit-*` headers say."""
        return self.http_response.rate_limit

    @property
    def http_request(self) -> Request:
        """The request that this answers."""
        return self.http_response.request

    @property
    def url(self) -> URL:
        """Where the request went."""
        return self.http_response.url

    @property
    def method(self) -> str:
        """The request's method."""
        return self.http_response.request.method

    @property
    def http_version(self) -> str:
        """`HTTP/1.1` and the like."""
        return self.http_response.http_version

    @property
    def is_closed(self) -> bool:
        """Whether the connection has been given back or closed."""
        return self.http_response.is_closed

    @property
    def elapsed(self) -> timedelta:
        """The time from the call until the response was there: all of it, or its head where the body is read later."""
        from datetime import timedelta

        return timedelta(seconds=self._elapsed)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.status_code}]>"

    def _parse(self, to: Any) -> Any:
        if to not in self._parsed:
            self._parsed[to] = self._finish(self._call, self.http_response, to)
        return self._parsed[to]


class LegacyAPIResponse(BaseAPIResponse[R]):
    """The response of `with_raw_response`: its body has been read (unless the method streams)."""

    @overload
    def parse(self) -> R: ...
    @overload
    def parse(self, *, to: type[T]) -> T: ...
    def parse(self, *, to: Any = None) -> Any:
        """What the method returns, or the body as the type `to`. Parsing twice gives the same object.

        Raises:
            APIResponseValidationError: the body is not JSON, or with `strict=True` not of the type.
        """
        return self._parse(to)

    @property
    def content(self) -> bytes:
        """The body in bytes."""
        return self.http_response.content

    @property
    def text(self) -> str:
        """The body as text."""
        return self.http_response.text


class APIResponse(BaseAPIResponse[R]):
    """The response of `with_streaming_response`: only its head has been read.

    What reads raises APIConnectionError where the connection breaks, APITimeoutError where a timeout passes.
    """

    @overload
    def parse(self) -> R: ...
    @overload
    def parse(self, *, to: type[T]) -> T: ...
    def parse(self, *, to: Any = None) -> Any:
        """Read the body and give what the method returns, or the body as the type `to`."""
        if not self._call.stream:
            self.read()
        return self._parse(to)

    def read(self) -> bytes:
        """The whole body."""
        response = self.http_response
        try:
            return response.read()
        except TransportError as error:
            raise api_error(response.request, error) from error

    def text(self) -> str:
        """The whole body as text."""
        self.read()
        return self.http_response.text

    def json(self) -> Any:
        """The whole body as JSON. Raises ValueError if it is none."""
        self.read()
        return self.http_response.json()

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The body in pieces, as they arrive or of `chunk_size` bytes."""
        response = self.http_response
        try:
            yield from response.iter_bytes(chunk_size)
        except TransportError as error:
            raise api_error(response.request, error) from error

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        """The body as text in pieces; no character is cut in two."""
        decoder = text_decoder(self.http_response.headers)
        for data in self.iter_bytes(chunk_size):
            text = decoder.decode(data)
            if text:
                yield text
        text = decoder.decode(b"", True)
        if text:
            yield text

    def iter_lines(self) -> Iterator[str]:
        """The body's lines, without their ends."""
        lines = Lines()
        for text in self.iter_text():
            yield from lines.add(text)
        yield from lines.rest()

    def close(self) -> None:
        """Give the response up."""
        self.http_response.close()


class AsyncAPIResponse(BaseAPIResponse[R]):
    """The same as `APIResponse`, for asyncio and trio."""

    @overload
    async def parse(self) -> R: ...
    @overload
    async def parse(self, *, to: type[T]) -> T: ...
    async def parse(self, *, to: Any = None) -> Any:
        """Read the body and give what the method returns, or the body as the type `to`."""
        if not self._call.stream:
            await self.read()
        return self._parse(to)

    async def read(self) -> bytes:
        """The whole body."""
        response = self.http_response
        try:
            return await response.aread()
        except TransportError as error:
            raise api_error(response.request, error) from error

    async def text(self) -> str:
        """The whole body as text."""
        await self.read()
        return self.http_response.text

    async def json(self) -> Any:
        """The whole body as JSON. Raises ValueError if it is none."""
        await self.read()
        return self.http_response.json()

    async def iter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """The body in pieces, as they arrive or of `chunk_size` bytes."""
        response = self.http_response
        try:
            async for data in response.aiter_bytes(chunk_size):
                yield data
        except TransportError as error:
            raise api_error(response.request, error) from error

    async def iter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        """The body as text in pieces; no character is cut in two."""
        decoder = text_decoder(self.http_response.headers)
        async for data in self.iter_bytes(chunk_size):
            text = decoder.decode(data)
            if text:
                yield text
        text = decoder.decode(b"", True)
        if text:
            yield text

    async def iter_lines(self) -> AsyncIterator[str]:
        """The body's lines, without their ends."""
        lines = Lines()
        async for text in self.iter_text():
            for line in lines.add(text):
                yield line
        for line in lines.rest():
            yield line

    async def close(self) -> None:
        """Give the response up."""
        await self.http_response.aclose()


class BinaryAPIResponse(APIResponse[bytes]):
    """A response whose body is content, such as a file."""

    def write_to_file(self, file: str | PathLike[str]) -> None:
        """Write the body to a file, piece by piece as it arrives. Raises OSError."""
        from .io.sync.files import save

        save(file, self.iter_bytes())


class AsyncBinaryAPIResponse(AsyncAPIResponse[bytes]):
    """The same as `BinaryAPIResponse`, for asyncio and trio."""

    async def write_to_file(self, file: str | PathLike[str]) -> None:
        """Write the body to a file, piece by piece as it arrives. Raises OSError."""
        from .io.aio.files import save

        await save(file, self.iter_bytes())


class StreamedBinaryAPIResponse(APIResponse[bytes]):
    """The response of `with_streaming_response` where its body is content, such as a file."""

    def stream_to_file(self, file: str | PathLike[str], *, chunk_size: int | None = None) -> None:
        """Write the body to a file, in pieces as they arrive or of `chunk_size` bytes. Raises OSError."""
        from .io.sync.files import save

        save(file, self.iter_bytes(chunk_size))


class AsyncStreamedBinaryAPIResponse(AsyncAPIResponse[bytes]):
    """The same as `StreamedBinaryAPIResponse`, for asyncio and trio."""

    async def stream_to_file(self, file: str | PathLike[str], *, chunk_size: int | None = None) -> None:
        """Write the body to a file, in pieces as they arrive or of `chunk_size` bytes. Raises OSError."""
        from .io.aio.files import save

        await save(file, self.iter_bytes(chunk_size))


class ResponseContextManager(Generic[ResponseT]):
    """Sends the request on entering, gives the response up on leaving."""

    def __init__(self, call: Callable[[], ResponseT]) -> None:
        self._call = call

    def __enter__(self) -> ResponseT:
        self._response: Any = self._call()
        return self._response

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._response.close()


class AsyncResponseContextManager(Generic[ResponseT]):
    """The same for asyncio and trio."""

    def __init__(self, call: Awaitable[ResponseT]) -> None:
        self._call = call

    async def __aenter__(self) -> ResponseT:
        self._response: Any = await self._call
        return self._response

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._response.close()
