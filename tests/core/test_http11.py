"""HTTP/1.1: a table of responses with what comes of each, for every split, and the life of a connection."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from httptools import HttpParserCallbackError, HttpParserError
from hypothesis import given, settings
from hypothesis import strategies as st

from oxide.core.errors import OpenAIError, ProtocolError, ReadError
from oxide.core.http11 import END, Event, H1Connection, Head

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 3\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
COMPLETE = OK + LENGTH + b"\r\nabc"


class Outcome(NamedTuple):
    """What came of a response: its status, headers and body, whether END came, the error, and the connection after."""

    status: int | None
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    complete: bool
    error: type[OpenAIError] | None
    message: str
    reusable: bool


def exchange(connection: H1Connection, pieces: Iterable[bytes], *, method: str = "POST") -> Outcome:
    """Run one exchange; the end of input follows where it is not complete by then."""
    connection.start(method)
    events: list[Event] = []
    error: OpenAIError | None = None
    reusable = False
    try:
        for piece in pieces:
            events += connection.receive_data(piece)
        if END in events:
            reusable = connection.reusable
        else:
            events += connection.receive_eof()
    except OpenAIError as raised:
        error = raised
    heads = [event for event in events if isinstance(event, Head)]
    assert len(heads) <= 1
    if heads:
        assert events[0] is heads[0]
    if END in events:
        assert events.index(END) == len(events) - 1
        assert heads
    bodies = [event for event in events if isinstance(event, bytes)]
    assert all(bodies), "an empty piece of body"
    return Outcome(
        status=heads[0].status if heads else None,
        headers=tuple(heads[0].headers) if heads else (),
        body=b"".join(bodies),
        complete=END in events,
        error=type(error) if error is not None else None,
        message=str(error) if error is not None else "",
        reusable=reusable,
    )


def parts(head: Event) -> tuple[int, bytes, list[tuple[bytes, bytes]], bytes]:
    assert isinstance(head, Head)
    return head.status, head.reason, head.headers, head.http_version


def single_bytes(stream: bytes) -> list[bytes]:
    return [stream[position : position + 1] for position in range(len(stream))]


def cut(stream: bytes, *places: int) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


# --- the table ------------------------------------------------------------------------------------------------------


class Good(NamedTuple):
    name: str
    stream: bytes
    status: int = 200
    body: bytes = b"abc"
    reusable: bool = True
    method: str = "POST"


GOOD = [
    Good("length", COMPLETE),
    Good("length zero", OK + b"Content-Length: 0\r\n\r\n", body=b""),
    Good("chunked", OK + CHUNKED + b"\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"),
    Good("chunked, nothing in it", OK + CHUNKED + b"\r\n0\r\n\r\n", body=b""),
    Good(
        "chunked, upper case",
        OK + b"TRANSFER-ENCODING: Chunked\r\n\r\n00A\r\n0123456789\r\n0\r\n\r\n",
        body=b"0123456789",
    ),
    Good("chunk extensions", OK + CHUNKED + b'\r\n3;a=b;c="d"\r\nabc\r\n0;e\r\n\r\n'),
    Good("trailers", OK + CHUNKED + b"\r\n3\r\nabc\r\n0\r\nX-T: 1\r\nY: \r\n\r\n"),
    Good("gzip, chunked", OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    Good("until close", OK + b"\r\nabc", reusable=False),
    Good("until close, nothing", OK + b"\r\n", body=b"", reusable=False),
    Good("until close, keep-alive", OK + b"Connection: keep-alive\r\n\r\nabc", reusable=False),
    Good("gzip, not chunked", OK + b"Transfer-Encoding: gzip\r\n\r\nabc", reusable=False),
    Good("chunked, gzip", OK + b"Transfer-Encoding: chunked, gzip\r\n\r\nabc", reusable=False),
    Good("close", OK + b"Connection: close\r\n" + LENGTH + b"\r\nabc", reusable=False),
    Good("close among others", OK + b"Connection: keep-alive, Close\r\n" + LENGTH + b"\r\nabc", reusable=False),
    Good("close, chunked", OK + b"Connection: close\r\n" + CHUNKED + b"\r\n3\r\nabc\r\n0\r\n\r\n", reusable=False),
    Good("1.0", b"HTTP/1.0 200 OK\r\n" + LENGTH + b"\r\nabc", reusable=False),
    Good("1.0 keep-alive", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + LENGTH + b"\r\nabc"),
    Good("1.0 until close", b"HTTP/1.0 200 OK\r\n\r\nabc", reusable=False),
    Good("2.0", b"HTTP/2.0 200 OK\r\n" + LENGTH + b"\r\nabc", reusable=False),
    Good("100", b"HTTP/1.1 100 Continue\r\n\r\n" + COMPLETE),
    Good("several 1xx", b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\nX: y\r\n\r\n" + COMPLETE),
    Good("1xx that nobody knows", b"HTTP/1.1 199 What\r\n\r\n" + COMPLETE),
    Good("100 with a length", b"HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n" + COMPLETE),
    Good("204", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    Good("204 with a length", b"HTTP/1.1 204 No Content\r\n" + LENGTH + b"\r\n", 204, b""),
    Good("204 chunked", b"HTTP/1.1 204 No Content\r\n" + CHUNKED + b"\r\n", 204, b""),
    Good("304 with a length", b"HTTP/1.1 304 Not Modified\r\n" + LENGTH + b"\r\n", 304, b""),
    Good("HEAD with a length", OK + LENGTH + b"\r\n", 200, b"", method="HEAD"),
    Good("HEAD with a length of zero", OK + b"Content-Length: 0\r\n\r\n", 200, b"", method="HEAD"),
    Good("HEAD, 204", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", method="HEAD"),
    Good("HEAD chunked", OK + CHUNKED + b"\r\n", 200, b"", method="HEAD"),
    Good("HEAD without a length", OK + b"\r\n", 200, b"", method="HEAD", reusable=False),
    Good("HEAD after 100", b"HTTP/1.1 100 Continue\r\n\r\n" + OK + LENGTH + b"\r\n", 200, b"", method="HEAD"),
    Good("HEAD close", OK + b"Connection: close\r\n" + LENGTH + b"\r\n", 200, b"", method="HEAD", reusable=False),
    Good("no reason", b"HTTP/1.1 200\r\n" + LENGTH + b"\r\nabc"),
    Good("empty reason", b"HTTP/1.1 200 \r\n" + LENGTH + b"\r\nabc"),
    Good("reason in Latin-1", b"HTTP/1.1 200 \xe9\r\n" + LENGTH + b"\r\nabc"),
    Good("upgrade offered", OK + b"Upgrade: h2\r\nConnection: upgrade\r\n" + LENGTH + b"\r\nabc"),
    Good("leading empty lines", b"\r\n\r\n" + COMPLETE),
    Good("status 999", b"HTTP/1.1 999 X\r\n" + LENGTH + b"\r\nabc", 999),
    Good("error status", b"HTTP/1.1 503 X\r\n" + LENGTH + b"\r\nabc", 503),
    Good("empty header value", OK + b"A:\r\nB: \r\n" + LENGTH + b"\r\nabc"),
]


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_good_responses(case: Good) -> None:
    for pieces in ([case.stream], single_bytes(case.stream), *(cut(case.stream, n) for n in range(len(case.stream)))):
        connection = H1Connection()
        outcome = exchange(connection, pieces, method=case.method)
        assert outcome.error is None
        assert (outcome.status, outcome.body, outcome.complete) == (case.status, case.body, True)
        assert outcome.reusable is case.reusable
        assert connection.bytes_received
        assert connection.idle or not case.reusable


class Bad(NamedTuple):
    name: str
    stream: bytes
    error: type[OpenAIError]
    message: str
    method: str = "POST"


BAD = [
    Bad("nothing", b"", ReadError, "without sending a response"),
    Bad("end inside the head", OK + b"A: b", ReadError, "inside the head of the response, after 21 bytes"),
    Bad(
        "end after 100", b"HTTP/1.1 100 Continue\r\n\r\n", ReadError, "inside the head of the response, after 25 bytes"
    ),
    Bad("no body", OK + LENGTH + b"\r\n", ReadError, "3 of 3 bytes of its body are missing"),
    Bad("short body", OK + LENGTH + b"\r\nab", ReadError, "1 of 3 bytes of its body are missing"),
    Bad("short chunk", OK + CHUNKED + b"\r\n3\r\nab", ReadError, "the last chunk is missing"),
    Bad("no last chunk", OK + CHUNKED + b"\r\n3\r\nabc\r\n", ReadError, "the last chunk is missing"),
    Bad("end inside trailers", OK + CHUNKED + b"\r\n3\r\nabc\r\n0\r\nA: b\r\n", ReadError, "the last chunk is missing"),
    Bad("gzip, chunked, short", OK + b"transfer-encoding: gzip, Chunked \r\n\r\n3\r\n", ReadError, "the last chunk"),
    Bad("not HTTP", b"SSH-2.0-OpenSSH_9.6\r\n", ProtocolError, "Expected HTTP/"),
    Bad("TLS alert", b"\x15\x03\x01\x00\x02\x02\x16", ProtocolError, "Expected HTTP/"),
    Bad("HTTP/2 preface", b"\x00\x00\x12\x04\x00\x00\x00", ProtocolError, "Expected HTTP/"),
    Bad("a request", b"GET / HTTP/1.1\r\n\r\n", ProtocolError, "Expected HTTP/"),
    Bad("version", b"HTTP/1.2 200 OK\r\n\r\n", ProtocolError, "Invalid HTTP version"),
    Bad("status of two digits", b"HTTP/1.1 99 OK\r\n\r\n", ProtocolError, "Invalid status code"),
    Bad("status of four digits", b"HTTP/1.1 1000 OK\r\n\r\n", ProtocolError, "Invalid response status"),
    Bad("status below 100", b"HTTP/1.1 099 OK\r\n\r\n", ProtocolError, "unexpected response status 99"),
    Bad(
        "101",
        b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        ProtocolError,
        "unexpected response status 101",
    ),
    Bad("101 without upgrade", b"HTTP/1.1 101 S\r\n\r\n", ProtocolError, "unexpected response status 101"),
    Bad(
        "1xx with a body",
        b"HTTP/1.1 199 W\r\n" + LENGTH + b"\r\nabc",
        ProtocolError,
        "informational response with a body",
    ),
    Bad("length and chunked", OK + LENGTH + CHUNKED + b"\r\n", ProtocolError, "Transfer-Encoding can't be present"),
    Bad("chunked and length", OK + CHUNKED + LENGTH + b"\r\n", ProtocolError, "Content-Length can't be present"),
    Bad("two lengths", OK + LENGTH + LENGTH + b"\r\n", ProtocolError, "Duplicate Content-Length"),
    Bad("list of lengths", OK + b"Content-Length: 3, 3\r\n\r\n", ProtocolError, "Invalid character in Content-Length"),
    Bad("negative length", OK + b"Content-Length: -1\r\n\r\n", ProtocolError, "Invalid character in Content-Length"),
    Bad(
        "length overflow", OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n", ProtocolError, "Content-Length overflow"
    ),
    Bad("chunk size", OK + CHUNKED + b"\r\nzz\r\n", ProtocolError, "Invalid character in chunk size"),
    Bad("chunk size overflow", OK + CHUNKED + b"\r\n" + b"f" * 17 + b"\r\n", ProtocolError, "Chunk size overflow"),
    Bad("chunk size, LF", OK + CHUNKED + b"\r\n3\nabc", ProtocolError, "Missing expected CR after chunk size"),
    Bad("chunk too long", OK + CHUNKED + b"\r\n3\r\nabcd\r\n", ProtocolError, "after chunk data"),
    Bad("length as a trailer", OK + CHUNKED + b"\r\n0\r\n" + LENGTH + b"\r\n", ProtocolError, "Content-Length can't"),
    Bad("folded", OK + b"A: b\r\n c\r\n\r\n", ProtocolError, "whitespace after header value"),
    Bad(
        "LF after the status line",
        b"HTTP/1.1 200 OK\nA: b\r\n\r\n",
        ProtocolError,
        "Missing expected CR after response line",
    ),
    Bad("LF after a header", OK + b"A: b\nC: d\r\n\r\n", ProtocolError, "Missing expected CR after header value"),
    Bad("CR in a header", OK + b"A: b\rc\r\n\r\n", ProtocolError, "Missing expected LF after header value"),
    Bad("NUL", OK + b"A: b\0c\r\n\r\n", ProtocolError, "Invalid header value char"),
    Bad("space before colon", OK + b"A : b\r\n\r\n", ProtocolError, "Invalid header token"),
    Bad("no colon", OK + b"Abc\r\n\r\n", ProtocolError, "Invalid header token"),
    Bad("no name", OK + b": b\r\n\r\n", ProtocolError, "Invalid header token"),
    Bad("HEAD, not HTTP", b"hello", ProtocolError, "Expected HTTP/", "HEAD"),
    Bad("HEAD, nothing", b"", ReadError, "without sending a response", "HEAD"),
]


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_bad_responses(case: Bad) -> None:
    for pieces in ([case.stream], single_bytes(case.stream), *(cut(case.stream, n) for n in range(len(case.stream)))):
        connection = H1Connection()
        outcome = exchange(connection, pieces, method=case.method)
        assert outcome.error is case.error
        assert case.message in outcome.message
        assert not outcome.complete
        assert connection.closed
        assert not connection.reusable
        assert connection.bytes_received is bool(case.stream)
        with pytest.raises(RuntimeError):
            connection.start("GET")


def test_the_reason_of_llhttp_is_chained() -> None:
    connection = H1Connection()
    connection.start("GET")
    with pytest.raises(ProtocolError) as caught:
        connection.receive_data(b"220 smtp ready\r\n")
    assert isinstance(caught.value.__cause__, HttpParserError)
    assert str(caught.value) == "invalid HTTP response: Expected HTTP/, RTSP/ or ICE/"
    with pytest.raises(ProtocolError, match="Expected HTTP/"):
        connection.receive_data(b"more")
    assert connection.receive_eof() == []


def test_an_error_in_a_callback_is_chained() -> None:
    connection = H1Connection()
    connection.start("GET")
    with pytest.raises(ProtocolError, match="101") as caught:
        connection.receive_data(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    assert isinstance(caught.value.__cause__, HttpParserCallbackError)


def test_an_interrupt_during_a_callback_comes_through() -> None:
    class Interrupted(H1Connection):
        def on_header(self, name: bytes, value: bytes) -> None:
            raise KeyboardInterrupt

    connection = Interrupted()
    connection.start("GET")
    with pytest.raises(KeyboardInterrupt):
        connection.receive_data(COMPLETE)
    assert connection.closed


# --- the head -------------------------------------------------------------------------------------------------------


def test_the_head_is_what_was_sent() -> None:
    stream = (
        b"HTTP/1.1 404 Not  Found\r\nX-A: 1\r\nx-a:2\r\nSet-Cookie:  a=b; c \t\r\nE:\r\nL: \xe9\r\n"
        + LENGTH
        + b"\r\nabc"
    )
    for pieces in ([stream], single_bytes(stream)):
        connection = H1Connection()
        connection.start("GET")
        events = [event for piece in pieces for event in connection.receive_data(piece)]
        assert parts(events[0]) == (
            404,
            b"Not  Found",
            [
                (b"X-A", b"1"),
                (b"x-a", b"2"),
                (b"Set-Cookie", b"a=b; c"),
                (b"E", b""),
                (b"L", b"\xe9"),
                (b"Content-Length", b"3"),
            ],
            b"1.1",
        )


def test_nothing_of_an_informational_response_or_of_trailers_gets_into_the_head() -> None:
    stream = b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + OK + CHUNKED + b"\r\n1\r\na\r\n0\r\nT: 1\r\n\r\n"
    connection = H1Connection()
    connection.start("GET")
    head, *rest = connection.receive_data(stream)
    assert parts(head) == (200, b"OK", [(b"Transfer-Encoding", b"chunked")], b"1.1")
    assert rest == [b"a", END]
    connection.start("GET")
    assert parts(connection.receive_data(COMPLETE)[0]) == (200, b"OK", [(b"Content-Length", b"3")], b"1.1")


def test_the_head_comes_before_the_body_does() -> None:
    connection = H1Connection()
    connection.start("GET")
    [head] = connection.receive_data(OK + LENGTH + b"\r\n")
    assert isinstance(head, Head)
    assert not connection.idle
    assert connection.receive_data(b"ab") == [b"ab"]
    assert connection.receive_data(b"c") == [b"c", END]


# --- limits ---------------------------------------------------------------------------------------------------------

HEAD_OF_100 = OK + LENGTH + b"A: " + b"x" * (100 - len(OK + LENGTH + b"A: \r\n\r\n")) + b"\r\n\r\n"


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_limit_for_the_head(before: bytes, method: str) -> None:
    stream = before + HEAD_OF_100 + (b"abc" if method == "GET" else b"")
    size = len(before) + 100
    for pieces in ([stream], single_bytes(stream), cut(stream, 7, size - 1), cut(stream, size), cut(stream, size + 1)):
        outcome = exchange(H1Connection(max_head_size=size), pieces, method=method)
        assert outcome.complete
        assert outcome.body == (b"abc" if method == "GET" else b"")
        outcome = exchange(H1Connection(max_head_size=size - 1), pieces, method=method)
        assert outcome.error is ProtocolError
        assert outcome.message.endswith(f"the head of the response is larger than the limit of {size - 1} bytes")


def test_a_body_may_be_larger_than_the_limit_for_the_head() -> None:
    body = bytes(range(256)) * 100
    stream = OK + b"Content-Length: %d\r\n\r\n" % len(body) + body
    connection = H1Connection(max_head_size=64)
    for _ in range(3):
        assert exchange(connection, [stream]).body == body
        assert exchange(connection, cut(stream, 10, 60, 70, 1000)).body == body


def drip(connection: H1Connection, piece: bytes) -> None:
    for _ in range(1001):
        assert connection.receive_data(piece) == []


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b"\r\n"),
        (OK, b"A: b\r\n"),
        (OK + b"A", b"a"),
        (OK + b"A: ", b"b"),
    ],
)
def test_a_head_that_never_comes(beginning: bytes, piece: bytes) -> None:
    connection = H1Connection(max_head_size=1000)
    connection.start("GET")
    connection.receive_data(beginning)
    with pytest.raises(ProtocolError, match="limit of 1000 bytes"):
        drip(connection, piece)


@pytest.mark.parametrize(
    ("beginning", "piece"), [(b"3;", b"x"), (b"0\r\n", b"T: 1\r\n"), (b"0\r\nT", b"t"), (b"0\r\nT: ", b"x")]
)
def test_chunk_extensions_and_trailers_without_end(beginning: bytes, piece: bytes) -> None:
    connection = H1Connection(max_head_size=1000)
    connection.start("GET")
    connection.receive_data(OK + CHUNKED + b"\r\n3\r\nabc\r\n" + beginning)
    with pytest.raises(ProtocolError, match="more than 1000 bytes of chunk extensions or trailers"):
        drip(connection, piece)


def test_the_limit_for_trailers_is_for_one_response() -> None:
    connection = H1Connection(max_head_size=1000)
    for _ in range(3):
        connection.start("GET")
        connection.receive_data(OK + CHUNKED + b"\r\n0\r\n")
        for _ in range(100):
            assert connection.receive_data(b"T: 1\r\n") == []
        assert connection.receive_data(b"\r\n") == [END]


def test_chunks_without_end_are_fine() -> None:
    connection = H1Connection(max_head_size=100)
    connection.start("GET")
    connection.receive_data(OK + CHUNKED + b"\r\n")
    for _ in range(1000):
        assert connection.receive_data(b"1\r\n") == []
        assert connection.receive_data(b"a\r\n") == [b"a"]
    assert connection.receive_data(b"0\r\n\r\n") == [END]


# --- the life of a connection ---------------------------------------------------------------------------------------


def test_states() -> None:
    connection = H1Connection()
    assert connection.idle
    assert connection.reusable
    assert not connection.closed
    assert repr(connection) == "<H1Connection idle, reusable>"
    connection.start("GET")
    assert not connection.idle
    assert not connection.reusable
    assert not connection.bytes_received
    assert repr(connection) == "<H1Connection waiting for a response>"
    connection.receive_data(b"H")
    assert connection.bytes_received
    connection.receive_data(COMPLETE[1:-1])
    assert repr(connection) == "<H1Connection reading a response>"
    connection.receive_data(b"c")
    assert connection.idle
    assert connection.reusable
    connection.start("GET")
    assert not connection.bytes_received
    with pytest.raises(ReadError, match="without sending a response"):
        connection.receive_eof()
    assert connection.closed
    assert repr(connection) == "<H1Connection closed>"
    assert connection.receive_eof() == []


def test_one_request_at_a_time() -> None:
    connection = H1Connection()
    connection.start("GET")
    with pytest.raises(RuntimeError, match="not reusable"):
        connection.start("GET")
    connection.receive_data(COMPLETE[:-1])
    with pytest.raises(RuntimeError, match="not reusable"):
        connection.start("GET")


def test_end_of_input_while_idle() -> None:
    connection = H1Connection()
    exchange(connection, [COMPLETE])
    assert connection.receive_eof() == []
    assert connection.closed
    assert not connection.reusable


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("data", [b"H", COMPLETE, b"HTTP/1.1 408 Request Timeout\r\n\r\n", b"\0"])
def test_bytes_while_idle(used: bool, data: bytes) -> None:
    connection = H1Connection()
    if used:
        exchange(connection, [COMPLETE])
    assert connection.receive_data(data) == []
    assert not connection.reusable
    with pytest.raises(RuntimeError):
        connection.start("GET")


@pytest.mark.parametrize(
    "extra", [b"H", b"x", COMPLETE, b"HTTP/1.1 101 S\r\n\r\n", b"\r\nHTTP", b"\0\0", OK, b"0\r\n\r\n"]
)
@pytest.mark.parametrize(
    ("first", "method"),
    [
        (COMPLETE, "GET"),
        (OK + CHUNKED + b"\r\n3\r\nabc\r\n0\r\n\r\n", "GET"),
        (OK + b"Connection: close\r\n" + LENGTH + b"\r\nabc", "GET"),
        (b"HTTP/1.1 204 No Content\r\n" + LENGTH + b"\r\n", "GET"),
        (OK + LENGTH + b"\r\n", "HEAD"),
        (OK + CHUNKED + b"\r\n", "HEAD"),
    ],
)
def test_bytes_behind_the_response(first: bytes, method: str, extra: bytes) -> None:
    expected = exchange(H1Connection(), [first], method=method)
    assert expected.complete
    for pieces in ([first + extra], [first[:-1], first[-1:] + extra], single_bytes(first + extra), [first, extra]):
        connection = H1Connection()
        outcome = exchange(connection, pieces, method=method)
        assert outcome == expected._replace(reusable=False)
        assert not connection.reusable


def test_empty_lines_behind_the_response_do_no_harm() -> None:
    for first, method in ((COMPLETE, "GET"), (OK + LENGTH + b"\r\n", "HEAD")):
        for pieces in ([first + b"\r\n"], [first, b"\r", b"\n"]):
            connection = H1Connection()
            assert exchange(connection, pieces, method=method).reusable
            assert exchange(connection, [COMPLETE]).body == b"abc"


def test_data_after_the_end_of_input_is_ignored() -> None:
    connection = H1Connection()
    connection.receive_eof()
    assert connection.receive_data(COMPLETE) == []


SEQUENCE = st.lists(st.sampled_from([case for case in GOOD if case.reusable]), min_size=1, max_size=6)
PLACES = st.lists(st.integers(0, 10_000), max_size=6)


@pytest.mark.exhaustive
@given(cases=SEQUENCE, data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_sequence_of_exchanges(cases: list[Good], data: st.DataObject) -> None:
    connection = H1Connection()
    for case in cases:
        outcome = exchange(connection, cut(case.stream, *data.draw(PLACES)), method=case.method)
        assert outcome == exchange(H1Connection(), [case.stream], method=case.method)
        assert outcome.reusable


# --- anything at all ------------------------------------------------------------------------------------------------

SNIPPETS: st.SearchStrategy[bytes] = st.sampled_from(
    [
        *(b"HTTP/1.1 %d X\r\n" % status for status in (100, 101, 103, 199, 200, 204, 304, 500)),
        b"HTTP/1.0 200 OK\r\n",
        b"Connection: close\r\n",
        b"Connection: keep-alive\r\n",
        b"Connection: upgrade\r\nUpgrade: x\r\n",
        b"Content-Length: 0\r\n",
        LENGTH,
        CHUNKED,
        b"A: b\r\n",
        b"\r\n",
        b"\r\n",
        b"\n",
        b"abc",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b";x=y",
        b"\0",
        b" ",
    ]
)
STREAMS = st.one_of(
    st.lists(st.one_of(SNIPPETS, st.binary(max_size=3)), max_size=14).map(b"".join),
    st.binary(max_size=60),
    st.lists(SNIPPETS, max_size=14).map(b"".join).map(lambda rest: OK + rest),
)


@pytest.mark.exhaustive
@given(stream=STREAMS, places=PLACES, method=st.sampled_from(["GET", "HEAD"]), limit=st.sampled_from([20, 70, 10_000]))
@settings(max_examples=2000, deadline=None)
def test_any_split_of_anything_comes_to_the_same(stream: bytes, places: list[int], method: str, limit: int) -> None:
    outcomes: list[Any] = []
    for pieces in ([stream], cut(stream, *places), single_bytes(stream)):
        connection = H1Connection(max_head_size=limit)
        outcomes.append(exchange(connection, pieces, method=method))
        assert connection.idle or connection.closed
        # Whatever comes later does no harm either.
        if connection.idle:
            connection.receive_data(stream)
        connection.receive_eof()
    whole, *others = outcomes
    for other in others:
        assert other.error is whole.error
        assert other.message == whole.message
        if whole.error is None:
            assert other == whole
        else:
            # What one read has before the fault is lost with it.
            assert other.body.startswith(whole.body)
            assert whole.status in (None, other.status)


# --- requests -------------------------------------------------------------------------------------------------------
