"""The books of the limiter under any sequence of events: nobody overtakes, every wait is one that passes, and nobody waits for ever."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oxide.core.headers import Headers
from oxide.core.http import HeadBlock, Request, Response
from oxide.core.limiter import Lane, Ticket, Waiter
from oxide.core.url import URL

pytestmark = pytest.mark.exhaustive

REQUEST = Request("POST", URL("http://127.0.0.1/v1/responses"), HeadBlock(()))
VALUES = ("0", "1", "7", "100", "10000", "-1", "nan", "", "1e9", "9" * 30)
RESETS = ("0s", "6ms", "1s", "1m12s", "60", "24h", "", "soon")
NAMES = tuple(
    f"x-ratelimit-{what}-{unit}" for what in ("limit", "remaining", "reset") for unit in ("requests", "tokens")
)
STEPS = 400
"""Looks after which whoever is first in the line must have been let go, each after the wait that it was told."""


def response(chance: random.Random) -> Response:
    """An answer of a server whose headers may be right, wrong or missing."""
    fields = [(name, chance.choice(RESETS if "reset" in name else VALUES)) for name in NAMES if chance.random() < 0.8]
    if chance.random() < 0.3:
        fields.append(("retry-after", chance.choice(("0", "1", "20", "1000", "-3", "x"))))
    raw = [(name.encode(), value.encode()) for name, value in fields]
    content = b'{"usage": {"total_tokens": %d}}' % chance.randrange(2000) if chance.random() < 0.5 else b"{}"
    return Response(chance.choice((200, 200, 200, 429, 500, 400)), Headers(raw), REQUEST, content=content)


@settings(max_examples=300)
@given(st.randoms(use_true_random=False))
def test_any_sequence(chance: random.Random) -> None:
    limits = [chance.choice((None, 0.5, 60, 1e6)) for _ in range(2)]
    lane = Lane(*limits)
    now = chance.choice((0.0, 1e6))
    line: list[Waiter] = []
    flight: list[Ticket] = []

    def look() -> float | None:
        """The first in the line asks."""
        answer = lane.ask(line[0], now)
        if isinstance(answer, Ticket):
            flight.append(answer)
            lane.leave(line.pop(0))
            return None
        assert answer is None or (answer > 0 and math.isfinite(answer))
        return answer

    def answer() -> None:
        ticket = flight.pop(chance.randrange(len(flight)))
        if chance.random() < 0.2:
            lane.lost(ticket, now)
        else:
            lane.answered(ticket, response(chance), now)

    for _ in range(chance.randrange(80)):
        event = chance.randrange(5)
        if event == 0:
            waiter = Waiter(chance.choice((0.0, 1.0, 500.0, 1e7)), False)
            lane.join(waiter)
            line.append(waiter)
        elif event == 1 and line:
            look()
        elif event == 2 and len(line) > 1:
            # Nobody goes before whoever is first.
            assert lane.ask(line[-1], now) is None
            lane.leave(line.pop(chance.randrange(len(line))))
        elif event == 3 and flight:
            answer()
        elif event == 4:
            now += chance.choice((0.0, 0.001, 1.0, 61.0))

    for _ in range(STEPS):
        if not line:
            break
        wait = look()
        if wait is not None:
            now += wait
        if flight:
            answer()
    assert not line
    while flight:
        answer()
    assert lane.is_idle
