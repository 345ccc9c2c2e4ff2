"""A transport's WebSocket connection, three ways, against a server on `websockets`."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from wsproto.utilities import generate_accept_token

import oxide
from oxide.core.errors import (
    ConnectError,
    ProtocolError,
    TransportError,
    TransportTimeout,
    WebSocketConnectionClosedError,
)
from oxide.core.websocket import CLOSED

from ..client.tls import client_context, server_context
from ..ways import Way
from .conftest import do
from .peer import Peer

MESSAGES: list[str | bytes] = ["", "é€\N{GRINNING FACE}", b"\x00\xff" * 70, "x" * 70_000, os.urandom(300_000), b""]


async def echo(way: Way, ws: Any, messages: list[str | bytes]) -> None:
    """Everything that is sent comes back, sent and received at the same time."""
    got: list[str | bytes] = []

    async def send() -> None:
        for message in messages:
            await ws.send(message)

    async def receive() -> None:
        for _ in messages:
            got.append(await ws.recv())  # noqa: PERF401 (a failure shows what came)

    await way.gather(send, receive)
    assert got == messages


async def test_messages_go_both_ways(way: Way, connect: Any, peer: Peer) -> None:
    async with await connect(peer.url) as ws:
        assert ws.response.status_code == 101
        await echo(way, ws, MESSAGES)
        await ws.send("last")
        assert await ws.recv_bytes() == b"last"
    assert (ws.state, ws.close_code) == (CLOSED, 1000)


async def test_compressed(way: Way, connect: Any) -> None:
    with Peer(echo=True, compression="deflate") as peer:
        async with await connect(peer.url, max_size=2_000_000) as ws:
            assert "permessage-deflate" in ws.response.headers["sec-websocket-extensions"]
            await echo(way, ws, MESSAGES)


async def test_tls(way: Way, connect: Any) -> None:
    with Peer(echo=True, ssl=server_context()) as peer:
        async with await connect(peer.url, transport=way.transport(ssl_context=client_context())) as ws:
            await echo(way, ws, [*MESSAGES, os.urandom(2_000_000)])
        with pytest.raises(ConnectError, match="certificate"):
            await connect(peer.url)


async def test_subprotocol(way: Way, connect: Any) -> None:
    with Peer(subprotocols=["b"]) as peer:  # type: ignore[arg-type]
        async with await connect(peer.url, subprotocols=["a", "b"]) as ws:
            assert ws.subprotocol == "b"


@pytest.mark.parametrize(("code", "ok"), [(1000, True), (1001, True), (1011, False), (4000, False)])
async def test_the_server_closes(way: Way, connect: Any, peer: Peer, code: int, ok: bool) -> None:
    ws = await connect(peer.url)
    await ws.send(do("send", messages=["1", "2"]))
    await ws.send(do("close", code=code, reason="because"))
    # What came before the end is received first.
    assert [await ws.recv(), await ws.recv()] == ["1", "2"]
    for action in (ws.recv, lambda: ws.send("x"), ws.recv):
        with pytest.raises(WebSocketConnectionClosedError, match=f"{code}.*because") as caught:
            await action()
        assert (caught.value.code, caught.value.reason, caught.value.ok) == (code, "because", ok)
    assert (ws.close_code, ws.close_reason) == (code, "because")
    await ws.close()


async def test_iterating_ends_with_a_normal_end_only(way: Way, connect: Any, peer: Peer) -> None:
    ws = await connect(peer.url)
    await ws.send(do("send", messages=["1", "2"]))
    await ws.send(do("close"))
    assert [message async for message in ws] == ["1", "2"]
    ws = await connect(peer.url)
    await ws.send(do("send", messages=["1"]))
    await ws.send(do("half"))
    iterator = ws.__aiter__()
    assert await iterator.__anext__() == "1"
    with pytest.raises(WebSocketConnectionClosedError, match="inside a message") as caught:
        await iterator.__anext__()
    assert (caught.value.code, caught.value.ok) == (1006, False)


async def test_closing_while_another_receives(way: Way, connect: Any, peer: Peer) -> None:
    ws = await connect(peer.url)
    seen: list[Any] = []
    echoed: list[Any] = []

    async def receive() -> None:
        try:
            await ws.recv()
        except WebSocketConnectionClosedError as error:
            seen.append(error.code)

    async def close() -> None:
        await ws.send("one")
        while not echoed:
            await _pause(way)
        await ws.close(1001, "enough")
        seen.append("closed")

    async def both() -> None:
        echoed.append(await ws.recv())
        await receive()

    await way.gather(both, close)
    assert echoed == ["one"]
    assert sorted(map(str, seen)) == ["1001", "closed"]


async def test_receiving_while_another_closes(way: Way, connect: Any) -> None:
    """It is told how that ended, once it did."""
    with silent() as url:
        ws = await connect(url, close_timeout=0.3)

        async def receive() -> None:
            while not ws._closing:
                await _pause(way)
            with pytest.raises(WebSocketConnectionClosedError, match="close_timeout"):
                await ws.recv()

        await way.gather(ws.close, receive)


async def _pause(way: Way) -> None:
    if way.is_sync:
        threading.Event().wait(0.005)
    else:
        await anyio.sleep(0.005)


async def test_a_server_that_does_not_answer_the_close(way: Way, connect: Any) -> None:
    with silent() as url:
        ws = await connect(url, close_timeout=0.1)
        await ws.close()
        assert (ws.state, ws.close_code) == (CLOSED, 1006)
        with pytest.raises(WebSocketConnectionClosedError, match="close_timeout"):
            await ws.recv()


async def test_one_receiver_at_a_time(way: Way, connect: Any, peer: Peer) -> None:
    ws = await connect(peer.url)
    started = threading.Event()

    async def first() -> None:
        started.set()
        await ws.recv()

    async def second() -> None:
        while not (started.is_set() and _is_receiving(ws)):
            await _pause(way)
        with pytest.raises(RuntimeError, match="another thread or task"):
            await ws.recv()
        await ws.send("done")

    await way.gather(first, second)
    await ws.close()


def _is_receiving(ws: Any) -> bool:
    return bool(ws._receiving)


async def test_a_timeout_loses_nothing(way: Way, connect: Any, peer: Peer) -> None:
    async with await connect(peer.url) as ws:
        for number in range(20):
            with pytest.raises(TimeoutError):
                await ws.recv(timeout=0.001)
            await ws.send(str(number))
            while True:
                try:
                    assert await ws.recv(timeout=0.002) == str(number)
                    break
                except TimeoutError:
                    continue


async def test_cancellation_loses_nothing(way: Way, connect: Any, peer: Peer) -> None:
    if way.is_sync:
        pytest.skip("threads are not cancelled")
    got: list[str] = []
    async with await connect(peer.url) as ws:
        await ws.send(do("send", messages=[str(number) for number in range(300)]))
        while len(got) < 300:
            with anyio.move_on_after(0.0005):
                while True:
                    got.append(await ws.recv())
            await anyio.lowlevel.checkpoint()
        # A send that is cancelled in the middle of a message leaves no half of it: it is sent, or it is not.
        sent = 0
        await ws.send(do("sleep", seconds=0.3))
        for number in range(30):
            with anyio.move_on_after(0.01) as scope:
                await ws.send(f"{number:02}" * 100_000)
            sent += not scope.cancelled_caught
        await ws.send("end")
        echoed = []
        while (message := await ws.recv()) != "end":
            assert message == message[:2] * 100_000
            echoed.append(int(message[:2]))
        assert echoed == sorted(echoed)
        assert len(echoed) >= sent
    assert got == [str(number) for number in range(300)]


async def test_pings_are_answered_while_nobody_receives(way: Way, connect: Any, peer: Peer) -> None:
    async with await connect(peer.url, ping_interval=0.2) as ws:
        await ws.send(do("ping"))
        for _ in range(200):
            await _pause(way)
            if ws._messages:
                break
        assert await ws.recv() == '"ponged"'


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """The URL of a server that shakes hands, and then reads and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake() -> None:
            connection, _ = listener.accept()
            with connection:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(4096)
                key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
                head = b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                connection.sendall(head + generate_accept_token(key) + b"\r\n\r\n")
                ended.wait(20)

        ended = threading.Event()
        thread = threading.Thread(target=shake)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            ended.set()
            thread.join()


