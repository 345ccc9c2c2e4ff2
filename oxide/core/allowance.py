"""How much of one thing (requests, or tokens) a server still allows, by what its `x-ratelimit-*` headers say.

The headers say three numbers: the limit, what remains of it, and the time until it is whole again. What they don't say is how it
becomes whole. So nothing is taken for granted before that time, at which one call goes ahead and the others wait for what its headers say:

- usually they say that all of it is back: a window has ended;
- where they don't, each use comes back for itself, a while after it was (a window that slides), and it is reckoned when each was;
- where the time is what is used divided by one and the same rate, answer after answer, it is a bucket that fills steadily.
"""

from __future__ import annotations

from collections import deque
from math import inf

__all__ = ["Allowance", "Pace"]

PERIOD = 60.0
"""Seconds for which a limit counts that the user gives."""

ROUNDING = 1.0
"""Seconds by which a time may be off that has no fraction: servers round down, up, or not at all."""

PRECISION = 0.005
"""The same for one that has a fraction."""

SURE = 1.15
"""The period of a bucket is known when the highest value that it may have is at most so many times the lowest."""


class Allowance:
    """The books of one limit. Times are given in, in seconds of any clock that only goes forward.

    Attributes:
        limit: how much there is when it is whole; `None` where there is no limit, or none is known.
        level: how much is left; `None` where nobody knows until there is an answer.
        rate: how much comes back per second, where it is a bucket that fills steadily, and else 0.
    """

    __slots__ = (
        "_at",
        "_begun",
        "_exact",
        "_high",
        "_log",
        "_low",
        "_newest",
        "_out",
        "_period",
        "_rolled",
        "_slides",
        "_used",
        "_whole_at",
        "level",
        "limit",
        "rate",
    )

    def __init__(self) -> None:
        self.limit: float | None = None
        self.level: float | None = None
        self.rate = 0.0
        self._at = 0.0
        # Requests that were sent before this say nothing about now.
        self._begun = -inf
        self._whole_at = -inf
        self._newest = -inf
        # Whether `level` was given up because the time was over; and whether it turned out then that not all of it was back.
        self._rolled = self._slides = False
        # What was used when, and what is used by those under way.
        self._log: deque[tuple[float, float]] = deque()
        self._out = 0.0
        # The longest time that a header has told, which is no more than it takes from nothing to the whole.
        self._period = 0.0
        self._exact = False
        # Between which values the period of a bucket lies, and for how much in use that was seen.
        self._low, self._high = 0.0, inf
        self._used: set[float] = set()

    def wait(self, cost: float, now: float, doubt: float = 0.0) -> float | None:
        """Seconds until so much may be used, 0 for now; `None` where one call has to go ahead to find out.

        Args:
            doubt: by how much it may turn out to be more. It is left in a bucket, where that costs nothing.
        """
        if self.limit is None:
            return 0.0
        self._refill(now)
        if self.level is None:
            return None
        missing = min(cost + doubt if self.rate else cost, self.limit) - self.level
        if missing <= 1e-9:
            return 0.0
        if self.rate:
            return missing / self.rate
        if now < self._whole_at:
            return self._whole_at - now
        if self._slides:
            return self._wait_for_log(min(cost, self.limit), now)
        self.forget(now)
        self._rolled = True
        return None

    def _wait_for_log(self, cost: float, now: float) -> float:
        # Each use comes back for itself, so what is back is known from when each was.
        assert self.limit is not None
        back = now - self._period - PRECISION
        log = [(at, used) for at, used in self._log if at > back]
        self.level = self.limit - self._out - sum(used for _, used in log)
        missing = cost - self.level
        if missing <= 1e-9:
            return 0.0
        for at, used in log:
            missing -= used
            if missing <= 1e-9:
                return at - back
        return self._period

    def soonest(self, cost: float, now: float) -> float:
        """Seconds until so much can have been used at the earliest, by all who wait."""
        if self.limit is None or not self.limit:
            return 0.0
        self._refill(now)
        missing = cost - (self.limit if self.level is None else self.level)
        if missing <= 0:
            return 0.0
        if self.rate:
            return missing / self.rate
        return max(self._whole_at - now, 0.0) + (missing - 1e-9) // self.limit * self._period

    def take(self, cost: float) -> None:
        """So much is going to be used by a request that is sent now."""
        self._out += cost
        if self.level is not None:
            self.level -= cost

    def settle(self, taken: float, used: float, sent: float, now: float) -> None:
        """A request is no longer under way, for which so much was taken; so much did it use."""
        self._out -= taken
        if self.level is not None and sent >= self._begun:
            self.level += taken - used
        kept = now - max(self._period, PERIOD) - ROUNDING
        while self._log and self._log[0][0] < kept:
            self._log.popleft()
        self._log.append((now, used))

    def forget(self, now: float) -> None:
        """What is left is not what it seemed: one call has to find out. What was sent before now says nothing about it."""
        self.level = None
        self._begun = now
        self._rolled = False

    def counts(self, sent: float) -> bool:
        """Whether a request that was sent then is one that may still have to be taken off what a header says."""
        return sent >= self._begun

    def used_since(self, sent: float) -> float:
        """What was used by requests that were answered since then."""
        used = 0.0
        for at, each in reversed(self._log):
            if at <= sent:
                break
            used += each
        return used

    def learn(
        self,
        limit: float | None,
        remaining: float,
        reset: float | None,
        used: float,
        sent: float,
        now: float,
        under_way: float,
    ) -> None:
        """Take in what the headers of an answer say.

        Args:
            limit, remaining, reset: what they say, the last in seconds.
            used: how much the request used, at most.
            sent, now: when the request was sent, and when the answer came.
            under_way: how much is used by requests that the answer may or may not have counted: those that are under way, or were
                answered since it was sent.
        """
        if sent < self._begun:
            return
        self._refill(now)
        self.limit = max(remaining, self.limit or 0.0) if limit is None else limit
        if reset is not None:
            self._period = max(reset, self._period)
            self._learn_period(self.limit - remaining, reset)
            self._learn_end(reset, sent, now)
        surely = remaining - under_way
        if self.level is None:
            if self._rolled:
                self._slides = remaining + used + under_way < 0.98 * self.limit - 1
            self.level, self._at, self._begun = surely, now, sent
        elif self.level < surely or self.level > remaining + (1 + self.rate * (now - sent) if self.rate else 0):
            # More than was reckoned with; or less, because others use it too, or calls cost more.
            self.level, self._at = surely, now

    def _refill(self, now: float) -> None:
        if self.rate and self.level is not None and self.limit is not None:
            self.level = min(self.level + self.rate * (now - self._at), max(self.limit, self.level))
        self._at = now

    def _learn_period(self, used: float, reset: float) -> None:
        assert self.limit is not None
        if reset != int(reset):
            self._exact = True
        if used <= 0:
            return
        # What remains is rounded down, so there may be up to 1 less in use.
        slack = PRECISION if self._exact else ROUNDING
        low = max(reset - slack, 0.0) * self.limit / used
        high = (reset + slack) * self.limit / (used - 1) if used > 1 else inf
        if low > self._high or high < self._low:
            self._low, self._high, self.rate = low, high, 0.0
            self._used.clear()
        self._low, self._high = max(low, self._low), min(high, self._high)
        if len(self._used) < 16:
            self._used.add(used)
        sure = len(self._used) >= 3 and max(self._used) >= 1.2 * min(self._used) and self._high <= SURE * self._low
        # No bucket takes longer than its period.
        self.rate = self.limit / self._high if sure and self._high >= 0.99 * self._period else 0.0

    def _learn_end(self, reset: float, sent: float, now: float) -> None:
        slack = PRECISION if self._exact else ROUNDING
        end = now + reset + slack
        if sent < self._whole_at and not self._slides and abs(end - self._whole_at) <= now - sent + slack:
            # The same end, seen through an answer that took longer or less long.
            end = min(end, self._whole_at)
        elif sent < self._newest:
            return
        self._newest = max(sent, self._newest)
        self._whole_at = end


class Pace:
    """No more than `limit` in any minute: a limit that the user gives.

    Args:
        limit: how much, above 0.
    """

    __slots__ = ("_sum", "_used", "limit")

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._used: deque[tuple[float, float]] = deque()
        self._sum = 0.0

    def wait(self, cost: float, now: float) -> float:
        """Seconds until so much may be used, 0 for now."""
        used = self._used
        while used and used[0][0] <= now - PERIOD:
            self._sum -= used.popleft()[1]
        if not used:
            # What rounding left of it would never pass.
            self._sum = 0.0
        excess = self._sum + min(cost, self.limit) - self.limit
        if excess <= 1e-6:
            return 0.0
        for at, each in used:
            excess -= each
            if excess <= 1e-6:
                return at + PERIOD - now
        return used[-1][0] + PERIOD - now

    def take(self, cost: float, now: float) -> None:
        """So much is used now; less than nothing is given back."""
        self._used.append((now, cost))
        self._sum += cost
