"""`beta.agents.sessions.stream`: the same requests in the same order, the same events, and the same result."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import openai.lib.beta.agents  # noqa: F401 - the module below can't be imported first
import pydantic
import pytest

import oxide
from tests.streams.compare import assert_same_stream_object

from .recorder import Answer, events
from .sides import Side, Sides, assert_same_requests

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")

IDLE = {"id": "s", "object": "agent.session", "status": "idle"}


class Person(pydantic.BaseModel):
    name: str


class Script:
    """Events of one session, each with an id."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def send(self, kind: str, **fields: Any) -> Script:
        number = len(self.events)
        self.events.append({"type": f"agent.session.{kind}", "event_id": f"e{number}", "session_id": "s", **fields})
        return self

    def turn(self, kind: str, status: str, turn_id: str = "t", **fields: Any) -> Script:
        turn = {"id": turn_id, "object": "agent.session.turn", "session_id": "s", "status": status, **fields}
        return self.send(f"turn.{kind}", turn_id=turn_id, turn=turn)

    def message(self, text: str, index: int = 0, **fields: Any) -> Script:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        item = {"type": "message", "id": f"m{index}", "turn_id": "t", "role": "assistant", "content": content}
        item |= {"status": "completed", "phase": "final_answer", **fields}
        return self.send("turn.item.done", item=item, output_index=index, turn_id="t")

    def call(self, name: str, arguments: Any, call_id: str = "c") -> Script:
        item = {"type": "function_call", "id": f"f{call_id}", "turn_id": "t", "call_id": call_id, "name": name}
        item |= {"arguments": arguments, "status": "in_progress"}
        return self.send("turn.item.added", item=item, output_index=0, turn_id="t")

    def session(self, kind: str, **fields: Any) -> Script:
        return self.send(kind, session={**IDLE, "required_actions": [], **fields})


def whole() -> Script:
    script = Script().session("idle").turn("created", "in_progress")
    script.turn("created", "in_progress", "sub", subagent_id="x").turn("completed", "completed", "sub", subagent_id="x")
    script.session("idle").call("look_up", '{"city": "Paris"}').call("look_up", {"city": "Rome"}, "c2")
    script.call("unknown", "{}", "c3").call("breaks", "{}", "c4").call("breaks", "[", "c5")
    script.message("later", 1).message("aside", 2, phase="commentary").message('{"name": "Ada"}', 0)
    script.events.append(script.events[-1])
    return script.turn("completed", "completed").session("idle").message("never seen", 3)


def look_up(arguments: dict[str, Any]) -> Any:
    return {"seen": arguments["city"]} if arguments["city"] == "Paris" else ["part"]


def breaks(arguments: dict[str, Any]) -> Any:
    raise ValueError("a secret")


async def look_up_later(arguments: dict[str, Any]) -> Any:
    return look_up(arguments)


def replies(script: Script, *more: Answer) -> tuple[Answer, ...]:
    return (Answer(200, IDLE), events(*script.events), Answer(200, {}), *more)


def read(side: Side, answers: tuple[Answer, ...], read_first: bool = False, **arguments: Any) -> Any:
    found: dict[str, Any] = {"events": [], "error": None, "result": None}
    arguments = {"input": "Hi", "idempotency_key": "k", **arguments}

    async def asynchronously(client: Any) -> None:
        async with client.beta.agents.sessions.stream("s", **arguments) as stream:
            try:
                if read_first:
                    stream.with_result_collection()
                    async for event in stream:
                        found["events"].append(event)
                found["result"] = await stream.get_final_result()
            except Exception as error:  # noqa: BLE001 - compared
                found["error"] = error

    def synchronously(client: Any) -> None:
        with client.beta.agents.sessions.stream("s", **arguments) as stream:
            try:
                if read_first:
                    stream.with_result_collection()
                    for event in stream:
                        found["events"].append(event)
                found["result"] = stream.get_final_result()
            except Exception as error:  # noqa: BLE001 - compared
                found["error"] = error

    outcome = side.call(asynchronously if side.asynchronous else synchronously, answers=answers)
    found["refused"] = outcome.error
    return found, outcome


@pytest.fixture(autouse=True)
def _one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("openai.lib.streaming.agents._dispatch", "oxide.core.streams.agents"):
        monkeypatch.setattr(f"{module}.uuid4", lambda: "drawn")


