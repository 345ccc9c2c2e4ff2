"""The opening handshake: what is sent, and what is made of the answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.utilities import generate_accept_token

from oxide.core.errors import ProtocolError, ReadError
from oxide.core.http import HeadBlock, Request
from oxide.core.url import URL
from oxide.core.ws_handshake import Handshake
from oxide.core.ws_options import WebSocketOptions

TAIL = b"\x81\x05hello"


def begin(**options: object) -> tuple[Handshake, dict[bytes, bytes]]:
    """A handshake whose request is out, and the request's header fields."""
    head = HeadBlock(((b"Authorization", b"Bearer sk"), (b"upgrade", b"mine")))
    handshake = Handshake(
        Request("GET", URL("wss://api.example.com/v1/realtime?model=m"), head), WebSocketOptions.of(options)
    )
    lines = handshake.data_to_send().split(b"\r\n")
    assert lines[0] == b"GET /v1/realtime?model=m HTTP/1.1"
    assert lines[-2:] == [b"", b""]
    fields = dict(line.split(b": ", 1) for line in lines[1:-2])
    assert len(fields) == len(lines) - 3
    return handshake, fields


def answer(fields: dict[bytes, bytes], **changes: bytes | None) -> bytes:
    """A server's consent, with header fields changed or, by `None`, taken away."""
    values: dict[str, bytes | None] = {
        "Upgrade": b"websocket",
        "Connection": b"Upgrade",
        "Sec-WebSocket-Accept": generate_accept_token(fields[b"Sec-WebSocket-Key"]),
    }
    values.update({name.replace("_", "-"): value for name, value in changes.items()})
    lines = [f"{name}: ".encode() + value for name, value in values.items() if value is not None]
    return b"\r\n".join([b"HTTP/1.1 101 Switching Protocols", *lines, b"", b""])


def test_request() -> None:
    _, fields = begin(subprotocols=["a", "b"], compression="deflate")
    assert fields[b"Host"] == b"api.example.com"
    assert fields[b"Upgrade"] == b"websocket"
    assert fields[b"Connection"] == b"Upgrade"
    assert fields[b"Sec-WebSocket-Version"] == b"13"
    assert fields[b"Sec-WebSocket-Protocol"] == b"a, b"
    assert fields[b"Sec-WebSocket-Extensions"].startswith(b"permessage-deflate")
    assert fields[b"Authorization"] == b"Bearer sk"
    assert begin()[1][b"Sec-WebSocket-Key"] != fields[b"Sec-WebSocket-Key"]


@given(st.lists(st.integers(1, 50), max_size=20), st.booleans())
def test_consent_in_any_pieces(cuts: list[int], early_hint: bool) -> None:
    handshake, fields = begin()
    data = answer(fields, Connection=b"keep-alive, upgrade") + TAIL
    if early_hint:
        data = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + data
    rest = b""
    while data:
        size = cuts.pop() if cuts else len(data)
        if handshake.response is not None:
            rest += data[:size]
        else:
            handshake.receive_data(data[:size])
        data = data[size:]
    assert handshake.websocket is not None
    assert handshake.trailing + rest == TAIL


@given(st.lists(st.integers(1, 50), max_size=20))
def test_refusal_in_any_pieces(cuts: list[int]) -> None:
    handshake, _ = begin()
    data = b'HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\nX-Request-Id: r\r\n\r\n4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n'
    done = False
    while data:
        size = cuts.pop() if cuts else len(data)
        done = handshake.receive_data(data[:size])
        data = data[size:]
    assert done
    assert handshake.websocket is None
    assert handshake.response is not None
    assert (handshake.response.status_code, handshake.response.json()) == (401, {"a": 1})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"Upgrade": None}, "Upgrade"),
        ({"Upgrade": b"h2c"}, "Upgrade"),
        ({"Connection": b"close"}, "Connection"),
        ({"Sec_WebSocket_Accept": b"x"}, "Sec-WebSocket-Accept"),
        ({"Sec_WebSocket_Accept": None}, "Sec-WebSocket-Accept"),
        ({"Sec_WebSocket_Protocol": b"c"}, "subprotocol 'c'"),
        ({"Sec_WebSocket_Extensions": b"x-unknown"}, "x-unknown"),
        ({"Sec_WebSocket_Extensions": b"permessage-deflate; client_max_window_bits=99"}, "parameters"),
        ({"Bad Name": b"x"}, "no header field"),
    ],
)
def test_consent_to_something_else(changes: dict[str, bytes | None], text: str) -> None:
    handshake, fields = begin(compression="deflate", subprotocols=["a"])
    with pytest.raises(ProtocolError, match=text):
        handshake.receive_data(answer(fields, **changes))


def test_what_was_agreed_on() -> None:
    handshake, fields = begin(compression="deflate", subprotocols=["a", "b"])
    handshake.receive_data(
        answer(
            fields,
            Sec_WebSocket_Extensions=b"permessage-deflate; server_no_context_takeover",
            Sec_WebSocket_Protocol=b"b",
        )
    )
    assert handshake.subprotocol == "b"
    assert handshake.response is not None
    assert handshake.response.status_code == 101


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 101 Switching Proto", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nab"]
)
def test_the_end_comes_too_early(data: bytes) -> None:
    handshake, _ = begin()
    if data:
        assert not handshake.receive_data(data)
    with pytest.raises(ReadError):
        handshake.receive_data(b"")


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 101 X\r\nA: " + b"x" * 70_000])
def test_what_is_no_answer(data: bytes) -> None:
    handshake, _ = begin()
    with pytest.raises(ProtocolError):
        handshake.receive_data(data)


def test_options_are_checked() -> None:
    with pytest.raises(TypeError, match="did you mean 'max_size'"):
        WebSocketOptions.of({"maxsize": 1})
    with pytest.raises(TypeError, match="list of names"):
        WebSocketOptions(subprotocols="realtime")
    with pytest.raises(ValueError, match="'deflate' or None"):
        WebSocketOptions(compression="gzip")
    with pytest.raises(ValueError, match="ping_interval"):
        WebSocketOptions(ping_interval=-1)
    with pytest.raises(TypeError, match="max_size"):
        WebSocketOptions(max_size=True)
    assert WebSocketOptions().compression is None
    assert WebSocketOptions(max_size=10).compression == "deflate"
    assert WebSocketOptions(max_queue=(8, 2)).max_queue == 8
