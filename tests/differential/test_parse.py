"""`parse` on both SDKs: the same request, and the same objects out of the same answer."""

from __future__ import annotations

import sys
from typing import Any, Optional

import pydantic
import pytest

from ..structured.models import MODELS, Data, Flat, Inner, Nested
from .recorder import Answer
from .sides import Sides

MESSAGES: Any = [{"role": "user", "content": "x"}]
INNER = '{"x": 1, "y": "two"}'
NESTED = '{"inner": {"x": 1}, "others": [{"x": 2, "y": null}], "by_name": {"a": {"x": 3}}}'
DICT_TOOL = {"type": "function", "name": "plain", "strict": True, "parameters": {"type": "object", "properties": {}}}


class Aliased(pydantic.BaseModel):
    the_x: int = pydantic.Field(alias="theX")
    y: Optional[int] = None


def sdk(client: Any) -> Any:
    """The module that a client is of."""
    return sys.modules[type(client).__module__.partition(".")[0]]


def text(value: str, **more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": value, "annotations": []}
    return {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part], **more}


def call(name: str, arguments: str, **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "id": "f", "call_id": "c", "name": name, "arguments": arguments, **more}


def response(*output: dict[str, Any], **more: Any) -> Answer:
    return Answer(
        body={"id": "r", "object": "response", "status": "completed", "model": "m", "output": [*output], **more}
    )


def choice(content: str | None, calls: Any = None, **more: Any) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
    if calls is not None:
        message["tool_calls"] = calls
    return {"index": 0, "finish_reason": "stop", "logprobs": None, "message": message, **more}


