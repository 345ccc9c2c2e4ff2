"""The messages of one turn over a WebSocket: the server's own, or a script's, with its pauses and faults between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Union

import msgspec

from .channel import Channel
from .exchange import paced
from .problem import Problem, plain_error
from .record import Hub, RecordedRequest
from .script import OWN, Close, Fault, Gate, Raw, Reply, Script, Socket, Stream

__all__ = ["Message", "Ordered", "Pieces", "read_event", "turn_request"]

JSON = dict[str, Any]
Message = Union[str, bytes]
Pieces = Iterable[Union[Message, Gate, float]]


def read_event(message: Message) -> JSON:
    """A client's message as the JSON object that it is.

    Raises:
        Problem: it is none.
    """
    try:
        event = msgspec.json.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Problem(400, "We could not parse the JSON body of your message.", code="invalid_json") from None
    if not isinstance(event, dict):
        raise Problem(400, "Invalid message: expected an object.", code="invalid_type")
    return event


def turn_request(channel: Channel, event: JSON) -> RecordedRequest:
    """An event that asks for a response, as the request that it is."""
    handshake = channel.request
    return RecordedRequest(
        method="WS",
        path=handshake.path,
        query_string=handshake.query_string,
        headers=[],
        body=msgspec.json.encode(event),
        connection=handshake.connection,
    )


class Ordered:
    """What a script says about one turn.

    Args:
        script: as it was queued; `None` where nothing was.
    """

    def __init__(self, channel: Channel, request: RecordedRequest, hub: Hub) -> None:
        self._channel = channel
        self._request = request
        self._hub = hub
        # Taken before anybody can see the request, so that what is queued in answer to it is for the next one.
        self._script = hub.take(request)
        hub.arrived(request)

    async def begin(self) -> bool:
        """What comes before the turn; False where the turn doesn't."""
        script = self._script
        while callable(script):
            script = script(self._request)
        self._script = script
        if isinstance(script, Socket):
            raise TypeError("a Socket is for a handshake, not for a turn")
        if isinstance(script, Raw):
            await self._raw(script)
            return False
        if isinstance(script, (Reply, Stream)):
            if script.delay:
                await self._channel.pause(script.delay)
            if script.until is not None:
                await self._channel.pause(script.until)
        return True

    @property
    def is_own(self) -> bool:
        """Whether the events are left to the server."""
        script = self._script
        if isinstance(script, Stream):
            return script.events is None
        if isinstance(script, Reply):
            return script.status == 200 and script.json is OWN and script.text is None and script.body is None
        return True

    def messages(self, fields: JSON) -> Pieces:
        """The messages that the script has; `fields` are what its events have besides."""
        script = self._script
        if isinstance(script, Stream):
            return [_message(event, fields) for event in script.events or ()]
        assert isinstance(script, Reply)
        return [_reply(script, fields)]

    async def send(self, pieces: Pieces) -> bool:
        """Send the messages of the turn; whether the connection is still there then."""
        script, channel = self._script, self._channel
        if isinstance(script, Stream):
            pieces = _paced(pieces, script)
        end, left = _end(script)
        if isinstance(end, Fault) and end.at == "body" and left is None:
            channel.break_after_bytes(end.after, end.action)
        for piece in pieces:
            if isinstance(piece, (Gate, float, int)):
                await channel.pause(piece)
                continue
            if left is not None:
                if left == 0:
                    break
                left -= 1
            await channel.send(piece)
        if isinstance(end, Close):
            await channel.close(end.code, end.reason)
        elif isinstance(end, Fault):
            await channel.break_off(end.action)
        return end is None

    def done(self, *, disconnected: bool) -> None:
        """The turn is over."""
        self._hub.done(self._request, disconnected=disconnected)

    async def _raw(self, script: Raw) -> None:
        for piece in [script.pieces] if isinstance(script.pieces, bytes) else script.pieces:
            if isinstance(piece, bytes):
                await self._channel.write_raw(piece)
            else:
                await self._channel.pause(piece)
        if script.close:
            await self._channel.break_off("close")


def _reply(script: Reply, fields: JSON) -> Message:
    if script.text is not None:
        return script.text
    if script.body is not None:
        return script.body
    body = plain_error(script.status) if script.json is OWN else script.json
    if script.status >= 400:
        body = {"type": "error", "status": script.status, **body}
    return _encoded(body, fields)


def _message(event: Any, fields: JSON) -> Message | Gate | float:
    if isinstance(event, Mapping):
        return _encoded(event, fields)
    ready: Message | Gate | float = event
    return ready


def _encoded(event: Any, fields: JSON) -> str:
    return msgspec.json.encode({**fields, **event}).decode()


def _paced(pieces: Pieces, script: Stream) -> Pieces:
    # `paced` counts bytes objects, which text is not.
    ready = (piece.encode() if isinstance(piece, str) else piece for piece in pieces)
    for piece in paced(ready, script.interval, script.gates or {}):
        yield piece.decode() if isinstance(piece, bytes) else piece


def _end(script: Script | None) -> tuple[Fault | Close | None, int | None]:
    """How the turn breaks, and how many events are sent before; `None` for all of them."""
    if isinstance(script, Stream):
        counts: Sequence[tuple[int | None, Fault]] = (
            (script.cut_after, Fault("close", "body")),
            (script.stall_after, Fault("stall", "body")),
            (script.reset_after, Fault("reset", "body")),
        )
        for count, fault in counts:
            if count is not None:
                return fault, count
        if script.reset_after_bytes is not None:
            return Fault.reset_in_body(script.reset_after_bytes), None
    if isinstance(script, Close):
        return script, script.after
    found = script if isinstance(script, Fault) else script.fault if isinstance(script, (Stream, Reply)) else None
    return found, 0 if found is not None and found.at in ("start", "head") else None
