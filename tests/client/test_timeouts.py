"""Every timeout: what it bounds, what it says, and that it is not much late."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest

import oxide
from oxide import Timeout
from oxide.core import errors

from .peer import Connection, Event, Peer, chunk, chunked, deaf_port, reply
from .test_pool import blocking

LATE = 5.0
"""Seconds after which something that should take a fraction of one has failed, on a busy machine too."""


@contextmanager
def times_out(message: str, cause: type[BaseException], *, after: float = 0.0) -> Iterator[None]:
    start = monotonic()
    with pytest.raises(oxide.APITimeoutError, match=message) as caught:
        yield
    assert after * 0.9 <= monotonic() - start < LATE
    assert type(caught.value.__cause__) is cause
    assert caught.value.request.method in ("GET", "POST")


def silent(connection: Connection) -> None:
    connection.receive()
    connection.wait_closed()


async def test_connect(way: Any) -> None:
    with deaf_port() as port:
        client = way.client(base_url=f"http://127.0.0.1:{port}/v1", timeout=Timeout(30, connect=0.1), max_retries=0)
        with times_out(
            r"no connection to the server within 0.1 s \(timeout.connect\)", errors.ConnectTimeout, after=0.1
        ):
            await client.get("/x", cast_to=object)
        assert client._transport.stats()["open"] == 0


async def test_connect_tries_the_next_address(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that does not answer leaves time for the others."""
    with deaf_port() as deaf, Peer(answer) as peer:
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in (deaf, peer.port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        client = way.client(base_url="http://several.invalid/v1", timeout=Timeout(30, connect=9), max_retries=0)
        assert await client.get("/x", cast_to=object) == {}


async def test_connect_to_no_address(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with deaf_port() as deaf, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        ports = (deaf, closed.getsockname()[1])
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        client = way.client(base_url="http://several.invalid/v1", timeout=Timeout(30, connect=0.2), max_retries=0)
        with pytest.raises(oxide.APIConnectionError, match=r"127.0.0.1 did not answer; .*Connection refused"):
            await client.get("/x", cast_to=object)


def answer(connection: Connection) -> None:
    while connection.receive():
        connection.send(reply())


@pytest.mark.parametrize("stream", [False, True])
async def test_read(way: Any, stream: bool) -> None:
    with Peer(silent) as peer:
        client = way.client(base_url=peer.base_url, timeout=Timeout(30, read=0.1), max_retries=0)
        with times_out(r"sent nothing for 0.1 s \(timeout.read\)", errors.ReadTimeout, after=0.1):
            await client.get("/x", cast_to=object, stream=stream)
        assert client._transport.stats()["open"] == 0
        peer.wait_closed(0)


async def test_read_in_the_middle_of_a_body(way: Any) -> None:
    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(reply(b"x" * 1000)[:-500])
        connection.wait_closed()

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, timeout=Timeout(30, read=0.1), max_retries=0)
        with times_out(r"sent nothing for 0.1 s \(timeout.read\)", errors.ReadTimeout, after=0.1):
            await client.get("/x", cast_to=bytes)
        peer.wait_closed(0)


async def test_silence_in_a_stream(way: Any) -> None:
    """`read` bounds each silence, not the stream as a whole."""

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(chunked(end=False))
        for _ in range(8):
            connection.pause(0.05)
            connection.send(chunk(b'data: {"n": 1}\n\n'))
        connection.wait_closed()

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, timeout=Timeout(30, read=0.3), max_retries=2)
        events = []
        with times_out(r"sent nothing for 0.3 s \(timeout.read\)", errors.ReadTimeout, after=0.7):
            async for event in await client.get("/x", cast_to=object, stream=True):
                events.append(event["n"])  # noqa: PERF401
        assert events == [1] * 8
        assert len(peer.requests) == 1
        assert client._transport.stats()["open"] == 0
        peer.wait_closed(0)


