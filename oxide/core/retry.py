"""When to try again, and after how long: the official SDK's rules."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from .budget import Budget, as_budget
from .errors import ReadError, TransportError, TransportTimeout
from .headers import Headers
from .http import Response

__all__ = ["DEFAULT_MAX_RETRIES", "RetryPolicy", "as_policy", "retry_after"]

DEFAULT_MAX_RETRIES = 2

MAX_RETRY_AFTER = 120.0
"""Seconds. A server that asks for more gets its error passed on at once."""


class RetryPolicy:
    """Decides after each failed attempt; makes no attempt itself. A value: it does not change, and may be shared.

    The defaults are the official SDK's.

    Args:
        max_retries: how often a request may be repeated after its first attempt.
        statuses: the HTTP statuses that are repeated; `None` for 408, 409, 429 and everything from 500 up.
        initial_delay: seconds before the first repetition. The wait doubles with each.
        max_delay: seconds that it never gets longer than.
        jitter: the share of it that is taken off at random, 0 to 1.
        connection_errors: whether to repeat a request whose connection could not be made, or broke.
        timeouts: whether to repeat one that took longer than `Timeout` allows. `Timeout.total` always ends the call.
        retry_after: whether to wait as long as the server's `retry-after-ms` or `retry-after` says instead.
        max_retry_after: seconds. Who is told to wait for longer is given the error at once; `None` for no bound.
        should_retry: whether the server's `x-should-retry` counts for more than the status.
        budget: bounds the repetitions of all calls together, so that an outage is not met with a multiple of the usual
            requests: a share of the calls from 0 to 1, or a `Budget`; `None` for no bound. Copies of a client share it.
        idempotency_keys: whether every call but a GET is sent with an `Idempotency-Key`, the same in each attempt, if it has none.

    Attributes:
        plain: whether a call has nothing to do for it before its first attempt.

    Raises:
        TypeError, ValueError: an argument has a value it can't have; the message names it.
    """

    __slots__ = (
        "budget",
        "connection_errors",
        "idempotency_keys",
        "initial_delay",
        "jitter",
        "max_delay",
        "max_retries",
        "max_retry_after",
        "plain",
        "retry_after",
        "should_retry",
        "statuses",
        "timeouts",
    )

    max_retries: int
    statuses: frozenset[int] | None
    initial_delay: float
    max_delay: float
    jitter: float
    connection_errors: bool
    timeouts: bool
    retry_after: bool
    max_retry_after: float | None
    should_retry: bool
    budget: Budget | None
    idempotency_keys: bool
    plain: bool

    def __init__(
        self,
        max_retries: int = DEFAULT_MAX_RETRIES,
        *,
        statuses: Iterable[int] | None = None,
        initial_delay: float = 0.5,
        max_delay: float = 8.0,
        jitter: float = 0.25,
        connection_errors: bool = True,
        timeouts: bool = True,
        retry_after: bool = True,
        max_retry_after: float | None = MAX_RETRY_AFTER,
        should_retry: bool = True,
        budget: Budget | float | None = None,
        idempotency_keys: bool = False,
    ) -> None:
        if not isinstance(max_retries, int) or isinstance(max_retries, bool):
            raise TypeError(
                f"max_retries must be a whole number, not {max_retries!r}; 0 switches retries off,"
                " and for a call that must not give up pass a large number"
            )
        if max_retries < 0:
            raise ValueError(f"max_retries must be at least 0, not {max_retries}")
        if _at_least_0("jitter", jitter) > 1:
            raise ValueError(f"jitter must be a share from 0 to 1, not {jitter!r}")
        self._set(
            max_retries=max_retries,
            statuses=_statuses(statuses),
            initial_delay=_at_least_0("initial_delay", initial_delay),
            max_delay=_at_least_0("max_delay", max_delay),
            jitter=jitter,
            connection_errors=bool(connection_errors),
            timeouts=bool(timeouts),
            retry_after=bool(retry_after),
            max_retry_after=None if max_retry_after is None else _at_least_0("max_retry_after", max_retry_after),
            should_retry=bool(should_retry),
            budget=as_budget("budget", budget),
            idempotency_keys=bool(idempotency_keys),
            # Whether there is nothing to be done before the first attempt.
            plain=budget is None and not idempotency_keys,
        )

    def _set(self, **attributes: Any) -> None:
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"RetryPolicy is immutable: use replace({name}=...)")

    def _arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name != "plain"}

    def replace(self, **changes: Any) -> RetryPolicy:
        """The same policy but for the arguments named; its budget is shared. Raises as the constructor does."""
        return RetryPolicy(**{**self._arguments(), **changes})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RetryPolicy):
            return NotImplemented
        return self._arguments() == other._arguments()

    def __hash__(self) -> int:
        return hash(tuple(self._arguments().values()))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._arguments(),)

    def __repr__(self) -> str:
        usual = RetryPolicy()._arguments()
        values = [f"{name}={value!r}" for name, value in sorted(self._arguments().items()) if value != usual[name]]
        return f"RetryPolicy({', '.join(values)})"

    # --- what is decided --------------------------------------------------------------------------------------------

    def after_error(self, error: TransportError, attempt: int) -> float | None:
        """Seconds to wait before attempt number `attempt` + 1, or `None` to give up.

        A kept-alive connection that turns out to be closed without one byte of a response is the server's idle
        timeout crossing our request: that is repeated at once, the first time.
        """
        if attempt >= self.max_retries:
            return None
        if not (self.timeouts if isinstance(error, TransportTimeout) else self.connection_errors):
            return None
        if attempt == 0 and isinstance(error, ReadError) and error.stale:
            return 0.0
        return self._backoff(attempt)

    def after_response(self, response: Response, attempt: int) -> float | None:
        """Seconds to wait before attempt number `attempt` + 1, or `None` to take the response as it is."""
        if attempt >= self.max_retries:
            return None
        asked = retry_after(response.headers) if self.retry_after else None
        if asked is not None and self.max_retry_after is not None and asked > self.max_retry_after:
            return None
        verdict = response.headers.get("x-should-retry") if self.should_retry else None
        if verdict == "false" or (verdict != "true" and not self._repeats(response.status_code)):
            return None
        return asked if asked is not None and asked > 0 else self._backoff(attempt)

    def _repeats(self, status: int) -> bool:
        if self.statuses is not None:
            return status in self.statuses
        return status in (408, 409, 429) or status >= 500

    def _backoff(self, attempt: int) -> float:
        """Seconds: the initial delay, doubled with each attempt up to the longest, less what the jitter takes."""
        from random import random

        # 2.0 ** 1024 would overflow, and the longest is reached long before.
        delay = min(self.initial_delay * 2.0 ** min(attempt, 64), self.max_delay)
        return float(delay * (1 - self.jitter * random()))


def as_policy(value: Any) -> RetryPolicy:
    """What the argument `retry` says. Raises TypeError."""
    if not isinstance(value, RetryPolicy):
        raise TypeError(f"retry must be a RetryPolicy, not {value!r}; a number of retries is max_retries")
    return value


def _restore(arguments: dict[str, Any]) -> RetryPolicy:
    return RetryPolicy(**arguments)


def _at_least_0(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, not {value!r}")
    if not value >= 0:
        raise ValueError(f"{name} must be at least 0, not {value!r}")
    return value


def _statuses(value: Iterable[int] | None) -> frozenset[int] | None:
    if value is None:
        return None
    statuses = frozenset(value) if isinstance(value, Iterable) and not isinstance(value, str) else None
    if statuses is None or not all(isinstance(status, int) and 400 <= status <= 999 for status in statuses):
        raise ValueError(f"statuses must be HTTP statuses of errors, such as (429, 503), or None, not {value!r}")
    return statuses


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
    from email.utils import mktime_tz, parsedate_tz
    from time import time

    try:
        date = parsedate_tz(value)
        return None if date is None else mktime_tz(date) - time()
    except (TypeError, ValueError, OverflowError, OSError):
        return None
