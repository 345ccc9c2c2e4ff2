"""Other people's connections: httpx and httpx2 clients, httpcore pools, mocks; what works as over our own transport, and what they keep."""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import httpx2
import openai
import pytest
import pytest_httpx
import respx

import oxide
from oxide.core import errors

from .peer import Connection, Event, Peer, chunked, deaf_port, reply
from .tls import server_context

# On trio, a call that fails leaves asynchronous generators of the library's own behind, which trio mentions when they are collected.
pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.filterwarnings("ignore:Async generator 'http(x|x2|core|core2)\\.:ResourceWarning"),
]

LIBRARIES = ("httpx", "httpx2", "httpcore")


@pytest.fixture(params=LIBRARIES)
def bring(request: pytest.FixtureRequest, way: Any) -> Callable[..., Any]:
    """Makes a client of oxide's on one of the library's."""

    def make(base_url: str, *, client: Any = (), **arguments: Any) -> Any:
        module = importlib.import_module(request.param)
        pool = "ConnectionPool" if request.param == "httpcore" else "Client"
        brought = getattr(module, pool if way.is_sync else f"Async{pool}")(**dict(client))
        return way.client(base_url=base_url, http_client=brought, **arguments)

    make.library = request.param  # type: ignore[attr-defined]
    return make


def echo(connection: Connection) -> None:
    while (request := connection.receive()) is not None:
        if request.target.endswith("/stream"):
            connection.send(chunked(*[b'data: {"n": %d}\n\n' % number for number in range(3)]))
        elif request.target.endswith("/busy") and request.headers["x-stainless-retry-count"] == "0":
            connection.send(reply(b"{}", "503 Busy", b"Retry-After-Ms: 1\r\n"))
        elif request.target.endswith("/wrong"):
            connection.send(reply(b'{"error": {"message": "no such thing", "code": "c"}}', "404 Not Found"))
        elif request.target.endswith("/gzip"):
            connection.send(reply(gzip.compress(b'{"a": 1}'), headers=b"Content-Encoding: gzip\r\n"))
        else:
            connection.send(reply(b'{"size": %d}' % len(request.body)))


async def test_everything(way: Any, bring: Any) -> None:
    with Peer(echo) as peer:
        client = bring(peer.base_url)
        assert await client.get("/x", cast_to=object) == {"size": 0}
        assert await client.post("/x", cast_to=object, content=b"x" * 300_000) == {"size": 300_000}
        stream = await client.get("/stream", cast_to=object, stream=True)
        assert [event["n"] async for event in stream] == [0, 1, 2]
        assert await client.post("/busy", cast_to=object, body={}) == {"size": 2}
        assert await client.get("/gzip", cast_to=object) == {"a": 1}
        assert len(await client.get("/gzip", cast_to=bytes, stream=False)) == 8
        with pytest.raises(oxide.NotFoundError, match="no such thing") as caught:
            await client.get("/wrong", cast_to=object)
        assert caught.value.code == "c"
        with pytest.raises(oxide.NotFoundError, match="no such thing"):
            await client.get("/wrong", cast_to=object, stream=True)
        assert peer.accepted == 1
        first = peer.requests[0]
        assert first.headers["authorization"] == "Bearer sk-test"
        assert first.headers["host"] == f"127.0.0.1:{peer.port}"
        assert "gzip" in first.headers["accept-encoding"]
        assert peer.requests[1].headers["content-length"] == "300000"
    await client.close()
    assert client.is_closed()
    with pytest.raises(oxide.OpenAIError, match="the client is closed"):
        await client.get("/x", cast_to=object)


