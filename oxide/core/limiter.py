"""Pacing calls by the limits that a server tells, so that none is refused for being one too many.

`Lane` keeps the books for the calls that share a limit, and decides who goes when; it knows no clock and waits for nothing. `Limiter` has
the lanes and the flow by which an attempt waits for its turn.
"""

from __future__ import annotations

import logging
from collections import deque
from contextlib import AbstractContextManager
from time import monotonic
from typing import TYPE_CHECKING, Any

from .allowance import Allowance, Pace
from .errors import APITimeoutError, TotalTimeout, TransportError
from .flow import Await, Flow, MakeGate, Now, Send, Sleep
from .http import HeadBlock, Request, Response
from .retry import MAX_RETRY_AFTER, retry_after
from .token_estimate import Estimate, declared_tokens, used_tokens

if TYPE_CHECKING:
    from .prepare import Call

__all__ = ["Lane", "Limiter", "Ticket"]

log = logging.getLogger("oxide")

PATIENCE = 5.0
"""Seconds that the others wait for the answer of a call that went ahead, before more of them do."""

ROUNDING = 1e-6
"""Seconds that are none: a clock that is far on does not move by less, and who waits for it would for ever."""

LANES = 256
"""Lanes that are kept; the one that was used longest ago goes first."""


class Ticket:
    """One request that is under way.

    Attributes:
        lane: whose.
        sent: when it was let go.
        declared: the tokens that its call declares.
        tokens: those that are taken off for it.
        alone: whether no other was under way when it was sent.
    """

    __slots__ = ("alone", "declared", "lane", "number", "sent", "tokens")

    def __init__(self, lane: Lane, number: int, sent: float, declared: float, tokens: float, alone: bool) -> None:
        self.lane = lane
        self.number = number
        self.sent = sent
        self.declared = declared
        self.tokens = tokens
        self.alone = alone


class Waiter:
    """One attempt that waits for its turn.

    Attributes:
        declared: the tokens that its call declares.
        first: whether it goes before those that have not been tried yet.
        gate: what it waits at, if it does.
    """

    __slots__ = ("declared", "first", "gate")

    def __init__(self, declared: float, first: bool) -> None:
        self.declared = declared
        self.first = first
        self.gate: Any = None


