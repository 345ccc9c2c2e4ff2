"""What becomes of an upload that the server refuses, breaks off, or answers before its end."""

from __future__ import annotations

import io
import pathlib
import threading
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

import oxide
from oxide.core.body import CHUNK_SIZE
from tests.client.peer import Connection, Peer, reply
from tests.client.tls import client_context, server_context

from .conftest import opened
from .operations import EDIT, FILE
from .test_official import Unseekable
from .wire import Uploads, parts, receive

BUSY = reply(b'{"error": {"message": "busy"}}', "503 Service Unavailable", b"Retry-After-Ms: 1\r\n")
TOO_LARGE = reply(b'{"error": {"message": "too large"}}', "413 Payload Too Large", b"Connection: close\r\n")

DATA = bytes(range(251)) * (4 * CHUNK_SIZE // 251)
# More than the kernel takes in on the way.
LARGE = 16 << 20


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "data.bin"
    path.write_bytes(DATA)
    return path


def sparse(path: pathlib.Path, size: int) -> pathlib.Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


async def test_after_a_status(way: Any, file: pathlib.Path) -> None:
    with Uploads(BUSY, BUSY) as peer:
        client = way.client(base_url=peer.base_url)
        await client._call(EDIT, {"image": [file, io.BytesIO(DATA), b"bytes"], "prompt": "p"})
        assert len(peer.requests) == 3
        assert len({request.body for request in peer.requests}) == 1
        assert [request.headers["x-stainless-retry-count"] for request in peer.requests] == ["0", "1", "2"]
        assert [part.content for part in parts(peer.last)] == [b"p", DATA, DATA, b"bytes"]
        assert peer.accepted == 1


@pytest.mark.parametrize("how", ["reset", "close"])
async def test_after_a_break_in_the_middle(way: Any, file: pathlib.Path, how: str) -> None:
    def script(connection: Connection) -> None:
        if connection.number == 0:
            connection.receive_head()
            connection.sock.recv(CHUNK_SIZE)
            connection.reset() if how == "reset" else connection.close()
        else:
            while receive(connection):
                connection.send(reply())

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url)
        with file.open("rb") as opened_file:
            await client._call(EDIT, {"image": [file, opened_file], "prompt": "p"})
        assert [part.content for part in parts(peer.requests[-1])] == [b"p", DATA, DATA]
        assert peer.accepted == 2


async def test_on_a_kept_connection_that_breaks(way: Any, file: pathlib.Path) -> None:
    def script(connection: Connection) -> None:
        assert receive(connection)
        connection.send(reply())
        if connection.number == 0:
            connection.receive_head()
            connection.reset()
        else:
            while receive(connection):
                connection.send(reply())

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url)
        await client._call(FILE, {"file": b"first", "purpose": "batch"})
        await client._call(FILE, {"file": file, "purpose": "batch"})
        assert parts(peer.requests[-1])[1].content == DATA


def unrepeatable(kind: str) -> Any:
    if kind == "file":
        return {"files": {"file": Unseekable(DATA)}}
    return {"content": iter([DATA])}


@pytest.mark.parametrize("kind", ["file", "iterator"])
async def test_what_cannot_be_repeated(way: Any, kind: str) -> None:
    with Uploads(BUSY) as peer:
        client = way.client(base_url=peer.base_url)
        with pytest.raises(oxide.InternalServerError, match=r"busy \(not repeated, since .* a second time\)"):
            await client.post("/x", cast_to=object, **unrepeatable(kind))
        assert len(peer.requests) == 1

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.reset()

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url)
        with pytest.raises(oxide.APIConnectionError, match=r"\(not repeated, since .* a second time\)"):
            await client.post("/x", cast_to=object, **unrepeatable(kind))
        assert peer.accepted == 1


async def test_an_error_that_would_not_be_repeated_says_nothing_of_that(way: Any) -> None:
    with Uploads(TOO_LARGE) as peer:
        client = way.client(base_url=peer.base_url)
        with pytest.raises(oxide.APIStatusError) as caught:
            await client.post("/x", cast_to=object, content=iter([DATA]))
        assert str(caught.value) == "Error code: 413 - too large"


async def test_what_was_not_begun_can_be_repeated(way: Any) -> None:
    """Nobody listens: nothing of the body has been read."""
    with Uploads() as peer:
        port = peer.port
    client = way.client(base_url=f"http://127.0.0.1:{port}/v1", max_retries=1)
    pieces = iter([DATA])
    with pytest.raises(oxide.APIConnectionError) as caught:
        await client.post("/x", cast_to=object, content=pieces)
    assert "second time" not in str(caught.value)
    assert list(pieces) == [DATA]


