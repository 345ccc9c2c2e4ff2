"""The flow that connects, driven by hand on a clock of its own: which address is tried when, and what is given up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxide.core import dial as module
from oxide.core.dial import Begin, Busy, Finish, Reach, Resolve, WaitAny, dial
from oxide.core.errors import ConnectError
from oxide.core.http11 import H1Connection
from oxide.core.proxies import ProxyRules
from oxide.core.url import Origin

ORIGIN = Origin("http", "example.com", 80)


class Attempt:
    def __init__(self, address: Any, ends: float, error: ConnectError | None) -> None:
        self.address = address
        self.ends = ends
        self.error = error
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Connection:
    def __init__(self, number: int) -> None:
        self.number = number
        self.h1 = H1Connection()


class World:
    """Addresses that answer, or refuse, after a time.

    Args:
        answers: for each address its family, the seconds until something happens (`None` for never), and whether it refuses.
    """

    def __init__(self, *answers: tuple[int, float | None, bool], uds: str | None = None) -> None:
        self.answers = answers
        self.uds = uds
        self.now = 0.0
        self.busy = 0
        self.begun: list[tuple[int, float]] = []
        self.attempts: list[Attempt] = []

    def run(self, timeout: float | None) -> int:
        """The position of the attempt that the connection came of."""
        before, module.monotonic = module.monotonic, lambda: self.now
        flow = dial(ORIGIN, timeout)
        resume, value = flow.send, None
        try:
            while True:
                command = resume(value)
                try:
                    resume, value = flow.send, self.perform(command)
                except ConnectError as error:
                    resume, value = flow.throw, error
        except StopIteration as end:
            number: int = end.value.number
            return number
        finally:
            module.monotonic = before

    def perform(self, command: Any) -> Any:
        if isinstance(command, Resolve):
            return [(answer[0], (f"address {number}", 80)) for number, answer in enumerate(self.answers)]
        if isinstance(command, Begin):
            if self.busy:
                self.busy -= 1
                raise Busy("busy")
            number = 0 if self.uds else int(command.address[1][0].split()[1])
            self.begun.append((number, self.now))
            _, ends, refuses = self.answers[number]
            error = ConnectError(f"address {number} refused") if refuses else None
            if ends == 0 and error:
                raise error
            attempt = Attempt(command.address, float("inf") if ends is None else self.now + ends, error)
            self.attempts.append(attempt)
            return attempt
        if isinstance(command, WaitAny):
            first = min([attempt.ends for attempt in command.attempts], default=float("inf"))
            limit = float("inf") if command.timeout is None else self.now + command.timeout
            assert min(first, limit) < float("inf"), "waits for ever for what never comes"
            self.now = max(self.now, min(first, limit))
            return [attempt for attempt in command.attempts if attempt.ends <= self.now]
        if isinstance(command, Finish):
            if command.attempt.error:
                raise command.attempt.error
            return Connection(self.attempts.index(command.attempt))
        return Reach(ProxyRules({}), self.uds)

    @property
    def left_open(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts if not attempt.closed]


def test_families_take_turns() -> None:
    world = World((10, None, False), (10, None, False), (10, None, False), (2, 0.01, False))
    world.run(None)
    assert world.begun == [(0, 0.0), (3, 0.25)]
    assert world.now == pytest.approx(0.26)
    assert [attempt.closed for attempt in world.attempts] == [True, False]


def test_a_refusal_is_not_waited_for() -> None:
    world = World((10, 0, True), (2, 0.02, True), (10, 0.1, False))
    world.run(5)
    # The third is last: the families take turns, and this one had its turn.
    assert world.begun == [(0, 0.0), (1, 0.0), (2, 0.02)]


def test_the_first_may_win_late() -> None:
    world = World((10, 0.4, False), (2, None, False))
    world.run(5)
    assert world.begun == [(0, 0.0), (1, 0.25)]
    assert world.now == pytest.approx(0.4)
    assert [attempt.closed for attempt in world.attempts] == [False, True]


def test_nobody_answers() -> None:
    world = World((10, None, False), (2, None, False))
    with pytest.raises(TimeoutError):
        world.run(3)
    assert world.now == pytest.approx(3)
    assert not world.left_open
    world = World((10, None, False), (2, 0.1, True))
    with pytest.raises(ConnectError, match=r"example.com:80: address 0 did not answer; address 1 refused"):
        world.run(3)
    with pytest.raises(ConnectError, match="no address"):
        World().run(3)


def test_little_time_is_shared() -> None:
    world = World((10, None, False), (2, None, False), (2, None, False), (2, 0.01, False))
    world.run(0.2)
    assert [number for number, _ in world.begun] == [0, 1, 2, 3]
    assert world.now < 0.2


def test_full_backlog() -> None:
    world = World((0, 0.0, False), uds="/socket")
    world.busy = 3
    world.run(None)
    assert len(world.begun) == 1
    world = World((0, 0.0, False), uds="/socket")
    world.busy = 10**9
    with pytest.raises(TimeoutError):
        world.run(0.5)


@given(
    st.lists(
        st.tuples(st.sampled_from([2, 10]), st.one_of(st.none(), st.floats(0, 2)), st.booleans()),
        min_size=1,
        max_size=6,
    ),
    st.floats(0, 4),
)
def test_anything(answers: list[tuple[int, float | None, bool]], timeout: float) -> None:
    world = World(*answers)
    try:
        number = world.run(timeout)
    except (ConnectError, TimeoutError):
        assert not [attempt for attempt in world.left_open if attempt.error is None]
    else:
        assert [attempt for attempt in world.left_open if attempt.error is None] == [world.attempts[number]]
    # Each is tried once at most, and none after the time is over.
    numbers = [number for number, _ in world.begun]
    assert len(numbers) == len(set(numbers))
    assert world.now <= timeout + 1e-6
