"""`responses.stream` and `chat.completions.stream`: the same request, the same events, the same end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pydantic
import pytest

import oxide
from tests.streams import scripts
from tests.streams.compare import assert_same_stream_object

from .recorder import Answer, events
from .sides import Side, Sides, assert_same_requests

# Values that a class did not declare, which unknown items are to the official SDK.
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")


class Person(pydantic.BaseModel):
    name: str
    age: int


WEATHER = {
    "name": "look_up",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


class Read:
    """A helper's stream, read: its events, snapshots that were taken at each, what came at the end, and what was raised."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.snapshots: list[Any] = []
        self.final: Any = None
        self.error: Any = None
        self.final_error: Any = None


def read(side: Side, opened: Callable[[Any], Any], answer: Answer, final: str) -> tuple[Read, Any]:
    """Open a stream on one side, read all of it, and ask for what it came to."""
    result = Read()

    def note(event: Any) -> None:
        result.events.append(event)
        snapshot = getattr(event, "snapshot", None)
        if snapshot is not None and not isinstance(snapshot, (str, list)):
            snapshot = snapshot.to_dict(**({} if side.is_oxide else {"warnings": False}))
        result.snapshots.append(snapshot)

    async def asynchronously(client: Any) -> None:
        async with opened(client) as stream:
            try:
                async for event in stream:
                    note(event)
            except Exception as error:  # noqa: BLE001 - compared
                result.error = error
            try:
                result.final = await getattr(stream, final)()
            except Exception as error:  # noqa: BLE001 - compared
                result.final_error = error

    def synchronously(client: Any) -> None:
        with opened(client) as stream:
            try:
                for event in stream:
                    note(event)
            except Exception as error:  # noqa: BLE001 - compared
                result.error = error
            try:
                result.final = getattr(stream, final)()
            except Exception as error:  # noqa: BLE001 - compared
                result.final_error = error

    outcome = side.call(asynchronously if side.asynchronous else synchronously, answers=(answer,))
    assert outcome.error is None, outcome.error
    return result, outcome


def compare(sides: Sides, opened: Callable[[Any], Any], answer: Answer, final: str) -> list[tuple[Read, Read]]:
    """Read the same stream on both SDKs, both ways, and see that it is the same. Returns what was read."""
    pairs = []
    for official, ours in sides.pairs:
        theirs, their_outcome = read(official, opened, answer, final)
        mine, my_outcome = read(ours, opened, answer, final)
        assert_same_requests(their_outcome, my_outcome)
        if theirs.error is None and mine.error is None:
            assert len(mine.events) == len(theirs.events)
            for there, here in zip(theirs.events, mine.events, strict=True):
                assert_same_stream_object(there, here)
            for there, here in zip(theirs.snapshots, mine.snapshots, strict=True):
                assert_same_snapshot(there, here)
        if theirs.final is not None:
            assert_same_stream_object(theirs.final, mine.final)
            assert mine.final.to_dict() == theirs.final.to_dict(warnings=False)
        else:
            assert mine.final is None
            assert isinstance(mine.final_error, oxide.OpenAIError)
        pairs.append((theirs, mine))
    return pairs


def assert_same_snapshot(theirs: Any, mine: Any) -> None:
    """Equal but for nulls: a snapshot of the official SDK has every field of what it put together, and gains them as it goes."""
    if isinstance(theirs, dict):
        assert {key for key, value in theirs.items() if value is not None} == {
            key for key, value in mine.items() if value is not None
        }
        for key, value in theirs.items():
            if value is not None:
                assert_same_snapshot(value, mine[key])
    elif isinstance(theirs, list) and theirs and isinstance(theirs[0], dict):
        for there, here in zip(theirs, mine, strict=True):
            assert_same_snapshot(there, here)
    elif not isinstance(theirs, list):
        assert mine == theirs


@pytest.mark.parametrize("kind", scripts.RESPONSES)
def test_responses(sides: Sides, kind: str) -> None:
    compare(
        sides,
        lambda client: client.responses.stream(model="m", input="x", temperature=0.5),
        events(*scripts.RESPONSES[kind]()),
        "get_final_response",
    )


@pytest.mark.parametrize("kind", sorted(set(scripts.CHATS) - {"chat_custom_tool"}))
def test_chats(sides: Sides, kind: str) -> None:
    compare(
        sides,
        lambda client: client.chat.completions.stream(model="m", messages=[], n=2),
        events(*scripts.CHATS[kind](), "[DONE]"),
        "get_final_completion",
    )


def structured(*pieces: str) -> list[dict[str, Any]]:
    script = scripts.ResponseScript()
    scripts.message(script, 0, list(pieces), phase="commentary")
    scripts.message(script, 1, list(pieces), phase="final_answer")
    script.begin(2, scripts.call(2))
    scripts.arguments(script, 2, '{"city": "Paris"}')
    scripts.arguments_done(script, 2, '{"city": "Paris"}')
    return script.end()


