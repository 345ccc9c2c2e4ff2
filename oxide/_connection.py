"""What the connections behind `connect` are made of: their base classes, and those of the groups of events on them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

from .core.codec import DecodeError, decode, decoder, encode
from .core.errors import APIResponseValidationError, WebSocketConnectionClosedError
from .core.sentinels import NotGiven, Omit, omit
from .core.ws_channel import Channel, open_channel
from .core.ws_link import EventHandlers, Link, SendQueue
from .core.ws_options import WebSocketOptions
from .io.locks import Lock

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._client import AsyncOpenAI, OpenAI
    from .io.aio.websocket import AsyncWebSocketConnection
    from .io.sync.websocket import WebSocketConnection

__all__ = [
    "NOTHING",
    "AsyncConnectionManagerBase",
    "AsyncConnectionResource",
    "AsyncWebSocketConnectionBase",
    "Channel",
    "ConnectionManagerBase",
    "ConnectionResource",
    "Omit",
    "WebSocketConnectionBase",
    "omit",
]

NOTHING: Mapping[str, Any] = MappingProxyType({})

HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])
ServerEventT = TypeVar("ServerEventT")
ClientEventT = TypeVar("ClientEventT")
ConnectionT = TypeVar("ConnectionT")


class _Handling:
    """`on`, `off` and `once`, which a connection has, and its manager before there is one."""

    _handlers: EventHandlers

    @overload
    def on(self, event_type: str, handler: Callable[..., Any]) -> Self: ...
    @overload
    def on(self, event_type: str, handler: None = None) -> Callable[[HandlerT], HandlerT]: ...
    def on(self, event_type: str, handler: Callable[..., Any] | None = None) -> Any:
        """Have `dispatch_events` call a function for each event of a type, or of any type for `"event"`.

        Without a handler this is a decorator. A function that was added twice is called twice.
        """
        return self._add(event_type, handler, False)

    @overload
    def once(self, event_type: str, handler: Callable[..., Any]) -> Self: ...
    @overload
    def once(self, event_type: str, handler: None = None) -> Callable[[HandlerT], HandlerT]: ...
    def once(self, event_type: str, handler: Callable[..., Any] | None = None) -> Any:
        """The same for the next such event only."""
        return self._add(event_type, handler, True)

    def _add(self, event_type: str, handler: Callable[..., Any] | None, once: bool) -> Any:
        if handler is not None:
            self._handlers.add(event_type, handler, once)
            return self

        def decorate(function: HandlerT) -> HandlerT:
            self._handlers.add(event_type, function, once)
            return function

        return decorate

    def off(self, event_type: str, handler: Callable[..., Any]) -> Self:
        """Undo an `on` or `once`."""
        self._handlers.remove(event_type, handler)
        return self


class _Connection(_Handling, Generic[ServerEventT, ClientEventT]):
    """What needs no waiting."""

    _channel: ClassVar[Channel]

    def __init__(self, client: Any, link: Link, handlers: EventHandlers) -> None:
        self._client = client
        self._link = link
        self._handlers = handlers
        self._parse: Callable[[bytes], Any] = decoder(self._channel.events)
        self._strict = bool(client.config.strict)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._link.ws!r}>"

    def parse_event(self, data: str | bytes) -> ServerEventT:
        """A message as `recv_bytes` gives it, decoded.

        Raises:
            ValueError: it is not JSON.
            APIResponseValidationError: with a `strict` client, it is not of the declared type.
        """
        event: ServerEventT
        if self._strict:
            try:
                event = decode(self._channel.events, data, strict=True)
            except DecodeError as error:
                text = data if isinstance(data, str) else data.decode(errors="replace")
                message = f"an event of the WebSocket connection can't be decoded: {error}"
                raise APIResponseValidationError(self._link.ws.response, text, message=message) from error
        else:
            event = self._parse(data)  # type: ignore[arg-type]
        return event

    def _received(self, event: ServerEventT) -> ServerEventT:
        if self._link.attempt:
            self._link.received(getattr(event, "type", None))
        return event

    def _received_bytes(self, data: bytes) -> bytes:
        if self._link.attempt:
            try:
                event = decode(object, data)
            except DecodeError:
                return data  # what the caller makes of it is the caller's
            if isinstance(event, dict):
                self._link.received(event.get("type"))
        return data


class WebSocketConnectionBase(_Connection[ServerEventT, ClientEventT]):
    """A connection to the API. One thread may receive while others send."""

    _client: OpenAI

    def recv(self) -> ServerEventT:
        """The next event.

        Raises:
            WebSocketConnectionClosedError: the connection has ended. Iterating restores it, where `on_reconnecting` was given.
            ValueError: the server sent something that is not JSON.
        """
        ws: WebSocketConnection = self._link.ws
        return self._received(self.parse_event(ws.recv_bytes()))

    def recv_bytes(self) -> bytes:
        """The next event as it came; `parse_event` decodes it. Raises WebSocketConnectionClosedError."""
        ws: WebSocketConnection = self._link.ws
        return self._received_bytes(ws.recv_bytes())

    def send(self, event: ClientEventT) -> None:
        """Send an event.

        Raises:
            WebSocketConnectionClosedError: the connection has ended.
            WebSocketQueueFullError: it is being restored, and too much waits for that.
            TypeError: the event can't be made JSON of.
        """
        self.send_raw(encode(event).decode())

    def send_raw(self, data: bytes | str) -> None:
        """Send a message as it is, text as text and bytes as a binary message. Raises as `send`."""
        link = self._link
        flush = link.admit(data)
        if flush is None:
            ws: WebSocketConnection = link.ws
            ws.send(data)
        elif flush:
            self._client._run(link.flush(), self._client._websocket_io())

    def close(self, *, code: int = 1000, reason: str = "") -> None:
        """Close the connection; it is not restored. May be called twice."""
        ws: WebSocketConnection = self._link.close()
        ws.close(code, reason)

    def __iter__(self) -> Iterator[ServerEventT]:
        """Events until the connection ends, and beyond, if it can be restored.

        Raises:
            WebSocketConnectionClosedError: it broke, or messages that waited for it were not sent (`unsent_messages`).
        """
        return _Events(self)

    def _next(self) -> ServerEventT:
        while True:
            try:
                return self.recv()
            except WebSocketConnectionClosedError as error:
                if not self._client._run(self._link.restore(error), self._client._websocket_io()):
                    self._link.ended(error)
                    raise StopIteration from None

    def dispatch_events(self) -> None:
        """Call the handlers of each event until the connection ends.

        Raises:
            OpenAIError: an event of the type `error` came and has no handler.
            WebSocketConnectionClosedError: as iterating.
        """
        for event in self:
            for handler in self._handlers.take(event):
                handler(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncWebSocketConnectionBase(_Connection[ServerEventT, ClientEventT]):
    """A connection to the API. One task may receive while others send; any of them may be cancelled, and nothing is lost."""

    _client: AsyncOpenAI

    async def recv(self) -> ServerEventT:
        """The next event.

        Raises:
            WebSocketConnectionClosedError: the connection has ended. Iterating restores it, where `on_reconnecting` was given.
            ValueError: the server sent something that is not JSON.
        """
        ws: AsyncWebSocketConnection = self._link.ws
        return self._received(self.parse_event(await ws.recv_bytes()))

    async def recv_bytes(self) -> bytes:
        """The next event as it came; `parse_event` decodes it. Raises WebSocketConnectionClosedError."""
        ws: AsyncWebSocketConnection = self._link.ws
        return self._received_bytes(await ws.recv_bytes())

    async def send(self, event: ClientEventT) -> None:
        """Send an event.

        Raises:
            WebSocketConnectionClosedError: the connection has ended.
            WebSocketQueueFullError: it is being restored, and too much waits for that.
            TypeError: the event can't be made JSON of.
        """
        await self.send_raw(encode(event).decode())

    async def send_raw(self, data: bytes | str) -> None:
        """Send a message as it is, text as text and bytes as a binary message. Raises as `send`."""
        link = self._link
        flush = link.admit(data)
        if flush is None:
            ws: AsyncWebSocketConnection = link.ws
            await ws.send(data)
        elif flush:
            await self._client._run(link.flush(), self._client._websocket_io())

    async def close(self, *, code: int = 1000, reason: str = "") -> None:
        """Close the connection; it is not restored. May be called twice."""
        ws: AsyncWebSocketConnection = self._link.close()
        await ws.close(code, reason)

    def __aiter__(self) -> AsyncIterator[ServerEventT]:
        """Events until the connection ends, and beyond, if it can be restored.

        Raises:
            WebSocketConnectionClosedError: it broke, or messages that waited for it were not sent (`unsent_messages`).
        """
        return _AsyncEvents(self)

    async def _next(self) -> ServerEventT:
        while True:
            try:
                return await self.recv()
            except WebSocketConnectionClosedError as error:
                if not await self._client._run(self._link.restore(error), self._client._websocket_io()):
                    self._link.ended(error)
                    raise StopAsyncIteration from None

    async def dispatch_events(self) -> None:
        """Call the handlers of each event until the connection ends; what they return is awaited, if it can be.

        Raises:
            OpenAIError: an event of the type `error` came and has no handler.
            WebSocketConnectionClosedError: as iterating.
        """
        from inspect import isawaitable

        async for event in self:
            for handler in self._handlers.take(event):
                result = handler(event)
                if isawaitable(result):
                    await result

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


class _Events(Generic[ServerEventT]):
    """Iterates over a connection. No generator, which would have to be closed by who leaves the loop."""

    __slots__ = ("_connection",)

    def __init__(self, connection: WebSocketConnectionBase[ServerEventT, Any]) -> None:
        self._connection = connection

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ServerEventT:
        return self._connection._next()


class _AsyncEvents(Generic[ServerEventT]):
    """The same for asynchronous ones."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncWebSocketConnectionBase[ServerEventT, Any]) -> None:
        self._connection = connection

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[ServerEventT]:
        return self._connection._next()


