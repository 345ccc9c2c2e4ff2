"""What the agent loop asks for, beside the commands of `core.flow`: a stream to be read, and jobs to be executed meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ..flow import Flow

if TYPE_CHECKING:
    from .state import Job

__all__ = ["END", "FINISH", "NEXT", "Emit", "Open", "Start", "ToolIO", "Wait", "until_event"]


class ToolIO(Protocol):
    """What the commands of the loop are performed against. The asynchronous shell's methods return awaitables of the same."""

    def open(self, request: dict[str, Any]) -> Any:
        """Begin to stream one turn."""

    def next(self) -> Any:
        """The next event of the turn, or `None` at its end; or if a job has ended the run, where that can be noticed meanwhile."""

    def finish(self) -> Any:
        """The turn is over: nothing more is read of its stream."""

    def start(self, job: Job) -> Any:
        """Execute a job, and return when it is under way."""

    def wait_job(self, seconds: float | None) -> Any:
        """Return when a job is done that was not before, or after this time."""


class Emit:
    """Hand an event to the caller."""

    __slots__ = ("event",)

    def __init__(self, event: Any) -> None:
        self.event = event

    def perform(self, io: Any) -> Any:
        raise AssertionError("events are for the caller")


class Open:
    """Begin a turn."""

    __slots__ = ("request",)

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request

    def perform(self, io: Any) -> Any:
        return io.open(self.request)


class Next:
    """The next event of the turn."""

    __slots__ = ()

    def perform(self, io: Any) -> Any:
        return io.next()


class Finish:
    """Nothing more of the turn is needed."""

    __slots__ = ()

    def perform(self, io: Any) -> Any:
        return io.finish()


class Start:
    """Execute a job."""

    __slots__ = ("job",)

    def __init__(self, job: Job) -> None:
        self.job = job

    def perform(self, io: Any) -> Any:
        return io.start(self.job)


class Wait:
    """Wait for a job."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds

    def perform(self, io: Any) -> Any:
        return io.wait_job(self.seconds)


NEXT, FINISH, END = Next(), Finish(), object()


def until_event(flow: Flow[Any], previous: Any = None) -> Flow[Any]:
    """Go on with a flow until it emits an event, which is returned; `END` at its end."""
    resume: Any = flow.send
    value: Any = previous
    while True:
        try:
            command = resume(value)
        except StopIteration:
            return END
        if type(command) is Emit:
            return command.event
        try:
            resume, value = flow.send, (yield command)
        except Exception as error:  # noqa: BLE001 (the flow decides)
            resume, value = flow.throw, error
