"""`python -m benchmarks.hedging`: what hedging does to the tail of a server of which one request in twenty takes twenty times as long.

For each way (threads, asyncio, trio), one caller and several, whole responses and streams to their first event: the percentiles
without hedging, with a learned delay and with a given one, and how many requests the server saw. Figures go to stdout and, with
`--write`, to `docs/hedging.svg`.
"""

from __future__ import annotations

import argparse
import http.client
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import anyio

from oxide import AsyncOpenAI, Hedge, OpenAI

from . import payloads
from .checks import WrongResult, check_small
from .plot import survival
from .server_tail import QUICK, SHARE, SLOW, tail_server

GIVEN = 3 * QUICK
HEDGES: dict[str, Callable[[], Hedge | None]] = {
    "without": lambda: None,
    "learned": lambda: Hedge(),
    "given": lambda: Hedge(GIVEN),
}
REDUCTION = 0.5
EXTRA = 0.07
WAYS = ("sync", "asyncio", "trio")
PLOT = Path(__file__).parent.parent / "docs" / "hedging.svg"

WHOLE: dict[str, Any] = {"model": payloads.MODEL, "input": "Say hi"}
STREAM: dict[str, Any] = {"model": payloads.stream_model(payloads.SHORT_STREAM), "input": "Say hi", "stream": True}


@dataclass(frozen=True)
class Run:
    """One client's calls: seconds each, and requests beyond one a call as a share of the calls."""

    name: str
    hedge: str
    times: list[float]
    extra: float

    def percentile(self, percent: float) -> float:
        return sorted(self.times)[min(int(len(self.times) * percent / 100), len(self.times) - 1)]


def sync_call(client: OpenAI, stream: bool) -> float:
    begin = perf_counter()
    if not stream:
        response = client.responses.create(**WHOLE)
        took = perf_counter() - begin
        check_small(response.id, response.output_text)
        return took
    with client.responses.create(**STREAM) as events:
        next(events)
        took = perf_counter() - begin
        check_length(1 + sum(1 for _ in events))
    return took


async def async_call(client: AsyncOpenAI, stream: bool) -> float:
    begin = perf_counter()
    if not stream:
        response = await client.responses.create(**WHOLE)
        took = perf_counter() - begin
        check_small(response.id, response.output_text)
        return took
    async with await client.responses.create(**STREAM) as events:
        await anext(events)
        took = perf_counter() - begin
        check_length(1 + len([event async for event in events]))
    return took


def check_length(seen: int) -> None:
    if seen != payloads.SHORT_STREAM:
        raise WrongResult(f"expected {payloads.SHORT_STREAM} events, got {seen}")


def in_threads(options: dict[str, Any], lanes: int, calls: int, stream: bool) -> list[float]:
    with OpenAI(**options) as client, ThreadPoolExecutor(lanes) as threads:
        return list(threads.map(lambda _: sync_call(client, stream), range(calls)))


def in_tasks(backend: str, options: dict[str, Any], lanes: int, calls: int, stream: bool) -> list[float]:
    async def main() -> list[float]:
        left = iter(range(calls))
        times: list[float] = []
        async with AsyncOpenAI(**options) as client:

            async def lane() -> None:
                times.extend([await async_call(client, stream) for _ in left])

            async with anyio.create_task_group() as group:
                for _ in range(lanes):
                    group.start_soon(lane)
        return times

    return anyio.run(main, backend=backend)


def ask(port: int, method: str, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request(method, path)
    answer = int(connection.getresponse().read())
    connection.close()
    return answer


def measure(way: str, lanes: int, stream: bool, hedge: str, calls: int, seed: int) -> Run:
    name = f"{way}, {'streams' if stream else 'create'}, {lanes} at once"
    with tail_server() as port:
        ask(port, "POST", f"/seed/{seed}")
        options = {"base_url": f"http://127.0.0.1:{port}/v1", "api_key": "sk-none", "hedge": HEDGES[hedge]()}
        if way == "sync":
            times = in_threads(options, lanes, calls, stream)
        else:
            times = in_tasks(way, options, lanes, calls, stream)
        extra = ask(port, "GET", "/count") / calls - 1
    return Run(name, hedge, times, extra)


def section(
    calls: int, lanes: Sequence[int], ways: Sequence[str] = WAYS, seed: int = 1, tell: Callable[[str], object] = print
) -> tuple[str, int]:
    """Measure all of it. The plot of the first concurrent run, and how many runs missed a budget; lines of Markdown go to `tell`."""
    tell(
        f"{calls} calls each, seed {seed}; {QUICK * 1e3:.0f} ms, and {SLOW * 1e3:.0f} ms for {SHARE:.0%} of requests.\n"
    )
    tell("| | hedge | p50 ms | p95 ms | p99 ms | p99 less by | extra requests |\n|---|---|---:|---:|---:|---:|---:|")
    shown: dict[str, dict[str, Run]] = {}
    missed = 0
    rows = [(way, count, stream) for stream in (False, True) for count in lanes for way in ways]
    # They wait nearly all the time: two at once don't disturb each other.
    with ThreadPoolExecutor(2) as threads:
        jobs = [(*row, hedge, calls, seed) for row in rows for hedge in HEDGES]
        for run in threads.map(lambda job: measure(*job), jobs):
            of = shown.setdefault(run.name, {})
            of[run.hedge] = run
            less = 1 - run.percentile(99) / of["without"].percentile(99)
            holds = run.hedge == "without" or (less >= REDUCTION and run.extra <= EXTRA)
            missed += not holds
            figures = " | ".join(f"{run.percentile(percent) * 1e3:.1f}" for percent in (50, 95, 99))
            outcome = "" if run.hedge == "without" else f"{less:.0%}{'' if holds else ' **missed**'}"
            tell(f"| {run.name} | {run.hedge} | {figures} | {outcome} | {run.extra:.1%} |")
    first = shown[f"{ways[0]}, create, {max(lanes)} at once"]
    labels = {
        "without": "without hedging",
        "learned": "hedged, learned delay",
        "given": f"hedged after {GIVEN * 1e3:.0f} ms",
    }
    title = f"{first['without'].name}: the share of calls that take longer"
    return survival(title, {labels[hedge]: run.times for hedge, run in first.items()}), missed


def main() -> int:
    """0; 1 where a budget is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hedging", description=__doc__)
    parser.add_argument("--calls", type=int, default=1000, help="in each run")
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 16], help="callers at the same time")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"make docs/{PLOT.name} anew")
    options = parser.parse_args()
    plot, missed = section(options.calls, options.lanes, options.ways, options.seed, partial(print, flush=True))
    if options.write:
        PLOT.write_text(plot)
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
