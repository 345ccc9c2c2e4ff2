"""Servers that we did not write, over TLS: uvicorn on both of its HTTP implementations, and hypercorn."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import oxide

from .peer import LIMIT
from .tls import authority, client_context


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Echoes bodies; streams at `/stream`; refuses at `/busy`, once per `x-once`."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    path = scope["path"].rpartition("/")[2]
    headers = dict(scope["headers"])
    if path == "busy" and headers[b"x-stainless-retry-count"] == b"0":
        await answer(send, 503, [(b"retry-after-ms", b"1")], [b"{}"])
    elif path == "stream":
        events = [b'data: {"n": %d}\n\n' % number for number in range(100)]
        await answer(send, 200, [(b"content-type", b"text/event-stream")], [*events, b"data: [DONE]\n\n"])
    elif path == "nothing":
        await answer(send, 204, [], [])
    elif path == "sized":
        await answer(send, 200, [(b"content-length", b"%d" % len(body))], [body])
    else:
        await answer(send, 200, [], [body[start : start + 100_000] for start in range(0, len(body), 100_000)])


async def answer(send: Any, status: int, headers: Any, pieces: list[bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def uvicorn_server(implementation: str) -> Callable[[socket.socket, str, str], Any]:
    def make(listener: socket.socket, certificate: str, key: str) -> Any:
        import uvicorn

        config = uvicorn.Config(
            app, http=implementation, lifespan="off", log_level="error", ssl_certfile=certificate, ssl_keyfile=key
        )
        server = uvicorn.Server(config)

        async def serve() -> None:
            await server.serve(sockets=[listener])

        def stop() -> None:
            server.should_exit = server.force_exit = True

        return serve, stop

    return make


def hypercorn_server(listener: socket.socket, certificate: str, key: str) -> Any:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{os.dup(listener.fileno())}"]
    config.certfile, config.keyfile = certificate, key
    config.errorlog = None
    config.graceful_timeout = 0.1
    ended: list[Any] = []

    async def serve() -> None:
        event = asyncio.Event()
        loop = asyncio.get_running_loop()
        ended.append(lambda: loop.call_soon_threadsafe(event.set))
        await hypercorn_serve(app, config, shutdown_trigger=event.wait)

    return serve, lambda: ended[0]()


SERVERS = {
    "uvicorn-h11": uvicorn_server("h11"),
    "uvicorn-httptools": uvicorn_server("httptools"),
    "hypercorn": hypercorn_server,
}


@pytest.fixture(params=SERVERS, scope="module")
def origin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory: Path = tmp_path_factory.mktemp("tls")
    issued = authority().issue_cert("127.0.0.1")
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(directory / "certificate.pem", append=number > 0)
    issued.private_key_pem.write_to_path(directory / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    port = listener.getsockname()[1]
    serve, stop = SERVERS[request.param](listener, str(directory / "certificate.pem"), str(directory / "key.pem"))
    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    with oxide.OpenAI(
        api_key="k",
        base_url=f"https://127.0.0.1:{port}",
        http_client=oxide.HTTPTransport(ssl_context=client_context()),
    ) as client:
        # Answered only when the server is up.
        assert client.get("/echo", cast_to=bytes) == b""
    yield f"https://127.0.0.1:{port}"
    stop()
    thread.join(LIMIT)
    assert not thread.is_alive()
    listener.close()


async def test_everything(way: Any, origin: str) -> None:
    transport = way.transport(ssl_context=client_context())
    client = way.client(base_url=origin, http_client=transport)
    for path in ("/echo", "/sized"):
        assert await client.post(path, cast_to=object, body={"a": "ä" * 1000}) == {"a": "ä" * 1000}
    large = bytes(range(256)) * 20_000
    assert await client.post("/sized", cast_to=bytes, content=large) == large
    assert await client.post("/echo", cast_to=bytes, content=large) == large
    for _ in range(2):
        stream = await client.post("/stream", cast_to=object, body={}, stream=True)
        assert [event["n"] async for event in stream] == list(range(100))
    assert await client.post("/busy", cast_to=object, body=[1]) == [1]
    await client.delete("/nothing", cast_to=type(None))
    stats = transport.stats()
    assert (stats["open"], stats["opened"]) == (1, 1)


async def test_many_at_once(way: Any, origin: str) -> None:
    transport = way.transport(ssl_context=client_context(), limits=oxide.Limits(max_connections=8))
    client = way.client(base_url=origin, http_client=transport)

    def one(number: int) -> Any:
        async def run() -> Any:
            if number % 3:
                return await client.post("/echo", cast_to=object, body=number)
            stream = await client.post("/stream", cast_to=object, body={}, stream=True)
            return len([event async for event in stream])

        return run

    results = await way.gather(*[one(number) for number in range(40)])
    assert results == [number if number % 3 else 100 for number in range(40)]
    assert transport.stats()["open"] <= 8
