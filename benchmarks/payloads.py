"""What the benchmark server answers with: documents shaped like the API's, made once and checked against the official types.

The server and the contenders import the same constants, so every contender can say whether what it decoded is right.
"""

from __future__ import annotations

import json
from typing import Any

MODEL = "gpt-6-luna"
PROMPT = "Name the four suits of a deck of cards, in a sentence."
RESPONSE_ID = "resp_68af4030baa48193b0b43b4c2a176a1a0e6967589f080e78"
MESSAGE_ID = "msg_68af40337e58819392e935fb404414d005c6b6e1b1a8c3a2"
TEXT = (
    "The four suits of a standard deck of cards are hearts, diamonds, clubs and spades, thirteen ranks in each of them."
)
COMPLETION_ID = "chatcmpl-BkXzX9wDk4Q2sVnP0aTqLr7YhEuMg"

SHORT_STREAM = 114  # events; what an answer of some eighty words gives
LONG_STREAM = 2000
HUGE_STREAM = 10 * LONG_STREAM
FRAMING_EVENTS = 8  # of a Responses stream: four before the deltas, four after them
EVENTS_PER_WRITE = 16  # the API's edge flushes several events at a time; each is an HTTP chunk of its own


def stream_model(events: int, *, extra: bool = False) -> str:
    """The `model` that asks the server for a stream of so many events; `extra`: with a field the types do not have."""
    return f"{MODEL}-events-{events}{'-extra' if extra else ''}"


def compact(value: object) -> bytes:
    """JSON as the API sends it inside a stream: no spaces."""
    return json.dumps(value, separators=(",", ":")).encode()


def text_part(text: str, annotations: list[Any] | None = None) -> dict[str, Any]:
    return {"type": "output_text", "annotations": annotations or [], "logprobs": [], "text": text}


def message(text: str | None, status: str = "completed") -> dict[str, Any]:
    content = [] if text is None else [text_part(text)]
    return {"id": MESSAGE_ID, "type": "message", "status": status, "content": content, "role": "assistant"}


def response(output: list[Any], *, status: str = "completed", identifier: str = RESPONSE_ID) -> dict[str, Any]:
    """A Response document with the fields the API always sends."""
    usage = {
        "input_tokens": 19,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 31,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 50,
    }
    return {
        "id": identifier,
        "object": "response",
        "created_at": 1756315696,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": "You answer in one sentence.",
        "max_output_tokens": 256,
        "max_tool_calls": None,
        "model": MODEL,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage if status == "completed" else None,
        "user": None,
        "metadata": {"run": "benchmark"},
    }


def stream_text(events: int) -> list[str]:
    """The deltas of a stream of so many events: words of the answer, over and over."""
    words = [word + " " for word in TEXT.split()]
    return [words[i % len(words)] for i in range(events - FRAMING_EVENTS)]


def response_events(events: int, *, extra: bool = False) -> list[dict[str, Any]]:
    """The events of one streamed Response, in the API's order.

    With `extra` each delta has `obfuscation`, which the API sends and version 3.54 of the official types does not know.
    """
    deltas = stream_text(events)
    text = "".join(deltas)
    started = response([], status="in_progress")
    place = {"item_id": MESSAGE_ID, "output_index": 0, "content_index": 0}
    sequence: list[dict[str, Any]] = [
        {"type": "response.created", "response": started},
        {"type": "response.in_progress", "response": started},
        {"type": "response.output_item.added", "output_index": 0, "item": message(None, "in_progress")},
        {"type": "response.content_part.added", **place, "part": text_part("")},
    ]
    for delta in deltas:
        event = {"type": "response.output_text.delta", **place, "delta": delta, "logprobs": []}
        sequence.append(event | {"obfuscation": "k7Qw2ZbN"} if extra else event)
    sequence += [
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": text_part(text)},
        {"type": "response.output_item.done", "output_index": 0, "item": message(text)},
        {"type": "response.completed", "response": response([message(text)])},
    ]
    return [event | {"sequence_number": number} for number, event in enumerate(sequence)]


def completion() -> dict[str, Any]:
    """A chat completion with the fields the API always sends."""
    return {
        "id": COMPLETION_ID,
        "object": "chat.completion",
        "created": 1756315696,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 19,
            "completion_tokens": 31,
            "total_tokens": 50,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": "fp_560af6e559",
    }


def completion_text(events: int) -> list[str]:
    """The deltas of a chat completion of so many chunks."""
    return stream_text(events + FRAMING_EVENTS - 2)


