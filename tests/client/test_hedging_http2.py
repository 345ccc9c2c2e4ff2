"""Hedged calls on a shared connection: the loser's stream is reset, and nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import oxide

from ..ways import Way
from .h2_peer import H2Server, h2_context, serving
from .peer import LIMIT, Event, Peer
from .test_http2 import options, stats
from .tls import client_context

HI = {"model": "gpt-5", "input": "Say hi"}


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("oxide race"):
            thread.join(LIMIT)
            assert not thread.is_alive()


class Held:
    """Answers all requests but the first, of which it notes that it was given up.

    Args:
        partly: what is sent of the first one's answer.
    """

    def __init__(self, partly: Callable[[H2Server, int], None] | None = None) -> None:
        self.partly = partly
        self.streams: list[tuple[int, int]] = []
        self.reset = Event()
        self.servers: list[H2Server] = []

    def __call__(self, server: H2Server, stream: int) -> None:
        self.streams.append((server.number, stream))
        self.servers.append(server)
        streamed = json.loads(bytes(server.bodies[stream])).get("stream", False)
        if len(self.streams) == 1:
            if self.partly is not None:
                self.partly(server, stream)
        elif streamed:
            server.head(stream, "200", ("content-type", "text/event-stream"))
            for event in events(f"stream {stream}"):
                server.h2.send_data(stream, event)
            server.h2.end_stream(stream)
        else:
            server.reply(stream, response(f"stream {stream}"))

    def was_reset(self) -> bool:
        """Whether the stream of the first request was."""
        number, stream = self.streams[0]
        return any(stream in server.resets for server in self.servers if server.number == number)


def response(text: str) -> bytes:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    output = [{"type": "message", "id": "m", "content": content}]
    return json.dumps({"id": text, "object": "response", "output": output}).encode()


def events(text: str) -> Iterator[bytes]:
    for document in (
        {"type": "response.output_text.delta", "delta": text, "item_id": "m", "output_index": 0, "content_index": 0},
        {"type": "response.completed", "response": json.loads(response(text))},
    ):
        yield f"event: {document['type']}\ndata: {json.dumps(document)}\n\n".encode()


def connect(way: Way, peer: Peer, tls: bool, hedge: oxide.Hedge) -> Any:
    transport = way.transport(ssl_context=client_context() if tls else None, http2=options())
    return way.client(base_url=peer.base_url, http_client=transport, max_retries=0, hedge=hedge)


async def use_on(client: Any, held: Held) -> None:
    """Go on using the connection, until the server has seen the reset."""
    for _ in range(50):
        assert (await client.responses.create(**HI)).output_text == f"stream {held.streams[-1][1]}"
        if held.was_reset():
            break
    assert held.was_reset()
    assert {number for number, _ in held.streams} == {0}
    assert stats(client)["opened"] == 1
    assert stats(client)["streams"] == 0


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
async def test_the_losers_stream_is_reset(way: Way, tls: bool) -> None:
    held = Held()
    with Peer(serving(held), context=h2_context() if tls else None) as peer:
        client = connect(way, peer, tls, oxide.Hedge(0.05))
        answer = await client.responses.create(**HI)
        assert answer.output_text == f"stream {held.streams[1][1]}"
        await use_on(client, held)


def half_a_body(server: H2Server, stream: int) -> None:
    server.head(stream, "200", ("content-type", "application/json"))
    server.h2.send_data(stream, response("never the whole")[:20])


async def test_a_loser_in_the_middle_of_its_body_is_reset(way: Way) -> None:
    held = Held(half_a_body)
    with Peer(serving(held)) as peer:
        client = connect(way, peer, False, oxide.Hedge(0.05))
        assert (await client.responses.create(**HI)).output_text == f"stream {held.streams[1][1]}"
        await use_on(client, held)


def head_and_comment(server: H2Server, stream: int) -> None:
    server.head(stream, "200", ("content-type", "text/event-stream"))
    server.h2.send_data(stream, b": one moment\n\n")


@pytest.mark.parametrize("partly", [None, head_and_comment], ids=["nothing", "no event"])
async def test_streams_are_hedged_to_their_first_event(way: Way, partly: Any) -> None:
    held = Held(partly)
    with Peer(serving(held)) as peer:
        client = connect(way, peer, False, oxide.Hedge(0.05))
        async with await client.responses.create(**HI, stream=True) as stream:
            kinds = [event.type async for event in stream]
        assert kinds == ["response.output_text.delta", "response.completed"]
        assert len(held.streams) == 2
        await use_on(client, held)


async def test_calls_beside_a_hedged_one_go_on(way: Way) -> None:
    """The reset is of one stream: those of other calls, under way at the same time, get their answers."""
    held = Held()
    with Peer(serving(held)) as peer:
        client = connect(way, peer, False, oxide.Hedge(0.05, budget=None))
        answers = await way.gather(*[lambda: client.responses.create(**HI)] * 12)
        assert len({answer.output_text for answer in answers}) == 12
        await use_on(client, held)
