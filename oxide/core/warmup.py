"""The flow that opens connections before they are needed."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from .checkout import open_connection
from .flow import Flow, Map
from .http import Request
from .pool import OPEN, Ticket

__all__ = ["check_count", "warm_up"]

AT_ONCE = 32
"""How many connections are opened at the same time."""


def check_count(connections: Any) -> int:
    """`connections`, if it is a number of them. Raises TypeError, ValueError."""
    if not isinstance(connections, int) or isinstance(connections, bool):
        raise TypeError(f"connections must be a whole number, not {connections!r}")
    if connections < 1:
        raise ValueError(f"connections must be at least 1, not {connections}")
    return connections


def warm_up(pool: Any, request: Request, calls: int, perform: Callable[[Any], Any]) -> Flow[None]:
    """Have connections in the pool for so many calls at the same time, as far as its limits allow.

    Those that are there count. One of HTTP/2 is enough for all the calls that it can carry.

    Args:
        pool: the shared pool.
        request: names the origin and the limits.
        calls: for how many.
        perform: runs a flow of `core.checkout`.

    Raises:
        TransportError: a connection could not be made; those that could are kept.
    """
    origin = request.url.origin
    permits = 0
    held: list[Any] = []
    waiting: list[Ticket[Any]] = []

    def open_one() -> Generator[Any, Any, None]:
        nonlocal permits
        permits -= 1
        held.append((yield from open_connection(pool, request)))

    def sort(got: Any) -> None:
        nonlocal permits
        while got is not OPEN and type(got) is not Ticket and got.is_stale():
            got = pool.replace(got)
        if got is OPEN:
            permits += 1
        elif type(got) is Ticket:
            waiting.append(got)
        else:
            held.append(got)

    try:
        for _ in range(calls):
            sort(pool.acquire(origin))
        while permits:
            yield Map(perform, [open_one() for _ in range(permits)], min(permits, AT_ONCE))
            # Where it came to HTTP/1.1, those that would have shared a connection may open their own now.
            for ticket in [ticket for ticket in waiting if ticket.result is OPEN]:
                waiting.remove(ticket)
                permits += 1
    finally:
        for ticket in waiting:
            pool.cancel(ticket)
        for _ in range(permits):
            pool.failed(origin)
        for connection in held:
            pool.release(connection, True)
