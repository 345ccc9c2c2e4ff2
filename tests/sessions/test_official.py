"""`oxide.lib.responses_websocket` beside the official module: one program against one server, two packages."""

from __future__ import annotations

import copy
import itertools
import json
import random
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import openai
import openai.lib.responses_websocket as theirs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai._models import construct_type
from openai.types.responses.responses_server_event import ResponsesServerEvent as TheirEvent

import oxide
import oxide.lib.responses_websocket as ours
from oxide.core.codec import decoder
from oxide.testing import Close, Gate, MockServer, Socket, Stream
from oxide.types.responses.responses_server_event import ResponsesServerEvent

from ..ways import Way

# How the official SDK uses `websockets` is not for us to change.
pytestmark = [pytest.mark.exhaustive, pytest.mark.filterwarnings(r"ignore:connect\(\) must be used:DeprecationWarning")]

SIDES = [pytest.param((openai, theirs), id="openai"), pytest.param((oxide, ours), id="oxide")]
HI = {"type": "response.create", "model": "gpt-5", "input": "hi"}
LIMITS = {
    "max_lanes": 8,
    "max_events_per_lane": 100,
    "max_events": 500,
    "max_bytes_per_lane": 10**6,
    "max_bytes": 10**7,
}


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> tuple[ModuleType, ModuleType]:
    found: tuple[ModuleType, ModuleType] = request.param
    return found


@pytest.fixture
def session(side: tuple[ModuleType, ModuleType], server: MockServer) -> Iterator[Any]:
    package, module = side
    with (
        package.OpenAI(base_url=server.base_url, api_key="sk-test") as client,
        client.responses.connect() as connection,
        module.ResponsesWebSocketSession(connection, limits=module.ResponsesWebSocketLimits(**LIMITS)) as session,
    ):
        yield session


def test_the_same_names() -> None:
    assert {name for name in dir(theirs) if name[0] in "AR" and name[1].islower()} == set(ours.__all__)


def test_lanes(server: MockServer, session: Any) -> None:
    lanes = [session.lane(name) for name in ("a", "b", "c")]
    for number, lane in enumerate(lanes):
        lane.send({**HI, "input": f"I am {number}"})
    assert [lane.get_final_response(timeout=10).output_text for lane in lanes] == [
        f"You said: I am {n}" for n in range(3)
    ]
    assert lanes[0].get_final_response().output_text == "You said: I am 0"
    session.default.send(HI)
    kinds = []
    while not kinds or kinds[-1] != "response.completed":
        kinds.append(session.default.recv(timeout=10).type)
    assert kinds[0] == "response.created"
    sent = [request.json() for request in server.requests if request.method == "WS"]
    assert sorted(event.get("stream_id", "") for event in sent) == ["", "a", "b", "c"]


def test_what_is_refused(session: Any) -> None:
    for name in ("", "not this", "x" * 257, 5, "ä"):
        with pytest.raises(ValueError):  # noqa: PT011 (two packages, two texts)
            session.lane(name)
    lane = session.lane("a")
    for name in ("a", None):
        with pytest.raises(ValueError):  # noqa: PT011
            session.lane(name)
    with pytest.raises(ValueError):  # noqa: PT011
        lane.send({**HI, "stream_id": "b"})
    lane.send(HI)
    with pytest.raises(RuntimeError):
        lane.send(HI)
    assert lane.get_final_response(timeout=10).status == "completed"
    with pytest.raises(TimeoutError):
        lane.recv(timeout=0.01)
    lane.close()
    with pytest.raises(EOFError):
        lane.recv(timeout=1)
    with pytest.raises(RuntimeError):
        lane.send(HI)
    with pytest.raises(ValueError):  # noqa: PT011
        session.lane("a")
    for number in range(6):
        session.lane(str(number))
    with pytest.raises(RuntimeError):
        session.lane("one-too-many")


