"""The API key and its like: sent, and shown nowhere."""

from __future__ import annotations

import logging
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

import oxide

from .peer import Connection, Event, Peer, chunked, reply

KEY = "sk-very-secret"
COOKIE = "session-secret"
ROOT = Path(__file__).parents[2]


def script(connection: Connection) -> None:
    while (request := connection.receive()) is not None:
        name = request.target.partition("?")[0].rpartition("/")[2]
        if name == "bad":
            connection.send(reply(b'{"error": {"message": "no"}}', "400 Bad Request"))
        elif name == "busy":
            connection.send(
                reply(b"{}", "503 Service Unavailable", b"retry-after-ms: 1\r\nSet-Cookie: session-secret\r\n")
            )
        elif name == "broken":
            return
        elif name == "garbage":
            connection.send(b"garbage\r\n\r\n")
            return
        elif name == "silent":
            connection.wait_closed()
            return
        elif name == "stream":
            connection.send(chunked(b'data: {"error": {"message": "no"}}\n\n'))
        elif name == "json":
            connection.send(reply(b"{"))
        else:
            connection.send(reply())


def shown(error: BaseException) -> str:
    """All that a log has of an exception."""
    texts = ["".join(traceback.format_exception(type(error), error, error.__traceback__))]
    link: BaseException | None = error
    while link is not None:
        texts += [str(link), repr(link), repr(link.args), *map(repr, vars(link).values())]
        link = link.__cause__ or link.__context__
    return "\n".join(texts)


def assert_hidden(text: str) -> None:
    assert KEY not in text
    assert COOKIE not in text


@pytest.mark.parametrize("name", ["bad", "busy", "broken", "garbage", "silent", "stream", "json"])
async def test_errors_and_logs(way: Any, name: str, caplog: pytest.LogCaptureFixture) -> None:
    with Peer(script) as peer, caplog.at_level(logging.DEBUG):
        client = way.client(
            api_key=KEY,
            base_url=peer.base_url + "?session=session-secret",
            default_headers={"Cookie": COOKIE},
            timeout=oxide.Timeout(5, read=0.1 if name == "silent" else 5),
            max_retries=1 if name == "busy" else 0,
        )
        with pytest.raises(oxide.APIError) as caught:
            async for _ in await client.post("/" + name, cast_to=object, body={"a": COOKIE}, stream=name == "stream"):
                pass
        assert peer.requests[0].headers["authorization"] == f"Bearer {KEY}"
        assert peer.requests[0].headers["cookie"] == COOKIE
        assert_hidden(shown(caught.value))
        assert "oxide" in {record.name for record in caplog.records}
        assert_hidden(caplog.text)


async def test_reprs(way: Any) -> None:
    with Peer(script) as peer:
        client = way.client(
            api_key=KEY,
            admin_api_key="admin-" + KEY,
            webhook_secret=KEY,
            base_url=peer.base_url,
            default_headers={"Cookie": COOKIE, "api-key": KEY},
            default_query={"key": KEY},
        )
        raw = client.responses.with_raw_response
        with pytest.raises(oxide.BadRequestError) as caught:
            await client.get("/bad", cast_to=object)
        request = caught.value.request
        for value in (client, client.config, client._transport, client._builder, raw, request, request.headers):
            assert_hidden(repr(value))
            assert_hidden(str(value))
        assert_hidden(repr(caught.value.response))
        assert_hidden(repr(caught.value.response.headers))


def test_environment_logging() -> None:
    code = """
import sys, oxide
client = oxide.OpenAI(base_url=sys.argv[1])
try:
    client.post("/busy", cast_to=object, body={"a": "session-secret"})
except oxide.InternalServerError:
    pass
client.close()
"""
    with Peer(script) as peer:
        environment = {"OPENAI_LOG": "debug", "OPENAI_API_KEY": KEY, "PATH": "/usr/bin"}
        done = subprocess.run(
            [sys.executable, "-c", code, peer.base_url],
            env=environment,
            capture_output=True,
            text=True,
            timeout=20,
            cwd=ROOT,
            check=True,
        )
    assert "POST /v1/busy, attempt 3" in done.stderr
    assert "503" in done.stderr
    assert "retrying in" in done.stderr
    assert_hidden(done.stderr + done.stdout)


SPLITTERS = ["\r\nX-Injected: yes", "\n", "\r", "\x00"]


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize("where", ["client", "call", "name", "key", "organization", "key function"])
async def test_nothing_splits_the_head(way: Any, where: str, splitter: str) -> None:
    with Peer(script) as peer:
        value = KEY + splitter
        options: dict[str, Any] = {}
        arguments: dict[str, Any] = {"base_url": peer.base_url, "api_key": "k", "max_retries": 0}
        expected = "'?X-Mine'?"
        if where == "client":
            arguments["default_headers"] = {"X-Mine": value}
        elif where == "call":
            options["headers"] = {"X-Mine": value}
        elif where == "name":
            options["headers"] = {"X-Mine" + splitter: "x"}
            expected = "X-Mine.*is not a valid header name"
        elif where == "key":
            arguments["api_key"] = value
            expected = "Authorization"
        elif where == "organization":
            arguments["organization"] = value
            expected = "OpenAI-Organization"
        else:
            arguments["api_key"] = lambda: value
            expected = "Authorization"
        client = way.client(**arguments)
        with pytest.raises(ValueError, match=expected) as caught:
            await client.get("/x", cast_to=object, options=options)
        assert_hidden(shown(caught.value))
        assert not peer.requests


@pytest.mark.parametrize("splitter", [*SPLITTERS, " HTTP/1.1\r\nX: y"])
async def test_nothing_splits_the_request_line(way: Any, splitter: str) -> None:
    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, max_retries=0)
        await client.responses.retrieve("resp" + splitter)
        await client.get("/x", cast_to=object, options={"params": {"q": splitter}})
        for request in peer.requests:
            assert request.head.count(b"\r\n") == request.head.count(b"\n") == len(request.fields)
            assert b"X-Injected" not in request.head.partition(b"\r\n")[2]
        assert len(peer.requests) == 2


async def test_path_of_an_undocumented_endpoint(way: Any) -> None:
    """What can't stand in a request line is quoted, or refused where it would end it."""
    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, max_retries=0)
        for splitter in SPLITTERS:
            for path in ("/x" + splitter, peer.base_url + "/x" + splitter):
                with pytest.raises(ValueError, match="control character"):
                    await client.get(path, cast_to=object)
        assert not peer.requests
        await client.get("/ä b%20c?d=e&f=ü", cast_to=object)
        assert peer.requests[0].target == "/v1/%C3%A4%20b%20c?d=e&f=%C3%BC"


async def test_no_redirect_takes_the_key_elsewhere(way: Any) -> None:
    """Whatever becomes of a redirect, the key does not go to another host."""
    asked = Event()

    def elsewhere(connection: Connection) -> None:
        if (request := connection.receive()) is not None:
            if "authorization" in request.headers:
                asked.set()
            connection.send(reply())

    def redirect(connection: Connection) -> None:
        while connection.receive():
            location = b"Location: " + other.base_url.replace("127.0.0.1", "localhost").encode() + b"/x\r\n"
            connection.send(reply(b"", "307 Temporary Redirect", location))

    with Peer(elsewhere) as other, Peer(redirect) as peer:
        client = way.client(api_key=KEY, base_url=peer.base_url, max_retries=0)
        try:
            await client.get("/x", cast_to=object)
        except oxide.APIStatusError as error:
            assert error.status_code == 307  # noqa: PT017
        assert not asked.is_set()
