"""Sessions and lanes against the embedded server, three ways."""

from __future__ import annotations

from typing import Any

import pytest

import oxide
from oxide.core.errors import WebSocketConnectionClosedError
from oxide.core.ws_router import ResponsesWebSocketBufferError, ResponsesWebSocketError, ResponsesWebSocketLimits
from oxide.testing import Close, Fault, Gate, MockServer, Reply, Socket, Stream

from ..ways import Way


def asked(server: MockServer) -> list[Any]:
    """The `response.create` events so far."""
    return [request.json() for request in server.requests if request.method == "WS"]


async def read(events: Any) -> list[Any]:
    return [event async for event in events]


# --- turns ---


async def test_a_conversation(way: Way, server: MockServer, session: Any) -> None:
    async with session:
        first = await session.send("Hi")
        second = await session.send(input="And now?")
        assert (first.output_text, second.output_text) == ("You said: Hi", "You said: And now? (turn 2)")
        assert session.previous_response_id == second.id
        third = await session.send("Anew", previous_response_id=None)
        assert third.output_text == "You said: Anew"
        forked = await session.send("Back", previous_response_id=first.id)
        assert forked.output_text == "You said: Back (turn 2)"
        session.previous_response_id = second.id
        assert (await session.send("There")).output_text == "You said: There (turn 3)"
    sent = asked(server)
    assert sent[0] == {"type": "response.create", "model": "gpt-5", "input": "Hi"}
    assert sent[1]["previous_response_id"] == first.id
    assert "previous_response_id" not in sent[2]
    assert len(server.sockets) == 1
    server.wait_for(lambda: not server.sockets[0].open)
    assert server.sockets[0].close_code == 1000


async def test_events(way: Way, server: MockServer, session: Any) -> None:
    async with session:
        events = await session.send_stream("Hi")
        assert events.response is None
        found = await read(events)
        assert [event.sequence_number for event in found] == list(range(len(found)))
        assert [event.type for event in found][:2] == ["response.created", "response.in_progress"]
        assert events.response is found[-1].response
        assert events.response_id == session.previous_response_id == found[-1].response.id
        assert await read(events) == []
        assert (await events.get_final_response()).output_text == "You said: Hi"


async def test_warmup_and_defaults(way: Way, server: MockServer, client: Any) -> None:
    async with client.ws_session(model="gpt-5", instructions="Be brief.", store=False) as session:
        warm = await session.warmup(tools=[], instructions="Be very brief.")
        assert warm.output == []
        assert (await session.send("Hi", store=True)).output_text == "You said: Hi"
        assert (await session.warmup("some context")).output == []
    sent = asked(server)
    assert sent[0] == {
        "type": "response.create",
        "generate": False,
        "model": "gpt-5",
        "instructions": "Be very brief.",
        "store": False,
        "tools": [],
        "input": [],
    }
    assert (sent[1]["previous_response_id"], sent[1]["instructions"], sent[1]["store"]) == (warm.id, "Be brief.", True)
    assert (sent[2]["input"], sent[2]["generate"]) == ("some context", False)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"modle": "gpt-5"}, "did you mean 'model'"),
        ({"stream": True}, "send_stream"),
        ({"background": True}, "client.responses.create"),
        ({"extra_headers": {"a": "b"}}, "ws_session"),
        ({"extra_query": {"a": "b"}}, "ws_session"),
        ({"input": "twice"}, "twice"),
    ],
)
async def test_parameters_that_are_refused(way: Way, session: Any, params: Any, message: str) -> None:
    async with session:
        with pytest.raises(TypeError, match=message):
            await session.send("Hi", **params)
        assert (await session.send("Hi")).output_text == "You said: Hi"


async def test_the_handshake(way: Way, server: MockServer, client: Any) -> None:
    session = client.ws_session(model="gpt-5", extra_query={"a": "b"}, extra_headers={"x-mine": "1"})
    async with session:
        await session.send("Hi", extra_body={"later": True}, metadata={"k": "v"})
    (handshake,) = [request for request in server.requests if request.method == "GET"]
    assert handshake.path == "/v1/responses"
    assert (handshake.query, handshake.header("x-mine")) == ({"a": "b"}, "1")
    assert handshake.header("authorization") == "Bearer sk-test"
    assert (asked(server)[0]["later"], asked(server)[0]["metadata"]) == (True, {"k": "v"})


