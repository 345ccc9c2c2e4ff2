"""Realtime, translation and live sessions, as the official SDK sees them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openai import OpenAI
from websockets.exceptions import ConnectionClosed

from oxide.testing import Close, Gate, MockServer, Stream

# How the official SDK uses `websockets` is not for us to change.
pytestmark = pytest.mark.filterwarnings(r"ignore:connect\(\) must be used:DeprecationWarning")

SOUND = base64.b64encode(b"\x01\x02" * 4800).decode()  # 200 ms
SILENCE = base64.b64encode(bytes(48 * 500)).decode()
TEXT = {"type": "realtime", "output_modalities": ["text"]}


@pytest.fixture
def connection(client: OpenAI) -> Iterator[Any]:
    with client.realtime.connect(model="gpt-realtime") as connection:
        assert connection.recv().type == "session.created"
        yield connection


def until(connection: Any, *kinds: str) -> list[Any]:
    events = []
    while True:
        events.append(connection.recv())
        if events[-1].type in kinds:
            return events


def kinds(events: list[Any]) -> list[str]:
    """The types, repetitions left out."""
    found: list[str] = []
    for event in events:
        if event.type not in found:
            found.append(event.type)
    return found


def say(connection: Any, text: str) -> None:
    content: Any = [{"type": "input_text", "text": text}]
    connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
    assert [connection.recv().type for _ in range(2)] == ["conversation.item.added", "conversation.item.done"]


def test_the_session(server: MockServer, client: OpenAI) -> None:
    with client.realtime.connect(model="gpt-realtime", extra_query={"a": "b"}) as connection:
        created = connection.recv()
        assert (created.session.type, created.session.model) == ("realtime", "gpt-realtime")
        assert created.session.audio.output.voice == "marin"
        connection.session.update(session={**TEXT, "audio": {"output": {"voice": "cedar"}}})
        updated = connection.recv()
        assert updated.type == "session.updated"
        assert updated.session.output_modalities == ["text"]
        assert updated.session.audio.output.voice == "cedar"
        assert updated.session.audio.input.turn_detection.type == "server_vad"
    assert server.requests[0].query == {"model": "gpt-realtime", "a": "b"}


def test_a_response_of_text(connection: Any) -> None:
    connection.session.update(session=TEXT)
    connection.recv()
    say(connection, "hello there")
    connection.response.create()
    events = until(connection, "rate_limits.updated")
    assert kinds(events) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert events[0].response.output == []
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    done = events[-2].response
    assert text == done.output[0].content[0].text == "You said: hello there"
    assert (done.status, done.usage.output_token_details.text_tokens) == ("completed", done.usage.output_tokens)
    say(connection, "again")
    connection.response.create()
    assert until(connection, "response.done")[-1].response.output[0].content[0].text == "You said: again (turn 2)"


def test_a_response_of_sound(connection: Any) -> None:
    say(connection, "hello")
    connection.response.create(response={"metadata": {"a": "b"}, "conversation": "none"})
    events = until(connection, "response.done")
    sound = [base64.b64decode(event.delta) for event in events if event.type == "response.output_audio.delta"]
    assert len(sound) > 3
    assert {len(piece) for piece in sound} == {960}
    (done,) = [event for event in events if event.type == "response.output_audio_transcript.done"]
    assert done.transcript == "You said: hello"
    last = events[-1].response
    assert (last.conversation_id, last.metadata) == (None, {"a": "b"})
    assert not any(event.type.startswith("conversation.") for event in events)


def test_function_calls(connection: Any) -> None:
    add: Any = {
        "type": "function",
        "name": "add",
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]},
    }
    connection.session.update(session={**TEXT, "tools": [add]})
    until(connection, "session.updated")
    say(connection, "add 7")
    connection.response.create()
    events = until(connection, "response.done")
    (done,) = [event for event in events if event.type == "response.function_call_arguments.done"]
    assert (done.name, done.arguments) == ("add", '{"a":7}')
    (call,) = events[-1].response.output
    connection.conversation.item.create(item={"type": "function_call_output", "call_id": call.call_id, "output": "42"})
    connection.response.create()
    last = until(connection, "response.done")[-1].response
    assert last.output[0].content[0].text == "The result of add is 42."


def test_the_buffer(connection: Any) -> None:
    connection.session.update(
        session={
            "type": "realtime",
            "audio": {"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}},
        }
    )
    assert connection.recv().session.audio.input.turn_detection is None
    connection.input_audio_buffer.append(audio=SOUND)
    connection.input_audio_buffer.clear()
    assert connection.recv().type == "input_audio_buffer.cleared"
    connection.input_audio_buffer.commit()
    error = connection.recv()
    assert (error.type, error.error.code) == ("error", "input_audio_buffer_commit_empty")
    for _ in range(3):
        connection.input_audio_buffer.append(audio=SOUND)
    connection.input_audio_buffer.commit()
    events = until(connection, "conversation.item.input_audio_transcription.completed")
    assert kinds(events) == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]
    assert events[-1].transcript == "That was 600 milliseconds of sound."
    assert events[-1].usage.seconds == 0.6
    connection.response.create(response={"output_modalities": ["text"]})
    last = until(connection, "response.done")[-1].response
    assert last.output[0].content[0].text == "You said: That was 600 milliseconds of sound."


def test_turn_detection(connection: Any) -> None:
    connection.input_audio_buffer.append(audio=SILENCE)
    connection.input_audio_buffer.append(audio=SOUND)
    started = connection.recv()
    assert (started.type, started.audio_start_ms) == ("input_audio_buffer.speech_started", 500)
    connection.input_audio_buffer.append(audio=SILENCE)
    events = until(connection, "response.done")
    assert kinds(events)[:4] == [
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    assert events[0].audio_end_ms == 1200
    assert events[1].item_id == started.item_id
    assert events[-1].response.status == "completed"


def test_transcription_sessions(client: OpenAI) -> None:
    with client.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        assert connection.recv().session.type == "transcription"
        connection.input_audio_buffer.append(audio=SOUND)
        connection.input_audio_buffer.append(audio=SILENCE)
        events = until(connection, "conversation.item.input_audio_transcription.completed")
        assert events[-1].transcript == "That was 700 milliseconds of sound."
        connection.response.create()
        assert connection.recv().type == "error"


def test_items(connection: Any) -> None:
    say(connection, "one")
    connection.conversation.item.create(
        item={
            "type": "message",
            "id": "mine",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "two"}],
        },
        previous_item_id="root",
    )
    added = until(connection, "conversation.item.done")[0]
    assert (added.item.id, added.previous_item_id) == ("mine", None)
    connection.conversation.item.retrieve(item_id="mine")
    assert connection.recv().item.content[0].text == "two"
    connection.conversation.item.truncate(item_id="mine", content_index=0, audio_end_ms=10)
    assert connection.recv().audio_end_ms == 10
    connection.conversation.item.delete(item_id="mine")
    assert connection.recv().item_id == "mine"
    connection.conversation.item.delete(item_id="mine", event_id="again")
    error = connection.recv()
    assert (error.error.code, error.error.event_id) == ("item_delete_invalid_item_id", "again")


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ({"type": "session.update"}, "missing_required_parameter", "session"),
        ({"type": "session.update", "session": {}}, "missing_required_parameter", "session.type"),
        ({"type": "session.update", "session": {"type": "transcription"}}, "invalid_value", "session.type"),
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
        ({"type": "input_audio_buffer.append", "audio": 5}, "invalid_type", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "*"}, "invalid_value", "audio"),
        ({"type": "conversation.item.create"}, "missing_required_parameter", "item"),
        ({"type": "conversation.item.create", "item": {"type": "thought"}}, "invalid_value", "item.type"),
        ({"type": "conversation.item.retrieve", "item_id": "x"}, "item_retrieve_invalid_item_id", "item_id"),
        ({"type": "output_audio_buffer.clear"}, "invalid_value", None),
        ({"type": "response.cancel"}, "response_cancel_not_active", None),
        ({"type": "nothing"}, "invalid_value", "type"),
    ],
)
def test_errors(connection: Any, event: Any, code: str, param: str | None) -> None:
    connection.send({**event, "event_id": "mine"})
    error = connection.recv().error
    assert (error.code, error.param, error.event_id) == (code, param, "mine")


def test_cancelling(server: MockServer, connection: Any) -> None:
    gate = Gate()
    server.queue(Stream(gates={4: gate}), path="/v1/realtime")
    say(connection, "hello")
    connection.response.create()
    gate.wait_reached()
    connection.response.cancel()
    server.wait_for(lambda: server.sockets[0].events[-1]["type"] == "response.cancel")
    gate.open()
    last = until(connection, "response.done")[-1].response
    assert (last.status, last.output) == ("cancelled", [])
    assert last.status_details.reason == "client_cancelled"


def test_a_response_that_breaks(server: MockServer, connection: Any) -> None:
    server.queue(Close(1012, "restart", after=2))
    connection.response.create()
    assert [connection.recv().type for _ in range(2)] == ["response.created", "response.output_item.added"]
    with pytest.raises(ConnectionClosed) as closed:
        connection.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1012, "restart")


def test_a_thousand_buffers(server: MockServer, connection: Any) -> None:
    connection.session.update(session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    connection.recv()
    buffer = base64.b64encode(b"\x01" * 4800).decode()
    for _ in range(1000):
        connection.input_audio_buffer.append(audio=buffer)
    connection.input_audio_buffer.commit()
    assert connection.recv().type == "input_audio_buffer.committed"
    connection.response.create(response=TEXT)
    last = until(connection, "response.done")[-1].response
    assert last.output[0].content[0].text == "You said: That was 100000 milliseconds of sound."


@pytest.mark.parametrize("way", ["realtime", "translations"])
def test_the_maximum_age(client: OpenAI, way: str) -> None:
    age = Gate()
    with MockServer(max_connection_age=age) as server, client.with_options(base_url=server.base_url) as young:
        connects: dict[str, Callable[..., Any]] = {
            "realtime": young.realtime.connect,
            "translations": young.realtime.translations.connect,
        }
        with connects[way](model="gpt-realtime") as connection:
            connection.recv()
            age.open()
            assert connection.recv().error.code == "session_expired"
            with pytest.raises(ConnectionClosed):
                connection.recv()


def test_translations(client: OpenAI) -> None:
    with client.realtime.translations.connect(model="gpt-realtime-translate") as connection:
        assert connection.recv().session.model == "gpt-realtime-translate"
        connection.session.update(
            session={
                "audio": {"input": {"transcription": {"model": "gpt-realtime-whisper"}}, "output": {"language": "fr"}}
            }
        )
        assert connection.recv().session.audio.output.language == "fr"
        connection.session.input_audio_buffer.append(audio=SOUND)
        connection.session.input_audio_buffer.append(audio=base64.b64encode(b"\x01" * 480).decode())
        connection.session.close()
        events = until(connection, "session.closed")
        with pytest.raises(ConnectionClosed):
            connection.recv()
    heard = "".join(event.delta for event in events if event.type == "session.input_transcript.delta")
    said = "".join(event.delta for event in events if event.type == "session.output_transcript.delta")
    sound = [event for event in events if event.type == "session.output_audio.delta"]
    assert heard == "That was 200 milliseconds of sound.That was 10 milliseconds of sound."
    assert said == "[fr] That was 200 milliseconds of sound.[fr] That was 10 milliseconds of sound."
    assert (sound[0].sample_rate, sound[0].elapsed_ms, sound[-1].elapsed_ms) == (24000, 200, 210)


def test_live(client: OpenAI) -> None:
    with client.live.connect() as connection:
        connection.send({"type": "session.input_audio.append", "audio": SOUND})
        error = connection.recv()
        assert (error.type, error.error.code) == ("error", "session_not_started")
        connection.send({"type": "session.start", "event_id": "one", "session": {"model": "gpt-live-1"}})
        started = connection.recv()
        assert (started.type, started.session.model, started.client_event_id) == (
            "session.started",
            "gpt-live-1",
            "one",
        )
        for what in ("instructions", "thinking", "commentary"):
            connection.send({"type": f"session.{what}.append", "content": "x", "delegation_id": None})
            assert connection.recv().type == f"session.{what}.appended"
        connection.send({"type": "session.input_audio.append", "audio": SOUND})
        heard = connection.recv()
        assert (heard.type, heard.end_ms) == ("session.input_transcript.delta", 200)
        connection.send({"type": "session.input_audio.mute"})
        events = until(connection, "session.input_audio.muted")
        assert {"session.output_transcript.delta", "session.output_audio.delta"} < {event.type for event in events}
        connection.send({"type": "session.close"})
        assert [connection.recv().type for _ in range(2)] == ["session.usage.updated", "session.closed"]


def test_live_on_the_side(client: OpenAI) -> None:
    with client.live.sideband.connect(session_id="live_abc") as connection:
        connection.send({"type": "session.update", "session": {"triggers": []}})
        updated = connection.recv()
        assert (updated.type, updated.session.id) == ("session.updated", "live_abc")
        connection.send({"type": "response.create"})
        assert connection.recv().error.code == "delegation_not_configured"
