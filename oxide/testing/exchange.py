"""Sending one answer: the delays, gates and faults of a script put between its pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from .connection import Connection
from .problem import plain_error
from .script import OWN, Action, Fault, Gate, HeaderChanges, Piece, Raw, Reply, Stream

__all__ = ["Answer", "ClientLeft", "Exchange", "apply_reply", "apply_stream", "complete_headers", "paced", "sse"]

Headers = list[tuple[bytes, bytes]]
_JSON = b"application/json"
_EVENTS = b"text/event-stream; charset=utf-8"


class ClientLeft(Exception):
    """The connection is gone, so there is nobody to answer."""


@dataclass
class Answer:
    """A response that is ready to be sent.

    Attributes:
        status: the HTTP status.
        headers: lower-case names and values; `complete_headers` adds what every answer has.
        body: all of it, or its pieces where it is a stream of events.
        events_before_break: where a fault counts events: how many are sent before it strikes.
        changes: what a script says about the headers; it has the last word.
    """

    status: int
    headers: Headers
    body: bytes | Sequence[Piece]
    delay: float = 0.0
    until: Gate | None = None
    fault: Fault | None = None
    events_before_break: int | None = None
    changes: HeaderChanges = ()

    @classmethod
    def json(cls, value: object, status: int = 200) -> Answer:
        """A JSON body."""
        return cls(status, [(b"content-type", _JSON)], msgspec.json.encode(value))

    @classmethod
    def events(cls, frames: Sequence[Piece], status: int = 200) -> Answer:
        """A stream of server-sent events, each framed already."""
        return cls(status, [(b"content-type", _EVENTS), (b"cache-control", b"no-cache")], frames)


def sse(data: bytes, name: bytes | None = None) -> bytes:
    """One server-sent event."""
    return b"event: %s\ndata: %s\n\n" % (name, data) if name is not None else b"data: %s\n\n" % data


def apply_reply(reply: Reply, own: Callable[[], Answer]) -> Answer:
    """The answer that a `Reply` orders; `own` makes the server's."""
    if reply.json is not OWN:
        answer = Answer.json(reply.json, reply.status)
    elif reply.text is not None:
        answer = Answer(reply.status, [(b"content-type", b"text/plain; charset=utf-8")], reply.text.encode())
    elif reply.body is not None:
        answer = Answer(reply.status, [(b"content-type", b"application/octet-stream")], reply.body)
    elif reply.status >= 400:
        answer = Answer.json(plain_error(reply.status), reply.status)
    elif reply.status == 200:
        answer = own()
    else:
        answer = Answer(reply.status, [], b"")
    answer.delay, answer.until, answer.fault = reply.delay, reply.until, reply.fault
    answer.changes = reply.headers
    return answer


def apply_stream(stream: Stream, own: Callable[[], Answer]) -> Answer:
    """The answer that a `Stream` orders.

    Raises:
        ValueError: it leaves the events to the server, and the server's answer is not a stream.
    """
    if stream.events is None:
        answer = own()
        if isinstance(answer.body, bytes):
            raise ValueError("a Stream without events needs a request with stream=true that the server accepts")
    else:
        answer = Answer.events([_piece(event) for event in stream.events], stream.status)
    body = list(paced(answer.body, stream.interval, stream.gates or {}))
    answer.body = body
    answer.delay, answer.until, answer.fault = stream.delay, stream.until, stream.fault
    breaks: tuple[tuple[Action, int | None], ...] = (
        ("close", stream.cut_after),
        ("stall", stream.stall_after),
        ("reset", stream.reset_after),
    )
    for action, after in breaks:
        if after is not None:
            answer.fault = Fault(action, "body")
            answer.events_before_break = after
    if stream.reset_after_bytes is not None:
        answer.fault = Fault.reset_in_body(stream.reset_after_bytes)
    answer.changes = stream.headers
    return answer


def _piece(event: Mapping[str, Any] | str | Piece) -> Piece:
    if isinstance(event, str):
        return sse(event.encode())
    if isinstance(event, Mapping):
        name = event.get("type")
        return sse(msgspec.json.encode(event), name.encode() if isinstance(name, str) else None)
    return event