async def test_failed_and_incomplete_responses_are_results(way: Way, session: Any) -> None:
    async with session:
        first = await session.send("Hi")
        assert (await session.send("please crash")).status == "failed"
        assert session.previous_response_id == first.id
        cut = await session.send("please stop early")
        assert cut.status == "incomplete"
        assert session.previous_response_id == cut.id


# --- errors ---


async def test_an_error_belongs_to_its_turn(way: Way, session: Any) -> None:
    async with session:
        with pytest.raises(ResponsesWebSocketError, match="404") as failed:
            await session.send("Hi", model="no-such-model")
        error = failed.value
        assert (error.status_code, error.code, error.param) == (404, "model_not_found", "model")
        assert error.event.type == "error"
        assert isinstance(error, oxide.APIError)
        with pytest.raises(ResponsesWebSocketError, match="as it was asked to"):
            await session.send("please break off")
        assert (await session.send("Hi")).output_text == "You said: Hi"


async def test_a_refusal_that_passes_is_met_again(way: Way, server: MockServer, session: Any) -> None:
    limited = {"error": {"type": "requests", "code": "slow", "message": "later", "headers": {"retry-after-ms": "1"}}}
    async with session:
        server.queue(Reply(429, json=limited), Reply(503, json=limited))
        assert (await session.send("Hi")).output_text == "You said: Hi"
        assert len(asked(server)) == 3
        server.queue(Reply(429, json=limited), repeat=3)
        with pytest.raises(ResponsesWebSocketError, match="429"):
            await session.send("Hi")
        assert server.pending == 0


async def test_who_is_not_let_in(way: Way, server: MockServer) -> None:
    client = way.client(base_url=server.base_url, api_key="wrong")
    session = client.ws_session(model="gpt-5")
    with pytest.raises(oxide.AuthenticationError):
        await session.send("Hi")
    server.queue(Reply(503, headers={"retry-after-ms": "1"}), Fault.reset_before(), method="GET")
    async with way.client(base_url=server.base_url).ws_session(model="gpt-5") as patient:
        assert (await patient.send("Hi")).output_text == "You said: Hi"
    assert server.pending == 0
    nowhere = way.client(base_url="http://127.0.0.1:1/v1", max_retries=0).ws_session(model="gpt-5")
    with pytest.raises(oxide.APIConnectionError):
        await nowhere.send("Hi")


async def test_no_answer_in_time(way: Way, server: MockServer, session: Any) -> None:
    async with session:
        server.queue(Stream(stall_after=0), path="/v1/responses")
        with pytest.raises(oxide.APITimeoutError, match=r"0\.02 s"):
            await session.send("Hi", timeout=oxide.Timeout(5, read=0.02))


async def test_who_does_not_answer_is_not_asked_again(way: Way, server: MockServer, session: Any) -> None:
    """A lane's turns are answered in order, so the next one goes to another connection. What goes on on the first is left alone."""
    gate, never = Gate(), Gate()
    async with session:
        await session.send("Hi")
        server.queue(Stream(gates={3: gate}), Stream(gates={2: never}))
        lane = session.lane()
        events = await lane.send_stream("slow")
        with pytest.raises(oxide.APITimeoutError, match=r"0\.05 s"):
            await session.send("stuck", timeout=oxide.Timeout(5, read=0.05))
        assert (await session.send("More")).output_text == "You said: More (turn 2)"
        gate.open()
        assert len(await read(events)) == 12
    assert len(server.sockets) == 2


