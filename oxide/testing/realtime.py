"""`/realtime`: a conversation of text and sound, and transcription sessions."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

import msgspec

from .messages import Ordered, turn_request
from .problem import Problem, invalid_type, missing
from .prompt import from_items
from .realtime_writing import RealtimeWriting, realtime_message
from .respond import final_text
from .speaker import JSON, LIFE, Speaker, merged
from .speech import BYTES_PER_MS, decoded, heard
from .text import Source, tokens
from .tools import calls, offers, response_choice

__all__ = ["Realtime"]

_MINIMUM = 100 * BYTES_PER_MS
_PCM = {"type": "audio/pcm", "rate": 24000}


class Realtime(Speaker):
    """A session of one conversation.

    Turn detection: sound that is not silence is speech, which is over when `silence_duration_ms` of zeros follow.
    """

    _session: JSON
    _active: str | None = None
    _speech: str | None = None

    def _begin(self) -> None:
        self._conversation = self._store.id("conv_")
        self._items: list[JSON] = []
        self._buffer = bytearray()
        self._before_buffer = 0
        self._silence = 0
        self._cancelled: set[str] = set()

    @property
    def _handlers(self) -> Mapping[str, Callable[[JSON], Coroutine[Any, Any, None]]]:
        return {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "output_audio_buffer.clear": self._clear_output,
            "conversation.item.create": self._create_item,
            "conversation.item.retrieve": self._retrieve_item,
            "conversation.item.truncate": self._truncate_item,
            "conversation.item.delete": self._delete_item,
            "response.create": self._respond,
            "response.cancel": self._nothing_to_cancel,
        }

    async def opened(self) -> None:
        """Say what the session is like."""
        self._begin()
        query = self._channel.request.query
        if query.get("intent") == "transcription":
            self._session = _transcription_session()
        else:
            self._session = _session(query.get("model") or self._context.deployment or "gpt-realtime")
        self._session.update(id=self._store.id("sess_"), expires_at=self._store.now() + LIFE)
        await self._say("session.created", session=self._session)

    def received(self, message: str | bytes) -> None:
        """A message of the client; cancelling doesn't wait for what is to be cancelled."""
        if self._active is not None and b"response.cancel" in (
            message if isinstance(message, bytes) else message.encode()
        ):
            event = msgspec.json.decode(message)
            if event.get("type") == "response.cancel" and event.get("response_id") in (None, self._active):
                self._cancelled.add(self._active)
                return
        super().received(message)

    # --- the session ---

    async def _update(self, event: JSON) -> None:
        changes = event.get("session")
        if not isinstance(changes, dict):
            raise missing("session")
        kind = changes.get("type")
        if kind is None:
            raise missing("session.type")
        if kind != self._session["type"]:
            raise Problem(
                400,
                f"Passing a session of type '{kind}' to this one is not allowed.",
                param="session.type",
                code="invalid_value",
            )
        tools = changes.get("tools")
        if tools is not None:
            offers(tools)
        self._session = merged(self._session, changes)
        await self._say("session.updated", session=self._session)

    @property
    def _input(self) -> JSON:
        configured: JSON = self._session["audio"]["input"]
        return configured

    # --- sound ---

    async def _append(self, event: JSON) -> None:
        sound = decoded(event)
        self._buffer += sound
        detection = self._input["turn_detection"]
        if detection is None:
            return
        speech = sound.strip(b"\0")
        end = (self._before_buffer + len(self._buffer)) // BYTES_PER_MS
        if speech:
            self._silence = 0 if sound[-2:] != b"\0\0" else len(sound) - len(sound.rstrip(b"\0"))
            if self._speech is None:
                self._speech = self._store.id("item_")
                start = max(0, end - len(sound) // BYTES_PER_MS)
                await self._say("input_audio_buffer.speech_started", audio_start_ms=start, item_id=self._speech)
        elif self._speech is not None:
            self._silence += len(sound)
        enough = int(detection.get("silence_duration_ms") or 500) * BYTES_PER_MS
        if self._speech is not None and self._silence >= enough:
            item_id, self._speech, self._silence = self._speech, None, 0
            await self._say("input_audio_buffer.speech_stopped", audio_end_ms=end, item_id=item_id)
            await self._take_buffer(item_id)
            if detection.get("create_response", True) and self._session["type"] == "realtime":
                await self._respond({"type": "response.create"})

    async def _commit(self, event: JSON) -> None:
        if len(self._buffer) < _MINIMUM:
            milliseconds = len(self._buffer) / BYTES_PER_MS
            raise Problem(
                400,
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only "
                f"has {milliseconds:.2f}ms of audio.",
                code="input_audio_buffer_commit_empty",
            )
        await self._take_buffer(self._store.id("item_"))

    async def _take_buffer(self, item_id: str) -> None:
        length = len(self._buffer)
        self._before_buffer += length
        self._buffer.clear()
        said = heard(length)
        wanted = self._input["transcription"] is not None
        part = {"type": "input_audio", "transcript": said if wanted else None}
        previous = self._items[-1]["id"] if self._items else None
        await self._say("input_audio_buffer.committed", previous_item_id=previous, item_id=item_id)
        # The model hears it, transcribed or not.
        await self._add_item(realtime_message(item_id, "user", [part], "completed"), previous, heard=said)
        if wanted:
            where = {"item_id": item_id, "content_index": 0}
            for token in tokens(said):
                await self._say("conversation.item.input_audio_transcription.delta", **where, delta=token)
            usage = {"type": "duration", "seconds": length / BYTES_PER_MS / 1000}
            await self._say(
                "conversation.item.input_audio_transcription.completed", **where, transcript=said, usage=usage
            )

    async def _clear(self, event: JSON) -> None:
        self._buffer.clear()
        self._speech, self._silence = None, 0
        await self._say("input_audio_buffer.cleared")

    async def _clear_output(self, event: JSON) -> None:
        raise Problem(400, "There is no output audio buffer on a WebSocket.", code="invalid_value")

    # --- items ---

    async def _create_item(self, event: JSON) -> None:
        item = event.get("item")
        if not isinstance(item, dict):
            raise missing("item")
        kind = item.get("type")
        if kind not in ("message", "function_call", "function_call_output", "mcp_approval_response"):
            raise Problem(400, f"Invalid value: '{kind}'.", param="item.type", code="invalid_value")
        for name in {"message": ("role", "content"), "function_call_output": ("call_id", "output")}.get(kind, ()):
            if name not in item:
                raise missing(f"item.{name}")
        item = {
            "object": "realtime.item",
            "status": "completed",
            **item,
            "id": item.get("id") or self._store.id("item_"),
        }
        if any(known["id"] == item["id"] for known in self._items):
            raise Problem(400, f"Item with id '{item['id']}' already exists.", param="item.id", code="item_id_conflict")
        after = event.get("previous_item_id")
        if after is None:
            after = self._items[-1]["id"] if self._items else None
        elif after == "root":
            after = None
        else:
            self._find(after, "previous_item_id", "item_create_invalid_previous_item_id")
        await self._add_item(item, after)

    async def _add_item(self, item: JSON, after: str | None, heard: str | None = None) -> None:
        place = 0 if after is None else 1 + next(n for n, known in enumerate(self._items) if known["id"] == after)
        self._items.insert(place, item if heard is None else {**item, "heard": heard})
        await self._say("conversation.item.added", previous_item_id=after, item=item)
        await self._say("conversation.item.done", previous_item_id=after, item=item)

    async def _retrieve_item(self, event: JSON) -> None:
        item = self._find(event.get("item_id"), "item_id", "item_retrieve_invalid_item_id")
        shown = {name: value for name, value in item.items() if name != "heard"}
        await self._say("conversation.item.retrieved", item=shown)

    async def _truncate_item(self, event: JSON) -> None:
        item = self._find(event.get("item_id"), "item_id", "item_truncate_invalid_item_id")
        if item.get("role") != "assistant":
            raise Problem(
                400, "Only model output audio messages can be truncated.", param="item_id", code="invalid_value"
            )
        end = event.get("audio_end_ms")
        if not isinstance(end, int):
            raise invalid_type("audio_end_ms", "an integer", end)
        await self._say(
            "conversation.item.truncated",
            item_id=item["id"],
            content_index=event.get("content_index", 0),
            audio_end_ms=end,
        )

    async def _delete_item(self, event: JSON) -> None:
        item = self._find(event.get("item_id"), "item_id", "item_delete_invalid_item_id")
        self._items.remove(item)
        await self._say("conversation.item.deleted", item_id=item["id"])

    def _find(self, item_id: Any, param: str, code: str) -> JSON:
        for item in self._items:
            if item["id"] == item_id:
                return item
        raise Problem(400, f"There is no item with id '{item_id}'.", param=param, code=code)

    # --- responses ---

    async def _nothing_to_cancel(self, event: JSON) -> None:
        raise Problem(400, "Cancellation failed: no active response found.", code="response_cancel_not_active")

    async def _respond(self, event: JSON) -> None:
        if self._session["type"] != "realtime":
            raise Problem(400, "A transcription session gives no responses.", param="type", code="invalid_value")
        options = event.get("response") or {}
        settings = merged(self._session, options)
        request = turn_request(self._channel, event)
        ordered = Ordered(self._channel, request, self._context.hub)
        left = True
        try:
            if await ordered.begin():
                if ordered.is_own:
                    await self._carry_out(ordered, settings, options)
                else:
                    await ordered.send(ordered.messages({}))
            left = False
        finally:
            self._active = None
            ordered.done(disconnected=left)

    async def _carry_out(self, ordered: Ordered, settings: JSON, options: JSON) -> None:
        given = options.get("input")
        items = self._items if given is None else given
        prompt = from_items([_as_input(item) for item in items], settings.get("instructions") or "")
        offered = offers(settings["tools"])
        called = calls(
            offered, response_choice(settings["tool_choice"], offered, settings["tools"]), prompt, parallel=True
        )
        in_conversation = options.get("conversation", "auto") != "none"
        writing = RealtimeWriting(
            self._store,
            self._event,
            settings,
            conversation=self._conversation if in_conversation else None,
            previous=self._items[-1]["id"] if self._items else None,
            metadata=options.get("metadata"),
        )
        self._active = writing.response["id"]
        created = writing.event("response.created", response=writing.response)
        source = Source(prompt.text)
        if called:
            parts = [part for offer in called for part in writing.call(offer.name, offer.arguments(source, prompt))]
        else:
            parts = list(writing.message(final_text(prompt, {"type": "text"})))
        cancelled = False

        def pieces() -> Iterator[str]:
            nonlocal cancelled
            yield created
            for text in parts:
                if self._active in self._cancelled:
                    cancelled = True
                    break
                yield text
            yield writing.finish(prompt.tokens, cancelled=cancelled)

        if await ordered.send(pieces()) and in_conversation and not cancelled:
            self._items += writing.response["output"]
        limits = [
            {"name": name, "limit": limit, "remaining": limit - 1, "reset_seconds": 0.06}
            for name, limit in (("requests", 10000), ("tokens", 2000000))
        ]
        await self._say("rate_limits.updated", rate_limits=limits)


def _as_input(item: JSON) -> JSON:
    """An item of a realtime conversation as the same of a response."""
    if item.get("type") != "message":
        return item
    said = item.get("heard")
    if said is None:
        parts = item.get("content") or ()
        said = " ".join(str(part.get("text") or part.get("transcript") or f"[{part.get('type')}]") for part in parts)
    return {"type": "message", "role": item["role"], "content": said}


def _session(model: str) -> JSON:
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": "",
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "You are a server for tests.",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": 0,
        "audio": {
            "input": {
                "format": _PCM,
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                    "idle_timeout_ms": None,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {"format": _PCM, "voice": "marin", "speed": 1.0},
        },
        "include": None,
    }


def _transcription_session() -> JSON:
    return {
        "type": "transcription",
        "object": "realtime.transcription_session",
        "id": "",
        "expires_at": 0,
        "audio": {
            "input": {
                "format": _PCM,
                "transcription": {"model": "gpt-4o-transcribe", "language": None, "prompt": ""},
                "noise_reduction": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 200,
                },
            }
        },
        "include": None,
    }
