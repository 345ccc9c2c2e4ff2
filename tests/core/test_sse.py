"""Server-sent events: examples for each rule, and the reference parser for every split of every stream."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import pairwise

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oxide.core.errors import ProtocolError
from oxide.core.sse import MAX_EVENT_SIZE, ServerSentEvent, SSEParser

from .sse_reference import Dispatched, parse


def feed(pieces: Iterable[bytes], max_event_size: int = MAX_EVENT_SIZE) -> list[Dispatched]:
    parser = SSEParser(max_event_size)
    events = [event for piece in pieces for event in parser.receive_data(piece)]
    events += parser.receive_eof()
    return [Dispatched(event.event, event.data, event.id, event.retry) for event in events]


def cut(stream: bytes, *places: int) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def single_bytes(stream: bytes) -> list[bytes]:
    return [stream[position : position + 1] for position in range(len(stream))]


# --- examples -------------------------------------------------------------------------------------------------------

EXAMPLES = [
    # The four streams that the standard itself explains.
    (b"data: YHOO\ndata: +2\ndata: 10\n\n", [(None, b"YHOO\n+2\n10", None, None)]),
    (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
        [(None, b"first event", "1", None), (None, b"second event", "", None), (None, b" third event", "", None)],
    ),
    (b"data\n\ndata\ndata\n\ndata:", [(None, b"", None, None), (None, b"\n", None, None)]),
    (b"data:test\n\ndata: test\n\n", [(None, b"test", None, None), (None, b"test", None, None)]),
    # The shapes of the API.
    (b'event: a.b\ndata: {"x":1}\n\n', [("a.b", b'{"x":1}', None, None)]),
    (b"data: {}\n\ndata: [DONE]\n\n", [(None, b"{}", None, None), (None, b"[DONE]", None, None)]),
    (b"event:a\ndata:b\n\n", [("a", b"b", None, None)]),
    (b"event: a\r\ndata: b\r\n\r\n", [("a", b"b", None, None)]),
    (b"event: a\rdata: b\r\r", [("a", b"b", None, None)]),
    (b"event: a\r\ndata: b\n\r", [("a", b"b", None, None)]),
    (b"event: error\ndata: {}\n\nevent: done\ndata\n\n", [("error", b"{}", None, None), ("done", b"", None, None)]),
    # Spaces: one is removed, others stay, a tab is none.
    (b"data:   x \n\nevent:  e \ndata:\tx\n\n", [(None, b"  x ", None, None), (" e ", b"\tx", None, None)]),
    # Order and repetition.
    (b"data: b\nevent: a\n\n", [("a", b"b", None, None)]),
    (b"event: a\nevent: c\ndata: b\n\n", [("c", b"b", None, None)]),
    (b"event: a\nevent\ndata: b\n\n", [(None, b"b", None, None)]),
    (b"event:\ndata: b\n\n", [(None, b"b", None, None)]),
    # No data: no event, and its type does not leak into the next one.
    (b"event: a\n\ndata: b\n\n", [(None, b"b", None, None)]),
    (b"\n\n\n\ndata: b\n\n\n\n\ndata: c\n\n", [(None, b"b", None, None), (None, b"c", None, None)]),
    (b"data: a\n\n\ndata: b\n\n", [(None, b"a", None, None), (None, b"b", None, None)]),
    # Comments and fields that nobody knows.
    (b": c\ndata: a\n:\n: data: b\n\n", [(None, b"a", None, None)]),
    (b"datum: x\n data: x\nData: x\ndata : x\ndata: a\nx\n\n", [(None, b"a", None, None)]),
    # id
    (b"id: 7\nevent: a\ndata: b\n\ndata: c\n\n", [("a", b"b", "7", None), (None, b"c", "7", None)]),
    (b"id: 7\n\ndata: c\n\n", [(None, b"c", "7", None)]),
    (b"id: 7\ndata: a\n\nid: 8\0\ndata: b\n\n", [(None, b"a", "7", None), (None, b"b", "7", None)]),
    (b"id: 7\ndata: a\n\nid:\ndata: b\n\n", [(None, b"a", "7", None), (None, b"b", "", None)]),
    # retry
    (b"retry: 3000\ndata: a\n\ndata: b\n\n", [(None, b"a", None, 3000), (None, b"b", None, None)]),
    (b"retry: 0\ndata: a\n\n", [(None, b"a", None, 0)]),
    (b"retry: 1\nretry: 02\nretry: x\ndata: a\n\n", [(None, b"a", None, 2)]),
    (b"retry\nretry:\nretry: -1\nretry: 1.5\nretry: 1 \nretry:  1\ndata: a\n\n", [(None, b"a", None, None)]),
    ("retry: \u0661\u00b2\ndata: a\n\n".encode(), [(None, b"a", None, None)]),
    (b"retry: " + b"9" * 18 + b"\ndata: a\n\n", [(None, b"a", None, 10**18 - 1)]),
    (b"retry: " + b"9" * 5000 + b"\ndata: a\n\n", [(None, b"a", None, None)]),
    # Byte order mark: one, at the beginning, and nowhere else.
    (b"\xef\xbb\xbfdata: a\n\n", [(None, b"a", None, None)]),
    (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [(None, b"b", None, None)]),
    (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [(None, b"a", None, None)]),
    (b"\xef\xbbdata: a\n\n\xef", []),
    # Text that is not UTF-8.
    (b"event: \xff\ndata: \xff\xc3\n\n", [("\ufffd", b"\xff\xc3", None, None)]),
    (b"id: \xc3\ndata: a\n\n", [(None, b"a", "\ufffd", None)]),
    (
        "event: \u00e9\ndata: \U0001f600\u2028\x85\n\n".encode(),
        [("\u00e9", "\U0001f600\u2028\x85".encode(), None, None)],
    ),
    # The end comes too early.
    (b"", []),
    (b"\xef\xbb\xbf", []),
    (b"data: a\n\ndata: b\n", [(None, b"a", None, None)]),
    (b"data: a\n\ndata: b", [(None, b"a", None, None)]),
    (b"data: a\r\n\r", [(None, b"a", None, None)]),
]


@pytest.mark.parametrize(("stream", "expected"), EXAMPLES)
def test_examples(stream: bytes, expected: list[tuple[str | None, bytes, str | None, int | None]]) -> None:
    assert parse(stream) == expected, "the reference"
    assert feed([stream]) == expected
    assert feed(single_bytes(stream)) == expected
    for place in range(len(stream)):
        assert feed(cut(stream, place)) == expected


@pytest.mark.parametrize("count", [1, 2])
def test_an_id_holds_for_the_events_of_later_reads(count: int) -> None:
    parser = SSEParser()
    parser.receive_data(b"id: 7\n\n")
    events = parser.receive_data(b"event: a\ndata: b\n\n" * count)
    assert [event.id for event in events] == ["7"] * count


# --- any stream, any split ------------------------------------------------------------------------------------------

LINE_ENDS = st.sampled_from([b"\n", b"\n", b"\r\n", b"\r"])
VALUES = st.one_of(
    st.sampled_from(
        [b"", b" ", b"x", b'{"type":"t","delta":"\xc3\xa9"}', b"[DONE]", b"12", b"1\0", b"\xef\xbb\xbf", b"a:b"]
    ),
    st.text(max_size=8).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=8),
)
FIELDS = st.sampled_from([b"data", b"data", b"event", b"id", b"retry", b"", b"dat", b"Data", b" data", b"data\0"])
LINES = st.one_of(
    st.builds(lambda field, colon, value: field + colon + value, FIELDS, st.sampled_from([b":", b": ", b""]), VALUES),
    st.just(b""),
    VALUES,
)
REGULAR = st.builds(
    lambda name, value, end: (b"event: " + name + end if name else b"") + b"data: " + value + end + end,
    st.sampled_from([b"", b"response.output_text.delta", b"error"]),
    st.sampled_from([b"{}", b'{"a":[1,2]}', b""]),
    LINE_ENDS,
)
IRREGULAR = st.builds(lambda line, end: line + end, LINES, LINE_ENDS)
STREAMS = st.builds(
    lambda bom, parts: bom + b"".join(parts),
    st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\xef\xbb", b"\xef"]),
    st.lists(
        st.one_of(REGULAR, IRREGULAR, st.binary(max_size=4), st.sampled_from([b"\n", b"\r", b"\n\n"])), max_size=12
    ),
)
PLACES = st.lists(st.integers(0, 10_000), max_size=6)


@pytest.mark.exhaustive
@given(stream=STREAMS, places=PLACES)
@settings(max_examples=1500, deadline=None)
@example(stream=b"data: a\r\n\r\n", places=[8, 9, 10])
@example(stream=b"data: a\n\n\n\ndata: b\n\n", places=[8])
def test_any_split_is_the_same_as_the_reference(stream: bytes, places: list[int]) -> None:
    expected = parse(stream)
    assert feed([stream]) == expected
    assert feed(cut(stream, *places)) == expected
    assert feed(single_bytes(stream)) == expected


@pytest.mark.exhaustive
@given(stream=st.lists(st.sampled_from(b"\n\r:dat \xef\0"), max_size=40).map(bytes), places=PLACES)
@settings(max_examples=1000, deadline=None)
def test_garbage_of_the_bytes_that_matter(stream: bytes, places: list[int]) -> None:
    expected = parse(stream)
    assert feed(cut(stream, *places)) == expected
    assert feed(single_bytes(stream)) == expected


# --- the limit ------------------------------------------------------------------------------------------------------


def outcome(pieces: Iterable[bytes], limit: int) -> tuple[list[Dispatched], str | None]:
    parser = SSEParser(limit)
    events: list[ServerSentEvent] = []
    try:
        for piece in pieces:
            events += parser.receive_data(piece)
    except ProtocolError as error:
        failed = str(error)
    else:
        failed = None
    return [Dispatched(event.event, event.data, event.id, event.retry) for event in events], failed


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_event_at_the_limit_and_one_above(end: bytes) -> None:
    block = b"event: e" + end + b"data: 3456789"
    size = 21 + 1
    assert outcome([b"data: before" + end + end + block + end + end], size)[1] is None
    assert outcome(single_bytes(b"data: before" + end + end + block + end + end), size)[1] is None
    large = block + b"!" + end + end
    for pieces in ([large], single_bytes(large), cut(large, 5), cut(large, len(large) - 1)):
        events, failed = outcome(pieces, size)
        assert events == []
        assert failed == "a server-sent event is larger than the limit of 22 bytes (max_event_size)"


@pytest.mark.exhaustive
@given(stream=STREAMS, places=PLACES, limit=st.integers(1, 60))
@settings(max_examples=1000, deadline=None)
def test_any_split_meets_the_limit_alike(stream: bytes, places: list[int], limit: int) -> None:
    events, failed = outcome(single_bytes(stream), limit)
    for pieces in ([stream], cut(stream, *places)):
        other_events, other_failed = outcome(pieces, limit)
        assert other_failed == failed
        # What one read has before the fault is lost with it.
        assert other_events == events[: len(other_events)]
        assert failed or other_events == events == parse(stream)


def test_after_the_limit_there_is_only_the_error() -> None:
    parser = SSEParser(10)
    for data in (b"data: 0123456789", b"data: 1\n\n"):
        with pytest.raises(ProtocolError, match="limit of 10 bytes"):
            parser.receive_data(data)
    assert parser.receive_eof() == []


@pytest.mark.parametrize("line", [b"data: " + b"x" * 90 + b"\n", b": " + b"x" * 94 + b"\n", b"x" * 97])
def test_memory_is_bounded(line: bytes) -> None:
    parser = SSEParser(10_000)
    held = []

    def drip() -> None:
        for _ in range(1000):
            parser.receive_data(line)
            held.append(sys.getsizeof(parser._buffer))

    with pytest.raises(ProtocolError):
        drip()
    assert 9_000 < max(held) < 12_000


def test_comments_without_end_cost_nothing() -> None:
    parser = SSEParser(100)
    for _ in range(1000):
        assert parser.receive_data(b": keep-alive\n\n") == []
    assert parser.receive_data(b"data: a\n\n") == [ServerSentEvent(None, b"a")]


class Counted(bytearray):
    """A buffer that counts the bytes it looks at when it is searched."""

    searched = 0

    def find(self, wanted: bytes, start: int = 0, *rest: int) -> int:  # type: ignore[override]
        self.searched += len(self) - start
        return super().find(wanted, start, *rest)


def test_an_event_in_tiny_pieces_is_linear_work() -> None:
    parser = SSEParser()
    buffer = parser._buffer = Counted()
    stream = b"event: image\ndata: " + b"x" * 20_000 + b"\n\n"
    events = [event for piece in single_bytes(stream) for event in parser.receive_data(piece)]
    assert [len(event.data) for event in events] == [20_000]
    assert buffer.searched <= 2 * len(stream)


# --- the event ------------------------------------------------------------------------------------------------------


def test_text_and_json() -> None:
    [event] = SSEParser().receive_data('data: {"a":\ndata: "\u00e9"}\n\n'.encode())
    assert event.text == '{"a":\n"\u00e9"}'
    assert event.json() == {"a": "\u00e9"}
    assert ServerSentEvent(None, b"\xff").text == "\ufffd"
    with pytest.raises(msgspec.DecodeError):
        ServerSentEvent(None, b"[DONE]").json()


def test_event_names_are_shared_and_bounded() -> None:
    parser = SSEParser()
    first, second = parser.receive_data(b"event: some.name\ndata: 1\n\nevent: some.name\ndata: 2\n\n")
    assert first.event is second.event
    names = [b"event: name%d\ndata: 1\n\n" % number for number in range(2000)]
    assert [event.event for event in parser.receive_data(b"".join(names))][-1] == "name1999"
    from oxide.core import sse

    assert len(sse._names) <= 512
    assert parser.receive_data(b"event: " + b"x" * 1000 + b"\ndata: 1\n\n")[0].event == "x" * 1000
    assert b"x" * 1000 not in sse._names
