"""Responses over a WebSocket, as the official SDK sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from openai import OpenAI
from openai.lib.responses_websocket import (
    ResponsesWebSocketError,
    ResponsesWebSocketLimits,
    ResponsesWebSocketSession,
)
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from oxide.testing import Close, Fault, Gate, MockServer, Reply, Socket, Stream

# How the official SDK uses `websockets` is not for us to change.
pytestmark = pytest.mark.filterwarnings(r"ignore:connect\(\) must be used:DeprecationWarning")

HI = {"type": "response.create", "model": "gpt-5", "input": "hi"}
FINAL = {"response.completed", "response.failed", "response.incomplete", "error"}
LIMITS = ResponsesWebSocketLimits(
    max_lanes=40, max_events_per_lane=1000, max_events=10000, max_bytes_per_lane=10**7, max_bytes=10**8
)


@pytest.fixture
def connection(client: OpenAI) -> Iterator[Any]:
    with client.responses.connect() as connection:
        yield connection


def turn(connection: Any, event: dict[str, Any] | None = None) -> list[Any]:
    """The events of one response, each validated by the official SDK's types."""
    if event is not None:
        connection.send(event)
    events = []
    while True:
        events.append(connection.recv())
        if events[-1].type in FINAL:
            return events


def rest(connection: Any) -> tuple[list[Any], int, str]:
    """The events until the connection is closed, and code and reason of that: 1006 where there was no close frame."""
    events = []
    try:
        while True:
            events.append(connection.recv())
    except ConnectionClosed as closed:
        return (events, 1006, "") if closed.rcvd is None else (events, closed.rcvd.code, closed.rcvd.reason)


# --- what it answers ---


def test_events_are_those_of_the_stream(client: OpenAI, connection: Any) -> None:
    events = turn(connection, HI)
    streamed = list(client.responses.create(model="gpt-5", input="hi", stream=True))
    assert [event.type for event in events] == [event.type for event in streamed]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].response.output[0].content[0].text == "You said: hi"
    assert not any(event.stream_id for event in events)


def test_what_is_recorded(server: MockServer, connection: Any) -> None:
    turn(connection, {**HI, "stream_id": "a"})
    handshake, created = server.requests
    assert (handshake.method, handshake.path, created.method, created.path) == (
        "GET",
        "/v1/responses",
        "WS",
        "/v1/responses",
    )
    assert handshake.header("authorization") == "Bearer sk-any"
    assert created.json() == {**HI, "stream_id": "a"}
    (socket,) = server.sockets
    assert socket.events == [created.json()]
    assert socket.sent_events[-1]["type"] == "response.completed"
    assert {event["stream_id"] for event in socket.sent_events} == {"a"}
    assert socket.open
    connection.close(code=4001, reason="enough")
    server.wait_for(lambda: not socket.open)
    assert (socket.close_code, socket.close_reason) == (4001, "enough")


def test_lineage(server: MockServer, connection: Any) -> None:
    """What isn't stored is known on the connection that made it, and nowhere else."""
    first = turn(connection, {**HI, "store": False})[-1].response
    again = {**HI, "input": "more", "previous_response_id": first.id}
    assert turn(connection, again)[-1].response.output[0].content[0].text == "You said: more (turn 2)"
    with OpenAI(base_url=server.base_url, api_key="k") as other, other.responses.connect() as elsewhere:
        (error,) = turn(elsewhere, again)
    assert (error.status, error.error.code, error.error.param) == (
        400,
        "previous_response_not_found",
        "previous_response_id",
    )


def test_a_stored_response_goes_on_over_http_and_the_other_way(client: OpenAI, connection: Any) -> None:
    first = turn(connection, HI)[-1].response
    second = client.responses.create(model="gpt-5", input="more", previous_response_id=first.id)
    assert second.output_text == "You said: more (turn 2)"
    third = turn(connection, {**HI, "previous_response_id": second.id})[-1].response
    assert third.output[0].content[0].text == "You said: hi (turn 3)"


