"""Forks, pickles, and event loops one after the other."""

from __future__ import annotations

import asyncio
import copy
import gc
import os
import pickle
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import anyio
import pytest
import trio

import oxide
from oxide.core import errors
from oxide.core.headers import Headers
from oxide.core.http import HeadBlock, Request, Response
from oxide.core.url import URL

from .peer import Connection, Event, Peer, chunk, chunked, reply
from .test_pool import until
from .tls import client_context, server_context


def in_child(function: Callable[[], None]) -> None:
    """Run a function in a fork and raise here if it failed there."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        # Forking with threads about is what this is about; the child makes none and ends at once.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        code = 1
        try:
            function()
            code = 0
        except BaseException:  # noqa: BLE001
            os.write(write, traceback.format_exc().encode()[-4000:])
        finally:
            os._exit(code)
    os.close(write)
    with open(read, "rb") as pipe:
        message = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    assert status == 0, message


def numbered(gate: Event) -> Any:
    def script(connection: Connection) -> None:
        while (request := connection.receive()) is not None:
            if request.target.endswith("/stream"):
                connection.send(chunked(b'data: "first"\n\n', end=False))
                gate.wait()
                connection.send(chunk(b'data: "second"\n\n') + b"0\r\n\r\n")
            else:
                connection.send(reply(b"%d" % connection.number))

    return script


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_fork(tls: bool) -> None:
    """The child makes connections of its own; the parent's go on as if nothing had been, in use and idle."""
    gate = Event()
    with Peer(numbered(gate), context=server_context() if tls else None) as peer:
        transport = oxide.HTTPTransport(ssl_context=client_context() if tls else None)
        client = oxide.OpenAI(api_key="k", base_url=peer.base_url, http_client=transport, max_retries=0)
        with client.get("/stream", cast_to=object, stream=True) as stream:
            assert next(stream) == "first"
            assert client.get("/x", cast_to=object) == 1

            def child() -> None:
                stats = transport.stats()
                assert stats["open"] == stats["idle"] == 0
                assert client.get("/x", cast_to=object) == 2
                assert client.get("/x", cast_to=object) == 2
                with pytest.raises(oxide.APIConnectionError):
                    next(stream)
                client.close()

            in_child(child)
            assert client.get("/x", cast_to=object) == 1
            gate.set()
            assert list(stream) == ["second"]
        assert transport.stats()["open"] == 2
        client.close()


@pytest.mark.parametrize("run", [lambda body: asyncio.run(body()), trio.run], ids=["asyncio", "trio"])
def test_fork_inside_an_event_loop(run: Any) -> None:
    """Parent and child share the loop's epoll; what the child drops must not be taken out of it."""
    gate = Event()

    async def body() -> None:
        events: list[Any] = []
        client = oxide.AsyncOpenAI(api_key="k", base_url=peer.base_url, max_retries=0)
        assert await client.get("/x", cast_to=object) == 0

        async def read() -> None:
            async for event in stream:
                events.append(event)  # noqa: PERF401

        stream = await client.get("/stream", cast_to=object, stream=True)
        async with anyio.create_task_group() as group:
            group.start_soon(read)
            await until(lambda: bool(events))
            # The reader waits for the second event now.
            await anyio.sleep(0.01)

            def child() -> None:
                assert client._transport.stats()["open"] == 0

            in_child(child)
            gate.set()
            await until(lambda: len(events) == 2)
        assert await client.get("/x", cast_to=object) == 0
        await client.close()
        assert events == ["first", "second"]

    with Peer(numbered(gate)) as peer:
        run(body)


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_one_event_loop_after_another(tls: bool) -> None:
    """The connection is kept from one to the next, asyncio or trio."""
    gate = Event()
    gate.set()
    with Peer(numbered(gate), context=server_context() if tls else None) as peer:
        transport = oxide.AsyncHTTPTransport(ssl_context=client_context() if tls else None)
        client = oxide.AsyncOpenAI(api_key="k", base_url=peer.base_url, http_client=transport, max_retries=0)

        async def use() -> None:
            assert await client.get("/x", cast_to=object) == 0
            stream = await client.get("/stream", cast_to=object, stream=True)
            assert [event async for event in stream] == ["first", "second"]

        async def end() -> None:
            await use()
            await client.close()

        asyncio.run(use())
        asyncio.run(use(), debug=True)
        trio.run(use)
        asyncio.run(use())
        trio.run(use)
        asyncio.run(end())
        assert peer.accepted == 1


