"""The shell for WebAssembly, as far as it can be looked at without: what it imports, and the two machines it has in the core.

That it works is shown in Pyodide: `nox -s wasm`.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import oxide
from oxide.core.errors import (
    ConnectError,
    ConnectTimeout,
    OpenAIError,
    ProtocolError,
    ReadError,
    ReadTimeout,
    TotalTimeout,
    TransportError,
    WebSocketConnectionClosedError,
    WriteTimeout,
)
from oxide.core.fetch import Failure, Fetch, refuse_settings
from oxide.core.headers import Headers
from oxide.core.http import HeadBlock, Request
from oxide.core.timeouts import Timeout
from oxide.core.url import URL
from oxide.core.ws_browser import BrowserSocket, browser_handshake
from oxide.core.ws_options import WebSocketOptions
from oxide.core.ws_state import CLOSED, CLOSING, OPEN
from oxide.testing import MockServer

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "oxide"

FORBIDDEN = ("socket", "ssl", "select", "threading", "httptools", "httpcore", "h2", "wsproto", "trio")

# What a client, its streams, tools, sessions and uploads are made of there.
ENTRIES = (
    "oxide._client",
    "oxide._connection",
    "oxide._response",
    "oxide.helpers.tool_run",
    "oxide.io.aio.files",
    "oxide.io.aio.gate",
    "oxide.io.aio.lanes",
    "oxide.io.aio.map",
    "oxide.io.aio.race",
    "oxide.io.aio.run",
    "oxide.io.aio.tools",
    "oxide.io.web.blocking",
    "oxide.io.web.compatible",
    "oxide.io.web.tools",
    "oxide.io.web.transport",
    "oxide.io.web.upload",
    "oxide.io.web.websocket",
    "oxide.lib.responses_websocket",
    "oxide.lib.streaming",
    "oxide.sessions",
    "oxide.streaming",
    "oxide.ws_pool",
)


def file_of(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def top_level(module: str, file: Path) -> set[str]:
    """What is imported when the module is: not what functions import, nor what is for type checkers or other platforms."""
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    found: set[str] = set()

    def visit(body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else []
                name = ".".join([*base, *([node.module] if node.module else [])])
                found.add(name)
                found.update(f"{name}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.If):
                test = ast.unparse(node.test)
                if test == "TYPE_CHECKING":
                    continue
                visit(node.body)
                if test != "sys.platform == 'emscripten'":
                    visit(node.orelse)
            elif isinstance(node, (ast.Try, ast.ClassDef)):
                visit(node.body)

    visit(ast.parse(file.read_text()).body)
    return found


def test_nothing_imports_sockets_or_threads() -> None:
    seen: set[str] = set()
    waiting = list(ENTRIES)
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        file = file_of(module)
        assert file is not None or module not in ENTRIES, module
        if file is None:
            continue
        parts = module.split(".")
        waiting += [".".join(parts[:index]) for index in range(1, len(parts))]
        for name in top_level(module, file):
            assert name.partition(".")[0] not in FORBIDDEN, f"{module} imports {name}"
            if name.partition(".")[0] == "oxide":
                waiting.append(name)
    assert "oxide.core.fetch" in seen
    assert "oxide.core.http11" not in seen


def test_it_can_be_imported_anywhere() -> None:
    """And loads nothing that has sockets: httptools least of all, which is not there under WebAssembly."""
    code = """
import sys
import asyncio, anyio, anyio.to_thread, msgspec
before = set(sys.modules)
import oxide.io.web.blocking, oxide.io.web.tools, oxide.io.web.transport, oxide.io.web.upload, oxide.io.web.websocket
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before} & {"httptools", "httpcore", "h2", "wsproto", "ssl"}))
for transport in (oxide.FetchTransport, oxide.AsyncFetchTransport):
    try:
        transport()
    except oxide.OpenAIError as error:
        assert "Pyodide" in str(error)
    else:
        raise AssertionError("there is no fetch here")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_no_dependency_that_is_for_sockets() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    section = text.partition("\ndependencies = [")[2].partition("\n]")[0]
    lines = [line.strip().strip('",') for line in section.splitlines() if line.strip().startswith('"')]
    kept = [line for line in lines if "emscripten" not in line]
    assert sorted(line.partition(">")[0] for line in kept) == ["anyio", "msgspec", "typing-extensions"]
    assert all(line.endswith("; sys_platform != 'emscripten'") for line in lines if line not in kept)


