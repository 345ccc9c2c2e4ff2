"""The streams of assistants and agents over real sockets, synchronously, on asyncio and on trio."""

from __future__ import annotations

import json
from typing import Any

import pytest

import oxide
from oxide.testing import MockServer, Reply, Stream
from tests.differential.test_agent_streams import IDLE, Script
from tests.ways import Way

from . import scripts

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def run_stream(last: int | None = None) -> Stream:
    script = scripts.assistant_run()[:last]
    lines = [(name, data if isinstance(data, str) else json.dumps(data)) for name, data in script]
    return Stream([f"event: {name}\ndata: {data}\n\n".encode() for name, data in lines])


def handler(way: Way) -> tuple[Any, list[str]]:
    """One that writes the texts down as they grow."""
    texts: list[str] = []

    class Now(oxide.AssistantEventHandler):
        def on_text_delta(self, delta: Any, snapshot: Any) -> None:
            texts.append(snapshot.value)

    class Later(oxide.AsyncAssistantEventHandler):
        async def on_text_delta(self, delta: Any, snapshot: Any) -> None:
            texts.append(snapshot.value)

    return Now() if way.is_sync else Later(), texts


async def test_a_run(way: Way, client: Any, server: MockServer) -> None:
    server.queue(run_stream())
    events, texts = handler(way)
    async with client.beta.threads.runs.stream(thread_id="t", assistant_id="a", event_handler=events) as stream:
        seen = [event.event async for event in stream]
        assert (await stream.get_final_run()).status == "completed"
        assert [message.id for message in await stream.get_final_messages()] == ["msg_1", "msg_2"]
    assert seen[-1] == "thread.run.completed"
    assert texts == ["Fo", "Four", "Four.", "Then", "Then", "Bye"]


async def test_a_run_that_is_left_early(way: Way, client: Any, server: MockServer) -> None:
    """Nothing is left behind that the event loop would complain about."""
    server.queue(run_stream(), run_stream(-3))
    async with client.beta.threads.runs.stream(thread_id="t", assistant_id="a") as stream:
        async for event in stream:
            if event.event == "thread.message.delta":
                break
        assert stream.current_message_snapshot.content[0].text.value == "Fo"
    with pytest.raises(oxide.StreamEndedError):
        async with client.beta.threads.runs.stream(thread_id="t", assistant_id="a") as stream:
            await stream.until_done()


def turn() -> Script:
    script = Script().turn("created", "in_progress").call("look_up", '{"city": "Paris"}').message("Sunny")
    return script.turn("completed", "completed").session("idle")


async def test_a_turn_of_an_agent(way: Way, client: Any, server: MockServer) -> None:
    asked: list[Any] = []

    def now(arguments: Any) -> Any:
        asked.append(arguments)
        return {"sky": "blue"}

    async def later(arguments: Any) -> Any:
        return now(arguments)

    server.queue(Reply(200, IDLE), Stream(turn().events), Reply(200, {}), Reply(200, {}))
    handlers = {"look_up": now if way.is_sync else later}
    async with client.beta.agents.sessions.stream("s", input="Weather?", tool_handlers=handlers) as stream:
        result = await stream.get_final_result()
    assert result.output_text == "Sunny"
    assert asked == [{"city": "Paris"}]
    last = server.requests[-1].json()["events"][0]
    assert (last["call_id"], last["success"], last["output"]) == ("c", True, '{"sky":"blue"}')


async def test_a_turn_that_is_left_early(client: Any, server: MockServer) -> None:
    server.queue(Reply(200, IDLE), Stream(turn().events), Reply(200, {}))
    async with client.beta.agents.sessions.stream("s", input="Weather?") as stream:
        async for event in stream:
            assert event.type == "agent.session.turn.created"
            break
    assert [event async for event in stream] == []
