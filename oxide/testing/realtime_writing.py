"""A response of a realtime session: its items, and the events that tell of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .speech import encoded, spoken
from .store import Store
from .text import tokens

__all__ = ["RealtimeWriting", "realtime_message"]

JSON = dict[str, Any]


class RealtimeWriting:
    """A response being written.

    Args:
        event: makes an event's text.
        settings: the session's, with what the request changes.
        conversation: the id of the conversation that it is a part of, if it is of one.
        previous: the conversation's last item.

    Attributes:
        response: its JSON value so far.
        output_tokens: how many there are so far.
    """

    def __init__(
        self,
        store: Store,
        event: Callable[..., str],
        settings: JSON,
        *,
        conversation: str | None,
        previous: str | None,
        metadata: Any,
    ) -> None:
        self.event = event
        self._store = store
        self._sound = "audio" in settings["output_modalities"]
        self._in_conversation = conversation is not None
        self._previous = previous
        self.output_tokens = 0
        self.response: JSON = {
            "object": "realtime.response",
            "id": store.id("resp_"),
            "status": "in_progress",
            "status_details": None,
            "output": [],
            "conversation_id": conversation,
            "output_modalities": settings["output_modalities"],
            "max_output_tokens": settings["max_output_tokens"],
            "audio": {"output": {name: settings["audio"]["output"][name] for name in ("format", "voice")}},
            "usage": None,
            "metadata": metadata,
        }

    def _added(self, item: JSON, index: int) -> list[str]:
        response_id = self.response["id"]
        events = [self.event("response.output_item.added", response_id=response_id, output_index=index, item=item)]
        if self._in_conversation:
            events.append(self.event("conversation.item.added", previous_item_id=self._previous, item=item))
        return events

    def _done(self, item: JSON, index: int) -> list[str]:
        self.response["output"].append(item)
        response_id = self.response["id"]
        events = [self.event("response.output_item.done", response_id=response_id, output_index=index, item=item)]
        if self._in_conversation:
            events.insert(0, self.event("conversation.item.done", previous_item_id=self._previous, item=item))
            self._previous = item["id"]
        return events

    def message(self, text: str) -> list[str]:
        """The events of a message, said or written."""
        item_id = self._store.id("item_")
        where = {"response_id": self.response["id"], "item_id": item_id, "output_index": 0, "content_index": 0}
        events = self._added(realtime_message(item_id, "assistant", [], "in_progress"), 0)
        part = {"type": "audio", "transcript": ""} if self._sound else {"type": "text", "text": ""}
        events.append(self.event("response.content_part.added", **where, part=part))
        for token, sound in spoken(text):
            self.output_tokens += 1
            if self._sound:
                events.append(self.event("response.output_audio_transcript.delta", **where, delta=token))
                events.append(self.event("response.output_audio.delta", **where, delta=encoded(sound)))
            else:
                events.append(self.event("response.output_text.delta", **where, delta=token))
        if self._sound:
            events.append(self.event("response.output_audio.done", **where))
            events.append(self.event("response.output_audio_transcript.done", **where, transcript=text))
            part = {"type": "audio", "transcript": text}
            content = {"type": "output_audio", "transcript": text}
        else:
            events.append(self.event("response.output_text.done", **where, text=text))
            part = {"type": "text", "text": text}
            content = {"type": "output_text", "text": text}
        events.append(self.event("response.content_part.done", **where, part=part))
        return events + self._done(realtime_message(item_id, "assistant", [content], "completed"), 0)

    def call(self, name: str, arguments: str) -> list[str]:
        """The events of a function call."""
        index = len(self.response["output"])
        item = {
            "id": self._store.id("item_"),
            "object": "realtime.item",
            "type": "function_call",
            "status": "in_progress",
            "name": name,
            "call_id": self._store.id("call_"),
            "arguments": "",
        }
        where = {
            "response_id": self.response["id"],
            "item_id": item["id"],
            "output_index": index,
            "call_id": item["call_id"],
        }
        events = self._added(item, index)
        for token in tokens(arguments):
            self.output_tokens += 1
            events.append(self.event("response.function_call_arguments.delta", **where, delta=token))
        events.append(self.event("response.function_call_arguments.done", **where, name=name, arguments=arguments))
        return events + self._done({**item, "status": "completed", "arguments": arguments}, index)

    def finish(self, input_tokens: int, *, cancelled: bool) -> str:
        """The last event."""
        written = self.output_tokens
        sound = {"text_tokens": 0 if self._sound else written, "audio_tokens": written if self._sound else 0}
        read = {"text_tokens": input_tokens, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 0}
        response = self.response
        response["usage"] = {
            "total_tokens": input_tokens + written,
            "input_tokens": input_tokens,
            "output_tokens": written,
            "input_token_details": read,
            "output_token_details": sound,
        }
        if cancelled:
            response.update(status="cancelled", output=[])
            response["status_details"] = {"type": "cancelled", "reason": "client_cancelled"}
        else:
            response["status"] = "completed"
        return self.event("response.done", response=response)


def realtime_message(item_id: str, role: str, content: list[JSON], status: str) -> JSON:
    """A message as an item of a conversation."""
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": status,
        "role": role,
        "content": content,
    }
