"""Connections: how many there are, who gets which, and when one goes back."""

from __future__ import annotations

import gc
import select
from collections.abc import Callable
from time import monotonic
from typing import Any

import anyio
import httpx
import pytest

import oxide
from oxide.testing import Gate, MockServer, Reply

from .peer import LIMIT, Connection, Event, Peer, chunk, chunked, reply


def numbered(connection: Connection) -> None:
    """Answers with the number of the connection."""
    while connection.receive():
        connection.send(reply(b"%d" % connection.number))


async def blocking(way: Any, function: Any, *args: Any) -> Any:
    """Call something that blocks, without blocking the event loop."""
    return function(*args) if way.is_sync else await anyio.to_thread.run_sync(function, *args)


async def wait_for_line(way: Any, client: Any, length: int) -> None:
    """Wait until so many calls wait for the pool."""

    def formed() -> bool:
        return client._transport.stats()["waiting"] == length

    if way.is_sync:
        end = monotonic() + LIMIT
        while not formed():
            assert monotonic() < end
            select.select([], [], [], 0.001)
    else:
        await until(formed)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds that nothing announces."""
    with anyio.fail_after(LIMIT):
        while not condition():  # noqa: ASYNC110
            await anyio.sleep(0.001)


def pooled(way: Any, base_url: str, **limits: Any) -> Any:
    return way.client(base_url=base_url, http_client=way.transport(limits=oxide.Limits(**limits)), max_retries=0)


async def test_reuse_and_lifo(way: Any) -> None:
    together = [Event(), Event(), Event()]

    def script(connection: Connection) -> None:
        while (request := connection.receive()) is not None:
            if request.target.endswith("/together"):
                # Nobody is answered before all three have asked, so each has a connection of its own.
                together[connection.number].set()
                for event in together:
                    event.wait()
            connection.send(reply(b"%d" % connection.number))

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, max_retries=0)

        async def one() -> int:
            return await client.get("/together", cast_to=object)

        assert sorted(await way.gather(one, one, one)) == [0, 1, 2]
        stats = client._transport.stats()
        assert (stats["open"], stats["idle"], stats["opened"], stats["reused"]) == (3, 3, 3, 0)
        # One after another they all use the connection that was returned last.
        used = {await client.get("/x", cast_to=object) for _ in range(5)}
        assert len(used) == 1
        assert client._transport.stats()["reused"] == 5
        assert peer.accepted == 3


async def test_line(way: Any) -> None:
    """At the limit callers wait, first come first served, and the connection goes from one to the next."""
    gate = Event()

    def script(connection: Connection) -> None:
        while connection.receive():
            gate.wait()
            connection.send(reply())

    with Peer(script) as peer:
        client = pooled(way, peer.base_url, max_connections=1)

        async def first() -> None:
            await client.get("/first", cast_to=object)

        def behind(length: int) -> Any:
            async def run() -> None:
                await blocking(way, peer.wait_requests, 1)
                await wait_for_line(way, client, length)
                await client.get(f"/{length}", cast_to=object)

            return run

        async def opener() -> None:
            await wait_for_line(way, client, 4)
            assert client._transport.stats()["in_use"] == 1
            gate.set()

        await way.gather(first, behind(3), behind(2), behind(1), behind(0), opener)
        targets = [request.target.rpartition("/")[2] for request in peer.requests]
        assert targets == ["first", "0", "1", "2", "3"]
        stats = {"open": 1, "idle": 1, "in_use": 0, "waiting": 0, "opened": 1, "reused": 4}
        assert client._transport.stats() == stats


async def test_many_through_few(way: Any) -> None:
    with MockServer() as server:
        client = pooled(way, server.base_url, max_connections=3)

        def one(number: int) -> Any:
            async def run() -> str:
                return (await client.responses.create(model="gpt-5", input=f"n{number}")).output_text

            return run

        results = await way.gather(*[one(number) for number in range(40)])
        assert results == [f"You said: n{number}" for number in range(40)]
        assert server.accepted_connections == 3


async def test_closed_while_waiting(way: Any) -> None:
    """Who waits is told at once, and not asked to try again; who is being served is served."""
    gate = Event()

    def script(connection: Connection) -> None:
        connection.receive()
        gate.wait()
        connection.send(reply(b'"served"'))
        connection.wait_closed()

    with Peer(script) as peer:
        client = way.client(
            base_url=peer.base_url, http_client=way.transport(limits=oxide.Limits(max_connections=1)), max_retries=2
        )

        async def holder() -> None:
            assert await client.get("/x", cast_to=object) == "served"

        async def waiter() -> None:
            await blocking(way, peer.wait_requests, 1)
            with pytest.raises(oxide.OpenAIError, match="closed while the call was waiting") as caught:
                await client.get("/x", cast_to=object)
            assert not isinstance(caught.value, oxide.APIError)
            gate.set()

        async def closer() -> None:
            await blocking(way, peer.wait_requests, 1)
            await wait_for_line(way, client, 1)
            await client.close()

        await way.gather(holder, waiter, closer)
        assert client.is_closed()
        await blocking(way, peer.wait_closed, 0)
        assert client._transport.stats()["open"] == 0
        with pytest.raises(oxide.OpenAIError, match="closed"):
            await client.get("/x", cast_to=object)
        await client.close()
        assert len(peer.requests) == 1


async def test_waiter_gets_the_place_of_a_broken_connection(way: Any) -> None:
    gate = Event()

    def script(connection: Connection) -> None:
        connection.receive()
        gate.wait()
        if connection.number:
            connection.send(reply(b'"second"'))
            connection.wait_closed()

    with Peer(script) as peer:
        client = pooled(way, peer.base_url, max_connections=1)

        async def holder() -> None:
            with pytest.raises(oxide.APIConnectionError):
                await client.get("/x", cast_to=object)

        async def waiter() -> None:
            await blocking(way, peer.wait_requests, 1)
            assert await client.get("/x", cast_to=object) == "second"

        async def opener() -> None:
            await blocking(way, peer.wait_requests, 1)
            await wait_for_line(way, client, 1)
            gate.set()

        await way.gather(holder, waiter, opener)


async def test_expiry(way: Any) -> None:
    with Peer(numbered) as peer:
        client = pooled(way, peer.base_url, keepalive_expiry=0.0)
        assert [await client.get("/x", cast_to=object) for _ in range(3)] == [0, 1, 2]
        client = pooled(way, peer.base_url, max_keepalive_connections=0)
        assert [await client.get("/x", cast_to=object) for _ in range(2)] == [3, 4]
        assert client._transport.stats()["open"] == 0
        client = pooled(way, peer.base_url, keepalive_expiry=None, max_connections=None, max_keepalive_connections=None)
        assert [await client.get("/x", cast_to=object) for _ in range(2)] == [5, 5]


async def test_idle_connection_elsewhere_makes_room(way: Any) -> None:
    with Peer(numbered) as one, Peer(numbered) as other:
        client = pooled(way, one.base_url, max_connections=1)
        await client.get("/x", cast_to=object)
        await client.get(other.base_url + "/x", cast_to=object)
        await blocking(way, one.wait_closed, 0)
        assert client._transport.stats()["open"] == 1


async def test_copies_share_connections(way: Any) -> None:
    with Peer(numbered) as peer:
        client = way.client(base_url=peer.base_url)
        copy = client.copy(max_retries=5)
        copy = await copy if way.is_sync else copy
        await client.get("/x", cast_to=object)
        await copy.get("/x", cast_to=object)
        assert peer.accepted == 1


# --- streams ------------------------------------------------------------------------------------------------------------

EVENTS = [b'data: {"n": %d}\n\n' % number for number in range(3)]


def streaming(gate: Event | None = None) -> Any:
    def script(connection: Connection) -> None:
        while connection.receive():
            connection.send(chunked(*EVENTS, end=False))
            if gate is not None:
                gate.wait()
            connection.send(chunk(b"data: [DONE]\n\n"))
            connection.send(b"0\r\n\r\n")

    return script


async def test_finished_stream_returns_its_connection(way: Any) -> None:
    """Although iteration ends at `[DONE]`, which comes before the end of the body."""
    with Peer(streaming()) as peer:
        client = pooled(way, peer.base_url, max_connections=1)
        for _ in range(3):
            stream = await client.get("/x", cast_to=object, stream=True)
            assert [event["n"] async for event in stream] == [0, 1, 2]
            assert [event async for event in stream] == []
        assert peer.accepted == 1
        assert client._transport.stats()["reused"] == 2


LEAVING = ["close", "block", "exception", "break", "dropped", "not begun", "not even iterated"]


@pytest.mark.parametrize("how", LEAVING)
async def test_left_stream_closes_its_connection(way: Any, how: str) -> None:
    """Its place in the pool is free at once: the next call needs it."""
    gate = Event()
    with Peer(streaming(gate)) as peer:
        client = pooled(way, peer.base_url, max_connections=1)
        stream = await client.get("/x", cast_to=object, stream=True)
        if how == "close":
            assert (await stream.__anext__())["n"] == 0
            await stream.close()
            # What had arrived by then may still be had, and nothing more.
            assert len([event async for event in stream]) <= 2
        elif how == "block":
            async with stream:
                await stream.__anext__()
        elif how == "exception":
            with pytest.raises(ZeroDivisionError):  # noqa: PT012
                async with stream:
                    async for _ in stream:
                        raise ZeroDivisionError
        elif how == "break":
            async for _ in stream:
                break
        elif how == "dropped":
            await stream.__anext__()
        elif how == "not begun":
            await stream.close()
            assert [event async for event in stream] == []
        # No garbage collection: references are all that keeps a stream.
        gc.disable()
        try:
            del stream
            assert client._transport.stats()["open"] == 0
        finally:
            gc.enable()
        gate.set()
        await blocking(way, peer.wait_closed, 0)
        stream = await client.get("/y", cast_to=object, stream=True)
        assert [event["n"] async for event in stream] == [0, 1, 2]
        assert peer.accepted == 2


async def test_dropped_stream_wakes_who_waits(way: Any) -> None:
    """A stream that is garbage gives its place to a call that waits already, with nobody else about."""

    def script(connection: Connection) -> None:
        while (request := connection.receive()) is not None:
            if request.target.endswith("/stream"):
                connection.send(chunked(*EVENTS, end=False))
                connection.wait_closed()
                return
            connection.send(reply(b'"next"'))

    with Peer(script) as peer:
        client = pooled(way, peer.base_url, max_connections=1)
        held = [await client.get("/stream", cast_to=object, stream=True)]

        async def waiter() -> None:
            assert await client.get("/x", cast_to=object) == "next"

        async def dropper() -> None:
            await wait_for_line(way, client, 1)
            held.clear()

        async def dropper_elsewhere() -> None:
            await wait_for_line(way, client, 1)
            # The cycle collector may run in any thread.
            await blocking(way, held.clear)

        await way.gather(waiter, dropper)
        held.append(await client.get("/stream", cast_to=object, stream=True))
        await way.gather(waiter, dropper_elsewhere)


async def test_two_readers_of_one_stream(way: Any) -> None:
    """That is a mistake; it must end in an error, and not in silence."""
    if way.is_sync:
        pytest.skip("a generator says so itself")
    gate = Event()
    with Peer(streaming(gate)) as peer:
        client = pooled(way, peer.base_url, max_connections=1)
        stream = await client.get("/x", cast_to=object, stream=True)
        for _ in range(3):
            await stream.__anext__()
        failures = []

        async def read() -> None:
            try:
                await stream.__anext__()
            except (RuntimeError, oxide.APIConnectionError) as error:
                failures.append(error)

        with anyio.fail_after(5):
            await way.gather(read, read)
        assert failures
        gate.set()
        assert client._transport.stats()["open"] == 0


async def test_endless_rest_after_done(way: Any) -> None:
    """What comes behind `[DONE]` is waited for only briefly."""

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(chunked(*EVENTS, b"data: [DONE]\n\n", end=False))
        while True:
            connection.pause(0.01)
            connection.send(chunk(b": still here\n\n"))

    with Peer(script) as peer:
        client = pooled(way, peer.base_url, max_connections=1)
        stream = await client.get("/x", cast_to=object, stream=True)
        assert [event["n"] async for event in stream] == [0, 1, 2]
        assert client._transport.stats()["open"] == 0


async def test_closed_elsewhere_while_reading(way: Any) -> None:
    """Closing a stream wakes up who is waiting for its next event."""
    gate = Event()
    with Peer(streaming(gate)) as peer:
        client = pooled(way, peer.base_url, max_connections=1)
        stream = await client.get("/x", cast_to=object, stream=True)
        reading = Event()

        async def reader() -> None:
            events = []
            with pytest.raises(oxide.APIConnectionError):  # noqa: PT012
                async for event in stream:
                    events.append(event)
                    if len(events) == 3:
                        reading.set()
            assert len(events) == 3

        async def closer() -> None:
            await blocking(way, reading.wait)
            await stream.close()

        await way.gather(reader, closer)
        gate.set()
        assert client._transport.stats()["open"] == 0


async def test_unread_responses(way: Any) -> None:
    """`with_streaming_response`: read to the end the connection is kept, left early it is closed."""
    with MockServer() as server:
        client = pooled(way, server.base_url, max_connections=1)
        for _ in range(2):
            async with client.responses.with_streaming_response.create(model="gpt-5", input="x") as response:
                await response.read()
        assert server.accepted_connections == 1
        server.queue(Reply(json={"padding": "x" * 5_000_000}))
        async with client.responses.with_streaming_response.create(model="gpt-5", input="x") as response:
            assert response.status_code == 200
        assert client._transport.stats()["open"] == 0
        gate = Gate()
        gate.open()
        server.queue(Reply(until=gate))
        await client.responses.create(model="gpt-5", input="x")
        assert server.accepted_connections == 2


NUMBERS = ("max_connections", "max_keepalive_connections", "keepalive_expiry", "max_connections_per_origin")


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [-1, "3", True, float("nan"), [2]])
def test_limits_that_are_none(name: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=f"{name} must be .* or None for no limit, not"):
        oxide.Limits(**{name: value})


def test_limits() -> None:
    assert oxide.Limits(max_connections=3) == oxide.Limits(max_connections=3) != oxide.Limits()
    assert len({oxide.Limits(), oxide.DEFAULT_CONNECTION_LIMITS, oxide.Limits(keepalive_expiry=1)}) == 2
    with pytest.raises(TypeError, match=r"limits must be Limits\(\.\.\.\), not 5"):
        oxide.HTTPTransport(limits=5)  # type: ignore[arg-type]


async def test_limits_of_httpx(way: Any) -> None:
    with Peer(numbered) as peer:
        transport = way.transport(limits=httpx.Limits(max_connections=2, max_keepalive_connections=1))
        client = way.client(base_url=peer.base_url, http_client=transport)
        await client.warmup(5)
        figures = client.stats()
        assert (figures["opened"], figures["idle"]) == (2, 1)
