"""A loop in which a model chooses what to do next, among actions that the application offers: one flow."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from math import isfinite
from time import monotonic
from typing import Any, Literal, NamedTuple

from .diagnostics import Observer, discard, invoke
from .flow import Flow, Invoke

__all__ = ["DecisionRun", "DecisionsToolRunnerError", "Reason"]

Reason = Literal[
    "invalid_params",
    "invalid_candidates",
    "invalid_answer",
    "async_executor",
    "invalid_verification",
    "verification_failed",
    "step_limit",
    "failed",
    "cancelled",
]

_MESSAGES: dict[str, str] = {
    "invalid_params": "params must be model, input (text) and perhaps safety_identifier, and max_steps at least 1",
    "invalid_candidates": (
        "candidates must be a list of at most 255 dicts, each with an id of its own and a description: one of them with"
        " done=True, the others with a function 'execute'"
    ),
    "invalid_answer": "the decision is none of the candidates",
    "async_executor": "an executor is asynchronous: use AsyncDecisionsToolRunner",
    "invalid_verification": "verify must return True or False",
    "verification_failed": "the verification failed, and there is nothing else to do",
    "step_limit": "the run was not complete after max_steps",
    "failed": "the run ended before it was complete",
    "cancelled": "the run was cancelled",
}

_QUESTION = "next_action"
_DETAILS = (None, "low", "high", "auto", "original")


class DecisionsToolRunnerError(RuntimeError):
    """A run ended before it was complete. Look at what was attempted before trying again.

    Attributes:
        reason: why.
        attempted_candidate_ids: the actions that were begun, in order.
        completed_candidate_ids: those whose function returned.
    """

    def __init__(self, reason: Reason, attempted: list[str], completed: list[str]) -> None:
        super().__init__(_MESSAGES[reason])
        self.reason = reason
        self.attempted_candidate_ids = tuple(attempted)
        self.completed_candidate_ids = tuple(completed)


class Candidate(NamedTuple):
    """One of the things that can be done; without `execute` it is that the task is done."""

    id: str
    description: str
    execute: Callable[..., Any] | None


class DecisionRun:
    """One run.

    Args:
        params: model, task, and perhaps a safety identifier.
        max_steps: how many decisions there may be.
        cancelled: asked between all steps.
        told: of each step, how it went.

    Attributes:
        attempted, completed: ids of candidates.

    Raises:
        DecisionsToolRunnerError: the parameters can't be used.
    """

    def __init__(self, params: Mapping[str, Any], max_steps: int, cancelled: Any, told: Any) -> None:
        self.attempted: list[str] = []
        self.completed: list[str] = []
        self._decisions: list[Any] = []
        self._raised: DecisionsToolRunnerError | None = None
        self._cancelled = cancelled
        self._observer = Observer("decisions", told)
        identifier = params.get("safety_identifier")
        if (
            type(max_steps) is not int
            or max_steps < 1
            or set(params) - {"model", "input", "safety_identifier"}
            or not isinstance(params.get("model"), str)
            or not isinstance(params.get("input"), str)
            or not isinstance(identifier, (str, type(None)))
        ):
            raise self._error("invalid_params")
        self._params = dict(params)
        self._steps = max_steps

    def run(self, create: Any, fresh: Any, observe: Any, offer: Any, verify: Any) -> Flow[dict[str, Any]]:
        """Observe, decide, act, until the task is done.

        Args:
            create: the client's `decisions.create`.
            fresh: gives the parameters of a further request.
            observe: what the model sees.
            offer: the candidates for an observation.
            verify: whether the task is done, for an observation.

        Raises:
            DecisionsToolRunnerError: the run ended before that; what went wrong elsewhere is its cause.
        """
        try:
            return (yield from self._loop(create, fresh, observe, offer, verify))
        except DecisionsToolRunnerError as error:
            if error is not self._raised:
                raise self._error("failed") from error
            if error.reason == "step_limit":
                self._observer.tell("run", "step_limit", monotonic())
            raise
        except Exception as error:
            raise self._error("failed") from error

    def _loop(self, create: Any, fresh: Any, observe: Any, offer: Any, verify: Any) -> Flow[dict[str, Any]]:
        for step in range(self._steps):
            last = step == self._steps - 1
            self._check()
            seen = self._owned((yield Invoke(observe)))
            candidates = self._candidates((yield Invoke(offer, deepcopy(seen))))
            chosen: Candidate | None = candidates[0]
            if len(candidates) > 1:
                chosen = yield from self._decide(create, fresh if step else dict, seen, candidates)
            self._observer.tell(
                "selection", "completed" if chosen else "refused", monotonic(), chosen.id if chosen else None
            )
            if chosen is None:
                return self._result("refused")
            if chosen.execute is not None:
                if last:
                    raise self._error("step_limit")
                yield from self._act(chosen.id, chosen.execute)
                continue
            if verify is None:
                return self._result("unverified")
            self._check()
            seen = self._owned((yield Invoke(observe)))
            started = monotonic()
            verdict = yield Invoke(verify, deepcopy(seen))
            self._observer.tell("verification", "completed" if verdict is True else "refused", started, chosen.id)
            self._check()
            if verdict is True:
                return self._result("verified")
            discard(verdict)
            if verdict is not False:
                raise self._error("invalid_verification")
            if len(candidates) == 1:
                raise self._error("verification_failed")
            if last:
                raise self._error("step_limit")
        raise AssertionError("unreachable")

    def _decide(self, create: Any, fresh: Any, seen: Any, candidates: list[Candidate]) -> Flow[Candidate | None]:
        request: dict[str, Any] = {
            "model": self._params["model"],
            "input": [{"role": "user", "content": self._params["input"]}, {"role": "user", "content": seen}],
            "questions": [
                {
                    "type": "choice",
                    "name": _QUESTION,
                    "instructions": "Choose the action that brings the task forward most, or done if the task is complete.",
                    "choices": [{"value": each.id, "description": each.description} for each in candidates],
                }
            ],
        }
        if "safety_identifier" in self._params:
            request["safety_identifier"] = self._params["safety_identifier"]
        started = monotonic()
        try:
            decision = yield Invoke(create, **fresh(request))
        except Exception:
            self._observer.tell("request", "api_failed", started)
            raise
        self._check()
        chosen = self._chosen(decision, candidates)
        self._observer.tell("request", "completed", started, usage=decision.usage)
        self._check()
        return chosen

    def _act(self, name: str, execute: Callable[..., Any]) -> Flow[None]:
        self._check()
        self.attempted.append(name)
        started = monotonic()
        try:
            result = yield invoke(execute, self._cancelled)
            if inspect.isawaitable(result):
                discard(result)
                raise self._error("async_executor")
        except Exception:
            self._observer.tell("action", "driver_failed", started, name)
            raise
        self._observer.tell("action", "completed", started, name)
        self.completed.append(name)
        self._check()

    # --- what is let through ----------------------------------------------------------------------------------------

    def _error(self, reason: Reason) -> DecisionsToolRunnerError:
        self._raised = DecisionsToolRunnerError(reason, self.attempted, self.completed)
        return self._raised

    def _check(self) -> None:
        if self._cancelled is not None and self._cancelled():
            raise self._error("cancelled")

    def _result(self, status: str) -> dict[str, Any]:
        self._check()
        return {
            "status": status,
            "decisions": list(self._decisions),
            "attempted_candidate_ids": list(self.attempted),
            "completed_candidate_ids": list(self.completed),
        }

    def _owned(self, observation: Any) -> Any:
        """An observation as it is now. Raises DecisionsToolRunnerError if it is none."""
        owned = observation if isinstance(observation, str) else deepcopy(list(observation))
        for part in () if isinstance(owned, str) else owned:
            kind = part.get("type") if isinstance(part, dict) else None
            if kind == "input_text":
                valid = isinstance(part.get("text"), str)
            else:
                valid = kind == "input_image" and isinstance(part.get("image_url"), str)
                valid = valid and part.get("detail") in _DETAILS
            if not valid:
                raise self._error("failed")
        self._check()
        return owned

    def _candidates(self, values: Any) -> list[Candidate]:
        if not isinstance(values, list) or not 1 <= len(values) <= 255:
            raise self._error("invalid_candidates")
        found: dict[str, Candidate] = {}
        for value in values:
            if not isinstance(value, dict) or set(value) - {"id", "description", "done", "execute"}:
                raise self._error("invalid_candidates")
            name, description, done = value.get("id"), value.get("description"), value.get("done", False)
            execute = value.get("execute")
            if (
                not (isinstance(name, str) and name.strip() and isinstance(description, str) and description.strip())
                or name in found
                or type(done) is not bool
                or ("execute" in value if done else not callable(execute))
            ):
                raise self._error("invalid_candidates")
            found[name] = Candidate(name, description, execute)
        if sum(each.execute is None for each in found.values()) != 1:
            raise self._error("invalid_candidates")
        self._check()
        return list(found.values())

    def _chosen(self, decision: Any, candidates: list[Candidate]) -> Candidate | None:
        """The candidate that was chosen, `None` for a refusal."""
        answers = decision.answers
        if not isinstance(answers, list) or len(answers) != 1 or not _is_usage(decision.usage):
            raise self._error("invalid_answer")
        answer = answers[0]
        if answer.name != _QUESTION or not isinstance(decision.model, str):
            raise self._error("invalid_answer")
        self._decisions.append(decision.model_copy(deep=True))
        if answer.type == "refusal":
            return None
        if answer.type == "choice" and isinstance(answer.choice, str) and _is_certain(answer):
            for each in candidates:
                if each.id == answer.choice:
                    return each
        raise self._error("invalid_answer")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def _is_certain(answer: Any) -> bool:
    chances = answer.probabilities
    return (
        _is_number(answer.confidence)
        and isinstance(chances, list)
        and all(isinstance(each.value, (str, bool)) and _is_number(each.probability) for each in chances)
    )


def _is_usage(usage: Any) -> bool:
    try:
        return all(
            type(value) is int
            for value in (
                usage.input_tokens,
                usage.output_tokens,
                usage.total_tokens,
                usage.input_tokens_details.cache_write_tokens,
                usage.input_tokens_details.cached_tokens,
                usage.output_tokens_details.reasoning_tokens,
            )
        )
    except AttributeError:
        return False
