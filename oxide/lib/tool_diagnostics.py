"""What the observers of tool loops are told: how each step went, and nothing of what it was about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Optional, TypeAlias, TypedDict

__all__ = ["ToolDiagnostic", "ToolDiagnosticObserver", "ToolDiagnosticUsage"]


class ToolDiagnosticUsage(TypedDict):
    """The tokens of a request."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


class ToolDiagnostic(TypedDict):
    """One step.

    api, stage: what kind of step.
    reason: how it ended.
    call_id: the model's call that it belongs to.
    member: the function or action.
    duration_ms: how long it took, in milliseconds.
    usage: the request's tokens, where it was one.
    """

    api: Literal["responses", "decisions", "browser", "computer"]
    stage: Literal["run", "request", "arguments", "approval", "action", "output", "selection", "verification"]
    reason: Literal[
        "started",
        "completed",
        "refused",
        "cancelled",
        "invalid_input",
        "invalid_output",
        "api_failed",
        "driver_failed",
        "policy_failed",
        "step_limit",
        "busy",
        "closed",
    ]
    call_id: Optional[str]
    member: Optional[str]
    duration_ms: float
    usage: Optional[ToolDiagnosticUsage]


ToolDiagnosticObserver: TypeAlias = Callable[[ToolDiagnostic], None]
