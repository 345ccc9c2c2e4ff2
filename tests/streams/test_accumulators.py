"""The accumulators, event by event beside the official SDK's."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import openai
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import omit
from openai._models import construct_type
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.lib.streaming.responses import ResponseStreamState
from openai.types.chat import ChatCompletionChunk as OfficialChunk
from openai.types.responses import ResponseStreamEvent as OfficialEvent

import oxide
from oxide.core.codec import decoder, encode
from oxide.core.streams.chat import ChatAccumulator
from oxide.core.streams.deltas import merge, plain
from oxide.core.streams.partial_json import parse_partial
from oxide.core.streams.response_events import ResponseStreamEvent
from oxide.core.streams.responses import ResponseAccumulator
from oxide.core.structured import format_of
from oxide.types.chat import ChatCompletionChunk
from oxide.types.responses import ResponseStreamEvent as PlainEvent

from . import scripts
from .compare import assert_same_stream_object
from .scripts import chunk, fragment, part

# Values that it did not declare, which unknown items are to it.
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")

event_of = decoder(ResponseStreamEvent)
plain_event_of = decoder(PlainEvent)
chunk_of = decoder(ChatCompletionChunk)


def feed(receive: Any, objects: list[Any]) -> None:
    for each in objects:
        receive(each)


class Person(pydantic.BaseModel):
    name: str
    age: int
    tags: list[str] = []


def responses(
    events: list[dict[str, Any]], decode: Any = event_of, text_format: Any = None, tools: Any = None
) -> tuple[Any, Any]:
    """Both SDKs' accumulators after all events, which were compared."""
    official = ResponseStreamState(input_tools=tools or omit, text_format=text_format or omit)
    mine = ResponseAccumulator(format=text_format and format_of(text_format), tools=tools)
    for event in events:
        theirs = official.handle_event(construct_type(type_=OfficialEvent, value=json.loads(json.dumps(event))))
        ours = mine.receive(decode(json.dumps(event)))
        assert len(theirs) == (ours is not None)
        if theirs:
            assert_same_stream_object(theirs[0], ours)
    return official, mine


@pytest.mark.parametrize("decode", [event_of, plain_event_of], ids=["ready", "plain"])
@pytest.mark.parametrize("kind", scripts.RESPONSES)
def test_responses(kind: str, decode: Any) -> None:
    official, mine = responses(scripts.RESPONSES[kind](), decode)
    mine.finish()
    if official._completed_response is not None:
        assert_same_stream_object(official._completed_response, mine.final())
        assert mine.snapshot is mine.completed
    else:
        with pytest.raises(oxide.OpenAIError) as caught:
            mine.final()
        assert isinstance(caught.value, RuntimeError)


def test_every_snapshot_of_a_response_is_what_came() -> None:
    """Everything that is written piece by piece is in the snapshot at its place, before the item is done."""
    seen = []
    for kind in ("reasoning", "refusal", "custom_tool", "code_interpreter", "mcp", "parallel_calls", "text"):
        mine = ResponseAccumulator()
        for event in scripts.RESPONSES[kind]():
            if event["type"] in ("response.output_item.done", "response.completed"):
                # The item that comes is what had been put together, where it was announced with all its fields.
                seen.append((mine.snapshot, event))
            mine.receive(event_of(json.dumps(event)))
    for snapshot, event in seen:
        if event["type"] == "response.output_item.done":
            item = next(each for each in snapshot.output if each.id == event["item"]["id"])
            for name in ("arguments", "input", "code", "summary"):
                if name in event["item"]:
                    assert item.to_dict()[name] == event["item"][name]
            texts = [each.get("text", each.get("refusal")) for each in event["item"].get("content", ())]
            assert [each.get("text", each.get("refusal")) for each in item.to_dict().get("content", ())] == texts


def test_a_snapshot_is_the_text_so_far_whenever_it_is_read() -> None:
    mine = ResponseAccumulator()
    events = [mine.receive(event_of(json.dumps(each))) for each in scripts.text()]
    deltas = [each for each in events if each.type == "response.output_text.delta"]
    wanted = ["Hel", "Hello", "Hello 🐍", "Hello 🐍", "Hello 🐍!"]
    assert [each.snapshot for each in reversed(deltas)] == wanted[::-1]
    assert msgspec.json.decode(encode(deltas))[2]["snapshot"] == wanted[2]


