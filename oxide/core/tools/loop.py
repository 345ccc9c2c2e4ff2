"""The agent loop, as one flow: ask, execute what the model calls while it goes on, answer, ask again.

It yields the commands below beside those of `core.flow`, and is resumed with what came of them. `Emit` is for the caller; all others are
performed against a shell's `ToolIO`. The shells have no part in any decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import isawaitable, iscoroutinefunction
from time import monotonic
from typing import Any, Protocol, cast

import msgspec

from ..errors import APITimeoutError, OpenAIError
from ..flow import Flow, Invoke
from ..streams.calls import FunctionCall
from ..structured import FormatError
from ..timeouts import Timeout, as_timeout
from .budget import ContextBudget, trimmed
from .dialog import Dialog
from .output import as_output
from .run_events import (
    Approval,
    ApprovalAnswered,
    RunFinished,
    StopReason,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)
from .tool import OnError, Tool, ToolContext, ToolError

__all__ = ["END", "Emit", "Job", "Options", "RunError", "RunState", "ToolIO", "agent_loop", "until_event"]

VERSION = 1

_INTERRUPTED = "The call was interrupted. Whether it had any effect is not known."
_REFUSED = "The call was not allowed."


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


class RunError(OpenAIError):
    """A run has no final answer.

    Attributes:
        reason: why; see `StopReason`.
        checkpoint: from which it can go on: `run_tools(resume=...)`.
        response: what the last complete turn came to, or `None`.
    """

    def __init__(self, message: str, reason: str, checkpoint: dict[str, Any], response: Any) -> None:
        super().__init__(message)
        self.reason = reason
        self.checkpoint = checkpoint
        self.response = response

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.reason, self.checkpoint, self.response)


class Options:
    """What a run was asked for; see `run_tools` for the meaning, and for what is raised here."""

    def __init__(
        self,
        tools: list[Any],
        *,
        asynchronous: bool,
        timeout: Any = None,
        context: Any = None,
        functions: Mapping[str, Callable[[Any], Any]] | None = None,
        max_turns: int = 20,
        deadline: float | None = None,
        max_concurrent: int | None = 16,
        early: bool | list[str] = True,
        on_error: OnError = "model",
        approve: Callable[[Approval], Any] | None = None,
        approvals: Mapping[str, bool] | None = None,
        outputs: Mapping[str, Any] | None = None,
        stop_when: Callable[[Any], Any] | None = None,
        save: Callable[[dict[str, Any]], Any] | None = None,
        context_budget: ContextBudget | None = None,
    ) -> None:
        for name, number in (("max_turns", max_turns), ("max_concurrent", max_concurrent)):
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise ValueError(f"{name} must be a whole number from 1, not {number!r}")
        if deadline is not None and not deadline >= 0:
            raise ValueError(f"deadline must be a number of seconds from now, not {deadline!r}")
        if on_error not in ("model", "raise") and not callable(on_error):
            raise ValueError(f"on_error must be 'model', 'raise' or a function, not {on_error!r}")
        if not asynchronous:
            compact = context_budget.compact if context_budget is not None else None
            for name, function in (
                ("approve", approve),
                ("stop_when", stop_when),
                ("save", save),
                ("compact", compact),
                *(functions or {}).items(),
            ):
                if iscoroutinefunction(function):
                    raise TypeError(f"{name} is a coroutine function, which an asynchronous client can run")
        self.functions = dict(functions or {})
        self.tools: dict[str, Tool[..., Any]] = {}
        declared = set[str]()
        for tool in tools:
            declared_name = _declared_name(tool)
            if declared_name is None:
                continue
            if declared_name in declared:
                raise ValueError(f"there are two tools of the name {declared_name!r}")
            declared.add(declared_name)
            if isinstance(tool, Tool):
                if tool.is_async and not asynchronous:
                    raise TypeError(
                        f"the tool {tool.name!r} is a coroutine function, which an asynchronous client can run"
                    )
                self.tools[tool.name] = tool
        for name in (*self.functions, *(early if isinstance(early, list) else ())):
            if name not in declared:
                raise ValueError(f"there is no tool of the name {name!r}; there are {', '.join(sorted(declared))}")
        self.declared = declared
        self.timeout: Timeout = as_timeout(timeout)
        self.context = context
        self.max_turns = max_turns
        self.deadline = None if deadline is None else monotonic() + deadline
        self.max_concurrent = max_concurrent
        self.early = early
        self.on_error = on_error
        self.approve = approve
        self.approvals = dict(approvals or {})
        self.outputs = dict(outputs or {})
        self.stop_when = stop_when
        self.save = save
        self.budget = context_budget

    def left(self) -> float | None:
        """Seconds to the deadline."""
        return None if self.deadline is None else max(self.deadline - monotonic(), 0.0)

    def may_start(self, job: Job) -> bool:
        """Whether a job may be executed before the response is complete."""
        early = self.early
        return (job.call.name in early if isinstance(early, list) else early) and (job.tool is None or job.tool.early)


def _declared_name(tool: Any) -> str | None:
    """The name of a function or custom tool, whatever form the definition has."""
    if not isinstance(tool, Mapping) or tool.get("type") not in ("function", "custom"):
        return None
    inner = tool.get(tool["type"])
    found = (inner if isinstance(inner, Mapping) else tool).get("name")
    return found if isinstance(found, str) else None


class Job:
    """One call, on its way to an output.

    Attributes:
        call: what the model wrote.
        tool: what executes it, or `None`.
        run: executes it; set when it is started. On the asynchronous side it may return an awaitable.
        is_async: whether `run` returns an awaitable at once.
        state: `"waiting"`, `"started"`, `"finished"`, or `"pending"` while the caller is to say something.
        done, result, error: set by the shell when `run` has ended.
        on_error: where its exception goes.
    """

    __slots__ = (
        "approved",
        "call",
        "done",
        "error",
        "is_async",
        "on_error",
        "output",
        "result",
        "run",
        "state",
        "tool",
        "when",
    )

    def __init__(self, call: FunctionCall, tool: Tool[..., Any] | None) -> None:
        self.call = call
        self.tool = tool
        self.run: Callable[[], Any] | None = None
        self.is_async = tool is not None and tool.is_async
        self.state = "waiting"
        self.approved: bool | None = None if tool is not None and tool.needs_approval else True
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.on_error: OnError = "model"
        self.output: str | list[Any] = ""
        self.when = 0.0

    @property
    def ends_run(self) -> bool:
        """Whether it has raised something that is raised to the caller."""
        error = self.error
        if error is None or isinstance(error, ToolError):
            return False
        return self.on_error == "raise" or not isinstance(error, Exception)

    @property
    def is_running(self) -> bool:
        """Whether it is under way here, and not only in a checkpoint."""
        return self.state == "started" and self.run is not None


class RunState:
    """Where a run is. Shared by the flow, which moves it on, and the runner, which shows it.

    Attributes:
        dialog: the conversation.
        turn: how many turns were begun.
        jobs: the calls of this turn, in the order in which they became complete.
        approvals: requests of MCP servers that wait for the caller.
        reason: why the run is over, once it is.
        response: what the last complete turn came to.
        cancelled: nobody waits for the jobs any more.
    """

    def __init__(self, dialog: Dialog) -> None:
        self.dialog = dialog
        self.turn = 0
        self.jobs: list[Job] = []
        self.approvals: list[Approval] = []
        self.reason: StopReason | None = None
        self.response: Any = None
        self.cancelled = False
        self.resumed = False

    def checkpoint(self) -> dict[str, Any]:
        """Everything that is needed to go on from here, as plain JSON."""
        calls = [
            {
                **{name: getattr(job.call, name) for name in _CALL},
                "state": "waiting" if job.state == "pending" else job.state,
                "output": job.output,
            }
            for job in self.jobs
        ]
        saved: dict[str, Any] = {
            "version": VERSION,
            "api": self.dialog.api,
            "turn": self.turn,
            "reason": self.reason,
            "dialog": self.dialog.save(),
            "calls": calls,
            "approvals": [approval.id for approval in self.approvals],
        }
        return cast("dict[str, Any]", msgspec.json.decode(msgspec.json.encode(saved)))

    def restore(self, saved: Any, options: Options) -> None:
        """Go on from a checkpoint.

        Raises:
            ValueError: it is none, or of the other API.
        """
        if not isinstance(saved, dict) or saved.get("version") != VERSION:
            raise ValueError("resume must be what `checkpoint()` returned, or `save` was given")
        if saved["api"] != self.dialog.api:
            raise ValueError(f"the checkpoint is of a run of {saved['api']}, and this is one of {self.dialog.api}")
        said = self.dialog.items
        self.dialog.restore(msgspec.json.decode(msgspec.json.encode(saved["dialog"])))
        if saved["reason"] in _ANSWERED:
            if not said:
                raise ValueError("the run came to its answer: say something further to go on")
            self.dialog.add(said)
        self.turn = saved["turn"]
        self.resumed = True
        for entry in saved["calls"]:
            call = FunctionCall(**{name: entry[name] for name in _CALL})
            job = Job(call, options.tools.get(call.name))
            job.state, job.output = entry["state"], entry["output"]
            if job.state == "started" and (job.tool is None or job.tool.idempotent):
                job.state = "waiting"
            self.jobs.append(job)


# Who goes on with another run has more to say; who goes on with one that broke off says the same again.
_ANSWERED = ("final", "incomplete", "stopped")
_CALL = ("type", "name", "arguments", "call_id", "index", "namespace")


def agent_loop(state: RunState, options: Options) -> Flow[None]:
    """Run a conversation until there is nothing more to do; `state` has the outcome.

    Raises:
        APIError: a request failed, after any retries, or its answer did.
        Exception: what a tool raised, if that goes to the caller; or what one of the caller's functions raised.
    """
    loop = _Loop(state, options)
    reason: StopReason = yield from loop.run()
    state.reason = reason
    yield from loop.saved()
    yield Emit(RunFinished(reason))


class _Loop:
    def __init__(self, state: RunState, options: Options) -> None:
        self.state = state
        self.options = options
        self.dialog = state.dialog
        self._streaming = False
        # Events that wait for the one of the API that caused them.
        self._held: list[Any] | None = None

    def run(self) -> Flow[StopReason]:
        state, options, dialog = self.state, self.options, self.dialog
        resumed = state.resumed
        try:
            while True:
                if not resumed:
                    yield from self._fit()
                    state.turn += 1
                    state.jobs, state.approvals = [], []
                    yield Emit(TurnStarted(state.turn))
                    yield from self._stream()
                resumed = False
                pending = yield from self._settle()
                if pending is not None:
                    return pending
                final = dialog.complete and not state.jobs and not dialog.answers
                if dialog.complete and dialog.response is not None:
                    state.response = dialog.response
                    finished: Any = TurnFinished(state.turn, dialog.response, final)
                    yield Emit(finished)
                    if dialog.cut:
                        return "incomplete"
                    if final:
                        return "final"
                    if options.stop_when is not None and (yield Invoke(options.stop_when, finished)):
                        return "stopped"
                yield from self.saved()
                if state.turn >= options.max_turns:
                    return "turn_limit"
                if options.left() == 0.0:
                    return "deadline"
                dialog.advance()
        except APITimeoutError:
            if options.left() == 0.0:
                return "deadline"
            raise

    # --- a turn -----------------------------------------------------------------------------------------------------

    def _stream(self) -> Flow[None]:
        """Ask, and begin what is called while the answer comes."""
        dialog, options = self.dialog, self.options
        request = dialog.request()
        left = options.left()
        if left is not None:
            total = options.timeout.total
            request["timeout"] = Timeout(options.timeout, total=left if total is None else min(left, total))
        self._streaming = True
        yield Open(request)
        receive, shown = dialog.receive, dialog.shown
        command: Any = NEXT
        while True:
            event = yield command
            if event is None:
                yield from self._reap()
                break
            calls = receive(event)
            if not calls and not self.state.jobs:
                yield Emit(shown(event))
                if dialog.complete:
                    break
                continue
            # First what is to be done, and then what is to be told: the event of the API, and what came of it.
            self._held = []
            yield from self._called(calls)
            yield from self._reap()
            held, self._held = self._held, None
            yield Emit(shown(event))
            for each in held:
                yield Emit(each)
            if dialog.complete:
                break
        self._streaming = False
        yield FINISH
        calls = dialog.finish()
        if calls:
            yield from self._called(calls)

    def _called(self, calls: Any) -> Flow[None]:
        for call in calls:
            job = Job(call, self.options.tools.get(call.name))
            self.state.jobs.append(job)
            if self.options.may_start(job):
                yield from self._start(job)

    def _settle(self) -> Flow[StopReason | None]:
        """Everything that the answer asks for, as far as it can be done; a reason if the run can't go on."""
        state, options, dialog = self.state, self.options, self.dialog
        approvals, others = dialog.pending()
        for call in others:
            if all(job.call.call_id != call.call_id for job in state.jobs):
                state.jobs.append(Job(call, None))
        answered = {answer.get("approval_request_id") for answer in dialog.answers if isinstance(answer, dict)}
        for approval in approvals:
            if approval.id not in answered:
                yield from self._ask_for_server(approval)
        while True:
            for job in state.jobs:
                yield from self._start(job)
            yield from self._reap()
            if all(job.state in ("finished", "pending") for job in state.jobs):
                break
            left = options.left()
            if left == 0.0:
                return "deadline"
            yield Wait(left)
        for job in state.jobs:
            if job.state == "finished" and not self._is_answered(job):
                dialog.answer(job.call, job.output)
        return "pending" if state.approvals or any(job.state == "pending" for job in state.jobs) else None

    def _is_answered(self, job: Job) -> bool:
        return any(
            isinstance(answer, dict) and job.call.call_id in (answer.get("call_id"), answer.get("tool_call_id"))
            for answer in self.dialog.answers
        )

    # --- a call -----------------------------------------------------------------------------------------------------

    def _start(self, job: Job) -> Flow[None]:
        """Begin a call if it can be begun now; or give it its output if nothing is to be executed for it."""
        options, call = self.options, job.call
        if call.call_id in options.outputs and job.state != "finished":
            output = as_output(options.outputs[call.call_id], call.name)
            if call.type not in ("function", "custom"):
                output = [options.outputs[call.call_id]]
            yield from self._finished(job, output)
            return
        if job.state == "started" and job.run is None:
            # A checkpoint has it begun, and not ended.
            yield from self._finished(job, _INTERRUPTED)
        if job.state != "waiting":
            return
        limit = options.max_concurrent
        if limit is not None and sum(other.is_running for other in self.state.jobs) >= limit:
            return
        function = options.functions.get(call.name)
        if job.tool is None and function is None:
            if call.name in options.declared or call.type not in ("function", "custom"):
                job.state = "pending"
            else:
                known = ", ".join(sorted(options.declared)) or "none"
                yield from self._finished(job, f"There is no tool {call.name!r}. There are: {known}.")
            return
        try:
            run = self._prepared(job, function)
        except FormatError as error:
            yield from self._finished(job, f"Error: {error}. Call it again with arguments that fit.", error=error)
            return
        if job.approved is None:
            if self._streaming:
                return  # it may take long to be answered, and the stream is not read meanwhile
            approval = Approval("function", call.call_id, call.name, call.arguments)
            job.approved = yield from self._ask(approval)
            if job.approved is None:
                job.state = "pending"
                return
        if not job.approved:
            yield from self._finished(job, _REFUSED)
            return
        job.run, job.state = run, "started"
        if job.tool is None or job.tool.on_error is None:
            job.on_error = options.on_error
        else:
            job.on_error = job.tool.on_error
        yield from self.saved()
        job.when = monotonic()
        yield Start(job)
        yield from self._tell(ToolStarted(call, self.state.turn))

    def _prepared(self, job: Job, function: Callable[[Any], Any] | None) -> Callable[[], Any]:
        call, state = job.call, self.state
        if job.tool is None:
            assert function is not None
            if call.type == "custom":
                return partial(function, call.arguments)
            try:
                return partial(function, msgspec.json.decode(call.arguments or "{}"))
            except ValueError as error:
                message = f"invalid arguments for {call.name}: they are not JSON: {error}"
                raise FormatError(message, call.arguments, "") from error
        context = ToolContext(
            self.options.context,
            name=call.name,
            call_id=call.call_id,
            arguments=call.arguments,
            turn=state.turn,
            is_cancelled=lambda: state.cancelled,
        )
        return job.tool.bind(job.tool.parse(call.arguments), context)

    def _reap(self) -> Flow[None]:
        """Take the outputs of the calls that have ended, and begin those that waited for their place."""
        for job in self.state.jobs:
            if job.done and job.state == "started":
                yield from self._finished(job, self._output(job), result=job.result, error=job.error)
                if self.options.max_concurrent is not None:
                    for other in self.state.jobs:
                        if other.state == "waiting" and (not self._streaming or self.options.may_start(other)):
                            yield from self._start(other)

    def _output(self, job: Job) -> str | list[Any]:
        error: BaseException | None = job.error
        if error is None:
            try:
                return as_output(job.result, job.call.name)
            except (TypeError, ValueError) as failure:
                job.error = error = failure
        if isinstance(error, ToolError):
            return str(error)
        policy = job.on_error
        if job.ends_run:
            if hasattr(error, "add_note"):
                error.add_note(f"raised by the tool {job.call.name!r} in the call {job.call.call_id}")
            raise error
        if callable(policy):
            return policy(cast(Exception, error))
        text = str(error)
        return f"Error: {type(error).__name__}: {text}" if text else f"Error: {type(error).__name__}"

    def _finished(
        self, job: Job, output: str | list[Any], *, result: Any = None, error: BaseException | None = None
    ) -> Flow[None]:
        job.state, job.output = "finished", output
        seconds = monotonic() - job.when if job.when else 0.0
        yield from self.saved()
        yield from self._tell(ToolFinished(job.call, self.state.turn, output, result, error or job.error, seconds))

    # --- what the caller says -----------------------------------------------------------------------------------------

    def _ask(self, approval: Approval) -> Flow[bool | None]:
        answer: bool | None = self.options.approvals.get(approval.id)
        if answer is None and self.options.approve is not None:
            answer = yield Invoke(self.options.approve, approval)
        if answer is None:
            return None
        if not isinstance(answer, bool):
            if isawaitable(answer) and hasattr(answer, "close"):
                answer.close()
            raise TypeError(f"approve must return True, False, or None to have the run wait, not {answer!r}")
        yield from self._tell(ApprovalAnswered(approval, answer, self.state.turn))
        return answer

    def _ask_for_server(self, approval: Approval) -> Flow[None]:
        answer = yield from self._ask(approval)
        if answer is not None:
            self.dialog.approve(approval, answer)
            yield from self.saved()
        else:
            self.state.approvals.append(approval)

    def _fit(self) -> Flow[None]:
        budget, dialog = self.options.budget, self.dialog
        if budget is None or budget.holds(dialog.items):
            return
        if budget.compact is None:
            dialog.items = trimmed(dialog.items, budget)
            return
        dialog.items = list((yield Invoke(budget.compact, list(dialog.items))))
        if not budget.holds(dialog.items):
            raise ValueError("the conversation is over its budget even as `compact` returned it")

    def _tell(self, event: Any) -> Flow[None]:
        if self._held is not None:
            self._held.append(event)
        else:
            yield Emit(event)

    def saved(self) -> Flow[None]:
        """Save where the run is, if that was asked for."""
        if self.options.save is not None:
            yield Invoke(self.options.save, self.state.checkpoint())


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
