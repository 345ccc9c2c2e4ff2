"""The floor: what a call costs with a socket, llhttp and typed msgspec decoding, and no feature beyond.

One connection a lane, kept alive; no pool, timeout, retry, header or error handling. The synchronous one is a blocking
socket, asyncio's is a Protocol (the quickest way asyncio has), trio's a non-blocking socket that waits only where the
kernel has nothing yet (quicker than `trio.SocketStream`, which passes two checkpoints a read).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable

import httptools
import msgspec
import trio

from . import payloads, structs
from .checks import check_small, check_stream
from .server import Server

READ_SIZE = 65536
HEAD = (
    b"POST /v1/responses HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer sk-benchmark\r\n"
    b"content-type: application/json\r\naccept: application/json\r\nuser-agent: floor\r\ncontent-length: %d\r\n\r\n"
)
PARAMETERS: dict[str, object] = {"model": payloads.MODEL, "input": payloads.PROMPT}
encode = msgspec.json.encode


def request(parameters: dict[str, object]) -> bytes:
    """The bytes of one request; made anew for every call, as a client must."""
    body = encode(parameters)
    return HEAD % len(body) + body


def streaming(model: str) -> bytes:
    """The bytes of one request for a stream."""
    return request({"model": model, "input": payloads.PROMPT, "stream": True})


class Exchange:
    """llhttp's callbacks for one connection: the body's parts, and whether the message is complete."""

    def __init__(self) -> None:
        self.feed = httptools.HttpResponseParser(self).feed_data
        self.parts: list[bytes] = []
        self.complete = False

    def begin(self) -> None:
        self.parts = []
        self.complete = False

    def on_body(self, body: bytes) -> None:
        self.parts.append(body)

    def on_message_complete(self) -> None:
        self.complete = True


class Events:
    """Cuts an event stream into events, decodes each, and does what every contender's caller does with them."""

    def __init__(self) -> None:
        self.rest = b""
        self.seen = 0
        self.deltas: list[str] = []

    def take(self, parts: Iterable[bytes]) -> None:
        blocks = (self.rest + b"".join(parts)).split(b"\n\n")
        self.rest = blocks.pop()
        decode = structs.decode_event
        for block in blocks:
            event = decode(block[block.index(b"\ndata: ") + 7 :])
            self.seen += 1
            if type(event) is structs.TextDelta:
                self.deltas.append(event.delta)


def finish(parts: list[bytes]) -> None:
    response = structs.decode_response(b"".join(parts))
    message = response.output[0]
    assert isinstance(message, structs.Message)
    check_small(response.id, message.content[0].text)


def connect(server: Server) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class SyncFloor:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.lanes: dict[int, tuple[socket.socket, Exchange]] = {}

    def lane(self, lane: int) -> tuple[socket.socket, Exchange]:
        if lane not in self.lanes:
            self.lanes[lane] = connect(self.server), Exchange()
        return self.lanes[lane]

    def create(self, lane: int, parameters: dict[str, object] = PARAMETERS) -> None:
        connection, exchange = self.lane(lane)
        exchange.begin()
        connection.sendall(request(parameters))
        while not exchange.complete:
            exchange.feed(connection.recv(READ_SIZE))
        finish(exchange.parts)

    def stream(self, lane: int, model: str, length: int) -> None:
        connection, exchange = self.lane(lane)
        exchange.begin()
        connection.sendall(streaming(model))
        events = Events()
        while not exchange.complete:
            exchange.feed(connection.recv(READ_SIZE))
            events.take(exchange.parts)
            exchange.parts.clear()
        check_stream(length, events.seen, events.deltas)

    def close(self) -> None:
        for connection, _ in self.lanes.values():
            connection.close()


class Protocol(Exchange, asyncio.Protocol):
    """One connection of the asyncio floor; `waiter` is set off by data where it streams, and by the end of the message."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.get_running_loop()
        self.streaming = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.feed(data)
        if self.streaming or self.complete:
            waiter = self.waiter
            if not waiter.done():
                waiter.set_result(None)

    def send(self, data: bytes, *, streaming: bool) -> None:
        self.begin()
        self.streaming = streaming
        self.waiter: asyncio.Future[None] = self.loop.create_future()
        self.transport.write(data)


class AsyncioFloor:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.lanes: dict[int, Protocol] = {}

    async def lane(self, lane: int) -> Protocol:
        loop = asyncio.get_running_loop()
        _, self.lanes[lane] = await loop.create_connection(Protocol, "127.0.0.1", self.server.port)
        return self.lanes[lane]

    async def create(self, lane: int, parameters: dict[str, object] = PARAMETERS) -> None:
        connection = self.lanes.get(lane) or await self.lane(lane)
        connection.send(request(parameters), streaming=False)
        await connection.waiter
        finish(connection.parts)

    async def stream(self, lane: int, model: str, length: int) -> None:
        connection = self.lanes.get(lane) or await self.lane(lane)
        connection.send(streaming(model), streaming=True)
        events = Events()
        while True:
            await connection.waiter
            connection.waiter = connection.loop.create_future()
            events.take(connection.parts)
            connection.parts.clear()
            if connection.complete:
                break
        check_stream(length, events.seen, events.deltas)

    async def close(self) -> None:
        for connection in self.lanes.values():
            connection.transport.close()


class TrioFloor:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.lanes: dict[int, tuple[socket.socket, Exchange]] = {}

    def lane(self, lane: int) -> tuple[socket.socket, Exchange]:
        if lane not in self.lanes:
            connection = connect(self.server)
            connection.setblocking(False)
            self.lanes[lane] = connection, Exchange()
        return self.lanes[lane]

    async def send(self, connection: socket.socket, data: bytes) -> None:
        while data := data[connection.send(data) :]:
            await trio.lowlevel.wait_writable(connection)

    async def create(self, lane: int, parameters: dict[str, object] = PARAMETERS) -> None:
        connection, exchange = self.lane(lane)
        exchange.begin()
        await self.send(connection, request(parameters))
        while not exchange.complete:
            await trio.lowlevel.wait_readable(connection)
            exchange.feed(connection.recv(READ_SIZE))
        finish(exchange.parts)

    async def stream(self, lane: int, model: str, length: int) -> None:
        connection, exchange = self.lane(lane)
        exchange.begin()
        await self.send(connection, streaming(model))
        events = Events()
        while not exchange.complete:
            await trio.lowlevel.wait_readable(connection)
            exchange.feed(connection.recv(READ_SIZE))
            events.take(exchange.parts)
            exchange.parts.clear()
        check_stream(length, events.seen, events.deltas)

    async def close(self) -> None:
        for connection, _ in self.lanes.values():
            connection.close()
