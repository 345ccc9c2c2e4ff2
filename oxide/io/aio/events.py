"""Waiting for an event for no longer than so many seconds."""

from __future__ import annotations

import asyncio

import anyio

from ..locks import EMSCRIPTEN

__all__ = ["wait_event"]


async def wait_event(event: anyio.Event, seconds: float | None) -> bool:
    """Whether the event was set in time; `None` for any time."""
    if not EMSCRIPTEN or seconds is None:
        with anyio.move_on_after(seconds):
            await event.wait()
    else:
        # JavaScript's timers may be early. anyio then sets another for the rest, which Pyodide's loop refuses where the rest has just
        # passed, and the deadline is lost. asyncio's own timeouts don't look at the clock again.
        try:
            async with asyncio.timeout(max(seconds, 0.0)):  # type: ignore[attr-defined]
                await event.wait()
        except TimeoutError:
            pass
    return event.is_set()
