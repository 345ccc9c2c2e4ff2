"""One way of making many calls of all kinds, in a process of its own, with a look at memory and descriptors now and then."""

from __future__ import annotations

import gc
import os
import threading
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import anyio

import oxide
from benchmarks import payloads

from ..ways import Blocking, Way
from .server import soak_server

WORKERS = 8
STREAM = payloads.stream_model(payloads.SHORT_STREAM)
SOON = 0.02
"""Seconds after which a call that gets no answer is given up."""


class Point(NamedTuple):
    """What was in use after so many calls: resident memory in MB, descriptors, threads, objects that the collector knows."""

    calls: int
    memory: float
    files: int
    threads: int
    objects: int


def look(calls: int) -> Point:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    memory = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return Point(calls, memory, len(os.listdir("/proc/self/fd")), threading.active_count(), len(gc.get_objects()))


class Mix:
    """The calls, by number: of twenty, eleven are plain, four stream, and the others go wrong in some way.

    Args:
        clients: take turns.
    """

    def __init__(self, way: Way, clients: list[Any]) -> None:
        self._way = way
        self._clients = clients
        hedge = oxide.Hedge(0.02, requests=8, budget=None)
        copies = [getattr(client, "_wrapped", client).with_options(hedge=hedge) for client in clients]
        self._hedged = [Blocking(copy) if way.is_sync else copy for copy in copies]
        self.endings: Counter[str] = Counter()

    async def call(self, number: int) -> None:
        kind, client = number % 20, self._clients[number // 20 % len(self._clients)]
        create = client.responses.create
        try:
            if kind < 11:
                response = await create(model=payloads.MODEL, input="x" * (number % 50))
                assert response.output_text == payloads.TEXT
                ending = "create"
            elif kind < 15:
                async with await create(model=STREAM, input="x", stream=True) as stream:
                    seen = 0
                    async for _ in stream:
                        seen += 1
                        if kind == 14 and seen == 20:
                            break
                ending = "stream left" if kind == 14 else "stream"
                assert seen == (20 if kind == 14 else payloads.SHORT_STREAM)
            elif kind == 15:
                ending = "not refused"
                await create(model="soak-400", input="x")
            elif kind < 18:
                response = await create(model="soak-500", input="x")
                ending = "retried"
            elif kind == 18:
                ending = await self._given_up(create)
            else:
                hedged = self._hedged[number // 20 % len(self._clients)].responses.create
                if number % 40 == 19:
                    async with await hedged(model=f"{STREAM} soak-pair", input="x", stream=True) as stream:
                        assert len([event async for event in stream]) == payloads.SHORT_STREAM
                else:
                    assert (await hedged(model="soak-pair", input="x")).output_text == payloads.TEXT
                ending = "hedged"
        except (oxide.BadRequestError, oxide.APITimeoutError) as error:
            ending = type(error).__name__
        self.endings[ending] += 1

    async def _given_up(self, create: Any) -> str:
        if self._way.is_sync:
            await create(model="soak-never", input="x", timeout=oxide.Timeout(5.0, total=SOON))
        else:
            with anyio.move_on_after(SOON):
                await create(model="soak-never", input="x")
                return "answered"
        return "given up"


def soak(name: str, calls: int, looks: int = 12, trace: bool = False) -> tuple[list[Point], Counter[str]]:
    """Make the calls; what was in use after each part of them, and how they ended."""
    way = Way(name)
    points: list[Point] = []
    with soak_server() as base_url:

        async def main() -> Counter[str]:
            options = {"base_url": base_url, "max_retries": 6, "timeout": 5.0}
            http2 = way.transport(http2=oxide.HTTP2(prior_knowledge=True))
            clients = [way.client(**options), way.client(**options, http_client=http2)]
            mix = Mix(way, clients)
            begin = 0
            for part in range(1, looks + 1):
                end = calls * part // looks
                numbers = iter(range(begin, end))
                lock = threading.Lock()

                async def work(numbers: Any = numbers, lock: Any = lock) -> None:
                    while True:
                        with lock:
                            number = next(numbers, None)
                        if number is None:
                            return
                        await mix.call(number)

                await way.gather(*[work] * WORKERS)
                begin = end
                points.append(look(end))
                print(f"{name} {time.strftime('%H:%M:%S')} {points[-1]}", flush=True)
                if trace and part == 2:
                    tracemalloc.start(12)
                    before = tracemalloc.take_snapshot()
            if trace:
                for line in tracemalloc.take_snapshot().compare_to(before, "traceback")[:8]:
                    print(line, *line.traceback.format(), sep="\n")
            return mix.endings

        endings = way.run(main())
    return points, endings
