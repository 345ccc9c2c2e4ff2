"""The books of a race, and when a slow call is given a second request."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxide.core.budget import Budget
from oxide.core.hedge import ENOUGH, HEAD_START, KINDS, REFUND, SCARCE, Ahead, Hedge
from oxide.core.race import Contest, Race


def race(count: int, delay: float = 1.0, **options: Any) -> Race:
    def flow() -> Iterator[Any]:
        yield

    def late(value: Any) -> Iterator[Any]:
        yield

    return Race([flow] * count, [delay] * (count - 1), late=late, **options)


def test_the_next_begins_when_its_time_has_come() -> None:
    contest = Contest(race(3))
    assert contest.begin(10.0) == 0
    assert contest.begin(10.0) is None
    assert contest.wait(10.4) == pytest.approx(0.6)
    assert contest.begin(11.0) == 1
    assert contest.wait(11.5) == pytest.approx(0.5)
    assert contest.begin(12.5) == 2
    assert contest.begin(99.0) is None
    assert contest.wait(99.0) is None


def test_the_first_to_return_wins() -> None:
    contest = Contest(race(2))
    contest.begin(0.0)
    contest.begin(1.0)
    assert contest.returned(1, "answer")
    assert contest.over
    assert contest.wait(1.0) is None
    assert not contest.returned(0, "late")
    assert contest.result() == (1, "answer")


def test_an_error_lets_the_next_begin_at_once() -> None:
    contest = Contest(race(2))
    contest.begin(0.0)
    contest.raised(ValueError("first"))
    assert not contest.over
    assert contest.wait(0.1) == 0.0
    assert contest.begin(0.1) == 1
    contest.raised(ValueError("second"))
    assert contest.over
    with pytest.raises(ValueError, match="first"):
        contest.result()


def test_an_error_ends_it_where_errors_begin_nothing() -> None:
    contest = Contest(race(2, on_error=False))
    contest.begin(0.0)
    contest.raised(ValueError("first"))
    assert contest.over
    assert contest.begin(5.0) is None


def test_an_error_leaves_those_that_run_their_chance() -> None:
    contest = Contest(race(3, on_error=False))
    contest.begin(0.0)
    contest.begin(1.0)
    contest.raised(ValueError("first"))
    assert not contest.over
    assert contest.begin(9.0) is None
    assert contest.returned(1, "answer")
    assert contest.result() == (1, "answer")


def test_nobody_begins_who_may_not() -> None:
    contest = Contest(race(3, may_begin=lambda: False))
    assert contest.begin(0.0) == 0
    assert contest.begin(1.0) is None
    assert contest.wait(1.0) is None
    contest.raised(ValueError("first"))
    assert contest.over


@given(
    st.integers(1, 4),
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(["begin", "return", "raise"]), st.integers(0, 3)), max_size=30),
    st.booleans(),
)
def test_any_course_comes_to_one_end(count: int, allowed: bool, steps: list[tuple[str, int]], on_error: bool) -> None:
    contest = Contest(race(count, may_begin=lambda: allowed, on_error=on_error))
    running: list[int] = []
    won: list[int] = []
    now = 0.0

    def begin() -> None:
        place = contest.begin(now)
        if place is not None:
            assert not won
            running.append(place)

    def end(kind: str, place: int) -> None:
        if kind == "raise":
            contest.raised(ValueError(place))
        elif contest.returned(place, place):
            won.append(place)

    begin()
    for kind, which in steps:
        now += 0.7
        if kind == "begin":
            begin()
        elif running:
            end(kind, running.pop(which % len(running)))
    while running or not contest.over:
        now += 0.7
        begin()
        if running:
            end("raise", running.pop())
    assert len(won) <= 1
    if won:
        assert contest.result() == (won[0], won[0])
    else:
        with pytest.raises(ValueError, match=r"\d"):
            contest.result()


def test_a_budget_is_a_share_of_the_calls() -> None:
    budget = Budget(0.05)
    spent = 0
    for _ in range(1000):
        budget.earn()
        spent += budget.spend()
    assert 50 <= spent <= 51


def test_a_budget_is_saved_up_to_its_burst() -> None:
    budget = Budget(0.5, burst=3)
    for _ in range(100):
        budget.earn()
    assert [budget.spend() for _ in range(5)] == [True, True, True, False, False]


@given(st.lists(st.booleans(), max_size=300), st.floats(0, 1))
def test_a_budget_is_never_overdrawn(course: list[bool], share: float) -> None:
    budget = Budget(share, burst=5)
    calls = spent = 0
    for is_call in course:
        if is_call:
            calls += 1
            budget.earn()
        else:
            spent += budget.spend()
    assert spent <= 1 + share * calls + 1e-6


def test_a_budget_may_have_a_head_start() -> None:
    budget = Budget(0.1, head_start=30)
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]


def test_a_request_that_won_costs_less() -> None:
    hedge = Hedge()
    spent = 0
    for _ in range(10_000):
        hedge.earn()
        if hedge.may_begin():
            spent += 1
            hedge.won()
    assert spent == pytest.approx((10_000 + HEAD_START) * 0.05 / (1 - REFUND), rel=0.01)


def test_what_is_left_of_a_budget_is_for_the_slowest() -> None:
    hedge = Hedge()
    for index in range(100):
        hedge.took("kind", 0.1 + index / 1000)
    for _ in range(100):
        hedge.earn()
    assert hedge.delay_for("kind") == pytest.approx(0.195)
    while hedge.may_begin():
        pass
    assert hedge.delay_for("kind") == pytest.approx(SCARCE * 0.15, rel=0.05)


@pytest.mark.parametrize("delay", [None, 3.0])
def test_the_budget_is_enough_for_a_tail_of_its_share(delay: float | None) -> None:
    """One request in twenty takes twenty times as long; in virtual time. By chance there may be many, or slow ones twice."""
    runs = [hedged_run(seed, delay) for seed in range(40)]
    assert sum(extra <= 70 for extra, _ in runs) >= 39
    assert sum(p99 < 10 for _, p99 in runs) >= 38


def hedged_run(seed: int, delay: float | None) -> tuple[int, float]:
    """The extra requests of a thousand calls, and their 99th percentile."""
    chance = random.Random(seed)
    hedge = Hedge(delay)
    extra, times = 0, []

    def request() -> float:
        return chance.uniform(0.8, 1.5) * (20 if chance.random() < 0.05 else 1)

    for _ in range(1000):
        hedge.earn()
        wait, took = hedge.delay_for("kind"), request()
        if wait is not None and took > wait and hedge.may_begin():
            extra += 1
            second = wait + request()
            if second < took:
                hedge.won()
            took = min(took, second)
        hedge.took("kind", took)
        times.append(took)
    return extra, sorted(times)[990]


def test_the_delay_is_learned() -> None:
    hedge = Hedge(budget=None)
    for index in range(10):
        assert (hedge.delay_for("kind") is None) == (index < ENOUGH)
        hedge.took("kind", 0.1 + index / 1000)
    assert hedge.delay_for("kind") == pytest.approx(0.109)
    assert hedge.delay_for("another kind") is None


@pytest.mark.parametrize("slow", [3, 5, 8])
def test_what_is_slow_does_not_count_as_usual(slow: int) -> None:
    hedge = Hedge(budget=None)
    for index in range(100):
        hedge.took("kind", 2.0 if index < slow else 0.1)
    assert hedge.delay_for("kind") in (pytest.approx(0.1), pytest.approx(0.3))


def test_the_kinds_are_bounded() -> None:
    hedge = Hedge()
    for kind in range(KINDS + 50):
        hedge.took(kind, 0.1)
        hedge.took("often", 0.1)
    assert len(hedge._times) == KINDS
    assert "often" in hedge._times


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"delay": -1}, "at least 0"),
        ({"delay": "soon"}, "seconds"),
        ({"requests": 1}, "at least 2"),
        ({"budget": 2}, "from 0 to 1"),
        ({"budget": -0.1}, "from 0 to 1"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        Hedge(**arguments)


def test_what_was_read_ahead_comes_first() -> None:
    assert list(iter(Ahead(b"ab", iter([b"c", b"d"])).__next__, b"d")) == [b"ab", b"c"]
