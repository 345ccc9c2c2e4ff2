"""Sessions on a connection that the caller made: lanes with the events as they come."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from ...core.codec import BaseModel, encode
from ...core.errors import WebSocketConnectionClosedError
from ...core.ws_router import Lane, ResponsesWebSocketLimits, Router
from ...io.aio.lanes import Desk as AsyncDesk
from ...io.locks import Lock
from ...io.sync.lanes import Desk

if TYPE_CHECKING:
    from typing_extensions import Self

    from ...resources.responses.responses import AsyncResponsesConnection, ResponsesConnection
    from ...types.responses.response import Response
    from ...types.responses.responses_client_event import ResponsesClientEvent
    from ...types.responses.responses_client_event_param import ResponsesClientEventParam
    from ...types.responses.responses_server_event import ResponsesServerEvent

__all__ = [
    "AsyncResponsesWebSocketLane",
    "AsyncResponsesWebSocketSession",
    "ResponsesWebSocketLane",
    "ResponsesWebSocketSession",
]

_claimed: WeakSet[Any] = WeakSet()
_claiming = Lock()


class _Claim:
    """What a session does with the connection that it was given, as far as that needs no waiting."""

    connection: Any
    _client: Any
    _entered: bool
    _closed: bool

    def _start(self, connection: Any, desk: Any, limits: ResponsesWebSocketLimits, isolate: bool) -> None:
        link = connection._link
        self.connection = connection
        self._link = link
        self._client = connection._client
        self._entered = self._closed = False
        router = Router(limits, isolate=isolate, connection=link.ws)
        self._desk = desk(link.ws, router, lambda data: connection._received(connection.parse_event(data)))
        self._desk.link = link
        self._desk.client = self._client

    def _enter(self) -> None:
        if self._entered or self._closed:
            raise RuntimeError("a WebSocket session can be entered once")
        with _claiming:
            if self.connection in _claimed:
                raise RuntimeError("this connection has a WebSocket session already")
            _claimed.add(self.connection)
        self._entered = True

    def _leave(self) -> bool:
        """The session ends; whether there is a connection to be closed."""
        if self._closed:
            return False
        self._closed = True
        self._desk.end()
        return self._entered

    def _release(self) -> None:
        with _claiming:
            _claimed.discard(self.connection)

    def _register(self, stream_id: str | None) -> Lane:
        desk = self._desk
        with desk._lock:
            lane: Lane = desk.router.register(stream_id)
            return lane

    def _prepare(self, lane: Lane, event: Any) -> str:
        """What is to be sent.

        Raises:
            RuntimeError: nothing can be sent on this lane now.
            ValueError: the event is for another lane.
        """
        if not self._entered or self._closed:
            raise RuntimeError("the WebSocket session is not entered, or closed")
        data = event.to_dict() if isinstance(event, BaseModel) else dict(event)
        creates = data.get("type") == "response.create"
        if creates:
            if "stream_id" in data and data["stream_id"] != lane.stream_id:
                raise ValueError(
                    f"the event has the stream_id {data['stream_id']!r}, and the lane is {lane.stream_id!r}"
                )
            if lane.stream_id is not None:
                data["stream_id"] = lane.stream_id
        text = encode(data).decode()
        desk = self._desk
        with desk._lock:
            if self._link._restoring:
                raise RuntimeError(
                    "the WebSocket connection is being restored: wait for that, and for what the server forgot"
                )
            desk.router.prepare(lane, creates)
        return text

    def _check_entered(self) -> None:
        if not self._entered:
            raise RuntimeError("enter the WebSocket session before receiving events")


class _LinkedDesk(Desk):
    """A desk whose connection is restored as the connection's own policy says."""

    link: Any
    client: Any

    def _restore(self, error: WebSocketConnectionClosedError) -> bool:
        if self.router.ended or not self.client._run(self.link.restore(error), self.client._websocket_io()):
            return False
        self._replaced()
        return True

    def _replaced(self) -> None:
        with self._lock:
            self.connection = self.link.ws
            self.router.reconnected(self.link.ws)

    def _lost(self, error: WebSocketConnectionClosedError) -> None:
        try:
            self.link.ended(error)
        except WebSocketConnectionClosedError as failure:
            self.end(failure)
        else:
            self.end()


class _AsyncLinkedDesk(AsyncDesk):
    """The same, asynchronous."""

    link: Any
    client: Any

    async def _restore(self, error: WebSocketConnectionClosedError) -> bool:
        if self.router.ended or not await self.client._run(self.link.restore(error), self.client._websocket_io()):
            return False
        _LinkedDesk._replaced(self)  # type: ignore[arg-type]
        return True

    def _lost(self, error: WebSocketConnectionClosedError) -> None:
        _LinkedDesk._lost(self, error)  # type: ignore[arg-type]


