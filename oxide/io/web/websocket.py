"""WebSocket connections on JavaScript's `WebSocket`."""

from __future__ import annotations

import warnings
from asyncio import Future, get_running_loop, sleep
from time import monotonic
from typing import Any

from typing_extensions import Self

from ...core.errors import ConnectError, OpenAIError, TransportError, WebSocketConnectionClosedError
from ...core.headers import Headers
from ...core.http import HeadBlock, Request, Response
from ...core.limits import timed_out
from ...core.ws_browser import BrowserSocket, browser_handshake
from ...core.ws_options import WebSocketOptions
from ...core.ws_state import ABNORMAL, CLOSED, NO_STATUS, Data, Message, State, not_open_in_time
from .bridge import JsException, create_proxy, describe, js, require_javascript, to_js

__all__ = ["AsyncWebSocketConnection", "connect"]

HIGH_WATER = 1 << 20
"""Bytes. While more than this waits to be sent, `send` waits too."""

_CLOSED = 3


class Wire:
    """A `WebSocket` and the functions that it calls. What these hold on to is this object, so that a connection nobody uses any more
    can be collected."""

    def __init__(self, native: Any, options: WebSocketOptions) -> None:
        self.native = native
        self.machine = BrowserSocket(options)
        self.opened = False
        self._waiting: list[Future[bool]] = []
        native.binaryType = "arraybuffer"
        self._proxies = []
        for name, function in (
            ("onopen", self._on_open),
            ("onmessage", self._on_message),
            ("onclose", self._on_close),
            ("onerror", self._on_error),
        ):
            proxy = create_proxy(function)
            self._proxies.append(proxy)
            setattr(native, name, proxy)

    async def wait(self, end: float | None) -> None:
        """Wait until something happens. Raises TimeoutError at `end`, on `monotonic`'s clock."""
        loop = get_running_loop()
        future: Future[bool] = loop.create_future()
        # anyio's deadlines are not to be relied on here: see `io.aio.events`.
        timer = None if end is None else loop.call_later(max(end - monotonic(), 0.0), _settle, future, False)
        self._waiting.append(future)
        try:
            if not await future:
                raise TimeoutError
        finally:
            if timer is not None:
                timer.cancel()
            if future in self._waiting:
                self._waiting.remove(future)

    def wake(self) -> None:
        """Have everybody look again who waits."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            _settle(future, True)

    def _on_open(self, event: Any) -> None:
        self.opened = True
        self.wake()

    def _on_message(self, event: Any) -> None:
        data = event.data
        is_text = isinstance(data, str)
        refused = self.machine.receive(data.encode() if is_text else data.to_bytes(), is_text)
        if refused is not None:
            self.native.close(*refused)
        self.wake()

    def _on_close(self, event: Any) -> None:
        self._on_close_code(event.code, event.reason)

    def _on_close_code(self, code: int, reason: str) -> None:
        self.machine.receive_close(code, reason)
        self.let_go()

    def _on_error(self, event: Any) -> None:
        # A close follows, but not where the handshake failed in some versions of Node.
        if not self.opened:
            self._on_close_code(ABNORMAL, "")

    def let_go(self) -> None:
        """The connection is at its end, or nobody's any more."""
        proxies, self._proxies = self._proxies, []
        if proxies:
            self.native.onopen = self.native.onmessage = self.native.onclose = self.native.onerror = None
            # One of them may be what is running.
            get_running_loop().call_soon(lambda: [proxy.destroy() for proxy in proxies])
        if self.native.readyState != _CLOSED:
            self.native.close()
        self.wake()


def _settle(future: Future[bool], value: bool) -> None:
    if not future.done():
        future.set_result(value)


def _end(timeout: float | None) -> float | None:
    return None if timeout is None else monotonic() + timeout


