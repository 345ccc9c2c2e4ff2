"""Lanes of one WebSocket connection: which event is for whom, and how much may wait. No I/O, no locks, no clock.

A lane is a name (`stream_id`), or the default lane, which has none. Events go to the lane that they name; those without a name, and those
with a name that nobody registered, go to the default lane. Each lane has a queue that is bounded in events and in bytes, and so
are all of them together. What does not fit ends the session, or with `isolate` the lane alone: nothing is dropped in silence.

A name stays taken until the connection is replaced, even when its lane is closed: the server may still have something to say on it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import APIError
from .ws_result import FINAL, OverLimit, Result

__all__ = [
    "Lane",
    "ResponsesWebSocketBufferError",
    "ResponsesWebSocketError",
    "ResponsesWebSocketLimits",
    "Router",
    "check_name",
]

_STREAM_ID = re.compile(r"[A-Za-z0-9_.-]{1,256}")


@dataclass(frozen=True)
class ResponsesWebSocketLimits:
    """How much a session keeps for those who have not read it yet. These are the application's limits, and not the server's.

    Bytes are those of the messages as they came, before they were decoded.

    Args:
        max_lanes: names that may be registered on a connection, the default lane and closed ones included.
        max_events_per_lane, max_bytes_per_lane: what may wait for the reader of one lane.
        max_events, max_bytes: what may wait in all.
        max_response_bytes: of the events that make up one final response; `None` for any number.

    Raises:
        ValueError: a limit is not a whole number above 0.
    """

    max_lanes: int
    max_events_per_lane: int
    max_events: int
    max_bytes_per_lane: int
    max_bytes: int
    max_response_bytes: int | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name == "max_response_bytes" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                raise ValueError(f"{name} must be a whole number above 0, not {value!r}")


class ResponsesWebSocketBufferError(RuntimeError):
    """More waits to be read than the limits of the session allow."""


class ResponsesWebSocketError(APIError, RuntimeError):
    """The server answered with an error event.

    Attributes:
        event: the event.
        status_code: the HTTP status that it stands for, or `None`.
        code, param, type: of the API's error object.
        body: the error object as plain values; its `message` is the server's explanation.
    """

    def __init__(self, event: Any, *, message: str | None = None, request: Any = None) -> None:
        error: Any = getattr(event, "error", None)
        body = error.to_dict() if hasattr(error, "to_dict") else error
        self.event = event
        status = getattr(event, "status", None)
        self.status_code: int | None = status if isinstance(status, int) else None
        super().__init__(message or "the server answered with an error event", request, body=body)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.event, self.message, self.request)


def _rebuild(event: Any, message: str, request: Any) -> ResponsesWebSocketError:
    return ResponsesWebSocketError(event, message=message, request=request)


def check_name(stream_id: object) -> None:
    """Raises ValueError if a lane can't have this name."""
    if stream_id is not None and (not isinstance(stream_id, str) or _STREAM_ID.fullmatch(stream_id) is None):
        raise ValueError(
            f"a stream_id has 1 to 256 ASCII letters, digits, underscores, hyphens and periods, or is None; not {stream_id!r}"
        )


