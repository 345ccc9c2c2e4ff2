"""What a stream of the Responses API comes to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...types.responses.parsed_response import ParsedResponse
from ..codec import construct
from ..errors import (
    ContentFilterFinishReasonError,
    LengthFinishReasonError,
    ResponseNotCompletedError,
    StreamEndedError,
    StreamOrderError,
)
from ..http import Response
from ..parsing import parse_response
from ..structured import Format, FormatError
from .response_events import (
    ResponseCompletedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
)
from .text import MISSHAPEN, Text, Upto, slot_setter

__all__ = ["ResponseAccumulator"]

# A delta's type to where its text goes: a list of the item and the event's index into it (or neither), and the field.
_DELTAS: dict[str, tuple[str, str, str]] = {
    "response.output_text.delta": ("content", "content_index", "text"),
    "response.refusal.delta": ("content", "content_index", "refusal"),
    "response.reasoning_text.delta": ("content", "content_index", "text"),
    "response.reasoning_summary_text.delta": ("summary", "summary_index", "text"),
    "response.function_call_arguments.delta": ("", "", "arguments"),
    "response.custom_tool_call_input.delta": ("", "", "input"),
    "response.mcp_call_arguments.delta": ("", "", "arguments"),
    "response.code_interpreter_call_code.delta": ("", "", "code"),
}
_PARTS = {
    "response.content_part.added": ("content", "content_index"),
    "response.reasoning_summary_part.added": ("summary", "summary_index"),
}
# The type of a part that was not announced.
_PART_TYPES = {
    "response.output_text.delta": "output_text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning_text",
    "response.reasoning_summary_text.delta": "summary_text",
}
_TERMINAL = frozenset({"response.completed", "response.failed", "response.incomplete", "response.cancelled", "error"})

_set_text = slot_setter(ResponseTextDeltaEvent, "snapshot")
_set_arguments = slot_setter(ResponseFunctionCallArgumentsDeltaEvent, "snapshot")


class ResponseAccumulator:
    """A machine: the events of one response in, the events of `responses.stream` out, and the response.

    `receive` takes them one by one, decoded into `response_events.ResponseStreamEvent` (or into the API's own union, which costs a
    copy of those that differ). `finish` is for the end of the stream.

    Args:
        format: what the text is parsed to, or `None`.
        tools: those of the request; the arguments of strict functions are parsed.
        response: the HTTP response that the events come in, for errors; `None` if they come by another way.

    Attributes:
        completed: the parsed response, once it is complete.
        terminal: the event that ended the response, once it has come: `response.completed`, `response.failed`,
            `response.incomplete`, or `error`.
    """

    def __init__(
        self, *, format: Format | None = None, tools: Iterable[Any] | None = None, response: Response | None = None
    ) -> None:
        self.completed: ParsedResponse[Any] | None = None
        self.terminal: Any = None
        self._format = format
        self._tools = list(tools or ())
        self._response = response
        self._base: Any = None
        # Output index to the item as it was announced, and as it was when it was done.
        self._items: dict[int, Any] = {}
        self._done: dict[int, Any] = {}
        self._places: dict[Any, int] = {}
        # Output index, list, position, field to text; and the announced parts. For what is read from a snapshot.
        self._texts: dict[tuple[int, str, int, str], Text] = {}
        self._parts: dict[tuple[int, str, int], Any] = {}
        # Output and content index to one of these texts: the common event takes the short way.
        self._output_texts: dict[tuple[int, int], Text] = {}
        self._cut: FormatError | None = None

    def receive(self, event: Any) -> Any:
        """The event to hand on: `event`, or one of its kind with more in it; `None` for one that says nothing.

        Raises:
            StreamOrderError: the event does not fit those before it.
            StructuredOutputError: the response is complete, and a text or the arguments of a strict function do not fit.
            LengthFinishReasonError, ContentFilterFinishReasonError: the response was cut off, and a text does not fit therefore.
        """
        try:
            handler = _HANDLERS.get(event.type)
            return event if handler is None else handler(self, event)
        except MISSHAPEN as error:
            # Fields that are missing or of another type were decoded as they came.
            raise StreamOrderError(f"an event of the stream is not what it should be: {error} ({event!r})") from error

    def finish(self) -> None:
        """The stream is over. Raises StreamEndedError if the response is not."""
        if self.terminal is None:
            came = None if self._base is None else self.snapshot
            text = "The stream ended before the response did" if came else "The stream ended without any response"
            raise StreamEndedError(text, _request(self._response), snapshot=came)

    def final(self) -> ParsedResponse[Any]:
        """The parsed response.

        Raises:
            StreamEndedError: the stream ended before the response did.
            ResponseNotCompletedError: it failed, was cut off or met an error.
            LengthFinishReasonError, ContentFilterFinishReasonError: it was cut off, and was to be parsed.
        """
        if self.completed is not None:
            return self.completed
        self.finish()
        event = self.terminal
        if event.type == "error":
            came = None if self._base is None else self.snapshot
            message = event.message or "the stream carried an error event"
            raise ResponseNotCompletedError(message, _request(self._response), body=event.to_dict(), response=came)
        response = event.response
        if self._format is not None:
            self._raise_if_cut(response)
        error = response.error
        why = getattr(error, "message", None) or _reason(response)
        message = f"The response is {response.status or event.type.rpartition('.')[2]}"
        if why:
            message = f"{message}: {why}"
        body = error.to_dict() if hasattr(error, "to_dict") else error
        raise ResponseNotCompletedError(message, _request(self._response), body=body, response=response)

    @property
    def snapshot(self) -> ParsedResponse[Any]:
        """The response so far, a new object each time.

        Raises:
            StreamOrderError: no event had a response yet.
        """
        if self.completed is not None:
            return self.completed
        if self._base is None:
            raise StreamOrderError("no event of the stream had a response yet")
        try:
            values = {**self._base.to_dict(), "output": [self._item(index) for index in self._indexes()]}
            snapshot: ParsedResponse[Any] = construct(ParsedResponse, values)
        except MISSHAPEN as error:
            raise StreamOrderError(f"what came is not a response: {error}") from error
        return snapshot

    def _indexes(self) -> list[int]:
        return sorted(self._items.keys() | self._done.keys())

    def _item(self, index: int) -> dict[str, Any]:
        """An item as plain data, with the pieces that came for it."""
        done = self._done.get(index)
        if done is not None:
            return done.to_dict()  # type: ignore[no-any-return]
        item: dict[str, Any] = self._items[index].to_dict()
        for (owner, name, position), part in self._parts.items():
            if owner == index:
                item[name] = entries = list(item.get(name) or ())
                # A part that the item already had is announced again with it.
                entries[position : position + 1] = [part.to_dict()]
        for (owner, name, position, field), text in self._texts.items():
            if owner != index:
                continue
            if not name:
                item[field] = str(text)
                continue
            item[name] = entries = list(item.get(name) or ())
            if position < len(entries):
                entries[position] = {**entries[position], field: str(text)}
            else:
                entries.append({"type": self._part_type(name, field, item), field: str(text)})
        return item

    def _part_type(self, name: str, field: str, item: dict[str, Any]) -> str:
        if name == "summary":
            return "summary_text"
        if field == "refusal":
            return "refusal"
        return "reasoning_text" if item.get("type") == "reasoning" else "output_text"

    # --- events ----------------------------------------------------------------------------------------------------------

    def _text_delta(self, event: Any) -> Any:
        text = self._output_texts.get((event.output_index, event.content_index))
        if text is None:
            text = self._begin(event)
            self._output_texts[event.output_index, event.content_index] = text
        delta = event.delta
        if delta:
            text.append(delta)
        try:
            _set_text(event, Upto(text))
        except TypeError:
            event = construct(ResponseTextDeltaEvent, event.to_dict())
            _set_text(event, Upto(text))
        return event

    def _arguments_delta(self, event: Any) -> Any:
        text = self._texts.get((event.output_index, "", 0, "arguments")) or self._begin(event)
        delta = event.delta
        if delta:
            text.append(delta)
        try:
            _set_arguments(event, Upto(text))
        except TypeError:
            event = construct(ResponseFunctionCallArgumentsDeltaEvent, event.to_dict())
            _set_arguments(event, Upto(text))
        return event

    def _delta(self, event: Any) -> Any:
        name, index, field = _DELTAS[event.type]
        key = (event.output_index, name, getattr(event, index, 0) if index else 0, field)
        # What no event promises a snapshot of may come without its item.
        if event.output_index in self._items:
            text = self._texts.get(key) or self._begin(event)
            if event.delta:
                text.append(event.delta)
        return event

    def _begin(self, event: Any) -> Text:
        """The text that an event has the first piece of: what the announced item or part had of it already comes first."""
        name, index, field = _DELTAS[event.type]
        output_index, position = event.output_index, getattr(event, index, 0) if index else 0
        item = self._item_of(event)
        source = item
        if name:
            source = self._parts.get((output_index, name, position))
            entries = getattr(item, name, None) or ()
            if source is None and position is not None and position < len(entries):
                source = entries[position]
        start = getattr(source, field, None)
        text = self._texts[output_index, name, position, field] = Text(start if isinstance(start, str) else "")
        return text

    def _item_of(self, event: Any) -> Any:
        item = self._items.get(event.output_index)
        if item is None:
            self._expect_response(event)
            raise StreamOrderError(f"{event.type} is about item {event.output_index}, which was not announced")
        return item

    def _expect_response(self, event: Any) -> None:
        if self._base is None:
            raise StreamOrderError(f"{event.type} came before response.created")

    def _text_done(self, event: Any) -> Any:
        item = self._item_of(event)
        if not isinstance(event, ResponseTextDoneEvent):
            event = construct(ResponseTextDoneEvent, event.to_dict())
        event.parsed = None
        if self._format is not None and getattr(item, "phase", None) in (None, "final_answer"):
            try:
                event.parsed = self._format.parse(event.text)
            except FormatError as error:
                # Whether the text is wrong or was cut off, the last event tells.
                self._cut = error
        return event

    def _part_added(self, event: Any) -> Any:
        name, index = _PARTS[event.type]
        if name == "content":
            self._item_of(event)
        self._parts[event.output_index, name, getattr(event, index, None) or 0] = event.part
        return event

    def _item_added(self, event: Any) -> Any:
        self._expect_response(event)
        item, index = event.item, event.output_index
        if item is None:
            return None
        if index in self._items:
            raise StreamOrderError(f"the item {index} was announced twice")
        if not isinstance(index, int) or item.type is None:
            raise StreamOrderError("an item was announced without its place or type")
        self._items[index] = item
        return event

    def _item_done(self, event: Any) -> Any:
        self._expect_response(event)
        item, index = event.item, event.output_index
        if item is None:
            return event
        if not isinstance(index, int):
            raise StreamOrderError("an item is done without its place")
        added = self._items.get(index)
        if added is not None and (_identity(added) != _identity(item) or not _same_id(added, item)):
            raise StreamOrderError(f"the item {index} is not the one that was announced")
        if self._places.get(_identity(item), index) != index:
            raise StreamOrderError(f"the item {index} is already there, as item {self._places[_identity(item)]}")
        previous = self._done.get(index)
        if previous is not None:
            del self._places[_identity(previous)]
        self._done[index] = item
        self._places[_identity(item)] = index
        return event

    def _lifecycle(self, event: Any) -> Any:
        response = event.response
        if self._base is None:
            self._base = response
            self._items.update(enumerate(response.output or ()))
        else:
            self._expect_same(response)
            replaced = set()
            for item in response.output or ():
                identity = _identity(item)
                if identity in replaced:
                    raise StreamOrderError("the response has the same item twice")
                replaced.add(identity)
                index = self._places.get(identity)
                if index is not None:
                    if not _same_id(self._done[index], item):
                        raise StreamOrderError(f"the item {index} is not the one that was done")
                    self._done[index] = item
        if response.output is None:
            response.output = []
        return event

    def _ended(self, event: Any) -> Any:
        self._expect_same(event.response)
        response = event.response
        if response.output is None:
            unfinished = self.snapshot.output
            response.output = [
                self._done.get(index, item) for index, item in zip(self._indexes(), unfinished, strict=True)
            ]
        self.terminal = event
        if self._cut is not None:
            self._raise_if_cut(response)
        return event

    def _completed(self, event: Any) -> Any:
        response = event.response
        self._expect_same(response)
        final = {_identity(item): item for item in response.output or ()}
        for item in self._done.values():
            found = final.get(_identity(item))
            if found is not None and not _same_id(item, found):
                raise StreamOrderError("the completed response has another item in place of one that was done")
        for index, item in self._items.items():
            found = final.get(_identity(item))
            if index not in self._done and (found is None or not _same_id(item, found)):
                raise StreamOrderError(f"the response is complete and its item {index} is not")
        if response.output is None or not isinstance(event, ResponseCompletedEvent):
            output = response.output
            if output is None:
                output = [self._done[index] for index in sorted(self._done)]
            values = {**response.to_dict(), "output": [item.to_dict() for item in output]}
            event = construct(ResponseCompletedEvent, {**event.to_dict(), "response": values})
        self.terminal = event
        self.completed = parse_response(event.response, self._format, self._tools, self._response)
        return event

    def _error(self, event: Any) -> Any:
        self.terminal = event
        return event

    def _expect_same(self, response: Any) -> None:
        if self._base is None:
            self._base = response
        elif response.id != self._base.id:
            raise StreamOrderError(f"the stream of the response {self._base.id!r} has an event of {response.id!r}")

    def _raise_if_cut(self, response: Any) -> None:
        reason = _reason(response)
        if reason == "max_output_tokens":
            raise LengthFinishReasonError(completion=response) from self._cut
        if reason == "content_filter":
            raise ContentFilterFinishReasonError(completion=response) from self._cut


def _reason(response: Any) -> str | None:
    """Why a response is incomplete."""
    return getattr(response.incomplete_details, "reason", None)


def _request(response: Response | None) -> Any:
    return response.request if response is not None else None


def _identity(item: Any) -> tuple[Any, ...]:
    # A call is told by what it is answered to; servers leave its own id out, or change it.
    call_id = getattr(item, "call_id", None)
    if item.type in ("function_call", "custom_tool_call", "shell_call", "shell_call_output"):
        return item.type, None, call_id
    return item.type, getattr(item, "id", None), call_id


def _same_id(before: Any, after: Any) -> bool:
    own = getattr(before, "id", None)
    return own == getattr(after, "id", None) or (own is None and before.type in ("function_call", "custom_tool_call"))


_HANDLERS: dict[str, Any] = {
    **dict.fromkeys(_DELTAS, ResponseAccumulator._delta),
    **dict.fromkeys(_PARTS, ResponseAccumulator._part_added),
    "response.output_text.delta": ResponseAccumulator._text_delta,
    "response.function_call_arguments.delta": ResponseAccumulator._arguments_delta,
    "response.output_text.done": ResponseAccumulator._text_done,
    "response.output_item.added": ResponseAccumulator._item_added,
    "response.output_item.done": ResponseAccumulator._item_done,
    "response.created": ResponseAccumulator._lifecycle,
    "response.queued": ResponseAccumulator._lifecycle,
    "response.in_progress": ResponseAccumulator._lifecycle,
    "response.completed": ResponseAccumulator._completed,
    "response.failed": ResponseAccumulator._ended,
    "response.incomplete": ResponseAccumulator._ended,
    "response.cancelled": ResponseAccumulator._ended,
    "error": ResponseAccumulator._error,
}