async def test_write(way: Any) -> None:
    release = Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        release.wait()

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, timeout=Timeout(30, write=0.2), max_retries=0)
        with times_out(r"took nothing in for 0.2 s \(timeout.write\)", errors.WriteTimeout, after=0.2):
            await client.post("/x", cast_to=object, content=b"x" * 30_000_000)
        assert client._transport.stats()["open"] == 0
        release.set()


@pytest.mark.parametrize("total", [None, 0.25])
async def test_slow_reader(way: Any, total: float | None) -> None:
    """`write` bounds each pause of a server that takes the request in slowly; `total` bounds them all."""
    size = 16_000_000

    def script(connection: Connection) -> None:
        connection.receive_head()
        missing = size - len(connection._buffer)
        while missing > 0:
            connection.pause(0.02 if total is None else 0.1, reading=False)
            for _ in range(10):
                data = connection.sock.recv(65536)
                if not data:
                    return
                missing -= len(data)
                if not missing:
                    break
        connection.send(reply())

    with Peer(script) as peer:
        client = way.client(
            base_url=peer.base_url, timeout=Timeout(30, write=0.4 if total is None else 30, total=total)
        )
        start = monotonic()
        if total is None:
            assert await client.post("/x", cast_to=object, content=b"x" * size) == {}
            assert monotonic() - start > 0.4
        else:
            with times_out(r"longer than .* \(timeout.total\)", errors.TotalTimeout, after=0.25):
                await client.post("/x", cast_to=object, content=b"x" * size)
            # All of it would take two seconds and a half.
            assert monotonic() - start < 1.5


async def test_pool(way: Any) -> None:
    gate = Event()

    def script(connection: Connection) -> None:
        while connection.receive():
            gate.wait()
            connection.send(reply())

    with Peer(script) as peer:
        client = way.client(
            base_url=peer.base_url,
            http_client=way.transport(limits=oxide.Limits(max_connections=1)),
            timeout=Timeout(30, pool=0.1),
            max_retries=0,
        )

        async def holder() -> None:
            await client.get("/first", cast_to=object)

        async def waiter() -> None:
            await blocking(way, peer.wait_requests, 1)
            with times_out(r"became free within 0.1 s \(timeout.pool\)", errors.PoolTimeout, after=0.1):
                await client.get("/second", cast_to=object)
            gate.set()

        await way.gather(holder, waiter)
        # The one who gave up has left the line.
        assert client._transport.stats() == {"open": 1, "idle": 1, "in_use": 0, "waiting": 0, "opened": 1, "reused": 0}
        assert await client.get("/third", cast_to=object) == {}
        assert [request.target for request in peer.requests] == ["/v1/first", "/v1/third"]


async def test_total_bounds_the_retries(way: Any) -> None:
    with Peer(silent) as peer:
        client = way.client(base_url=peer.base_url, timeout=Timeout(30, read=0.1, total=0.45), max_retries=10)
        start = monotonic()
        # Attempts of 0.1 s; a wait of about half a second would outlast the total one and is not begun.
        with times_out(r"sent nothing for 0.1 s", errors.ReadTimeout, after=0.1):
            await client.get("/x", cast_to=object)
        assert monotonic() - start < 0.45
        assert len(peer.requests) == 1


async def test_total_bounds_an_attempt(way: Any) -> None:
    with Peer(silent) as peer:
        client = way.client(base_url=peer.base_url, timeout=Timeout(30, total=0.2), max_retries=10)
        with times_out(r"longer than 0.2 s \(timeout.total\); it was waiting to read", errors.TotalTimeout, after=0.2):
            await client.get("/x", cast_to=object)
        # Not a second one. On a busy machine the peer may not have seen the first yet.
        assert len(peer.requests) <= 1


async def test_total_bounds_a_stream(way: Any) -> None:
    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(chunked(end=False))
        while True:
            connection.pause(0.02)
            connection.send(chunk(b'data: {"n": 1}\n\n'))

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, timeout=Timeout(30, total=0.3))
        stream = await client.get("/x", cast_to=object, stream=True)
        with times_out("timeout.total", errors.TotalTimeout):
            async for event in stream:
                assert event == {"n": 1}
        assert client._transport.stats()["open"] == 0


