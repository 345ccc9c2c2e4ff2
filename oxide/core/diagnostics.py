"""What the loops that run other people's functions have in common: how these are called, and who is told of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from logging import getLogger
from time import monotonic
from typing import Any

from .flow import Invoke

__all__ = ["Observer", "discard", "invoke"]


def invoke(function: Callable[..., Any], cancelled: Any, *arguments: Any) -> Invoke:
    """Call a function of the application's; one with a parameter `cancelled` is given what the run was given as that."""
    try:
        parameter = inspect.signature(function).parameters.get("cancelled")
    except (TypeError, ValueError):
        parameter = None
    if parameter is not None and parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
        return Invoke(function, *arguments, cancelled=cancelled)
    return Invoke(function, *arguments)


def discard(value: Any) -> None:
    """Give up a value that nobody is going to await: a coroutine would say so."""
    if inspect.iscoroutine(value):
        value.close()


class Observer:
    """Tells a function of the application's how each step went, and nothing of what it was about.

    Args:
        api: which loop it is.
        function: takes a `oxide.lib.tool_diagnostics.ToolDiagnostic`; `None` for nobody.
    """

    def __init__(self, api: str, function: Callable[[Any], Any] | None) -> None:
        self._api = api
        self._function = function

    def tell(
        self,
        stage: str,
        reason: str,
        started: float,
        call_id: str | None = None,
        member: str | None = None,
        usage: Any = None,
    ) -> None:
        """One step, begun at `started`."""
        if self._function is None:
            return
        tokens = None
        if usage is not None:
            tokens = {name: getattr(usage, name) for name in ("input_tokens", "output_tokens", "total_tokens")}
        what = {
            "api": self._api,
            "stage": stage,
            "reason": reason,
            "call_id": call_id,
            "member": member,
            "duration_ms": max(0.0, (monotonic() - started) * 1000),
            "usage": tokens,
        }
        try:
            discard(self._function(what))
        except Exception:
            # Who watches must not be able to stop what is watched.
            getLogger("oxide").debug("a diagnostic observer failed", exc_info=True)
