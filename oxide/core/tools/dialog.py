"""One conversation with a model, turn by turn: what each request has, and what its answer means.

`ResponseDialog` is for the Responses API, `ChatDialog` for chat completions. Both are machines that the loop (`loop.py`) feeds: `request` is
what to send, `receive` takes the events of the answer and tells the calls that are complete, `answer` takes their outputs, `advance` turns to
the next request. All of it can be saved: `save` gives plain JSON, `restore` takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from ..codec import encode
from ..errors import ResponseNotCompletedError, StreamEndedError
from ..parsing import parse_completion, parse_plain_response
from ..sentinels import NotGiven, Omit
from ..streams.calls import ChatCalls, FunctionCall, ResponseCalls
from ..streams.chat import ChatAccumulator
from ..structured import Format, format_of, is_format_parameter
from .run_events import Approval, ChunkReceived

__all__ = ["ChatDialog", "Dialog", "ResponseDialog"]

JSON = dict[str, Any]

_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})


class Dialog:
    """What the loop knows of a conversation.

    Args:
        params: of every request, without those that the loop decides about.

    Attributes:
        items: the conversation as far as the next request has to carry it: what it takes as `input`, or as `messages`.
        response: what the last turn came to, once it is complete.
        complete: whether the answer's last event has come.
        cut: whether it ended early.
        answers: outputs and the like that go along with the next request.
        tokens: of the input, of the output, and both, over all turns.
    """

    api: str
    nested: bool

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params = {name: value for name, value in params.items() if not isinstance(value, (Omit, NotGiven))}
        self.items: list[Any] = []
        self.response: Any = None
        self.complete = False
        self.cut = False
        self.tokens = [0, 0, 0]
        self.answers: list[Any] = []
        self._added: list[Any] = []

    def request(self) -> JSON:
        """The parameters of the next request."""
        raise NotImplementedError

    def _reset(self) -> None:
        """Forget the answer before."""
        self.response = None
        self.complete = self.cut = False
        self.answers = []

    def receive(self, event: Any) -> Sequence[FunctionCall]:
        """The calls that are complete with this event of the answer."""
        raise NotImplementedError

    def shown(self, event: Any) -> Any:
        """The event as the caller sees it."""
        return event

    def finish(self) -> list[FunctionCall]:
        """The answer is over; the calls that nothing before said to be complete.

        Raises:
            StreamEndedError: it was not, when the stream ended.
            ResponseNotCompletedError: it failed.
            StructuredOutputError: it is to be of a type, and does not fit.
            LengthFinishReasonError, ContentFilterFinishReasonError: the same, because it was cut off.
        """
        raise NotImplementedError

    def pending(self) -> tuple[list[Approval], list[FunctionCall]]:
        """What in the answer waits for the caller: approvals, and calls of a kind that is no function."""
        return [], []

    def answer(self, call: FunctionCall, output: str | list[Any]) -> None:
        """The output of a call."""
        raise NotImplementedError

    def approve(self, approval: Approval, approved: bool) -> None:
        """The answer to an MCP server's request."""
        raise NotImplementedError

    def add(self, items: str | Iterable[Any]) -> None:
        """Something further to go along with the next request: a user's text, or items."""
        self._added += [{"role": "user", "content": items}] if isinstance(items, str) else items

    def advance(self) -> None:
        """Turn to the next request: the answer is part of the conversation now."""
        self._unforce()
        self._added = []
        # Advancing again, from a checkpoint, has to change nothing.
        self._reset()

    def save(self) -> JSON:
        """Everything that `restore` needs, as plain JSON."""
        return {
            "items": self.items,
            "complete": self.complete,
            "cut": self.cut,
            "answers": self.answers,
            "added": self._added,
            "tokens": self.tokens,
        }

    def restore(self, saved: JSON) -> None:
        """Go on where `save` was called."""
        self.items = saved["items"]
        self.complete = saved["complete"]
        self.cut = saved["cut"]
        self.answers = saved["answers"]
        self._added = saved["added"]
        self.tokens = saved["tokens"]

    def _unforce(self) -> None:
        """Take a `tool_choice` back that would have the model call something in each turn, and never answer."""
        choice = self.params.get("tool_choice")
        if isinstance(choice, Mapping) and choice.get("type") == "allowed_tools":
            inner = choice.get("allowed_tools")
            if isinstance(inner, Mapping):
                self.params["tool_choice"] = {**choice, "allowed_tools": {**inner, "mode": "auto"}}
            else:
                self.params["tool_choice"] = {**choice, "mode": "auto"}
        elif choice not in (None, "auto", "none"):
            del self.params["tool_choice"]

    def _count(self, *tokens: Any) -> None:
        self.tokens = [so_far + (more or 0) for so_far, more in zip(self.tokens, tokens, strict=True)]


