"""What both shells' WebSocket connections do that needs no waiting."""

from __future__ import annotations

import threading
import warnings
from collections import deque
from typing import Any

from ..core.errors import TransportError, WebSocketConnectionClosedError
from ..core.http import Request, Response
from ..core.ws_open import Opened
from ..core.ws_options import WebSocketOptions
from ..core.ws_state import CLOSED, Data, Message, State

__all__ = ["BaseWebSocketConnection"]


class BaseWebSocketConnection:
    """An open connection: the machine, the stream it speaks over, and the messages that nobody has received yet.

    Attributes:
        request: the request of the opening handshake.
        response: the server's answer to it; its header fields are there.
        subprotocol: what the server chose of the subprotocols offered, or `None`.
    """

    def __init__(self, opened: Opened, options: WebSocketOptions, stream: Any) -> None:
        self.request: Request = opened.response.request
        self.response: Response = opened.response
        self.subprotocol: str | None = opened.subprotocol
        self._ws = opened.websocket
        self._options = options
        self._stream = stream
        self._messages: deque[Message] = deque()
        # Around the machine and what is in this object; nothing waits under it.
        self._lock = threading.Lock()
        self._receiving = False
        self._closing = False  # who receives does it to close the connection
        self._waiting: list[Any] = []  # events for those who wait for the end, or for their turn to receive
        if opened.trailing:
            self._take(opened.trailing)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.request.url.host}, {self._ws.state.value}>"

    @property
    def state(self) -> State:
        """`OPEN`; `CLOSING` while the server has not answered our Close; `CLOSED`."""
        return self._ws.state

    @property
    def close_code(self) -> int | None:
        """The code that the server closed the connection with, 1006 where it ended without one; `None` while it has not ended."""
        if self._ws.state is not CLOSED:
            return None
        return self._ws.received[0] if self._ws.received else 1006

    @property
    def close_reason(self) -> str | None:
        """The reason that the server gave for closing; `None` while the connection has not ended."""
        if self._ws.state is not CLOSED:
            return None
        return self._ws.received[1] if self._ws.received else ""

    @property
    def period(self) -> float:
        """How often `tend` has to be called, in seconds."""
        given = [one for one in (self._options.ping_interval, self._options.ping_timeout) if one]
        return min(5.0, *(one / 4 for one in given)) if given else 5.0

    def tend(self, now: float) -> bool:
        """To be called every few seconds, whether somebody receives or not: answers pings, sends our own, and finds out about a
        server that is gone. Waits for nothing. Returns whether there is need for further calls.

        Messages that come in are kept, as many as `max_queue`; then the server has to wait.
        """
        stream, ws = self._stream, self._ws
        with self._lock:
            if ws.state is CLOSED:
                return False
            pending = False
            try:
                if not self._receiving:
                    limit = self._options.max_queue
                    if limit is None or len(self._messages) < limit:
                        data = stream.read_ready()
                        if data is not None:
                            self._feed(data)
                    pending = ws.state is not CLOSED and stream.is_readable()
                ws.tick(now, pending)
                stream.push(ws.data_to_send())
            except TransportError as error:
                ws.connection_lost(error)
            self._settle()
            return ws.state is not CLOSED

    def poll(self, now: float) -> Message | None:
        """A message that has come already, while nobody receives; `None` if there is none.

        Raises:
            WebSocketConnectionClosedError: the connection has ended.
        """
        if not self._messages:
            self.tend(now)
        return self._next()

    def hang_up(self) -> None:
        """Close the connection without waiting for the server to agree. Never raises."""
        try:
            self._submit_close(1000, "")
        except WebSocketConnectionClosedError:
            return
        self._broke(TransportError("it was closed without waiting for the server"))

    def _next(self) -> Message | None:
        """A message that is here, or `None`. Raises WebSocketConnectionClosedError if none can come any more."""
        with self._lock:
            if self._messages:
                return self._messages.popleft()
            if self._ws.state is CLOSED:
                raise self._ws.closed_error()
            return None

    def _claim(self) -> bool:
        """Be the one who receives; not, if somebody closes the connection and is at it. Raises RuntimeError if another receives."""
        with self._lock:
            if self._receiving and not self._closing:
                raise RuntimeError("another thread or task is receiving from this WebSocket connection")
            claimed = not self._receiving
            self._receiving = True
            return claimed

    def _claim_or_wait(self, event: Any, closing: bool) -> bool:
        """Be the one who receives; or have the event set when that one is done, or the connection."""
        with self._lock:
            if self._receiving:
                self._waiting.append(event)
                return False
            self._receiving = True
            self._closing = closing
            return True

    def _release(self) -> None:
        self._receiving = self._closing = False
        if self._waiting:
            self._wake()

    def _wake(self) -> None:
        while self._waiting:
            self._waiting.pop().set()

    def _take(self, data: bytes) -> None:
        """What was read, `b""` for the end of the connection."""
        with self._lock:
            self._feed(data)
            try:
                # The answer to a ping must not wait for a server that takes nothing in.
                self._stream.push(self._ws.data_to_send())
            except TransportError as error:
                self._ws.connection_lost(error)
            self._settle()

    def _broke(self, error: Exception) -> None:
        """The connection can't be read, or written, any more."""
        with self._lock:
            self._ws.connection_lost(error)
            self._settle()

    def _submit(self, message: Data) -> int:
        """Begin to send; returns the place in the stream up to which it has to be sent for the message to be out."""
        with self._lock:
            self._ws.send(message)
            return self._push()

    def _submit_ping(self) -> int:
        with self._lock:
            self._ws.ping()
            return self._push()

    def _submit_close(self, code: int, reason: str) -> int:
        with self._lock:
            self._ws.close(code, reason)
            return self._push()

    def _push(self) -> int:
        try:
            return self._stream.push(self._ws.data_to_send())  # type: ignore[no-any-return]
        except TransportError as error:
            self._ws.connection_lost(error)
            self._settle()
            raise self._ws.closed_error() from error

    def _unsent(self, error: Exception) -> WebSocketConnectionClosedError:
        """What to raise where a message could not be sent to its end."""
        self._broke(error)
        closed = self._ws.closed_error()
        closed.__cause__ = error
        return closed

    def _feed(self, data: bytes) -> None:
        if data:
            self._messages.extend(self._ws.receive_data(data))
        else:
            self._ws.receive_eof()

    def _settle(self) -> None:
        """Let the socket go once the connection is at its end."""
        if self._ws.state is CLOSED:
            self._stream.close()
            self._wake()

    def __del__(self) -> None:
        stream = getattr(self, "_stream", None)
        if stream is not None and not stream.closed:
            stream.close()
            warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=1)
