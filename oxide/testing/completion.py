"""What the model writes for a chat completion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .call import Call
from .items import logprobs
from .problem import Problem, missing
from .prompt import Prompt
from .respond import REFUSAL, check_format, final_text
from .text import Source, count, tokens
from .tools import Choice as ToolChoice
from .tools import Offer, calls, chat_choice, chat_offers

__all__ = ["Choice", "plan"]

JSON = dict[str, Any]


@dataclass
class Choice:
    """One of the `n` choices of a completion.

    Attributes:
        text: the content, `None` where tools are called or the model refuses.
        calls: the tool calls.
        legacy: the calls go into `function_call`, for requests with `functions`.
        top_logprobs: the number of alternatives for each token, if probabilities are wanted.
    """

    index: int
    text: str | None = None
    refusal: str | None = None
    calls: list[JSON] = field(default_factory=list)
    finish_reason: str = "stop"
    legacy: bool = False
    top_logprobs: int | None = None

    @property
    def tokens(self) -> int:
        """How many tokens were written."""
        called = (entry["arguments"] if "arguments" in entry else entry["input"] for entry in map(_inner, self.calls))
        return count(self.text or "") + count(self.refusal or "") + sum(map(count, called))

    def whole(self) -> JSON:
        """The choice, all at once."""
        message: JSON = {"role": "assistant", "content": self.text, "refusal": self.refusal, "annotations": []}
        if self.legacy:
            message["function_call"] = self.calls[0]["function"]
        elif self.calls:
            message["tool_calls"] = self.calls
        return {
            "index": self.index,
            "message": message,
            "logprobs": self._logprobs(tokens(self.text or "")),
            "finish_reason": self.finish_reason,
        }

    def deltas(self) -> Iterator[tuple[JSON, JSON | None, str | None]]:
        """The choice in pieces: delta, probabilities, and the finish reason with the last, which is empty."""
        yield {"role": "assistant", "content": "" if self.text is not None else None, "refusal": None}, None, None
        for token in tokens(self.text or ""):
            yield {"content": token}, self._logprobs([token]), None
        for token in tokens(self.refusal or ""):
            yield {"refusal": token}, None, None
        for position, call in enumerate(self.calls):
            yield from self._call_deltas(position, call)
        yield {}, None, self.finish_reason

    def _call_deltas(self, position: int, call: JSON) -> Iterator[tuple[JSON, None, None]]:
        kind = call["type"]
        key = "arguments" if kind == "function" else "input"
        inner = call[kind]
        start = {"name": inner["name"], key: ""}
        if self.legacy:
            yield {"function_call": start}, None, None
        else:
            yield {"tool_calls": [{"index": position, "id": call["id"], "type": kind, kind: start}]}, None, None
        for token in tokens(inner[key]):
            if self.legacy:
                yield {"function_call": {key: token}}, None, None
            else:
                yield {"tool_calls": [{"index": position, kind: {key: token}}]}, None, None

    def _logprobs(self, pieces: list[str]) -> JSON | None:
        if self.top_logprobs is None:
            return None
        return {"content": logprobs(pieces, self.top_logprobs), "refusal": None}


def _inner(call: JSON) -> JSON:
    inner: JSON = call[call["type"]]
    return inner


def plan(call: Call, prompt: Prompt) -> list[Choice]:
    """The choices that answer a request.

    Raises:
        Problem: a parameter is not valid.
    """
    number = call.integer("n", 1, 128) or 1
    legacy = "functions" in call.body
    offered = _legacy_offers(call) if legacy else chat_offers(call.get("tools", list, []))
    choice = _legacy_choice(call) if legacy else chat_choice(call.body.get("tool_choice"), offered)
    parallel = call.get("parallel_tool_calls", bool, True) and not legacy
    form = _format(call, prompt)
    top = _top_logprobs(call)
    budget = call.integer("max_completion_tokens", 1)
    if budget is None:
        budget = call.integer("max_tokens", 1)
    asked = prompt.text.lower()
    choices = []
    for index in range(number):
        made = Choice(index, top_logprobs=top)
        called = calls(offered, choice, prompt, parallel=parallel)
        if "please refuse" in asked:
            made.refusal = REFUSAL
        elif called:
            source = Source(prompt.text)
            made.calls = [_call(call, offer, offer.arguments(source, prompt)) for offer in called]
            made.legacy = legacy
            made.finish_reason = "function_call" if legacy else "tool_calls"
        else:
            _write(made, _text(prompt, form, index), _stops(call), budget)
            if "please stop early" in asked:
                made.finish_reason = "content_filter"
        choices.append(made)
    return choices


def _text(prompt: Prompt, form: JSON, index: int) -> str:
    text = final_text(prompt, form)
    # Several choices that were the same would hide a mix-up of them.
    return text if index == 0 or form["type"] != "text" else f"{text} [{index + 1}]"


def _write(made: Choice, text: str, stops: list[str], budget: int | None) -> None:
    for stop in stops:
        text = text.partition(stop)[0]
    pieces = tokens(text)
    if budget is not None and len(pieces) > budget:
        pieces = pieces[:budget]
        made.finish_reason = "length"
    made.text = "".join(pieces)


def _call(call: Call, offer: Offer, arguments: str) -> JSON:
    call_id = call.store.id("call_")
    if offer.custom:
        return {"id": call_id, "type": "custom", "custom": {"name": offer.name, "input": arguments}}
    return {"id": call_id, "type": "function", "function": {"name": offer.name, "arguments": arguments}}


def _stops(call: Call) -> list[str]:
    stop = call.get("stop", (str, list), [])
    return [stop] if isinstance(stop, str) else stop


def _top_logprobs(call: Call) -> int | None:
    wanted = call.get("logprobs", bool, False)
    top = call.integer("top_logprobs", 0, 20)
    if top is not None and not wanted:
        raise Problem(
            400, "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", param="top_logprobs"
        )
    return (top or 0) if wanted else None


def _format(call: Call, prompt: Prompt) -> JSON:
    """`response_format`, with the fields of a schema on its top level as `/responses` has them."""
    form: JSON = call.get("response_format", dict, {"type": "text"})
    if form.get("type") == "json_schema":
        inner = form.get("json_schema")
        if not isinstance(inner, dict):
            raise missing("response_format.json_schema")
        form = {**inner, "type": "json_schema"}
    check_format(form, prompt, param="response_format", schema="response_format.json_schema", content="messages")
    return form


def _legacy_offers(call: Call) -> list[Offer]:
    functions = call.get("functions", list, [])
    return [Offer(function["name"], function.get("parameters")) for function in functions]


def _legacy_choice(call: Call) -> ToolChoice:
    choice = call.get("function_call", (str, dict), "auto")
    if isinstance(choice, dict):
        return ToolChoice("required", frozenset([choice["name"]]))
    return ToolChoice(choice)