def test_errors(side: Any, session: Any) -> None:
    lane = session.lane("a")
    lane.send({**HI, "model": "no-such-model"})
    with pytest.raises(side[1].ResponsesWebSocketError) as failed:
        lane.get_final_response(timeout=10)
    assert failed.value.event.error.code == "model_not_found"
    assert "no-such-model" not in str(failed.value)
    lane.send({**HI, "input": "please crash"})
    assert lane.get_final_response(timeout=10).status == "failed"
    lane.send(HI)
    assert lane.get_final_response(timeout=10).status == "completed"


def test_events_without_a_registered_lane_go_to_the_default(server: MockServer, session: Any) -> None:
    server.queue(
        Stream(events=[{"type": "brand.new", "stream_id": "elsewhere", "n": 1}, {"type": "response.completed"}])
    )
    session.default.send(HI)
    event = session.default.recv(timeout=10)
    assert (event.type, event.stream_id, event.n) == ("brand.new", "elsewhere", 1)


def test_the_connection_is_closed(side: Any, server: MockServer, session: Any) -> None:
    server.queue(Close(1000, "done", after=2))
    lane = session.lane("a")
    lane.send(HI)
    assert [lane.recv(timeout=10).type for _ in range(2)] == ["response.created", "response.in_progress"]
    with pytest.raises(EOFError):
        lane.recv(timeout=10)
    with pytest.raises((EOFError, RuntimeError)):
        session.lane("b").send(HI)


def test_the_connection_breaks(server: MockServer, session: Any) -> None:
    server.queue(Close(1011, "broken", after=2))
    lane = session.lane("a")
    lane.send(HI)
    assert [lane.recv(timeout=10).type for _ in range(2)] == ["response.created", "response.in_progress"]
    with pytest.raises(Exception, match="1011"):
        lane.recv(timeout=10)


def test_a_connection_has_one_session(side: Any, session: Any) -> None:
    with pytest.raises(RuntimeError):
        session.__enter__()
    second = side[1].ResponsesWebSocketSession(session.connection, limits=side[1].ResponsesWebSocketLimits(**LIMITS))
    with pytest.raises(RuntimeError):
        second.__enter__()
    with pytest.raises(RuntimeError):
        second.default.recv()


def test_limits(side: Any) -> None:
    for value in (0, -1, 1.5, True, "1"):
        with pytest.raises(ValueError):  # noqa: PT011
            side[1].ResponsesWebSocketLimits(**{**LIMITS, "max_lanes": value})


@pytest.mark.parametrize("isolate", [False, True])
def test_a_lane_that_nobody_reads(side: Any, server: MockServer, isolate: bool) -> None:
    """It overflows: alone, or with the session."""
    package, module = side
    limits = module.ResponsesWebSocketLimits(**{**LIMITS, "max_events_per_lane": 20})
    with (
        package.OpenAI(base_url=server.base_url, api_key="sk-test") as client,
        client.responses.connect() as connection,
        module.ResponsesWebSocketSession(connection, limits=limits, isolate_lane_overflow=isolate) as session,
    ):
        slow, other = session.lane("slow"), session.lane("other")
        gate = Gate()
        server.queue(Stream(), Stream(until=gate))
        slow.send({**HI, "input": "100 words"})
        other.send(HI)
        socket = server.sockets[-1]
        # The official reader may have found that it is too much before all of it was sent.
        server.wait_for(lambda: not socket.open or any("response.completed" in str(each)[:40] for each in socket.sent))
        gate.open()
        if isolate:
            assert other.get_final_response(timeout=10).output_text == "You said: hi"
            for _ in range(2):
                with pytest.raises(module.ResponsesWebSocketBufferError):
                    slow.recv(timeout=10)
            with pytest.raises(module.ResponsesWebSocketBufferError):
                slow.get_final_response(timeout=10)
        else:
            with pytest.raises(module.ResponsesWebSocketBufferError):
                other.get_final_response(timeout=10)


