"""`/chat/completions`, stored completions and their messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from .call import Call
from .completion import Choice, plan
from .exchange import Answer, sse
from .problem import Problem, missing
from .prompt import from_messages
from .store import StoredCompletion, page
from .text import obfuscation

__all__ = ["ROUTES"]

JSON = dict[str, Any]


def _create(call: Call) -> Answer:
    model = call.model()
    if "messages" not in call.body:
        raise missing("messages")
    messages = call.body["messages"]
    prompt = from_messages(messages)
    call.number("temperature", 0, 2)
    choices = plan(call, prompt)
    written = sum(choice.tokens for choice in choices)
    usage = {
        "prompt_tokens": prompt.tokens,
        "completion_tokens": written,
        "total_tokens": prompt.tokens + written,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    tier = call.get("service_tier", str, "auto")
    head: JSON = {
        "id": call.store.id("chatcmpl-"),
        "created": call.store.now(),
        "model": model,
        "service_tier": "default" if tier == "auto" else tier,
        "system_fingerprint": "fp_oxide",
    }
    completion = {
        **head,
        "object": "chat.completion",
        "choices": [choice.whole() for choice in choices],
        "usage": usage,
    }
    if call.get("store", bool, False):
        kept = {**completion, "metadata": call.get("metadata", dict, {})}
        stored = StoredCompletion(kept, _stored_messages(head["id"], messages))
        call.store.keep(call.store.completions, head["id"], stored)
    if not call.get("stream", bool, False):
        return Answer.json(completion)
    options = call.get("stream_options", dict, {})
    return Answer.events(list(_chunks({**head, "object": "chat.completion.chunk"}, choices, usage, options)))


def _chunks(head: JSON, choices: list[Choice], usage: JSON, options: JSON) -> Iterator[bytes]:
    """The choices' deltas in turn, as they come when several are written at the same time."""
    counted = options.get("include_usage", False)
    hidden = options.get("include_obfuscation", True) is not False
    end = {"usage": None} if counted else {}
    streams = [(choice.index, choice.deltas()) for choice in choices]
    while streams:
        going = []
        for index, deltas in streams:
            part = next(deltas, None)
            if part is None:
                continue
            delta, logprobs, reason = part
            entry = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
            padding = {"obfuscation": obfuscation(str(delta.get("content", "")))} if hidden else {}
            yield sse(msgspec.json.encode({**head, "choices": [entry], **end, **padding}))
            going.append((index, deltas))
        streams = going
    if counted:
        yield sse(msgspec.json.encode({**head, "choices": [], "usage": usage}))
    yield sse(b"[DONE]")


def _stored_messages(completion_id: str, messages: list[JSON]) -> list[JSON]:
    stored = []
    for index, message in enumerate(messages):
        content = message.get("content")
        parts = content if isinstance(content, list) else None
        stored.append(
            {
                **message,
                "id": f"{completion_id}-{index}",
                "content": None if parts is not None else content,
                "content_parts": parts,
            }
        )
    return stored


def _found(call: Call) -> StoredCompletion:
    (name,) = call.params
    stored = call.store.completions.get(name)
    if stored is None:
        raise Problem(404, f"Chat completion with id {name} not found.", param="completion_id", code="not_found")
    return stored


def _list(call: Call) -> Answer:
    query = call.request.query
    wanted = {name[9:-1]: value for name, value in query.items() if name.startswith("metadata[")}
    found = [
        stored.completion
        for stored in call.store.completions.values()
        if query.get("model", stored.completion["model"]) == stored.completion["model"]
        and all(stored.completion["metadata"].get(name) == value for name, value in wanted.items())
    ]
    return Answer.json(page(found, query, order="asc"))


def _retrieve(call: Call) -> Answer:
    return Answer.json(_found(call).completion)


def _update(call: Call) -> Answer:
    stored = _found(call)
    if "metadata" not in call.body:
        raise missing("metadata")
    stored.completion = {**stored.completion, "metadata": call.get("metadata", dict, {})}
    return Answer.json(stored.completion)


def _delete(call: Call) -> Answer:
    _found(call)
    (name,) = call.params
    del call.store.completions[name]
    return Answer.json({"id": name, "object": "chat.completion.deleted", "deleted": True})


def _messages(call: Call) -> Answer:
    return Answer.json(page(_found(call).messages, call.request.query, order="asc"))


ROUTES = (
    ("POST", "/chat/completions", _create),
    ("GET", "/chat/completions", _list),
    ("GET", "/chat/completions/{completion_id}", _retrieve),
    ("POST", "/chat/completions/{completion_id}", _update),
    ("DELETE", "/chat/completions/{completion_id}", _delete),
    ("GET", "/chat/completions/{completion_id}/messages", _messages),
)