def _plain(items: Any) -> Any:
    """Items, objects among them, as plain JSON."""
    return msgspec.json.decode(encode(items))


class ResponseDialog(Dialog):
    """A conversation by responses.

    The server keeps it, and each request refers to the response before; or, with `store=False` or if the caller wants it so, each
    request has all of it.

    Args:
        carries: whether each request has the whole conversation.
    """

    api = "responses"
    nested = False

    def __init__(self, params: Mapping[str, Any], carries: bool | None) -> None:
        super().__init__(params)
        entries = self.params.pop("input", None)
        if isinstance(entries, str):
            self.items = [{"role": "user", "content": entries}]
        elif entries is not None:
            self.items = list(entries)
        self._format: Format | None = None
        wanted = self.params.pop("text_format", None)
        if wanted is not None:
            text = self.params.get("text") or {}
            if "format" in text:
                raise TypeError("pass either text_format or text.format, not both")
            self._format = format_of(wanted)
            self.params["text"] = {**text, "format": self._format.text_format()}
        self._previous: str | None = self.params.pop("previous_response_id", None)
        self._carries = self.params.get("store") is False if carries is None else carries
        if self._carries and self.params.get("conversation") is None:
            include = list(self.params.get("include") or ())
            # Without it the reasoning would be lost with each turn.
            self.params["include"] = list(dict.fromkeys([*include, "reasoning.encrypted_content"]))
        self._calls = ResponseCalls()
        self._output: dict[int, Any] = {}
        self._id: str | None = None
        self._terminal: Any = None

    def request(self) -> JSON:
        request = {**self.params, "input": self.items}
        if self._previous is not None:
            request["previous_response_id"] = self._previous
        return request

    def _reset(self) -> None:
        super()._reset()
        self._calls = ResponseCalls()
        self._output = {}
        self._id = self._terminal = None

    def receive(self, event: Any) -> Sequence[FunctionCall]:
        kind = event.type
        calls = self._calls.receive(event)
        for call in calls:
            self._output.setdefault(call.index, _call_item(call))
        if kind == "response.output_item.done" and event.item is not None:
            self._output[event.output_index] = _item(event.item)
        elif kind in _TERMINAL:
            self._terminal = event
            self.complete = True
        return calls

    def finish(self) -> list[FunctionCall]:
        event = self._terminal
        # The request was made by another method, and is in nobody's hands here.
        request: Any = None
        if event is None:
            raise StreamEndedError("The stream ended before the response did", request)
        if event.type == "error":
            message = event.message or "the stream carried an error event"
            raise ResponseNotCompletedError(message, request, body=_plain(event))
        response = self.response = event.response
        if event.type == "response.failed":
            error = response.error
            message = (error.message if error is not None else None) or "the response failed"
            body = None if error is None else _plain(error)
            raise ResponseNotCompletedError(message, request, body=body, response=response)
        self.cut = event.type == "response.incomplete"
        self._id = response.id
        self._output = {number: _item(item) for number, item in enumerate(response.output or ())}
        usage = response.usage
        if usage is not None:
            self._count(usage.input_tokens, usage.output_tokens, usage.total_tokens)
        # Beside calls there may be any text.
        if self._format is not None and not any(item.get("call_id") for item in self._output.values()):
            self.response = parse_plain_response(response, self._format, None)
        return []

    def pending(self) -> tuple[list[Approval], list[FunctionCall]]:
        approvals: list[Approval] = []
        others: list[FunctionCall] = []
        for index, item in self._output.items():
            kind = item.get("type", "")
            if kind == "mcp_approval_request":
                approvals.append(Approval("mcp", item["id"], item["name"], item["arguments"], item.get("server_label")))
            elif kind in _EXECUTED_BY_THE_CALLER and not _is_by_server(item):
                call_id = item.get("call_id") or item.get("id") or ""
                arguments = encode(item).decode()
                others.append(FunctionCall(type=kind, name=kind, arguments=arguments, call_id=call_id, index=index))
        return approvals, others

    def answer(self, call: FunctionCall, output: str | list[Any]) -> None:
        kind = _OUTPUTS.get(call.type)
        if kind is not None:
            self.answers.append({"type": kind, "call_id": call.call_id, "output": output})
        else:
            # What answers a computer call, a shell call and so on has a form of its own, which the caller gave.
            self.answers += output if isinstance(output, list) else [output]

    def approve(self, approval: Approval, approved: bool) -> None:
        self.answers.append({"type": "mcp_approval_response", "approval_request_id": approval.id, "approve": approved})

    def advance(self) -> None:
        following = [*self.answers, *self._added]
        if self.complete and not self._carries:
            self.items = following
            if self.params.get("conversation") is None:
                self._previous = self._id
        else:
            # Of an answer that broke off there is what was complete.
            output = [self._output[index] for index in sorted(self._output)]
            self.items = [*self.items, *output, *following]
        super().advance()

    def save(self) -> JSON:
        state = {**super().save(), "previous_response_id": self._previous, "response_id": self._id}
        state["output"] = sorted(self._output.items())
        saved: JSON = _plain(state)
        return saved

    def restore(self, saved: JSON) -> None:
        super().restore(saved)
        self._previous = saved["previous_response_id"]
        self._id = saved["response_id"]
        self._output = dict(saved["output"])


