"""What a connection to the API is beside its bytes: handlers of events, messages that wait, and how it is restored."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from .errors import OpenAIError, WebSocketConnectionClosedError, WebSocketQueueFullError
from .flow import Await, Flow, Hang, Invoke, MakeGate, Put

__all__ = ["EventHandlers", "Link", "SendQueue"]

log = logging.getLogger("oxide")


class EventHandlers:
    """Which functions are to be called for which type of event; `"event"` stands for all of them.

    Args:
        lock: held for each change, where threads share the handlers.
    """

    __slots__ = ("_handlers", "_lock")

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        self._lock = lock
        self._handlers: dict[str, list[tuple[Callable[..., Any], bool]]] = {}

    def add(self, event_type: str, handler: Callable[..., Any], once: bool = False) -> None:
        """Call the handler for events of this type, after those that are there, with `once` for the next one only."""
        if not callable(handler):
            raise TypeError(f"the handler of {event_type!r} events must be a function, not {type(handler).__name__}")
        with self._lock:
            self._handlers.setdefault(event_type, []).append((handler, once))

    def remove(self, event_type: str, handler: Callable[..., Any]) -> None:
        """Undo the first `add` of this handler that was not undone yet; nothing where there is none."""
        with self._lock:
            handlers = self._handlers.get(event_type, [])
            for position, (each, _) in enumerate(handlers):
                if each == handler:
                    del handlers[position]
                    return

    def take(self, event: Any) -> list[Callable[..., Any]]:
        """The handlers to call for an event, in order; those that were for one event are forgotten.

        Raises:
            OpenAIError: it is an error, and nobody handles that.
        """
        event_type = getattr(event, "type", None)
        found: list[Callable[..., Any]] = []
        with self._lock:
            for name in (event_type, "event"):
                handlers = self._handlers.get(name)  # type: ignore[arg-type]
                if handlers:
                    found += [handler for handler, _ in handlers]
                    self._handlers[name] = [each for each in handlers if not each[1]]  # type: ignore[index]
        if event_type == "error" and not found:
            raise OpenAIError(f"WebSocket error: {event}")
        return found

    def move_to(self, other: EventHandlers) -> None:
        """Give all handlers to another one."""
        with self._lock:
            handlers, self._handlers = self._handlers, {}
        for event_type, each in handlers.items():
            for handler, once in each:
                other.add(event_type, handler, once)


class SendQueue:
    """Messages that wait for a connection, up to a number of bytes.

    Args:
        max_bytes: of all messages together.
    """

    __slots__ = ("_bytes", "_max_bytes", "_messages")

    def __init__(self, max_bytes: int) -> None:
        if isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes < 0:
            raise ValueError(f"max_queue_size must be a number of bytes, not {max_bytes!r}")
        self._messages: deque[tuple[str | bytes, int]] = deque()
        self._bytes = 0
        self._max_bytes = max_bytes

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: str | bytes) -> None:
        """Raises WebSocketQueueFullError if there is no room for the message."""
        size = len(message.encode()) if isinstance(message, str) else len(message)
        if self._bytes + size > self._max_bytes:
            raise WebSocketQueueFullError(
                f"a message of {size} bytes does not fit into the send queue: {self._bytes} of {self._max_bytes} bytes"
                " (max_queue_size) are waiting for the connection"
            )
        self._messages.append((message, size))
        self._bytes += size

    def first(self) -> str | bytes:
        return self._messages[0][0]

    def drop_first(self) -> None:
        self._bytes -= self._messages.popleft()[1]

    def drain(self) -> list[str | bytes]:
        """Take all messages out."""
        messages = [message for message, _ in self._messages]
        self._messages.clear()
        self._bytes = 0
        return messages


class Link:
    """A connection that may be restored, and what was to be sent meanwhile.

    A message that could not be sent to its end was not received by anybody, so it may be sent once more. That goes for the
    messages in the queue; who calls `send` on a connection that breaks is told.

    Args:
        open: gives the flow that opens a connection with these query parameters and header fields.
        queue: what waits for it.
        lock: around what threads share.
        on_reconnecting: asked before each attempt to restore the connection; without it none is made.
        max_retries: attempts, without an event of the server's between them.
        initial_delay, max_delay: seconds before an attempt; doubled each time.

    Attributes:
        ws: the transport's connection.
        attempt: attempts made since the last event of the server's that was no error.
        closed: whether the user closed it.
    """

    __slots__ = (
        "_flushing",
        "_initial_delay",
        "_lock",
        "_max_delay",
        "_max_retries",
        "_on_reconnecting",
        "_open",
        "_queue",
        "_restoring",
        "_stop",
        "attempt",
        "closed",
        "extra_headers",
        "extra_query",
        "ws",
    )

    def __init__(
        self,
        open: Callable[[Mapping[str, object], Mapping[str, Any]], Flow[Any]],
        queue: SendQueue,
        lock: AbstractContextManager[Any],
        *,
        on_reconnecting: Callable[..., Any] | None,
        max_retries: int,
        initial_delay: float,
        max_delay: float,
        extra_query: Mapping[str, object],
        extra_headers: Mapping[str, Any],
    ) -> None:
        self._open = open
        self._queue = queue
        self._lock = lock
        self._stop: Any = None  # the gate that is opened when the user closes the connection
        self._on_reconnecting = on_reconnecting
        self._max_retries = max_retries
        self._initial_delay = initial_delay
        self._max_delay = max_delay
        self._restoring = False
        self._flushing = False
        self.extra_query = extra_query
        self.extra_headers = extra_headers
        self.ws: Any = None
        self.attempt = 0
        self.closed = False

    def start(self) -> Flow[None]:
        """Open the connection, and send what waits for it. Raises as `open`."""
        self._stop = yield MakeGate()
        self.ws = yield from self._open(self.extra_query, self.extra_headers)
        try:
            yield from self.flush()
        except WebSocketConnectionClosedError as error:
            # Who receives next is told, or restores the connection; the queue has what was not sent.
            log.warning("the WebSocket connection was lost before all queued messages were sent: %s", error)
        except BaseException:
            # Cancelled: nobody was given the connection, so nobody would close it.
            self.ws.hang_up()
            raise

    def admit(self, message: str | bytes) -> bool | None:
        """Have a message wait for its turn, if it has to. `None` if it has not: send it. `True` if the caller is to call `flush`.

        Raises:
            WebSocketQueueFullError: there is no room for it.
        """
        if not (self._restoring or self._flushing or self._queue):
            return None
        with self._lock:
            if self.closed or not (self._restoring or self._flushing or self._queue):
                return None
            self._queue.put(message)
            return not (self._restoring or self._flushing)

    def flush(self) -> Flow[None]:
        """Send what is in the queue. Raises WebSocketConnectionClosedError if it can't; what was not sent stays there."""
        with self._lock:
            if self._flushing:
                return
            self._flushing = True
        try:
            while True:
                with self._lock:
                    if self.closed or not self._queue:
                        # In one step with finding it empty: what comes now is sent directly, and after all that was here.
                        self._flushing = self._restoring = False
                        return
                    message = self._queue.first()
                yield Put(self.ws, message)
                with self._lock:
                    # Closing may have taken it out meanwhile.
                    if self._queue:
                        self._queue.drop_first()
        finally:
            self._flushing = False

    def received(self, event_type: Any) -> None:
        """Note that an event came: a connection on which that happens is restored."""
        if isinstance(event_type, str) and event_type and event_type != "error":
            self.attempt = 0

    def close(self) -> Any:
        """The user closes it; returns the transport's connection, which is to be closed."""
        with self._lock:
            self.closed = True
            self._restoring = False
        self._stop.open()
        return self.ws

    def restore(self, error: WebSocketConnectionClosedError) -> Flow[bool]:
        """Try to have a connection again, where that makes sense; whether there is one."""
        from random import uniform

        from ..types.websocket_reconnection import is_recoverable_close

        code = error.code
        if self._on_reconnecting is None or self.closed or not is_recoverable_close(code):
            return False
        with self._lock:
            if self.closed:
                return False
            self._restoring = True
        try:
            while self.attempt < self._max_retries and not self.closed:
                self.attempt += 1
                delay = min(self._initial_delay * 2 ** (self.attempt - 1), self._max_delay) * uniform(0.75, 1)
                if not (yield from self._ask(delay, code)):
                    return False
                log.info("connecting again in %.2f s (attempt %d of %d)", delay, self.attempt, self._max_retries)
                if (yield Await(self._stop, delay)):
                    return False
                try:
                    ws = yield from self._open(self.extra_query, self.extra_headers)
                except OpenAIError as failure:
                    log.info("connecting again failed: %s", failure)
                    error.__cause__ = failure
                    continue
                with self._lock:
                    if not self.closed:
                        self.ws = ws
                if self.ws is not ws:
                    yield Hang(ws)
                    return False
                try:
                    yield from self.flush()
                except WebSocketConnectionClosedError as failure:
                    code = failure.code
                    error.__cause__ = failure
                    if not is_recoverable_close(code):
                        return False
                    continue
                return not self.closed
            return False
        finally:
            self._restoring = False

    def _ask(self, delay: float, code: int) -> Flow[bool]:
        from ..types.websocket_reconnection import ReconnectingEvent

        event = ReconnectingEvent(
            attempt=self.attempt,
            max_attempts=self._max_retries,
            delay=delay,
            close_code=code,
            extra_query=self.extra_query,
            extra_headers=self.extra_headers,
        )
        assert self._on_reconnecting is not None
        try:
            overrides = yield Invoke(self._on_reconnecting, event)
        except Exception:  # the official SDK gives up as well, but does not say so
            log.warning("on_reconnecting failed, so the WebSocket connection is not restored", exc_info=True)
            return False
        if overrides:
            if overrides.get("abort"):
                return False
            self.extra_query = overrides.get("extra_query", self.extra_query)
            self.extra_headers = overrides.get("extra_headers", self.extra_headers)
        return True

    def ended(self, error: WebSocketConnectionClosedError) -> None:
        """Nothing more comes: returns if all is well.

        Raises:
            WebSocketConnectionClosedError: messages were not sent, or the connection did not come to a normal end.
        """
        with self._lock:
            unsent = self._queue.drain()
        if unsent:
            raise WebSocketConnectionClosedError(
                f"{error}; {len(unsent)} messages that waited for the connection were not sent",
                unsent_messages=unsent,
                code=error.code,
                reason=error.reason,
            ) from error
        if not error.ok:
            raise error
