"""The client's side of an open WebSocket connection (RFC 6455, RFC 7692): one machine, no I/O.

Bytes go in by `receive_data`, whole messages come out of it, and what is to be written comes out of `data_to_send`: messages, pings,
the answers to pings, and the closing handshake.

    OPEN  --close()-->  CLOSING  --the peer's Close, or the end of input-->  CLOSED
      `------- the peer's Close (answered), a violation, the end of input ------^

wsproto knows the rules: fragments, control frames, reserved bits, close codes, compression. It takes 20 to 40 µs for a frame, several
times what everything else takes for an event, so two ways past it are here, for what nearly every frame is:

- a whole text or binary message in one uncompressed frame is cut out of what was read, and
- a frame is written, and masked, with one join.

Everything else is handed to wsproto as it comes in, whose decoder sees frames only from their first byte to their last.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from wsproto.extensions import Extension
from wsproto.frame_protocol import FrameProtocol, Opcode, ParseFailed, XorMaskerSimple

from .errors import WebSocketConnectionClosedError
from .ws_deflate import Deflate
from .ws_state import CLOSED, CLOSING, NO_STATUS, OPEN, Data, Message, State, closed_error

__all__ = ["CLOSED", "CLOSING", "OPEN", "Data", "Message", "State", "WebSocket", "frame"]


class WebSocket:
    """An open connection.

    Args:
        extensions: those that were agreed on.
        max_size: the most bytes that a message may have, as it comes and after inflation; `None` for no limit.
        ping_interval: seconds without a word from the peer after which `tick` asks whether it is still there; `None` for never.
        ping_timeout: seconds that it has for the answer; `None` for as long as it likes.

    Attributes:
        state: where it is in its life.
        received: code and reason of the peer's Close frame, or `None`.
        sent: code and reason of our own, or `None`.
        failure: what went wrong, where the connection did not end with a Close frame of the peer's.
    """

    __slots__ = (
        "_buffer",
        "_deflate",
        "_fragments",
        "_heard",
        "_max_size",
        "_missing",
        "_out",
        "_ping_interval",
        "_ping_timeout",
        "_pinged_at",
        "_proto",
        "_quiet_since",
        "_size",
        "_slow",
        "failure",
        "received",
        "sent",
        "state",
    )

    def __init__(
        self,
        extensions: Sequence[Extension] = (),
        *,
        max_size: int | None = None,
        ping_interval: float | None = 20.0,
        ping_timeout: float | None = 20.0,
    ) -> None:
        self._proto = _Frames(True, list(extensions))
        self._deflate = next((one for one in extensions if isinstance(one, Deflate)), None)
        self._max_size = max_size
        self._ping_interval = ping_interval
        self._ping_timeout = ping_timeout
        self._buffer = bytearray()  # the beginning of a frame
        self._missing = 0  # bytes that the buffer lacks for it to be worth looking at
        self._slow = 0  # bytes still to come of a frame that wsproto reads
        self._fragments: list[bytes] | None = None  # of the message that wsproto reads
        self._size = 0  # their bytes
        self._out: list[bytes] = []
        self._heard = True
        self._quiet_since = 0.0
        self._pinged_at: float | None = None
        self.state = OPEN
        self.received: tuple[int, str] | None = None
        self.sent: tuple[int, str] | None = None
        self.failure: str | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state.value}>"

    # --- sending ----------------------------------------------------------------------------------------------------

    def send(self, message: Data) -> None:
        """Send a message.

        Raises:
            WebSocketConnectionClosedError: the connection is closed, or about to be.
            TypeError: it is neither text nor bytes.
            ValueError: it is text that has no UTF-8 form, such as half a surrogate pair.
        """
        if self.state is not OPEN:
            raise self.closed_error()
        if isinstance(message, str):
            opcode, data = Opcode.TEXT, message.encode()
        elif isinstance(message, (bytes, bytearray, memoryview)):
            opcode, data = Opcode.BINARY, bytes(message)
        else:
            raise TypeError(f"a WebSocket message is text or bytes, not {type(message).__name__}")
        if self._deflate is None:
            self._out.append(frame(0x80 | opcode, data))
        else:
            self._out.append(self._deflate.compress(opcode, data, frame))

    def ping(self, payload: bytes = b"") -> None:
        """Ask the peer for a sign of life; nothing where the connection is closed. Raises ValueError for more than 125 bytes."""
        if len(payload) > 125:
            raise ValueError(f"a ping carries at most 125 bytes, not {len(payload)}")
        if self.state is OPEN:
            self._out.append(frame(0x80 | Opcode.PING, payload))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake; nothing where it has begun.

        Raises:
            ValueError: the code is none that may be sent (RFC 6455, section 7.4), or the reason has more than 123 bytes.
        """
        if not (code in _SENDABLE or 3000 <= code <= 4999):
            raise ValueError(f"{code!r} is not a close code that may be sent: use 1000, 1001, or one from 3000 to 4999")
        if len(reason.encode()) > 123:
            raise ValueError("the reason for closing is longer than 123 bytes")
        if self.state is OPEN:
            self._send_close(code, reason)
            self.state = CLOSING

    def data_to_send(self) -> bytes:
        """What is to be written, empty for nothing."""
        out = self._out
        if not out:
            return b""
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        return data

    # --- receiving --------------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes) -> list[Message]:
        """Take in what was read, cut anywhere; returns the messages that are complete with it, in order.

        What the peer does wrong is answered with a Close frame, and leaves the connection `CLOSED` with a `failure`.
        """
        messages: list[Message] = []
        if self.state is CLOSED:
            return messages
        self._heard = True
        buffer = self._buffer
        if buffer:
            buffer += data
            self._missing -= len(data)
            if self._missing > 0:
                return messages
            data = bytes(buffer)
            buffer.clear()
        position, end = 0, len(data)
        max_size = self._max_size
        while position < end:
            if self._slow:
                taken = data[position : position + self._slow]
                self._slow -= len(taken)
                position += len(taken)
                self._receive_slowly(taken, messages)
                if self.state is CLOSED:
                    return messages
                continue
            if end - position < 2:
                self._keep(data, position, 2)
                break
            first, length = data[position], data[position + 1]
            start = position + (2 if length & 0x7F < 126 else 4 if length & 0x7F == 126 else 10)
            if start > end:
                self._keep(data, position, start - position)
                break
            short = length < 126
            if not short:
                length = int.from_bytes(data[position + 2 : start], "big") if length & 0x7F > 125 else length & 0x7F
            if max_size is not None and length > max_size and not first & 0x08:
                self._fail(1009, f"a frame of {length} bytes, more than max_size={max_size}")
                return messages
            # A whole message, and its length written as it should be: see the beginning of this file.
            if (first == 0x81 or first == 0x82) and self._fragments is None and (short or _is_plain(data, position)):
                stop = start + length
                if stop > end:
                    self._keep(data, position, stop - position)
                    break
                payload = data[start:stop]
                if first == 0x81 and not payload.isascii():
                    try:
                        payload.decode()
                    except UnicodeDecodeError as error:
                        self._fail(1007, f"text that is not UTF-8: {error.reason}")
                        return messages
                messages.append(Message(payload, first == 0x81))
                position = stop
            else:
                # No masking key: a frame that is masked all the same is refused when its header is seen.
                self._slow = start - position + length
        return messages

    def receive_eof(self) -> list[Message]:
        """Note that nothing more comes. A message that is not complete is lost, which the `failure` says."""
        if self.state is not CLOSED:
            partial = bool(self._buffer or self._slow or self._fragments)
            self._end("the connection ended" + (" inside a message" if partial else ""))
        return []

    def connection_lost(self, error: Exception) -> None:
        """Note that the connection broke."""
        if self.state is not CLOSED:
            self._end(str(error) or type(error).__name__)

    def closed_error(self) -> WebSocketConnectionClosedError:
        """What to raise for something that a closed connection, or one about to be, can't do."""
        return closed_error(self.received, self.failure)

    # --- is the peer still there? -----------------------------------------------------------------------------------

    def tick(self, now: float, pending: bool = False) -> None:
        """To be called every few seconds: sends pings where the peer is silent, and gives it up where it stays so.

        Args:
            now: the time in seconds.
            pending: there is something to be read, which nobody has had the time to read.
        """
        if self.state is not OPEN or self._ping_interval is None:
            return
        if self._heard or pending:
            self._heard = False
            self._quiet_since = now
            self._pinged_at = None
        elif self._pinged_at is None:
            if now - self._quiet_since >= self._ping_interval:
                self._pinged_at = now
                self.ping(b"oxide")
        elif self._ping_timeout is not None and now - self._pinged_at >= self._ping_timeout:
            self._fail(1011, f"no answer to a ping within {self._ping_timeout:g} s (ping_timeout)")

    # --- the less common ways ---------------------------------------------------------------------------------------

    def _keep(self, data: bytes, position: int, size: int) -> None:
        """Wait until there are `size` bytes of the frame that begins at `position`."""
        self._buffer += data[position:]
        self._missing = size - len(self._buffer)

    def _receive_slowly(self, data: bytes, messages: list[Message]) -> None:
        """Have wsproto read a part of a frame."""
        self._proto.receive_bytes(data)
        try:
            for part in self._proto.received_frames():
                self._receive_part(part.opcode, part.payload, part.message_finished, messages)
                if self.state is CLOSED:
                    return
        except ParseFailed as error:
            if error.code == 1009:
                self._fail(1009, f"a message that is longer than max_size={self._max_size} when it is inflated")
            else:
                self._fail(error.code, str(error))

    def _receive_part(self, opcode: Opcode, payload: Any, finished: bool, messages: list[Message]) -> None:
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            data = payload.encode() if opcode is Opcode.TEXT else payload
            if self._fragments is None:
                self._fragments = []
                self._size = 0
            self._fragments.append(data)
            self._size += len(data)
            if self._max_size is not None and self._size > self._max_size:
                self._fail(1009, f"a message of more than max_size={self._max_size} bytes")
            elif finished:
                messages.append(Message(b"".join(self._fragments), opcode is Opcode.TEXT))
                self._fragments = None
        elif opcode is Opcode.PING:
            # After our own Close nothing more is sent.
            if self.state is OPEN:
                self._out.append(frame(0x80 | Opcode.PONG, payload))
        elif opcode is Opcode.CLOSE:
            code, reason = payload
            self.received = (int(code), reason)
            if self.sent is None:
                self._send_close(int(code), reason)
            self.state = CLOSED

    def _send_close(self, code: int, reason: str) -> None:
        self.sent = (code, reason)
        body = b"" if code == NO_STATUS else code.to_bytes(2, "big") + reason.encode()
        self._out.append(frame(0x80 | Opcode.CLOSE, body))

    def _fail(self, code: int, text: str) -> None:
        """Close because of something the peer did or did not do (RFC 6455, section 7.1.7)."""
        if self.sent is None:
            self._send_close(int(code), text.encode()[:123].decode(errors="ignore"))
        self._end(text)

    def _end(self, text: str) -> None:
        self.failure = text
        self.state = CLOSED
        self._buffer.clear()
        self._fragments = None


