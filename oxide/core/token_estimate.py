"""How many tokens a call will be counted with, before it is made."""

from __future__ import annotations

import re
from collections import deque
from typing import Any

__all__ = ["Estimate", "declared_tokens", "used_tokens"]

SAMPLES = 64

FEW = 8
"""Calls below which more is set aside for the next one than any of them took."""

BYTES_PER_TOKEN = 4

_TOTAL = re.compile(rb'"total_tokens"\s*:\s*(\d{1,15})')

_LIMITS = ("max_output_tokens", "max_completion_tokens", "max_tokens")


def declared_tokens(content: Any, params: Any) -> float:
    """What a call's arguments say: a token for each four bytes of its body, and as many as it allows for the answer."""
    tokens = len(content) / BYTES_PER_TOKEN if isinstance(content, bytes) else 0.0
    for name in _LIMITS:
        limit = params.get(name)
        if isinstance(limit, int):
            choices = params.get("n")
            return tokens + limit * (choices if isinstance(choices, int) and choices > 0 else 1)
    return tokens


def used_tokens(content: bytes | None) -> int | None:
    """The `usage` of a response's body, `None` where it has none. The last one, since what comes before is the answer."""
    found = _TOTAL.findall(content) if content is not None else None
    return int(found[-1]) if found else None


class Estimate:
    """Learns from what calls were counted with how many tokens the next one takes at most.

    What was counted is compared with what was declared in two ways, by their ratio and by their difference: each makes a bound
    that held for all of the calls known, and the lowest counts. So does the most that one was counted with, for those that declare
    no more than the others did.

    Attributes:
        spread: how far what calls were counted with lies apart, beyond what they declared.
    """

    __slots__ = ("_declared", "_difference", "_margin", "_most", "_ratio", "_samples", "spread")

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=SAMPLES)
        self._ratio = self._difference = self._declared = self._most = 0.0
        self._margin = 1.0
        self.spread = 0.0

    def learn(self, declared: float, counted: float) -> None:
        """A call that declared so many tokens was counted with so many."""
        samples = self._samples
        samples.append((max(declared, 1.0), counted))
        known = len(samples)
        self._declared = max(declared for declared, _ in samples)
        bounds = []
        spreads = []
        for values in (
            [counted / declared for declared, counted in samples],
            [counted - declared for declared, counted in samples],
            [counted for _, counted in samples],
        ):
            highest, spread = max(values), max(values) - min(values)
            # The highest of n is exceeded by one of n + 1.
            bounds.append(highest + 2 * spread / known)
            spreads.append(spread)
        self._ratio, self._difference, self._most = bounds
        self.spread = min(spreads[0] * self._declared, *spreads[1:])
        self._margin = 1 + 4 / known**2 if known < FEW else 1.0

    def at_most(self, declared: float) -> float:
        """How many tokens a call is going to be counted with at most, in all likelihood."""
        declared = max(declared, 1.0)
        if not self._samples:
            return declared
        tokens = min(self._ratio * declared, self._difference + declared)
        tokens = min(tokens, self._most) if declared <= self._declared else max(tokens, declared)
        return max(tokens, 1.0) * self._margin
