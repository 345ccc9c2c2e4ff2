"""Structured outputs on sessions and lanes: the same as over HTTP."""

from __future__ import annotations

from typing import Any, TypedDict

import msgspec
import pytest

import oxide
from oxide.testing import MockServer
from oxide.types.responses import ParsedResponse

from ..agent.script import Call, response
from ..ways import Way


class City(msgspec.Struct):
    name: str
    people: int


class Reply(TypedDict):
    name: str


def asked(server: MockServer) -> list[Any]:
    return [request.json() for request in server.requests if request.method != "GET"]


async def test_the_same_as_over_http(way: Way, server: MockServer, client: Any) -> None:
    async with client.ws_session(model="gpt-5", text={"verbosity": "low"}) as session:
        over = await session.parse("Which city?", text_format=City)
        more = await session.lane().parse(input="Which city?", text_format=City)
    plain = await client.responses.parse(
        model="gpt-5", text={"verbosity": "low"}, input="Which city?", text_format=City
    )
    assert isinstance(over.output_parsed, City)
    assert over.output_parsed == more.output_parsed == plain.output_parsed
    assert isinstance(over, ParsedResponse)
    first, second, third = asked(server)
    assert first["text"] == second["text"] == third["text"]
    assert first["text"]["verbosity"] == "low"
    assert first["text"]["format"]["schema"]["required"] == ["name", "people"]
    assert not first.keys() & {"text_format", "parse_as"}


async def test_turns_go_on(way: Way, server: MockServer, session: Any) -> None:
    async with session:
        first = await session.send("Hi")
        server.queue(response('{"name": "Rome"}'), method="WS")
        second = await session.parse("Which?", parse_as=Reply, text={"format": {"type": "json_object"}})
        assert second.output_parsed == {"name": "Rome"}
        assert asked(server)[-1]["previous_response_id"] == first.id
        # An object of a response can be sent back, without what was made of it here.
        third = await session.send([*second.output, {"role": "user", "content": "More"}], previous_response_id=None)
        assert third.output_text
    assert "parsed" not in str(asked(server)[-1])


async def test_arguments_of_functions(way: Way, server: MockServer, session: Any) -> None:
    tool = {"type": "function", "name": "look", "strict": True, "parameters": {"type": "object"}}
    async with session:
        server.queue(response(Call("look", "call_1", city="Rome")), method="WS")
        parsed = await session.parse("Go", tools=[tool])
    (call,) = [item for item in parsed.output if item.type == "function_call"]
    assert call.parsed_arguments == {"city": "Rome"}


async def test_what_does_not_fit(way: Way, server: MockServer, session: Any) -> None:
    async with session:
        server.queue(response('{"name": "Rome", "people": "many"}'), method="WS")
        with pytest.raises(oxide.StructuredOutputError, match="people"):
            await session.parse("Which?", text_format=City)
        # The conversation goes on from there all the same; the server does not know the id of a scripted response.
        assert session.previous_response_id.startswith("resp_")
        session.previous_response_id = None
        server.queue(
            response("Rome", end="incomplete", incomplete_details={"reason": "max_output_tokens"}), method="WS"
        )
        with pytest.raises(oxide.LengthFinishReasonError):
            await session.parse("Which?", text_format=City)
        session.previous_response_id = None
        with pytest.raises(TypeError, match="text_format"):
            await session.parse("Which?", text_format=City, text={"format": {"type": "text"}})
        with pytest.raises(TypeError, match=r"parse\(\)"):
            await session.send("Which?", text_format=City)
        assert (await session.send("Hi")).output_text


async def test_the_agent_loop(way: Way, server: MockServer, session: Any) -> None:
    async with session:
        server.queue(response('{"name": "Rome", "people": 3}'), method="WS")
        run = session.run_tools(input="Which?", tools=[], text_format=City)
        assert (await run.get_final_response()).output_parsed == City("Rome", 3)
