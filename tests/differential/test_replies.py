"""What the methods return: two embedded servers that give the same bytes, one for each SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pydantic
import pytest

from oxide.testing import MockServer

from .compare import assert_same, assert_same_out
from .sides import Side, Sides

pytestmark = pytest.mark.exhaustive

FUNCTION = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CHAT_FUNCTION = {"type": "function", "function": {name: FUNCTION[name] for name in ("name", "parameters")}}
HI = [{"role": "user", "content": "Say hi"}]

RESPONSES: dict[str, dict[str, Any]] = {
    "text": {"input": "hello there", "instructions": "Be brief.", "metadata": {"a": "b"}},
    "several inputs": {"input": [{"role": "user", "content": [{"type": "input_text", "text": "é漢😀\u2028"}]}]},
    "refusal": {"input": "please refuse"},
    "function call": {"input": "weather", "tools": [FUNCTION]},
    "reasoning": {"input": "think", "reasoning": {"effort": "high", "summary": "auto"}, "model": "o3"},
    "web search": {"input": "search", "tools": [{"type": "web_search"}], "include": ["web_search_call.action.sources"]},
    "file search": {"input": "search", "tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]},
    "code": {"input": "run", "tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
    "image": {"input": "paint", "tools": [{"type": "image_generation", "partial_images": 1}]},
    "mcp": {
        "input": "call it",
        "tools": [
            {"type": "mcp", "server_label": "s", "server_url": "https://example.com", "require_approval": "never"}
        ],
    },
    "shell": {"input": "run ls", "tools": [{"type": "local_shell"}]},
    "json": {
        "input": "json",
        "text": {
            "format": {
                "type": "json_schema",
                "name": "point",
                "strict": True,
                "schema": {
                    "type": "object",
                    "properties": {"x": {"type": "integer"}},
                    "required": ["x"],
                    "additionalProperties": False,
                },
            }
        },
    },
    "token limit": {"input": "a long story with many words in it", "max_output_tokens": 16},
    "logprobs": {"input": "hi", "include": ["message.output_text.logprobs"], "top_logprobs": 2},
    "background": {"input": "later", "background": True},
}

CHATS: dict[str, dict[str, Any]] = {
    "text": {"messages": HI},
    "choices": {"messages": HI, "n": 3},
    "refusal": {"messages": [{"role": "user", "content": "please refuse"}]},
    "function call": {"messages": HI, "tools": [CHAT_FUNCTION], "tool_choice": "required"},
    "custom tool": {
        "messages": HI,
        "tools": [{"type": "custom", "custom": {"name": "shout"}}],
        "tool_choice": "required",
    },
    "json": {"messages": [{"role": "user", "content": "in JSON"}], "response_format": {"type": "json_object"}},
    "logprobs": {"messages": HI, "logprobs": True, "top_logprobs": 2},
    "token limit": {"messages": HI, "max_completion_tokens": 1},
    "usage": {"messages": HI, "stream_options": {"include_usage": True}, "stream": True},
}


class Twins:
    """The same calls on both SDKs, each with a server of its own."""

    def __init__(self, sides: tuple[Side, Side], servers: tuple[MockServer, MockServer]) -> None:
        self.sides = sides
        self.servers = servers
        self.clients = [side.make(base_url=server.base_url) for side, server in zip(sides, servers, strict=True)]

    def call(self, function: Callable[[Any], Any], *, fails: bool = False, dumps: bool = True) -> list[Any]:
        """The results of `function(client)`, which are found to be the same; and what they dump, unless not `dumps`."""
        theirs, mine = (side.call(function, client) for side, client in zip(self.sides, self.clients, strict=True))
        assert type(mine.error).__name__ == type(theirs.error).__name__, (theirs, mine)
        assert fails == bool(mine.error), mine.error
        assert_same(theirs.result, mine.result)
        if dumps:
            same_dumps(theirs.result, mine.result)
        return [theirs.result, mine.result]

    def items(self, function: Callable[[Any], Any]) -> list[Any]:
        """All items of a page and of those that follow."""
        lists = [side.drain(function(client)) for side, client in zip(self.sides, self.clients, strict=True)]
        assert_same(*lists)
        return lists[1]

    def assert_same_requests(self) -> None:
        """Both made the same requests."""
        theirs, mine = (
            [(request.method, request.path, sorted(request.query_pairs)) for request in server.requests]
            for server in self.servers
        )
        assert mine == theirs


def same_dumps(theirs: Any, mine: Any) -> None:
    for there, here in zip(theirs, mine, strict=True) if isinstance(theirs, list) else [(theirs, mine)]:
        if isinstance(there, pydantic.BaseModel):
            assert_same_out(there, here)
            if not isinstance(theirs, list):
                assert here._request_id == there._request_id


@pytest.fixture(params=["sync", "async"])
def twins(request: pytest.FixtureRequest, sides: Sides) -> Iterator[Twins]:
    with MockServer(clock=lambda: 1_700_000_000.0) as one, MockServer(clock=lambda: 1_700_000_000.0) as other:
        yield Twins(sides.pairs[request.param == "async"], (one, other))


def test_responses(twins: Twins) -> None:
    for name, arguments in RESPONSES.items():
        params = {"model": "gpt-5", **arguments}
        theirs, mine = twins.call(lambda client, params=params: client.responses.create(**params))
        assert mine.output_text == theirs.output_text, name
        assert mine._request_id
        twins.call(lambda client, params=params: client.responses.create(**params, stream=True))
    twins.assert_same_requests()


def test_stored_responses(twins: Twins) -> None:
    theirs, mine = twins.call(lambda client: client.responses.create(model="gpt-5", input="hi", background=True))
    assert mine.id == theirs.id
    for call in (
        lambda client: client.responses.retrieve(mine.id),
        lambda client: client.responses.retrieve(mine.id, include=["message.output_text.logprobs"]),
        lambda client: client.responses.cancel(mine.id),
        lambda client: client.responses.input_items.list(mine.id),
        lambda client: client.responses.input_tokens.count(model="gpt-5", input="how many are these?"),
        lambda client: client.responses.create(model="gpt-5", input="and then", previous_response_id=mine.id),
        lambda client: client.responses.delete(mine.id),
    ):
        twins.call(call)
    twins.call(lambda client: client.responses.retrieve(mine.id), fails=True)
    # Compacted messages keep their input parts, for which output messages have no type.
    twins.call(lambda client: client.responses.compact(model="gpt-5", input="much text"), dumps=False)
    twins.assert_same_requests()


def test_streams_taken_up_again(twins: Twins) -> None:
    _, events = twins.call(
        lambda client: client.responses.create(model="gpt-5", input="hi", background=True, stream=True)
    )
    response_id = events[0].response.id
    for after in (None, 0, 3):
        options = {} if after is None else {"starting_after": after}
        _, again = twins.call(
            lambda client, options=options: client.responses.retrieve(response_id, stream=True, **options)
        )
        assert again[0].sequence_number == (0 if after is None else after + 1)
    twins.assert_same_requests()


def test_chats(twins: Twins) -> None:
    for arguments in CHATS.values():
        params = {"model": "gpt-5", **arguments}
        twins.call(lambda client, params=params: client.chat.completions.create(**{**params, "stream": True}))
        if "stream_options" not in params:
            twins.call(lambda client, params=params: client.chat.completions.create(**params))
    twins.assert_same_requests()


def test_stored_chats(twins: Twins) -> None:
    for number in range(5):
        _, mine = twins.call(
            lambda client, number=number: client.chat.completions.create(
                model="gpt-5", messages=HI * 3, store=True, metadata={"number": str(number)}
            )
        )
    for call in (
        lambda client: client.chat.completions.retrieve(mine.id),
        lambda client: client.chat.completions.update(mine.id, metadata={"a": "b"}),
        lambda client: client.chat.completions.messages.list(mine.id, limit=2),
        lambda client: client.chat.completions.list(metadata={"number": "1"}),
    ):
        twins.call(call)
    assert len(twins.items(lambda client: client.chat.completions.list(limit=2))) == 5
    assert len(twins.items(lambda client: client.chat.completions.list(limit=2, order="desc"))) == 5
    assert len(twins.items(lambda client: client.chat.completions.messages.list(mine.id, limit=1))) == 3
    twins.call(lambda client: client.chat.completions.delete(mine.id))
    twins.assert_same_requests()


def test_embeddings(twins: Twins) -> None:
    for options in ({}, {"dimensions": 3}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
        for text in ("one", ["one", "two"], [1, 2, 3]):
            twins.call(
                lambda client, options=options, text=text: client.embeddings.create(
                    model="text-embedding-3-small", input=text, **options
                )
            )
    twins.assert_same_requests()


def test_models(twins: Twins) -> None:
    theirs, mine = twins.call(lambda client: client.models.list())
    assert [model.id for model in mine.data] == [model.id for model in theirs.data]
    assert len(twins.items(lambda client: client.models.list())) == len(mine.data)
    twins.call(lambda client: client.models.retrieve(mine.data[0].id))
    twins.call(lambda client: client.models.retrieve("no such model"), fails=True)
    twins.assert_same_requests()


def test_what_came_back_can_be_sent_again(twins: Twins) -> None:
    """Output items as input, in every form in which one has them at hand."""
    tools = [FUNCTION, {"type": "web_search"}]
    first = twins.call(
        lambda client: client.responses.create(
            model="o3", input="Say hi, weather", tools=tools, reasoning={"effort": "low", "summary": "auto"}
        )
    )
    chat = twins.call(lambda client: client.chat.completions.create(model="gpt-5", messages=HI, tools=[CHAT_FUNCTION]))
    bodies: list[list[Any]] = []
    for side, client, server, response, completion in zip(
        twins.sides, twins.clients, twins.servers, first, chat, strict=True
    ):
        server.clear()
        question = {"role": "user", "content": "and?"}
        for items in (
            response.output,
            [*response.output, question],
            [item.to_dict() for item in response.output],
            [item.model_dump(exclude_none=True) for item in response.output],
            tuple(response.output),
        ):
            side.call(lambda client, items=items: client.responses.create(model="gpt-5", input=items), client)
        message = completion.choices[0].message
        for messages in ([*HI, message], [*HI, message.to_dict()], [*HI, message.model_dump(exclude_none=True)]):
            side.call(
                lambda client, messages=messages: client.chat.completions.create(model="gpt-5", messages=messages),
                client,
            )
        side.call(
            lambda client, text=response.text, tools=response.tools: client.responses.create(
                model="gpt-5", input="x", text=text, tools=tools
            ),
            client,
        )
        bodies.append([request.json() for request in server.requests])
    assert bodies[0] == bodies[1]
    assert len(bodies[1]) == 9


def test_objects_of_the_official_sdk_can_be_sent_too(twins: Twins) -> None:
    """A program that goes over to oxide may have some left."""
    theirs, mine = twins.call(lambda client: client.responses.create(model="gpt-5", input="weather", tools=[FUNCTION]))
    chats = twins.call(lambda client: client.chat.completions.create(model="gpt-5", messages=HI, tools=[CHAT_FUNCTION]))
    side, client, server = twins.sides[1], twins.clients[1], twins.servers[1]
    server.clear()
    for response, chat in ((theirs, chats[0]), (mine, chats[1])):
        side.call(lambda client, response=response: client.responses.create(model="m", input=response.output), client)
        messages = [*HI, chat.choices[0].message]
        side.call(
            lambda client, messages=messages: client.chat.completions.create(model="m", messages=messages), client
        )
    from_theirs, chat_from_theirs, from_mine, chat_from_mine = (request.json() for request in server.requests)
    assert from_theirs == from_mine
    assert chat_from_theirs == chat_from_mine