class Lane:
    """One lane.

    Attributes:
        stream_id: its name; `None` for the default lane.
        size: bytes that wait.
        closed: nobody reads it any more.
        failure: why, if that was not of the reader's own choice.
        in_flight: a response was asked for, and its end has not been read.
        result: what the events read so far come to.
        received, consumed: how many responses began, as received and as read.
    """

    __slots__ = (
        "_closed_on",
        "closed",
        "consumed",
        "failure",
        "in_flight",
        "queue",
        "received",
        "result",
        "size",
        "stream_id",
    )

    def __init__(self, stream_id: str | None, max_response_bytes: int | None) -> None:
        self.stream_id = stream_id
        self.queue: deque[tuple[Any, int]] = deque()
        self.size = 0
        self.closed = False
        self.failure: ResponsesWebSocketBufferError | None = None
        self.in_flight = False
        self.result = Result(max_response_bytes)
        self.received = 0
        self.consumed = 0
        self._closed_on: object = None

    def __repr__(self) -> str:
        return f"<Lane {self.stream_id!r}: {len(self.queue)} events waiting>"

    def superseded(self, generation: int) -> bool:
        """Whether a response newer than the final one has come, but has not been read; `generation` is what `consumed` was."""
        return self.result.final is not None and self.consumed == generation and self.received > generation

    def unfinished(self) -> bool:
        """Whether more has to be read for a final response. Raises what keeps it from being had."""
        if self.result.final is not None:
            return False
        if self.failure is not None:
            raise self.failure
        if self.result.error is not None:
            raise self.result.error
        return True

    def answer(self) -> Any:
        """The final response. Raises ResponsesWebSocketBufferError if the lane failed."""
        if self.failure is not None:
            raise self.failure
        return self.result.final


