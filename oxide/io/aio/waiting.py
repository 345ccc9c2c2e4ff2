"""Waiting until a socket can be read or written, with a timeout, on the event loop that runs.

anyio has `wait_readable` and `fail_after` for this, and what follows does the same by the loop's own means. They run
once or more in every call, and a third of a call's time was theirs:

- asyncio: the reader stays registered between two waits, where anyio adds and removes it each time (two system calls),
  and it reads by itself, so that the task that waits gets the bytes.
- trio: its own functions, without a layer in between.
- Both: one timer per connection is moved along, instead of one being made and cancelled per wait (see `timers` for trio's).

Loops without `add_reader` (Windows' proactor) get anyio's way.
"""

from __future__ import annotations

import socket
import sys
from asyncio import AbstractEventLoop, Future, _get_running_loop
from collections.abc import Awaitable, Callable
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, cast

import anyio

from ...core.errors import ReadError
from ..sockets import READ_SIZE, is_timeout

if TYPE_CHECKING:
    from .timers import Timers

__all__ = ["DONE", "Waiter", "from_anywhere"]


class _Done(tuple[()]):
    __slots__ = ()
    # In C: this is awaited in every call.
    __await__ = tuple.__iter__


DONE: Final[Awaitable[None]] = cast(Any, _Done())
"""To be awaited where there is nothing to wait for."""


class Waiter:
    """Waits for one socket; one reader and one writer at a time.

    A connection may outlive the loop that it was made in and go on in another one, or on trio.
    """

    __slots__ = ("_deadline", "_expired", "_future", "_loop", "_reading", "_registered", "_sock", "_timer", "_timers")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._timer: Any = None
        self._deadline: float | None = None
        # On asyncio.
        self._loop: AbstractEventLoop | None = None
        self._registered = False
        self._future: Future[bytes] | None = None
        # On trio. `_reading` is whether a task waits, and `_expired` whether its time is up.
        self._timers: Timers | None = None
        self._reading = self._expired = False

    def read(self, timeout: float | None) -> Awaitable[bytes]:
        """Await this for some bytes, empty at the end of the connection.

        Raises:
            TimeoutError: nothing came for `timeout` seconds.
            ReadError: the connection broke, or was closed meanwhile.
        """
        loop = _get_running_loop()
        if loop is None or _in_trio():
            return self._read_on_trio(timeout)
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
                return _anyio_read(self._sock, timeout)
            except (OSError, ValueError) as error:
                raise _broken(error) from error
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
        """Await this until the socket takes bytes in.

        Raises:
            TimeoutError: `timeout` seconds passed.
            OSError: the socket was closed meanwhile.
        """
        # Rare: only bodies larger than the kernel's buffer get here.
        return _anyio_wait(anyio.wait_writable, self._sock, timeout)

    async def _read_on_trio(self, timeout: float | None) -> bytes:
        if self._reading:
            raise RuntimeError(_BUSY)
        timers = self._timers
        if timers is None or not timers.is_running():
            from .timers import running_timers

            self._leave()
            timers = self._timers = running_timers()
            if timers is None:
                return await _anyio_read(self._sock, timeout)
        self._expired = False
        if timeout is not None:
            deadline = self._deadline = timers.time() + timeout
            timer = self._timer
            if timer is None or timer.when() > deadline:
                if timer is not None:
                    timer.cancel()
                self._timer = timers.call_at(deadline, partial(self._expire_on_trio, timers))
        self._reading = True
        try:
            while True:
                # Waiting first, although there may be something already: this is where the event loop gets its turn.
                await timers.wait_readable(self._sock)
                try:
                    return self._sock.recv(READ_SIZE)
                except (BlockingIOError, InterruptedError):
                    continue
        except (OSError, ValueError) as error:
            raise _broken(error) from error
        except sys.modules["trio"].ClosedResourceError:
            if self._expired:
                raise TimeoutError from None
            if self._deadline is None or timers.is_running() or self._sock.fileno() == -1:
                raise _broken(OSError(_CLOSED)) from None
            timeout = max(self._deadline - timers.time(), 0.0)
        finally:
            self._reading = False
            self._deadline = None
        # The run is about to end, and so did the timers; this task goes on in a shielded scope.
        return await _anyio_read(self._sock, timeout)

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
                future.set_exception(_broken(error))
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

    def _expire_on_trio(self, timers: Timers) -> None:
        if timers is not self._timers:
            return
        self._timer = None
        if self._deadline is None:
            return
        if timers.time() >= self._deadline:
            self._expired = True
            anyio.notify_closing(self._sock)
        elif timers.is_running():
            self._timer = timers.call_at(self._deadline, partial(self._expire_on_trio, timers))
        else:
            anyio.notify_closing(self._sock)

    def _leave(self) -> None:
        """Undo what was set up in the loop so far."""
        loop, self._loop = self._loop, None
        registered, self._registered = self._registered, False
        timer, self._timer = self._timer, None
        self._timers = None
        if loop is not None and loop.is_closed():
            return
        if timer is not None:
            timer.cancel()
        if registered and loop is not None:
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
        self._loop = self._timers = self._timer = self._future = None
        self._registered = self._reading = False
        self._sock.close()

    def _close(self) -> None:
        future, self._future = self._future, None
        if self._loop is None and (_get_running_loop() is not None or _in_trio()):
            # trio, or a loop that anyio waits on. Outside of an event loop nobody can be waiting.
            anyio.notify_closing(self._sock)
        self._leave()
        self._sock.close()
        if future is not None and not future.done() and not future.get_loop().is_closed():
            future.set_exception(_broken(OSError(_CLOSED)))


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
    # Another thread may be importing it right now: then there is no such attribute yet.
    lowlevel = getattr(sys.modules.get("trio"), "lowlevel", None)
    return lowlevel is not None and lowlevel.in_trio_task()


async def _anyio_read(sock: socket.socket, timeout: float | None) -> bytes:
    while True:
        try:
            await _anyio_wait(anyio.wait_readable, sock, timeout)
            return sock.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            continue
        except OSError as error:
            if is_timeout(error):
                raise
            raise _broken(error) from error


async def _anyio_wait(wait: Any, sock: socket.socket, timeout: float | None) -> None:
    try:
        with anyio.fail_after(timeout):
            await wait(sock)
    except anyio.ClosedResourceError:
        raise OSError(_CLOSED) from None
    except anyio.BusyResourceError:
        raise RuntimeError(_BUSY) from None


def _broken(error: OSError | ValueError) -> ReadError:
    failure = ReadError(f"the connection broke: {getattr(error, 'strerror', None) or error}")
    failure.__cause__ = error
    return failure


_CLOSED = "it was closed while it was in use"
_BUSY = "another task is using this response"
