"""`/v1/chat/completions`, as llama.cpp has it."""

from __future__ import annotations

import json
from typing import Any

from oxide.types.chat import ChatCompletion, ChatCompletionChunk

from .conftest import parsed

MODEL = "tiny-chat"
GREETING = "Hello! I am a tiny test model, and I say the same thing every time."
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


async def create(client: Any, text: str, **options: Any) -> Any:
    messages = [{"role": "user", "content": text}]
    return await client.chat.completions.create(model=MODEL, messages=messages, temperature=0, **options)


async def test_create(way: Any, llama: Any) -> None:
    completion = await create(llama, "Say hi")
    assert isinstance(completion, ChatCompletion)
    [choice] = completion.choices
    assert (choice.message.content, choice.finish_reason) == (GREETING, "stop")
    assert completion.model_extra == {"timings": completion.timings}
    assert completion.timings["predicted_n"] == completion.usage.completion_tokens


async def test_nothing_of_the_reply_is_lost(way: Any, llama: Any) -> None:
    for _ in range(3):
        # The codec learns the fields that it does not know; the first reply and the later ones are the same.
        raw = await llama.chat.completions.with_raw_response.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Please think first"}],
            temperature=0,
            logprobs=True,
            top_logprobs=2,
            n=2,
        )
        completion = parsed(raw)
        assert completion.to_dict() == json.loads(raw.content)
        assert len(completion.choices) == 2
        message = completion.choices[0].message
        assert message.reasoning_content.startswith("The user wants me to think")
        assert set(message.model_extra) == {"reasoning_content"}
        token = completion.choices[0].logprobs.content[0]
        assert isinstance(token.model_extra["id"], int)
        assert token.top_logprobs[0].token == token.token


async def test_stream(way: Any, llama: Any) -> None:
    stream = await create(llama, "Please count", stream=True)
    chunks = [chunk async for chunk in stream]
    assert all(isinstance(chunk, ChatCompletionChunk) for chunk in chunks)
    first, last = chunks[0], chunks[-1]
    # The first delta has a content, which is null.
    assert first.choices[0].delta.role == "assistant"
    assert first.choices[0].delta.content is None
    assert "content" in first.choices[0].delta.model_fields_set
    assert first.to_dict()["choices"][0]["delta"] == {"role": "assistant", "content": None}
    assert "content" not in last.choices[0].delta.model_fields_set
    assert last.choices[0].finish_reason == "stop"
    assert last.timings["predicted_n"] > 80
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert "80" in text


async def test_usage_in_a_stream(way: Any, llama: Any) -> None:
    stream = await create(llama, "Say hi", stream=True, stream_options={"include_usage": True})
    last = [chunk async for chunk in stream][-1]
    assert last.choices == []
    assert last.usage.completion_tokens == last.timings["predicted_n"]


async def test_reasoning_in_a_stream(way: Any, llama: Any) -> None:
    stream = await create(llama, "Please think first", stream=True)
    thought, text = "", ""
    async for chunk in stream:
        delta = chunk.choices[0].delta
        thought += getattr(delta, "reasoning_content", None) or ""
        text += delta.content or ""
    assert thought.startswith("The user wants me to think")
    assert text == GREETING


async def test_function_calls(way: Any, llama: Any) -> None:
    completion = await create(llama, "What is the weather in Paris and London?", tools=[WEATHER])
    message = completion.choices[0].message
    assert [call.type for call in message.tool_calls] == ["function"] * 2
    cities = [json.loads(call.function.arguments)["city"] for call in message.tool_calls]
    assert cities == ["Paris", "London"]

    messages = [
        {"role": "user", "content": "What is the weather in Paris and London?"},
        message,
        *({"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in message.tool_calls),
    ]
    answer = await llama.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER], temperature=0)
    assert answer.choices[0].finish_reason in ("stop", "tool_calls")


async def test_a_streamed_function_call(way: Any, llama: Any) -> None:
    stream = await create(llama, "What is the weather in Paris?", tools=[WEATHER], stream=True)
    names, arguments = [], ""
    async for chunk in stream:
        for call in chunk.choices[0].delta.tool_calls or []:
            if call.function.name:
                names.append(call.function.name)
            arguments += call.function.arguments
    assert names == ["get_weather"]
    assert json.loads(arguments) == {"city": "Paris"}


async def test_json(way: Any, llama: Any) -> None:
    completion = await create(llama, "Reply in json")
    assert isinstance(json.loads(completion.choices[0].message.content), dict)


async def test_token_limit(way: Any, llama: Any) -> None:
    completion = await create(llama, "Please count", max_tokens=3)
    assert completion.choices[0].finish_reason == "length"


async def test_parameters_of_the_server_alone(way: Any, llama: Any) -> None:
    completion = await create(llama, "Say hi", extra_body={"n_predict": 2, "cache_prompt": False})
    assert completion.timings["predicted_n"] == 2
    assert completion.timings["cache_n"] == 0


async def test_models(way: Any, llama: Any) -> None:
    [model] = [model async for model in llama.models.list()]
    assert model.id == MODEL
    assert model.meta["n_params"] == 640064
    page = await llama.models.list()
    assert page.model_extra["models"][0]["name"] == MODEL
