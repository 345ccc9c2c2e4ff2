"""Starting and stopping: in every way, at any moment, leaving nothing behind."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from openai import AsyncOpenAI, OpenAI

from oxide.testing import App, Gate, MockServer, Raw, Reply, Stream

from .wire import CLOSED, RESET, Wire

HI = {"model": "gpt-5", "input": "hi"}


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_with() -> None:
    before = set(threading.enumerate())
    with MockServer() as server:
        assert server.base_url == f"http://127.0.0.1:{server.port}/v1"
        assert listens(server.port)
        port = server.port
    assert not listens(port)
    assert set(threading.enumerate()) <= before
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.base_url


def test_async_with_on_asyncio() -> None:
    async def main() -> str:
        async with MockServer() as server, AsyncOpenAI(base_url=server.base_url, api_key="k") as client:
            return (await client.responses.create(model="gpt-5", input="hi")).output_text

    assert asyncio.run(main()) == "You said: hi"


def test_async_with_on_trio() -> None:
    async def main() -> bytes:
        async with MockServer() as server:
            stream = await trio.open_tcp_stream("127.0.0.1", server.port)
            async with stream:
                await stream.send_all(b"GET /v1/models/gpt-5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return b"".join([part async for part in stream])

    assert trio.run(main).startswith(b"HTTP/1.1 200 OK")


def test_it_stops_although_the_block_is_cancelled() -> None:
    async def main() -> int:
        with trio.CancelScope() as scope:
            async with MockServer() as server:
                scope.cancel()
                await trio.lowlevel.checkpoint()
        return server._port

    assert not listens(trio.run(main))


def test_again_and_twice() -> None:
    server = MockServer()
    server.stop()
    for _ in range(2):
        with server:
            assert listens(server.port)
            with pytest.raises(RuntimeError, match="running already"):
                server.start()
    server.stop()


def test_several_at_once() -> None:
    with MockServer() as one, MockServer() as two:
        assert one.port != two.port
        with Wire(one) as wire:
            wire.ask(HI)
            assert wire.read_response()[0] == 200
        assert (len(one.requests), len(two.requests)) == (1, 0)


def test_a_taken_port() -> None:
    with MockServer() as server, pytest.raises(OSError):  # noqa: PT011 - which error it is depends on the system
        MockServer(port=server.port).start()


def test_ipv6() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        server = MockServer(host="::1").start()
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with OpenAI(base_url=server.base_url, api_key="k") as client:
        assert "[::1]" in server.base_url
        assert client.models.retrieve("gpt-5").id == "gpt-5"
    server.stop()


def test_tls_from_files(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    asking = ssl.create_default_context()
    authority.configure_trust(asking)
    with MockServer(ssl=(tmp_path / "cert.pem", tmp_path / "key.pem")) as server, Wire(server, context=asking) as wire:
        wire.ask(HI)
        assert wire.read_response()[0] == 200


@pytest.mark.parametrize(
    "script",
    [
        Reply(until=Gate()),
        Reply(delay=3600),
        Stream(stall_after=1),
        Stream(gates={2: Gate()}),
        Stream(interval=3600),
        Raw(b"HTTP/1.1 200 OK\r\n", close=False),
        Reply(body=b"x" * 50_000_000),  # more than the client takes
        None,
    ],
)
@pytest.mark.filterwarnings("error")
def test_stopping_with_requests_in_flight(script: Any, recwarn: pytest.WarningsRecorder) -> None:
    with MockServer() as server:
        if script is not None:
            server.queue(script, repeat=2)
        wires = [Wire(server) for _ in range(3)]
        for wire in wires[:2]:
            wire.ask({**HI, "stream": True})
        server.wait_for_requests(2)
        server.wait_for(lambda: server.accepted_connections == 3)
        started = time.perf_counter()
        server.stop()
        assert time.perf_counter() - started < 2
        for wire in wires:
            assert wire.read_to_end()[1] in (CLOSED, RESET)
            wire.socket.close()
    gc.collect()
    assert [str(warning.message) for warning in recwarn if warning.category is ResourceWarning] == []


def test_stopping_with_half_a_request() -> None:
    with MockServer() as server, Wire(server) as wire:
        wire.socket.sendall(b"POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        server.wait_for(lambda: server.accepted_connections == 1)
        server.stop()
        assert wire.read_to_end() == (b"", CLOSED)
        assert server.requests == []


def test_a_hundred_connections_at_once(server: MockServer) -> None:
    wires = [Wire(server) for _ in range(100)]
    for wire in wires:
        wire.ask(HI)
    assert [wire.read_response()[0] for wire in wires] == [200] * 100
    assert {request.connection for request in server.requests} == set(range(1, 101))
    for wire in wires:
        wire.socket.close()


def test_small_writes_are_sent_at_once(server: MockServer) -> None:
    """Nagle's algorithm is off: it would hold each event back until the one before is acknowledged."""
    server.queue(Stream([b"x"] * 3))
    with Wire(server) as wire:
        wire.ask(HI)
        wire.read_until(b"0\r\n\r\n")
        assert server._runner is not None
        (protocol,) = server._runner._server.server_state.connections
        accepted = protocol.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_the_application_on_another_server() -> None:
    """It is plain ASGI: here without a server at all."""
    app = App(api_key="k")
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": "/v1/models/gpt-5", "query_string": b"", "http_version": "2",
        "headers": [(b"authorization", b"Bearer k")],
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 200
    assert app.hub.requests[0].connection == 0


def test_lifespan() -> None:
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(App()({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
