"""Doing something with many things at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from oxide.core.flow import Flow, Map
from oxide.io.aio.run import IO as AsyncIO
from oxide.io.aio.run import run as arun
from oxide.io.sync.run import IO, run

from ..ways import Way


class Rendezvous:
    """A function whose calls wait until so many are under way, in either way."""

    def __init__(self, way: Way, together: int) -> None:
        self.way = way
        self.barrier = threading.Barrier(together) if way.is_sync else None
        self.together = together
        self.lock = threading.Lock()
        self.running = 0
        self.most = 0
        self.met = None if way.is_sync else anyio.Event()

    def enter(self) -> None:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)

    def leave(self) -> None:
        with self.lock:
            self.running -= 1

    def sync(self, item: int) -> int:
        self.enter()
        assert self.barrier is not None
        self.barrier.wait(10)
        self.leave()
        return item * item

    async def asynchronous(self, item: int) -> int:
        self.enter()
        assert self.met is not None
        if self.running == self.together:
            self.met.set()
            self.met = anyio.Event()
        else:
            await self.met.wait()
        self.leave()
        return item * item


async def perform(way: Way, function: Any, items: Any, limit: int) -> Any:
    def flow() -> Flow[Any]:
        return (yield Map(function, items, limit))

    return run(flow(), IO(None)) if way.is_sync else await arun(flow(), AsyncIO(None))  # type: ignore[arg-type]


async def test_so_many_at_a_time(way: Way) -> None:
    meeting = Rendezvous(way, 3)
    function = meeting.sync if way.is_sync else meeting.asynchronous
    assert await perform(way, function, range(9), 3) == [item * item for item in range(9)]
    assert meeting.most == 3


async def test_one_at_a_time_in_their_order(way: Way) -> None:
    done: list[int] = []

    async def coroutine(item: int) -> None:
        await anyio.lowlevel.checkpoint()
        done.append(item)

    await perform(way, done.append if way.is_sync else coroutine, range(20), 1)
    assert done == list(range(20))


async def test_nothing(way: Way) -> None:
    assert await perform(way, print, [], 3) == []


async def test_the_first_error_ends_it(way: Way) -> None:
    drawn: list[int] = []
    cancelled: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            drawn.append(item)
            yield item

    failed = threading.Event()

    def fails(item: int) -> None:
        if item == 1:
            failed.set()
            raise LookupError(f"no {item}")
        assert item == 0 or failed.wait(10)

    async def coroutine(item: int) -> None:
        fails(item)
        if item == 0:
            try:
                await anyio.sleep_forever()
            except anyio.get_cancelled_exc_class():
                cancelled.append(item)
                raise

    with pytest.raises(LookupError, match="no 1"):
        await perform(way, fails if way.is_sync else coroutine, items(), 2)
    assert len(drawn) < 100
    assert cancelled == ([] if way.is_sync else [0])


async def test_items_that_fail(way: Way) -> None:
    def items() -> Iterator[int]:
        yield 0
        raise LookupError("no more")

    async def coroutine(item: int) -> None: ...

    with pytest.raises(LookupError, match="no more"):
        await perform(way, (lambda item: None) if way.is_sync else coroutine, items(), 2)


async def test_no_room(way: Way) -> None:
    with pytest.raises(ValueError, match=r"at least 1|greater than 0"):
        await perform(way, print, [1], 0)
