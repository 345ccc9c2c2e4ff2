"""The client's side of HTTP/1.1 (RFC 9112): one connection, one exchange at a time, no I/O.

llhttp (through httptools) reads the responses; this module has the rules around it. One `H1Connection` belongs to one
TCP connection and goes around this circle until `reusable` is False:

    idle  --start()-->  waiting for the head  --Head-->  reading the body  --END-->  idle
                                      \\                    \\
                                       `---- ReadError, ProtocolError, end of input ---->  closed

What comes out for input that is not plain sailing:

| input                                                   | outcome                                                   |
|---------------------------------------------------------|-----------------------------------------------------------|
| 1xx other than 101                                      | skipped; counts into the limit for the head               |
| 101 (we never ask for an upgrade), status below 100     | ProtocolError                                             |
| 1xx with a body                                         | ProtocolError                                             |
| 204, 304, answer to HEAD                                | no body, whatever Content-Length or Transfer-Encoding say |
| neither Content-Length nor chunked                      | the body goes on until the end of input; not reusable     |
| Transfer-Encoding whose last coding is not chunked      | the same, and the coding is left in place                 |
| answer to HEAD that announces no length                 | complete, but not reusable                                |
| Connection: close; HTTP/1.0 without keep-alive; HTTP/2.0| complete, but not reusable                                |
| Content-Length and Transfer-Encoding; two or invalid or | ProtocolError                                             |
| negative Content-Length                                 |                                                           |
| chunk size that is not hex or overflows 64 bits         | ProtocolError                                             |
| chunk extensions, trailers                              | read and dropped                                          |
| Content-Length or Transfer-Encoding as a trailer        | ProtocolError                                             |
| obsolete line folding, bare LF or CR, NUL or a space    | ProtocolError                                             |
| before the colon in the head                            |                                                           |
| head larger than `max_head_size`, or as much chunk      | ProtocolError                                             |
| extension or trailer without any body in between        |                                                           |
| end of input before the first byte of the response      | ReadError; `bytes_received` is False                      |
| end of input inside the head or inside a body of known  | ReadError that says what is missing                       |
| length                                                  |                                                           |
| bytes after the end of the response (another response,  | the response is delivered, the connection is not          |
| garbage, data after `Connection: close`)                | reusable, the bytes are dropped                           |
| bytes, or the end of input, while no request is under   | no events, not reusable                                   |
| way                                                     |                                                           |
| empty lines before a response                           | ignored, as llhttp does                                   |

Nothing but the errors above comes out of `receive_data` and `receive_eof`, whatever the bytes. When a read contains
good events and then a fault, the error is raised and those events are lost: the exchange has failed either way.
"""

from __future__ import annotations

import enum
from typing import Final, NoReturn, Union

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from .coding import MAX_EXPANSION
from .errors import ProtocolError, ReadError

__all__ = ["END", "MAX_HEAD_SIZE", "End", "Event", "H1Connection", "Head"]

MAX_HEAD_SIZE = 64 * 1024
"""The default of `H1Connection.max_head_size`, in bytes."""


