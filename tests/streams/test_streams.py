"""The helpers' streams over real sockets, synchronously, on asyncio and on trio."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import oxide
from oxide.testing import Gate, MockServer, Stream
from tests.ways import Way

from . import scripts


class Person(msgspec.Struct):
    name: str
    age: int


def respond(client: Any, **arguments: Any) -> Any:
    return client.responses.stream(model="gpt-x", input="x", **arguments)


def chat(client: Any, **arguments: Any) -> Any:
    return client.chat.completions.stream(model="gpt-x", messages=[], **arguments)


async def texts(stream: Any) -> list[str]:
    """What `text_deltas` gives, in whichever way."""
    pieces = stream.text_deltas
    if hasattr(pieces, "__aiter__"):
        return [piece async for piece in pieces]
    return list(pieces)


def sse(events: list[dict[str, Any]], done: bool = False) -> Stream:
    return Stream([*events, "[DONE]"] if done else events)


async def test_text_as_it_comes_and_what_it_came_to(client: Any, server: MockServer) -> None:
    server.queue(sse(scripts.text()), sse(scripts.chat_text(), done=True))
    async with respond(client) as stream:
        assert await texts(stream) == ["Hel", "lo", " 🐍", "", "!"]
        assert (await stream.get_final_response()).output_text == "Hello 🐍!"
        assert stream.current_response_snapshot.status == "completed"
    async with chat(client) as stream:
        assert await texts(stream) == ["", "Hel", "lo 🐍", "!"]
        completion = await stream.get_final_completion()
        assert completion.choices[0].message.content == "Hello 🐍!"
        assert completion.usage.total_tokens == 8
    # Both were read to their ends, so the connection was kept.
    assert len({request.connection for request in server.requests}) == 1


def test_until_done(server: MockServer) -> None:
    server.queue(sse(scripts.text()))
    with oxide.OpenAI(base_url=server.base_url, api_key="sk-test") as client, respond(client) as stream:
        assert stream.until_done() is stream
        assert list(stream) == []


@pytest.mark.parametrize("open_stream", [respond, chat])
async def test_a_structured_output_of_another_kind(client: Any, server: MockServer, open_stream: Any) -> None:
    pieces = ['{"name": "A', 'da", "age": 36}']
    if open_stream is respond:
        script = scripts.ResponseScript()
        scripts.message(script, 0, pieces)
        server.queue(sse(script.end()))
        async with respond(client, text_format=Person) as stream:
            done = [event.parsed async for event in stream if event.type == "response.output_text.done"]
            assert done == [Person("Ada", 36)]
            assert (await stream.get_final_response()).output_parsed == Person("Ada", 36)
        assert server.requests[0].json()["text"]["format"]["name"] == "Person"
    else:
        chunks = [scripts.chunk(scripts.part({"content": piece})) for piece in pieces]
        server.queue(sse([*chunks, scripts.chunk(scripts.part({}, finish="stop"))], done=True))
        async with chat(client, response_format=Person) as stream:
            async for event in stream:
                if event.type == "content.done":
                    assert event.parsed == Person("Ada", 36)
            assert (await stream.get_final_completion()).choices[0].message.parsed == Person("Ada", 36)
        assert server.requests[0].json()["response_format"]["json_schema"]["name"] == "Person"


@pytest.mark.parametrize(("open_stream", "script"), [(respond, scripts.text), (chat, scripts.chat_text)])
async def test_a_stream_that_ends_early(client: Any, server: MockServer, open_stream: Any, script: Any) -> None:
    """The server closes in good order, and has not said all."""
    server.queue(sse(script()[:-3]))
    seen = []
    with pytest.raises(oxide.StreamEndedError) as caught:
        async with open_stream(client) as stream:
            seen = [event async for event in stream]
    assert not seen
    assert isinstance(caught.value, oxide.APIConnectionError)
    assert caught.value.request is not None
    assert caught.value.snapshot is not None


@pytest.mark.parametrize(("open_stream", "script"), [(respond, scripts.text), (chat, scripts.chat_text)])
async def test_a_stream_whose_connection_breaks(client: Any, server: MockServer, open_stream: Any, script: Any) -> None:
    """In the middle of the body: what came is kept, and the connection's error is the cause."""
    server.queue(Stream(script(), reset_after=4))
    async with open_stream(client) as stream:
        with pytest.raises(oxide.StreamEndedError) as caught:
            await stream.until_done()
    assert caught.value.snapshot is not None
    assert str(caught.value).startswith("The stream ended before the ")
    assert str(caught.value).count("The stream ended") == 1
    assert type(caught.value.__cause__) is oxide.APIConnectionError
    assert caught.value.__cause__.__cause__ is not None


async def test_an_error_event(client: Any, server: MockServer) -> None:
    server.queue(sse(scripts.error_event()))
    async with respond(client) as stream:
        events = [event async for event in stream]
        assert events[-1].type == "error"
        with pytest.raises(oxide.ResponseNotCompletedError) as caught:
            await stream.get_final_response()
    assert (caught.value.message, caught.value.code) == ("the model broke", "server_error")
    assert caught.value.response.output_text == "half"


