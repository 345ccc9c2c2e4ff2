"""WebSocket connections, synchronous."""

from __future__ import annotations

from threading import Event
from time import monotonic
from typing import Any

from typing_extensions import Self

from ...core.errors import TransportError, WebSocketConnectionClosedError
from ...core.http import Request
from ...core.ws_open import open_websocket
from ...core.ws_options import WebSocketOptions
from ...core.ws_state import CLOSED, Data, Message
from ..websocket import BaseWebSocketConnection
from .duplex import Duplex
from .keepalive import keep
from .run import run

__all__ = ["WebSocketConnection", "connect"]


class WebSocketConnection(BaseWebSocketConnection):
    """An open connection. It belongs to nobody's pool: who opened it closes it.

    One thread may receive while others send; messages of several senders don't mix. While nobody receives, pings are answered all the
    same, and up to `max_queue` messages are kept; what comes then waits in the sockets, and so does the server. A server that is silent for
    `ping_interval` and does not answer a ping within `ping_timeout` ends the connection.

    `recv` and `send` raise `WebSocketConnectionClosedError` once the connection has ended; it has the server's `code` and `reason`, and
    whether that was a normal end (`ok`). Messages that had come before are received first. Iterating ends where that end is normal.
    """

    def send(self, message: Data) -> None:
        """Send text (`str`) or binary data; returns when the operating system has taken in all of it.

        Raises:
            WebSocketConnectionClosedError: the connection has ended, or does before all is sent.
            TypeError: it is neither text nor bytes.
        """
        self._drain(self._submit(message))

    def recv(self, timeout: float | None = None) -> str | bytes:
        """The next message: `str` for text, `bytes` for binary data.

        Args:
            timeout: seconds to wait; `None` for as long as it takes. Nothing is lost where it passes.

        Raises:
            WebSocketConnectionClosedError: the connection has ended.
            TimeoutError: `timeout` passed.
            RuntimeError: another thread or task is receiving.
        """
        message = self.recv_message(timeout)
        return message.data.decode() if message.is_text else message.data

    def recv_bytes(self, timeout: float | None = None) -> bytes:
        """The next message as bytes, text in UTF-8. Raises as `recv`."""
        message = self.recv_message(timeout)
        return message.data

    def recv_message(self, timeout: float | None = None) -> Message:
        """The next message as it came: its bytes, and whether it is text. Raises as `recv`."""
        end = None if timeout is None else monotonic() + timeout
        while not self._claim():
            event = Event()
            if self._claim_or_wait(event, False):
                break
            self._pause(event, None if end is None else max(end - monotonic(), 0.0))
        try:
            while True:
                message = self._next()
                if message is not None:
                    return message
                self._fill(None if end is None else max(end - monotonic(), 0.0))
        finally:
            self._release()

    def ping(self) -> None:
        """Send a ping; the answer is taken as a sign of life. Raises as `send`."""
        self._drain(self._submit_ping())

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection, and wait until the server has agreed to that, for at most `close_timeout`. May be called twice.

        Messages that come meanwhile are for who is receiving; where nobody is, they are dropped.

        Raises:
            ValueError: the code is none that may be sent, or the reason is too long.
        """
        timeout = self._options.close_timeout
        end = None if timeout is None else monotonic() + timeout
        kept = len(self._messages)
        try:
            self._drain(self._submit_close(code, reason))
            while self._ws.state is not CLOSED:
                left = None if end is None else max(end - monotonic(), 0.0)
                event = Event()
                if not self._claim_or_wait(event, True):
                    self._pause(event, left)
                    continue
                try:
                    self._fill(left)
                    while len(self._messages) > kept:
                        self._messages.pop()
                finally:
                    self._release()
        except (TimeoutError, WebSocketConnectionClosedError):
            # The server is gone, or does as if: there is nothing more to be said to it.
            pass
        except ValueError:
            raise
        except BaseException:
            self._broke(TransportError("closing it was interrupted"))
            raise
        self._broke(TransportError(f"the server did not answer the Close within {timeout} s (close_timeout)"))

    def _fill(self, timeout: float | None) -> None:
        try:
            data = self._stream.read(timeout)
        except TransportError as error:
            self._broke(error)
        else:
            self._take(data)

    def _drain(self, goal: int) -> None:
        stream = self._stream
        if stream.sent >= goal:
            return
        try:
            stream.drain(goal, self.request.timeout.write)
        except (TransportError, TimeoutError) as error:
            raise self._unsent(error) from error

    def _pause(self, event: Event, timeout: float | None) -> None:
        if not event.wait(timeout):
            raise TimeoutError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str | bytes:
        try:
            return self.recv()
        except WebSocketConnectionClosedError as error:
            if error.ok:
                raise StopIteration from None
            raise


def connect(network: Any, request: Request, options: WebSocketOptions) -> WebSocketConnection:
    """Open a connection.

    Args:
        network: what `core.dial` is performed against.
        request: a GET to a `ws` or `wss` URL, with the header fields that are to be sent.
        options: how it is to be.

    Raises as `core.ws_open.open_websocket`.
    """
    opened = run(open_websocket(request, options), network)
    connection = WebSocketConnection(opened, options, Duplex(opened.connection))
    keep(connection)
    return connection
