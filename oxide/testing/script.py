"""What a test can tell the server to do: replies, streams, raw bytes, faults, and gates to hold them at.

Everything here is a plain value. `MockServer.queue` takes them in order; the exchange (`exchange.py`) carries them
out. What a value leaves open is filled in from the server's own answer to the request, so `Reply(delay=0.1)` is the
ordinary answer, later, and `Stream(cut_after=3)` is the ordinary stream, cut off.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Union

if TYPE_CHECKING:
    from .record import RecordedRequest

__all__ = [
    "OWN",
    "Action",
    "Close",
    "Fault",
    "Gate",
    "HeaderChanges",
    "Own",
    "Piece",
    "Raw",
    "Reply",
    "Script",
    "Socket",
    "Stream",
]


class Gate:
    """Holds the server at one point of a reply until the test opens it: instead of sleeping.

    A gate that was opened stays open. It may hold several replies at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened = False
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._reached = threading.Event()

    def open(self) -> None:
        """Let the held replies go on; callable from any thread."""
        with self._lock:
            self._opened = True
            waiting, self._waiting = self._waiting, []
        # All at once, so that none gets ahead.
        for loop in {loop for loop, _ in waiting if not loop.is_closed()}:
            loop.call_soon_threadsafe(_release, [future for one, future in waiting if one is loop])

    def wait_reached(self, timeout: float = 10.0) -> None:
        """Block until the server has come to this gate.

        Raises:
            TimeoutError: it did not within `timeout` seconds.
        """
        if not self._reached.wait(timeout):
            raise TimeoutError(f"the server did not reach the gate within {timeout} s")

    async def wait(self) -> None:
        """Wait on the server's loop until the gate is open."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        with self._lock:
            if self._opened:
                future.set_result(None)
            else:
                self._waiting.append((loop, future))
        self._reached.set()
        try:
            await future
        finally:
            with self._lock:
                self._waiting = [entry for entry in self._waiting if entry[1] is not future]


def _release(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


Piece = Union[bytes, Gate, float]
"""Bytes to write, a gate to wait at, or seconds to wait."""

HeaderChanges = Union[Mapping[str, Union[str, None]], Sequence[tuple[str, str]]]
"""Headers that replace the server's own of the same name; `None` takes one away."""


Action = Literal["reset", "close", "stall"]


@dataclass(frozen=True)
class Raw:
    """Bytes written to the connection as they are, instead of an HTTP response.

    Args:
        pieces: bytes, or a sequence of bytes, gates and seconds. Each bytes object is one write.
        close: close the connection afterwards; otherwise it stays open until the client closes it.
    """

    pieces: bytes | Sequence[Piece]
    close: bool = True


@dataclass(frozen=True)
class Fault:
    """Where an exchange goes wrong, and how. Made by the class methods below.

    Args:
        action: `"reset"` sends a TCP RST, `"close"` a FIN, `"stall"` says nothing more and keeps the connection.
        at: before anything was sent, after the head, within the body, or after the complete response.
        after: for `at="body"`, the number of bytes of the body (as it was before chunking) that are sent first.
    """

    action: Action
    at: Literal["start", "head", "body", "end"]
    after: int = 0

    @classmethod
    def reset_before(cls) -> Fault:
        """RST before any byte of the response."""
        return cls("reset", "start")

    @classmethod
    def reset_after_head(cls) -> Fault:
        """RST after status line and headers."""
        return cls("reset", "head")

    @classmethod
    def reset_in_body(cls, after: int = 1) -> Fault:
        """RST after `after` bytes of the body."""
        return cls("reset", "body", after)

    @classmethod
    def reset_after_body(cls) -> Fault:
        """A complete response, and then RST instead of keeping the connection."""
        return cls("reset", "end")

    @classmethod
    def close_before(cls) -> Fault:
        """FIN before any byte: what a client sees that reuses a connection which the server is just giving up."""
        return cls("close", "start")

    @classmethod
    def close_after_head(cls) -> Fault:
        """FIN after status line and headers."""
        return cls("close", "head")

    @classmethod
    def close_in_body(cls, after: int = 1) -> Fault:
        """FIN after `after` bytes of the body: a truncated response."""
        return cls("close", "body", after)

    @classmethod
    def close_after_body(cls) -> Fault:
        """A complete response, and then FIN although nothing announced it."""
        return cls("close", "end")

    @classmethod
    def stall_before(cls) -> Fault:
        """Silence: no byte of a response, until the client gives up."""
        return cls("stall", "start")

    @classmethod
    def stall_after_head(cls) -> Fault:
        """Silence after status line and headers."""
        return cls("stall", "head")

    @classmethod
    def stall_in_body(cls, after: int = 1) -> Fault:
        """Silence after `after` bytes of the body."""
        return cls("stall", "body", after)

    @staticmethod
    def garbage(data: bytes = b"\x16\x03\x01 this is not HTTP\r\n\r\n") -> Raw:
        """Bytes that are not HTTP, and then FIN."""
        return Raw(data)


