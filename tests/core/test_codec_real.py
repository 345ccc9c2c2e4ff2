"""The generated types: valid JSON gives the objects that the official SDK gives, spoilt JSON still gives all that came."""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import BaseModel as OfficialModel
from openai._models import construct_type

from oxide.core.codec import BaseModel, DecodeError, construct, decode, encode

from .codec_data import decode_plain, mutate, valid

pytestmark = pytest.mark.exhaustive

NAMES = [
    "responses.response:Response",
    "responses.response_stream_event:ResponseStreamEvent",
    "responses.response_input_item:ResponseInputItem",
    "responses.response_item:ResponseItem",
    "responses.tool:Tool",
    "chat.chat_completion:ChatCompletion",
    "chat.chat_completion_chunk:ChatCompletionChunk",
    "create_embedding_response:CreateEmbeddingResponse",
    "shared.compound_filter:CompoundFilter",
]


@functools.cache
def load(name: str) -> tuple[Any, Any]:
    module, _, attribute = name.partition(":")
    return (
        getattr(importlib.import_module(f"oxide.types.{module}"), attribute),
        getattr(importlib.import_module(f"openai.types.{module}"), attribute),
    )


def compare(ours: Any, official: Any, path: str) -> None:
    """Both are of the same classes with the same values, all the way down."""
    if isinstance(official, OfficialModel):
        assert isinstance(ours, BaseModel), path
        assert type(ours).__name__ == type(official).__name__, path
        for name in type(official).model_fields:
            compare(getattr(ours, name), getattr(official, name), f"{path}.{name}")
    elif isinstance(official, list):
        assert isinstance(ours, list), path
        assert len(ours) == len(official), path
        for number, entry in enumerate(official):
            compare(ours[number], entry, f"{path}[{number}]")
    elif isinstance(official, dict):
        assert ours.keys() == official.keys(), path
        for key, entry in official.items():
            compare(ours[key], entry, f"{path}.{key}")
    elif isinstance(official, float):
        assert float(ours) == official, path  # a whole number stays an int with us, to lose nothing of it
    else:
        assert ours == official, path


def in_floats(value: Any) -> Any:
    """The official SDK makes floats of the integers in float fields, and loses digits of the large ones."""
    return json.loads(json.dumps(value), parse_int=float)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60)
@given(rng=st.randoms(use_true_random=False), depth=st.integers(1, 5))
def test_valid(name: str, rng: random.Random, depth: int) -> None:
    type_, official_type = load(name)
    value = valid(type_, rng, depth)
    data = json.dumps(value).encode()
    obj = decode(type_, data, strict=True)
    official = construct_type(type_=official_type, value=json.loads(data))
    compare(obj, official, "$")
    assert obj.to_dict() == value
    assert in_floats(obj.to_dict()) == in_floats(official.to_dict())  # type: ignore[attr-defined]
    assert json.loads(encode(obj)) == value


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60)
@given(rng=st.randoms(use_true_random=False), depth=st.integers(1, 5), count=st.integers(1, 5))
def test_spoilt(name: str, rng: random.Random, depth: int, count: int) -> None:
    type_, _ = load(name)
    value = mutate(valid(type_, rng, depth), rng, count)
    data = json.dumps(value).encode()
    first = decode(type_, data)
    assert decode_plain(first) == value
    for obj in (decode(type_, data), decode(type_, data), construct(type_, value)):
        assert obj == first
        assert decode_plain(obj) == value
        assert json.loads(encode(obj)) == value
        if isinstance(obj, BaseModel):
            assert obj.to_dict() == value
    with contextlib.suppress(DecodeError):
        assert decode(type_, data, strict=True) == first