async def test_a_turn_that_is_late_does_not_disturb_the_next(way: Way, server: MockServer, session: Any) -> None:
    """Its events are dropped when they come."""
    gate = Gate()
    async with session:
        server.queue(Stream(gates={3: gate}))
        events = await session.send_stream("slow", timeout=oxide.Timeout(5, total=0.2))
        with pytest.raises(oxide.APITimeoutError, match="total"):
            await read(events)
        gate.open()
        assert (await session.send("Hi")).output_text == "You said: Hi"


# --- lanes ---


async def test_lanes_run_at_the_same_time(way: Way, server: MockServer, session: Any) -> None:
    """Eight at once: each is asked before any is answered."""
    gate = Gate()
    server.queue(Stream(until=gate), method="WS", repeat=8)
    async with session:
        lanes = [session.lane() for _ in range(8)]

        async def one(number: int) -> Any:
            return await lanes[number].send(f"I am {number}")

        async def opener() -> None:
            # In a thread of its own, as this blocks.
            await _in_thread(way, lambda: server.wait_for_requests(9))
            gate.open()

        *responses, _ = await way.gather(*[lambda n=n: one(n) for n in range(8)], opener)
        assert [response.output_text for response in responses] == [f"You said: I am {n}" for n in range(8)]
        assert [lane.previous_response_id for lane in lanes] == [response.id for response in responses]
        assert (await lanes[3].send("And?")).output_text == "You said: And? (turn 2)"
        assert session.previous_response_id is None
    assert len(server.sockets) == 1
    assert {event["stream_id"] for event in asked(server)} == {f"lane-{n}" for n in range(1, 9)}


async def _in_thread(way: Way, function: Any) -> Any:
    if way.is_sync:
        return function()
    from anyio import to_thread

    return await to_thread.run_sync(function)


async def test_a_slow_reader_stalls_nobody(way: Way, server: MockServer, session: Any) -> None:
    async with session:
        slow, other = session.lane("slow"), session.lane("other")
        events = await slow.send_stream("200 words")
        for number in range(3):
            assert (await other.send(f"{number}")).output_text.startswith(f"You said: {number}")
        found = await read(events)
        assert [event.sequence_number for event in found] == list(range(len(found)))
        assert {event.stream_id for event in found} == {"slow"}


async def test_a_lane_that_is_not_read_is_given_up(way: Way, server: MockServer, client: Any) -> None:
    limits = ResponsesWebSocketLimits(
        max_lanes=3, max_events_per_lane=20, max_events=1000, max_bytes_per_lane=10**6, max_bytes=10**7
    )
    async with client.ws_session(model="gpt-5", limits=limits) as session:
        slow, other = session.lane("slow"), session.lane("other")
        events = await slow.send_stream("100 words")
        # One that reads for both.
        text = (await other.send("100 words")).output_text
        assert len(text.split()) == 100
        with pytest.raises(ResponsesWebSocketBufferError, match="slow"):
            await read(events)
        assert (await slow.send("Hi")).output_text == "You said: Hi"
        assert len(server.sockets) == 1
        with pytest.raises(ValueError, match="at most 2 lanes"):
            session.lane()


async def test_one_response_at_a_time_on_a_lane(way: Way, session: Any) -> None:
    async with session:
        events = await session.send_stream("Hi")
        with pytest.raises(RuntimeError, match="not over"):
            await session.send("More")
        await events.close()
        assert (await session.send("More")).output_text == "You said: More"
        with pytest.raises(RuntimeError, match="closed before"):
            await events.get_final_response()


async def test_events_that_nobody_holds_any_more(way: Way, session: Any) -> None:
    async with session:
        events = await session.send_stream("50 words")
        del events
        assert (await session.send("More")).output_text == "You said: More"


async def test_names_of_lanes(way: Way, server: MockServer, session: Any) -> None:
    async with session:
        lane = session.lane("agent_1")
        with pytest.raises(ValueError, match="agent_1"):
            session.lane("agent_1")
        await lane.close()
        with pytest.raises(RuntimeError, match="closed"):
            await lane.send("Hi")
        # More than the server has names for, one after the other.
        for _ in range(40):
            async with session.lane() as one:
                await one.send("Hi")
        for name in ("not this one", "", "x" * 257, "é", 5):
            with pytest.raises(ValueError, match="stream_id"):
                session.lane(name)
    assert {event["stream_id"] for event in asked(server)} == {"agent_1"}


