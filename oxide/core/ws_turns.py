"""Turns on the lanes of a session: one `response.create`, and the events that answer it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .codec import DecodeError, construct
from .errors import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    ReadTimeout,
    TransportError,
    TransportTimeout,
    WebSocketConnectionClosedError,
)
from .headers import Headers
from .http import Request
from .limits import allowance, timed_out
from .timeouts import Timeout
from .ws_result import FINAL
from .ws_router import Lane, ResponsesWebSocketError, ResponsesWebSocketLimits, Router

__all__ = ["DEFAULT_LIMITS", "LOST", "SessionLane", "Turn", "TurnRouter"]

LOST = (WebSocketConnectionClosedError, TransportError, EOFError)
"""What reading or writing raises where the connection is at its end."""

SERVER_LANES = 32
"""So many names may be used on a connection, beside the default lane."""

DEFAULT_LIMITS = ResponsesWebSocketLimits(
    max_lanes=SERVER_LANES + 1,
    max_events_per_lane=20_000,
    max_events=100_000,
    max_bytes_per_lane=32 * 1024 * 1024,
    max_bytes=128 * 1024 * 1024,
)

_AGED = "websocket_connection_limit_reached"


class TurnRouter(Router):
    """The lanes of one connection of a session, where every lane has one turn at a time.

    Attributes:
        retiring: there should be no further turn on this connection: the server said that it has had its time, or does not answer.
    """

    def __init__(self, limits: ResponsesWebSocketLimits) -> None:
        super().__init__(limits, isolate=True)
        self.retiring = False
        # Responses on a lane, not over yet, that nobody reads any more.
        self._unwanted: dict[Lane, int] = {}

    def seat(self, stream_id: str | None) -> Lane:
        """The lane of this name, ready for a turn.

        Raises:
            WebSocketConnectionClosedError: the connection is at its end.
            RuntimeError: there is a turn on it.
        """
        if self.ended:
            raise WebSocketConnectionClosedError("the WebSocket connection is closed")
        lane = self.lanes.get(stream_id)
        if lane is not None and lane.failure is not None:
            # What nobody read was dropped, and its response may go on.
            del self.lanes[stream_id]
            waits = self._unwanted.pop(lane, 0) + lane.in_flight
            lane = None
        else:
            waits = 0
        if lane is None:
            lane = self.register(stream_id)
            if waits:
                self._unwanted[lane] = waits
        self.prepare(lane, True)
        return lane

    def leave(self, lane: Lane) -> None:
        """The turn on a lane is given up; what still comes of it is dropped."""
        if not lane.in_flight:
            return
        over = any(_ends(event) for event, _ in lane.queue)
        self.events -= len(lane.queue)
        self.size -= lane.size
        lane.queue.clear()
        lane.size = 0
        lane.in_flight = False
        lane.received = lane.consumed
        if not over and not self.ended:
            self._unwanted[lane] = self._unwanted.get(lane, 0) + 1

    @property
    def busy(self) -> bool:
        """Whether there is a turn on any lane."""
        return any(lane.in_flight for lane in self.lanes.values())

    @property
    def quiet(self) -> bool:
        """Whether nothing is to be expected of the server."""
        return not (self._unwanted or self.busy)

    def dispatch(self, event: Any, size: int) -> Lane | Sequence[Lane] | None:
        """As `Router.dispatch`; an error that may be about several turns is for all of them."""
        stream_id = getattr(event, "stream_id", None)
        lane = self.lanes.get(stream_id) if stream_id is None or isinstance(stream_id, str) else None
        if lane is not None and lane in self._unwanted:
            if _ends(event):
                left = self._unwanted[lane] - 1
                if left:
                    self._unwanted[lane] = left
                else:
                    del self._unwanted[lane]
            return None
        if stream_id is None and getattr(event, "type", None) == "error":
            if getattr(getattr(event, "error", None), "code", None) == _AGED:
                self.retiring = True
                return None
            if not self.default.in_flight:
                return self._unclaimed(event, size)
        if lane is None or not (lane.in_flight or lane.queue):
            # Of a lane that is not ours, or what comes after the end.
            return None
        given = super().dispatch(event, size)
        if lane.failure is not None and _ends(event):
            lane.in_flight = False
        return given

    def _fail(self, lane: Lane) -> None:
        if any(_ends(event) for event, _ in lane.queue):
            lane.in_flight = False
        super()._fail(lane)

    def _unclaimed(self, event: Any, size: int) -> list[Lane]:
        """An error that names no lane: it may be about any turn that nothing has been heard of."""
        waiting = [lane for lane in self.lanes.values() if lane.in_flight and not (lane.queue or lane.result.seen)]
        for lane in waiting:
            lane.queue.append((event, size))
            lane.size += size
            self.size += size
            self.events += 1
        return waiting


def _ends(event: Any) -> bool:
    kind = getattr(event, "type", None)
    return kind == "error" or kind in FINAL


class SessionLane:
    """A conversation: a lane of a session, whichever connection it is on.

    Attributes:
        stream_id: its name.
        previous_response_id: what the next turn goes on from.
        turn: the one that is going on, or the last one.
        anchor: the connection that alone knows the response that the next turn goes on from, as it was not stored.
        closed: it can't be used any more.
    """

    __slots__ = ("anchor", "closed", "previous_response_id", "stream_id", "turn")

    def __init__(self, stream_id: str | None) -> None:
        self.stream_id = stream_id
        self.previous_response_id: str | None = None
        self.turn: Turn | None = None
        self.anchor: Any = None
        self.closed = False

    def check(self) -> None:
        """
        Raises:
            RuntimeError: there can be no turn now.
        """
        if self.closed:
            raise RuntimeError("this lane is closed")
        turn = self.turn
        if turn is not None and turn.dropped:
            turn.end()
        if turn is not None and not turn.over:
            raise RuntimeError(
                "there is a response on this lane that is not over: read it to its end, close it,"
                " or use another lane for what is to run at the same time (session.lane())"
            )


class Refusal:
    """An error event, as the retry policy sees a response."""

    __slots__ = ("headers", "status_code")

    def __init__(self, status: int, headers: Any) -> None:
        self.status_code = status
        pairs = headers.items() if isinstance(headers, dict) else ()
        self.headers = Headers([(str(name).encode(), str(value).encode("latin-1", "replace")) for name, value in pairs])


class Turn:
    """One response.

    Attributes:
        lane: whose.
        text: the request.
        stored: whether the server keeps the response beyond the connection.
        desk: the connection that it is on.
        seat: the lane on that connection.
        over: nothing comes any more, or nobody is interested.
        dropped: whoever read it is gone.
        response_id: the id, as soon as it is known.
        final: the response, once it is over.
    """

    __slots__ = (
        "_deadline",
        "_first",
        "_promised",
        "_request",
        "_timeout",
        "desk",
        "dropped",
        "final",
        "lane",
        "over",
        "response_id",
        "seat",
        "stored",
        "text",
    )

    def __init__(
        self,
        lane: SessionLane,
        text: str,
        stored: bool,
        timeout: Timeout,
        deadline: float | None,
        promised: Any = None,
    ) -> None:
        self.lane = lane
        self.text = text
        self.stored = stored
        self.desk: Any = None
        self.seat: Any = None
        self.over = False
        self.dropped = False
        self.response_id: str | None = None
        self.final: Any = None
        self._timeout = timeout
        self._deadline = deadline
        self._promised = promised
        self._first: Any = None
        self._request: Request | None = None

    def begin(self, desk: Any) -> None:
        """Take a seat at a connection. Raises as `TurnRouter.seat`."""
        self.seat = desk.seat(self.lane.stream_id)
        self.desk = desk
        self._request = desk.request

    def retreat(self) -> None:
        """It is to be sent again: nothing has come of it."""
        if self.seat is not None:
            self.desk.leave(self.seat)
        self.desk = self.seat = None

    def allowance(self) -> float | None:
        """How long the next event may take. Raises APITimeoutError if there is no time left."""
        try:
            return allowance(self._timeout.read, self._deadline)
        except TransportError as error:
            raise self.fail(error) from error

    def refused(self, event: Any) -> Any:
        """What `RetryPolicy.after_response` takes, where the first event is an error that another try might not meet.

        A turn that goes on from a response that was not stored is not tried again: with the error the server has forgotten it.
        """
        status = getattr(event, "status", None)
        if getattr(event, "type", None) != "error" or not isinstance(status, int) or self.lane.anchor is not None:
            return None
        return Refusal(status, getattr(getattr(event, "error", None), "headers", None))

    def keep(self, event: Any) -> None:
        """Put the first event back: whoever reads the turn is to have it.

        Raises:
            ResponsesWebSocketError: it is an error.
        """
        self._first = event
        if getattr(event, "type", None) == "error":
            self.receive(event)

    def kept(self) -> Any:
        """What `keep` was given, or `None`."""
        event, self._first = self._first, None
        return event

    def receive(self, event: Any) -> Any:
        """Take in an event, and give it back.

        Raises:
            ResponsesWebSocketError: it is an error.
            APIResponseValidationError: it is not of the type that is promised.
        """
        kind = getattr(event, "type", None)
        if self._promised is not None:
            try:
                construct(self._promised, event, strict=True)
            except DecodeError as error:
                self.end()
                response = self.desk.connection.response
                raise APIResponseValidationError(
                    response, None, message=f"an event of the WebSocket connection can't be decoded: {error}"
                ) from error
        if kind == "error":
            self.end()
            raise ResponsesWebSocketError(event, message=self._explain(event), request=self._request)
        if self.response_id is None or kind in FINAL:
            self.response_id = getattr(getattr(event, "response", None), "id", None)
        if kind in FINAL:
            self._finish(kind)
        return event

    def _finish(self, kind: str) -> None:
        lane, result = self.lane, self.seat.result
        if result.final is not None and kind != "response.failed":
            lane.previous_response_id = self.response_id
            lane.anchor = None if self.stored else self.desk
        self.final = result.final
        self.end()
        if result.error is not None:
            raise result.error

    def fail(self, error: BaseException) -> BaseException:
        """The turn can't go on; what to raise. Errors that are not the network's are given back as they are."""
        self.end()
        if isinstance(error, TimeoutError):
            error = timed_out("read", self._timeout, self._deadline)
            if isinstance(error, ReadTimeout) and self.desk is not None:
                # The server still has this turn, and the lane's next one would wait behind it.
                self.desk.router.retiring = True
        request: Any = self._request
        if isinstance(error, TransportTimeout):
            return APITimeoutError(request, message=f"Request timed out: {error}{self._where()}")
        if isinstance(error, LOST):
            return APIConnectionError(
                message=f"The response was cut off: {_text(error)}{self._where()}", request=request
            )
        return error

    def end(self) -> None:
        """It is over. What still comes of it is dropped."""
        if self.over:
            return
        self.over = True
        if self.seat is not None:
            self.desk.leave(self.seat)

    def _where(self) -> str:
        if self.response_id is None:
            return ""
        where = "client.responses.retrieve() may have it" if self.stored else "it was not stored"
        return f" (response {self.response_id} had begun; {where})"

    def _explain(self, event: Any) -> str:
        error = getattr(event, "error", None)
        message = getattr(error, "message", None) or "the server answered with an error event"
        status = getattr(event, "status", None)
        text = f"Error code: {status} - {message}" if status is not None else str(message)
        if getattr(error, "code", None) == "previous_response_not_found" and self.lane.anchor is not None:
            text += (
                " It was not stored, and the connection that knew it is gone: begin anew, with previous_response_id=None and"
                " the whole conversation as input."
            )
        return text


def _text(error: BaseException) -> str:
    return str(error) or "the WebSocket connection was closed"