def test_warmup(connection: Any) -> None:
    warm = turn(connection, {**HI, "input": [], "instructions": "be brief", "generate": False})
    assert [event.type for event in warm] == ["response.created", "response.in_progress", "response.completed"]
    assert warm[-1].response.output == []
    assert warm[-1].response.usage.output_tokens == 0
    following = turn(connection, {**HI, "previous_response_id": warm[-1].response.id})[-1].response
    assert following.output[0].content[0].text == "You said: hi"


def test_an_error_evicts_the_parent_of_its_own_lane_only(connection: Any) -> None:
    first = turn(connection, {**HI, "store": False, "stream_id": "a"})[-1].response
    forked = {**HI, "previous_response_id": first.id, "model": "no-such-model"}
    (error,) = turn(connection, {**forked, "stream_id": "b"})
    assert (error.error.code, error.stream_id) == ("model_not_found", "b")
    (error,) = turn(connection, {**forked, "stream_id": "a"})
    assert error.error.code == "model_not_found"
    (error,) = turn(connection, {**HI, "previous_response_id": first.id, "stream_id": "a"})
    assert error.error.code == "previous_response_not_found"


@pytest.mark.parametrize(
    ("message", "status", "code", "param"),
    [
        ({**HI, "stream_id": "not this one"}, 400, "invalid_stream_id", "stream_id"),
        ({**HI, "stream_id": ""}, 400, "invalid_stream_id", "stream_id"),
        ({**HI, "stream_id": "x" * 257}, 400, "invalid_stream_id", "stream_id"),
        ({**HI, "background": True}, 400, None, "background"),
        ({"type": "response.create", "input": "hi"}, 400, "missing_required_parameter", "model"),
        ({"type": "response.create", "model": "gpt-5"}, 400, "missing_required_parameter", "input"),
        ({**HI, "model": "no-such-model"}, 404, "model_not_found", "model"),
        ({"type": "response.undo"}, 400, "invalid_value", "type"),
        ("{", 400, "invalid_json", None),
        ("[]", 400, "invalid_type", None),
        (b"\xff", 400, "invalid_json", None),
    ],
)
def test_errors(connection: Any, message: Any, status: int, code: str | None, param: str | None) -> None:
    """They leave the connection as it was."""
    if isinstance(message, dict):
        connection.send(message)
    else:
        connection.send_raw(message)
    (error,) = turn(connection)
    assert (error.type, error.status, error.error.code, error.error.param) == ("error", status, code, param)
    assert turn(connection, HI)[-1].type == "response.completed"


def test_a_response_that_breaks_off(connection: Any) -> None:
    events = turn(connection, {**HI, "input": "please break off", "stream_id": "a"})
    assert (events[-1].type, events[-1].error.code, events[-1].stream_id) == ("error", "server_error", "a")
    assert events[-1].sequence_number == len(events) - 1


@pytest.mark.parametrize(("path", "key", "status"), [("/v1", "wrong", 401), ("/v1/nowhere", "sk-right", 404)])
def test_who_may(path: str, key: str, status: int) -> None:
    with MockServer(api_key="sk-right") as guarded, OpenAI(base_url=guarded.url + path, api_key=key) as client:
        assert refused(client).response.status_code == status


def refused(client: OpenAI) -> InvalidStatus:
    with pytest.raises(InvalidStatus) as found, client.responses.connect():
        pass
    return found.value


# --- lanes ---


def test_lanes_run_at_the_same_time_and_one_lane_in_order(server: MockServer, connection: Any) -> None:
    gates = [Gate(), Gate()]
    server.queue(*(Stream(until=gate) for gate in gates), method="WS")
    connection.send({**HI, "input": "1", "stream_id": "slow"})
    connection.send({**HI, "input": "2", "stream_id": "other"})
    connection.send({**HI, "input": "3", "stream_id": "slow"})
    connection.send({**HI, "input": "4"})
    by_default = turn(connection)
    assert {event.stream_id for event in by_default} == {None}
    gates[1].open()
    assert {event.stream_id for event in turn(connection)} == {"other"}
    gates[0].open()
    slow = turn(connection) + turn(connection)
    assert [event.response.output[0].content[0].text for event in slow if event.type in FINAL] == [
        "You said: 1",
        "You said: 3",
    ]