class Lane:
    """Calls that share limits: who waits, who is under way, and what is known of what they may use.

    Args:
        requests_per_minute, tokens_per_minute: limits that the user gives, beside what the server tells.
    """

    def __init__(self, requests_per_minute: float | None, tokens_per_minute: float | None) -> None:
        self._paces = tuple(
            None if limit is None else Pace(limit) for limit in (requests_per_minute, tokens_per_minute)
        )
        self.requests = Allowance()
        self.tokens = Allowance()
        self._estimate = Estimate()
        self._queue: deque[Waiter] = deque()
        self._flight: dict[int, Ticket] = {}
        self._number = 0
        self._blocked_until = 0.0
        self._refusals = 0
        # While it has to be found out what is allowed: since when, how many may go ahead, of how many at a time, and when these did.
        self._finding_out = False
        self._begun = 0.0
        self._ahead = self._ahead_at_a_time = 0
        self._since = 0.0
        # Whether the limits are known, or that there are none.
        self._known = requests_per_minute is not None and tokens_per_minute is None
        # What remained after the last request if it was the only one under way, and whether `usage` is what is counted.
        self._last: tuple[float, float] | None = None
        self._usage_counts = 0

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits and nobody is under way."""
        return not self._queue and not self._flight

    @property
    def is_calm(self) -> bool:
        """Whether nothing is going to happen before its time: nobody is under way whose answer could tell more."""
        return not self._flight

    # --- those who wait ---------------------------------------------------------------------------------------------

    def join(self, waiter: Waiter) -> None:
        """Queue up: behind everybody, or behind those who were tried before as well."""
        place = len(self._queue)
        if waiter.first:
            place = next((index for index, each in enumerate(self._queue) if not each.first), place)
        self._queue.insert(place, waiter)

    def leave(self, waiter: Waiter) -> None:
        """Wait no more, whether it was let go or gave up; the next one finds out that it is first."""
        if waiter in self._queue:
            self._queue.remove(waiter)
        self._wake()

    def ask(self, waiter: Waiter, now: float) -> Ticket | float | None:
        """A ticket if it may go, which takes what it needs; seconds to wait before asking again; `None` for until it is woken."""
        if self._queue[0] is not waiter:
            return None
        if self._blocked_until - now > ROUNDING:
            return self._blocked_until - now
        tokens = self._estimate.at_most(waiter.declared)
        if self.tokens.limit is not None:
            tokens = min(tokens, self.tokens.limit)
        if not self._known and not self._finding_out:
            self._find_out(now)
        costs = (1.0, tokens)
        waits: list[float] = [
            pace.wait(cost, now) for pace, cost in zip(self._paces, costs, strict=True) if pace is not None
        ]
        if not self._finding_out:
            for wait in (self.requests.wait(1.0, now), self.tokens.wait(tokens, now, self._estimate.spread)):
                if wait is None:
                    self._find_out(now)
                else:
                    waits.append(wait)
        if self._finding_out:
            if not self._ahead and now >= self._since + PATIENCE:
                # Answers may take their time, or never come. More go ahead each time, so that nobody waits for ever.
                self._ahead_at_a_time *= 2
                self._ahead, self._since = self._ahead_at_a_time, now
            if not self._ahead:
                waits.append(self._since + PATIENCE - now)
        wait = max(waits, default=0.0)
        if wait > ROUNDING:
            return wait
        self._ahead -= self._finding_out
        self._number += 1
        ticket = Ticket(self, self._number, now, waiter.declared, tokens, not self._flight)
        self._flight[ticket.number] = ticket
        self.requests.take(1.0)
        self.tokens.take(tokens)
        for pace, cost in zip(self._paces, costs, strict=True):
            if pace is not None:
                pace.take(cost, now)
        return ticket

    def soonest(self, waiter: Waiter, now: float) -> float:
        """Seconds that a waiter is going to wait at least."""
        requests = tokens = 0.0
        for each in self._queue:
            requests += 1
            tokens += each.declared
            if each is waiter:
                break
        soonest = max(self._blocked_until - now, self.requests.soonest(requests, now))
        # What calls declare may be more than they are counted with.
        return max(soonest, self.tokens.soonest(tokens, now) if requests == 1 else 0.0)

    # --- those under way --------------------------------------------------------------------------------------------

    def answered(self, ticket: Ticket, response: Response, now: float) -> None:
        """A response has come, or its head."""
        self._flight.pop(ticket.number, None)
        self._settle(ticket, response, now)
        self._wake()

    def lost(self, ticket: Ticket, now: float) -> None:
        """No response is going to come. The server may have counted the request all the same."""
        if self._flight.pop(ticket.number, None) is not None:
            self._settled(ticket, ticket.tokens, now)
            self._another(ticket)
            self._wake()

    def _settled(self, ticket: Ticket, tokens: float, now: float) -> None:
        self.requests.settle(1.0, 1.0, ticket.sent, now)
        self.tokens.settle(ticket.tokens, tokens, ticket.sent, now)
        if self._paces[1] is not None:
            self._paces[1].take(tokens - ticket.tokens, now)

    def _settle(self, ticket: Ticket, response: Response, now: float) -> None:
        limits = response.rate_limit
        tells = limits.remaining_requests is not None or limits.remaining_tokens is not None
        tokens = self._counted(ticket, response, limits.remaining_tokens, now)
        sent = ticket.sent
        flight = self._flight.values()
        requests = sum(self.requests.counts(each.sent) for each in flight) + self.requests.used_since(sent)
        others = sum(each.tokens for each in flight if self.tokens.counts(each.sent)) + self.tokens.used_since(sent)
        if response.status_code == 429:
            # It was not let in.
            self._settled(ticket, 0.0, now)
        else:
            self._settled(ticket, ticket.tokens if tokens is None else tokens, now)
        if limits.remaining_requests is not None:
            self.requests.learn(
                limits.limit_requests, limits.remaining_requests, limits.reset_requests, 1.0, sent, now, requests
            )
        if limits.remaining_tokens is not None:
            self.tokens.learn(
                limits.limit_tokens, limits.remaining_tokens, limits.reset_tokens, ticket.tokens, sent, now, others
            )
        if response.status_code == 429:
            self._refused(ticket, response, now)
            return
        self._refusals = 0
        if tells or response.status_code < 500:
            # A server that says nothing of limits has none, as far as can be told.
            self._known = True
        if not self._is_found_out():
            self._another(ticket)

    def _is_found_out(self) -> bool:
        if self._known and all(each.limit is None or each.level is not None for each in (self.requests, self.tokens)):
            self._finding_out = False
        return not self._finding_out

    def _another(self, ticket: Ticket) -> None:
        """What went ahead to find out did not, so another one may."""
        if self._finding_out and ticket.sent >= self._begun:
            self._ahead = max(self._ahead, 1)

    def _refused(self, ticket: Ticket, response: Response, now: float) -> None:
        """Too many after all: wait as long as the server says, and then let one go ahead."""
        asked = retry_after(response.headers)
        if asked is None or asked <= 0:
            asked = min(0.5 * 2.0 ** min(self._refusals, 10), 60.0)
        self._refusals += 1
        self._blocked_until = max(self._blocked_until, now + min(asked, MAX_RETRY_AFTER))
        limits = response.rate_limit
        if limits.remaining_requests is None and limits.remaining_tokens is None:
            for allowance in (self.requests, self.tokens):
                allowance.forget(now)
            self._find_out(self._blocked_until)
            return
        # The headers say until when to wait. If that is not for requests, the call is one of more tokens than remain.
        if limits.remaining_requests != 0 and limits.remaining_tokens is not None:
            self._estimate.learn(ticket.declared, max(limits.remaining_tokens + 1, ticket.tokens))
        self._known = True
        if not self._is_found_out():
            self._find_out(self._blocked_until)

    def _counted(self, ticket: Ticket, response: Response, remaining: float | None, now: float) -> float | None:
        """The tokens that the request was counted with, if that can be told; the estimate learns from it."""
        usage = used_tokens(response._content) if response.status_code < 300 else None
        exact = None
        last, self._last = self._last, None
        if remaining is not None and ticket.alone and self._number == ticket.number:
            # Nobody else was under way: all that is missing is its own, but for what has come back meanwhile.
            self._last = (remaining, now)
            if last is not None:
                exact = last[0] - remaining + self.tokens.rate * (now - last[1])
        if exact is not None and usage is not None and exact >= 0.98 * usage - 2:
            # Less may be missing because some has come back. More is missing where something else is counted than usage.
            agrees = exact <= 1.02 * usage + 2
            self._usage_counts = max(min(self._usage_counts + (1 if agrees else -1), 3), -3)
        if usage is not None and self._usage_counts >= 0:
            counted: float | None = usage
        else:
            counted = exact if exact is not None and exact > 0 and response.status_code < 300 else None
        if counted is not None:
            self._estimate.learn(ticket.declared, counted)
        return counted

    def _find_out(self, now: float) -> None:
        self._finding_out = True
        self._ahead = self._ahead_at_a_time = 1
        self._begun = self._since = now

    def _wake(self) -> None:
        if self._queue and self._queue[0].gate is not None:
            self._queue[0].gate.open()


class Limiter:
    """Paces the calls of one client and its copies. See `oxide.RateLimiter`, which has the lock.

    Args:
        requests_per_minute, tokens_per_minute: limits to keep beside those that the server tells, for each model; above 0.
        lock: is held for as long as the books are written.

    Raises:
        TypeError, ValueError: a limit is no number above 0.
    """

    def __init__(
        self,
        requests_per_minute: float | None,
        tokens_per_minute: float | None,
        lock: AbstractContextManager[Any],
    ) -> None:
        self.requests_per_minute = _limit("requests_per_minute", requests_per_minute)
        self.tokens_per_minute = _limit("tokens_per_minute", tokens_per_minute)
        self._lock = lock
        self._lanes: dict[Any, Lane] = {}
        # When it was last looked: whoever is cancelled can't look any more.
        self._now = 0.0

    def __repr__(self) -> str:
        values = f"requests_per_minute={self.requests_per_minute!r}, tokens_per_minute={self.tokens_per_minute!r}"
        return f"{type(self).__name__}({values})"

    def watch(self, call: Call, attempts: Flow[Response]) -> Flow[Response]:
        """The flow of a call's attempts; whichever way it ends, none of them stays under way in the books."""
        try:
            return (yield from attempts)
        finally:
            self._lost(call)

    def admit(self, call: Call, attempt: int) -> Flow[None]:
        """Wait until an attempt of a call may be made.

        Raises:
            APITimeoutError: that would take longer than the call may.
        """
        waiter = Waiter(declared_tokens(call.content, call.params), attempt > 0)
        begun: float | None = None
        now = yield Now()
        lane = None
        try:
            while True:
                with self._lock:
                    self._now = now
                    if lane is None:
                        lane = self._lane(call)
                        lane.join(waiter)
                    answer = lane.ask(waiter, now)
                    if isinstance(answer, Ticket):
                        call.ticket = answer
                        break
                    calm = answer is not None and lane.is_calm
                    left = None if call.deadline is None else call.deadline - monotonic()
                    if left is not None and max(answer or 0.0, lane.soonest(waiter, now)) >= left:
                        raise _too_long(call, attempt)
                if begun is None:
                    begun = now
                if waiter.gate is None:
                    # From here on it can be woken; what happened before is seen by asking once more.
                    waiter.gate = yield MakeGate()
                elif calm:
                    assert answer is not None
                    yield Sleep(answer)
                else:
                    bounds = [seconds for seconds in (answer, left) if seconds is not None]
                    if (yield Await(waiter.gate, min(bounds, default=None))):
                        waiter.gate = None
                now = yield Now()
        finally:
            if lane is not None:
                with self._lock:
                    lane.leave(waiter)
        if begun is not None and now > begun:
            log.info("waited %.3f seconds for the rate limit", now - begun)

    def send(self, call: Call, request: Request, stream: bool) -> Flow[Response]:
        """`Send` for a request that was admitted. Raises TransportError."""
        try:
            response: Response = yield Send(request, stream)
        except TransportError:
            self._lost(call)
            raise
        now = yield Now()
        ticket, call.ticket = call.ticket, None
        with self._lock:
            self._now = now
            ticket.lane.answered(ticket, response, now)
        return response

    def _lost(self, call: Call) -> None:
        ticket = getattr(call, "ticket", None)
        if ticket is not None:
            call.ticket = None
            with self._lock:
                ticket.lane.lost(ticket, self._now)

    def _lane(self, call: Call) -> Lane:
        """What shares limits: the calls of one model, in one project, at one address; or of one endpoint, where there is no model."""
        config = call.builder.config
        model = call.params.get("model")
        kind = model if isinstance(model, str) else getattr(call.operation, "path", call.url.path)
        key = (str(config.base_url), hash(config.api_key), config.organization, config.project, kind)
        lane = self._lanes.pop(key, None)
        if lane is None:
            lane = Lane(self.requests_per_minute, self.tokens_per_minute)
            if len(self._lanes) >= LANES:
                for old in [key for key, each in self._lanes.items() if each.is_idle][:1]:
                    del self._lanes[old]
        self._lanes[key] = lane
        return lane


def _too_long(call: Call, attempt: int) -> APITimeoutError:
    text = (
        f"the rate limiter would let the call wait for longer than it may take ({call.timeout.total} s, timeout.total)"
    )
    # The request that it would have been is not made before its time: what authorises it may be different by then.
    request = Request(call.method, call.url, HeadBlock(()), b"", call.timeout, call.deadline, max(attempt - 1, 0))
    error = APITimeoutError(request, message=f"Request timed out: {text}")
    error.__cause__ = TotalTimeout(text)
    return error


def _limit(name: str, value: float | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number or None, not {value!r}")
    if not value > 0:
        raise ValueError(f"{name} must be above 0, not {value!r}")
    return value
