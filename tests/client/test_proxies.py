"""Proxies: real ones for what works, scripted ones for what does not."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import oxide
from oxide.core import errors
from oxide.testing import MockServer

from .peer import Connection, Peer, chunked, reply
from .proxies import PROXIES, running
from .test_pool import blocking
from .tls import authority, client_context, server_context

pytestmark = pytest.mark.exhaustive


def answer(connection: Connection) -> None:
    while (request := connection.receive()) is not None:
        assert request.target.startswith("/v1/"), "a proxy strips the origin off"
        assert "proxy-authorization" not in request.headers
        if request.target.endswith("/stream"):
            connection.send(chunked(*[b'data: {"n": %d}\n\n' % number for number in range(3)]))
        else:
            connection.send(reply(b'{"size": %d}' % len(request.body)))
        if request.headers.get("connection") == "close":
            return


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("proxies")
    issued = authority().issue_cert("127.0.0.1")
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(directory / "certificate.pem", append=number > 0)
    issued.private_key_pem.write_to_path(directory / "key.pem")
    authority().cert_pem.write_to_path(directory / "ca.pem")
    return directory


@pytest.fixture(params=PROXIES, scope="module")
def proxy(request: pytest.FixtureRequest, certificates: Path) -> Iterator[str]:
    with running(request.param, certificates) as url:
        yield url


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
async def test_calls_and_streams(way: Any, proxy: str, secure: bool) -> None:
    with Peer(answer, context=server_context() if secure else None) as peer:
        transport = way.transport(ssl_context=client_context(), proxy=proxy)
        # tinyproxy closes connections without saying so: the first time, a call is repeated for that.
        client = way.client(base_url=peer.base_url, http_client=transport, max_retries=0 if secure else 2)
        for size in (0, 300_000):
            assert await client.post("/x", cast_to=object, content=b"x" * size) == {"size": size}
        stream = await client.get("/stream", cast_to=object, stream=True)
        assert [event["n"] async for event in stream] == [0, 1, 2]
        assert await client.get("/x", cast_to=object) == {"size": 0}
        if secure:
            # A tunnel is kept and used again, as a connection without a proxy is.
            assert peer.accepted == 1
            assert transport.stats()["opened"] == 1
        assert not hide(proxy) & words(repr(transport) + repr(client) + repr(transport._network._reach.proxies))
        # The proxies' threads and processes are not to wait for us.
        await (transport.aclose() if not way.is_sync else blocking(way, transport.close))


def words(text: str) -> set[str]:
    return {word for word in ("secret", "pa:ss", "pa%3Ass", "pa%3Ass%40word") if word in text}


def hide(proxy: str) -> set[str]:
    return words(proxy)


# The server's end of a TLS connection is left to the collector by the server's event loop when that ends.
@pytest.mark.filterwarnings("ignore:unclosed (transport|<socket|<ssl):ResourceWarning")
@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
async def test_websockets(way: Any, proxy: str, secure: bool) -> None:
    """Through a tunnel even where there is no TLS, since what goes through it is more than a request."""
    with MockServer(ssl=server_context() if secure else None) as server:
        transport = way.transport(ssl_context=client_context(), proxy=proxy)
        client = way.client(base_url=server.base_url, http_client=transport)
        async with client.responses.connect() as connection:
            await connection.response.create(model="gpt-5", input="Say hi")
            async for event in connection:
                if event.type == "response.completed":
                    assert event.response.output_text == "You said: Say hi"
                    break
    gc.collect()


async def test_wrong_password(way: Any, certificates: Path) -> None:
    for name in ("tinyproxy with a password", "microsocks with a password"):
        with running(name, certificates) as url, Peer(answer, context=server_context()) as peer:
            scheme, _, place = url.partition("://")
            place = place.rpartition("@")[2]
            for wrong in (f"{scheme}://user:wr0ng@{place}", f"{scheme}://{place}"):
                transport = way.transport(ssl_context=client_context(), proxy=wrong)
                client = way.client(base_url=peer.base_url, http_client=transport, max_retries=0)
                with pytest.raises(oxide.APIConnectionError, match=rf"the proxy {scheme}://{place} refused") as caught:
                    await client.get("/x", cast_to=object)
                assert isinstance(caught.value.__cause__, oxide.ProxyError)
                assert "wr0ng" not in str(caught.value) + repr(caught.value.__cause__)
                assert transport.stats()["open"] == 0
            assert peer.accepted == 0


async def test_environment(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(connection: Connection) -> None:
        while (request := connection.receive()) is not None:
            connection.send(reply(b'{"target": "%b"}' % request.target.encode()))

    with Peer(forward) as proxy, Peer(forward) as peer:
        monkeypatch.setenv("HTTP_PROXY", f"http://u:secret@127.0.0.1:{proxy.port}")
        assert await way.client(base_url=peer.base_url).get("/x?a=b", cast_to=object) == {
            "target": f"{peer.base_url}/x?a=b"
        }
        sent = proxy.requests[0]
        assert sent.headers["host"] == f"127.0.0.1:{peer.port}"
        assert sent.headers["proxy-authorization"] == "Basic dTpzZWNyZXQ="
        untrusting = way.client(base_url=peer.base_url, http_client=way.transport(trust_env=False))
        assert await untrusting.get("/x", cast_to=object) == {"target": "/v1/x"}
        monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
        assert await way.client(base_url=peer.base_url).get("/x", cast_to=object) == {"target": "/v1/x"}
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("HTTP_PROXY", "ftp://u:secret@127.0.0.1")
        with pytest.raises(ValueError, match=r"HTTP_PROXY: a proxy's URL begins with .*, not ftp://$"):
            way.client()
        assert await way.client(http_client=way.transport(trust_env=False)).close() is None


async def test_redirect_away_from_http(way: Any) -> None:
    """Credentials for the proxy are the connection's, not the request's: they go nowhere else."""

    def forward(connection: Connection) -> None:
        while (request := connection.receive()) is not None:
            location = b"Location: %b/there\r\n" % request.target.partition("/v1")[0].encode()
            first = "there" not in request.target
            connection.send(reply(status="307 Temporary Redirect" if first else "200 OK", headers=location))

    with Peer(forward) as proxy:
        transport = way.transport(proxy=oxide.Proxy(proxy.origin, auth=("u", "p"), headers={"X-Proxy": "1"}))
        client = way.client(base_url="http://no-such-host.invalid/v1", http_client=transport)
        assert await client.post("/x", cast_to=object, body={}) == {}
        for sent, path in zip(proxy.requests, ("/v1/x", "/there"), strict=True):
            assert sent.target == f"http://no-such-host.invalid{path}"
            assert sent.headers["host"] == "no-such-host.invalid"
            assert sent.headers["proxy-authorization"] == "Basic dTpw"
            assert sent.headers["x-proxy"] == "1"


def says(data: bytes) -> Any:
    def script(connection: Connection) -> None:
        connection.sock.recv(65536)
        connection.send(data)
        connection.wait_closed()

    return script


def silent(connection: Connection) -> None:
    connection.wait_closed()


def closes(connection: Connection) -> None:
    connection.sock.recv(65536)


BROKEN = {
    "refuses": (
        "http",
        says(b"HTTP/1.1 403 Forbidden\r\n\r\n"),
        "refused a tunnel to example.invalid:443: 403 Forbidden",
    ),
    "wants a password": ("http", says(b"HTTP/1.0 407 Auth\r\n\r\n"), "407 Auth; it wants a user name and a password"),
    "speaks first": ("http", says(b"HTTP/1.1 200 OK\r\n\r\nHello"), "before it could have any"),
    "no HTTP": ("http", says(b"SSH-2.0-OpenSSH\r\n\r\n"), "does not speak HTTP: 'SSH-2.0-OpenSSH'"),
    "endless head": ("http", says(b"HTTP/1.1 200 OK\r\n" + b"a" * 70_000), "a head of more than 65536 bytes"),
    "closes": ("http", closes, "closed the connection instead of making a tunnel"),
    "no SOCKS": ("socks5", says(b"HTTP/1.1 400 Bad\r\n\r\n"), "does not speak SOCKS 5"),
    "SOCKS wants a password": ("socks5", says(b"\x05\xff"), "it wants credentials"),
    "SOCKS closes": ("socks5", closes, "closed the connection instead"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken(way: Any, name: str) -> None:
    scheme, script, message = BROKEN[name]
    with Peer(script) as proxy:
        url = f"{scheme}://127.0.0.1:{proxy.port}"
        transport = way.transport(proxy=url)
        client = way.client(base_url="https://example.invalid/v1", http_client=transport, max_retries=0)
        with pytest.raises(oxide.APIConnectionError, match=message) as caught:
            await client.get("/x", cast_to=object)
        assert url in str(caught.value)
        assert isinstance(caught.value.__cause__, oxide.ProxyError)
        assert transport.stats()["open"] == 0


@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
async def test_silent(way: Any, scheme: str) -> None:
    with Peer(silent) as proxy:
        transport = way.transport(proxy=f"{scheme}://127.0.0.1:{proxy.port}")
        client = way.client(
            base_url="https://example.invalid/v1",
            http_client=transport,
            max_retries=0,
            timeout=oxide.Timeout(9, connect=0.1),
        )
        with pytest.raises(oxide.APITimeoutError, match=r"within 0.1 s \(timeout.connect\)") as caught:
            await client.get("/x", cast_to=object)
        assert isinstance(caught.value.__cause__, errors.ConnectTimeout)
        assert transport.stats()["open"] == 0


async def test_nobody_there(way: Any) -> None:
    client = way.client(
        base_url="https://example.invalid/v1",
        http_client=way.transport(proxy="http://u:secret@127.0.0.1:1"),
        max_retries=0,
    )
    with pytest.raises(
        oxide.APIConnectionError, match=r"can't reach the proxy http://127.0.0.1:1: .*refused"
    ) as caught:
        await client.get("/x", cast_to=object)
    assert "secret" not in str(caught.value)


def test_httpcore_is_not_needed() -> None:
    code = (
        "import oxide, sys; oxide.OpenAI(api_key='k').close(); print('httpcore' in sys.modules, 'h11' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False", "False"]