def test_events_of_lanes_are_interleaved(server: MockServer, connection: Any) -> None:
    gate = Gate()
    server.queue(Stream(until=gate), repeat=2)
    for name in "ab":
        connection.send({**HI, "input": "50 words", "stream_id": name})
    server.wait_for_requests(3)
    gate.open()
    events = turn(connection) + turn(connection)
    names = [event.stream_id for event in events]
    changes = sum(one != other for one, other in pairwise(names))
    assert changes > len(names) / 2
    for name in "ab":
        numbers = [event.sequence_number for event in events if event.stream_id == name]
        assert numbers == list(range(len(numbers)))


def test_the_official_session(client: OpenAI) -> None:
    with client.responses.connect() as connection, ResponsesWebSocketSession(connection, limits=LIMITS) as session:
        lanes = [session.lane(f"lane-{number}") for number in range(8)]
        for number, lane in enumerate(lanes):
            lane.send({**HI, "input": f"I am {number}"})
        texts = [lane.get_final_response(timeout=10).output_text for lane in lanes]
        lanes[3].send({**HI, "model": "no-such-model"})
        with pytest.raises(ResponsesWebSocketError) as failed:
            lanes[3].get_final_response(timeout=10)
    assert texts == [f"You said: I am {number}" for number in range(8)]
    assert failed.value.event.error.code == "model_not_found"


def test_the_number_of_lanes_is_limited(connection: Any) -> None:
    for number in range(32):
        assert turn(connection, {**HI, "stream_id": str(number)})[-1].type == "response.completed"
    (error,) = turn(connection, {**HI, "stream_id": "one-more"})
    assert (error.error.code, error.error.param) == ("websocket_stream_limit_reached", "stream_id")
    assert turn(connection, {**HI, "stream_id": "0"})[-1].type == "response.completed"
    assert turn(connection, HI)[-1].type == "response.completed"


def test_sixteen_responses_at_once_and_the_others_wait(server: MockServer, connection: Any) -> None:
    gate = Gate()
    server.queue(Stream(gates={1: gate}), method="WS", repeat=20)
    for number in range(20):
        connection.send({**HI, "stream_id": str(number)})
    started = [connection.recv() for _ in range(16)]
    server.wait_for_requests(21)
    gate.open()
    events = [event for _ in range(20) for event in turn(connection)]
    assert {event.type for event in started} == {"response.created"}
    assert sum(event.type == "response.created" for event in events) == 4


# --- steering ---


def test_steering(server: MockServer, connection: Any) -> None:
    gate = Gate()
    server.queue(Stream(gates={3: gate}))
    connection.send({**HI, "stream_id": "a"})
    created = connection.recv()
    steer = {"type": "response.steer", "previous_response_id": created.response.id, "input": "and say bye"}
    connection.send(steer)
    seen = [connection.recv() for _ in range(3)]
    (accepted,) = [event for event in seen if event.type == "response.steer.accepted"]
    assert (accepted.steer.previous_response_id, accepted.stream_id) == (created.response.id, "a")
    gate.open()
    first = turn(connection)[-1].response
    successor = turn(connection)
    assert successor[0].type == "response.created"
    assert successor[-1].response.previous_response_id == first.id
    assert successor[-1].response.output[0].content[0].text == "You said: and say bye (turn 2)"
    connection.send(steer)
    failed = connection.recv()
    assert (failed.type, failed.error.code, failed.steer.input) == (
        "response.steer.failed",
        "response_already_completed",
        "and say bye",
    )


