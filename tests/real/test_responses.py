"""`/v1/responses`, as llama.cpp has it."""

from __future__ import annotations

import json
from typing import Any

import pytest

import oxide
from oxide.types.responses import Response, ResponseOutputMessage, ResponseReasoningItem

from .conftest import parsed

MODEL = "tiny-chat"
GREETING = "Hello! I am a tiny test model, and I say the same thing every time."
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def create(client: Any, text: str, **options: Any) -> Any:
    return await client.responses.create(model=MODEL, input=text, temperature=0, **options)


async def test_create(way: Any, llama: Any) -> None:
    response = await create(llama, "Say hi")
    assert isinstance(response, Response)
    assert response.output_text == GREETING
    assert response.status == "completed"
    assert isinstance(response.output[0], ResponseOutputMessage)
    assert response.usage.input_tokens_details.cached_tokens >= 0
    # What this server leaves out of its replies reads as nothing.
    assert response.error is None
    assert response.tools is None
    assert response.usage.output_tokens_details is None
    assert "tools" not in response.model_fields_set
    assert response._request_id is None


async def test_nothing_of_the_reply_is_lost(way: Any, llama: Any) -> None:
    raw = await llama.responses.with_raw_response.create(model=MODEL, input="Say hi", temperature=0)
    assert parsed(raw).to_dict() == json.loads(raw.content)
    assert raw.headers["server"] == "llama.cpp"


async def test_unicode(way: Any, llama: Any) -> None:
    text = (await create(llama, "Say unicode")).output_text
    assert {"é", "好", "こ", "🌍"} <= set(text)
    stream = await create(llama, "Say unicode", stream=True)
    deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
    assert "".join(deltas) == text


async def test_reasoning(way: Any, llama: Any) -> None:
    reasoning, message = (await create(llama, "Please think first")).output
    assert isinstance(reasoning, ResponseReasoningItem)
    assert reasoning.content[0].text.startswith("The user wants me to think")
    assert message.content[0].text == GREETING


async def test_stream(way: Any, llama: Any) -> None:
    # The events have no sequence_number, and no [DONE] ends them: the body's end does.
    stream = await create(llama, "Please count", stream=True)
    events = [event async for event in stream]
    assert [event.type for event in events[:4]] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert {event.sequence_number for event in events} == {None}
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    done = events[-1]
    assert done.type == "response.completed"
    assert isinstance(done.response, Response)
    assert text == done.response.output_text
    assert "1" in text
    assert "80" in text
    # llama.cpp's own, beside the response
    assert set(done.model_extra) == {"timings"}
    assert done.timings["predicted_n"] == done.response.usage.output_tokens
    assert done.to_dict()["timings"] == done.timings
    assert all("sequence_number" not in event.to_dict() for event in events)


async def test_streams_one_after_the_other(way: Any, llama: Any) -> None:
    for _ in range(3):
        async with await create(llama, "Say hi", stream=True) as stream:
            events = [event async for event in stream]
        assert events[-1].response.output_text == GREETING


async def test_streams_at_the_same_time(way: Any, llama: Any) -> None:
    async def one() -> str:
        stream = await create(llama, "Say hi", stream=True)
        return "".join([event.delta async for event in stream if event.type == "response.output_text.delta"])

    assert await way.gather(one, one, one, one) == [GREETING] * 4


async def test_a_stream_left_early(way: Any, llama: Any) -> None:
    async with await create(llama, "Please count", stream=True) as stream:
        async for event in stream:
            if event.type == "response.output_text.delta":
                break
    assert (await create(llama, "Say hi")).output_text == GREETING


async def test_function_calls(way: Any, llama: Any) -> None:
    response = await create(llama, "What is the weather in Paris and London?", tools=[WEATHER])
    calls = response.output
    assert [call.type for call in calls] == ["function_call"] * 2
    assert [json.loads(call.arguments) for call in calls] == [{"city": "Paris"}, {"city": "London"}]

    outputs = [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls]
    question = {"role": "user", "content": "What is the weather in Paris and London?"}
    answer = await llama.responses.create(
        model=MODEL, input=[question, *calls, *outputs], tools=[WEATHER], temperature=0
    )
    assert answer.status == "completed"


async def test_a_streamed_function_call(way: Any, llama: Any) -> None:
    stream = await create(llama, "What is the weather in Paris?", tools=[WEATHER], stream=True)
    events = [event async for event in stream]
    deltas = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    [call] = events[-1].response.output
    assert "".join(deltas) == call.arguments == '{"city": "Paris"}'


async def test_input_tokens(way: Any, llama: Any) -> None:
    counted = await llama.responses.input_tokens.count(model=MODEL, input="Say hi")
    response = await create(llama, "Say hi")
    assert counted.input_tokens == response.usage.input_tokens


async def test_strict_tells_what_is_missing(way: Any, llama: Any) -> None:
    with pytest.raises(oxide.APIResponseValidationError, match="required field") as caught:
        await create(llama, "Say hi", strict=True)
    error: Any = caught.value
    assert error.status_code == 200
    assert error.body["output"]
