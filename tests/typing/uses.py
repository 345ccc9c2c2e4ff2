"""What type checkers are to make of typical uses. `nox -s types` runs mypy --strict on it; nothing here is executed.

A `type: ignore` marks what has to be an error: mypy complains about the comment where it is not one.
"""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import assert_type

import oxide
from oxide import AsyncOpenAI, AsyncStream, OpenAI, Stream
from oxide.pagination import AsyncCursorPage, SyncCursorPage, SyncPage
from oxide.types import CreateEmbeddingResponse, Model
from oxide.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam
from oxide.types.chat.chat_completion_chunk import Choice
from oxide.types.responses import Response, ResponseItem, ResponseStreamEvent, ToolParam


def responses(client: OpenAI) -> None:
    response = client.responses.create(model="gpt-5", input="Say hi")
    assert_type(response, Response)
    assert_type(response.id, str)
    assert_type(response.output_text, str)
    stream = client.responses.create(model="gpt-5", input="Say hi", stream=True)
    assert_type(stream, Stream[ResponseStreamEvent])
    for event in stream:
        if event.type == "response.output_text.delta":
            assert_type(event.delta, str)
    tools: list[ToolParam] = [{"type": "function", "name": "f", "parameters": {}, "strict": True}]
    client.responses.create(model="gpt-5", input=[{"role": "user", "content": "x"}], tools=tools, timeout=5)
    client.responses.create(model="gpt-5", input="x", extra_headers={"a": "b"}, extra_body={"c": 1}, strict=True)
    client.responses.create(modle="gpt-5")  # type: ignore[call-overload]
    client.responses.create(model=5)  # type: ignore[call-overload]
    assert_type(client.responses.retrieve("resp_1"), Response)
    client.responses.retrieve()  # type: ignore[call-overload]
    assert_type(client.responses.delete("resp_1"), None)


def lists(client: OpenAI) -> None:
    page = client.responses.input_items.list("resp_1", limit=2)
    assert_type(page, SyncCursorPage[ResponseItem])
    models = client.models.list()
    assert_type(models, SyncPage[Model])
    for model in models:
        assert_type(model, Model)


def chat(client: OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hi"}]
    completion = client.chat.completions.create(model="gpt-5", messages=messages)
    assert_type(completion, ChatCompletion)
    assert_type(completion.choices[0].message.content, str | None)
    chunks = client.chat.completions.create(model="gpt-5", messages=messages, stream=True)
    assert_type(chunks, Stream[ChatCompletionChunk])
    for chunk in chunks:
        assert_type(chunk.choices, list[Choice])
    client.chat.completions.create(model="gpt-5")  # type: ignore[call-overload]
    client.chat.completions.create(model="gpt-5", messages=messages, temprature=1)  # type: ignore[call-overload]


def embeddings(client: OpenAI) -> None:
    result = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    assert_type(result, CreateEmbeddingResponse)
    assert_type(result.data[0].embedding, list[float])
    client.embeddings.create(model="text-embedding-3-small")  # type: ignore[call-arg]


async def asynchronous(client: AsyncOpenAI) -> None:
    assert_type(await client.responses.create(model="gpt-5", input="x"), Response)
    stream = await client.responses.create(model="gpt-5", input="x", stream=True)
    assert_type(stream, AsyncStream[ResponseStreamEvent])
    async for event in stream:
        assert_type(event, ResponseStreamEvent)
    assert_type(await client.responses.input_items.list("resp_1"), AsyncCursorPage[ResponseItem])
    async for model in client.models.list():
        assert_type(model, Model)


def raw(client: OpenAI) -> None:
    response = client.models.with_raw_response.retrieve("gpt-5")
    assert_type(response.parse(), Model)
    assert_type(response.request_id, str | None)
    with client.models.with_streaming_response.retrieve("gpt-5") as unread:
        assert_type(unread.parse(), Model)


def errors(client: OpenAI) -> None:
    try:
        client.models.retrieve("x")
    except oxide.RateLimitError as error:
        assert_type(error.status_code, Literal[429])
        assert_type(error.response.headers.get("x"), str | None)
    except oxide.APIConnectionError as error:
        assert_type(error.request, oxide.Request)


def objects(response: Response) -> None:
    assert_type(response.to_dict(), dict[str, object])
    assert_type(response.model_extra, dict[str, Any])
    response.no_such_field  # type: ignore[attr-defined]
    Model(id="m", created=1, object="model", owned_by="me")


def module() -> None:
    oxide.api_key = "sk"
    assert_type(oxide.responses.create(model="gpt-5", input="x"), Response)
