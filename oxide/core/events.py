"""From the bytes of an event stream to the objects it carries: what the official SDK's streams do with each event."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .codec import BaseModel, batch_decoder, decode, decoder, encode
from .errors import APIConnectionError, APIError, APIResponseValidationError, OpenAIError
from .http import Response
from .operation import EventMode
from .sse import ServerSentEvent, SSEParser

__all__ = ["EventDecoder", "get_ready"]


def get_ready(type_: Any) -> None:
    """Make what decodes events of this type, which imports their types the first time.

    That takes some 50 ms, and otherwise comes with the first event: too late for who wants to act on it at once.
    """
    decoder(type_)
    batch_decoder(type_)


class EventDecoder:
    """A machine: bytes of a `text/event-stream` body in, decoded objects out.

    Args:
        type_: what each event's data is decoded to.
        response: whose body it is, for errors.
        strict: an event that does not fit the type is an error.
        mode: `"named"` if an object is made of the event's name and its data, `"unchecked"` if data with a field `error`
            is an event like any other rather than the end of the stream.

    Attributes:
        announced: `[DONE]` has come.
        done: the stream is over, by `[DONE]` or by an error: what follows is of no interest.
        error: what to raise once the objects decoded before it have been handed over.
    """

    __slots__ = (
        "_checks",
        "_decode",
        "_decode_all",
        "_named",
        "_parser",
        "_response",
        "_usual",
        "announced",
        "done",
        "error",
        "received",
    )

    def __init__(self, type_: Any, response: Response, strict: bool = False, mode: EventMode = "usual") -> None:
        self._checks = mode != "unchecked"
        self._named = mode == "named"
        self._decode: Callable[[bytes], Any] = partial(decode, type_, strict=True) if strict else decoder(type_)
        self._decode_all = None if strict or self._named else batch_decoder(type_)
        # Classes of events that are handed on as they are: models without a field `error` at the top.
        self._usual: set[type] = set()
        self._parser = SSEParser()
        self._response = response
        self.announced = False
        self.done = False
        self.error: OpenAIError | None = None
        self.received = 0

    def start_over(self) -> None:
        """Forget what came of a body that broke off before its first event: another one follows."""
        self._parser = SSEParser()
        self.done = False

    def receive_data(self, data: bytes) -> list[Any]:
        """The objects that are complete with `data`, in order."""
        try:
            events = self._parser.receive_data(data)
        except OpenAIError as error:
            # The parser refuses what is over its limit.
            self._fail(APIConnectionError(message=f"Connection error: {error}", request=self._response.request), error)
            return []
        # Nearly always every event of a read is a usual one, and telling so from the decoded objects takes a fraction
        # of the time of looking at each event's data. `[DONE]` is not JSON, and the assistants' events lack their tag.
        if self._decode_all is not None:
            objects = self._decode_all([event.data for event in events])
            if objects is not None and (self._usual.issuperset(map(type, objects)) or self._are_usual(objects)):
                self.received += len(objects)
                return objects
        return self._objects(events)

    def _are_usual(self, objects: list[Any]) -> bool:
        for cls in set(map(type, objects)) - self._usual:
            if not issubclass(cls, BaseModel) or "error" in cls.__struct_encode_fields__:
                return False
            self._usual.add(cls)
        return True

    def receive_eof(self) -> list[Any]:
        """The objects that the end of the body completes."""
        objects = self._objects(self._parser.receive_eof())
        self.done = True
        return objects

    def _objects(self, events: list[ServerSentEvent]) -> list[Any]:
        objects: list[Any] = []
        append = objects.append
        decode = self._decode
        for event in events:
            data = event.data
            if data[:6] == b"[DONE]":
                self.announced = self.done = True
                break
            name = event.event
            try:
                # The assistants' events keep their type outside of the data.
                if name is not None and name[:7] == "thread." and self._checks:
                    append(decode(_named(name, data)))
                elif self._checks and data.find(b'"error"') >= 0 and self._carries_error(event):
                    break
                elif self._named:
                    append(decode(_named(name, data)))
                else:
                    append(decode(data))
            except ValueError as error:
                self._invalid(event, self.received + len(objects) + 1, error)
                break
        self.received += len(objects)
        return objects

    def _carries_error(self, event: ServerSentEvent) -> bool:
        data = decode(object, event.data)
        error = data.get("error") if isinstance(data, dict) else None
        if not error:
            return False
        message = error.get("message") if isinstance(error, dict) else error
        if not isinstance(message, str) or not message:
            message = "the stream carried an error event"
        self._fail(APIError(message, self._response.request, body=error))
        return True

    def _invalid(self, event: ServerSentEvent, number: int, error: ValueError) -> None:
        message = f"event {number} of the stream can't be decoded: {error}"
        self._fail(APIResponseValidationError(self._response, event.text, message=message), error)

    def _fail(self, failure: OpenAIError, cause: Exception | None = None) -> None:
        failure.__cause__ = cause
        self.error = failure
        self.done = True


def _named(name: str | None, data: bytes) -> bytes:
    """An event's name and data as one JSON object."""
    return b'{"event":%b,"data":%b}' % (encode(name), data)
