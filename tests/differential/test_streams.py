"""Streams: the same bytes give the same events, or the same error at the same place."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent

import oxide

from .compare import assert_same
from .generate import Generator, members
from .recorder import SSE, Answer, events
from .sides import Outcome, Sides


def respond(client: Any) -> Any:
    return client.responses.create(model="m", input="x", stream=True)


def chat(client: Any) -> Any:
    return client.chat.completions.create(model="m", messages=[], stream=True)


def collect(sides: Sides, answer: Answer, call: Any = respond) -> list[tuple[list[Any], list[Any], Any, Any]]:
    """The items until the end or an error, and the error, on both SDKs; each way."""
    results = []
    for official, ours in sides.pairs:
        outcome: list[Any] = []
        for side in (official, ours):
            items: list[Any] = []
            stream = side.call(_raw(call), answers=(answer,)).result
            drained: Outcome = side.call(
                lambda _, side=side, stream=stream, items=items: side.drain(_into(stream, items))
            )
            outcome += [items, drained.error]
        theirs, their_error, mine, my_error = outcome
        results.append((theirs, mine, their_error, my_error))
        assert_same(theirs, mine)
    return results


def _raw(call: Any) -> Any:
    # Held by a list, so that it is not read to its end at once.
    def wrapped(client: Any) -> Any:
        stream = call(client)
        if hasattr(stream, "__await__"):

            async def later() -> list[Any]:
                return [await stream]

            return later()
        return [stream]

    return wrapped


def _into(holder: list[Any], items: list[Any]) -> Any:
    [stream] = holder
    if hasattr(stream, "__aiter__"):

        async def asynchronous() -> Any:
            async for item in stream:
                items.append(item)
                yield item

        return asynchronous()

    def synchronous() -> Any:
        for item in stream:
            items.append(item)
            yield item

    return synchronous()


def test_every_kind_of_event(sides: Sides) -> None:
    for extra in (None, lambda cls: {"new_field": {"a": [1]}}):
        values = Generator(extra=extra)
        data = [values.value(member) for member in members(ResponseStreamEvent)]
        for theirs, mine, their_error, my_error in collect(sides, events(*data, "[DONE]")):
            assert their_error is my_error is None
            assert len(mine) == len(theirs) == len(data)
            assert [event.to_dict() for event in mine] == data


def test_chunks(sides: Sides) -> None:
    values = Generator()
    data = [values.value(ChatCompletionChunk) for _ in range(5)]
    for _, mine, their_error, my_error in collect(sides, events(*data, "[DONE]"), chat):
        assert their_error is my_error is None
        assert [event.to_dict() for event in mine] == data


CREATED = {"type": "response.created", "sequence_number": 0, "response": {"id": "r", "output": []}}
DELTA = {"type": "response.output_text.delta", "sequence_number": 1, "delta": "hi", "item_id": "i"}

BODIES: dict[str, str] = {
    "nothing": "",
    "only done": "data: [DONE]\n\n",
    "no done": f"data: {json.dumps(DELTA)}\n\n",
    "no blank line at the end": f"data: {json.dumps(CREATED)}\n\ndata: {json.dumps(DELTA)}\n",
    "more after done": f"data: [DONE]\n\ndata: {json.dumps(DELTA)}\n\n",
    "done with a tail": f"data: {json.dumps(DELTA)}\n\ndata: [DONE] and more\n\n",
    "comments": f": hello\n\n:\n\ndata: {json.dumps(DELTA)}\n: in between\n\n",
    "crlf": f"event: x\r\ndata: {json.dumps(DELTA)}\r\n\r\ndata: [DONE]\r\n\r\n",
    "cr": f"data: {json.dumps(DELTA)}\r\rdata: [DONE]\r\r",
    "several data lines": 'data: {"type": "response.output_text.delta",\ndata: "delta": "x"}\n\n',
    "no space": f"data:{json.dumps(DELTA)}\n\n",
    "ids and retry": f"id: 7\nretry: 5\ndata: {json.dumps(DELTA)}\n\n",
    "unknown fields": f"foo: bar\ndata: {json.dumps(DELTA)}\nbaz\n\n",
    "unknown kind of event": 'event: new.kind\ndata: {"type": "new.kind", "a": {"b": 1}}\n\n',
    "line separators": 'data: {"type": "response.output_text.delta", "delta": "a\u2028b\u2029c\u0085d"}\n\n',
}


@pytest.mark.parametrize("name", BODIES)
def test_framing(sides: Sides, name: str) -> None:
    for theirs, mine, their_error, my_error in collect(sides, Answer(200, BODIES[name], type=SSE)):
        assert [event.to_dict() for event in mine] == [event.to_dict() for event in theirs]
        assert type(my_error) is type(their_error) is type(None)


@pytest.mark.parametrize("before", ["event: ping\n\n", "\ufeff"], ids=["an event without data", "byte order mark"])
def test_framing_as_the_standard_has_it(sides: Sides, before: str) -> None:
    """On purpose: the official SDK fails at an event without data, and misses what comes after a byte order mark."""
    answer = Answer(200, f"{before}data: {json.dumps(DELTA)}\n\n", type=SSE)
    assert [event.delta for event in sides.oxide.call(respond, answers=(answer,)).result] == ["hi"]


ERRORS: dict[str, Answer] = {
    "object": events(CREATED, {"error": {"message": "broken", "code": "c", "param": "p", "type": "t"}}, DELTA),
    "named": events(CREATED, {"error": {"message": "broken", "code": 5}}, names=["x", "error"]),
    "named, and flat": events(CREATED, {"type": "error", "message": "flat", "code": "c"}, names=["x", "error"]),
    "typed, and flat": events({"type": "error", "message": "flat", "code": "c", "param": None, "sequence_number": 1}),
    "text": events(CREATED, {"error": "broken"}),
    "without a message": events({"error": {"code": "c"}}),
    "message is no text": events({"error": {"message": {"a": 1}}}),
    "message is empty": events({"error": {"message": ""}}),
    "null": events({**DELTA, "error": None}, DELTA),
    "empty": events({**DELTA, "error": {}}, {**DELTA, "error": ""}, {**DELTA, "error": []}, DELTA),
    "number": events({"error": 5}),
    "true": events({"error": True}),
    "further down": events({**CREATED, "response": {"id": "r", "error": {"message": "inner"}}}, DELTA),
    "in the text": events({**DELTA, "delta": '"error"'}, DELTA),
}


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("call", [respond, chat])
def test_errors_in_streams(sides: Sides, name: str, call: Any) -> None:
    for theirs, mine, their_error, my_error in collect(sides, ERRORS[name], call):
        assert len(mine) == len(theirs)
        assert type(my_error).__name__ == type(their_error).__name__
        if their_error is None:
            continue
        if name not in ("without a message", "message is no text", "message is empty", "number", "true", "text"):
            assert str(my_error) == str(their_error)
        assert my_error.body == their_error.body
        for attribute in ("code", "param", "type"):
            assert getattr(my_error, attribute) == getattr(their_error, attribute)


def test_errors_in_the_assistants_events_are_data(sides: Sides) -> None:
    for _, mine, their_error, my_error in collect(
        sides, events({"error": {"message": "m"}}, names=["thread.run.failed"]), chat
    ):
        assert their_error is my_error is None
        assert (mine[0].event, mine[0].data) == ("thread.run.failed", {"error": {"message": "m"}})


def test_the_text_of_an_error_without_a_message(sides: Sides) -> None:
    """On purpose: an error that is a text is the message; where there is none, our own words say so."""
    for error, message in (("broken", "broken"), ({"code": "c"}, "the stream carried an error event")):
        [result, *_] = collect(sides, events({"error": error}))
        assert str(result[3]) == message


@pytest.mark.parametrize("data", ["not JSON", "{", '{"a": 1} trailing', "", "\ufffd", "{'a': 1}"])
def test_data_that_is_not_json(sides: Sides, data: str) -> None:
    """On purpose an `APIResponseValidationError`, which says what came and after how much: `JSONDecodeError` there."""
    for _, mine, their_error, my_error in collect(sides, events(DELTA, data, DELTA)):
        if their_error is None:
            assert my_error is None
            continue
        assert type(their_error) is json.JSONDecodeError
        assert type(my_error) is oxide.APIResponseValidationError
        assert isinstance(my_error, oxide.APIError)
        assert len(mine) == 1
        assert "event 2" in str(my_error)
        assert my_error.body == data


@pytest.mark.parametrize("data", ["5", '"text"', "null", "[1, 2]", "true"])
def test_data_that_is_no_object(sides: Sides, data: str) -> None:
    for theirs, mine, their_error, my_error in collect(sides, events(data, DELTA)):
        assert their_error is my_error is None
        assert mine[0] == theirs[0]


def test_a_stream_is_an_iterator_and_a_context_manager(sides: Sides) -> None:
    for side in (sides.official, sides.oxide):
        [stream] = side.call(_raw(respond), answers=(events(CREATED, DELTA, DELTA, "[DONE]"),)).result
        assert isinstance(stream, side.module.Stream)
        assert next(stream).type == "response.created"
        with stream as same:
            assert same is stream
            assert [event.delta for event in stream] == ["hi", "hi"]
        assert list(stream) == []
        assert stream.response.status_code == 200
        stream.close()


def test_left_early(sides: Sides) -> None:
    for side in sides.all:
        [stream] = side.call(_raw(respond), answers=(events(CREATED, DELTA, "[DONE]"),)).result
        side.wait(stream.close())
        assert stream.response.is_closed


def test_openai_and_oxide_have_the_same_stream_classes() -> None:
    for module in (openai, oxide):
        assert {"Stream", "AsyncStream"} <= set(module.__all__)
