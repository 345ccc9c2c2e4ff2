"""Every streaming event type: that it comes, in which order, and that the official SDK's types accept it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import pytest
from openai import OpenAI
from openai.types.responses import ResponseStreamEvent

from oxide.testing import MockServer

MODEL = "gpt-5"
TEXT = ["content_part.added", "output_text.delta", "output_text.done", "content_part.done"]
SEARCH = ["web_search_call.in_progress", "web_search_call.searching", "web_search_call.completed"]
FUNCTION: Any = {
    "type": "function",
    "name": "f",
    "parameters": {"type": "object", "properties": {"a": {"type": "string"}}},
}

# Tools or a trigger, and the types of the events between `response.in_progress` and the last; `response.` left out,
# repeated deltas once.
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "text": ({"input": "hi"}, ["output_item.added", *TEXT, "output_item.done"]),
    "function": (
        {"tools": [FUNCTION]},
        ["output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done"],
    ),
    "custom": (
        {"tools": [{"type": "custom", "name": "c"}]},
        ["output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done", "output_item.done"],
    ),
    "web search": (
        {"tools": [{"type": "web_search"}], "include": ["web_search_call.action.sources"]},
        [
            *("output_item.added", *SEARCH, "output_item.done", "output_item.added"),
            *(*TEXT[:2], "output_text.annotation.added", *TEXT[2:], "output_item.done"),
        ],
    ),
    "file search": (
        {
            "tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}],
            "include": ["file_search_call.results"],
            "tool_choice": {"type": "file_search"},
        },
        [
            *("output_item.added", "file_search_call.in_progress", "file_search_call.searching"),
            *("file_search_call.completed", "output_item.done", "output_item.added"),
            *(*TEXT[:2], "output_text.annotation.added", *TEXT[2:], "output_item.done"),
        ],
    ),
    "code interpreter": (
        {
            "tools": [{"type": "code_interpreter", "container": {"type": "auto"}}],
            "include": ["code_interpreter_call.outputs"],
        },
        [
            *("output_item.added", "code_interpreter_call.in_progress", "code_interpreter_call_code.delta"),
            *("code_interpreter_call_code.done", "code_interpreter_call.interpreting"),
            *("code_interpreter_call.completed", "output_item.done", "output_item.added"),
            *(*TEXT[:2], "output_text.annotation.added", *TEXT[2:], "output_item.done"),
        ],
    ),
    "image": (
        {"tools": [{"type": "image_generation", "partial_images": 2}]},
        [
            *("output_item.added", "image_generation_call.in_progress", "image_generation_call.generating"),
            *("image_generation_call.partial_image", "image_generation_call.completed", "output_item.done"),
            *("output_item.added", *TEXT, "output_item.done"),
        ],
    ),
    "mcp": (
        {"tools": [{"type": "mcp", "server_label": "s", "server_url": "https://x", "require_approval": "never"}]},
        [
            *("output_item.added", "mcp_list_tools.in_progress", "mcp_list_tools.completed", "output_item.done"),
            *("output_item.added", "mcp_call.in_progress", "mcp_call_arguments.delta", "mcp_call_arguments.done"),
            *("mcp_call.completed", "output_item.done", "output_item.added", *TEXT, "output_item.done"),
        ],
    ),
    "mcp list fails": (
        {
            "input": "please fail to list",
            "tools": [{"type": "mcp", "server_label": "s", "server_url": "https://x", "require_approval": "never"}],
        },
        [
            *("output_item.added", "mcp_list_tools.in_progress", "mcp_list_tools.failed", "output_item.done"),
            *("output_item.added", *TEXT, "output_item.done"),
        ],
    ),
    "mcp call fails": (
        {
            "input": "please fail to call",
            "tools": [{"type": "mcp", "server_label": "s", "server_url": "https://x", "require_approval": "never"}],
        },
        [
            *("output_item.added", "mcp_list_tools.in_progress", "mcp_list_tools.completed", "output_item.done"),
            *("output_item.added", "mcp_call.in_progress", "mcp_call_arguments.delta", "mcp_call_arguments.done"),
            *("mcp_call.failed", "output_item.done", "output_item.added", *TEXT, "output_item.done"),
        ],
    ),
    "mcp asks": (
        {"tools": [{"type": "mcp", "server_label": "s", "server_url": "https://x"}]},
        [
            *("output_item.added", "mcp_list_tools.in_progress", "mcp_list_tools.completed", "output_item.done"),
            *("output_item.added", "output_item.done"),
        ],
    ),
    "shell": (
        {"tools": [{"type": "shell", "environment": {"type": "container_auto"}}]},
        [
            *("output_item.added", "shell_call_command.added", "shell_call_command.delta", "shell_call_command.done"),
            *("output_item.done", "output_item.added", "shell_call_output_content.delta"),
            *("shell_call_output_content.done", "output_item.done", "output_item.added", *TEXT, "output_item.done"),
        ],
    ),
    "local shell": (
        {"tools": [{"type": "shell", "environment": {"type": "local"}}]},
        [
            *("output_item.added", "shell_call_command.added", "shell_call_command.delta"),
            *("shell_call_command.done", "output_item.done"),
        ],
    ),
    "calls for the client": (
        {"tools": [{"type": "computer"}, {"type": "apply_patch"}, {"type": "local_shell"}]},
        ["output_item.added", "output_item.done"] * 3,
    ),
    "reasoning": (
        {"reasoning": {"effort": "low", "summary": "detailed"}},
        [
            *("output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta"),
            *("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"),
            *("output_item.added", *TEXT, "output_item.done"),
        ],
    ),
    "thinking aloud": (
        {"input": "please think aloud"},
        [
            *("output_item.added", "content_part.added", "reasoning_text.delta", "reasoning_text.done"),
            *("content_part.done", "output_item.done", "output_item.added", *TEXT, "output_item.done"),
        ],
    ),
    "refusal": (
        {"input": "please refuse"},
        [
            *("output_item.added", "content_part.added", "refusal.delta", "refusal.done"),
            *("content_part.done", "output_item.done"),
        ],
    ),
    "compaction": (
        {"input": "please compact"},
        ["output_item.added", "compaction.compacting", "output_item.done", "output_item.added", *TEXT, "output_item.done"],
    ),
    "audio": (
        {"input": "please speak"},
        [
            *(["audio.transcript.delta", "audio.delta"] * 5),
            *("audio.transcript.done", "audio.done", "output_item.added", *TEXT, "output_item.done"),
        ],
    ),
}  # fmt: skip

ENDINGS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "completed": ({"input": "hi"}, ["response.created", "response.in_progress", "response.completed"]),
    "incomplete": (
        {"input": "50 words", "max_output_tokens": 16},
        ["response.created", "response.in_progress", "response.incomplete"],
    ),
    "failed": ({"input": "please crash"}, ["response.created", "response.in_progress", "response.failed"]),
    "error": ({"input": "please break off"}, ["response.created", "response.in_progress", "error"]),
    "queued": (
        {"input": "hi", "background": True},
        ["response.created", "response.queued", "response.in_progress", "response.completed"],
    ),
}


def stream(client: OpenAI, options: dict[str, Any]) -> list[Any]:
    return list(client.responses.create(**{"model": MODEL, "input": "hello", "stream": True, **options}))


def without_repeats(types: Iterable[str]) -> list[str]:
    result: list[str] = []
    for name in types:
        if result[-1:] != [name]:
            result.append(name)
    return result


@pytest.mark.parametrize("name", CASES)
def test_the_order_of_events(client: OpenAI, name: str) -> None:
    options, expected = CASES[name]
    events = stream(client, options)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    types = [event.type.removeprefix("response.") for event in events]
    assert types[:2] == ["created", "in_progress"]
    assert types[-1] == "completed"
    assert without_repeats(types[2:-1]) == expected


@pytest.mark.parametrize("name", CASES)
def test_events_add_up_to_the_response(client: OpenAI, name: str) -> None:
    """Indices and ids fit, deltas join to what is done, and what is done is what the response has in the end."""
    events = stream(client, CASES[name][0])
    final = events[-1].response
    collected: dict[tuple[Any, ...], str] = {}
    for event in events:
        if event.type == "response.output_item.added":
            assert event.item.id == final.output[event.output_index].id
        if event.type == "response.output_item.done":
            assert event.item == final.output[event.output_index]
        if getattr(event, "item_id", None) is not None:
            assert event.item_id == final.output[event.output_index].id
        kind, _, step = event.type.rpartition(".")
        place = (kind, *(getattr(event, field, None) for field in ("output_index", "content_index", "summary_index")))
        if step == "delta" and isinstance(event.delta, str):
            collected[place] = collected.get(place, "") + event.delta
        if step == "done" and place in collected and not kind.startswith("response.audio"):
            done = next(
                getattr(event, field)
                for field in ("text", "arguments", "input", "refusal", "code", "command")
                if hasattr(event, field)
            )
            assert collected[place] == done
    assert final.usage.total_tokens == final.usage.input_tokens + final.usage.output_tokens
    assert [item.id for item in final.output] == list(dict.fromkeys(item.id for item in final.output))


@pytest.mark.parametrize("name", ENDINGS)
def test_how_streams_begin_and_end(client: OpenAI, name: str) -> None:
    options, expected = ENDINGS[name]
    events = stream(client, options)
    marks = [
        event.type for event in events if event.type.count(".") < 2 and not event.type.startswith("response.output")
    ]
    assert marks == expected
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_no_event_type_is_missing(client: OpenAI) -> None:
    seen = set()
    for options, _ in (*CASES.values(), *ENDINGS.values()):
        seen |= {event.type for event in stream(client, options)}
    union = get_args(get_args(ResponseStreamEvent)[0])
    known = {get_args(member.model_fields["type"].annotation)[0] for member in union}
    assert seen == known


@pytest.mark.parametrize("name", CASES)
def test_the_same_without_a_stream(client: OpenAI, name: str) -> None:
    options = {"model": MODEL, "input": "hello", **CASES[name][0]}
    whole = client.responses.create(**options)
    final = stream(client, options)[-1].response
    assert [item.type for item in whole.output] == [item.type for item in final.output]
    assert whole.output_text == final.output_text
    assert whole.usage == final.usage


@pytest.mark.parametrize("name", CASES)
def test_what_came_can_be_sent_back(client: OpenAI, name: str) -> None:
    """The output of one turn is accepted as input of the next, once the client's calls are answered."""
    first = stream(client, CASES[name][0])[-1].response
    items: list[Any] = [{"role": "user", "content": "hello"}, *first.to_dict()["output"]]
    answered = {item["call_id"] for item in items if str(item.get("type")).endswith("_output")}
    for item in list(items):
        if "call_id" in item and item["call_id"] not in answered:
            items.append({"type": item["type"].removesuffix("_tool_call").removesuffix("_call") + "_call_output"})
            if item["type"] == "custom_tool_call":
                items[-1]["type"] = "custom_tool_call_output"
            items[-1].update(call_id=item["call_id"], output="done")
    again = client.post("/responses", body={"model": MODEL, "input": items}, cast_to=object)
    assert isinstance(again, dict)
    assert again["status"] == "completed"


