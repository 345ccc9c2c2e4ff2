"""The HTTP/2 machine against h2's server side: what it makes of frames, however they are cut, and of frames that are none."""

from __future__ import annotations

import os
import random
import re
import struct
from collections.abc import Callable
from typing import Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oxide.core.errors import OpenAIError, ProtocolError, ReadError, TransportError
from oxide.core.http import HeadBlock, Request
from oxide.core.http2 import CONNECTION_WINDOW, MAX_HEAD_SIZE, SILENCE, H2Connection, Protocol
from oxide.core.http2_options import HTTP2, as_http2
from oxide.core.http2_stream import H2Stream
from oxide.core.timeouts import Timeout
from oxide.core.url import URL

WINDOW = 65535


class Pair:
    """A client's machine and h2's server, connected by nothing but calls.

    Attributes:
        events: what the server saw.
    """

    def __init__(self, settings: dict[Any, int] | None = None, **options: Any) -> None:
        options.setdefault("window", WINDOW)
        self.now = 1000.0
        self.client = H2Connection(HTTP2(**options), "https", self.now)
        self.server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
        if settings is not None:
            self.server.local_settings = h2.settings.Settings(client=False, initial_values=settings)
            self.server.max_inbound_frame_size = self.server.local_settings.max_frame_size
        self.server.initiate_connection()
        self.events: list[h2.events.Event] = []
        self.cut: Callable[[bytes], list[bytes]] = lambda data: [data]

    def request(self, method: str = "GET", content: Any = b"", streaming: bool = False, **headers: str) -> H2Stream:
        head = HeadBlock(tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()))
        request = Request(method, URL("https://example.com/v1/x?y=1"), head, content, Timeout(5.0))
        stream = self.client.open(request, streaming, self.now)
        self.client.push(stream, 1 << 30)
        return stream

    def exchange(self) -> None:
        """Pass on what each side has to say until neither has anything."""
        while True:
            there, back = self.client.data_to_send(), self.server.data_to_send()
            if not there and not back:
                return
            self.events += self.server.receive_data(there)
            self.receive(back)

    def receive(self, data: bytes) -> None:
        for piece in self.cut(data):
            self.client.receive_data(piece, self.now)

    def answer(self, stream: H2Stream, *pieces: bytes, end: bool = True, status: str = "200", **headers: str) -> None:
        fields = [(":status", status), *((name.replace("_", "-"), value) for name, value in headers.items())]
        self.server.send_headers(stream.number, fields, end_stream=end and not pieces)
        for number, piece in enumerate(pieces, 1):
            self.server.send_data(stream.number, piece, end_stream=end and number == len(pieces))
        self.exchange()

    def seen(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if type(event) is kind]


class Unmeasured:
    """A body that is read while it is sent."""

    replayable = False

    def __init__(self, length: int | None = None) -> None:
        self.length = length


def frame(kind: int, flags: int, number: int, payload: bytes = b"") -> bytes:
    return struct.pack(">HBBBL", len(payload) >> 8, len(payload) & 255, kind, flags, number) + payload


def outcome(stream: H2Stream) -> Any:
    """All there is to know about a stream."""
    error = stream.error and (type(stream.error), str(stream.error), stream.error.sent)
    return stream.status, stream.headers, b"".join(stream.chunks), stream.ready, stream.complete, error


def test_a_call() -> None:
    pair = Pair()
    stream = pair.request("POST", b"hello", authorization="Bearer k", Connection="close", TE="gzip", X_One="1")
    pair.exchange()
    (received,) = pair.seen(h2.events.RequestReceived)
    assert received.headers == [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":authority", b"example.com"),
        (b":path", b"/v1/x?y=1"),
        (b"authorization", b"Bearer k"),
        (b"x-one", b"1"),
        (b"content-length", b"5"),
    ]
    assert type(received.headers[4]).__name__ == "NeverIndexedHeaderTuple"
    assert [event.data for event in pair.seen(h2.events.DataReceived)] == [b"hello"]
    assert stream.ended
    assert not stream.ready
    pair.answer(stream, b"wor", b"ld", x_request_id="r", content_length="5")
    assert pair.client.news == [stream]
    response = stream.response()
    assert (response.status_code, response.content, response.http_version) == (200, b"world", "HTTP/2")
    assert response.headers["x-request-id"] == "r"
    assert pair.client.active == 0
    assert not pair.server.open_inbound_streams


