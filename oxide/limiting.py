"""`RateLimiter`: calls wait for their turn instead of being refused."""

from __future__ import annotations

import threading
from typing import Any

from .core.limiter import Limiter

__all__ = ["RateLimiter"]


class RateLimiter(Limiter):
    """Paces the calls of a client, and of its copies, by the limits that the server tells: `OpenAI(limiter=RateLimiter())`.

    Limits are kept apart by model. The first call of each goes ahead, and the others wait for what its `x-ratelimit-*` headers say; where a
    server sends none, nothing is held back. Who comes first goes first. A limiter is for clients in threads, or in one event loop, but not for
    both at once.

    Args:
        requests_per_minute, tokens_per_minute: limits to keep beside those that the server tells, for each model; above 0.

    Raises:
        TypeError, ValueError: a limit is no number above 0.
    """

    def __init__(self, *, requests_per_minute: float | None = None, tokens_per_minute: float | None = None) -> None:
        # A flow that is collected may leave the queue in the middle of anything this thread does.
        super().__init__(requests_per_minute, tokens_per_minute, threading.RLock())

    def __reduce__(self) -> tuple[Any, ...]:
        # What it has learned stays behind.
        return _restore, (self.requests_per_minute, self.tokens_per_minute)


def _restore(requests_per_minute: float | None, tokens_per_minute: float | None) -> RateLimiter:
    return RateLimiter(requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute)
