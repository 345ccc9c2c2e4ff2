"""`/responses` on the embedded server, judged by the official SDK's types."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.responses import Response, ResponseFunctionToolCall
from pydantic import BaseModel

from oxide.testing import MockServer

MODEL = "gpt-5"

ADD: Any = {
    "type": "function",
    "name": "add",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
}
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def call_of(response: Response, index: int = 0) -> ResponseFunctionToolCall:
    item = response.output[index]
    assert item.type == "function_call"
    return item


def test_text_comes_from_the_input(client: OpenAI) -> None:
    response = client.responses.create(model=MODEL, input="hello there", instructions="Be brief.")
    assert response.output_text == "You said: hello there"
    assert (response.status, response.model, response.created_at) == ("completed", MODEL, 1_700_000_000)
    assert response.instructions == "Be brief."
    assert response.usage is not None
    assert response.usage.input_tokens == 5  # Be brief . hello there
    assert response.usage.output_tokens == 5  # You said : hello there
    assert response.usage.total_tokens == 10


def test_the_same_requests_get_the_same_bytes() -> None:
    bodies = []
    for _ in range(2):
        with MockServer(clock=lambda: 5.0) as server, OpenAI(base_url=server.base_url, api_key="k") as client:
            made = [
                client.responses.with_raw_response.create(model=MODEL, input="Add 1 and 2", tools=[ADD]).text,
                client.chat.completions.with_raw_response.create(
                    model=MODEL, messages=[{"role": "user", "content": "hi"}], n=2
                ).text,
                client.embeddings.with_raw_response.create(model="text-embedding-3-small", input="x").text,
            ]
            with client.responses.with_streaming_response.create(model=MODEL, input="hi", stream=True) as stream:
                made.append(stream.read().decode())
            bodies.append(made)
    assert bodies[0] == bodies[1]


def test_a_number_of_words(client: OpenAI) -> None:
    assert len(client.responses.create(model=MODEL, input="Write 300 words.").output_text.split()) == 300


def test_input_as_items(client: OpenAI) -> None:
    response = client.responses.create(
        model=MODEL,
        input=[
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "You said: one"},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "two"},
                    {"type": "input_image", "image_url": "data:,", "detail": "auto"},
                ],
            },
        ],
    )
    assert response.output_text == "You said: two [input_image] (turn 2)"


def test_a_function_call_and_its_result(client: OpenAI) -> None:
    first = client.responses.create(model=MODEL, input="What is 19 plus 23?", tools=[ADD])
    call = call_of(first)
    assert (call.name, json.loads(call.arguments), call.status) == ("add", {"a": 19, "b": 23}, "completed")
    second = client.responses.create(
        model=MODEL,
        previous_response_id=first.id,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "42"}],
        tools=[ADD],
    )
    assert second.output_text == "The result of add is 42."


def test_a_function_call_without_stored_state(client: OpenAI) -> None:
    conversation: list[Any] = [{"role": "user", "content": "The weather in Paris"}]
    first = client.responses.create(model=MODEL, input=conversation, tools=[WEATHER], store=False)
    conversation += [item.model_dump(exclude_none=True) for item in first.output]
    conversation.append({"type": "function_call_output", "call_id": call_of(first).call_id, "output": "sunny"})
    second = client.responses.create(model=MODEL, input=conversation, tools=[WEATHER], store=False)
    assert json.loads(call_of(first).arguments) == {"city": "Paris"}
    assert second.output_text == "The result of get_weather is sunny."
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["add", "get_weather"]),
        ({"parallel_tool_calls": False}, ["add"]),
        ({"tool_choice": "none"}, []),
        ({"tool_choice": "required"}, ["add", "get_weather"]),
        ({"tool_choice": {"type": "function", "name": "get_weather"}}, ["get_weather"]),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "auto",
                    "tools": [{"type": "function", "name": "get_weather"}],
                }
            },
            ["get_weather"],
        ),
    ],
)
def test_which_functions_are_called(client: OpenAI, options: dict[str, Any], names: list[str]) -> None:
    response = client.responses.create(model=MODEL, input="add 1 2, get weather", tools=[ADD, WEATHER], **options)
    assert [item.name for item in response.output if item.type == "function_call"] == names


def test_without_a_hint_the_first_function_is_called(client: OpenAI) -> None:
    response = client.responses.create(model=MODEL, input="do something", tools=[WEATHER, ADD])
    assert [item.type for item in response.output] == ["function_call"]
    assert call_of(response).name == "get_weather"


def test_required_calls_again_after_a_result(client: OpenAI) -> None:
    first = client.responses.create(model=MODEL, input="1 2", tools=[ADD])
    output: Any = {"type": "function_call_output", "call_id": call_of(first).call_id, "output": "3"}
    again = client.responses.create(
        model=MODEL, previous_response_id=first.id, input=[output], tools=[ADD], tool_choice="required"
    )
    assert call_of(again).name == "add"


def test_a_custom_tool_with_a_pattern(client: OpenAI) -> None:
    response = client.responses.create(
        model=MODEL,
        input="go",
        tools=[
            {
                "type": "custom",
                "name": "when",
                "format": {"type": "grammar", "syntax": "regex", "definition": r"^\d{4}-\d\d$"},
            }
        ],
    )
    item = response.output[0]
    assert item.type == "custom_tool_call"
    assert item.input == "0000-00"


def test_a_namespace(client: OpenAI) -> None:
    response = client.responses.create(
        model=MODEL,
        input="go",
        tools=[{"type": "namespace", "name": "math", "description": "Sums.", "tools": [ADD]}],
    )
    assert (call_of(response).namespace, call_of(response).name) == ("math", "add")


class Step(BaseModel):
    explanation: str
    output: float


class Solution(BaseModel):
    steps: list[Step]
    answer: str
    next: Solution | None


def test_structured_output(client: OpenAI) -> None:
    response = client.responses.parse(model=MODEL, input="Solve 3 and 4.5 for Ada", text_format=Solution)
    parsed = response.output_parsed
    assert parsed is not None
    assert parsed.steps[0].output == 3
    assert response.text is not None
    assert response.text.format is not None
    assert response.text.format.type == "json_schema"


def test_json_object(client: OpenAI) -> None:
    response = client.responses.create(model=MODEL, input="Say it as JSON", text={"format": {"type": "json_object"}})
    assert json.loads(response.output_text) == {"said": "Say it as JSON"}


def test_reasoning(client: OpenAI) -> None:
    response = client.responses.create(
        model=MODEL,
        input="think",
        reasoning={"effort": "low", "summary": "auto"},
        include=["reasoning.encrypted_content"],
    )
    reasoning, message = response.output
    assert reasoning.type == "reasoning"
    assert reasoning.summary[0].text.startswith("**Thinking**")
    assert reasoning.encrypted_content
    assert message.type == "message"
    assert response.usage is not None
    assert 0 < response.usage.output_tokens_details.reasoning_tokens < response.usage.output_tokens
    follow = client.responses.create(
        model=MODEL,
        input=[reasoning.model_dump(exclude_none=True), {"role": "user", "content": "more"}],  # type: ignore[list-item]
    )
    assert follow.status == "completed"


def test_the_token_limit(client: OpenAI) -> None:
    response = client.responses.create(model=MODEL, input="50 words", max_output_tokens=16)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.usage is not None
    assert response.usage.output_tokens == 16
    item = response.output[0]
    assert item.type == "message"
    assert item.status == "incomplete"


def test_logprobs(client: OpenAI) -> None:
    response = client.responses.create(
        model=MODEL, input="hi", include=["message.output_text.logprobs"], top_logprobs=2
    )
    item = response.output[0]
    assert item.type == "message"
    text = item.content[0]
    assert text.type == "output_text"
    assert text.logprobs is not None
    assert "".join(entry.token for entry in text.logprobs) == text.text
    assert all(len(entry.top_logprobs) == 2 for entry in text.logprobs)


@pytest.mark.parametrize(
    ("prompt", "status", "detail"),
    [
        ("please refuse", "completed", None),
        ("please stop early", "incomplete", "content_filter"),
        ("please crash", "failed", "server_error"),
    ],
)
def test_triggers(client: OpenAI, prompt: str, status: str, detail: str | None) -> None:
    response = client.responses.create(model=MODEL, input=prompt)
    assert response.status == status
    if detail is None:
        item = response.output[0]
        assert item.type == "message"
        assert item.content[0].type == "refusal"
    else:
        reason = response.incomplete_details.reason if response.incomplete_details else None
        code = response.error.code if response.error else None
        assert detail in (reason, code)


def test_breaking_off_without_a_stream_is_a_server_error(client: OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        client.responses.create(model=MODEL, input="please break off")
    assert caught.value.code == "server_error"


# --- what is stored ---


def test_previous_response(client: OpenAI) -> None:
    first = client.responses.create(model=MODEL, input="one")
    second = client.responses.create(model=MODEL, input="two", previous_response_id=first.id)
    third = client.responses.create(model=MODEL, input="three", previous_response_id=second.id)
    assert third.output_text == "You said: three (turn 3)"
    assert third.previous_response_id == second.id
    assert first.usage is not None
    assert third.usage is not None
    assert third.usage.input_tokens > first.usage.input_tokens


def test_retrieve_and_delete(client: OpenAI) -> None:
    made = client.responses.create(model=MODEL, input="keep me", metadata={"a": "b"})
    assert client.responses.retrieve(made.id).to_dict() == made.to_dict()
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def test_input_items_in_pages(client: OpenAI) -> None:
    made = client.responses.create(model=MODEL, input=[{"role": "user", "content": f"n{i}"} for i in range(7)])
    page = client.responses.input_items.list(made.id, limit=3, order="asc")
    assert page.has_more
    seen = list(page)
    assert [item.content[0].text for item in seen if item.type == "message"] == [f"n{i}" for i in range(7)]  # type: ignore[union-attr]
    newest = client.responses.input_items.list(made.id)
    assert newest.data[0].id == seen[-1].id
    assert not newest.has_more
    items = client.get(f"/responses/{made.id}/input_items?limit=2", cast_to=object)
    assert isinstance(items, dict)
    assert (items["first_id"], items["last_id"]) == (seen[6].id, seen[5].id)


def test_a_replayed_stream(client: OpenAI) -> None:
    events = list(client.responses.create(model=MODEL, input="again please", stream=True))
    response_id = events[0].response.id  # type: ignore[union-attr]
    assert list(client.responses.retrieve(response_id, stream=True)) == events
    assert list(client.responses.retrieve(response_id, stream=True, starting_after=4)) == events[5:]


def test_background_gets_on_by_being_asked(client: OpenAI) -> None:
    made = client.responses.create(model=MODEL, input="later", background=True)
    statuses = [made.status] + [client.responses.retrieve(made.id).status for _ in range(3)]
    assert statuses == ["queued", "in_progress", "completed", "completed"]
    assert client.responses.retrieve(made.id).output_text == "You said: later"


def test_cancel(client: OpenAI) -> None:
    made = client.responses.create(model=MODEL, input="later", background=True)
    assert client.responses.cancel(made.id).status == "cancelled"
    assert client.responses.retrieve(made.id).status == "cancelled"
    plain = client.responses.create(model=MODEL, input="now")
    with pytest.raises(openai.BadRequestError):
        client.responses.cancel(plain.id)


def test_compact_and_count(client: OpenAI) -> None:
    made = client.responses.create(model=MODEL, input="one")
    # The API lists user messages here, which the SDK's type of an output item doesn't have.
    body: Any = {"model": MODEL, "input": "two", "previous_response_id": made.id}
    compacted: Any = client.post("/responses/compact", body=body, cast_to=object)
    assert [item["type"] for item in compacted["output"]] == ["message", "message", "compaction"]
    assert client.responses.input_tokens.count(model=MODEL, input="one two three").input_tokens == 3
    follow = client.responses.create(model=MODEL, input=[*compacted["output"], {"role": "user", "content": "x"}])
    assert follow.output_text == "You said: x (turn 3)"


# --- what is refused ---


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"input": "x"}, 400, "missing_required_parameter", "model"),
        ({"model": MODEL}, 400, "missing_required_parameter", "input"),
        ({"model": "nope", "input": "x"}, 404, "model_not_found", "model"),
        ({"model": 5, "input": "x"}, 400, "invalid_type", "model"),
        ({"model": MODEL, "input": 5}, 400, "invalid_type", "input"),
        ({"model": MODEL, "input": [{"role": "nobody", "content": "x"}]}, 400, "invalid_value", "input[0].role"),
        ({"model": MODEL, "input": [{"type": "nothing"}]}, 400, "invalid_value", "input[0].type"),
        ({"model": MODEL, "input": [{"type": "function_call"}]}, 400, "missing_required_parameter", "input[0].call_id"),
        ({"model": MODEL, "input": "x", "temperature": 3}, 400, "decimal_above_max_value", "temperature"),
        ({"model": MODEL, "input": "x", "max_output_tokens": 1}, 400, "integer_below_min_value", "max_output_tokens"),
        ({"model": MODEL, "input": "x", "previous_response_id": "resp_x"}, 400, "previous_response_not_found", "previous_response_id"),
        ({"model": MODEL, "input": "x", "tools": [{"type": "function"}]}, 400, "missing_required_parameter", "tools[0].name"),
        ({"model": MODEL, "input": "x", "tools": [{**ADD, "parameters": {"type": "object"}}]}, 400, "invalid_function_parameters", "tools[0].parameters"),
        ({"model": MODEL, "input": "x", "tools": {}}, 400, "invalid_type", "tools"),
        ({"model": MODEL, "input": "x", "tools": ["f"]}, 400, "invalid_type", "tools[0]"),
        ({"model": MODEL, "input": "x", "tools": [{"name": "f"}]}, 400, "missing_required_parameter", "tools[0].type"),
        ({"model": MODEL, "input": "x", "tools": [{"type": "function", "name": "a b"}]}, 400, "invalid_value", "tools[0].name"),
        ({"model": MODEL, "input": "x", "tools": [{"type": "function", "name": "f", "parameters": 1}]}, 400, "invalid_type", "tools[0].parameters"),
        ({"model": MODEL, "input": "x", "tool_choice": {"type": "function", "name": "f"}}, 400, None, "tool_choice"),
        ({"model": MODEL, "input": "x", "tool_choice": {"type": "web_search"}}, 400, None, "tool_choice"),
        ({"model": MODEL, "input": "x", "tool_choice": "some"}, 400, "invalid_value", "tool_choice"),
        ({"model": MODEL, "input": "x", "tool_choice": "required"}, 400, None, "tool_choice"),
        ({"model": MODEL, "input": ["x"]}, 400, "invalid_type", "input[0]"),
        ({"model": MODEL, "input": [{}]}, 400, "missing_required_parameter", "input[0].type"),
        ({"model": MODEL, "input": [{"role": "user"}]}, 400, "missing_required_parameter", "input[0].content"),
        ({"model": MODEL, "input": [{"type": "function_call_output"}]}, 400, "missing_required_parameter", "input[0].call_id"),
        ({"model": MODEL, "input": "x", "text": {"format": {}}}, 400, "missing_required_parameter", "text.format.type"),
        ({"model": MODEL, "input": "x", "text": {"format": {"type": "yaml"}}}, 400, "invalid_value", "text.format.type"),
        ({"model": MODEL, "input": "x", "text": {"format": {"type": "json_object"}}}, 400, None, "input"),
        ({"model": MODEL, "input": "x", "text": {"format": {"type": "json_schema", "name": "n"}}}, 400, "missing_required_parameter", "text.format.schema"),
        ({"model": MODEL, "input": "x", "text": {"format": {"type": "json_schema", "name": "n", "schema": {"$ref": "#/no"}}}}, 400, "invalid_json_schema", "text.format.schema"),
        ({"model": MODEL, "input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, 400, None, "input"),
        ({"model": MODEL, "input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]}, 400, None, "input"),
    ],
)  # fmt: skip
def test_bad_requests(client: OpenAI, body: Any, status: int, code: str | None, param: str) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.post("/responses", body=body, cast_to=object)
    error = caught.value
    assert (error.status_code, error.code, error.param) == (status, code, param)
    assert error.type == "invalid_request_error"
    assert isinstance(error.body, dict)
    assert error.body["message"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "order=up", "after=msg_x"])
def test_bad_cursors(client: OpenAI, query: str) -> None:
    made = client.responses.create(model=MODEL, input="x")
    with pytest.raises(openai.BadRequestError) as caught:
        client.get(f"/responses/{made.id}/input_items?{query}", cast_to=object)
    assert caught.value.param == query.partition("=")[0]