# --- core.fetch -----------------------------------------------------------------------------------------------------


_LIMITS = Timeout(5)


def make_request(
    *fields: tuple[str, str], content: Any = b"", timeout: Timeout = _LIMITS, deadline: float | None = None
) -> Request:
    pairs = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in fields)
    return Request("POST", URL("https://api.example/v1/responses"), HeadBlock(pairs), content, timeout, deadline)


class Source:
    """A body of a length that is known or not."""

    def __init__(self, length: int | None, replayable: bool = True) -> None:
        self.length = length
        self.replayable = replayable


def test_header_fields() -> None:
    fields = Fetch(
        make_request(("User-Agent", "x"), ("Accept-Encoding", "br"), ("x-stainless-read-timeout", "5"), ("X-Team", "a"))
    ).fields()
    assert fields == [("X-Team", "a")]
    for name in ("Cookie", "Sec-Fetch-Mode", "Proxy-Authorization", "origin"):
        with pytest.raises(OpenAIError, match="can't be sent") as caught:
            Fetch(make_request((name, "secret"))).fields()
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Failure("TypeError", "fetch failed", "ECONNREFUSED", "connect ECONNREFUSED"), ConnectError),
        (Failure("TypeError", "fetch failed", "ENOTFOUND"), ConnectError),
        (Failure("TypeError", "fetch failed", "ERR_TLS_CERT_ALTNAME_INVALID"), ConnectError),
        (Failure("TypeError", "fetch failed", "CERT_HAS_EXPIRED"), ConnectError),
        (Failure("TypeError", "fetch failed", "UND_ERR_CONNECT_TIMEOUT"), ConnectTimeout),
        (Failure("TypeError", "fetch failed", "ECONNRESET"), ReadError),
        (Failure("TypeError", "fetch failed", "UND_ERR_SOCKET", "other side closed"), ReadError),
        (Failure("TypeError", "fetch failed", "HPE_INVALID_CONSTANT"), ProtocolError),
        (Failure("TypeError", "Failed to fetch"), TransportError),
    ],
)
def test_failures(failure: Failure, kind: type[TransportError]) -> None:
    error = Fetch(make_request()).failed(failure, False)
    assert type(error) is kind
    assert failure.message in str(error)


def test_a_browser_is_not_told_why() -> None:
    error = Fetch(make_request()).failed(Failure("TypeError", "Failed to fetch"), False)
    assert "CORS" in str(error)
    # The request may have been carried out.
    assert error.sent


def test_what_fails_in_the_body_is_a_broken_connection() -> None:
    fetch = Fetch(make_request())
    assert not fetch.again(200)
    assert type(fetch.failed(Failure("TypeError", "network error"), False)) is ReadError


def test_limits() -> None:
    fetch = Fetch(make_request(timeout=Timeout(5, read=2, write=3)))
    assert fetch.allowance() == 2
    assert isinstance(fetch.timed_out(), ReadTimeout)
    large = Fetch(make_request(content=b"x" * 100_000, timeout=Timeout(5, read=2, write=3)))
    assert large.allowance() == 5
    assert "timeout.write" in str(large.timed_out())
    assert not large.again(200)
    assert large.allowance() == 2
    assert "timeout.write" not in str(large.timed_out())
    assert Fetch(make_request(content=b"x" * 100_000, timeout=Timeout(5, write=None))).allowance() is None
    late = Fetch(make_request(deadline=0.0, timeout=Timeout(5, total=1)))
    with pytest.raises(TotalTimeout):
        late.allowance()
    assert isinstance(late.timed_out(), TotalTimeout)


