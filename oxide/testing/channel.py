"""One WebSocket connection, seen by the endpoint that speaks on it: messages, what a script puts between, and tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from contextlib import suppress
from typing import Any

import msgspec

from .connection import Connection
from .exchange import ClientLeft
from .record import Hub, RecordedRequest, RecordedSocket
from .script import Action, Gate, Socket

__all__ = ["Channel", "Fifo"]

Job = Callable[[], Coroutine[Any, Any, None]]
_ABNORMAL = 1006


class Channel:
    """A WebSocket that was accepted.

    `receive` has one caller, the loop of the endpoint, which is also how it is noticed that the client left; everything that
    may have to wait runs in tasks (`spawn`).

    Attributes:
        request: the handshake.
        recorded: what is said.
    """

    def __init__(
        self,
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
        connection: Connection | None,
        request: RecordedRequest,
        hub: Hub,
        script: Socket,
    ) -> None:
        assert request.socket is not None
        self.request = request
        self.recorded: RecordedSocket = request.socket
        self._receive = receive
        self._send = send
        self._connection = connection
        self._hub = hub
        self._script = script
        self._speaking = asyncio.Lock()
        self._count = 0
        self._silent = False
        self._tasks: set[asyncio.Task[None]] = set()

    # --- what the endpoint does ---

    async def receive(self) -> str | bytes:
        """The next message.

        Raises:
            ClientLeft: there is none, the connection is closed.
        """
        if self._script.reading is not None:
            await self._script.reading.wait()
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            if self.recorded.close_code is None:
                self.recorded.close_code = message.get("code", _ABNORMAL)
                self.recorded.close_reason = message.get("reason") or ""
            raise ClientLeft
        text: str | None = message.get("text")
        received: str | bytes = message["bytes"] if text is None else text
        self._hub.note(self.recorded.received, received)
        return received

    async def send(self, message: str | bytes) -> None:
        """Send a message, unless the script has something against it.

        Raises:
            ClientLeft: the connection is closed.
        """
        async with self._speaking:
            await self._before_message()
            kind = "text" if isinstance(message, str) else "bytes"
            # First: what the client has received is to be there for whoever looks.
            self._hub.note(self.recorded.sent, message)
            await self._write({"type": "websocket.send", kind: message})
            self._count += 1
        # The others that have something to say on this connection get their turn.
        await asyncio.sleep(0)

    async def send_json(self, value: object) -> None:
        """Send a JSON value as text."""
        await self.send(msgspec.json.encode(value).decode())

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Send a close frame, after which nothing is sent any more.

        Raises:
            ClientLeft: the connection is closed already.
        """
        async with self._speaking:
            if not self._silent:
                self._silent = True
                await self._write({"type": "websocket.close", "code": code, "reason": reason})

    async def pause(self, what: Gate | float) -> None:
        """Wait for a gate, or for some seconds."""
        await (what.wait() if isinstance(what, Gate) else asyncio.sleep(what))

    async def write_raw(self, data: bytes) -> None:
        """Write bytes past the WebSocket layer."""
        connection = self.connection()
        await connection.flushed()
        connection.write(data)

    async def break_off(self, action: Action) -> None:
        """End it without a close frame: FIN, RST, or silence. Nothing is sent any more."""
        async with self._speaking:
            await self._break(action)

    def break_after_bytes(self, count: int, action: Action) -> None:
        """The same, after so many more bytes on the wire."""
        connection = self.connection()

        def cut() -> None:
            self._silent = True
            if action != "stall":
                # What is written is with the kernel first, which takes a little for more than it holds.
                self.spawn(self._end(connection, action))

        connection.cut_after(count, cut)

    def connection(self) -> Connection:
        """The connection below.

        Raises:
            RuntimeError: the server is not `MockServer`'s own.
        """
        if self._connection is None:
            raise RuntimeError("this fault needs the connection, which only MockServer's own server gives")
        return self._connection

    # --- tasks ---

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside; it ends with the connection."""
        task = asyncio.ensure_future(self._guarded(coroutine))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # One that is cancelled before it began would warn that it was never awaited.
        task.add_done_callback(lambda _: coroutine.close())
        return task

    async def end(self) -> None:
        """The connection is over: so are its tasks."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _guarded(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except ClientLeft:
            pass  # the endpoint's loop finds out by itself
        except Exception as error:
            # A script that makes no sense: nobody would answer, and the client would wait for ever.
            with suppress(ClientLeft):
                await self.close(1011, repr(error)[:100])
            raise

    # --- the script ---

    def begin(self) -> None:
        """The handshake is done: from here on bytes and messages count."""
        script = self._script
        limits: tuple[tuple[Action, int | None], ...] = (
            ("close", script.cut_after_bytes),
            ("reset", script.reset_after_bytes),
            ("stall", script.stall_after_bytes),
        )
        for action, count in limits:
            if count is not None:
                self.break_after_bytes(count, action)
        if 0 in (script.close_after, script.cut_after, script.reset_after, script.garbage_after):
            self.spawn(self._at_once())

    async def _at_once(self) -> None:
        async with self._speaking:
            await self._before_message()

    async def _before_message(self) -> None:
        script, count = self._script, self._count
        gate = None if script.gates is None else script.gates.get(count)
        if gate is not None:
            await gate.wait()
        if not self._silent:
            if count == script.close_after:
                self._silent = True
                await self._write({"type": "websocket.close", "code": script.code, "reason": script.reason})
            elif count == script.garbage_after:
                self._silent = True
                await self.write_raw(script.garbage)
            elif count == script.cut_after:
                await self._break("close")
            elif count == script.reset_after:
                await self._break("reset")
            elif count == script.stall_after:
                self._silent = True
        if self._silent:
            raise ClientLeft

    async def _break(self, action: Action) -> None:
        self._silent = True
        if action != "stall":
            await self._end(self.connection(), action)

    @staticmethod
    async def _end(connection: Connection, action: Action) -> None:
        await connection.flushed()
        if action == "close":
            connection.close()
        else:
            connection.reset()

    async def _write(self, message: MutableMapping[str, Any]) -> None:
        try:
            await self._send(message)
        except OSError:  # uvicorn's ClientDisconnected
            raise ClientLeft from None


class Fifo:
    """Jobs of one channel, one after the other."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def put(self, job: Job) -> None:
        """Add a job."""
        self._jobs.put_nowait(job)
        if self._task is None or self._task.done():
            self._task = self._channel.spawn(self._work())

    async def _work(self) -> None:
        while not self._jobs.empty():
            await self._jobs.get_nowait()()
