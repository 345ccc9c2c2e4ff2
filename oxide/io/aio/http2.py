"""HTTP/2 for tasks. On asyncio the event loop reads a connection; elsewhere the tasks that wait do, for one another, as threads do."""

from __future__ import annotations

from asyncio import _get_running_loop
from time import monotonic
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel

from ...core.checkout import checkout, is_live
from ...core.errors import ReadError, TransportError
from ...core.http import Request, Response
from ...core.http2_options import HTTP2
from ...core.http2_stream import H2Stream, replayable
from ...core.limits import DRAIN_LIMIT
from ..abort import StreamSwitch
from ..http2 import HIGH_WATER, link_of
from ..pool import SharedPool
from .http2_loop import LoopConnection, LoopNap
from .run import run
from .waiting import _in_trio

if TYPE_CHECKING:
    from .network import Connection

__all__ = ["SharedConnection", "send", "share"]


def share(connection: Connection, scheme: str, options: HTTP2, pool: SharedPool) -> SharedConnection:
    """A connection that was made for HTTP/2 as one that calls can share."""
    return SharedConnection(link_of(connection), scheme, options, pool, connection.h1.max_expansion)


class SharedConnection(LoopConnection):
    """One HTTP/2 connection, used by any number of tasks of one event loop at a time."""

    async def wait(self, stream: H2Stream) -> None:
        """Until there is news for a stream.

        Raises:
            TransportError: the stream ended before its time, and all that came has been taken.
            TimeoutError: a limit passed.
        """
        stream.touched = monotonic()
        loop = None if self._by_turns or _in_trio() else _get_running_loop()
        try:
            while True:
                nap: Any = None
                with self:
                    if stream.news or stream.error is not None:
                        stream.news = False
                        break
                    now = monotonic()
                    left = self._patience(stream, now)
                    if loop is not None and self._attach(loop):
                        nap = LoopNap(loop)
                        self._set_alarm(loop, stream, left)
                        stream.wake = nap.wake
                    else:
                        reading = self._reading.take(stream)
                        writing = self._clogged and self._writer is None
                        if writing:
                            self._writer = stream
                        if reading or writing:
                            left = self._slice(left, now)
                        else:
                            nap = Nap()
                            stream.wake = nap.wake
                            self._reading.sleep(stream)
                if nap is not None:
                    await nap.sleep(left)
                    continue
                try:
                    await self._ready(reading, writing, left)
                finally:
                    if writing:
                        self._writer = None
                self.pump()
        finally:
            with self:
                self._leave(stream)
        self._check(stream)

    async def _ready(self, reading: bool, writing: bool, timeout: float | None) -> None:
        """Until the socket can be read or written, for `timeout` seconds at most."""
        reading = reading and len(self._backlog) <= HIGH_WATER
        if reading and self._more:
            await anyio.lowlevel.checkpoint()
            return
        try:
            with anyio.move_on_after(timeout):
                if reading and writing:
                    async with anyio.create_task_group() as group:

                        async def first(wait: Any) -> None:
                            await wait(self._sock)
                            group.cancel_scope.cancel()

                        group.start_soon(first, anyio.wait_readable)
                        group.start_soon(first, anyio.wait_writable)
                elif reading:
                    await anyio.wait_readable(self._sock)
                elif writing:
                    await anyio.wait_writable(self._sock)
                else:
                    await anyio.sleep_forever()
        except (anyio.ClosedResourceError, OSError, ValueError) as error:
            with self:
                self._machine.fail(ReadError("the connection was closed while it was in use"), error)


class Nap:
    """A sleep that another task can end."""

    __slots__ = ("_event", "wake")

    def __init__(self) -> None:
        self._event = anyio.Event()
        self.wake: Any = self._event.set

    async def sleep(self, seconds: float | None) -> None:
        with anyio.move_on_after(seconds):
            await self._event.wait()


