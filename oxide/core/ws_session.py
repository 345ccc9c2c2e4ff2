"""A session: lanes, and the connections that they are on, one after the other. What is decided, and the flows that carry it out.

A connection is replaced when it is lost, when the server says that it has had its time, when it is older than `max_age`, or when nothing came
of a turn for as long as that may take. Turns that are going on stay where they are; the next turn goes to the new one. A lane whose last response was not stored stays on its connection
as long as there is one, since no other knows that response.

A turn of which nothing has come when the connection is lost is sent again, as often as the client's `max_retries` allow: that is what is
done with a request over HTTP. One that has begun is not: it fails, and says what had begun.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import Any

from .codec import encode
from .errors import (
    APIConnectionError,
    APIStatusError,
    OpenAIError,
    TransportError,
    WebSocketConnectionClosedError,
)
from .flow import Flow, Sleep
from .operation import Operation
from .prepare import RequestBuilder
from .retry import RetryPolicy
from .ws_channel import Channel, open_channel
from .ws_options import WebSocketOptions
from .ws_router import ResponsesWebSocketLimits, check_name
from .ws_turns import DEFAULT_LIMITS, LOST, SERVER_LANES, SessionLane, Turn

__all__ = ["MAX_AGE", "SessionConfig", "SessionState", "begin", "open_connection"]

MAX_AGE = 3300.0
"""Seconds. The server closes a connection after an hour; who leaves a little earlier is not cut off."""


class SessionConfig:
    """How a session is to be.

    Args:
        builder: the client's.
        operation: that of `responses.create`.
        channel: where to connect to.
        params: of every turn, unless the turn has its own.
        limits: how much may wait to be read.
        max_age: seconds after which a connection is replaced; `None` for never.
        query, headers: of the handshake, in addition to the client's.
        options: of the connections.

    Raises:
        ValueError: `max_age` is not above 0.
    """

    def __init__(
        self,
        builder: RequestBuilder,
        operation: Operation,
        channel: Channel,
        params: Mapping[str, Any],
        *,
        limits: ResponsesWebSocketLimits | None = None,
        max_age: float | None = MAX_AGE,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if max_age is not None and not max_age > 0:
            raise ValueError(f"max_age must be above 0 seconds, not {max_age!r}")
        self.builder = builder
        self.operation = operation
        self.channel = channel
        self.params = dict(params)
        self.limits = limits or DEFAULT_LIMITS
        self.max_age = max_age
        self.query = dict(query or {})
        self.headers = dict(headers or {})
        self.options = WebSocketOptions.of(options or {})

    @property
    def retry(self) -> RetryPolicy:
        """The client's."""
        return self.builder.retry

    def turn(self, lane: SessionLane, given: Mapping[str, Any], generate: bool) -> Turn:
        """What asks for a response on a lane.

        Args:
            given: the parameters of the turn.

        Raises:
            TypeError: a parameter is unknown, or can't be sent over a WebSocket.
        """
        params = {**self.params, **given}
        for name in _INSTEAD:
            if params.get(name) not in (None, False):
                raise TypeError(f"{name} can't be given for a single response over a WebSocket: {_INSTEAD[name]}")
            params.pop(name, None)
        if "previous_response_id" not in params and "conversation" not in params:
            params["previous_response_id"] = lane.previous_response_id
        if params.get("previous_response_id") is None:
            params.pop("previous_response_id", None)
        call = self.builder.operation(self.operation, params, ())
        head = b'{"type":"response.create"'
        if lane.stream_id is not None:
            head += b',"stream_id":' + encode(lane.stream_id)
        if not generate:
            head += b',"generate":false'
        body: bytes = call.content
        text = (head + (b"," + body[1:] if len(body) > 2 else b"}")).decode()
        stored = params.get("store") is not False
        return Turn(lane, text, stored, call.timeout, call.deadline, self.channel.events if call.strict else None)


