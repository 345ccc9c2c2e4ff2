"""Who has which connection: the bookkeeping of a connection pool, without connections, clock or locks.

A connection is any hashable object and an origin any hashable key; time is a number of seconds that the caller passes
in. A shell that has threads holds its lock around each call. Checking out an idle connection and returning it touch
one dict and one deque, whatever the number of connections.

What a shell does:

    got = pool.acquire(origin, now)
    if got is OPEN:                     # connect; then pool.opened(origin, connection) or pool.failed(origin)
    elif isinstance(got, Ticket):       # set got.wake, wait for it; got.result is then a connection, OPEN or CLOSED
    else:                               # an idle connection; pool.replace(got, now) if it turns out to be dead
    ...
    pool.release(connection, now, reusable)

After any call, `pool.doomed` may hold connections that are the pool's no longer: take them out and close them.

The rules:
- The newest idle connection is handed out first: it is the least likely to have been closed by the server, and the
  others get old enough to be closed. Those idle for `keepalive_expiry` seconds or longer are never handed out.
- At the limit, an idle connection to another origin makes room, the one that has been idle longest. Where all are in
  use, the caller waits.
- Waiting is first come, first served. Only someone waiting for an origin that is at its own limit is passed over. A
  returned connection that does not fit the first in line is closed, and the first in line may open one.
- So nobody waits while there is something for them, and each call that frees something serves at most one waiter.
"""

from __future__ import annotations

import enum
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from itertools import count
from operator import attrgetter
from typing import Final, Generic, Literal, TypeVar

__all__ = ["CLOSED", "OPEN", "Grant", "Pool", "Ticket"]

C = TypeVar("C", bound=Hashable)
"""A connection."""


_NUMBER = attrgetter("number")