def test_a_structured_output_is_parsed_when_its_text_is_done() -> None:
    script = scripts.ResponseScript()
    scripts.message(script, 0, ['{"name": "A', 'da", "a', 'ge": 36}'], phase="final_answer")
    tool = oxide.pydantic_function_tool(Person, name="look_up")["function"]
    plain_tool = {**tool, "type": "function", "strict": True}
    script.begin(1, scripts.call(1))
    scripts.arguments(script, 1, '{"name": "Bob", "ag')
    scripts.arguments_done(script, 1, '{"name": "Bob", "age": 1}')
    _, mine = responses(script.end(), text_format=Person, tools=[plain_tool])
    assert mine.final().output_parsed == Person(name="Ada", age=36)
    assert mine.final().output[1].parsed_arguments == {"name": "Bob", "age": 1}


def test_the_json_so_far() -> None:
    script = scripts.ResponseScript()
    scripts.message(script, 0, ['{"name": "A', 'da", "a', 'ge": 36}'])
    mine = ResponseAccumulator()
    events = [mine.receive(event_of(json.dumps(each))) for each in script.end()]
    parsed = [each.parsed for each in events if each.type == "response.output_text.delta"]
    assert parsed == [{}, {"name": "Ada"}, {"name": "Ada", "age": 36}]


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("max_output_tokens", oxide.LengthFinishReasonError),
        ("content_filter", oxide.ContentFilterFinishReasonError),
        (None, oxide.StructuredOutputError),
    ],
)
def test_a_text_that_does_not_fit(reason: str | None, error: type[Exception]) -> None:
    script = scripts.ResponseScript()
    scripts.message(script, 0, ['{"na'])
    *events, last = script.end("incomplete", incomplete_details={"reason": reason}) if reason else script.end()
    mine = ResponseAccumulator(format=format_of(Person))
    for event in events:
        mine.receive(event_of(json.dumps(event)))
    with pytest.raises(error) as caught:
        mine.receive(event_of(json.dumps(last)))
    response = getattr(caught.value, "completion", None) or getattr(caught.value, "body", None)
    assert response.output_text == '{"na'
    assert getattr(caught.value, "text", '{"na') == '{"na'


@pytest.mark.parametrize("end", range(1, len(scripts.text())))
def test_a_stream_that_ends_early(end: int) -> None:
    mine = ResponseAccumulator()
    for event in scripts.text()[:end]:
        mine.receive(event_of(json.dumps(event)))
    with pytest.raises(oxide.StreamEndedError) as caught:
        mine.finish()
    assert "Hello 🐍!".startswith(caught.value.snapshot.output_text)
    with pytest.raises(oxide.StreamEndedError):
        mine.final()


def _replaced(number: int, **fields: Any) -> list[dict[str, Any]]:
    events = scripts.text()
    events[number] = {**events[number], **fields}
    return events


@pytest.mark.parametrize(
    "events",
    [
        scripts.text()[1:][1:],  # nothing created
        [*scripts.text()[:3], *scripts.text()[2:]],  # an item twice
        [each for each in scripts.text() if each["type"] != "response.output_item.added"],
        _replaced(-1, response={**scripts.text()[-1]["response"], "id": "resp_2"}),
        _replaced(-2, item={**scripts.text()[-2]["item"], "id": "msg_other"}),
        [*scripts.text()[:3], scripts.text()[-1] | {"response": scripts.text()[0]["response"]}],
        [{"type": "response.created", "sequence_number": 0, "response": 3}],
        [scripts.text()[0], {"type": "response.output_item.added", "item": 3}],
    ],
)
def test_events_that_do_not_fit(events: list[dict[str, Any]]) -> None:
    official = ResponseStreamState(input_tools=omit, text_format=omit)
    raw = [construct_type(type_=OfficialEvent, value=json.loads(json.dumps(event))) for event in events]
    with pytest.raises((RuntimeError, AttributeError, AssertionError)):
        feed(official.handle_event, raw)
    mine = ResponseAccumulator()
    with pytest.raises(oxide.StreamOrderError):
        feed(mine.receive, [event_of(json.dumps(event)) for event in events])


