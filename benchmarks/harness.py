"""How a row is measured: its contenders in one run, in turn, round after round.

A contender is a `Batches`: something that runs a number of calls and says how long they took. Each first finds the batch
size that takes about `Effort.target` (which also warms it up), then the contenders run one batch each in every round,
starting with another one each time. What counts is the median over the rounds, and for two contenders the median of
their ratios within a round, because the machine's mood lasts longer than a round.

The garbage collector stays on. Before the rounds everything alive is frozen, so that nobody pays for what another
contender imported.
"""

from __future__ import annotations

import asyncio
import gc
import math
import queue
import statistics
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from time import perf_counter, process_time
from typing import Any

import trio

from . import isolated
from .server import Server


@dataclass(frozen=True)
class Effort:
    """How much to measure: seconds for a batch, rounds, seconds for all rounds of one contender, seconds for a call."""

    target: float
    rounds: int
    allowance: float
    cap: float


FULL = Effort(target=0.1, rounds=15, allowance=3.0, cap=8.0)
QUICK = Effort(target=0.03, rounds=5, allowance=0.8, cap=2.5)


@dataclass(frozen=True)
class Sample:
    """One batch: wall seconds, calls completed in them, whether it was cut off, and if known the peak memory in MB and the
    processor seconds of this process."""

    seconds: float
    calls: int
    capped: bool = False
    peak: float | None = None
    processor: float | None = None

    @property
    def per_call(self) -> float:
        """Seconds a call; where a batch was cut off before any call was done, what one would have taken at least."""
        return self.seconds / max(self.calls, 1)


class Batches(ABC):
    """A contender at work. `done` counts the calls of the batch under way, where those can be cut off."""

    done = 0

    @abstractmethod
    def batch(self, calls: int, cap: float) -> Sample:
        """Run `calls` calls in each lane; concurrent ones are given up after `cap` seconds."""

    @abstractmethod
    def close(self) -> None:
        """Close the client. The last call."""


class SyncBatches(Batches):
    """Calls one after another, or in as many threads as there are lanes."""

    def __init__(self, call: Callable[[int], object], lanes: int = 1, close: Callable[[], None] = lambda: None) -> None:
        self.call, self.lanes, self.close_client = call, lanes, close
        self.threads = ThreadPoolExecutor(lanes) if lanes > 1 else None

    def batch(self, calls: int, cap: float) -> Sample:
        call = self.call

        def lane(number: int) -> None:
            for _ in range(calls):
                call(number)

        started = perf_counter()
        if self.threads is None:
            lane(0)
        else:
            for _ in self.threads.map(lane, range(self.lanes)):
                pass
        return Sample(perf_counter() - started, calls * self.lanes)

    def close(self) -> None:
        if self.threads is not None:
            self.threads.shutdown()
        self.close_client()


class AsyncioBatches(Batches):
    """Calls one after another in a task, or in as many tasks as there are lanes; the loop lives on between batches."""

    def __init__(self, opened: Callable[[], Any], operation: Callable[[Any], Any], lanes: int = 1) -> None:
        self.loop = asyncio.new_event_loop()
        self.client = self.loop.run_until_complete(self.run_in_loop(opened))
        self.call: Callable[[int], Awaitable[object]] = operation(self.client)
        self.lanes = lanes

    async def run_in_loop(self, opened: Callable[[], Any]) -> Any:
        return opened()

    async def work(self, calls: int, cap: float) -> Sample:
        call = self.call
        self.done = 0

        async def lane(number: int) -> None:
            for _ in range(calls):
                await call(number)
                self.done += 1

        started = perf_counter()
        if self.lanes == 1:
            await lane(0)
            return Sample(perf_counter() - started, self.done)
        tasks = [asyncio.ensure_future(lane(number)) for number in range(self.lanes)]
        finished, pending = await asyncio.wait(tasks, timeout=cap)
        sample = Sample(perf_counter() - started, self.done, capped=bool(pending))
        for task in pending:
            task.cancel()
        for task in finished:
            task.result()
        if pending:
            await asyncio.wait(pending)
        return sample

    def batch(self, calls: int, cap: float) -> Sample:
        return self.loop.run_until_complete(self.work(calls, cap))

    def close(self) -> None:
        self.loop.run_until_complete(self.client.close())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


class TrioBatches(Batches):
    """The same on trio, whose run has no pause: it has a thread of its own, which waits for orders between batches."""

    def __init__(self, opened: Callable[[], Any], operation: Callable[[Any], Any], lanes: int = 1) -> None:
        self.orders: queue.SimpleQueue[tuple[int, float] | None] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[Sample | BaseException | None] = queue.SimpleQueue()
        self.lanes = lanes
        self.thread = threading.Thread(target=self.run, args=(opened, operation), daemon=True)
        self.thread.start()

    def run(self, opened: Callable[[], Any], operation: Callable[[Any], Any]) -> None:
        try:
            trio.run(self.main, opened, operation)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked
            self.answers.put(error)
        else:
            self.answers.put(None)

    async def main(self, opened: Callable[[], Any], operation: Callable[[Any], Any]) -> None:
        client = opened()
        call = operation(client)
        while order := self.orders.get():
            self.answers.put(await self.work(call, *order))
        await client.close()

    async def work(self, call: Callable[[int], Awaitable[object]], calls: int, cap: float) -> Sample:
        self.done = 0

        async def lane(number: int) -> None:
            for _ in range(calls):
                await call(number)
                self.done += 1

        started = perf_counter()
        if self.lanes == 1:
            await lane(0)
            return Sample(perf_counter() - started, self.done)
        with trio.move_on_after(cap) as scope:
            async with trio.open_nursery() as nursery:
                for number in range(self.lanes):
                    nursery.start_soon(lane, number)
        return Sample(perf_counter() - started, self.done, capped=scope.cancelled_caught)

    def batch(self, calls: int, cap: float) -> Sample:
        self.orders.put((calls, cap))
        answer = self.answers.get()
        if isinstance(answer, BaseException):
            raise answer
        assert answer is not None
        return answer

    def close(self) -> None:
        self.orders.put(None)
        self.thread.join()


