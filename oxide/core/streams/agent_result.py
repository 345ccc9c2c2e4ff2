"""What one turn of an agent came to, collected from the events of its session."""

from __future__ import annotations

from collections.abc import Container
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from ...types.beta.agent_session_message import AgentSessionMessage
from ...types.beta.agents.sessions.turn import Turn
from ..codec import construct
from ..errors import OpenAIError
from ..structured import Format, FormatError, format_of

__all__ = [
    "AgentOutputParseError",
    "AgentTurnResult",
    "AgentTurnResultError",
    "ResultErrorReason",
    "TurnCollector",
]

OutputT = TypeVar("OutputT")
ParseT = TypeVar("ParseT")

ResultErrorReason: TypeAlias = Literal["failed", "cancelled", "requires_action", "incomplete", "observation_failed"]


@dataclass(frozen=True)
class AgentTurnResult(Generic[OutputT]):
    """The final messages of a turn that was successful.

    Attributes:
        turn: the turn, completed.
        messages: the agent's messages, in order, commentary left out.
        output_parsed: the object of their text, if a type was given for it.
    """

    turn: Turn
    messages: list[AgentSessionMessage]
    output_parsed: OutputT | None = None

    def parse(self, output_type: type[ParseT]) -> AgentTurnResult[ParseT]:
        """The same with its text as an object; every text has to fit, the first is kept.

        Raises:
            AgentOutputParseError: there is no text, or one does not fit.
        """
        return self._parsed(format_of(output_type))

    def _parsed(self, format: Format) -> AgentTurnResult[Any]:
        parts = [part for message in self.messages for part in message.content or () if part.type == "output_text"]
        try:
            values = [format.parse(part.text) for part in parts]
        except FormatError:
            # The cause would have the text in its message, which belongs to nobody's log.
            raise AgentOutputParseError(self) from None
        if not values:
            raise AgentOutputParseError(self)
        return AgentTurnResult(turn=self.turn, messages=self.messages, output_parsed=values[0])

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self.turn.session_id

    @property
    def turn_id(self) -> str:
        """The turn's id."""
        return self.turn.id

    @property
    def output_text(self) -> str:
        """The text of all messages, joined."""
        return "".join(message.output_text for message in self.messages)


class AgentOutputParseError(OpenAIError):
    """A turn was successful, and its text does not fit the type.

    Attributes:
        result: what came of the turn.
    """

    def __init__(self, result: AgentTurnResult[Any]) -> None:
        super().__init__("the text of the completed turn does not fit the type that it was to be parsed to")
        self.result = result


class AgentTurnResultError(OpenAIError):
    """There is no result: the turn was not successful, or its end was not seen.

    Attributes:
        reason: `failed`, `cancelled`, `requires_action` (nobody here answers what it asks for), `incomplete` or
            `observation_failed` (reading the events raised; the turn may go on).
        turn, session_id, turn_id: what is known of the turn, each may be `None`.
        messages: those that were complete.
        required_actions: what the session waits for.
    """

    def __init__(
        self,
        reason: ResultErrorReason,
        *,
        turn: Turn | None,
        session_id: str | None,
        messages: list[AgentSessionMessage],
        required_actions: list[Any],
    ) -> None:
        super().__init__(f"the turn has no result: {reason}")
        self.reason = reason
        self.turn = turn
        self.session_id = session_id
        self.turn_id = turn.id if turn is not None else None
        self.messages = messages
        self.required_actions = required_actions


_ENDED = frozenset({"completed", "failed", "cancelled"})
_TURN_ENDS = frozenset(f"agent.session.turn.{status}" for status in _ENDED)


