"""The benchmark server's HTTP/2: the same canned replies as frames, put together beforehand for streams to come.

As little of the protocol as a well-behaved client needs: requests are read as frames, their headers not at all, and replies are made by
writing the stream's number into frames that exist. It ignores the client's windows, which must be as large as a reply, and of its own gives
back the connection's.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import hpack

from . import payloads

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MAX_FRAME_SIZE = 16384
_HEADER = struct.Struct(">HBBBL")
SETTINGS = _HEADER.pack(0, 0, 4, 0, 0)
ACKNOWLEDGED = _HEADER.pack(0, 0, 4, 1, 0)
WINDOW = 32768  # bytes of requests after which the connection's window is given back
MORE = _HEADER.pack(0, 4, 8, 0, 0) + WINDOW.to_bytes(4, "big")


def frame(kind: int, flags: int, payload: bytes) -> tuple[bytes, bytes]:
    """A frame in two parts, between which the stream's number goes."""
    return struct.pack(">HBBB", len(payload) >> 8, len(payload) & 255, kind, flags), payload


def frames(content_type: bytes, writes: list[bytes]) -> list[list[tuple[bytes, bytes]]]:
    """A reply as the frames of each write."""
    # Without the dynamic table, since replies are not made in the order in which they are sent.
    fields = [
        (b":status", b"200"),
        (b"content-type", content_type),
        (b"x-request-id", b"req_0123456789abcdef"),
        (b"openai-processing-ms", b"1"),
        (b"openai-version", b"2020-10-01"),
    ]
    encoder = hpack.Encoder()
    encoder.header_table_size = 0
    reply = [[frame(1, 4, encoder.encode(fields))]]
    for number, data in enumerate(writes, 1):
        pieces = [data[start : start + MAX_FRAME_SIZE] for start in range(0, len(data), MAX_FRAME_SIZE)]
        last = number == len(writes)
        reply.append([frame(0, 1 if last and piece is pieces[-1] else 0, piece) for piece in pieces])
    return reply


def rendered(parts: list[tuple[bytes, bytes]], stream: int) -> bytes:
    number = stream.to_bytes(4, "big")
    return b"".join([head + number + payload for head, payload in parts])


def stream_frames(events: int) -> list[list[tuple[bytes, bytes]]]:
    """A stream of events, each in a frame of its own, as a server sends them that does not wait for more."""
    documents = payloads.response_events(events)
    data = [b"event: %b\ndata: %b\n\n" % (d["type"].encode(), payloads.compact(d)) for d in documents]
    head, *body = frames(b"text/event-stream; charset=utf-8", data)
    step = payloads.EVENTS_PER_WRITE
    return [head, *([part for one in body[i : i + step] for part in one] for i in range(0, len(body), step))]


class Replies:
    """Made when the first HTTP/2 connection comes."""

    def __init__(self) -> None:
        small = payloads.compact(payloads.response([payloads.message(payloads.TEXT)]))
        self.small = frames(b"application/json", [small])
        self.streams = {
            payloads.stream_model(length).encode(): stream_frames(length)
            for length in (payloads.SHORT_STREAM, payloads.LONG_STREAM)
        }

    def reply(self, body: bytes) -> list[list[tuple[bytes, bytes]]]:
        for marker, reply in self.streams.items():
            if marker in body:
                return reply
        return self.small


class H2:
    """One connection. `write` is called with what is to be sent."""

    replies: Replies | None = None

    def __init__(self, write: Callable[[bytes], None]) -> None:
        if H2.replies is None:
            H2.replies = Replies()
        self.write = write
        self.rest = b""
        self.bodies: dict[int, bytes] = {}
        self.begun = False
        self.received = 0

    def feed(self, data: bytes) -> None:
        data = self.rest + data
        position = 0
        if not self.begun:
            if len(data) < len(PREFACE):
                self.rest = data
                return
            self.begun = True
            position = len(PREFACE)
            self.write(SETTINGS)
        complete = []
        while len(data) - position >= 9:
            high, low, kind, flags, stream = _HEADER.unpack_from(data, position)
            stop = position + 9 + (high << 8 | low)
            if stop > len(data):
                break
            if kind == 0:
                self.bodies[stream] = self.bodies.get(stream, b"") + data[position + 9 : stop]
                self.received += stop - position - 9
                while self.received >= WINDOW:
                    self.received -= WINDOW
                    self.write(MORE)
                if flags & 1:
                    complete.append(stream)
            elif kind == 4 and not flags & 1:
                self.write(ACKNOWLEDGED)
            elif kind == 3:
                self.bodies.pop(stream, None)
            position = stop
        self.rest = data[position:]
        if complete:
            self.answer(complete)

    def answer(self, streams: list[int]) -> None:
        """Reply to those that came together by turns, as a server with a task for each does."""
        assert H2.replies is not None
        # Those that were reset in the same read want no answer.
        pending = [
            (stream, iter(H2.replies.reply(self.bodies.pop(stream)))) for stream in streams if stream in self.bodies
        ]
        while pending:
            left = []
            for stream, parts in pending:
                part = next(parts, None)
                if part is not None:
                    self.write(rendered(part, stream))
                    left.append((stream, parts))
            pending = left
