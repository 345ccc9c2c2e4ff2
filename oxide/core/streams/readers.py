"""What stands between a stream's objects and its caller: readers, which decide, for shells, which move.

A reader has `receive(item)`, which takes the next decoded object and returns the events to hand on, and `finish(announced)` for
the end of the stream, which raises if it came too early. `broken_off` is what an error of the connection means. The two shells
(`lib.streaming._stream`) do nothing else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import APIConnectionError, APITimeoutError, StreamEndedError
from ..http import Response
from .calls import ChatCalls, FunctionCall, ResponseCalls
from .chat import ChatAccumulator
from .requests import given, rich_format
from .responses import ResponseAccumulator

__all__ = ["CallReader", "ChatReader", "ResponseReader", "broken_off"]


class ResponseReader:
    """Reads the events of the Responses API.

    Args:
        text_format: a type or a JSON schema, or `omit`.
        tools: those of the request, or `omit`.
        starting_after: events up to this sequence number are read, and not handed on.
        response: the HTTP response.
    """

    def __init__(
        self, text_format: Any, tools: Any, response: Response | None = None, starting_after: int | None = None
    ) -> None:
        self.accumulator = ResponseAccumulator(
            format=rich_format(text_format), tools=given(tools) or (), response=response
        )
        self._after = starting_after

    def receive(self, item: Any) -> Sequence[Any]:
        """The events to hand on; raises as `ResponseAccumulator.receive`."""
        event = self.accumulator.receive(item)
        if event is None:
            return ()
        if self._after is not None and (event.sequence_number or 0) <= self._after:
            return ()
        return (event,)

    def finish(self, announced: bool) -> Sequence[Any]:
        """The stream is over; raises as `ResponseAccumulator.finish`."""
        self.accumulator.finish()
        return ()


class ChatReader:
    """Reads the chunks of a chat completion.

    Args:
        response_format: a type, a JSON schema, the API's own parameter, or `omit`.
        tools: those of the request, or `omit`.
        response: the HTTP response.
    """

    def __init__(self, response_format: Any, tools: Any, response: Response | None = None) -> None:
        self.accumulator = ChatAccumulator(
            format=rich_format(response_format), tools=given(tools) or (), response=response
        )
        self.receive = self.accumulator.receive

    def finish(self, announced: bool) -> Sequence[Any]:
        """The stream is over; raises as `ChatAccumulator.finish`."""
        self.accumulator.finish(done=announced)
        return ()


class CallReader:
    """Reads function calls beside the events that another reader makes.

    Attributes:
        calls: all that are complete so far.
        ready: those that have not been handed over.
    """

    def __init__(self, reader: ResponseReader | ChatReader) -> None:
        self._reader = reader
        self._machine: ResponseCalls | ChatCalls = (
            ResponseCalls() if isinstance(reader, ResponseReader) else ChatCalls()
        )
        self.calls: list[FunctionCall] = []
        self.ready: deque[FunctionCall] = deque()

    @property
    def accumulator(self) -> Any:
        """That of the other reader."""
        return self._reader.accumulator

    def receive(self, item: Any) -> Sequence[Any]:
        """The events of the other reader. The calls that `item` completes are then in `ready`."""
        events = self._reader.receive(item)
        self._found(self._machine.receive(item))
        return events

    def finish(self, announced: bool) -> Sequence[Any]:
        """The stream is over; raises as the other reader does."""
        if announced and isinstance(self._machine, ChatCalls):
            self._found(self._machine.receive_eof())
        return self._reader.finish(announced)

    def _found(self, calls: Iterable[FunctionCall]) -> None:
        for call in calls:
            self.calls.append(call)
            self.ready.append(call)


def broken_off(reader: Any, error: APIConnectionError) -> APIConnectionError:
    """What to raise for a stream whose connection failed: what came of the answer goes along.

    Silence is no end: a timeout stays what it is, and so does a failure after the answer's last event.
    """
    if isinstance(error, (APITimeoutError, StreamEndedError)):
        return error
    try:
        reader.finish(announced=False)
    except StreamEndedError as ended:
        found = StreamEndedError(f"{ended.message}: {error.message}", error.request, snapshot=ended.snapshot)
        found.__cause__ = error
        return found
    return error
