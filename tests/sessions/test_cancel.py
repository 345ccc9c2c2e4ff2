"""Whoever reads for all may be cancelled, or run out of time: the others go on."""

from __future__ import annotations

import random
from typing import Any

import anyio
import pytest

import oxide
from oxide.testing import Gate, MockServer, Stream

from ..ways import Way


async def test_the_one_who_reads_is_cancelled(way: Way, server: MockServer, session: Any) -> None:
    gate = Gate()
    async with session:
        lanes = [session.lane() for _ in range(3)]
        server.queue(*[Stream(gates={2: gate}) for _ in lanes])
        # The first reads, the others wait for it.
        texts: list[str] = []

        async def one(lane: Any) -> None:
            texts.append((await lane.send("Hi")).output_text)

        async def first() -> None:
            if way.is_sync:
                with pytest.raises(oxide.APITimeoutError):
                    await lanes[0].send("Hi", timeout=oxide.Timeout(5, read=0.1))
            else:
                with anyio.move_on_after(0.1) as scope:
                    await lanes[0].send("Hi")
                assert scope.cancelled_caught
            gate.open()

        await way.gather(first, lambda: one(lanes[1]), lambda: one(lanes[2]))
        assert texts == ["You said: Hi"] * 2
        assert (await lanes[0].send("Hi")).output_text == "You said: Hi"
    # A server that does not answer in time is asked on another connection next.
    assert len(server.sockets) == (2 if way.is_sync else 1)


async def test_cancelled_anywhere(way: Way, server: MockServer, session: Any) -> None:
    """Turns that are given up at random do no harm to those beside and after them."""
    if way.is_sync:
        pytest.skip("threads can't be cancelled")
    chance = random.Random(way.name)
    async with session:
        lanes = [session.lane() for _ in range(4)]

        async def one(lane: Any, number: int) -> None:
            for turn in range(6):
                with anyio.move_on_after(chance.random() * 0.02):
                    await lane.send("20 words", previous_response_id=None)
                text = (await lane.send(f"{number}.{turn}", previous_response_id=None)).output_text
                assert text == f"You said: {number}.{turn}"

        async with anyio.create_task_group() as group:
            for number, lane in enumerate(lanes):
                group.start_soon(one, lane, number)
        assert session._state.desk.router.quiet
        assert not session._state.desk._waiting
    # Cancelled while the connection was being opened, a turn may have cost one.
    assert len(server.sockets) == 1
