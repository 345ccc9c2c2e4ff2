"""JSON for any of our types, valid and then spoilt, for the tests of the codec.

Choices come from a `random.Random`, which hypothesis provides (`st.randoms`), so that what fails is found again.
"""

from __future__ import annotations

import copy
import random
from typing import Any

from oxide.core.codec._shape import ModelInfo, Shape, shape_of

__all__ = ["MUTATIONS", "decode_plain", "mutate", "places", "valid"]

_WORDS = ["", "a", "hello", "é\n", '"quoted"', "🎉", "null", "x" * 40]
_NAMES = [
    "brand_new",
    "other",
    "weird-name",
    "to_dict",
    "copy",
    "model_extra",
    "_request_id",
    "__class__",
    "_ox",
    "mro",
    "é",
    '"',
    "type_",
    "id_",
    "class",
]


def valid(type_: Any, rng: random.Random, depth: int = 4) -> Any:
    """JSON that is valid for `type_`. Below `depth`, optional fields are left out and lists are empty."""
    return _shape(shape_of(type_), rng, depth)


def _shape(shape: Shape, rng: random.Random, depth: int) -> Any:
    ways: list[Any] = []
    if shape.any:
        ways.append("any")
    ways += sorted(shape.scalars)
    ways += ["literal"] * bool(shape.literals)
    rich: list[Any] = [
        *shape.models,
        *(("list", item) for item in shape.items),
        *(("dict", value) for value in shape.values),
    ]
    if depth > 0 or not ways:
        ways += rich * 2
    way = rng.choice(ways)
    if isinstance(way, ModelInfo):
        return _model(way, rng, depth - 1)
    if isinstance(way, tuple):
        kind, inner = way
        count = rng.choice([0, 1, 1, 2]) if depth > 0 else 0
        if kind == "list":
            return [_shape(inner, rng, depth - 1) for _ in range(count)]
        return {rng.choice(_WORDS): _shape(inner, rng, depth - 1) for _ in range(count)}
    return _scalar(way, shape, rng)


def _scalar(way: str, shape: Shape, rng: random.Random) -> Any:
    if way == "literal":
        return rng.choice(sorted(shape.literals, key=repr))
    if way == "null":
        return None
    if way == "bool":
        return rng.random() < 0.5
    if way == "int":
        return rng.choice([0, 1, -1, 7, 2**53 + 1, 2**70])
    if way == "float":
        return rng.choice([0.5, -0.0, 1.0, 1e300, 1e-7, 0.1])
    if way == "str":
        return rng.choice(_WORDS)
    return rng.choice([None, True, 3, 0.25, "text", [], [1, {"a": None}], {}, {"a": {"b": [1]}}])


def _model(info: ModelInfo, rng: random.Random, depth: int) -> dict[str, Any]:
    made = {}
    for key, field in info.fields.items():
        if field.required or (depth > 0 and rng.random() < 0.5):
            made[key] = _shape(field.shape, rng, depth)
    return made


# --- spoiling ------------------------------------------------------------------------------------------------------

MUTATIONS = ["unknown field", "remove", "null", "other type", "other text", "same text elsewhere"]


def places(value: Any) -> list[tuple[Any, Any]]:
    """All (container, key or index) pairs in a JSON value."""
    found: list[tuple[Any, Any]] = []
    todo = [value] if isinstance(value, (dict, list)) else []
    while todo:
        current = todo.pop()
        pairs = list(current.items()) if isinstance(current, dict) else list(enumerate(current))
        for key, entry in pairs:
            found.append((current, key))
            if isinstance(entry, (dict, list)):
                todo.append(entry)
    return found


def mutate(value: Any, rng: random.Random, count: int) -> Any:
    """A copy of `value` with up to `count` faults, at any depth."""
    value = copy.deepcopy(value)
    for _ in range(count):
        found = places(value)
        objects = [value] * isinstance(value, dict) + [c[k] for c, k in found if isinstance(c[k], dict)]
        mutation = rng.choice(MUTATIONS)
        if mutation == "unknown field" and objects:
            rng.choice(objects)[rng.choice(_NAMES)] = _anything(rng)
        elif found:
            container, key = rng.choice(found)
            if mutation == "remove":
                del container[key]
            elif mutation == "null":
                container[key] = None
            elif mutation == "other type":
                container[key] = _anything(rng)
            elif mutation == "other text":
                container[key] = rng.choice(["brand.new", "text", "message", ""])
            else:
                other, name = rng.choice(found)
                container[key] = copy.deepcopy(other[name])
    return value


def _anything(rng: random.Random) -> Any:
    return rng.choice(
        [None, False, 3, 2**64, 0.25, "unknown", [], [None, {"type": "x"}], {}, {"type": "message", "id": 1}]
    )


def decode_plain(obj: Any) -> Any:
    """What is in an object, read through its attributes, as dicts and lists."""
    from oxide.core.codec import BaseModel

    if isinstance(obj, BaseModel):
        keys = dict(zip(obj.__struct_fields__, obj.__struct_encode_fields__, strict=True))
        found = {keys.get(name, name): decode_plain(getattr(obj, name)) for name in obj.model_fields_set}
        return found | {name: decode_plain(value) for name, value in obj.model_extra.items()}
    if isinstance(obj, list):
        return [decode_plain(entry) for entry in obj]
    if isinstance(obj, dict):
        return {key: decode_plain(value) for key, value in obj.items()}
    return obj