class ResponsesWebSocketLane:
    """A lane. Different lanes may be read at the same time; one lane has one reader."""

    def __init__(self, session: ResponsesWebSocketSession, lane: Lane) -> None:
        self._session = session
        self._lane = lane

    def send(self, event: ResponsesClientEvent | ResponsesClientEventParam | Mapping[str, Any]) -> None:
        """Send an event; a `response.create` gets the lane's `stream_id`.

        It goes to the connection that there is now, and never into the queue for the next one: what may have arrived is not sent twice.

        Raises:
            RuntimeError: the lane has a response that is not over, is closed, or the connection is being restored.
            ValueError: the event has another `stream_id`.
            WebSocketConnectionClosedError: the connection is at its end.
        """
        session = self._session
        ws = session._link.ws
        ws.send(session._prepare(self._lane, event))

    def recv(self, *, timeout: float | None = None) -> ResponsesServerEvent:
        """The next event of this lane.

        Raises:
            TimeoutError: nothing came in `timeout` seconds; nothing is lost by that.
            EOFError: the connection, or the lane, is closed.
            ResponsesWebSocketBufferError: more waited than the limits allow.
            WebSocketConnectionClosedError: the connection broke.
        """
        self._session._check_entered()
        event: ResponsesServerEvent = self._session._desk.next(self._lane, timeout)
        return event

    def get_final_response(self, *, timeout: float | None = None) -> Response:
        """Read to the end of the response, and return it; failed and incomplete ones, too.

        Once there is one it is given again, until a newer response has begun.

        Raises:
            ResponsesWebSocketError: the server answered with an error.
            Others as `recv`; ResponsesWebSocketBufferError also for a response of more than `max_response_bytes`.
        """
        end = None if timeout is None else monotonic() + timeout
        lane = self._lane
        generation = lane.consumed
        while lane.superseded(generation):
            self.recv(timeout=None if end is None else max(end - monotonic(), 0.0))
        while lane.unfinished():
            self.recv(timeout=None if end is None else max(end - monotonic(), 0.0))
        response: Response = lane.answer()
        return response

    def close(self) -> None:
        """Stop reading this lane; what waits is dropped. The connection stays."""
        self._session._desk.detach(self._lane)


class ResponsesWebSocketSession(_Claim):
    """Lanes on one connection, which belongs to the session while it is entered, and is closed with it.

    Whoever waits for an event of a lane reads for all lanes. (The official SDK has a thread for that; here a lane is only
    filled up by others who read, and a response that nobody waits for stays in the socket.) Receive by lanes, and not from the connection.

    Args:
        connection: of `client.responses.connect()`.
        limits: how much may wait.
        isolate_lane_overflow: a lane that is over a limit fails alone, and its later events are dropped; otherwise the session ends.

    Attributes:
        connection: the connection.
        default: the lane for events that have no other.
    """

    connection: ResponsesConnection

    def __init__(
        self, connection: ResponsesConnection, *, limits: ResponsesWebSocketLimits, isolate_lane_overflow: bool = False
    ) -> None:
        self._start(connection, _LinkedDesk, limits, isolate_lane_overflow)
        self.default = ResponsesWebSocketLane(self, self._desk.router.default)

    def lane(self, stream_id: str | None = None) -> ResponsesWebSocketLane:
        """Register a lane.

        Raises:
            ValueError: that is no name, or there is such a lane.
            ResponsesWebSocketBufferError: there are `max_lanes`.
        """
        lane = ResponsesWebSocketLane(self, self._register(stream_id))
        if stream_id is None:
            self.default = lane
        return lane

    def close(self) -> None:
        """End the session, and close the connection."""
        if self._leave():
            try:
                self.connection.close()
            finally:
                self._release()

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()


class AsyncResponsesWebSocketLane:
    """The same as `ResponsesWebSocketLane`, for asyncio and trio. A wait may be cancelled; nothing is lost by that."""

    def __init__(self, session: AsyncResponsesWebSocketSession, lane: Lane) -> None:
        self._session = session
        self._lane = lane

    async def send(self, event: ResponsesClientEvent | ResponsesClientEventParam | Mapping[str, Any]) -> None:
        """Send an event; see `ResponsesWebSocketLane.send`."""
        session = self._session
        ws = session._link.ws
        await ws.send(session._prepare(self._lane, event))

    async def recv(self) -> ResponsesServerEvent:
        """The next event of this lane. Raises as `ResponsesWebSocketLane.recv`."""
        self._session._check_entered()
        event: ResponsesServerEvent = await self._session._desk.next(self._lane, None)
        return event

    async def get_final_response(self) -> Response:
        """Read to the end of the response, and return it; see `ResponsesWebSocketLane.get_final_response`."""
        lane = self._lane
        generation = lane.consumed
        while lane.superseded(generation):
            await self.recv()
        while lane.unfinished():
            await self.recv()
        response: Response = lane.answer()
        return response

    def close(self) -> None:
        """Stop reading this lane; what waits is dropped. The connection stays."""
        self._session._desk.detach(self._lane)


class AsyncResponsesWebSocketSession(_Claim):
    """The same as `ResponsesWebSocketSession`, for asyncio and trio."""

    connection: AsyncResponsesConnection

    def __init__(
        self,
        connection: AsyncResponsesConnection,
        *,
        limits: ResponsesWebSocketLimits,
        isolate_lane_overflow: bool = False,
    ) -> None:
        self._start(connection, _AsyncLinkedDesk, limits, isolate_lane_overflow)
        self.default = AsyncResponsesWebSocketLane(self, self._desk.router.default)

    def lane(self, stream_id: str | None = None) -> AsyncResponsesWebSocketLane:
        """Register a lane; see `ResponsesWebSocketSession.lane`."""
        lane = AsyncResponsesWebSocketLane(self, self._register(stream_id))
        if stream_id is None:
            self.default = lane
        return lane

    async def close(self) -> None:
        """End the session, and close the connection."""
        if self._leave():
            try:
                await self.connection.close()
            finally:
                self._release()

    async def __aenter__(self) -> Self:
        self._enter()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()
