"""What may block, in worker threads; where there are none, it blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio.to_thread

from ..locks import EMSCRIPTEN

__all__ = ["run_in_thread"]


async def run_in_thread(function: Callable[..., Any], *args: Any, limiter: anyio.CapacityLimiter | None = None) -> Any:
    """What the function gives, called in a worker thread; `limiter` says how many there may be.

    In WebAssembly files are in memory, and a function that takes long stops everything else.
    """
    if EMSCRIPTEN:
        return function(*args)
    return await anyio.to_thread.run_sync(function, *args, limiter=limiter)
