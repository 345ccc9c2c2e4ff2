"""A model that uses a computer: its actions are carried out by a driver, and it is shown the screen after them.

The loop is a flow, and so is what one call of the model comes to. Whatever is not plainly what it should be ends the
run before anything is done: here a misunderstanding is a click somewhere.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, NamedTuple

from .codec import decode, encode
from .diagnostics import Observer, discard, invoke
from .flow import Flow, Invoke

__all__ = ["MEMBERS", "Computer", "ComputerUseError", "Policy", "handlers_of"]

MEMBERS = ("click", "double_click", "drag", "keypress", "move", "screenshot", "scroll", "type", "wait")

_TOOLS = ("computer", "computer_use_preview")
_BUTTONS = ("left", "right", "wheel", "back", "forward")
_OWNED = frozenset(
    {"stream", "background", "conversation", "previous_response_id", "tools", "input", "include", "tool_choice"}
)


class ComputerUseError(RuntimeError):
    """A run ended before it was complete.

    Attributes:
        response: the last response, if there was one.
    """

    def __init__(self, message: str, response: Any = None) -> None:
        super().__init__(message)
        self.response = response


class Policy(NamedTuple):
    """What the application has to say while a model acts.

    Attributes:
        approve: asked about a call with safety checks; anything but `True` ends the run.
        before: asked before each action, and before the screenshot at the end of a call; the same.
        cancelled: asked between all steps; true ends the run.
        observe: told of each step, without what it was about.
    """

    approve: Callable[[Any], Any] | None = None
    before: Callable[[Any], Any] | None = None
    cancelled: Callable[[], bool] | None = None
    observe: Callable[[Any], Any] | None = None


def handlers_of(driver: Any, asynchronous: bool) -> dict[str, Callable[..., Any]]:
    """The methods of a driver, by action. Raises ValueError if one is missing, or is for the other kind of toolset."""
    handlers = {}
    for name in MEMBERS:
        handler = getattr(driver, name, None)
        if not callable(handler):
            raise ValueError(f"the computer driver has no method {name!r}")
        if inspect.iscoroutinefunction(inspect.unwrap(handler)) and not asynchronous:
            raise ValueError(f"the driver's {name!r} is a coroutine function: use AsyncComputerToolset")
        handlers[name] = handler
    return handlers


class Computer:
    """One run, or one call.

    Args:
        handlers: the driver's methods.
        policy: the application's say.
    """

    def __init__(self, handlers: Mapping[str, Callable[..., Any]], policy: Policy) -> None:
        self._handlers = handlers
        self._policy = policy
        self._observer = Observer("computer", policy.observe)

    # --- the loop ---------------------------------------------------------------------------------------------------

    def run(self, create: Callable[..., Any], params: Mapping[str, Any], max_steps: int, fresh: Any) -> Flow[Any]:
        """Ask, act, show, until there is a final message; its response.

        Args:
            create: the client's `responses.create`.
            params: of the first request.
            max_steps: how many requests there may be.
            fresh: gives the `extra_headers` of a further request.

        Raises:
            ValueError: the parameters are not for this loop.
            ComputerUseError: the model wants what can't be done, or may not be done; or the run was cancelled.
        """
        request = _prepared(params, max_steps)
        seen = {("id", item.get("id")) for item in request["input"] if isinstance(item, dict) and item.get("id")}
        seen |= {("call", item["call_id"]) for item in request["input"] if isinstance(item, dict) and "call_id" in item}
        response = None
        for step in range(max_steps):
            self._check_cancelled(response)
            if step:
                request = fresh(request)
            response = yield Invoke(create, **request)
            self._check_cancelled(response)
            try:
                calls = _calls(response, seen)
                if not calls:
                    return response
                if step == max_steps - 1:
                    raise ComputerUseError(f"the run was not complete after {max_steps} requests")
                outputs = []
                for call in calls:
                    outputs.append((yield from self.dispatch(call)))  # noqa: PERF401 (it is a flow)
            except ComputerUseError as error:
                error.response = response
                raise
            request["input"] = [*request["input"], *map(_replayed, response.output), *outputs]
            _relax(request)
        raise AssertionError("unreachable")

    # --- one call ---------------------------------------------------------------------------------------------------

    def dispatch(self, call: Any) -> Flow[dict[str, Any]]:
        """Carry out a call, and return the output to send for it. Raises ComputerUseError."""
        if call.type != "computer_call" or call.status != "completed":
            raise ComputerUseError("the computer call is not complete")
        actions = _actions(call)
        checks = call.pending_safety_checks or []
        self._check_cancelled(None)
        if checks:
            yield from self._ask(self._policy.approve, call, call, None, "the safety checks were not approved")
        kinds = [action.type for action in actions]
        for action in actions if kinds[-1] == "screenshot" else [*actions, None]:
            kind = "screenshot" if action is None else action.type
            if self._policy.before is not None:
                asked = decode(_screenshot_type(), b'{"type":"screenshot"}') if action is None else action
                yield from self._ask(self._policy.before, asked, call, kind, "the action was not approved")
            if kind != "screenshot":
                yield from self._act(call, kind, action)
        screen = yield from self._act(call, "screenshot")
        return {
            "type": "computer_call_output",
            "call_id": call.call_id,
            "output": screen,
            "acknowledged_safety_checks": [
                {"id": check.id, "code": check.code, "message": check.message} for check in checks
            ],
        }

    def _ask(self, function: Any, about: Any, call: Any, member: str | None, refusal: str) -> Flow[None]:
        started = monotonic()
        answer = None
        if function is not None:
            try:
                # A copy: what is approved is what is done.
                answer = yield self._invoke(function, about.model_copy(deep=True))
            except Exception:
                self._check_cancelled(None, call, "approval", member, started)
                raise
        self._check_cancelled(None, call, "approval", member, started)
        self._tell("approval", "completed" if answer is True else "refused", call, member, started)
        if answer is not True:
            discard(answer)
            raise ComputerUseError(refusal)

    def _act(self, call: Any, member: str, *arguments: Any) -> Flow[Any]:
        started = monotonic()
        self._check_cancelled(None)
        try:
            copies = [argument.model_copy(deep=True) for argument in arguments]
            result = yield self._invoke(self._handlers[member], *copies)
            if hasattr(result, "__await__"):
                discard(result)
                raise ComputerUseError(f"the driver's {member!r} is asynchronous: use AsyncComputerToolset")
            if member == "screenshot":
                result = _screen(result)
        except Exception:
            self._check_cancelled(None, call, "action", member, started)
            self._tell("action", "driver_failed", call, member, started)
            raise
        self._check_cancelled(None, call, "action", member, started)
        self._tell("action", "completed", call, member, started)
        return result

    def _invoke(self, function: Callable[..., Any], *arguments: Any) -> Invoke:
        return invoke(function, self._policy.cancelled, *arguments)

    def _check_cancelled(
        self, response: Any, call: Any = None, stage: str = "", member: str | None = None, started: float = 0.0
    ) -> None:
        if self._policy.cancelled is not None and self._policy.cancelled():
            if call is not None:
                self._tell(stage, "cancelled", call, member, started)
            raise ComputerUseError("the run was cancelled", response)

    def _tell(self, stage: str, reason: str, call: Any, member: str | None, started: float) -> None:
        self._observer.tell(stage, reason, started, call.call_id, member)


def _screenshot_type() -> Any:
    from ..types.responses.computer_action import Screenshot

    return Screenshot


def _prepared(params: Mapping[str, Any], max_steps: int) -> dict[str, Any]:
    if isinstance(max_steps, bool) or not isinstance(max_steps, int) or max_steps < 1:
        raise ValueError(f"max_steps must be a whole number of at least 1, not {max_steps!r}")
    request = dict(params)
    extra = request.get("extra_body")
    if isinstance(extra, Mapping) and _OWNED & set(extra):
        raise ValueError(f"extra_body can't have {', '.join(sorted(_OWNED & set(extra)))} here: pass it as a parameter")
    for name in ("stream", "background", "previous_response_id", "conversation"):
        if request.get(name):
            raise ValueError(f"{name} is not for this loop, which waits for each response and sends all of the history")
    tools = list(request.get("tools", [{"type": "computer"}]) or [])
    if len(tools) != 1 or tools[0]["type"] not in _TOOLS:
        raise ValueError("tools must be exactly one computer tool, or be left out")
    given = request.get("input", [])
    # The history is sent by value, as it is now, so that it doesn't matter whether responses are stored.
    history = [{"role": "user", "content": given}] if isinstance(given, str) else decode(list, encode(list(given)))
    include = dict.fromkeys([*(request.get("include") or []), "reasoning.encrypted_content"])
    return request | {"tools": tools, "input": history, "include": list(include), "stream": False}


def _relax(request: dict[str, Any]) -> None:
    # A tool that had to be used has been.
    choice = request.get("tool_choice")
    if isinstance(choice, Mapping):
        if choice.get("type") in (*_TOOLS, "computer_use"):
            request["tool_choice"] = "auto"
        elif choice.get("type") == "allowed_tools" and choice.get("mode") == "required":
            request["tool_choice"] = {**choice, "mode": "auto"}
    elif choice == "required":
        request["tool_choice"] = "auto"


def _replayed(item: Any) -> dict[str, Any]:
    sent: dict[str, Any] = item.to_dict()
    sent.pop("created_by", None)
    return sent


def _calls(response: Any, seen: set[Any]) -> list[Any]:
    """The computer calls of a response, none if it is the last one."""
    if response.status != "completed":
        raise ComputerUseError("the response is not complete")
    calls, final = [], False
    for item in response.output:
        if item.type == "computer_call":
            _actions(item)
            calls.append(item)
        elif item.type == "message":
            final = final or (item.status == "completed" and getattr(item, "phase", None) != "commentary")
        elif item.type not in ("reasoning", "compaction"):
            raise ComputerUseError(f"the response has a {item.type!r}, which a computer can't do anything with")
        names = [("id", item.id)] if item.id else []
        if item.type == "computer_call":
            names.append(("call", item.call_id))
        if not seen.isdisjoint(names):
            raise ComputerUseError("the response has an item that was there before")
        seen.update(names)
    if not calls and not final:
        raise ComputerUseError("the response has neither a computer call nor a final message")
    return calls


def _actions(call: Any) -> list[Any]:
    """The actions of a call, all of which can be carried out."""
    if not isinstance(call.id, str) or not isinstance(call.call_id, str) or call.status != "completed":
        raise ComputerUseError("the computer call is not complete, or has no id")
    one, several = call.action, call.actions
    if (one is None) == (several is None) or len({"action", "actions"} & call.model_fields_set) != 1:
        raise ComputerUseError("the computer call must have either an action or actions")
    actions = [one] if several is None else several
    checks = call.pending_safety_checks
    # None are an empty list; anything else is checks that nobody has seen.
    told = "pending_safety_checks" in call.model_fields_set or one is not None
    if told and not (isinstance(checks, list) and all(isinstance(getattr(each, "id", None), str) for each in checks)):
        raise ComputerUseError("the safety checks of the computer call can't be understood")
    if not isinstance(actions, list) or not actions or not all(map(_is_valid, actions)):
        raise ComputerUseError("the computer call has an action that can't be understood")
    return actions


def _is_valid(action: Any) -> bool:
    kind = getattr(action, "type", None)
    keys = getattr(action, "keys", None)
    if keys is not None and not _are(keys, str):
        return False
    if kind == "click":
        return _is_point(action) and action.button in _BUTTONS
    if kind in ("double_click", "move"):
        return _is_point(action)
    if kind == "scroll":
        return _is_point(action) and type(action.scroll_x) is int and type(action.scroll_y) is int
    if kind == "drag":
        return isinstance(action.path, list) and all(map(_is_point, action.path))
    if kind == "keypress":
        return _are(keys, str)
    return isinstance(action.text, str) if kind == "type" else kind in ("screenshot", "wait")


def _are(values: Any, type_: type) -> bool:
    return isinstance(values, list) and all(isinstance(value, type_) for value in values)


def _is_point(value: Any) -> bool:
    return type(getattr(value, "x", None)) is int and type(getattr(value, "y", None)) is int


def _screen(value: Any) -> dict[str, Any]:
    image = {name: value[name] for name in ("image_url", "file_id") if isinstance(value, dict) and value.get(name)}
    if not image or value.get("type") != "computer_screenshot" or not all(map(_is_text, image.values())):
        raise ComputerUseError(
            "the driver's screenshot must be a dict with the type 'computer_screenshot', and an image_url or a file_id"
        )
    return {"type": "computer_screenshot", **image}


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