class AsyncWebSocketConnection:
    """An open connection, with the methods of `oxide.io.aio.websocket.AsyncWebSocketConnection`.

    What the server sends is kept until somebody receives it, up to 64 MiB: JavaScript can't hold a server back. Pings are the platform's.

    Attributes:
        request: the request of the opening handshake.
        response: the server's answer; a page sees nothing of it but that it agreed.
        subprotocol: what the server chose of the subprotocols offered, or `None`.
    """

    def __init__(self, wire: Wire, request: Request, options: WebSocketOptions) -> None:
        self._wire = wire
        self._machine = wire.machine
        self._options = options
        self._receiving = False
        self.request = request
        self.response = Response(101, Headers(), request, content=b"", http_version="unknown")
        self.subprotocol: str | None = wire.native.protocol or None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.request.url.host}, {self.state.value}>"

    @property
    def state(self) -> State:
        """`OPEN`; `CLOSING` while the server has not answered our Close; `CLOSED`."""
        return self._machine.state

    @property
    def close_code(self) -> int | None:
        """The code that the server closed the connection with, 1006 where it ended without one; `None` while it has not ended."""
        if self.state is not CLOSED:
            return None
        return self._machine.received[0] if self._machine.received else ABNORMAL

    @property
    def close_reason(self) -> str | None:
        """The reason that the server gave for closing; `None` while the connection has not ended."""
        if self.state is not CLOSED:
            return None
        return self._machine.received[1] if self._machine.received else ""

    async def send(self, message: Data) -> None:
        """Send text (`str`) or binary data; returns when the platform has taken it, and no more than 1 MiB waits to be sent.

        Raises:
            WebSocketConnectionClosedError: the connection has ended.
            TypeError: it is neither text nor bytes.
        """
        native = self._wire.native
        data = self._machine.send(message)
        native.send(data if isinstance(data, str) else to_js(data))
        if native.bufferedAmount > HIGH_WATER:
            await self._drain()

    async def _drain(self) -> None:
        native = self._wire.native
        limit = self.request.timeout.write
        before, since = native.bufferedAmount, monotonic()
        # JavaScript does not tell when it has sent something.
        while (left := native.bufferedAmount) > HIGH_WATER:
            if left < before:
                before, since = left, monotonic()
            elif limit is not None and monotonic() - since >= limit:
                error = timed_out("write", self.request.timeout, None)
                self._give_up(error)
                raise self._machine.closed_error() from error
            if self.state is CLOSED:
                raise self._machine.closed_error()
            await sleep(0.01)

    async def recv(self, timeout: float | None = None) -> str | bytes:
        """The next message: `str` for text, `bytes` for binary data.

        Args:
            timeout: seconds to wait; `None` for as long as it takes. Nothing is lost where it passes, nor where the task is cancelled.

        Raises:
            WebSocketConnectionClosedError: the connection has ended.
            TimeoutError: `timeout` passed.
            RuntimeError: another task is receiving.
        """
        message = await self.recv_message(timeout)
        return message.data.decode() if message.is_text else message.data

    async def recv_bytes(self, timeout: float | None = None) -> bytes:
        """The next message as bytes, text in UTF-8. Raises as `recv`."""
        return (await self.recv_message(timeout)).data

    async def recv_message(self, timeout: float | None = None) -> Message:
        """The next message as it came: its bytes, and whether it is text. Raises as `recv`."""
        if self._receiving:
            raise RuntimeError("another task is receiving from this WebSocket connection")
        message = self._machine.next()
        if message is not None:
            return message
        self._receiving = True
        try:
            end = _end(timeout)
            while (message := self._machine.next()) is None:
                await self._wire.wait(end)
            return message
        finally:
            self._receiving = False

    async def ping(self) -> None:
        """Raises OpenAIError: JavaScript's `WebSocket` sends none."""
        raise OpenAIError("pings can't be sent under WebAssembly: JavaScript's WebSocket has no method for it")

    def poll(self, now: float) -> Message | None:
        """A message that has come already, while nobody receives; `None` if there is none.

        Raises:
            WebSocketConnectionClosedError: the connection has ended.
        """
        return self._machine.next()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection, and wait until the server has agreed to that, for at most `close_timeout`. May be called twice.

        Messages that come meanwhile are for who is receiving; where nobody is, they are dropped.

        Raises:
            ValueError: the code is none that may be sent, or the reason is too long.
        """
        machine, wire = self._machine, self._wire
        kept = len(machine.messages)
        if machine.close(code, reason):
            wire.native.close(code, reason)
        timeout = self._options.close_timeout
        end = _end(timeout)
        try:
            while machine.state is not CLOSED:
                await wire.wait(end)
                if not self._receiving:
                    machine.drop(kept)
        except TimeoutError:
            self._give_up(TransportError(f"the server did not answer the Close within {timeout} s (close_timeout)"))
        except BaseException:
            self._give_up(TransportError("closing it was interrupted"))
            raise

    def hang_up(self) -> None:
        """Close the connection without waiting for the server to agree. Never raises."""
        self._give_up(TransportError("it was closed without waiting for the server"))

    def _give_up(self, error: TransportError) -> None:
        self._machine.lost(error)
        self._wire.let_go()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            return await self.recv()
        except WebSocketConnectionClosedError as error:
            if error.ok:
                raise StopAsyncIteration from None
            raise

    def __del__(self) -> None:
        wire = getattr(self, "_wire", None)
        if wire is not None and wire.machine.state is not CLOSED:
            wire.machine.lost(TransportError("nobody used it any more"))
            wire.let_go()
            warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=1)


async def connect(request: Request, options: WebSocketOptions) -> AsyncWebSocketConnection:
    """Open a connection.

    Raises:
        OpenAIError: a header field or an option is asked for that JavaScript's `WebSocket` has no place for, or there is none.
        ConnectTimeout: it was not open within `open_timeout`.
        ConnectError: no connection could be made, or the server declined; a page is not told which.
    """
    require_javascript()
    url, protocols = browser_handshake(request, options)
    if not hasattr(js, "WebSocket"):
        raise OpenAIError(
            "this JavaScript engine has no WebSocket: Node has one from version 22 (or --experimental-websocket)"
        )
    try:
        native = js.WebSocket.new(url, to_js(protocols))
    except JsException as error:
        raise ConnectError(f"no WebSocket can be opened: {describe(error)}") from error
    # What stays with the connection, and with errors about it, has no credentials in it.
    request = Request("GET", request.url, HeadBlock(()), b"", request.timeout)
    wire = Wire(native, options)
    limit = options.open_timeout
    end = _end(limit)
    try:
        while not wire.opened and wire.machine.state is not CLOSED:
            await wire.wait(end)
    except TimeoutError:
        wire.let_go()
        assert limit is not None
        raise not_open_in_time(limit) from None
    except BaseException:
        wire.let_go()
        raise
    if not wire.opened:
        received = wire.machine.received
        said = f", code {received[0]} {received[1]}".rstrip() if received and received[0] != NO_STATUS else ""
        raise ConnectError(
            f"the WebSocket connection to {request.url.host} could not be made{said} (a page is not told why: nobody answers there, the"
            " certificate is refused, or the server declined, for a wrong key perhaps, or because it chose no subprotocol)"
        )
    return AsyncWebSocketConnection(wire, request, options)
