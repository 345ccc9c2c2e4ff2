"""`/chat/completions` on the embedded server, judged by the official SDK's types."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel

from oxide.testing import MockServer

MODEL = "gpt-4o"

ADD: Any = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
    },
}
NOTE: Any = {"type": "custom", "custom": {"name": "note"}}


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def stream(client: OpenAI, text: str, **options: Any) -> list[ChatCompletionChunk]:
    return list(client.chat.completions.create(model=MODEL, messages=user(text), stream=True, **options))


def test_text_comes_from_the_messages(client: OpenAI) -> None:
    messages: list[Any] = [
        {"role": "system", "content": "Be brief."},
        *user("one"),
        {"role": "assistant", "content": "You said: one"},
        {"role": "user", "content": [{"type": "text", "text": "two"}]},
    ]
    completion = client.chat.completions.create(model=MODEL, messages=messages)
    (choice,) = completion.choices
    assert choice.message.content == "You said: two (turn 2)"
    assert choice.finish_reason == "stop"
    assert completion.created == 1_700_000_000
    assert completion.usage is not None
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    assert completion.usage.prompt_tokens == 9


def test_chunks(client: OpenAI) -> None:
    chunks = stream(client, "hello there", stream_options={"include_usage": True})
    *parts, last = chunks
    assert parts[0].choices[0].delta.role == "assistant"
    assert "".join(part.choices[0].delta.content or "" for part in parts) == "You said: hello there"
    assert [part.choices[0].finish_reason for part in parts] == [None] * (len(parts) - 1) + ["stop"]
    assert all(part.usage is None for part in parts)
    assert last.choices == []
    whole = client.chat.completions.create(model=MODEL, messages=user("hello there"))
    assert last.usage == whole.usage
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.obfuscation for chunk in parts)


def test_a_stream_ends_with_done(client: OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(
        model=MODEL, messages=user("hi"), stream=True
    ) as response:
        blocks = response.read().decode().split("\n\n")
    assert blocks[-2:] == ["data: [DONE]", ""]
    assert all(block.startswith("data: {") for block in blocks[:-2])


def test_several_choices(client: OpenAI) -> None:
    whole = client.chat.completions.create(model=MODEL, messages=user("hi"), n=3)
    texts = [choice.message.content for choice in whole.choices]
    assert texts == ["You said: hi", "You said: hi [2]", "You said: hi [3]"]
    joined: defaultdict[int, str] = defaultdict(str)
    order = []
    for chunk in stream(client, "hi", n=3):
        (choice,) = chunk.choices
        joined[choice.index] += choice.delta.content or ""
        order.append(choice.index)
    assert list(joined.values()) == texts
    assert order[:6] == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    ("options", "text", "reason"),
    [
        ({"max_completion_tokens": 3}, "You said:", "length"),
        ({"max_tokens": 1}, "You", "length"),
        ({"stop": " there"}, "You said: hello", "stop"),
        ({"stop": ["x", "said"]}, "You ", "stop"),
    ],
)
def test_where_the_text_ends(client: OpenAI, options: dict[str, Any], text: str, reason: str) -> None:
    (choice,) = client.chat.completions.create(model=MODEL, messages=user("hello there"), **options).choices
    assert (choice.message.content, choice.finish_reason) == (text, reason)
    chunks = stream(client, "hello there", **options)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == text
    assert chunks[-1].choices[0].finish_reason == reason


def test_tool_calls_and_their_results(client: OpenAI) -> None:
    messages = user("add 19 and 23, note it")
    (choice,) = client.chat.completions.create(model=MODEL, messages=messages, tools=[ADD, NOTE]).choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert choice.message.tool_calls is not None
    add, note = choice.message.tool_calls
    assert add.type == "function"
    assert json.loads(add.function.arguments) == {"a": 19, "b": 23}
    assert note.type == "custom"
    assert note.custom.input == "add 19 and 23, note it"
    messages.append(choice.message.model_dump(exclude_none=True))
    messages += [{"role": "tool", "tool_call_id": call.id, "content": str(i)} for i, call in enumerate((add, note))]
    answer = client.chat.completions.create(model=MODEL, messages=messages, tools=[ADD, NOTE]).choices[0]
    assert answer.message.content == "The result of add is 0. The result of note is 1."


def test_streamed_tool_calls(client: OpenAI) -> None:
    second = {"type": "function", "function": {**ADD["function"], "name": "subtract"}}
    names: dict[int, str] = {}
    arguments: defaultdict[int, str] = defaultdict(str)
    for chunk in stream(client, "add and subtract 5 3 2 1", tools=[ADD, second]):
        for call in chunk.choices[0].delta.tool_calls or []:
            assert call.function is not None
            if call.id:
                names[call.index] = call.function.name or ""
            arguments[call.index] += call.function.arguments or ""
    assert names == {0: "add", 1: "subtract"}
    assert [json.loads(text) for text in arguments.values()] == [{"a": 5, "b": 3}, {"a": 2, "b": 1}]


@pytest.mark.parametrize(
    ("choice", "count"),
    [
        ("none", 0),
        ("auto", 1),
        ("required", 1),
        ({"type": "function", "function": {"name": "add"}}, 1),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "add"}}]},
            },
            1,
        ),
    ],
)
def test_tool_choice(client: OpenAI, choice: Any, count: int) -> None:
    completion = client.chat.completions.create(model=MODEL, messages=user("x"), tools=[ADD], tool_choice=choice)
    assert len(completion.choices[0].message.tool_calls or []) == count


def test_functions_as_they_were(client: OpenAI) -> None:
    options: Any = {"functions": [ADD["function"]], "function_call": {"name": "add"}}
    (choice,) = client.chat.completions.create(model=MODEL, messages=user("1 2"), **options).choices
    assert choice.finish_reason == "function_call"
    assert choice.message.function_call is not None
    assert json.loads(choice.message.function_call.arguments) == {"a": 1, "b": 2}
    deltas = [chunk.choices[0].delta.function_call for chunk in stream(client, "1 2", **options)]
    assert "".join(delta.arguments or "" for delta in deltas if delta) == choice.message.function_call.arguments
    options["function_call"] = "none"
    plain = client.chat.completions.create(model=MODEL, messages=user("1 2"), **options)
    assert plain.choices[0].message.content == "You said: 1 2"
    answer = client.chat.completions.create(
        model=MODEL, messages=[*user("1 2"), {"role": "function", "name": "add", "content": "3"}]
    )
    assert answer.choices[0].message.content == "The result of add is 3."


class City(BaseModel):
    name: str
    people: int


def test_structured_output(client: OpenAI) -> None:
    completion = client.chat.completions.parse(model=MODEL, messages=user("Is it Oslo, 700000?"), response_format=City)
    assert completion.choices[0].message.parsed == City(name="Oslo", people=700000)
    plain = client.chat.completions.create(
        model=MODEL, messages=user("as json"), response_format={"type": "json_object"}
    )
    assert json.loads(plain.choices[0].message.content or "") == {"said": "as json"}


def test_refusal(client: OpenAI) -> None:
    message = client.chat.completions.create(model=MODEL, messages=user("please refuse")).choices[0].message
    assert message.refusal
    assert message.content is None
    chunks = stream(client, "please refuse")
    assert "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks) == message.refusal


def test_content_filter(client: OpenAI) -> None:
    completion = client.chat.completions.create(model=MODEL, messages=user("please stop early"))
    assert completion.choices[0].finish_reason == "content_filter"


def test_logprobs(client: OpenAI) -> None:
    (choice,) = client.chat.completions.create(model=MODEL, messages=user("hi"), logprobs=True, top_logprobs=3).choices
    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    assert "".join(entry.token for entry in choice.logprobs.content) == choice.message.content
    assert all(len(entry.top_logprobs) == 3 for entry in choice.logprobs.content)
    streamed = [
        entry.token
        for chunk in stream(client, "hi", logprobs=True)
        for entry in (chunk.choices[0].logprobs.content or [] if chunk.choices[0].logprobs else [])
    ]
    assert "".join(streamed) == choice.message.content


# --- what is stored ---


def test_stored_completions(client: OpenAI) -> None:
    made = [
        client.chat.completions.create(model=model, messages=user(str(i)), store=True, metadata={"parity": str(i % 2)})
        for i, model in enumerate([MODEL, MODEL, "gpt-5", MODEL, MODEL])
    ]
    client.chat.completions.create(model=MODEL, messages=user("not kept"))
    ids = [completion.id for completion in made]
    first = client.chat.completions.list(limit=2)
    assert first.has_more
    assert [completion.id for completion in first] == ids
    assert [completion.id for completion in client.chat.completions.list(order="desc")] == ids[::-1]
    assert [completion.id for completion in client.chat.completions.list(model="gpt-5")] == [ids[2]]
    assert [completion.id for completion in client.chat.completions.list(metadata={"parity": "1"})] == [ids[1], ids[3]]
    assert client.chat.completions.retrieve(ids[0]).choices == made[0].choices
    assert client.chat.completions.update(ids[0], metadata={"seen": "yes"}).metadata == {"seen": "yes"}
    assert client.chat.completions.retrieve(ids[0]).metadata == {"seen": "yes"}
    assert client.chat.completions.delete(ids[0]).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(ids[0])


def test_messages_of_a_stored_completion(server: MockServer, client: OpenAI) -> None:
    messages: list[Any] = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
    ]
    made = client.chat.completions.create(model=MODEL, messages=messages, store=True)
    # The API lists messages of any role here; the SDK's type says "assistant", so not strict.
    with OpenAI(base_url=server.base_url, api_key="k") as lenient:
        listed = list(lenient.chat.completions.messages.list(made.id, limit=1))
    assert [message.id for message in listed] == [f"{made.id}-0", f"{made.id}-1"]
    assert listed[0].content == "Be brief."
    assert listed[1].content_parts is not None


# --- what is refused ---


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"messages": user("x")}, 400, "missing_required_parameter", "model"),
        ({"model": MODEL}, 400, "missing_required_parameter", "messages"),
        ({"model": "nope", "messages": user("x")}, 404, "model_not_found", "model"),
        ({"model": MODEL, "messages": []}, 400, "empty_array", "messages"),
        ({"model": MODEL, "messages": "x"}, 400, "invalid_type", "messages"),
        ({"model": MODEL, "messages": ["x"]}, 400, "invalid_type", "messages[0]"),
        ({"model": MODEL, "messages": [{"content": "x"}]}, 400, "missing_required_parameter", "messages[0].role"),
        ({"model": MODEL, "messages": [{"role": "king", "content": "x"}]}, 400, "invalid_value", "messages[0].role"),
        ({"model": MODEL, "messages": [{"role": "tool", "tool_call_id": "c", "content": "x"}]}, 400, None, "messages[0].role"),
        ({"model": MODEL, "messages": [{"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}]}, 400, None, "messages"),
        ({"model": MODEL, "messages": user("x"), "n": 0}, 400, "integer_below_min_value", "n"),
        ({"model": MODEL, "messages": user("x"), "top_logprobs": 1}, 400, None, "top_logprobs"),
        ({"model": MODEL, "messages": user("x"), "tool_choice": "auto"}, 400, None, "tool_choice"),
        ({"model": MODEL, "messages": user("x"), "tools": [{"type": "function"}]}, 400, "missing_required_parameter", "tools[0].function"),
        ({"model": MODEL, "messages": user("x"), "tools": [{"type": "web_search"}]}, 400, "invalid_value", "tools[0].type"),
        ({"model": MODEL, "messages": user("x"), "response_format": {"type": "json_schema"}}, 400, "missing_required_parameter", "response_format.json_schema"),
        ({"model": MODEL, "messages": user("x"), "response_format": {"type": "json_object"}}, 400, None, "messages"),
    ],
)  # fmt: skip
def test_bad_requests(client: OpenAI, body: Any, status: int, code: str | None, param: str) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.post("/chat/completions", body=body, cast_to=object)
    assert (caught.value.status_code, caught.value.code, caught.value.param) == (status, code, param)
