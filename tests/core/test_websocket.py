"""The WebSocket machine: what comes out for what goes in, however it is cut."""

from __future__ import annotations

import json
import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from oxide.core.errors import WebSocketConnectionClosedError
from oxide.core.websocket import CLOSED, CLOSING, OPEN, WebSocket
from oxide.core.ws_deflate import Deflate


def served(first: int, payload: bytes, length: int | None = None) -> bytes:
    """A frame as a server sends it; `length` is what its header says."""
    size = len(payload) if length is None else length
    if size < 126:
        head = bytes([first, size])
    elif size < 0x10000:
        head = bytes([first, 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, 127]) + size.to_bytes(8, "big")
    return head + payload


def deflate() -> Deflate:
    extension = Deflate()
    extension.finalize("permessage-deflate")
    return extension


def squeezed(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def feed(ws: WebSocket, data: bytes, cuts: list[int]) -> list[tuple[bytes, bool]]:
    """The messages of `data`, handed over in pieces of these sizes."""
    messages = []
    while data:
        size = cuts.pop() if cuts else len(data)
        messages += ws.receive_data(data[:size])
        data = data[size:]
    return [(message.data, message.is_text) for message in messages]


MESSAGES = st.lists(
    st.tuples(
        st.one_of(st.text(max_size=300).map(str.encode), st.sampled_from([b"x" * 125, b"x" * 126, b"x" * 65536])),
        st.sampled_from(["whole", "halves", "ping between", "squeezed", "squeezed halves", "ping"]),
        st.booleans(),
    ),
    max_size=8,
)


@given(MESSAGES, st.lists(st.integers(1, 40), max_size=60))
def test_any_split_gives_the_same_messages(messages: list[tuple[bytes, str, bool]], cuts: list[int]) -> None:
    ws = WebSocket([deflate()])
    wire, expected, pings = b"", [], []
    for number, (data, shape, is_text) in enumerate(messages):
        opcode = 1 if is_text else 2
        ping = b"%d" % number
        body = data
        if "squeezed" in shape:
            # A block of its own each time, so that the order does not matter.
            body, opcode = squeezed(data), opcode | 0x40
        if shape == "ping":
            wire += served(0x89, ping)
            pings.append(ping)
            continue
        if shape in ("whole", "squeezed"):
            wire += served(0x80 | opcode, body)
        else:
            middle = len(body) // 2
            wire += served(opcode, body[:middle])
            if shape == "ping between":
                wire += served(0x89, ping)
                pings.append(ping)
            wire += served(0x80, body[middle:])
        expected.append((data, is_text))
    assert feed(ws, wire, cuts) == expected
    assert ws.state is OPEN
    server = Connection(ConnectionType.SERVER)
    server.receive_data(ws.data_to_send())
    assert [event.payload for event in server.events() if isinstance(event, Pong)] == pings


@given(st.binary(max_size=400), st.lists(st.integers(1, 9), max_size=40))
def test_nothing_but_messages_comes_out_whatever_goes_in(data: bytes, cuts: list[int]) -> None:
    ws = WebSocket([deflate()], max_size=1000)
    feed(ws, data, cuts)
    ws.receive_eof()
    assert ws.state is CLOSED
    assert ws.failure is not None or ws.received is not None


@pytest.mark.parametrize("size", [0, 1, 125, 126, 1023, 1024, 65535, 65536, 200_001])
def test_a_server_reads_what_is_sent(size: int) -> None:
    ws = WebSocket()
    server = Connection(ConnectionType.SERVER)
    binary, text = os.urandom(size), "é" * (size // 2)
    ws.send(binary)
    ws.send(text)
    server.receive_data(ws.data_to_send())
    got: dict[type, list[object]] = {BytesMessage: [], TextMessage: []}
    for event in server.events():
        got[type(event)].append(event.data)  # type: ignore[attr-defined]
    assert b"".join(got[BytesMessage]) == binary  # type: ignore[arg-type]
    assert "".join(got[TextMessage]) == text  # type: ignore[arg-type]
    assert ws.data_to_send() == b""


def test_compression_goes_both_ways_and_remembers() -> None:
    ws = WebSocket([deflate()])
    extension = deflate()
    server = Connection(ConnectionType.SERVER, [extension])
    text = json.dumps({"type": "response.create", "text": "again and again " * 20})
    sizes = []
    for _ in range(3):
        ws.send(text)
        data = ws.data_to_send()
        sizes.append(len(data))
        server.receive_data(data)
        (event,) = server.events()
        assert isinstance(event, TextMessage)
        assert event.data == text
        assert [message.data for message in ws.receive_data(server.send(event))] == [text.encode()]
    assert sizes[1] < sizes[0] < len(text)


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (served(0x83, b""), 1002),  # an opcode that means nothing
        (served(0xC1, b"x"), 1002),  # compressed, and nobody agreed to that
        (served(0x80, b"x"), 1002),  # a continuation of nothing
        (served(0x01, b"x") + served(0x81, b"y"), 1002),  # a message inside a message
        (served(0x09, b""), 1002),  # half a ping
        (served(0x89, b"x" * 126), 1002),  # a ping that is too long
        (b"\x81\x7e\x00\x05hello", 1002),  # a length in more bytes than it takes
        (b"\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x05hello", 1002),
        (b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 1002),  # a length of more than 63 bits
        (b"\x81\x82abcd\x09\x0b", 1002),  # masked
        (served(0x88, b"\x03"), 1002),
        (served(0x88, (1005).to_bytes(2, "big")), 1002),
        (served(0x81, b"\xff\xfe"), 1007),
        (served(0x01, b"\xc3") + served(0x80, b"("), 1007),
        (served(0x88, (1000).to_bytes(2, "big") + b"\xff"), 1007),
        (served(0x88, (1014).to_bytes(2, "big") + b"\xff"), 1007),
        (served(0x88, (1016).to_bytes(2, "big")), 1002),
    ],
)
def test_violations_are_answered_with_their_code(wire: bytes, code: int) -> None:
    for cuts in ([], [1] * len(wire)):
        ws = WebSocket()
        assert [data for data, _ in feed(ws, served(0x81, b"before") + wire + served(0x81, b"after"), cuts)] == [
            b"before"
        ]
        assert ws.state is CLOSED
        assert ws.sent is not None
        assert ws.sent[0] == code
        assert ws.failure
        server = Connection(ConnectionType.SERVER)
        server.receive_data(ws.data_to_send())
        (event,) = server.events()
        assert isinstance(event, CloseConnection)
        assert event.code == code
        with pytest.raises(WebSocketConnectionClosedError, match="broke"):
            ws.send("more")