async def send(transport: Any, connection: SharedConnection, request: Request, streaming: bool) -> Response:
    """Send a request on a connection that was checked out, on another one if the server does not take it there."""
    pool = transport._pool
    replays = 0
    while True:
        try:
            return await attempt(pool, connection, request, streaming)
        except TransportError as error:
            if not replayable(request, error, replays):
                raise
        replays += 1
        connection = pool.acquire(request.url.origin)
        if not is_live(connection):
            network = transport._network if request.abort is None else request.abort.over(transport._network)
            connection, _ = await run(checkout(pool, request, connection), network)
        if connection.h1 is not None:
            # The server has changed its mind about the protocol.
            pool.release(connection, True)
            return await transport.send(request, stream=streaming)


async def attempt(pool: SharedPool, connection: SharedConnection, request: Request, streaming: bool) -> Response:
    stream: H2Stream | None = None
    try:
        stream = connection.start(request, streaming)
        if request.abort is not None:
            request.abort.attach(StreamSwitch(connection, stream))
        if stream.sending:
            await finish(connection, stream)
        if not isinstance(request.content, bytes):
            await upload(connection, stream, request.content)
        while not stream.ready:
            await connection.wait(stream)
        response = stream.response()
    except (TransportError, TimeoutError) as error:
        pool.release(connection, connection.leave(stream))
        if stream is None:
            raise
        stream.fail(error)
    except BaseException:
        pool.release(connection, connection.leave(stream))
        raise
    if stream.complete:
        pool.release(connection, connection.leave(stream))
    if streaming:
        response.stream = Body(pool, connection, stream)
    return response


async def finish(connection: SharedConnection, stream: H2Stream) -> None:
    """Send what the stream has of the request's body."""
    while True:
        connection.push(stream)
        if not stream.sending:
            return
        await connection.wait(stream)


async def upload(connection: SharedConnection, stream: H2Stream, content: Any) -> None:
    """Send a request's body that is read meanwhile."""
    chunks = content.__aiter__()
    try:
        async for data in chunks:
            stream.add(data)
            await finish(connection, stream)
            if stream.declined:
                return
        stream.add(b"")
        await finish(connection, stream)
    finally:
        await chunks.aclose()


class Body:
    """The rest of a response: `core.http.AsyncByteStream` on a stream of a shared connection."""

    __slots__ = ("_connection", "_pool", "_shared", "_stream")

    def __init__(self, pool: SharedPool, connection: SharedConnection, stream: H2Stream) -> None:
        self._pool = pool
        self._stream = stream
        self._shared = connection
        self._connection: SharedConnection | None = None if stream.complete else connection

    def hold(self) -> None:
        """Note that the whole body is to be kept in memory."""
        self._stream.hold()

    async def __anext__(self) -> bytes:
        stream = self._stream
        while True:
            if stream.available:
                data = self._take()
                if data:
                    return data
            if self._connection is None:
                raise StopAsyncIteration
            await self._receive(self._connection)

    def _take(self) -> bytes:
        try:
            return self._shared.take(self._stream)
        except BaseException:
            self._give_up()
            raise

    async def _receive(self, connection: SharedConnection) -> None:
        stream = self._stream
        try:
            await connection.wait(stream)
        except (TransportError, TimeoutError) as error:
            self._give_up()
            stream.fail(error)
        except BaseException:
            self._give_up()
            raise
        if stream.complete:
            self._connection = None
            self._pool.release(connection, connection.leave(stream))

    async def drain(self, seconds: float) -> None:
        """Read on for at most `seconds` to reach the end, if it is near; what comes is dropped."""
        stream = self._stream
        end = monotonic() + seconds
        deadline = stream.request.deadline
        stream.request.deadline = end if deadline is None else min(end, deadline)
        left = DRAIN_LIMIT
        try:
            while self._connection is not None:
                left -= len(self._take())
                if left < 0:
                    return
                await self._receive(self._connection)
        except TransportError:
            # The caller has all it wanted; `_receive` has ended the stream.
            return
        finally:
            stream.request.deadline = deadline

    def _give_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.release(connection, connection.leave(self._stream))

    async def aclose(self) -> None:
        self._give_up()

    def __del__(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.lose_stream(connection, self._stream)
