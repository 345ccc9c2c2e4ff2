"""HTTP/2 through the client: one connection for many calls, and what becomes of them when the server is not so kind."""

from __future__ import annotations

import gc
import select
import subprocess
import sys
from pathlib import Path
from threading import Semaphore
from time import monotonic
from typing import Any

import anyio
import pytest
from h2.errors import ErrorCodes

import oxide
from oxide.core.http import HeadBlock

from ..ways import Done, Way
from .h2_peer import H2Server, echo, h2_context, serving
from .peer import LIMIT, Connection, Event, Peer, reply
from .proxies import running
from .test_cancel import cancelled_at, run
from .test_pool import blocking
from .test_processes import in_child
from .tls import authority, client_context


def options(**values: Any) -> oxide.HTTP2:
    return oxide.HTTP2(prior_knowledge=True, **values)


def connect(way: Any, peer: Peer, **arguments: Any) -> Any:
    return connect_to(way, peer.base_url, **arguments)


def connect_to(
    way: Any, base_url: str, *, tls: bool = False, limits: Any = None, timeout: Any = 60.0, **values: Any
) -> Any:
    transport = way.transport(
        ssl_context=client_context() if tls else None, http2=options(**values), limits=oxide.Limits(**(limits or {}))
    )
    return way.client(base_url=base_url, http_client=transport, max_retries=0, timeout=timeout)


def stats(client: Any) -> dict[str, int]:
    return client._transport.stats()  # type: ignore[no-any-return]


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
async def test_many_calls_share_a_connection(way: Any, tls: bool) -> None:
    with Peer(serving(), context=h2_context() if tls else None) as peer:
        client = connect(way, peer, tls=tls)

        def one(number: int) -> Any:
            async def call() -> Any:
                return await client.get(f"/{number}", cast_to=object)

            return call

        assert await way.gather(*[one(number) for number in range(30)]) == [str(number) for number in range(30)]
        assert await client.get("/last", cast_to=object) == "last"
        figures = stats(client)
        assert (figures["opened"], figures["open"], figures["streams"]) == (1, 1, 0)
        assert figures["reused"] == 30


async def test_the_client_takes_http2(way: Any) -> None:
    with Peer(serving(), context=h2_context()) as peer:
        client = way.client(base_url=peer.base_url, http2=True, max_retries=0)
        # It trusts the system's authorities, which don't know ours: enough to see that the setting arrived.
        with pytest.raises(oxide.APIConnectionError, match="certificate"):
            await client.get("/x", cast_to=object)
    with pytest.raises(ValueError, match="http2 is a setting of the client's own transport"):
        way.client(http2=True, http_client=way.transport())
    with pytest.raises(TypeError, match="http2 must be True, False or an HTTP2"):
        way.client(http2="yes")


async def test_falls_back_to_http11(way: Any) -> None:
    def script(connection: Connection) -> None:
        while connection.receive():
            connection.send(reply(b"%d" % connection.number))

    context = h2_context()
    context.set_alpn_protocols(["http/1.1"])
    with Peer(script, context=context) as peer:
        client = connect(way, peer, tls=True)
        answers = await way.gather(*[lambda: client.get("/x", cast_to=int)] * 4)
        assert set(answers) <= {0, 1, 2, 3}
        assert await client.get("/x", cast_to=int) in answers
        assert stats(client)["streams"] == 0


async def test_slow_readers_hold_up_nobody(way: Any) -> None:
    def answer(server: H2Server, stream: int) -> None:
        if "slow" not in server.paths[stream]:
            server.reply(stream, b'"quick"')
            return
        server.head(stream)
        sent = 0
        while size := min(server.h2.local_flow_control_window(stream), 16384):
            server.h2.send_data(stream, b"x" * size)
            sent += size
        assert sent == 65535

    with Peer(serving(answer)) as peer:
        client = connect(way, peer, window=65535)
        response = await send(way, client, peer, "/slow")
        for _ in range(20):
            assert await client.get("/x", cast_to=object) == "quick"
        assert stats(client)["opened"] == 1
        await close(way, response)
        assert stats(client) == {
            "open": 1,
            "idle": 1,
            "in_use": 0,
            "waiting": 0,
            "opened": 1,
            "reused": 20,
            "streams": 0,
        }


async def send(way: Any, client: Any, peer: Peer, path: str) -> Any:
    """A response that is still to be read."""
    request = oxide.Request("GET", oxide.URL(peer.base_url + path), HeadBlock(()))
    response = client._transport.send(request, stream=True)
    return response if way.is_sync else await response