def test_size_is_limited_before_it_is_received_and_after_inflation() -> None:
    ws = WebSocket(max_size=100)
    assert len(ws.receive_data(served(0x81, b"x" * 100))) == 1
    ws.receive_data(served(0x82, b"", 101))
    assert ws.sent is not None
    assert ws.sent[0] == 1009

    ws = WebSocket(max_size=100)
    ws.receive_data(served(0x01, b"x" * 60) + served(0x80, b"x" * 60))
    assert ws.sent is not None
    assert ws.sent[0] == 1009

    extension = Deflate(max_size=100_000)
    extension.finalize("permessage-deflate")
    ws = WebSocket([extension], max_size=100_000)
    assert len(ws.receive_data(served(0xC1, squeezed(b"x" * 100_000)))[0].data) == 100_000
    bomb = squeezed(b"x" * 50_000_000)
    assert len(bomb) < 100_000
    assert ws.receive_data(served(0xC1, bomb)) == []
    assert ws.sent is not None
    assert ws.sent[0] == 1009


def test_closing_by_us() -> None:
    ws = WebSocket()
    ws.close(1000, "done")
    ws.close(1001)
    assert ws.state is CLOSING
    with pytest.raises(WebSocketConnectionClosedError, match="being closed"):
        ws.send("more")
    server = Connection(ConnectionType.SERVER)
    server.receive_data(ws.data_to_send())
    (event,) = server.events()
    assert event == CloseConnection(1000, "done")
    # What was under way still comes.
    assert [message.data for message in ws.receive_data(served(0x81, b"late") + server.send(event.response()))] == [
        b"late"
    ]
    assert ws.state is CLOSED
    assert ws.received == (1000, "done")
    assert ws.failure is None
    assert ws.data_to_send() == b""


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1012, 1013, 1014, 3000, 4999])
def test_codes_that_a_server_may_close_with(code: int) -> None:
    wire = served(0x88, code.to_bytes(2, "big") + "Adiós".encode())
    for cuts in ([], [1] * len(wire)):
        ws = WebSocket()
        assert feed(ws, wire, cuts) == []
        assert (ws.received, ws.sent, ws.failure) == ((code, "Adiós"), (code, "Adiós"), None)


def test_closing_by_the_server() -> None:
    ws = WebSocket()
    server = Connection(ConnectionType.SERVER)
    ws.receive_data(server.send(CloseConnection(1011, "overload")))
    assert ws.state is CLOSED
    server.receive_data(ws.data_to_send())
    (event,) = server.events()
    assert event == CloseConnection(1011, "overload")
    error = ws.closed_error()
    assert (error.code, error.reason, error.ok) == (1011, "overload", False)
    assert "1011" in str(error)


@pytest.mark.parametrize(("partial", "text"), [(b"", "ended"), (served(0x81, b"abc", 10), "inside a message")])
def test_the_end_without_a_close(partial: bytes, text: str) -> None:
    ws = WebSocket()
    ws.receive_data(served(0x81, b"x") + partial)
    ws.receive_eof()
    error = ws.closed_error()
    assert (error.code, error.ok) == (1006, False)
    assert text in str(error)


@pytest.mark.parametrize("code", [0, 999, 1005, 1006, 1015, 2999, 5000])
def test_codes_that_are_not_for_sending(code: int) -> None:
    ws = WebSocket()
    with pytest.raises(ValueError, match="close code"):
        ws.close(code)
    with pytest.raises(ValueError, match="123 bytes"):
        ws.close(1000, "é" * 62)
    assert ws.state is OPEN


def test_what_is_no_message() -> None:
    ws = WebSocket()
    with pytest.raises(TypeError, match="text or bytes, not dict"):
        ws.send({"type": "x"})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="surrogates"):
        ws.send("\ud800")
    assert ws.data_to_send() == b""


def test_silence_is_asked_about_and_then_is_the_end() -> None:
    ws = WebSocket(ping_interval=20, ping_timeout=10)
    server = Connection(ConnectionType.SERVER)

    def pings() -> int:
        server.receive_data(ws.data_to_send())
        return sum(isinstance(event, Ping) for event in server.events())

    ws.tick(0)
    ws.tick(19)
    assert pings() == 0
    ws.tick(20)
    ws.tick(25)
    assert pings() == 1
    ws.receive_data(server.send(Pong(b"oxide")))
    ws.tick(31)
    ws.tick(40)
    assert pings() == 0
    ws.tick(51)
    assert pings() == 1
    # Bytes that nobody has read yet are a sign of life, too.
    ws.tick(62, pending=True)
    assert ws.state is OPEN
    ws.tick(82)
    ws.tick(93)
    assert ws.state is CLOSED
    assert "ping_timeout" in str(ws.closed_error())
