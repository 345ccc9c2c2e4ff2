"""The moment at which a function call is complete, while the response goes on.

Two machines, for the events of the Responses API and for the chunks of a chat completion. Both have one method: `receive` takes
the next decoded object and returns the calls that are complete with it, each once, in the order in which they
became complete:

    calls = ResponseCalls()
    for event in events:
        for call in calls.receive(event):
            start(call.name, call.arguments)

They raise nothing: what is no part of a call is passed over, and so are calls of servers' own tools (web search, MCP).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from ..codec import DecodeError, decode
from .text import MISSHAPEN, Text

__all__ = ["ChatCalls", "FunctionCall", "ResponseCalls"]

_NONE: tuple[FunctionCall, ...] = ()


class FunctionCall(Struct, kw_only=True, frozen=True):
    """A call that a model has made, all of it.

    Attributes:
        type: `"function"`, or `"custom"` for a custom tool, whose input is any text.
        name: of the function or tool.
        arguments: JSON text as the model wrote it, which may be invalid; for a custom tool its input.
        call_id: what the output has to refer to.
        index: the place of the call: `output_index` in a response, the index among a choice's calls in a chat completion.
        item_id: the id of the response's output item, or `None`.
        namespace: that of the function, if it has one.
        choice: the index of the chat completion's choice, 0 in a response.
    """

    type: Literal["function", "custom"]
    name: str
    arguments: str
    call_id: str
    index: int = 0
    item_id: str | None = None
    namespace: str | None = None
    choice: int = 0

    def json(self) -> Any:
        """The arguments as plain values. Raises ValueError if they are not JSON."""
        return decode(object, self.arguments)


class ResponseCalls:
    """Calls in a stream of the Responses API.

    A call is complete with its `response.function_call_arguments.done` or `response.custom_tool_call_input.done`. Servers that
    leave these out complete it with `response.output_item.done`, or with `response.completed` at the latest. The calls of a
    response that failed or was cut off are those that were complete before.
    """

    def __init__(self) -> None:
        self._items: dict[int, Any] = {}
        # Ids of the items, and of the calls, that have been handed over.
        self._seen: set[str] = set()

    def receive(self, event: Any) -> Sequence[FunctionCall]:
        """The calls that `event`, a decoded one, completes; nearly always none."""
        try:
            handler = _RESPONSE_HANDLERS.get(event.type)
            return _NONE if handler is None else handler(self, event)
        except MISSHAPEN:
            # Fields that are missing or of another type: whoever accumulates the events says so.
            return _NONE

    def _added(self, event: Any) -> Sequence[FunctionCall]:
        item = event.item
        if item is not None and item.type in _ITEMS:
            self._items[event.output_index] = item
        return _NONE

    def _arguments_done(self, event: Any) -> Sequence[FunctionCall]:
        item = self._items.get(event.output_index)
        if item is None or getattr(item, "id", None) not in (None, event.item_id):
            item = next((each for each in self._items.values() if getattr(each, "id", None) == event.item_id), item)
        # Without the item there is no call id to answer to; `output_item.done` has everything.
        return _NONE if item is None else self._complete(item, event.output_index, _written(event))

    def _item_done(self, event: Any) -> Sequence[FunctionCall]:
        item = event.item
        if item is None or item.type not in _ITEMS or getattr(item, "status", None) == "incomplete":
            return _NONE
        return self._complete(item, event.output_index, _written(item))

    def _completed(self, event: Any) -> Sequence[FunctionCall]:
        calls: list[FunctionCall] = []
        for index, item in enumerate(event.response.output or ()):
            if item.type in _ITEMS and getattr(item, "status", None) != "incomplete":
                calls.extend(self._complete(item, index, _written(item)))
        return calls

    def _complete(self, item: Any, index: int, arguments: str) -> Sequence[FunctionCall]:
        call_id, item_id = item.call_id, getattr(item, "id", None)
        if call_id in self._seen or item_id in self._seen:
            return _NONE
        self._seen.update(each for each in (call_id, item_id) if each is not None)
        call = FunctionCall(
            type=_ITEMS[item.type],
            name=item.name,
            arguments=arguments,
            call_id=call_id,
            index=index,
            item_id=item_id,
            namespace=getattr(item, "namespace", None),
        )
        return (call,)


_ITEMS: dict[str, Literal["function", "custom"]] = {"function_call": "function", "custom_tool_call": "custom"}

_RESPONSE_HANDLERS: dict[str, Any] = {
    "response.output_item.added": ResponseCalls._added,
    "response.function_call_arguments.done": ResponseCalls._arguments_done,
    "response.custom_tool_call_input.done": ResponseCalls._arguments_done,
    "response.output_item.done": ResponseCalls._item_done,
    "response.completed": ResponseCalls._completed,
}


def _written(source: Any) -> str:
    """What the model wrote, of an event or an item, whichever kind of call it is."""
    found = getattr(source, "arguments", None)
    if found is None:
        found = getattr(source, "input", None)
    return found if isinstance(found, str) else ""


class _Open:
    """A call that is being written."""

    __slots__ = ("call_id", "done", "name", "text", "type")

    def __init__(self) -> None:
        self.type: Literal["function", "custom"] = "function"
        self.call_id = ""
        self.name = ""
        self.text = Text()
        self.done = False

    def add(self, fragment: Any) -> None:
        if fragment.id and not self.call_id:
            self.call_id = fragment.id
        part: Any = fragment.function
        written = part.arguments if part is not None else None
        if part is None:
            part = getattr(fragment, "custom", None)
            if part is None:
                return
            # Only function calls are declared in chunks, so this is plain data.
            self.type = "custom"
            part = part if isinstance(part, dict) else part.to_dict()
            name, written = part.get("name"), part.get("input")
        else:
            name = part.name
        # Some servers say the name again with every piece.
        if name and name != self.name:
            self.name += name
        if written:
            self.text.append(written)

    def is_json(self) -> bool:
        text = str(self.text)
        if self.type == "custom":
            return True
        if not text.rstrip().endswith("}"):
            return False
        try:
            decode(object, text)
        except DecodeError:
            return False
        return True


class ChatCalls:
    """Calls in a stream of chat completion chunks.

    Nothing in a chunk says that a call is complete. It is when the next call of the choice begins and what has come is JSON, as it
    must be by then unless a server sends the calls interleaved; or when the choice has its `finish_reason`. Where
    that says the output was cut off (`length`, `content_filter`), a call that is not JSON is left out.
    """

    def __init__(self) -> None:
        # Choice to index to call, in the order in which they began.
        self._choices: dict[int, dict[int, _Open]] = {}
        self._current: dict[int, int] = {}

    def receive(self, chunk: Any) -> Sequence[FunctionCall]:
        """The calls that `chunk`, a decoded one, completes; nearly always none."""
        found: Sequence[FunctionCall] = _NONE
        try:
            for choice in chunk.choices or ():
                delta = choice.delta
                fragments = delta.tool_calls if delta is not None else None
                if fragments or choice.finish_reason:
                    found = [*found, *self._receive(choice.index or 0, fragments or (), choice.finish_reason)]
        except MISSHAPEN:
            # Fields that are missing or of another type: whoever accumulates the chunks says so.
            pass
        return found

    def receive_eof(self) -> Sequence[FunctionCall]:
        """The calls that are complete, as far as one can tell, where a server ends a stream without any `finish_reason`."""
        return [call for choice in list(self._choices) for call in self._receive(choice, (), "length")]

    def _receive(self, choice: int, fragments: Sequence[Any], finish_reason: str | None) -> list[FunctionCall]:
        calls = self._choices.setdefault(choice, {})
        current = self._current.get(choice, -1)
        found: list[FunctionCall] = []
        for fragment in fragments:
            # A server that leaves the index out sends a call's id with its first piece.
            index = fragment.index
            if index is None:
                index = max(calls, default=-1) + 1 if fragment.id or current < 0 else current
            if index != current and current in calls:
                self._complete(found, choice, current, calls[current], whole=False)
            self._current[choice] = current = index
            if index not in calls:
                calls[index] = _Open()
            calls[index].add(fragment)
        if finish_reason:
            for index in sorted(calls):
                whole = finish_reason not in ("length", "content_filter")
                self._complete(found, choice, index, calls[index], whole=whole)
        return found

    def _complete(self, found: list[FunctionCall], choice: int, index: int, call: _Open, *, whole: bool) -> None:
        if call.done or not (whole or call.is_json()):
            return
        call.done = True
        done = FunctionCall(
            type=call.type,
            name=call.name,
            arguments=str(call.text),
            call_id=call.call_id,
            index=index,
            choice=choice,
        )
        found.append(done)