async def close(way: Any, response: Any) -> None:
    response.close() if way.is_sync else await response.aclose()


async def test_more_connections_when_streams_run_out(way: Any) -> None:
    gate, held = Event(), Semaphore(0)

    def answer(server: H2Server, stream: int) -> None:
        if "held" in server.paths[stream]:
            held.release()
            gate.wait()
        server.reply(stream, b"%d" % server.number)

    def wait_until_each_has_one() -> None:
        # A connection's thread waits at the gate with its first request.
        assert all(held.acquire(timeout=20) for _ in range(3))

    with Peer(serving(answer, MAX_CONCURRENT_STREAMS=2)) as peer:
        client = connect(way, peer)
        # The limit is known from now on.
        assert await client.get("/x", cast_to=int) == 0
        calls = [lambda: client.get("/held", cast_to=int)] * 5

        async def release() -> int:
            await blocking(way, wait_until_each_has_one)
            gate.set()
            return -1

        answers = await way.gather(*calls, release)
        # More than two at a time the server's h2 would not have taken. One after the other there may be more on a connection: the last
        # call may take the place of one that has ended.
        assert set(answers) == {-1, 0, 1, 2}
        assert stats(client)["in_use"] == 0


async def test_waits_at_the_limit_of_connections(way: Any) -> None:
    with Peer(serving(MAX_CONCURRENT_STREAMS=3)) as peer:
        client = connect(way, peer, limits={"max_connections": 1})
        answers = await way.gather(*[lambda: client.get("/x", cast_to=object)] * 20)
        assert answers == ["x"] * 20
        figures = stats(client)
        assert (figures["opened"], figures["waiting"]) == (1, 0)


async def test_refused_streams_are_sent_again(way: Any) -> None:
    def answer(server: H2Server, stream: int) -> None:
        if stream == 1:
            server.reset(stream, ErrorCodes.REFUSED_STREAM)
        else:
            server.reply(stream, b'"%b"' % bytes(server.bodies[stream]))

    with Peer(serving(answer)) as peer:
        # Although it has no retries: the server has said that it did not look at it.
        client = connect(way, peer)
        assert await client.post("/x", cast_to=object, content=b"once") == "once"
        assert stats(client)["opened"] == 1


async def test_refused_again_and_again(way: Any) -> None:
    def answer(server: H2Server, stream: int) -> None:
        server.reset(stream, ErrorCodes.REFUSED_STREAM)

    with Peer(serving(answer)) as peer:
        client = connect(way, peer)
        with pytest.raises(oxide.APIConnectionError, match="REFUSED_STREAM") as caught:
            await client.post("/x", cast_to=object, body={})
        assert isinstance(caught.value.__cause__, oxide.ReadError)
        assert stats(client)["in_use"] == 0


async def test_goaway_sends_beyond_its_last_stream_again(way: Any) -> None:
    def answer(server: H2Server, stream: int) -> None:
        if server.number == 0 and stream == 1:
            server.reply(stream, b'"first"')
        elif server.number == 0:
            server.goaway(1)
        else:
            server.reply(stream, b'"second"')

    with Peer(serving(answer)) as peer:
        client = connect(way, peer)
        assert await client.get("/x", cast_to=object) == "first"
        assert await client.get("/x", cast_to=object) == "second"
        assert stats(client)["opened"] == 2
        assert stats(client)["open"] == 1


async def test_goaway_within_a_response(way: Any) -> None:
    """What the server took it finishes; new calls go elsewhere meanwhile."""

    def answer(server: H2Server, stream: int) -> None:
        if server.number == 0:
            server.head(stream)
            server.h2.send_data(stream, b"first ")
            server.goaway(stream)
            gate.wait()
            server.h2.send_data(stream, b"part", end_stream=True)
        else:
            server.reply(stream, b'"other"')

    gate = Event()
    with Peer(serving(answer)) as peer:
        client = connect(way, peer)
        response = await send(way, client, peer, "/x")
        stream = response.stream
        first = next(stream) if way.is_sync else await stream.__anext__()
        assert await client.get("/y", cast_to=object) == "other"
        gate.set()
        rest = response.read() if way.is_sync else await response.aread()
        assert first + rest == b"first part"
        assert stats(client)["open"] == 1


