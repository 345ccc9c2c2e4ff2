"""What the agent loop asks for: a stream that is read, and tools that run in threads meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any

from ...core.tools.state import Job, RunState
from .run import IO

# After the last event.
DRAIN_SECONDS = 0.05

__all__ = ["ToolIO"]


class ToolIO(IO):
    """What the flow of one run is performed against: `core.tools.commands.ToolIO`.

    Args:
        transport: the client's, for what flows ask for beside.
        create: begins to stream one turn: `client.responses.create`, or a session's.
        state: the run's.
    """

    __slots__ = ("_create", "_ended", "_state", "_stream", "_threads")

    def __init__(self, transport: Any, create: Callable[..., Any], state: RunState) -> None:
        super().__init__(transport)
        self._create = create
        self._state = state
        self._stream: Any = None
        self._threads: list[threading.Thread] = []
        self._ended: SimpleQueue[Job] = SimpleQueue()

    def open(self, request: dict[str, Any]) -> None:
        self._stream = self._create(**request, stream=True)

    def next(self) -> Any:
        return next(self._stream, None)

    def finish(self) -> None:
        # The end of the body is usually in the same packet as the last event, and keeps the connection.
        stream, self._stream = self._stream, None
        drain = getattr(getattr(getattr(stream, "response", None), "stream", None), "drain", None)
        if drain is not None:
            drain(DRAIN_SECONDS)
        stream.close()

    def start(self, job: Job) -> None:
        # A thread for each call: the loop says how many there may be, and a pool would keep them.
        target = copy_context().run
        thread = threading.Thread(target=target, args=(self._execute, job), name=f"oxide-tool-{job.call.name}")
        self._threads.append(thread)
        thread.start()

    def wait_job(self, seconds: float | None) -> None:
        try:
            self._ended.get(timeout=seconds)
        except Empty:
            pass

    def _execute(self, job: Job) -> None:
        try:
            job.perform()
        except BaseException as error:  # noqa: BLE001 (the loop decides)
            job.error = error
        job.done = True
        self._ended.put(job)

    def close(self) -> None:
        """Give the stream up, and wait for the tools: threads can't be interrupted. A tool can ask whether it is still needed."""
        self._state.cancelled = True
        stream, self._stream = self._stream, None
        try:
            if stream is not None:
                stream.close()
        finally:
            while self._threads:
                self._threads[-1].join()
                self._threads.pop()
