"""The floor of HTTP/2: h2, a raw socket and typed msgspec decoding, all streams of a connection in one loop.

Nothing but what the protocol asks for: no pool, timeout, retry or error handling, and no task for each stream, so nobody has to be
woken. `Fan` starts that many streams, reads until all have ended, and checks each.
"""

from __future__ import annotations

import asyncio
import socket

import h2.config
import h2.connection
import h2.events

from . import payloads
from .checks import check_stream
from .floor import READ_SIZE, Events, connect, encode
from .server import Server

HEADERS = [
    (":method", "POST"),
    (":scheme", "http"),
    (":authority", "127.0.0.1"),
    (":path", "/v1/responses"),
    ("authorization", "Bearer sk-benchmark"),
    ("content-type", "application/json"),
    ("accept", "application/json"),
    ("user-agent", "floor"),
]


class Fan:
    """One connection; `length` events in each stream."""

    def __init__(self) -> None:
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(2**24)

    def begin(self, streams: int, length: int) -> bytes:
        self.length = length
        self.open: dict[int, Events] = {}
        body = encode({"model": payloads.stream_model(length), "input": payloads.PROMPT, "stream": True})
        headers = [*HEADERS, ("content-length", str(len(body)))]
        for _ in range(streams):
            number = self.h2.get_next_available_stream_id()
            self.h2.send_headers(number, headers)
            self.h2.send_data(number, body, end_stream=True)
            self.open[number] = Events()
        return self.h2.data_to_send()

    def receive(self, data: bytes) -> bytes:
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                self.open[event.stream_id].take((event.data,))
            elif isinstance(event, h2.events.StreamEnded):
                events = self.open.pop(event.stream_id)
                check_stream(self.length, events.seen, events.deltas)
        return self.h2.data_to_send()


class SyncH2Floor:
    def __init__(self, server: Server) -> None:
        self.connection = connect(server)
        self.fan = Fan()

    def fan_out(self, streams: int, length: int) -> None:
        self.connection.sendall(self.fan.begin(streams, length))
        while self.fan.open:
            answer = self.fan.receive(self.connection.recv(READ_SIZE))
            if answer:
                self.connection.sendall(answer)

    def close(self) -> None:
        self.connection.close()


class AsyncioH2Floor:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.connection: socket.socket | None = None
        self.fan = Fan()

    async def fan_out(self, streams: int, length: int) -> None:
        loop = asyncio.get_running_loop()
        if self.connection is None:
            self.connection = connect(self.server)
            self.connection.setblocking(False)
        await loop.sock_sendall(self.connection, self.fan.begin(streams, length))
        while self.fan.open:
            answer = self.fan.receive(await loop.sock_recv(self.connection, READ_SIZE))
            if answer:
                await loop.sock_sendall(self.connection, answer)

    async def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
