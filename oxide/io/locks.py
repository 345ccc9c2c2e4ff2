"""Locks between threads, where there are any."""

from __future__ import annotations

import sys

__all__ = ["EMSCRIPTEN", "Event", "Lock"]

EMSCRIPTEN = sys.platform == "emscripten"
"""Whether this is WebAssembly in a JavaScript engine: no threads, no sockets."""


class SoleLock:
    """`threading.Lock` where there is one thread: nothing has to wait, and who would, would wait for itself."""

    __slots__ = ("_locked",)

    def __init__(self) -> None:
        self._locked = False

    def acquire(self, blocking: bool = True) -> bool:
        if self._locked:
            if blocking:
                raise RuntimeError("this lock is taken, and there is no other thread that could release it")
            return False
        self._locked = True
        return True

    def release(self) -> None:
        self._locked = False

    def locked(self) -> bool:
        return self._locked

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *exc: object) -> None:
        self.release()


class SoleEvent:
    """`threading.Event` where nobody else could set it."""

    __slots__ = ("_set",)

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        self._set = True

    def is_set(self) -> bool:
        return self._set

    def wait(self, timeout: float | None = None) -> bool:
        if not self._set and timeout is None:
            raise RuntimeError("there is no other thread that could set this event")
        return self._set


if sys.platform == "emscripten":
    Event, Lock = SoleEvent, SoleLock
else:
    from threading import Event as Event
    from threading import Lock as Lock
