"""`/embeddings`: unit vectors that depend on the words of the text, so that similar texts have similar vectors."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import sys
from array import array
from functools import lru_cache
from typing import Any

from .call import Call
from .exchange import Answer
from .problem import Problem, invalid_type, missing
from .text import count

__all__ = ["ROUTES", "embed"]

_SIZES = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
_WORD = re.compile(r"\w+|[^\w\s]")
_MOST_INPUTS = 2048


def embed(words: tuple[str, ...], size: int) -> list[float]:
    """The vector of a text: the sum of a vector for each word, at length 1."""
    total = [0.0] * size
    for word in words:
        total = [a + b for a, b in zip(total, _direction(word, size), strict=True)]
    length = math.sqrt(sum(x * x for x in total)) or 1.0
    return [x / length for x in total]


@lru_cache(4096)
def _direction(word: str, size: int) -> array[int]:
    numbers = array("h", hashlib.shake_256(word.lower().encode()).digest(2 * size))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _create(call: Call) -> Answer:
    model = call.model()
    inputs = _inputs(call.body)
    size = _size(call, model)
    encoding = call.get("encoding_format", str, "float")
    if encoding not in ("float", "base64"):
        raise Problem(
            400,
            f"Invalid value: '{encoding}'. Supported values are: 'float' and 'base64'.",
            param="encoding_format",
            code="invalid_value",
        )
    data = []
    for index, (words, _) in enumerate(inputs):
        vector = embed(words, size)
        data.append(
            {
                "object": "embedding",
                "index": index,
                "embedding": vector if encoding == "float" else _base64(vector),
            }
        )
    used = sum(number for _, number in inputs)
    usage = {"prompt_tokens": used, "total_tokens": used}
    return Answer.json({"object": "list", "data": data, "model": model, "usage": usage})


def _base64(vector: list[float]) -> str:
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()


def _size(call: Call, model: str) -> int:
    most = _SIZES.get(model, 1536)
    size = call.integer("dimensions", 1, most)
    if size is None:
        return most
    if model == "text-embedding-ada-002":
        raise Problem(400, "This model does not support specifying dimensions.", param="dimensions")
    return size


def _inputs(body: dict[str, Any]) -> list[tuple[tuple[str, ...], int]]:
    """Each input's words and its number of tokens."""
    value = body.get("input")
    if "input" not in body:
        raise missing("input")
    if isinstance(value, str):
        value = [value]
    elif not isinstance(value, list):
        raise invalid_type("input", "a string or an array", value)
    elif value and all(isinstance(token, int) for token in value):
        value = [value]
    if not value or len(value) > _MOST_INPUTS:
        raise Problem(400, f"Invalid 'input': between 1 and {_MOST_INPUTS} inputs are expected.", param="input")
    return [_words(item) for item in value]


def _words(item: Any) -> tuple[tuple[str, ...], int]:
    if isinstance(item, str) and item:
        return tuple(_WORD.findall(item)) or (item,), count(item)
    if isinstance(item, list) and item and all(isinstance(token, int) for token in item):
        return tuple(f"token {token}" for token in item), len(item)
    raise Problem(400, "Invalid 'input': an input must be a text, or tokens, and can't be empty.", param="input")


ROUTES = (("POST", "/embeddings", _create),)
