"""What the events of an assistant's run come to, and which callbacks of an event handler they call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...types.beta.threads.message import Message
from ...types.beta.threads.message_content import MessageContent
from ...types.beta.threads.runs.run_step import RunStep
from ...types.beta.threads.text import Text as TextModel
from ..codec import construct
from ..errors import StreamEndedError, StreamOrderError
from ..http import Response
from .deltas import merge, plain
from .text import MISSHAPEN, LateFields, Text, Upto, late, slot_setter

__all__ = ["CALLBACKS", "AssistantAccumulator"]

CALLBACKS = (
    "on_end",
    "on_event",
    "on_run_step_created",
    "on_run_step_delta",
    "on_run_step_done",
    "on_tool_call_created",
    "on_tool_call_delta",
    "on_tool_call_done",
    "on_exception",
    "on_timeout",
    "on_message_created",
    "on_message_delta",
    "on_message_done",
    "on_text_created",
    "on_text_delta",
    "on_text_done",
    "on_image_file_done",
)

_RUN_ENDS = frozenset(
    f"thread.run.{status}"
    for status in ("completed", "cancelled", "expired", "failed", "requires_action", "incomplete")
)
_RUN_GOES_ON = frozenset(f"thread.run.{status}" for status in ("created", "in_progress", "cancelling", "queued"))
_STEP_ENDS = frozenset(f"thread.run.step.{status}" for status in ("completed", "cancelled", "expired", "failed"))

Callback = tuple[str, tuple[Any, ...]]


@late("value")
class _Written(LateFields, TextModel):
    """A text that is being written; its value is joined when somebody reads it."""

    # With a default, so that the slot is this class's also where other fields are missing.
    value: str = ""


_Written.__name__ = TextModel.__name__
_Written.__qualname__ = TextModel.__qualname__
_set_value = slot_setter(_Written, "value")


class _Block:
    """A part of a message's content, as its deltas come."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def add(self, delta: dict[str, Any]) -> None:
        merge(self.values, delta)
        text = self.values.get("text")
        if isinstance(text, dict) and isinstance(text.get("value"), str):
            text["value"] = Text(text["value"])

    def text(self) -> Any:
        """The text object as long as it is now."""
        values = dict(self.values["text"])
        value = values.pop("value", None)
        text = construct(_Written, plain(values))
        if isinstance(value, Text):
            _set_value(text, Upto(value))
        return text

    def build(self) -> Any:
        values = plain({name: value for name, value in self.values.items() if name != "text"})
        if not isinstance(self.values.get("text"), dict):
            return construct(MessageContent, plain(self.values))
        block = construct(MessageContent, {**values, "text": {}})
        block.text = self.text()
        return block


class _Message:
    """A message, as its deltas come."""

    def __init__(self, base: Message) -> None:
        self._base = base
        self._snapshot: Message | None = None
        self.blocks: dict[int, _Block] = {}
        for index, block in enumerate(base.content or ()):
            self.add(index, block.to_dict())

    def add(self, index: int, delta: dict[str, Any]) -> bool:
        """Add a piece of a part; whether the part is new."""
        self._snapshot = None
        new = index not in self.blocks
        if new:
            self.blocks[index] = _Block()
        self.blocks[index].add(delta)
        return new

    @property
    def snapshot(self) -> Message:
        if self._snapshot is None:
            content = [self.blocks[index].build() for index in sorted(self.blocks)]
            self._snapshot = self._base.model_copy(update={"content": content})
        return self._snapshot


class _Step:
    """A step of a run, as its deltas come."""

    def __init__(self, base: RunStep) -> None:
        self._snapshot: RunStep | None = base
        self._values: dict[str, Any] = {}
        merge(self._values, base.to_dict())

    def add(self, delta: dict[str, Any]) -> None:
        self._snapshot = None
        merge(self._values, delta)

    @property
    def snapshot(self) -> RunStep:
        if self._snapshot is None:
            self._snapshot = construct(RunStep, plain(self._values))
        return self._snapshot

    def tool_call(self, index: int) -> Any:
        calls: Any = self.snapshot.step_details
        return next((call for call in calls.tool_calls if getattr(call, "index", None) == index), calls.tool_calls[-1])


