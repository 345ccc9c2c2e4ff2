"""The computer toolset beside the official SDK's: the same requests, the same actions, the same refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

import oxide

from .recorder import Answer
from .sides import Side, Sides

pytestmark = pytest.mark.exhaustive

CLICK = {"type": "click", "x": 1, "y": 2, "button": "left"}
SCREEN = {"type": "computer_screenshot", "image_url": "data:image/png;base64,AA=="}
MESSAGE = {
    "type": "message",
    "id": "msg",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "done", "annotations": []}],
}
REASONING = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "xyz"}


def call(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "type": "computer_call",
        "id": f"cu{number}",
        "call_id": f"call{number}",
        "status": "completed",
        "pending_safety_checks": [],
        **({"actions": [CLICK]} if "action" not in fields else {}),
        **fields,
    }


def response(*output: Any, **fields: Any) -> Answer:
    body = {"id": "resp", "object": "response", "status": "completed", "output": output, **fields}
    return Answer(200, body)


class Driver:
    """Writes down what it is told."""

    def __init__(self, screen: Any = SCREEN) -> None:
        self.done: list[Any] = []
        self.screen = screen

    def _act(self, action: Any) -> None:
        fields = action.to_dict()
        self.done.append({**fields, "keys": fields.get("keys")})

    click = double_click = drag = keypress = move = scroll = type = wait = _act

    def screenshot(self) -> Any:
        self.done.append("screenshot")
        return self.screen


class AsyncDriver:
    """The same, asynchronous."""

    def __init__(self, inner: Driver) -> None:
        self.inner = inner

    async def _act(self, action: Any) -> None:
        self.inner._act(action)

    click = double_click = drag = keypress = move = scroll = type = wait = _act

    async def screenshot(self) -> Any:
        return self.inner.screenshot()


class Run:
    """What a run came to."""

    def __init__(self, side: Side, answers: list[Answer], params: Any, screen: Any, **options: Any) -> None:
        self.driver = Driver(screen)
        self.told: list[Any] = []
        prefix = "Async" if side.asynchronous else ""
        toolset = getattr(side.module, prefix + "ComputerToolset")(
            AsyncDriver(self.driver) if side.asynchronous else self.driver
        )
        for name, function in options.items():
            if name in ("approve_safety_checks", "before_action") and side.asynchronous:
                options = {**options, name: later(function)}
        self.outcome = side.call(
            lambda client: toolset.run(client, params, on_diagnostic=self.told.append, **options),
            side.make(default_headers={"Idempotency-Key": "mine"}),
            tuple(answers),
        )
        self.essence = (
            [(sent.method, sent.target, sent.json) for sent in self.outcome.sent],
            self.driver.done,
            [{**told, "duration_ms": None} for told in self.told],
            type(self.outcome.error).__name__,
            self.outcome.result.id
            if self.outcome.result
            else getattr(getattr(self.outcome.error, "response", None), "id", None),
        )
        keys = [sent.headers.get("idempotency-key") for sent in self.outcome.sent]
        assert len(set(keys)) == len(keys)
        assert keys[:1] in ([], ["mine"])


def later(function: Callable[..., Any]) -> Callable[..., Any]:
    async def wait(*arguments: Any) -> Any:
        return function(*arguments)

    return wait


def same(sides: Sides, answers: list[Answer], params: Any = None, screen: Any = SCREEN, **options: Any) -> Run:
    given = {"model": "m", "input": "go"} if params is None else params
    runs = [Run(side, answers, dict(given), screen, **options) for side in sides.all]
    for run in runs[1:]:
        assert run.essence == runs[0].essence, [run.outcome for run in runs]
    return runs[-1]


ACTIONS = [
    CLICK,
    {"type": "double_click", "x": 1, "y": 2, "keys": ["CTRL"]},
    {"type": "drag", "path": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]},
    {"type": "keypress", "keys": ["a", "b"]},
    {"type": "move", "x": 1, "y": 2},
    {"type": "scroll", "x": 1, "y": 2, "scroll_x": 0, "scroll_y": -3},
    {"type": "type", "text": "hö"},
    {"type": "wait"},
    {"type": "screenshot"},
]


def test_runs(sides: Sides) -> None:
    run = same(sides, [response(REASONING, call(actions=ACTIONS)), response(call(2, id="cu3")), response(MESSAGE)])
    assert [done["type"] for done in run.driver.done if done != "screenshot"][:3] == ["click", "double_click", "drag"]
    assert run.outcome.result.output_text == "done"
    assert len(run.outcome.sent) == 3
    same(sides, [response(call(action=CLICK)), response(MESSAGE)])
    same(sides, [response(call(actions=None, action=CLICK)), response(MESSAGE)])
    same(
        sides,
        [response(call(), call(2)), response({**MESSAGE, "phase": "final_answer"})],
        before_action=lambda action: True,
    )


@pytest.mark.parametrize(
    "params",
    [
        {
            "input": [{"role": "user", "content": "x", "id": "u1"}],
            "tool_choice": "required",
            "include": ["reasoning.encrypted_content"],
        },
        {
            "input": "x",
            "tools": [{"type": "computer_use_preview", "display_width": 1, "display_height": 2, "environment": "mac"}],
        },
        {"tool_choice": {"type": "computer"}},
        {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "computer"}]}},
        {"extra_body": {"x": 1}, "extra_headers": {"x-own": "1", "idempotency-key": "mine"}, "stream": False},
        {"tools": []},
        {"tools": None},
        {"tools": [{"type": "computer"}, {"type": "computer"}]},
        {"tools": [{"type": "web_search"}]},
        {"stream": True},
        {"background": True},
        {"previous_response_id": "r"},
        {"conversation": "c"},
        {"extra_body": {"tools": []}},
    ],
    ids=repr,
)
def test_parameters(sides: Sides, params: dict[str, Any]) -> None:
    same(sides, [response(call()), response(MESSAGE)], {"model": "m", **params})


@pytest.mark.parametrize(
    "output",
    [
        [],
        [{**MESSAGE, "phase": "commentary"}],
        [{**MESSAGE, "status": "incomplete"}],
        [call(status="in_progress")],
        [call(actions=[])],
        [call(actions=None)],
        [call(action=CLICK, actions=[CLICK])],
        [call(action=CLICK, pending_safety_checks=None)],
        [call(pending_safety_checks="x")],
        [call(pending_safety_checks=[{"code": "c"}])],
        [call(actions=[{**CLICK, "button": "other"}])],
        [call(actions=[CLICK, {"type": "explode"}])],
        [call(actions=[{"type": "keypress", "keys": ["a", 1]}])],
        [call(actions=[{"type": "type"}])],
        [call(actions=[{"type": "scroll", "x": 1, "y": 2}])],
        [call(actions=[{"type": "drag", "path": [{"x": 1}]}])],
        [call(), call()],
        [call(), call(2, call_id="call1")],
        [{"type": "function_call", "id": "f", "call_id": "c", "name": "n", "arguments": "{}"}],
    ],
    ids=lambda output: repr(output)[:90],
)
def test_what_ends_a_run(sides: Sides, output: list[Any]) -> None:
    run = same(sides, [response(*output), response(MESSAGE)])
    assert isinstance(run.outcome.error, oxide.lib.computer.ComputerUseError)
    assert not run.driver.done


@pytest.mark.parametrize("value", ["1", True, 1.5, None])
def test_coordinates(sides: Sides, value: Any) -> None:
    """The official SDK makes a 1 of some of these when it decodes them."""
    run = Run(sides.oxide, [response(call(actions=[{**CLICK, "x": value}]))], {"model": "m"}, SCREEN)
    assert isinstance(run.outcome.error, oxide.lib.computer.ComputerUseError)
    assert not run.driver.done


def test_other_ends(sides: Sides) -> None:
    same(sides, [response(call(), status="incomplete")])
    same(sides, [response(call()), response(call())])
    same(sides, [response(call()), response(call(2))], max_steps=2)
    same(sides, [response(MESSAGE)], max_steps=0)
    same(sides, [response(MESSAGE)], max_steps=True)
    same(sides, [Answer(400)])


@pytest.mark.parametrize(
    "screen",
    [
        None,
        {},
        {"type": "computer_screenshot"},
        {"type": "x", "file_id": "f"},
        {"type": "computer_screenshot", "file_id": "f"},
    ],
    ids=repr,
)
def test_screenshots(sides: Sides, screen: Any) -> None:
    same(sides, [response(call()), response(MESSAGE)], screen=screen)


CHECKS = [{"id": "s1", "code": "c", "message": "m"}, {"id": "s2"}]


@pytest.mark.parametrize("answer", [True, False, None, 1, "yes"])
def test_approval(sides: Sides, answer: Any) -> None:
    answers = [response(call(pending_safety_checks=CHECKS)), response(MESSAGE)]
    same(sides, answers, approve_safety_checks=lambda call: answer)
    same(sides, answers[1:], approve_safety_checks=lambda call: answer)
    same(sides, [response(call(actions=[CLICK, CLICK])), response(MESSAGE)], before_action=lambda action: answer)


def test_no_approval(sides: Sides) -> None:
    run = same(sides, [response(call(pending_safety_checks=CHECKS))])
    assert not run.driver.done


@pytest.mark.parametrize("steps", range(9))
def test_cancelling(sides: Sides, steps: int) -> None:
    runs = []
    for side in sides.all:
        left = [steps]

        def cancelled(left: list[int] = left) -> bool:
            left[0] -= 1
            return left[0] < 0

        runs.append(
            Run(side, [response(call()), response(MESSAGE)], {"model": "m", "input": "x"}, SCREEN, cancelled=cancelled)
        )
    # How often one asks is not what is compared: when one is told, nothing more is done.
    for run in runs:
        assert type(run.outcome.error).__name__ in ("ComputerUseError", "NoneType")
    assert isinstance(runs[2].outcome.error, oxide.lib.computer.ComputerUseError) or steps > 4


@pytest.mark.parametrize("index", range(4))
def test_errors_of_drivers(sides: Sides, index: int) -> None:
    side = sides.all[index]
    driver, told = Driver(), []
    wrapped = AsyncDriver(driver)

    def fail(action: Any) -> None:
        raise KeyError("broken")

    driver.click = fail  # type: ignore[method-assign]
    wrapped.click = later(fail)  # type: ignore[method-assign]
    toolset = side.module.AsyncComputerToolset(wrapped) if side.asynchronous else side.module.ComputerToolset(driver)
    outcome = side.call(
        lambda client: toolset.run(client, {"model": "m"}, on_diagnostic=told.append), answers=(response(call()),)
    )
    assert isinstance(outcome.error, KeyError)
    assert [(each["member"], each["reason"]) for each in told] == [("click", "driver_failed")]
    assert toolset.close() == {"status": "closed"}
    outcome = side.call(lambda client: toolset.run(client, {"model": "m"}))
    assert isinstance(outcome.error, RuntimeError)


def test_one_call(sides: Sides) -> None:
    found = []
    for side in sides.all:
        told = call(pending_safety_checks=CHECKS, actions=[CLICK])
        outcome = side.call(lambda client: client.responses.create(model="m"), answers=(response(told),))
        made = outcome.result.output[0]
        driver = Driver()
        if side.asynchronous:
            toolset = side.module.AsyncComputerToolset(AsyncDriver(driver))
            result = side.wait(toolset.execute(made, approve_safety_checks=later(lambda call: True)))
        else:
            toolset = side.module.ComputerToolset(driver)
            result = toolset.execute(made, approve_safety_checks=lambda call: True)
        found.append((result, driver.done))
    assert found == [found[0]] * 4


def test_drivers_that_are_none() -> None:
    for module in (openai, oxide):
        with pytest.raises(ValueError, match="driver"):
            module.ComputerToolset(object())
        with pytest.raises(ValueError, match="AsyncComputerToolset"):
            module.ComputerToolset(AsyncDriver(Driver()))


@pytest.mark.parametrize("index", [0, 2])
def test_one_at_a_time(sides: Sides, index: int) -> None:
    side = sides.all[index]
    driver, errors = Driver(), []

    def again(action: Any) -> None:
        try:
            toolset.run(side.client, {"model": "m"})
        except RuntimeError as error:
            errors.append(error)
        assert toolset.close() == {"status": "draining"}

    driver.click = again  # type: ignore[method-assign]
    toolset = side.module.ComputerToolset(driver)
    side.call(lambda client: toolset.run(client, {"model": "m"}), answers=(response(call()), response(MESSAGE)))
    assert len(errors) == 1