@pytest.mark.parametrize("status", ["307 Temporary Redirect", "303 See Other"])
async def test_redirects(way: Any, file: pathlib.Path, status: str) -> None:
    moved = reply(b"", status, b"Location: /elsewhere\r\n")
    with Uploads(moved) as peer:
        client = way.client(base_url=peer.base_url)
        await client._call(FILE, {"file": file, "purpose": "batch"})
        first, second = peer.requests
        assert second.target == "/elsewhere"
        assert second.body == (first.body if status.startswith("307") else b"")
    with Uploads(moved) as peer:
        client = way.client(base_url=peer.base_url)
        if status.startswith("303"):
            await client.post("/x", cast_to=object, content=iter([DATA]))
            return
        with pytest.raises(oxide.APIConnectionError, match="redirect can't be followed"):
            await client.post("/x", cast_to=object, content=iter([DATA]))
        assert len(peer.requests) == 1


# --- answers that come early --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("manner", ["closes", "goes on reading"])
async def test_early_answer(way: Any, tmp_path: pathlib.Path, secure: bool, manner: str) -> None:
    taken = []

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(TOO_LARGE)
        if manner == "closes":
            return
        while True:
            data = connection.sock.recv(1 << 16)
            if not data:
                return
            taken.append(len(data))

    size = 256 << 20
    path = sparse(tmp_path / "large", size)
    with Peer(script, context=server_context() if secure else None) as peer:
        transport = way.transport(ssl_context=client_context()) if secure else way.transport()
        client = way.client(base_url=peer.base_url, http_client=transport)
        with pytest.raises(oxide.APIStatusError, match="too large") as caught:
            await client._call(FILE, {"file": path, "purpose": "batch"})
        assert caught.value.status_code == 413
        assert peer.accepted == 1
        assert client._transport.stats()["open"] == 0
        assert not opened(tmp_path)
    assert sum(taken) < size / 2


async def test_early_answer_of_a_stream(way: Any, tmp_path: pathlib.Path) -> None:
    """Its body is read at leisure; the connection is not used again."""
    path = sparse(tmp_path / "large", LARGE)
    gate = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        gate.wait(10)
        connection.send(b"cd")
        connection.wait_closed()

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url)
        params = {"file": path, "purpose": "batch", "__oxide_raw__": "stream"}
        response = await client._call(FILE, params)
        assert not opened(tmp_path)
        gate.set()
        assert await response.read() == b"abcd"
        assert client._transport.stats()["open"] == 0


async def test_informational_responses_on_the_way(way: Any, file: pathlib.Path) -> None:
    def script(connection: Connection) -> None:
        head = connection.receive_head()
        assert head is not None
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        connection._buffer = head + b"\r\n\r\n" + connection._buffer
        assert receive(connection)
        connection.send(reply())
        assert receive(connection)
        connection.send(reply())

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url)
        await client._call(EDIT, {"image": [file] * 5, "prompt": "p"})
        assert len(parts(peer.requests[0])) == 6
        await client._call(FILE, {"file": file, "purpose": "batch"})
        assert peer.accepted == 1


async def test_over_tls(way: Any, file: pathlib.Path) -> None:
    """Session tickets come while the body is written, and are no answer."""
    with Uploads(BUSY, context=server_context()) as peer:
        client = way.client(base_url=peer.base_url, http_client=way.transport(ssl_context=client_context()))
        for _ in range(2):
            await client._call(EDIT, {"image": [file, Unseekable(DATA)] if peer.requests else file, "prompt": "p"})
        assert [part.content for part in parts(peer.requests[1])] == [b"p", DATA]
        assert [part.content for part in parts(peer.requests[2])] == [b"p", DATA, DATA]
        assert peer.accepted == 1


# --- time and cancellation ----------------------------------------------------------------------------------------------


async def test_write_timeout(way: Any, tmp_path: pathlib.Path) -> None:
    path = sparse(tmp_path / "large", LARGE)
    done = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        done.wait(10)

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, max_retries=0, timeout=oxide.Timeout(10, write=0.2))
        with pytest.raises(oxide.APITimeoutError, match=r"took nothing in for 0.2 s \(timeout.write\)"):
            await client._call(FILE, {"file": path, "purpose": "batch"})
        assert not opened(tmp_path)
        done.set()


async def test_total_timeout(way: Any, tmp_path: pathlib.Path) -> None:
    """A server that takes a little again and again keeps no other limit from passing."""
    path = sparse(tmp_path / "large", 1 << 30)
    done = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        while not done.wait(0.01) and connection.sock.recv(1 << 18):
            pass

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, timeout=oxide.Timeout(10, total=0.4))
        with pytest.raises(oxide.APITimeoutError, match=r"timeout.total"):
            await client._call(FILE, {"file": path, "purpose": "batch"})
        assert not opened(tmp_path)
        done.set()


