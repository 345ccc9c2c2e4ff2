"""Where a run is, and what it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import isawaitable, iscoroutinefunction
from time import monotonic
from typing import Any, cast

import msgspec

from ..errors import OpenAIError
from ..streams.calls import FunctionCall
from ..timeouts import Timeout, as_timeout
from .budget import ContextBudget
from .dialog import Dialog
from .run_events import Approval, StopReason
from .tool import OnError, Tool, ToolError, as_tool

__all__ = ["Job", "Options", "RunError", "RunState"]

VERSION = 1


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
        self._tools: dict[tuple[str | None, str], Tool[..., Any]] = {}
        declared = set[str]()
        seen = set[tuple[str | None, str]]()
        for namespace, tool in _each(tools):
            declared_name = _declared_name(tool)
            if declared_name is None:
                continue
            if (namespace, declared_name) in seen:
                raise ValueError(f"there are two tools of the name {declared_name!r}")
            seen.add((namespace, declared_name))
            declared.add(declared_name)
            if isinstance(tool, Tool):
                if tool.is_async and not asynchronous:
                    raise TypeError(
                        f"the tool {tool.name!r} is a coroutine function, which an asynchronous client can run"
                    )
                self._tools[namespace, tool.name] = tool
        for name in (*self.functions, *(early if isinstance(early, list) else ())):
            if name not in declared:
                raise ValueError(f"there is no tool of the name {name!r}; there are {', '.join(sorted(declared))}")
        self.declared = declared
        self._seen = seen
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

    def declares(self, call: FunctionCall) -> bool:
        """Whether the model was told of what it calls."""
        name = call.name
        return (call.namespace, name) in self._seen or (call.namespace == name and (None, name) in self._seen)

    def tool(self, call: FunctionCall) -> Tool[..., Any] | None:
        """What executes a call, if it is a tool that does."""
        found = self._tools.get((call.namespace, call.name))
        # A function outside of a namespace whose loading was deferred has its own name for one.
        return self._tools.get((None, call.name)) if found is None and call.namespace == call.name else found

    def left(self) -> float | None:
        """Seconds to the deadline."""
        return None if self.deadline is None else max(self.deadline - monotonic(), 0.0)

    def may_start(self, job: Job) -> bool:
        """Whether a job may be executed before the response is complete."""
        early = self.early
        return (job.call.name in early if isinstance(early, list) else early) and (job.tool is None or job.tool.early)


def _each(tools: list[Any]) -> Iterator[tuple[str | None, Any]]:
    """The tools, those inside of namespaces too, with the name of that."""
    for tool in tools:
        if isinstance(tool, Mapping) and tool.get("type") == "namespace":
            for inner in tool.get("tools") or ():
                yield tool.get("name"), as_tool(inner)
        else:
            yield None, tool


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

    def perform(self) -> None:
        """Call a tool that is a plain function, and keep what it returns.

        Raises:
            TypeError: it returned an awaitable.
            BaseException: what it raises.
        """
        assert self.run is not None
        self.result = self.run()
        if isawaitable(self.result):
            if hasattr(self.result, "close"):
                self.result.close()
            raise TypeError(f"the tool {self.call.name!r} returned an awaitable, which an asynchronous client can run")

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
            job = Job(call, options.tool(call))
            job.state, job.output = entry["state"], entry["output"]
            if job.state == "started" and (job.tool is None or job.tool.idempotent):
                job.state = "waiting"
            self.jobs.append(job)


# Who goes on with another run has more to say; who goes on with one that broke off says the same again.
_ANSWERED = ("final", "incomplete", "stopped")
_CALL = ("type", "name", "arguments", "call_id", "index", "namespace")