def test_requests_without_a_body_end_with_their_head() -> None:
    pair = Pair()
    for method in ("GET", "DELETE", "HEAD"):
        stream = pair.request(method)
        pair.exchange()
        assert pair.seen(h2.events.StreamEnded)[-1].stream_id == stream.number
        pair.answer(stream, content_length="7" if method == "HEAD" else "0")
        assert stream.complete
    post = pair.request("POST")
    pair.exchange()
    assert (b"content-length", b"0") in pair.seen(h2.events.RequestReceived)[-1].headers
    pair.answer(post, status="204")
    assert post.complete


def script(pair: Pair) -> list[H2Stream]:
    """Eight calls, mixed: whole ones and streams, an informational response, trailers, an error, a reset, a GOAWAY."""
    streams = [pair.request("POST", b"x" * 100 * n, streaming=bool(n % 2)) for n in range(8)]
    pair.exchange()
    server = pair.server
    server.send_headers(1, [(":status", "103"), ("link", "</x>")])
    for number in (1, 3, 5, 7):
        server.send_headers(number, [(":status", "200"), ("x-number", str(number))])
    for turn in range(3):
        for number in (1, 3, 5):
            server.send_data(number, b"%d:%d " % (number, turn) * 50, pad_length=turn * 10 or None)
    server.send_headers(1, [("x-trailer", "1")], end_stream=True)
    server.send_data(3, b"", end_stream=True)
    server.reset_stream(5, h2.errors.ErrorCodes.INTERNAL_ERROR)
    server.reset_stream(9, h2.errors.ErrorCodes.REFUSED_STREAM)
    server.send_headers(11, [(":status", "500"), ("content-length", "3")])
    server.send_data(11, b"four", end_stream=True)
    server.ping(b"12345678")
    server.send_data(7, b"last")
    data = server.data_to_send()
    data += frame(7, 0, 0, struct.pack(">LL", 13, 0)) + frame(0, 1, 7, b"!")
    pair.receive(data)
    pair.client.receive_eof()
    return streams


def test_every_outcome() -> None:
    pair = Pair()
    streams = script(pair)
    whole, streamed, reset, slow, refused, long, open_, beyond = streams
    assert whole.complete
    assert b"".join(whole.chunks) == b"1:0 " * 50 + b"1:1 " * 50 + b"1:2 " * 50
    assert streamed.complete
    assert slow.complete
    assert b"".join(slow.chunks) == b"last!"
    for stream, kind, text, sent in (
        (reset, ReadError, "INTERNAL_ERROR", True),
        (refused, ReadError, "refused the request", False),
        (long, ProtocolError, "longer than 3 bytes", True),
        (open_, ReadError, "closed the connection before", True),
        (beyond, ReadError, "did not take the request", False),
    ):
        assert type(stream.error) is kind
        assert text in str(stream.error)
        assert stream.error.sent is sent
    assert not pair.client.usable
    assert pair.client.active == 0


@settings(max_examples=40)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=200))
def test_any_split_gives_the_same(sizes: list[int]) -> None:
    whole, cut = Pair(), Pair()

    def pieces(data: bytes) -> list[bytes]:
        found, start, number = [], 0, 0
        while start < len(data):
            size = sizes[number % len(sizes)]
            found.append(data[start : start + size])
            start, number = start + size, number + 1
        return found

    cut.cut = pieces
    assert list(map(outcome, script(whole))) == list(map(outcome, script(cut)))
    assert [stream.number for stream in whole.client.news] == [stream.number for stream in cut.client.news]