def test_steering_waits_for_the_results_of_tools(server: MockServer, connection: Any) -> None:
    gate = Gate()
    server.queue(Stream(gates={1: gate}))
    tool = {"type": "function", "name": "add", "parameters": {"type": "object", "properties": {}}}
    connection.send({**HI, "input": "add", "tools": [tool]})
    name = connection.recv().response.id
    connection.send({"type": "response.steer", "previous_response_id": name, "input": "quickly"})
    assert connection.recv().type == "response.steer.accepted"
    gate.open()
    call = turn(connection)[-1].response.output[0]
    pending = connection.recv()
    assert (pending.type, pending.reason) == ("response.steer.pending", "waiting_for_required_input")
    (stub,) = pending.required_input
    assert (stub.type, stub.call_id, stub.name) == ("function_call_output", call.call_id, "add")
    output = {**stub.to_dict(), "output": "42"}
    last = turn(connection, {**HI, "previous_response_id": name, "input": [output]})[-1].response
    assert last.output[0].content[0].text == "The result of add is 42."
    (_, created) = server.requests[1:]
    assert created.json()["input"] == [output]
    # What was queued is a part of the conversation now.
    again = turn(connection, {**HI, "previous_response_id": last.id, "input": "and?"})[-1].response
    assert again.output[0].content[0].text == "You said: and? (turn 3)"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"previous_response_id": "resp_unknown", "input": "x"}, "response_not_found"),
        ({"previous_response_id": "resp_unknown", "input": []}, "invalid_input"),
        ({"previous_response_id": "resp_unknown", "input": [{"role": "system", "content": "x"}]}, "invalid_input"),
        ({"previous_response_id": "resp_unknown", "input": "x", "stream_id": "a"}, "invalid_input"),
    ],
)
def test_steering_that_fails(connection: Any, fields: dict[str, Any], code: str) -> None:
    connection.send({"type": "response.steer", **fields})
    failed = connection.recv()
    assert (failed.type, failed.error.code, failed.steer.input) == ("response.steer.failed", code, fields["input"])


# --- scripts ---


def _resets(script: Any) -> bool:
    """What was not read when a reset comes is lost."""
    return getattr(script, "reset_after", None) is not None


def test_scripted_turns(server: MockServer, connection: Any) -> None:
    server.queue(
        Stream(events=[{"type": "response.created", "n": 1}, {"type": "response.completed", "n": 2}]),
        Reply(429),
        lambda request: Reply(json={"type": "response.failed", "echo": request.json()["input"]}),
        Reply(text='{"type": "error", "plain": true}'),
    )
    events = turn(connection, {**HI, "stream_id": "a"})
    assert [(event.type, event.n, event.stream_id) for event in events] == [
        ("response.created", 1, "a"),
        ("response.completed", 2, "a"),
    ]
    (limited,) = turn(connection, {**HI, "stream_id": "a"})
    assert (limited.type, limited.status, limited.stream_id) == ("error", 429, "a")
    assert limited.error.code == "rate_limit_exceeded"
    assert turn(connection, HI)[0].echo == "hi"
    assert turn(connection, HI)[0].plain is True
    assert server.pending == 0


@pytest.mark.parametrize(
    ("script", "code", "count"),
    [
        (Close(), 1011, 0),
        (Close(1012, "restart", after=3), 1012, 3),
        (Close(4000, after=None), 4000, 12),
        (Stream(cut_after=3), 1006, 3),
        (Stream(reset_after=2), 1006, 2),
        (Fault.close_before(), 1006, 0),
        (Fault.close_after_body(), 1006, 12),
        (Fault.close_in_body(700), 1006, 0),
        (Fault.garbage(b"\xff\xff\xff"), 1006, 0),
    ],
)
def test_turns_that_break(server: MockServer, connection: Any, script: Any, code: int, count: int) -> None:
    server.queue(script)
    connection.send(HI)
    events, ended, _ = rest(connection)
    assert ended == code
    assert len(events) == count or (len(events) < count and _resets(script))


def test_a_stalled_turn(server: MockServer, connection: Any) -> None:
    server.queue(Stream(stall_after=2))
    connection.send(HI)
    assert [connection.recv().type for _ in range(2)] == ["response.created", "response.in_progress"]
    with pytest.raises(TimeoutError):
        connection._connection.recv(timeout=0.05)
    connection.close()
    server.wait_for(lambda: not server.sockets[0].open)


