"""The limiter against models of servers, in virtual time: no refusals, and little more than the least time possible."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from random import Random
from typing import Any

import anyio
import pytest

import oxide

from .model import Bucket, Server, Sliding, Window, go_duration, latencies
from .virtual import AsyncServer, SyncServer, client, run_asyncio, run_trio

RUNNERS = {"asyncio": run_asyncio, "trio": run_trio}

SEEDS = int(os.environ.get("OXIDE_LIMITER_SEEDS", "1"))

CALLS = 500


def even(random: Random) -> list[int]:
    return [20] * CALLS


def long(random: Random) -> list[int]:
    return [200] * CALLS


def mixed(random: Random) -> list[int]:
    return [random.randint(50, 150) for _ in range(CALLS)]


COSTS = {"requests are what is short": even, "tokens are": long, "both": mixed}


def pace(
    runner: Callable[..., Any],
    kind: Callable[..., Any],
    costs: list[int],
    workers: int,
    latency: Callable[[], float],
    *,
    says: str = "nothing",
    **options: Any,
) -> Server:
    """Make the calls, so many at the same time; the server that had them."""

    async def main() -> Server:
        begin = anyio.current_time()
        server = Server(
            kind,
            lambda: anyio.current_time() - begin,
            cost=lambda body: costs[int(body["metadata"]["number"])],
            **options,
        )
        paced = client(server, latency, max_retries=0)
        numbers = iter(range(len(costs)))

        async def work() -> None:
            for number in numbers:
                more: dict[str, Any] = {"max_output_tokens": costs[number]} if says == "how much" else {}
                await paced.responses.create(model="m", input="hi", metadata={"number": str(number)}, **more)

        async with anyio.create_task_group() as group:
            for _ in range(workers):
                group.start_soon(work)
        return server

    return runner(main)  # type: ignore[no-any-return]


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("costs", COSTS)
@pytest.mark.parametrize("kind", [Window, Bucket], ids=["window", "bucket"])
@pytest.mark.parametrize(
    ("workers", "how"),
    [(1, "asyncio"), (20, "asyncio"), pytest.param(CALLS, "trio", marks=pytest.mark.exhaustive)],
)
def test_no_call_is_refused(kind: Any, costs: str, workers: int, how: str, seed: int) -> None:
    drawn = COSTS[costs](Random(seed))
    slowest = 0.0 if workers == 1 else 1.0
    server = pace(RUNNERS[how], kind, drawn, workers, latencies(seed, 0.0, slowest))
    assert len(server.served) == CALLS
    assert server.refused == []
    # What remains of a window when the next call does not fit is nobody's fault: costs that are known make full windows.
    granularity = 60.0 if kind is Window and costs == "both" else 0.0
    assert server.served[-1] <= 1.1 * server.least() + granularity


@pytest.mark.parametrize(
    "duration", [go_duration, lambda seconds: str(round(seconds, 3)), lambda seconds: str(int(seconds))]
)
@pytest.mark.parametrize("phase", [None, 0.0, -25.0])
def test_times_may_be_written_and_windows_begin_as_they_like(duration: Any, phase: float | None) -> None:
    server = pace(run_asyncio, Window, [20] * 250, 50, latencies(1, 0.1, 0.5), duration=duration, phase=phase)
    assert server.refused == []
    assert server.served[-1] <= (120 + (phase or 0)) * 1.1


def test_what_a_call_declares_is_heeded() -> None:
    """Calls of very different lengths, each of which says how long it may get."""
    random = Random(3)
    costs = [random.choice([10, 30, 500]) for _ in range(200)]
    server = pace(run_asyncio, Window, costs, 100, latencies(1, 0.1, 0.5), says="how much")
    assert server.refused == []
    assert server.served[-1] <= server.least() * 1.1 + 60


def test_a_window_that_slides() -> None:
    for workers in (1, 50):
        server = pace(run_asyncio, Sliding, [20] * 250, workers, latencies(1, 0.05, 0.2))
        assert server.refused == []
        assert server.served[-1] <= 200


def test_who_comes_first_goes_first() -> None:
    async def main() -> list[Any]:
        server = Server(Window, anyio.current_time, requests=3, tokens=None)
        paced = client(server, lambda: 0.1)

        async def one(number: int) -> None:
            await paced.responses.create(model="m", input=str(number))

        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(one, number)
                await anyio.sleep(0.01)
        return server.order

    assert run_trio(main) == [str(number) for number in range(10)]


def test_models_are_paced_apart_and_copies_together() -> None:
    async def main() -> None:
        servers = {
            model: Server(Window, lambda: anyio.current_time() - begin, requests=2, tokens=None) for model in ("a", "b")
        }
        begin = anyio.current_time()
        first = oxide.AsyncOpenAI(
            api_key="k",
            http_client=AsyncServer(
                lambda request: servers["a" if b'"a"' in request.content else "b"].handle(request), lambda: 0.01
            ),  # type: ignore[operator]
            limiter=oxide.RateLimiter(),
        )
        second = first.with_options(timeout=9)
        for _ in range(2):
            for each in (first, second):
                await each.responses.create(model="a", input="hi")
            await first.responses.create(model="b", input="hi")
        assert [round(at) for at in servers["a"].served] == [0, 0, 60, 60]
        assert servers["b"].served[-1] > 60
        assert not any(server.refused for server in servers.values())

    run_asyncio(main)


def test_a_server_that_tells_no_limits_is_not_held_back() -> None:
    async def main() -> float:
        begin = anyio.current_time()
        server = Server(Window, anyio.current_time, requests=None, tokens=None)
        paced = client(server, lambda: 1.0)
        async with anyio.create_task_group() as group:
            for _ in range(300):
                group.start_soon(lambda: paced.responses.create(model="m", input="hi"))
        return anyio.current_time() - begin

    assert run_asyncio(main) <= 2.1


def test_answers_that_take_long_do_not_hold_up_everybody() -> None:
    async def main() -> float:
        begin = anyio.current_time()
        server = Server(Window, anyio.current_time, requests=1000, tokens=None)
        paced = client(server, lambda: 60.0)
        async with anyio.create_task_group() as group:
            for _ in range(300):
                group.start_soon(lambda: paced.responses.create(model="m", input="hi"))
        return anyio.current_time() - begin

    assert run_asyncio(main) <= 125


@pytest.mark.parametrize("headers", [True, False])
def test_after_a_refusal_one_goes_ahead(headers: bool) -> None:
    """Somebody else uses the same limit, so there are refusals; then nobody calls before the server said so."""

    async def main() -> None:
        begin = anyio.current_time()
        server = Server(Window, lambda: anyio.current_time() - begin, requests=100, tokens=None)

        def handle(request: Any) -> Any:
            response = server.handle(request)
            if response.status_code == 429 and not headers:
                response._headers = oxide.Headers([(b"retry-after", b"60")])
            return response

        paced = oxide.AsyncOpenAI(
            api_key="k", http_client=AsyncServer(handle, lambda: 0.1), limiter=oxide.RateLimiter(), max_retries=2
        )
        await paced.responses.create(model="m", input="hi")
        server.requests._used += 90
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(lambda: paced.responses.create(model="m", input="hi"))
        assert len(server.served) == 51
        assert max(server.refused) < 1
        assert max(server.served) < 63

    run_asyncio(main)


@pytest.mark.parametrize("waiting", [0, 3])
def test_a_wait_that_would_outlast_the_deadline(waiting: int) -> None:
    async def main() -> None:
        server = Server(Window, anyio.current_time, requests=1, tokens=None)
        paced = client(server, lambda: 0.01)
        await paced.responses.create(model="m", input="hi")
        async with anyio.create_task_group() as group:
            for _ in range(waiting):
                group.start_soon(lambda: paced.responses.create(model="m", input="hi"))
            await anyio.sleep(1)
            begin = anyio.current_time()
            with pytest.raises(oxide.APITimeoutError, match="the rate limiter would let the call wait") as caught:
                await paced.with_options(timeout=oxide.Timeout(total=30)).responses.create(model="m", input="hi")
            assert anyio.current_time() == begin
            assert isinstance(caught.value.__cause__, oxide.TotalTimeout)
            assert caught.value.retries_taken == 0
            group.cancel_scope.cancel()

    run_asyncio(main)


@pytest.mark.parametrize("how", RUNNERS)
def test_who_is_cancelled_leaves_nothing_behind(how: str) -> None:
    async def main() -> None:
        server = Server(Window, anyio.current_time, requests=1, tokens=None)
        limiter = oxide.RateLimiter()
        paced = client(server, lambda: 10.0, limiter=limiter)

        async def one(seconds: float) -> None:
            with anyio.move_on_after(seconds):
                await paced.responses.create(model="m", input="hi")

        async with anyio.create_task_group() as group:
            for seconds in (5, 3, 7, 100, 20):
                group.start_soon(one, seconds)
                await anyio.sleep(0.01)
        (lane,) = limiter._lanes.values()
        assert lane.is_idle
        # The first was cancelled under way, when the server had counted it; of the others one goes after a minute.
        assert len(server.served) == 2
        assert 60 <= server.served[1] < 72

    RUNNERS[how](main)


def test_threads_of_time_that_is_patched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The synchronous client goes by `time.sleep` and `time.monotonic`."""
    now = 1000.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: now)
    server = Server(Window, lambda: now - 1000, requests=100, tokens=10_000)
    with oxide.OpenAI(
        api_key="k", http_client=SyncServer(server.handle, lambda: 0.01), limiter=oxide.RateLimiter(), max_retries=0
    ) as paced:
        for _ in range(CALLS):
            paced.responses.create(model="m", input="hi")
    assert server.refused == []
    assert server.served[-1] <= 240 * 1.1


def test_limits_that_the_user_gives() -> None:
    async def main() -> float:
        begin = anyio.current_time()
        server = Server(Window, anyio.current_time, requests=None, tokens=None)
        paced = client(server, lambda: 0.1, limiter=oxide.RateLimiter(requests_per_minute=10, tokens_per_minute=2000))
        for _ in range(25):
            await paced.responses.create(model="m", input="hi")
        served = server.served
        assert all(later - earlier > 59.999 for earlier, later in zip(served, served[10:], strict=False))
        return anyio.current_time() - begin

    assert 120 <= run_asyncio(main) <= 132


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"requests_per_minute": 0}, "requests_per_minute must be above 0"),
        ({"tokens_per_minute": "many"}, "tokens_per_minute must be a number"),
    ],
)
def test_wrong_arguments(arguments: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        oxide.RateLimiter(**arguments)


def test_wrong_limiter() -> None:
    with pytest.raises(TypeError, match=r"limiter must be an oxide.RateLimiter or None, not True"):
        oxide.OpenAI(api_key="k", limiter=True)  # type: ignore[arg-type]
