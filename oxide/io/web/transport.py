"""The transport under WebAssembly, asynchronous: requests are sent by `fetch`."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from ...core.errors import OpenAIError, TransportError
from ...core.fetch import BUFFER_LIMIT, Fetch, refuse_settings
from ...core.http import Request, Response
from ...core.limits import DRAIN_LIMIT
from .alarm import Alarm
from .bridge import JsException, describe, js, require_javascript, streams_requests, to_js

if TYPE_CHECKING:
    from ...core.ws_options import WebSocketOptions
    from .websocket import AsyncWebSocketConnection

__all__ = ["AsyncFetchTransport", "Body"]


class AsyncFetchTransport:
    """Sends requests by `fetch`. `AsyncOpenAI` uses it by itself under WebAssembly.

    Args:
        credentials: whether the browser adds its cookies: `"omit"`, `"same-origin"` (what it does by default) or `"include"`.
        buffer_limit: bytes. A request's body that is a file or an iterable is gathered up to here before it is sent; a larger one is streamed
            where the platform does that, and an error elsewhere.
        settings: those of `AsyncHTTPTransport` (`proxy`, `verify`, `limits`, ...) are known, and refused: the platform decides.

    Raises:
        OpenAIError: a setting is asked for that has no meaning here, or this is not WebAssembly.
        TypeError, ValueError: an argument has a value it can't have.
    """

    def __init__(self, *, credentials: str | None = None, buffer_limit: int = BUFFER_LIMIT, **settings: Any) -> None:
        refuse_settings(settings)
        if credentials not in (None, "omit", "same-origin", "include"):
            raise ValueError(f"credentials must be 'omit', 'same-origin' or 'include', not {credentials!r}")
        if isinstance(buffer_limit, bool) or not isinstance(buffer_limit, int) or buffer_limit < 0:
            raise ValueError(f"buffer_limit must be a number of bytes, not {buffer_limit!r}")
        require_javascript()
        self._credentials = credentials
        self._buffer_limit = buffer_limit
        self._closed = False
        # How the body of a response is read; the synchronous transport has another.
        self._make_body: type[Body] = Body

    async def send(self, request: Request, *, stream: bool) -> Response:
        """Send one request; see `oxide.AsyncTransport`."""
        if self._closed:
            raise OpenAIError("the client is closed: make a new one")
        fetch = Fetch(request)
        controller = js.AbortController.new()
        alarm = Alarm(controller)
        try:
            native = await self._send(fetch, request, controller, alarm)
            while fetch.again(native.status):
                native = await self._send(fetch, request, controller, alarm)
        except BaseException:
            alarm.stop()
            controller.abort()
            raise
        alarm.unset()
        body = self._make_body(native, fetch, controller, alarm)
        url = native.url if fetch.redirect == "follow" else None
        if stream:
            return fetch.response(native.status, Head(native.headers), url, stream=body)
        pieces = []
        while (data := await body.next()) is not None:
            pieces.append(data)
        return fetch.response(native.status, Head(native.headers), url, content=b"".join(pieces))

    async def _send(self, fetch: Fetch, request: Request, controller: Any, alarm: Alarm) -> Any:
        options = js.Object.new()
        options.method = fetch.method
        options.headers = to_js(fetch.fields())
        options.signal = controller.signal
        options.redirect = fetch.redirect
        if self._credentials is not None:
            # Where there are no cookies, some platforms refuse to hear of them.
            options.credentials = self._credentials
        upload: Any = None
        content = request.content
        if isinstance(content, bytes):
            if content:
                options.body = to_js(content)
        else:
            # Few requests have a body that is a file.
            from .upload import Upload, gather

            if fetch.upload(streams_requests(request.url.scheme == "https"), self._buffer_limit) == "gather":
                options.body = await gather(fetch, content, self._buffer_limit)
            else:
                upload = Upload(fetch, content, alarm)
                options.body = upload.stream
                options.duplex = "half"
        try:
            alarm.set(fetch.allowance())
            return await js.fetch(fetch.url, options)
        except JsException as error:
            if upload is not None and upload.error is not None:
                raise upload.error from None
            raise fetch.failed(describe(error), alarm.rang) from error
        finally:
            if upload is not None:
                await upload.aclose()

    async def open_websocket(self, request: Request, options: WebSocketOptions) -> AsyncWebSocketConnection:
        """Open a WebSocket connection; see `AsyncHTTPTransport.open_websocket`.

        Raises:
            OpenAIError: a header field or an option is asked for that JavaScript's `WebSocket` has no place for.
            TransportError: no connection could be made in time; why, a page is not told.
        """
        # Few clients open one.
        from .websocket import connect

        if self._closed:
            raise OpenAIError("the client is closed: make a new one")
        return await connect(request, options)

    async def warmup(self, request: Request, calls: int) -> None:
        """Raises OpenAIError: the platform opens connections when it needs them."""
        raise OpenAIError("there are no connections to warm up under WebAssembly: fetch has a pool of its own")

    async def aclose(self) -> None:
        """Send nothing more. What is being read can be read to its end."""
        self._closed = True

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called."""
        return self._closed

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{' closed' if self._closed else ''}>"


class Head:
    """The header fields of a response, taken over when somebody asks for them; `Headers.of` takes one.

    A page sees of another origin's fields those that the server exposes (`Access-Control-Expose-Headers`).
    """

    __slots__ = ("_native",)

    def __init__(self, native: Any) -> None:
        self._native = native

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        fields = js.Object.fromEntries(self._native).to_py()
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()]


class Body:
    """The rest of a response: `core.http.AsyncByteStream` on the reader of a `ReadableStream`."""

    __slots__ = ("_alarm", "_controller", "_fetch", "_read")

    def __init__(self, native: Any, fetch: Fetch, controller: Any, alarm: Alarm) -> None:
        # There is none behind a HEAD or a 204: null, which is an object of its own on this side.
        make = getattr(native.body, "getReader", None)
        self._fetch = fetch
        self._controller = controller
        self._alarm = alarm
        # Looking a method up on JavaScript's side costs as much as calling it.
        self._read: Any = None if make is None else make().read
        if self._read is None:
            alarm.stop()

    async def next(self) -> bytes | None:
        """The next piece, `None` at the end. Raises TransportError."""
        read, alarm = self._read, self._alarm
        if read is None:
            return None
        try:
            alarm.set(self._fetch.allowance())
            result = await read()
        except JsException as error:
            self._give_up()
            raise self._fetch.failed(describe(error), alarm.rang) from error
        except BaseException:
            self._give_up()
            raise
        if result.done:
            self._read = None
            alarm.stop()
            return None
        alarm.unset()
        data: bytes = result.value.to_bytes()
        return data

    async def __anext__(self) -> bytes:
        data = await self.next()
        if data is None:
            raise StopAsyncIteration
        return data

    async def drain(self, seconds: float) -> None:
        """Read on for at most `seconds` to reach the end, if it is near; what comes is dropped."""
        left = DRAIN_LIMIT
        self._fetch.hurry(monotonic() + seconds)
        try:
            while left >= 0 and (data := await self.next()) is not None:
                left -= len(data)
        except TransportError:
            # The caller has all it wanted.
            return

    async def aclose(self) -> None:
        self._give_up()

    def _give_up(self) -> None:
        read, self._read = self._read, None
        if read is not None:
            self._alarm.stop()
            self._controller.abort()

    def __del__(self) -> None:
        # Aborting tells JavaScript only; it wakes nobody here before the loop runs again.
        if getattr(self, "_read", None) is not None:
            self._give_up()
