"""The limiter over real sockets, where a window is a fraction of a second; `tests/limiter` has minutes of it, in virtual time."""

from __future__ import annotations

import asyncio
import threading
from time import monotonic
from typing import Any

import anyio
import pytest
import trio

import oxide
from oxide.testing import Gate, MockServer, Reply, Stream

PERIOD = 0.3


class Limited:
    """Answers so many requests in each window, and refuses the others."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._end = 0.0
        self._used = 0
        self.refused = 0

    def __call__(self, request: Any) -> Any:
        with self._lock:
            now = monotonic()
            if now >= self._end:
                self._end, self._used = now + PERIOD, 0
            self._used += 1
            headers = {
                "x-ratelimit-limit-requests": str(self._limit),
                "x-ratelimit-remaining-requests": str(max(self._limit - self._used, 0)),
                "x-ratelimit-reset-requests": f"{(self._end - now) * 1000 + 1:.0f}ms",
            }
            if self._used <= self._limit:
                # An ordinary answer, with headers.
                stream = b'"stream":true' in request.body
                return Stream(headers=headers) if stream else Reply(headers=headers)
            self.refused += 1
            return Reply(429, headers={**headers, "retry-after-ms": "50"})


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_at_the_same_time(way: Any, server: MockServer, stream: bool) -> None:
    limited = Limited(5)
    server.queue(limited, repeat=None)
    client = way.client(base_url=server.base_url, limiter=oxide.RateLimiter(), max_retries=0)

    async def one() -> None:
        answer = await client.responses.create(model="gpt-5", input="hi", stream=stream)
        if stream:
            assert [event async for event in answer]

    await way.gather(*[one] * 18)
    assert limited.refused == 0
    assert len(server.requests) == 18
    assert client._transport.stats()["in_use"] == 0


async def test_a_deadline_while_waiting_for_another(way: Any, server: MockServer) -> None:
    """The first call, which is to tell what is allowed, does not come back in time."""
    gate = Gate()
    server.queue(Reply(until=gate))
    client = way.client(base_url=server.base_url, limiter=oxide.RateLimiter(), max_retries=0)

    async def first() -> None:
        await client.responses.create(model="gpt-5", input="hi")

    async def second() -> None:
        server.wait_for_requests(1) if way.is_sync else await to_thread(server.wait_for_requests, 1)
        with pytest.raises(oxide.APITimeoutError, match="the rate limiter would let the call wait"):
            await client.responses.create(model="gpt-5", input="hi", timeout=oxide.Timeout(9, total=0.05))
        gate.open()

    await way.gather(first, second)
    assert len(server.requests) == 1


async def to_thread(function: Any, *args: Any) -> Any:
    return await anyio.to_thread.run_sync(function, *args)


async def test_hedges_and_retries_are_paced_too(way: Any, server: MockServer) -> None:
    gate = Gate()
    server.queue(Reply(until=gate), Reply(500, headers={"retry-after-ms": "1"}))
    limiter = oxide.RateLimiter()
    client = way.client(base_url=server.base_url, limiter=limiter, hedge=oxide.Hedge(0.05))
    # The hedge waits behind the first request, which is to find out what is allowed; when that has come, there are no limits.
    await way.gather(lambda: open_soon(gate, server, way), lambda: client.responses.create(model="gpt-5", input="hi"))
    (lane,) = limiter._lanes.values()
    server.wait_for(lambda: lane.is_idle)


async def open_soon(gate: Gate, server: MockServer, way: Any) -> None:
    server.wait_for_requests(1) if way.is_sync else await to_thread(server.wait_for_requests, 1)
    gate.open()


@pytest.mark.parametrize("how", ["anyio", "asyncio", "trio"])
def test_deadlines_of_the_caller(how: str, server: MockServer) -> None:
    """Around the wait for the limiter, and within each other: the innermost that is over ends the call, and no other."""
    gate = Gate()
    server.queue(Reply(until=gate))
    limiter = oxide.RateLimiter()

    async def main() -> None:
        async with (
            oxide.AsyncOpenAI(api_key="sk-test", base_url=server.base_url, limiter=limiter) as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(lambda: client.responses.create(model="gpt-5", input="hi"))
            await to_thread(server.wait_for_requests, 1)
            with anyio.fail_after(20):
                if how == "asyncio":
                    with pytest.raises(asyncio.TimeoutError):
                        await asyncio.wait_for(client.responses.create(model="gpt-5", input="hi"), 0.05)
                elif how == "trio":
                    with pytest.raises(trio.TooSlowError), trio.fail_after(0.05):
                        await client.responses.create(model="gpt-5", input="hi")
                else:
                    with anyio.move_on_after(0.05) as scope:
                        await client.responses.create(model="gpt-5", input="hi")
                    assert scope.cancelled_caught
            gate.open()
        (lane,) = limiter._lanes.values()
        assert lane.is_idle

    anyio.run(main, backend="trio" if how == "trio" else "asyncio")
    assert len(server.requests) == 1
