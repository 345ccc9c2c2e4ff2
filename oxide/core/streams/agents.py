"""One turn of an agent's session: which of the session's events belong to it, when it is over, and how calls are answered."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Literal, TypeAlias
from uuid import uuid4

from ..codec import decode, encode
from ..errors import BadRequestError
from ..flow import Flow, Invoke, Sleep
from ..sentinels import NotGiven, Omit

__all__ = ["AgentToolError", "AgentTurn", "PendingCall", "answer", "input_event", "input_key", "options", "subscribe"]

log = logging.getLogger("oxide")

_RECENT = 1024

# Seconds before a call's result is sent again, where the server did not know the call yet.
_DELAYS = (0.1, 0.3, 0.6, None)

ToolErrorStage: TypeAlias = Literal["arguments", "execution", "output"]


@dataclass(frozen=True)
class AgentToolError:
    """What went wrong with a call here, for `on_tool_error`. The model is told only that the call failed.

    Attributes:
        error: what was raised.
        tool_name, session_id, turn_id, call_id: which call.
        stage: whether reading the `arguments`, the `execution`, or sending the `output` raised.
    """

    error: Exception
    tool_name: str
    session_id: str
    turn_id: str
    call_id: str
    stage: ToolErrorStage


@dataclass(frozen=True)
class PendingCall:
    """A call that a handler is to answer."""

    session_id: str
    call: Any
    handler: Callable[[dict[str, Any]], Any]


class AgentTurn:
    """A machine: the events of a session in; what to hand on, what to answer and when to stop out.

    Args:
        session_id: the session's.
        handlers: functions by name.
    """

    def __init__(self, session_id: str, handlers: Mapping[str, Any] | None) -> None:
        self.handlers: dict[str, Any] = dict(handlers or {})
        self._session_id = session_id
        self._turn_id: str | None = None
        self._ended = False
        # The server may deliver an event again; only the recent ones are remembered.
        self._known: set[str] = set()
        self._recent: deque[str] = deque()
        self._answered: set[tuple[str, str]] = set()

    def is_new(self, event: Any) -> bool:
        """Whether the event has not been delivered before."""
        if event.event_id in self._known:
            return False
        if len(self._recent) == _RECENT:
            self._known.remove(self._recent.popleft())
        self._recent.append(event.event_id)
        self._known.add(event.event_id)
        return True

    def receive(self, event: Any) -> bool:
        """Take a new event; whether it is the last one of the turn."""
        kind = event.type
        if kind == "agent.session.turn.created":
            if event.turn.subagent_id is None and self._turn_id is None:
                self._turn_id = event.turn_id
        elif kind in ("agent.session.turn.completed", "agent.session.turn.failed", "agent.session.turn.cancelled"):
            if self._turn_id is not None and event.turn_id == self._turn_id:
                self._ended = True
        elif kind == "agent.session.failed":
            return True
        elif kind == "agent.session.idle":
            return self._ended
        elif kind == "agent.session.budget_reached":
            return event.session.id == self._session_id and (self._turn_id is None or self._ended)
        return False

    def pending(self, event: Any) -> PendingCall | None:
        """The call in an event that a handler is to answer, once."""
        if event.type != "agent.session.turn.item.added" or event.item.type != "function_call":
            return None
        call = event.item
        handler = self.handlers.get(call.name)
        key = (call.turn_id, call.call_id)
        if handler is None or key in self._answered:
            return None
        self._answered.add(key)
        # Whoever gets the event may change it.
        return PendingCall(event.session_id, deepcopy(call), handler)


def options(extra_headers: Mapping[str, Any] | None, timeout: Any) -> dict[str, Any]:
    """What every request of the turn has. A key for repetitions belongs to one request."""
    headers = extra_headers and {
        name: value for name, value in extra_headers.items() if name.lower() != "idempotency-key"
    }
    found: dict[str, Any] = {"extra_headers": headers}
    return found if isinstance(timeout, NotGiven) else {**found, "timeout": timeout}


def input_key(idempotency_key: str | Omit, extra_headers: Mapping[str, Any] | None) -> str:
    """The key under which the input is sent once; a header goes before the argument, as everywhere."""
    for name, value in (extra_headers or {}).items():
        if name.lower() == "idempotency-key":
            return str(value)
    return str(uuid4()) if isinstance(idempotency_key, Omit) else idempotency_key


def input_event(input: str | Iterable[Any]) -> dict[str, Any]:
    """The event that has the input. Raises ValueError if there is none."""
    messages: list[Any]
    if isinstance(input, str):
        messages = [{"role": "user", "content": [{"type": "input_text", "text": input}]}] if input else []
    else:
        messages = list(input)
    if not messages:
        raise ValueError("input must not be empty")
    return {"type": "agent.session.input.message", "input": messages}


def subscribe(sessions: Any, session_id: str, event: dict[str, Any], key: str, options: Mapping[str, Any]) -> Flow[Any]:
    """Open the stream of an idle session's events and send the input, in this order. Returns the stream.

    Raises:
        ValueError: the session is not idle.
    """
    session = yield Invoke(sessions.retrieve, session_id, **options)
    if session.status != "idle":
        raise ValueError(
            f"sessions.stream needs an idle session, and this one is {session.status}: follow it with sessions.events.stream"
        )
    stream = yield Invoke(sessions.events.stream, session_id, **options)
    try:
        yield Invoke(sessions.events.create, session_id, events=[event], idempotency_key=key, **options)
    except Exception:
        yield Invoke(stream.close)
        raise
    return stream


def answer(
    sessions: Any,
    pending: PendingCall,
    on_tool_error: Callable[[AgentToolError], Any] | None,
    options: Mapping[str, Any],
) -> Flow[None]:
    """Call the handler and send what it returns, or that it failed."""
    call = pending.call
    stage: ToolErrorStage = "arguments"
    result = {"type": "agent.session.input.tool_result", "turn_id": call.turn_id, "call_id": call.call_id}
    try:
        arguments = _arguments(call)
        stage = "execution"
        output = yield Invoke(pending.handler, arguments)
        _refuse_awaitable(output)
        stage = "output"
        result |= {"success": True, "output": _output(output)}
    except Exception as error:  # noqa: BLE001 - whatever a handler raises, the model is told that the call failed
        # Not with the exception's text, which may have secrets of the program in it.
        result |= {"success": False, "error": "Tool handler failed."}
        if on_tool_error is not None:
            failed = AgentToolError(error, call.name, pending.session_id, call.turn_id, call.call_id, stage)
            try:
                _refuse_awaitable((yield Invoke(on_tool_error, failed)))
            except Exception as other:  # noqa: BLE001 - who watches does not change the turn
                log.warning("on_tool_error raised %r", other)
    # The call may be announced before the server knows that it waits for it.
    key = str(uuid4())
    for delay in _DELAYS:
        try:
            yield Invoke(sessions.events.create, pending.session_id, events=[result], idempotency_key=key, **options)
            return
        except BadRequestError as error:
            if delay is None or not _is_early(error, call.call_id):
                raise
            yield Sleep(delay)


def _arguments(call: Any) -> dict[str, Any]:
    value = decode(object, call.arguments) if isinstance(call.arguments, str) else deepcopy(call.arguments)
    if not isinstance(value, dict):
        raise ValueError("the arguments of a function must be a JSON object")
    return value


def _output(output: Any) -> Any:
    if isinstance(output, Mapping):
        return encode(dict(output)).decode()
    if output is not None and not isinstance(output, str):
        output = list(output)
        encode(output)
    return output


def _refuse_awaitable(value: Any) -> None:
    # The asynchronous shell has awaited it.
    if isawaitable(value):
        close = getattr(value, "close", None)
        if close is not None:
            close()
        raise TypeError("asynchronous handlers need AsyncOpenAI")


def _is_early(error: BadRequestError, call_id: str) -> bool:
    body: Any = error.body if isinstance(error.body, dict) else {}
    return (body.get("code"), body.get("message")) == (
        "invalid_request_error",
        f"Unknown pending tool call: {call_id}",
    )
