"""The events of `chat.completions.stream`."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeAlias, TypeVar, Union

from ...types.chat import ChatCompletionChunk, ChatCompletionTokenLogprob
from ...types.chat.parsed_chat_completion import ParsedChatCompletion, ParsedChatCompletionMessage, ParsedChoice
from ..codec import BaseModel
from .text import LateFields, late

__all__ = [
    "ChatCompletionStreamEvent",
    "ChunkEvent",
    "ContentDeltaEvent",
    "ContentDoneEvent",
    "FunctionToolCallArgumentsDeltaEvent",
    "FunctionToolCallArgumentsDoneEvent",
    "LogprobsContentDeltaEvent",
    "LogprobsContentDoneEvent",
    "LogprobsRefusalDeltaEvent",
    "LogprobsRefusalDoneEvent",
    "ParsedChatCompletionMessageSnapshot",
    "ParsedChatCompletionSnapshot",
    "ParsedChoiceSnapshot",
    "RefusalDeltaEvent",
    "RefusalDoneEvent",
]

T = TypeVar("T")

# A completion that is being written, and what is in it. `parsed` has plain values until the content is complete.
ParsedChatCompletionSnapshot: TypeAlias = ParsedChatCompletion[Any]
ParsedChatCompletionMessageSnapshot: TypeAlias = ParsedChatCompletionMessage[Any]
ParsedChoiceSnapshot: TypeAlias = ParsedChoice[Any]


@late("snapshot")
class ChunkEvent(LateFields, BaseModel, tag_field="type", tag="chunk"):
    """A chunk, before the events that it means; `snapshot` is the completion as it is each time it is read."""

    type: Literal["chunk"]
    chunk: ChatCompletionChunk
    snapshot: ParsedChatCompletionSnapshot


@late("snapshot", "parsed")
class ContentDeltaEvent(LateFields, BaseModel, tag_field="type", tag="content.delta"):
    """A piece of content; `snapshot` is all of it so far, `parsed` the JSON so far if there is a `response_format`."""

    type: Literal["content.delta"]
    delta: str
    snapshot: str
    parsed: object | None = None


class ContentDoneEvent(BaseModel, Generic[T], tag_field="type", tag="content.done"):
    """The content is complete; `parsed` is the object of the `response_format`."""

    type: Literal["content.done"]
    content: str
    parsed: T | None = None


@late("snapshot")
class RefusalDeltaEvent(LateFields, BaseModel, tag_field="type", tag="refusal.delta"):
    """A piece of a refusal."""

    type: Literal["refusal.delta"]
    delta: str
    snapshot: str


class RefusalDoneEvent(BaseModel, tag_field="type", tag="refusal.done"):
    """The refusal is complete."""

    type: Literal["refusal.done"]
    refusal: str


@late("arguments", "parsed_arguments")
class FunctionToolCallArgumentsDeltaEvent(
    LateFields, BaseModel, tag_field="type", tag="tool_calls.function.arguments.delta"
):
    """A piece of a call's arguments; `arguments` is their text so far, `parsed_arguments` its JSON if the tool is strict."""

    type: Literal["tool_calls.function.arguments.delta"]
    name: str
    index: int
    arguments: str
    parsed_arguments: object
    arguments_delta: str


class FunctionToolCallArgumentsDoneEvent(BaseModel, tag_field="type", tag="tool_calls.function.arguments.done"):
    """A call's arguments are complete; `parsed_arguments` is their object if the tool is strict."""

    type: Literal["tool_calls.function.arguments.done"]
    name: str
    index: int
    arguments: str
    parsed_arguments: object


@late("snapshot")
class LogprobsContentDeltaEvent(LateFields, BaseModel, tag_field="type", tag="logprobs.content.delta"):
    """Log probabilities of a piece of content."""

    type: Literal["logprobs.content.delta"]
    content: list[ChatCompletionTokenLogprob]
    snapshot: list[ChatCompletionTokenLogprob]


class LogprobsContentDoneEvent(BaseModel, tag_field="type", tag="logprobs.content.done"):
    """All log probabilities of the content."""

    type: Literal["logprobs.content.done"]
    content: list[ChatCompletionTokenLogprob]


@late("snapshot")
class LogprobsRefusalDeltaEvent(LateFields, BaseModel, tag_field="type", tag="logprobs.refusal.delta"):
    """Log probabilities of a piece of a refusal."""

    type: Literal["logprobs.refusal.delta"]
    refusal: list[ChatCompletionTokenLogprob]
    snapshot: list[ChatCompletionTokenLogprob]


class LogprobsRefusalDoneEvent(BaseModel, tag_field="type", tag="logprobs.refusal.done"):
    """All log probabilities of the refusal."""

    type: Literal["logprobs.refusal.done"]
    refusal: list[ChatCompletionTokenLogprob]


ChatCompletionStreamEvent: TypeAlias = Union[
    ChunkEvent,
    ContentDeltaEvent,
    ContentDoneEvent[T],
    RefusalDeltaEvent,
    RefusalDoneEvent,
    FunctionToolCallArgumentsDeltaEvent,
    FunctionToolCallArgumentsDoneEvent,
    LogprobsContentDeltaEvent,
    LogprobsContentDoneEvent,
    LogprobsRefusalDeltaEvent,
    LogprobsRefusalDoneEvent,
]
