"""The events of `responses.stream`: those of the API, some of them with more in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeAlias, TypeVar, Union, get_args

from ...types.responses.parsed_response import ParsedResponse
from ...types.responses.response_completed_event import ResponseCompletedEvent as RawResponseCompletedEvent
from ...types.responses.response_function_call_arguments_delta_event import (
    ResponseFunctionCallArgumentsDeltaEvent as RawResponseFunctionCallArgumentsDeltaEvent,
)
from ...types.responses.response_stream_event import ResponseStreamEvent as RawResponseStreamEvent
from ...types.responses.response_text_delta_event import ResponseTextDeltaEvent as RawResponseTextDeltaEvent
from ...types.responses.response_text_done_event import ResponseTextDoneEvent as RawResponseTextDoneEvent
from ..codec import Discriminator
from .partial_json import parse_partial
from .text import LateFields, late

__all__ = [
    "ParsedResponseSnapshot",
    "ResponseCompletedEvent",
    "ResponseFunctionCallArgumentsDeltaEvent",
    "ResponseStreamEvent",
    "ResponseTextDeltaEvent",
    "ResponseTextDoneEvent",
]

T = TypeVar("T")

# A response that is being written.
ParsedResponseSnapshot: TypeAlias = ParsedResponse[Any]


@late("snapshot")
class ResponseTextDeltaEvent(LateFields, RawResponseTextDeltaEvent):
    """A piece of text; `snapshot` is the text of its part so far."""

    snapshot: str = ""

    @property
    def parsed(self) -> Any:
        """The JSON of the snapshot as plain values, whatever of it is complete; `None` if it is not JSON."""
        return parse_partial(self.snapshot)


class ResponseTextDoneEvent(RawResponseTextDoneEvent, Generic[T]):
    """The text of a part is complete; `parsed` is its object, `None` without `text_format` or if the text does not fit."""

    parsed: T | None = None


@late("snapshot")
class ResponseFunctionCallArgumentsDeltaEvent(LateFields, RawResponseFunctionCallArgumentsDeltaEvent):
    """A piece of a function call's arguments; `snapshot` is their text so far."""

    snapshot: str = ""

    @property
    def parsed(self) -> Any:
        """The arguments so far as plain values, whatever of them is complete; `None` if they are not JSON."""
        return parse_partial(self.snapshot)


class ResponseCompletedEvent(RawResponseCompletedEvent, Generic[T]):
    """The response is complete, and parsed."""

    response: ParsedResponse[T]


_REPLACED: dict[Any, Any] = {
    RawResponseCompletedEvent: ResponseCompletedEvent,
    RawResponseFunctionCallArgumentsDeltaEvent: ResponseFunctionCallArgumentsDeltaEvent,
    RawResponseTextDeltaEvent: ResponseTextDeltaEvent,
    RawResponseTextDoneEvent: ResponseTextDoneEvent,
}

if TYPE_CHECKING:
    # What isn't replaced is listed once, in the generated union; its own text and completed events never come.
    ResponseStreamEvent: TypeAlias = Annotated[
        ResponseTextDeltaEvent
        | ResponseTextDoneEvent[T]
        | ResponseFunctionCallArgumentsDeltaEvent
        | ResponseCompletedEvent[T]
        | RawResponseStreamEvent,
        Discriminator("type"),
    ]
else:
    _members = get_args(get_args(RawResponseStreamEvent)[0])
    # Decoding into this gives the events that are handed on, with nothing to copy.
    ResponseStreamEvent = Annotated[
        Union[tuple(_REPLACED.get(member, member) for member in _members)], Discriminator("type")
    ]