class TurnCollector:
    """A machine: the events of a session in, the result of its first turn out.

    It keeps nothing until `enable` is called, which has to be before the first event.

    Args:
        session_id: the session's, if it is known.
        format: what the text is parsed to, or `None`.

    Attributes:
        done: nothing that follows has to do with the turn.
    """

    def __init__(self, session_id: str | None = None, format: Format | None = None) -> None:
        self.done = False
        self._enabled = False
        self._started = False
        self._session_id = session_id
        self._format = format
        self._turn: Turn | None = None
        self._session_failed = False
        self._cause: Exception | None = None
        self._actions: list[Any] = []
        self._messages: dict[str, tuple[int, AgentSessionMessage]] = {}
        self._error: AgentTurnResultError | None = None
        self._result: AgentTurnResult[Any] | None = None

    def enable(self) -> None:
        """Collect. Raises RuntimeError if events have been passed over already."""
        if self._started and not self._enabled:
            raise RuntimeError("call with_result_collection() before reading events, or get_final_result() at once")
        self._enabled = True

    def receive(self, event: Any) -> None:
        """Take the next event."""
        self._started = True
        if not self._enabled or self.done:
            return
        kind = event.type
        if kind == "agent.session.created":
            self._session_id = event.session.id
        elif kind == "agent.session.turn.created":
            if self._turn is None and event.turn.subagent_id is None:
                self._turn = deepcopy(event.turn)
                self._session_id = event.session_id
        elif kind in _TURN_ENDS:
            if self._turn is not None and event.turn_id == self._turn.id:
                self._turn = deepcopy(event.turn)
                self._actions = []
        elif kind == "agent.session.turn.item.done":
            self._item(event)
        elif kind == "agent.session.in_progress":
            self._actions = []
        elif kind == "agent.session.requires_action":
            self._session_id = event.session.id
            self._actions = deepcopy(event.session.required_actions)
        elif kind == "agent.session.failed":
            self._session_id = event.session.id
            self._session_failed = self.done = True
        elif kind == "agent.session.idle":
            self._turn_over()
        elif kind == "agent.session.budget_reached" and self._session_id in (None, event.session.id):
            if self._turn is None:
                self._session_id = event.session.id
                self.done = True
            else:
                self._turn_over()

    def _turn_over(self) -> None:
        if self._turn is not None and self._turn.status in _ENDED:
            self._actions = []
            self.done = True

    def _item(self, event: Any) -> None:
        item = event.item
        if (
            self._turn is not None
            and item.type == "message"
            and item.turn_id == self._turn.id
            and item.phase != "commentary"
            and item.status == "completed"
        ):
            self._messages[item.id] = event.output_index, construct(AgentSessionMessage, item.to_dict())

    def record(self, error: Exception) -> None:
        """Reading the events raised."""
        if self._enabled and not self.done:
            self._cause = error

    def check(self, handled: Container[str] = ()) -> None:
        """Raises AgentTurnResultError if it is known that there will be no result.

        Args:
            handled: names of functions that somebody here answers for.
        """
        if self._error is not None:
            raise self._error
        if self._session_failed or (self._turn is not None and self._turn.status == "failed"):
            raise self.failure("failed")
        if self._turn is not None and self._turn.status == "cancelled":
            raise self.failure("cancelled")
        if any(action.type != "function_call" or action.name not in handled for action in self._actions):
            raise self.failure("requires_action")
        if self._cause is not None:
            raise self.failure("observation_failed") from self._cause

    def failure(self, reason: ResultErrorReason) -> AgentTurnResultError:
        """The error that there is no result; the same one each time."""
        if self._error is None:
            self._error = AgentTurnResultError(
                reason,
                turn=self._turn,
                session_id=self._session_id,
                messages=self._sorted(),
                required_actions=self._actions,
            )
            self.done = True
        return self._error

    def result(self) -> AgentTurnResult[Any]:
        """The result. Raises AgentTurnResultError if there is none, AgentOutputParseError if its text does not fit."""
        if self._result is None:
            self.check()
            if not self.done or self._turn is None or self._turn.status != "completed":
                raise self.failure("incomplete")
            result: AgentTurnResult[Any] = AgentTurnResult(turn=self._turn, messages=self._sorted())
            self._result = result if self._format is None else result._parsed(self._format)
        return self._result

    def _sorted(self) -> list[AgentSessionMessage]:
        return [message for _, message in sorted(self._messages.values(), key=lambda pair: pair[0])]
