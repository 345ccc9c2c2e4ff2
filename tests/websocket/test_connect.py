"""`client.….connect`, three ways, against a server on `websockets`."""

from __future__ import annotations

import gc
import json
import threading
from typing import Any

import anyio
import pytest

import oxide
from oxide import OpenAIError, WebSocketConnectionClosedError, WebSocketQueueFullError
from oxide.types import ReconnectingEvent

from ..ways import Way
from .conftest import do
from .peer import Peer, delta


@pytest.fixture
def client(way: Way, peer: Peer) -> Any:
    return way.client(base_url=peer.base_url)


async def test_events_are_typed(way: Way, client: Any, peer: Peer) -> None:
    async with client.responses.connect() as connection:
        await connection.send_raw(do("send", messages=[delta(1), {"type": "response.new", "what": {"a": 1}}, delta(2)]))
        event = await connection.recv()
        assert isinstance(event, oxide.types.responses.ResponseTextDeltaEvent)
        assert event.to_dict() == delta(1)
        # What is not known is kept.
        event = await connection.recv()
        assert (event.type, event.what) == ("response.new", {"a": 1})
        data = await connection.recv_bytes()
        assert json.loads(data) == delta(2)
        assert connection.parse_event(data).sequence_number == 2
        assert connection.parse_event(data.decode()).sequence_number == 2


async def test_events_are_sent(way: Way, client: Any, peer: Peer) -> None:
    async with client.realtime.connect(model="gpt-realtime") as connection:
        await connection.session.update(session={"type": "realtime", "instructions": "be brief"})
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hé"}]},
            event_id="e1",
        )
        await connection.input_audio_buffer.append(audio="AAAA")
        await connection.send(oxide.types.realtime.ResponseCancelEvent(type="response.cancel", response_id="r"))
        for _ in range(4):
            await connection.recv()
    assert peer.handshakes[-1][0] == "/v1/realtime?model=gpt-realtime"
    assert [json.loads(message) for message in peer.received] == [
        {"type": "session.update", "session": {"type": "realtime", "instructions": "be brief"}},
        {
            "type": "conversation.item.create",
            "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hé"}]},
            "event_id": "e1",
        },
        {"type": "input_audio_buffer.append", "audio": "AAAA"},
        {"type": "response.cancel", "response_id": "r"},
    ]


async def test_wrong_arguments_are_refused_where_they_are_given(way: Way, client: Any) -> None:
    with pytest.raises(TypeError, match="did you mean 'max_size'"):
        client.responses.connect(websocket_connection_options={"maxsize": 1})
    with pytest.raises(TypeError, match="modell"):
        client.realtime.connect(modell="x")
    with pytest.raises(ValueError, match="session_id"):
        async with client.live.forks.connect(session_id=""):
            pass
    with pytest.raises(ValueError, match="X-Bad"):
        async with client.responses.connect(extra_headers={"X-Bad": "a\r\nb"}):
            pass
    with pytest.raises(ValueError, match="max_queue_size"):
        client.responses.connect(max_queue_size=-1)


async def test_declined(way: Way, client: Any, peer: Peer) -> None:
    peer.answers.append((401, {}, b'{"error": {"message": "no such key", "code": "invalid_api_key"}}'))
    with pytest.raises(oxide.AuthenticationError, match="no such key") as caught:
        async with client.responses.connect():
            pass
    assert caught.value.code == "invalid_api_key"
    assert caught.value.request.method == "GET"


async def test_no_server(way: Way) -> None:
    client = way.client(base_url="http://127.0.0.1:1/v1")
    with pytest.raises(oxide.APIConnectionError, match="can't connect") as caught:
        async with client.responses.connect():
            pass
    assert isinstance(caught.value.__cause__, oxide.ConnectError)


