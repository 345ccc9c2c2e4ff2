"""The synchronous adapter: `core.transport.Transport` on a library's calls."""

from __future__ import annotations

from typing import Any

from ..core.errors import OpenAIError, TransportError
from ..core.http import Request, Response
from ..core.limits import allowance
from .library import Library, translate

__all__ = ["Adapter"]


class Adapter:
    """Sends requests by way of a client or pool that the user brought."""

    def __init__(self, library: Library) -> None:
        self._library = library
        # Where the library does not decode, we do, and may ask for it.
        self.accept_encoding = getattr(library, "accept_encoding", None)

    def send(self, request: Request, *, stream: bool) -> Response:
        """Send one request; see `oxide.Transport`."""
        library = self._library
        if library.closed:
            raise OpenAIError("the client is closed: make a new one")
        follows = library.follows_redirects
        native = within(request, library.send, request, stream)
        response = library.response(native, request, follows)
        content = library.content(native)
        body = Body(library, native, request)
        if content is not None:
            body.close()
            response._content = content
        else:
            response.stream = body
            if not stream:
                response.read()
        return response

    def close(self) -> None:
        """Close the user's client."""
        self._library.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed, here or by the user."""
        return self._library.closed

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._library!r}>"


def within(request: Request, function: Any, *args: Any) -> Any:
    """What `function` returns for a request, in the time that its call has left. Raises TransportError, and what is no error of the network."""
    try:
        # A read under way can't be cut short: each has what was left of the time when the request was sent.
        allowance(None, request.deadline)
        return function(*args)
    except (TransportError, StopIteration):
        raise
    except Exception as error:
        translated = translate(error, request)
        if translated is None:
            raise
        raise translated from error


class Body:
    """The rest of a response: `core.http.ByteStream` on a library's iterator."""

    def __init__(self, library: Library, native: Any, request: Request) -> None:
        self._library = library
        self._native = native
        self._request = request
        self._pieces: Any = None
        self._decoder = library.decoder(native)

    def __next__(self) -> bytes:
        decoder = self._decoder
        try:
            while True:
                data: bytes = b"" if decoder is None else decoder.read()
                if data:
                    return data
                if self._native is None:
                    raise StopIteration
                if self._pieces is None:
                    self._pieces = self._library.pieces(self._native)
                try:
                    data = within(self._request, self._pieces.__next__)
                except StopIteration:
                    self.close()
                    if decoder is not None:
                        decoder.receive_eof()
                    continue
                if decoder is not None:
                    decoder.feed(data)
                elif data:
                    return data
        except BaseException:
            self.close()
            raise

    def hold(self) -> None:
        """Note that the whole body is to be kept in memory."""
        if self._decoder is not None:
            self._decoder.held = True

    def close(self) -> None:
        native, self._native = self._native, None
        pieces, self._pieces = self._pieces, None
        if native is None:
            return
        if pieces is not None:
            pieces.close()
        self._library.close_response(native)
