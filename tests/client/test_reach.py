"""Reaching servers: several addresses, Unix sockets, local addresses, TLS names, whom to trust."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
import trustme

import oxide

from .peer import Connection, Event, Peer, deaf_port, reply
from .tls import authority, client_context, server_context


def answer(connection: Connection) -> None:
    while connection.receive():
        connection.send(reply(b'{"from": "%b"}' % str(connection.sock.getpeername()[0]).encode()))


def resolves_to(monkeypatch: pytest.MonkeyPatch, *where: tuple[str, int]) -> None:
    """Every name has these addresses."""
    found: list[Any] = []
    for host, port in where:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        found.append((family, socket.SOCK_STREAM, 6, "", (host, port, 0, 0) if ":" in host else (host, port)))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


async def test_first_that_answers(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that are deaf and one that refuses cost two delays, not two timeouts; what was begun is closed."""
    with deaf_port() as deaf, Peer(answer) as peer:
        resolves_to(monkeypatch, ("127.0.0.1", deaf), ("127.0.0.1", deaf), ("127.0.0.1", 1), ("127.0.0.1", peer.port))
        client = way.client(base_url="http://several.invalid/v1", timeout=oxide.Timeout(30, connect=29), max_retries=0)
        before = len(os.listdir("/proc/self/fd"))
        assert await client.get("/x", cast_to=object) == {"from": "127.0.0.1"}
        # The connection, and nothing of the other attempts; an event loop may have its own by now.
        assert len(os.listdir("/proc/self/fd")) <= before + 2
        assert peer.accepted == 1


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
async def test_unix_socket(way: Any, tmp_path: Path, secure: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    path = tmp_path / "socket"
    told = Event()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    # Two at a time fit in: the others have to try again.
    listener.listen(0)
    listener.settimeout(10)

    def serve() -> None:
        told.wait()
        for _ in range(5):
            sock, _ = listener.accept()
            threading.Thread(target=talk, args=(sock,)).start()

    def talk(sock: socket.socket) -> None:
        sock.settimeout(10)
        if secure:
            sock = server_context("api.example").wrap_socket(sock, server_side=True)
        with sock:
            data = b""
            while b"\r\n\r\n" not in data:
                data += sock.recv(65536)
            assert b"\r\nHost: api.example\r\n" in data
            sock.sendall(reply(b"{}", headers=b"Connection: close\r\n"))

    server = threading.Thread(target=serve)
    server.start()
    try:
        client = way.client(
            base_url=f"http{'s' * secure}://api.example/v1",
            http_client=way.transport(uds=path, ssl_context=client_context()),
            max_retries=0,
        )

        async def one() -> Any:
            return await client.get("/x", cast_to=object)

        told.set()
        assert await way.gather(*[one] * 5) == [{}] * 5
    finally:
        server.join(10)
        listener.close()
    with pytest.raises(oxide.APIConnectionError, match=r"can't connect to .*/none: No such file"):
        await way.client(http_client=way.transport(uds=tmp_path / "none"), max_retries=0).models.list()


async def test_local_address(way: Any) -> None:
    with Peer(answer) as peer:
        client = way.client(base_url=peer.base_url, http_client=way.transport(local_address="127.0.0.9"))
        assert await client.get("/x", cast_to=object) == {"from": "127.0.0.9"}
        client = way.client(
            base_url=peer.base_url, http_client=way.transport(local_address="203.0.113.1"), max_retries=0
        )
        with pytest.raises(oxide.APIConnectionError, match=r"from the local address 203.0.113.1: Cannot assign"):
            await client.get("/x", cast_to=object)


async def test_slow_resolver(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look-up of a name is bounded by `timeout.connect`, too."""
    late = Event()

    def getaddrinfo(host: Any, *_: Any, flags: int = 0, **__: Any) -> Any:
        if not flags & socket.AI_NUMERICHOST:
            late.wait()
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    client = way.client(base_url="http://slow.invalid/v1", timeout=oxide.Timeout(9, connect=0.1), max_retries=0)
    try:
        with pytest.raises(oxide.APITimeoutError, match=r"within 0.1 s \(timeout.connect\)"):
            await client.get("/x", cast_to=object)
    finally:
        late.set()


async def test_socket_options(way: Any) -> None:
    with Peer(answer) as peer:
        transport = way.transport()
        client = way.client(base_url=peer.base_url, http_client=transport)
        await client.get("/x", cast_to=object)
        connection = transport._pool.acquire(oxide.URL(peer.base_url).origin)
        option = connection._sock.getsockopt
        assert option(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert option(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        probes = [option(socket.IPPROTO_TCP, getattr(socket, f"TCP_KEEP{name}")) for name in ("IDLE", "INTVL", "CNT")]
        assert probes == [60, 10, 6]
        assert option(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000
        transport._pool.release(connection, True)


# --- TLS ---------------------------------------------------------------------------------------------------------------


async def test_another_name(way: Any) -> None:
    """What is sent as SNI, and what the certificate must be for."""
    names: list[str | None] = []
    context = server_context("api.example")
    context.sni_callback = lambda _, name, __: names.append(name)
    with Peer(answer, context=context) as peer:
        for name in ("api.example", "other.example"):
            transport = way.transport(ssl_context=client_context(), server_hostname=name)
            client = way.client(base_url=peer.base_url, http_client=transport, max_retries=0)
            if name == "api.example":
                assert await client.get("/x", cast_to=object) == {"from": "127.0.0.1"}
            else:
                with pytest.raises(oxide.APIConnectionError, match="refused: Hostname mismatch"):
                    await client.get("/x", cast_to=object)
    assert names == ["api.example", "other.example"]


def hash_of_name(certificate: Path) -> str:
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(certificate)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_certificates_of_the_environment(
    way: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ca.pem"
    authority().cert_pem.write_to_path(path)
    if name == "SSL_CERT_DIR":
        # Where OpenSSL looks.
        path.rename(tmp_path / f"{hash_of_name(path)}.0")
        path = tmp_path
    monkeypatch.setenv(name, str(path))
    with Peer(answer, context=server_context()) as peer:
        assert await way.client(base_url=peer.base_url).get("/x", cast_to=object)
        untrusting = way.client(base_url=peer.base_url, http_client=way.transport(trust_env=False), max_retries=0)
        with pytest.raises(oxide.APIConnectionError, match=r"it comes from an unknown authority"):
            await untrusting.get("/x", cast_to=object)
        monkeypatch.setenv(name, str(tmp_path / "none"))
        with pytest.raises(oxide.OpenAIError, match=rf"variable {name}: no certificates .* No such file"):
            await way.client(base_url=peer.base_url).get("/x", cast_to=object)


async def test_verify(way: Any, tmp_path: Path) -> None:
    authority().cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "empty.pem").write_text("nothing")
    with Peer(answer, context=server_context("elsewhere.example", expired=True)) as peer:
        client = way.client(base_url=peer.base_url, http_client=way.transport(verify=False))
        assert await client.get("/x", cast_to=object)
    with Peer(answer, context=server_context()) as peer:
        client = way.client(base_url=peer.base_url, http_client=way.transport(verify=tmp_path / "ca.pem"))
        assert await client.get("/x", cast_to=object)
        client = way.client(base_url=peer.base_url, http_client=way.transport(verify=tmp_path / "empty.pem"))
        with pytest.raises(oxide.OpenAIError, match=r"verify: .* has no certificate in it"):
            await client.get("/x", cast_to=object)
    with pytest.raises(TypeError, match="passed as ssl_context"):
        way.transport(verify=client_context())
    with pytest.raises(ValueError, match="either ssl_context, or verify"):
        way.transport(verify=False, ssl_context=client_context())
    with pytest.raises(ValueError, match="either proxy or uds"):
        way.transport(proxy="http://a", uds="/x")
    with pytest.raises(TypeError, match="a URL or a Proxy, not dict"):
        way.transport(proxy={})


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_client_certificate(way: Any, tmp_path: Path, version: ssl.TLSVersion) -> None:
    issuer = trustme.CA()
    issued = issuer.issue_cert("client@example.org")
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(tmp_path / "certificate.pem", append=number > 0)
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    authority().cert_pem.write_to_path(tmp_path / "ca.pem")
    context = server_context()
    issuer.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    # With TLS 1.3 a client learns of the refusal only when it reads, perhaps after it could not write.
    context.minimum_version = context.maximum_version = version
    with Peer(answer, context=context) as peer:
        pair = [tmp_path / "certificate.pem", str(tmp_path / "key.pem")]
        for cert in (tmp_path / "both.pem", pair, tuple(pair)):
            transport = way.transport(verify=tmp_path / "ca.pem", cert=cert)
            assert await way.client(base_url=peer.base_url, http_client=transport).get("/x", cast_to=object)
        client = way.client(
            base_url=peer.base_url, http_client=way.transport(verify=tmp_path / "ca.pem"), max_retries=0
        )
        message = {
            ssl.TLSVersion.TLSv1_2: r"TLS handshake with 127.0.0.1 failed: .*HANDSHAKE_FAILURE|ALERT",
            ssl.TLSVersion.TLSv1_3: r"the TLS connection broke: .*CERTIFICATE_REQUIRED; the server wants a certificate",
        }
        with pytest.raises(oxide.APIConnectionError, match=message[version]):
            await client.get("/x", cast_to=object)
        client = way.client(base_url=peer.base_url, http_client=way.transport(cert=tmp_path / "none.pem"))
        with pytest.raises(oxide.OpenAIError, match=r"cert: the certificate .*none.pem' can't be used: No such file"):
            await client.get("/x", cast_to=object)
        # A certificate without its key.
        client = way.client(base_url=peer.base_url, http_client=way.transport(cert=tmp_path / "certificate.pem"))
        with pytest.raises(oxide.OpenAIError, match=r"can't be used: not in PEM format, without its key, or"):
            await client.get("/x", cast_to=object)
    for wrong in (7, ("a", 7), {"a": "b"}):
        with pytest.raises(TypeError, match="cert must be a path, or a tuple of the paths"):
            way.transport(cert=wrong)
