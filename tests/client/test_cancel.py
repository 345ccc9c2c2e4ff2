"""Cancelling: wherever it hits, the connection is closed, nothing is left, and the next call gets its own answer."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import anyio
import pytest
import trio

import oxide

from .peer import Connection, Event, Peer, chunk, chunked, deaf_port, reply
from .test_pool import blocking, until, wait_for_line
from .tls import client_context, server_context

# How a call is cancelled: asyncio's own way, anyio's scope on asyncio, trio's scope.
HOW = ["asyncio", "anyio", "trio"]


class CancelAt:
    """Awaits a coroutine and calls `cancel` when it suspends for the `count`-th time.

    Attributes:
        suspended: how often it did.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any], count: int, cancel: Callable[[], object]) -> None:
        self._coroutine = coroutine
        self._count = count
        self._cancel = cancel
        self.suspended = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = lambda: self._coroutine.send(None)  # noqa: E731
        while True:
            try:
                yielded = step()
            except StopIteration as end:
                return end.value
            self.suspended += 1
            if self.suspended == self._count:
                self._cancel()
            try:
                sent = yield yielded
            except BaseException as error:  # noqa: BLE001
                step = lambda error=error: self._coroutine.throw(error)  # noqa: E731
            else:
                step = lambda sent=sent: self._coroutine.send(sent)  # noqa: E731