@dataclass(frozen=True)
class Budget:
    """`contender` may take at most `ratio` times as long a call as `against`."""

    ratio: float
    contender: str = "oxide"
    against: str = "floor"

    @property
    def is_speed(self) -> bool:
        """Whether it says how many times as fast the contender has to be."""
        return self.ratio < 0.5


@dataclass(frozen=True)
class Row:
    """A line of work and who does it. `baseline` names the contender whose time is taken off everyone else's."""

    name: str
    contenders: Mapping[str, Callable[[Server], Batches]]
    budgets: tuple[Budget, ...] = ()
    lanes: int = 1
    single: bool = False  # a batch is one call, however short
    long: bool = False  # a call takes seconds: left out of a quick run, unless it is asked for by name
    baseline: str | None = None
    hopeless: frozenset[str] = frozenset()  # contenders that may not come back: run in a process that can be ended

    @property
    def placement(self) -> str:
        """Where the server runs; see `Server.place`."""
        return "free" if self.single else "together" if self.lanes == 1 else "apart"


def ratio(times: list[float], others: list[float]) -> float:
    """The median of the ratios of each round."""
    return statistics.median(one / other for one, other in zip(times, others, strict=False))


@dataclass
class Result:
    """What a row's contenders showed: their samples, round by round."""

    row: Row
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    server_busy: dict[str, float] = field(default_factory=dict)

    def times(self, name: str) -> list[float]:
        """Seconds a call in each round, less the baseline's."""
        times = [sample.per_call for sample in self.samples[name]]
        if self.row.baseline is not None and name != self.row.baseline:
            times = [time - less for time, less in zip(times, self.times(self.row.baseline), strict=False)]
        return times

    def per_call(self, name: str) -> float:
        return statistics.median(self.times(name))

    def ratio(self, name: str, against: str) -> float:
        """How many times as long `name` takes as `against`: the median of the rounds both were in."""
        return ratio(self.times(name), self.times(against))

    def processor_times(self, name: str) -> list[float]:
        """Processor seconds a call in each round. They depend less on what else the machine does than the others do."""
        samples = self.samples[name]
        return [one.processor / max(one.calls, 1) for one in samples if one.processor is not None]

    def capped(self, name: str) -> bool:
        return any(sample.capped for sample in self.samples[name])

    def peak(self, name: str) -> float | None:
        """Median peak memory in MB."""
        peaks = [sample.peak for sample in self.samples[name] if sample.peak is not None]
        return statistics.median(peaks) if peaks else None

    def verdicts(self) -> list[tuple[Budget, float, bool]]:
        """Each budget whose contenders were both there, the ratio measured, and whether it holds."""
        return [
            (budget, ratio, ratio <= budget.ratio)
            for budget in self.row.budgets
            if budget.contender in self.samples and budget.against in self.samples
            for ratio in [self.ratio(budget.contender, budget.against)]
        ]


def calibrate(batches: Batches, row: Row, effort: Effort) -> tuple[int, Sample]:
    """The number of calls a lane that make a batch of about the target, and the last batch on the way there."""
    calls = 1
    sample = batches.batch(calls, effort.cap)  # pays for connections, imports and caches
    if row.single or sample.capped or sample.seconds > effort.allowance:
        return calls, sample
    while True:
        sample = batches.batch(calls, effort.cap)
        if sample.seconds >= effort.target / 2:
            return max(1, round(calls * effort.target / sample.seconds)), sample
        calls = min(calls * 10, math.ceil(calls * effort.target / sample.seconds))


def measure(
    row: Row, server: Server, effort: Effort, skip: Set[str] = frozenset(), placement: str | None = None
) -> Result:
    """Run a row. Raises what a contender raises, WrongResult among it."""
    result = Result(row)
    server.place(placement or row.placement)
    running: dict[str, tuple[Batches, int, int]] = {}
    try:
        for name, start in row.contenders.items():
            if name in skip:
                continue
            if name in row.hopeless:
                seconds, done = isolated.run(row.name, name, server, effort.cap)
                result.samples[name] = [Sample(seconds, done, capped=True)]
                continue
            batches = start(server)
            running[name] = batches, 0, 0
            calls, sample = calibrate(batches, row, effort)
            if sample.capped:
                result.samples[name] = [sample]
                continue
            result.samples[name] = []
            length = sample.seconds * (calls * row.lanes / sample.calls)
            running[name] = batches, calls, max(1, min(effort.rounds, int(effort.allowance / length)))
        gc.collect()
        gc.freeze()
        names = list(running)
        for number in range(effort.rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                batches, calls, rounds = running[name]
                if number < rounds:
                    gc.collect()
                    busy = server.busy()
                    spent = process_time()
                    sample = batches.batch(calls, effort.cap)
                    if not row.single:
                        sample = replace(sample, processor=process_time() - spent)
                    result.samples[name].append(sample)
                    if busy is not None:
                        before = result.server_busy.get(name, 0.0)
                        result.server_busy[name] = before + (server.busy() or 0.0) - busy
    finally:
        gc.unfreeze()
        for batches, _, _ in running.values():
            batches.close()
    for name, seconds in result.server_busy.items():
        result.server_busy[name] = seconds / sum(sample.seconds for sample in result.samples[name])
    return result
