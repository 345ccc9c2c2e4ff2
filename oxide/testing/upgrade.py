"""The handshake of a WebSocket: who may have one, and which endpoint speaks on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

from .channel import Channel
from .connection import Connection
from .exchange import Answer, ClientLeft, complete_headers
from .models import Models
from .record import Hub, RecordedRequest
from .script import Gate, Socket
from .store import Store

__all__ = ["Context", "Endpoint", "hold", "hold_receive", "hold_send", "offered"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass
class Context:
    """What an endpoint has to work with.

    Attributes:
        params: the parts of the path that the route leaves open.
        deployment: the model named by an Azure deployment's path.
    """

    store: Store
    models: Models
    hub: Hub
    params: tuple[str, ...] = ()
    deployment: str | None = None


class Endpoint(Protocol):
    """What speaks on a WebSocket."""

    async def opened(self) -> None:
        """The handshake is done."""

    def received(self, message: str | bytes) -> None:
        """A message came; nothing here may wait."""

    async def expired(self) -> None:
        """The connection is as old as it may get: say so, and close."""


_PROTOCOL = "realtime"


def offered(request: RecordedRequest) -> list[str]:
    """The subprotocols that a handshake offers."""
    return [name.strip() for name in (request.header("sec-websocket-protocol") or "").split(",")]


async def hold(
    make: Callable[[Channel], Endpoint],
    receive: Receive,
    send: Send,
    *,
    connection: Connection | None,
    request: RecordedRequest,
    hub: Hub,
    script: Socket,
    max_age: float | Gate | None,
) -> None:
    """Accept a WebSocket, and speak on it until it is closed.

    Raises:
        ClientLeft: always, in the end.
    """
    channel = Channel(receive, send, connection, request, hub, script)
    common = [(b"x-request-id", b"req_websocket")]
    if _PROTOCOL in offered(request):
        # What pages offer beside their key; a browser ends a connection on which none of its subprotocols was chosen.
        common.append((b"sec-websocket-protocol", _PROTOCOL.encode()))
    headers = complete_headers(Answer(101, [], b"", changes=script.headers), common)
    try:
        if script.delay:
            await channel.pause(script.delay)
        if script.until is not None:
            await channel.pause(script.until)
        try:
            await send(
                {"type": "websocket.accept", "headers": [pair for pair in headers if pair[0] != b"content-length"]}
            )
        except OSError:
            raise ClientLeft from None
        channel.begin()
        endpoint = make(channel)
        channel.spawn(_opened(channel, endpoint, script))
        age = max_age if script.max_age is None else script.max_age
        if age is not None:
            channel.spawn(_expire(channel, endpoint, age))
        while True:
            endpoint.received(await channel.receive())
    finally:
        channel.recorded.open = False
        await channel.end()


async def _opened(channel: Channel, endpoint: Endpoint, script: Socket) -> None:
    await endpoint.opened()
    for event in script.events:
        await (channel.send(event) if isinstance(event, (str, bytes)) else channel.send_json(event))


async def _expire(channel: Channel, endpoint: Endpoint, age: float | Gate) -> None:
    await channel.pause(age)
    await endpoint.expired()


def hold_send(send: Send) -> Send:
    """A `send` for an ordinary response, instead of a WebSocket."""

    async def response(message: Message) -> None:
        try:
            await send({**message, "type": "websocket." + message["type"]})
        except OSError:
            raise ClientLeft from None

    return response


def hold_receive(receive: Receive) -> Receive:
    """A `receive` that knows of requests only."""

    async def request() -> Message:
        message = await receive()
        return {"type": "http.disconnect"} if message["type"] == "websocket.disconnect" else message

    return request