# --- windows ------------------------------------------------------------------------------------------------------------


def test_an_upload_keeps_to_the_windows() -> None:
    codes = h2.settings.SettingCodes
    pair = Pair({codes.INITIAL_WINDOW_SIZE: 1000, codes.MAX_FRAME_SIZE: 20000})
    pair.exchange()
    body = os.urandom(300_000)
    stream = pair.request("POST", body)
    assert len(stream.unsent) == len(body) - 1000
    pair.exchange()
    received = bytearray()

    def collect() -> None:
        events, pair.events = pair.events, []
        for event in events:
            if isinstance(event, h2.events.DataReceived):
                received.extend(event.data)

    collect()
    assert len(received) == 1000
    # A larger window for all streams; then updates for this one and for the connection.
    pair.client.news.clear()
    stream.news = False
    pair.server.update_settings({codes.INITIAL_WINDOW_SIZE: 5000})
    pair.exchange()
    assert pair.client.news == [stream]
    pair.client.push(stream, 1 << 30)
    pair.exchange()
    collect()
    assert len(received) == 5000
    # A smaller one: the window is negative now, and stays closed for a while.
    pair.server.update_settings({codes.INITIAL_WINDOW_SIZE: 2000})
    pair.exchange()
    assert pair.client.push(stream, 1 << 30) == 0
    pair.server.increment_flow_control_window(3000, stream.number)
    pair.exchange()
    assert pair.client.push(stream, 1 << 30) == 0
    pair.server.increment_flow_control_window(1, stream.number)
    pair.exchange()
    assert pair.client.push(stream, 1 << 30) == 1
    while stream.sending:
        pair.server.increment_flow_control_window(50_000, stream.number)
        pair.server.increment_flow_control_window(50_000)
        pair.exchange()
        pair.client.push(stream, 1 << 30)
        pair.exchange()
        collect()
    assert received == body
    assert stream.ended
    pair.answer(stream, b"ok")
    assert stream.complete


def test_what_is_sent_at_once_is_limited() -> None:
    pair = Pair({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1 << 20})
    pair.exchange()
    pair.server.increment_flow_control_window(1 << 20)
    pair.exchange()
    stream = pair.request("POST", Unmeasured())
    assert not stream.ended
    stream.add(b"x" * 100_000)
    assert pair.client.push(stream, 30_000) == 30_000
    assert pair.client.push(stream, 1 << 30) == 70_000
    assert not stream.sending
    stream.add(b"")
    pair.client.push(stream, 1 << 30)
    assert stream.ended
    pair.exchange()
    assert not any(name == b"content-length" for name, _ in pair.seen(h2.events.RequestReceived)[0].headers)
    assert sum(len(event.data) for event in pair.seen(h2.events.DataReceived)) == 100_000
    assert pair.seen(h2.events.StreamEnded)


def test_a_body_that_is_not_as_long_as_it_said() -> None:
    for pieces in ((b"1234", b""), (b"1234", b"56")):
        stream = Pair().request("POST", Unmeasured(5))
        stream.add(pieces[0])
        with pytest.raises(OpenAIError, match="5 bytes long"):
            stream.add(pieces[1])


def test_windows_are_given_back_as_the_body_is_taken() -> None:
    pair = Pair()
    slow, quick = pair.request(streaming=True), pair.request()
    pair.exchange()
    server = pair.server
    for stream in (slow, quick):
        server.send_headers(stream.number, [(":status", "200")])
    # Nobody takes what comes for the slow one, so its window runs out, and only its.
    total = 0
    while size := min(server.local_flow_control_window(slow.number), 16384):
        server.send_data(slow.number, b"s" * size)
        pair.exchange()
        total += size
    assert total == WINDOW
    for _ in range(100):
        server.send_data(quick.number, b"q" * 16384)
        pair.exchange()
    assert server.local_flow_control_window(slow.number) == 0
    assert sum(map(len, slow.chunks)) == WINDOW
    # Taking gives it back, in one frame rather than one for each chunk.
    assert slow.take() == b"s" * WINDOW
    assert pair.client.consumed(slow)
    assert not pair.client.consumed(slow)
    pair.exchange()
    assert server.local_flow_control_window(slow.number) == WINDOW
    server.end_stream(quick.number)
    pair.exchange()
    assert len(quick.take()) == 100 * 16384