class Head:
    """The head of the final response. It is read when somebody asks for more than the status, which is seldom.

    Attributes:
        status: 200 to 999.
        raw: status line and header fields as they came, without the blank line.
    """

    __slots__ = ("_headers", "raw", "status")

    def __init__(self, status: int, raw: bytes = b"") -> None:
        self.status = status
        self.raw = raw
        self._headers: list[tuple[bytes, bytes]] | None = None

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Name and value in the order and spelling received, without white space around the value."""
        if self._headers is None:
            # llhttp has been through this: there is a colon in every line, and no bare CR or LF.
            lines = self.raw.split(b"\r\n")[1:]
            self._headers = [(name, value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines)]
        return self._headers

    @property
    def http_version(self) -> bytes:
        """`b"1.1"`, `b"1.0"`."""
        return self.raw[5:8]

    @property
    def reason(self) -> bytes:
        """The reason phrase, often empty."""
        return self.raw.partition(b"\r\n")[0][13:]

    def __repr__(self) -> str:
        return f"<Head {self.status}>"


class End(enum.Enum):
    """The type of `END`."""

    END = "END"


END: Final = End.END
"""The response is complete."""

# Between a Head and END come pieces of the body, chunked coding removed, never empty.
Event = Union[Head, bytes, End]

_IDLE, _HEAD, _BODY, _CLOSED = range(4)
_NAMES = ("idle", "waiting for a response", "reading a response", "closed")


class H1Connection:
    """The state of one connection: say `start`, send the request, feed what arrives, until END.

    Args:
        max_head_size: the most bytes that the head of a response may have, informational responses before it included.

    Attributes:
        reusable: a request may be started: the connection is new, or the last response came to its clean end and
            the server keeps the connection open.
        forward: for a connection to a proxy that is given whole requests instead of bytes, the header fields that it gets, as lines;
            `None` otherwise.
        max_expansion: the bound for compressed bodies, see `core.coding`.
        bytes_received: something of the current response has arrived. While it is False after the end of input on a
            kept connection, the server has most likely closed it before it saw the request.
    """

    __slots__ = (
        "_body_size",
        "_error",
        "_events",
        "_feed",
        "_head",
        "_head_size",
        "_informational",
        "_is_head",
        "_parser",
        "_quiet",
        "_raw",
        "_skip",
        "_state",
        "bytes_received",
        "forward",
        "max_expansion",
        "max_head_size",
        "on_body",
        "reusable",
    )

    def __init__(self, max_head_size: int = MAX_HEAD_SIZE) -> None:
        self.max_head_size = max_head_size
        self.reusable = True
        self.bytes_received = False
        self.forward: bytes | None = None
        self.max_expansion: float | None = MAX_EXPANSION
        self._state = _IDLE
        self._error: str | None = None
        self._head: Head | None = None
        self._head_size = 0  # bytes fed while waiting for the head
        self._body_size = 0  # bytes of the body so far, framing included where it is chunked
        self._quiet = 0  # bytes since the last piece of body
        self._is_head = False
        self._informational = False
        self._raw = b""  # what came while waiting for the head, if it came in several reads
        self._skip = 0  # informational responses in it
        # The parser is given the bound method once, so the list lives as long as it does and is emptied in place.
        self._events: list[Event] = []
        self.on_body = self._events.append
        self._new_parser()

    @property
    def idle(self) -> bool:
        """No exchange is under way."""
        return self._state == _IDLE

    @property
    def closed(self) -> bool:
        """The input ended or the exchange failed: all that is left is to close the connection."""
        return self._state == _CLOSED

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {_NAMES[self._state]}{', reusable' if self.reusable else ''}>"

    def start(self, method: str) -> None:
        """Note that a request of this method is about to be sent.

        Raises:
            RuntimeError: the connection is not `reusable`, which it is not during an exchange either.
        """
        if not self.reusable:
            raise RuntimeError(f"can't start a request on a connection that is not reusable ({_NAMES[self._state]})")
        self.reusable = False
        self.bytes_received = False
        self._state = _HEAD
        self._head_size = self._skip = 0
        self._is_head = method == "HEAD"

    def receive_data(self, data: bytes) -> list[Event]:
        """Take in bytes from the server, cut anywhere, and return what they complete. No bytes are no event.

        Raises:
            ProtocolError: this is not HTTP, or more of it than allowed; the connection is `closed` then.
        """
        if not data:
            return []
        state = self._state
        if state == _HEAD:
            self.bytes_received = True
            size = self._head_size = self._head_size + len(data)
            if size > self.max_head_size:
                return self._receive_large(data)
        elif state != _BODY:
            return self._receive_unexpected(data)
        if self._is_head:
            self._feed_until_complete(data)
        else:
            try:
                self._feed(data)
            except (HttpParserError, HttpParserUpgrade) as error:
                self._parser_failed(error)
        gathered = self._events
        events = gathered.copy()
        gathered.clear()
        if state == _HEAD:
            if events and type(events[0]) is Head and data[0] == 72 and not (self._raw or self._skip):  # H
                events[0].raw = data[: data.index(b"\r\n\r\n")]
            else:
                self._keep_head(data, events)
        after = self._state
        if after == _BODY:
            self._account(data, events, state)
        elif after == _HEAD and events:
            self._fail("an informational response with a body")
        return events

    def receive_eof(self) -> list[Event]:
        """Note that the server sends nothing more. END comes if that is how the response was to end.

        Raises:
            ReadError: a response, or the rest of it, is missing.
        """
        state, self._state = self._state, _CLOSED
        self.reusable = False
        if state == _HEAD:
            if not self.bytes_received:
                raise ReadError("the server closed the connection without sending a response")
            raise ReadError(
                f"the server closed the connection inside the head of the response, after {self._head_size} bytes"
            )
        if state == _BODY:
            missing = self._missing()
            if missing is not None:
                raise ReadError(f"the server closed the connection before the end of the response: {missing}")
            return [END]
        return []

    # --- what llhttp calls ------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._state == _IDLE:
            # Another response right behind the one that is complete; `_parser_failed` knows what that means.
            raise ProtocolError("a response that nobody asked for")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            if status < 100 or status == 101:
                raise ProtocolError(f"unexpected response status {status}")
            self._informational = True
            return
        head = self._head = Head(status)
        self._events.append(head)
        self._state = _BODY
        if self._is_head:
            self.on_message_complete()

    def on_message_complete(self) -> None:
        if self._state == _BODY:
            self._state = _IDLE
            self._head = None
            # Asked here because llhttp forgets the flags when this callback returns.
            self.reusable = self._parser.should_keep_alive()
            self._events.append(END)
        elif self._informational:
            self._informational = False
            self._skip += 1
        # Otherwise it is the answer to HEAD, which was complete with its head.

    def _keep_head(self, data: bytes, events: list[Event]) -> None:
        """Cut the head out of what was read while waiting for it; llhttp has found its end, but does not tell where."""
        raw = self._raw + data if self._raw else data
        if not events:
            self._raw = raw
            return
        self._raw = b""
        head = events[0]
        if type(head) is Head:
            start = 0
            while True:
                while raw[start] in b"\r\n":
                    start += 1
                end = raw.index(b"\r\n\r\n", start)
                if not self._skip:
                    break
                self._skip -= 1
                start = end + 4
            head.raw = raw[start:end]

    # --- the less common ways ---------------------------------------------------------------------------------------

    def _new_parser(self) -> None:
        self._parser = HttpResponseParser(self)
        self._feed = self._parser.feed_data

    def _receive_large(self, data: bytes) -> list[Event]:
        """`data` goes beyond the limit for the head, which is fine if the head ends before."""
        excess = self._head_size - self.max_head_size
        self._head_size = 0
        within = len(data) - excess
        events = self.receive_data(data[:within]) if within else []
        if self._state == _HEAD:
            self._fail(f"the head of the response is larger than the limit of {self.max_head_size} bytes")
        return events + self.receive_data(data[within:])

    def _receive_unexpected(self, data: bytes) -> list[Event]:
        if self._error is not None:
            raise ProtocolError(self._error)
        if self._state == _IDLE and data.strip(b"\r\n"):
            self.reusable = False
        return []

    def _feed_until_complete(self, data: bytes) -> None:
        """The answer to HEAD ends with its head, which llhttp can't be told: find the place byte by byte."""
        for position in range(len(data)):
            try:
                self._feed(data[position : position + 1])
            except (HttpParserError, HttpParserUpgrade) as error:
                self._parser_failed(error)
            if self._state == _IDLE:
                self._new_parser()  # the old one waits for a body
                if data[position + 1 :].strip(b"\r\n"):
                    self.reusable = False
                return

    def _parser_failed(self, error: Exception) -> None:
        cause = error.__context__ if isinstance(error, HttpParserError) else None
        if cause is not None and not isinstance(cause, Exception):
            self._state = _CLOSED
            raise cause  # KeyboardInterrupt happened to arrive during a callback
        if self._state == _IDLE:
            # The response is complete and this is about what came behind it.
            self.reusable = False
            return
        self._fail(str(cause or error) or type(error).__name__, error)

    def _fail(self, message: str, cause: Exception | None = None) -> NoReturn:
        self._state = _CLOSED
        self._error = f"invalid HTTP response: {message}"
        raise ProtocolError(self._error) from cause

    def _account(self, data: bytes, events: list[Event], state_before: int) -> None:
        """Count what arrived of a body that is not complete yet."""
        if state_before == _HEAD:
            self._body_size = sum(len(piece) for piece in events if isinstance(piece, bytes))
        else:
            self._body_size += len(data)
        if events:
            self._quiet = 0
        else:
            # Chunk sizes, extensions and trailers only. llhttp has no limit for them.
            self._quiet += len(data)
            if self._quiet > self.max_head_size:
                self._fail(f"more than {self.max_head_size} bytes of chunk extensions or trailers")

    def _missing(self) -> str | None:
        """What the body lacks at the end of input, or `None` where that is its proper end (RFC 9112, section 6.3)."""
        assert self._head is not None
        headers = [(name.lower(), value) for name, value in self._head.headers]
        codings = [value for name, value in headers if name == b"transfer-encoding"]
        if codings:
            chunked = codings[-1].rpartition(b",")[2].strip().lower() == b"chunked"
            return "the last chunk is missing" if chunked else None
        for name, value in headers:
            if name == b"content-length":
                return f"{int(value) - self._body_size} of {int(value)} bytes of its body are missing"
        return None
