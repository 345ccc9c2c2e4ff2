"""Compressed bodies: every coding that is asked for, cut anywhere, and what is refused."""

from __future__ import annotations

import gzip
import random
import subprocess
import sys
import zlib
from importlib import import_module
from typing import Any

import brotli
import pytest
import zstandard

import oxide
from oxide.core import coding as module
from oxide.core.coding import PIECE, BodyDecoder, body_decoder
from oxide.core.errors import ProtocolError

from .peer import Connection, Event, Peer, chunk, chunked, reply

PLAIN = b'{"a": "' + b"x" * 100_000 + b'"}'
NOISE = random.Random(1).randbytes(10_000)


@pytest.fixture(params=["backports.zstd", "zstandard"])
def zstd(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decode zstd with this package."""
    name = request.param
    if sys.version_info >= (3, 14) and name == "backports.zstd":
        name = "compression.zstd"
    layer = module._Zstandard if name == "zstandard" else module._Zstd
    monkeypatch.setattr(module, "_zstd", lambda: lambda: layer(import_module(name)))


def bare(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(data) + squeeze.flush()


CODINGS = {
    "gzip": ("gzip", gzip.compress(PLAIN)),
    "x-gzip": ("X-GZip", gzip.compress(PLAIN)),
    "gzip in members": ("gzip", gzip.compress(PLAIN[:5]) + gzip.compress(PLAIN[5:])),
    "deflate": ("deflate", zlib.compress(PLAIN)),
    "bare deflate": ("deflate", bare(PLAIN)),
    "gzip with padding": ("gzip", gzip.compress(PLAIN) + bytes(100)),
    "both": ("deflate, gzip", gzip.compress(zlib.compress(PLAIN))),
    "br": ("br", brotli.compress(PLAIN)),
    "zstd": ("zstd", zstandard.compress(PLAIN)),
    "zstd in frames": ("ZSTD", zstandard.compress(PLAIN[:5]) + zstandard.compress(PLAIN[5:])),
    "all": ("zstd, br, gzip", gzip.compress(brotli.compress(zstandard.compress(PLAIN)))),
    "br, which nothing gets smaller by": ("br", brotli.compress(NOISE)),
    "zstd, which nothing gets smaller by": ("zstd", zstandard.compress(NOISE)),
    "identity": ("identity", PLAIN),
}


@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_decoder(name: str, size: int, zstd: None) -> None:
    coding, data = CODINGS[name]
    decoder = body_decoder([(b"Content-Type", b"x"), (b"Content-Encoding", coding.encode())])
    if coding == "identity":
        assert decoder is None
        return
    assert decoder is not None
    pieces = [decoder.receive_data(data[start : start + size]) for start in range(0, len(data), size)]
    decoder.receive_eof()
    plain = NOISE if "nothing" in name else PLAIN
    assert b"".join(pieces) == plain
    # The same a piece at a time.
    decoder = body_decoder([(b"content-encoding", coding.encode())])
    assert decoder is not None
    pieces = []
    for start in range(0, len(data), size):
        decoder.feed(data[start : start + size])
        pieces += decoder
    decoder.receive_eof()
    assert b"".join(pieces) == plain


@pytest.mark.parametrize(
    ("coding", "data", "message"),
    [
        ("compress", b"abc", "'compress', which was not asked for"),
        ("gzip, lzma", b"abc", "'lzma', which was not asked for"),
        (", ".join(["gzip"] * 6), b"abc", "6 content codings, one in the other"),
        ("gzip", b"abc", "not in the content coding 'gzip'"),
        ("deflate", b"\xff\xff", "not in the content coding 'deflate'"),
        ("br", b"\xff" * 10, "not in the content coding 'br'"),
        ("zstd", b"abcdefgh", "not in the content coding 'zstd'"),
        ("gzip", gzip.compress(PLAIN)[:-4], "in the middle"),
        ("deflate", zlib.compress(PLAIN)[:-4], "in the middle"),
        ("br", brotli.compress(PLAIN)[:-1], "in the middle"),
        ("zstd", zstandard.compress(PLAIN)[:-1], "in the middle"),
        ("gzip, br", brotli.compress(gzip.compress(PLAIN)[:-4]), "in the middle of its content coding 'gzip'"),
        ("gzip", gzip.compress(PLAIN) + b"?", "not in the content coding 'gzip'|in the middle"),
        ("br", brotli.compress(PLAIN) + b"?", "not in the content coding 'br'"),
        # A window of 128 MiB, where 8 MiB is what a client has to have.
        ("zstd", b"\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00", "not in the content coding 'zstd'"),
    ],
    # Compressed bytes would not make the same names everywhere.
    ids=map(str, range(15)),
)
def test_decoder_refuses(coding: str, data: bytes, message: str, zstd: None) -> None:
    decoder = body_decoder([(b"content-encoding", coding.encode())])
    assert decoder is not None
    with pytest.raises(ProtocolError, match=message):  # noqa: PT012
        decoder.receive_data(data)
        decoder.receive_eof()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "br, zstd"])
def test_empty(coding: str) -> None:
    """A body of no bytes, such as the answer to HEAD has, is in any coding."""
    decoder = body_decoder([(b"content-encoding", coding.encode())])
    assert decoder is not None
    decoder.receive_eof()
    decoder.feed(b"")
    assert decoder.read() == b""
    decoder.receive_eof()


# More than the 64 MiB that every body may have.
ZEROS = bytes(70 << 20)
BOMBS = {
    "gzip": gzip.compress(ZEROS, 1),
    "br": brotli.compress(ZEROS, quality=1),
    "zstd": zstandard.compress(ZEROS),
}
BOMBS["gzip, gzip"] = gzip.compress(BOMBS["gzip"])
BOMBS["br, gzip"] = gzip.compress(BOMBS["br"])


@pytest.mark.parametrize("coding", BOMBS)
def test_bomb(coding: str, zstd: None) -> None:
    data = BOMBS[coding]
    largest = 16 << 20 if coding == "zstd" else 2 * PIECE
    decoder = BodyDecoder(coding.split(", "))
    decoder.feed(data)
    assert 0 < len(decoder.read()) <= largest
    decoder = BodyDecoder(coding.split(", "))
    with pytest.raises(ProtocolError, match=r"more than 100 times as many \(max_expansion\)"):
        decoder.receive_data(data)
    decoder = BodyDecoder(coding.split(", "), None)
    decoder.feed(data)
    assert sum(map(len, decoder)) == len(ZEROS)


async def test_bomb_in_a_response(way: Any) -> None:
    """Refused where it is to be in memory, in pieces where it is not."""

    def script(connection: Connection) -> None:
        while connection.receive():
            connection.send(reply(BOMBS["gzip"], headers=b"Content-Encoding: gzip\r\n"))

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, max_retries=0)
        with pytest.raises(oxide.APIConnectionError, match="max_expansion"):
            await client.get("/x", cast_to=bytes)
        with pytest.raises(oxide.APIConnectionError, match="max_event_size"):
            async for _ in await client.get("/x", cast_to=object, stream=True):
                pass
        assert client._transport.stats()["in_use"] == 0
        async with client.with_streaming_response.files.content("f") as response:
            with pytest.raises(oxide.APIConnectionError, match="max_expansion"):
                await response.read()
        async with client.with_streaming_response.files.content("f") as response:
            pieces, size = response.iter_bytes(), 0
            while size < len(ZEROS):
                data = await pieces.__anext__()
                assert len(data) <= PIECE
                size += len(data)
            with pytest.raises(StopAsyncIteration):
                await pieces.__anext__()
        client = way.client(base_url=peer.base_url, http_client=way.transport(max_expansion=None), max_retries=0)
        assert len(await client.get("/x", cast_to=bytes)) == len(ZEROS)
    with pytest.raises(ValueError, match="max_expansion must be at least 1"):
        way.transport(max_expansion=0.5)


def test_advertised() -> None:
    """Only what can be undone; and nothing that is large is imported to find that out."""

    def value(hidden: str) -> list[str]:
        code = f"""
import sys
sys.modules.update(dict.fromkeys({hidden.split()!r}))
from oxide.core.coding import accept_encoding
print(accept_encoding(), *{{"zstandard", "backports.zstd", "compression.zstd"}} & {{name for name in sys.modules if sys.modules[name]}}, sep="/")
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.strip().split("/")

    assert value("") == ["gzip, deflate, br, zstd"]
    assert value("brotli brotlicffi") == ["gzip, deflate, zstd"]
    assert value("brotli brotlicffi zstandard backports backports.zstd compression compression.zstd") == [
        "gzip, deflate"
    ]


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
            if "nothing" in name:
                assert await client.get("/x", cast_to=bytes) == NOISE
            else:
                assert await client.get("/x", cast_to=object) == {"a": "x" * 100_000}
        assert peer.accepted == 1
        assert peer.requests[0].headers["accept-encoding"] == "gzip, deflate, br, zstd"


class Squeeze:
    """Compresses event by event."""

    def __init__(self, coding: str) -> None:
        if coding == "gzip":
            gzipped = zlib.compressobj(wbits=31)
            self.add = lambda data: gzipped.compress(data) + gzipped.flush(zlib.Z_SYNC_FLUSH)
            self.end = gzipped.flush
        elif coding == "br":
            squeezed = brotli.Compressor()
            self.add = lambda data: squeezed.process(data) + squeezed.flush()
            self.end = squeezed.finish
        else:
            zipped = zstandard.ZstdCompressor().compressobj()
            self.add = lambda data: zipped.compress(data) + zipped.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
            self.end = zipped.flush


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
async def test_stream(way: Any, coding: str, zstd: None) -> None:
    """Each event comes when it was sent, and not when the next one was."""
    seen = [Event() for _ in range(3)]

    def script(connection: Connection) -> None:
        for number in range(2):
            connection.receive()
            squeeze = Squeeze(coding)
            connection.send(chunked(end=False, headers=b"Content-Encoding: %b\r\n" % coding.encode()))
            for position, event in enumerate(seen):
                connection.send(chunk(squeeze.add(b'data: {"n": %d}\n\n' % position)))
                if not number:
                    event.wait()
            connection.send(chunk(squeeze.add(b"data: [DONE]\n\n") + squeeze.end()) + b"0\r\n\r\n")
        connection.wait_closed()

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url)
        for _ in range(2):
            numbers = []
            async for event in await client.get("/x", cast_to=object, stream=True):
                numbers.append(event["n"])
                seen[event["n"]].set()
            assert numbers == [0, 1, 2]
        assert peer.accepted == 1


async def test_stream_that_is_cut(way: Any) -> None:
    data = Squeeze("gzip").add(b'data: {"n": 0}\n\n')

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(chunked(data, headers=b"Content-Encoding: gzip\r\n"))
        connection.wait_closed()

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url)
        stream = await client.get("/x", cast_to=object, stream=True)
        assert (await stream.__anext__())["n"] == 0
        with pytest.raises(oxide.APIConnectionError, match="ends in the middle of its content coding 'gzip'"):
            await stream.__anext__()


@pytest.mark.parametrize("stream", [False, True])
async def test_unknown_coding(way: Any, stream: bool) -> None:
    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(reply(b"abc", headers=b"Content-Encoding: lzma\r\n"))
        connection.wait_closed()

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, max_retries=0)
        with pytest.raises(oxide.APIConnectionError, match="content coding 'lzma', which was not asked for"):
            async for _ in await client.get("/x", cast_to=object, stream=stream):
                pass
        assert client._transport.stats()["open"] == 0
