"""The decisions runner beside the official SDK's: the same requests, the same actions, the same ends."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

import pytest

import oxide
import oxide.lib.decisions_tool_runner

from .recorder import Answer
from .sides import Side, Sides

pytestmark = pytest.mark.exhaustive

USAGE = {
    "input_tokens": 1,
    "output_tokens": 2,
    "total_tokens": 3,
    "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}


def decision(choice: Any, **changes: Any) -> Answer:
    answer = {
        "type": "choice",
        "name": "next_action",
        "choice": choice,
        "confidence": 0.5,
        "probabilities": [{"value": choice, "probability": 1}],
    }
    fields = {name: changes.pop(name) for name in ("usage", "model", "answers") if name in changes}
    return Answer(200, {"id": "d", "model": "m", "usage": USAGE, "answers": [{**answer, **changes}], **fields})


REFUSAL = {"type": "refusal", "name": "next_action"}
DONE = {"id": "done", "description": "It is done", "done": True}


class Run:
    """One run; `essence` is what has to be the same."""

    def __init__(self, side: Side, answers: list[Answer], **options: Any) -> None:
        self.done: list[str] = []
        self.told: list[Any] = []
        self.sees = 0
        observation = options.pop("observation", None)
        offered = options.pop("offered", None)
        verdicts = list(options.pop("verdicts", []))
        params = options.pop("params", {"model": "m", "input": "task"})

        def observe() -> Any:
            self.sees += 1
            return f"seen {self.sees}" if observation is None else observation

        def offer(seen: Any) -> Any:
            return self.offer(side) if offered is None else offered

        def verify(seen: Any) -> Any:
            return verdicts.pop(0)

        functions: dict[str, Any] = {"observe": observe, "candidates": offer}
        if verdicts:
            functions["verify"] = verify
        if side.asynchronous:
            functions = {name: later(function) for name, function in functions.items()}
        module = importlib.import_module(f"{side.module.__name__}.lib.decisions_tool_runner")
        prefix = "Async" if side.asynchronous else ""
        self.runner = getattr(module, f"{prefix}DecisionsToolRunner")(**functions)
        self.outcome = side.call(
            lambda client: self.runner.run(client, params, on_diagnostic=self.told.append, **options),
            side.make(default_headers={"Idempotency-Key": "mine"}),
            tuple(answers),
        )
        error, result = self.outcome.error, self.outcome.result
        requests = [sent.json for sent in self.outcome.sent]
        for request in requests:
            # Our words are our own.
            assert request["questions"][0].pop("instructions")
        self.essence = (
            requests,
            self.done,
            [{**told, "duration_ms": None} for told in self.told],
            result and {**result, "decisions": [each.to_dict() for each in result["decisions"]]},
            type(error).__name__,
            [getattr(error, name, None) for name in ("reason", "attempted_candidate_ids", "completed_candidate_ids")],
        )
        keys = [sent.headers["idempotency-key"] for sent in self.outcome.sent]
        assert len(set(keys)) == len(keys)

    def offer(self, side: Side) -> list[Any]:
        def act() -> None:
            self.done.append("act")

        def fail() -> None:
            self.done.append("fail")
            raise KeyError("broken")

        actions = {"act": act, "fail": fail}
        return [
            *(
                {"id": name, "description": f"To {name}", "execute": later(action) if side.asynchronous else action}
                for name, action in actions.items()
            ),
            DONE,
        ]


def later(function: Any) -> Any:
    async def wait(*arguments: Any) -> Any:
        return function(*arguments)

    return wait


def same(sides: Sides, answers: list[Answer], **options: Any) -> Run:
    runs = [Run(side, answers, **options) for side in sides.all]
    for run in runs[1:]:
        assert run.essence == runs[0].essence, [run.outcome for run in runs]
    return runs[-1]


def test_runs(sides: Sides) -> None:
    run = same(sides, [decision("act"), decision("act"), decision("done")])
    assert run.done == ["act", "act"]
    assert run.outcome.result["status"] == "unverified"
    assert len(run.outcome.sent) == 3
    run = same(sides, [decision("act"), decision("done"), decision("act"), decision("done")], verdicts=[False, True])
    assert run.outcome.result["status"] == "verified"
    same(sides, [decision("act"), decision("x", answers=[REFUSAL])])
    same(sides, [], offered=[DONE])
    same(sides, [], offered=[DONE], verdicts=[True])
    same(sides, [], offered=[DONE], verdicts=[False])
    same(sides, [decision("done")], verdicts=[None])
    same(sides, [decision("done")], verdicts=["yes"])


def test_ends(sides: Sides) -> None:
    same(sides, [decision("fail")])
    same(sides, [decision("act"), decision("act")], max_steps=2)
    same(sides, [decision("done")], max_steps=1, verdicts=[False])
    same(sides, [Answer(400)])
    run = Run(sides.oxide, [Answer(400)])
    assert isinstance(run.outcome.error.__cause__, oxide.BadRequestError)


@pytest.mark.parametrize(
    "options",
    [
        {"params": {"model": "m"}},
        {"params": {"input": "x"}},
        {"params": {"model": "m", "input": ["x"]}},
        {"params": {"model": "m", "input": "x", "tools": []}},
        {"params": {"model": "m", "input": "x", "safety_identifier": 1}},
        {"params": {"model": "m", "input": "x", "safety_identifier": None}},
        {"params": {"model": "m", "input": "x", "safety_identifier": "s"}},
        {"max_steps": 0},
        {"max_steps": True},
        {"max_steps": "1"},
    ],
    ids=repr,
)
def test_parameters(sides: Sides, options: dict[str, Any]) -> None:
    same(sides, [decision("done")], **options)


ACTION = {"id": "a", "description": "b", "execute": str}


@pytest.mark.parametrize(
    "offered",
    [
        [],
        None,
        (DONE,),
        [ACTION],
        [DONE, DONE],
        [DONE, {**DONE, "id": "other"}],
        [DONE, ACTION, ACTION],
        [DONE, {**ACTION, "id": ""}],
        [DONE, {**ACTION, "description": " "}],
        [DONE, {**ACTION, "execute": 1}],
        [DONE, {**ACTION, "more": 1}],
        [DONE, {**ACTION, "done": 0}],
        [{**DONE, "execute": str}],
        [DONE, "action"],
        [DONE, *({**ACTION, "id": str(number)} for number in range(255))],
    ],
    ids=lambda offered: repr(offered)[:80].partition(" at ")[0],
)
def test_candidates(sides: Sides, offered: Any) -> None:
    same(sides, [decision("a"), decision("done")], offered=offered if offered is not None else "none")


@pytest.mark.parametrize(
    "observation",
    [
        "text",
        [{"type": "input_text", "text": "x"}, {"type": "input_image", "image_url": "data:", "detail": "low"}],
        [],
        [{"type": "input_text"}],
        [{"type": "input_image", "image_url": "x", "detail": "other"}],
        [{"type": "input_file"}],
        ["x"],
        7,
    ],
    ids=repr,
)
def test_observations(sides: Sides, observation: Any) -> None:
    same(sides, [decision("done")], observation=observation)


@pytest.mark.parametrize(
    "answer",
    [
        decision("unknown"),
        decision(True),
        decision("done", name="other"),
        decision("done", type="predicate", probability=1),
        decision("done", confidence=None),
        decision("done", probabilities=None),
        decision("done", probabilities=[{"value": "x"}]),
        decision("done", answers=[]),
        decision("done", answers=[REFUSAL, REFUSAL]),
        decision("done", answers=None),
        decision("done", usage=None),
        decision("done", usage={**USAGE, "total_tokens": None}),
        decision("done", model=None),
        Answer(200, {}),
    ],
    ids=lambda answer: answer.body.decode()[-150:],
)
def test_answers(sides: Sides, answer: Answer) -> None:
    same(sides, [answer])


def test_cancelling(sides: Sides) -> None:
    for side in sides.all:
        run = Run(side, [decision("act")], cancelled=lambda: True)
        assert run.outcome.error.reason == "cancelled"  # type: ignore[union-attr]
        assert not run.done


@pytest.mark.parametrize("index", [1, 3])
def test_cancelled_tasks(sides: Sides, index: int) -> None:
    side = sides.all[index]
    module = importlib.import_module(f"{side.module.__name__}.lib.decisions_tool_runner")

    async def main() -> None:
        begun = asyncio.Event()

        async def stuck() -> None:
            begun.set()
            await asyncio.Event().wait()

        action = {"id": "stuck", "description": "x", "execute": stuck}
        runner = module.AsyncDecisionsToolRunner(
            observe=later(lambda: "x"), candidates=later(lambda seen: [DONE, action])
        )

        async def run() -> Any:
            # Inside of the task: from outside, Python 3.10 shows no more than that it was cancelled.
            with pytest.raises(module.DecisionsToolRunnerCancelledError) as caught:
                await runner.run(side.client, {"model": "m", "input": "x"})
            return caught.value

        task = asyncio.ensure_future(run())
        await asyncio.wait_for(begun.wait(), 10)
        task.cancel()
        error = await task
        assert error.attempted_candidate_ids == ("stuck",)
        assert error.completed_candidate_ids == ()

    side.recorder.take()
    side.recorder.answers.append(decision("stuck"))
    side.loop.run_until_complete(main())


def test_a_runner_that_is_closed(sides: Sides) -> None:
    run = Run(sides.oxide, [decision("done")])
    assert run.runner.close() == {"status": "closed"}
    with pytest.raises(RuntimeError, match="closed"):
        run.runner.run(sides.oxide.client, {"model": "m", "input": "x"})
