"""`/realtime/translations`: sound goes in, and comes out in another language, without anybody asking for it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from .problem import Problem, missing
from .speaker import JSON, LIFE, Speaker, merged
from .speech import BYTES_PER_MS, decoded, encoded, heard, spoken

__all__ = ["Translation"]

_ENOUGH = 200 * BYTES_PER_MS


class Translation(Speaker):
    """A translation session: every 200 ms of sound are a sentence, transcribed where that is configured, and translated."""

    _session: JSON
    _buffer = b""
    _elapsed = 0

    @property
    def _handlers(self) -> Mapping[str, Callable[[JSON], Coroutine[Any, Any, None]]]:
        return {
            "session.update": self._update,
            "session.input_audio_buffer.append": self._append,
            "session.close": self._close,
        }

    async def opened(self) -> None:
        """Say what the session is like."""
        model = self._channel.request.query.get("model", "gpt-realtime-translate")
        self._session = {
            "id": self._store.id("sess_"),
            "type": "translation",
            "model": model,
            "expires_at": self._store.now() + LIFE,
            "audio": {"input": {"transcription": None, "noise_reduction": None}, "output": {"language": "en"}},
        }
        await self._say("session.created", session=self._session)

    async def _update(self, event: JSON) -> None:
        changes = event.get("session")
        if not isinstance(changes, dict):
            raise missing("session")
        if "model" in changes and changes["model"] != self._session["model"]:
            raise Problem(400, "The model of a session can't be changed.", param="session.model")
        self._session = merged(self._session, changes)
        await self._say("session.updated", session=self._session)

    async def _append(self, event: JSON) -> None:
        sound = decoded(event)
        if len(sound) % 2:
            raise Problem(400, "Expected 16-bit samples.", param="audio", code="invalid_value")
        self._buffer += sound
        while len(self._buffer) >= _ENOUGH:
            self._buffer = self._buffer[_ENOUGH:]
            await self._translate(_ENOUGH)

    async def _translate(self, length: int) -> None:
        self._elapsed += length // BYTES_PER_MS
        said = heard(length)
        if self._session["audio"]["input"]["transcription"]:
            for token, _ in spoken(said):
                await self._say("session.input_transcript.delta", delta=token, elapsed_ms=self._elapsed)
        for token, sound in spoken(f"[{self._session['audio']['output']['language']}] {said}"):
            await self._say("session.output_transcript.delta", delta=token, elapsed_ms=self._elapsed)
            await self._say(
                "session.output_audio.delta",
                delta=encoded(sound),
                sample_rate=24000,
                channels=1,
                format="pcm16",
                elapsed_ms=self._elapsed,
            )

    async def _close(self, event: JSON) -> None:
        if self._buffer:
            await self._translate(len(self._buffer))
            self._buffer = b""
        await self._say("session.closed")
        await self._channel.close(1000)
