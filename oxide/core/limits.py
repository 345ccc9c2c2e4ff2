"""Timeouts at work: how long the next step may take, and what it is called when it took longer."""

from __future__ import annotations

from time import monotonic
from typing import Literal

from .errors import (
    ConnectTimeout,
    PoolTimeout,
    ReadTimeout,
    TotalTimeout,
    TransportTimeout,
    WriteTimeout,
)
from .timeouts import Timeout

__all__ = ["DRAIN_LIMIT", "Step", "allowance", "timed_out"]

DRAIN_LIMIT = 65536
"""Bytes. The most that is read and dropped to reach the end of a body nobody wants, so that its connection can be kept."""

Step = Literal["connect", "read", "write", "pool"]

_ERRORS: dict[str, tuple[type[TransportTimeout], str]] = {
    "connect": (ConnectTimeout, "no connection to the server within {} s (timeout.connect)"),
    "read": (ReadTimeout, "the server sent nothing for {} s (timeout.read)"),
    "write": (WriteTimeout, "the server took nothing in for {} s (timeout.write)"),
    "pool": (PoolTimeout, "no connection of the pool became free within {} s (timeout.pool)"),
}


def allowance(step: float | None, deadline: float | None) -> float | None:
    """Seconds that a step may take: its own limit, or what is left until the deadline if that is less.

    Raises:
        TotalTimeout: nothing is left.
    """
    if deadline is None:
        return step
    left = deadline - monotonic()
    if left <= 0:
        raise TotalTimeout("the whole call took longer than it may (timeout.total)")
    return left if step is None or left < step else step


def timed_out(step: Step, timeout: Timeout, deadline: float | None) -> TransportTimeout:
    """The error for a step that used its allowance up."""
    limit = getattr(timeout, step)
    if deadline is not None and (limit is None or monotonic() >= deadline - 0.001):
        return TotalTimeout(
            f"the whole call took longer than {timeout.total} s (timeout.total); it was waiting to {_DOING[step]}"
        )
    error, text = _ERRORS[step]
    return error(text.format(limit))


_DOING = {"connect": "connect", "read": "read", "write": "write", "pool": "get a connection of the pool"}