def test_a_server_that_ignores_windows() -> None:
    for number in (1, 3):
        pair = Pair()
        streams = [pair.request(streaming=True), pair.request(streaming=True)]
        pair.exchange()
        for stream in streams:
            pair.server.send_headers(stream.number, [(":status", "200")])
        pair.exchange()
        for _ in range(5):
            pair.receive(frame(0, 0, number, b"x" * 16384))
        for stream in streams:
            assert isinstance(stream.error, ProtocolError)
            assert "window" in str(stream.error)
        assert streams[0].error is not streams[1].error
        pair.events.clear()
        pair.events += pair.server.receive_data(pair.client.data_to_send())
        assert pair.seen(h2.events.ConnectionTerminated)[0].error_code == h2.errors.ErrorCodes.FLOW_CONTROL_ERROR


def test_the_connections_window_is_given_back_for_streams_that_are_gone() -> None:
    pair = Pair()
    stream = pair.request(streaming=True)
    pair.exchange()
    pair.server.send_headers(stream.number, [(":status", "200")])
    pair.exchange()
    pair.client.cancel(stream)
    for _ in range(3 * CONNECTION_WINDOW // 16384):
        pair.receive(frame(0, 0, stream.number, b"x" * 16384))
    assert pair.client.error is None
    assert not stream.chunks


# --- limits and ends ----------------------------------------------------------------------------------------------------


def test_no_more_streams_than_the_server_takes() -> None:
    pair = Pair({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 2})
    assert pair.client.limit == 0
    pair.exchange()
    assert pair.client.limit == 2
    first, _ = pair.request(), pair.request()
    with pytest.raises(ReadError, match="no more streams") as caught:
        pair.request()
    assert not caught.value.sent
    pair.exchange()
    pair.answer(first, b"x")
    pair.request()
    assert pair.client.active == 2


def test_cancelling_resets_the_stream_alone() -> None:
    pair = Pair()
    gone, stays = pair.request(streaming=True), pair.request()
    pair.exchange()
    pair.server.send_headers(gone.number, [(":status", "200")])
    pair.client.cancel(gone)
    pair.client.cancel(gone)
    pair.exchange()
    assert [event.error_code for event in pair.seen(h2.events.StreamReset)] == [h2.errors.ErrorCodes.CANCEL]
    # What was on its way is dropped.
    pair.receive(frame(0, 0, gone.number, b"late"))
    pair.answer(stays, b"ok")
    assert stays.complete
    assert pair.client.usable


def test_an_answer_before_the_request_is_complete() -> None:
    pair = Pair()
    stream = pair.request("POST", b"x" * 200_000)
    pair.exchange()
    pair.answer(stream, b"no", status="413")
    assert stream.complete
    assert not stream.sending
    pair.exchange()
    assert pair.seen(h2.events.StreamReset)[0].error_code == h2.errors.ErrorCodes.NO_ERROR
    assert pair.client.push(stream, 1 << 30) == 0
    again = pair.request()
    pair.exchange()
    pair.answer(again, b"ok")
    assert again.complete


def test_a_body_of_another_length() -> None:
    for headers, pieces, text in (
        ({"content_length": "10"}, (b"short",), "5 of 10 bytes"),
        ({"content_length": "3"}, (b"longer",), "longer than 3"),
        ({"content_length": "10"}, (), "10 of 10"),
    ):
        pair = Pair()
        stream, other = pair.request(), pair.request()
        pair.exchange()
        pair.answer(stream, *pieces, **headers)
        assert isinstance(stream.error, ProtocolError)
        assert text in str(stream.error)
        pair.answer(other, b"ok")
        assert other.complete


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ([(b"x", b"y")], "status"),
        ([(b":status", b"99")], "status"),
        ([(b":status", b"200"), (b":path", b"/")], "invalid field"),
        ([(b":status", b"200"), (b"x", b"y"), (b":status", b"200")], "invalid field"),
        ([(b":status", b"200"), (b"X-Upper", b"y")], "invalid field"),
        ([(b":status", b"200"), (b"a b", b"y")], "invalid field"),
        ([(b":status", b"200"), (b"x", b"a\r\nb: c")], "invalid field"),
        ([(b":status", b"200"), (b"x", b"a\x00b")], "invalid field"),
        ([(b":status", b"200"), (b"transfer-encoding", b"chunked")], "does not have"),
        ([(b":status", b"101")], "informational|switches protocols"),
        ([(b":status", b"200"), (b"x", b"y" * MAX_HEAD_SIZE)], "invalid HTTP/2"),
    ],
)
@pytest.mark.parametrize("end", [False, True])
def test_bad_heads_end_their_stream(headers: list[tuple[bytes, bytes]], text: str, end: bool) -> None:
    pair = Pair()
    stream, other = pair.request(), pair.request()
    pair.exchange()
    block = pair.server.encoder.encode(headers, huffman=False)
    pieces = [block[start : start + 16384] for start in range(0, len(block), 16384)]
    for number, piece in enumerate(pieces):
        flags = (4 if number == len(pieces) - 1 else 0) | (end and not number)
        pair.receive(frame(9 if number else 1, flags, stream.number, piece))
    assert isinstance(stream.error, ProtocolError)
    assert re.search(text, str(stream.error))
    if pair.client.error is None:
        pair.exchange()
        pair.answer(other, b"ok")
        assert other.complete


