"""The agent loop over WebSocket sessions and lanes, and over anything else that streams turns."""

from __future__ import annotations

from typing import Any

import pytest

import oxide
from oxide.testing import MockServer
from oxide.tools import ContextBudget

from ..ways import Way
from .script import Call, response
from .test_run import bare, echo, start, tool


def asked(server: MockServer) -> list[Any]:
    """The requests that came over a WebSocket."""
    return [request.json() for request in server.requests if request.method == "WS"]


@pytest.mark.parametrize("store", [None, False])
async def test_a_session(way: Way, client: Any, server: MockServer, store: Any) -> None:
    async with client.ws_session(model="gpt-5") as session:
        if store is None:
            await session.send("Before")
        server.queue(response(Call("echo", "call_x", text="x")), response("done"), method="WS")
        run = client.responses.run_tools(input="go", tools=[tool(way, echo)], over=bare(session), store=store)
        assert (await run.get_final_response()).output_text == "done"
    first, second = asked(server)[-2:]
    assert [item["type"] for item in second["input"]] == ["function_call_output"]
    assert second["previous_response_id"].startswith("resp_")
    assert ("previous_response_id" in first) is (store is None)
    assert first["tools"] == second["tools"]
    assert "stream" not in first


async def test_the_server_itself(way: Way, client: Any, server: MockServer) -> None:
    """Without a script: the embedded server calls the function, and goes on from its output."""
    async with client.ws_session(model="gpt-5") as session:
        lane = bare(session).lane()
        run = start(client, "responses", tools=[tool(way, echo)], over=lane)
        found = [event.type for event in await events(run)]
        assert "echo" in (await run.get_final_response()).output_text
    assert found.count("tool.finished") == 1
    assert {"response.completed", "turn.finished"} <= set(found)


async def events(run: Any) -> list[Any]:
    async with run:
        return [event async for event in run]


async def test_what_carries_everything_goes_on_from_nothing(way: Way, client: Any, server: MockServer) -> None:
    server.queue(response(Call("echo", "call_x", text="x")), response("done"), method="WS")
    async with client.ws_session(model="gpt-5") as session:
        budget = ContextBudget(10_000)
        run = client.responses.run_tools(input="go", tools=[tool(way, echo)], over=bare(session), context_budget=budget)
        assert (await run.get_final_response()).output_text == "done"
    sent = asked(server)[-1]
    assert "previous_response_id" not in sent
    assert [item.get("type", "message") for item in sent["input"]] == [
        "message",
        "function_call",
        "function_call_output",
    ]


async def test_runs_at_the_same_time_on_lanes(way: Way, client: Any, server: MockServer) -> None:
    async with client.ws_session(model="gpt-5") as session:

        async def one() -> Any:
            return await start(
                client, "responses", tools=[tool(way, echo)], over=bare(session).lane()
            ).get_final_response()

        answers = await way.gather(*[one] * 4)
    assert len({answer.id for answer in answers}) == 4
    assert len(server.sockets) == 1


async def test_anything_that_streams_turns(way: Way, client: Any, server: MockServer) -> None:
    """What the loop needs is a `create`."""
    made: list[Any] = []
    inner = bare(client)

    class Elsewhere:
        def create(self, **params: Any) -> Any:
            made.append(params)
            return inner.responses.create(**params)

    server.queue(response(Call("echo", "call_x", text="x")), response("done"))
    run = start(client, "responses", tools=[tool(way, echo)], over=Elsewhere())
    assert (await run.get_final_response()).output_text == "done"
    assert [params["stream"] for params in made] == [True, True]


def test_a_session_has_no_chat_completions() -> None:
    with oxide.OpenAI(api_key="sk-test") as client:
        session = client.ws_session(model="gpt-5")
        with pytest.raises(TypeError, match="responses alone"):
            client.chat.completions.run_tools(model="m", messages=[], tools=[echo], over=session)
