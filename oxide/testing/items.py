"""The output items that a model writes itself: messages, reasoning, and calls of the client's functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .text import obfuscation, sealed, tokens
from .tools import Offer
from .turn import Turn

__all__ = ["audio", "compaction", "function_call", "logprobs", "message", "reasoning", "refusal"]

JSON = dict[str, Any]


def message(
    turn: Turn, text: str, *, annotations: Sequence[JSON] = (), top_logprobs: int | None = None, broken: bool = False
) -> None:
    """A message of one text.

    Args:
        annotations: what the text cites.
        top_logprobs: with so many alternatives for each token; `None` for no probabilities.
        broken: stop in the middle of it.
    """
    item_id = turn.id("msg_")
    index = turn.begin(_message(item_id, "in_progress", []))
    where = {"item_id": item_id, "output_index": index, "content_index": 0}
    turn.emit("response.content_part.added", **where, part=_text("", [], []))
    text = turn.take(text)
    if broken:
        text = text[: len(text) // 2]
    for token in tokens(text):
        likely = [] if top_logprobs is None else logprobs([token], top_logprobs)
        turn.emit(
            "response.output_text.delta",
            **where,
            delta=token,
            logprobs=[_without_bytes(entry) for entry in likely],
            **({"obfuscation": obfuscation(token)} if turn.obfuscate else {}),
        )
    if broken:
        return
    for number, annotation in enumerate(annotations):
        turn.emit("response.output_text.annotation.added", **where, annotation_index=number, annotation=annotation)
    likely = [] if top_logprobs is None else logprobs(tokens(text), top_logprobs)
    turn.emit("response.output_text.done", **where, text=text, logprobs=[_without_bytes(entry) for entry in likely])
    part = _text(text, list(annotations), likely)
    turn.emit("response.content_part.done", **where, part=part)
    turn.end(index, _message(item_id, "incomplete" if turn.cut else "completed", [part]))


def refusal(turn: Turn, text: str) -> None:
    """A message that refuses."""
    item_id = turn.id("msg_")
    index = turn.begin(_message(item_id, "in_progress", []))
    where = {"item_id": item_id, "output_index": index, "content_index": 0}
    turn.emit("response.content_part.added", **where, part={"type": "refusal", "refusal": ""})
    text = turn.take(text)
    turn.deltas("response.refusal.delta", text, **where)
    turn.emit("response.refusal.done", **where, refusal=text)
    part = {"type": "refusal", "refusal": text}
    turn.emit("response.content_part.done", **where, part=part)
    turn.end(index, _message(item_id, "completed", [part]))


def reasoning(turn: Turn, thought: str, *, summary: bool, aloud: bool, encrypted: bool) -> None:
    """A reasoning item.

    Args:
        thought: what is thought.
        summary: with a summary of it.
        aloud: with the thought itself, as open models have it.
        encrypted: with the thought as only the API can read it.
    """
    item_id = turn.id("rs_")
    item: JSON = {"id": item_id, "type": "reasoning", "summary": []}
    index = turn.begin(dict(item))
    before = turn.output_tokens
    thought = turn.take(thought)
    turn.reasoning_tokens += turn.output_tokens - before
    where = {"item_id": item_id, "output_index": index}
    if summary:
        part = {"type": "summary_text", "text": f"**Thinking**\n\n{thought}"}
        place = {**where, "summary_index": 0}
        turn.emit("response.reasoning_summary_part.added", **place, part={"type": "summary_text", "text": ""})
        turn.deltas("response.reasoning_summary_text.delta", part["text"], **place)
        turn.emit("response.reasoning_summary_text.done", **place, text=part["text"])
        turn.emit("response.reasoning_summary_part.done", **place, part=part)
        item["summary"] = [part]
    if aloud:
        part = {"type": "reasoning_text", "text": thought}
        place = {**where, "content_index": 0}
        turn.emit("response.content_part.added", **place, part={"type": "reasoning_text", "text": ""})
        turn.deltas("response.reasoning_text.delta", thought, **place)
        turn.emit("response.reasoning_text.done", **place, text=thought)
        turn.emit("response.content_part.done", **place, part=part)
        item["content"] = [part]
    if encrypted:
        item["encrypted_content"] = sealed(thought)
    turn.end(index, item)


def function_call(turn: Turn, offer: Offer, arguments: str) -> None:
    """A call of a function, or of a custom tool."""
    arguments = turn.take(arguments)
    call_id = turn.id("call_")
    kind, field, event = (
        ("custom_tool_call", "input", "response.custom_tool_call_input")
        if offer.custom
        else ("function_call", "arguments", "response.function_call_arguments")
    )
    item: JSON = {
        "id": turn.id("ctc_" if offer.custom else "fc_"),
        "type": kind,
        "status": "in_progress",
        "call_id": call_id,
        "name": offer.name,
        field: "",
    }
    if offer.namespace is not None:
        item["namespace"] = offer.namespace
    index = turn.begin(item)
    where = {"item_id": item["id"], "output_index": index}
    turn.deltas(f"{event}.delta", arguments, **where)
    turn.emit(f"{event}.done", **where, **{field: arguments})
    turn.end(index, {**item, "status": "incomplete" if turn.cut else "completed", field: arguments})


def compaction(turn: Turn, everything: str) -> None:
    """The conversation, made small."""
    item = {"id": turn.id("cmp_"), "type": "compaction", "encrypted_content": ""}
    index = turn.begin(item)
    turn.emit("response.compaction.compacting", item_id=item["id"], output_index=index)
    turn.end(index, {**item, "encrypted_content": sealed(everything)})


def audio(turn: Turn, text: str) -> None:
    """Speech: its events belong to no item."""
    spoken = turn.take(text)
    for token in tokens(spoken):
        turn.emit("response.audio.transcript.delta", delta=token)
        turn.emit("response.audio.delta", delta=sealed(token))
    turn.emit("response.audio.transcript.done")
    turn.emit("response.audio.done")


def logprobs(pieces: Sequence[str], top: int) -> list[JSON]:
    """Probabilities for tokens: the first is always the likeliest."""
    result = []
    for piece in pieces:
        options = [piece, *(alternative for alternative in (" the", " a", ".", ",", "\n") if alternative != piece)]
        likely = [
            {"token": option, "logprob": -0.125 * (rank + 1), "bytes": list(option.encode())}
            for rank, option in enumerate(options[:top])
        ]
        result.append({"token": piece, "logprob": -0.125, "bytes": list(piece.encode()), "top_logprobs": likely})
    return result


def _without_bytes(entry: JSON) -> JSON:
    # The events of a text leave the bytes out that the finished part has.
    top = [{"token": option["token"], "logprob": option["logprob"]} for option in entry["top_logprobs"]]
    return {"token": entry["token"], "logprob": entry["logprob"], "top_logprobs": top}


def _message(item_id: str, status: str, content: list[JSON]) -> JSON:
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": content}


def _text(text: str, annotations: list[JSON], likely: list[JSON]) -> JSON:
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": likely}
