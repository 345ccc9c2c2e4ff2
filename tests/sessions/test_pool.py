"""Pools of sessions, three ways."""

from __future__ import annotations

from typing import Any

import pytest

import oxide
from oxide.testing import Close, Fault, Gate, MockServer, Stream

from ..ways import Way
from .test_sessions import _in_thread


async def test_one_after_the_other_on_one_session(way: Way, server: MockServer, client: Any) -> None:
    async with client.ws_pool(model="gpt-5") as pool:
        first = await pool.send("Hi")
        assert (await pool.send("Anew")).output_text == "You said: Anew"
        assert (await pool.send("On", previous_response_id=first.id)).output_text == "You said: On (turn 2)"
        async with pool.session() as session:
            assert session.previous_response_id is None
            await session.lane("mine").send("Hi")
        async with pool.session() as session:
            await session.lane("mine").send("Hi")
        stats = pool.stats()
        assert (stats["opened"], stats["idle"], stats["in_use"]) == (1, 1, 0)
    assert len(server.sockets) == 1
    server.wait_for(lambda: not server.sockets[0].open)
    with pytest.raises(oxide.OpenAIError, match="closed"):
        await pool.send("Hi")


async def test_as_many_as_there_may_be(way: Way, server: MockServer, client: Any) -> None:
    gate = Gate()
    server.queue(Stream(until=gate), repeat=2)
    async with client.ws_pool(model="gpt-5", max_sessions=2) as pool:

        async def one(number: int) -> Any:
            return (await pool.send(str(number))).output_text

        async def opener() -> None:
            await _in_thread(way, lambda: server.wait_for_requests(4))
            gate.open()

        *texts, _ = await way.gather(*[lambda n=n: one(n) for n in range(6)], opener)
        assert texts == [f"You said: {n}" for n in range(6)]
        assert pool.stats()["opened"] == 2
    assert len(server.sockets) == 2


async def test_none_is_free(way: Way, server: MockServer, client: Any) -> None:
    async with client.ws_pool(model="gpt-5", max_sessions=1, pool_timeout=0.01) as pool:
        async with pool.session():
            with pytest.raises(oxide.APITimeoutError, match=r"free within 0\.01 s"):
                await pool.send("Hi")
        assert (await pool.send("Hi")).output_text == "You said: Hi"
        assert pool.stats()["waiting"] == 0


async def test_a_session_that_was_lost_while_idle(way: Way, server: MockServer, client: Any) -> None:
    server.queue(Close(1001, after=None), Fault.close_after_body())
    async with client.ws_pool(model="gpt-5") as pool:
        for number in range(3):
            assert (await pool.send("Hi")).output_text == "You said: Hi"
            assert len(server.sockets) == number + 1
            server.wait_for(lambda n=number: n == 2 or not server.sockets[n].open)


async def test_old_and_idle_ones_are_not_handed_out(way: Way, server: MockServer, client: Any) -> None:
    # One whose connection is old at once is replaced for the turn already.
    for options, connections in (({"max_age": 1e-9}, 4), ({"idle_timeout": 0.0}, 2), ({"max_idle": 0}, 2)):
        before = len(server.sockets)
        async with client.ws_pool(model="gpt-5", **options) as pool:
            for _ in range(2):
                await pool.send("Hi")
        assert len(server.sockets) == before + connections


async def test_one_on_which_something_is_still_written(way: Way, server: MockServer, client: Any) -> None:
    gate = Gate()
    server.queue(Stream(gates={3: gate}))
    async with client.ws_pool(model="gpt-5") as pool:
        async with pool.session() as session:
            await session.send_stream("slow")
        assert (await pool.send("Hi")).output_text == "You said: Hi"
        gate.open()
        assert pool.stats()["opened"] == 2


async def test_one_that_can_not_be_opened(way: Way, server: MockServer) -> None:
    client = way.client(base_url=server.base_url, max_retries=0)
    async with client.ws_pool(model="gpt-5", max_sessions=1) as pool:
        server.queue(Fault.reset_before(), method="GET")
        with pytest.raises(oxide.APIConnectionError):
            await pool.send("Hi")
        assert (await pool.send("Hi")).output_text == "You said: Hi"
    with pytest.raises(ValueError, match="max_sessions"):
        client.ws_pool(max_sessions=-1)