async def test_cancelling(way: Any, tmp_path: pathlib.Path) -> None:
    if way.is_sync:
        pytest.skip("threads can't be cancelled")
    path = sparse(tmp_path / "large", LARGE)
    started, done = threading.Event(), threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        started.set()
        done.wait(10)

    with path.open("rb") as mine, Peer(script) as peer:
        client = way.client(base_url=peer.base_url)
        with anyio.move_on_after(0.3) as scope:
            await client._call(EDIT, {"image": [path, mine], "prompt": "p"})
        assert scope.cancelled_caught
        assert started.is_set()
        # What is open is what the caller opened.
        assert opened(tmp_path) == [str(path)]
        assert not mine.closed
        assert client._transport.stats()["open"] == 0
        done.set()


async def test_cancelling_a_source(way: Any) -> None:
    """A generator that waits is left where it is, and told so."""
    if way.is_sync:
        pytest.skip("threads can't be cancelled")
    left = []

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            await anyio.sleep_forever()
        finally:
            left.append(True)

    with Uploads() as peer:
        client = way.client(base_url=peer.base_url)
        with anyio.move_on_after(0.2) as scope:
            await client.post("/x", cast_to=object, content=pieces())
        assert scope.cancelled_caught
        assert left == [True]
        peer.wait_closed(0)
        assert not peer.requests


# --- transports of the user's -------------------------------------------------------------------------------------------


async def test_other_transports(way: Any, file: pathlib.Path) -> None:
    """A transport gets a body that it can iterate over as often as it likes."""
    seen = []

    class Sync:
        def send(self, request: oxide.Request, *, stream: bool) -> oxide.Response:
            seen.append((request, [b"".join(request.content) for _ in range(2)]))  # type: ignore[arg-type]
            return oxide.Response(200, oxide.Headers(), request, content=b"{}")

        def close(self) -> None:
            pass

    class Async:
        async def send(self, request: oxide.Request, *, stream: bool) -> oxide.Response:
            bodies = []
            for _ in range(2):
                chunks = request.content.__aiter__()  # type: ignore[union-attr]
                first = await chunks.__anext__()
                await chunks.aclose()
                bodies.append(b"".join([chunk async for chunk in request.content]))  # type: ignore[union-attr]
                assert bodies[-1].startswith(first)
            seen.append((request, bodies))
            return oxide.Response(200, oxide.Headers(), request, content=b"{}")

        async def aclose(self) -> None:
            pass

    client = way.client(base_url="http://nowhere.invalid/v1", http_client=Sync() if way.is_sync else Async())
    await client._call(FILE, {"file": file, "purpose": "batch"})
    [(request, bodies)] = seen
    assert DATA in bodies[0]
    assert bodies[0] == bodies[1]
    assert request.length == request.content.length == len(bodies[0])
    assert int(request.headers["content-length"]) == len(bodies[0])
    assert f"{len(bodies[0])} bytes" in repr(request.content)
    with pytest.raises(oxide.OpenAIError, match="can't be read a second time"):
        await client.post("/x", cast_to=object, content=Unseekable(DATA))


async def test_a_body_of_the_wrong_length(way: Any) -> None:
    """A transport's user may bring a body; one that does not keep its word must not leave the request open."""

    class Liar:
        replayable = True

        def __init__(self, length: int) -> None:
            self.length = length

        def __iter__(self) -> Any:
            return (piece for piece in (b"abc", b"def"))

        async def __aiter__(self) -> Any:
            for piece in (b"abc", b"def"):
                yield piece

    with Uploads() as peer:
        transport = way.transport()
        for length in (5, 7):
            request = oxide.Request("POST", oxide.URL(peer.base_url), oxide.core.http.HeadBlock(()), Liar(length))
            with pytest.raises(oxide.OpenAIError, match=f"is not {length} bytes long"):
                # The synchronous one raises before there is anything to await.
                await transport.send(request, stream=False)
        request = oxide.Request("POST", oxide.URL(peer.base_url), oxide.core.http.HeadBlock(()), Liar(6))
        response = transport.send(request, stream=False)
        response = response if way.is_sync else await response
        assert response.status_code == 200
        assert [received.body for received in peer.requests] == [b"abcdef"]
        if way.is_sync:
            transport.close()
        else:
            await transport.aclose()


async def test_pickling_an_error(way: Any, file: pathlib.Path) -> None:
    import pickle

    with Uploads(TOO_LARGE) as peer:
        client = way.client(base_url=peer.base_url)
        with pytest.raises(oxide.APIStatusError) as caught:
            await client._call(FILE, {"file": file, "purpose": "batch"})
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert copy.request.content == b""
