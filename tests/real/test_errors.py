"""llama.cpp's errors: codes are numbers, there is no request id, and the connection is closed after each."""

from __future__ import annotations

from typing import Any

import pytest

import oxide

from .conftest import KEY

MODEL = "tiny-chat"
HI = [{"role": "user", "content": "Say hi"}]


async def test_what_the_server_cannot_do(way: Any, llama: Any) -> None:
    with pytest.raises(oxide.BadRequestError, match="does not support 'previous_response_id'") as caught:
        await llama.responses.create(model=MODEL, input="x", previous_response_id="resp_1")
    error = caught.value
    assert (error.status_code, error.code, error.type) == (400, "400", "invalid_request_error")
    assert error.body["code"] == 400
    assert error.request_id is None
    assert error.param is None


async def test_wrong_key(way: Any, chat_url: str) -> None:
    client = way.client(base_url=chat_url, api_key="sk-wrong")
    with pytest.raises(oxide.AuthenticationError) as caught:
        await client.chat.completions.create(model=MODEL, messages=HI)
    assert caught.value.code == "401"
    assert "sk-wrong" not in str(caught.value)


async def test_wrong_values(way: Any, llama: Any) -> None:
    with pytest.raises(oxide.BadRequestError, match="temperature"):
        await llama.chat.completions.create(model=MODEL, messages=HI, temperature="hot")
    with pytest.raises(oxide.BadRequestError, match="messages"):
        await llama.post("/chat/completions", cast_to=object, body={"model": MODEL})


async def test_fields_of_the_server_alone(way: Any, llama: Any) -> None:
    messages = [{"role": "user", "content": "word " * 5000}]
    for stream in (False, True):
        with pytest.raises(oxide.BadRequestError) as caught:
            await llama.chat.completions.create(model=MODEL, messages=messages, stream=stream)
        assert caught.value.type == "exceed_context_size_error"
        assert caught.value.body["n_ctx"] < caught.value.body["n_prompt_tokens"]


async def test_no_such_endpoint(way: Any, llama: Any) -> None:
    with pytest.raises(oxide.NotFoundError) as caught:
        await llama.responses.retrieve("resp_1")
    assert caught.value.code == "404"


async def test_not_implemented(way: Any, chat_url: str) -> None:
    client = way.client(base_url=chat_url, api_key=KEY, max_retries=0)
    with pytest.raises(oxide.InternalServerError, match="does not support embeddings") as caught:
        await client.embeddings.create(model=MODEL, input="x")
    assert caught.value.status_code == 501


async def test_after_an_error_all_is_well(way: Any, llama: Any) -> None:
    for _ in range(3):
        with pytest.raises(oxide.BadRequestError):
            await llama.responses.create(model=MODEL, input="x", previous_response_id="resp_1")
        response = await llama.responses.create(model=MODEL, input="Say hi", temperature=0)
        assert response.output_text.startswith("Hello!")
