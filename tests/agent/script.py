"""Streams as the API sends them, of what a test says is in them."""

from __future__ import annotations

import itertools
import json
from typing import Any

from oxide.testing import Gate, Stream

__all__ = ["Call", "chat", "response"]

_NUMBERS = itertools.count(1)


class Call:
    """A call of a function, in a script."""

    def __init__(self, name: str, call_id: str = "", namespace: str | None = None, **arguments: Any) -> None:
        self.name = name
        self.namespace = namespace
        self.call_id = call_id or f"call_{next(_NUMBERS)}"
        self.text = json.dumps(arguments)


def response(*parts: Any, end: str = "completed", **fields: Any) -> Stream:
    """A response with calls, texts and other items (dicts) in it; gates and seconds wait where they stand.

    Args:
        parts: in their order.
        end: the last event; `""` for none.
        fields: of the response, in its last event.
    """
    number = next(_NUMBERS)
    head = {"id": f"resp_{number}", "object": "response", "status": "in_progress", "output": [], "model": "m"}
    events: list[Any] = [{"type": "response.created", "sequence_number": 0, "response": head}]
    output: list[Any] = []
    for part in parts:
        if isinstance(part, (Gate, float)):
            events.append(part)
            continue
        index = len(output)
        if isinstance(part, Call):
            item: Any = {
                "type": "function_call",
                "id": f"fc_{part.call_id}",
                "call_id": part.call_id,
                "name": part.name,
                "arguments": part.text,
                "status": "completed",
            }
            if part.namespace is not None:
                item["namespace"] = part.namespace
            begun = {**item, "arguments": "", "status": "in_progress"}
            middle = [
                {"type": "response.function_call_arguments.delta", "delta": part.text},
                {"type": "response.function_call_arguments.done", "arguments": part.text, "name": part.name},
            ]
            middle = [{**event, "item_id": item["id"]} for event in middle]
        elif isinstance(part, str):
            content = {"type": "output_text", "text": part, "annotations": []}
            item = {
                "type": "message",
                "id": f"msg_{number}_{index}",
                "role": "assistant",
                "status": "completed",
                "content": [content],
            }
            begun = {**item, "status": "in_progress", "content": []}
            middle = [
                {"type": "response.content_part.added", "part": {**content, "text": ""}},
                {"type": "response.output_text.delta", "delta": part, "logprobs": []},
                {"type": "response.output_text.done", "text": part, "logprobs": []},
                {"type": "response.content_part.done", "part": content},
            ]
            middle = [{**event, "item_id": item["id"], "content_index": 0} for event in middle]
        else:
            item = begun = part
            middle = []
        events += [
            {"output_index": index, **event}
            for event in (
                {"type": "response.output_item.added", "item": begun},
                *middle,
                {"type": "response.output_item.done", "item": item},
            )
        ]
        output.append(item)
    if end:
        usage = {
            "input_tokens": 2,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 3,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 5,
        }
        whole = {**head, "status": end, "output": output, "usage": usage, **fields}
        events.append({"type": f"response.{end}", "response": whole})
    numbers = itertools.count()
    return Stream(
        [{**event, "sequence_number": next(numbers)} if isinstance(event, dict) else event for event in events]
    )


def chat(*parts: Any, end: str | None = None) -> Stream:
    """A chat completion with calls and texts in it; gates and seconds wait where they stand."""
    number = next(_NUMBERS)
    calls = 0
    events: list[Any] = []

    def chunk(delta: Any, finish_reason: str | None = None) -> Any:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return {
            "id": f"chatcmpl_{number}",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [choice],
        }

    events.append(chunk({"role": "assistant", "content": None}))
    for part in parts:
        if isinstance(part, (Gate, float)):
            events.append(part)
        elif isinstance(part, Call):
            function = {"name": part.name, "arguments": ""}
            events.append(
                chunk({"tool_calls": [{"index": calls, "id": part.call_id, "type": "function", "function": function}]})
            )
            events.append(chunk({"tool_calls": [{"index": calls, "function": {"arguments": part.text}}]}))
            calls += 1
        else:
            events.append(chunk({"content": part}))
    events.append(chunk({}, end or ("tool_calls" if calls else "stop")))
    return Stream([*events, "[DONE]"])
