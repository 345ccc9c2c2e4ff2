"""Responses whose body is content, beside the official SDK's."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

import oxide
from oxide import _response
from tests.client.peer import Connection, Peer, reply

from .operations import CONTENT
from .wire import Uploads

TEXT = "één\r\ntwee\n\ndrie \u2028 vier 😀"
BODY = TEXT.encode() + b"\xff"
MIXED = reply(BODY, content_type=b'text/x-mine; charset="UTF-8"')
JSON = reply(b'{"a": [1]}')


@pytest.fixture
def peer() -> Iterator[Uploads]:
    with Uploads() as peer:
        yield peer


def read(content: Any, path: pathlib.Path) -> dict[str, Any]:
    """What the methods of the content give."""
    content.write_to_file(path)
    seen: dict[str, Any] = {
        "written": path.read_bytes(),
        "content": content.content,
        "text": content.text,
        "encoding": content.encoding.lower(),
        "charset": content.charset_encoding,
        "read": content.read(),
        "pieces": list(content.iter_bytes(7)),
        "all": b"".join(content.iter_bytes()),
        "texts": "".join(content.iter_text(3)),
        "lines": list(content.iter_lines()),
        "status": content.response.status_code,
    }
    content.close()
    return seen


def test_the_official_one(peer: Uploads, tmp_path: pathlib.Path) -> None:
    peer.answers += [MIXED, MIXED, JSON, JSON]
    with openai.OpenAI(api_key="sk-test", base_url=peer.base_url) as client:
        theirs = read(client.files.content("f"), tmp_path / "a")
    with oxide.OpenAI(api_key="sk-test", base_url=peer.base_url) as client:
        content = client._call(CONTENT, {}, "f")
        assert type(content) is oxide.HttpxBinaryResponseContent
        mine = read(content, tmp_path / "b")
        # U+2028 is no end of a line, as in the streams of both.
        assert mine.pop("lines") == (TEXT + "\ufffd").replace("\r\n", "\n").split("\n")
        del theirs["lines"]
        assert mine == theirs
        assert content.response.headers["content-type"] == 'text/x-mine; charset="UTF-8"'
        there, here = peer.requests
        assert (here.target, here.headers["accept"]) == (there.target, there.headers["accept"])
        assert client._call(CONTENT, {}, "f").json() == {"a": [1]}
        assert client._call(CONTENT, {}, "f").json(parse_int=str) == {"a": ["1"]}


async def test_awaiting(way: Any, peer: Uploads, tmp_path: pathlib.Path) -> None:
    if way.is_sync:
        pytest.skip("for asynchronous code")
    peer.answers += [MIXED]
    client = way.client(base_url=peer.base_url)
    content = await client._call(CONTENT, {}, "f")
    assert await content.aread() == BODY
    assert b"".join([data async for data in await content.aiter_bytes(7)]) == BODY
    assert b"".join([data async for data in await content.aiter_raw()]) == BODY
    assert "".join([text async for text in await content.aiter_text(2)]) == content.text
    assert [line async for line in await content.aiter_lines()] == list(content.iter_lines())
    await content.astream_to_file(tmp_path / "x", chunk_size=5)
    assert (tmp_path / "x").read_bytes() == BODY
    assert f"{len(BODY)} bytes" in repr(content)
    await content.aclose()
    assert content.content == BODY


async def test_raw(way: Any, peer: Uploads) -> None:
    peer.answers += [MIXED]
    client = way.client(base_url=peer.base_url)
    raw = await client._call(CONTENT, {"__oxide_raw__": "raw"}, "f")
    assert raw.content == BODY
    parsed = (raw._wrapped if way.is_sync else raw).parse()
    assert type(parsed).__name__ == "HttpxBinaryResponseContent"
    assert parsed.content == BODY


class Late:
    """A server that sends the second half of a body when it is told to."""

    def __init__(self, proceed: Callable[[Connection], None]) -> None:
        self.peer = Peer(lambda connection: self._serve(connection, proceed))

    def _serve(self, connection: Connection, proceed: Callable[[Connection], None]) -> None:
        assert connection.receive()
        connection.send(reply(BODY * 2)[: -len(BODY)])
        proceed(connection)


async def test_streaming(way: Any, peer: Uploads, tmp_path: pathlib.Path) -> None:
    peer.answers += [MIXED] * 3
    client = way.client(base_url=peer.base_url)
    path = tmp_path / "x"
    response = await client._call(CONTENT, {"__oxide_raw__": "stream"}, "f")
    assert type(response._wrapped if way.is_sync else response).__name__ == (
        "StreamedBinaryAPIResponse" if way.is_sync else "AsyncStreamedBinaryAPIResponse"
    )
    await response.stream_to_file(path)
    assert path.read_bytes() == BODY
    response = await client._call(CONTENT, {"__oxide_raw__": "stream"}, "f")
    await response.stream_to_file(str(path), chunk_size=3)
    assert path.read_bytes() == BODY
    response = await client._call(CONTENT, {"__oxide_raw__": "stream"}, "f")
    assert await response.parse() == BODY
    assert client._transport.stats() | {"opened": 1, "in_use": 0} == client._transport.stats()


async def test_streaming_that_breaks(way: Any, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x"
    with Late(Connection.reset).peer as peer:
        client = way.client(base_url=peer.base_url)
        response = await client._call(CONTENT, {"__oxide_raw__": "stream"}, "f")
        with pytest.raises(oxide.APIConnectionError):
            await response.stream_to_file(path)
        assert BODY.startswith(path.read_bytes())
        response = await client._call(CONTENT, {"__oxide_raw__": "stream"}, "f")
        with pytest.raises(FileNotFoundError):
            await response.stream_to_file(tmp_path / "a" / "b")
        await response.close()


async def test_errors(way: Any, peer: Uploads) -> None:
    peer.answers += [reply(b'{"error": {"message": "no such file"}}', "404 Not Found")]
    client = way.client(base_url=peer.base_url)
    with pytest.raises(oxide.NotFoundError, match="no such file"):
        await client._call(CONTENT, {}, "f")


async def test_undocumented_endpoints(way: Any, peer: Uploads) -> None:
    class Mine(oxide.HttpxBinaryResponseContent):
        pass

    peer.answers += [MIXED] * 2
    client = way.client(base_url=peer.base_url)
    for kind in (oxide.HttpxBinaryResponseContent, Mine):
        content = await client.get("/x", cast_to=kind)
        assert type(content) is kind
        assert content.content == BODY


def test_the_other_classes(peer: Uploads, tmp_path: pathlib.Path) -> None:
    """`BinaryAPIResponse` is there for code that names it."""
    peer.answers += [MIXED] * 2
    path = tmp_path / "x"
    with oxide.OpenAI(api_key="sk-test", base_url=peer.base_url) as client:
        made = client._call(CONTENT, {"__oxide_raw__": "stream"}, "f")
        _response.BinaryAPIResponse(made._call, made.http_response, made._finish).write_to_file(path)
        assert path.read_bytes() == BODY
    path.unlink()

    async def main() -> None:
        async with oxide.AsyncOpenAI(api_key="sk-test", base_url=peer.base_url) as client:
            made = await client._call(CONTENT, {"__oxide_raw__": "stream"}, "f")
            await _response.AsyncBinaryAPIResponse(made._call, made.http_response, made._finish).write_to_file(path)

    asyncio.run(main())
    assert path.read_bytes() == BODY
