"""`/v1/embeddings`, as llama.cpp has it: base64 and numbers give the same vectors."""

from __future__ import annotations

import math
from typing import Any

import pytest


async def test_create(way: Any, embedder: Any) -> None:
    response = await embedder.embeddings.create(model="tiny-embed", input="hello")
    [item] = response.data
    assert len(item.embedding) == 128
    assert all(type(number) is float for number in item.embedding)
    assert math.isclose(sum(number * number for number in item.embedding), 1.0, rel_tol=1e-4)
    assert response.usage.total_tokens > 0


async def test_formats(way: Any, embedder: Any) -> None:
    by_default = await embedder.embeddings.create(model="tiny-embed", input=["one", "two"])
    numbers = await embedder.embeddings.create(model="tiny-embed", input=["one", "two"], encoding_format="float")
    text = await embedder.embeddings.create(model="tiny-embed", input="one", encoding_format="base64")
    assert [item.index for item in by_default.data] == [0, 1]
    for mine, theirs in zip(by_default.data, numbers.data, strict=True):
        assert mine.embedding == pytest.approx(theirs.embedding, rel=1e-4, abs=1e-5)
    assert isinstance(text.data[0].embedding, str)
