"""What happens in a run, beside the events of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, Union

if TYPE_CHECKING:
    from ...types.chat.chat_completion import ChatCompletion
    from ...types.chat.chat_completion_chunk import ChatCompletionChunk
    from ...types.responses.response import Response
    from ...types.responses.response_stream_event import ResponseStreamEvent
    from ..streams.calls import FunctionCall

__all__ = [
    "Approval",
    "ApprovalAnswered",
    "ChatRunEvent",
    "ChunkReceived",
    "ResponseRunEvent",
    "RunFinished",
    "StopReason",
    "ToolFinished",
    "ToolStarted",
    "TurnFinished",
    "TurnStarted",
]

R = TypeVar("R")

StopReason = Literal["final", "incomplete", "turn_limit", "deadline", "stopped", "pending"]
"""Why a run is over.

final: the model gave its answer.
incomplete: the answer was cut off, by a limit of tokens or a filter.
turn_limit: there were `max_turns` turns, and the model goes on calling.
deadline: the time is up.
stopped: `stop_when` said so.
pending: something waits for the caller: an approval, or a call of a tool that the run can't execute.
"""


@dataclass(frozen=True)
class TurnStarted:
    """A request is about to be made; `turn` counts from 1."""

    turn: int
    type: Literal["turn.started"] = "turn.started"


@dataclass(frozen=True)
class ChunkReceived:
    """A chunk of a chat completion. The events of a response come as they are."""

    chunk: ChatCompletionChunk
    type: Literal["chunk"] = "chunk"


@dataclass(frozen=True)
class ToolStarted:
    """A tool is being executed."""

    call: FunctionCall
    turn: int
    type: Literal["tool.started"] = "tool.started"


@dataclass(frozen=True)
class ToolFinished:
    """A call has its output.

    Attributes:
        output: what the model gets.
        result: what the tool returned, or `None`.
        error: what it raised, or why it was not called: `FormatError` for arguments that don't fit.
        seconds: how long it took, the wait for a free place not included.
    """

    call: FunctionCall
    turn: int
    output: str | list[Any]
    result: Any = None
    error: BaseException | None = None
    seconds: float = 0.0
    type: Literal["tool.finished"] = "tool.finished"


@dataclass(frozen=True)
class Approval:
    """Something that is not done before somebody allows it.

    Attributes:
        kind: a call by an MCP server, or one of a tool that was made with `needs_approval`.
        id: of the request, or of the call.
        name: the tool's.
        arguments: the text that the model wrote.
        server_label: the MCP server's.
    """

    kind: Literal["mcp", "function"]
    id: str
    name: str
    arguments: str
    server_label: str | None = None


@dataclass(frozen=True)
class ApprovalAnswered:
    """An approval was given or refused."""

    approval: Approval
    approved: bool
    turn: int
    type: Literal["approval.answered"] = "approval.answered"


@dataclass(frozen=True)
class TurnFinished(Generic[R]):
    """A response is complete, and so are the calls in it.

    Attributes:
        response: what the turn came to.
        final: whether there is nothing to answer in it.
    """

    turn: int
    response: R
    final: bool
    type: Literal["turn.finished"] = "turn.finished"


@dataclass(frozen=True)
class RunFinished:
    """The last event of a run."""

    reason: StopReason
    type: Literal["run.finished"] = "run.finished"


if TYPE_CHECKING:
    _Own = Union[TurnStarted, ToolStarted, ToolFinished, ApprovalAnswered, RunFinished]
    ResponseRunEvent = Union[ResponseStreamEvent, _Own, TurnFinished[Response]]
    ChatRunEvent = Union[ChunkReceived, _Own, TurnFinished[ChatCompletion]]
else:
    # For type checkers: building the union would import every event of the API.
    ResponseRunEvent = ChatRunEvent = Any