# --- chat ----------------------------------------------------------------------------------------------------------------


def chats(chunks: list[dict[str, Any]], response_format: Any = None, tools: Any = None) -> tuple[Any, Any]:
    """Both SDKs' accumulators after all chunks, which were compared."""
    official = ChatCompletionStreamState(input_tools=tools or omit, response_format=response_format or omit)
    mine = ChatAccumulator(format=response_format and format_of(response_format), tools=tools)
    for each in chunks:
        events = mine.receive(chunk_of(json.dumps(each)))
        if each["object"] != "chat.completion.chunk":
            # Their state is not asked about such.
            assert not events
            continue
        theirs = list(official.handle_chunk(construct_type(type_=OfficialChunk, value=json.loads(json.dumps(each)))))
        assert [event.type for event in events] == [event.type for event in theirs]
        for there, here in zip(theirs, events, strict=True):
            assert_same_stream_object(there, here)
    return official, mine


@pytest.mark.parametrize("kind", scripts.CHATS)
def test_chats(kind: str) -> None:
    official, mine = chats(scripts.CHATS[kind]())
    mine.finish()
    if kind == "chat_custom_tool":
        # The official SDK fails at these; we leave them out, as `parse` does.
        assert mine.final().choices[0].message.tool_calls is None
        assert mine.snapshot.choices[0].message.tool_calls[0].custom["input"] == "ls"
        return
    if kind in ("chat_cut_off", "chat_filtered"):
        with pytest.raises(openai.OpenAIError) as theirs:
            official.get_final_completion()
        with pytest.raises(oxide.OpenAIError) as ours:
            mine.final()
        assert type(ours.value).__name__ == type(theirs.value).__name__
        return
    final = official.get_final_completion()
    assert_same_stream_object(final, mine.final())
    assert final.to_dict() == mine.final().to_dict()


def test_a_structured_output_and_strict_tools_of_a_chat() -> None:
    _, mine = chats(scripts.chat_json(), Person)
    assert mine.final().choices[0].message.parsed == Person(name="Ada", age=36, tags=["x", "y"])
    function = {"name": "look_up", "strict": True, "parameters": {"type": "object"}}
    _, mine = chats(scripts.chat_calls(), tools=[{"type": "function", "function": function}])
    assert [call.function.parsed_arguments["city"] for call in mine.final().choices[0].message.tool_calls] == [
        "Paris",
        "Rome",
    ]
    chats(scripts.chat_text_then_call(), tools=[{"type": "function", "function": function}])
    chats(scripts.chat_refusal(), Person)


def test_an_empty_refusal_is_none() -> None:
    chunks = [scripts._start(refusal=""), *scripts.chat_json()[1:]]
    _, mine = chats(chunks, Person)
    assert mine.final().choices[0].message.parsed.name == "Ada"


@pytest.mark.parametrize("kind", ["chat_cut_off", "chat_filtered"])
def test_a_chat_that_was_cut_off_and_is_to_be_parsed(kind: str) -> None:
    wanted = {"chat_cut_off": oxide.LengthFinishReasonError, "chat_filtered": oxide.ContentFilterFinishReasonError}
    mine = ChatAccumulator(format=format_of(Person))
    with pytest.raises(wanted[kind]) as caught:
        feed(mine.receive, [chunk_of(json.dumps(each)) for each in scripts.CHATS[kind]()])
    assert caught.value.completion.choices[0].message.content.startswith('{"na')


def test_content_that_does_not_fit() -> None:
    chunks = [chunk(part({"content": piece})) for piece in ("{}", "")] + [chunk(part({}, finish="stop"))]
    mine = ChatAccumulator(format=format_of(Person))
    with pytest.raises(oxide.StructuredOutputError) as caught:
        feed(mine.receive, [chunk_of(json.dumps(each)) for each in chunks])
    assert caught.value.text == "{}"
    assert caught.value.body.choices[0].message.content == "{}"