async def test_handlers(way: Way, client: Any, peer: Peer) -> None:
    seen: list[Any] = []
    manager = client.responses.connect()

    async def slowly(event: Any) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(("slowly", event.sequence_number))

    def handler(event: Any) -> None:
        seen.append(("all", event.type))

    manager.on("event", handler)
    manager.once("response.output_text.delta", lambda event: seen.append(("once", event.sequence_number)))
    if not way.is_sync:
        manager.on("response.output_text.delta", slowly)
    async with manager as connection:
        connection.on("response.never", handler).off("response.never", handler) if not way.is_sync else None
        decorated = connection._wrapped.on if way.is_sync else connection.on

        @decorated("response.output_text.delta")
        def each(event: Any) -> None:
            seen.append(("each", event.sequence_number))

        await connection.send_raw(do("send", messages=[delta(1), delta(2), {"type": "error", "message": "handled"}]))
        await connection.send_raw(do("close"))
        await connection.dispatch_events()
    slow = [] if way.is_sync else ["slowly"]
    expected = [(name, 1) for name in ["once", *slow, "each"]] + [("all", delta(0)["type"])]
    expected += [(name, 2) for name in [*slow, "each"]] + [("all", delta(0)["type"]), ("all", "error")]
    assert seen == expected


async def test_an_error_without_a_handler_is_raised(way: Way, client: Any, peer: Peer) -> None:
    async with client.responses.connect() as connection:
        await connection.send_raw(do("send", messages=[{"type": "error", "error": {"message": "too bad"}}]))
        with pytest.raises(OpenAIError, match="too bad"):
            await connection.dispatch_events()


async def test_messages_wait_for_the_connection(way: Way, client: Any, peer: Peer) -> None:
    manager = client.responses.connect(max_queue_size=100)
    manager.send({"type": "a", "text": "é" * 10})
    manager.send({"type": "b"})
    with pytest.raises(WebSocketQueueFullError, match="max_queue_size"):
        manager.send({"type": "c", "text": "x" * 100})
    async with manager as connection:
        await connection.send({"type": "d"})
        for _ in range(3):
            await connection.recv()
    assert [json.loads(message)["type"] for message in peer.received] == ["a", "b", "d"]


async def test_entering_is_cancelled_while_messages_go_out(way: Way, client: Any, peer: Peer) -> None:
    if way.is_sync:
        pytest.skip("threads can't be cancelled")
    peer.first = [[{"do": "sleep", "seconds": 1}]]
    manager = client.responses.connect(max_queue_size=1 << 26)
    for _ in range(40):
        manager.send({"type": "a", "text": "x" * 1_000_000})
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:

            async def cancel() -> None:
                while not peer.handshakes:
                    await _pause(way)
                scope.cancel()

            tasks.start_soon(cancel)
            await manager.enter()
    assert scope.cancelled_caught
    # Nobody has the connection, so it must not be open: that would be a ResourceWarning, which is an error.
    gc.collect()


class Callback:
    """An `on_reconnecting`."""

    def __init__(self, result: Any = None) -> None:
        self.result = result
        self.events: list[ReconnectingEvent] = []

    def __call__(self, event: ReconnectingEvent) -> Any:
        self.events.append(event)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.mark.parametrize("end", [{"do": "abort"}, {"do": "close", "code": 1001}, {"do": "close", "code": 1012}])
async def test_restoring(way: Way, client: Any, peer: Peer, end: dict[str, Any]) -> None:
    callback = Callback({"extra_query": {"n": 2}, "extra_headers": {"X-Try": "2"}})
    peer.first = [
        [{"do": "send", "messages": [delta(1)]}, end],
        [{"do": "send", "messages": [delta(2)]}, {"do": "close", "code": 1000}],
    ]
    manager = client.responses.connect(
        on_reconnecting=callback, initial_delay=0.001, extra_query={"n": 1}, extra_headers={"X-Try": "1"}
    )
    async with manager as connection:
        assert [event.sequence_number async for event in connection] == [1, 2]
    (event,) = callback.events
    assert (event.attempt, event.max_attempts) == (1, 5)
    assert event.close_code == end.get("code", 1006)
    assert (dict(event.extra_query), dict(event.extra_headers)) == ({"n": 1}, {"X-Try": "1"})
    paths = [(path, fields["x-try"]) for path, fields in peer.handshakes]
    assert paths == [("/v1/responses?n=1", "1"), ("/v1/responses?n=2", "2")]


