"""`/responses` and what is below it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .call import Call
from .exchange import Answer
from .problem import Problem, invalid_type, missing
from .prompt import Prompt, from_items, read_items
from .respond import FAILURE, Task, carry_out, check_format, warm_up
from .store import StoredResponse, page
from .text import count, sealed
from .tools import offers, response_choice
from .turn import Turn, framed

__all__ = ["ROUTES", "create"]

JSON = dict[str, Any]


def create(call: Call, *, generate: bool = True) -> tuple[Turn, StoredResponse]:
    """Make the response that a call asks for, and store it if it is to be stored.

    Args:
        generate: whether the model writes something; what WebSockets have as a warmup is a response without output.

    Raises:
        Problem: the request is not valid.
    """
    call.model()
    if "input" not in call.body and "prompt" not in call.body:
        raise missing("input")
    new = read_items(call.body.get("input", ""), call.store)
    history = _history(call)
    prompt = from_items([*history, *new], call.get("instructions", str, ""))
    task = _task(call, prompt)
    background = call.get("background", bool, False)
    options = call.get("stream_options", dict, {})
    streamed = call.get("stream", bool, False)
    turn = Turn(
        _response(call),
        call.store,
        budget=call.integer("max_output_tokens", 16),
        obfuscate=streamed and options.get("include_obfuscation", True) is not False,
    )
    if generate:
        carry_out(turn, task, queued=background)
    else:
        warm_up(turn, task)
    stored = StoredResponse(turn.response, new, turn.events)
    if background and not streamed:
        waiting = {**turn.response, "output": [], "usage": None, "completed_at": None, "incomplete_details": None}
        waiting["error"] = None
        stored.progress = [{**waiting, "status": "in_progress"}, turn.response]
        stored.response = {**waiting, "status": "queued"}
    if call.get("store", bool, True):
        call.store.keep(call.store.responses, turn.response["id"], stored)
    return turn, stored


def _create(call: Call) -> Answer:
    turn, stored = create(call)
    if call.body.get("stream"):
        return Answer.events(framed(turn.events))
    if turn.events[-1][0] == "error":
        raise Problem(500, FAILURE["message"], type="server_error", code="server_error")
    return Answer.json(stored.response)


def _history(call: Call) -> list[JSON]:
    """Everything before this turn, oldest first."""
    turns: list[StoredResponse] = []
    name = call.get("previous_response_id", str)
    while name is not None:
        stored = call.store.response(name)
        if stored is None:
            raise Problem(
                400,
                f"Previous response with id '{name}' not found.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        turns.append(stored)
        name = stored.response["previous_response_id"]
    return [item for stored in reversed(turns) for item in (*stored.items, *stored.response["output"])]


def _task(call: Call, prompt: Prompt) -> Task:
    tools = call.get("tools", list, [])
    offered = offers(tools)
    include = call.get("include", list, [])
    form = _format(call)
    check_format(form, prompt, param="text.format", schema="text.format", content="input")
    top = call.integer("top_logprobs", 0, 20)
    management = call.get("context_management", list, [])
    return Task(
        prompt=prompt,
        offered=offered,
        tools=tools,
        choice=response_choice(call.body.get("tool_choice"), offered, tools),
        include=include,
        format=form,
        reasoning=call.get("reasoning", dict, {}),
        parallel=call.get("parallel_tool_calls", bool, True),
        compact=any(entry.get("type") == "compaction" for entry in management),
        top_logprobs=(top or 0) if "message.output_text.logprobs" in include else None,
    )


def _response(call: Call) -> JSON:
    """The response before anything is in it."""
    body = call.body
    reasoning = call.get("reasoning", dict, {})
    text = call.get("text", dict, {})
    conversation = body.get("conversation")
    form = _format(call)
    if form["type"] == "json_schema":
        form = {"description": None, "strict": False, **form}
    tier = call.get("service_tier", str, "auto")
    return {
        "id": call.store.id("resp_"),
        "object": "response",
        "created_at": call.store.now(),
        "status": "in_progress",
        "background": call.get("background", bool, False),
        "completed_at": None,
        "conversation": {"id": conversation} if isinstance(conversation, str) else conversation,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": call.integer("max_tool_calls", 1),
        "model": body["model"],
        "output": [],
        "parallel_tool_calls": call.get("parallel_tool_calls", bool, True),
        "previous_response_id": body.get("previous_response_id"),
        "prompt": body.get("prompt"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "prompt_cache_retention": body.get("prompt_cache_retention"),
        "reasoning": {"effort": None, "summary": None, **reasoning},
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": "default" if tier == "auto" else tier,
        "store": call.get("store", bool, True),
        "temperature": _or(call.number("temperature", 0, 2), 1.0),
        "text": {"format": form, "verbosity": text.get("verbosity") or "medium"},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": [_echoed(tool) for tool in call.get("tools", list, [])],
        "top_logprobs": _or(call.integer("top_logprobs", 0, 20), 0),
        "top_p": _or(call.number("top_p", 0, 1), 1.0),
        "truncation": call.get("truncation", str, "disabled"),
        "usage": None,
        "user": body.get("user"),
        "metadata": call.get("metadata", dict, {}),
    }


def _format(call: Call) -> JSON:
    form: JSON | None = call.get("text", dict, {}).get("format")
    return {"type": "text"} if form is None else form


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _echoed(tool: JSON) -> JSON:
    """A tool as the API shows it again."""
    if tool["type"] == "function":
        return {"description": None, "parameters": None, "strict": True, **tool}
    return tool


def _found(call: Call) -> StoredResponse:
    (name,) = call.params
    stored = call.store.responses.get(name)
    if stored is None:
        raise Problem(404, f"Response with id '{name}' not found.")
    return stored


def _retrieve(call: Call) -> Answer:
    stored = _found(call)
    query = call.request.query
    if query.get("stream") == "true":
        after = query.get("starting_after")
        if after is not None and not after.isdecimal():
            raise invalid_type("starting_after", "an integer", after)
        events = stored.events if after is None else stored.events[int(after) + 1 :]
        return Answer.events(framed(events))
    shown = stored.response
    if stored.progress:
        # Being asked for is what a background response gets on by: polling needs no clock.
        stored.response = shown = stored.progress.pop(0)
    return Answer.json(shown)


def _delete(call: Call) -> Answer:
    _found(call)
    (name,) = call.params
    del call.store.responses[name]
    return Answer.json({"id": name, "object": "response", "deleted": True})


def _cancel(call: Call) -> Answer:
    stored = _found(call)
    if not stored.response["background"]:
        raise Problem(400, "Only responses created with background=true can be cancelled.")
    if stored.response["status"] in ("queued", "in_progress"):
        stored.response = {**stored.response, "status": "cancelled", "output": []}
        stored.progress = []
    return Answer.json(stored.response)


def _input_items(call: Call) -> Answer:
    return Answer.json(page(_found(call).items, call.request.query, order="desc"))


def _read(call: Call) -> tuple[list[JSON], Prompt]:
    new = read_items(call.body.get("input") or [], call.store)
    everything = [*_history(call), *new]
    return everything, from_items(everything, call.get("instructions", str, ""))


def _compact(call: Call) -> Answer:
    call.model()
    everything, prompt = _read(call)
    kept: Iterable[JSON] = (item for item in everything if item["type"] == "message" and item["role"] == "user")
    summary = {"id": call.store.id("cmp_"), "type": "compaction", "encrypted_content": sealed(prompt.everything)}
    written = count(summary["encrypted_content"])
    usage = {
        "input_tokens": prompt.tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt.tokens + written,
    }
    return Answer.json(
        {
            "id": call.store.id("resp_"),
            "object": "response.compaction",
            "created_at": call.store.now(),
            "output": [*kept, summary],
            "usage": usage,
        }
    )


def _input_tokens(call: Call) -> Answer:
    if call.body.get("model") is not None:
        call.model()
    _, prompt = _read(call)
    return Answer.json({"object": "response.input_tokens", "input_tokens": prompt.tokens})


ROUTES = (
    ("POST", "/responses", _create),
    ("POST", "/responses/compact", _compact),
    ("POST", "/responses/input_tokens", _input_tokens),
    ("GET", "/responses/{response_id}", _retrieve),
    ("DELETE", "/responses/{response_id}", _delete),
    ("POST", "/responses/{response_id}/cancel", _cancel),
    ("GET", "/responses/{response_id}/input_items", _input_items),
)
