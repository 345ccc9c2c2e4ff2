"""A run of the agent loop, as its caller sees it: an iterator of events that ends with an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..core.events import get_ready
from ..core.sentinels import NotGiven, Omit
from ..core.tools import definitions
from ..core.tools.commands import END, until_event
from ..core.tools.dialog import ChatDialog, Dialog, ResponseDialog
from ..core.tools.loop import agent_loop
from ..core.tools.run_events import Approval
from ..core.tools.state import Options, RunError, RunState
from ..core.tools.tool import as_tool
from ..io.locks import EMSCRIPTEN

if TYPE_CHECKING:
    from collections.abc import Generator

    from typing_extensions import Self

    from ..core.streams.calls import FunctionCall
    from ..core.tools.run_events import StopReason

__all__ = ["AsyncToolRun", "ToolRun", "start"]

EventT = TypeVar("EventT")
ResultT = TypeVar("ResultT")

_OWN = (
    "approvals",
    "approve",
    "context",
    "context_budget",
    "deadline",
    "early",
    "functions",
    "max_concurrent",
    "max_turns",
    "on_error",
    "outputs",
    "save",
    "stop_when",
)

_REASONS = {
    "turn_limit": "the model goes on calling tools after {turn} turns (max_turns)",
    "deadline": "the deadline has passed in turn {turn}",
    "stopped": "`stop_when` ended the run before there was any response",
    "pending": "the run waits for {pending}: pass approvals= or outputs= and go on with resume=",
}


class _Run(Generic[EventT, ResultT]):
    """What a run has in both ways."""

    def __init__(self, dialog: Dialog, options: Options, resume: Mapping[str, Any] | None) -> None:
        self._state = RunState(dialog)
        if resume is not None:
            self._state.restore(resume, options)
        self._flow = agent_loop(self._state, options)
        self._over = False

    @property
    def turn(self) -> int:
        """How many turns were begun, those before a checkpoint included."""
        return self._state.turn

    @property
    def reason(self) -> StopReason | None:
        """Why the run is over, or `None` while it goes on or after an error."""
        return self._state.reason

    @property
    def response(self) -> ResultT | None:
        """What the last complete turn came to."""
        response: ResultT | None = self._state.response
        return response

    @property
    def usage(self) -> tuple[int, int, int]:
        """The tokens of all turns: of the input, of the output, and both. Chat completions tell if asked to (`stream_options`)."""
        first, second, both = self._state.dialog.tokens
        return first, second, both

    @property
    def pending(self) -> tuple[list[Approval], list[FunctionCall]]:
        """What the run waits for: approvals, and calls that it has nothing to execute with."""
        calls = [job for job in self._state.jobs if job.state == "pending"]
        mine = [Approval("function", job.call.call_id, job.call.name, job.call.arguments) for job in calls if job.tool]
        return [*self._state.approvals, *mine], [job.call for job in calls if not job.tool]

    def add_input(self, items: str | Iterable[Any]) -> None:
        """Say something to the model with the next turn, after the outputs of the tools: a user's text, or input items (messages)."""
        self._state.dialog.add(items)

    def checkpoint(self) -> dict[str, Any]:
        """Where the run is, as plain JSON: `run_tools(resume=...)` goes on from there and executes nothing twice.

        Keys and headers of MCP servers are not in it; they are those of the resuming call.
        """
        return self._state.checkpoint()

    def _answer(self) -> ResultT:
        state = self._state
        if state.response is not None and state.reason in ("final", "incomplete", "stopped"):
            response: ResultT = state.response
            return response
        approvals, calls = self.pending
        waiting = [f"the approval {each.id}" for each in approvals] + [
            f"the output of {each.call_id}" for each in calls
        ]
        text = _REASONS.get(state.reason or "", "the run is not over: an error ended it, or it was closed")
        message = text.format(turn=state.turn, pending=", ".join(waiting))
        raise RunError(message, state.reason or "error", state.checkpoint(), state.response)


class ToolRun(_Run[EventT, ResultT]):
    """A run of the agent loop: an iterator of its events, and a context manager that ends it on leaving.

    Iterating raises:
        APIError: a request failed, after any retries, or the response did.
        Exception: what a tool raised, if that goes to the caller.
    """

    def __init__(
        self,
        client: Any,
        create: Callable[..., Any],
        dialog: Dialog,
        options: Options,
        resume: Mapping[str, Any] | None,
    ) -> None:
        if EMSCRIPTEN:
            from ..io.web.tools import ToolIO
        else:
            from ..io.sync.tools import ToolIO  # type: ignore[assignment]

        super().__init__(dialog, options, resume)
        self._io = ToolIO(client._transport, create, self._state)
        self._run = client._run

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> EventT:
        if self._over:
            raise StopIteration
        try:
            event: EventT = self._run(until_event(self._flow), self._io)
        except BaseException:
            self.close()
            raise
        if event is END:
            self.close()
            raise StopIteration
        return event

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def until_done(self) -> Self:
        """Run to the end."""
        for _ in self:
            pass
        return self

    def get_final_response(self) -> ResultT:
        """Run to the end, and return the answer.

        Raises:
            RunError: there is none; its `reason` says why, its `checkpoint` is where to go on.
        """
        return self.until_done()._answer()

    def get_final_completion(self) -> ResultT:
        """`get_final_response`, under the name that streams of chat completions have for it."""
        return self.get_final_response()

    def close(self) -> None:
        """End the run: give the response up, and wait for tools that are being executed."""
        self._over = True
        try:
            self._flow.close()
        finally:
            self._io.close()

    def __del__(self) -> None:
        # Left in the middle of an iteration.
        if not getattr(self, "_over", True):
            self._over = True
            self._io.close()