@pytest.mark.parametrize(
    ("script", "code", "count"),
    [
        (Socket(close_after=0), 1011, 0),
        (Socket(close_after=15, code=1013, reason="later"), 1013, 15),
        (Socket(cut_after=14), 1006, 14),
        (Socket(cut_after=0), 1006, 0),
        (Socket(reset_after=14), 1006, 14),
        (Socket(garbage_after=4), 1006, 4),
        (Socket(cut_after_bytes=0), 1006, 0),
        (Socket(cut_after_bytes=500), 1006, 0),
        (Socket(reset_after_bytes=501), 1006, 0),
    ],
)
def test_connections_that_break(server: MockServer, client: OpenAI, script: Socket, code: int, count: int) -> None:
    server.queue(script)
    with client.responses.connect() as connection:
        with suppress(ConnectionClosed):
            connection.send(HI)
            connection.send(HI)
        events, ended, _ = rest(connection)
    assert ended == code
    assert len(events) == count or (len(events) < count and _resets(script))
    server.wait_for(lambda: not server.sockets[0].open)


def test_every_byte_may_be_the_last(server: MockServer, client: OpenAI) -> None:
    with client.responses.connect() as connection:
        turn(connection, HI)
    (whole,) = server.sockets
    sizes = [len(message) + (2 if len(message) < 126 else 4) for message in whole.sent]
    for limit in (1, sizes[0] - 1, sizes[0], sizes[0] + 1, sum(sizes) - 1):
        server.queue(Socket(cut_after_bytes=limit))
        with client.responses.connect() as connection:
            connection.send(HI)
            events, _, _ = rest(connection)
        complete, left = 0, limit
        for size in sizes:
            left -= size
            complete += left >= 0
        assert len(events) == complete


def test_a_handshake_that_is_refused(server: MockServer, client: OpenAI) -> None:
    server.queue(Reply(503, headers={"retry-after-ms": "5"}), Fault.reset_before(), method="GET")
    server.queue(Stream(cut_after=1))
    assert refused(client).response.headers["retry-after-ms"] == "5"
    with pytest.raises((OSError, EOFError, InvalidMessage)), client.responses.connect():
        pass
    assert server.pending == 1
    with client.responses.connect() as connection:
        connection.send(HI)
        assert len(rest(connection)[0]) == 1
    assert server.pending == 0


def test_what_the_server_says_first_and_gates(server: MockServer, client: OpenAI) -> None:
    gate, ready = Gate(), Gate()
    server.queue(Socket(events=[{"type": "hello"}, '{"type": "again"}'], gates={1: gate}, until=ready))
    ready.open()
    with client.responses.connect() as connection:
        assert connection.recv().type == "hello"
        gate.wait_reached()
        gate.open()
        assert connection.recv().type == "again"
        assert turn(connection, HI)[-1].type == "response.completed"


def test_the_maximum_age(client: OpenAI) -> None:
    age = Gate()
    with (
        MockServer(max_connection_age=age) as server,
        client.with_options(base_url=server.base_url) as young,
        young.responses.connect() as connection,
    ):
        assert turn(connection, HI)[-1].type == "response.completed"
        age.open()
        (error,), code, _ = rest(connection)
    assert (error.error.code, code) == ("websocket_connection_limit_reached", 1001)


def test_the_server_stops_with_connections_open(server: MockServer, client: OpenAI) -> None:
    server.queue(Stream(stall_after=2))
    with client.responses.connect() as connection:
        connection.send(HI)
        connection.recv()
        server.stop()
        assert rest(connection)[1] == 1006
    server.start()


def test_scripts_in_the_wrong_place(server: MockServer, client: OpenAI, connection: Any) -> None:
    server.queue(lambda request: Socket())
    connection.send(HI)
    events, code, reason = rest(connection)
    assert (events, code) == ([], 1011)
    assert "handshake" in reason