async def test_a_server_that_is_gone_is_noticed(way: Way, connect: Any) -> None:
    with silent() as url:
        ws = await connect(url, ping_interval=0.1, ping_timeout=0.1)
        with pytest.raises(WebSocketConnectionClosedError, match="ping_timeout"):
            await ws.recv()


async def test_sending_waits_for_a_server_that_does_not_read(way: Way, connect: Any, peer: Peer) -> None:
    """Memory is bounded: what the sockets don't take in is held by one message at a time."""
    async with await connect(peer.url) as ws:
        await ws.send(do("sleep", seconds=0.3))
        most = 0

        async def send() -> None:
            nonlocal most
            for _ in range(50):
                await ws.send(b"x" * 200_000)
                most = max(most, len(ws._stream._unsent))

        async def receive() -> None:
            for _ in range(50):
                assert len(await ws.recv_bytes()) == 200_000

        await way.gather(send, receive)
        assert most == 0


async def test_receiving_is_what_lets_the_server_go_on(way: Way, connect: Any, peer: Peer) -> None:
    async with await connect(peer.url, max_queue=4, ping_interval=0.1) as ws:
        await ws.send(do("send", messages=["x" * 20_000] * 600))
        for _ in range(40):
            await _pause(way)
        # One read may have brought more messages than the queue is to hold, but the next one waits.
        assert len(ws._messages) < 20
        for _ in range(600):
            assert len(await ws.recv()) == 20_000


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
async def test_the_server_declines(way: Way, connect: Any, peer: Peer, status: int) -> None:
    body = b'{"error": {"message": "not you", "code": "x"}}'
    peer.answers.append((status, {"Content-Type": "application/json", "X-Request-Id": "req_1"}, body))
    with pytest.raises(oxide.APIStatusError, match="not you") as caught:
        await connect(peer.url)
    assert (caught.value.status_code, caught.value.code, caught.value.request_id) == (status, "x", "req_1")


