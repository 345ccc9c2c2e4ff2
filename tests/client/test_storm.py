"""Thousands of calls cancelled at random: nothing is left behind, and nobody gets what was another's.

`OXIDE_STORM` is the number of calls of each test (10 000 for the full show; it takes minutes).
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import threading
from typing import Any

import anyio
import pytest
import trio

import oxide

from .conftest import LIMIT
from .h2_peer import H2Server, h2_context, serving
from .peer import Connection, Peer, chunk, chunked, reply
from .test_cancel import CancelAt
from .tls import client_context, server_context

CALLS = int(os.environ.get("OXIDE_STORM", "100"))
BATCH = 50
"""Calls at the same time, on one client; the next batch has a new one."""


@pytest.fixture(autouse=True)
def _more_time(_ends: None) -> None:
    import signal

    signal.alarm(LIMIT + CALLS)


def http11(connection: Connection) -> None:
    """Answers with the name of what was asked for, in pieces."""
    while (request := connection.receive()) is not None:
        name = request.target.rpartition("/")[2].encode()
        if name.startswith(b"s"):
            pieces = [
                chunked(end=False),
                chunk(b'data: "'),
                chunk(name + b'"\n\n'),
                chunk(b"data: [DONE]\n\n"),
                b"0\r\n\r\n",
            ]
        else:
            whole = reply(b'"%b %d"' % (name, len(request.body)))
            pieces = [whole[:20], whole[20:-4], whole[-4:]]
        for piece in pieces:
            connection.send(piece)
            connection.pause(0.0005)


def http2(server: H2Server, stream: int) -> None:
    """The same on a stream."""
    if stream in server.resets:
        return
    name = server.paths[stream].rpartition("/")[2].encode()
    server.head(stream)
    if name.startswith(b"s"):
        pieces = [b'data: "', name + b'"\n\n', b"data: [DONE]\n\n"]
    else:
        pieces = [b'"%b ' % name, b'%d"' % len(server.bodies[stream])]
    server.flush()
    for number, piece in enumerate(pieces, 1):
        server.h2.send_data(stream, piece, end_stream=number == len(pieces))
        server.flush()


def peer(protocol: str, tls: bool) -> Peer:
    if protocol == "http2":
        return Peer(serving(http2, INITIAL_WINDOW_SIZE=20_000), context=h2_context() if tls else None)
    return Peer(http11, context=server_context() if tls else None)


def settings(protocol: str, tls: bool) -> dict[str, Any]:
    return {
        "ssl_context": client_context() if tls else None,
        "http2": oxide.HTTP2(prior_knowledge=True) if protocol == "http2" else False,
        "limits": oxide.Limits(max_connections=10),
    }


async def call(client: Any, name: str, size: int) -> None:
    """One call, which must come back with its own name."""
    if name.startswith("s"):
        events = [
            event async for event in await client.post(f"/{name}", cast_to=object, content=b"x" * size, stream=True)
        ]
        assert events == [name]
    else:
        assert await client.post(f"/{name}", cast_to=object, content=b"x" * size) == f"{name} {size}"


@pytest.mark.parametrize("protocol", ["http11", "http2"])
@pytest.mark.parametrize("how", ["asyncio", "trio"])
@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_cancelled(how: str, protocol: str, tls: bool) -> None:
    chance = random.Random(f"{how} {protocol} {tls}")
    outcomes = {"done": 0, "cancelled": 0}

    async def one(client: Any, number: int) -> None:
        name = f"{chance.choice('cs')}{number}"
        # Large ones have to wait for the server's window, or for the socket.
        size = chance.choice([0, 10, 100_000])
        with anyio.CancelScope() as scope:
            if chance.random() < 0.5:
                await CancelAt(call(client, name, size), chance.randrange(1, 12), scope.cancel)
            else:
                scope.deadline = anyio.current_time() + chance.random() * 0.03
                await call(client, name, size)
            outcomes["done"] += 1
        outcomes["cancelled"] += scope.cancelled_caught

    async def body(base_url: str) -> None:
        for first in range(0, CALLS, BATCH):
            transport = oxide.AsyncHTTPTransport(**settings(protocol, tls))
            client = oxide.AsyncOpenAI(api_key="k", base_url=base_url, http_client=transport, max_retries=0)
            async with client:
                async with anyio.create_task_group() as group:
                    for number in range(first, first + BATCH):
                        group.start_soon(one, client, number)
                figures = transport.stats()
                assert (figures["in_use"], figures["waiting"], figures.get("streams", 0)) == (0, 0, 0)
                # What is left works.
                await call(client, "cafter", 10)
                await call(client, "safter", 10)
            assert transport.stats()["open"] == 0
        if how == "asyncio":
            assert asyncio.all_tasks() == {asyncio.current_task()}
        gc.collect()

    with peer(protocol, tls) as server:
        trio.run(body, server.base_url) if how == "trio" else asyncio.run(body(server.base_url))
    assert sum(outcomes.values()) == CALLS
    assert outcomes["cancelled"] > CALLS // 10
    print(how, protocol, tls, outcomes)


@pytest.mark.parametrize("protocol", ["http11", "http2"])
def test_threads_close_the_client(protocol: str) -> None:
    chance = random.Random(protocol)
    done: list[str] = []
    close_at: list[int] = []
    refused: list[BaseException] = []
    wrong: list[BaseException] = []

    def work(client: oxide.OpenAI, names: list[str]) -> None:
        for name in names:
            try:
                if name.startswith("s"):
                    got: Any = list(client.post(f"/{name}", cast_to=object, content=b"x", stream=True))
                    assert got == [name]
                else:
                    assert client.post(f"/{name}", cast_to=object, content=b"x" * 50_000) == f"{name} 50000"
                done.append(name)
                if len(done) >= close_at[-1]:
                    client.close()
            except oxide.OpenAIError as error:
                refused.append(error)
            except BaseException as error:  # noqa: BLE001
                wrong.append(error)

    with peer(protocol, False) as server:
        for first in range(0, CALLS, BATCH):
            transport = oxide.HTTPTransport(**settings(protocol, False))
            client = oxide.OpenAI(api_key="k", base_url=server.base_url, http_client=transport, max_retries=0)
            names = [f"{chance.choice('cs')}{number}" for number in range(first, first + BATCH)]
            threads = [threading.Thread(target=work, args=(client, names[lane::10])) for lane in range(10)]
            close_at.append(len(done) + chance.randrange(BATCH))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(LIMIT)
                assert not thread.is_alive()
            client.close()
            figures = transport.stats()
            assert (figures["open"], figures["in_use"], figures["waiting"]) == (0, 0, 0)
    assert not wrong
    assert len(done) + len(refused) == CALLS
    assert {str(error) for error in refused} <= {
        "the client is closed: make a new one",
        "the client was closed while the call was waiting for a connection",
    }
    print(protocol, len(done), "done", len(refused), "refused")