_INSTEAD = {
    "extra_headers": "pass it to ws_session()",
    "extra_query": "pass it to ws_session()",
    "stream": "send_stream() gives the events",
    "background": "use client.responses.create()",
    "stream_id": "session.lane() makes lanes",
    "text_format": "parse() reads the answer as an object",
}


class SessionState:
    """The lanes of a session, and its connections.

    Attributes:
        config: how it is to be.
        closed: it was closed.
        default: the lane without a name.
        desk: the connection for turns that don't need another.
    """

    def __init__(self, config: SessionConfig) -> None:
        self.config = config
        self.closed = False
        self.default = SessionLane(None)
        self.desk: Any = None
        self._retired: list[Any] = []
        self._names: dict[str, SessionLane] = {}
        self._free: deque[str] = deque()
        self._count = 0

    # --- lanes ------------------------------------------------------------------------------------------------------

    def lane(self, stream_id: str | None) -> SessionLane:
        """A lane of its own.

        Args:
            stream_id: its name; `None` for any.

        Raises:
            ValueError: that is no name, or there is one of this name, or no room for one more.
        """
        self.check()
        check_name(stream_id)
        if stream_id is None:
            try:
                stream_id = self._free.popleft()
            except IndexError:
                stream_id = self._new_name()
        elif stream_id in self._names:
            raise ValueError(f"there is a lane {stream_id!r} already: close it first, or take another name")
        most = min(self.config.limits.max_lanes - 1, SERVER_LANES)
        if len(self._names) >= most:
            raise ValueError(f"a session has at most {most} lanes beside its own: close some, or use a WsPool")
        lane = self._names[stream_id] = SessionLane(stream_id)
        return lane

    def _new_name(self) -> str:
        while True:
            self._count += 1
            name = f"lane-{self._count}"
            if name not in self._names:
                return name

    def close_lane(self, lane: SessionLane) -> None:
        """A lane is not used any more."""
        if lane.turn is not None:
            lane.turn.end()
        lane.closed = True
        if lane.stream_id is not None and self._names.get(lane.stream_id) is lane:
            del self._names[lane.stream_id]
            # The server counts the names that it has met on a connection, so they are used again.
            self._free.append(lane.stream_id)
        self.settle()

    def check(self) -> None:
        """Raises OpenAIError if the session is closed."""
        if self.closed:
            raise OpenAIError("the WebSocket session is closed")

    # --- connections ------------------------------------------------------------------------------------------------

    def usable(self, lane: SessionLane) -> Any:
        """The connection for the next turn of a lane; `None` where one has to be opened."""
        self.check()
        anchor = lane.anchor
        if anchor is not None and anchor.is_open():
            return anchor
        desk = self.desk
        if desk is None or not desk.is_open() or desk.router.retiring:
            return None
        max_age = self.config.max_age
        return desk if max_age is None or monotonic() - desk.since < max_age else None

    def adopt(self, desk: Any) -> None:
        """There is a new connection, in place of the one before, which is closed as soon as nobody needs it. One caller at a time."""
        if self.closed:
            desk.hang_up()
            self.check()
        before, self.desk = self.desk, desk
        if before is not None:
            self._retired.append(before)
        self.settle()

    def settle(self) -> None:
        """Close the connections that nobody needs any more."""
        if not self._retired:
            return
        needed = {id(lane.anchor) for lane in (self.default, *list(self._names.values())) if lane.anchor is not None}
        for desk in list(self._retired):
            if not desk.is_open() or not (desk.router.busy or id(desk) in needed):
                try:
                    self._retired.remove(desk)
                except ValueError:
                    # Another thread has just done it.
                    continue
                desk.hang_up()

    def close(self) -> list[Any]:
        """The session is over; its connections, to be closed."""
        self.closed = True
        desks = [*self._retired, *([self.desk] if self.desk is not None else [])]
        self._retired = []
        self.desk = None
        for lane in (self.default, *list(self._names.values())):
            lane.closed = True
            if lane.turn is not None:
                lane.turn.end()
        return desks

    def renew(self) -> bool:
        """Forget all conversations; whether others can be held on the connection. Not where a response is still being written on it."""
        if self.closed:
            return False
        for lane in list(self._names.values()):
            self.close_lane(lane)
        lane = self.default
        if lane.turn is not None:
            lane.turn.end()
        lane.previous_response_id = lane.anchor = None
        self.settle()
        return self.desk is None or bool(self.desk.router.quiet)

    @property
    def is_stale(self) -> bool:
        """Whether the next turn would need a new connection."""
        return self.closed or self.usable(self.default) is None


