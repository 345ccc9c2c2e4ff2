"""What is the same of every open WebSocket connection, whoever speaks the protocol: its states, its messages, and how it ends."""

from __future__ import annotations

import enum
from typing import Union

from .errors import ConnectTimeout, WebSocketConnectionClosedError

__all__ = [
    "ABNORMAL",
    "CLOSED",
    "CLOSING",
    "NO_STATUS",
    "OPEN",
    "Data",
    "Message",
    "State",
    "closed_error",
    "not_open_in_time",
]

Data = Union[str, bytes, bytearray, memoryview]
"""What a message is made of: text goes out as text, anything else as binary."""

ABNORMAL = 1006
"""The code that stands for a connection that ended without a Close frame (RFC 6455, section 7.1.5)."""

NO_STATUS = 1005
"""The code that stands for a Close frame without a code."""


class State(enum.Enum):
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


OPEN, CLOSING, CLOSED = State


class Message:
    """A message that was received.

    Attributes:
        data: its bytes; UTF-8 where it is text, which has been checked.
        is_text: whether the peer sent it as text.
    """

    __slots__ = ("data", "is_text")

    def __init__(self, data: bytes, is_text: bool) -> None:
        self.data = data
        self.is_text = is_text

    def __repr__(self) -> str:
        return f"<Message: {'text' if self.is_text else 'binary'}, {len(self.data)} bytes>"


def not_open_in_time(limit: float) -> ConnectTimeout:
    """What to raise where a connection was not open within `open_timeout`."""
    return ConnectTimeout(f"the WebSocket connection was not open within {limit:g} s (open_timeout)")


def closed_error(received: tuple[int, str] | None, failure: str | None) -> WebSocketConnectionClosedError:
    """What to raise for something that a closed connection, or one about to be, can't do.

    Args:
        received: code and reason of the peer's Close frame, or `None`.
        failure: what went wrong, where the connection did not end with one.
    """
    code, reason = received or (ABNORMAL, "")
    if received is not None:
        text = "the WebSocket connection was closed"
        text += f" with code {code}" if code != NO_STATUS else " without a code"
        if reason:
            text = f"{text}: {reason}"
    elif failure is not None:
        text = f"the WebSocket connection broke: {failure}"
    else:
        text = "the WebSocket connection is being closed"
    return WebSocketConnectionClosedError(text, unsent_messages=[], code=code, reason=reason)
