"""The client's side of HTTP/2 (RFC 9113): one connection and its streams, no I/O.

    stream = connection.open(request, streaming, now)
    connection.push(stream)                       # as much of the request's body as the windows take
    write(connection.data_to_send())
    connection.receive_data(read(), now)          # fills streams; `connection.news` has those that something came for
    connection.consumed(stream)                   # what was taken out of the stream's chunks may come again
    connection.cancel(stream)                     # RST_STREAM; the connection lives on

h2 keeps the state of the protocol and packs the headers. Two kinds of frames are not shown to it:

- DATA, which is most of what comes. Its rules are few, and here they take a tenth of the time.
- GOAWAY, which h2 takes for the end of everything, although the streams up to the last one it names go on (section 6.8).

What comes out for input that is not plain sailing:

| input                                                     | outcome                                                        |
|-----------------------------------------------------------|----------------------------------------------------------------|
| 1xx, trailers                                             | read and dropped; they count into the limit for the head       |
| 101; a head without a status; a pseudo-header that is none| ProtocolError on that stream, which is reset                   |
| of a response, or out of place; a field that belongs to a |                                                                |
| connection; a name in capitals, a value with CR, LF, NUL  |                                                                |
| more or less body than Content-Length says                | ProtocolError on that stream                                   |
| body before the head                                      | ProtocolError on that stream, which is reset                   |
| RST_STREAM                                                | ReadError with the code's name; for REFUSED_STREAM it has      |
|                                                           | `sent=False`: the server did not look at the request           |
| GOAWAY                                                    | no new streams; ReadError with `sent=False` on the streams     |
|                                                           | beyond its last one; the others go on                          |
| the end of input                                          | ReadError on every stream, `stale` where the connection was    |
|                                                           | idle before and nothing came since                             |
| frames for a stream that was reset                        | dropped; they count against the connection's window            |
| more than a window allows, a frame that is too large or   | ProtocolError on every stream, GOAWAY, no new streams          |
| malformed, a server push, HTTP/1.1                        |                                                                |
| no sign of life for `ping_interval`, then `ping_timeout`  | ReadError on every stream, no new streams                      |

Windows: a stream's is given back as the call takes the data, the connection's at once. So a response that nobody reads holds
up itself and nobody else, and takes no more memory than its window.
"""

from __future__ import annotations

import re
from functools import cache
from struct import Struct
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection as H2Protocol
from h2.errors import ErrorCodes
from h2.events import (
    InformationalResponseReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import H2Error, NoAvailableStreamIDError, StreamClosedError, TooManyStreamsError
from h2.settings import SettingCodes, Settings
from hpack import HeaderTuple, HPACKError, NeverIndexedHeaderTuple

from .coding import MAX_EXPANSION
from .errors import ProtocolError, ReadError, TransportError
from .http import Request
from .http2_options import HTTP2
from .http2_stream import H2Stream, refused
from .secrets import hide_headers_in_logs, is_secret

__all__ = ["CONNECTION_WINDOW", "MAX_FRAME_SIZE", "MAX_HEAD_SIZE", "H2Connection"]

MAX_FRAME_SIZE = 16384
"""Bytes. The largest frame that a server may send, which is the default (section 6.5.2)."""

MAX_HEAD_SIZE = 64 * 1024
"""Bytes. The most that the head of a response may have, as RFC 9113, section 6.5.2 counts them."""

CONNECTION_WINDOW = 16 * 1024 * 1024
"""Bytes that may be on their way for all streams together. They are given back as they arrive, so they bound no memory."""

_DATA, _HEADERS, _SETTINGS, _PUSH_PROMISE, _GOAWAY, _CONTINUATION = 0, 1, 4, 5, 7, 9
_END_STREAM, _END_HEADERS, _PADDED = 1, 4, 8

_read_header = Struct(">HBBBL").unpack_from
_read_goaway = Struct(">LL").unpack_from
_window_update = Struct(">HBBBLL").pack

# Of a connection and not of a message (section 8.2.2).
SILENCE = 0.2
"""Seconds. Who gives up sooner says nothing about the connection."""

_CONNECTION_FIELDS = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})
# Written here: `Host` is a pseudo-header.
_OWN_FIELDS = _CONNECTION_FIELDS | {b"host", b"content-length"}
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_BAD_VALUE = re.compile(rb"[\x00\r\n]")
_STATUS = re.compile(rb"[2-9][0-9][0-9]")


@cache
def _is_secret(name: bytes) -> bool:
    return is_secret(name.decode("latin-1"))


hide_headers_in_logs()