# --- connections ---


async def test_a_lost_connection_fails_what_had_begun(way: Way, server: MockServer, session: Any) -> None:
    async with session:
        first = await session.send("Hi")
        server.queue(Close(1012, "restart", after=4))
        with pytest.raises(oxide.APIConnectionError, match=r"cut off.*1012.*restart.*resp_.*had begun") as lost:
            await session.send("More")
        assert isinstance(lost.value.__cause__, WebSocketConnectionClosedError)
        assert session.previous_response_id == first.id
        assert (await session.send("More")).output_text == "You said: More (turn 2)"
    assert len(server.sockets) == 2


async def test_every_lane_in_flight_is_told(way: Way, server: MockServer, session: Any) -> None:
    gate = Gate()
    async with session:
        server.queue(Stream(gates={2: gate}), Stream(gates={2: gate}), Stream(cut_after=2))
        lanes = [session.lane() for _ in range(3)]
        streams = [await lane.send_stream("Hi") for lane in lanes]
        for events in reversed(streams):
            assert [(await events.__anext__()).type for _ in range(2)] == ["response.created", "response.in_progress"]
            with pytest.raises(oxide.APIConnectionError, match="had begun"):
                await read(events)
        for lane in lanes:
            assert (await lane.send("Hi")).output_text == "You said: Hi"
    gate.open()
    assert len(server.sockets) == 2


@pytest.mark.parametrize(
    "script", [Close(after=0), Stream(cut_after=0), Stream(reset_after=0), Fault.garbage(b"\xff" * 9)]
)
async def test_what_had_not_begun_is_sent_again(way: Way, server: MockServer, session: Any, script: Any) -> None:
    async with session:
        await session.send("Hi")
        server.queue(script)
        assert (await session.send("More")).output_text == "You said: More (turn 2)"
    assert len(server.sockets) == 2
    assert len(asked(server)) == 3


async def test_and_not_for_ever(way: Way, server: MockServer) -> None:
    async with way.client(base_url=server.base_url, max_retries=1).ws_session(model="gpt-5") as session:
        server.queue(Close(after=0), repeat=2)
        with pytest.raises(oxide.APIConnectionError, match="cut off"):
            await session.send("Hi")
        assert server.pending == 0
    assert len(asked(server)) == 2


async def test_a_connection_that_was_closed_while_idle(way: Way, server: MockServer, session: Any) -> None:
    for script in (Socket(close_after=12, code=1001), Socket(cut_after=12), Socket(reset_after=12)):
        server.queue(script)
    async with session:
        for number in range(3):
            assert (await session.send("Hi", previous_response_id=None)).output_text == "You said: Hi"
            assert len(server.sockets) == number + 1
    assert server.pending == 0


async def test_what_came_while_idle_is_known_before_anything_is_sent(way: Way, server: MockServer) -> None:
    """So it does not count as a retry, and no request gets lost."""
    client = way.client(base_url=server.base_url, max_retries=0)
    age = Gate()
    server.queue(Socket(max_age=age))
    server.queue(Stream(), Stream(), Close(1001, after=None))
    async with client.ws_session(model="gpt-5") as session:
        await session.send("Hi")
        age.open()
        server.wait_for(lambda: not server.sockets[0].open)
        assert (await session.send("Hi")).output_text == "You said: Hi (turn 2)"
        await session.send("Hi")
        server.wait_for(lambda: not server.sockets[1].open)
        assert (await session.send("Hi")).output_text == "You said: Hi (turn 4)"
    assert len(server.sockets) == 3
    assert len(asked(server)) == 4


async def test_what_was_not_stored_is_lost_with_its_connection(way: Way, server: MockServer, session: Any) -> None:
    async with session:
        await session.send("Hi", store=False)
        server.queue(Close(after=0))
        with pytest.raises(ResponsesWebSocketError, match="begin anew") as failed:
            await session.send("More")
        assert failed.value.code == "previous_response_not_found"
        assert (await session.send("More", previous_response_id=None)).output_text == "You said: More"


