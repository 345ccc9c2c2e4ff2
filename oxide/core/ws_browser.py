"""WebSocket connections that JavaScript's `WebSocket` makes: a machine for what is left to be decided about them.

The platform speaks the protocol: frames, pings, compression, the closing handshake. It takes no header fields, tells a page nothing about
a handshake that failed, and can't be held back: what the server sends is there, whether anybody receives it or not.

The API takes what a page would say in header fields as subprotocols (`openai-insecure-api-key.KEY`). A key in a page is everybody's
who can look into it: it should be one of the API's short-lived client secrets.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from .errors import OpenAIError, TransportError, WebSocketConnectionClosedError
from .http import Request
from .ws_options import WebSocketOptions
from .ws_state import ABNORMAL, CLOSED, CLOSING, OPEN, Message, State, closed_error

__all__ = ["UNREAD_LIMIT", "BrowserSocket", "browser_handshake"]

UNREAD_LIMIT = 64 << 20
"""Bytes that may wait to be received; beyond, the connection is given up, since the server can't be told to wait."""

_PROTOCOL = "realtime"
"""What the server chooses of the subprotocols. A browser ends a connection to a server that chooses none."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# Fields that say nothing that the handshake needs.
_DROPPED = frozenset({"accept", "accept-encoding", "connection", "content-type", "host", "user-agent"})

_AS_PROTOCOL = {"openai-organization": "openai-organization.", "openai-project": "openai-project."}


def browser_handshake(request: Request, options: WebSocketOptions) -> tuple[str, list[str]]:
    """The URL to open and the subprotocols to offer, which stand for the header fields.

    Raises:
        OpenAIError: a header field, or an option, is asked for that the platform has no place for; or a key can't be part of a
            subprotocol's name. Keys are not in the message.
    """
    _check_options(options)
    protocols = [*options.subprotocols, _PROTOCOL]
    for raw, value in request.head.pairs:
        name, text = raw.decode("latin-1"), value.decode("latin-1")
        lower = name.lower()
        if lower in _DROPPED:
            continue
        scheme, _, key = text.partition(" ")
        if lower == "authorization" and scheme.lower() == "bearer":
            protocols.append(f"openai-insecure-api-key.{key.strip()}")
        elif lower == "openai-beta":
            protocols += [f"openai-beta.{part.strip().replace('=', '-')}" for part in text.split(",")]
        elif lower in _AS_PROTOCOL:
            protocols.append(_AS_PROTOCOL[lower] + text)
        else:
            raise OpenAIError(
                f"the header field {name!r} can't be sent with a WebSocket under WebAssembly: JavaScript's WebSocket takes none. Bearer"
                " keys, OpenAI-Organization, OpenAI-Project and OpenAI-Beta travel as subprotocols; what a server takes in the query"
                " goes there with extra_query"
            )
        if not _TOKEN.fullmatch(protocols[-1]):
            raise OpenAIError(
                f"the value of {name!r} has characters that a WebSocket's subprotocol can't have, and under WebAssembly there is no other"
                " way to send it"
            )
    return str(request.url), list(dict.fromkeys(protocols))


def _check_options(options: WebSocketOptions) -> None:
    # Those of the defaults that don't hold are documented; what differs from them was asked for.
    if options.ping_interval not in (None, 20.0):
        raise OpenAIError("ping_interval can't be set under WebAssembly: JavaScript's WebSocket sends no pings")
    if options.ping_timeout not in (None, 20.0):
        raise OpenAIError("ping_timeout can't be set under WebAssembly: JavaScript's WebSocket sends no pings")
    if options.max_queue not in (None, 16):
        raise OpenAIError(
            "max_queue can't be set under WebAssembly: JavaScript's WebSocket can't hold the server back. Up to"
            f" {UNREAD_LIMIT >> 20} MiB are kept for who receives"
        )


class BrowserSocket:
    """An open connection, and the messages that nobody has received yet.

    Attributes:
        state: where it is in its life.
        messages: those that have come, the oldest first.
        received: code and reason that the connection was closed with, or `None`.
        failure: what went wrong, where it was not closed.
    """

    __slots__ = ("_max_size", "_unread", "failure", "messages", "received", "state")

    def __init__(self, options: WebSocketOptions) -> None:
        self.state: State = OPEN
        self.messages: deque[Message] = deque()
        self.received: tuple[int, str] | None = None
        self.failure: str | None = None
        self._max_size = options.max_size
        self._unread = 0

    def receive(self, data: bytes, is_text: bool) -> tuple[int, str] | None:
        """A message came; what to close the connection with, if that is to be done about it."""
        if self.state is CLOSED:
            return None
        size = len(data)
        if self._max_size is not None and size > self._max_size:
            return self._fail(f"a message of {size} bytes, more than max_size={self._max_size}")
        self._unread += size
        if self._unread > UNREAD_LIMIT:
            return self._fail(f"more than {UNREAD_LIMIT >> 20} MiB came, and nobody received them")
        self.messages.append(Message(data, is_text))
        return None

    def receive_close(self, code: int, reason: str) -> None:
        """The connection has ended."""
        if self.state is CLOSED:
            return
        self.state = CLOSED
        if code == ABNORMAL:
            self.failure = "the connection ended"
        else:
            self.received = (code, reason)

    def next(self) -> Message | None:
        """A message that is here, or `None`. Raises WebSocketConnectionClosedError if none can come any more."""
        if self.messages:
            message = self.messages.popleft()
            self._unread -= len(message.data)
            return message
        if self.state is CLOSED:
            raise self.closed_error()
        return None

    def drop(self, kept: int) -> None:
        """Forget what came after the first `kept` messages."""
        while len(self.messages) > kept:
            self._unread -= len(self.messages.pop().data)

    def send(self, message: Any) -> str | bytes:
        """What to hand to the platform for a message. Raises WebSocketConnectionClosedError, TypeError."""
        if self.state is not OPEN:
            raise self.closed_error()
        if isinstance(message, str):
            # Half a surrogate pair is refused as it is elsewhere; the platform would replace it.
            message.encode()
            return message
        if isinstance(message, (bytes, bytearray, memoryview)):
            return bytes(message)
        raise TypeError(f"a WebSocket message is text or bytes, not {type(message).__name__}")

    def close(self, code: int, reason: str) -> bool:
        """Begin to close; whether there is something to be done for it. Raises ValueError."""
        if code != 1000 and not 3000 <= code <= 4999:
            raise ValueError(f"JavaScript's WebSocket sends no close code but 1000 and 3000 to 4999, not {code!r}")
        if len(reason.encode()) > 123:
            raise ValueError("the reason for closing is longer than 123 bytes")
        if self.state is not OPEN:
            return False
        self.state = CLOSING
        return True

    def lost(self, error: TransportError) -> None:
        """The connection is given up."""
        if self.state is not CLOSED:
            self._fail(str(error))

    def closed_error(self) -> WebSocketConnectionClosedError:
        """As `core.websocket.WebSocket.closed_error`."""
        return closed_error(self.received, self.failure)

    def _fail(self, text: str) -> tuple[int, str]:
        self.failure = text
        self.state = CLOSED
        # 1009 is not for pages to send (RFC 6455, section 7.4.2: 4000 to 4999 are for private use).
        return 4009, text.encode()[:123].decode(errors="ignore")