class _Fault(Exception):
    """The peer broke the protocol, and the connection with it."""

    def __init__(self, text: str, code: ErrorCodes = ErrorCodes.PROTOCOL_ERROR) -> None:
        super().__init__(text)
        self.code = code


class Protocol(H2Protocol):
    """h2's, which keeps a note on how each stream ended, for frames that come late: 100 bytes for each of the last 65 536."""

    MAX_CLOSED_STREAMS = 4096


class H2Connection:
    """The state of one connection. Nothing is raised for what the peer does: the streams have the errors.

    Args:
        options: windows and pings.
        scheme: `"https"` or `"http"`.
        now: the time on `time.monotonic()`'s clock, here and everywhere.

    Attributes:
        news: streams that something came for; the caller empties the list.
        error: what broke the connection; `None` while it works.
        draining: the server takes no new streams on this connection, but those that are open go on.
        limit: how many streams the server takes at once; 0 until its SETTINGS have said so, when one may be tried.
        max_expansion: the bound for compressed bodies, see `core.coding`.
    """

    __slots__ = (
        "_block",
        "_credit",
        "_doubted",
        "_goodbye",
        "_greeted",
        "_h2",
        "_heard",
        "_options",
        "_out",
        "_pinged",
        "_rest",
        "_scheme",
        "_streams",
        "_unread",
        "draining",
        "error",
        "limit",
        "max_expansion",
        "news",
    )

    def __init__(self, options: HTTP2, scheme: str, now: float) -> None:
        self._options = options
        self._scheme = scheme.encode("ascii")
        self._streams: dict[int, H2Stream] = {}
        self._rest = b""
        self._block = False  # inside a block of headers, which nothing may interrupt
        self._greeted = False
        self._goodbye = ""
        self._heard = now
        self._pinged: float | None = None
        self._doubted = False
        self._credit = CONNECTION_WINDOW
        self._unread = 0
        self.news: list[H2Stream] = []
        self.error: TransportError | None = None
        self.draining = False
        self.limit = 0
        self.max_expansion: float | None = MAX_EXPANSION
        # What is checked here, by the stream, would be checked by h2 to the ruin of the connection.
        self._h2 = Protocol(
            H2Configuration(
                client_side=True,
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
                validate_inbound_headers=False,
                normalize_inbound_headers=False,
            )
        )
        self._h2.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: options.window,
                SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEAD_SIZE,
            },
        )
        self._h2.decoder.max_header_list_size = MAX_HEAD_SIZE
        self._h2.initiate_connection()
        self._out = [self._h2.data_to_send(), _window_update(0, 4, 8, 0, 0, CONNECTION_WINDOW - 65535)]

    @property
    def usable(self) -> bool:
        """Whether a stream may be opened, if not now, then when another one ends."""
        return self.error is None and not self.draining

    @property
    def promising(self) -> bool:
        """Whether a new request would do well here: it is usable, and not one on which a call has just waited in vain for anything at all."""
        return self.usable and not self._doubted

    @property
    def active(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def data_to_send(self) -> bytes:
        """What is to be written now."""
        out, self._out = self._out, []
        out.append(self._h2.data_to_send())
        return b"".join(out)

    # --- requests ---------------------------------------------------------------------------------------------------

    def open(self, request: Request, streaming: bool, now: float) -> H2Stream:
        """Begin a request: its head goes out, and of its body nothing yet.

        Args:
            streaming: be ready as soon as the response's head is there, instead of when all of it is.

        Raises:
            ReadError: this connection takes no more streams; its `sent` is False.
        """
        if self.error is not None:
            raise refused(f"the connection broke before the request was sent: {self.error}", self.error)
        if self.draining:
            raise refused(f"the server takes no more requests on this connection{self._goodbye}")
        fields = self._fields(request)
        try:
            number = self._h2.get_next_available_stream_id()
            stream = H2Stream(number, request, streaming, self._options.window, now)
            self._h2.send_headers(number, fields, end_stream=stream.last and not stream.unsent)
        except NoAvailableStreamIDError as error:
            self.draining = True
            raise refused("all stream numbers of the connection are used up", error) from None
        except TooManyStreamsError as error:
            raise refused("the server takes no more streams at the moment", error) from None
        stream.ended = stream.last and not stream.unsent
        if self._streams:
            stream.first = False
        else:
            self._heard = now
        self._streams[number] = stream
        return stream

    def _fields(self, request: Request) -> list[HeaderTuple]:
        url = request.url
        fields = [
            HeaderTuple(b":method", request.method.encode("ascii")),
            HeaderTuple(b":scheme", self._scheme),
            HeaderTuple(b":authority", url.host_header),
            HeaderTuple(b":path", url.target.encode("ascii")),
        ]
        for name, value in request.head.pairs:
            name = name.lower()
            if _is_secret(name):
                # Kept out of the table of headers, where others of the same connection could find out about it.
                fields.append(NeverIndexedHeaderTuple(name, value))
            elif name not in _OWN_FIELDS and (name != b"te" or value.lower() == b"trailers"):
                fields.append(HeaderTuple(name, value))
        length = request.length
        if length is not None and request.has_length:
            fields.append(HeaderTuple(b"content-length", b"%d" % length))
        return fields

    def push(self, stream: H2Stream, limit: int) -> int:
        """Send what there is of the request's body, as far as windows and `limit` allow; returns how many bytes that was."""
        sent = 0
        number = stream.number
        h2 = self._h2
        while stream.sending and number in self._streams:
            unsent = stream.unsent
            size = 0
            if unsent:
                size = min(len(unsent), h2.max_outbound_frame_size, limit - sent, h2.local_flow_control_window(number))
                if size <= 0:
                    break
            stream.ended = stream.last and size == len(unsent)
            h2.send_data(number, unsent[:size].tobytes(), end_stream=stream.ended)
            stream.unsent = unsent[size:]
            sent += size
        return sent

    def cancel(self, stream: H2Stream, now: float | None = None) -> None:
        """Give a stream up, if it is not over.

        Args:
            now: where it is given up by who waited for it. If nothing came on the connection meanwhile, that is one to be asked for
                a sign of life, and not to be used for more until it gives one: the next request would wait in vain as well.
        """
        if self._streams.pop(stream.number, None) is not None:
            if now is not None and now - max(self._heard, stream.touched) >= SILENCE and self.error is None:
                self._doubted = True
                if self._pinged is None:
                    self._ping(now)
            try:
                self._h2.reset_stream(stream.number, ErrorCodes.CANCEL)
            except StreamClosedError:
                # Its head was its end, and wrong.
                pass

    def consumed(self, stream: H2Stream) -> bool:
        """Note that what was received on a stream has been taken out of it; returns whether there is something to send."""
        unread = stream.unread
        if unread * 2 < self._options.window or stream.number not in self._streams:
            return False
        stream.unread = 0
        stream.credit += unread
        self._out.append(_window_update(0, 4, 8, 0, stream.number, unread))
        return True

    # --- signs of life ----------------------------------------------------------------------------------------------

    def check(self, now: float) -> float | None:
        """Ask for a sign of life if there was none for long, or give up waiting for it.

        Returns:
            seconds until this is to be called again; `None` while no response is due.
        """
        interval = self._options.ping_interval
        if not self._streams or interval is None:
            return None
        if self._pinged is None:
            left = self._heard + interval - now
            if left > 0:
                return left
            self._ping(now)
        left = (self._pinged or now) + self._options.ping_timeout - now
        if left > 0:
            # The answer may come long before, and the next silence begins then.
            return min(left, interval)
        silence = now - self._heard
        self.fail(ReadError(f"the connection is dead: nothing came for {silence:.3g} s, and no answer to a PING"))
        return None

    def _ping(self, now: float) -> None:
        self._h2.ping(b"oxide   ")
        self._pinged = now

    # --- what comes -------------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in bytes from the server, cut anywhere. `news` has the streams that they are of interest to."""
        if self.error is not None:
            return
        self._heard = now
        self._pinged = None
        self._doubted = False
        if self._rest:
            data = self._rest + data
        position, end = 0, len(data)
        try:
            while end - position >= 9:
                high, low, kind, flags, number = _read_header(data, position)
                if not self._greeted:
                    self._greet(kind, data)
                start = position + 9
                stop = start + (high << 8 | low)
                if stop - start > MAX_FRAME_SIZE:
                    raise _Fault(f"a frame of {stop - start} bytes", ErrorCodes.FRAME_SIZE_ERROR)
                if stop > end:
                    break
                if self._block:
                    if kind != _CONTINUATION:
                        raise _Fault("a block of headers was interrupted")
                    self._block = not flags & _END_HEADERS
                    self._receive_frame(data[position:stop], now)
                elif kind == _DATA:
                    self._receive_body(number & 0x7FFFFFFF, flags, data, start, stop, now)
                elif kind == _GOAWAY:
                    self._receive_goaway(number, data[start:stop])
                else:
                    if kind in (_HEADERS, _PUSH_PROMISE):
                        self._block = not flags & _END_HEADERS
                    self._receive_frame(data[position:stop], now)
                position = stop
        except _Fault as fault:
            self._h2.close_connection(fault.code)
            self.fail(ProtocolError(f"invalid HTTP/2: {fault}"))
        except (H2Error, HPACKError) as error:
            # h2 has prepared the GOAWAY already.
            self.fail(ProtocolError(f"invalid HTTP/2: {error}"), error)
        else:
            self._rest = data[position:]

    def receive_eof(self) -> None:
        """Note that the server sends nothing more."""
        self.fail(ReadError(f"the server closed the connection before the end of the response{self._goodbye}"))

    def fail(self, error: TransportError, cause: BaseException | None = None) -> None:
        """Note that the connection is broken: every stream gets the error, and there won't be another."""
        if self.error is not None:
            return
        if cause is not None:
            error.__cause__ = cause
        self.error = error
        self._rest = b""
        for stream in self._streams.values():
            if not stream.complete:
                # Each call gets an exception of its own, since raising writes into it.
                own = type(error)(*error.args)
                own.__cause__ = error.__cause__
                if isinstance(own, ReadError):
                    own.stale = stream.first and stream.number > 1
                stream.error = own
                self._tell(stream)
        self._streams.clear()

    def _tell(self, stream: H2Stream) -> None:
        if not stream.news:
            stream.news = True
            self.news.append(stream)

    def _greet(self, kind: int, data: bytes) -> None:
        if kind != _SETTINGS:
            hint = "; it speaks HTTP/1.1" if data.startswith(b"HTTP/1.") else ""
            raise _Fault(f"the server does not begin with its SETTINGS{hint}")
        self._greeted = True

    def _receive_body(self, number: int, flags: int, data: bytes, start: int, stop: int, now: float) -> None:
        size = stop - start
        self._credit -= size
        if self._credit < 0:
            raise _Fault("the server sent more than the connection's window allows", ErrorCodes.FLOW_CONTROL_ERROR)
        self._unread += size
        if self._unread * 2 >= CONNECTION_WINDOW:
            self._credit += self._unread
            self._out.append(_window_update(0, 4, 8, 0, 0, self._unread))
            self._unread = 0
        if flags & _PADDED:
            padding = data[start] if size else 0
            start += 1
            stop -= padding
            if stop < start:
                raise _Fault("a frame with more padding than it has room for")
        stream = self._streams.get(number)
        if stream is None:
            # What was under way when the stream was reset.
            if not number % 2 or number > self._h2.highest_outbound_stream_id:
                raise _Fault(f"the body of a response on stream {number}, which was never opened")
            return
        stream.credit -= size
        if stream.credit < 0:
            raise _Fault("the server sent more than a stream's window allows", ErrorCodes.FLOW_CONTROL_ERROR)
        stream.unread += size
        if not stream.status:
            self._reset(stream, "the body of a response came before its head")
            return
        stream.first = False
        if start < stop:
            stream.received += stop - start
            if stream.expected is not None and stream.received > stream.expected:
                self._reset(stream, f"the body of the response is longer than {stream.expected} bytes (Content-Length)")
                return
            stream.chunks.append(data[start:stop])
            stream.touched = now
            if stream.streaming:
                self._tell(stream)
            else:
                # It will be taken when it is complete, so there is nothing to wait for.
                self.consumed(stream)
        if flags & _END_STREAM:
            self._finish(stream)

    def _receive_goaway(self, number: int, payload: bytes) -> None:
        if number & 0x7FFFFFFF:
            raise _Fault("GOAWAY on a stream")
        if len(payload) < 8:
            raise _Fault("GOAWAY without a reason", ErrorCodes.FRAME_SIZE_ERROR)
        last, code = _read_goaway(payload)
        self.draining = True
        if code:
            detail = payload[8:200].decode("ascii", "replace").strip()
            self._goodbye = f" ({_code(code)}{': ' if detail.isprintable() and detail else ''}{detail if detail.isprintable() else ''})"
        for stream in list(self._streams.values()):
            if stream.number > last & 0x7FFFFFFF:
                del self._streams[stream.number]
                self._forget(stream.number)
                stream.error = refused(f"the server closes the connection and did not take the request{self._goodbye}")
                self._tell(stream)

    def _receive_frame(self, frame: bytes, now: float) -> None:
        for event in self._h2.receive_data(frame):
            kind = type(event)
            if kind is RemoteSettingsChanged:
                self._settings_changed()
                continue
            stream = self._streams.get(getattr(event, "stream_id", 0) or 0)
            if stream is None:
                if kind is WindowUpdated:
                    self.tell_senders()
                continue
            stream.first = False
            stream.touched = now
            if kind is StreamEnded:
                self._finish(stream, told=True)
            elif kind is StreamReset:
                self._was_reset(stream, event)
            elif kind is WindowUpdated:
                if stream.sending:
                    self._tell(stream)
            elif kind in (ResponseReceived, InformationalResponseReceived, TrailersReceived):
                self._receive_head(stream, kind, getattr(event, "headers", None) or [])

    def _settings_changed(self) -> None:
        limit = self._h2.remote_settings.max_concurrent_streams
        self.limit = limit
        # Windows may have become larger.
        self.tell_senders()

    def tell_senders(self) -> None:
        """Have those who wait to send more look whether they can."""
        for stream in self._streams.values():
            if stream.sending:
                self._tell(stream)

    def _receive_head(self, stream: H2Stream, kind: type[Any], headers: list[tuple[bytes, bytes]]) -> None:
        stream.head_size += sum([len(name) + len(value) + 32 for name, value in headers])
        if stream.head_size > MAX_HEAD_SIZE:
            self._reset(stream, f"the head of the response is larger than the limit of {MAX_HEAD_SIZE} bytes")
            return
        if kind is not ResponseReceived:
            if (b":status", b"101") in headers:
                self._reset(stream, "the server switches protocols, which HTTP/2 does not have")
            return
        if not headers or headers[0][0] != b":status" or not _STATUS.fullmatch(headers[0][1]):
            self._reset(stream, "the head of the response does not begin with a valid status")
            return
        expected: int | None = None
        fields = [(bytes(name), bytes(value).strip(b" \t")) for name, value in headers[1:]]
        for name, value in fields:
            if not _NAME.fullmatch(name) or _BAD_VALUE.search(value):
                self._reset(stream, f"the head of the response has an invalid field {name[:40]!r}")
                return
            if name == b"content-length":
                expected = int(value)  # h2 has looked that it is a number, and one only
            elif name in _CONNECTION_FIELDS:
                self._reset(stream, f"the head of the response has a field that HTTP/2 does not have: {name!r}")
                return
        status = int(headers[0][1])
        if stream.request.method == "HEAD" or status in (204, 304):
            expected = 0
        stream.on_head(status, fields, expected, self.max_expansion)
        if stream.streaming or not stream.ended:
            self._tell(stream)

    # --- ends of streams --------------------------------------------------------------------------------------------

    def _finish(self, stream: H2Stream, *, told: bool = False) -> None:
        """The server has sent all; `told` is whether h2 knows."""
        del self._streams[stream.number]
        if not stream.ended:
            # It may close its side before it has ours (section 8.1), and then wants no more.
            self._h2.reset_stream(stream.number, ErrorCodes.NO_ERROR)
        elif not told:
            self._forget(stream.number)
        if not stream.status:
            stream.error = ProtocolError("invalid HTTP/2: a response without a head")
        elif stream.expected is not None and stream.received != stream.expected:
            stream.error = ProtocolError(
                f"invalid HTTP/2: {stream.expected - stream.received} of {stream.expected} bytes of the response's body are missing"
            )
        else:
            stream.complete = stream.ready = True
        self._tell(stream)

    def _forget(self, number: int) -> None:
        """Have h2 take a stream as closed, without a word to the server."""
        self._out.append(self._h2.data_to_send())
        self._h2.reset_stream(number)
        self._h2.clear_outbound_data_buffer()

    def _reset(self, stream: H2Stream, text: str) -> None:
        """The server broke the rules for one stream."""
        self.cancel(stream)
        stream.error = ProtocolError(f"invalid HTTP/2: {text}")
        self._tell(stream)

    def _was_reset(self, stream: H2Stream, event: Any) -> None:
        del self._streams[stream.number]
        code = event.error_code or 0
        if not event.remote_reset:
            stream.error = ProtocolError(f"invalid HTTP/2: the server broke the rules for a stream ({_code(code)})")
        elif code == ErrorCodes.REFUSED_STREAM:
            stream.error = refused("the server refused the request without looking at it (REFUSED_STREAM)")
        else:
            hint = "; this server wants HTTP/1.1 for it" if code == ErrorCodes.HTTP_1_1_REQUIRED else ""
            stream.error = ReadError(
                f"the server ended the stream before its response was complete: {_code(code)}{hint}"
            )
        self._tell(stream)


def _code(code: int) -> str:
    try:
        return ErrorCodes(code).name
    except ValueError:
        return f"error {code:#x}"
