"""What the agent loop asks for: a stream that is read, and tools that run in tasks meanwhile."""

from __future__ import annotations

import math
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

import anyio
from anyio.lowlevel import checkpoint

from ...core.tools.state import Job, RunState
from .events import wait_event
from .run import IO
from .threads import run_in_thread

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

    __slots__ = ("_create", "_ended", "_executing", "_group", "_limiter", "_reading", "_state", "_stream")

    def __init__(self, transport: Any, create: Callable[..., Any], state: RunState) -> None:
        super().__init__(transport)
        self._create = create
        self._state = state
        self._stream: Any = None
        self._group: Any = None
        self._reading: anyio.CancelScope | None = None
        self._executing = 0
        self._ended = anyio.Event()
        # The loop says how many there may be.
        self._limiter = anyio.CapacityLimiter(math.inf)

    async def enter(self) -> None:
        """Make ready for tasks; `leave` has to follow, in the same task."""
        self._group = await anyio.create_task_group().__aenter__()

    async def leave(self, error: BaseException | None) -> None:
        """Close, and wait until the tasks have ended; `error` is what made the caller leave."""
        try:
            await self.close()
        finally:
            group, self._group = self._group, None
            # A cancellation has to pass through the group; any other error is the caller's, and would be wrapped in a group of errors.
            passing = None if isinstance(error, Exception) else error
            await group.__aexit__(None if passing is None else type(passing), passing, None)

    async def open(self, request: dict[str, Any]) -> None:
        self._stream = await self._create(**request, stream=True)

    async def next(self) -> Any:
        if not self._executing:
            return await anext(self._stream, None)
        # The server may be silent for long, and a tool raise something that the caller is to see now.
        with anyio.CancelScope() as self._reading:
            try:
                return await anext(self._stream, None)
            finally:
                self._reading = None
        return None

    async def finish(self) -> None:
        # The end of the body is usually in the same packet as the last event, and keeps the connection.
        stream, self._stream = self._stream, None
        drain = getattr(getattr(getattr(stream, "response", None), "stream", None), "drain", None)
        if drain is not None:
            await drain(DRAIN_SECONDS)
        await stream.close()

    async def start(self, job: Job) -> None:
        self._executing += 1
        self._group.start_soon(self._execute, job, name=f"oxide-tool-{job.call.name}")
        # Events that are here already are handed out without waiting, and the tool is to begin before them.
        await checkpoint()

    async def wait_job(self, seconds: float | None) -> None:
        await wait_event(self._ended, seconds)
        self._ended = anyio.Event()

    async def _execute(self, job: Job) -> None:
        try:
            assert job.run is not None
            run = job.run
            if job.is_async:
                job.result = run()
            else:
                # In a list, since trio refuses a function that returns a coroutine.
                [job.result] = await run_in_thread(lambda: [run()], limiter=self._limiter)
            if isawaitable(job.result):
                job.result = await job.result
        except Exception as error:  # noqa: BLE001 (the loop decides)
            job.error = error
            if job.ends_run and self._reading is not None:
                self._reading.cancel()
        finally:
            self._executing -= 1
        job.done = True
        self._ended.set()

    async def close(self) -> None:
        """Give the stream up, and cancel the tools. Those in threads can't be: a tool can ask whether it is still needed."""
        self._state.cancelled = True
        stream, self._stream = self._stream, None
        try:
            if stream is not None:
                await stream.close()
        finally:
            self._group.cancel_scope.cancel()
