"""HTTP/2 on asyncio: the event loop reads and writes a connection, and wakes up the tasks that wait for it.

The registration with the loop lasts, and one timer for each call is moved along, as in `waiting`; so a read for fifty streams is one
call of `pump`, from the loop itself, and no task has to be cancelled, woken or relieved for it.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future, TimerHandle, _get_running_loop
from collections.abc import Callable
from time import monotonic
from typing import Any

import anyio

from ...core.http2_options import HTTP2
from ...core.http2_stream import H2Stream
from ..http2 import HIGH_WATER, BaseConnection
from ..pool import SharedPool
from .waiting import _in_trio

__all__ = ["LoopConnection", "LoopNap"]


class LoopConnection(BaseConnection):
    """A connection that an event loop of asyncio can take care of; it may go on in another loop, or on trio."""

    def __init__(self, link: Any, scheme: str, options: HTTP2, pool: SharedPool, max_expansion: float | None) -> None:
        super().__init__(link, scheme, options, pool, max_expansion)
        self._loop: AbstractEventLoop | None = None
        self._by_turns = False  # the loop can't watch sockets (Windows' proactor)
        self._watches_input = False
        self._watches_output = False
        self._clock: TimerHandle | None = None
        self._alarms: dict[H2Stream, TimerHandle] = {}

    def leave(self, stream: H2Stream | None) -> bool:
        if stream is not None:
            self._drop_alarm(stream)
        return super().leave(stream)

    def lose(self, stream: H2Stream) -> None:
        # Or it would be kept until the alarm rings.
        self._drop_alarm(stream)
        super().lose(stream)

    def _drop_alarm(self, stream: H2Stream) -> None:
        alarm = self._alarms.pop(stream, None)
        if alarm is not None:
            alarm.cancel()

    def close(self) -> None:
        """Close the socket, from wherever it may be called. Never raises."""
        if self._sock.fileno() == -1:
            return
        loop = self._loop
        if loop is not None and loop is not _get_running_loop() and loop.is_running():
            # The descriptor must not be given to a new socket while the loop still watches it.
            try:
                loop.call_soon_threadsafe(self._close)
            except RuntimeError:
                self._close()
        else:
            self._close()

    def _close(self) -> None:
        if self._loop is None and (_get_running_loop() is not None or _in_trio()):
            # trio, or a loop that anyio waits on. Outside of an event loop nobody can be waiting.
            anyio.notify_closing(self._sock)
        self._detach()
        self._close_socket()

    def forget(self) -> None:
        # The event loop watches the parent's connections along with the child's.
        self._loop = self._clock = None
        self._watches_input = self._watches_output = False
        self._alarms.clear()
        super().forget()

    def _attach(self, loop: AbstractEventLoop) -> bool:
        """Have the event loop read and write, and wake up the tasks; whether it can."""
        if loop is not self._loop:
            self._detach()
            self._loop = loop
        try:
            if not self._watches_input and len(self._backlog) <= HIGH_WATER:
                loop.add_reader(self._sock, self._readable, loop)
                self._watches_input = True
        except NotImplementedError:
            self._loop = None
            self._by_turns = True
            return False
        if self._clogged:
            self._watch()
        if self._clock is None:
            self._tick(loop)
        if self._more:
            loop.call_soon(self._readable, loop)
        return True

    def _detach(self) -> None:
        """Undo what was set up in the loop so far."""
        loop, self._loop = self._loop, None
        clock, self._clock = self._clock, None
        alarms, self._alarms = self._alarms, {}
        watches_input, self._watches_input = self._watches_input, False
        watches_output, self._watches_output = self._watches_output, False
        if loop is None or loop.is_closed():
            return
        if clock is not None:
            clock.cancel()
        for alarm in alarms.values():
            alarm.cancel()
        if watches_input:
            loop.remove_reader(self._sock)
        if watches_output:
            loop.remove_writer(self._sock)

    def _readable(self, loop: AbstractEventLoop) -> None:
        if loop is not self._loop:
            # Registered in a loop that the connection has left since.
            loop.remove_reader(self._sock)
            return
        self.pump()
        if self._watches_input and (self._machine.error is not None or len(self._backlog) > HIGH_WATER):
            # The event would come again and again.
            self._watches_input = False
            loop.remove_reader(self._sock)
        elif self._more:
            loop.call_soon(self._readable, loop)

    def _watch(self) -> None:
        loop = self._loop
        if loop is not None and loop is _get_running_loop() and not self._watches_output:
            self._watches_output = True
            loop.add_writer(self._sock, self._writable, loop)

    def _writable(self, loop: AbstractEventLoop) -> None:
        if loop is not self._loop:
            loop.remove_writer(self._sock)
            return
        with self:
            self._flush()
            if not self._clogged:
                self._watches_output = False
                loop.remove_writer(self._sock)
            if self._machine.active and self._machine.error is None:
                self._attach(loop)

    def _tick(self, loop: AbstractEventLoop) -> None:
        """Look whether the server still lives; the lock is held."""
        left = self._machine.check(monotonic())
        self._flush()
        self._clock = None if left is None else loop.call_later(left, self._check_life, loop)

    def _check_life(self, loop: AbstractEventLoop) -> None:
        if loop is self._loop:
            with self:
                self._tick(loop)

    def _set_alarm(self, loop: AbstractEventLoop, stream: H2Stream, left: float | None) -> None:
        """Have a task woken up when its limit passes. One alarm goes on ringing for all its waits."""
        if left is None:
            return
        alarm = self._alarms.get(stream)
        if alarm is None or alarm.when() > loop.time() + left:
            if alarm is not None:
                alarm.cancel()
            self._alarms[stream] = loop.call_later(left, self._ring, stream)

    def _ring(self, stream: H2Stream) -> None:
        self._alarms.pop(stream, None)
        wake, stream.wake = stream.wake, None
        if wake is not None:
            wake()


class LoopNap:
    """A sleep that the event loop ends, when there is something or when the alarm rings."""

    __slots__ = ("_future", "wake")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._future: Future[None] = loop.create_future()
        self.wake: Callable[[], None] = self._end

    async def sleep(self, seconds: float | None) -> None:
        await self._future

    def _end(self) -> None:
        if not self._future.done():
            self._future.set_result(None)
