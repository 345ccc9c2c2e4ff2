"""Calls leave nothing behind, whether their type is always the same or made for each of them."""

from __future__ import annotations

import dataclasses
import gc
import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pydantic
import pytest

import oxide
from oxide.core import structured

BODY = json.dumps(
    {
        "id": "r",
        "object": "response",
        "status": "completed",
        "output": [
            {
                "type": "message",
                "id": "m",
                "role": "assistant",
                "content": [{"type": "output_text", "text": '{"x": 1}', "annotations": []}],
            }
        ],
    }
).encode()


class Canned:
    """A transport that gives the same answer to every request."""

    def send(self, request: oxide.Request, *, stream: bool) -> oxide.Response:
        return oxide.Response(200, oxide.Headers([(b"content-type", b"application/json")]), request, content=BODY)

    def close(self) -> None: ...


@pytest.fixture
def client() -> Iterator[oxide.OpenAI]:
    with oxide.OpenAI(api_key="k", base_url="http://test", http_client=Canned()) as client:
        yield client


class Fixed(pydantic.BaseModel):
    x: int


def fixed() -> Any:
    return Fixed


def model() -> Any:
    return pydantic.create_model("M", x=(int, ...))


def struct() -> Any:
    return msgspec.defstruct("S", [("x", int)])


def dataclass() -> Any:
    return dataclasses.make_dataclass("D", [("x", int)])


COUNT = iter(range(10**9))


def schema() -> Any:
    return {"type": "object", "properties": {"x": {"type": "integer"}}, "description": str(next(COUNT))}


def parse(client: oxide.OpenAI, make: Callable[[], Any], times: int) -> None:
    for _ in range(times):
        response = client.responses.parse(model="m", input="x", text_format=make())
        assert response.output_parsed


@pytest.mark.parametrize("make", [fixed, model, struct, dataclass, schema])
def test_calls_leave_nothing_behind(
    client: oxide.OpenAI, make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A smaller cache is full sooner; it works the same way.
    from functools import lru_cache

    for name in ("_of_type", "_of_schema"):
        monkeypatch.setattr(structured, name, lru_cache(16)(getattr(structured, name).__wrapped__))
    parse(client, make, 100)
    gc.collect()
    objects = len(gc.get_objects())
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        parse(client, make, 2000 if make is fixed else 400)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    # The types that are kept now were made while memory was traced, those before them were not: up to 16 of them.
    assert grown < (20_000 if make is fixed else 16 * 40_000)
    assert len(gc.get_objects()) - objects < 400


def test_the_caches_are_bounded() -> None:
    assert structured._of_type.cache_info().maxsize == 256
    assert structured._of_schema.cache_info().maxsize == 256


def test_a_type_is_made_ready_once() -> None:
    assert structured.format_of(Fixed) is structured.format_of(Fixed)
    assert structured.format_of({"type": "object"}) is structured.format_of({"type": "object"})
