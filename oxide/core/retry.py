"""When to try again, and after how long: the official SDK's rules."""

from __future__ import annotations

import math

from .errors import ReadError, TransportError
from .headers import Headers
from .http import Response

__all__ = ["DEFAULT_MAX_RETRIES", "RetryPolicy", "retry_after"]

DEFAULT_MAX_RETRIES = 2

INITIAL_DELAY = 0.5
MAX_DELAY = 8.0
MAX_RETRY_AFTER = 120.0
"""Seconds. A server that asks for more gets its error passed on at once."""


class RetryPolicy:
    """Decides after each failed attempt; makes no attempt itself.

    Args:
        max_retries: how often a request may be repeated after its first attempt.

    Raises:
        TypeError, ValueError: if `max_retries` is not a whole number of at least 0.
    """

    __slots__ = ("max_retries",)

    def __init__(self, max_retries: int = DEFAULT_MAX_RETRIES) -> None:
        if not isinstance(max_retries, int) or isinstance(max_retries, bool):
            raise TypeError(
                f"max_retries must be a whole number, not {max_retries!r}; 0 switches retries off,"
                " and for a call that must not give up pass a large number"
            )
        if max_retries < 0:
            raise ValueError(f"max_retries must be at least 0, not {max_retries}")
        self.max_retries = max_retries

    def after_error(self, error: TransportError, attempt: int) -> float | None:
        """Seconds to wait before attempt number `attempt` + 1, or `None` to give up.

        A kept-alive connection that turns out to be closed without one byte of a response is the server's idle
        timeout crossing our request: that is repeated at once, the first time.
        """
        if attempt >= self.max_retries:
            return None
        if attempt == 0 and isinstance(error, ReadError) and error.stale:
            return 0.0
        return backoff(attempt)

    def after_response(self, response: Response, attempt: int) -> float | None:
        """Seconds to wait before attempt number `attempt` + 1, or `None` to take the response as it is.

        Repeated are 408, 409, 429 and 5xx, unless `x-should-retry` says otherwise or the server asks for a wait of more than
        two minutes.
        """
        if attempt >= self.max_retries:
            return None
        asked = retry_after(response.headers)
        if asked is not None and asked > MAX_RETRY_AFTER:
            return None
        verdict = response.headers.get("x-should-retry")
        status = response.status_code
        if verdict == "false" or (verdict != "true" and status not in (408, 409, 429) and status < 500):
            return None
        return asked if asked is not None and asked > 0 else backoff(attempt)


def backoff(attempt: int) -> float:
    """Seconds: half a second, doubled with each attempt up to eight, and up to a quarter less at random."""
    from random import random

    # 2.0 ** 1024 would overflow, and MAX_DELAY is reached long before.
    return float(min(INITIAL_DELAY * 2.0 ** min(attempt, 64), MAX_DELAY)) * (1 - 0.25 * random())


def retry_after(headers: Headers) -> float | None:
    """Seconds that the server asks to wait, by `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110, 10.2.3).

    `None` if neither is there, or neither can be understood.
    """
    for name, per_second in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) / per_second
        except ValueError:
            continue
        if math.isfinite(seconds):
            return seconds
        # "1e999" is a number, only one that is too large; "inf" and "nan" are none.
        return MAX_RETRY_AFTER + 1 if any(character.isdigit() for character in value) else None
    value = headers.get("retry-after")
    if value is None:
        return None
    from email.utils import parsedate_to_datetime
    from time import time

    try:
        return parsedate_to_datetime(value).timestamp() - time()
    except (TypeError, ValueError, OverflowError):
        return None
