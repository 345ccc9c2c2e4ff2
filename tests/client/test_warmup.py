"""Opening connections before they are needed, limits for each origin, and the figures."""

from __future__ import annotations

import select
import ssl
import threading
from typing import Any

import anyio
import pytest

import oxide

from .h2_peer import serving
from .peer import Connection, Event, Peer, reply
from .test_pool import blocking, pooled, wait_for_line
from .tls import client_context, server_context


def numbered(connection: Connection) -> None:
    """Answers with the number of the connection."""
    while connection.receive():
        connection.send(reply(b"%d" % connection.number))


async def test_connections_are_there_when_they_are_needed(way: Any) -> None:
    with Peer(numbered) as peer:
        client = way.client(base_url=peer.base_url)
        await client.warmup(5)
        assert client.stats() == {"open": 5, "idle": 5, "in_use": 0, "waiting": 0, "opened": 5, "reused": 0}
        # Those that are there count.
        await client.warmup(3)
        await client.warmup()
        assert client.stats()["opened"] == 5
        await client.warmup(6)
        assert client.stats()["opened"] == 6
        await way.gather(*[lambda: client.get("/x", cast_to=int)] * 6)
        assert client.stats()["opened"] == 6
        assert peer.accepted == 6


async def test_no_more_than_the_limits_allow(way: Any) -> None:
    with Peer(numbered) as peer:
        for limits in ({"max_connections": 3}, {"max_connections_per_origin": 3}):
            client = pooled(way, peer.base_url, **limits)
            await client.warmup(10)
            figures = client.stats()
            assert (figures["open"], figures["idle"], figures["waiting"]) == (3, 3, 0)


async def test_one_connection_of_http2_is_enough(way: Any) -> None:
    with Peer(serving()) as peer:
        client = way.client(
            base_url=peer.base_url, http_client=way.transport(http2=oxide.HTTP2(prior_knowledge=True)), max_retries=0
        )
        await client.warmup(20)
        figures = client.stats()
        assert (figures["opened"], figures["idle"], figures["streams"], figures["waiting"]) == (1, 1, 0, 0)
        assert await way.gather(*[lambda: client.get("/x", cast_to=object)] * 20) == ["x"] * 20
        assert client.stats()["opened"] == 1


async def test_http11_after_all(way: Any) -> None:
    """Where HTTP/2 was offered and not taken, there are as many connections as calls."""
    with Peer(numbered, context=server_context()) as peer:
        client = way.client(
            base_url=peer.base_url, http_client=way.transport(http2=True, ssl_context=client_context()), max_retries=0
        )
        await client.warmup(4)
        figures = client.stats()
        assert (figures["open"], figures["idle"], figures["waiting"]) == (4, 4, 0)
        # Before the peer looks whether everybody has left.
        await client.close()


async def test_nobody_there(way: Any) -> None:
    with Peer(numbered) as peer:
        base_url = peer.base_url
    client = way.client(base_url=base_url)
    with pytest.raises(oxide.APIConnectionError, match="refused") as caught:
        await client.warmup(3)
    assert isinstance(caught.value.__cause__, oxide.ConnectError)
    figures = client.stats()
    assert (figures["open"], figures["in_use"]) == (0, 0)


async def test_arguments(way: Any) -> None:
    client = way.client(base_url="http://127.0.0.1:1")
    with pytest.raises(ValueError, match="connections must be at least 1"):
        await client.warmup(0)
    with pytest.raises(TypeError, match="connections must be a whole number"):
        await client.warmup("3")

    class Mine:
        def send(self, request: Any, *, stream: bool) -> Any: ...
        def close(self) -> None: ...

        async def aclose(self) -> None: ...

    client = way.client(http_client=Mine())
    assert client.stats() == {}
    with pytest.raises(oxide.OpenAIError, match="no connections to warm up"):
        await client.warmup()


async def test_limit_for_each_origin(way: Any) -> None:
    gate = Event()

    def script(connection: Connection) -> None:
        while connection.receive():
            gate.wait()
            connection.send(reply(b"1"))

    with Peer(script) as one, Peer(numbered) as other:
        client = pooled(way, one.base_url, max_connections_per_origin=1)

        async def release() -> None:
            await wait_for_line(way, client, 1)
            # The line is for the first one alone.
            assert await client.get(other.base_url + "/x", cast_to=int) == 0
            await blocking(way, gate.set)

        await way.gather(lambda: client.get("/x", cast_to=int), lambda: client.get("/x", cast_to=int), release)
        assert one.accepted == 1
        assert client.stats()["waiting"] == 0


async def test_idle_connections_are_closed_when_they_expire(way: Any) -> None:
    with Peer(numbered) as peer:
        client = pooled(way, peer.base_url, keepalive_expiry=0.05)
        await client.warmup(3)
        for _ in range(1000):
            if not client.stats()["open"]:
                break
            await pause(way)
        assert client.stats()["open"] == 0


async def pause(way: Any) -> None:
    select.select([], [], [], 0.01) if way.is_sync else await anyio.sleep(0.01)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_session_tickets_make_no_connection_stale(way: Any, version: ssl.TLSVersion) -> None:
    """With TLS 1.3 they come when the handshake is over, and are there to be read before the first request is."""
    context = server_context()
    context.minimum_version = context.maximum_version = version
    secured = threading.Semaphore(0)

    def script(connection: Connection) -> None:
        secured.release()
        numbered(connection)

    with Peer(script, context=context) as peer:
        client = way.client(base_url=peer.base_url, http_client=way.transport(ssl_context=client_context()))
        await client.warmup(3)
        assert all(secured.acquire(timeout=10) for _ in range(3))
        for _ in range(3):
            await client.get("/x", cast_to=int)
        await client.warmup(3)
        assert peer.accepted == client.stats()["opened"] == 3