def run(how: str, function: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return trio.run(function) if how == "trio" else asyncio.run(function(), debug=how == "asyncio")


async def cancelled_at(how: str, count: int, coroutine: Coroutine[Any, Any, Any]) -> bool:
    """Run a coroutine and cancel it where it suspends for the `count`-th time; whether it came to that."""
    if how == "asyncio":

        async def body() -> None:
            task = asyncio.current_task()
            assert task is not None
            await CancelAt(coroutine, count, task.cancel)

        task = asyncio.create_task(body())
        try:
            await task
        except asyncio.CancelledError:
            return True
        return False
    with anyio.CancelScope() as scope:
        await CancelAt(coroutine, count, scope.cancel)
    return scope.cancelled_caught


def in_pieces(connection: Connection) -> None:
    """Answers with what was asked for, with a pause between the head, the pieces of the body, and its end."""
    while (request := connection.receive()) is not None:
        name = request.target.rpartition("/")[2].encode()
        connection.pause(0.001)
        if name.startswith(b"s"):
            pieces = [chunked(end=False), chunk(b'data: "'), chunk(name + b'"\n\n'), chunk(b"data: [DONE]\n\n")]
            pieces.append(b"0\r\n\r\n")
        else:
            whole = reply(b'"' + name + b'"')
            pieces = [whole[:20], whole[20:-4], whole[-4:]]
        for piece in pieces:
            connection.send(piece)
            connection.pause(0.002)


async def call(client: Any, name: str) -> None:
    """One call, and what was asked for as its result."""
    if name.startswith("s"):
        events = [event async for event in await client.get(f"/{name}", cast_to=object, stream=True)]
        assert events == [name]
    else:
        assert await client.get(f"/{name}", cast_to=object) == name


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("kind", ["call", "stream"])
@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_everywhere(how: str, kind: str, tls: bool, warm: bool) -> None:
    async def body() -> None:
        count = 0
        while True:
            count += 1
            transport = oxide.AsyncHTTPTransport(ssl_context=client_context() if tls else None)
            client = oxide.AsyncOpenAI(api_key="k", base_url=peer.base_url, http_client=transport, max_retries=0)
            if warm:
                await call(client, "warm")
            hit = await cancelled_at(how, count, call(client, f"{kind[0]}{count}"))
            stats = transport.stats()
            assert stats["in_use"] == 0
            assert stats["open"] == (0 if hit else 1)
            for name in ("call-after", "stream-after"):
                await call(client, name)
            assert transport.stats()["open"] == 1
            await client.close()
            if not hit:
                break
        # Connecting, the handshake, the head, and as many pieces of the body as did not come together.
        assert count > (1 if warm else 2)

    with Peer(in_pieces, context=server_context() if tls else None) as peer:
        run(how, body)


@pytest.mark.parametrize("how", HOW)
def test_writing(how: str) -> None:
    gate = Event()

    def script(connection: Connection) -> None:
        if connection.number == 0:
            connection.receive_head()
            gate.wait()
        else:
            connection.receive()
            connection.send(reply(b'"mine"'))
            connection.wait_closed()

    async def body() -> None:
        async with oxide.AsyncOpenAI(api_key="k", base_url=peer.base_url) as client:

            async def upload() -> None:
                await client.post("/x", cast_to=object, content=b"x" * 30_000_000)

            # The first suspension is in connecting, the second where the server takes nothing more.
            assert await cancelled_at(how, 2, upload())
            assert client._transport.stats()["open"] == 0
            gate.set()
            assert await client.get("/y", cast_to=object) == "mine"

    with Peer(script) as peer:
        run(how, body)


@pytest.mark.parametrize("how", HOW)
def test_connecting(how: str) -> None:
    async def body() -> None:
        with deaf_port() as port:
            async with oxide.AsyncOpenAI(api_key="k", base_url=f"http://127.0.0.1:{port}") as client:
                assert await cancelled_at(how, 1, call(client, "x"))
                assert client._transport.stats()["open"] == 0

    run(how, body)


@pytest.mark.parametrize("how", HOW)
def test_between_retries(how: str) -> None:
    def script(connection: Connection) -> None:
        while connection.receive():
            connection.send(reply(status="503 Service Unavailable", headers=b"retry-after: 60\r\n"))

    async def body() -> None:
        async with oxide.AsyncOpenAI(api_key="k", base_url=peer.base_url) as client:
            assert await cancelled_at(how, 3, call(client, "x"))
            # The response before was read to its end, so its connection is fine.
            assert client._transport.stats()["idle"] == 1

    with Peer(script) as peer:
        run(how, body)


@pytest.mark.parametrize("how", HOW)
def test_waiting_for_the_pool(how: str) -> None:
    """Who is cancelled leaves the line; what they had been given already goes to the next."""
    gate = Event()

    def script(connection: Connection) -> None:
        while (request := connection.receive()) is not None:
            gate.wait()
            connection.send(reply(b'"%b"' % request.target.rpartition("/")[2].encode()))

    async def body() -> None:
        transport = oxide.AsyncHTTPTransport(limits=oxide.Limits(max_connections=1))
        client = oxide.AsyncOpenAI(api_key="k", base_url=peer.base_url, http_client=transport, max_retries=0)
        caught = []

        async def waiter() -> None:
            caught.append(await cancelled_at(how, 1, call(client, "gone")))

        async def scenario() -> None:
            async with anyio.create_task_group() as group:
                group.start_soon(call, client, "first")
                await anyio.to_thread.run_sync(peer.wait_requests, 1)
                group.start_soon(waiter)
                group.start_soon(call, client, "next")
                await until(lambda: bool(caught) and transport.stats()["waiting"] == 1)
                gate.set()

        await scenario()
        assert caught == [True]
        assert [request.target for request in peer.requests] == ["/v1/first", "/v1/next"]
        assert transport.stats() == {"open": 1, "idle": 1, "in_use": 0, "waiting": 0, "opened": 1, "reused": 1}
        await client.close()

    with Peer(script) as peer:
        run(how, body)


@pytest.mark.parametrize("how", HOW)
def test_cancelled_with_the_connection_in_hand(how: str) -> None:
    """Cancelled after the pool gave it a connection, and before it woke up to take it: the next one gets it."""

    async def body() -> None:
        transport = oxide.AsyncHTTPTransport(limits=oxide.Limits(max_connections=1))
        client = oxide.AsyncOpenAI(api_key="k", base_url=peer.base_url, http_client=transport, max_retries=0)
        stream = await client.get("/stream", cast_to=object, stream=True)
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(call, client, "call-1")
                await until(lambda: transport.stats()["waiting"] == 1)
                # Both in one step of the loop.
                await stream.response.aclose()
                assert transport.stats()["waiting"] == 0
                scope.cancel()
        assert scope.cancelled_caught
        assert transport.stats()["open"] == 0
        await call(client, "call-2")
        await client.close()

    with Peer(in_pieces) as peer:
        run(how, body)


@pytest.mark.parametrize("how", HOW)
def test_deadlines_of_the_caller(how: str) -> None:
    def script(connection: Connection) -> None:
        while (request := connection.receive()) is not None:
            if request.target.endswith("/silent"):
                connection.wait_closed()
                return
            connection.send(reply(b'"call"'))

    async def body() -> None:
        async with oxide.AsyncOpenAI(api_key="k", base_url=peer.base_url) as client:
            await call(client, "call")
            if how == "asyncio":
                with pytest.raises(TimeoutError if hasattr(asyncio, "timeout") else asyncio.TimeoutError):
                    await asyncio.wait_for(call(client, "silent"), 0.05)
            else:
                with pytest.raises(TimeoutError), anyio.fail_after(0.05):
                    await call(client, "silent")
            if how == "trio":
                with trio.move_on_after(0.05) as scope:
                    await call(client, "silent")
                assert scope.cancelled_caught
            assert client._transport.stats()["open"] == 0
            await call(client, "call")

    with Peer(script) as peer:
        run(how, body)


@pytest.mark.parametrize("how", HOW)
def test_many_at_once(how: str) -> None:
    """A hundred calls, most of them cancelled at different places, on few connections; the others get their answers."""

    async def body() -> None:
        transport = oxide.AsyncHTTPTransport(limits=oxide.Limits(max_connections=5))
        client = oxide.AsyncOpenAI(api_key="k", base_url=peer.base_url, http_client=transport, max_retries=0)
        done = []

        async def one(number: int) -> None:
            kind = "call" if number % 2 else "stream"
            if number % 3 == 0:
                await call(client, f"{kind}{number}")
                done.append(number)
            else:
                await cancelled_at(how, 1 + number % 7, call(client, f"{kind}{number}"))

        async with anyio.create_task_group() as group:
            for number in range(100):
                group.start_soon(one, number)
        assert sorted(done) == list(range(0, 100, 3))
        stats = transport.stats()
        assert stats["in_use"] == stats["waiting"] == 0
        assert stats["open"] <= 5
        await client.close()

    with Peer(in_pieces) as peer:
        run(how, body)


@pytest.mark.parametrize("where", ["head", "body", "stream"])
def test_keyboard_interrupt(where: str) -> None:
    def script(connection: Connection) -> None:
        connection.receive()
        if connection.number:
            connection.send(reply(b'"next"'))
            connection.wait_closed()
            return
        if where == "body":
            connection.send(reply(b"x" * 1000)[:-10])
        if where == "stream":
            connection.send(chunked(b"data: 1\n\n", end=False))
            iterating.wait()
        # A signal that arrives just before the main thread blocks would be looked at only when that ends.
        connection.pause(0.1)
        os.kill(os.getpid(), signal.SIGINT)
        connection.wait_closed()

    iterating = Event()
    with Peer(script) as peer, oxide.OpenAI(api_key="k", base_url=peer.base_url) as client:
        if where == "stream":
            stream = client.get("/x", cast_to=object, stream=True)
            with pytest.raises(KeyboardInterrupt):  # noqa: PT012
                for _ in stream:
                    iterating.set()
        else:
            with pytest.raises(KeyboardInterrupt):
                client.get("/x", cast_to=object)
        assert client._transport.stats()["open"] == 0
        peer.wait_closed(0)
        assert client.get("/x", cast_to=object) == "next"


def test_keyboard_interrupt_while_waiting_for_the_pool() -> None:
    transport = oxide.HTTPTransport(limits=oxide.Limits(max_connections=1))
    with (
        Peer(in_pieces) as peer,
        oxide.OpenAI(api_key="k", base_url=peer.base_url, http_client=transport) as client,
        client.get("/stream", cast_to=object, stream=True) as stream,
    ):
        assert next(stream) == "stream"
        # Delivered when the main thread looks next, which is in the lock that it waits for.
        signal.setitimer(signal.ITIMER_REAL, 0)
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        try:
            with pytest.raises(KeyboardInterrupt):
                client.get("/x", cast_to=object)
        finally:
            signal.signal(signal.SIGALRM, before)
        assert transport.stats()["waiting"] == 0
    assert transport.stats()["open"] == 0


async def test_helpers_see_the_line(way: Any) -> None:
    """`wait_for_line`, which other tests rely on, does not see a line where there is none."""
    with Peer(in_pieces) as peer:
        client = way.client(base_url=peer.base_url)
        await wait_for_line(way, client, 0)
        await blocking(way, peer.wait_accepted, 0)
