"""WebSocket turns: `client.responses.connect` of oxide and of the official SDK, which has it on `websockets`.

A turn is one `response.create` on an open connection, and its events received one by one.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from . import payloads
from .checks import check_stream
from .server import Server

__all__ = ["TURN", "AsyncTurns", "SyncTurns", "Upgraded", "async_turns", "sync_turns"]

TURN = 20
"""Events of a short turn."""


class SyncTurns:
    """A synchronous client, and a connection of it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.connection = client.responses.connect().enter()

    def turn(self, length: int) -> None:
        connection = self.connection
        connection.response.create(model=payloads.stream_model(length), input=payloads.PROMPT)
        seen = 0
        deltas: list[str] = []
        while True:
            event = connection.recv()
            seen += 1
            if event.type == "response.output_text.delta":
                deltas.append(event.delta)
            elif event.type == "response.completed":
                break
        check_stream(length, seen, deltas)

    def close(self) -> None:
        self.connection.close()
        self.client.close()


class AsyncTurns:
    """An asynchronous client, and a connection of it from the first turn on."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.connection: Any = None

    async def turn(self, length: int) -> None:
        if self.connection is None:
            self.connection = await self.client.responses.connect().enter()
        connection = self.connection
        await connection.response.create(model=payloads.stream_model(length), input=payloads.PROMPT)
        seen = 0
        deltas: list[str] = []
        while True:
            event = await connection.recv()
            seen += 1
            if event.type == "response.output_text.delta":
                deltas.append(event.delta)
            elif event.type == "response.completed":
                break
        check_stream(length, seen, deltas)

    async def close(self) -> None:
        if self.connection is not None:
            await self.connection.close()
        await self.client.close()


def _client(package: str, name: str, server: Server) -> Any:
    from importlib import import_module

    from .peers import OPTIONS

    return getattr(import_module(package), name)(base_url=server.base_url, **OPTIONS)


def sync_turns(package: str, server: Server) -> SyncTurns:
    return SyncTurns(_client(package, "OpenAI", server))


def async_turns(package: str, server: Server) -> AsyncTurns:
    return AsyncTurns(_client(package, "AsyncOpenAI", server))


# --- the server's side ----------------------------------------------------------------------------------------------


def _frame(data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        return bytes((0x81, size)) + data
    head = b"\x81\x7e" + size.to_bytes(2, "big") if size < 0x10000 else b"\x81\x7f" + size.to_bytes(8, "big")
    return head + data


def _writes(length: int) -> tuple[bytes, ...]:
    frames = [_frame(payloads.compact(document)) for document in payloads.response_events(length)]
    step = payloads.EVENTS_PER_WRITE
    return tuple(b"".join(frames[i : i + step]) for i in range(0, len(frames), step))


class Upgraded:
    """A connection that was upgraded: which writes answer what came."""

    def __init__(self, key: bytes) -> None:
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.head = (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.buffer = b""
        self.closed = False

    def receive(self, data: bytes) -> list[bytes]:
        self.buffer += data
        out: list[bytes] = []
        while len(self.buffer) >= 6:
            buffer = self.buffer
            size, start = buffer[1] & 0x7F, 2
            if size == 126:
                size, start = int.from_bytes(buffer[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(buffer[2:10], "big"), 10
            end = start + 4 + size
            if len(buffer) < end:
                break
            key, masked = buffer[start : start + 4], buffer[start + 4 : end]
            self.buffer = buffer[end:]
            keys = (key * (size // 4 + 1))[:size]
            payload = (int.from_bytes(masked, "big") ^ int.from_bytes(keys, "big")).to_bytes(size, "big")
            opcode = buffer[0] & 0x0F
            if opcode == 1:
                length = next(each for each in LENGTHS if payloads.stream_model(each).encode() + b'"' in payload)
                out += TURNS[length]
            elif opcode in (8, 9):
                out.append(bytes((0x80 | (8 if opcode == 8 else 10), size)) + payload)
                self.closed = opcode == 8
        return out


LENGTHS = (TURN, payloads.LONG_STREAM)
TURNS = {length: _writes(length) for length in LENGTHS}
