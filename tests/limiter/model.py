"""Servers with limits, as models: what they allow, and what their headers say, at a time that is given to them."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from oxide.core.headers import Headers
from oxide.core.http import Request, Response

PERIOD = 60.0


def go_duration(seconds: float) -> str:
    """`6ms`, `1.5s`, `1m12s`, `1h0m0s`: as the API writes durations."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    whole, milli = divmod(math.ceil(seconds * 1000), 1000)
    text = f"{whole % 60}.{milli:03}".rstrip("0").rstrip(".") + "s"
    if whole >= 60:
        text = f"{whole // 60 % 60}m{text}"
    return f"{whole // 3600}h{text}" if whole >= 3600 else text


class Window:
    """All of the limit is there again at the end of a window; these begin at `phase` seconds, or with the first request."""

    def __init__(self, limit: float, phase: float | None = None) -> None:
        self.limit = limit
        self._phase = phase
        self._end: float | None = None
        self._used = 0.0

    def roll(self, now: float) -> None:
        if self._end is None or now >= self._end:
            self._used = 0.0
            if self._phase is None:
                self._end = now + PERIOD
            else:
                self._end = self._phase + (math.floor((now - self._phase) / PERIOD) + 1) * PERIOD

    def fits(self, cost: float, now: float) -> bool:
        self.roll(now)
        return self._used + cost <= self.limit

    def use(self, cost: float, now: float) -> None:
        self._used += cost

    def tells(self, now: float) -> tuple[int, float]:
        assert self._end is not None
        return int(self.limit - self._used), self._end - now

    def least(self, costs: list[float]) -> float:
        """Seconds that it takes at least, all being asked for at once at the beginning of a window."""
        # What does not fit into one window goes into the next, in any order: no fewer than the sum needs.
        return (math.ceil(sum(costs) / self.limit - 1e-9) - 1) * PERIOD


class Bucket:
    """The limit comes back steadily."""

    def __init__(self, limit: float, phase: float | None = None) -> None:
        self.limit = limit
        self._level = limit
        self._at = 0.0

    def fits(self, cost: float, now: float) -> bool:
        self._level = min(self._level + (now - self._at) * self.limit / PERIOD, self.limit)
        self._at = now
        return self._level >= cost - 1e-6

    def use(self, cost: float, now: float) -> None:
        self._level -= cost

    def tells(self, now: float) -> tuple[int, float]:
        return max(int(self._level), 0), (self.limit - self._level) * PERIOD / self.limit

    def least(self, costs: list[float]) -> float:
        return max(sum(costs) - self.limit, 0.0) * PERIOD / self.limit


class Sliding:
    """No more than the limit in any minute; `reset` is when the oldest use is a minute old, or when all are."""

    def __init__(self, limit: float, phase: float | None = None, *, oldest: bool = True) -> None:
        self.limit = limit
        self._oldest = oldest
        self._log: deque[tuple[float, float]] = deque()

    def fits(self, cost: float, now: float) -> bool:
        while self._log and self._log[0][0] <= now - PERIOD:
            self._log.popleft()
        return sum(each for _, each in self._log) + cost <= self.limit

    def use(self, cost: float, now: float) -> None:
        if cost:
            self._log.append((now, cost))

    def tells(self, now: float) -> tuple[int, float]:
        used = sum(each for _, each in self._log)
        at = self._log[0 if self._oldest else -1][0] if self._log else now - PERIOD
        return int(self.limit - used), at + PERIOD - now

    least = Window.least


class Server:
    """Counts requests and tokens.

    Args:
        kind: `Window`, `Bucket` or `Sliding`.
        clock: seconds.
        cost: the tokens that a request is counted with, by its body.
        duration: how the times of the headers are written.
        retry_after: whether a refusal says when to come back.

    Attributes:
        refused: requests that got a 429.
        served: the times at which requests were allowed.
    """

    def __init__(
        self,
        kind: Callable[..., Any],
        clock: Callable[[], float],
        *,
        requests: float | None = 100,
        tokens: float | None = 10_000,
        phase: float | None = None,
        cost: Callable[[Any], float] = lambda body: 50,
        duration: Callable[[float], str] = go_duration,
        retry_after: bool = True,
    ) -> None:
        self.requests = None if requests is None else kind(requests, phase)
        self.tokens = None if tokens is None else kind(tokens, phase)
        self._clock = clock
        self._cost = cost
        self._duration = duration
        self._retry_after = retry_after
        self.refused: list[float] = []
        self.served: list[float] = []
        self.order: list[Any] = []
        self.costs: list[float] = []

    def handle(self, request: Request) -> Response:
        now = self._clock()
        body = json.loads(request.content)  # type: ignore[arg-type]
        tokens = self._cost(body)
        pairs = [(each, cost) for each, cost in ((self.requests, 1), (self.tokens, tokens)) if each is not None]
        fits = [each.fits(cost, now) for each, cost in pairs]
        allowed = all(fits)
        headers = [("content-type", "application/json")]
        for name, each, cost in (("requests", self.requests, 1), ("tokens", self.tokens, tokens)):
            if each is not None:
                each.use(cost if allowed else 0, now)
                remaining, reset = each.tells(now)
                headers += [
                    (f"x-ratelimit-limit-{name}", str(int(each.limit))),
                    (f"x-ratelimit-remaining-{name}", str(remaining)),
                    (f"x-ratelimit-reset-{name}", self._duration(reset)),
                ]
        if allowed:
            self.served.append(now)
            self.costs.append(tokens)
            self.order.append(body.get("input"))
            content: Any = {
                "id": "resp_1",
                "object": "response",
                "output": [],
                "usage": {"input_tokens": 0, "output_tokens": tokens, "total_tokens": tokens},
            }
        else:
            self.refused.append(now)
            content = {"error": {"message": "too many", "type": "requests", "code": "rate_limit_exceeded"}}
            if self._retry_after:
                headers.append(("retry-after", "5"))
        return Response(
            200 if allowed else 429,
            Headers([(name.encode(), value.encode()) for name, value in headers]),
            request,
            content=json.dumps(content).encode(),
        )

    def least(self) -> float:
        """Seconds that what was served takes at least."""
        return max(
            0.0,
            *[
                each.least(costs)
                for each, costs in ((self.requests, [1.0] * len(self.costs)), (self.tokens, self.costs))
                if each is not None
            ],
        )


def latencies(seed: int, low: float, high: float) -> Callable[[], float]:
    """Seconds that answers take, drawn from this range."""
    random = Random(seed)
    return lambda: random.uniform(low, high)