async def test_redirects_stay_on_the_origin(way: Way, connect: Any, peer: Peer) -> None:
    peer.answers.append((307, {"Location": "/v1/elsewhere?a=1"}, b""))
    async with await connect(peer.url):
        pass
    assert peer.handshakes[-1][0] == "/v1/elsewhere?a=1"
    peer.answers.append((302, {"Location": "http://localhost:1/other"}, b""))
    with pytest.raises(TransportError, match="another origin"):
        await connect(peer.url)
    peer.answers += [(302, {"Location": "/again"}, b"")] * 30
    with pytest.raises(ProtocolError, match="redirects"):
        await connect(peer.url)


async def test_what_does_not_speak_websocket(way: Way, connect: Any, peer: Peer, server: Any) -> None:
    peer.answers.append((200, {}, b"hello"))
    with pytest.raises(ProtocolError, match="does not speak WebSocket"):
        await connect(peer.url)
    with pytest.raises(ConnectError):
        await connect("ws://127.0.0.1:1/")


async def test_a_server_that_never_answers(way: Way, connect: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(TransportTimeout, match=r"not open within 0\.2 s \(open_timeout\)"):
            await connect(url, open_timeout=0.2)


async def test_an_unclosed_connection_warns(way: Way, connect: Any, peer: Peer) -> None:
    held = [await connect(peer.url)]
    with pytest.warns(ResourceWarning, match="unclosed"):
        _forget(held)


def _forget(held: list[Any]) -> None:
    held.clear()
    gc.collect()


async def test_unix_socket(way: Way, connect: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with Peer(echo=True, unix=path):
        async with await connect("ws://localhost/x", transport=way.transport(uds=path)) as ws:
            await echo(way, ws, MESSAGES[:3])
