"""The official client and ours against the same server on `websockets`: handshakes, frames and events agree."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import openai
import pytest

import oxide

from .conftest import do
from .peer import Peer, delta

Use = Callable[[Any], list[Any]]

AUDIO = "UklGRg=="
ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "h\u00e9 \U0001f600"}]}


def responses(connection: Any) -> list[Any]:
    return [
        connection.response.create(model="gpt-5", input=[ITEM], stream_id="lane", tools=[{"type": "web_search"}]),
        connection.send(
            {"type": "response.create", "model": "gpt-5", "input": "h\u00e9", "previous_response_id": None}
        ),
        connection.response.steer(input="more", previous_response_id="resp_1"),
    ]


def realtime(connection: Any) -> list[Any]:
    return [
        connection.session.update(session={"type": "realtime", "audio": {"input": {"noise_reduction": None}}}),
        connection.conversation.item.create(item=ITEM, previous_item_id="root"),
        connection.conversation.item.truncate(audio_end_ms=1, content_index=0, item_id="i"),
        connection.input_audio_buffer.append(audio=AUDIO),
        connection.input_audio_buffer.commit(),
        connection.response.create(response={"output_modalities": ["text"]}),
        connection.output_audio_buffer.clear(event_id="e"),
    ]


def translations(connection: Any) -> list[Any]:
    return [connection.session.input_audio_buffer.append(audio=AUDIO), connection.session.close()]


def live(connection: Any) -> list[Any]:
    return [
        connection.session.update(session={"instructions": "x"}),
        connection.session.thinking.append(content="t", delegation_id=None),
        connection.decision.item.delete(item_id="i"),
        connection.response.create(event_id=None),
    ]


def beta_realtime(connection: Any) -> list[Any]:
    return [connection.transcription_session.update(session={"input_audio_format": "pcm16"})]


def beta_responses(connection: Any) -> list[Any]:
    return [connection.response.create(model="gpt-5", input="x"), connection.send_raw(b"\x00\xff")]


CASES: dict[str, tuple[Callable[[Any], Any], dict[str, Any], Use]] = {
    "responses": (lambda client: client.responses, {}, responses),
    "realtime": (lambda client: client.realtime, {"model": "gpt-realtime"}, realtime),
    "call": (lambda client: client.realtime, {"call_id": "rtc 1"}, realtime),
    "translations": (lambda client: client.realtime.translations, {"model": "t"}, translations),
    "live": (lambda client: client.live, {}, live),
    "sideband": (lambda client: client.live.sideband, {"session_id": "s/1", "graceful_close": True}, live),
    "forks": (lambda client: client.live.forks, {"session_id": "s"}, live),
    "beta.realtime": (lambda client: client.beta.realtime, {"model": "m"}, beta_realtime),
    "beta.responses": (lambda client: client.beta.responses, {}, beta_responses),
}

EVENTS = [
    delta(1, "h\u00e9"),
    {
        "type": "session.created",
        "session": {"id": "s", "object": "realtime.session", "new": {"a": None}},
        "event_id": "e",
    },
    {"type": "response.completed", "response": {"id": "r", "output": [{"type": "new", "x": 1}]}, "sequence_number": 2},
    {"type": "error", "error": {"message": "m", "type": "t"}, "event_id": "e"},
    {"type": "of.tomorrow", "anything": [1, {"b": None}]},
]

OPTIONS: dict[str, Any] = {
    "api_key": "sk-1",
    "organization": "org",
    "project": "proj",
    "default_query": {"d": "1", "x": {"y": 2}},
    "default_headers": {"X-Default": "1", "X-Both": "client"},
}
EXTRA: dict[str, Any] = {
    "extra_query": {"q": "a b", "x": {"z": [1, None]}, "n": None},
    "extra_headers": {"X-Both": "call", "X-Call": "1"},
}

# What is compared of a handshake; the rest says who the client is, or is made of chance.
FIELDS = (
    "authorization",
    "openai-organization",
    "openai-project",
    "openai-beta",
    "x-default",
    "x-both",
    "x-call",
    "upgrade",
)


def seen(peer: Peer) -> Any:
    """What the server saw of one connection."""
    path, fields = peer.handshakes.pop()
    parts = urlsplit(path)
    frames = [json.loads(each) if isinstance(each, str) else each for each in peer.received]
    peer.received.clear()
    handshake = (
        parts.path,
        sorted(parse_qsl(parts.query, keep_blank_values=True)),
        [fields.get(name) for name in FIELDS],
    )
    extensions = [fields.get(name) for name in ("sec-websocket-extensions", "sec-websocket-protocol")]
    return handshake, extensions, frames


def where(peer: Peer, case: str) -> dict[str, Any]:
    url = f"{peer.base_url}?b=2"
    # There the official client takes TLS for granted, unless it is told otherwise.
    return {"websocket_base_url": url.replace("http", "ws", 1)} if case == "beta.realtime" else {"base_url": url}


def run_sync(module: Any, peer: Peer, case: str, options: dict[str, Any]) -> tuple[Any, list[Any]]:
    resource, params, use = CASES[case]
    with module.OpenAI(**where(peer, case), **OPTIONS) as client:
        manager = resource(client).connect(**params, **EXTRA, websocket_connection_options=options)
        if hasattr(manager, "send"):
            manager.send({"type": "queued"})
        with manager as connection:
            connection.send(json.loads(do("send", messages=EVENTS)))
            events = [connection.recv() for _ in EVENTS]
            use(connection)
            connection.send(json.loads(do("close", code=1000)))
            events += list(connection)
    return seen(peer), events


def run_async(module: Any, peer: Peer, case: str, options: dict[str, Any]) -> tuple[Any, list[Any]]:
    resource, params, use = CASES[case]

    async def body() -> list[Any]:
        async with module.AsyncOpenAI(**where(peer, case), **OPTIONS) as client:
            manager = resource(client).connect(**params, **EXTRA, websocket_connection_options=options)
            if hasattr(manager, "send"):
                manager.send({"type": "queued"})
            async with manager as connection:
                await connection.send(json.loads(do("send", messages=EVENTS)))
                events = [await connection.recv() for _ in EVENTS]
                for sent in use(connection):
                    await sent
                await connection.send(json.loads(do("close", code=1000)))
                events += [event async for event in connection]
                return events

    events = asyncio.run(body())
    return seen(peer), events


def plain(event: Any) -> Any:
    return event if isinstance(event, dict) else event.to_dict()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Pydantic serializer warnings")
@pytest.mark.exhaustive
@pytest.mark.parametrize("run", [run_sync, run_async])
@pytest.mark.parametrize("case", CASES)
def test_traffic_and_events_agree(case: str, run: Callable[..., tuple[Any, list[Any]]]) -> None:
    options: dict[str, Any] = {"subprotocols": ["a", "b"]} if case == "realtime" else {}
    if case == "live":
        options = {"max_size": 1_000_000}
    with Peer() as peer:
        theirs, their_events = run(openai, peer, case, options)
        ours, our_events = run(oxide, peer, case, options)
    if case == "beta.realtime":
        # There the official client has no queue.
        assert ours[2].pop(0) == {"type": "queued"}
    assert ours == theirs
    assert [plain(event) for event in our_events] == EVENTS
    for mine, official in zip(our_events, their_events, strict=True):
        assert plain(mine) == plain(official)
        if not isinstance(official, dict) and "oxide.types" in type(mine).__module__:
            assert type(mine).__name__ == type(official).__name__


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("code", [1000, 1001, 1005, 1008, 1011, 4000])
def test_ends_agree(code: int) -> None:
    """Which ends are normal for iterating, and which are worth restoring the connection for."""
    outcomes = []
    for module in (openai, oxide):
        with Peer() as peer:
            calls: list[int] = []
            orders: list[dict[str, Any]] = [{"do": "send", "messages": [delta(1)]}, {"do": "close", "code": code}]
            peer.first = [orders, [{"do": "close", "code": 1000}]]
            if code == 1005:
                orders[-1] = {"do": "raw", "data": "iAA="}
            with module.OpenAI(api_key="k", base_url=peer.base_url) as client:
                manager = client.responses.connect(
                    on_reconnecting=lambda e, calls=calls: calls.append(e.close_code), initial_delay=0.001
                )
                with manager as connection:
                    numbers = []
                    try:
                        numbers += [event.sequence_number for event in connection]
                        raised = False
                    except Exception:  # noqa: BLE001 (theirs is of another library)
                        raised = True
            outcomes.append((raised, calls, len(peer.handshakes)))
    assert outcomes[0] == outcomes[1]