@pytest.mark.parametrize(
    ("code", "result", "calls"),
    [(4000, None, 0), (1008, None, 0), (1011, {"abort": True}, 1), (1011, ZeroDivisionError("mine"), 1)],
)
async def test_not_restoring(way: Way, client: Any, peer: Peer, code: int, result: Any, calls: int) -> None:
    callback = Callback(result)
    peer.first = [[{"do": "close", "code": code, "reason": "why"}]]
    async with client.responses.connect(on_reconnecting=callback, initial_delay=0.001) as connection:
        with pytest.raises(WebSocketConnectionClosedError, match="why") as caught:
            [event async for event in connection]
    assert caught.value.code == code
    assert len(callback.events) == calls
    assert len(peer.handshakes) == 1


async def test_attempts_are_limited_and_counted_anew_after_an_event(way: Way, client: Any, peer: Peer) -> None:
    callback = Callback()
    peer.first = [
        [{"do": "abort"}],
        [{"do": "send", "messages": [{"type": "error", "message": "not admitted"}]}, {"do": "abort"}],
        [{"do": "send", "messages": [delta(1)]}, {"do": "abort"}],
        [{"do": "abort"}],
    ]
    got = []
    async with client.responses.connect(on_reconnecting=callback, initial_delay=0.001, max_retries=3) as connection:
        with pytest.raises(WebSocketConnectionClosedError) as caught:
            got += [event.type async for event in connection]
    assert [event.attempt for event in callback.events] == [1, 2, 1, 2, 3]
    assert caught.value.code == 1006
    assert got == []


async def test_what_is_sent_meanwhile_waits(way: Way, client: Any, peer: Peer) -> None:
    """Also for a server that declines at first; and it is sent in order, before what comes later."""
    peer.first = [[{"do": "abort"}], []]
    restoring = threading.Event()
    sent = threading.Event()

    def callback(event: ReconnectingEvent) -> None:
        if event.attempt == 1:
            peer.answers.append((503, {}, b""))
        restoring.set()

    async with client.responses.connect(on_reconnecting=callback, initial_delay=0.2, max_queue_size=50) as connection:

        async def receive() -> None:
            got = []
            async for event in connection:
                got.append(event.type)
                if len(got) == 3:
                    break
            assert got == ["a", "b", "c"]

        async def send() -> None:
            while not restoring.is_set():
                await _pause(way)
            await connection.send({"type": "a"})
            await connection.send({"type": "b"})
            with pytest.raises(WebSocketQueueFullError):
                await connection.send({"type": "x" * 50})
            await connection.send({"type": "c"})
            sent.set()

        await way.gather(receive, send)
    assert sent.is_set()


async def _pause(way: Way) -> None:
    if way.is_sync:
        threading.Event().wait(0.005)
    else:
        await anyio.sleep(0.005)


async def test_what_can_not_be_sent_is_told(way: Way, client: Any, peer: Peer) -> None:
    peer.first = [[{"do": "abort"}]]
    restoring = threading.Event()

    def callback(event: ReconnectingEvent) -> dict[str, bool]:
        peer.answers.append((503, {}, b""))
        restoring.set()
        return {"abort": event.attempt == 2}

    async with client.responses.connect(on_reconnecting=callback, initial_delay=0.1) as connection:

        async def receive() -> None:
            with pytest.raises(WebSocketConnectionClosedError, match="2 messages") as caught:
                [event async for event in connection]
            assert [json.loads(message) for message in caught.value.unsent_messages] == [{"type": "a"}]
            assert caught.value.unsent_frames[1] == b"\xff"

        async def send() -> None:
            while not restoring.is_set():
                await _pause(way)
            await connection.send({"type": "a"})
            await connection.send_raw(b"\xff")

        await way.gather(receive, send)


