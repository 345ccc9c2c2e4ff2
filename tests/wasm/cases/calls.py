"""Calls and streams that go well, and answers that are errors."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from typing import Any

import anyio
import msgspec

import oxide

from ..world import World, raises, script

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Answer(msgspec.Struct):
    city: str
    degrees: int


async def test_create(world: World) -> None:
    response = await world.client().responses.create(model="gpt-5", input="Say hi")
    assert response.output_text == "You said: Say hi"
    [request] = await world.server.requests()
    assert (request["method"], request["path"]) == ("POST", "/v1/responses")
    assert json.loads(request["body"]) == {"model": "gpt-5", "input": "Say hi"}
    assert request["headers"]["authorization"] == "Bearer sk-test"
    assert request["headers"]["x-stainless-retry-count"] == "0"


async def test_text_that_is_not_ascii(world: World) -> None:
    response = await world.client().responses.create(model="gpt-5", input="Grüße 🦀")
    assert response.output_text == "You said: Grüße 🦀"


async def test_exposed_headers(world: World) -> None:
    raw = await world.client().responses.with_raw_response.create(model="gpt-5", input="hi")
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.request_id == raw.headers["x-request-id"]
    response = raw.parse()
    assert response._request_id == raw.request_id
    assert raw.http_response.rate_limit.limit_requests == 10000
    assert oxide.Response is type(raw.http_response)


async def test_stream(world: World) -> None:
    stream = await world.client().responses.create(model="gpt-5", input="Say hi", stream=True)
    kinds = [event.type async for event in stream]
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert kinds.count("response.output_text.delta") > 1


async def test_events_come_one_by_one(world: World) -> None:
    """The first event is here while the server waits to send the others."""
    await world.server.queue(script("Stream", stall_after=2))
    stream = await world.client().responses.create(model="gpt-5", input="Say hi", stream=True)
    assert (await anext(stream)).type == "response.created"
    assert (await anext(stream)).type == "response.in_progress"
    await stream.close()
    await world.server.wait_disconnected(0)


async def test_chat_stream(world: World) -> None:
    stream = await world.client().chat.completions.create(
        model="gpt-5", messages=[{"role": "user", "content": "Say hi"}], stream=True
    )
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
    assert "Say hi" in text


async def test_stream_helper(world: World) -> None:
    async with world.client().responses.stream(model="gpt-5", input="Say hi") as stream:
        async for _ in stream:
            pass
        response = await stream.get_final_response()
    assert response.output_text == "You said: Say hi"


async def test_streamed_response_is_left(world: World) -> None:
    async with world.client().responses.with_streaming_response.create(model="gpt-5", input="hi") as response:
        assert response.status_code == 200
    async with world.client().responses.with_streaming_response.create(model="gpt-5", input="hi") as response:
        lines = [line async for line in response.iter_lines()]
    assert json.loads("".join(lines))["object"] == "response"


async def test_structured(world: World) -> None:
    response = await world.client().responses.parse(model="gpt-5", input="How warm is it?", text_format=Answer)
    assert isinstance(response.output_parsed, Answer)


async def test_early_calls(world: World) -> None:
    calls = []
    async with world.client().responses.create_stream_fc(
        model="gpt-5", input="What is the weather in Paris?", tools=[WEATHER]
    ) as stream:
        async for call in stream:
            calls += [(call.name, list(call.json()))]
        assert (await stream.get_final_response()).output
    assert calls == [("get_weather", ["city"])], calls


async def test_tool_loop(world: World) -> None:
    """Tools that are coroutine functions, and plain functions: there are no threads for these."""
    asked = []

    @oxide.openai_tool
    async def get_weather(city: str) -> str:
        """The weather in a city."""
        await anyio.sleep(0.001)
        asked.append(city)
        return "sunny"

    run = world.client().responses.run_tools(model="gpt-5", input="What is the weather in Paris?", tools=[get_weather])
    assert (await run).output_text
    assert len(asked) == 1

    @oxide.openai_tool
    def get_time(city: str) -> str:
        """The time in a city."""
        asked.append(city)
        return "noon"

    run = world.client().responses.run_tools(model="gpt-5", input="What is the time in Paris?", tools=[get_time])
    assert (await run).output_text
    assert len(asked) == 2


async def test_pages(world: World) -> None:
    names = [model.id async for model in world.client().models.list()]
    assert "gpt-5" in names


async def test_embeddings(world: World) -> None:
    answer = await world.client().embeddings.create(model="text-embedding-3-small", input="hi")
    assert len(answer.data[0].embedding) > 10


async def test_delete_and_get(world: World) -> None:
    client = world.client()
    response = await client.responses.create(model="gpt-5", input="hi")
    assert (await client.responses.retrieve(response.id)).id == response.id
    await client.responses.delete(response.id)
    with raises(oxide.NotFoundError):
        await client.responses.retrieve(response.id)


async def test_at_the_same_time(world: World) -> None:
    client = world.client()
    answers = await asyncio.gather(*(client.responses.create(model="gpt-5", input=f"{i}") for i in range(20)))
    assert [answer.output_text for answer in answers] == [f"You said: {i}" for i in range(20)]


async def test_hedging(world: World) -> None:
    """The first request stalls, the second answers, and the first is given up."""
    await world.server.queue(script("Fault.stall_before"))
    client = world.client(hedge=0.05)
    response = await client.responses.create(model="gpt-5", input="hi")
    assert response.output_text == "You said: hi"
    await world.server.wait_disconnected(0)


async def test_compressed_is_decoded_once(world: World) -> None:
    """The platform undoes gzip, and the header field that says so may still be there."""
    body = gzip.compress(b'{"object": "list", "data": []}').decode("latin-1")
    await world.server.queue(
        script("Reply", body=body, headers={"content-encoding": "gzip", "content-type": "application/json"})
    )
    page = await world.client(max_retries=0).models.list()
    assert page.data == []


async def test_no_content(world: World) -> None:
    await world.server.queue(script("Reply", status=204))
    raw = await world.client().models.with_raw_response.list()
    assert raw.status_code == 204
    assert raw.content == b""


async def test_errors_of_the_api(world: World) -> None:
    with raises(oxide.AuthenticationError, "Incorrect API key") as caught:
        await world.client(api_key="sk-wrong-key").responses.create(model="gpt-5", input="hi")
    assert caught.value.status_code == 401
    assert caught.value.request_id
    with raises(oxide.NotFoundError, "nothing-like-it"):
        await world.client().responses.create(model="nothing-like-it", input="hi")


async def test_key_function(world: World) -> None:
    async def key() -> str:
        await asyncio.sleep(0)
        return "sk-test"

    response = await world.client(api_key=key).responses.create(model="gpt-5", input="hi")
    assert response.output_text == "You said: hi"


async def test_a_closed_client(world: World) -> None:
    client = world.client()
    await client.close()
    assert client.is_closed()
    with raises(oxide.OpenAIError, "closed"):
        await client.responses.create(model="gpt-5", input="hi")


async def test_a_function_answers(world: World) -> None:
    """Other transports work as everywhere."""
    transport = oxide.AsyncMockTransport(lambda request: {"object": "list", "data": []})
    async with oxide.AsyncOpenAI(api_key="any", http_client=transport) as client:
        assert (await client.models.list()).data == []


def test_it_is_here(world: World) -> None:
    assert sys.platform == "emscripten"