def test_stream_outlives_its_event_loop() -> None:
    """What was not read in one loop is closed by the next, or by the garbage collector."""
    gate = Event()
    with Peer(numbered(gate)) as peer:
        client = oxide.AsyncOpenAI(api_key="k", base_url=peer.base_url, max_retries=0)

        async def begin() -> Any:
            stream = await client.get("/stream", cast_to=object, stream=True)
            assert await stream.__anext__() == "first"
            return stream

        held = [asyncio.run(begin()), trio.run(begin), asyncio.run(begin())]
        assert client._transport.stats()["in_use"] == 3

        async def end() -> None:
            await held.pop(0).close()
            held.pop(0)
            # trio's own cycles hold what its main task returned.
            gc.collect()
            assert client._transport.stats()["in_use"] == 1

        asyncio.run(end())
        held.clear()
        assert client._transport.stats()["open"] == 0
        gate.set()
        asyncio.run(client.close())


# --- pickles ----------------------------------------------------------------------------------------------------------


def pickled(client: Any) -> Any:
    with oxide.pickle_secrets():
        data = pickle.dumps(client)
    return pickle.loads(data)


@pytest.mark.parametrize("duplicate", [pickled, copy.copy, copy.deepcopy])
async def test_pickled_clients(way: Any, duplicate: Any) -> None:
    gate = Event()
    with Peer(numbered(gate)) as peer:
        client = way.client(
            base_url=peer.base_url, timeout=oxide.Timeout(7, total=9), max_retries=5, default_headers={"x-a": "b"}
        )
        assert await client.get("/x", cast_to=object) == 0
        original = client._wrapped if way.is_sync else client
        other = duplicate(original)
        assert type(other) is type(original)
        assert other.timeout == oxide.Timeout(7, total=9)
        assert (other.max_retries, other.api_key, other.base_url) == (5, "sk-test", original.base_url)
        # With connections of its own.
        assert await way.adopt(other).get("/x", cast_to=object) == 1
        assert peer.requests[1].headers["x-a"] == "b"
        assert await client.get("/x", cast_to=object) == 0


SECRETS = ("sk-secret", "session=secret", "basic-secret")


def a_request() -> Request:
    head = HeadBlock(
        (
            (b"Authorization", b"Bearer sk-secret"),
            (b"Api-Key", b"sk-secret"),
            (b"Cookie", b"session=secret"),
            (b"Proxy-Authorization", b"basic-secret"),
            (b"X-Kept", b"yes"),
        )
    )
    return Request("POST", URL("https://example.org/v1/x?a=b"), head, b'{"model": "m"}', oxide.Timeout(3))


def a_response(status: int = 429) -> Response:
    headers = Headers([(b"x-request-id", b"req_1"), (b"Content-Type", b"application/json")])
    return Response(status, headers, a_request(), content=b'{"error": {"message": "no"}}')


ERRORS = [
    oxide.APIError("what", a_request(), body={"code": "c", "param": "p", "type": "t"}),
    oxide.APIConnectionError(message="broken", request=a_request()),
    oxide.APITimeoutError(a_request()),
    oxide.APITimeoutError(a_request(), message="within 3 s"),
    oxide.RateLimitError("no", response=a_response(), body={"code": 7}),
    oxide.BadRequestError("no", response=a_response(400), body=None),
    oxide.InternalServerError("no", response=a_response(500), body="text"),
    oxide.APIResponseValidationError(a_response(200), {"a": 1}, message="$.a"),
    oxide.OAuthError(response=a_response(401), body={"error": "invalid_grant", "error_description": "why"}),
    oxide.OpenAIError("plain"),
    errors.ReadError("broken"),
    errors.ConnectTimeout("late"),
    oxide.LengthFinishReasonError(completion=None),
    oxide.ContentFilterFinishReasonError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("duplicate", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy])
def test_pickled_errors(error: Any, duplicate: Any) -> None:
    other = duplicate(error)
    assert type(other) is type(error)
    assert str(other) == str(error)
    for name in ("message", "body", "code", "param", "type", "status_code", "request_id", "error"):
        assert getattr(other, name, None) == getattr(error, name, None)
    if isinstance(error, oxide.APIError):
        assert (other.request.method, other.request.url) == ("POST", error.request.url)
        assert other.request.content == b'{"model": "m"}'
        assert other.request.headers["x-kept"] == "yes"
    if isinstance(error, oxide.APIStatusError):
        assert other.response.json() == {"error": {"message": "no"}}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_pickled_errors_tell_no_secrets(error: Any) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps(error, protocol)
        assert not any(secret.encode() in data for secret in SECRETS)