def test_restoring(side: Any, server: MockServer) -> None:
    package, module = side
    server.queue(Socket(), Socket())
    server.queue(Close(1012, after=2))
    with (
        package.OpenAI(base_url=server.base_url, api_key="sk-test") as client,
        client.responses.connect(on_reconnecting=lambda event: None, initial_delay=0.001) as connection,
        module.ResponsesWebSocketSession(connection, limits=module.ResponsesWebSocketLimits(**LIMITS)) as session,
    ):
        lost, other = session.lane("lost"), session.lane("other")
        lost.send(HI)
        assert [lost.recv(timeout=10).type for _ in range(2)] == ["response.created", "response.in_progress"]
        # Nobody knows what became of it; the lane stays occupied.
        with pytest.raises(TimeoutError):
            lost.recv(timeout=0.5)
        other.send(HI)
        assert other.get_final_response(timeout=10).output_text == "You said: hi"
    assert len(server.sockets) == 2


async def test_asynchronous_lanes(way: Way, server: MockServer) -> None:
    """Ours in all ways; the official session, which knows asyncio alone, does the same."""
    if way.is_sync:
        pytest.skip("the others of this file are synchronous")

    async def program(package: Any, module: Any) -> list[str]:
        async with (
            package.AsyncOpenAI(base_url=server.base_url, api_key="sk-test") as client,
            client.responses.connect() as connection,
            module.AsyncResponsesWebSocketSession(
                connection, limits=module.ResponsesWebSocketLimits(**LIMITS)
            ) as session,
        ):
            lanes = [session.lane(str(number)) for number in range(4)]
            for number, lane in enumerate(lanes):
                await lane.send({**HI, "input": f"I am {number}"})
            texts: list[Any] = [None] * 4

            async def one(number: int) -> None:
                texts[number] = (await lanes[number].get_final_response()).output_text

            await way.gather(*[lambda n=n: one(n) for n in range(4)])
            lanes[0].close()
            return texts

    expected = [f"You said: I am {n}" for n in range(4)]
    assert await program(oxide, ours) == expected
    if way.name == "asyncio":
        assert await program(openai, theirs) == expected