def completion_chunks(events: int) -> list[dict[str, Any]]:
    """The chunks of one streamed chat completion: the role, the deltas, the finish reason."""
    head = {"id": COMPLETION_ID, "object": "chat.completion.chunk", "created": 1756315696, "model": MODEL}
    words = completion_text(events)
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": word}, None) for word in words]
    deltas.append(({}, "stop"))
    return [
        head | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]}
        for delta, reason in deltas
    ]


TOOLS = 42


def tool(index: int) -> dict[str, Any]:
    """The definition of a function with the schema of its arguments: what an agent sends along with every request."""
    names = ("path", "pattern", "mode", "limit", "offset", "filters", "encoding", "timeout")
    properties: dict[str, Any] = {
        f"{name}_{index % 3}": {
            "type": "string",
            "description": f"What to take as the {name} of the operation. {TEXT} Leave it out for what is usual.",
            "enum": [f"{name}-{variant}" for variant in ("first", "second", "third", "automatic")],
        }
        for name in names
    }
    properties["places"] = {
        "type": "array",
        "description": f"Where to look. {TEXT}",
        "items": {
            "type": "object",
            "properties": {
                "place": {"type": "string", "description": TEXT},
                "depth": {"type": "integer", "minimum": 0, "maximum": 16},
                "weight": {"type": ["number", "null"], "default": 0.5},
            },
            "required": ["place", "depth", "weight"],
            "additionalProperties": False,
        },
    }
    return {
        "type": "function",
        "name": f"operation_{index}",
        "description": f"Operation number {index}. {TEXT * 11}",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        },
    }


def large_parameters() -> dict[str, Any]:
    """The parameters of a request of some 190 KB: few words and many tools."""
    return {"input": PROMPT, "tools": [tool(index) for index in range(TOOLS)]}


LARGE_ITEMS = 468  # output items of `large`, which make it some 600 KB


def large_item(index: int) -> dict[str, Any]:
    """One output item of the large response: the kinds an agent's turn is made of, in turn."""
    paragraph = f"{TEXT} " * 4
    match index % 7:
        case 0:
            return {
                "id": f"rs_{index:048d}",
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": paragraph * 2}],
                "encrypted_content": "gAAAAABo" + "Zm9vYmFy" * 80,
                "status": "completed",
            }
        case 1:
            arguments = json.dumps({"city": "Reykjavík", "days": list(range(12)), "note": paragraph})
            return {
                "id": f"fc_{index:048d}",
                "type": "function_call",
                "call_id": f"call_{index:024d}",
                "name": "get_forecast",
                "arguments": arguments,
                "status": "completed",
            }
        case 2:
            results = [
                {
                    "file_id": f"file-{index:06d}{i:04d}",
                    "filename": f"handbook-{i}.md",
                    "score": 0.9 - i / 16,
                    "attributes": {"section": "cards", "page": float(i)},
                    "text": paragraph,
                }
                for i in range(3)
            ]
            return {
                "id": f"fs_{index:048d}",
                "type": "file_search_call",
                "queries": ["suits of a deck", "cards in a deck"],
                "status": "completed",
                "results": results,
            }
        case 3:
            action = {"type": "search", "query": "suits of a deck", "queries": ["suits of a deck", "card suits"]}
            return {"id": f"ws_{index:048d}", "type": "web_search_call", "status": "completed", "action": action}
        case 4:
            return {
                "id": f"ci_{index:048d}",
                "type": "code_interpreter_call",
                "status": "completed",
                "container_id": f"cntr_{index:040d}",
                "code": "for suit in suits:\n    print(suit, len(ranks))\n" * 8,
                "outputs": [{"type": "logs", "logs": "hearts 13\ndiamonds 13\n" * 12}],
            }
        case _:
            citations = [
                {
                    "type": "url_citation",
                    "start_index": 20 * i,
                    "end_index": 20 * i + 12,
                    "title": "A history of playing cards",
                    "url": f"https://example.org/cards/{index}/{i}?utm_source=openai",
                }
                for i in range(4)
            ]
            item = message(paragraph)
            return item | {"id": f"msg_{index:048d}", "content": [text_part(paragraph * 2, citations)]}


def large(*, unknown: bool = False) -> bytes:
    """A Response of some 600 KB; with `unknown`, every output item has two fields that no type knows."""
    items = [large_item(index) for index in range(LARGE_ITEMS)]
    if unknown:
        items = [
            item | {"trace_id": f"tr_{i:08d}", "billing": {"units": i, "tier": "b"}} for i, item in enumerate(items)
        ]
    return compact(response(items))