@pytest.mark.parametrize(
    ("code", "text"), [(ErrorCodes.INTERNAL_ERROR, "INTERNAL_ERROR"), (ErrorCodes.HTTP_1_1_REQUIRED, "wants HTTP/1.1")]
)
async def test_reset_by_the_server(way: Any, code: ErrorCodes, text: str) -> None:
    def answer(server: H2Server, stream: int) -> None:
        if "bad" in server.paths[stream]:
            server.head(stream)
            server.reset(stream, code)
        else:
            server.reply(stream, b'"good"')

    with Peer(serving(answer)) as peer:
        client = connect(way, peer)
        with pytest.raises(oxide.APIConnectionError, match=text):
            await client.get("/bad", cast_to=object)
        assert await client.get("/x", cast_to=object) == "good"
        assert stats(client)["opened"] == 1


async def test_a_server_of_http11(way: Any) -> None:
    def script(connection: Connection) -> None:
        connection.sock.recv(1000)
        connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        connection.wait_closed()

    with Peer(script) as peer:
        client = connect(way, peer)
        with pytest.raises(oxide.APIConnectionError, match=r"it speaks HTTP/1\.1") as caught:
            await client.get("/x", cast_to=object)
        assert isinstance(caught.value.__cause__, oxide.ProtocolError)
        assert stats(client)["open"] == 0


async def test_closed_by_the_server(way: Any) -> None:
    """A kept connection that turns out to be closed is replaced; within a response it is an error."""

    def script(connection: Connection) -> None:
        server = H2Server(connection, None if connection.number < 2 else lambda server, stream: None)
        while not server.bodies:
            server.receive()

    with Peer(script) as peer:
        client = connect(way, peer)
        for number in range(2):
            assert await client.get("/x", cast_to=object) == "x"
            await blocking(way, peer.wait_closed, number)
        with pytest.raises(oxide.APIConnectionError, match=r"before the end of the response|the connection broke"):
            await client.get("/x", cast_to=object)
        assert stats(client)["opened"] == 3


async def test_dead_connection(way: Any) -> None:
    def script(connection: Connection) -> None:
        server = H2Server(connection, lambda server, stream: None)
        while not server.bodies:
            server.receive()
        silent.wait()
        connection.wait_closed()

    silent = Event()
    with Peer(script) as peer:
        client = connect(way, peer, ping_interval=0.05, ping_timeout=0.05)
        with pytest.raises(oxide.APIConnectionError, match="no answer to a PING"):
            await client.get("/x", cast_to=object)
        silent.set()
        assert stats(client)["open"] == 0


async def test_pings_keep_a_slow_call_alive(way: Any) -> None:
    def script(connection: Connection) -> None:
        server = H2Server(connection, lambda server, stream: None)
        while server.pings < 3:
            server.receive()
        server.reply(1, b'"late"')
        server.flush()
        server.serve()

    with Peer(script) as peer:
        client = connect(way, peer, ping_interval=0.02, ping_timeout=10.0)
        assert await client.get("/x", cast_to=object) == "late"


@pytest.mark.parametrize("kind", ["read", "write", "total"])
async def test_timeouts(way: Any, kind: str) -> None:
    def answer(server: H2Server, stream: int) -> None:
        if "good" in server.paths[stream]:
            server.reply(stream, b'"good"')

    with Peer(serving(answer, INITIAL_WINDOW_SIZE=0)) as peer:
        client = connect(way, peer)
        assert await client.get("/good", cast_to=object) == "good"
        limits = oxide.Timeout(10.0, **{kind: 0.1})
        # The server's window stays closed.
        body = {"body": {"a": 1}} if kind == "write" else {}
        with pytest.raises(oxide.APITimeoutError, match=rf"timeout\.{kind}"):
            await client.post("/x", cast_to=object, options={"timeout": limits}, **body)
        # The stream is given up, and the connection lives on.
        assert await client.get("/good", cast_to=object) == "good"
        assert stats(client)["opened"] == 1


async def test_responses_that_are_dropped_give_their_stream_back(way: Any) -> None:
    resets = Event()

    def answer(server: H2Server, stream: int) -> None:
        server.head(stream)
        server.h2.send_data(stream, b"some")
        server.flush()
        if "last" in server.paths[stream]:
            server.h2.end_stream(stream)

    def script(connection: Connection) -> None:
        server = H2Server(connection, answer)
        while server.receive():
            if server.resets:
                resets.set()

    with Peer(script) as peer:
        client = connect(way, peer)
        response = await send(way, client, peer, "/x")
        assert stats(client)["streams"] == 1
        del response
        gc.collect()
        assert stats(client)["streams"] == 0
        await blocking(way, resets.wait)
        assert stats(client)["idle"] == 1


