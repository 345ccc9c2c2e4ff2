"""`parse`, three ways, against a server that keeps to the schema it is sent."""

from __future__ import annotations

import json
import pickle
from typing import Any

import msgspec
import pydantic
import pytest

import oxide
from oxide.core.parsing import ResponseParsing
from oxide.core.schema_check import Misfit
from oxide.testing import MockServer, Reply

from ..ways import Way
from .models import Flat, Tree
from .test_schemas import KINDS, Circle, Movie, Person, Point

ANY = [*KINDS, Flat, Tree]
CHAT: Any = [{"role": "user", "content": "Say hi"}]


def answer(text: str, **more: Any) -> Reply:
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}
    return Reply(json={"id": "r", "object": "response", "status": "completed", "output": [message], **more})


def completion(*choices: dict[str, Any]) -> Reply:
    entries = [{"index": i, "finish_reason": "stop", "logprobs": None, **choice} for i, choice in enumerate(choices)]
    return Reply(json={"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": entries})


def said(text: str | None, **more: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text, "refusal": None}, **more}


@pytest.mark.parametrize("type_", ANY, ids=lambda type_: getattr(type_, "__name__", str(type_)))
async def test_the_server_accepts_the_schema_and_the_answer_is_parsed(way: Way, client: Any, type_: Any) -> None:
    response = await client.responses.parse(model="gpt-5", input="Say hi", text_format=type_)
    chat = await client.chat.completions.parse(model="gpt-5", messages=CHAT, response_format=type_)
    for parsed in (response.output_parsed, chat.choices[0].message.parsed):
        if type_ is Movie:
            assert set(parsed) == {"title", "kind", "cast"}
            assert isinstance(parsed["cast"][0], Person)
        else:
            assert isinstance(parsed, getattr(type_, "__origin__", type_))
    assert isinstance(response, oxide.types.responses.ParsedResponse)
    assert isinstance(chat, oxide.types.chat.ParsedChatCompletion)
    assert response._request_id


async def test_a_json_schema_gives_plain_values(way: Way, client: Any, server: MockServer) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    response = await client.responses.parse(model="gpt-5", input="Say hi", text_format=schema)
    assert response.output_parsed == json.loads(response.output_text)
    assert server.requests[0].json()["text"]["format"]["schema"]["required"] == ["n"]
    messages = [{"role": "user", "content": "Answer in JSON"}]
    chat = await client.chat.completions.parse(
        model="gpt-5", messages=messages, response_format={"type": "json_object"}
    )
    assert chat.choices[0].message.parsed is None
    assert server.requests[1].json()["response_format"] == {"type": "json_object"}


async def test_strict_tools_have_parsed_arguments(way: Way, client: Any) -> None:
    tool = oxide.pydantic_responses_function_tool(Circle, name="draw")
    response = await client.responses.parse(model="gpt-5", input="draw", tools=iter([tool]))
    assert isinstance(response.output[0].parsed_arguments, Circle)
    chat = await client.chat.completions.parse(
        model="gpt-5", messages=CHAT, tools=iter([oxide.pydantic_function_tool(Flat)])
    )
    assert isinstance(chat.choices[0].message.tool_calls[0].function.parsed_arguments, Flat)
    plain = {"type": "function", "name": "f", "strict": True, "parameters": tool["parameters"]}
    response = await client.responses.parse(model="gpt-5", input="draw", tools=[plain])
    assert response.output[0].parsed_arguments == json.loads(response.output[0].arguments)


async def test_a_refusal_is_not_parsed(way: Way, client: Any) -> None:
    response = await client.responses.parse(model="gpt-5", input="please refuse", text_format=Point)
    assert response.output_parsed is None
    assert response.output[0].content[0].refusal
    messages = [{"role": "user", "content": "please refuse"}]
    chat = await client.chat.completions.parse(model="gpt-5", messages=messages, response_format=Point)
    assert chat.choices[0].message.parsed is None
    assert chat.choices[0].message.refusal


