"""Damaged input for every machine that bytes of a peer go into: nothing but oxide's own errors comes out, and no more than went in.

`OXIDE_FUZZ` is how many inputs each machine gets (500 by default), `OXIDE_FUZZ_SEED` where the random numbers begin.
The same inputs come again with the same two. `OXIDE_FUZZ=1000000` takes ten minutes in all.
"""

from __future__ import annotations

import gzip
import os
import random
import zlib
from collections.abc import Callable
from typing import Any

import brotli
import pytest
import zstandard

from oxide.core.coding import BodyDecoder
from oxide.core.errors import TransportError
from oxide.core.http11 import END, H1Connection, Head
from oxide.core.proxies import Proxy
from oxide.core.sse import SSEParser
from oxide.core.tunnel import tunnel_machine
from oxide.core.url import Origin

COUNT = int(os.environ.get("OXIDE_FUZZ", "500"))
SEED = int(os.environ.get("OXIDE_FUZZ_SEED", "1"))

JSON = b'{"id": "resp_1", "output": [{"type": "message", "content": "' + b"abcdefgh" * 40 + b'"}]}'

RESPONSES = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(JSON), JSON),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1f;ext=1\r\n"
    + b"x" * 31
    + b"\r\n0\r\nTrailer: a\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
    b"HTTP/1.0 500 Oh\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
)

EVENTS = (
    b'event: response.created\ndata: {"type": "response.created"}\n\ndata: {"n": 1}\ndata: {"m": 2}\nid: 7\nretry: 10\n\n',
    b"\xef\xbb\xbf: comment\r\ndata:x\r\n\r\ndata\r\rdata: [DONE]\n\n",
    b'data: {"choices": [{"delta": {"content": "\xc3\xa4\xf0\x9f\x98\x80"}}]}\n\n' * 3,
)

TEXT = JSON * 5

CODED = {
    "gzip": (gzip.compress(TEXT), gzip.compress(TEXT) + gzip.compress(JSON), gzip.compress(bytes(100_000))),
    "deflate": (zlib.compress(TEXT), zlib.compress(TEXT)[2:-4]),
    "br": (brotli.compress(TEXT), brotli.compress(bytes(100_000))),
    "zstd": (zstandard.compress(TEXT), zstandard.compress(TEXT) * 2, zstandard.compress(bytes(100_000))),
    "br, gzip": (gzip.compress(brotli.compress(TEXT)),),
}

ANSWERS = (
    b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n",
    b"HTTP/1.0 407 Authentication\r\nProxy-Authenticate: Basic\r\n\r\n",
    b"\x05\x02\x01\x00\x05\x00\x00\x03\x07example\x00\x50",
    b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50",
)

PIECES = (
    b"\r\n",
    b"\n\n",
    b"\r",
    b"\0",
    b":",
    b"data:",
    b"Content-Length: 5\r\n",
    b"ffffffffffffffff",
    b"\xff\xff\xff\xff",
    b" ",
)


def damage(rng: random.Random, data: bytes) -> bytes:
    """`data` with up to a dozen bytes changed, left out, said again or put in; sometimes none, or cut off."""
    damaged = bytearray(data)
    for _ in range(rng.choice((0, 1, 1, 2, 3, 12))):
        where = rng.randrange(len(damaged) + 1)
        kind = rng.randrange(6)
        if kind == 0 and where < len(damaged):
            damaged[where] = rng.randrange(256)
        elif kind == 1 and where < len(damaged):
            damaged[where] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del damaged[where : where + rng.randrange(1, 9)]
        elif kind == 3:
            damaged[where:where] = damaged[max(where - rng.randrange(1, 30), 0) : where]
        elif kind == 4:
            damaged[where:where] = rng.choice(PIECES)
        else:
            damaged[where:where] = rng.randbytes(rng.randrange(1, 5))
    if not rng.randrange(8):
        del damaged[rng.randrange(len(damaged) + 1) :]
    return bytes(damaged)


def pieces(rng: random.Random, data: bytes) -> list[bytes]:
    """`data` cut into a few pieces."""
    if not rng.randrange(3):
        return [data]
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 6)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def http11(rng: random.Random) -> None:
    data = damage(rng, rng.choice(RESPONSES))
    h1 = H1Connection(max_head_size=rng.choice((64, 65536)))
    h1.start(rng.choice(("GET", "POST", "HEAD")))
    events: list[Any] = []
    try:
        for piece in pieces(rng, data):
            events += h1.receive_data(piece)
        events += h1.receive_eof()
    except TransportError:
        assert h1.closed or not h1.reusable
    for event in events:
        if isinstance(event, Head):
            assert 200 <= event.status <= 999
            for name, value in event.headers:
                assert b"\r" not in name + value
                assert b"\n" not in name + value
        else:
            assert event is END or type(event) is bytes
    assert sum(len(event) for event in events if isinstance(event, bytes)) <= len(data)
    assert events.count(END) <= 1


def sse(rng: random.Random) -> None:
    data = damage(rng, rng.choice(EVENTS))
    parser = SSEParser(max_event_size=rng.choice((64, 100_000)))
    size = 0
    try:
        for piece in pieces(rng, data):
            size += sum(len(event.data) for event in parser.receive_data(piece))
    except TransportError:
        pass
    # What is no UTF-8 becomes U+FFFD, one for each byte at most.
    assert size <= len(data)


def coding(rng: random.Random) -> None:
    name = rng.choice(list(CODED))
    data = damage(rng, rng.choice(CODED[name]))
    decoder = BodyDecoder(name.split(", "))
    try:
        for piece in pieces(rng, data):
            decoder.feed(piece)
            for plain in decoder:
                assert 0 < len(plain) <= 16 << 20
        decoder.receive_eof()
    except TransportError:
        pass


def proxy(rng: random.Random) -> None:
    machine = tunnel_machine(
        Proxy(rng.choice(("http://u:p@a", "socks5://u:p@a", "socks5://a"))), Origin("https", "b", 443)
    )
    try:
        for piece in pieces(rng, damage(rng, rng.choice(ANSWERS))):
            assert len(machine.data_to_send()) < 1000
            if machine.receive_data(piece):
                return
    except TransportError:
        pass


@pytest.mark.parametrize("machine", [http11, sse, coding, proxy], ids=lambda machine: machine.__name__)
def test_damaged_input(machine: Callable[[random.Random], None]) -> None:
    for number in range(COUNT):
        # Each has a seed of its own, so that one that fails can be had again at once.
        seed = SEED * 1_000_000_000 + number
        try:
            machine(random.Random(seed))
        except Exception as error:
            raise AssertionError(f"{machine.__name__}(random.Random({seed})): {error!r}") from error