def test_choices_and_calls_in_any_order() -> None:
    """The official SDK fails at most of these."""
    chunks = [
        chunk(part({"content": "x"}, 1)),
        chunk(part({"content": "a"}, 0), part({"content": "y"}, 1)),
        chunk(part({"tool_calls": [fragment(3, "later", "{}"), fragment(1, "f", '{"a"')]}, 0)),
        chunk(part({"tool_calls": [fragment(1, text=": 1}")]}, 0, finish="tool_calls")),
        chunk(part({"content": "z"}, 1, finish="stop")),
        chunk(usage=scripts.USAGE),
    ]
    mine = ChatAccumulator()
    events = [event for each in chunks for event in mine.receive(chunk_of(json.dumps(each)))]
    mine.finish()
    final = mine.final()
    assert [choice.message.content for choice in final.choices] == ["a", "xyz"]
    calls = final.choices[0].message.tool_calls
    assert [(call.id, call.function.arguments) for call in calls] == [("call_1", '{"a": 1}'), ("call_3", "{}")]
    done = [(each.index, each.arguments) for each in events if each.type == "tool_calls.function.arguments.done"]
    assert sorted(done) == [(1, '{"a": 1}'), (3, "{}")]
    assert final.usage.total_tokens == 8


def test_a_chat_that_ends_early() -> None:
    mine = ChatAccumulator()
    with pytest.raises(oxide.StreamEndedError):
        mine.finish(done=True)
    for each in scripts.chat_text()[:2]:
        mine.receive(chunk_of(json.dumps(each)))
    with pytest.raises(oxide.StreamEndedError) as caught:
        mine.finish()
    assert caught.value.snapshot.choices[0].message.content == "Hel"
    # A server may leave the reason out, and say that it is done.
    mine.finish(done=True)


def test_chunks_that_are_none() -> None:
    for data in ("[]", '{"object": "chat.completion.chunk", "choices": [3]}', "3"):
        with pytest.raises(oxide.StreamOrderError):
            ChatAccumulator().receive(chunk_of(data))


@given(st.lists(st.text(max_size=3), max_size=12), st.lists(st.integers(0, 11), max_size=12))
def test_texts_come_to_the_same_in_any_pieces(pieces: list[str], reads: list[int]) -> None:
    """Whichever snapshots are read along the way."""
    chunks = [chunk(part({"content": piece})) for piece in pieces] + [chunk(part({}, finish="stop"))]
    mine = ChatAccumulator()
    held = []
    for number, each in enumerate(chunks):
        for event in mine.receive(chunk_of(json.dumps(each))):
            if event.type == "content.delta":
                held.append((event, "".join(pieces[: number + 1])))
                if number in reads:
                    assert event.snapshot == held[-1][1]
    for event, wanted in held:
        assert event.snapshot == wanted
    assert (mine.final().choices[0].message.content or "") == "".join(pieces)


# --- what they are made of -----------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, width=16)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.data())
def test_partial_json_is_what_jiter_makes_of_it(value: Any, data: Any) -> None:
    from jiter import from_json

    text = json.dumps(value, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 1])))
    text = text[: data.draw(st.integers(0, len(text)))]
    try:
        wanted = from_json(text.encode(), partial_mode=True)
    except ValueError:
        wanted = None
    assert parse_partial(text) == wanted


@pytest.mark.parametrize("text", ["Hello", "{]", '{"a" 1}', "[,,", "nothing", '{"a": tru1, "b"'])
def test_what_is_not_json_has_no_value(text: str) -> None:
    assert parse_partial(text) in (None, {}, [])


@given(st.lists(st.tuples(st.integers(0, 3), st.text(max_size=3)), max_size=10))
def test_entries_with_an_index_are_merged(fragments: list[tuple[int, str]]) -> None:
    target: dict[str, Any] = {}
    for index, text in fragments:
        merge(target, {"calls": [{"index": index, "function": {"text": text}}]})
    wanted = {index: "".join(text for at, text in fragments if at == index) for index, _ in fragments}
    assert plain(target).get("calls", []) == [
        {"index": index, "function": {"text": wanted[index]}} for index in sorted(wanted)
    ]