@pytest.mark.parametrize(
    ("reason", "error"),
    [("max_output_tokens", oxide.LengthFinishReasonError), ("content_filter", oxide.ContentFilterFinishReasonError)],
)
async def test_a_response_that_was_cut_off(
    way: Way, client: Any, server: MockServer, reason: str, error: type[Any]
) -> None:
    cut = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    server.queue(answer('{"x": 1, "y', **cut))
    with pytest.raises(error) as caught:
        await client.responses.parse(model="gpt-5", input="x", text_format=Point)
    assert caught.value.completion.output_text == '{"x": 1, "y'
    # What is whole is parsed all the same.
    server.queue(answer('{"x": 1}', **cut))
    response = await client.responses.parse(model="gpt-5", input="x", text_format=Point)
    assert response.output_parsed == Point(x=1)


@pytest.mark.parametrize(
    ("reason", "error"),
    [("length", oxide.LengthFinishReasonError), ("content_filter", oxide.ContentFilterFinishReasonError)],
)
async def test_a_completion_that_was_cut_off(
    way: Way, client: Any, server: MockServer, reason: str, error: type[Any]
) -> None:
    server.queue(completion(said('{"x": 1}'), said('{"x": ', finish_reason=reason)))
    with pytest.raises(error) as caught:
        await client.chat.completions.parse(model="gpt-5", messages=CHAT, response_format=Point)
    assert [choice.message.content for choice in caught.value.completion.choices] == ['{"x": 1}', '{"x": ']
    assert "parsed" not in caught.value.completion.choices[0].message.to_dict()


@pytest.mark.parametrize(
    ("type_", "text", "path"),
    [
        (Point, "not JSON", ""),
        (Point, '{"x": -1}', "$.x"),
        (Person, '{"name": "a", "age": 1, "home": {"x": "1"}}', "$.home.x"),
        (Tree, "{", ""),
        (Tree, '{"value": 1, "children": [{"value": "x"}]}', "$.children[0].value"),
        ({"type": "object"}, "{", ""),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, '{"a": "1"}', "$.a"),
    ],
)
async def test_a_text_that_does_not_fit(
    way: Way, client: Any, server: MockServer, type_: Any, text: str, path: str
) -> None:
    server.queue(answer(text))
    with pytest.raises(oxide.StructuredOutputError) as caught:
        await client.responses.parse(model="gpt-5", input="x", text_format=type_)
    error = caught.value
    assert (error.text, error.path) == (text, path)
    assert error.body.output_text == text  # type: ignore[attr-defined]
    assert isinstance(error, oxide.APIResponseValidationError)
    assert isinstance(error, ValueError)
    cause = error.__cause__ and error.__cause__.__cause__
    assert isinstance(cause, pydantic.ValidationError if type_ is Tree else (msgspec.DecodeError, Misfit))
    server.queue(completion(said(text)))
    with pytest.raises(oxide.StructuredOutputError) as caught:
        await client.chat.completions.parse(model="gpt-5", messages=CHAT, response_format=type_)
    assert (caught.value.text, caught.value.path) == (text, path)


async def test_arguments_that_do_not_fit(way: Way, client: Any, server: MockServer) -> None:
    call = {"type": "function_call", "id": "f", "call_id": "c", "name": "Point", "arguments": '{"x": "1"}'}
    server.queue(Reply(json={"id": "r", "object": "response", "status": "completed", "output": [call]}))
    with pytest.raises(oxide.StructuredOutputError) as caught:
        await client.responses.parse(model="gpt-5", input="x", tools=[oxide.pydantic_responses_function_tool(Point)])
    assert (caught.value.text, caught.value.path) == ('{"x": "1"}', "$.x")


async def test_the_error_can_be_pickled(way: Way, client: Any, server: MockServer) -> None:
    server.queue(answer("no"))
    with pytest.raises(oxide.StructuredOutputError) as caught:
        await client.responses.parse(model="gpt-5", input="x", text_format={"type": "object"})
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.text, copy.path, str(copy)) == (caught.value.text, caught.value.path, str(caught.value))


