"""Giving up what another thread does: a blocking read ends when its connection is shut down."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["Abort", "Aborted", "StreamSwitch"]

T = TypeVar("T")


class Aborted(BaseException):
    """What a thread was doing is not wanted any more. Not an Exception: no policy is to try again."""


class Abort:
    """A switch that one thread throws to end the calls of another.

    The transport attaches the connection that a request is sent on (`Request.abort`), and the pool detaches it when it
    is returned, so a connection that is somebody else's by then is left alone.
    """

    __slots__ = ("_aborted", "_connection", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._aborted = threading.Event()
        self._connection: Any = None

    def attach(self, connection: Any) -> None:
        """The thread uses this connection now. Raises Aborted, and attaches nothing, if the switch was thrown."""
        with self._lock:
            self.check()
            self._connection = connection
            connection.abort = self

    def detach(self) -> None:
        """The thread does not use it any more."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.abort = None

    def abort(self) -> None:
        """Throw the switch."""
        with self._lock:
            self._aborted.set()
            if self._connection is not None:
                # Not closed: its descriptor belongs to the thread that waits for it.
                self._connection.shut_down()

    def check(self) -> None:
        """Raises Aborted if the switch was thrown."""
        if self._aborted.is_set():
            raise Aborted

    def sleep(self, seconds: float) -> None:
        """Sleep, but no longer than until the switch is thrown, which raises Aborted."""
        if self._aborted.wait(seconds):
            raise Aborted

    def guard(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a function. Whatever becomes of it after the switch was thrown, Aborted is raised."""
        try:
            return function(*args, **kwargs)
        except Exception:
            self.check()
            raise


class StreamSwitch:
    """What `Abort.attach` takes for a request that shares its connection with others."""

    __slots__ = ("_connection", "_stream", "abort")

    def __init__(self, connection: Any, stream: Any) -> None:
        self._connection = connection
        self._stream = stream
        self.abort: Abort | None = None

    def shut_down(self) -> None:
        """Have the request end, and nothing else."""
        self._connection.give_up(self._stream)