class Seat:
    """Take a lane to a connection that is open; the result is the connection's desk."""

    __slots__ = ("lane", "state")

    def __init__(self, state: SessionState, lane: SessionLane) -> None:
        self.state = state
        self.lane = lane

    def perform(self, io: Any) -> Any:
        return io.desk(self.state, self.lane)


class Write:
    """Send a message."""

    __slots__ = ("desk", "text")

    def __init__(self, desk: Any, text: str) -> None:
        self.desk = desk
        self.text = text

    def perform(self, io: Any) -> Any:
        return self.desk.send(self.text)


class Receive:
    """Wait for the next event of a lane."""

    __slots__ = ("desk", "seat", "timeout")

    def __init__(self, desk: Any, seat: Any, timeout: float | None) -> None:
        self.desk = desk
        self.seat = seat
        self.timeout = timeout

    def perform(self, io: Any) -> Any:
        return self.desk.next(self.seat, self.timeout)


def open_connection(config: SessionConfig) -> Flow[Any]:
    """Open a connection, as often as it takes and the client's policy allows; the result is the transport's.

    Raises:
        APIStatusError: the server declined.
        APIConnectionError: there is no connection to be had.
        OpenAIError: whoever gives the credentials gave none.
    """
    attempt = 0
    while True:
        try:
            return (
                yield from open_channel(
                    config.channel, config.builder, {}, config.query, config.headers, config.options
                )
            )
        except APIStatusError as error:
            delay = config.retry.after_response(error.response, attempt)
            if delay is None:
                raise
        except APIConnectionError as error:
            cause = error.__cause__
            delay = config.retry.after_error(cause, attempt) if isinstance(cause, TransportError) else None
            if delay is None:
                raise
        if delay:
            yield Sleep(delay)
        attempt += 1


def begin(state: SessionState, lane: SessionLane, params: Mapping[str, Any], generate: bool) -> Flow[Turn]:
    """Ask for a response; the turn, of which the first event has come.

    Raises:
        TypeError: a parameter is unknown, or can't be sent.
        RuntimeError: the lane has a turn that is not over.
        ResponsesWebSocketError: the server refused, and would again.
        APIConnectionError: the connection was lost, more often than a turn is sent again.
        APITimeoutError: nothing came in time.
    """
    state.check()
    lane.check()
    turn = state.config.turn(lane, params, generate)
    lane.turn = turn
    retry = state.config.retry
    attempt = 0
    kept = False
    try:
        while True:
            desk = yield Seat(state, lane)
            try:
                turn.begin(desk)
            except WebSocketConnectionClosedError:
                # Another thread found it too old, and closed it, a moment ago. Nothing was sent, so this is no attempt.
                continue
            try:
                yield Write(desk, turn.text)
                event = yield Receive(desk, turn.seat, turn.allowance())
            except LOST as error:
                if attempt >= retry.max_retries:
                    raise turn.fail(error) from error
                # Most likely the server had given the connection up when the turn was sent. A new one shows.
                delay = 0.0 if attempt == 0 else retry.after_error(TransportError(), attempt) or 0.0
            except TimeoutError as error:
                raise turn.fail(error) from error
            else:
                answer = turn.refused(event)
                again = None if answer is None else retry.after_response(answer, attempt)
                if again is None:
                    turn.keep(event)
                    kept = True
                    return turn
                delay = again
            attempt += 1
            turn.retreat()
            if delay:
                yield Sleep(delay)
    finally:
        if not kept:
            turn.end()
