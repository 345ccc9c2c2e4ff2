"""What looks after all WebSocket connections of an event loop, every few seconds: a timer on asyncio, a system task on trio."""

from __future__ import annotations

import weakref
from asyncio import AbstractEventLoop, TimerHandle, _get_running_loop
from time import monotonic
from typing import Any

from .waiting import _in_trio

__all__ = ["Keeper", "keep"]


class Keeper:
    """Calls `tend` of connections until they are closed or collected; it ends with the last of them."""

    def __init__(self) -> None:
        self._connections: weakref.WeakSet[Any] = weakref.WeakSet()
        self._timer: TimerHandle | None = None
        self._scope: Any = None
        self._period = 0.0

    def add(self, connection: Any) -> None:
        """Look after this connection as well."""
        self._connections.add(connection)
        loop = _get_running_loop()
        if loop is None or _in_trio():
            import trio

            if self._scope is None:
                self._scope = trio.CancelScope()
                trio.lowlevel.spawn_system_task(self._run)
            elif connection.period < self._period:
                # To be asleep for as long as the newcomer allows.
                self._scope.cancel()
        else:
            self._schedule(loop, connection.period)

    def tend(self) -> float | None:
        """Go round once; returns the seconds until the next time, `None` if there is nothing left to look after."""
        period: float | None = None
        for connection in list(self._connections):
            if connection.tend(monotonic()):
                period = connection.period if period is None else min(period, connection.period)
            else:
                self._connections.discard(connection)
        self._period = period or 0.0
        return period

    def _schedule(self, loop: AbstractEventLoop, period: float) -> None:
        timer = self._timer
        if timer is None or timer.when() > loop.time() + period:
            if timer is not None:
                timer.cancel()
            self._timer = loop.call_later(period, self._tick, loop)

    def _tick(self, loop: AbstractEventLoop) -> None:
        self._timer = None
        period = self.tend()
        if period is not None:
            self._schedule(loop, period)

    async def _run(self) -> None:
        import trio

        while True:
            period = self.tend()
            if period is None:
                self._scope = None
                return
            with trio.CancelScope() as self._scope:
                await trio.sleep(period)


_keepers: weakref.WeakKeyDictionary[Any, Keeper] = weakref.WeakKeyDictionary()


def keep(connection: Any) -> None:
    """Look after a connection."""
    loop: Any = _get_running_loop()
    if loop is None or _in_trio():
        import trio

        loop = trio.lowlevel.current_root_task()
    keeper = _keepers.get(loop)
    if keeper is None:
        keeper = _keepers[loop] = Keeper()
    keeper.add(connection)
