"""The pool's books where connections may be shared: HTTP/2, whose connections carry many requests at once.

`StreamPool` is used as `core.pool.Pool` is, and has one for the connections: to that pool a connection with at least one
stream is in use, and one without is idle. What is added is who may join whom:

- A connection with a stream to spare is handed out before anything is opened; the fullest first, so that the others run empty,
  and expire.
- While a connection is being opened, callers wait for it, as many as it will have streams (as many as the last one had; nobody
  knows for the first). They don't open one each: fifty calls at the same time are to share one connection.
- A new connection takes one request until the server has said how many it takes, which it does right away. Those who wait for
  that open none meanwhile. (A server may end the whole connection over a request too many.)
- If it could not be opened, those who waited for it get its error, too; each would only find out the same, one after the other.
- If it turns out not to be shareable (HTTP/1.1), those who waited open their own.
- At the limit of connections, a caller waits for a stream or a connection, whichever is free first. Streams are first come, first
  served within an origin.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, Literal, TypeVar

from .pool import CLOSED, OPEN, Grant, Pool, Ticket

__all__ = ["Failure", "StreamPool"]

C = TypeVar("C", bound=Hashable)
"""A connection."""


class Failure:
    """What a ticket's result is when the connection that it was for could not be opened.

    Attributes:
        error: why.
    """

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


class _Line(Generic[C]):
    """What there is for one origin. It exists while a connection is shared or opened, or somebody waits."""

    __slots__ = ("exclusive", "key", "opening", "size", "spare", "tickets", "unknown", "waiters")

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.spare: OrderedDict[C, _Shared[C]] = OrderedDict()  # with a stream to spare
        self.waiters: OrderedDict[Ticket[C], None] = OrderedDict()
        self.tickets: list[Ticket[C]] = []  # our places in the line of the pool of connections
        self.opening = 0
        self.unknown = 0  # connections of which nobody knows yet how many streams they take
        self.size: int | None = None  # streams of the last connection
        self.exclusive = False  # the last connection was HTTP/1.1


class _Shared(Generic[C]):
    """A connection with streams."""

    __slots__ = ("count", "line", "retired", "size", "unknown")

    def __init__(self, line: _Line[C], size: int) -> None:
        self.line = line
        self.size = size or 1
        self.unknown = not size
        self.count = 1
        self.retired = False


class StreamPool(Generic[C]):
    """The books of one pool of connections that may have streams.

    Args:
        pool: the books of the connections.
        streams: how many requests a connection can carry at once; `None` for one that can't be shared, 0 for one of which
            that is not known yet.

    Attributes:
        doomed: as `Pool.doomed`.
        joined: how often a request joined others on a connection.
    """

    __slots__ = ("_count", "_lines", "_now", "_pool", "_shared", "_streams", "doomed", "joined")

    def __init__(self, pool: Pool[C], streams: Callable[[C], int | None]) -> None:
        self._pool = pool
        self._streams = streams
        self._lines: dict[Hashable, _Line[C]] = {}
        self._shared: dict[C, _Shared[C]] = {}
        self._count = 0
        self._now = 0.0  # as the last caller said who did
        self.doomed = pool.doomed
        self.joined = 0

    @property
    def open(self) -> int:
        return self._pool.open

    @property
    def idle(self) -> int:
        return self._pool.idle

    @property
    def in_use(self) -> int:
        return self._pool.in_use

    @property
    def streams(self) -> int:
        """Requests under way on connections that can be shared."""
        return self._count

    @property
    def waiting(self) -> int:
        """Callers in line."""
        places = sum(len(line.tickets) for line in self._lines.values())
        return self._pool.waiting - places + sum(len(line.waiters) for line in self._lines.values())

    @property
    def opened_count(self) -> int:
        return self._pool.opened_count

    @property
    def reused_count(self) -> int:
        """How often a connection that was there was handed out, idle or to be shared."""
        return self._pool.reused_count + self.joined

    @property
    def closed(self) -> bool:
        return self._pool.closed

    def __repr__(self) -> str:
        return (
            f"<StreamPool: {self.in_use} in use with {self._count} streams, {self.idle} idle, {self.waiting} waiting>"
        )

    # --- taking -----------------------------------------------------------------------------------------------------

    def acquire(self, origin: Hashable, now: float) -> C | Literal[Grant.OPEN] | Ticket[C]:
        """As `Pool.acquire`; the connection may be one that others use as well."""
        if self._pool.closed:
            raise RuntimeError("the connection pool is closed")
        self._now = now
        line = self._line(origin)
        if line.spare:
            return self._join(line)
        got: Any = None
        if line.exclusive or self._falls_short(line, 1):
            got = self._ask(line)
            if got is not None:
                return got  # type: ignore[no-any-return]
        ticket: Ticket[C] = Ticket(origin)
        line.waiters[ticket] = None
        return ticket

    def opened(self, origin: Hashable, connection: C) -> None:
        """As `Pool.opened`; those who waited for the connection share it, if that is possible."""
        line = self._lines[origin]
        line.opening -= 1
        self._pool.opened(origin, connection)
        line.exclusive = not self._enter(line, connection)
        self._serve(line)

    def replace(self, connection: C, now: float) -> C | Literal[Grant.OPEN] | Ticket[C]:
        """As `Pool.replace`. Where others are on the connection still, its place is not free, and there may be a wait."""
        self._now = now
        shared = self._shared.get(connection)
        if shared is None:
            line = self._line(self._pool.origin_of(connection))
            return self._admit(line, self._pool.replace(connection, now))  # type: ignore[no-any-return]
        line = shared.line
        self._count -= 1
        shared.count -= 1
        self._retire(connection, shared)
        if shared.count:
            return self.acquire(line.key, now)
        del self._shared[connection]
        return self._admit(line, self._pool.replace(connection, now))  # type: ignore[no-any-return]

    def cancel(self, ticket: Ticket[C], now: float) -> None:
        """As `Pool.cancel`."""
        self._now = now
        result: Any = ticket.result
        ticket.result = CLOSED
        line = self._lines.get(ticket.origin)
        if result is None:
            if line is not None:
                line.waiters.pop(ticket, None)
                self._settle(line)
        elif result is OPEN:
            self.failed(ticket.origin)
        elif result is not CLOSED and not isinstance(result, Failure):
            self.release(result, now, True)

    # --- giving back ------------------------------------------------------------------------------------------------

    def release(self, connection: C, now: float, reusable: bool) -> None:
        """As `Pool.release`, of one request's part in the connection; `reusable` is whether it takes more requests."""
        self._now = max(now, self._now)
        shared = self._shared.get(connection)
        if shared is None:
            # HTTP/1.1, or what was here before a fork.
            origin = self._pool.origin_of(connection)
            self._pool.release(connection, now, reusable)
            line = self._lines.get(origin)
            if line is not None:
                self._serve(line)
            return
        line = shared.line
        self._count -= 1
        shared.count -= 1
        if not reusable:
            self._retire(connection, shared)
        if shared.count:
            if not shared.retired and shared.count < shared.size:
                line.spare[connection] = shared
        elif shared.retired or not line.waiters:
            line.spare.pop(connection, None)
            self._know(shared)
            del self._shared[connection]
            self._pool.release(connection, now, not shared.retired)
        else:
            line.spare[connection] = shared
        self._serve(line)

    def discard(self, connection: C) -> None:
        """As `Pool.discard`, of one request's part."""
        self.release(connection, 0.0, False)

    def failed(self, origin: Hashable, error: Exception | None = None) -> None:
        """As `Pool.failed`.

        Args:
            error: why it could not be opened, which is the end for those who waited for it, too; `None` if the caller gave up
                for a reason of its own.
        """
        line = self._lines.get(origin)
        if line is None:
            return
        line.opening -= 1
        if error is not None and not line.opening and not line.exclusive:
            for ticket in list(line.waiters):
                self._give(line, ticket, Failure(error))
            self._return_tickets(line, 0)
        self._pool.failed(origin)
        self._serve(line)

    def resized(self, connection: C, now: float) -> None:
        """Note that the server takes another number of streams on this connection than before."""
        self._now = now
        shared = self._shared.get(connection)
        if shared is None:
            return
        line = shared.line
        size = self._streams(connection)
        if size:
            self._know(shared)
            line.size = shared.size = size
        if shared.retired:
            return
        if shared.count < shared.size:
            line.spare[connection] = shared
        else:
            line.spare.pop(connection, None)
        self._serve(line)

    # --- as a whole -------------------------------------------------------------------------------------------------

    def evict_expired(self, now: float) -> None:
        """As `Pool.evict_expired`."""
        self._pool.evict_expired(now)
        for line in list(self._lines.values()):
            self._forget_if_empty(line)

    def close(self) -> None:
        """As `Pool.close`. Connections with streams are doomed when the last of those is returned."""
        for line in list(self._lines.values()):
            while line.waiters:
                self._give(line, next(iter(line.waiters)), CLOSED)
            line.spare.clear()
        self._pool.close()
        for line in list(self._lines.values()):
            line.tickets.clear()
            self._forget_if_empty(line)

    def reset(self) -> list[C]:
        """As `Pool.reset`."""
        self._lines.clear()
        self._shared.clear()
        self._count = self.joined = 0
        return self._pool.reset()

    # --- the rules --------------------------------------------------------------------------------------------------

    def _line(self, origin: Hashable) -> _Line[C]:
        line = self._lines.get(origin)
        if line is None:
            line = self._lines[origin] = _Line(origin)
        return line

    def _falls_short(self, line: _Line[C], more: int) -> bool:
        """Whether what is being opened is not enough for those who wait and `more`."""
        if line.unknown:
            return False
        if not line.opening:
            return True
        # Each of those who open one has a stream of it.
        return line.size is not None and len(line.waiters) + more > line.opening * (line.size - 1)

    def _ask(self, line: _Line[C]) -> Any:
        """A connection, or the permission to open one; `None` at the limit, with a place in the pool's line for somebody."""
        if line.tickets and not line.exclusive:
            return None
        got = self._pool.acquire(line.key, self._now)
        if isinstance(got, Ticket):
            got.wake = lambda: self._granted(line, got)
            line.tickets.append(got)
            return None
        return self._admit(line, got)

    def _granted(self, line: _Line[C], ticket: Ticket[C]) -> None:
        """Our place in the pool's line came up: whoever waits longest has it."""
        line.tickets.remove(ticket)
        result: Any = ticket.result
        if result is not CLOSED:
            self._give(line, next(iter(line.waiters)), self._admit(line, result))

    def _admit(self, line: _Line[C], got: Any) -> Any:
        """Enter what the pool gave."""
        if got is OPEN:
            line.opening += 1
        else:
            self._enter(line, got)
        return got

    def _enter(self, line: _Line[C], connection: C) -> bool:
        """Have a connection shared, with one stream already; whether that is possible."""
        size = self._streams(connection)
        if size is None:
            return False
        shared = self._shared[connection] = _Shared(line, size)
        if shared.unknown:
            line.unknown += 1
        else:
            line.size = size
        line.exclusive = False
        self._count += 1
        if shared.count < shared.size:
            line.spare[connection] = shared
        return True

    def _join(self, line: _Line[C]) -> C:
        connection, shared = next(iter(line.spare.items()))
        shared.count += 1
        self._count += 1
        self.joined += 1
        if shared.count >= shared.size:
            del line.spare[connection]
        return connection

    def _know(self, shared: _Shared[C]) -> None:
        if shared.unknown:
            shared.unknown = False
            shared.line.unknown -= 1

    def _retire(self, connection: C, shared: _Shared[C]) -> None:
        self._know(shared)
        shared.retired = True
        shared.line.spare.pop(connection, None)

    def _serve(self, line: _Line[C]) -> None:
        """Give those who wait what there is for them, and see to more of it."""
        while line.waiters and line.spare:
            self._give(line, next(iter(line.waiters)), self._join(line))
        self._settle(line)

    def _settle(self, line: _Line[C]) -> None:
        """Have as many connections on the way as those who wait need."""
        while len(line.waiters) > len(line.tickets) and (line.exclusive or self._falls_short(line, 0)):
            if self._pool.closed:
                break
            got = self._ask(line)
            if got is None:
                if line.exclusive:
                    continue
                break
            self._give(line, next(iter(line.waiters)), got)
            while line.waiters and line.spare:
                self._give(line, next(iter(line.waiters)), self._join(line))
        self._return_tickets(line, len(line.waiters))
        self._forget_if_empty(line)

    def _return_tickets(self, line: _Line[C], wanted: int) -> None:
        while len(line.tickets) > wanted:
            self._pool.cancel(line.tickets.pop(), self._now)

    def _give(self, line: _Line[C], ticket: Ticket[C], result: Any) -> None:
        del line.waiters[ticket]
        ticket.result = result
        if ticket.wake is not None:
            ticket.wake()

    def _forget_if_empty(self, line: _Line[C]) -> None:
        if not (line.waiters or line.opening or line.tickets or self._pool.has(line.key)):
            self._lines.pop(line.key, None)
