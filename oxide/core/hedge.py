"""Hedged requests: a second one goes out when the first is slow, and whichever answers first counts.

Dean and Barroso, "The Tail at Scale" (CACM 56, 2013), is where the idea and its bounds come from: after the time in which most
calls are done, a second request costs little and takes the tail off.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from copy import copy
from time import monotonic
from typing import TYPE_CHECKING, Any

from .budget import Budget, as_budget
from .call import go_on
from .errors import TransportError
from .flow import Discard, Flow, ReadSome
from .http import Response
from .race import Race

if TYPE_CHECKING:
    from .prepare import Call

__all__ = ["Hedge", "first_of", "hedged", "is_hedged"]

_PATHS = frozenset({"/responses", "/chat/completions", "/completions", "/embeddings", "/moderations"})
"""POSTs that ask for an answer. Others make something (a file, a batch, a vector store), and twice is not the same as once."""

SAMPLES = 200
"""Calls of a kind whose times are kept."""

ENOUGH = 5
"""Calls of a kind after which their times say something: the delay is bounded by their median, which two slow ones don't move."""

SLOW = 3.0
"""A call that takes this many times the median is slow, whatever the 95th percentile is: where one call in twenty is slow, the
percentile may fall on either side of them."""

SCARCE = 6.0
"""As many times the median is waited for when no extra request is left. By definition of the 95th percentile one call in twenty
is past it, as many as the budget allows, and half of these would be done the next moment: what is left is for the slowest."""

HEAD_START = 40
"""Calls whose share of extra requests may be spent before they were made: the tail does not wait for a client to have been in use."""

REFUND = 0.25
"""What of an extra request is given back if it won: where hedging helps there may be a third more of it than where the API is
slow for everybody. A tail of just the budget's share would use up all of it and more by chance (simulated: with a share of a
twentieth, and one request in twenty slow, half of all runs of 1000 calls had one call in a hundred that was slow and not hedged)."""

KINDS = 256
"""Kinds of calls for which times are kept; the one that was used longest ago goes first."""


