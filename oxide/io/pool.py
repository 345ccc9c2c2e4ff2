"""The pool as both shells use it: the books of `core.pool` behind a lock, and what falls out of them closed."""

from __future__ import annotations

import os
import warnings
import weakref
from collections import deque
from time import monotonic
from typing import Any

from ..core.errors import OpenAIError
from ..core.http2_options import HTTP2
from ..core.pool import CLOSED, Pool, Ticket
from ..core.url import Origin
from .locks import Lock

__all__ = ["DEFAULT_CONNECTION_LIMITS", "Limits", "SharedPool", "as_limits"]


class Limits:
    """How many connections a client may hold.

    Args:
        max_connections: in use and idle together; `None` for no limit, here and for the others.
        max_keepalive_connections: idle ones.
        keepalive_expiry: seconds after which an idle connection is not used any more. It is closed with the next call.
        max_connections_per_origin: like `max_connections`, for each scheme, host and port.

    Raises:
        TypeError, ValueError: one of them is no number of connections, or of seconds; the message names it.
    """

    __slots__ = ("keepalive_expiry", "max_connections", "max_connections_per_origin", "max_keepalive_connections")

    def __init__(
        self,
        *,
        max_connections: int | None = 1000,
        max_keepalive_connections: int | None = 1000,
        keepalive_expiry: float | None = 60.0,
        max_connections_per_origin: int | None = None,
    ) -> None:
        self.max_connections = _count("max_connections", max_connections, 1)
        self.max_keepalive_connections = _count("max_keepalive_connections", max_keepalive_connections, 0)
        self.keepalive_expiry = _expiry(keepalive_expiry)
        self.max_connections_per_origin = _count("max_connections_per_origin", max_connections_per_origin, 1)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Limits):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.__slots__))

    def __repr__(self) -> str:
        return f"Limits({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"


