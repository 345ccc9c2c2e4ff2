"""The loop by itself, on a shell without any I/O in which calls end in any order and anything may break."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from oxide.core.codec import decode
from oxide.core.tools.commands import END, until_event
from oxide.core.tools.dialog import ChatDialog, Dialog, ResponseDialog
from oxide.core.tools.loop import agent_loop
from oxide.core.tools.state import Job, Options, RunState
from oxide.io.sync.run import run
from oxide.tools import openai_tool
from oxide.types.chat.chat_completion_chunk import ChatCompletionChunk
from oxide.types.responses.response_stream_event import ResponseStreamEvent

from .script import Call, chat, response


class Broken(Exception):
    """What breaks in the middle."""


class Shell:
    """Streams what it is given, and ends calls when `choose` says so.

    Attributes:
        most: how many calls were under way at the same time, at most.
    """

    def __init__(self, turns: Any, type_: Any, choose: Callable[[int], int], breaks: int | None) -> None:
        self._turns = turns
        self._type = type_
        self._choose = choose
        self._running: list[Job] = []
        self._left = breaks
        self.most = 0
        self.requests: list[dict[str, Any]] = []

    def _step(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise Broken

    def open(self, request: dict[str, Any]) -> None:
        self._step()
        self.requests.append(request)
        self._events = iter([event for event in next(self._turns).events if isinstance(event, dict)])

    def next(self) -> Any:
        self._step()
        for _ in range(self._choose(len(self._running))):
            self._end()
        event = next(self._events, None)
        return None if event is None else decode(self._type, json.dumps(event).encode())

    def finish(self) -> None:
        self._step()

    def start(self, job: Job) -> None:
        self._running.append(job)
        self.most = max(self.most, len(self._running))
        assert job.run is not None
        job.result = job.run()
        self._step()

    def wait_job(self, seconds: float | None) -> None:
        assert self._running, "the loop waits for nothing"
        self._step()
        self._end()

    def _end(self) -> None:
        job = self._running.pop(min(self._choose(len(self._running)), len(self._running) - 1))
        job.done = True

    def invoke(self, function: Any, *args: Any) -> Any:
        return function(*args)


def drive(state: RunState, options: Options, shell: Shell) -> list[Any]:
    """All events of a run."""
    flow, found = agent_loop(state, options), []
    while True:
        event = run(until_event(flow), shell)
        if event is END:
            return found
        found.append(event)


@settings(max_examples=int(os.environ.get("OXIDE_LOOPS", "80")))
@given(data=st.data())
def test_every_call_is_executed_once_whatever_breaks(data: st.DataObject) -> None:
    api = data.draw(st.sampled_from(["responses", "chat"]))
    script, type_ = (response, ResponseStreamEvent) if api == "responses" else (chat, ChatCompletionChunk)
    numbers = itertools.count()
    executed: list[int] = []

    @openai_tool
    def note(number: int) -> int:
        executed.append(number)
        return number

    def dialog() -> Dialog:
        if api == "chat":
            return ChatDialog({"messages": [{"role": "user", "content": "go"}]})
        return ResponseDialog({"input": "go"}, carries)

    carries = data.draw(st.booleans())
    sizes = data.draw(st.lists(st.integers(1, 3), max_size=3))
    calls = {f"call_{number}": number for number in range(sum(sizes))}
    turns = iter(
        [
            *(
                script(*(Call("note", f"call_{n}", number=n) for n in itertools.islice(numbers, size)))
                for size in sizes
            ),
            *(script("done") for _ in range(100)),
        ]
    )
    limit = data.draw(st.sampled_from([None, 1, 2]))
    early = data.draw(st.booleans())

    def choose(most: int) -> int:
        return data.draw(st.integers(0, most)) if most else 0

    state = RunState(dialog())
    resume: Any = None
    breaks: int | None = data.draw(st.one_of(st.none(), st.integers(0, 30)))
    saved: list[Any] = []
    requests: list[Any] = []
    while True:
        options = Options([note], asynchronous=False, max_concurrent=limit, early=early, save=saved.append)
        state = RunState(dialog())
        if resume is not None:
            state.restore(resume, options)
        shell = Shell(turns, type_, choose, breaks)
        try:
            events = drive(state, options, shell)
        except Broken:
            # In the middle of whatever, and from what was last saved as well as from what is known now.
            assert limit is None or shell.most <= limit
            if data.draw(st.booleans()) and saved:
                resume = json.loads(json.dumps(saved[-1]))
            else:
                resume = json.loads(json.dumps(state.checkpoint()))
            breaks = data.draw(st.one_of(st.none(), st.integers(0, 30)))
        else:
            requests += shell.requests
            break
        requests += shell.requests
    assert limit is None or shell.most <= limit
    assert state.reason == "final"
    assert events[-1].type == "run.finished"
    # Once each; a turn that broke off before its calls were known may have been lost to the script.
    assert len(executed) == len(set(executed))
    assert set(executed) <= set(calls.values())
    # Every call that the model sees has one output.
    answered: list[str] = []
    last = requests[-1]
    for item in last.get("messages") or last["input"]:
        answered += [item.get("call_id") or item.get("tool_call_id")] if _is_output(item) else []
    assert len(answered) == len(set(answered))
    if breaks is None and resume is None:
        assert sorted(executed) == sorted(calls.values())
        if carries or api == "chat":
            assert set(answered) == set(calls)


def _is_output(item: Any) -> bool:
    return item.get("type") == "function_call_output" or item.get("role") == "tool"
