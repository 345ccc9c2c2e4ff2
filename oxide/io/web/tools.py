"""What the agent loop asks for, synchronously and without threads: a tool is executed when its call is complete, and the stream waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.tools.state import Job, RunState
from .blocking import IO

__all__ = ["ToolIO"]


class ToolIO(IO):
    """As `oxide.io.sync.tools.ToolIO`."""

    __slots__ = ("_create", "_state", "_stream")

    def __init__(self, transport: Any, create: Callable[..., Any], state: RunState) -> None:
        super().__init__(transport)
        self._create = create
        self._state = state
        self._stream: Any = None

    def open(self, request: dict[str, Any]) -> None:
        self._stream = self._create(**request, stream=True)

    def next(self) -> Any:
        return next(self._stream, None)

    def finish(self) -> None:
        stream, self._stream = self._stream, None
        stream.close()

    def start(self, job: Job) -> None:
        try:
            job.perform()
        except Exception as error:  # noqa: BLE001 (the loop decides)
            job.error = error
        job.done = True

    def wait_job(self, seconds: float | None) -> None:
        """Every tool has ended by the time that this is asked for."""

    def close(self) -> None:
        """Give the stream up."""
        self._state.cancelled = True
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