def test_a_structured_response(sides: Sides) -> None:
    tool = {"type": "function", **WEATHER}
    pairs = compare(
        sides,
        lambda client: client.responses.stream(
            model="m",
            input="x",
            text_format=Person,
            tools=[tool, sdk_of(client).pydantic_function_tool(Person)],
            text={"verbosity": "low"},
        ),
        events(*structured('{"name": "A', 'da", "age": 36}')),
        "get_final_response",
    )
    for _, mine in pairs:
        assert mine.final.output_parsed == Person(name="Ada", age=36)
        assert mine.final.output[2].parsed_arguments == {"city": "Paris"}


def sdk_of(client: Any) -> Any:
    return oxide if type(client).__module__.startswith("oxide") else openai


def test_a_structured_chat(sides: Sides) -> None:
    for kind in ("chat_json", "chat_refusal", "chat_calls"):
        compare(
            sides,
            lambda client: client.chat.completions.stream(
                model="m",
                messages=[],
                response_format=Person,
                tools=[{"type": "function", "function": WEATHER}, sdk_of(client).pydantic_function_tool(Person)],
            ),
            events(*scripts.CHATS[kind](), "[DONE]"),
            "get_final_completion",
        )


@pytest.mark.parametrize("kind", ["chat_cut_off", "chat_filtered"])
def test_a_structured_chat_that_was_cut_off(sides: Sides, kind: str) -> None:
    pairs = compare(
        sides,
        lambda client: client.chat.completions.stream(model="m", messages=[], response_format=Person),
        events(*scripts.CHATS[kind](), "[DONE]"),
        "get_final_completion",
    )
    for theirs, mine in pairs:
        assert type(mine.error).__name__ == type(theirs.error).__name__
        assert [event.type for event in mine.events] == [event.type for event in theirs.events]


def test_a_stored_response(sides: Sides) -> None:
    for after in (None, 0, 4):
        arguments = {} if after is None else {"starting_after": after}
        pairs = compare(
            sides,
            lambda client, arguments=arguments: client.responses.stream(response_id="resp_1", **arguments),
            events(*scripts.text()),
            "get_final_response",
        )
        for _, mine in pairs:
            assert mine.events[0].sequence_number == (0 if after is None else after + 1)


def test_an_error_in_the_middle(sides: Sides) -> None:
    """The stream carries an error object, which ends it."""
    broken = [*scripts.chat_text()[:3], {"error": {"message": "overloaded", "code": "busy"}}]
    pairs = compare(
        sides,
        lambda client: client.chat.completions.stream(model="m", messages=[]),
        events(*broken),
        "get_final_completion",
    )
    for theirs, mine in pairs:
        assert isinstance(mine.error, oxide.APIError)
        assert (mine.error.message, mine.error.code) == (theirs.error.message, theirs.error.code)
        assert len(mine.events) == len(theirs.events)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"input": "x"},
        {"model": "m"},
        {"starting_after": 3},
        {"response_id": "r", "model": "m"},
        {"model": "m", "input": "x", "text_format": Person, "text": {"format": {"type": "text"}}},
        {"model": "m", "input": "x", "text_format": 3},
    ],
)
def test_arguments_that_do_not_go_together(sides: Sides, arguments: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)) as theirs:
        sides.official.client.responses.stream(**arguments)
    with pytest.raises((ValueError, TypeError)) as mine:
        sides.oxide.client.responses.stream(**arguments)
    assert type(mine.value) is type(theirs.value)


def test_states_that_are_fed_by_hand(sides: Sides) -> None:
    from openai.lib.streaming.chat import ChatCompletionStreamState as TheirChat
    from openai.lib.streaming.responses import ResponseStreamState as TheirState

    from oxide.lib.streaming.chat import ChatCompletionStreamState as MyChat
    from oxide.lib.streaming.responses import ResponseStreamState as MyState

    for official, ours in sides.pairs:
        finals = []
        for side, state in ((official, TheirChat()), (ours, MyChat())):
            answer = events(*scripts.chat_calls(), "[DONE]")
            chunks = side.call(
                lambda client: client.chat.completions.create(model="m", messages=[], stream=True), answers=(answer,)
            ).result
            kinds = [[event.type for event in state.handle_chunk(each)] for each in chunks]
            finals.append((kinds, state.current_completion_snapshot, state.get_final_completion()))
        assert finals[0][0] == finals[1][0]
        assert_same_stream_object(finals[0][2], finals[1][2])
        texts = []
        for side, state in (
            (official, TheirState(input_tools=openai.omit, text_format=openai.omit)),
            (ours, MyState(input_tools=oxide.omit, text_format=oxide.omit)),
        ):
            answer = events(*scripts.text())
            raw = side.call(
                lambda client: client.responses.create(model="m", input="x", stream=True), answers=(answer,)
            ).result
            texts.append([getattr(event, "snapshot", None) for each in raw for event in state.handle_event(each)])
        assert texts[0] == texts[1]
