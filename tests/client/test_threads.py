"""One synchronous client, many threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import oxide

from .peer import Connection, Event, Peer, chunk, chunked, reply

THREADS = 24
CALLS = 40


def echo(connection: Connection) -> None:
    while (request := connection.receive()) is not None:
        if request.target.endswith("/stream"):
            connection.send(chunked(b"data: " + request.body + b"\n\n", b"data: [DONE]\n\n"))
        else:
            connection.send(reply(request.body))


@pytest.mark.parametrize("limit", [None, 5])
def test_every_answer_is_ones_own(limit: int | None) -> None:
    transport = oxide.HTTPTransport(limits=oxide.Limits(max_connections=limit))
    start = threading.Barrier(THREADS)

    def work(thread: int) -> None:
        start.wait()
        for call in range(CALLS):
            body = {"thread": thread, "call": call, "padding": "x" * (call * 100)}
            if call % 4 == 3:
                assert list(client.post("/stream", cast_to=object, body=body, stream=True)) == [body]
            else:
                assert client.post("/x", cast_to=object, body=body) == body

    with (
        Peer(echo) as peer,
        oxide.OpenAI(api_key="k", base_url=peer.base_url, http_client=transport, max_retries=0) as client,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        for future in [pool.submit(work, thread) for thread in range(THREADS)]:
            future.result()
        stats = transport.stats()
        assert stats["in_use"] == stats["waiting"] == 0
        assert stats["opened"] + stats["reused"] == THREADS * CALLS == len(peer.requests)
        assert stats["opened"] <= (limit or THREADS)


def test_closed_with_calls_in_flight() -> None:
    """Those in flight get their answers, the next ones an error; and no connection stays."""
    gate = Event()

    def script(connection: Connection) -> None:
        received = connection.receive()
        assert received is not None
        gate.wait()
        connection.send(reply(received.body))
        connection.wait_closed()

    with (
        Peer(script) as peer,
        oxide.OpenAI(api_key="k", base_url=peer.base_url) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        futures = [pool.submit(client.post, "/x", cast_to=object, body={"n": number}) for number in range(8)]
        peer.wait_requests(8)
        client.close()
        gate.set()
        assert [future.result() for future in futures] == [{"n": number} for number in range(8)]
        for number in range(8):
            peer.wait_closed(number)
        with pytest.raises(oxide.OpenAIError, match="closed"):
            client.get("/x", cast_to=object)


def test_closed_from_many_threads() -> None:
    with Peer(echo) as peer:
        for _ in range(20):
            client = oxide.OpenAI(api_key="k", base_url=peer.base_url, max_retries=0)
            start = threading.Barrier(6)

            def call(client: Any = client, start: Any = start) -> None:
                start.wait()
                try:
                    assert client.post("/x", cast_to=object, body={"a": 1}) == {"a": 1}
                except oxide.OpenAIError as error:
                    assert "closed" in str(error)  # noqa: PT017

            def close(client: Any = client, start: Any = start) -> None:
                start.wait()
                client.close()

            with ThreadPoolExecutor(6) as pool:
                for future in [pool.submit(function) for function in (call, call, call, call, close, close)]:
                    future.result()
            assert client._transport.stats()["open"] == 0


def test_streams_dropped_in_other_threads() -> None:
    """Whoever collects a stream, the pool's books stay right."""

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(chunked(end=False) + chunk(b"data: 1\n\n"))
        connection.wait_closed()

    transport = oxide.HTTPTransport(limits=oxide.Limits(max_connections=4))
    with (
        Peer(script) as peer,
        oxide.OpenAI(api_key="k", base_url=peer.base_url, http_client=transport, max_retries=0) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        streams: list[Any] = []

        def take() -> None:
            stream = client.get("/x", cast_to=object, stream=True)
            assert next(stream) == 1
            streams.append(stream)
            del stream
            streams.pop()

        for future in [pool.submit(take) for _ in range(60)]:
            future.result()
        assert transport.stats()["open"] == 0
        assert transport.stats()["opened"] == 60