async def test_total_bounds_connecting_and_the_pool(way: Any) -> None:
    with deaf_port() as port:
        client = way.client(base_url=f"http://127.0.0.1:{port}/v1", timeout=Timeout(30, total=0.1))
        with times_out(r"timeout.total\); it was waiting to connect", errors.TotalTimeout):
            await client.get("/x", cast_to=object)
    with Peer(silent) as peer:
        client = way.client(
            base_url=peer.base_url, http_client=way.transport(limits=oxide.Limits(max_connections=1)), max_retries=0
        )

        async def holder() -> None:
            with pytest.raises(oxide.APITimeoutError):
                await client.get("/x", cast_to=object, options={"timeout": Timeout(30, read=1.0)})

        async def waiter() -> None:
            await blocking(way, peer.wait_requests, 1)
            with times_out(r"timeout.total\); it was waiting to get a connection", errors.TotalTimeout):
                await client.get("/x", cast_to=object, options={"timeout": Timeout(30, total=0.1)})

        await way.gather(holder, waiter)


async def test_call_and_client(way: Any) -> None:
    """The call's own timeout replaces the client's; `None` is no limit."""
    gate = Event()

    def script(connection: Connection) -> None:
        while (request := connection.receive()) is not None:
            if request.target.endswith("/slow"):
                gate.wait()
            connection.send(reply())

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, timeout=Timeout(30, read=0.1), max_retries=0)
        with times_out("0.1 s", errors.ReadTimeout):
            await client.get("/slow", cast_to=object)
        gate.set()
        assert await client.get("/slow", cast_to=object, options={"timeout": None}) == {}
        other = client.with_options(timeout=20)
        other = await other if way.is_sync else other
        assert await other.get("/slow", cast_to=object) == {}
        assert peer.requests[0].headers["x-stainless-read-timeout"] == "0.1"
        assert "x-stainless-read-timeout" not in peer.requests[1].headers


@pytest.mark.parametrize("seconds", [0, 1e-12, 0.0001])
async def test_next_to_nothing(way: Any, seconds: float) -> None:
    with Peer(silent) as peer:
        for timeout in (Timeout(30, read=seconds), Timeout(30, total=seconds), Timeout(seconds)):
            client = way.client(base_url=peer.base_url, timeout=timeout, max_retries=0)
            with pytest.raises(oxide.APITimeoutError):
                await client.get("/x", cast_to=object)
            assert client._transport.stats()["in_use"] == 0


@pytest.mark.parametrize("seconds", [float("inf"), 1e18, 10**12])
async def test_for_ever(way: Any, seconds: float) -> None:
    with Peer(answer) as peer:
        client = way.client(
            base_url=peer.base_url,
            timeout=Timeout(seconds, total=seconds),
            http_client=way.transport(limits=oxide.Limits(max_connections=1)),
        )

        async def one() -> Any:
            return await client.get("/x", cast_to=object)

        assert await way.gather(one, one, one) == [{}, {}, {}]


async def test_names_that_do_not_resolve(way: Any) -> None:
    for host in ("no-such-host.invalid", "a" * 64 + ".invalid"):
        client = way.client(base_url=f"http://{host}/v1", max_retries=0)
        with pytest.raises(oxide.APIConnectionError, match=f"can't connect to {host}: ."):
            await client.get("/x", cast_to=object)


async def test_no_descriptors_left(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(answer) as peer:
        client = way.client(base_url=peer.base_url, max_retries=0)

        def refuse(*_: Any, **__: Any) -> Any:
            raise OSError(24, "Too many open files")

        with monkeypatch.context() as patch:
            patch.setattr(socket, "socket", refuse)
            with pytest.raises(oxide.APIConnectionError, match="Too many open files"):
                await client.get("/x", cast_to=object)
        assert client._transport.stats()["open"] == 0
        assert await client.get("/x", cast_to=object) == {}
