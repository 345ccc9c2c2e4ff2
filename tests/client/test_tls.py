"""TLS: what works as without it, and what is refused."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import trustme

import oxide
from oxide.testing import MockServer

from .peer import Connection, Event, Peer, chunked, reply
from .tls import authority, client_context, server_context


def answer(connection: Connection) -> None:
    while (request := connection.receive()) is not None:
        connection.send(reply(b'{"size": %d}' % len(request.body)))


def secure(way: Any, base_url: str, **arguments: Any) -> Any:
    return way.client(base_url=base_url, http_client=way.transport(ssl_context=client_context()), **arguments)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_kept_alive(way: Any, version: ssl.TLSVersion) -> None:
    context = server_context()
    context.minimum_version = context.maximum_version = version
    with Peer(answer, context=context) as peer:
        client = secure(way, peer.base_url)
        for size in (0, 1, 1000):
            assert await client.post("/x", cast_to=object, content=b"x" * size) == {"size": size}
        assert peer.accepted == 1


async def test_calls_and_streams(way: Any) -> None:
    with MockServer(ssl=server_context()) as server:
        client = secure(way, server.base_url)
        for _ in range(2):
            response = await client.responses.create(model="gpt-5", input="Say hi")
            assert response.output_text == "You said: Say hi"
            stream = await client.responses.create(model="gpt-5", input="Say hi", stream=True)
            events = [event async for event in stream]
            assert events[-1].response.output_text == "You said: Say hi"
        assert server.accepted_connections == 1

        async def one() -> str:
            return (await client.responses.create(model="gpt-5", input="x")).output_text

        assert await way.gather(*[one] * 10) == ["You said: x"] * 10


@pytest.mark.parametrize("host", ["localhost", "::1"])
async def test_names(way: Any, host: str) -> None:
    with Peer(answer, context=server_context(), host="127.0.0.1" if host == "localhost" else host) as peer:
        client = secure(way, peer.base_url.replace("127.0.0.1", host))
        assert await client.get("/x", cast_to=object) == {"size": 0}


async def test_large_bodies_both_ways(way: Any) -> None:
    size = 8_000_000

    def script(connection: Connection) -> None:
        while (request := connection.receive()) is not None:
            connection.send(reply(request.body))

    body = bytes(range(256)) * (size // 256)
    with Peer(script, context=server_context()) as peer:
        client = secure(way, peer.base_url)
        for _ in range(2):
            assert await client.post("/x", cast_to=bytes, content=body) == body
        assert peer.accepted == 1


async def test_stream_event_by_event(way: Any) -> None:
    """Each event arrives when it was sent, although TLS and the machine both have buffers."""
    seen = [Event() for _ in range(5)]

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(chunked(end=False))
        for number, event in enumerate(seen):
            data = b'data: {"n": %d}\n\n' % number
            connection.send(b"%x\r\n%b\r\n" % (len(data), data))
            event.wait()
        connection.send(b"0\r\n\r\n")
        connection.wait_closed()

    with Peer(script, context=server_context()) as peer:
        client = secure(way, peer.base_url)
        async for event in await client.get("/x", cast_to=object, stream=True):
            seen[event["n"]].set()
        assert all(event.is_set() for event in seen)
        assert client._transport.stats()["idle"] == 1


def self_signed() -> ssl.SSLContext:
    # An authority's own certificate signs itself.
    issuer = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with issuer.cert_pem.tempfile() as certificate, issuer.private_key_pem.tempfile() as key:
        context.load_cert_chain(certificate, key)
    return context


REFUSED = {
    "self-signed": (self_signed, "self-signed certificate"),
    "unknown authority": (
        lambda: server_context(issuer=trustme.CA()),
        "it comes from an unknown authority",
    ),
    "another host": (lambda: server_context("example.org"), "IP address mismatch"),
    "expired": (lambda: server_context(expired=True), "certificate has expired"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused(way: Any, name: str) -> None:
    make, message = REFUSED[name]
    with Peer(answer, context=make()) as peer:
        client = secure(way, peer.base_url, max_retries=0)
        with pytest.raises(oxide.APIConnectionError, match=message) as caught:
            await client.get("/x", cast_to=object)
        assert "127.0.0.1" in str(caught.value)
        assert isinstance(caught.value.__cause__, oxide.core.errors.ConnectError)
        assert isinstance(caught.value.__cause__.__cause__, ssl.SSLCertVerificationError)
        assert not peer.requests
        assert client._transport.stats()["open"] == 0


async def test_default_context_verifies(way: Any) -> None:
    with Peer(answer, context=server_context()) as peer:
        client = way.client(base_url=peer.base_url, max_retries=0)
        with pytest.raises(oxide.APIConnectionError, match=r"certificate of 127.0.0.1 was refused"):
            await client.get("/x", cast_to=object)


async def test_ssl_cert_file(way: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority().cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with Peer(answer, context=server_context()) as peer:
        assert await way.client(base_url=peer.base_url).get("/x", cast_to=object) == {"size": 0}


async def test_no_common_version(way: Any) -> None:
    server, client_side = server_context(), client_context()
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    client_side.minimum_version = ssl.TLSVersion.TLSv1_3
    with Peer(answer, context=server) as peer:
        client = way.client(base_url=peer.base_url, http_client=way.transport(ssl_context=client_side), max_retries=0)
        with pytest.raises(oxide.APIConnectionError, match=r"TLS handshake with 127.0.0.1 failed: .*PROTOCOL_VERSION"):
            await client.get("/x", cast_to=object)


PLAIN = {
    "an HTTP server": lambda connection: connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    "closed": lambda connection: connection.sock.recv(65536),
    "reset": lambda connection: (connection.sock.recv(1), connection.reset()),
}


@pytest.mark.parametrize("name", PLAIN)
async def test_no_tls_on_the_other_side(way: Any, name: str) -> None:
    with Peer(PLAIN[name], context=server_context(), shake=False) as peer:
        client = secure(way, peer.base_url, max_retries=0)
        with pytest.raises(oxide.APIConnectionError, match=r"TLS handshake with 127.0.0.1 failed: .") as caught:
            await client.get("/x", cast_to=object)
        assert not isinstance(caught.value, oxide.APITimeoutError)
        assert client._transport.stats()["open"] == 0


async def test_handshake_stalls(way: Any) -> None:
    with Peer(lambda connection: connection.wait_closed(), context=server_context(), shake=False) as peer:
        client = secure(way, peer.base_url, max_retries=0, timeout=oxide.Timeout(20, connect=0.2))
        start = monotonic()
        with pytest.raises(oxide.APITimeoutError, match=r"within 0.2 s \(timeout.connect\)") as caught:
            await client.get("/x", cast_to=object)
        assert monotonic() - start < 5
        assert isinstance(caught.value.__cause__, oxide.core.errors.ConnectTimeout)
        assert client._transport.stats()["open"] == 0
        peer.wait_closed(0)


@pytest.mark.parametrize("bound", ["length", "end"])
async def test_no_close_notify(way: Any, bound: str) -> None:
    """A body of known length shows whether it is whole; one that goes on until the end is taken as it is (see RFC 9112, 9.8)."""
    head = b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 10\r\n" if bound == "length" else b"") + b"\r\n"

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(head + b'{"a": 1}')

    with Peer(script, context=server_context()) as peer:
        client = secure(way, peer.base_url, max_retries=0)
        if bound == "length":
            with pytest.raises(oxide.APIConnectionError, match="2 of 10 bytes of its body are missing"):
                await client.get("/x", cast_to=object)
        else:
            assert await client.get("/x", cast_to=object) == {"a": 1}
        assert client._transport.stats()["open"] == 0


async def test_closed_while_idle(way: Any) -> None:
    """With close_notify and without: the connection is replaced, and no retry is needed for it."""
    told = Event()

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(reply(b'{"a": %d}' % connection.number))
        if connection.number == 2:
            connection.wait_closed()
        elif connection.number == 1:
            connection.sock.settimeout(0.0)
            try:
                connection.sock.unwrap()
            except ssl.SSLWantReadError:
                pass
        # The client is not to ask again before the end has reached it.
        connection.close()
        told.set()

    with Peer(script, context=server_context()) as peer:
        client = secure(way, peer.base_url, max_retries=0)
        for number in range(3):
            assert await client.get("/x", cast_to=object) == {"a": number}
            if number < 2:
                told.wait()
                told.clear()


async def test_unasked_record_behind_the_response(way: Any) -> None:
    """It came with the response and lies decrypted, or still encrypted, in the TLS layer, where the socket doesn't show it."""

    def script(connection: Connection) -> None:
        connection.receive()
        if connection.number == 0:
            # Two records in one segment.
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            connection.send(reply(b'{"a": 0}'))
            connection.send(reply(b'{"a": "not yours"}'))
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        else:
            connection.send(reply(b'{"a": 1}'))
        connection.wait_closed()

    with Peer(script, context=server_context()) as peer:
        client = secure(way, peer.base_url, max_retries=0)
        assert await client.get("/x", cast_to=object) == {"a": 0}
        assert await client.get("/x", cast_to=object) == {"a": 1}
        peer.wait_closed(0)
