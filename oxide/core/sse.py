"""Server-sent events: bytes in, events out.

The rules are those of the WHATWG HTML standard, section 9.2.6 "Interpreting an event stream". Where it leaves
something open, or where clients differ, this is what happens here:

| input                                         | outcome                                                              |
|-----------------------------------------------|----------------------------------------------------------------------|
| a block without any `data` line               | no event (an `id` in it still counts); a comment is such a block     |
| a `data` line with nothing in it              | an event with empty data                                             |
| end of input inside a block                   | the block is dropped, a complete `data` line in it included          |
| bytes that are not UTF-8                      | data keeps them; replaced by U+FFFD in `event`, `id` and `text`      |
| `event` with an empty value                   | `event` is `None`                                                    |
| `id`                                          | stays for the events after it, until the next `id`; ignored with NUL |
| `retry` that is not 1 to 18 ASCII digits      | ignored                                                              |
| a block of more than `max_event_size` bytes   | `ProtocolError`; blocks before it in the same read are not delivered |

How it is fast: APIs send events of two shapes, `event:` and `data:`, or `data:` alone. A read that is exactly one of
them, as in a live stream, is recognized by its two line ends. A read with more is taken apart by a single `findall`,
whose last alternative takes whatever is left from the first block that has another shape; that is split and interpreted
line by line. What follows the last blank line is kept until the next one arrives. All line ends are made LF first.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from .errors import ProtocolError

__all__ = ["MAX_EVENT_SIZE", "SSEParser", "ServerSentEvent"]

MAX_EVENT_SIZE = 32 * 1024 * 1024
"""The default of `SSEParser.max_event_size`, in bytes. An image in base64 takes a few MiB."""

_BOM = b"\xef\xbb\xbf"

# Every match ends with a blank line and the next one starts right there; (?s:.) is any byte, LF too. It is applied to
# complete blocks only, since finding out that a long unfinished one does not match takes it a while.
_regular_events = re.compile(rb"(?:event: ?(.*)\n)?data: ?(.*)\n\n|((?s:.)+)").findall

# Longer numbers are no sensible number of milliseconds, and int() refuses thousands of digits with an exception.
_MAX_RETRY_DIGITS = 18


class ServerSentEvent(msgspec.Struct, gc=False):
    """One event as it was dispatched.

    Attributes:
        event: the event's type, `None` where the stream names none (the standard calls that "message").
        data: the `data` lines as they came, joined by LF: what a JSON decoder wants. Not checked to be UTF-8.
        id: the last event ID of the stream at this event, `None` before the first one.
        retry: the reconnection time in milliseconds, where this event's own block gives one.
    """

    event: str | None
    data: bytes
    id: str | None = None
    retry: int | None = None

    @property
    def text(self) -> str:
        """The data as text; bytes that are not UTF-8 become U+FFFD."""
        return self.data.decode("utf-8", "replace")

    def json(self) -> Any:
        """The data decoded as JSON into plain Python values.

        Raises:
            msgspec.DecodeError: it is not JSON.
        """
        return msgspec.json.decode(self.data)


class _Names(dict[bytes, "str | None"]):
    """Event types, decoded. A stream has a handful of them, repeated thousands of times.

    Shared by all parsers and bounded, since a server chooses the names.
    """

    def __missing__(self, raw: bytes) -> str | None:
        name = raw.decode("utf-8", "replace")
        if len(self) < 512 and len(raw) <= 128:
            self[raw] = name
            _names_by_line[b"event: " + raw + b"\n"] = name
        return name


_names = _Names({b"": None})
_names_by_line: dict[bytes, str] = {}


class SSEParser:
    """The parser of one event stream.

    Args:
        max_event_size: the most bytes that the lines of one event may have together: from the end of a blank line to
            the next one, comments and field names counted, line ends counted as one byte each.
    """

    __slots__ = ("_buffer", "_error", "_id", "_start", "_swallow_lf", "_unusual", "max_event_size")

    def __init__(self, max_event_size: int = MAX_EVENT_SIZE) -> None:
        self.max_event_size = max_event_size
        self._buffer = bytearray()  # a block whose blank line has not arrived, with LF for all line ends
        self._id: str | None = None
        # The states that only the next few bytes can be in; `_unusual` says that one of them holds, so that a read
        # costs one test for all three.
        self._unusual = True
        self._start: bytes | None = b""  # the bytes so far, while they can still be the beginning of a BOM
        self._swallow_lf = False  # the last byte was CR: an LF now belongs to it
        self._error: str | None = None

    def receive_data(self, data: bytes) -> list[ServerSentEvent]:
        """Take in bytes of the stream, cut anywhere, and return the events that are complete with them.

        Raises:
            ProtocolError: an event is larger than `max_event_size`; so does every call after that.
        """
        if self._unusual or 13 in data:  # CR; looking for an int takes a tenth of the time of looking for bytes
            data = self._prepare(data)
        buffer = self._buffer
        if buffer:
            # Only the new bytes are searched and everything is copied once, when the block is complete: an event that
            # arrives byte by byte costs the same per byte as any other.
            searched = len(buffer) - 1
            buffer += data
            if buffer.find(b"\n\n", searched) < 0:
                if len(buffer) > self.max_event_size:
                    self._check(buffer)
                return []
            data = bytes(buffer)
            buffer.clear()
        if not data:
            return []
        if len(data) > self.max_event_size:
            return self._receive_blocks(data, [])
        if data.startswith(b"data: "):
            line, name = 0, None
        else:
            line = data.find(b"\n") + 1
            name = _names_by_line.get(data[:line])
        if (
            (name is not None or not line)
            and data.find(b"\n", line) == len(data) - 2
            and data.startswith(b"data: ", line)
            and data.endswith(b"\n")
        ):
            return [ServerSentEvent(name, data[line + 6 : -2], self._id)]
        end = data.rfind(b"\n\n") + 2
        if end < 2:
            buffer += data
            return []
        found = _regular_events(data, 0, end)
        irregular = found[-1][2]
        if irregular:
            found.pop()
        last_id = self._id
        names = _names
        events = [ServerSentEvent(names[raw], payload, last_id) for raw, payload, _ in found]
        if irregular:
            self._receive_blocks(irregular, events)
        if end < len(data):
            buffer += data[end:]
        return events

    def receive_eof(self) -> list[ServerSentEvent]:
        """Note that the stream is over. An event without its blank line is dropped, so this returns no events."""
        self._buffer.clear()
        return []

    def _prepare(self, data: bytes) -> bytes:
        """Remove the BOM and turn CRLF and CR into LF, across reads."""
        if self._error is not None:
            raise ProtocolError(self._error)
        if self._start is not None:
            data = self._start + data
            if len(data) < len(_BOM) and _BOM.startswith(data):
                self._start = data
                return b""
            self._start = None
            data = data.removeprefix(_BOM)
        if data:
            if self._swallow_lf and data.startswith(b"\n"):
                data = data[1:]
            # A final CR is the end of a line already; only what is to be done with an LF after it is open.
            self._swallow_lf = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._unusual = self._swallow_lf
        return data

    def _receive_blocks(self, data: bytes, events: list[ServerSentEvent]) -> list[ServerSentEvent]:
        """The way for blocks of any shape and size: add the events of those in `data` and keep the rest."""
        blocks = data.split(b"\n\n")
        rest = blocks.pop()
        for block in blocks:
            if len(block) > self.max_event_size:
                self._fail()
            event = self._interpret(block)
            if event is not None:
                events.append(event)
        self._check(rest)
        self._buffer += rest
        return events

    def _interpret(self, block: bytes) -> ServerSentEvent | None:
        name = b""
        lines: list[bytes] = []
        retry = None
        for line in block.split(b"\n"):
            field, _, value = line.partition(b":")
            if value.startswith(b" "):
                value = value[1:]
            if field == b"data":
                lines.append(value)
            elif field == b"event":
                name = value
            elif field == b"id":
                if b"\0" not in value:
                    self._id = value.decode("utf-8", "replace")
            elif field == b"retry" and value.isdigit() and len(value) <= _MAX_RETRY_DIGITS:
                retry = int(value)
            # Everything else is ignored: comments (the field's name is empty), unknown fields, and the empty line
            # that a third line end in a row leaves at the beginning of a block.
        if not lines:
            return None
        return ServerSentEvent(_names[name], b"\n".join(lines), self._id, retry)

    def _check(self, unfinished: bytes | bytearray) -> None:
        # The LF that may be there already is the end of the block's last line, which does not count.
        if len(unfinished) - unfinished.endswith(b"\n") > self.max_event_size:
            self._fail()

    def _fail(self) -> None:
        self._buffer.clear()
        self._unusual = True
        self._error = f"a server-sent event is larger than the limit of {self.max_event_size} bytes (max_event_size)"
        raise ProtocolError(self._error)