def paced(body: Iterable[Piece], interval: float, gates: Mapping[int, Gate]) -> Iterator[Piece]:
    """The pieces with the pauses and gates of a script before them."""
    count = 0
    for piece in body:
        if isinstance(piece, bytes):
            if count in gates:
                yield gates[count]
            if interval and count:
                yield interval
            count += 1
        yield piece


def complete_headers(answer: Answer, common: Headers) -> Headers:
    """The headers that are sent: the common ones, the answer's, the length, and over all the script's changes."""
    headers = common + answer.headers
    if isinstance(answer.body, bytes) and answer.status not in (204, 304):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    if not answer.changes:
        return headers
    changes = answer.changes.items() if isinstance(answer.changes, Mapping) else answer.changes
    pairs = [(name.lower().encode("latin-1"), value) for name, value in changes]
    replaced = {name for name, _ in pairs}
    headers = [header for header in headers if header[0] not in replaced]
    return headers + [(name, value.encode("latin-1")) for name, value in pairs if value is not None]


class Exchange:
    """One request's way back to the client."""

    def __init__(
        self,
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
        connection: Connection | None,
    ) -> None:
        self._receive = receive
        self._send = send
        self._connection = connection
        self._leaving: asyncio.Task[None] | None = None

    async def send(self, answer: Answer) -> None:
        """Send it, with its delays and its fault.

        Raises:
            ClientLeft: the client closed the connection, or a fault did.
        """
        if answer.delay:
            await self.pause(answer.delay)
        if answer.until is not None:
            await self.pause(answer.until)
        fault = answer.fault
        if fault is not None and fault.at == "start":
            await self._break(fault)
        body = answer.body
        await self._send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        if fault is not None and fault.at == "head":
            await self._break(fault)
        if fault is not None and fault.at == "body":
            await self._send_part(body, fault, answer.events_before_break)
            await self._break(fault)
        if isinstance(body, bytes):
            await self._send({"type": "http.response.body", "body": body})
        else:
            await self._send_pieces(body)
        if fault is not None and fault.at == "end":
            await self._break(fault)

    async def send_raw(self, raw: Raw) -> None:
        """Write bytes past HTTP.

        Raises:
            ClientLeft: always, in the end.
        """
        connection = self._transport()
        for piece in [raw.pieces] if isinstance(raw.pieces, bytes) else raw.pieces:
            if isinstance(piece, bytes):
                connection.write(piece)
            else:
                await self.pause(piece)
        if raw.close:
            connection.close()
        await self.pause(None)

    async def pause(self, what: Gate | float | None) -> None:
        """Wait for a gate, for some seconds, or (`None`) for ever; for no longer than the client stays.

        Raises:
            ClientLeft: it went.
        """
        if self._leaving is None:
            self._leaving = asyncio.ensure_future(self._client_leaves())
        if what is None:
            await self._leaving
            raise ClientLeft
        waiting = asyncio.ensure_future(what.wait() if isinstance(what, Gate) else asyncio.sleep(what))
        try:
            await asyncio.wait((waiting, self._leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._leaving.done():
            raise ClientLeft

    def end(self) -> None:
        """The exchange is over."""
        if self._leaving is not None:
            self._leaving.cancel()

    async def _client_leaves(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _send_pieces(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, bytes):
                if self._connection is not None and self._connection.transport.is_closing():
                    raise ClientLeft
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            else:
                await self.pause(piece)
        await self._send({"type": "http.response.body", "body": b""})

    async def _send_part(self, body: bytes | Sequence[Piece], fault: Fault, events: int | None) -> None:
        """What comes before a fault in the body."""
        left = fault.after
        for piece in [body] if isinstance(body, bytes) else body:
            if not isinstance(piece, bytes):
                await self.pause(piece)
                continue
            if events is None:
                piece, left = piece[:left], left - min(left, len(piece))
                if not piece:
                    return
            elif events == 0:
                return
            else:
                events -= 1
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def _break(self, fault: Fault) -> None:
        if fault.action != "stall":
            connection = self._transport()
            if fault.action == "close":
                connection.close()
            else:
                await connection.flushed()
                connection.reset()
        await self.pause(None)

    def _transport(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("this fault needs the connection, which only MockServer's own server gives")
        return self._connection
