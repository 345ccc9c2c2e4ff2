"""The agent loop, as one flow: ask, execute what the model calls while it goes on, answer, ask again.

`Emit` is for the caller; all other commands that it yields are performed against a shell's `ToolIO`. The shells have no part in any decision.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import isawaitable
from time import monotonic
from typing import Any, cast

import msgspec

from ..errors import APITimeoutError
from ..flow import Flow, Invoke
from ..structured import FormatError
from ..timeouts import Timeout
from .budget import trimmed
from .commands import FINISH, NEXT, Emit, Open, Start, Wait
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
from .state import Job, Options, RunState
from .tool import ToolContext, ToolError

__all__ = ["agent_loop"]

_INTERRUPTED = "The call was interrupted. Whether it had any effect is not known."
_REFUSED = "The call was not allowed."


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
            job = Job(call, self.options.tool(call))
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
            if options.declares(call) or call.type not in ("function", "custom"):
                job.state = "pending"
            else:
                name = call.name if call.namespace is None else f"{call.namespace}.{call.name}"
                known = ", ".join(sorted(options.declared)) or "none"
                yield from self._finished(job, f"There is no tool {name!r}. There are: {known}.")
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