def _count(name: str, value: Any, least: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number of connections, or None for no limit, not {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, or None for no limit, not {value!r}")
    return value


def _expiry(value: Any) -> float | None:
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"keepalive_expiry must be a number of seconds, or None for no limit, not {value!r}")
    if not value >= 0:
        raise ValueError(f"keepalive_expiry must be at least 0 seconds, or None for no limit, not {value!r}")
    return value


def as_limits(value: Any) -> Limits:
    """`value` as `Limits`, which it is, or has the attributes of (as `httpx.Limits` has); `None` for the default. Raises TypeError."""
    if value is None or isinstance(value, Limits):
        return value or DEFAULT_CONNECTION_LIMITS
    names = ("max_connections", "max_keepalive_connections", "keepalive_expiry")
    if not all(hasattr(value, name) for name in names):
        raise TypeError(f"limits must be Limits(...), not {value!r}")
    return Limits(**{name: getattr(value, name) for name in names})


DEFAULT_CONNECTION_LIMITS = Limits()
"""What a client holds if it is not told otherwise."""


class SharedPool:
    """One pool. Any thread may call any method.

    Args:
        limits: how many connections there may be.
        http2: how connections are made that several requests share, `None` for none.
    """

    def __init__(self, limits: Limits, http2: HTTP2 | None = None) -> None:
        self.http2 = http2
        self._lock = Lock()
        self._pool: Any = Pool(
            limits.max_connections,
            limits.max_keepalive_connections,
            limits.keepalive_expiry,
            limits.max_connections_per_origin,
        )
        if http2 is not None:
            from ..core.stream_pool import StreamPool

            self._pool = StreamPool(self._pool, _streams)
        # Idle connections that have expired are closed by whoever comes after this.
        self._expiry = limits.keepalive_expiry
        self._sweep_at = _NEVER if self._expiry is None else monotonic() + self._expiry
        # Connections whose response was garbage-collected. That happens at any allocation, in the middle of one of
        # these methods too, so all that is done then is to note it, and to keep the books if nobody is at them.
        # CLOSED among them stands for the owner. Of a shared connection only one request's part is lost.
        self._lost: deque[tuple[Any, bool]] = deque()
        _pools.add(self)

    def close_with(self, owner: object) -> None:
        """Close the pool when `owner` is collected, with a warning if there is still a connection.

        A `__del__` of the owner would come too late: client and resources refer to each other, and in such a cycle the
        sockets may be collected, and warn, before it.
        """
        weakref.finalize(owner, self._abandoned).atexit = False

    def _abandoned(self) -> None:
        if self.closed:
            return
        count = self.open
        self._lost.append((CLOSED, False))
        self._settle()
        if count:
            warnings.warn(f"unclosed client with {count} connections", ResourceWarning, stacklevel=1)

    def acquire(self, origin: Origin) -> Any:
        """As `Pool.acquire`. Raises OpenAIError if the pool is closed."""
        with self._lock:
            if self._lost:
                self._write_off()
            now = monotonic()
            if now >= self._sweep_at:
                self._sweep(now)
            pool = self._pool
            try:
                got = pool.acquire(origin, now)
            except RuntimeError:
                raise OpenAIError("the client is closed: make a new one") from None
            doomed = pool.doomed and self._doomed()
        if doomed or self._lost:
            self._finish(doomed)
        return got

    def opened(self, origin: Origin, connection: Any) -> None:
        """As `Pool.opened`."""
        with self._lock:
            self._pool.opened(origin, connection)

    def replace(self, connection: Any) -> Any:
        """As `Pool.replace`."""
        with self._lock:
            got = self._pool.replace(connection, monotonic())
            doomed = self._doomed()
        self._finish(doomed)
        return got

    def release(self, connection: Any, reusable: bool) -> None:
        """As `Pool.release`."""
        if connection.abort is not None:
            # Whoever wanted to give the request up is late.
            connection.abort.detach()
        with self._lock:
            pool = self._pool
            pool.release(connection, monotonic(), reusable)
            doomed = pool.doomed and self._doomed()
        if doomed or self._lost:
            self._finish(doomed)

    def failed(self, origin: Origin, error: Exception | None = None) -> None:
        """As `Pool.failed`; where others waited for that connection, with their error (see `StreamPool.failed`)."""
        with self._lock:
            if self.http2 is None:
                self._pool.failed(origin)
            else:
                self._pool.failed(origin, error)
            doomed = self._doomed()
        self._finish(doomed)

    def resized(self, connection: Any) -> None:
        """As `StreamPool.resized`."""
        with self._lock:
            self._pool.resized(connection, monotonic())
            doomed = self._doomed()
        self._finish(doomed)

    def cancel(self, ticket: Ticket[Any]) -> None:
        """As `Pool.cancel`."""
        with self._lock:
            self._pool.cancel(ticket, monotonic())
            doomed = self._doomed()
        self._finish(doomed)

    def lose(self, connection: Any) -> None:
        """Note that nobody can return this connection any more. May be called by a finalizer."""
        connection.close()
        self._lost.append((connection, False))
        self._settle()

    def lose_stream(self, connection: Any, stream: Any) -> None:
        """The same for one request's part in a connection that others use."""
        connection.lose(stream)
        self._lost.append((connection, True))
        self._settle()

    def close(self) -> None:
        """Close what is idle, now, and what is in use when it is returned; send away who waits. May be called twice."""
        with self._lock:
            self._write_off()
            self._pool.close()
            doomed = self._doomed()
        self._finish(doomed)

    def forget(self) -> None:
        """In the child of a fork: drop what belongs to the parent."""
        self._lock = Lock()
        self._lost.clear()
        for connection in self._pool.reset():
            connection.forget()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return bool(self._pool.closed)

    @property
    def open(self) -> int:
        """How many connections there are, in use and idle."""
        return int(self._pool.open) - sum(not shared for _, shared in list(self._lost))

    def stats(self) -> dict[str, int]:
        """Figures to look at: connections `open`, `idle` and `in_use`, calls `waiting`, and how often a connection was `opened` and `reused`;
        with HTTP/2 the requests under way on shared connections, `streams`, as well."""
        with self._lock:
            self._write_off()
            if not self.closed:
                self._sweep(monotonic())
            pool = self._pool
            figures = {
                "open": pool.open,
                "idle": pool.idle,
                "in_use": pool.in_use,
                "waiting": pool.waiting,
                "opened": pool.opened_count,
                "reused": pool.reused_count,
            }
            if self.http2 is not None:
                figures["streams"] = pool.streams
            doomed = self._doomed()
        self._finish(doomed)
        return figures

    def _sweep(self, now: float) -> None:
        if self._expiry is not None:
            self._sweep_at = now + self._expiry / 2
            self._pool.evict_expired(now)

    def _write_off(self) -> None:
        while self._lost:
            lost, shared = self._lost.popleft()
            if lost is CLOSED:
                self._pool.close()
            elif shared:
                self._pool.release(lost, monotonic(), lost.usable)
            else:
                self._pool.discard(lost)

    def _settle(self) -> None:
        # Where the lock is taken, whoever has it settles when they are done: in `_finish`.
        while self._lost and self._lock.acquire(blocking=False):
            try:
                self._write_off()
                doomed = self._doomed()
            finally:
                self._lock.release()
            for connection in doomed:
                connection.close()

    def _finish(self, doomed: list[Any]) -> None:
        for connection in doomed:
            connection.close()
        if self._lost:
            self._settle()

    def _doomed(self) -> list[Any]:
        doomed: list[Any] = self._pool.doomed
        if not doomed:
            return doomed
        taken = doomed.copy()
        doomed.clear()
        return taken


def _streams(connection: Any) -> int | None:
    # An HTTP/1.1 connection has its machine; one of HTTP/2 has streams instead.
    return None if connection.h1 is not None else connection.streams


_NEVER = float("inf")

_pools: weakref.WeakSet[SharedPool] = weakref.WeakSet()


def _after_fork() -> None:
    for pool in list(_pools):
        pool.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