class Grant(enum.Enum):
    """What `acquire` and a ticket can give besides a connection."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


OPEN: Final = Grant.OPEN
"""The permission to open one connection. It counts as one until `opened` or `failed` is called for it."""

CLOSED: Final = Grant.CLOSED
"""The pool was closed while this one was waiting."""


class Ticket(Generic[C]):
    """A place in the line.

    Attributes:
        origin: what it is for.
        result: `None` while waiting, then a connection, `OPEN` or `CLOSED`.
        number: the later it came, the higher.
        wake: called without arguments right after `result` is set. It is called in the middle of another caller's
            `release` or the like, so it sets an event, and does not call the pool.
    """

    __slots__ = ("number", "origin", "result", "wake")

    def __init__(self, origin: Hashable, number: int = 0) -> None:
        self.origin = origin
        self.number = number
        self.result: C | Grant | None = None
        self.wake: Callable[[], object] | None = None

    def __repr__(self) -> str:
        return f"<Ticket {self.origin!r}: {'waiting' if self.result is None else self.result}>"


class _Origin(Generic[C]):
    """The connections to one origin. It exists while there are any."""

    __slots__ = ("idle", "key", "open")

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.idle: deque[tuple[C, float]] = deque()  # with the time of return, the newest last
        self.open = 0  # idle, in use, and being opened


class Pool(Generic[C]):
    """The books of one pool. All limits may be `None` for no limit.

    Args:
        max_connections: of all origins together: idle, in use, and being opened.
        max_keepalive: idle connections of all origins together.
        keepalive_expiry: seconds after which an idle connection is not used any more.
        max_per_origin: like `max_connections`, for each origin.

    Attributes:
        closed: whether `close` was called.
        doomed: connections that the pool has given up and the caller is to close; the caller empties the list.
        open: connections, those being opened included.
        idle: of these, those waiting for a request.
        opened_count: how many connections have been opened since the beginning.
        reused_count: how often an idle connection was handed out.
    """

    __slots__ = (
        "_expiry",
        "_in_use",
        "_lines",
        "_max_connections",
        "_max_keepalive",
        "_max_per_origin",
        "_numbers",
        "_origins",
        "closed",
        "doomed",
        "idle",
        "open",
        "opened_count",
        "reused_count",
    )

    def __init__(
        self,
        max_connections: int | None = 1000,
        max_keepalive: int | None = 100,
        keepalive_expiry: float | None = 5.0,
        max_per_origin: int | None = None,
    ) -> None:
        for name, limit in (("max_connections", max_connections), ("max_per_origin", max_per_origin)):
            if limit is not None and limit < 1:
                raise ValueError(f"{name} must be at least 1, not {limit}")
        self._max_connections = sys.maxsize if max_connections is None else max_connections
        self._max_keepalive = sys.maxsize if max_keepalive is None else max_keepalive
        self._expiry = float("inf") if keepalive_expiry is None else keepalive_expiry
        self._max_per_origin = sys.maxsize if max_per_origin is None else max_per_origin
        self._origins: dict[Hashable, _Origin[C]] = {}
        self._in_use: dict[C, _Origin[C]] = {}
        # By origin, so that nobody has to be passed over one by one. Ordered, with removal from anywhere in constant time: those
        # who give up waiting are not always the first.
        self._lines: dict[Hashable, OrderedDict[Ticket[C], None]] = {}
        self._numbers = count()
        self.closed = False
        self.doomed: list[C] = []
        self.open = 0
        self.idle = 0
        self.opened_count = 0
        self.reused_count = 0

    @property
    def in_use(self) -> int:
        """Connections that have been handed out or are being opened."""
        return self.open - self.idle

    @property
    def waiting(self) -> int:
        """Callers in line."""
        return sum(map(len, self._lines.values()))

    def has(self, origin: Hashable) -> bool:
        """Whether there is a connection to this origin, or one is being opened."""
        return origin in self._origins

    def origin_of(self, connection: C) -> Hashable:
        """The origin of a connection that was handed out; `None` if the pool does not know it as such."""
        entry = self._in_use.get(connection)
        return None if entry is None else entry.key

    def __repr__(self) -> str:
        return f"<Pool: {self.in_use} in use, {self.idle} idle, {self.waiting} waiting>"

    # --- taking -----------------------------------------------------------------------------------------------------

    def acquire(self, origin: Hashable, now: float) -> C | Literal[Grant.OPEN] | Ticket[C]:
        """Get an idle connection, the permission to open one, or a place in the line.

        Raises:
            RuntimeError: the pool is closed.
        """
        entry = self._origins.get(origin)
        if entry is not None and entry.idle:
            connection, since = entry.idle.pop()
            if now - since < self._expiry:
                self.idle -= 1
                self.reused_count += 1
                self._in_use[connection] = entry
                return connection
            # The newest has expired, and so have the others.
            self._drop(entry, connection)
            while entry.idle:
                self._drop(entry, entry.idle.pop()[0])
            self._forget_if_empty(entry)
        if self.closed:
            raise RuntimeError("the connection pool is closed")
        if self._make_room(origin):
            self._grant_opening(origin)
            return OPEN
        ticket: Ticket[C] = Ticket(origin, next(self._numbers))
        self._lines.setdefault(origin, OrderedDict())[ticket] = None
        return ticket

    def opened(self, origin: Hashable, connection: C) -> None:
        """The permission was used: this connection is in use from now on."""
        self._in_use[connection] = self._origins[origin]
        self.opened_count += 1

    def replace(self, connection: C, now: float) -> C | Literal[Grant.OPEN]:
        """Swap a connection that was just handed out and is dead for another one, without getting in line again.

        Returns:
            another idle connection to that origin, or the permission to open one.
        """
        entry = self._in_use.pop(connection)
        self.doomed.append(connection)
        while entry.idle:
            other, since = entry.idle.pop()
            if now - since < self._expiry:
                # Nobody waits for the place that this leaves: who could use it could have used the idle one.
                self.open -= 1
                entry.open -= 1
                self.idle -= 1
                self.reused_count += 1
                self._in_use[other] = entry
                return other
            self._drop(entry, other)
        return OPEN

    def cancel(self, ticket: Ticket[C], now: float) -> None:
        """Give up waiting. What the ticket may have been given in the meantime goes to the next in line."""
        result, ticket.result = ticket.result, CLOSED
        if result is None:
            self._leave_line(ticket)
        elif result is OPEN:
            self.failed(ticket.origin)
        elif result is not CLOSED:
            self.release(result, now, True)

    # --- giving back ------------------------------------------------------------------------------------------------

    def release(self, connection: C, now: float, reusable: bool) -> None:
        """Return a connection that was handed out.

        One that the pool does not know as handed out, because it was returned before or the pool was reset, is
        ignored.
        """
        entry = self._in_use.pop(connection, None)
        if entry is None:
            return
        if not reusable or self.closed:
            self.doomed.append(connection)
            self._vacate(entry)
            return
        if self._lines:
            ticket = self._first_in_line(entry)
            if ticket is not None:
                if ticket.origin == entry.key:
                    self._in_use[connection] = entry
                    self.reused_count += 1
                    self._serve(ticket, connection)
                else:
                    self.doomed.append(connection)
                    self._vacate(entry)
                return
        idle = entry.idle
        idle.append((connection, now))
        self.idle += 1
        if now - idle[0][1] >= self._expiry or self.idle > self._max_keepalive:
            self._trim(entry, now)

    def discard(self, connection: C) -> None:
        """Return a connection that was handed out and can't be used again."""
        self.release(connection, 0.0, False)

    def failed(self, origin: Hashable) -> None:
        """The permission to open was not used: opening failed, or was given up."""
        entry = self._origins.get(origin)
        if entry is not None:
            self._vacate(entry)

    # --- as a whole -------------------------------------------------------------------------------------------------

    def evict_expired(self, now: float) -> None:
        """Doom every idle connection that has expired. Only for their sake: `acquire` does not hand them out."""
        for entry in list(self._origins.values()):
            while entry.idle and now - entry.idle[0][1] >= self._expiry:
                self._drop(entry, entry.idle.popleft()[0])
            self._forget_if_empty(entry)

    def close(self) -> None:
        """Doom all idle connections and send everyone in line away. Those in use are doomed when they are returned."""
        self.closed = True
        for entry in list(self._origins.values()):
            while entry.idle:
                self._drop(entry, entry.idle.popleft()[0])
            self._forget_if_empty(entry)
        for ticket in sorted((ticket for line in self._lines.values() for ticket in line), key=_NUMBER):
            self._serve(ticket, CLOSED)

    def reset(self) -> list[C]:
        """Start afresh in the child after a fork: the connections and those in line are the parent's.

        Returns:
            all connections that were here, for the child to drop without a word to the server.
        """
        abandoned = [connection for entry in self._origins.values() for connection, _ in entry.idle]
        abandoned += self._in_use
        abandoned += self.doomed
        self._origins.clear()
        self._in_use.clear()
        self._lines.clear()
        self.doomed.clear()
        self.open = self.idle = self.opened_count = self.reused_count = 0
        return abandoned

    # --- the rules --------------------------------------------------------------------------------------------------

    def _make_room(self, origin: Hashable) -> bool:
        """Whether one more connection to this origin may be opened; evicts an idle one where that is what it takes."""
        entry = self._origins.get(origin)
        if entry is not None and entry.open >= self._max_per_origin:
            return False
        if self.open < self._max_connections:
            return True
        if not self.idle:
            return False
        self._drop_oldest()
        return True

    def _grant_opening(self, origin: Hashable) -> None:
        entry = self._origins.get(origin)
        if entry is None:
            entry = self._origins[origin] = _Origin(origin)
        entry.open += 1
        self.open += 1

    def _vacate(self, entry: _Origin[C]) -> None:
        """A connection in use, or an opening, is no more: its place goes to the first in line."""
        entry.open -= 1
        self.open -= 1
        if self._lines:
            ticket = self._first_in_line(None)
            if ticket is not None:
                self._grant_opening(ticket.origin)
                self._serve(ticket, OPEN)
        self._forget_if_empty(entry)

    def _first_in_line(self, returned: _Origin[C] | None) -> Ticket[C] | None:
        """The first who can be served now: whose origin has room, or is that of a returned connection."""
        # There are few origins, and of each only the first counts.
        first: Ticket[C] | None = None
        for origin, line in self._lines.items():
            ticket = next(iter(line))
            if first is None or ticket.number < first.number:
                entry = self._origins.get(origin)
                if entry is None or entry.open < self._max_per_origin or entry is returned:
                    first = ticket
        return first

    def _leave_line(self, ticket: Ticket[C]) -> None:
        line = self._lines.get(ticket.origin)
        if line is not None:
            line.pop(ticket, None)
            if not line:
                del self._lines[ticket.origin]

    def _serve(self, ticket: Ticket[C], result: C | Grant) -> None:
        self._leave_line(ticket)
        ticket.result = result
        if ticket.wake is not None:
            ticket.wake()

    def _trim(self, entry: _Origin[C], now: float) -> None:
        """Keep to the limits for idle connections after one has been added to this origin."""
        while entry.idle and now - entry.idle[0][1] >= self._expiry:
            self._drop(entry, entry.idle.popleft()[0])
        self._forget_if_empty(entry)
        if self.idle > self._max_keepalive:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        # In the number of origins, not of connections; there are few, and this happens only at a limit.
        entry = min((entry for entry in self._origins.values() if entry.idle), key=lambda entry: entry.idle[0][1])
        self._drop(entry, entry.idle.popleft()[0])
        self._forget_if_empty(entry)

    def _drop(self, entry: _Origin[C], connection: C) -> None:
        """Doom an idle connection that has been taken out of the deque. Nobody waits for its place (see `replace`)."""
        self.doomed.append(connection)
        entry.open -= 1
        self.open -= 1
        self.idle -= 1

    def _forget_if_empty(self, entry: _Origin[C]) -> None:
        if not entry.open:
            self._origins.pop(entry.key, None)