async def test_a_failed_response(client: Any, server: MockServer) -> None:
    server.queue(sse(scripts.failed()))
    async with respond(client) as stream:
        with pytest.raises(oxide.ResponseNotCompletedError) as caught:
            await stream.get_final_response()
    assert caught.value.code == "server_error"
    assert caught.value.response.status == "failed"


async def test_leaving_the_block_closes_the_response(client: Any, server: MockServer) -> None:
    gate = Gate()
    server.queue(Stream(scripts.text(), gates={5: gate}))
    async with respond(client) as stream:
        async for event in stream:
            if event.type == "response.output_text.delta":
                break
    with pytest.raises(oxide.OpenAIError):
        await stream.get_final_response()
    gate.open()


@pytest.mark.parametrize(("open_stream", "script"), [(respond, scripts.text), (chat, scripts.chat_text)])
async def test_a_server_that_falls_silent(way: Way, server: MockServer, open_stream: Any, script: Any) -> None:
    impatient = way.client(base_url=server.base_url, timeout=oxide.Timeout(30.0, read=0.1), max_retries=0)
    server.queue(Stream(script(), stall_after=4))
    async with open_stream(impatient) as stream:
        with pytest.raises(oxide.APITimeoutError):
            await stream.until_done() if not way.is_sync else stream._wrapped.until_done()


async def test_a_refused_request(client: Any, server: MockServer, way: Way) -> None:
    refused = way.client(base_url=server.base_url, api_key="sk-wrong")
    with pytest.raises(oxide.AuthenticationError):
        async with respond(refused):
            raise AssertionError("entered")
    with pytest.raises(oxide.AuthenticationError):
        async with refused.responses.create_stream_fc(model="gpt-x", input="x"):
            raise AssertionError("entered")


# --- early calls -----------------------------------------------------------------------------------------------------------


async def test_each_call_comes_while_the_response_goes_on(client: Any, server: MockServer) -> None:
    """The server sends nothing more until the call has been seen."""
    events = scripts.parallel_calls()
    first, second = Gate(), Gate()
    places = [n for n, event in enumerate(events) if event["type"] == "response.function_call_arguments.done"]
    server.queue(Stream(events, gates={places[0] + 1: first, places[1] + 1: second}))
    names = []
    async with client.responses.create_stream_fc(model="gpt-x", input="x") as stream:
        async for call in stream:
            names.append((call.index, call.name, call.json()))
            (first, second)[len(names) - 1].open()
        assert names == [(2, "look_up", {"q": [1, 2]}), (1, "look_up", {"city": "Paris"})]
        response = await stream.get_final_response()
    assert [item.type for item in response.output] == ["message", "function_call", "function_call"]
    assert [call.index for call in stream.calls] == [2, 1]


async def test_each_call_of_a_chat_comes_while_it_goes_on(client: Any, server: MockServer) -> None:
    chunks = scripts.chat_calls()
    gate = Gate()
    place = next(
        n for n, each in enumerate(chunks) if "id" in str(each["choices"][0]["delta"]) and "call_1" in str(each)
    )
    server.queue(Stream([*chunks, "[DONE]"], gates={place + 1: gate}))
    found = []
    async with client.chat.completions.create_stream_fc(model="gpt-x", messages=[]) as stream:
        async for call in stream:
            found.append(call)
            gate.open()
        completion = await stream.get_final_completion()
    assert [(call.call_id, call.json()["city"]) for call in found] == [("call_0", "Paris"), ("call_1", "Rome")]
    assert [call.id for call in completion.choices[0].message.tool_calls] == ["call_0", "call_1"]


async def test_the_rest_of_the_stream(client: Any, server: MockServer) -> None:
    server.queue(sse(scripts.parallel_calls()))
    async with client.responses.create_stream_fc(model="gpt-x", input="x") as stream:
        async for _ in stream:
            break
        rest = [event.type async for event in stream.events]
        assert rest[0] == "response.output_item.done"
        assert rest[-1] == "response.completed"
        assert [call.index async for call in stream] == [1]


async def test_early_calls_of_a_stream_that_ends_early(client: Any, server: MockServer) -> None:
    events = scripts.parallel_calls()
    server.queue(sse(events[: next(n for n, e in enumerate(events) if e["type"].endswith("arguments.done")) + 1]))
    async with client.responses.create_stream_fc(model="gpt-x", input="x") as stream:
        assert (await stream.__anext__()).index == 2
        with pytest.raises(oxide.StreamEndedError):
            await stream.__anext__()
    assert [call.index for call in stream.calls] == [2]


async def test_an_asynchronous_call_stream_can_be_awaited_and_iterated(way: Way, server: MockServer) -> None:
    if way.is_sync:
        pytest.skip("of the asynchronous client")
    server.queue(sse(scripts.parallel_calls()), sse(scripts.parallel_calls()))
    async with oxide.AsyncOpenAI(base_url=server.base_url, api_key="sk-test") as client:
        stream = await client.responses.create_stream_fc(model="gpt-x", input="x")
        assert [call.index async for call in stream] == [2, 1]
        assert [call.index async for call in client.responses.create_stream_fc(model="gpt-x", input="x")] == [2, 1]