@pytest.fixture
def elsewhere(recorded: list[list[dict[str, Any]]]) -> Iterator[tuple[str, list[Any]]]:
    """A server built on `websockets`, which answers with recorded events; its URL, and what it received."""
    from websockets.sync.server import serve

    received: list[Any] = []

    def handle(connection: Any) -> None:
        for message in connection:
            asked = json.loads(message)
            received.append(asked)
            for event in recorded[int(asked["input"])]:
                connection.send(json.dumps({**event, "stream_id": asked["stream_id"]}))

    with serve(handle, "127.0.0.1", 0) as peer:
        thread = threading.Thread(target=peer.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{peer.socket.getsockname()[1]}/v1", received
        peer.shutdown()
        thread.join()


def test_traffic_and_events_agree_on_a_server_of_websockets(
    elsewhere: tuple[str, list[Any]], recorded: list[list[dict[str, Any]]]
) -> None:
    """Every kind of response, on a lane each: by the official session, by ours of that name, and by `ws_session`."""
    url, received = elsewhere
    seen: list[list[Any]] = []
    for package, module in ((openai, theirs), (oxide, ours)):
        with (
            package.OpenAI(base_url=url, api_key="k") as client,
            client.responses.connect() as connection,
            module.ResponsesWebSocketSession(connection, limits=module.ResponsesWebSocketLimits(**LIMITS)) as session,
        ):
            found: list[Any] = []
            for number in range(7):
                lane = session.lane(f"lane-{number + 1}")
                lane.send({"type": "response.create", "model": "m", "input": str(number)})
                found.append([lane.recv(timeout=10).to_dict() for _ in recorded[number]])
            seen.append(found)
    with oxide.OpenAI(base_url=url, api_key="k") as client, client.ws_session(model="m") as session:
        lanes = [session.lane() for _ in range(7)]
        seen.append([[event.to_dict() for event in lane.send_stream(str(n))] for n, lane in enumerate(lanes)])
    assert seen[0] == seen[1] == seen[2]
    assert received[:7] == received[7:14] == received[14:]


# --- the accumulator ---


PROMPTS: list[dict[str, Any]] = [
    {"input": "Hi"},
    {"input": "please refuse"},
    {"input": "please think aloud", "reasoning": {"effort": "high", "summary": "auto"}},
    {"input": "search Paris", "tools": [{"type": "web_search"}]},
    {"input": "compute", "tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
    {"input": "draw", "tools": [{"type": "image_generation"}]},
    {"input": "look", "tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]},
    {
        "input": "mcp",
        "tools": [{"type": "mcp", "server_label": "a", "server_url": "http://x", "require_approval": "never"}],
    },
    {"input": "run it", "tools": [{"type": "custom", "name": "run"}]},
    {
        "input": "add 1 and 2",
        "tools": [
            {
                "type": "function",
                "name": "add",
                "parameters": {"type": "object", "properties": {"a": {"type": "number"}}},
            }
        ],
    },
    {"input": "please crash"},
    {"input": "Hi", "include": ["message.output_text.logprobs"], "top_logprobs": 2},
]


@pytest.fixture(scope="module")
def recorded() -> list[list[dict[str, Any]]]:
    """The events of responses of many kinds, as JSON values."""
    found = []
    with (
        MockServer() as server,
        oxide.OpenAI(base_url=server.base_url, api_key="k") as client,
        client.ws_session(model="gpt-5") as session,
    ):
        for prompt in PROMPTS:
            before = len(server.sockets[0].sent)
            session.lane().send(**prompt)
            found.append([json.loads(message) for message in server.sockets[0].sent[before:]])
    return found


def states(accumulator: Any, events: list[Any]) -> list[Any]:
    """What an accumulator says after each event."""
    found: list[Any] = []
    for event in events:
        try:
            accumulator.add_event(event)
        except (ValueError, RuntimeError) as error:
            found.append("error" if type(error).__name__ == "ResponsesWebSocketError" else type(error).__name__)
        snapshot = accumulator.snapshot()
        output = [tuple(vars(item).values()) for item in snapshot.output]
        found.append((snapshot.stream_id, snapshot.response_id, snapshot.terminal_type, output, snapshot.output_text))
        found.append(accumulator.detailed_snapshot())
    try:
        found.append(accumulator.get_final_response().to_dict())
    except (ValueError, RuntimeError) as error:
        found.append(type(error).__name__)
    return found


def compare(events: list[dict[str, Any]]) -> None:
    decode = decoder(ResponsesServerEvent)
    mine = states(ours.ResponsesWebSocketAccumulator(), [decode(json.dumps(event)) for event in events])
    official = states(
        theirs.ResponsesWebSocketAccumulator(),
        [construct_type(value=copy.deepcopy(event), type_=TheirEvent) for event in events],
    )
    for number, (one, other) in enumerate(itertools.zip_longest(mine, official)):
        assert one == other, (number, events)


@pytest.mark.parametrize("number", range(len(PROMPTS)))
def test_accumulating(recorded: list[list[dict[str, Any]]], number: int) -> None:
    compare(recorded[number])


@pytest.mark.parametrize("number", range(len(PROMPTS)))
def test_accumulating_what_is_missing_or_out_of_order(recorded: list[list[dict[str, Any]]], number: int) -> None:
    chance = random.Random(number)
    for _ in range(12):
        events = [event for event in recorded[number] if chance.random() < 0.8]
        for _ in range(chance.randrange(3)):
            one, other = chance.randrange(len(events)), chance.randrange(len(events))
            events[one], events[other] = events[other], events[one]
        if chance.random() < 0.3:
            events.insert(chance.randrange(len(events)), chance.choice(recorded[chance.randrange(len(recorded))]))
        compare(events)


SHELL = {"type": "shell_call", "id": "sh_1", "call_id": "c", "status": "in_progress", "action": {"commands": ["l"]}}
OUTPUT = {"type": "shell_call_output", "id": "so_1", "call_id": "c", "status": "in_progress", "output": []}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "a"}]}
PIECES: list[dict[str, Any]] = [
    {"type": "response.output_item.added", "output_index": 0, "item": SHELL},
    {"type": "response.output_item.added", "output_index": 1, "item": OUTPUT},
    {"type": "response.output_item.added", "output_index": 2, "item": REASONING},
    {"type": "response.output_item.done", "output_index": 0, "item": {**SHELL, "id": "sh_2"}},
    {"type": "response.shell_call_command.added", "output_index": 0, "command_index": 1, "command": "p"},
    {"type": "response.shell_call_command.delta", "output_index": 0, "command_index": 0, "delta": "s"},
    {"type": "response.shell_call_command.delta", "output_index": 0, "command_index": 1, "delta": "wd"},
    {"type": "response.shell_call_command.done", "output_index": 0, "command_index": 1, "command": "pwd"},
    {
        "type": "response.shell_call_output_content.delta",
        "output_index": 1,
        "item_id": "so_1",
        "command_index": 1,
        "delta": {"stdout": "x"},
    },
    {
        "type": "response.shell_call_output_content.delta",
        "output_index": 1,
        "item_id": "so_1",
        "command_index": 0,
        "delta": {"stdout": "y", "stderr": "z"},
    },
    {
        "type": "response.shell_call_output_content.done",
        "output_index": 1,
        "item_id": "so_1",
        "command_index": 0,
        "output": [{"stdout": "all", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
    },
    {
        "type": "response.reasoning_summary_part.added",
        "output_index": 2,
        "item_id": "rs_1",
        "summary_index": 0,
        "part": {"type": "summary_text", "text": "s"},
    },
    {
        "type": "response.reasoning_summary_text.delta",
        "output_index": 2,
        "item_id": "rs_1",
        "summary_index": 0,
        "delta": "um",
    },
    {"type": "response.reasoning_text.delta", "output_index": 2, "item_id": "rs_1", "content_index": 0, "delta": "b"},
    {"type": "response.reasoning_text.done", "output_index": 2, "item_id": "rs_1", "content_index": 0, "text": "c"},
    {
        "type": "response.content_part.added",
        "output_index": 3,
        "item_id": "m",
        "content_index": 2,
        "part": {
            "type": "output_text",
            "text": "t",
            "annotations": [{"type": "file_path", "file_id": "f", "index": 0}],
        },
    },
    {
        "type": "response.output_text.annotation.added",
        "output_index": 3,
        "item_id": "m",
        "content_index": 2,
        "annotation_index": 4,
        "annotation": {"type": "url_citation"},
    },
    {"type": "response.refusal.delta", "output_index": 3, "item_id": "m", "content_index": 1, "delta": "no"},
    {"type": "response.refusal.done", "output_index": 3, "item_id": "m", "content_index": 1, "refusal": "never"},
    {"type": "response.output_text.delta", "output_index": 3, "item_id": "m2", "content_index": 0, "delta": "u"},
    {"type": "response.output_text.delta", "output_index": 3, "item_id": "m", "content_index": 0, "delta": "late"},
    {"type": "response.function_call_arguments.delta", "output_index": 4, "item_id": "f", "delta": "{"},
    {"type": "response.function_call_arguments.done", "output_index": 4, "item_id": "f", "arguments": "{}"},
    {"type": "response.custom_tool_call_input.delta", "output_index": 4, "item_id": "f", "delta": "q"},
    {"type": "response.mcp_call.failed", "output_index": 0, "item_id": "sh_1"},
    {
        "type": "response.output_item.added",
        "output_index": 4,
        "item": {"type": "function_call", "name": "n", "call_id": "k"},
    },
    {"type": "response.output_item.done", "output_index": 5, "item": None},
    {"type": "response.output_item.done", "output_index": -1, "item": SHELL},
    {"type": "response.output_text.delta", "output_index": 3, "item_id": "m", "content_index": 0},
    {"type": "response.created", "response": {"id": "r", "output": None}},
    {"type": "response.in_progress", "response": {"id": "other"}},
    {
        "type": "response.output_text.delta",
        "stream_id": "a",
        "output_index": 0,
        "item_id": "m",
        "content_index": 0,
        "delta": "x",
    },
    {"type": "error", "error": {"message": "m", "type": "t"}},
    {"type": "response.completed", "response": {"id": "r", "output": [SHELL, REASONING]}},
    {"type": "brand.new"},
]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_accumulating_pieces_in_any_order(events: list[dict[str, Any]]) -> None:
    compare(events)