@pytest.mark.parametrize("how", ["asyncio", "anyio", "trio"])
def test_cancelling_the_one_who_reads(how: str) -> None:
    """What came for the others while it was being cancelled is theirs."""

    def answer(server: H2Server, stream: int) -> None:
        if "never" in server.paths[stream]:
            return
        server.reply(stream, b'"%b"' % server.paths[stream].rpartition("/")[2].encode())

    async def body() -> None:
        transport = oxide.AsyncHTTPTransport(http2=options())
        async with oxide.AsyncOpenAI(api_key="k", base_url=peer.base_url, http_client=transport) as client:
            assert await client.get("/warm", cast_to=object) == "warm"
            for _ in range(20):
                results = []

                async def call(name: str, results: list[Any] = results) -> None:
                    results.append(await client.get(f"/{name}", cast_to=object))

                async with anyio.create_task_group() as group:
                    group.start_soon(cancelled_at, how, 1, client.get("/never", cast_to=object))
                    for name in ("a", "b", "c"):
                        group.start_soon(call, name)
                assert sorted(results) == ["a", "b", "c"]
            figures = transport.stats()
            assert (figures["opened"], figures["streams"]) == (1, 0)

    with Peer(serving(answer)) as peer:
        run(how, body)


def test_h2_is_imported_when_it_is_spoken() -> None:
    code = (
        "import sys, oxide; c = oxide.OpenAI(api_key='k', http2=True); a = oxide.AsyncOpenAI(api_key='k', http2=True);"
        "print([name for name in sys.modules if name.split('.')[0] in ('h2', 'hpack')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


async def test_the_reading_is_handed_on(way: Any) -> None:
    """All calls are under way at the same time; who has its answer leaves, and another one reads, up to the first who came."""
    order: list[int] = []

    def answer(server: H2Server, stream: int) -> None:
        order.append(stream)
        if len(order) == 10:
            for number in reversed(order):
                server.reply(number, b"%d" % number)
                server.flush()
                select.select([], [], [], 0.001)

    with Peer(serving(answer)) as peer:
        client = connect(way, peer)
        await client.warmup()
        answers = await way.gather(*[lambda: client.get("/x", cast_to=int)] * 10)
        assert sorted(answers) == sorted(order)
        assert stats(client)["opened"] == 1


async def test_through_a_proxy(way: Any, tmp_path: Path) -> None:
    """Also over TLS in TLS, of which the inner one settles on HTTP/2 and the outer one does not."""
    issued = authority().issue_cert("127.0.0.1")
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(tmp_path / "certificate.pem", append=number > 0)
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    with running("proxy.py over TLS", tmp_path) as proxy, Peer(serving(), context=h2_context()) as peer:
        transport = way.transport(ssl_context=client_context(), http2=True, proxy=proxy)
        client = way.client(base_url=peer.base_url, http_client=transport, max_retries=0)
        answers = await way.gather(*[lambda: client.post("/x", cast_to=object, content=b"x" * 100_000)] * 5)
        assert answers == ["x"] * 5
        figures = stats(client)
        assert (figures["opened"], figures["streams"]) == (1, 0)
        await client.close()


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
@pytest.mark.parametrize("how", ["sync", "asyncio", "trio"])
def test_fork(how: str, tls: bool) -> None:
    """The child has a connection of its own, and the parent's goes on as if nothing had been, streams under way included."""

    def answer(server: H2Server, stream: int) -> None:
        if "stream" in server.paths[stream]:
            streams.append(stream)
            server.head(stream, "200", ("content-type", "text/event-stream"))
            server.h2.send_data(stream, b"data: 1\n\n")
            return
        if "end" in server.paths[stream]:
            server.h2.send_data(streams[0], b"data: 2\n\n", end_stream=True)
        server.reply(stream, b"%d" % server.number)

    async def body(way: Way, base_url: str) -> None:
        client = connect_to(way, base_url, tls=tls)
        stream = await client.get("/stream", cast_to=object, stream=True)
        assert await stream.__anext__() == 1

        def child() -> None:
            figures = stats(client)
            assert figures["open"] == figures["streams"] == 0
            if way.is_sync:
                # An event loop does not go on in a fork; a client of threads does.
                for _ in range(2):
                    assert client._wrapped.get("/x", cast_to=int) == 1
                assert stats(client)["opened"] == 1
                client._wrapped.close()

        in_child(child)
        assert await client.get("/end", cast_to=int) == 0
        assert [event async for event in stream] == [2]
        assert stats(client)["opened"] == 1

    streams: list[int] = []
    with Peer(serving(answer), context=h2_context() if tls else None) as peer:
        way = Way(how)
        way.run(body(way, peer.base_url))


async def test_waiting_for_a_stream_ends_in_time(way: Any) -> None:
    gate = Event()

    def answer(server: H2Server, stream: int) -> None:
        if "held" in server.paths[stream]:
            gate.wait()
        server.reply(stream, b'"x"')

    with Peer(serving(answer, MAX_CONCURRENT_STREAMS=1)) as peer:
        client = connect(way, peer, limits={"max_connections": 1})
        assert await client.get("/x", cast_to=object) == "x"

        async def held() -> Any:
            return await client.get("/held", cast_to=object)

        async def late() -> Any:
            await blocking(way, peer_has_streams, client)
            with pytest.raises(oxide.APITimeoutError, match=r"timeout\.pool"):
                await client.get("/x", cast_to=object, options={"timeout": oxide.Timeout(10.0, pool=0.05)})
            gate.set()

        await way.gather(held, late)
        assert stats(client)["waiting"] == stats(client)["streams"] == 0


def peer_has_streams(client: Any) -> None:
    """Wait until a call is under way."""
    end = monotonic() + LIMIT
    while stats(client)["streams"] == 0:
        assert monotonic() < end
        select.select([], [], [], 0.001)


@pytest.mark.parametrize("kind", ["bytes", "chunks"])
async def test_an_upload_that_is_refused(way: Any, kind: str) -> None:
    """The server answers before it has all of it: its answer is what the caller gets, and the rest is not sent."""

    def script(connection: Connection) -> None:
        server = H2Server(connection, None)
        refused = 0
        while server.receive():
            for stream in set(server.bodies) - server.resets:
                if "large" in server.paths[stream] and not refused:
                    refused = stream
                    server.reply(stream, b'{"error": {"message": "too large"}}', "413")
            server.flush()

    pieces = [b"x" * 100_000] * 30

    async def chunks() -> Any:
        for piece in pieces:
            yield piece

    with Peer(script) as peer:
        client = connect(way, peer)
        content = b"".join(pieces) if kind == "bytes" else iter(pieces) if way.is_sync else chunks()
        with pytest.raises(oxide.APIStatusError, match="too large") as caught:
            await client.post("/large", cast_to=object, content=content)
        assert caught.value.status_code == 413
        assert await client.get("/x", cast_to=object) == "x"
        figures = stats(client)
        assert (figures["opened"], figures["streams"]) == (1, 0)


async def test_a_connection_that_fell_silent_is_left(way: Any) -> None:
    """A call that waited in vain, on a connection on which nothing else came either: the next one goes elsewhere."""

    def script(connection: Connection) -> None:
        if connection.number == 0:
            connection.wait_closed()
        else:
            serving()(connection)

    with Peer(script) as peer:
        client = connect(way, peer, timeout=oxide.Timeout(10.0, read=0.3))
        with pytest.raises(oxide.APITimeoutError):
            await client.get("/first", cast_to=object)
        assert await client.get("/second", cast_to=object) == "second"
        assert await client.get("/third", cast_to=object) == "third"
        assert stats(client)["opened"] == 2
        peer.wait_closed(0)


async def test_a_connection_that_gives_a_sign_of_life_is_kept(way: Any) -> None:
    """The server took its time for one request; asked for a sign of life, it gives one."""
    seen = Event()

    def script(connection: Connection) -> None:
        server = H2Server(connection, lambda server, stream: "held" in server.paths[stream] or echo(server, stream))
        while server.receive():
            if server.pings:
                seen.set()

    with Peer(script) as peer:
        client = connect(way, peer)
        with pytest.raises(oxide.APITimeoutError):
            await client.get("/held", cast_to=object, options={"timeout": oxide.Timeout(10.0, read=0.3)})
        await (anyio.to_thread.run_sync(seen.wait) if not way.is_sync else Done(seen.wait()))
        assert await client.get("/x", cast_to=object) == "x"
        assert stats(client)["opened"] == 1
