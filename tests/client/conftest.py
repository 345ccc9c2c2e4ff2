"""What every test of the client keeps to: it ends, and it leaves no socket and no thread behind."""

from __future__ import annotations

import gc
import os
import select
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

LIMIT = 30


def sockets() -> set[str]:
    """The sockets that this process has open."""
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def running() -> set[threading.Thread]:
    """The threads that run, but for those that trio keeps for its next look-up of a name, and the one that pings for all sessions."""
    kept = ("trio", "oxide-keepalive")
    return {thread for thread in threading.enumerate() if not thread.name.lower().startswith(kept)}


@pytest.fixture(autouse=True)
def _ends() -> Iterator[None]:
    def hang(signum: int, frame: Any) -> None:
        raise AssertionError(f"the test did not end within {LIMIT} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def _leaves_nothing(_clean_environment: None) -> Iterator[None]:
    before, threads = sockets(), running()
    yield
    if sockets() - before:
        # The test may have left some to the garbage collector, and a server in this process closes its ends by and by.
        gc.collect()
        for _ in range(200):
            if not sockets() - before:
                break
            select.select([], [], [], 0.01)
    assert not sockets() - before
    for thread in running() - threads:
        # anyio's threads end a moment after the loop that they worked for.
        thread.join(2.0)
        assert not thread.is_alive()
