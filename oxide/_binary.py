"""Responses whose body is content: speech, a file, a video."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from .core.http import Response, charset
from .core.text import Lines, text_decoder

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["HttpxBinaryResponseContent"]


class HttpxBinaryResponseContent:
    """What methods return whose response is no JSON. The body has been read; it is in memory.

    For large bodies there is `with_streaming_response`, whose `stream_to_file` keeps no more than a piece in memory.
    Every method works on both sides; those that begin with `a` are for code that expects to await.

    Attributes:
        response: the response.
    """

    __of_response__ = True

    response: Response

    def __init__(self, response: Response) -> None:
        self.response = response

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self.content)} bytes>"

    @property
    def content(self) -> bytes:
        """The body in bytes."""
        return self.response.content

    @property
    def text(self) -> str:
        """The body as text, by its charset or as UTF-8."""
        return self.response.text

    @property
    def encoding(self) -> str:
        """What `text` is decoded by."""
        return charset(self.response.headers)

    @property
    def charset_encoding(self) -> str | None:
        """The charset that the response names, or `None`."""
        _, named, value = self.response.headers.get("content-type", "").lower().partition("charset=")
        return value.partition(";")[0].strip(' "') if named else None

    def json(self, **kwargs: Any) -> Any:
        """The body as JSON; the arguments are those of `json.loads`. Raises ValueError if it is none."""
        import json

        return json.loads(self.content, **kwargs)

    def read(self) -> bytes:
        """The body in bytes."""
        return self.response.content

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The body in pieces of `chunk_size` bytes, or in one."""
        return self.response.iter_bytes(chunk_size)

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The same: what a `Content-Encoding` did to the body was undone when it was read."""
        return self.response.iter_bytes(chunk_size)

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        """The body as text, in pieces made of `chunk_size` bytes, or in one; no character is cut in two."""
        decoder = text_decoder(self.response.headers)
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
        yield from lines.add(self.text)
        yield from lines.rest()

    def write_to_file(self, file: str | PathLike[str]) -> None:
        """Write the body to a file. Raises OSError."""
        self.stream_to_file(file)

    def stream_to_file(self, file: str | PathLike[str], *, chunk_size: int | None = None) -> None:
        """Write the body to a file, in pieces of `chunk_size` bytes. Raises OSError."""
        from .io.sync.files import save

        save(file, self.iter_bytes(chunk_size))

    def close(self) -> None:
        """Nothing: the connection went back when the body had been read."""
        self.response.close()

    # What is awaited; the iterators are, too, before they are iterated over, as in the official SDK.

    async def aread(self) -> bytes:
        """The body in bytes."""
        return self.response.content

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """`iter_bytes` for `async for`."""
        return _each(self.iter_bytes(chunk_size))

    async def aiter_raw(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """`iter_raw` for `async for`."""
        return _each(self.iter_raw(chunk_size))

    async def aiter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        """`iter_text` for `async for`."""
        return _each(self.iter_text(chunk_size))

    async def aiter_lines(self) -> AsyncIterator[str]:
        """`iter_lines` for `async for`."""
        return _each(self.iter_lines())

    async def astream_to_file(self, file: str | PathLike[str], *, chunk_size: int | None = None) -> None:
        """`stream_to_file` that writes in worker threads. Raises OSError."""
        from .io.aio.files import save

        await save(file, _each(self.iter_bytes(chunk_size)))

    async def aclose(self) -> None:
        """As `close`."""
        await self.response.aclose()


async def _each(items: Iterator[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item
