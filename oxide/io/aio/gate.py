"""Waiting for what another task does."""

from __future__ import annotations

import anyio
from anyio.lowlevel import current_token

from .events import wait_event

__all__ = ["Gate"]


class Gate:
    """`core.flow.Gate` for the tasks of one event loop."""

    __slots__ = ("_event", "error", "scope")

    def __init__(self) -> None:
        self.scope = current_token()
        self.error: Exception | None = None
        self._event = anyio.Event()

    def open(self) -> None:
        self._event.set()

    async def wait(self, seconds: float | None) -> bool:
        return await wait_event(self._event, seconds)