def test_an_approved_mcp_call(client: OpenAI) -> None:
    tool: Any = {"type": "mcp", "server_label": "s", "server_url": "https://x"}
    first = client.responses.create(model=MODEL, input="ask it", tools=[tool])
    request = first.output[-1]
    assert request.type == "mcp_approval_request"
    second = client.responses.create(
        model=MODEL,
        previous_response_id=first.id,
        input=[{"type": "mcp_approval_response", "approval_request_id": request.id, "approve": True}],
        tools=[tool],
    )
    assert [item.type for item in second.output] == ["mcp_call", "message"]


def test_obfuscation_can_be_switched_off(client: OpenAI) -> None:
    plain = stream(client, {"stream_options": {"include_obfuscation": False}})
    padded = stream(client, {})
    deltas = [event for event in padded if event.type == "response.output_text.delta"]
    assert all(event.obfuscation for event in deltas)
    assert not any(hasattr(event, "obfuscation") for event in plain)


def test_events_are_framed_as_the_api_frames_them(server: MockServer, client: OpenAI) -> None:
    with client.responses.with_streaming_response.create(model=MODEL, input="hi", stream=True) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        text = response.read().decode()
    blocks = text.split("\n\n")
    assert blocks.pop() == ""
    assert all(block.startswith("event: response.") and block.split("\n")[1].startswith("data: {") for block in blocks)
    assert "[DONE]" not in text