async def test_uploads(way: Any, bring: Any, tmp_path: Path) -> None:
    """A file is read while it is sent, with its length told before; and once more when it is sent once more."""
    path = tmp_path / "data.bin"
    path.write_bytes(b"0123456789" * 50_000)
    with Peer(echo) as peer:
        client = bring(peer.base_url)
        answer = await client.post("/busy", cast_to=object, body={"purpose": "x"}, files={"file": path})
        assert answer["size"] > 500_000
        first, second = peer.requests
        assert first.body == second.body
        assert first.body.count(b"0123456789") == 50_000
        assert second.headers["content-length"] == str(len(second.body))

        chunks = [b"a" * 1000, b"b" * 1000]
        seen: list[bytes] = []

        def script(connection: Connection) -> None:
            head = connection.receive_head()
            assert head is not None
            assert b"\r\ntransfer-encoding: chunked" in head.lower()
            data = connection._buffer
            while b"\r\n0\r\n\r\n" not in data:
                data += connection.sock.recv(65536)
            seen.append(data)
            connection.send(reply())

        with Peer(script) as other:
            client = bring(other.base_url)
            assert (
                await client.post("/x", cast_to=object, content=iter(chunks) if way.is_sync else stream_of(chunks))
                == {}
            )
        assert seen[0].count(b"a") + seen[0].count(b"b") == 2000
        with pytest.raises(FileNotFoundError):
            await client.post("/x", cast_to=object, files={"file": tmp_path / "none"})


async def stream_of(chunks: list[bytes]) -> Any:
    for data in chunks:
        yield data


def silent(connection: Connection) -> None:
    if connection.receive():
        connection.wait_closed()


def stalls(connection: Connection) -> None:
    connection.receive()
    connection.send(chunked(b'data: {"n": 0}\n\n', end=False))
    connection.wait_closed()


async def test_timeouts(way: Any, bring: Any) -> None:
    async def fails(base_url: str, message: str, cause: type[Exception], stream: bool = False, **limits: Any) -> None:
        client = bring(base_url, max_retries=0, timeout=oxide.Timeout(30, **limits))
        start = monotonic()
        with pytest.raises(oxide.APITimeoutError, match=message) as caught:
            async for _ in await client.get("/x", cast_to=object, stream=stream):
                pass
        assert monotonic() - start < 5
        assert type(caught.value.__cause__) is cause
        # What the library said is the cause of the cause, where it was the library that did.
        assert caught.value.__cause__.__cause__ is not None or cause is errors.TotalTimeout

    with deaf_port() as port:
        deaf = f"http://127.0.0.1:{port}/v1"
        await fails(
            deaf, r"no connection to the server within 0.1 s \(timeout.connect\)", errors.ConnectTimeout, connect=0.1
        )
        await fails(deaf, r"took longer than .*\(timeout.total\)", errors.TotalTimeout, total=0.1)
    with Peer(silent) as peer:
        await fails(peer.base_url, r"sent nothing for 0.1 s \(timeout.read\)", errors.ReadTimeout, read=0.1)
        await fails(peer.base_url, r"took longer than .*\(timeout.total\)", errors.TotalTimeout, total=0.2)
    with Peer(stalls) as peer:
        await fails(peer.base_url, r"sent nothing for 0.1 s \(timeout.read\)", errors.ReadTimeout, True, read=0.1)
        await fails(peer.base_url, r"took longer than .*\(timeout.total\)", errors.TotalTimeout, True, total=0.2)


async def test_pool_timeout(way: Any, bring: Any) -> None:
    with Peer(stalls) as peer:
        module = importlib.import_module(bring.library)
        limit = {"max_connections": 1} if bring.library == "httpcore" else {"limits": module.Limits(max_connections=1)}
        client = bring(peer.base_url, client=limit, max_retries=0, timeout=oxide.Timeout(30, pool=0.1))
        stream = await client.get("/x", cast_to=object, stream=True)
        with pytest.raises(oxide.APITimeoutError, match=r"became free within 0.1 s \(timeout.pool\)") as caught:
            await client.get("/x", cast_to=object)
        assert type(caught.value.__cause__) is errors.PoolTimeout
        await stream.close()


