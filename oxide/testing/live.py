"""`/live/sessions`: a session that listens and speaks all the time. Nothing of delegated tasks but the configuration."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from .problem import Problem, missing
from .speaker import JSON, LIFE, Speaker, merged
from .speech import BYTES_PER_MS, TOKEN_MS, decoded, encoded, heard, spoken

__all__ = ["Live"]

_ENOUGH = 200 * BYTES_PER_MS
_APPENDS = ("instructions", "thinking", "commentary")
_ELSEWHERE = (
    "decision.create",
    "decision.item.create",
    "decision.item.delete",
    "response.create",
    "response.item.create",
)


class Live(Speaker):
    """A session: started by the client, or, for an attached connection, there already.

    Every 200 ms of sound are transcribed, and answered.
    """

    _session: JSON | None = None
    _buffer = b""
    _now = 0
    _muted = False

    @property
    def _handlers(self) -> Mapping[str, Callable[[JSON], Coroutine[Any, Any, None]]]:
        handlers: dict[str, Callable[[JSON], Coroutine[Any, Any, None]]] = {
            "session.start": self._start,
            "session.update": self._update,
            "session.close": self._close,
            "session.input_audio.append": self._append,
            "session.input_audio.mute": self._mute,
            "session.input_audio.unmute": self._unmute,
            "session.output_audio.fixture.play": self._play,
        }
        handlers.update({f"session.{what}.append": self._append_text for what in _APPENDS})
        handlers.update(dict.fromkeys(_ELSEWHERE, self._elsewhere))
        return handlers

    async def opened(self) -> None:
        """A new session waits for its `session.start`; to attach is to find one started."""
        params = self._context.params
        if params and self._channel.request.path.endswith("/attach"):
            self._session = self._resource({"model": "gpt-live-1"}, params[0])

    async def expired(self) -> None:
        """The session is as old as it may get."""
        if self._session is not None:
            await self._closed("expired", {})
        await self._channel.close(1001, "session expired")

    async def _fail(self, problem: Problem, event: JSON) -> None:
        error = problem.body["error"]
        error = {**error, "code": error["code"] or "invalid_request", "client_event_id": event.get("event_id")}
        await self._say("error", error=error, **_reference(event))

    def _resource(self, config: JSON, session_id: str | None = None) -> JSON:
        return {
            "audio": {"format": {"type": "audio/pcm", "rate": 24000}, "output": {"voice": "marin"}},
            "delegation": None,
            "instructions": None,
            "store": False,
            **config,
            "id": session_id or self._store.id("live_"),
            "status": "active",
            "expires_at": self._store.now() + LIFE,
        }

    def _started(self) -> JSON:
        if self._session is None:
            raise Problem(400, "The session is not started: send 'session.start' first.", code="session_not_started")
        return self._session

    async def _start(self, event: JSON) -> None:
        if self._session is not None:
            raise Problem(400, "The session is started already.", code="session_already_started")
        config = event.get("session")
        if not isinstance(config, dict):
            raise missing("session")
        if self._context.params:
            config = {"model": "gpt-live-1", **config}
        if "model" not in config:
            raise missing("session.model")
        self._session = self._resource(config)
        await self._say("session.started", session=self._session, **_reference(event))

    async def _update(self, event: JSON) -> None:
        session, changes = self._started(), event.get("session")
        if not isinstance(changes, dict):
            raise missing("session")
        fixed = sorted(changes.keys() - {"delegation", "triggers"})
        if fixed:
            raise Problem(
                400, f"'{fixed[0]}' can't be changed after startup.", param=f"session.{fixed[0]}", code="immutable"
            )
        self._session = merged(session, changes)
        await self._say("session.updated", session=self._session, **_reference(event))

    async def _append(self, event: JSON) -> None:
        self._started()
        self._buffer += decoded(event)
        while len(self._buffer) >= _ENOUGH:
            self._buffer = self._buffer[_ENOUGH:]
            await self._converse(_ENOUGH)

    async def _converse(self, length: int) -> None:
        said = heard(length)
        start, self._now = self._now, self._now + length // BYTES_PER_MS
        if self._muted:
            return
        await self._say("session.input_transcript.delta", delta=said, start_ms=start, end_ms=self._now)
        at = self._now
        for token, sound in spoken(f"You said: {said}"):
            await self._say("session.output_transcript.delta", delta=token, start_ms=at, end_ms=at + TOKEN_MS)
            await self._channel.send_json(
                {
                    "type": "session.output_audio.delta",
                    "delta": encoded(sound),
                    "start_ms": at,
                    "end_ms": at + TOKEN_MS,
                }
            )
            at += TOKEN_MS

    async def _mute(self, event: JSON) -> None:
        self._started()
        self._muted = True
        await self._say("session.input_audio.muted", **_reference(event))

    async def _unmute(self, event: JSON) -> None:
        self._started()
        self._muted = False
        await self._say("session.input_audio.unmuted", **_reference(event))

    async def _play(self, event: JSON) -> None:
        self._started()
        decoded(event)
        await self._say("session.output_audio.fixture.playing", **_reference(event))
        await self._say("session.output_audio.fixture.played", **_reference(event))

    async def _append_text(self, event: JSON) -> None:
        self._started()
        if not isinstance(event.get("content"), str):
            raise missing("content")
        await self._say(event["type"] + "ed", start_ms=self._now, end_ms=self._now, **_reference(event))

    async def _elsewhere(self, event: JSON) -> None:
        raise Problem(400, "This server has nobody to delegate to.", param="type", code="delegation_not_configured")

    async def _close(self, event: JSON) -> None:
        self._started()
        await self._closed("close_requested", event)
        await self._channel.close(1000)

    async def _closed(self, reason: str, event: JSON) -> None:
        usage = {"seconds": self._now / 1000}
        await self._say("session.usage.updated", usage=usage)
        await self._say("session.closed", reason=reason, session=self._session, usage=usage, **_reference(event))


def _reference(event: JSON) -> JSON:
    return {"client_event_id": event["event_id"]} if "event_id" in event else {}