def compare(sides: Sides, answers: Callable[[], tuple[Answer, ...]], **arguments: Any) -> list[tuple[Any, Any]]:
    found = []
    for official, ours in sides.pairs:
        theirs, their_outcome = read(official, answers(), **arguments)
        mine, my_outcome = read(ours, answers(), **arguments)
        assert_same_requests(their_outcome, my_outcome)
        for there, here in zip(theirs["events"], mine["events"], strict=True):
            assert_same_stream_object(there, here)
        assert type(mine["error"]).__name__ == type(theirs["error"]).__name__, (mine["error"], theirs["error"])
        assert type(mine["refused"]).__name__ == type(theirs["refused"]).__name__
        if theirs["result"] is not None:
            assert_same_stream_object(theirs["result"].turn, mine["result"].turn)
            assert_same_stream_object(theirs["result"].messages, mine["result"].messages)
            assert mine["result"].output_text == theirs["result"].output_text
            assert mine["result"].output_parsed == theirs["result"].output_parsed
        found.append((theirs, mine))
    return found


@pytest.mark.parametrize("read_first", [False, True])
def test_a_turn_with_calls(sides: Sides, read_first: bool) -> None:
    failures: list[tuple[Any, ...]] = []

    def told(error: Any) -> None:
        failures.append((error.tool_name, error.call_id, error.stage, error.session_id, error.turn_id))
        raise RuntimeError("who watches does not change the turn")

    early = {"error": {"code": "invalid_request_error", "message": "Unknown pending tool call: c"}}
    for _, mine in compare(
        sides,
        lambda: replies(whole(), Answer(400, early), *[Answer(200, {})] * 5),
        read_first=read_first,
        tool_handlers={"look_up": look_up, "breaks": breaks},
        on_tool_error=told,
    ):
        assert mine["result"].output_text == '{"name": "Ada"}later'
        assert (mine["result"].session_id, mine["result"].turn_id) == ("s", "t")
    assert failures == [("breaks", "c4", "execution", "s", "t"), ("breaks", "c5", "arguments", "s", "t")] * 4


def test_a_coroutine_function_as_handler(sides: Sides) -> None:
    pairs = compare(
        sides,
        lambda: replies(whole(), *[Answer(200, {})] * 4),
        tool_handlers={"look_up": look_up_later},
    )
    assert [mine["error"] for _, mine in pairs] == [None, None]


def test_a_structured_result(sides: Sides) -> None:
    script = Script().turn("created", "in_progress").message('{"name": "Ada"}')
    script.turn("completed", "completed").session("idle")
    for _, mine in compare(sides, lambda: replies(script), output_type=Person):
        assert mine["result"].output_parsed == Person(name="Ada")
        assert mine["result"].parse(Person).output_parsed == Person(name="Ada")
    broken = Script().turn("created", "in_progress").message("no JSON")
    broken.turn("completed", "completed").session("idle")
    for _, mine in compare(sides, lambda: replies(broken), output_type=Person):
        assert mine["error"].result.output_text == "no JSON"
        assert mine["error"].__cause__ is None


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (Script().turn("created", "in_progress").turn("failed", "failed").session("idle"), "failed"),
        (Script().turn("created", "in_progress").turn("cancelled", "cancelled").session("idle"), "cancelled"),
        (Script().turn("created", "in_progress").session("failed"), "failed"),
        (Script().session("budget_reached"), "incomplete"),
        (
            Script()
            .turn("created", "in_progress")
            .session("requires_action", required_actions=[{"type": "function_call", "name": "x", "call_id": "c"}]),
            "requires_action",
        ),
        (Script().turn("created", "in_progress").message("half"), "observation_failed"),
    ],
)
def test_a_turn_without_a_result(sides: Sides, script: Script, reason: str) -> None:
    for theirs, mine in compare(sides, lambda: replies(script)):
        assert (theirs["error"].reason, mine["error"].reason) == (reason, reason)
        assert mine["error"].turn_id == theirs["error"].turn_id
        assert_same_stream_object(theirs["error"].messages, mine["error"].messages)


