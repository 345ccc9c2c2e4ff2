"""The timers behind timeouts on trio: what is due is done, in order, and nothing else; no task outlives the last of them."""

from __future__ import annotations

import socket
from typing import Any

import anyio
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.lowlevel import current_statistics, spawn_system_task
from trio.testing import MockClock, wait_all_tasks_blocked

from oxide.core.errors import ReadError
from oxide.io.aio.timers import running_timers
from oxide.io.aio.waiting import Waiter

STEPS = st.lists(st.tuples(st.sampled_from(["set", "cancel", "sleep"]), st.integers(0, 20)), max_size=40)


@given(STEPS)
def test_timers(steps: list[tuple[str, int]]) -> None:
    """Against the plainest thing that does the same: a dict of times."""

    async def main() -> None:
        timers = running_timers()
        assert timers is not None
        start = trio.current_time()
        made: dict[int, Any] = {}
        due: dict[int, float] = {}
        done: list[tuple[float, int]] = []
        expected: list[tuple[float, int]] = []
        for number, (step, value) in enumerate(steps):
            now = trio.current_time()
            if step == "set":

                def action(number: int = number) -> None:
                    done.append((trio.current_time() - start, number))

                made[number] = timers.call_at(now + value, action)
                due[number] = now + value
                assert made[number].when() == now + value
            elif step == "cancel" and made:
                chosen = list(made)[value % len(made)]
                made[chosen].cancel()
                due.pop(chosen, None)
            elif step == "sleep":
                await trio.sleep(value + 0.5)
                past = sorted((when, number) for number, when in due.items() if when <= trio.current_time())
                expected += [(when - start, number) for when, number in past]
                for _, number in past:
                    del due[number]
            assert done == expected
        for timer in made.values():
            timer.cancel()
        await wait_all_tasks_blocked()
        assert timers._scope is None
        assert not timers._heap

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_there_is_a_task_while_there_are_timers() -> None:
    async def main() -> None:
        before = current_statistics().tasks_living
        timers = running_timers()
        assert timers is not None
        for _ in range(3):
            kept = [timers.call_at(trio.current_time() + 600, print) for _ in range(200)]
            assert current_statistics().tasks_living == before + 1
            for timer in kept:
                timer.cancel()
                timer.cancel()
            await wait_all_tasks_blocked()
            assert current_statistics().tasks_living == before
        # Those that were moved along are not kept until their time comes.
        timer = timers.call_at(trio.current_time() + 600, print)
        for _ in range(1000):
            timer.cancel()
            timer = timers.call_at(trio.current_time() + 600, print)
        assert len(timers._heap) < 100

    trio.run(main)


def test_a_run_ends_with_timers_left() -> None:
    async def main() -> Any:
        timers = running_timers()
        assert timers is not None
        timers.call_at(trio.current_time() + 600, print)
        return timers

    assert trio.run(main) is not trio.run(main)


def test_timeouts_while_a_run_ends() -> None:
    """A system task that is not yet done has its timeouts, although there is no task any more to look after them."""
    ends: list[type[BaseException]] = []

    async def last(sock: socket.socket) -> None:
        with trio.CancelScope(shield=True):
            waiter = Waiter(sock)
            for _ in range(2):
                with pytest.raises(TimeoutError) as caught:
                    await waiter.read(0.01)
                ends.append(caught.type)
                await trio.sleep(0.01)
            waiter.close()

    async def main(sock: socket.socket) -> None:
        timers = running_timers()
        assert timers is not None
        timers.call_at(trio.current_time() + 600, print)
        spawn_system_task(last, sock)

    here, there = socket.socketpair()
    here.setblocking(False)
    with there:
        trio.run(main, here)
    assert ends == [TimeoutError] * 2


def test_a_waiter_goes_from_loop_to_loop() -> None:
    """What one loop was told about a connection does not reach into the next one."""
    here, there = socket.socketpair()
    here.setblocking(False)
    waiter = Waiter(here)

    async def endless() -> None:
        await waiter.read(None)

    async def use() -> None:
        for data in (b"first", b"second"):
            there.send(data)
            assert await waiter.read(600) == data
        with pytest.raises(TimeoutError):
            await waiter.read(0.01)
        async with anyio.create_task_group() as group:
            group.start_soon(endless)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(RuntimeError, match="another task is using this"):
                await waiter.read(1)
            group.cancel_scope.cancel()
        there.send(b"still there")
        assert await waiter.read(600) == b"still there"

    async def close() -> None:
        there.shutdown(socket.SHUT_WR)
        assert await waiter.read(600) == b""
        waiter.close()
        with pytest.raises(ReadError):
            await waiter.read(600)

    with there:
        for name in ("asyncio", "trio", "trio", "asyncio"):
            anyio.run(use, backend=name)
        trio.run(close)


@pytest.mark.parametrize("name", ["asyncio", "trio"])
def test_closing_wakes_who_reads(name: str) -> None:
    here, there = socket.socketpair()
    here.setblocking(False)
    waiter = Waiter(here)

    async def main() -> None:
        async def read() -> None:
            with pytest.raises(ReadError, match="closed while it was in use"):
                await waiter.read(600)

        async with anyio.create_task_group() as group:
            group.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            waiter.close()

    with there:
        anyio.run(main, backend=name)
