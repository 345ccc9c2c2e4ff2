"""The event loop's clock."""

from __future__ import annotations

import time

import anyio
from anyio.lowlevel import RunVar

__all__ = ["now"]

_ahead: RunVar[float] = RunVar("oxide.clock")


def now() -> float:
    """Seconds: the event loop's own, which in a test may go faster, and begin where `time.monotonic()` was.

    trio's begins anywhere, and what is noted in one loop is read in the next.
    """
    seconds = anyio.current_time()
    try:
        return seconds + _ahead.get()
    except LookupError:
        ahead = time.monotonic() - seconds
        _ahead.set(ahead)
        return seconds + ahead