class _Manager(_Handling, Generic[ConnectionT, ClientEventT]):
    """What `connect` returns: everything about a connection that is still to be made.

    Args:
        client: whose.
        params: the parameters of `connect` that are part of the URL.
        extra_query: further query parameters.
        extra_headers: further header fields; `omit` as a value takes a field away.
        websocket_connection_options: see `oxide.types.WebSocketConnectionOptions`.
        on_reconnecting: called before each attempt to restore a connection that was lost, with a `ReconnectingEvent`; it may
            return other query parameters and header fields, or `{"abort": True}`. Without it, no attempt is made.
        max_retries: attempts to restore it, without an event of the server's between them.
        initial_delay, max_delay: seconds before an attempt; doubled each time.
        max_queue_size: bytes of the messages that may wait for the connection.
    """

    _connection_class: ClassVar[Any]

    def __init__(
        self,
        client: Any,
        params: Mapping[str, Any],
        *,
        extra_query: Mapping[str, object],
        extra_headers: Mapping[str, Any],
        websocket_connection_options: Mapping[str, Any],
        on_reconnecting: Callable[..., Any] | None = None,
        max_retries: int = 5,
        initial_delay: float = 0.5,
        max_delay: float = 8.0,
        max_queue_size: int = 1_048_576,
    ) -> None:
        self._client = client
        self._params = params
        self._extra_query = extra_query
        self._extra_headers = extra_headers
        # Refused here, where they were given.
        self._options = WebSocketOptions.of(websocket_connection_options)
        self._on_reconnecting = on_reconnecting
        self._max_retries = max_retries
        self._initial_delay = initial_delay
        self._max_delay = max_delay
        self._queue = SendQueue(max_queue_size)
        self._lock: Any = self._make_lock()
        self._handlers = EventHandlers(self._lock)
        self._connection: ConnectionT | None = None

    def _make_lock(self) -> Any:
        raise NotImplementedError

    def send(self, event: ClientEventT) -> None:
        """Send an event as soon as there is a connection.

        Raises:
            WebSocketQueueFullError: there is no room for it (`max_queue_size`).
            TypeError: the event can't be made JSON of.
        """
        with self._lock:
            self._queue.put(encode(event).decode())

    def _link(self) -> Link:
        def open(extra_query: Mapping[str, object], extra_headers: Mapping[str, Any]) -> Any:
            channel = self._connection_class._channel
            builder = self._client._builder
            return open_channel(channel, builder, self._params, extra_query, extra_headers, self._options)

        return Link(
            open,
            self._queue,
            self._lock,
            on_reconnecting=self._on_reconnecting,
            max_retries=self._max_retries,
            initial_delay=self._initial_delay,
            max_delay=self._max_delay,
            extra_query=self._extra_query,
            extra_headers=self._extra_headers,
        )

    def _connected(self, link: Link) -> ConnectionT:
        handlers = EventHandlers(self._lock)
        connection: ConnectionT = self._connection_class(self._client, link, handlers)
        self._handlers.move_to(handlers)
        self._connection = connection
        return connection


