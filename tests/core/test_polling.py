"""The flows of `core.polling`, run by hand against a clock of the test's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import oxide.core.polling
from oxide.core.codec import decode, set_meta
from oxide.core.flow import Flow, Invoke, Sleep
from oxide.core.headers import Headers
from oxide.core.http import ResponseMeta
from oxide.core.polling import poll, wait
from oxide.types.file_object import FileObject


class Clock:
    """Time that passes when somebody sleeps, or when a request takes its time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        self.request = 0.0

    def run(self, flow: Flow[Any]) -> Any:
        value = None
        while True:
            try:
                command = flow.send(value)
            except StopIteration as end:
                return end.value
            if isinstance(command, Sleep):
                self.slept.append(command.seconds)
                self.now += command.seconds
                value = None
            else:
                assert isinstance(command, Invoke)
                self.now += self.request
                value = command.function(*command.args, **command.kwargs)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(oxide.core.polling, "monotonic", lambda: clock.now)
    return clock


def answers(*statuses: str, advice: Iterator[str | None] | None = None) -> tuple[Callable[..., Any], list[Any]]:
    """A function that gives files of these statuses, the last for ever, and the arguments it was called with."""
    calls: list[Any] = []

    def retrieve(**arguments: Any) -> Any:
        status = statuses[min(len(calls), len(statuses) - 1)]
        calls.append(arguments)
        file = decode(FileObject, b'{"id": "f", "status": "%b"}' % status.encode())
        text = next(advice) if advice else None
        set_meta(file, ResponseMeta(Headers([] if text is None else [(b"OpenAI-Poll-After-Ms", text.encode())])))
        return file

    return retrieve, calls


def is_pending(file: Any) -> bool:
    return bool(file.status == "busy")


def test_the_interval_is_a_second(clock: Clock) -> None:
    retrieve, calls = answers("busy", "busy", "done")
    assert clock.run(poll(retrieve, is_pending, oxide.omit)).status == "done"
    assert clock.slept == [1, 1]
    assert calls == [{"extra_headers": {"X-Stainless-Poll-Helper": "true"}}] * 3


def test_the_interval_is_the_callers(clock: Clock) -> None:
    retrieve, calls = answers("busy", "done", advice=iter(["7000", "7000"]))
    clock.run(poll(retrieve, is_pending, 250, headers={"X-Own": "1"}))
    assert clock.slept == [0.25]
    fields = {"X-Stainless-Poll-Helper": "true", "X-Own": "1", "X-Stainless-Custom-Poll-Interval": "250"}
    assert calls == [{"extra_headers": fields}] * 2


def test_the_interval_is_the_servers_last_word(clock: Clock) -> None:
    retrieve, _ = answers(*["busy"] * 5, "done", advice=iter(["5000", "20", None, "soon", "-3", None]))
    clock.run(poll(retrieve, is_pending, oxide.omit))
    assert clock.slept == [5, 0.02, 1, 1, 1]


def test_the_limit(clock: Clock) -> None:
    retrieve, calls = answers("busy")
    clock.request = 0.25
    with pytest.raises(TimeoutError, match=r"the file is not finished after 3 seconds"):
        clock.run(poll(retrieve, is_pending, oxide.omit, within=3, what="the file"))
    assert clock.slept == [1, 1, 0.25]
    assert len(calls) == 3
    assert clock.now == 103


def test_a_request_may_end_after_the_limit(clock: Clock) -> None:
    retrieve, calls = answers("busy", "done")
    clock.request = 2.5
    assert clock.run(poll(retrieve, is_pending, 100, within=3)).status == "done"
    clock.request = 4
    retrieve, calls = answers("busy", "done")
    with pytest.raises(TimeoutError):
        clock.run(poll(retrieve, is_pending, 100, within=3))
    assert len(calls) == 1


def test_no_time_at_all(clock: Clock) -> None:
    retrieve, calls = answers("done")
    with pytest.raises(TimeoutError):
        clock.run(poll(retrieve, is_pending, oxide.omit, within=0))
    assert not calls


@pytest.mark.parametrize("limit", [-1, float("inf"), float("nan")])
def test_a_limit_that_is_none(clock: Clock, limit: float) -> None:
    retrieve, calls = answers("done")
    with pytest.raises(ValueError, match="max_wait_seconds"):
        clock.run(poll(retrieve, is_pending, oxide.omit, within=limit))
    assert not calls


def test_wait(clock: Clock) -> None:
    retrieve, calls = answers("busy", "busy", "done")
    assert clock.run(wait(retrieve, is_pending, 5, 100, "the file")).status == "done"
    assert clock.slept == [5, 5]
    assert calls == [{}] * 3


def test_wait_gives_up(clock: Clock) -> None:
    retrieve, calls = answers("busy")
    with pytest.raises(RuntimeError, match="the file is not finished after 12 seconds"):
        clock.run(wait(retrieve, is_pending, 5, 12, "the file"))
    assert clock.slept == [5, 5, 5]
    assert len(calls) == 4


def test_wait_takes_what_came_in_the_end(clock: Clock) -> None:
    retrieve, _ = answers("busy", "done")
    assert clock.run(wait(retrieve, is_pending, 5, 1, "the file")).status == "done"
