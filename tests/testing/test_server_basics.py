"""Embeddings, models, keys, headers and addresses."""

from __future__ import annotations

import math
from typing import Any

import openai
import pytest
from openai import AzureOpenAI, OpenAI

from oxide.testing import MockServer

SMALL = "text-embedding-3-small"


def embed(client: OpenAI, value: Any, **options: Any) -> list[list[float]]:
    result = client.embeddings.create(model=SMALL, input=value, encoding_format="float", **options)
    assert [entry.index for entry in result.data] == list(range(len(result.data)))
    return [entry.embedding for entry in result.data]


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def test_embeddings_are_unit_vectors_of_the_text(client: OpenAI) -> None:
    cat, cats, numbers, again = embed(client, ["a small cat", "a big cat", "one two three", "a small cat"])
    assert len(cat) == 1536
    assert math.isclose(cosine(cat, cat), 1, rel_tol=1e-9)
    assert cat == again
    assert cosine(cat, cats) > 0.5 > cosine(cat, numbers)


def test_dimensions_and_tokens(client: OpenAI) -> None:
    assert len(embed(client, "x", dimensions=8)[0]) == 8
    assert embed(client, [1, 2, 3]) == embed(client, [[1, 2, 3]])
    assert len(embed(client, [[1, 2], [3]])) == 2
    large = client.embeddings.create(model="text-embedding-3-large", input="x", encoding_format="float")
    assert len(large.data[0].embedding) == 3072


def test_base64(server: MockServer, client: OpenAI) -> None:
    # The SDK asks for base64 by itself; it decodes only after validation, hence not strict.
    with OpenAI(base_url=server.base_url, api_key="k") as lenient:
        decoded = lenient.embeddings.create(model=SMALL, input=["hello you"])
    assert decoded.data[0].embedding == pytest.approx(embed(client, "hello you")[0], abs=1e-7)
    assert decoded.usage.prompt_tokens == decoded.usage.total_tokens == 2


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"model": SMALL}, "missing_required_parameter", "input"),
        ({"input": "x"}, "missing_required_parameter", "model"),
        ({"model": SMALL, "input": 3}, "invalid_type", "input"),
        ({"model": SMALL, "input": ""}, None, "input"),
        ({"model": SMALL, "input": []}, None, "input"),
        ({"model": SMALL, "input": "x", "dimensions": 0}, "integer_below_min_value", "dimensions"),
        ({"model": SMALL, "input": "x", "dimensions": 2000}, "integer_above_max_value", "dimensions"),
        ({"model": SMALL, "input": "x", "encoding_format": "hex"}, "invalid_value", "encoding_format"),
        ({"model": "text-embedding-ada-002", "input": "x", "dimensions": 3}, None, "dimensions"),
    ],
)
def test_bad_embeddings(client: OpenAI, body: Any, code: str | None, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/embeddings", body=body, cast_to=object)
    assert (caught.value.code, caught.value.param) == (code, param)


def test_models(client: OpenAI) -> None:
    ids = [model.id for model in client.models.list()]
    assert "gpt-5" in ids
    assert client.models.retrieve("gpt-5").owned_by == "system"
    assert client.models.retrieve("gpt-4o-2024-08-06").id == "gpt-4o-2024-08-06"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-nothing")
    assert caught.value.code == "model_not_found"
    assert client.models.delete("ft:gpt-4o-mini:oxide::example").deleted
    assert "ft:gpt-4o-mini:oxide::example" not in [model.id for model in client.models.list()]
    with pytest.raises(openai.PermissionDeniedError):
        client.models.delete("gpt-5")


def test_own_models() -> None:
    with MockServer(models=["tiny"]) as server, OpenAI(base_url=server.base_url, api_key="k") as client:
        assert [model.id for model in client.models.list()] == ["tiny"]
        assert client.responses.create(model="tiny", input="x").model == "tiny"
        with pytest.raises(openai.NotFoundError):
            client.responses.create(model="gpt-5", input="x")


def test_keys() -> None:
    with (
        MockServer(api_key="sk-right-0123456789") as server,
        OpenAI(base_url=server.base_url, api_key=server.api_key) as client,
    ):
        assert client.models.retrieve("gpt-5").id == "gpt-5"
        with pytest.raises(openai.AuthenticationError) as caught:
            client.with_options(api_key="sk-wrong-0123456789").models.list()
        assert caught.value.code == "invalid_api_key"
        assert "0123" not in str(caught.value)
        with pytest.raises(openai.AuthenticationError) as caught:
            client.models.list(extra_headers={"Authorization": openai.omit})  # type: ignore[dict-item]
        assert caught.value.code is None


def test_headers_of_the_api(client: OpenAI) -> None:
    first = client.models.with_raw_response.list()
    second = client.models.with_raw_response.list()
    assert first.headers["content-type"] == "application/json"
    assert first.headers["openai-version"] == "2020-10-01"
    assert int(first.headers["openai-processing-ms"]) >= 1
    assert first.headers["x-ratelimit-limit-requests"] == "10000"
    assert first.headers["x-ratelimit-reset-tokens"] == "30ms"
    assert first.request_id != second.request_id
    assert "date" in first.headers


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "unknown_url"),
        ("GET", "/responses/", 404, "unknown_url"),
        ("PUT", "/models", 405, "method_not_supported"),
        ("GET", "/responses/compact/", 404, "unknown_url"),
        ("GET", "/responses/resp_none", 404, None),
        ("GET", "/../nowhere", 404, "unknown_url"),
    ],
)
def test_addresses(client: OpenAI, method: str, path: str, status: int, code: str | None) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        {"GET": client.get, "PUT": client.put}[method](path, cast_to=object)
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"{", "application/json", None),
        (b"[]", "application/json", "invalid_type"),
        (b"\xff", "application/json", None),
        (b"model=x", "application/x-www-form-urlencoded", "unsupported_content_type"),
    ],
)
def test_bodies_that_are_none(client: OpenAI, content: bytes, kind: str, code: str | None) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/responses", cast_to=object, content=content, options={"headers": {"content-type": kind}})
    assert caught.value.code == code


def test_azure_addresses() -> None:
    with MockServer(api_key="azure-key") as server:
        with AzureOpenAI(azure_endpoint=server.url, api_key="azure-key", api_version="2025-01-01") as client:
            completion = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
        assert completion.choices[0].message.content == "You said: hi"
        (request,) = server.requests
        assert request.path == "/openai/deployments/gpt-4o/chat/completions"
        assert request.query == {"api-version": "2025-01-01"}


@pytest.mark.parametrize("path", ["/openai/v1/chat/completions", "/openai/chat/completions"])
def test_azure_addresses_without_a_deployment(path: str) -> None:
    with MockServer() as server, OpenAI(base_url=server.url, api_key="k") as client:
        body: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
        made: Any = client.post(path, body=body, cast_to=object)
        assert made["choices"][0]["message"]["content"] == "You said: hi"
        with pytest.raises(openai.NotFoundError, match="Invalid URL"):
            client.get("/elsewhere", cast_to=object)