class Own:
    """The type of `OWN`: the server's own answer is kept in this place."""

    def __repr__(self) -> str:
        return "OWN"


OWN = Own()


@dataclass(frozen=True)
class Reply:
    """A response with one body.

    Without `json`, `text` and `body` it is the server's own answer where `status` is 200, and an error object of
    the API's shape where it is 400 or more.

    Args:
        status: the HTTP status.
        json: the body, as a value.
        text: the body, as text (`text/plain` unless `headers` say otherwise).
        body: the body, as bytes (`application/octet-stream` unless `headers` say otherwise).
        headers: changes to the headers that the server would send.
        delay: seconds before the first byte.
        until: a gate that has to be open before the first byte.
        fault: where the exchange breaks.

    Raises:
        ValueError: there is more than one body.
    """

    status: int = 200
    json: Any = OWN
    text: str | None = None
    body: bytes | None = None
    headers: HeaderChanges = ()
    delay: float = 0.0
    until: Gate | None = None
    fault: Fault | None = None

    def __post_init__(self) -> None:
        if (self.json is not OWN) + (self.text is not None) + (self.body is not None) > 1:
            raise ValueError("a Reply has one body: json, text or body")


@dataclass(frozen=True)
class Stream:
    """A response of server-sent events, in chunked transfer coding.

    Args:
        events: a dict is sent as JSON (named by its `type`, if it has one), a str as the data of an event
            (`"[DONE]"`), bytes as they are; gates and seconds wait. `None`: the server's own stream, which the
            request must have asked for.
        status, headers, delay, until, fault: as in `Reply`.
        interval: seconds before each event but the first.
        gates: a gate before the event of this index.
        cut_after: close the connection (FIN) after so many events.
        stall_after: say nothing more after so many events.
        reset_after: RST after so many events.
        reset_after_bytes: RST after so many bytes of events.
    """

    events: Iterable[Mapping[str, Any] | str | Piece] | None = None
    status: int = 200
    headers: HeaderChanges = ()
    delay: float = 0.0
    until: Gate | None = None
    fault: Fault | None = None
    interval: float = 0.0
    gates: Mapping[int, Gate] | None = None
    cut_after: int | None = None
    stall_after: int | None = None
    reset_after: int | None = None
    reset_after_bytes: int | None = None


@dataclass(frozen=True)
class Close:
    """A WebSocket is closed, with a close frame, in the middle of a turn.

    Args:
        code: the code of the close frame.
        reason: its text.
        after: how many of the turn's events are sent first; `None` for all of them.
    """

    code: int = 1011
    reason: str = ""
    after: int | None = 0


@dataclass(frozen=True)
class Socket:
    """What happens to a WebSocket connection as a whole: taken by the next handshake, whatever its path.

    Args:
        headers: changes to the headers of the handshake's answer.
        delay, until: seconds before it, and a gate that has to be open.
        max_age: seconds until the server says `websocket_connection_limit_reached` and closes; or the gate that
            stands for that time. `None`: the server's own.
        gates: a gate before the message of this index, counted over everything the server sends.
        close_after: send a close frame (`code`, `reason`) after so many messages.
        cut_after, reset_after, stall_after: FIN without a close frame, RST, or silence, after so many messages.
        cut_after_bytes, reset_after_bytes, stall_after_bytes: the same after so many bytes, which may be within a frame;
            counted from the end of the handshake.
        garbage_after: write `garbage`, which is no frame, past the WebSocket layer after so many messages.
        reading: a gate: nothing that the client sends is read before it is open.
        events: messages that the server sends first, after those of its own: a dict as JSON, text and bytes as they are.
    """

    headers: HeaderChanges = ()
    delay: float = 0.0
    until: Gate | None = None
    max_age: float | Gate | None = None
    gates: Mapping[int, Gate] | None = None
    close_after: int | None = None
    code: int = 1011
    reason: str = ""
    cut_after: int | None = None
    reset_after: int | None = None
    stall_after: int | None = None
    cut_after_bytes: int | None = None
    reset_after_bytes: int | None = None
    stall_after_bytes: int | None = None
    garbage_after: int | None = None
    garbage: bytes = b"\xff\xff this is no frame"
    reading: Gate | None = None
    events: Sequence[Mapping[str, Any] | str | bytes] = ()


Script = Union[Reply, Stream, Raw, Fault, Close, Socket, Callable[["RecordedRequest"], "Script"]]
"""What `MockServer.queue` takes; a callable is asked with the request that its turn has come for."""
