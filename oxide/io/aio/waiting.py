"""Waiting until a socket can be read or written, with a timeout, on the event loop that runs.

anyio has `wait_readable` and `fail_after` for this, and what follows does the same by the loop's own means. They run
once or more in every call, and a third of a call's time was theirs:

- asyncio: the reader stays registered between two waits, where anyio adds and removes it each time (two system calls),
  and one timer per connection is moved along instead of one being made and cancelled per wait.
- trio: its own functions, without a layer in between.

Loops without `add_reader` (Windows' proactor) get anyio's way.
"""

from __future__ import annotations

import socket
import sys
from asyncio import AbstractEventLoop, Future, TimerHandle, _get_running_loop
from collections.abc import Awaitable, Callable
from functools import partial
from threading import get_ident
from typing import Any

import anyio

from ..sockets import READ_SIZE

__all__ = ["Waiter", "from_anywhere"]


class Waiter:
    """Waits for one socket; one reader and one writer at a time.

    A connection may outlive the loop that it was made in and go on in another one, or on trio.
    """

    __slots__ = ("_deadline", "_future", "_loop", "_registered", "_sock", "_timer")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop: AbstractEventLoop | None = None
        self._registered = False
        self._future: Future[bytes] | None = None
        self._timer: TimerHandle | None = None
        self._deadline: float | None = None

    def readable(self, timeout: float | None) -> Awaitable[Any]:
        """Await this until there is something to read. It gives what was read then, or `None` where reading is left to the caller.

        Raises:
            TimeoutError: `timeout` seconds passed.
            OSError: the socket was closed meanwhile.
        """
        loop = _get_running_loop()
        if loop is None or _in_trio():
            if self._loop is not None:
                self._leave()
            return _trio_wait("wait_readable", self._sock, timeout)
        future = self._future
        if future is not None and not future.done():
            raise RuntimeError(_BUSY)
        if loop is not self._loop:
            self._leave()
            self._loop = loop
        if not self._registered:
            try:
                loop.add_reader(self._sock, partial(self._ready, loop))
            except NotImplementedError:
                return _anyio_wait(anyio.wait_readable, self._sock, timeout)
            self._registered = True
        future = self._future = loop.create_future()
        if timeout is None:
            self._deadline = None
        else:
            deadline = self._deadline = loop.time() + timeout
            timer = self._timer
            if timer is None or timer.when() > deadline:
                if timer is not None:
                    timer.cancel()
                self._timer = loop.call_at(deadline, self._expire, loop)
        return future

    def writable(self, timeout: float | None) -> Awaitable[Any]:
        """Await this until the socket takes bytes in. Raises as `readable`."""
        if _get_running_loop() is None or _in_trio():
            return _trio_wait("wait_writable", self._sock, timeout)
        # Rare: only bodies larger than the kernel's buffer get here.
        return _anyio_wait(anyio.wait_writable, self._sock, timeout)

    def _ready(self, loop: AbstractEventLoop) -> None:
        if loop is not self._loop:
            # Registered in a loop that the connection has left since.
            loop.remove_reader(self._sock)
            return
        future = self._future
        if future is not None and not future.done():
            # Reading here rather than in the task keeps the event from coming once more before the task gets to run.
            try:
                future.set_result(self._sock.recv(READ_SIZE))
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as error:
                future.set_exception(error)
            return
        # Nobody reads: the event would come again and again.
        loop.remove_reader(self._sock)
        self._registered = False

    def _expire(self, loop: AbstractEventLoop) -> None:
        if loop is not self._loop:
            return
        self._timer = None
        future = self._future
        if future is None or future.done() or self._deadline is None:
            return
        if loop.time() < self._deadline:
            self._timer = loop.call_at(self._deadline, self._expire, loop)
        else:
            future.set_exception(TimeoutError())

    def _leave(self) -> None:
        """Undo what was set up in the loop so far."""
        loop, self._loop = self._loop, None
        registered, self._registered = self._registered, False
        timer, self._timer = self._timer, None
        if loop is None or loop.is_closed():
            return
        if timer is not None:
            timer.cancel()
        if registered:
            loop.remove_reader(self._sock)

    def close(self) -> None:
        """Close the socket, from wherever it may be: a finalizer in another thread, or after the loop's end."""
        sock = self._sock
        if sock.fileno() == -1:
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

    def forget(self) -> None:
        """Close the socket in the child of a fork, whose event loop watches the parent's connections along with it."""
        self._loop = self._timer = self._future = None
        self._registered = False
        self._sock.close()

    def _close(self) -> None:
        future, self._future = self._future, None
        if self._loop is None and (_get_running_loop() is not None or _in_trio()):
            # trio, or a loop that anyio waits on. Outside of an event loop nobody can be waiting.
            anyio.notify_closing(self._sock)
        self._leave()
        self._sock.close()
        if future is not None and not future.done() and not future.get_loop().is_closed():
            future.set_exception(OSError(_CLOSED))


def from_anywhere(function: Callable[[], object]) -> Callable[[], None]:
    """`function` made callable by a finalizer in whichever thread, to be run in this event loop. Never raises."""
    schedule: Callable[[Callable[[], object]], object]
    loop = _get_running_loop()
    if loop is None or _in_trio():
        schedule = sys.modules["trio"].lowlevel.current_trio_token().run_sync_soon
    else:
        schedule = loop.call_soon_threadsafe
    thread = get_ident()

    def call() -> None:
        try:
            if get_ident() == thread:
                function()
            else:
                schedule(function)
        except RuntimeError:
            # The loop is gone, and whoever waited in it.
            pass

    return call


def _in_trio() -> bool:
    # trio can run as a guest of asyncio, whose loop is the running one then.
    trio = sys.modules.get("trio")
    return trio is not None and trio.lowlevel.in_trio_task()


async def _trio_wait(name: str, sock: socket.socket, timeout: float | None) -> None:
    import trio

    wait = getattr(trio.lowlevel, name)
    try:
        if timeout is None:
            await wait(sock)
            return
        with trio.move_on_after(timeout) as scope:
            await wait(sock)
    except trio.ClosedResourceError:
        raise OSError(_CLOSED) from None
    except trio.BusyResourceError:
        raise RuntimeError(_BUSY) from None
    if scope.cancelled_caught:
        raise TimeoutError


async def _anyio_wait(wait: Any, sock: socket.socket, timeout: float | None) -> None:
    try:
        with anyio.fail_after(timeout):
            await wait(sock)
    except anyio.ClosedResourceError:
        raise OSError(_CLOSED) from None
    except anyio.BusyResourceError:
        raise RuntimeError(_BUSY) from None


_CLOSED = "it was closed while it was in use"
_BUSY = "another task is using this response"