def completion(*choices: dict[str, Any]) -> Answer:
    return Answer(body={"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [*choices]})


def function(name: str, arguments: str) -> dict[str, Any]:
    return {"id": "t", "type": "function", "function": {"name": name, "arguments": arguments}}


REFUSED = {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
REASONING = {"type": "reasoning", "id": "rs", "summary": []}

RESPONSES = [
    (Inner, [text(INNER)]),
    (Nested, [REASONING, text(NESTED)]),
    (Data, [text('{"a": 1, "b": {"x": 1}}')]),
    (Aliased, [text('{"theX": 1}')]),
    (Inner, [REFUSED]),
    (Inner, []),
    (Inner, [text("on my way", phase="commentary"), text(INNER, phase="final_answer")]),
    (Inner, [text(INNER), text('{"x": 2}')]),
    (None, [text("plain")]),
    (None, [call("Inner", INNER), call("plain", '{"a": [1, 2.5, null]}'), call("other", "{}")]),
    (None, [call("nested", INNER, namespace="space"), call("Inner", INNER, namespace="Inner"), call("nested", INNER)]),
]


@pytest.mark.parametrize(("type_", "output"), RESPONSES)
def test_responses(sides: Sides, type_: Any, output: Any) -> None:
    def parse(client: Any) -> Any:
        tool = sdk(client).pydantic_responses_function_tool
        space = {"type": "namespace", "name": "space", "description": "d", "tools": [tool(Inner, name="nested")]}
        arguments = {} if type_ is None else {"text_format": type_}
        return client.responses.parse(
            model="m", input="x", tools=[tool(Inner), DICT_TOOL, space], text={"verbosity": "low"}, **arguments
        )

    for theirs, mine in sides.same(parse, answers=lambda: (response(*output),)):
        assert theirs.error is None
        assert mine.error is None
        assert mine.result.to_dict() == theirs.result.to_dict(warnings=False)
        assert mine.result.output_text == theirs.result.output_text
        assert mine.result.output_parsed == theirs.result.output_parsed
        for there, here in zip(theirs.result.output, mine.result.output, strict=True):
            if there.type == "function_call":
                assert here.parsed_arguments == there.parsed_arguments


COMPLETIONS = [
    (Inner, [choice(INNER)]),
    (Nested, [choice(NESTED), choice(NESTED)]),
    (Data, [choice('{"a": 1}')]),
    (Inner, [choice(None)]),
    (Inner, [choice("")]),
    (None, [choice("plain")]),
    ({"type": "json_object"}, [choice("{}")]),
    (Inner, [choice(None, [function("Inner", INNER), function("plain", '{"a": 1}'), function("other", "{}")])]),
    (None, [choice(None, [])]),
]


@pytest.mark.parametrize(("type_", "choices"), COMPLETIONS)
def test_chat_completions(sides: Sides, type_: Any, choices: Any) -> None:
    def parse(client: Any) -> Any:
        plain = {"type": "function", "function": {k: v for k, v in DICT_TOOL.items() if k != "type"}}
        arguments = {} if type_ is None else {"response_format": type_}
        return client.chat.completions.parse(
            model="m", messages=MESSAGES, tools=[sdk(client).pydantic_function_tool(Inner), plain], **arguments
        )

    for theirs, mine in sides.same(parse, answers=lambda: (completion(*choices),)):
        assert theirs.error is None
        assert mine.error is None
        assert mine.result.to_dict() == theirs.result.to_dict(warnings=False)
        for there, here in zip(theirs.result.choices, mine.result.choices, strict=True):
            assert here.message.parsed == there.message.parsed
            for one, other in zip(there.message.tool_calls or (), here.message.tool_calls or (), strict=True):
                assert other.function.parsed_arguments == one.function.parsed_arguments


@pytest.mark.parametrize(
    "model", [model for model in MODELS if "[" not in model.__name__], ids=lambda model: model.__name__
)
def test_requests(sides: Sides, model: Any) -> None:
    empty = (response(),)
    for theirs, mine in sides.same(
        lambda client: client.responses.parse(model="m", input="x", text_format=model), answers=lambda: empty
    ):
        assert mine.error is theirs.error is None
    sides.same(
        lambda client: client.chat.completions.parse(model="m", messages=MESSAGES, response_format=model),
        answers=lambda: (completion(),),
    )


@pytest.mark.parametrize(
    ("reason", "name"),
    [("length", "LengthFinishReasonError"), ("content_filter", "ContentFilterFinishReasonError")],
)
def test_cut_off(sides: Sides, reason: str, name: str) -> None:
    for theirs, mine in sides.same(
        lambda client: client.chat.completions.parse(model="m", messages=MESSAGES, response_format=Flat),
        answers=lambda: (completion(choice('{"a', finish_reason=reason)),),
    ):
        assert type(theirs.error).__name__ == type(mine.error).__name__ == name
        assert mine.error.completion.to_dict() == theirs.error.completion.to_dict()  # type: ignore[union-attr]


@pytest.mark.parametrize("body", ["{", '{"x": "no"}'])
def test_what_does_not_fit_is_a_value_error_on_both(sides: Sides, body: str) -> None:
    for theirs, mine in sides.same(
        lambda client: client.responses.parse(model="m", input="x", text_format=Inner),
        answers=lambda: (response(text(body)),),
    ):
        assert isinstance(theirs.error, ValueError)
        assert isinstance(mine.error, ValueError)
        # The official error is the cause of ours.
        cause = mine.error.__cause__.__cause__  # type: ignore[union-attr]
        assert type(cause) is type(theirs.error)
        assert str(cause) == str(theirs.error)


def test_what_is_sent_back(sides: Sides) -> None:
    async def again(client: Any, first: Any) -> Any:
        return await client.responses.create(model="m", input=(await first).output)

    def parse(client: Any) -> Any:
        tool = sdk(client).pydantic_responses_function_tool(Inner)
        first = client.responses.parse(model="m", input="x", text_format=Inner, tools=[tool])
        if hasattr(first, "__await__"):
            return again(client, first)
        return client.responses.create(model="m", input=first.output)

    for theirs, mine in sides.same(
        parse, answers=lambda: (response(text(INNER), call("Inner", INNER)), response(text("done")))
    ):
        assert mine.error is theirs.error is None
        assert "parsed" not in str(mine.sent[1].json)


def test_formats_as_parameters() -> None:
    import openai.lib
    import pydantic

    import oxide.lib

    class Event(pydantic.BaseModel):
        name: str
        days: list[int]

    for value in (Event, {"type": "text"}):
        theirs = openai.lib.type_to_response_format_param(value)
        assert oxide.lib.type_to_response_format_param(value) == theirs
    assert oxide.lib.type_to_response_format_param(oxide.omit) is oxide.omit
