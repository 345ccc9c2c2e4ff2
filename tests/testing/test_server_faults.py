"""Faults, as a plain socket sees them."""

from __future__ import annotations

import re
import ssl
import sys

import pytest
import trustme

from oxide.testing import Fault, MockServer, Reply, Stream

from .wire import CLOSED, RESET, Wire

HI = {"model": "gpt-5", "input": "hi"}
BODY = b"0123456789"


def broken(server: MockServer, fault: Fault) -> tuple[bytes, bytes, str]:
    """Head and body of a response of ten bytes as far as they came, and how the connection ended."""
    server.queue(Reply(body=BODY, fault=fault))
    with Wire(server) as wire:
        wire.ask(HI)
        received, end = wire.read_to_end()
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body, end


@pytest.mark.parametrize(
    ("fault", "with_head", "body", "end"),
    [
        (Fault.reset_before(), False, b"", RESET),
        (Fault.close_before(), False, b"", CLOSED),
        (Fault.reset_after_head(), True, b"", RESET),
        (Fault.close_after_head(), True, b"", CLOSED),
        (Fault.reset_in_body(), True, b"0", RESET),
        (Fault.reset_in_body(4), True, b"0123", RESET),
        (Fault.close_in_body(9), True, b"012345678", CLOSED),
        (Fault.reset_after_body(), True, BODY, RESET),
        (Fault.close_after_body(), True, BODY, CLOSED),
    ],
)
def test_where_it_breaks(server: MockServer, fault: Fault, with_head: bool, body: bytes, end: str) -> None:
    head, received, how = broken(server, fault)
    assert (received, how) == (body, end)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n") == with_head
    assert (b"content-length: 10" in head) == with_head
    assert b"connection: close" not in head


def test_a_fault_alone_breaks_the_servers_own_answer(server: MockServer) -> None:
    server.queue(Fault.close_in_body(20))
    with Wire(server) as wire:
        wire.ask(HI)
        received, _ = wire.read_to_end()
    assert received.partition(b"\r\n\r\n")[2] == b'{"id":"resp_00000000'


def test_a_reset_in_a_large_body(server: MockServer) -> None:
    """More than the kernel holds: the server waits until it has taken all of it."""
    server.queue(Reply(body=b"x" * 3_000_000, fault=Fault.reset_in_body(2_000_000)))
    with Wire(server) as wire:
        wire.ask(HI)
        head = wire.read_until(b"\r\n\r\n")
        received, end = wire.read_to_end()
    assert b"content-length: 3000000" in head
    assert end == RESET
    assert 0 < len(received) <= 2_000_000


def test_garbage(server: MockServer) -> None:
    server.queue(Fault.garbage(b"\x00\x01 not HTTP"), Fault.garbage())
    for expected in (b"\x00\x01 not HTTP", b"\x16\x03\x01 this is not HTTP\r\n\r\n"):
        with Wire(server) as wire:
            wire.ask(HI)
            assert wire.read_to_end() == (expected, CLOSED)


@pytest.mark.parametrize(
    ("stream", "events", "end"),
    [
        (Stream(cut_after=3), 3, CLOSED),
        (Stream(reset_after=2), 2, RESET),
        (Stream(cut_after=0), 0, CLOSED),
        (Stream(fault=Fault.close_after_head()), 0, CLOSED),
    ],
)
def test_streams_that_break(server: MockServer, stream: Stream, events: int, end: str) -> None:
    server.queue(stream)
    with Wire(server) as wire:
        wire.ask({**HI, "stream": True})
        received, how = wire.read_to_end()
    assert b"transfer-encoding: chunked" in received
    assert received.count(b"event: ") == events
    assert not received.endswith(b"0\r\n\r\n")
    assert how == end