def test_a_connection_that_closes_early(sides: Sides) -> None:
    script = Script().turn("created", "in_progress")
    for official, ours in sides.pairs:
        for side in (official, ours):
            found, _ = read(side, replies(script), read_first=True)
            assert isinstance(found["error"], RuntimeError)
        assert isinstance(found["error"], oxide.StreamEndedError)


@pytest.mark.parametrize("arguments", [{"input": ""}, {"input": []}])
def test_no_input(sides: Sides, arguments: dict[str, Any]) -> None:
    for side in sides.all:
        with pytest.raises(ValueError, match="empty"):
            side.client.beta.agents.sessions.stream("s", **arguments)


def test_a_session_that_is_not_idle(sides: Sides) -> None:
    for theirs, mine in compare(sides, lambda: (Answer(200, {**IDLE, "status": "in_progress"}),)):
        assert isinstance(theirs["refused"], ValueError)
        assert isinstance(mine["refused"], ValueError)


def test_input_that_is_refused_closes_the_stream(sides: Sides) -> None:
    refusal = Answer(422, {"error": {"message": "no"}})
    for _, mine in compare(sides, lambda: (Answer(200, IDLE), events(*whole().events), refusal)):
        assert isinstance(mine["refused"], oxide.UnprocessableEntityError)


def test_misuse(sides: Sides) -> None:
    stream = sides.oxide.client.beta.agents.sessions.stream("s", input="x")
    with pytest.raises(RuntimeError):
        next(stream)
    stream.close()
    with pytest.raises(RuntimeError):
        stream.__enter__()


def test_names() -> None:
    import openai.lib.streaming.agents as theirs

    import oxide.lib.streaming.agents as mine

    names = [name for name, value in vars(theirs).items() if not name.startswith("_") and not inspect.ismodule(value)]
    assert set(names) <= set(dir(mine))


# --- sessions that are created with a stream -----------------------------------------------------------------------------


def created(sides: Sides, answers: Callable[[], tuple[Answer, ...]], **arguments: Any) -> list[tuple[Any, Any]]:
    """The session's events, or its first turn's result, on both SDKs."""

    async def asynchronously(client: Any) -> Any:
        stream = await client.beta.agents.sessions.create(environment={"type": "none"}, **arguments)
        return await stream.get_final_result() if hasattr(stream, "get_final_result") else stream

    def synchronously(client: Any) -> Any:
        stream = client.beta.agents.sessions.create(environment={"type": "none"}, **arguments)
        return stream.get_final_result() if hasattr(stream, "get_final_result") else stream

    found = []
    for official, ours in sides.pairs:
        calls = [asynchronously if side.asynchronous else synchronously for side in (official, ours)]
        theirs = official.call(calls[0], answers=answers())
        mine = ours.call(calls[1], answers=answers())
        assert_same_requests(theirs, mine)
        assert type(mine.error).__name__ == type(theirs.error).__name__
        found.append((theirs.result, mine.result))
    return found


def test_a_session_with_its_first_turn(sides: Sides) -> None:
    script = Script().session("created").turn("created", "in_progress").call("look_up", '{"city": "Paris"}')
    script.message('{"name": "Ada"}').turn("completed", "completed").session("idle")
    for theirs, mine in created(
        sides,
        lambda: (events(*script.events), Answer(200, {})),
        stream=True,
        input="Hi",
        output_type=Person,
        tool_handlers={"look_up": look_up},
        agent={"model": "m", "text": {"verbosity": "low"}},
    ):
        assert mine.output_parsed == theirs.output_parsed == Person(name="Ada")
        assert_same_stream_object(theirs.messages, mine.messages)


def test_a_session_alone(sides: Sides) -> None:
    for theirs, mine in created(sides, lambda: (Answer(200, IDLE),), output_type=Person):
        assert_same_stream_object(theirs, mine)
    created(sides, tuple, tool_handlers={"look_up": look_up})
    created(sides, tuple, output_type=Person, agent={"text": {"format": {"type": "text"}}})


def test_a_created_session_is_a_stream(sides: Sides) -> None:
    script = Script().session("created").turn("created", "in_progress")
    outcome = sides.oxide.call(
        lambda client: client.beta.agents.sessions.create(environment={"type": "none"}, stream=True),
        answers=(events(*script.events),),
    )
    assert [event.type for event in outcome.result] == ["agent.session.created", "agent.session.turn.created"]
