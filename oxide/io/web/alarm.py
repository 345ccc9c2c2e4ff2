"""A limit on waiting that is moved along: one timer for a request, which aborts it."""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle, get_running_loop
from time import monotonic
from typing import Any

__all__ = ["Alarm"]


class Alarm:
    """Aborts what an `AbortController` is for when a step takes too long.

    A cancel scope around each read of a stream would cost more than the read, so the timer stays, and finds out when it rings
    whether it still has to.

    Args:
        controller: the `AbortController`.

    Attributes:
        rang: whether it did abort.
    """

    __slots__ = ("_at", "_controller", "_due", "_loop", "_timer", "rang")

    def __init__(self, controller: Any) -> None:
        self._controller = controller
        self._loop: AbstractEventLoop = get_running_loop()
        self._due: float | None = None
        self._timer: TimerHandle | None = None
        self._at = 0.0
        self.rang = False

    def set(self, seconds: float | None) -> None:
        """Ring in so many seconds, whatever was set before; `None` for never."""
        if seconds is None:
            self._due = None
            return
        due = self._due = monotonic() + seconds
        if self._timer is None or due < self._at:
            self._schedule(due, seconds)

    def unset(self) -> None:
        """Nothing is being waited for; something may be, later."""
        self._due = None

    def stop(self) -> None:
        """It is not needed any more."""
        self._due = None
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _schedule(self, due: float, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._at = due
        self._timer = self._loop.call_later(seconds, self._ring)

    def _ring(self) -> None:
        self._timer = None
        due = self._due
        if due is None:
            return
        left = due - monotonic()
        # Timers of JavaScript are of whole milliseconds, and may be early.
        if left > 0.001:
            self._schedule(due, left)
        else:
            self.rang = True
            self._controller.abort()