def test_a_stream_reset_within_an_event(server: MockServer) -> None:
    server.queue(Stream(["first", "second"], reset_after_bytes=19))
    with Wire(server) as wire:
        wire.ask({**HI, "stream": True})
        received, end = wire.read_to_end()
    chunks = received.partition(b"\r\n\r\n")[2]
    assert re.findall(rb"[0-9a-f]+\r\n(.*?)\r\n(?=[0-9a-f]|$)", chunks, re.DOTALL) == [b"data: first\n\n", b"data: "]
    assert end == RESET


@pytest.mark.parametrize(
    ("script", "received"),
    [
        (Fault.stall_before(), rb""),
        (Reply(body=BODY, fault=Fault.stall_after_head()), rb"HTTP/1.1 200 OK\r\n.*\r\n\r\n"),
        (Reply(body=BODY, fault=Fault.stall_in_body(3)), rb"HTTP/1.1 200 OK\r\n.*\r\n\r\n012"),
        (Stream(["a", "b", "c"], stall_after=2), rb"HTTP/1.1 200 OK\r\n.*data: a\n\n.*data: b\n\n\r\n"),
    ],
)
def test_stalls(server: MockServer, script: Fault | Reply | Stream, received: bytes) -> None:
    """Nothing more comes, and the connection is there until the server stops."""
    server.queue(script)
    with Wire(server) as wire:
        wire.ask({**HI, "stream": True})
        server.wait_for_requests(1)
        assert not server.requests[0].finished
        server.stop()
        data, end = wire.read_to_end()
    assert re.fullmatch(received, data, re.DOTALL)
    assert end == CLOSED


def test_idle_connections_are_dropped(server: MockServer) -> None:
    with Wire(server) as idle, Wire(server) as busy, Wire(server) as fresh:
        idle.ask(HI)
        assert idle.read_response()[0] == 200
        server.queue(Fault.stall_before())
        busy.ask(HI)
        server.wait_for_requests(2)
        server.wait_for(lambda: server.accepted_connections == 3)
        assert server.drop_idle_connections() == 2
        assert idle.read_to_end() == (b"", CLOSED)
        assert fresh.read_to_end() == (b"", CLOSED)
        assert len(server.open_connections) == 1
        busy.socket.close()
        server.wait_for(lambda: not server.open_connections)
    with Wire(server) as idle:
        idle.ask(HI)
        assert idle.read_response()[0] == 200
        assert server.drop_idle_connections(reset=True) == 1
        assert idle.read_to_end() == (b"", RESET)


def test_a_request_that_is_not_http(server: MockServer) -> None:
    with Wire(server) as wire:
        wire.socket.sendall(b"\x16\x03\x01\x00\r\n\r\n")
        received, end = wire.read_to_end()
    assert received.startswith(b"HTTP/1.1 400 ")
    assert end == CLOSED
    assert server.requests == []


@pytest.mark.parametrize(
    ("fault", "body"), [(Fault.reset_in_body(3), b"012"), (Fault.close_in_body(3), b"012"), (Fault.reset_before(), b"")]
)
def test_faults_under_tls(fault: Fault, body: bytes) -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(serving)
    asking = ssl.create_default_context()
    authority.configure_trust(asking)
    with MockServer(ssl=serving) as server:
        assert server.base_url == f"https://127.0.0.1:{server.port}/v1"
        with Wire(server, context=asking) as wire:
            wire.ask(HI)
            assert wire.read_response()[0] == 200
            server.queue(Reply(body=BODY, fault=fault))
            wire.ask(HI)
            received, end = wire.read_to_end()
    assert received.partition(b"\r\n\r\n")[2] == body
    # Before 3.13 the ssl module calls a reset an end.
    assert end == (RESET if fault.action == "reset" and sys.version_info >= (3, 13) else CLOSED)


def test_idle_tls_connections_are_dropped() -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(serving)
    asking = ssl.create_default_context()
    authority.configure_trust(asking)
    with MockServer(ssl=serving) as server, Wire(server, context=asking) as wire:
        wire.ask(HI)
        assert wire.read_response()[0] == 200
        assert server.drop_idle_connections() == 1
        assert wire.read_to_end() == (b"", CLOSED)
