"""What the model does with a request for a response: which items it writes, and how it ends."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from . import items
from .hosted import Hosted, run
from .problem import Problem, missing
from .prompt import Prompt
from .schema import fit, strict_problem
from .text import Source, reply_to
from .tools import Choice, Offer, calls
from .turn import Turn

__all__ = ["Task", "carry_out", "check_format", "final_text", "warm_up"]

JSON = dict[str, Any]

REFUSAL = "I'm sorry, but I can't help with that."
FAILURE = {"code": "server_error", "message": "The model failed, as it was asked to."}


@dataclass
class Task:
    """A request, understood.

    Attributes:
        prompt: what is asked.
        offered: the functions that may be called.
        tools: all the tools, as they came.
        choice: which of them may be used.
        include: the extras that are wanted.
        format: `text.format`.
        reasoning: `reasoning`, empty for none.
        parallel: whether several functions may be called.
        compact: whether the conversation is to be made smaller.
        top_logprobs: the number of alternatives for each token, if probabilities are wanted.
    """

    prompt: Prompt
    offered: list[Offer]
    tools: list[JSON]
    choice: Choice
    include: Collection[str]
    format: JSON
    reasoning: JSON
    parallel: bool = True
    compact: bool = False
    top_logprobs: int | None = None


def carry_out(turn: Turn, task: Task, *, queued: bool) -> None:
    """Write the whole response, its events from `response.created` to the last.

    Args:
        queued: it waits its turn first, as background responses do.
    """
    response = turn.response
    asked = task.prompt.text.lower()
    response["status"] = "queued" if queued else "in_progress"
    turn.emit_response("response.created")
    if queued:
        turn.emit_response("response.queued")
        response["status"] = "in_progress"
    turn.emit_response("response.in_progress")
    if "please crash" in asked:
        _finish(turn, task, "failed", error=FAILURE)
    elif "please break off" in asked:
        items.message(turn, final_text(task.prompt, task.format), broken=True)
        turn.emit("error", code="server_error", message=FAILURE["message"], param=None)
        response.update(status="failed", error=FAILURE, output=[])
    else:
        _write(turn, task, asked)
        if turn.cut:
            _finish(turn, task, "incomplete", incomplete_details={"reason": "max_output_tokens"})
        elif "please stop early" in asked:
            _finish(turn, task, "incomplete", incomplete_details={"reason": "content_filter"})
        else:
            _finish(turn, task, "completed", completed_at=response["created_at"])


def warm_up(turn: Turn, task: Task) -> None:
    """Write a response for which the model does nothing: what came in is read, and there is no output."""
    turn.response["status"] = "in_progress"
    turn.emit_response("response.created")
    turn.emit_response("response.in_progress")
    _finish(turn, task, "completed", completed_at=turn.response["created_at"])


def _write(turn: Turn, task: Task, asked: str) -> None:
    prompt = task.prompt
    if task.compact or "please compact" in asked:
        items.compaction(turn, prompt.everything)
    aloud = "please think aloud" in asked
    if aloud or task.reasoning.get("effort") not in (None, "none") or task.reasoning.get("summary"):
        items.reasoning(
            turn,
            f"The user says: {prompt.text}",
            summary=bool(task.reasoning.get("summary")),
            aloud=aloud,
            encrypted="reasoning.encrypted_content" in task.include,
        )
    if "please speak" in asked:
        items.audio(turn, reply_to(prompt.text, prompt.turn))
    if "please refuse" in asked:
        items.refusal(turn, REFUSAL)
        return
    found = Hosted()
    choice = task.choice
    if choice.mode == "required" or (choice.mode == "auto" and not prompt.results):
        for tool in task.tools:
            if choice.kinds is None or tool["type"] in choice.kinds:
                run(turn, tool, prompt, task.include, found)
    source = Source(prompt.text)
    called = calls(task.offered, choice, prompt, parallel=task.parallel)
    for offer in called:
        items.function_call(turn, offer, offer.arguments(source, prompt))
    if not called and not found.waits and not turn.cut:
        items.message(
            turn,
            final_text(prompt, task.format),
            annotations=found.annotations,
            top_logprobs=task.top_logprobs,
        )


def _finish(turn: Turn, task: Task, status: str, **fields: Any) -> None:
    used = task.prompt.tokens
    turn.response.update(
        status=status,
        usage={
            "input_tokens": used,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": turn.output_tokens,
            "output_tokens_details": {"reasoning_tokens": turn.reasoning_tokens},
            "total_tokens": used + turn.output_tokens,
        },
        **fields,
    )
    turn.emit_response(f"response.{status}")


def final_text(prompt: Prompt, form: JSON) -> str:
    """The text of the answer: what tools gave back, or the prompt, or JSON where that is asked for.

    Args:
        form: `text.format` of a response, or `response_format` of a completion with the schema on its top level.
    """
    kind = form.get("type")
    if kind == "json_schema":
        return msgspec.json.encode(fit(form["schema"], Source(prompt.text))).decode()
    if kind == "json_object":
        return msgspec.json.encode({"said": prompt.text}).decode()
    if prompt.results:
        return " ".join(f"The result of {name} is {output}." for name, output in prompt.results)
    return reply_to(prompt.text, prompt.turn)


def check_format(form: JSON, prompt: Prompt, *, param: str, schema: str, content: str) -> None:
    """Check what is asked of the form of the answer.

    Args:
        param: the name of the parameter that `form` is at, such as `text.format`.
        schema: the name of the parameter that the schema and its name are in.
        content: the name of the parameter that the conversation is in.

    Raises:
        Problem: it is not possible.
    """
    kind = form.get("type")
    if kind is None:
        raise missing(f"{param}.type")
    if kind not in ("text", "json_object", "json_schema"):
        raise Problem(
            400,
            f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
            param=f"{param}.type",
            code="invalid_value",
        )
    if kind == "json_object" and "json" not in prompt.everything.lower():
        raise Problem(
            400,
            f"The input must contain the word 'json' in some form to use '{param}' of type 'json_object'.",
            param=content,
        )
    if kind != "json_schema":
        return
    for name in ("name", "schema"):
        if name not in form:
            raise missing(f"{schema}.{name}")
    problem = strict_problem(form["schema"]) if form.get("strict") else None
    if problem is None:
        try:
            fit(form["schema"], Source(""))
        except ValueError as error:
            problem = f"{error}."
    if problem is not None:
        raise Problem(
            400,
            f"Invalid schema for response_format '{form['name']}': {problem}",
            param=f"{schema}.schema",
            code="invalid_json_schema",
        )