def test_heads_without_end() -> None:
    """Informational responses, one after the other, count into the limit for the head."""
    pair = Pair()
    stream = pair.request()
    pair.exchange()
    for _ in range(1000):
        pair.server.send_headers(stream.number, [(":status", "103"), ("x", "y" * 1000)])
        pair.receive(pair.server.data_to_send())
        if stream.error is not None:
            break
    assert "larger than the limit" in str(stream.error)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "it speaks HTTP/1.1"),
        (frame(6, 0, 0, b"12345678"), "does not begin with its SETTINGS"),
        (frame(4, 0, 0) + frame(0, 0, 0, b"x"), "stream 0"),
        (frame(4, 0, 0) + frame(0, 0, 2, b"x"), "stream 2"),
        (frame(4, 0, 0) + frame(0, 0, 99, b"x"), "stream 99"),
        (frame(4, 0, 0) + frame(0, 8, 1, b"\x05abc"), "padding"),
        (frame(4, 0, 0) + frame(0, 8, 1), "padding"),
        (frame(4, 0, 0) + b"\x00\x40\x01\x00\x00\x00\x00\x00\x01", "a frame of 16385 bytes"),
        (frame(4, 0, 0) + frame(1, 0, 1, b"\x88") + frame(0, 0, 1, b"x"), "interrupted"),
        (frame(4, 0, 0) + frame(1, 0, 1, b"\x88") + frame(7, 0, 0, b"x" * 8), "interrupted"),
        (frame(4, 0, 0) + frame(7, 0, 1, b"x" * 8), "GOAWAY on a stream"),
        (frame(4, 0, 0) + frame(7, 0, 0, b"x"), "GOAWAY without a reason"),
        (frame(4, 0, 0) + frame(5, 4, 1, b"\x00\x00\x00\x02\x88"), "invalid HTTP/2"),
        (frame(4, 0, 0) + frame(6, 0, 0, b"short"), "invalid HTTP/2"),
        (frame(4, 0, 0) + frame(1, 4, 1, b"\xff\xff\xff\xff\xff\xff"), "invalid HTTP/2"),
        (frame(4, 0, 0) + frame(8, 0, 0, b"\x00\x00\x00\x00"), "invalid HTTP/2"),
    ],
)
def test_a_broken_peer(data: bytes, text: str) -> None:
    pair = Pair()
    streams = [pair.request(), pair.request(streaming=True)]
    pair.receive(data)
    for stream in streams:
        assert isinstance(stream.error, ProtocolError)
        assert text in str(stream.error)
    assert pair.client.news == streams
    assert not pair.client.usable
    assert pair.client.data_to_send()
    with pytest.raises(ReadError) as caught:
        pair.request()
    assert not caught.value.sent


