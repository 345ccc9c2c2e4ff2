"""From the bytes of an event stream to the objects it carries: what the official SDK's streams do with each event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import APIConnectionError, APIError, APIResponseValidationError, OpenAIError
from .http import Response
from .sse import ServerSentEvent, SSEParser

__all__ = ["EventDecoder"]


class EventDecoder:
    """A machine: bytes of a `text/event-stream` body in, decoded objects out.

    Args:
        decode: makes an object of one event's data.
        response: whose body it is, for errors.

    Attributes:
        done: the stream is over, by `[DONE]` or by an error: what follows is of no interest.
        error: what to raise once the objects decoded before it have been handed over.
    """

    __slots__ = ("_decode", "_parser", "_response", "done", "error", "received")

    def __init__(self, decode: Callable[[bytes], Any], response: Response) -> None:
        self._decode = decode
        self._parser = SSEParser()
        self._response = response
        self.done = False
        self.error: OpenAIError | None = None
        self.received = 0

    def receive_data(self, data: bytes) -> list[Any]:
        """The objects that are complete with `data`, in order."""
        try:
            return self._objects(self._parser.receive_data(data))
        except OpenAIError as error:
            # The parser refuses what is over its limit.
            self._fail(APIConnectionError(message=f"Connection error: {error}", request=self._response.request), error)
            return []

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
                self.done = True
                break
            name = event.event
            try:
                if name is not None and name[:7] == "thread.":
                    # The assistants' events keep their type outside of the data.
                    append(decode(b'{"event":"%b","data":%b}' % (name.encode(), data)))
                elif data.find(b'"error"') >= 0 and self._carries_error(event):
                    break
                else:
                    append(decode(data))
            except ValueError as error:
                self._invalid(event, self.received + len(objects) + 1, error)
                break
        self.received += len(objects)
        return objects

    def _carries_error(self, event: ServerSentEvent) -> bool:
        from .codec import decode

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
