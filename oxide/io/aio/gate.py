"""Waiting for what another task does."""

from __future__ import annotations

import anyio
from anyio.lowlevel import current_token

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
        with anyio.move_on_after(seconds):
            await self._event.wait()
        return self._event.is_set()