def test_body_before_the_head() -> None:
    pair = Pair()
    stream = pair.request()
    pair.exchange()
    pair.receive(frame(0, 1, stream.number, b"x"))
    assert "before its head" in str(stream.error)
    assert pair.client.usable


def test_goaway_lets_the_others_finish() -> None:
    pair = Pair()
    first, second = pair.request(), pair.request()
    pair.exchange()
    # As servers do that close in an orderly way: once with the highest number, then with the last one taken.
    pair.receive(frame(7, 0, 0, struct.pack(">LL", 2**31 - 1, 0)))
    assert pair.client.draining
    assert first.error is second.error is None
    pair.receive(frame(7, 0, 0, struct.pack(">LL", first.number, 0)))
    assert not second.error.sent  # type: ignore[union-attr]
    pair.answer(first, b"ok")
    assert first.complete
    with pytest.raises(ReadError, match="takes no more requests"):
        pair.request()
    pair.client.receive_eof()
    assert first.error is None


def test_goaway_says_why() -> None:
    pair = Pair()
    stream = pair.request()
    pair.exchange()
    pair.receive(frame(7, 0, 0, struct.pack(">LL", stream.number, 11) + b"too_many_pings"))
    pair.client.receive_eof()
    assert "ENHANCE_YOUR_CALM: too_many_pings" in str(stream.error)


def test_an_idle_connection_that_was_closed_is_stale() -> None:
    pair = Pair()
    first = pair.request()
    pair.exchange()
    pair.answer(first, b"ok")
    second = pair.request()
    pair.client.receive_eof()
    assert isinstance(second.error, ReadError)
    assert second.error.stale
    pair = Pair()
    only = pair.request()
    pair.client.receive_eof()
    assert isinstance(only.error, ReadError)
    assert not only.error.stale


def test_pings() -> None:
    pair = Pair(ping_interval=10.0, ping_timeout=5.0)
    client = pair.client
    assert client.check(pair.now + 100) is None
    stream = pair.request()
    pair.exchange()
    start = pair.now
    assert client.check(start + 4) == pytest.approx(6)
    pair.now = start + 4
    pair.receive(frame(6, 1, 0, b"12345678"))
    assert client.check(start + 10) == pytest.approx(4)
    assert client.check(start + 14) == pytest.approx(5)
    pair.exchange()
    assert pair.seen(h2.events.PingReceived)
    # It answered, so the time begins anew.
    assert client.check(start + 4) == pytest.approx(10)
    assert client.check(start + 14) == pytest.approx(5)
    assert client.check(start + 18) == pytest.approx(1)
    assert client.error is None
    client.data_to_send()
    assert client.check(start + 19) is None
    assert isinstance(stream.error, ReadError)
    assert "no answer to a PING" in str(stream.error)


def test_options() -> None:
    assert as_http2(True) == HTTP2()
    assert as_http2(False) is None
    with pytest.raises(TypeError, match="http2 must be"):
        as_http2("h2")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="window"):
        HTTP2(window=1000)
    with pytest.raises(ValueError, match="ping_interval"):
        HTTP2(ping_interval=0)
    with pytest.raises(ValueError, match="ping_timeout"):
        HTTP2(ping_timeout=-1)


# --- what is no HTTP/2 ----------------------------------------------------------------------------------------------------


