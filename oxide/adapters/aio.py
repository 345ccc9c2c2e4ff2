"""The asynchronous adapter: `core.transport.AsyncTransport` on a library's calls."""

from __future__ import annotations

from typing import Any

import anyio

from ..core.errors import OpenAIError, TransportError
from ..core.http import Request, Response
from ..core.limits import allowance, timed_out
from .library import Library, translate

__all__ = ["AsyncAdapter"]


class AsyncAdapter:
    """Sends requests by way of a client or pool that the user brought."""

    def __init__(self, library: Library) -> None:
        self._library = library
        # Where the library does not decode, we do, and may ask for it.
        self.accept_encoding = getattr(library, "accept_encoding", None)

    async def send(self, request: Request, *, stream: bool) -> Response:
        """Send one request; see `oxide.AsyncTransport`."""
        library = self._library
        if library.closed:
            raise OpenAIError("the client is closed: make a new one")
        follows = library.follows_redirects
        native = await within(request, library.send, request, stream)
        response = library.response(native, request, follows)
        content = library.content(native)
        body = Body(library, native, request)
        if content is not None:
            await body.aclose()
            response._content = content
        else:
            response.stream = body
            if not stream:
                await response.aread()
        return response

    async def aclose(self) -> None:
        """Close the user's client."""
        await self._library.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed, here or by the user."""
        return self._library.closed

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._library!r}>"


async def within(request: Request, function: Any, *args: Any) -> Any:
    """What `function` returns for a request, in the time that its call has left. Raises TransportError, and what is no error of the network."""
    try:
        with anyio.fail_after(allowance(None, request.deadline)):
            return await function(*args)
    except (TransportError, StopAsyncIteration):
        raise
    except TimeoutError:
        raise timed_out("read", request.timeout, request.deadline) from None
    except Exception as error:
        translated = translate(error, request)
        if translated is None:
            raise
        raise translated from error


class Body:
    """The rest of a response: `core.http.AsyncByteStream` on a library's iterator."""

    def __init__(self, library: Library, native: Any, request: Request) -> None:
        self._library = library
        self._native = native
        self._request = request
        self._pieces: Any = None
        self._decoder = library.decoder(native)

    async def __anext__(self) -> bytes:
        decoder = self._decoder
        try:
            while True:
                data: bytes = b"" if decoder is None else decoder.read()
                if data:
                    return data
                if self._native is None:
                    raise StopAsyncIteration
                if self._pieces is None:
                    self._pieces = self._library.pieces(self._native)
                try:
                    data = await within(self._request, self._pieces.__anext__)
                except StopAsyncIteration:
                    await self.aclose()
                    if decoder is not None:
                        decoder.receive_eof()
                    continue
                if decoder is not None:
                    decoder.feed(data)
                elif data:
                    return data
        except BaseException:
            await self.aclose()
            raise

    def hold(self) -> None:
        """Note that the whole body is to be kept in memory."""
        if self._decoder is not None:
            self._decoder.held = True

    async def aclose(self) -> None:
        native, self._native = self._native, None
        pieces, self._pieces = self._pieces, None
        if native is None:
            return
        with anyio.CancelScope(shield=True):
            if pieces is not None:
                await pieces.aclose()
            await self._library.close_response(native)