class _Frames(FrameProtocol):
    """wsproto's reader of frames. A server may close with 1014 (a gateway behind it failed), which was registered after wsproto's list."""

    def _process_close(self, frame: Any) -> Any:
        if frame.payload[:2] != _BAD_GATEWAY:
            return super()._process_close(frame)
        checked: Any = super()._process_close(frame._replace(payload=b"\x03\xf5" + frame.payload[2:]))
        return checked._replace(payload=(1014, checked.payload[1]))


def frame(first: int, payload: bytes) -> bytes:
    """A frame as a client sends it: masked with a key of its own (RFC 6455, sections 5.2 and 5.3).

    Args:
        first: the first byte: FIN, the reserved bits and the opcode.
        payload: what it carries.
    """
    size = len(payload)
    key = os.urandom(4)
    if size < 1024:
        # As one large number; beyond, wsproto's way by translation tables is the faster one.
        pad = (key * ((size >> 2) + 1))[:size]
        masked = (int.from_bytes(payload, "little") ^ int.from_bytes(pad, "little")).to_bytes(size, "little")
        if size < 126:
            return b"%c%c%b%b" % (first, 0x80 | size, key, masked)
    else:
        masked = bytes(XorMaskerSimple(key).process(payload))  # type: ignore[arg-type]
    if size < 0x10000:
        return b"%c\xfe%b%b%b" % (first, size.to_bytes(2, "big"), key, masked)
    return b"%c\xff%b%b%b" % (first, size.to_bytes(8, "big"), key, masked)


def _is_plain(data: bytes, position: int) -> bool:
    """Whether a length that takes more than one byte is unmasked and could not have been written in fewer."""
    second = data[position + 1]
    if second == 126:
        return data[position + 2] != 0 or data[position + 3] > 125
    return second == 127 and data[position + 2] < 0x80 and any(data[position + 2 : position + 8])


_BAD_GATEWAY = (1014).to_bytes(2, "big")
_SENDABLE = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})
