"""Bodies that were compressed although nobody asked for it."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest

import oxide
from oxide.core.coding import body_decoder
from oxide.core.errors import ProtocolError

from .peer import Connection, Peer, chunked, reply

PLAIN = b'{"a": "' + b"x" * 100_000 + b'"}'


def bare(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(data) + squeeze.flush()


CODINGS = {
    "gzip": ("gzip", gzip.compress(PLAIN)),
    "x-gzip": ("X-GZip", gzip.compress(PLAIN)),
    "gzip in members": ("gzip", gzip.compress(PLAIN[:5]) + gzip.compress(PLAIN[5:])),
    "deflate": ("deflate", zlib.compress(PLAIN)),
    "bare deflate": ("deflate", bare(PLAIN)),
    "both": ("deflate, gzip", gzip.compress(zlib.compress(PLAIN))),
    "identity": ("identity", PLAIN),
}


@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_decoder(name: str, size: int) -> None:
    coding, data = CODINGS[name]
    decoder = body_decoder([(b"Content-Type", b"x"), (b"Content-Encoding", coding.encode())])
    if coding == "identity":
        assert decoder is None
        return
    assert decoder is not None
    pieces = [decoder.receive_data(data[start : start + size]) for start in range(0, len(data), size)]
    decoder.receive_eof()
    assert b"".join(pieces) == PLAIN


@pytest.mark.parametrize(
    ("coding", "data", "message"),
    [
        ("br", b"abc", "'br', which was not asked for"),
        ("gzip, zstd", b"abc", "'zstd', which was not asked for"),
        ("gzip", b"abc", "not in the content coding 'gzip'"),
        ("deflate", b"\xff\xff", "not in the content coding 'deflate'"),
        ("gzip", gzip.compress(PLAIN)[:-4], "in the middle"),
        ("gzip", gzip.compress(PLAIN) + b"?", "not in the content coding 'gzip'|in the middle"),
    ],
)
def test_decoder_refuses(coding: str, data: bytes, message: str) -> None:
    decoder = body_decoder([(b"content-encoding", coding.encode())])
    assert decoder is not None
    with pytest.raises(ProtocolError, match=message):  # noqa: PT012
        decoder.receive_data(data)
        decoder.receive_eof()


@pytest.mark.parametrize("name", CODINGS)
async def test_client(way: Any, name: str) -> None:
    coding, data = CODINGS[name]
    field = b"Content-Encoding: %b\r\n" % coding.encode()
    middle = len(data) // 2
    answers = [
        reply(data, headers=field),
        chunked(data[:1], data[1:middle], data[middle:], headers=b"Content-Type: application/json\r\n" + field),
    ]

    def script(connection: Connection) -> None:
        for answer in answers:
            connection.receive()
            connection.send(answer)
        connection.wait_closed()

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url)
        for _ in range(2):
            assert await client.get("/x", cast_to=object) == {"a": "x" * 100_000}
        assert peer.accepted == 1
        assert "accept-encoding" not in peer.requests[0].headers


async def test_stream(way: Any) -> None:
    squeeze = zlib.compressobj(wbits=31)
    events = (b'data: {"n": 0}\n\n', b'data: {"n": 1}\n\n', b"data: [DONE]\n\n")
    pieces = [squeeze.compress(event) + squeeze.flush(zlib.Z_SYNC_FLUSH) for event in events]
    pieces.append(squeeze.flush())

    def script(connection: Connection) -> None:
        while connection.receive():
            connection.send(chunked(*pieces, headers=b"Content-Encoding: gzip\r\n"))

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url)
        for _ in range(2):
            stream = await client.get("/x", cast_to=object, stream=True)
            assert [event["n"] async for event in stream] == [0, 1]
        assert peer.accepted == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_unknown_coding(way: Any, stream: bool) -> None:
    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(reply(b"abc", headers=b"Content-Encoding: br\r\n"))
        connection.wait_closed()

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, max_retries=0)
        with pytest.raises(oxide.APIConnectionError, match="content coding 'br', which was not asked for"):
            async for _ in await client.get("/x", cast_to=object, stream=stream):
                pass
        assert client._transport.stats()["open"] == 0