def test_uploads() -> None:
    assert Fetch(make_request(content=Source(10))).upload(False, 100) == "gather"
    assert Fetch(make_request(content=Source(10))).upload(True, 100) == "gather"
    streamed = Fetch(make_request(content=Source(1000), timeout=Timeout(5, write=3)))
    assert streamed.upload(True, 100) == "stream"
    assert streamed.allowance() == 3
    assert isinstance(streamed.timed_out(), WriteTimeout)
    assert "HTTP/2" in str(streamed.failed(Failure("TypeError", "Failed to fetch"), False))
    streamed.passed(b"x" * 1000)
    streamed.passed(b"")
    assert streamed.step == "read"
    with pytest.raises(OpenAIError, match="buffer_limit"):
        Fetch(make_request(content=Source(1000))).upload(False, 100)
    unknown = Fetch(make_request(content=Source(None)))
    assert unknown.upload(False, 100) == "gather"
    unknown.gathered(b"x" * 100, 100, 100)
    with pytest.raises(OpenAIError, match="buffer_limit"):
        unknown.gathered(b"x", 101, 100)
    short = Fetch(make_request(content=Source(10)))
    short.upload(False, 100)
    short.gathered(b"x" * 9, 9, 100)
    with pytest.raises(OpenAIError, match="10 bytes"):
        short.gathered(b"", 9, 100)


def test_redirects() -> None:
    fetch = Fetch(make_request(("Authorization", "Bearer x")))
    assert fetch.redirect == "manual"
    assert fetch.again(0)
    assert fetch.redirect == "follow"
    assert not fetch.again(200)
    with pytest.raises(ProtocolError, match="api-key"):
        Fetch(make_request(("api-key", "x"))).again(0)
    with pytest.raises(ProtocolError, match="second time"):
        Fetch(make_request(content=Source(None, False))).again(0)
    response = fetch.response(200, Headers(), "https://other.example/v1", content=b"")
    assert str(response.url) == "https://other.example/v1"


def test_settings() -> None:
    refuse_settings({"proxy": None, "verify": True, "trust_env": False, "http2": False, "limits": None})
    for name, value in (("proxy", "http://x"), ("verify", False), ("cert", "x.pem"), ("http2", True), ("uds", "/x")):
        with pytest.raises(OpenAIError, match=name):
            refuse_settings({name: value})
    with pytest.raises(TypeError, match="proxies"):
        refuse_settings({"proxies": {}})


# --- core.ws_browser ------------------------------------------------------------------------------------------------


def test_handshake() -> None:
    request = make_request(
        ("Authorization", "Bearer sk-1"),
        ("OpenAI-Organization", "org-1"),
        ("OpenAI-Beta", "realtime=v1"),
        ("User-Agent", "x"),
    )
    url, protocols = browser_handshake(request, WebSocketOptions(subprotocols=["mine"]))
    assert url == "https://api.example/v1/responses"
    assert protocols == [
        "mine",
        "realtime",
        "openai-insecure-api-key.sk-1",
        "openai-organization.org-1",
        "openai-beta.realtime-v1",
    ]
    for fields in (("X-Team", "a b"), ("Authorization", "Basic secret="), ("Authorization", "Bearer sec/ret")):
        with pytest.raises(OpenAIError) as caught:
            browser_handshake(make_request(fields), WebSocketOptions())
        assert fields[1] not in str(caught.value)
        assert fields[0] in str(caught.value)


Steps = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.text(max_size=20),
        st.sampled_from(["next", "close", "drop"]).map(lambda what: (what,)),
        st.tuples(st.sampled_from([1000, 1005, 1006, 4000]), st.text(max_size=5)),
    ),
    max_size=20,
)


