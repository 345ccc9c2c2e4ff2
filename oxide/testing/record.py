"""What the server remembers of the requests and connections it had."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from .script import Close, Script, Socket

__all__ = ["Hub", "RecordedRequest", "RecordedSocket"]


@dataclass
class RecordedRequest:
    """One request, as it arrived.

    A WebSocket is a request of its own (its handshake), and each `response.create` on it is one: of method `WS`, with the
    event for a body.

    Attributes:
        method: the HTTP method, or `WS`.
        path: the decoded path, without the query.
        query_string: the query as it was sent, without the question mark.
        headers: name and value of each header line, in order, in the case they were sent in.
        body: the body, transfer coding removed.
        connection: the number of the connection it came on, from 1; equal numbers show reuse.
        http_version: `"1.1"`.
        disconnected: whether the client left before the response was complete.
        finished: whether the server is done with it, one way or the other.
        socket: what was said on the WebSocket, if it is one.
    """

    method: str
    path: str
    query_string: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    connection: int
    http_version: str = "1.1"
    disconnected: bool = False
    finished: bool = False
    socket: RecordedSocket | None = None
    _lower: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name, value in self.headers:
            key = name.decode("latin-1").lower()
            text = value.decode("latin-1")
            self._lower[key] = f"{self._lower[key]}, {text}" if key in self._lower else text

    def header(self, name: str, default: str | None = None) -> str | None:
        """The value of a header, its repetitions joined with a comma."""
        return self._lower.get(name.lower(), default)

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last."""
        return dict(self.query_pairs)

    @property
    def query_pairs(self) -> list[tuple[str, str]]:
        """The query's parameters, in order."""
        return parse_qsl(self.query_string, keep_blank_values=True)

    def json(self) -> Any:
        """The body as a JSON value.

        Raises:
            msgspec.DecodeError: it is not JSON.
        """
        return msgspec.json.decode(self.body)


@dataclass
class _Order:
    script: Script
    path: str | None
    method: str | None
    left: int | None

    def fits(self, request: RecordedRequest) -> bool:
        """Whether it is for a request like this one."""
        if isinstance(self.script, Socket):
            return request.socket is not None
        if request.socket is not None:
            # What is queued for the turns of a connection must not be used up by its handshake.
            return self.method == request.method
        if isinstance(self.script, Close):
            return request.method == "WS"
        return self.method in (None, request.method)


@dataclass
class RecordedSocket:
    """What was said on one WebSocket connection.

    Attributes:
        received: the client's messages, text or bytes, in order.
        sent: the server's.
        close_code, close_reason: of the client's close frame; `None` while there is none (1005: it had no code).
        open: whether the connection is still there.
    """

    received: list[str | bytes] = field(default_factory=list)
    sent: list[str | bytes] = field(default_factory=list)
    close_code: int | None = None
    close_reason: str = ""
    open: bool = True

    @property
    def events(self) -> list[Any]:
        """The client's messages as JSON values.

        Raises:
            msgspec.DecodeError: one is not JSON.
        """
        return [msgspec.json.decode(message) for message in self.received]

    @property
    def sent_events(self) -> list[Any]:
        """The server's messages as JSON values."""
        return [msgspec.json.decode(message) for message in self.sent]


class Hub:
    """The meeting point of the test's threads and the server's: what was ordered and what happened."""

    def __init__(self, remember: int) -> None:
        self._changed = threading.Condition()
        self._requests: deque[RecordedRequest] = deque(maxlen=remember)
        self._arrived = 0
        self._orders: list[_Order] = []
        self._open: set[int] = set()
        self._accepted = 0

    # --- what happened ---

    def opened(self) -> int:
        """A connection was accepted; its number."""
        with self._changed:
            self._accepted += 1
            self._open.add(self._accepted)
            self._changed.notify_all()
            return self._accepted

    def closed(self, connection: int) -> None:
        """A connection is gone."""
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()

    def arrived(self, request: RecordedRequest) -> None:
        """A request is complete."""
        with self._changed:
            self._requests.append(request)
            self._arrived += 1
            self._changed.notify_all()

    def note(self, messages: list[str | bytes], message: str | bytes) -> None:
        """A message went over a WebSocket, in one of its two directions."""
        with self._changed:
            messages.append(message)
            self._changed.notify_all()

    def done(self, request: RecordedRequest, *, disconnected: bool) -> None:
        """The server is through with a request."""
        with self._changed:
            request.finished = True
            request.disconnected = disconnected
            self._changed.notify_all()

    @property
    def requests(self) -> list[RecordedRequest]:
        with self._changed:
            return list(self._requests)

    @property
    def arrived_count(self) -> int:
        """How many requests there were since the last `forget`."""
        with self._changed:
            return self._arrived

    @property
    def connections(self) -> frozenset[int]:
        with self._changed:
            return frozenset(self._open)

    @property
    def accepted(self) -> int:
        with self._changed:
            return self._accepted

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Block until `condition()` holds; it is looked at whenever something happened. False after `timeout` s."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    def forget(self) -> None:
        """Drop the recorded requests and what is queued."""
        with self._changed:
            self._requests.clear()
            self._arrived = 0
            self._orders.clear()

    # --- what was ordered ---

    def order(self, scripts: Iterable[Script], *, path: str | None, method: str | None, repeat: int | None) -> None:
        with self._changed:
            self._orders.extend(_Order(script, path, method, repeat) for script in scripts)

    @property
    def pending(self) -> int:
        """How many orders have not been used up."""
        with self._changed:
            return len(self._orders)

    def take(self, request: RecordedRequest) -> Script | None:
        """The first order that fits the request, or `None`."""
        with self._changed:
            for index, order in enumerate(self._orders):
                if order.path not in (None, request.path) or not order.fits(request):
                    continue
                if order.left is not None:
                    order.left -= 1
                    if order.left <= 0:
                        del self._orders[index]
                return order.script
        return None
