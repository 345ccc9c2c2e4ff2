"""Asking again until something has happened: the flows behind `poll`, `create_and_poll` and their like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from time import monotonic
from typing import Any, TypeVar

from .codec import get_meta
from .flow import Flow, Invoke, Sleep
from .sentinels import Omit, omit

__all__ = ["check_wait", "poll", "wait"]

T = TypeVar("T")

# Milliseconds, where neither the caller nor the server says how long.
_INTERVAL = 1000


def poll(
    retrieve: Callable[..., Any],
    pending: Callable[[T], bool],
    interval: int | Omit,
    *,
    headers: Mapping[str, Any] | None = None,
    within: float | Omit = omit,
    what: str = "it",
) -> Flow[T]:
    """Retrieve something until it is not pending any more, and return it.

    The requests carry the header fields by which the API knows that somebody polls.

    Args:
        retrieve: makes one request; takes `extra_headers`.
        pending: whether what it returned has to be asked for again.
        interval: milliseconds between a response and the next request; `omit` goes by the response's
            `openai-poll-after-ms` header, and without it waits a second.
        headers: further header fields.
        within: seconds after which no further request is made; `omit` for no limit.
        what: what is waited for, for the message of the error.

    Raises:
        TimeoutError: it is still pending after `within` seconds. A request that is under way then is not cut short.
        ValueError: `within` is negative or not finite.
    """
    check_wait(within)
    deadline = None if isinstance(within, Omit) else monotonic() + within
    fields = {"X-Stainless-Poll-Helper": "true", **(headers or {})}
    if not isinstance(interval, Omit):
        fields["X-Stainless-Custom-Poll-Interval"] = str(interval)
    while deadline is None or monotonic() < deadline:
        result: T = yield Invoke(retrieve, extra_headers=fields)
        if not pending(result):
            return result
        seconds = (_advised(result) if isinstance(interval, Omit) else interval) / 1000
        if deadline is not None:
            seconds = min(seconds, max(deadline - monotonic(), 0))
        yield Sleep(seconds)
    raise TimeoutError(f"{what} is not finished after {within} seconds; it goes on on the server")


def wait(
    retrieve: Callable[[], Any], pending: Callable[[T], bool], interval: float, limit: float, what: str
) -> Flow[T]:
    """Retrieve something until it is not pending any more, and return it; without telling the API that it is polled.

    Args:
        retrieve: makes one request.
        pending: whether what it returned has to be asked for again.
        interval: seconds between a response and the next request.
        limit: seconds after which it is given up; at least two requests are made.
        what: what is waited for, for the message of the error.

    Raises:
        RuntimeError: it is still pending after `limit` seconds.
    """
    start = monotonic()
    result: T = yield Invoke(retrieve)
    while pending(result):
        yield Sleep(interval)
        result = yield Invoke(retrieve)
        if pending(result) and monotonic() - start > limit:
            raise RuntimeError(f"{what} is not finished after {limit} seconds; gave up waiting")
    return result


def check_wait(seconds: float | Omit) -> None:
    """See that a limit is one, before anything is begun that it is to bound.

    Raises:
        ValueError: it is negative or not finite.
    """
    if not isinstance(seconds, Omit) and not (isfinite(seconds) and seconds >= 0):
        raise ValueError(f"max_wait_seconds must be a finite number, and not negative; it is {seconds!r}")


def _advised(result: Any) -> int:
    text = get_meta(result).headers.get("openai-poll-after-ms")
    return int(text) if text is not None and text.isascii() and text.isdigit() else _INTERVAL