class AssistantAccumulator:
    """A machine: the events of a run in; callbacks, snapshots and the final objects out.

    Args:
        wanted: the callbacks that the handler has something to do in. What no callback needs is not made.
        response: the HTTP response, for errors.

    Attributes:
        event: the one that is being handled, or `None`.
        run: the run as the last event had it, or `None`.
    """

    def __init__(self, wanted: frozenset[str], response: Response | None = None) -> None:
        self.event: Any = None
        self.run: Any = None
        self._wanted = wanted
        self._response = response
        self._over = False
        self._messages: dict[str, _Message | Message] = {}
        self._message_id: str | None = None
        self._steps: dict[str, _Step] = {}
        self._step_id: str | None = None
        self._content: int | None = None
        self._content_of: Any = None
        self._call: tuple[_Step, int] | None = None
        self._call_index: int | None = None

    @property
    def message(self) -> Message | None:
        """The message that is being written, or was last."""
        return None if self._message_id is None else _built(self._messages[self._message_id])

    @property
    def messages(self) -> list[Message]:
        """All messages."""
        return [_built(message) for message in self._messages.values()]

    @property
    def step(self) -> RunStep | None:
        """The step that is going on."""
        return None if self._step_id is None else self._steps[self._step_id].snapshot

    @property
    def steps(self) -> list[RunStep]:
        """All steps, as they were put together."""
        return [step.snapshot for step in self._steps.values()]

    def receive(self, event: Any) -> Iterator[Callback]:
        """The callbacks that an event means, in order, with their arguments. Each sees the state that is meant for it.

        Raises:
            StreamOrderError: the event does not fit those before it.
        """
        self.event = event
        try:
            yield from self._receive(event)
        except MISSHAPEN as error:
            raise StreamOrderError(f"an event of the stream is not what it should be: {error} ({event!r})") from error
        self.event = None

    def finish(self, announced: bool) -> None:
        """The stream is over. Raises StreamEndedError if neither it said so nor the run has stopped."""
        if not (announced or self._over):
            request: Any = None if self._response is None else self._response.request
            raise StreamEndedError("The stream ended before the run did", request, snapshot=self.run)

    def _receive(self, event: Any) -> Iterator[Callback]:
        wanted = self._wanted
        kind, data = event.event, event.data
        if "on_event" in wanted:
            yield "on_event", (event,)
        if kind == "thread.message.delta":
            yield from self._message_delta(data)
        elif kind == "thread.run.step.delta":
            yield from self._step_delta(data)
        elif kind in _RUN_ENDS:
            self.run, self._over = data, True
            yield from self._call_done()
        elif kind in _RUN_GOES_ON:
            self.run = data
        elif kind == "thread.message.created":
            self._messages[data.id] = _Message(data)
            self._message_id = data.id
            if "on_message_created" in wanted:
                yield "on_message_created", (data,)
        elif kind in ("thread.message.completed", "thread.message.incomplete"):
            self._messages[data.id] = data
            self._message_id = data.id
            if self._content is not None:
                yield from self._content_done(data.content[self._content])
            if "on_message_done" in wanted:
                yield "on_message_done", (data,)
        elif kind == "thread.run.step.created":
            self._steps[data.id] = _Step(data)
            self._step_id = data.id
            if "on_run_step_created" in wanted:
                yield "on_run_step_created", (data,)
        elif kind == "thread.run.step.in_progress":
            self._steps.setdefault(data.id, _Step(data))
            self._step_id = data.id
        elif kind in _STEP_ENDS:
            yield from self._call_done()
            if "on_run_step_done" in wanted:
                yield "on_run_step_done", (data,)
            self._step_id = None
        elif kind == "error":
            self._over = True

    def _message_delta(self, data: Any) -> Iterator[Callback]:
        wanted = self._wanted
        message = self._messages.get(data.id) or (self._messages.get(self._message_id) if self._message_id else None)
        if not isinstance(message, _Message):
            raise StreamOrderError("a piece of a message came before the message")
        parts = data.delta.content or ()
        created = [part for part in parts if message.add(part.index, part.to_dict()) and part.type == "text"]
        if "on_text_created" in wanted:
            for part in created:
                yield "on_text_created", (message.blocks[part.index].text(),)
        for part in parts:
            index = part.index
            if part.type == "text" and part.text and "on_text_delta" in wanted:
                yield "on_text_delta", (part.text, message.blocks[index].text())
            if index != self._content:
                if self._content_of is not None:
                    yield from self._content_done(self._content_of.build())
                self._content = index
            self._content_of = message.blocks[index]
        if "on_message_delta" in wanted:
            yield "on_message_delta", (data.delta, message.snapshot)

    def _content_done(self, content: Any) -> Iterator[Callback]:
        if content.type == "text" and "on_text_done" in self._wanted:
            yield "on_text_done", (content.text,)
        elif content.type == "image_file" and "on_image_file_done" in self._wanted:
            yield "on_image_file_done", (content.image_file,)

    def _step_delta(self, data: Any) -> Iterator[Callback]:
        step = self._steps[data.id]
        delta = data.delta
        if delta:
            step.add(delta.to_dict())
        details = delta.step_details if delta else None
        if details is not None and details.type == "tool_calls":
            for part in details.tool_calls or ():
                yield from self._call_delta(step, part)
        if "on_run_step_delta" in self._wanted:
            yield "on_run_step_delta", (delta, step.snapshot)

    def _call_delta(self, step: _Step, part: Any) -> Iterator[Callback]:
        if part.index == self._call_index:
            if "on_tool_call_delta" in self._wanted:
                yield "on_tool_call_delta", (part, step.tool_call(part.index))
            self._call = step, part.index
            return
        yield from self._call_done()
        self._call_index = part.index
        self._call = step, part.index
        if "on_tool_call_created" in self._wanted:
            yield "on_tool_call_created", (step.tool_call(part.index),)

    def _call_done(self) -> Iterator[Callback]:
        # As in the official SDK, a call is done when the next one begins, when its step is, and when the run is.
        if self._call is not None and "on_tool_call_done" in self._wanted:
            step, index = self._call
            yield "on_tool_call_done", (step.tool_call(index),)


def _built(message: _Message | Message) -> Message:
    return message.snapshot if isinstance(message, _Message) else message