class ConnectionManagerBase(_Manager[ConnectionT, ClientEventT]):
    """A connection to be made, as a context manager that closes it."""

    _client: OpenAI

    def _make_lock(self) -> Any:
        return Lock()

    def enter(self) -> ConnectionT:
        """Make the connection; who does it this way closes it.

        Raises:
            APIStatusError: the server declined, with this status.
            APIConnectionError: no connection could be made; `APITimeoutError` if it took too long.
            ValueError, TypeError: a parameter or a header field has a value it can't have.
        """
        link = self._link()
        self._client._run(link.start(), self._client._websocket_io())
        return self._connected(link)

    def __enter__(self) -> ConnectionT:
        return self.enter()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        connection: Any = self._connection
        if connection is not None:
            connection.close()


class AsyncConnectionManagerBase(_Manager[ConnectionT, ClientEventT]):
    """A connection to be made, as a context manager that closes it."""

    _client: AsyncOpenAI

    def _make_lock(self) -> Any:
        # Tasks don't interrupt each other between two waits.
        return contextlib.nullcontext()

    async def enter(self) -> ConnectionT:
        """Make the connection; who does it this way closes it.

        Raises:
            APIStatusError: the server declined, with this status.
            APIConnectionError: no connection could be made; `APITimeoutError` if it took too long.
            ValueError, TypeError: a parameter or a header field has a value it can't have.
        """
        link = self._link()
        await self._client._run(link.start(), self._client._websocket_io())
        return self._connected(link)

    async def __aenter__(self) -> ConnectionT:
        return await self.enter()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        connection: Any = self._connection
        if connection is not None:
            await connection.close()


def _given(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if not isinstance(value, (Omit, NotGiven))}


class ConnectionResource:
    """A group of events that can be sent on a connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def _send(self, event: dict[str, Any]) -> None:
        self._connection.send(_given(event))


class AsyncConnectionResource:
    """A group of events that can be sent on a connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def _send(self, event: dict[str, Any]) -> None:
        await self._connection.send(_given(event))