class AsyncToolRun(_Run[EventT, ResultT]):
    """The same as `ToolRun`, for asyncio and trio. `await` it for the answer, or enter it (`async with`) to iterate.

    Tools are executed in a task group that the block is around: leaving it, or being cancelled in it, cancels them.
    """

    def __init__(
        self,
        client: Any,
        create: Callable[..., Any],
        dialog: Dialog,
        options: Options,
        resume: Mapping[str, Any] | None,
    ) -> None:
        from ..io.aio.tools import ToolIO

        super().__init__(dialog, options, resume)
        self._io = ToolIO(client._transport, create, self._state)
        self._run = client._run
        self._entered = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventT:
        if not self._entered:
            raise RuntimeError("enter the run before iterating over it: `async with client....run_tools(...) as run:`")
        if self._over:
            raise StopAsyncIteration
        try:
            event: EventT = await self._run(until_event(self._flow), self._io)
        except BaseException:
            self._over = True
            raise
        if event is END:
            self._over = True
            raise StopAsyncIteration
        return event

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError("a run can be entered once")
        await self._io.enter()
        self._entered = True
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._over = True
        try:
            self._flow.close()
        finally:
            await self._io.leave(exc)

    async def until_done(self) -> Self:
        """Run to the end."""
        if not self._entered:
            async with self:
                return await self.until_done()
        async for _ in self:
            pass
        return self

    async def get_final_response(self) -> ResultT:
        """Run to the end, and return the answer; see `ToolRun.get_final_response`."""
        return (await self.until_done())._answer()

    async def get_final_completion(self) -> ResultT:
        """`get_final_response`, under the name that streams of chat completions have for it."""
        return await self.get_final_response()

    def __await__(self) -> Generator[Any, Any, ResultT]:
        return self.get_final_response().__await__()


def start(resource: Any, run: Any, dialog: type[ResponseDialog] | type[ChatDialog], params: Mapping[str, Any]) -> Any:
    """Make a run of the arguments of `run_tools`.

    Args:
        resource: whose method it is.
        run: the class of the run.
        dialog: the class of the conversation.
        params: the arguments.

    Raises:
        TypeError: a tool is a coroutine function and the client a synchronous one.
        ValueError: an argument has a value it can't have.
    """
    given = {name: value for name, value in params.items() if not isinstance(value, (Omit, NotGiven))}
    if given.pop("stream", None) is False:
        raise TypeError("run_tools streams every turn: leave stream out")
    own = {name: given.pop(name) for name in _OWN if name in given}
    resume, over = given.pop("resume", None), given.pop("over", None)
    carries = given.pop("carry_input", None)
    tools = [as_tool(tool) for tool in given.pop("tools", ())]
    client = resource._client
    options = Options(
        tools, asynchronous=run is AsyncToolRun, timeout=given.get("timeout", client._config.timeout), **own
    )
    if tools:
        given["tools"] = definitions(tools, nested=dialog.nested)
    # A lane of a session always streams.
    on_lane = hasattr(over, "send_stream")
    create = None if on_lane else (resource if over is None else over).create
    if dialog is ChatDialog:
        if create is None:
            raise TypeError("a session has responses alone: client.responses.run_tools goes over it")
        from ..resources.chat.completions.completions import _CREATE as chat

        get_ready(chat.stream)
        return run(client, create, ChatDialog(given), options, resume)
    if options.budget is not None:
        if carries is False or given.get("conversation") is not None or given.get("previous_response_id") is not None:
            raise ValueError("context_budget needs the whole conversation in `input`")
        carries = True
    from ..resources.responses.responses import _CREATE as responses

    get_ready(responses.stream)
    if create is None:
        # What is not stored is known to the connection nevertheless.
        carries = bool(carries)
        create = partial(_on_lane, over.send_stream, carries)
    return run(client, create, ResponseDialog(given, carries), options, resume)


def _on_lane(send_stream: Callable[..., Any], carries: bool, *, stream: bool, **request: Any) -> Any:
    """`create` of a lane, which goes on from the response before unless it is told not to."""
    if carries:
        request["previous_response_id"] = None
    return send_stream(**request)