_OUTPUTS = {"function": "function_call_output", "custom": "custom_tool_call_output"}
_EXECUTED_BY_THE_CALLER = frozenset({"apply_patch_call", "computer_call", "local_shell_call", "shell_call"})


def _is_by_server(item: JSON) -> bool:
    # A shell in a container of the API's is none of ours.
    environment = item.get("environment") or {}
    return environment.get("type") == "container_reference"


def _item(item: Any) -> JSON:
    """An output item as an input has it."""
    values: JSON = item.to_dict()
    values.pop("created_by", None)
    values.pop("parsed_arguments", None)
    if values.get("id", "") is None:
        del values["id"]
    return values


def _call_item(call: FunctionCall) -> JSON:
    if call.type == "custom":
        return {"type": "custom_tool_call", "call_id": call.call_id, "name": call.name, "input": call.arguments}
    item = {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
    return item if call.namespace is None else {**item, "namespace": call.namespace}


class ChatDialog(Dialog):
    """A conversation by chat completions: each request has all of it."""

    api = "chat.completions"
    nested = True

    def __init__(self, params: Mapping[str, Any]) -> None:
        super().__init__(params)
        if (self.params.get("n") or 1) > 1:
            raise ValueError("run_tools goes on with one answer: n must be 1")
        self.items = list(self.params.pop("messages", None) or ())
        self._format: Format | None = None
        wanted = self.params.get("response_format")
        if wanted is not None and not is_format_parameter(wanted):
            self._format = format_of(wanted)
            self.params["response_format"] = self._format.response_format()
        self._calls = ChatCalls()
        self._accumulator = ChatAccumulator()
        self._called: list[FunctionCall] = []
        self._message: JSON | None = None

    def request(self) -> JSON:
        return {**self.params, "messages": self.items}

    def _reset(self) -> None:
        super()._reset()
        self._calls = ChatCalls()
        self._accumulator = ChatAccumulator()
        self._called = []
        self._message = None

    def receive(self, event: Any) -> Sequence[FunctionCall]:
        self._accumulator.receive(event)
        calls = self._calls.receive(event)
        self._called += calls
        return calls

    def shown(self, event: Any) -> Any:
        return ChunkReceived(event)

    def finish(self) -> list[FunctionCall]:
        rest = self._calls.receive_eof()
        self._called += rest
        self._accumulator.finish()
        self.complete = True
        self.response = self._accumulator.snapshot
        choice = self.response.choices[0]
        self.cut = choice.finish_reason in ("length", "content_filter")
        self._message = _assistant(choice.message, self._called)
        usage = self.response.usage
        if usage is not None:
            self._count(usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)
        if self._format is not None and not self._called:
            self.response = parse_completion(self.response, self._format, None, None)
        return list(rest)

    def answer(self, call: FunctionCall, output: str | list[Any]) -> None:
        content = output if isinstance(output, str) else [_chat_part(part) for part in output]
        self.answers.append({"role": "tool", "tool_call_id": call.call_id, "content": content})

    def advance(self) -> None:
        message = self._message or _assistant(None, self._called)
        self.items = [*self.items, message, *self.answers, *self._added]
        super().advance()

    def save(self) -> JSON:
        message = self._message or (_assistant(None, self._called) if self._called else None)
        saved: JSON = _plain({**super().save(), "message": message})
        return saved

    def restore(self, saved: JSON) -> None:
        super().restore(saved)
        self._message = saved["message"]


def _assistant(message: Any, calls: list[FunctionCall]) -> JSON:
    """A message as the next request has it."""
    result: JSON = {"role": "assistant", "content": message.content if message is not None else None}
    if message is not None and message.refusal is not None:
        result["refusal"] = message.refusal
    audio = getattr(message, "audio", None)
    if audio is not None:
        result["audio"] = {"id": audio.id}
    if calls:
        result["tool_calls"] = [
            {"id": call.call_id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
            if call.type == "custom"
            else {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in calls
        ]
    return result


def _chat_part(part: JSON) -> JSON:
    # The outputs of tools are text alone here.
    if part.get("type") == "input_text":
        return {"type": "text", "text": part.get("text")}
    raise TypeError(f"a chat completion takes text alone for a tool's output, not {part.get('type')!r}")
