"""Request bodies: the same JSON as the official SDK's, and errors that say where."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import json
import math
import types
import uuid
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._utils._json import openapi_dumps

from oxide.core.codec import decode, encode
from oxide.core.sentinels import not_given, omit

from .codec_types import DOCUMENT, Document, Text, Usage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=10,
)


class Colour(str, enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


@dataclasses.dataclass
class Point:
    x: int
    y: Any = None


class Model(pydantic.BaseModel):
    a: int
    b: str | None = None
    c: int = pydantic.Field(default=0, alias="C")


class Rows(collections.abc.Sequence):  # type: ignore[type-arg]
    def __getitem__(self, index: Any) -> Any:
        return [1, 2][index]

    def __len__(self) -> int:
        return 2


@given(JSON)
def test_json_as_the_official_sdk_has_it(value: Any) -> None:
    assert json.loads(encode(value)) == json.loads(openapi_dumps(value))


def test_text_is_compact_and_unescaped() -> None:
    assert encode({"a": ["é", None, 1.5]}) == '{"a":["é",null,1.5]}'.encode()


UTC = datetime.timezone.utc


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, 2), [1, 2]),
        ({1: "a", 2.5: "b", None: "d"}, {"1": "a", "2.5": "b", "null": "d"}),
        ({False: 1, True: 2}, {"false": 1, "true": 2}),
        ({Colour.RED: 1}, {"red": 1}),
        ([Colour.RED, Number.ONE], ["red", 1]),
        ({"a"}, ["a"]),
        (frozenset([1]), [1]),
        (Rows(), [1, 2]),
        (range(3), [0, 1, 2]),
        ((n for n in (1, 2)), [1, 2]),
        (map(str, [1]), ["1"]),
        ({"a": 1}.keys(), ["a"]),
        (types.MappingProxyType({"a": {"b": 1}}), {"a": {"b": 1}}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
        (Point(1, Point(2)), {"x": 1, "y": {"x": 2, "y": None}}),
        (Model(a=1, C=3), {"a": 1, "C": 3}),
        ({"x": [Model(a=1, b=None)]}, {"x": [{"a": 1, "b": None}]}),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, 678000), "2026-01-02T03:04:05.678000"),
        (
            datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
            "2026-01-02T00:00:00+02:00",
        ),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (decimal.Decimal("1.50"), "1.50"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (2**70, 2**70),
        ("\ud800é", "\ud800é"),
        ({"a": omit, "b": not_given, "c": {"d": omit, "e": 1}, "f": [omit, 2]}, {"c": {"e": 1}, "f": [2]}),
        (Point(1, omit), {"x": 1}),
        ([iter([1]), {"a": omit}], [[1], {}]),
        (Text(type="text", text="a"), {"type": "text", "text": "a"}),
        ([Text.construct(text="a", to_dict=1)], [{"text": "a", "to_dict": 1}]),
        (
            {"deep": [{"er": Usage.construct(tokens=1, x=Point(1))}]},
            {"deep": [{"er": {"tokens": 1, "x": {"x": 1, "y": None}}}]},
        ),
    ],
)
def test_values(value: Any, expected: Any) -> None:
    assert json.loads(encode(value)) == expected


def test_the_same_instant() -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    text = json.loads(encode(moment))
    assert datetime.datetime.fromisoformat(text) == moment


def test_objects_go_back_as_they_came() -> None:
    value = DOCUMENT | {"new": 1, "items": [{"type": "brand.new", "x": None}, {"type": "text", "text": "null"}]}
    for _ in range(4):
        obj = decode(Document, json.dumps(value).encode())
        assert json.loads(encode({"input": [obj, obj.items[0]]})) == {"input": [value, value["items"][0]]}


@pytest.mark.parametrize("fault", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("wrap", "path"),
    [
        (lambda x: x, "$"),
        (lambda x: {"a": [1, {"b": x}]}, "$.a[1].b"),
        (lambda x: {"a": Point(1, x)}, "$.a.y"),
        (lambda x: [Usage(tokens=1, seconds=x)], "$[0].seconds"),
        (lambda x: [Usage(tokens=1, new=x)], "$[0].new"),  # type: ignore[call-arg]
        (lambda x: ({"a": x},), "$[0].a"),
        (lambda x: {"a": types.MappingProxyType({"b": x})}, "$.a.b"),
        (lambda x: {"a": omit, "b": iter([x])}, "$.b[0]"),
    ],
)
def test_what_json_cannot_say(fault: float, wrap: Any, path: str) -> None:
    with pytest.raises(ValueError, match="is not JSON - at") as caught:
        encode(wrap(fault))
    assert str(caught.value).endswith(f"`{path}`")
    # A null somewhere else is no reason to complain.
    encode(wrap(1.5))
    encode([None, wrap(None)])


@pytest.mark.parametrize("fault", [b"x", bytearray(b"x"), memoryview(b"x"), object(), 1j, print])
@pytest.mark.parametrize(
    ("wrap", "path"),
    [
        (lambda x: x, "$"),
        (lambda x: {"input": x}, "$.input"),
        (lambda x: {"messages": [{"role": "user", "content": [{"text": x}]}]}, "$.messages[0].content[0].text"),
        (lambda x: {"a": omit, "b": x}, "$.b"),
        (lambda x: [Point(1, x)], "$[0].y"),
        (lambda x: {"a": iter([x])}, "$.a[0]"),
    ],
)
def test_types_that_are_not_json(fault: Any, wrap: Any, path: str) -> None:
    with pytest.raises(TypeError, match=type(fault).__name__) as caught:
        encode(wrap(fault))
    assert str(caught.value).endswith(f"`{path}`")


def test_keys_that_are_not_json() -> None:
    with pytest.raises(TypeError, match="tuple"):
        encode({"a": {(1, 2): 3}})


def many(**changes: Any) -> list[dict[str, Any]]:
    """Something of more than 8 KB."""
    return [{"name": f"tool_{number}", "note": "x" * 400, **changes} for number in range(30)]


def test_what_is_repeated_is_looked_at_when_it_changes() -> None:
    def sent(value: dict[str, Any]) -> Any:
        return json.loads(encode(value, repeated="tools"))

    for tools in (many(), many(a=1), many(), many(a=None)):
        for value in ({"tools": tools, "input": "i"}, {"input": [1.5], "tools": tools}, {"tools": tools}):
            assert sent(value) == value
            with pytest.raises(TypeError, match=r"bytes is not JSON.* - at `\$.input`"):
                sent({**value, "input": b"i"})
            with pytest.raises(ValueError, match=r"nan is not JSON - at `\$.user.a"):
                sent({**value, "user": {"a": float("nan")}})
    for wrong, error in ((b"1", TypeError), (float("inf"), ValueError)):
        with pytest.raises(error, match=r"is not JSON.* - at `\$.tools\[0\].a`"):
            sent({"tools": many(a=wrong)})
    # The same inside of something else does not stand for it.
    with pytest.raises(TypeError, match=r"- at `\$.tools\[0\].b`"):
        sent({"input": [{"tools": many()}], "tools": many(b=b"")})
    with pytest.raises(TypeError, match=r"- at `\$.input.tools\[0\].b`"):
        sent({"tools": many(), "input": {"tools": many(b=b"")}})
    assert sent({"tools": [*many(), omit], "input": omit}) == {"tools": many()}
    assert encode(many(), repeated="tools") == encode(many())
