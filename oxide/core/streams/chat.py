"""What the chunks of a chat completion come to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import UNSET
from msgspec.structs import astuple

from ...types.chat.chat_completion_chunk import ChoiceDelta
from ...types.chat.parsed_chat_completion import ParsedChatCompletion
from ..codec import construct
from ..codec._meta import create
from ..errors import (
    ContentFilterFinishReasonError,
    LengthFinishReasonError,
    StreamEndedError,
    StreamOrderError,
)
from ..http import Response
from ..parsing import parse_completion, structured_output_error
from ..structured import Format, FormatError, FunctionTool, parse_json
from .chat_events import (
    ChunkEvent,
    ContentDeltaEvent,
    ContentDoneEvent,
    FunctionToolCallArgumentsDeltaEvent,
    FunctionToolCallArgumentsDoneEvent,
    LogprobsContentDeltaEvent,
    LogprobsContentDoneEvent,
    LogprobsRefusalDeltaEvent,
    LogprobsRefusalDoneEvent,
    RefusalDeltaEvent,
    RefusalDoneEvent,
)
from .deltas import Indexed, merge, plain
from .text import MISSHAPEN, Listed, Live, Parsed, Text, Upto

__all__ = ["ChatAccumulator"]


_FIELDS = ("content", "refusal", "role", "annotations", "audio", "function_call", "tool_calls")


class ChatAccumulator:
    """A machine: the chunks of one chat completion in, the events of `chat.completions.stream` out, and the completion.

    `receive` takes the chunks one by one, decoded into `ChatCompletionChunk`. `finish` is for the end of the stream.

    Args:
        format: what the content is parsed to, or `None`.
        tools: those of the request; the arguments of strict functions are parsed.
        response: the HTTP response that the chunks come in, for errors; `None` if they come by another way.

    Attributes:
        format: as given.
        is_first: no chunk came before this one.
    """

    def __init__(
        self, *, format: Format | None = None, tools: Iterable[Any] | None = None, response: Response | None = None
    ) -> None:
        self.format = format
        self.is_first = True
        self._tools = list(tools or ())
        # The first of a name counts.
        self._functions: dict[str, Any] = {
            tool["function"]["name"]: tool["function"] for tool in reversed(self._tools) if tool["type"] == "function"
        }
        self._parses = format is not None or any(_is_parsed(function) for function in self._functions.values())
        self._response = response
        self._live = Live(self)
        self._base: dict[str, Any] | None = None
        self._choices: dict[int, _Choice] = {}
        self._chunks = 0
        self._last: Any = None
        self._moderation: Any = None
        self._snapshot: ParsedChatCompletion[Any] | None = None

    def receive(self, chunk: Any) -> list[Any]:
        """The events that a chunk means, the chunk itself first; none for one that is not of a completion (Azure sends such).

        Raises:
            StreamOrderError: the chunk is not what a chunk should be.
            StructuredOutputError: the content, or the arguments of a strict function, are complete and do not fit.
            LengthFinishReasonError, ContentFilterFinishReasonError: the completion was cut off, and was to be parsed.
        """
        try:
            if chunk.object != "chat.completion.chunk":
                return []
            self._snapshot = None
            self._last = chunk
            self._chunks += 1
            if self._base is None:
                self._begin(chunk)
            else:
                self.is_first = False
                moderation = chunk.moderation
                if moderation is not None:
                    self._moderation = moderation
            events: list[Any] = [create(ChunkEvent, chunk=chunk, snapshot=self._live)]
            for part in chunk.choices or ():
                index = part.index or 0
                choice = self._choices.get(index)
                if choice is None:
                    choice = self._choices[index] = _Choice(part, self)
                choice.receive(part, events)
            return events
        except MISSHAPEN as error:
            # Fields that are missing or of another type were decoded as they came.
            raise StreamOrderError(f"a chunk of the stream is not what it should be: {error} ({chunk!r})") from error

    def _begin(self, chunk: Any) -> None:
        values = chunk.to_dict()
        for name in ("obfuscation", "choices"):
            values.pop(name, None)
        self._base = {"system_fingerprint": None, **values, "object": "chat.completion"}

    def finish(self, *, done: bool = False) -> None:
        """The stream is over.

        Args:
            done: whether its end was announced (`[DONE]`).

        Raises:
            StreamEndedError: it was not, and the completion is not complete.
        """
        complete = bool(self._choices) and all(choice.finish_reason for choice in self._choices.values())
        if self._base is None:
            raise StreamEndedError("The stream ended without any chunk of a completion", self._request)
        if not (done or complete):
            raise StreamEndedError("The stream ended before the completion did", self._request, snapshot=self.snapshot)

    def final(self) -> ParsedChatCompletion[Any]:
        """The completion, parsed, as far as it came.

        Raises:
            StreamEndedError: no chunk came.
            LengthFinishReasonError, ContentFilterFinishReasonError: a choice was cut off.
            StructuredOutputError: the content, or the arguments of a strict function, do not fit.
        """
        if self._base is None:
            self.finish()
        result: ParsedChatCompletion[Any] = parse_completion(
            self._build(parsed=False), self.format, self._tools, self._response
        )
        return result

    @property
    def snapshot(self) -> ParsedChatCompletion[Any]:
        """The completion so far. The same object until the next chunk.

        Raises:
            StreamOrderError: no chunk came yet.
        """
        if self._base is None:
            raise StreamOrderError("no chunk of a completion came yet")
        if self._snapshot is None:
            try:
                self._snapshot = self._build(parsed=True)
            except (*MISSHAPEN, ValueError) as error:
                raise StreamOrderError(f"what came is not a completion: {error}") from error
        return self._snapshot

    def _build(self, *, parsed: bool) -> Any:
        assert self._base is not None
        values = dict(self._base)
        if self._chunks > 1:
            values["usage"] = self._last.usage
            values["system_fingerprint"] = self._last.system_fingerprint
        if self._moderation is not None:
            values["moderation"] = self._moderation.to_dict()
        values["choices"] = [self._choices[index].build(parsed) for index in sorted(self._choices)]
        return construct(ParsedChatCompletion, values)

    @property
    def _request(self) -> Any:
        return self._response.request if self._response is not None else None

    def failure(self, error: FormatError) -> Exception:
        """What is raised for a text that does not fit."""
        return structured_output_error(error, self.snapshot, self._response)

    # --- for the choices ---------------------------------------------------------------------------------------------------

    def function(self, name: str) -> Any:
        """The definition of the strict function of this name, or `None`."""
        function = self._functions.get(name)
        return function if function is not None and _is_parsed(function) else None

    def check_finish(self, reason: str) -> None:
        """Raises if a choice was cut off that is to be parsed."""
        if self._parses and reason == "length":
            raise LengthFinishReasonError(completion=self.snapshot)
        if self._parses and reason == "content_filter":
            raise ContentFilterFinishReasonError(completion=self.snapshot)


class _Choice:
    """One choice of a completion."""

    def __init__(self, part: Any, owner: ChatAccumulator) -> None:
        self.finish_reason: str | None = None
        self._owner = owner
        self._values = part.to_dict()
        self._values.pop("delta", None)
        self._logprobs: dict[str, Any] | None = None
        if isinstance(self._values.get("logprobs"), dict):
            # What comes is added below, as objects.
            self._logprobs = dict(self._values["logprobs"])
            self._logprobs.update((name, None) for name in ("content", "refusal") if name in self._logprobs)
        self._message: dict[str, Any] = {}
        self._content: Text | None = None
        self._refusal: Text | None = None
        self._current: int | None = None
        self._done: set[str] = set()
        self._done_calls: dict[int, Any] = {}
        self._parsed: Any = None
        self._pieces = 0

    def receive(self, part: Any, events: list[Any]) -> None:
        """Add a chunk's part for this choice, and its events."""
        self._pieces += 1
        delta = part.delta
        if delta is None:
            delta = ChoiceDelta()
        content = delta.content
        text = self._content
        finish_reason, logprobs = part.finish_reason, part.logprobs
        fragments: list[dict[str, Any]] = []
        values = astuple(delta)
        alone = text is not None and type(content) is str and values.count(UNSET) == len(values) - 1
        if alone:
            # Nothing but content, as in nearly every chunk.
            assert text is not None
            text.append(content)
        else:
            fragments = self._add(delta)
            text = self._content
        if logprobs is not None:
            self._add_logprobs(logprobs)
        if finish_reason:
            self.finish_reason = finish_reason
            self._owner.check_finish(finish_reason)

        if content is not None and text is not None:
            owner = self._owner
            parses = owner.format is not None and not self._is_refused() and not owner.is_first
            partial = Parsed(text) if parses else None
            events.append(create(ContentDeltaEvent, delta=content, snapshot=Upto(text), parsed=partial))
        if alone and logprobs is None and not self.finish_reason:
            return
        refusal = delta.refusal
        if refusal is not None and self._refusal is not None:
            events.append(create(RefusalDeltaEvent, delta=refusal, snapshot=Upto(self._refusal)))
        for fragment in fragments:
            self._call_delta(fragment, events)
        if logprobs is not None:
            self._logprobs_delta(logprobs, events)
        if fragments or self.finish_reason:
            self._done_events(fragments, events)

    def _is_refused(self) -> bool:
        return self._refusal is not None and self._refusal.length > 0

    def _add(self, delta: Any) -> list[dict[str, Any]]:
        values = delta.to_dict()
        fragments = values.get("tool_calls") or []
        self._number(fragments)
        merge(self._message, values)
        self._content = _text(self._message, "content")
        self._refusal = _text(self._message, "refusal")
        return fragments

    def _number(self, fragments: list[dict[str, Any]]) -> None:
        # A server that leaves the index out sends a call's id with its first piece.
        current = self._current
        for fragment in fragments:
            if fragment.get("index") is None:
                known = self._message.get("tool_calls") or ()
                if fragment.get("id") or current is None:
                    current = max([*known, -1 if current is None else current]) + 1
                fragment["index"] = current
            current = fragment["index"]

    def _add_logprobs(self, logprobs: Any) -> None:
        if self._logprobs is None:
            self._logprobs = {"content": None, "refusal": None}
        for name in ("content", "refusal"):
            entries = getattr(logprobs, name)
            if entries is None:
                continue
            if self._logprobs.get(name) is None:
                self._logprobs[name] = []
            self._logprobs[name].extend(entries)

    # --- events ----------------------------------------------------------------------------------------------------------

    def _call(self, index: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """A call, and its function unless it is of another kind."""
        call = self._message["tool_calls"][index]
        function = call.get("function")
        return call, function if call.get("type") in (None, "function") and function is not None else None

    def _call_delta(self, fragment: dict[str, Any], events: list[Any]) -> None:
        _, function = self._call(fragment["index"])
        if function is None:
            return
        name = str(function.get("name") or "")
        arguments = _text(function, "arguments")
        if arguments is None:
            function["arguments"] = arguments = Text()
        strict = self._owner.function(name) is not None and arguments.length and not self._owner.is_first
        event = create(
            FunctionToolCallArgumentsDeltaEvent,
            name=name,
            index=fragment["index"],
            arguments=Upto(arguments),
            parsed_arguments=Parsed(arguments) if strict else None,
            arguments_delta=(fragment.get("function") or {}).get("arguments") or "",
        )
        events.append(event)

    def _logprobs_delta(self, logprobs: Any, events: list[Any]) -> None:
        assert self._logprobs is not None
        for name, cls in (("content", LogprobsContentDeltaEvent), ("refusal", LogprobsRefusalDeltaEvent)):
            entries = getattr(logprobs, name)
            if entries:
                events.append(create(cls, **{name: entries, "snapshot": Listed(self._logprobs[name])}))

    def _done_events(self, fragments: list[dict[str, Any]], events: list[Any]) -> None:
        if self.finish_reason:
            self._content_done(events)
            if self._current is not None:
                self._call_done(self._current, events)
        for fragment in fragments:
            if fragment["index"] != self._current:
                self._content_done(events)
                if self._current is not None:
                    self._call_done(self._current, events)
            self._current = fragment["index"]
        if self.finish_reason:
            # Servers send the end together with calls, or calls by turns.
            for index in sorted(self._message.get("tool_calls") or ()):
                self._call_done(index, events)

    def _content_done(self, events: list[Any]) -> None:
        done = self._done
        if self._content is not None and self._content.length and "content" not in done:
            done.add("content")
            format = self._owner.format
            if format is not None and not self._is_refused():
                try:
                    self._parsed = format.parse(str(self._content))
                except FormatError as error:
                    raise self._owner.failure(error) from error
            events.append(create(ContentDoneEvent, content=str(self._content), parsed=self._parsed))
        if self._refusal is not None and "refusal" not in done:
            done.add("refusal")
            events.append(create(RefusalDoneEvent, refusal=str(self._refusal)))
        for name, cls in (("content", LogprobsContentDoneEvent), ("refusal", LogprobsRefusalDoneEvent)):
            entries = (self._logprobs or {}).get(name)
            if entries is not None and f"logprobs.{name}" not in done:
                done.add(f"logprobs.{name}")
                events.append(create(cls, **{name: list(entries)}))

    def _call_done(self, index: int, events: list[Any]) -> None:
        if index in self._done_calls:
            return
        self._done_calls[index] = None
        _, function = self._call(index)
        if function is None:
            return
        name, text = str(function.get("name") or ""), str(function.get("arguments") or "")
        definition = self._owner.function(name)
        if definition is not None:
            try:
                if isinstance(definition, FunctionTool):
                    parsed = definition.format.parse(text)
                else:
                    parsed = parse_json(text, f"list of arguments for {name}")
            except FormatError as error:
                raise self._owner.failure(error) from error
            self._done_calls[index] = parsed
        parsed = self._done_calls[index]
        event = create(
            FunctionToolCallArgumentsDoneEvent, name=name, index=index, arguments=text, parsed_arguments=parsed
        )
        events.append(event)

    # --- snapshot --------------------------------------------------------------------------------------------------------

    def build(self, parsed: bool) -> dict[str, Any]:
        """The choice as plain data, with objects where there are some already."""
        message = plain(self._message)
        if self._pieces > 1:
            # As the official SDK has it: what was added up has every field, null where nothing came.
            for name in _FIELDS:
                message.setdefault(name, None)
        if parsed:
            if "content" in self._done:
                message["parsed"] = self._parsed
            elif self._owner.format is not None and message.get("content") and not self._is_refused():
                assert self._content is not None
                message["parsed"] = Parsed(self._content).resolve()
            calls = self._message.get("tool_calls")
            if isinstance(calls, Indexed):
                for index, call in zip(sorted(calls), message["tool_calls"], strict=True):
                    if call.get("type") in (None, "function") and "function" in call:
                        call["function"]["parsed_arguments"] = self._arguments(index, call["function"])
        values = {**self._values, "message": message}
        if self.finish_reason is not None:
            values["finish_reason"] = self.finish_reason
        if self._logprobs is not None:
            values["logprobs"] = {
                name: list(entries) if isinstance(entries, list) else entries
                for name, entries in self._logprobs.items()
            }
        return values

    def _arguments(self, index: int, function: dict[str, Any]) -> Any:
        if index in self._done_calls:
            return self._done_calls[index]
        if self._owner.function(str(function.get("name") or "")) is None:
            return None
        return Parsed(Text(str(function.get("arguments") or ""))).resolve()


def _text(values: dict[str, Any], name: str) -> Text | None:
    """The text of this name, made a `Text` if it is not one yet; `None` if there is none."""
    value = values.get(name)
    if isinstance(value, str):
        values[name] = value = Text(value)
    return value if isinstance(value, Text) else None


def _is_parsed(function: Any) -> bool:
    return isinstance(function, FunctionTool) or bool(function.get("strict"))