async def test_a_connection_that_has_had_its_time(way: Way, server: MockServer, session: Any) -> None:
    age, gate = Gate(), Gate()
    server.queue(Socket(max_age=age))
    server.queue(Stream(), Stream(gates={4: gate}))
    async with session:
        await session.send("Hi")
        events = await session.lane().send_stream("slow")
        age.open()
        with pytest.raises(oxide.APIConnectionError, match="connection limit reached"):
            await read(events)
        assert (await session.send("More")).output_text == "You said: More (turn 2)"
    assert len(server.sockets) == 2


async def test_max_age(way: Way, server: MockServer, client: Any) -> None:
    """What is older is replaced between turns; what is going on stays, and so does what no other connection knows."""
    gate = Gate()
    async with client.ws_session(model="gpt-5", max_age=1e-9) as session:
        server.queue(Stream(gates={3: gate}))
        lane, private = session.lane(), session.lane()
        events = await lane.send_stream("slow")
        first = await private.send("Hi", store=False)
        assert (await private.send("More", store=False)).previous_response_id == first.id
        assert (await session.send("Hi")).output_text == "You said: Hi"
        gate.open()
        assert len(await read(events)) == 12
        connections = {
            request.json()["input"]: request.connection for request in server.requests if request.method == "WS"
        }
        assert len(set(connections.values())) == 3
        # The one that the slow response was on is closed by now.
        await session.send("Hi")
        server.wait_for(lambda: sum(socket.open for socket in server.sockets) == 2)
    server.wait_for(lambda: not any(socket.open for socket in server.sockets))
    with pytest.raises(ValueError, match="max_age"):
        client.ws_session(max_age=0)


async def test_closing(way: Way, server: MockServer, session: Any) -> None:
    lane = session.lane()
    events = await lane.send_stream("Hi")
    await session.close()
    await session.close()
    with pytest.raises(oxide.OpenAIError, match="closed"):
        await session.send("Hi")
    with pytest.raises(oxide.OpenAIError, match="closed"):
        session.lane()
    assert len(await read(events)) == 1
    with pytest.raises(RuntimeError):
        await events.get_final_response()
    server.wait_for(lambda: not server.sockets[0].open)


async def test_an_error_without_a_lane_fails_what_it_may_be_about(way: Way, server: MockServer, session: Any) -> None:
    server.queue(
        Reply(text='{"type":"error","status":400,"error":{"type":"invalid_request_error","message":"which?"}}')
    )
    async with session:
        with pytest.raises(ResponsesWebSocketError, match="which"):
            await session.lane().send("Hi")


async def test_what_is_no_json(way: Way, server: MockServer, session: Any) -> None:
    async with session:
        server.queue(Reply(text="{"), repeat=3)
        with pytest.raises(oxide.APIConnectionError, match="not JSON"):
            await session.send("Hi")
        assert (await session.send("Hi")).output_text == "You said: Hi"


async def test_strict(way: Way, server: MockServer, session: Any) -> None:
    odd = [{"type": "response.output_text.delta", "delta": 5}, {"type": "response.completed", "response": {"id": "r"}}]
    async with session:
        server.queue(Stream(events=odd), repeat=2)
        assert (await session.send("Hi", previous_response_id=None)).id == "r"
        with pytest.raises(oxide.APIResponseValidationError, match="content_index"):
            await session.send("Hi", strict=True, previous_response_id=None)
        assert (await session.send("Hi", strict=True, previous_response_id=None)).output_text == "You said: Hi"


async def test_a_key_that_a_function_gives(way: Way, server: MockServer) -> None:
    keys = iter(["sk-wrong", "sk-test"])
    client = way.client(base_url=server.base_url, api_key=lambda: next(keys), max_retries=0)
    session = client.ws_session(model="gpt-5")
    with pytest.raises(oxide.AuthenticationError):
        await session.send("Hi")
    assert (await session.send("Hi")).output_text == "You said: Hi"
    await session.close()
