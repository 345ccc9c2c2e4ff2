"""One thread that looks after all WebSocket connections, every few seconds.

A thread for each connection, as other clients have it, is some 50 KB and a switch of threads for every message.
"""

from __future__ import annotations

import os
import threading
import weakref
from time import monotonic
from typing import Any

__all__ = ["Keeper", "keep"]


class Keeper:
    """Calls `tend` of connections until they are closed or collected; it ends with the last of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._connections: weakref.WeakSet[Any] = weakref.WeakSet()
        self._running = False
        self._period = 0.0

    def add(self, connection: Any) -> None:
        """Look after this connection as well."""
        with self._lock:
            self._connections.add(connection)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="oxide-keepalive", daemon=True).start()
        if connection.period < self._period:
            self._wake.set()

    def tend(self) -> float | None:
        """Go round once; returns the seconds until the next time, `None` if there is nothing left to look after."""
        period: float | None = None
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            if connection.tend(monotonic()):
                period = connection.period if period is None else min(period, connection.period)
            else:
                self._connections.discard(connection)
        connections.clear()
        self._period = period or 0.0
        return period

    def _run(self) -> None:
        while True:
            period = self.tend()
            if period is None:
                with self._lock:
                    if not self._connections:
                        self._running = False
                        return
                continue
            self._wake.wait(period)
            self._wake.clear()


_keeper = Keeper()


def keep(connection: Any) -> None:
    """Look after a connection."""
    _keeper.add(connection)


def _after_fork() -> None:
    # The thread is the parent's, and so are the connections.
    global _keeper
    _keeper = Keeper()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
