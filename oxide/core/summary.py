"""What a response says of itself, gathered from the objects that are made of it."""

from __future__ import annotations

from typing import Any

from .hooks import ResultInfo, Usage

__all__ = ["Summary"]


class Summary:
    """Sees the result of a call, or each event of its stream, and keeps what is no content."""

    __slots__ = ("_finish", "_usage", "id", "model", "service_tier")

    def __init__(self) -> None:
        self.id: str | None = None
        self.model: str | None = None
        self.service_tier: str | None = None
        self._finish: dict[int, str] = {}
        self._usage: Usage | None = None

    def info(self) -> ResultInfo:
        return ResultInfo(
            id=self.id,
            model=self.model,
            finish_reasons=tuple(self._finish[index] for index in sorted(self._finish)),
            service_tier=self.service_tier,
            usage=self._usage,
        )

    def see(self, value: Any) -> None:
        """A result, or an event; anything at all, since servers send what they like."""
        kind = getattr(value, "type", None)
        if isinstance(kind, str) and kind.startswith("response."):
            # An event of a response has the response in it at the beginning and at the end, and pieces of content between.
            value = getattr(value, "response", None)
            if value is None:
                return
        for name in ("id", "model", "service_tier"):
            text = getattr(value, name, None)
            if isinstance(text, str):
                setattr(self, name, text)
        usage = getattr(value, "usage", None)
        if usage is not None:
            self._usage = as_usage(usage)
        choices = getattr(value, "choices", None)
        if isinstance(choices, list):
            for place, choice in enumerate(choices):
                reason = getattr(choice, "finish_reason", None)
                if isinstance(reason, str):
                    index = getattr(choice, "index", place)
                    self._finish[index if isinstance(index, int) else place] = reason
        elif getattr(value, "object", None) == "response":
            reason = getattr(getattr(value, "incomplete_details", None), "reason", None)
            status = getattr(value, "status", None)
            if isinstance(reason or status, str) and status not in ("in_progress", "queued"):
                self._finish[0] = str(reason or status)


def as_usage(usage: Any) -> Usage:
    """The counts of either API's `usage`."""
    inputs = _first(usage, "input_tokens", "prompt_tokens")
    outputs = _first(usage, "output_tokens", "completion_tokens")
    read = _details(usage, "input_tokens_details", "prompt_tokens_details")
    written = _details(usage, "output_tokens_details", "completion_tokens_details")
    return Usage(
        input_tokens=inputs,
        output_tokens=outputs,
        total_tokens=_first(usage, "total_tokens"),
        cached_tokens=_first(read, "cached_tokens"),
        reasoning_tokens=_first(written, "reasoning_tokens"),
    )


def _details(usage: Any, *names: str) -> Any:
    return next((value for name in names if (value := getattr(usage, name, None)) is not None), None)


def _first(value: Any, *names: str) -> int | None:
    for name in names:
        number = getattr(value, name, None)
        if isinstance(number, int) and not isinstance(number, bool):
            return number
    return None
