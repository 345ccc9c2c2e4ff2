"""What the events of a response come to, as far as they have come.

Everything is kept as the JSON that came, with one difference: a text that grows is a list of its pieces until somebody asks for it. So a
piece costs what it is long, and a snapshot what the whole response is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.codec import BaseModel
from ...core.ws_result import FINAL
from ...core.ws_router import ResponsesWebSocketError

if TYPE_CHECKING:
    from ...types.responses.response import Response
    from ...types.responses.responses_server_event import ResponsesServerEvent

__all__ = ["ResponsesWebSocketAccumulator", "ResponsesWebSocketOutput", "ResponsesWebSocketSnapshot"]

JSON = dict[str, Any]


@dataclass(frozen=True)
class ResponsesWebSocketOutput:
    """One output item, the texts of it that most are interested in.

    Attributes:
        text: pairs of `content_index` and the text there.
    """

    output_index: int
    item_id: str | None
    type: str | None
    name: str | None
    call_id: str | None
    arguments: str
    input: str
    text: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class ResponsesWebSocketSnapshot:
    """A response so far; `terminal_type` is that of the event that ended it, `None` before."""

    stream_id: str | None
    response_id: str | None
    terminal_type: str | None
    output: tuple[ResponsesWebSocketOutput, ...]

    @property
    def output_text(self) -> str:
        """All texts, joined."""
        return "".join(text for item in self.output for _, text in item.text)


class Growing(list[str]):
    """A text in pieces."""

    def __deepcopy__(self, memo: Any) -> str:
        return "".join(self)

    def __str__(self) -> str:
        return "".join(self)


class Item:
    """An output item.

    Attributes:
        data: its fields; of a message without the content, of which only remains whether there was some.
        parts: its content, by index.
        texts: of these the texts that a model wrote for the user; the same objects as in `parts`.
        annotations: those that came by themselves, by the part's index and their own.
        commands: of a shell's output, what each command put out.
        retired: ids of items that had this place before.
    """

    def __init__(self, item_id: str | None, data: JSON | None = None) -> None:
        self.id = item_id
        self.data: JSON = {} if data is None else data
        self.parts: dict[int, JSON] = {}
        self.texts: dict[int, Growing] = {}
        self.annotations: dict[int, dict[int, Any]] = {}
        self.commands: dict[int, JSON] = {}
        self.retired: set[str] = set()

    @property
    def type(self) -> str | None:
        return self.data.get("type")

    def put_text(self, position: int, text: Growing) -> None:
        """A text of the message."""
        self.texts[position] = text
        self.parts.setdefault(position, {})["text"] = text

    def put_part(self, position: int, part: JSON) -> None:
        """A part of the content, in place of what was there."""
        self.parts[position] = part
        self.annotations.pop(position, None)
        self.texts.pop(position, None)
        if part.get("type") == "output_text":
            self.put_text(position, Growing([part["text"]]))

    def summary(self, index: int) -> ResponsesWebSocketOutput:
        """What the immutable snapshot has."""
        data = self.data
        return ResponsesWebSocketOutput(
            output_index=index,
            item_id=self.id,
            type=data.get("type"),
            name=data.get("name"),
            call_id=data.get("call_id"),
            arguments=str(data.get("arguments") or ""),
            input=str(data.get("input") or "") if isinstance(data.get("input"), (str, Growing)) else "",
            text=tuple((position, str(self.texts[position])) for position in sorted(self.texts)),
        )

    def details(self, index: int) -> JSON:
        """What the detailed snapshot has, independent of this object."""
        data = deepcopy(self.data)
        if self.id and not data.keys() - {"arguments", "input"}:
            data["id"] = self.id
        rows = []
        for position in sorted(self.parts.keys() | self.annotations.keys()):
            part = deepcopy(self.parts.get(position, {}))
            found = part.get("annotations")
            if isinstance(found, list) or position in self.annotations:
                numbered = dict(enumerate(found)) if isinstance(found, list) else {}
                numbered.update(deepcopy(self.annotations.get(position, {})))
                part["annotations"] = [
                    {"annotation_index": number, "annotation": numbered[number]} for number in sorted(numbered)
                ]
            rows.append({"content_index": position, "part": part})
        row: JSON = {"output_index": index, "item": data}
        if data.get("type") == "message":
            if "content" in data or rows:
                had = data.pop("content", None)
                row["content"] = rows if rows or had is not None else None
        else:
            if data.get("type") == "reasoning" and self.parts:
                data["content"] = _overlaid(data.get("content"), self.parts)
            row["content"] = rows
        if data.get("type") == "shell_call_output":
            row["shell_output"] = [
                {"command_index": number, "data": deepcopy(self.commands[number])} for number in sorted(self.commands)
            ]
        return row


class ResponsesWebSocketAccumulator:
    """Takes the events of one response that its caller has received, and tells what they come to.

    One for each lane; `reset` before the next response. It neither receives nor sends, and executes no tools. What comes later counts:
    an event that has a whole text, part, item or output replaces what was collected of it. Events of other types are passed over.
    """

    def __init__(self) -> None:
        self._output: dict[int, Item] = {}
        self.reset()

    def reset(self) -> None:
        """Begin anew. Snapshots that were made stay as they are."""
        self._stream_id: str | None = None
        self._bound = False
        self._response_id: str | None = None
        self._terminal_type: str | None = None
        self._response: JSON | None = None
        self._final: Any = None
        self._error: Exception | None = None
        self._output = {}

    # --- what there is ----------------------------------------------------------------------------------------------

    def snapshot(self) -> ResponsesWebSocketSnapshot:
        """The texts and calls so far. It takes time in the length of the response: for progress, look at the events."""
        return ResponsesWebSocketSnapshot(
            self._stream_id,
            self._response_id,
            self._terminal_type,
            tuple(self._output[index].summary(index) for index in sorted(self._output)),
        )

    def detailed_snapshot(self) -> JSON:
        """Everything that was received so far, as plain values of the caller's own. It takes time in the length of the response.

        `output` has a row for each item (`output_index`, `item`, `content`), `content` one for each part (`content_index`, `part`), and a part's
        `annotations` one for each annotation (`annotation_index`, `annotation`): indices may have gaps. A shell's output has
        `shell_output` with a row for each command (`command_index`, `data`).
        """
        return {
            "stream_id": self._stream_id,
            "response_id": self._response_id,
            "terminal_type": self._terminal_type,
            "response": deepcopy(self._response),
            "output": [self._output[index].details(index) for index in sorted(self._output)],
        }

    def get_final_response(self) -> Response:
        """A copy of the response that the last event had.

        Raises:
            RuntimeError: it has not come.
            ResponsesWebSocketError, ValueError: what ended the response instead.
        """
        if self._error is not None:
            raise self._error
        if self._final is None:
            raise RuntimeError("no event that ends the response has come")
        response: Response = self._final.model_copy(deep=True)
        return response

    # --- what comes -------------------------------------------------------------------------------------------------

    def add_event(self, event: ResponsesServerEvent | Mapping[str, Any]) -> None:
        """Take an event in; it is not changed.

        Raises:
            ValueError: it is of another lane or response, or does not have what it should; nothing is changed by it.
            RuntimeError: the response is over.
            ResponsesWebSocketError: it is an error.
        """
        kind = _get(event, "type")
        handler = _HANDLERS.get(kind) if isinstance(kind, str) else None
        if handler is None:
            return
        stream_id = _get(event, "stream_id")
        if kind == "response.output_text.annotation.added":
            if self._bound and stream_id == self._stream_id and not self._over:
                self._annotation(event)
            return
        if stream_id is not None and not isinstance(stream_id, str):
            raise ValueError(f"stream_id must be text or null, not {stream_id!r}")
        if self._bound and stream_id != self._stream_id:
            raise ValueError(f"the event is of lane {stream_id!r}, the others were of {self._stream_id!r}")
        if self._over:
            raise RuntimeError("the response is over: reset the accumulator before the next one")
        if kind == "error":
            self._error = ResponsesWebSocketError(event)
            raise self._error
        if handler(self, event, kind):
            self._bound, self._stream_id = True, stream_id

    @property
    def _over(self) -> bool:
        return self._terminal_type is not None or self._error is not None

    def _lifecycle(self, event: Any, kind: str) -> bool:
        response = _get(event, "response")
        items: dict[int, Item] = {}
        try:
            if not isinstance(response, BaseModel):
                raise ValueError(f"{kind} has no response")
            response_id = _optional(response, "id")
            output = _get(response, "output")
            if output is not None:
                if not isinstance(output, list):
                    raise ValueError(f"the output of a response is a list, not {output!r}")
                items = {index: item for index, value in enumerate(output) if (item := _item(value)) is not None}
        except ValueError as error:
            # An event of another response says nothing about the end of this one.
            if kind in FINAL and not self._is_other(_get(response, "id")):
                self._error = error
            raise
        if self._is_other(response_id):
            raise ValueError(f"the event is of response {response_id!r}, the others were of {self._response_id!r}")
        if output is not None:
            self._output = items
        self._response = _plain(response)
        self._response.pop("output", None)
        self._response_id = response_id or self._response_id
        if kind in FINAL:
            self._final = response.model_copy(deep=True)
            self._terminal_type = kind
        return True

    def _is_other(self, response_id: Any) -> bool:
        return isinstance(response_id, str) and self._response_id is not None and response_id != self._response_id

    def _whole_item(self, event: Any, kind: str) -> bool:
        index = _index(event, "output_index")
        item = _item(_get(event, "item"))
        if item is None:
            return True
        before = self._output.get(index)
        if before is not None:
            if item.id and item.id in before.retired:
                return True
            item.retired = before.retired
            if before.id and item.id and before.id != item.id:
                item.retired.add(before.id)
        self._output[index] = item
        return True

    def _place(self, event: Any, kind: str) -> Item | None:
        """The item that a piece is for, made where there is none; `None` where the piece comes too late, or is of another kind."""
        index, item_id = _index(event, "output_index"), _text(event, "item_id")
        item = self._output.get(index)
        if item is None:
            item = self._output[index] = Item(item_id)
        elif item_id in item.retired:
            return None
        elif item.type in _CALLS and "id" not in item.data:
            # An item without an id can only be told from another by what it is.
            if _CALLS[item.type] not in kind or (item.id and item.id != item_id):
                return None
        elif item_id and item.id and item_id != item.id:
            retired = item.retired | {item.id}
            item = self._output[index] = Item(item_id)
            item.retired = retired
        item.id = item_id or item.id
        return item

    def _part(self, event: Any, kind: str) -> bool:
        position, part = _index(event, "content_index"), _get(event, "part")
        if _text(part, "type") == "output_text":
            _text(part, "text")
        item = self._place(event, kind)
        if item is not None:
            item.put_part(position, _plain(part))
        return True

    def _piece_of_text(self, event: Any, kind: str) -> bool:
        position = _index(event, "content_index")
        complete = kind.endswith(".done")
        piece = _text(event, "text" if complete else "delta")
        item = self._place(event, kind)
        if item is None:
            return True
        if complete or position not in item.texts:
            item.put_text(position, Growing())
        item.texts[position].append(piece)
        part = item.parts[position]
        likely = _given(event, "logprobs")
        if not complete and isinstance(part.get("logprobs"), list) and isinstance(likely.get("logprobs"), list):
            part["logprobs"].extend(likely["logprobs"])
        else:
            part.update(likely)
        return True

    def _piece_of_refusal(self, event: Any, kind: str) -> bool:
        position, item_id = _index(event, "content_index"), _text(event, "item_id")
        complete = kind.endswith(".done")
        piece = _text(event, "refusal" if complete else "delta")
        before = self._output.get(_index(event, "output_index"))
        seed: str | Growing = ""
        if before is not None and (not before.id or before.id == item_id):
            part = before.parts.get(position, {})
            if part.get("type", "refusal") != "refusal":
                return False
            if not complete and "refusal" in part:
                seed = part["refusal"]
                if not isinstance(seed, (str, Growing)):
                    raise ValueError("a refusal must be text")
        item = self._place(event, kind)
        if item is not None:
            grown = seed if isinstance(seed, Growing) else Growing([seed])
            if complete:
                grown = Growing()
            grown.append(piece)
            item.parts.setdefault(position, {})["refusal"] = grown
        return True

    def _piece_of_call(self, event: Any, kind: str) -> bool:
        name = "input" if kind.startswith("response.custom") else "arguments"
        complete = kind.endswith(".done")
        piece = _text(event, name if complete else "delta")
        item = self._place(event, kind)
        if item is not None:
            grown = item.data.get(name)
            if complete or not isinstance(grown, Growing):
                grown = Growing([] if complete or not isinstance(grown, str) else [grown])
            grown.append(piece)
            item.data[name] = grown
        return True

    def _annotation(self, event: Any) -> None:
        try:
            index, position, number = (
                _index(event, name) for name in ("output_index", "content_index", "annotation_index")
            )
        except ValueError:
            return
        item = self._output.get(index)
        given = _given(event, "annotation")
        if item is not None and item.id == _get(event, "item_id") and given:
            item.annotations.setdefault(position, {})[number] = given["annotation"]

    # --- progress of what is no message: it belongs to an item that is there, or to none -----------------------------

    def _known(self, event: Any, kind: str, type_: str) -> Item | None:
        index = _index(event, "output_index")
        item = self._output.get(index)
        # Events of a shell's commands say only where the call is.
        item_id = None if kind.startswith("response.shell_call_command.") else _text(event, "item_id")
        if item is None or item.type != type_ or (item_id is not None and item.id != item_id):
            return None
        return item

    def _status(self, event: Any, kind: str) -> bool:
        _, type_, status = kind.split(".")
        item = self._known(event, kind, type_)
        if item is not None:
            item.data["status"] = status
        return False

    def _grow(self, event: Any, kind: str) -> bool:
        type_, where, index_name, whole = _TEXTS[kind.rpartition(".")[0]]
        item = self._known(event, kind, type_)
        if item is None:
            return False
        index = 0 if index_name is None else _index(event, index_name)
        complete = kind.endswith(".done")
        piece = _text(event, whole if complete else "delta")
        holder, key = where(item, index)
        if complete:
            holder[key] = Growing([piece])
            return False
        before = holder.get(key) if isinstance(holder, dict) else holder[key]
        if before is None and key == "code":
            before = ""
        if not isinstance(before, (str, Growing)):
            raise ValueError("what grows must be text")
        grown = before if isinstance(before, Growing) else Growing([before])
        grown.append(piece)
        holder[key] = grown
        return False

    def _summary_part(self, event: Any, kind: str) -> bool:
        item = self._known(event, kind, "reasoning")
        if item is None:
            return False
        parts, position = _list(item.data.get("summary"), "summary"), _index(event, "summary_index")
        _check_place(parts, position, grows=kind.endswith(".added"))
        part = _get(event, "part")
        if _text(part, "type") != "summary_text":
            raise ValueError("a part of a summary is of the type summary_text")
        _text(part, "text")
        parts[position : position + 1] = [_plain(part)]
        return False

    def _command(self, event: Any, kind: str) -> bool:
        item = self._known(event, kind, "shell_call")
        if item is None:
            return False
        commands, position = _commands(item), _index(event, "command_index")
        _check_place(commands, position, grows=True)
        commands[position : position + 1] = [_text(event, "command")]
        return False

    def _command_output(self, event: Any, kind: str) -> bool:
        item = self._known(event, kind, "shell_call_output")
        if item is None:
            return False
        position = _index(event, "command_index")
        bound = self._commands_of(item.data.get("call_id"))
        if bound is not None and position >= bound:
            raise ValueError(f"there is no command {position} that this could be the output of")
        if kind.endswith(".done"):
            contents = [_plain(content) for content in _list(_get(event, "output"), "output")]
            for content in contents:
                _text(content, "stdout")
                _text(content, "stderr")
            item.commands[position] = {"output": contents}
            return False
        delta = _get(event, "delta")
        row = item.commands.get(position, {})
        grown = {}
        for name in ("stdout", "stderr"):
            if _get(delta, name) is not None:
                piece, before = _text(delta, name), row.get(name, "")
                if not isinstance(before, (str, Growing)):
                    raise ValueError(f"{name} must be text")
                grown[name] = Growing([*(before if isinstance(before, Growing) else [before]), piece])
        item.commands[position] = {**row, **grown}
        return False

    def _commands_of(self, call_id: Any) -> int | None:
        """How many commands a shell call has, if it is known."""
        if call_id is None:
            return None
        for item in self._output.values():
            if item.type == "shell_call" and item.data.get("call_id") == call_id:
                action = item.data.get("action")
                commands = action.get("commands") if isinstance(action, dict) else None
                return len(commands) if isinstance(commands, list) else None
        return None


_CALLS: dict[Any, str] = {"function_call": "function_call_arguments", "custom_tool_call": "custom_tool_call_input"}


def _item(source: Any) -> Item | None:
    """An output item that came whole. Raises ValueError if it is none."""
    if source is None:
        return None
    kind = _text(source, "type")
    for name in ("name", "call_id"):
        _optional(source, name)
    item = Item(_optional(source, "id"), _plain(source))
    if kind == "message":
        content = _get(source, "content")
        if content is not None:
            if not isinstance(content, list):
                raise ValueError(f"the content of a message is a list, not {content!r}")
            for position, part in enumerate(content):
                if part is not None:
                    has_text = _text(part, "type") == "output_text" and _optional(part, "text") is not None
                    item.parts[position] = _plain(part)
                    if has_text:
                        item.put_text(position, Growing([item.parts[position]["text"]]))
            item.data["content"] = []
    elif kind in ("function_call", "mcp_call", "mcp_approval_request"):
        _optional(source, "arguments")
    elif kind == "custom_tool_call":
        _optional(source, "input")
    elif kind == "reasoning":
        content = _get(source, "content")
        for position, part in enumerate(content if isinstance(content, list) else ()):
            if isinstance(part, (BaseModel, dict)):
                item.parts[position] = _plain(part)
    return item


def _overlaid(found: Any, parts: Mapping[int, JSON]) -> list[Any]:
    """A list with parts put into their places; what would leave a gap is left out."""
    result = list(found) if isinstance(found, list) else []
    for position in sorted(parts):
        if position <= len(result):
            result[position : position + 1] = [deepcopy(parts[position])]
    return result


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _given(event: Any, name: str) -> JSON:
    """A field, if the event has it, null or not."""
    plain = _plain(event)
    return {name: plain[name]} if name in plain else {}


def _plain(value: Any) -> JSON:
    if isinstance(value, BaseModel):
        return value.to_dict()
    return deepcopy(dict(value)) if isinstance(value, Mapping) else {}


def _text(value: Any, name: str) -> str:
    found = _get(value, name)
    if not isinstance(found, str):
        raise ValueError(f"{name} must be text, not {found!r}")
    return found


def _optional(value: Any, name: str) -> str | None:
    return None if _get(value, name) is None else _text(value, name)


def _index(value: Any, name: str) -> int:
    found = _get(value, name)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise ValueError(f"{name} must be a whole number from 0, not {found!r}")
    return found


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"there is no list of {name} that this could belong to")
    return value


def _check_place(values: list[Any], position: int, *, grows: bool = False) -> None:
    if position > len(values) or (position == len(values) and not grows):
        raise ValueError(f"there are {len(values)} entries, and none at {position}")


def _summary_text(item: Item, index: int) -> tuple[Any, Any]:
    parts = _list(item.data.get("summary"), "summary")
    _check_place(parts, index)
    if not isinstance(parts[index], dict):
        raise ValueError("the summary has no such part")
    return parts[index], "text"


def _reasoning_text(item: Item, index: int) -> tuple[Any, Any]:
    part = item.parts.get(index)
    if part is None or part.get("type") != "reasoning_text":
        raise ValueError(f"there is no part {index} of the reasoning")
    return part, "text"


def _code(item: Item, index: int) -> tuple[Any, Any]:
    return item.data, "code"


def _commands(item: Item) -> list[Any]:
    action = item.data.get("action")
    if not isinstance(action, dict):
        raise ValueError("the shell call has no action")
    return _list(action.get("commands"), "commands")


def _command_text(item: Item, index: int) -> tuple[Any, Any]:
    commands = _commands(item)
    _check_place(commands, index)
    return commands, index


# By the event's type without its end: the type of the item, where the text is, what the index is called, and the whole text.
_TEXTS: dict[str, tuple[str, Callable[[Item, int], tuple[Any, Any]], str | None, str]] = {
    "response.reasoning_summary_text": ("reasoning", _summary_text, "summary_index", "text"),
    "response.reasoning_text": ("reasoning", _reasoning_text, "content_index", "text"),
    "response.code_interpreter_call_code": ("code_interpreter_call", _code, None, "code"),
    "response.shell_call_command": ("shell_call", _command_text, "command_index", "command"),
}

_Handler = Callable[[ResponsesWebSocketAccumulator, Any, str], bool]


def _handlers() -> dict[str, _Handler]:
    accumulator = ResponsesWebSocketAccumulator
    named: dict[_Handler, tuple[str, ...]] = {
        accumulator._lifecycle: ("created", "queued", "in_progress", "completed", "failed", "incomplete"),
        accumulator._whole_item: ("output_item.added", "output_item.done"),
        accumulator._part: ("content_part.added", "content_part.done"),
        accumulator._piece_of_text: ("output_text.delta", "output_text.done"),
        accumulator._piece_of_refusal: ("refusal.delta", "refusal.done"),
        accumulator._piece_of_call: tuple(
            f"{name}.{end}"
            for name in ("function_call_arguments", "mcp_call_arguments", "custom_tool_call_input")
            for end in ("delta", "done")
        ),
        accumulator._status: tuple(
            f"{name}_call.{status}"
            for name, statuses in (
                ("code_interpreter", ("in_progress", "interpreting", "completed")),
                ("file_search", ("in_progress", "searching", "completed")),
                ("web_search", ("in_progress", "searching", "completed")),
                ("image_generation", ("in_progress", "generating", "completed")),
                ("mcp", ("in_progress", "completed", "failed")),
            )
            for status in statuses
        ),
        accumulator._summary_part: ("reasoning_summary_part.added", "reasoning_summary_part.done"),
        accumulator._command: ("shell_call_command.added",),
        accumulator._command_output: ("shell_call_output_content.delta", "shell_call_output_content.done"),
    }
    found = {f"response.{name}": handler for handler, names in named.items() for name in names}
    found.update({f"{name}.{end}": accumulator._grow for name in _TEXTS for end in ("delta", "done")})
    # These two are dealt with before any handler is called.
    found["error"] = found["response.output_text.annotation.added"] = accumulator._lifecycle
    return found


_HANDLERS = _handlers()