async def test_closing_ends_the_restoring(way: Way, client: Any, peer: Peer) -> None:
    peer.first = [[{"do": "abort"}]]
    restoring = threading.Event()
    manager = client.responses.connect(on_reconnecting=lambda event: restoring.set(), initial_delay=600, max_delay=600)
    async with manager as connection:

        async def receive() -> None:
            with pytest.raises(WebSocketConnectionClosedError):
                [event async for event in connection]

        async def close() -> None:
            while not restoring.is_set():
                await _pause(way)
            await connection.close()

        await way.gather(receive, close)
    assert len(peer.handshakes) == 1


async def test_entering_by_hand(way: Way, client: Any, peer: Peer) -> None:
    connection = await client.live.sideband.connect(session_id="s 1", graceful_close=True).enter()
    await connection.close(code=4001, reason="mine")
    await connection.close()
    assert peer.handshakes[-1][0] == "/v1/live/sessions/s%201/attach?graceful_close=true"
    with pytest.raises(WebSocketConnectionClosedError):
        await connection.recv()


async def test_where_to(way: Way, peer: Peer) -> None:
    """`websocket_base_url`, queries of all kinds, keys that a function gives, header fields taken away."""
    client = way.client(
        api_key=lambda: "sk-later",
        base_url="https://nowhere.invalid/v1",
        websocket_base_url=peer.base_url.replace("http:", "ws:") + "/ws/?in=url&n=0",
        default_query={"n": 1, "d": 2, "a": {"b": 1}},
        default_headers={"X-Mine": "1", "X-Gone": "2"},
        organization="org",
        project="proj",
    )
    async with client.responses.connect(
        extra_query={"a": {"c": 2}, "l": [1, 2], "e": None}, extra_headers={"x-gone": oxide.omit}
    ):
        pass
    path, fields = peer.handshakes[-1]
    assert path == "/v1/ws/responses?d=2&in=url&n=0&a%5Bc%5D=2&l=1&l=2&e="
    assert fields["authorization"] == "Bearer sk-later"
    assert (fields["openai-organization"], fields["openai-project"], fields["x-mine"]) == ("org", "proj", "1")
    assert "x-gone" not in fields


async def test_azure(way: Way, peer: Peer) -> None:
    cls = oxide.AzureOpenAI if way.is_sync else oxide.AsyncAzureOpenAI
    client = way.adopt(
        cls(api_key="az", api_version="2025-04-01-preview", azure_endpoint=peer.base_url.removesuffix("/v1"))
    )
    async with client.realtime.connect(model="deployed"):
        pass
    path, fields = peer.handshakes[-1]
    assert path == "/openai/realtime?api-version=2025-04-01-preview&deployment=deployed"
    assert fields["api-key"] == "az"
    assert "authorization" not in fields
    with pytest.raises(OpenAIError, match="model"):
        async with client.realtime.connect():
            pass


async def test_strict(way: Way, peer: Peer) -> None:
    client = way.client(base_url=peer.base_url, strict=True)
    async with client.responses.connect() as connection:
        await connection.send_raw(do("send", messages=[{**delta(1), "delta": 5}, delta(2)]))
        with pytest.raises(oxide.APIResponseValidationError, match=r"\$\.delta"):
            await connection.recv()
        assert (await connection.recv()).sequence_number == 2


async def test_a_transport_of_the_users_that_has_no_websocket(way: Way, peer: Peer) -> None:
    class Sync:
        def send(self, request: Any, *, stream: bool) -> Any: ...
        def close(self) -> None: ...

    class Async:
        async def send(self, request: Any, *, stream: bool) -> Any: ...
        async def aclose(self) -> None: ...

    client = way.client(base_url=peer.base_url, http_client=Sync() if way.is_sync else Async())
    async with client.responses.connect() as connection:
        await connection.send({"type": "x"})
        assert (await connection.recv()).type == "x"
