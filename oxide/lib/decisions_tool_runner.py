"""Letting a model decide what to do next, among actions of yours. A choice is no permission: what an action may do is up to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, Optional, TypeAlias, TypedDict, Union

from typing_extensions import Required

from ..core.decisions import DecisionRun, DecisionsToolRunnerError
from ..helpers._run import arun, run
from ..types.decision import Decision
from ..types.decision_input_image_param import DecisionInputImageParam
from ..types.decision_input_text_param import DecisionInputTextParam
from ._lifecycle import Lifecycle, fresh

if TYPE_CHECKING:
    from .._client import AsyncOpenAI, OpenAI
    from .tool_diagnostics import ToolDiagnosticObserver

__all__ = [
    "AsyncDecisionActionCandidate",
    "AsyncDecisionCandidate",
    "AsyncDecisionsToolRunner",
    "DecisionActionCandidate",
    "DecisionCandidate",
    "DecisionDoneCandidate",
    "DecisionObservation",
    "DecisionsRunResult",
    "DecisionsRunnerParams",
    "DecisionsToolRunner",
    "DecisionsToolRunnerCancelledError",
    "DecisionsToolRunnerError",
]

DecisionObservation: TypeAlias = Union[str, Iterable[Union[DecisionInputTextParam, DecisionInputImageParam]]]


class DecisionActionCandidate(TypedDict, total=False):
    """Something that can be done.

    id: its name.
    description: what the model is told of it.
    execute: does it. One with a parameter `cancelled` is given the run's.
    """

    id: Required[str]
    description: Required[str]
    execute: Required[Callable[[], object]]
    done: Literal[False]


class AsyncDecisionActionCandidate(TypedDict, total=False):
    """The same with a coroutine function."""

    id: Required[str]
    description: Required[str]
    execute: Required[Callable[[], Awaitable[object]]]
    done: Literal[False]


class DecisionDoneCandidate(TypedDict):
    """That the task is done."""

    id: str
    description: str
    done: Literal[True]


DecisionCandidate: TypeAlias = Union[DecisionActionCandidate, DecisionDoneCandidate]
AsyncDecisionCandidate: TypeAlias = Union[AsyncDecisionActionCandidate, DecisionDoneCandidate]


class DecisionsRunnerParams(TypedDict, total=False):
    """What a run is asked for.

    model: which.
    input: the task.
    safety_identifier: of the user.
    """

    model: Required[str]
    input: Required[str]
    safety_identifier: Optional[str]


class DecisionsRunResult(TypedDict):
    """What a run came to.

    status: done and verified, done without being verified, or the model refused to decide.
    decisions: in order.
    attempted_candidate_ids, completed_candidate_ids: the actions that were begun, and that returned.
    """

    status: Literal["verified", "unverified", "refused"]
    decisions: list[Decision]
    attempted_candidate_ids: list[str]
    completed_candidate_ids: list[str]


class DecisionsToolRunnerCancelledError(asyncio.CancelledError):
    """The task was cancelled on asyncio; on trio its own `Cancelled` goes on.

    Attributes:
        reason: `"cancelled"`.
        attempted_candidate_ids, completed_candidate_ids: as those of `DecisionsToolRunnerError`.
    """

    def __init__(self, attempted: list[str], completed: list[str]) -> None:
        super().__init__("the run was cancelled")
        self.reason: Literal["cancelled"] = "cancelled"
        self.attempted_candidate_ids = tuple(attempted)
        self.completed_candidate_ids = tuple(completed)


class DecisionsToolRunner(Lifecycle):
    """Runs a model on actions.

    Args:
        observe: what the model sees: text, or parts with text and images.
        candidates: the actions for an observation, one of which is that the task is done.
        verify: whether the task is done, for an observation made after the model said so.
    """

    def __init__(
        self,
        *,
        observe: Callable[[], DecisionObservation],
        candidates: Callable[[DecisionObservation], list[DecisionCandidate]],
        verify: Callable[[DecisionObservation], bool] | None = None,
    ) -> None:
        super().__init__("decisions runner")
        self.observe = observe
        self.candidates = candidates
        self.verify = verify

    def run(
        self,
        client: OpenAI,
        params: DecisionsRunnerParams,
        *,
        max_steps: int = 20,
        cancelled: Callable[[], bool] | None = None,
        on_diagnostic: ToolDiagnosticObserver | None = None,
    ) -> DecisionsRunResult:
        """Observe, decide, act, until the task is done.

        Args:
            client: whom to ask with.
            params: model and task.
            max_steps: how many decisions there may be.
            cancelled: asked between all steps; true ends the run.
            on_diagnostic: told how each step went.

        Raises:
            DecisionsToolRunnerError: the run ended before that; what went wrong elsewhere is its cause.
            RuntimeError: the runner is closed, or in use.
        """
        with self:
            decisions = DecisionRun(params, max_steps, cancelled, on_diagnostic)
            flow = decisions.run(client.decisions.create, fresh(client), self.observe, self.candidates, self.verify)
            return run(client, flow)  # type: ignore[return-value]


class AsyncDecisionsToolRunner(Lifecycle):
    """The same on asyncio and trio, with coroutine functions."""

    def __init__(
        self,
        *,
        observe: Callable[[], Awaitable[DecisionObservation]],
        candidates: Callable[[DecisionObservation], Awaitable[list[AsyncDecisionCandidate]]],
        verify: Callable[[DecisionObservation], Awaitable[bool]] | None = None,
    ) -> None:
        super().__init__("decisions runner")
        self.observe: Any = observe
        self.candidates: Any = candidates
        self.verify = verify

    async def run(
        self,
        client: AsyncOpenAI,
        params: DecisionsRunnerParams,
        *,
        max_steps: int = 20,
        cancelled: Callable[[], bool] | None = None,
        on_diagnostic: ToolDiagnosticObserver | None = None,
    ) -> DecisionsRunResult:
        """As `DecisionsToolRunner.run`."""
        with self:
            decisions = DecisionRun(params, max_steps, cancelled, on_diagnostic)
            flow = decisions.run(client.decisions.create, fresh(client), self.observe, self.candidates, self.verify)
            try:
                return await arun(client, flow)  # type: ignore[arg-type]
            except asyncio.CancelledError:
                raise DecisionsToolRunnerCancelledError(decisions.attempted, decisions.completed) from None
