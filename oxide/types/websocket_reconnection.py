"""What is known when a WebSocket connection is about to be made again, and what can be changed about it then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from typing_extensions import TypedDict

__all__ = ["ReconnectingEvent", "ReconnectingOverrides", "is_recoverable_close"]

# RFC 6455, section 7.4.1 and the registry that it set up: closures that say nothing against trying again.
_RECOVERABLE_CLOSE_CODES = frozenset(
    {
        1001,  # going away
        1005,  # no code was given
        1006,  # no closing handshake at all
        1011,  # the server failed
        1012,  # it restarts
        1013,  # it is too busy
        1015,  # the TLS handshake failed
    }
)


@dataclass(frozen=True)
class ReconnectingEvent:
    """Given to the `on_reconnecting` handler before each attempt.

    Attributes:
        attempt: which attempt it is, counted from 1.
        max_attempts: how many there will be.
        delay: seconds until it is made.
        close_code: what closed the connection.
        extra_query, extra_headers: what it was made with.
    """

    attempt: int
    max_attempts: int
    delay: float
    close_code: int
    extra_query: Mapping[str, object]
    extra_headers: Mapping[str, Any]


class ReconnectingOverrides(TypedDict, total=False):
    """What the handler may return.

    extra_query, extra_headers: what the next connection is made with, instead.
    abort: `True` to give up.
    """

    extra_query: Mapping[str, object]
    extra_headers: Mapping[str, Any]
    abort: bool


def is_recoverable_close(code: int) -> bool:
    """Whether it is worth connecting again after this close code."""
    return code in _RECOVERABLE_CLOSE_CODES
