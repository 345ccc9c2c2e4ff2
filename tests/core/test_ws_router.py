"""The router of lanes: nothing is lost, nothing comes twice, nothing goes elsewhere, and no more waits than may."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxide.core.ws_router import (
    Lane,
    ResponsesWebSocketBufferError,
    ResponsesWebSocketError,
    ResponsesWebSocketLimits,
    Router,
)
from oxide.core.ws_turns import DEFAULT_LIMITS, TurnRouter

NAMES = [None, "a", "b", "c"]
LIMITS = ResponsesWebSocketLimits(
    max_lanes=4, max_events_per_lane=4, max_events=8, max_bytes_per_lane=400, max_bytes=800, max_response_bytes=250
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["event", "event", "event", "final", "error", "read", "read", "create", "close"]),
        st.sampled_from([*NAMES, "elsewhere"]),
        st.integers(1, 300),
    ),
    max_size=60,
)


def event(kind: str, name: str | None, number: int) -> Any:
    found: Any = SimpleNamespace(type=kind, stream_id=name, number=number, error=None)
    if kind == "response.completed":
        found.response = SimpleNamespace(id=str(number), output=[])
    return found


def waiting(router: Router) -> tuple[int, int]:
    events = sum(len(lane.queue) for lane in router.lanes.values())
    return events, sum(size for lane in router.lanes.values() for _, size in lane.queue)


@given(STEPS, st.booleans())
def test_events_go_to_their_lane_once_and_in_order(steps: list[tuple[str, str | None, int]], isolate: bool) -> None:
    router = Router(LIMITS, isolate=isolate)
    lanes: dict[str | None, Lane] = {None: router.default}
    lanes.update((name, router.register(name)) for name in NAMES[1:])
    due: dict[str | None, list[int]] = {name: [] for name in NAMES}
    for number, (step, name, size) in enumerate(steps):
        lane = lanes.get(name, router.default)
        if step in ("event", "final", "error"):
            kind = {"event": "response.created", "final": "response.completed", "error": "error"}[step]
            goes_to = router.default if lane.closed and lane.failure is None else lane
            dropped = lane.failure is not None or goes_to.closed
            try:
                router.dispatch(event(kind, name, number), size)
            except ResponsesWebSocketBufferError:
                assert not isolate
                return
            if not dropped:
                due[goes_to.stream_id].append(number)
        elif step == "read":
            before = list(due[lane.stream_id])
            try:
                found = router.pop(lane)
            except ResponsesWebSocketBufferError:
                assert lane.failure is not None
                assert isolate
            except EOFError:
                assert lane.closed
            else:
                assert (found.number if found is not None else None) == (before[0] if before else None)
                if found is not None:
                    due[lane.stream_id].pop(0)
        elif step == "create":
            busy = lane.in_flight or lane.closed
            try:
                router.prepare(lane, True)
            except RuntimeError:
                assert busy
            else:
                assert not busy
        else:
            router.detach(lane)
        for each in lanes.values():
            if each.closed:
                due[each.stream_id] = []
            assert [found.number for found, _ in each.queue] == due[each.stream_id]
            assert len(each.queue) <= LIMITS.max_events_per_lane
            assert each.size == sum(size for _, size in each.queue) <= LIMITS.max_bytes_per_lane
        assert (router.events, router.size) == waiting(router)
        assert router.events <= LIMITS.max_events
        assert router.size <= LIMITS.max_bytes


@given(STEPS)
def test_turns_never_see_what_is_left_of_those_before(steps: list[tuple[str, str | None, int]]) -> None:
    """The server answers one request on a lane after the other; some turns are given up."""
    router = TurnRouter(DEFAULT_LIMITS)
    # Of each lane: the turns whose events are still to come, and the turn that is read.
    asked: dict[str | None, list[int]] = {name: [] for name in [*NAMES, "elsewhere"]}
    reading: dict[str | None, tuple[int, Lane] | None] = dict.fromkeys(asked)
    for number, (step, name, size) in enumerate(steps):
        current = reading[name]
        if step == "create" and current is None:
            seat = router.seat(name)
            reading[name] = (number, seat)
            asked[name].append(number)
        elif step == "close" and current is not None:
            router.leave(current[1])
            reading[name] = None
        elif step in ("event", "final", "error") and asked[name]:
            kind = {"event": "response.created", "final": "response.completed", "error": "error"}[step]
            turn = asked[name][0] if step == "event" else asked[name].pop(0)
            if name is None and kind == "error" and not router.default.in_flight:
                continue
            router.dispatch(event(kind, name, turn), size)
        elif step == "read" and current is not None:
            found = router.pop(current[1])
            if found is not None:
                assert found.number == current[0]
                if found.type != "response.created":
                    reading[name] = None
                    router.leave(current[1])
        assert (router.events, router.size) == waiting(router)


def test_a_final_response_of_too_many_bytes() -> None:
    router = Router(LIMITS)
    router.dispatch(event("response.created", None, 1), 200)
    router.dispatch(event("response.completed", None, 2), 100)
    assert router.pop(router.default).type == "response.created"
    assert router.pop(router.default).type == "response.completed"
    with pytest.raises(ResponsesWebSocketBufferError, match="max_response_bytes"):
        router.default.unfinished()
    router.dispatch(event("error", None, 3), 10)
    router.pop(router.default)
    with pytest.raises(ResponsesWebSocketError):
        router.default.unfinished()


def test_names_are_free_again_on_the_next_connection() -> None:
    router = Router(LIMITS, connection=1)
    one, two = router.register("a"), router.register("b")
    router.detach(one)
    with pytest.raises(ValueError, match="'a'"):
        router.register("a")
    router.reconnected(2)
    assert router.register("a") is not one
    assert router.lanes["b"] is two
    router.finish()
    with pytest.raises(EOFError):
        router.pop(two)
    with pytest.raises(RuntimeError):
        router.register("c")
