"""The moment at which a function call is complete, whatever order the pieces come in."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxide.core.codec import decoder
from oxide.core.streams.calls import ChatCalls, FunctionCall, ResponseCalls
from oxide.types.chat import ChatCompletionChunk
from oxide.types.responses import ResponseStreamEvent

from . import scripts
from .scripts import chunk, fragment, part

event_of = decoder(ResponseStreamEvent)
chunk_of = decoder(ChatCompletionChunk)


def calls_of(machine: Any, decode: Any, events: list[dict[str, Any]]) -> list[list[FunctionCall]]:
    """The calls that each event completes."""
    return [list(machine.receive(decode(json.dumps(event)))) for event in events]


def flat(calls: list[list[FunctionCall]]) -> list[FunctionCall]:
    return [call for each in calls for call in each]


arguments = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3).map(json.dumps)
pieces_of = st.lists(st.integers(0, 40), max_size=4)


def cut(text: str, places: list[int]) -> list[str]:
    """The text in pieces, some of them empty."""
    ends = sorted(min(place, len(text)) for place in places)
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]


def in_order(pieces: list[list[Any]], turns: bool) -> list[Any]:
    """All pieces, one call after the other or by turns."""
    if turns:
        return [each for turn in zip_longest(*pieces) for each in turn if each]
    return [each for call in pieces for each in call]


@given(st.lists(st.tuples(arguments, pieces_of), min_size=1, max_size=4), st.booleans(), st.booleans())
def test_each_call_of_a_response_is_handed_over_once_with_its_arguments_done(
    calls: list[tuple[str, list[int]]], turns: bool, says_done: bool
) -> None:
    script = scripts.ResponseScript()
    for index in range(len(calls)):
        script.begin(index, scripts.call(index))
    pieces = [[(index, piece) for piece in cut(text, places)] for index, (text, places) in enumerate(calls)]
    ordered = in_order(pieces, turns)
    for index, piece in ordered:
        scripts.arguments(script, index, piece)
    for index, (text, _) in enumerate(calls):
        scripts.arguments_done(script, index, text)
    events = script.end()
    if not says_done:
        events = [event for event in events if event["type"] != "response.function_call_arguments.done"]
    found = calls_of(ResponseCalls(), event_of, events)
    wanted = "response.function_call_arguments.done" if says_done else "response.output_item.done"
    assert [event["type"] for event, each in zip(events, found, strict=True) if each] == [wanted] * len(calls)
    assert [(call.index, call.call_id, call.name, call.arguments, call.item_id) for call in flat(found)] == [
        (index, f"call_{index}", "look_up", text, f"fc_{index}") for index, (text, _) in enumerate(calls)
    ]


def test_a_custom_tool_and_a_namespace() -> None:
    (call,) = flat(calls_of(ResponseCalls(), event_of, scripts.custom_tool()))
    assert call == FunctionCall(type="custom", name="shell", arguments="ls -la", call_id="call_0", item_id="ct_0")
    first, second = flat(calls_of(ResponseCalls(), event_of, scripts.parallel_calls()))
    assert (first.index, first.namespace, first.json()) == (2, "shop", {"q": [1, 2]})
    assert (second.index, second.namespace, second.json()) == (1, None, {"city": "Paris"})


def test_a_server_that_sends_only_the_whole() -> None:
    whole = {**scripts.call(0), "arguments": "{}", "status": "completed"}
    cut_off = {**scripts.call(1), "arguments": '{"a', "status": "incomplete"}
    script = scripts.ResponseScript()
    script.items = {0: whole, 1: cut_off}
    assert [call.call_id for call in flat(calls_of(ResponseCalls(), event_of, script.end()))] == ["call_0"]


def test_arguments_of_an_item_that_was_not_announced_wait_for_it() -> None:
    script = scripts.ResponseScript()
    script.items[0] = scripts.call(0)
    scripts.arguments_done(script, 0, "{}")
    found = calls_of(ResponseCalls(), event_of, script.end())
    assert [len(each) for each in found] == [0, 0, 1, 0]


@pytest.mark.parametrize("kind", sorted(set(scripts.RESPONSES) - {"parallel_calls", "custom_tool"}))
def test_other_streams_have_no_calls(kind: str) -> None:
    assert not flat(calls_of(ResponseCalls(), event_of, scripts.RESPONSES[kind]()))


@given(
    st.lists(st.tuples(arguments, pieces_of), min_size=1, max_size=4), st.booleans(), st.booleans(), st.integers(0, 1)
)
def test_each_call_of_a_chat_is_handed_over_once(
    calls: list[tuple[str, list[int]]], turns: bool, together: bool, choice: int
) -> None:
    pieces = [
        [fragment(index, "look_up"), *(fragment(index, text=piece) for piece in cut(text, places))]
        for index, (text, places) in enumerate(calls)
    ]
    ordered = in_order(pieces, turns)
    chunks = [chunk(part({"tool_calls": [each]}, choice)) for each in ordered]
    if together:
        chunks = [chunk(part({"tool_calls": ordered}, choice))]
    chunks.append(chunk(part({}, choice, finish="tool_calls")))
    chunks.append(chunk(usage=scripts.USAGE))
    found = calls_of(ChatCalls(), chunk_of, chunks)
    assert sorted((call.index, call.call_id, call.name, call.arguments, call.choice) for call in flat(found)) == [
        (index, f"call_{index}", "look_up", text, choice) for index, (text, _) in enumerate(calls)
    ]
    if not turns and not together:
        # Each but the last as soon as the next one begins.
        begins = [number for number, each in enumerate(ordered) if "id" in each][1:]
        assert [number for number, each in enumerate(found) if each] == [*begins, len(ordered)]


def test_a_call_that_was_cut_off_is_none() -> None:
    chunks = [chunk(part({"tool_calls": [each]})) for each in (fragment(0, "f", "{}"), fragment(1, "f", '{"a'))]
    for reason, wanted in (("length", [0]), ("content_filter", [0]), ("tool_calls", [0, 1])):
        found = flat(calls_of(ChatCalls(), chunk_of, [*chunks, chunk(part({}, finish=reason))]))
        assert [call.index for call in found] == wanted


def test_what_other_servers_do() -> None:
    """The id and name with every piece; no index; the end in the same chunk; no end at all."""
    again = [
        {"index": 0, "id": "call_0", "type": "function", "function": {"name": "f", "arguments": piece}}
        for piece in ('{"a"', ": 1}")
    ]
    found = flat(calls_of(ChatCalls(), chunk_of, [chunk(part({"tool_calls": again}, finish="stop"))]))
    assert [(call.name, call.call_id, call.arguments) for call in found] == [("f", "call_0", '{"a": 1}')]
    unnumbered = [{"id": name, "function": {"name": name, "arguments": "{}"}} for name in ("a", "b")]
    machine = ChatCalls()
    found = flat(calls_of(machine, chunk_of, [chunk(part({"tool_calls": [each]})) for each in unnumbered]))
    assert [(call.index, call.name) for call in found] == [(0, "a")]
    assert [(call.index, call.name) for call in machine.receive_eof()] == [(1, "b")]


def test_a_custom_tool_of_a_chat() -> None:
    (call,) = flat(calls_of(ChatCalls(), chunk_of, scripts.chat_custom_tool()))
    assert call == FunctionCall(type="custom", name="shell", arguments="ls", call_id="call_0")
