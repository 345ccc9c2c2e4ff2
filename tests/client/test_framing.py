"""HTTP/1.1 responses of every kind through the whole client: what comes of each, and whether its connection is kept."""

from __future__ import annotations

from typing import Any

import pytest

import oxide
from oxide.core.http import HeadBlock, Request
from oxide.core.timeouts import Timeout
from oxide.core.url import URL

from .peer import Connection, Event, Peer, chunk, chunked, reply

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def always(data: bytes, close: bool = False) -> Any:
    """A script that answers every request with these bytes."""

    def script(connection: Connection) -> None:
        while connection.receive():
            connection.send(data)
            if close:
                return

    return script


def in_pieces(data: bytes) -> Any:
    """The same, one byte a write."""

    def script(connection: Connection) -> None:
        while connection.receive():
            for position in range(len(data)):
                connection.send(data[position : position + 1])

    return script


KEPT = {
    "content-length": reply(b'{"a": 1}'),
    "chunked": chunked(b'{"a"', b": 1}", headers=b""),
    "chunk extensions and trailers": HEAD
    + b'Transfer-Encoding: chunked\r\n\r\n8;x="y"\r\n{"a": 1}\r\n0\r\nX-Sum: 1\r\n\r\n',
    "100 first": b"HTTP/1.1 100 Continue\r\n\r\n" + reply(b'{"a": 1}'),
    "103 and 102 first": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    + reply(b'{"a": 1}'),
    "no reason phrase": b'HTTP/1.1 200 \r\nContent-Length: 8\r\n\r\n{"a": 1}',
    "HTTP/1.0 with keep-alive": b'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 8\r\n\r\n{"a": 1}',
    "large head": reply(b'{"a": 1}', headers=b"X-Large: " + b"x" * 60_000 + b"\r\n"),
}

CLOSED = {
    "close announced": reply(b'{"a": 1}', headers=b"Connection: close\r\n"),
    "HTTP/1.0": b'HTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}',
    "until the end": HEAD + b'\r\n{"a": 1}',
    "another coding": HEAD + b'Transfer-Encoding: identity\r\n\r\n{"a": 1}',
    "something behind it": reply(b'{"a": 1}') + reply(b'{"a": 2}'),
    "garbage behind it": reply(b'{"a": 1}') + b"?",
}


@pytest.mark.parametrize("name", KEPT)
async def test_kept(way: Any, name: str) -> None:
    with Peer(always(KEPT[name])) as peer:
        client = way.client(base_url=peer.base_url)
        for _ in range(3):
            assert await client.get("/x", cast_to=object) == {"a": 1}
        assert peer.accepted == 1
        assert client._transport.stats()["idle"] == 1


@pytest.mark.parametrize("name", CLOSED)
async def test_not_kept(way: Any, name: str) -> None:
    with Peer(always(CLOSED[name], close=True)) as peer:
        client = way.client(base_url=peer.base_url)
        for count in (1, 2, 3):
            assert await client.get("/x", cast_to=object) == {"a": 1}
            assert client._transport.stats()["open"] == 0
            assert peer.accepted == count


@pytest.mark.parametrize("name", ["chunked", "content-length", "103 and 102 first"])
async def test_byte_by_byte(way: Any, name: str) -> None:
    with Peer(in_pieces(KEPT[name])) as peer:
        client = way.client(base_url=peer.base_url)
        assert await client.get("/x", cast_to=object) == {"a": 1}
        assert await client.get("/x", cast_to=object) == {"a": 1}
        assert peer.accepted == 1


BROKEN = {
    "nothing": (b"", "without sending a response"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-", "inside the head of the response, after 25 bytes"),
    "half a body": (HEAD + b'Content-Length: 8\r\n\r\n{"a"', "4 of 8 bytes of its body are missing"),
    "half a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n8\r\n{", "the last chunk is missing"),
    "no last chunk": (chunked(b'{"a": 1}', end=False), "the last chunk is missing"),
    "garbage": (b"\x16\x03\x01\x00\x02\x02\x28", "invalid HTTP response"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.9\r\n", "invalid HTTP response"),
    "HTTP/2 settings": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "invalid HTTP response"),
    "two lengths": (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "invalid HTTP response"),
    "length and chunks": (
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        "invalid HTTP response",
    ),
    "bad chunk size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "invalid HTTP response"),
    "unasked upgrade": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "status 101"),
    "head over the limit": (HEAD + b"X-Large: " + b"x" * 70_000 + b"\r\n\r\n", "larger than the limit of 65536 bytes"),
    "endless 1xx": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 2000, "larger than the limit of 65536 bytes"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken(way: Any, name: str) -> None:
    data, message = BROKEN[name]
    with Peer(always(data, close=True)) as peer:
        client = way.client(base_url=peer.base_url, max_retries=0)
        with pytest.raises(oxide.APIConnectionError, match=message) as caught:
            await client.get("/x", cast_to=object)
        assert isinstance(caught.value.__cause__, oxide.core.errors.TransportError)
        assert not isinstance(caught.value, oxide.APITimeoutError)
        assert client._transport.stats()["open"] == 0
        assert peer.accepted == 1


