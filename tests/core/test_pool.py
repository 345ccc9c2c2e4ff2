"""The pool's books: every rule by example, and the invariants under arbitrary sequences of calls."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from oxide.core.pool import CLOSED, OPEN, Pool, Ticket


class Connection:
    count = 0

    def __init__(self, origin: str) -> None:
        Connection.count += 1
        self.name = f"{origin}{Connection.count}"

    def __repr__(self) -> str:
        return self.name


def take(pool: Pool[Connection], origin: str, now: float = 0.0) -> Connection:
    """Acquire, and open where that is what is given."""
    got = pool.acquire(origin, now)
    if got is OPEN:
        got = Connection(origin)
        pool.opened(origin, got)
    assert isinstance(got, Connection)
    return got


def wait(pool: Pool[Connection], origin: str, now: float = 0.0) -> Ticket[Connection]:
    got = pool.acquire(origin, now)
    assert isinstance(got, Ticket)
    assert got.result is None
    return got


def counts(pool: Pool[Any]) -> tuple[int, int, int, int]:
    return pool.open, pool.idle, pool.in_use, pool.waiting


# --- reuse ----------------------------------------------------------------------------------------------------------


def test_an_opening_counts_before_there_is_a_connection() -> None:
    pool: Pool[Connection] = Pool()
    assert pool.acquire("a", 0.0) is OPEN
    assert counts(pool) == (1, 0, 1, 0)
    pool.opened("a", Connection("a"))
    assert counts(pool) == (1, 0, 1, 0)
    assert pool.opened_count == 1


def test_the_newest_idle_connection_is_handed_out_first() -> None:
    pool: Pool[Connection] = Pool()
    first, second, third = (take(pool, "a") for _ in range(3))
    for connection in (second, first, third):
        pool.release(connection, 1.0, True)
    assert [pool.acquire("a", 2.0) for _ in range(3)] == [third, first, second]
    assert pool.acquire("a", 2.0) is OPEN
    assert (pool.opened_count, pool.reused_count) == (3, 3)


def test_origins_are_kept_apart() -> None:
    pool: Pool[Connection] = Pool()
    pool.release(take(pool, "a"), 0.0, True)
    assert pool.acquire("b", 0.0) is OPEN
    assert counts(pool) == (2, 1, 1, 0)


def test_a_connection_that_is_not_reusable_is_doomed() -> None:
    pool: Pool[Connection] = Pool()
    connection = take(pool, "a")
    pool.release(connection, 0.0, False)
    assert pool.doomed == [connection]
    assert counts(pool) == (0, 0, 0, 0)
    other = take(pool, "a")
    pool.discard(other)
    assert pool.doomed == [connection, other]


def test_returning_twice_changes_nothing() -> None:
    pool: Pool[Connection] = Pool()
    connection = take(pool, "a")
    pool.release(connection, 0.0, True)
    pool.release(connection, 0.0, True)
    pool.discard(connection)
    assert counts(pool) == (1, 1, 0, 0)
    assert pool.doomed == []
    assert pool.acquire("a", 0.0) is connection
    assert pool.acquire("a", 0.0) is OPEN


# --- expiry and the limit for idle connections ----------------------------------------------------------------------


@pytest.mark.parametrize(("later", "reused"), [(4.99, True), (5.0, False), (60.0, False)])
def test_expiry(later: float, reused: bool) -> None:
    pool: Pool[Connection] = Pool(keepalive_expiry=5.0)
    connection = take(pool, "a")
    pool.release(connection, 100.0, True)
    got = pool.acquire("a", 100.0 + later)
    assert got is (connection if reused else OPEN)
    assert pool.doomed == ([] if reused else [connection])
    assert counts(pool) == (1, 0, 1, 0)


def test_when_the_newest_has_expired_so_have_all() -> None:
    pool: Pool[Connection] = Pool(keepalive_expiry=5.0)
    connections = [take(pool, "a") for _ in range(3)]
    for connection in connections:
        pool.release(connection, 0.0, True)
    assert pool.acquire("a", 9.0) is OPEN
    assert set(pool.doomed) == set(connections)
    assert counts(pool) == (1, 0, 1, 0)


def test_those_at_the_bottom_of_the_stack_expire_while_the_top_is_in_use() -> None:
    pool: Pool[Connection] = Pool(keepalive_expiry=5.0)
    bottom, top = take(pool, "a"), take(pool, "a")
    pool.release(bottom, 0.0, True)
    pool.release(top, 4.0, True)
    assert pool.acquire("a", 6.0) is top
    assert pool.doomed == []
    pool.release(top, 6.0, True)
    assert pool.doomed == [bottom]
    assert counts(pool) == (1, 1, 0, 0)


def test_evict_expired() -> None:
    pool: Pool[Connection] = Pool(keepalive_expiry=5.0)
    old, other, new = take(pool, "a"), take(pool, "b"), take(pool, "a")
    pool.release(old, 0.0, True)
    pool.release(other, 1.0, True)
    pool.release(new, 4.0, True)
    pool.evict_expired(6.0)
    assert pool.doomed == [old, other]
    assert counts(pool) == (1, 1, 0, 0)
    assert pool.acquire("a", 6.0) is new


def test_without_an_expiry_connections_stay() -> None:
    pool: Pool[Connection] = Pool(keepalive_expiry=None)
    connection = take(pool, "a")
    pool.release(connection, 0.0, True)
    pool.evict_expired(1e12)
    assert pool.acquire("a", 1e12) is connection


def test_an_expiry_of_zero_keeps_nothing() -> None:
    pool: Pool[Connection] = Pool(keepalive_expiry=0.0)
    connection = take(pool, "a")
    pool.release(connection, 1.0, True)
    assert pool.doomed == [connection]
    assert counts(pool) == (0, 0, 0, 0)


def test_above_max_keepalive_the_one_idle_for_longest_goes() -> None:
    pool: Pool[Connection] = Pool(max_keepalive=2)
    a, b, c = take(pool, "a"), take(pool, "b"), take(pool, "a")
    pool.release(b, 0.0, True)
    pool.release(a, 1.0, True)
    pool.release(c, 2.0, True)
    assert pool.doomed == [b]
    assert counts(pool) == (2, 2, 0, 0)


def test_max_keepalive_of_zero() -> None:
    pool: Pool[Connection] = Pool(max_keepalive=0)
    connection = take(pool, "a")
    pool.release(connection, 0.0, True)
    assert pool.doomed == [connection]
    assert counts(pool) == (0, 0, 0, 0)


# --- the limit for connections --------------------------------------------------------------------------------------


def test_at_the_limit_an_idle_connection_of_another_origin_makes_room() -> None:
    pool: Pool[Connection] = Pool(max_connections=3)
    a, b, c = take(pool, "a"), take(pool, "b"), take(pool, "c")
    pool.release(b, 1.0, True)
    pool.release(a, 2.0, True)
    assert pool.acquire("d", 3.0) is OPEN
    assert pool.doomed == [b]
    assert pool.acquire("e", 3.0) is OPEN
    assert pool.doomed == [b, a]
    assert isinstance(pool.acquire("f", 3.0), Ticket)
    pool.discard(c)
    assert counts(pool) == (3, 0, 3, 0)


def test_a_returned_connection_goes_to_the_first_in_line() -> None:
    pool: Pool[Connection] = Pool(max_connections=1)
    connection = take(pool, "a")
    first, second = wait(pool, "a"), wait(pool, "a")
    woken: list[str] = []
    first.wake = lambda: woken.append("first")
    second.wake = lambda: woken.append("second")
    pool.release(connection, 0.0, True)
    assert first.result is connection
    assert second.result is None
    assert woken == ["first"]
    pool.release(connection, 0.0, True)
    assert second.result is connection
    assert woken == ["first", "second"]
    assert counts(pool) == (1, 0, 1, 0)
    assert pool.reused_count == 2


def test_a_broken_connection_gives_its_place_to_the_first_in_line() -> None:
    pool: Pool[Connection] = Pool(max_connections=1)
    connection = take(pool, "a")
    ticket = wait(pool, "b")
    pool.release(connection, 0.0, False)
    assert ticket.result is OPEN
    pool.opened("b", Connection("b"))
    assert counts(pool) == (1, 0, 1, 0)


def test_a_returned_connection_is_closed_for_the_first_in_line_of_another_origin() -> None:
    pool: Pool[Connection] = Pool(max_connections=1)
    connection = take(pool, "a")
    first, second = wait(pool, "b"), wait(pool, "a")
    pool.release(connection, 0.0, True)
    assert first.result is OPEN
    assert second.result is None
    assert pool.doomed == [connection]


def test_an_opening_that_failed_gives_its_place_to_the_next() -> None:
    pool: Pool[Connection] = Pool(max_connections=1)
    assert pool.acquire("a", 0.0) is OPEN
    first, second = wait(pool, "a"), wait(pool, "b")
    pool.failed("a")
    assert first.result is OPEN
    pool.failed("a")
    assert second.result is OPEN
    pool.failed("b")
    assert counts(pool) == (0, 0, 0, 0)
    assert pool.opened_count == 0


def test_the_limit_per_origin() -> None:
    pool: Pool[Connection] = Pool(max_connections=3, max_per_origin=1)
    a = take(pool, "a")
    ticket = wait(pool, "a")
    b = take(pool, "b")
    assert counts(pool) == (2, 0, 2, 1)
    pool.release(b, 0.0, True)
    assert ticket.result is None
    assert counts(pool) == (2, 1, 1, 1)
    pool.release(a, 0.0, True)
    assert ticket.result is a


def test_those_whose_origin_is_full_are_passed_over() -> None:
    pool: Pool[Connection] = Pool(max_connections=2, max_per_origin=1)
    a, b = take(pool, "a"), take(pool, "b")
    for_a, for_c = wait(pool, "a"), wait(pool, "c")
    pool.release(b, 0.0, True)
    assert for_a.result is None
    assert for_c.result is OPEN
    assert pool.doomed == [b]
    pool.discard(a)
    assert for_a.result is OPEN


# --- giving up ------------------------------------------------------------------------------------------------------


def test_giving_up_while_waiting() -> None:
    pool: Pool[Connection] = Pool(max_connections=1)
    connection = take(pool, "a")
    first, second, third = (wait(pool, "a") for _ in range(3))
    pool.cancel(second, 0.0)
    assert pool.waiting == 2
    pool.cancel(first, 0.0)
    pool.release(connection, 0.0, True)
    assert third.result is connection
    assert first.result is second.result is CLOSED


def test_giving_up_with_a_connection_in_hand() -> None:
    pool: Pool[Connection] = Pool(max_connections=1)
    connection = take(pool, "a")
    first, second = wait(pool, "a"), wait(pool, "a")
    pool.release(connection, 0.0, True)
    pool.cancel(first, 0.0)
    assert second.result is connection
    pool.cancel(second, 0.0)
    assert counts(pool) == (1, 1, 0, 0)
    assert pool.acquire("a", 0.0) is connection


def test_giving_up_with_a_permission_in_hand() -> None:
    pool: Pool[Connection] = Pool(max_connections=1)
    connection = take(pool, "a")
    first, second = wait(pool, "b"), wait(pool, "c")
    pool.discard(connection)
    pool.cancel(first, 0.0)
    assert second.result is OPEN
    pool.cancel(second, 0.0)
    assert counts(pool) == (0, 0, 0, 0)


def test_giving_up_twice() -> None:
    pool: Pool[Connection] = Pool(max_connections=1)
    connection = take(pool, "a")
    ticket = wait(pool, "a")
    pool.release(connection, 0.0, True)
    pool.cancel(ticket, 0.0)
    assert pool.acquire("a", 0.0) is connection
    pool.cancel(ticket, 0.0)
    assert counts(pool) == (1, 0, 1, 0)


# --- dead connections -----------------------------------------------------------------------------------------------


def test_replacing_a_dead_connection_by_an_idle_one() -> None:
    pool: Pool[Connection] = Pool()
    alive, dead = take(pool, "a"), take(pool, "a")
    pool.release(alive, 0.0, True)
    pool.release(dead, 0.0, True)
    assert pool.acquire("a", 1.0) is dead
    assert pool.replace(dead, 1.0) is alive
    assert pool.doomed == [dead]
    assert counts(pool) == (1, 0, 1, 0)


def test_replacing_a_dead_connection_at_the_limit_keeps_its_place() -> None:
    pool: Pool[Connection] = Pool(max_connections=2, keepalive_expiry=5.0)
    expired, dead = take(pool, "a"), take(pool, "a")
    pool.release(expired, 0.0, True)
    assert pool.replace(dead, 7.0) is OPEN
    assert pool.doomed == [dead, expired]
    assert counts(pool) == (1, 0, 1, 0)
    pool.failed("a")
    assert counts(pool) == (0, 0, 0, 0)


# --- the end --------------------------------------------------------------------------------------------------------


def test_close() -> None:
    pool: Pool[Connection] = Pool(max_connections=2)
    idle, used = take(pool, "a"), take(pool, "b")
    pool.release(idle, 0.0, True)
    take(pool, "a")
    first, second = wait(pool, "c"), wait(pool, "d")
    woken: list[int] = []
    first.wake = lambda: woken.append(1)
    second.wake = lambda: woken.append(2)
    pool.close()
    assert pool.closed
    assert first.result is second.result is CLOSED
    assert woken == [1, 2]
    pool.release(idle, 0.0, True)
    assert pool.doomed == [idle]
    pool.release(used, 0.0, True)
    assert pool.doomed == [idle, used]
    assert counts(pool) == (0, 0, 0, 0)
    with pytest.raises(RuntimeError, match="closed"):
        pool.acquire("a", 0.0)


def test_close_dooms_the_idle_ones() -> None:
    pool: Pool[Connection] = Pool()
    connections = [take(pool, origin) for origin in "aab"]
    for connection in connections:
        pool.release(connection, 0.0, True)
    pool.close()
    assert pool.doomed == connections
    assert counts(pool) == (0, 0, 0, 0)
    pool.close()
    assert pool.doomed == connections


def test_a_connection_opened_while_the_pool_was_closed_is_doomed_on_return() -> None:
    pool: Pool[Connection] = Pool()
    assert pool.acquire("a", 0.0) is OPEN
    pool.close()
    connection = Connection("a")
    pool.opened("a", connection)
    pool.release(connection, 0.0, True)
    assert pool.doomed == [connection]


def test_reset_after_a_fork() -> None:
    pool: Pool[Connection] = Pool(max_connections=3)
    idle, used, broken = take(pool, "a"), take(pool, "b"), take(pool, "a")
    ticket = wait(pool, "b")
    pool.discard(broken)
    assert ticket.result is OPEN
    late = wait(pool, "b")
    pool.failed("b")
    pool.cancel(late, 0.0)
    pool.release(idle, 0.0, True)
    assert set(pool.reset()) == {idle, used, broken}
    assert counts(pool) == (0, 0, 0, 0)
    assert (pool.opened_count, pool.reused_count, pool.doomed) == (0, 0, [])
    # What the parent had under way when it forked ends in the child without effect.
    pool.release(used, 0.0, True)
    pool.failed("b")
    assert counts(pool) == (0, 0, 0, 0)
    assert take(pool, "a") not in (idle, used, broken)


def test_reset_forgets_those_in_line() -> None:
    pool: Pool[Connection] = Pool(max_connections=1)
    used = take(pool, "a")
    ticket = wait(pool, "a")
    assert pool.reset() == [used]
    assert ticket.result is None
    assert pool.waiting == 0
    assert pool.acquire("a", 0.0) is OPEN


@pytest.mark.parametrize("arguments", [{"max_connections": 0}, {"max_per_origin": 0}])
def test_a_limit_that_lets_nothing_through(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Pool(**arguments)


def test_repr() -> None:
    pool: Pool[Connection] = Pool(max_connections=1)
    take(pool, "a")
    assert repr(wait(pool, "b")) == "<Ticket 'b': waiting>"
    assert repr(pool) == "<Pool: 1 in use, 0 idle, 1 waiting>"


def test_nothing_is_kept_for_origins_that_are_gone() -> None:
    pool: Pool[Connection] = Pool(max_connections=2, keepalive_expiry=5.0)
    for number in range(100):
        pool.release(take(pool, str(number), number), number, True)
    pool.evict_expired(1000.0)
    assert counts(pool) == (0, 0, 0, 0)
    assert not pool._origins
    assert not pool._in_use


# --- any sequence ---------------------------------------------------------------------------------------------------


class PoolMachine(RuleBasedStateMachine):
    """Next to the pool a plain model of who has what, moved only by what the pool gives and dooms."""

    @initialize(
        max_connections=st.integers(1, 4),
        max_keepalive=st.integers(0, 4),
        max_per_origin=st.one_of(st.none(), st.integers(1, 3)),
    )
    def setup(self, max_connections: int, max_keepalive: int, max_per_origin: int | None) -> None:
        self.pool: Pool[Connection] = Pool(max_connections, max_keepalive, 5.0, max_per_origin)
        self.max_connections, self.max_keepalive = max_connections, max_keepalive
        self.max_per_origin = max_per_origin or 99
        self.now = 0.0
        self.in_use: dict[Connection, str] = {}
        self.idle: dict[Connection, tuple[str, float]] = {}  # in the order of return
        self.openings: list[str] = []
        self.waiting: list[Ticket[Connection]] = []
        self.served: list[Ticket[Connection]] = []
        self.reused = 0

    def per_origin(self, origin: str) -> int:
        return [*self.in_use.values(), *self.openings, *(key for key, _ in self.idle.values())].count(origin)

    def settle(self) -> None:
        """Take over what a call did beyond its result: connections doomed, tickets served."""
        for connection in self.pool.doomed:
            assert (connection in self.in_use) != (connection in self.idle), "doomed twice, or never there"
            self.in_use.pop(connection, None)
            self.idle.pop(connection, None)
        self.pool.doomed.clear()
        for ticket in self.served:
            position = self.waiting.index(ticket)
            for earlier in self.waiting[:position]:
                assert self.per_origin(earlier.origin) >= self.max_per_origin, "somebody jumped the queue"
            del self.waiting[position]
            if ticket.result is OPEN:
                self.openings.append(ticket.origin)
            else:
                assert isinstance(ticket.result, Connection)
                self.hand_out(ticket.result, ticket.origin)
        self.served.clear()

    def hand_out(self, connection: Connection, origin: str) -> None:
        assert connection not in self.in_use, "handed to two"
        key, since = self.idle.pop(connection)
        assert key == origin
        assert self.now - since < 5.0
        self.in_use[connection] = origin
        self.reused += 1

    @rule(origin=st.sampled_from("abc"))
    def acquire(self, origin: str) -> None:
        fresh = [c for c, (key, since) in self.idle.items() if key == origin and self.now - since < 5.0]
        got = self.pool.acquire(origin, self.now)
        if isinstance(got, Connection):
            assert got is fresh[-1], "not the newest"
            self.hand_out(got, origin)
        else:
            assert not fresh
            if isinstance(got, Ticket):
                got.wake = lambda: self.served.append(got)
                self.waiting.append(got)
            else:
                self.openings.append(origin)
        self.settle()

    @rule(seconds=st.sampled_from([0.5, 2.0, 5.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.in_use)
    @rule(data=st.data(), reusable=st.booleans())
    def release(self, data: st.DataObject, reusable: bool) -> None:
        connection = data.draw(st.sampled_from(list(self.in_use)))
        self.give_back(connection)
        self.pool.release(connection, self.now, reusable)
        assert reusable or connection in self.pool.doomed
        self.settle()

    def give_back(self, connection: Connection) -> None:
        self.idle[connection] = self.in_use.pop(connection), self.now

    @precondition(lambda self: self.in_use)
    @rule(data=st.data())
    def replace(self, data: st.DataObject) -> None:
        connection = data.draw(st.sampled_from(list(self.in_use)))
        origin = self.in_use[connection]
        fresh = [c for c, (key, since) in self.idle.items() if key == origin and self.now - since < 5.0]
        got = self.pool.replace(connection, self.now)
        assert connection in self.pool.doomed
        if got is OPEN:
            assert not fresh
            self.openings.append(origin)
        else:
            assert got is fresh[-1]
            self.hand_out(got, origin)
        self.settle()

    @precondition(lambda self: self.openings)
    @rule(data=st.data(), succeeds=st.booleans())
    def finish_opening(self, data: st.DataObject, succeeds: bool) -> None:
        origin = data.draw(st.sampled_from(self.openings))
        self.openings.remove(origin)
        if succeeds:
            connection = Connection(origin)
            self.in_use[connection] = origin
            self.pool.opened(origin, connection)
        else:
            self.pool.failed(origin)
        self.settle()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(ticket)
        self.pool.cancel(ticket, self.now)
        self.settle()

    @precondition(lambda self: self.in_use and self.waiting)
    @rule(data=st.data(), reusable=st.booleans())
    def release_to_one_who_has_just_given_up(self, data: st.DataObject, reusable: bool) -> None:
        connection = data.draw(st.sampled_from(list(self.in_use)))
        self.give_back(connection)
        self.pool.release(connection, self.now, reusable)
        served = list(self.served)
        self.settle()
        for ticket in served:
            result = ticket.result
            if result is OPEN:
                self.openings.remove(ticket.origin)
            else:
                assert isinstance(result, Connection)
                self.give_back(result)
            self.pool.cancel(ticket, self.now)
            self.settle()

    @rule()
    def evict_expired(self) -> None:
        self.pool.evict_expired(self.now)
        self.settle()
        assert all(self.now - since < 5.0 for _, since in self.idle.values())

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "pool"):
            return
        assert self.pool.idle == len(self.idle) <= self.max_keepalive
        assert self.pool.in_use == len(self.in_use) + len(self.openings)
        assert self.pool.open == self.pool.idle + self.pool.in_use <= self.max_connections
        assert self.pool.waiting == len(self.waiting)
        assert self.pool.reused_count == self.reused
        for origin in "abc":
            assert self.per_origin(origin) <= self.max_per_origin

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        if not hasattr(self, "pool"):
            return
        for ticket in self.waiting:
            assert ticket.result is None
            full = self.pool.open == self.max_connections and not self.idle
            assert full or self.per_origin(ticket.origin) == self.max_per_origin

    def teardown(self) -> None:
        if not hasattr(self, "pool"):
            return
        self.pool.close()
        assert set(self.pool.doomed) == set(self.idle)
        assert all(ticket.result is CLOSED for ticket in self.waiting)
        assert self.pool.open == len(self.in_use) + len(self.openings)


TestPoolMachine = PoolMachine.TestCase
TestPoolMachine.pytestmark = [pytest.mark.exhaustive]  # type: ignore[attr-defined]
TestPoolMachine.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