@given(Steps)
def test_a_connection(steps: list[Any]) -> None:
    """Whatever happens in whatever order: messages come out in order and once, then the error, and it is the same from then on."""
    machine = BrowserSocket(WebSocketOptions(max_size=30))
    sent: list[bytes] = []
    for step in steps:
        if isinstance(step, (bytes, str)):
            data = step.encode() if isinstance(step, str) else step
            was = machine.state
            refused = machine.receive(data, isinstance(step, str))
            assert (refused is not None) == (was is not CLOSED and len(data) > 30)
            if machine.state is not CLOSED:
                sent.append(data)
        elif step == ("next",):
            try:
                message = machine.next()
            except WebSocketConnectionClosedError:
                assert machine.state is CLOSED
                assert not sent
            else:
                assert (message.data if message else None) == (sent.pop(0) if sent else None)
        elif step == ("close",):
            was = machine.state
            assert machine.close(1000, "") == (was is OPEN)
            assert machine.state is (CLOSING if was is OPEN else was)
        elif step == ("drop",):
            machine.drop(1)
            del sent[1:]
        else:
            machine.receive_close(*step)
            assert machine.state is CLOSED
    if machine.state is not OPEN:
        with pytest.raises(WebSocketConnectionClosedError):
            machine.send("x")


def test_what_nobody_receives_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oxide.core.ws_browser.UNREAD_LIMIT", 100)
    machine = BrowserSocket(WebSocketOptions())
    for _ in range(1000):
        assert machine.receive(b"x" * 60, False) is None
        assert machine.next() is not None
    assert machine.receive(b"x" * 60, False) is None
    refused = machine.receive(b"x" * 60, False)
    assert refused is not None
    assert refused[0] == 4009
    assert machine.next() is not None
    with pytest.raises(WebSocketConnectionClosedError, match="nobody received"):
        machine.next()


def test_close_codes() -> None:
    machine = BrowserSocket(WebSocketOptions())
    for code in (999, 1001, 1006, 5000):
        with pytest.raises(ValueError, match="1000"):
            machine.close(code, "")
    with pytest.raises(ValueError, match="123"):
        machine.close(1000, "x" * 124)


# --- the embedded server, for pages ---------------------------------------------------------------------------------


def ask(server: Any, method: str, *fields: tuple[str, str]) -> Headers:
    pairs = tuple((name.encode(), value.encode()) for name, value in fields)
    with closing(oxide.HTTPTransport()) as transport:
        request = Request(method, URL(f"{server.base_url}/models"), HeadBlock(pairs))
        return transport.send(request, stream=False).headers


PREFLIGHT = (
    ("Origin", "http://page.example"),
    ("Access-Control-Request-Method", "POST"),
    ("Access-Control-Request-Headers", "authorization,content-type,x-stainless-retry-count"),
)


def test_pages_may_use_the_server_when_told_so() -> None:
    with MockServer(api_key="sk-test", cors=["http://page.example"]) as server:
        answer = ask(server, "OPTIONS", *PREFLIGHT)
        assert answer["access-control-allow-origin"] == "http://page.example"
        assert answer["access-control-allow-headers"] == PREFLIGHT[2][1]
        assert server.requests == []
        answer = ask(server, "GET", ("Origin", "http://page.example"))
        assert "x-request-id" in answer["access-control-expose-headers"]
        answer = ask(server, "GET", ("Origin", "http://other.example"))
        assert "access-control-allow-origin" not in answer
        answer = ask(server, "OPTIONS", ("Origin", "http://other.example"), *PREFLIGHT[1:])
        assert "access-control-allow-origin" not in answer
    with pytest.raises(TypeError, match="cors"):
        MockServer(cors="http://page.example")


def test_pages_may_not_use_it_by_default() -> None:
    with MockServer(api_key="sk-test") as server:
        assert not [name for name in ask(server, "OPTIONS", *PREFLIGHT) if name.startswith("access-control")]
        assert not [name for name in ask(server, "GET", PREFLIGHT[0]) if name.startswith("access-control")]


def test_a_key_as_a_subprotocol() -> None:
    with MockServer(api_key="sk-test") as server:
        for key, accepted in (("sk-test", True), ("sk-wrong", False)):
            client = oxide.OpenAI(api_key="ignored", base_url=server.base_url, max_retries=0)
            options: Any = {"subprotocols": ["realtime", f"openai-insecure-api-key.{key}"]}
            manager = client.responses.connect(
                extra_headers={"Authorization": oxide.omit}, websocket_connection_options=options
            )
            if accepted:
                with manager as connection:
                    assert connection._link.ws.subprotocol == "realtime"
            else:
                with pytest.raises(oxide.AuthenticationError):
                    manager.enter()
            client.close()