class Router:
    """The lanes of one session.

    Args:
        limits: how much may wait.
        isolate: a lane that is over a limit fails alone, instead of the whole session.

    Attributes:
        default: the lane for everything that has no other.
        ended: nothing comes any more.
        error: why, if it was not the regular end.
        connection: identifies the physical connection; a name taken on one is free on the next.
    """

    def __init__(self, limits: ResponsesWebSocketLimits, *, isolate: bool = False, connection: object = None) -> None:
        self.limits = limits
        self.isolate = isolate
        self.connection = connection
        self.lanes: dict[str | None, Lane] = {}
        self.events = 0
        self.size = 0
        self.ended = False
        self.error: BaseException | None = None
        self.default = self.register(None)

    # --- lanes ------------------------------------------------------------------------------------------------------

    def register(self, stream_id: str | None) -> Lane:
        """A new lane.

        Raises:
            ValueError: that is no name, or one that is taken.
            ResponsesWebSocketBufferError: there are `max_lanes`.
            RuntimeError: the session is over.
        """
        check_name(stream_id)
        if self.ended:
            raise RuntimeError("the WebSocket session is over")
        if stream_id in self.lanes:
            raise ValueError(f"there is a lane {stream_id!r} already, or was one on this connection")
        if len(self.lanes) >= self.limits.max_lanes:
            raise ResponsesWebSocketBufferError(f"the session has max_lanes={self.limits.max_lanes} lanes already")
        lane = Lane(stream_id, self.limits.max_response_bytes)
        self.lanes[stream_id] = lane
        if stream_id is None:
            self.default = lane
        return lane

    def detach(self, lane: Lane) -> None:
        """Nobody reads the lane any more: what waits in it is dropped."""
        if lane.closed:
            return
        lane.closed = True
        lane._closed_on = self.connection
        self.events -= len(lane.queue)
        self.size -= lane.size
        lane.queue.clear()
        lane.size = 0
        lane.result = Result(self.limits.max_response_bytes)

    def reconnected(self, connection: object) -> None:
        """There is another physical connection: the names of lanes that were closed on the one before are free."""
        self.connection = connection
        for stream_id, lane in list(self.lanes.items()):
            if lane.closed and lane._closed_on is not connection:
                del self.lanes[stream_id]

    def prepare(self, lane: Lane, creates: bool) -> None:
        """Something is about to be sent on a lane.

        Args:
            creates: whether it asks for a response.

        Raises:
            RuntimeError: the lane can't be used, or the response before is not over.
        """
        self.check(lane)
        if creates:
            if lane.in_flight:
                raise RuntimeError(
                    f"lane {lane.stream_id!r} has a response that is not over: read to its end first, or use another lane"
                )
            lane.in_flight = True
            lane.result = Result(self.limits.max_response_bytes)

    def check(self, lane: Lane) -> None:
        """Raises RuntimeError if the lane can't be used."""
        if lane.failure is not None:
            raise RuntimeError(str(lane.failure)) from lane.failure
        if self.ended or lane.closed:
            raise RuntimeError("the WebSocket session is over, or the lane is closed")

    # --- events -----------------------------------------------------------------------------------------------------

    def dispatch(self, event: Any, size: int) -> Lane | Sequence[Lane] | None:
        """Put an event into the queue of its lane.

        Returns:
            the lane, or lanes; `None` where nobody is interested.

        Raises:
            ResponsesWebSocketBufferError: it does not fit, and that is the end of the session.
        """
        if self.ended:
            return None
        stream_id = getattr(event, "stream_id", None)
        lane = self.lanes.get(stream_id, self.default) if isinstance(stream_id, str) else self.default
        if lane.failure is not None:
            return None
        if lane.closed:
            lane = self.default
            if lane.closed:
                return None
        limits = self.limits
        over = len(lane.queue) >= limits.max_events_per_lane or lane.size + size > limits.max_bytes_per_lane
        if self.isolate:
            if over or size > limits.max_bytes:
                self._fail(lane)
                return lane
        elif over or self.events >= limits.max_events or self.size + size > limits.max_bytes:
            raise ResponsesWebSocketBufferError(
                f"too much waits to be read in the WebSocket session ({self.events} events, {self.size} bytes): "
                "read every lane, close those that are not needed, or raise the limits"
            )
        lane.queue.append((event, size))
        lane.size += size
        self.size += size
        self.events += 1
        if getattr(event, "type", None) == "response.created" and stream_id == lane.stream_id:
            lane.received += 1
            lane.in_flight = True
        if self.isolate:
            while self.events > limits.max_events or self.size > limits.max_bytes:
                self._fail(self._largest(lane, size))
        return lane

    def _largest(self, newest: Lane, size: int) -> Lane:
        """The lane with the largest backlog, not counting the event that just came; of equal ones the one registered first."""
        by_size = self.size > self.limits.max_bytes
        largest, most = newest, 0
        for lane in self.lanes.values():
            backlog = lane.size if by_size else len(lane.queue)
            if lane is newest:
                backlog -= size if by_size else 1
            if backlog > most:
                largest, most = lane, backlog
        return largest

    def _fail(self, lane: Lane) -> None:
        if not lane.closed:
            lane.failure = ResponsesWebSocketBufferError(
                f"more waits to be read on lane {lane.stream_id!r} than the limits allow: what waited is lost"
            )
            self.detach(lane)

    def pop(self, lane: Lane) -> Any:
        """The next event of a lane; `None` where there is none yet.

        Raises:
            ResponsesWebSocketBufferError: more waited than may.
            EOFError: the lane is closed, or the connection, in the regular way.
            BaseException: what ended the session.
        """
        if lane.failure is not None:
            raise lane.failure
        if lane.closed:
            raise EOFError("the lane is closed")
        if not lane.queue:
            if not self.ended:
                return None
            if self.error is not None:
                raise self.error
            raise EOFError("the WebSocket connection is closed")
        event, size = lane.queue.popleft()
        lane.size -= size
        self.size -= size
        self.events -= 1
        # What is for lanes that nobody registered can be seen on the default lane, and changes nothing there.
        if getattr(event, "stream_id", None) == lane.stream_id:
            self._read(lane, event, size)
        return event

    def _read(self, lane: Lane, event: Any, size: int) -> None:
        kind = getattr(event, "type", None)
        try:
            lane.result.add(event, size)
        except OverLimit:
            lane.result.fail(ResponsesWebSocketBufferError("the response has more bytes than max_response_bytes"))
        if kind == "response.created":
            lane.consumed += 1
            lane.in_flight = True
        elif kind == "error":
            lane.result.fail(ResponsesWebSocketError(event))
            lane.in_flight = lane.received > lane.consumed
        elif kind in FINAL:
            lane.in_flight = lane.received > lane.consumed

    def finish(self, error: BaseException | None = None) -> None:
        """Nothing comes any more; what waits can still be read. The first error counts."""
        self.ended = True
        if self.error is None:
            self.error = error
