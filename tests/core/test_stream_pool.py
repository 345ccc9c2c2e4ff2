"""The books of shared connections, driven at random beside a simple account of what is true."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from oxide.core.pool import CLOSED, OPEN, Pool, Ticket
from oxide.core.stream_pool import Failure, StreamPool

ORIGINS = ("a", "b")


class Connection:
    """A stand-in; `streams` is `None` for HTTP/1.1."""

    def __init__(self, origin: str, streams: int | None) -> None:
        self.origin = origin
        self.streams = streams


def make(limit: int | None = None, per_origin: int | None = None, expiry: float | None = 100.0) -> StreamPool[Any]:
    return StreamPool(Pool(limit, None, expiry, per_origin), lambda connection: connection.streams)


def test_the_first_opens_and_the_others_share() -> None:
    pool = make()
    assert pool.acquire("a", 0) is OPEN
    tickets = [pool.acquire("a", 0) for _ in range(4)]
    assert all(isinstance(ticket, Ticket) and ticket.result is None for ticket in tickets)
    connection = Connection("a", 10)
    pool.opened("a", connection)
    assert all(ticket.result is connection for ticket in tickets)
    assert (pool.open, pool.idle, pool.streams, pool.waiting) == (1, 0, 5, 0)
    assert pool.acquire("a", 0) is connection
    for _ in range(6):
        pool.release(connection, 1, True)
    assert (pool.open, pool.idle, pool.streams) == (1, 1, 0)
    assert pool.acquire("a", 2) is connection


def test_more_are_opened_when_streams_run_out() -> None:
    pool = make()
    pool.acquire("a", 0)
    tickets = [pool.acquire("a", 0) for _ in range(7)]
    first = Connection("a", 3)
    pool.opened("a", first)
    # Two share the first connection; of the five left, two open one, for three each.
    results = [ticket.result for ticket in tickets]
    assert results == [first, first, OPEN, OPEN, None, None, None]
    second, third = Connection("a", 3), Connection("a", 3)
    pool.opened("a", second)
    assert [ticket.result for ticket in tickets[4:]] == [second, second, None]
    pool.opened("a", third)
    assert tickets[6].result is third


def test_nobody_knows_how_many_streams_there_are() -> None:
    pool = make()
    pool.acquire("a", 0)
    connection = Connection("a", 0)
    pool.opened("a", connection)
    tickets = [pool.acquire("a", 0) for _ in range(3)]
    assert [ticket.result for ticket in tickets] == [None] * 3
    connection.streams = 3
    pool.resized(connection, 1)
    assert [ticket.result for ticket in tickets] == [connection, connection, OPEN]


def test_one_at_a_time_while_nobody_knows() -> None:
    pool = make()
    pool.acquire("a", 0)
    connection = Connection("a", 0)
    pool.opened("a", connection)
    tickets = [pool.acquire("a", 0) for _ in range(2)]
    # Given up before the server had said anything.
    pool.release(connection, 1, True)
    assert [ticket.result for ticket in tickets] == [connection, None]
    pool.release(connection, 1, False)
    assert tickets[1].result is OPEN


def test_at_the_limit_they_wait_for_a_stream() -> None:
    pool = make(limit=1)
    pool.acquire("a", 0)
    connection = Connection("a", 2)
    pool.opened("a", connection)
    assert pool.acquire("a", 0) is connection
    waiting = [pool.acquire("a", 0) for _ in range(2)]
    other = pool.acquire("b", 0)
    assert pool.waiting == 3
    pool.release(connection, 1, True)
    assert [ticket.result for ticket in waiting] == [connection, None]
    pool.release(connection, 1, True)
    assert waiting[1].result is connection
    assert other.result is None
    pool.release(connection, 1, True)
    pool.release(connection, 1, True)
    # Nobody of its own waits any more, so it makes room.
    assert other.result is OPEN
    assert pool.doomed == [connection]


def test_one_that_drains_is_replaced() -> None:
    pool = make()
    pool.acquire("a", 0)
    old = Connection("a", 5)
    pool.opened("a", old)
    assert pool.acquire("a", 0) is old
    # The second finds that it takes no more; the first is still on it.
    assert pool.replace(old, 1) is OPEN
    new = Connection("a", 5)
    pool.opened("a", new)
    assert pool.acquire("a", 1) is new
    pool.release(old, 2, True)
    assert pool.doomed == [old]
    assert pool.open == 1


def test_http11_after_all() -> None:
    pool = make(limit=2)
    pool.acquire("a", 0)
    tickets = [pool.acquire("a", 0) for _ in range(3)]
    first = Connection("a", None)
    pool.opened("a", first)
    assert [ticket.result for ticket in tickets] == [OPEN, None, None]
    pool.release(first, 1, True)
    assert [ticket.result for ticket in tickets] == [OPEN, first, None]
    pool.release(first, 1, True)
    assert tickets[2].result is first
    pool.failed("a")
    pool.release(first, 1, True)
    assert (pool.open, pool.idle, pool.waiting) == (1, 1, 0)


def test_a_failure_is_shared() -> None:
    pool = make()
    pool.acquire("a", 0)
    tickets = [pool.acquire("a", 0) for _ in range(3)]
    pool.failed("a", OSError("refused"))
    assert [str(ticket.result.error) for ticket in tickets] == ["refused"] * 3
    assert (pool.open, pool.waiting) == (0, 0)
    # One that was given up says nothing about the server: the next one tries.
    pool.acquire("a", 0)
    tickets = [pool.acquire("a", 0) for _ in range(2)]
    pool.failed("a")
    assert [ticket.result for ticket in tickets] == [OPEN, None]


def test_the_number_of_streams_changes() -> None:
    pool = make(limit=1)
    pool.acquire("a", 0)
    connection = Connection("a", 1)
    pool.opened("a", connection)
    ticket = pool.acquire("a", 0)
    connection.streams = 2
    pool.resized(connection, 1)
    assert ticket.result is connection
    connection.streams = 1
    pool.resized(connection, 1)
    ticket = pool.acquire("a", 1)
    pool.release(connection, 1, True)
    assert ticket.result is None
    pool.release(connection, 1, True)
    assert ticket.result is connection


def test_closing() -> None:
    pool = make(limit=1)
    pool.acquire("a", 0)
    connection = Connection("a", 1)
    pool.opened("a", connection)
    tickets = [pool.acquire("a", 0), pool.acquire("b", 0)]
    pool.close()
    assert [ticket.result for ticket in tickets] == [CLOSED, CLOSED]
    assert pool.doomed == []
    pool.release(connection, 1, True)
    assert pool.doomed == [connection]
    with pytest.raises(RuntimeError):
        pool.acquire("a", 2)


class Books(RuleBasedStateMachine):
    """Callers who come, open, fail, wait, give up and give back in any order."""

    @initialize(
        limit=st.sampled_from([None, 1, 2, 4]),
        per_origin=st.sampled_from([None, 1, 2]),
        streams=st.sampled_from([0, 1, 2, 5]),
    )
    def begin(self, limit: int | None, per_origin: int | None, streams: int) -> None:
        self.limit, self.per_origin, self.streams = limit, per_origin, streams
        self.pool = make(limit, per_origin)
        self.now = 0.0
        self.opening: list[str] = []
        self.waiting: list[Ticket[Any]] = []
        self.held: list[Connection] = []
        self.closed: set[Connection] = set()
        self.all: list[Connection] = []

    def settle(self) -> None:
        """Take what the tickets have been given."""
        for connection in self.pool.doomed:
            assert connection not in self.closed
            assert connection not in self.held
            self.closed.add(connection)
        self.pool.doomed.clear()
        for ticket in list(self.waiting):
            if ticket.result is not None:
                self.waiting.remove(ticket)
                self.got(str(ticket.origin), ticket.result)

    def got(self, origin: str, result: Any) -> None:
        if result is OPEN:
            self.opening.append(origin)
        elif isinstance(result, Ticket):
            self.waiting.append(result)
        elif not isinstance(result, Failure):
            assert result.origin == origin
            assert result not in self.closed
            self.held.append(result)

    @rule(origin=st.sampled_from(ORIGINS))
    def acquire(self, origin: str) -> None:
        self.now += 1
        self.got(origin, self.pool.acquire(origin, self.now))
        self.settle()

    @rule(data=st.data(), shared=st.booleans())
    def open(self, data: st.DataObject, shared: bool) -> None:
        if not self.opening:
            return
        origin = self.opening.pop(data.draw(st.integers(0, len(self.opening) - 1)))
        connection = Connection(origin, self.streams if shared else None)
        self.all.append(connection)
        self.held.append(connection)
        self.pool.opened(origin, connection)
        self.settle()

    @rule(data=st.data(), told=st.booleans())
    def fail(self, data: st.DataObject, told: bool) -> None:
        if self.opening:
            origin = self.opening.pop(data.draw(st.integers(0, len(self.opening) - 1)))
            self.pool.failed(origin, OSError("no") if told else None)
            self.settle()

    @rule(data=st.data(), reusable=st.booleans())
    def release(self, data: st.DataObject, reusable: bool) -> None:
        if self.held:
            self.now += 1
            connection = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
            self.pool.release(connection, self.now, reusable)
            self.settle()

    @rule(data=st.data())
    def replace(self, data: st.DataObject) -> None:
        if self.held:
            self.now += 1
            connection = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
            self.got(connection.origin, self.pool.replace(connection, self.now))
            self.settle()

    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        if self.waiting:
            self.now += 1
            ticket = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
            self.pool.cancel(ticket, self.now)
            self.settle()

    @rule(data=st.data(), streams=st.sampled_from([1, 2, 5]))
    def resize(self, data: st.DataObject, streams: int) -> None:
        shared = [connection for connection in self.held if connection.streams is not None]
        if shared:
            connection = data.draw(st.sampled_from(shared))
            connection.streams = streams
            self.pool.resized(connection, self.now)
            self.settle()

    @rule()
    def evict(self) -> None:
        self.now += 200
        self.pool.evict_expired(self.now)
        self.settle()

    @invariant()
    def adds_up(self) -> None:
        if not hasattr(self, "pool"):
            return
        pool = self.pool
        live = [connection for connection in self.all if connection not in self.closed]
        assert pool.open == len(live) + len(self.opening)
        assert pool.waiting == len(self.waiting)
        assert pool.idle == len(live) - len(set(self.held))
        assert pool.streams == len([connection for connection in self.held if connection.streams is not None])
        if self.limit is not None:
            assert pool.open <= self.limit
        if self.per_origin is not None:
            for origin, count in Counter([*(connection.origin for connection in live), *self.opening]).items():
                assert count <= self.per_origin, origin
        for origin in ORIGINS:
            if any(ticket.origin == origin for ticket in self.waiting):
                # Nobody waits while there is nothing to wait for.
                assert self.opening or self.held

    def teardown(self) -> None:
        if not hasattr(self, "pool"):
            return
        # Whatever happened, everyone who waits is served when the others are done.
        for _ in range(10_000):
            if self.opening:
                self.pool.failed(self.opening.pop())
            elif self.held:
                self.pool.release(self.held.pop(), self.now, True)
            else:
                break
            self.settle()
        assert not self.waiting
        assert self.pool.in_use == 0
        self.pool.close()
        self.settle()
        assert self.pool.open == 0
        assert not self.pool._lines


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
