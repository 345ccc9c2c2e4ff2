"""Timers for trio, which has none: things to be done at a time if nobody says otherwise before.

A cancel scope around every wait is trio's way, and costs more than all else about the wait. What waits here for its time is
one task per run, and a timer of a connection is moved along as asyncio's are.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf

import trio
from trio.lowlevel import RunVar, current_trio_token, in_trio_task, spawn_system_task

__all__ = ["Timer", "Timers", "running_timers"]


class Timer:
    """Something to be done. It may be cancelled from anywhere: another thread, or a finalizer in the middle of anything."""

    __slots__ = ("_action", "_timers", "_when")

    def __init__(self, timers: Timers, when: float, action: Callable[[], object]) -> None:
        self._timers = timers
        self._when = when
        self._action: Callable[[], object] | None = action

    def when(self) -> float:
        """The time, by trio's clock."""
        return self._when

    def cancel(self) -> None:
        """Don't do it."""
        self._action = None
        self._timers.forget(self)

    def fire(self) -> None:
        """Do it, if it was not cancelled."""
        action, self._action = self._action, None
        if action is not None:
            action()


class Timers:
    """The timers of one trio run, and its task, which is there as long as there is a timer."""

    def __init__(self) -> None:
        self._token = current_trio_token()
        # Compared by time and number, so that no code of ours runs while the heap is being changed.
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = count()
        self._live: set[Timer] = set()
        self._scope: trio.CancelScope | None = None
        self._over = False
        self.time = trio.current_time
        self.wait_readable = trio.lowlevel.wait_readable

    def is_running(self) -> bool:
        """Whether this is the run that we are in, and not about to end."""
        return current_trio_token() is self._token and not self._over

    def call_at(self, when: float, action: Callable[[], object]) -> Timer:
        """Have something done, within this run: when it is about to end, even if it is not yet time."""
        timer = Timer(self, when, action)
        self._live.add(timer)
        heap = self._heap
        if len(heap) > 2 * len(self._live) + 64:
            heap[:] = [entry for entry in heap if entry[2] in self._live]
            heapify(heap)
        heappush(heap, (when, next(self._numbers), timer))
        if self._scope is None:
            self._scope = trio.CancelScope()
            spawn_system_task(self._work, name="oxide's timers")
        self._scope.deadline = min(self._scope.deadline, when)
        return timer

    def forget(self, timer: Timer) -> None:
        """A timer was cancelled; see there."""
        self._live.discard(timer)
        if not self._live and in_trio_task() and self.is_running() and self._scope is not None:
            self._scope.cancel()

    async def _work(self) -> None:
        heap = self._heap
        try:
            while self._live:
                with self._scope or trio.CancelScope():
                    await trio.sleep_forever()
                now = self.time()
                while heap and (heap[0][0] <= now or heap[0][2] not in self._live):
                    timer = heappop(heap)[2]
                    self._live.discard(timer)
                    timer.fire()
                self._scope = trio.CancelScope(deadline=heap[0][0] if heap else inf)
        except BaseException:
            # The run ends.
            self._over = True
            while heap:
                heappop(heap)[2].fire()
            raise
        finally:
            self._scope = None
            heap.clear()
            self._live.clear()


_timers: RunVar[Timers] = RunVar("oxide's timers")


def running_timers() -> Timers | None:
    """The timers of this run; `None` if it is about to end, and takes no more tasks."""
    timers = _timers.get(None)  # type: ignore[arg-type]
    if timers is None:
        timers = Timers()
        _timers.set(timers)
    return timers if timers.is_running() else None