def fuzz(random: random.Random) -> None:
    """One run of the machine on a good conversation that was damaged."""
    pair = Pair()
    streams = [pair.request("POST", b"x" * random.randrange(200_000), streaming=bool(n % 2)) for n in range(4)]
    there = pair.client.data_to_send()
    server = pair.server
    server.receive_data(there)
    for stream in streams:
        server.send_headers(stream.number, [(":status", "200"), ("x", "y" * random.randrange(50))])
        server.send_data(stream.number, b"z" * random.randrange(2000), end_stream=random.random() < 0.5)
    data = bytearray(server.data_to_send())
    for _ in range(random.randrange(1, 6)):
        where = random.randrange(len(data))
        how = random.randrange(5)
        if how == 0:
            data[where] = random.randrange(256)
        elif how == 1:
            del data[where : where + random.randrange(1, 30)]
        elif how == 2:
            data[where:where] = random.randbytes(random.randrange(1, 30))
        elif how == 3:
            other = frame(
                random.randrange(12),
                random.randrange(256),
                random.randrange(12),
                random.randbytes(random.randrange(20)),
            )
            data[where:where] = other
        else:
            data += frame(
                random.choice((0, 1, 3, 4, 6, 7, 8, 9)),
                random.choice((0, 1, 4, 5, 8)),
                random.choice((0, 1, 3, 5, 7, 9)),
                random.randbytes(random.choice((0, 4, 5, 8, 40))),
            )
        if not data:
            break
    start = 0
    while start < len(data):
        size = random.choice((1, 9, 100, 16384, 65536))
        pair.client.receive_data(bytes(data[start : start + size]), pair.now)
        start += size
        for stream in streams:
            pair.client.push(stream, 1 << 20)
        assert len(pair.client.data_to_send()) < 1 << 20
    pair.client.receive_eof()
    for stream in streams:
        assert stream.complete or isinstance(stream.error, TransportError)
        assert sum(map(len, stream.chunks)) <= WINDOW + 16384
        try:
            stream.take()
        except TransportError:
            pass
    assert len(pair.client._rest) <= 16384 + 9


@settings(max_examples=int(os.environ.get("OXIDE_FUZZ_HTTP2", "120")))
@given(st.randoms(use_true_random=False))
def test_fuzz(random: random.Random) -> None:
    fuzz(random)


@settings(max_examples=int(os.environ.get("OXIDE_FUZZ_HTTP2", "120")))
@given(st.binary(max_size=200), st.booleans())
def test_fuzz_bytes(data: bytes, greeted: bool) -> None:
    pair = Pair()
    stream = pair.request()
    pair.receive((frame(4, 0, 0) if greeted else b"") + data)
    pair.client.receive_eof()
    assert isinstance(stream.error, TransportError) or stream.complete


def test_a_connection_that_fell_silent_is_doubted_until_it_is_heard_of() -> None:
    pair = Pair()
    pair.exchange()
    stream = pair.request()
    pair.exchange()
    pair.now += SILENCE
    pair.client.cancel(stream, pair.now)
    assert pair.client.usable
    assert not pair.client.promising
    pair.exchange()
    assert any(isinstance(event, h2.events.PingReceived) for event in pair.events)
    assert pair.client.promising


@pytest.mark.parametrize("how", ["soon", "heard", "not waited for"])
def test_it_is_not_doubted_without_reason(how: str) -> None:
    pair = Pair()
    pair.exchange()
    stream, other = pair.request(), pair.request()
    pair.exchange()
    pair.now += SILENCE
    if how == "soon":
        pair.now -= SILENCE / 2
    elif how == "heard":
        pair.answer(other)
        pair.exchange()
    pair.client.cancel(stream, None if how == "not waited for" else pair.now)
    assert pair.client.promising


def test_what_is_kept_of_streams_that_ended_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Protocol, "MAX_CLOSED_STREAMS", 20)
    pair = Pair()
    pair.exchange()
    for _ in range(60):
        stream = pair.request()
        pair.exchange()
        pair.answer(stream)
        pair.exchange()
        assert stream.complete
    assert len(pair.client._h2._closed_streams) <= 20