async def test_what_was_parsed_is_not_sent_back(way: Way, client: Any, server: MockServer) -> None:
    tool = oxide.pydantic_responses_function_tool(Flat)
    for type_ in (Flat, Point):
        first = await client.responses.parse(model="gpt-5", input="Say hi", text_format=type_)
        called = await client.responses.parse(model="gpt-5", input="Say hi", tools=[tool])
        result = {"type": "function_call_output", "call_id": called.output[0].call_id, "output": "1"}
        await client.responses.create(model="gpt-5", input=[*first.output, *called.output, result])
        message, call, _ = server.requests[-1].json()["input"]
        assert message["content"][0]["text"] == first.output_text
        assert "parsed" not in message["content"][0]
        assert call["name"] == "Flat"
        assert "parsed_arguments" not in call
        assert "parsed" in first.to_dict()["output"][0]["content"][0]

        chat = await client.chat.completions.parse(
            model="gpt-5", messages=CHAT, response_format=type_, tools=[oxide.pydantic_function_tool(Flat)]
        )
        said = chat.choices[0].message
        results = [{"role": "tool", "tool_call_id": call.id, "content": "1"} for call in said.tool_calls]
        await client.chat.completions.create(model="gpt-5", messages=[*CHAT, said, *results])
        sent = server.requests[-1].json()["messages"][1]
        assert "parsed" not in sent
        assert set(sent["tool_calls"][0]["function"]) == {"name", "arguments"}


async def test_items_of_unknown_kinds_are_kept(way: Way, client: Any, server: MockServer) -> None:
    body = answer('{"x": 1}').json
    body["output"] += [{"type": "quantum_call", "depth": 1}]
    server.queue(Reply(json=body))
    response = await client.responses.parse(model="gpt-5", input="x", text_format=Point)
    assert response.output_parsed == Point(x=1)
    assert response.to_dict()["output"][1] == {"type": "quantum_call", "depth": 1}


async def test_the_raw_response_parses(way: Way, client: Any) -> None:
    raw = await client.responses.with_raw_response.parse(model="gpt-5", input="Say hi", text_format=Point)
    parsed = raw.parse() if way.is_sync is False else raw._wrapped.parse()
    assert isinstance(parsed.output_parsed, Point)


async def test_arguments_that_exclude_each_other(way: Way, client: Any, server: MockServer) -> None:
    update = {"type": "configuration_update", "text": {"format": {"type": "text"}}}
    other = {"type": "configuration_update", "text": {"format": {"type": "json_schema", "name": "x"}}}
    for arguments in (
        {"text_format": Point, "text": {"format": {"type": "text"}}},
        {"text_format": {"type": "json_object"}},
        {"text_format": Point, "stream": True},
        {"text_format": Point, "input": [update], "parse_as": Point},
        {"text_format": Point, "input": [other]},
        {"text_format": int},
        {"text_format": Point, "colour": 1},
    ):
        with pytest.raises(TypeError):
            await client.responses.parse(**{"model": "gpt-5", "input": "x", **arguments})
    for tool in ({"type": "custom", "custom": {"name": "x"}}, {"type": "function", "function": {"name": "x"}}):
        with pytest.raises(ValueError, match=r"parse takes|must be strict"):
            await client.chat.completions.parse(model="gpt-5", messages=CHAT, tools=[tool])
    with pytest.raises(TypeError, match="messages"):
        await client.chat.completions.parse(model="gpt-5")
    assert not server.requests


async def test_parse_as_decides_what_the_text_is_read_as(way: Way, client: Any, server: MockServer) -> None:
    response = await client.responses.parse(model="gpt-5", input="Say hi", text_format=Point, parse_as=None)
    assert response.output_parsed is None
    server.queue(answer('{"x": 7}'))
    response = await client.responses.parse(model="gpt-5", input="Say hi", parse_as=Point)
    assert response.output_parsed == Point(x=7)
    assert "text" not in server.requests[-1].json()


def test_the_chat_parameters_are_those_of_create() -> None:
    from oxide.helpers._chat_params import ChatParams
    from oxide.types.chat.completion_create_params import CompletionCreateParamsBase

    mine, theirs = set(ChatParams.__annotations__), set(CompletionCreateParamsBase.__annotations__)
    options = {"extra_headers", "extra_query", "extra_body", "timeout", "strict"}
    assert mine - options == theirs - {"response_format", "stream"}


def test_an_adapter_has_no_state_of_its_own() -> None:
    assert not vars(ResponseParsing())