async def test_write_timeout(way: Any, bring: Any) -> None:
    gate = Event()

    def script(connection: Connection) -> None:
        gate.wait()

    with Peer(script) as peer:
        client = bring(peer.base_url, max_retries=0, timeout=oxide.Timeout(30, write=0.1))
        with pytest.raises(oxide.APITimeoutError, match=r"took nothing in for 0.1 s \(timeout.write\)") as caught:
            await client.post("/x", cast_to=object, content=b"x" * 30_000_000)
        assert type(caught.value.__cause__) is errors.WriteTimeout
        gate.set()


FAULTS: dict[str, tuple[Any, type[Exception], str]] = {
    "closes": (lambda connection: connection.receive(), errors.ReadError, "disconnected"),
    "resets": (lambda connection: (connection.receive_head(), connection.reset()), errors.ReadError, "."),
    "no HTTP": (
        lambda connection: (connection.receive(), connection.send(b"SSH-2\r\n\r\n")),
        errors.ProtocolError,
        ".",
    ),
    "ends early": (
        lambda connection: (connection.receive(), connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")),
        errors.TransportError,
        ".",
    ),
    "bad gzip": (
        lambda connection: (
            connection.receive(),
            connection.send(reply(b"abcdef", headers=b"Content-Encoding: gzip\r\n")),
        ),
        errors.ProtocolError,
        ".",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_faults(way: Any, bring: Any, fault: str) -> None:
    script, cause, message = FAULTS[fault]
    with Peer(script) as peer:
        client = bring(peer.base_url, max_retries=1)
        with pytest.raises(oxide.APIConnectionError, match=message) as caught:
            await client.get("/x", cast_to=object)
        assert isinstance(caught.value.__cause__, cause)
        assert not isinstance(caught.value, oxide.APITimeoutError)
        assert peer.accepted == 2


async def test_refused(way: Any, bring: Any) -> None:
    client = bring("http://127.0.0.1:1/v1", max_retries=0)
    with pytest.raises(oxide.APIConnectionError, match=r"Connection refused|attempts .*failed") as caught:
        await client.get("/x", cast_to=object)
    assert isinstance(caught.value.__cause__, errors.ConnectError)
    with Peer(echo, context=server_context()) as peer:
        client = bring(peer.base_url, max_retries=0)
        with pytest.raises(oxide.APIConnectionError, match=r"(?i)certificate.verify.failed|unknown") as caught:
            await client.get("/x", cast_to=object)
        assert isinstance(caught.value.__cause__, errors.ConnectError)


async def test_left_in_the_middle(way: Any, bring: Any) -> None:
    with Peer(stalls) as peer:
        client = bring(peer.base_url)
        async with await client.get("/x", cast_to=object, stream=True) as stream:
            assert (await stream.__anext__())["n"] == 0
        peer.wait_closed(0)
        if not way.is_sync:
            with anyio.move_on_after(0.1) as scope:
                async for _ in await client.get("/x", cast_to=object, stream=True):
                    pass
            assert scope.cancelled_caught
            peer.wait_closed(1)


# --- redirects -----------------------------------------------------------------------------------------------------


def redirects(connection: Connection) -> None:
    while (request := connection.receive()) is not None:
        where = request.headers.get("x-where")
        if where and not request.target.endswith("/there"):
            connection.send(reply(b"", "307 Temporary Redirect", b"Location: %b/there\r\n" % where.encode()))
        else:
            connection.send(reply(b'{"size": %d}' % len(request.body)))


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_redirects(way: Any, bring: Any, elsewhere: bool) -> None:
    follow = {} if bring.library == "httpcore" else {"follow_redirects": True}
    if follow:
        follow["auth"] = ("user", "secret")
        follow["headers"] = {"Authorization": "secret", "X-API-Key": "secret", "X-Team": "a"}
        follow["cookies"] = {"a": "secret"}
        follow["params"] = {"key": "secret"}
    with Peer(redirects) as peer, Peer(redirects) as other:
        target = other if elsewhere else peer
        headers = {"X-Where": target.origin, "api-key": "secret", "cookie": "secret"}
        client = bring(peer.base_url, client=follow, default_headers=headers)
        assert await client.post("/x", cast_to=object, body={"a": 1}) == {"size": 7}
        sent = target.requests[-1]
        if elsewhere:
            assert not {"authorization", "api-key", "x-api-key", "cookie"} & set(sent.headers)
            assert sent.target == "/there"
            assert sent.headers.get("x-team") == ("a" if follow else None)
        else:
            assert sent.headers["api-key"] == "secret"
            assert sent.headers["authorization"] == peer.requests[0].headers["authorization"]
        # A client that does not follow them has an error of it, as with the official SDK.
        if follow:
            client = bring(peer.base_url, default_headers=headers)
            with pytest.raises(oxide.APIStatusError, match="307"):
                await client.post("/x", cast_to=object, body={"a": 1})
            answer = await client.post("/x", cast_to=object, body={"a": 1}, options={"follow_redirects": True})
            assert answer == {"size": 7}


@pytest.mark.parametrize("follow", [False, True])
def test_redirects_as_the_official_sdk(follow: bool) -> None:
    with Peer(redirects) as peer:
        outcomes = []
        for module in (openai, oxide):
            with httpx.Client(follow_redirects=follow) as brought:
                client = module.OpenAI(
                    api_key="k",
                    base_url=peer.base_url,
                    http_client=brought,
                    max_retries=0,
                    default_headers={"X-Where": peer.origin},
                )
                try:
                    client.models.list()
                    outcomes.append("fine")
                except module.APIStatusError as error:
                    outcomes.append(f"{type(error).__name__} {error.status_code}")
        assert outcomes[0] == outcomes[1]


# --- what belongs to the user's client -------------------------------------------------------------------------------


async def test_hooks_and_settings(way: Any) -> None:
    """The client's own header fields, its `auth`, its event hooks, its timeout, its transport."""
    seen: list[str] = []

    def note(value: Any) -> None:
        seen.append(type(value).__name__)

    async def note_later(value: Any) -> None:
        note(value)

    hook = note if way.is_sync else note_later
    make = httpx.Client if way.is_sync else httpx.AsyncClient
    with Peer(echo) as peer:
        brought = make(
            headers={"X-Mine": "1", "User-Agent": "mine"},
            params={"q": "1"},
            event_hooks={"request": [hook], "response": [hook]},
            timeout=httpx.Timeout(7, connect=3),
            auth=("user", "pass"),
        )
        client = way.client(base_url=peer.base_url, http_client=brought)
        assert client.timeout == oxide.Timeout(7, connect=3)
        assert await client.get("/x", cast_to=object) == {"size": 0}
        assert seen == ["Request", "Response"]
        sent = peer.requests[0]
        assert sent.headers["x-mine"] == "1"
        assert sent.headers["user-agent"].startswith("oxide/")
        assert sent.headers["authorization"].startswith("Basic ")
        assert sent.target == "/v1/x?q=1"
        assert repr(client._transport).endswith("of httpx.Client>" if way.is_sync else "of httpx.AsyncClient>")
        # An error of a hook is none of the network.
        brought.event_hooks = {"request": [fail if way.is_sync else fail_later], "response": []}
        with pytest.raises(ZeroDivisionError):
            await client.get("/x", cast_to=object)


def fail(_: Any) -> None:
    raise ZeroDivisionError


async def fail_later(_: Any) -> None:
    raise ZeroDivisionError


async def test_timeout_objects(way: Any) -> None:
    """As the official README has them."""
    with Peer(silent) as peer:
        for timeout in (
            httpx.Timeout(60.0, read=0.1, connect=2.0),
            httpx2.Timeout(60.0, read=0.1),
            openai.Timeout(9, read=0.1),
        ):
            client = way.client(base_url=peer.base_url, timeout=timeout, max_retries=0)
            with pytest.raises(oxide.APITimeoutError, match=r"0.1 s \(timeout.read\)"):
                await client.get("/x", cast_to=object)
            client = way.client(base_url=peer.base_url, max_retries=0)
            with pytest.raises(oxide.APITimeoutError, match=r"0.1 s \(timeout.read\)"):
                await client.models.list(timeout=timeout)


async def test_respx(way: Any) -> None:
    client = way.client(
        base_url="https://api.example/v1", http_client=httpx.Client() if way.is_sync else httpx.AsyncClient()
    )
    with respx.mock(base_url="https://api.example/v1") as mock:
        models = mock.get("/models").mock(return_value=httpx.Response(200, json={"object": "list", "data": []}))
        mock.post("/responses").mock(side_effect=[httpx.ConnectError("no"), httpx.Response(200, json={"id": "r"})])
        mock.get("/models/x").mock(side_effect=httpx.ReadTimeout("slow"))
        assert (await client.models.list()).data == []
        assert models.calls.last.request.headers["authorization"] == "Bearer sk-test"
        assert (await client.responses.create(model="m", input="x")).id == "r"
        with pytest.raises(oxide.APITimeoutError):
            await client.get("/models/x", cast_to=object, options={"max_retries": 0})
        events = b'data: {"n": 1}\n\ndata: [DONE]\n\n'
        mock.get("/stream").mock(return_value=httpx.Response(200, content=events))
        assert [event["n"] async for event in await client.get("/stream", cast_to=object, stream=True)] == [1]


async def test_pytest_httpx(way: Any, httpx_mock: pytest_httpx.HTTPXMock) -> None:
    client = way.client(
        base_url="https://api.example/v1", http_client=httpx.Client() if way.is_sync else httpx.AsyncClient()
    )
    httpx_mock.add_response(url="https://api.example/v1/models", json={"object": "list", "data": [{"id": "a"}]})
    httpx_mock.add_exception(httpx.RemoteProtocolError("Server disconnected without sending a response."))
    httpx_mock.add_response(method="POST", json={"id": "r"}, match_json={"model": "m", "input": "x"})
    assert [model.id for model in (await client.models.list()).data] == ["a"]
    assert (await client.responses.create(model="m", input="x")).id == "r"


# --- mocks -----------------------------------------------------------------------------------------------------------


def mock(way: Any, handler: Any) -> Any:
    return (oxide.MockTransport if way.is_sync else oxide.AsyncMockTransport)(handler)


async def test_mock(way: Any) -> None:
    answers: list[Any] = [
        {"id": "r", "output": []},
        (429, {"error": {"message": "slow down"}}, {"retry-after-ms": "1"}),
        oxide.ConnectError("nobody there"),
        (200, b'{"id": "s"}'),
        iter([b'data: {"n": 1}\n\n', b"data: [DONE]\n\n"]),
    ]

    def handler(request: oxide.Request) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    transport = mock(way, handler)
    client = way.client(http_client=transport)
    assert (await client.responses.create(model="m", input="x")).id == "r"
    assert (await client.responses.create(model="m", input="x")).id == "s"
    assert [event["n"] async for event in await client.get("/x", cast_to=object, stream=True)] == [1]
    assert [request.retries for request in transport.requests] == [0, 0, 1, 2, 0]
    assert transport.requests[0].headers["authorization"] == "Bearer sk-test"
    assert "accept-encoding" not in transport.requests[0].headers
    answers.append(object())
    with pytest.raises(TypeError, match="can't answer with object"):
        await client.get("/x", cast_to=object)
    await client.close()
    with pytest.raises(oxide.OpenAIError, match="the client is closed"):
        await client.get("/x", cast_to=object)


async def test_mock_answers_asynchronously(way: Any) -> None:
    if way.is_sync:
        return

    async def handler(request: oxide.Request) -> Any:
        await anyio.lowlevel.checkpoint()
        return stream_of([b'data: {"n": 1}\n\n'])

    client = way.client(http_client=mock(way, handler))
    assert [event["n"] async for event in await client.get("/x", cast_to=object, stream=True)] == [1]


# --- what is refused, and what is made ---------------------------------------------------------------------------------


def test_wrong_kinds() -> None:
    with httpx.Client() as sync, pytest.raises(TypeError, match=r"Invalid `http_client` argument; .*httpx.AsyncClient"):
        oxide.AsyncOpenAI(api_key="k", http_client=sync)
    for wrong in (httpx.AsyncClient(), httpx2.AsyncClient(), oxide.AsyncHTTPTransport(), httpx.HTTPTransport(), 3, "x"):
        with pytest.raises(TypeError, match=r"Invalid `http_client` argument; .*httpx.Client or httpx2.Client"):
            oxide.OpenAI(api_key="k", http_client=wrong)
    with pytest.raises(TypeError, match=r"Invalid `http_client` argument; .*but got the class"):
        oxide.OpenAI(api_key="k", http_client=oxide.HTTPTransport)
    with pytest.raises(TypeError, match=r"a mock.s handler must be a function of an oxide\.Request, not None"):
        oxide.MockTransport(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["DefaultHttpxClient", "DefaultHttpx2Client"])
def test_defaults(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with getattr(openai, name)() as theirs, getattr(oxide, name)() as mine:
        assert isinstance(mine, httpx2.Client)
        assert (mine.timeout, mine.follow_redirects) == (theirs.timeout, theirs.follow_redirects)
        pools = [client._transport._pool for client in (theirs, mine)]
        for limit in ("_max_connections", "_max_keepalive_connections", "_keepalive_expiry"):
            assert getattr(pools[0], limit) == getattr(pools[1], limit)
    with getattr(oxide, name)(
        timeout=httpx.Timeout(3), limits=httpx.Limits(max_connections=2), follow_redirects=False
    ) as mine:
        assert (mine.timeout, mine.follow_redirects) == (httpx2.Timeout(3), False)
        assert mine._transport._pool._max_connections == 2


async def test_asynchronous_defaults(way: Any) -> None:
    if way.is_sync:
        return
    with Peer(echo) as peer:
        for make in (oxide.DefaultAsyncHttpxClient, oxide.DefaultAsyncHttpx2Client, oxide.DefaultAioHttpClient):
            if make is oxide.DefaultAioHttpClient and way.name == "trio":
                continue
            brought = make()
            assert brought.follow_redirects
            client = way.client(base_url=peer.base_url, http_client=brought)
            assert await client.get("/x", cast_to=object) == {"size": 0}
            assert [e["n"] async for e in await client.get("/stream", cast_to=object, stream=True)] == [0, 1, 2]
            await client.close()


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    from oxide.adapters import defaults

    monkeypatch.setattr(defaults, "find_spec", lambda name: None)
    with pytest.raises(
        RuntimeError, match="this needs the package httpx2, which oxide does without: pip install httpx2"
    ):
        oxide.DefaultHttpx2Client()
    monkeypatch.delitem(vars(defaults), "DefaultHttpxClient", raising=False)
    made = defaults.DefaultHttpxClient
    monkeypatch.delitem(vars(defaults), "DefaultHttpxClient")
    with pytest.raises(RuntimeError, match="DefaultHttpxClient: this needs the package httpx2 or httpx"):
        made()


def test_adapters_are_parallel() -> None:
    from .test_parallel import PACKAGE, outline

    renamed = [line.replace("Async", "") for line in outline(PACKAGE / "adapters" / "aio.py")]
    assert renamed == outline(PACKAGE / "adapters" / "sync.py")


async def test_threads_and_tasks(way: Any, bring: Any) -> None:
    with Peer(echo) as peer:
        client = bring(peer.base_url)

        def one(size: int) -> Any:
            async def run() -> Any:
                return await client.post("/x", cast_to=object, content=b"x" * size)

            return run

        results = await way.gather(*[one(size) for size in range(20)])
        assert [result["size"] for result in results] == list(range(20))