async def test_broken_is_retried(way: Any) -> None:
    def script(connection: Connection) -> None:
        connection.receive()
        if connection.number == 0:
            connection.send(BROKEN["half a body"][0])
        else:
            connection.send(reply(b'{"a": 1}'))
            connection.wait_closed()

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url)
        assert await client.post("/x", cast_to=object, body={"b": 2}) == {"a": 1}
        assert peer.requests[0].body == peer.requests[1].body == b'{"b":2}'


NO_BODY = {
    "HEAD": ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
    "HEAD, chunked": ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "204": ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n"),
    "204 with a length": ("POST", b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
    "304": ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n"),
    "empty": ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("name", NO_BODY)
@pytest.mark.parametrize("stream", [False, True])
async def test_no_body(way: Any, name: str, stream: bool) -> None:
    method, data = NO_BODY[name]
    with Peer(always(data)) as peer:
        transport = way.transport()
        way.client(base_url=peer.base_url, http_client=transport)
        request = Request(method, URL(peer.base_url + "/x"), HeadBlock(()), b"", Timeout(5.0))
        for _ in range(2):
            if way.is_sync:
                response = transport.send(request, stream=stream)
                assert response.read() == b""
            else:
                response = await transport.send(request, stream=stream)
                assert await response.aread() == b""
            assert response.is_closed
            assert transport.stats()["idle"] == 1
        assert peer.accepted == 1


async def test_request_line_and_headers(way: Any) -> None:
    with Peer(always(reply())) as peer:
        client = way.client(base_url=peer.origin + "/a%20b/v1?api-version=1&x=%2F")
        await client.get("/p/q", cast_to=object, options={"params": {"y": "1&2"}})
        await client.post("/p", cast_to=object, body={"z": "ä"})
        await client.delete("/p", cast_to=object)
        get, post, delete = peer.requests
    assert (get.method, get.target) == ("GET", "/a%20b/v1/p/q?api-version=1&x=%2F&y=1%262")
    assert (post.method, post.target) == ("POST", "/a%20b/v1/p?api-version=1&x=%2F")
    assert get.headers["host"] == f"127.0.0.1:{peer.port}"
    assert "content-length" not in get.headers
    assert "content-length" not in delete.headers
    assert post.headers["content-length"] == str(len(post.body))
    assert post.body == '{"z":"ä"}'.encode()
    for request in (get, post, delete):
        names = [name.lower() for name, _ in request.fields]
        assert len(names) == len(set(names))
        assert request.headers["authorization"] == "Bearer sk-test"


async def test_stream_framings(way: Any) -> None:
    events = [b'data: {"n": 0}\n\n', b'data: {"n": 1}\n\ndata: ', b'{"n": 2}\n\n', b"data: [DONE]\n\n"]
    body = b"".join(events)
    answers = [
        chunked(*events),
        reply(body, content_type=b"text/event-stream"),
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + body,
    ]

    def script(connection: Connection) -> None:
        while connection.receive():
            connection.send(answers.pop(0))
            if len(answers) == 0:
                return

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url)
        for opened in (1, 1, 1):
            stream = await client.get("/x", cast_to=object, stream=True)
            assert [event["n"] async for event in stream] == [0, 1, 2]
            assert peer.accepted == opened
        assert client._transport.stats()["open"] == 0


async def test_huge_response(way: Any) -> None:
    size = 50_000_000

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(HEAD + b"Content-Length: %d\r\n\r\n" % size)
        block = b"x" * 1_000_000
        for _ in range(size // len(block)):
            connection.send(block)
        connection.receive()
        connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(size // len(block)):
            connection.send(chunk(block))
        connection.send(b"0\r\n\r\n")
        connection.wait_closed()

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url)
        for _ in range(2):
            assert len(await client.get("/x", cast_to=bytes)) == size
        assert peer.accepted == 1


async def test_answer_before_the_request_is_read(way: Any) -> None:
    """A server may refuse a body without reading it, and close: what it said is reported, not the broken pipe."""

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(
            reply(b'{"error": {"message": "too large"}}', "413 Content Too Large", b"Connection: close\r\n")
        )

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, max_retries=0)
        with pytest.raises(oxide.APIStatusError, match="too large") as caught:
            await client.post("/x", cast_to=object, content=b"x" * 30_000_000)
        assert caught.value.status_code == 413
        assert client._transport.stats()["open"] == 0


async def test_bytes_on_an_idle_connection(way: Any) -> None:
    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(reply(b'{"a": %d}' % connection.number))
        if connection.number == 0:
            said.wait()
            connection.send(reply(b'{"a": "not yours"}'))
            sent.set()
        connection.wait_closed()

    said, sent = Event(), Event()
    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, max_retries=0)
        assert await client.get("/x", cast_to=object) == {"a": 0}
        said.set()
        sent.wait()
        assert await client.get("/x", cast_to=object) == {"a": 1}
        peer.wait_closed(0)


async def test_ipv6(way: Any) -> None:
    with Peer(always(reply(b'{"a": 6}')), host="::1") as peer:
        client = way.client(base_url=peer.base_url)
        assert await client.get("/x", cast_to=object) == {"a": 6}
        assert peer.requests[0].headers["host"] == f"[::1]:{peer.port}"