class Hedge:
    """When slow calls are given a second request. Shared by all copies of a client, so that they learn together.

    Args:
        delay: seconds after which the next request goes out. `None` learns it: the 95th percentile of the last 200 calls of
            the same kind (operation, model, streamed or not), but no more than three times their median, and up to six times
            while the budget is short; before five of them are known there is no hedging.
        requests: how many requests a call may make in all, at least 2.
        budget: the share of calls that may have an extra request, 0 to 1, or a `Budget`; `None` for all. What the first forty calls
            earn is there from the beginning, and of a request that answers first a quarter is given back.
        min_delay: the least that is learned, in seconds.

    Raises:
        TypeError, ValueError: an argument has a value it can't have; the message names it.
    """

    def __init__(
        self,
        delay: float | None = None,
        *,
        requests: int = 2,
        budget: Budget | float | None = 0.05,
        min_delay: float = 0.001,
    ) -> None:
        if delay is not None and not (isinstance(delay, (int, float)) and delay >= 0):
            raise ValueError(f"the hedge's delay must be seconds, at least 0, or None to learn it, not {delay!r}")
        if not isinstance(requests, int) or requests < 2:
            raise ValueError(f"a hedged call makes at least 2 requests, not {requests!r}")
        self.delay = delay
        self.requests = requests
        self.budget = as_budget("the hedge's budget", budget, HEAD_START)
        self.min_delay = min_delay
        self._times: dict[Any, deque[float]] = {}

    def __repr__(self) -> str:
        return f"Hedge(delay={self.delay!r}, requests={self.requests})"

    def delay_for(self, kind: Any) -> float | None:
        """Seconds after which a call of a kind is slow; `None` where that is not known yet."""
        if self.delay is not None:
            return self.delay
        times = self._times.get(kind)
        if times is None or len(times) < ENOUGH:
            return None
        ordered = sorted(times)
        median = ordered[len(ordered) // 2]
        delay = min(ordered[int(len(ordered) * 0.95)], SLOW * median)
        if self.budget is not None:
            delay += (SCARCE * median - delay) * self.budget.scarcity
        return max(delay, self.min_delay)

    def took(self, kind: Any, seconds: float) -> None:
        """A call of a kind took so long."""
        if self.delay is not None:
            return
        times = self._times.pop(kind, None)
        if times is None:
            times = deque(maxlen=SAMPLES)
            if len(self._times) >= KINDS:
                del self._times[next(iter(self._times))]
        times.append(seconds)
        self._times[kind] = times

    def earn(self) -> None:
        if self.budget is not None:
            self.budget.earn()

    def may_begin(self) -> bool:
        return self.budget is None or self.budget.spend()

    def won(self) -> None:
        if self.budget is not None:
            self.budget.give_back(REFUND)


def is_hedged(call: Call) -> bool:
    """Whether a call may be made twice: one that only reads, or asks for an answer, with a body that is in memory."""
    operation = call.operation
    if operation is None or type(call.content) is not bytes or call.params.get("background"):
        return False
    return operation.method == "GET" or (operation.method == "POST" and operation.path in _PATHS)


def hedged(call: Call, attempt: Callable[[Call], Flow[Response]]) -> Flow[Response]:
    """The response of the first of several attempts to give one.

    A stream counts as given with its first event.

    Args:
        call: what is called. Each attempt is made with a copy of it, and what is noted in the winner's is noted in it.
        attempt: the flow of one attempt, retries and all.

    Raises: what the first attempt raised, if none gave a response.
    """
    hedge = call.hedge
    assert hedge is not None
    hedge.earn()
    kind = (call.operation, call.params.get("model"), call.stream)
    delay = hedge.delay_for(kind)
    calls = [copy(call) for _ in range(hedge.requests if delay is not None else 1)]
    watch = getattr(call, "watch", None)
    if watch is not None:
        attempt = watch.racing(calls, attempt)
    if call.stream:
        flows = [lambda each=each: _until_first_event(each, attempt(each)) for each in calls]
    else:
        flows = [lambda each=each: attempt(each) for each in calls]
    begin = monotonic()
    if delay is None:
        place, response = 0, (yield from flows[0]())
    else:
        place, response = yield Race(
            flows, [delay] * (len(flows) - 1), may_begin=hedge.may_begin, on_error=False, late=_give_up
        )
    hedge.took(kind, monotonic() - begin)
    if place:
        hedge.won()
    call.retries_taken = calls[place].retries_taken
    if watch is not None:
        watch.won(place)
    return response


def first_of(
    calls: Sequence[Call], delay: float, attempt: Callable[[Call], Flow[Response]]
) -> Flow[tuple[Call, Response]]:
    """The first of several calls to give a response, and the response; the others are cancelled.

    Args:
        calls: in the order in which they begin.
        delay: seconds between two beginnings; a call that fails has the next one begin at once.
        attempt: the flow of one call, retries and all.

    Raises: what the first call raised, if none gave a response.
    """
    flows = [
        (lambda each=each: _until_first_event(each, attempt(each)))
        if each.stream
        else (lambda each=each: attempt(each))
        for each in calls
    ]
    place, response = yield Race(flows, [delay] * (len(flows) - 1), late=_give_up)
    return calls[place], response


def _give_up(response: Response) -> Flow[None]:
    yield Discard(response)


def _until_first_event(call: Call, attempt: Flow[Response]) -> Flow[Response]:
    """A response of which the first event has come; what was read is given out again."""
    response = yield from attempt
    while response.stream is not None:
        ahead = b""
        try:
            # An event has a line of data; what comes before may be a comment that keeps the connection alive.
            while b"data" not in ahead:
                data = yield ReadSome(response)
                if not data:
                    break
                ahead += data
        except TransportError as error:
            yield Discard(response)
            response = yield from go_on(call, response, error)
        else:
            response.stream = Ahead(ahead, response.stream)
            break
    return response


class Ahead:
    """A body of which some was read already: `core.http.ByteStream` and `AsyncByteStream`."""

    __slots__ = ("_ahead", "_rest")

    def __init__(self, ahead: bytes, rest: Any) -> None:
        self._ahead = ahead
        self._rest = rest

    def _take(self) -> bytes:
        ahead, self._ahead = self._ahead, b""
        return ahead

    def __next__(self) -> bytes:
        return self._take() or next(self._rest)

    def close(self) -> None:
        self._rest.close()

    async def __anext__(self) -> bytes:
        return self._take() or await self._rest.__anext__()

    async def aclose(self) -> None:
        await self._rest.aclose()

    @property
    def drain(self) -> Any:
        """What the rest has for reading on to a near end, if it has that."""
        return getattr(self._rest, "drain", None)
