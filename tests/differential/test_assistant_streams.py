"""The assistants' run streams: the same requests, the same callbacks with the same arguments, the same objects at the end."""

from __future__ import annotations

import inspect
from typing import Any

import openai
import pytest
from openai.lib import streaming as official_streaming

import oxide
from oxide.core.streams.assistants import CALLBACKS
from oxide.lib import streaming
from tests.streams import scripts
from tests.streams.compare import assert_same_stream_object

from .recorder import Answer, events
from .sides import Side, Sides, assert_same_requests

# The official SDK dumps deltas as the class that they are a delta to.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

OPENERS: dict[str, Any] = {
    "create_and_stream": lambda client, **handler: client.beta.threads.runs.create_and_stream(
        thread_id="t", assistant_id="a", temperature=0.5, **handler
    ),
    "stream": lambda client, **handler: client.beta.threads.runs.stream(
        thread_id="t",
        assistant_id="a",
        include=["step_details.tool_calls[*].file_search.results[*].content"],
        **handler,
    ),
    "submit_tool_outputs_stream": lambda client, **handler: client.beta.threads.runs.submit_tool_outputs_stream(
        thread_id="t", run_id="r", tool_outputs=[{"tool_call_id": "c", "output": "x"}], **handler
    ),
    "create_and_run_stream": lambda client, **handler: client.beta.threads.create_and_run_stream(
        assistant_id="a", thread={"messages": [{"role": "user", "content": "x"}]}, **handler
    ),
}


def answer(last: int | None = None) -> Answer:
    script = scripts.assistant_run()[:last]
    return events(*(data for _, data in script), names=[name for name, _ in script])


def plain(value: Any, side: Side) -> Any:
    """An argument of a callback as it is now."""
    if hasattr(value, "to_dict"):
        return value.to_dict(**({} if side.is_oxide else {"warnings": False}))
    return type(value).__name__ if isinstance(value, Exception) else value


def recording(side: Side) -> tuple[Any, list[Any]]:
    """An event handler that writes down its callbacks, and what it wrote."""
    module = streaming if side.is_oxide else official_streaming
    base = module.AsyncAssistantEventHandler if side.asynchronous else module.AssistantEventHandler
    said: list[Any] = []

    def callback(name: str) -> Any:
        def note(self: Any, *arguments: Any) -> None:
            state = [plain(getattr(self, f"current_{each}"), side) for each in ("event", "run")]
            said.append((name, [plain(argument, side) for argument in arguments], state))

        async def note_later(self: Any, *arguments: Any) -> None:
            note(self, *arguments)

        return note_later if side.asynchronous else note

    return type("Recording", (base,), {name: callback(name) for name in CALLBACKS})(), said


def read(side: Side, opener: Any, reply: Answer, **handler: Any) -> Any:
    """The events, what was raised, and what the handler has at the end."""
    found: dict[str, Any] = {"events": [], "error": None}
    finals = ("get_final_run", "get_final_run_steps", "get_final_messages")

    async def finish(stream: Any) -> None:
        for name in finals:
            value = getattr(stream, name)()
            found[name] = await value if inspect.isawaitable(value) else value

    async def asynchronously(client: Any) -> None:
        async with opener(client, **handler) as stream:
            try:
                async for event in stream:
                    found["events"].append(event)
                await finish(stream)
            except Exception as error:  # noqa: BLE001 - compared
                found["error"] = error

    def synchronously(client: Any) -> None:
        with opener(client, **handler) as stream:
            try:
                for event in stream:
                    found["events"].append(event)
                for name in finals:
                    found[name] = getattr(stream, name)()
            except Exception as error:  # noqa: BLE001 - compared
                found["error"] = error

    outcome = side.call(asynchronously if side.asynchronous else synchronously, answers=(reply,))
    assert outcome.error is None, outcome.error
    return found, outcome


@pytest.mark.parametrize("name", OPENERS)
def test_the_same_run(sides: Sides, name: str) -> None:
    for official, ours in sides.pairs:
        their_handler, they_said = recording(official)
        my_handler, i_said = recording(ours)
        theirs, their_outcome = read(official, OPENERS[name], answer(), event_handler=their_handler)
        mine, my_outcome = read(ours, OPENERS[name], answer(), event_handler=my_handler)
        assert_same_requests(their_outcome, my_outcome)
        assert [each[0] for each in i_said] == [each[0] for each in they_said]
        for there, here in zip(they_said, i_said, strict=True):
            assert here == there
        for key, value in theirs.items():
            if key == "events":
                # Their events are what the snapshots are made of, and change with these.
                assert [event.event for event in mine[key]] == [event.event for event in value]
            elif key != "error":
                assert_same_stream_object(value, mine[key])
        assert mine["error"] is None


def test_without_a_handler(sides: Sides) -> None:
    for official, ours in sides.pairs:
        theirs, _ = read(official, OPENERS["stream"], answer())
        mine, _ = read(ours, OPENERS["stream"], answer())
        for key in ("get_final_run", "get_final_run_steps", "get_final_messages"):
            assert_same_stream_object(theirs[key], mine[key])


def test_a_run_that_breaks_off(sides: Sides) -> None:
    for _, ours in sides.pairs:
        handler, said = recording(ours)
        mine, _ = read(ours, OPENERS["stream"], answer(-3), event_handler=handler)
        assert isinstance(mine["error"], oxide.StreamEndedError)
        assert [each[0] for each in said[-2:]] == ["on_exception", "on_end"]


def test_a_piece_of_a_message_that_was_not_announced(sides: Sides) -> None:
    script = [scripts.assistant_run()[17]]
    reply = events(*(data for _, data in script), names=[name for name, _ in script])
    for official, ours in sides.pairs:
        theirs, _ = read(official, OPENERS["stream"], reply)
        mine, _ = read(ours, OPENERS["stream"], reply)
        assert isinstance(theirs["error"], RuntimeError)
        assert isinstance(mine["error"], oxide.StreamOrderError)


def test_a_handler_belongs_to_one_stream(sides: Sides) -> None:
    handler, _ = recording(sides.oxide)
    read(sides.oxide, OPENERS["stream"], answer(), event_handler=handler)
    outcome = sides.oxide.call(
        lambda client: OPENERS["stream"](client, event_handler=handler).__enter__(), answers=(answer(),)
    )
    assert isinstance(outcome.error, RuntimeError)
    with pytest.raises(RuntimeError):
        next(streaming.AssistantEventHandler())


def test_text_deltas(sides: Sides) -> None:
    wanted = ["Fo", "ur", ".", "Th", "en", "Bye"]
    for official, ours in sides.pairs:
        for side in (official, ours):
            with_block: Any = OPENERS["stream"]

            async def later(client: Any) -> list[str]:
                async with OPENERS["stream"](client) as stream:
                    return [piece async for piece in stream.text_deltas]

            def now(client: Any, opener: Any = with_block) -> list[str]:
                with opener(client) as stream:
                    return list(stream.text_deltas)

            outcome = side.call(later if side.asynchronous else now, answers=(answer(),))
            assert outcome.result == wanted, outcome


def test_names() -> None:
    assert sorted(streaming.__all__) == sorted(official_streaming.__all__)
    for name in ("AssistantEventHandler", "AsyncAssistantEventHandler"):
        theirs = {each for each in vars(getattr(official_streaming, name)) if not each.startswith("_")}
        assert theirs <= set(dir(getattr(oxide, name)))
        assert getattr(openai, name).__name__ == getattr(oxide, name).__name__
