"""Waiting for what another thread does."""

from __future__ import annotations

import threading

__all__ = ["Gate"]


class Gate:
    """`core.flow.Gate` for threads."""

    __slots__ = ("_event", "error", "scope")

    def __init__(self) -> None:
        self.scope = None
        self.error: Exception | None = None
        self._event = threading.Event()

    def open(self) -> None:
        self._event.set()

    def wait(self, seconds: float | None) -> bool:
        return self._event.wait(seconds)
