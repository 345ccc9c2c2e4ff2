"""Values that are easily got wrong on the way to the wire: text, nesting, numbers, paths, types that JSON lacks."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .sides import Sides, sdk

pytestmark = pytest.mark.exhaustive

hypothesis = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LEAF = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9), TEXT)
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=10
)
SEGMENT = st.text(st.sampled_from("ab/.%2eE \\?#é漢😀:@&=+;,~!$'()*[]{}|^`\"<>-_\t\n\x00"), max_size=8)


@hypothesis
@given(value=JSON)
def test_bodies(sides: Sides, value: Any) -> None:
    sides.same(
        lambda client: client.responses.create(model="m", input="x", metadata=value, extra_body={"own": value}),
        asynchronous=False,
    )


@hypothesis
@given(query=st.dictionaries(TEXT.filter(bool), JSON, max_size=3))
def test_queries(sides: Sides, query: dict[str, Any]) -> None:
    sides.same(lambda client: client.models.list(extra_query=query), asynchronous=False)


@settings(hypothesis, max_examples=200)
@given(value=SEGMENT)
def test_path_parameters(sides: Sides, value: str) -> None:
    sides.same(lambda client: client.models.retrieve(value), asynchronous=False)
    sides.same(lambda client: client.responses.cancel(value), asynchronous=False)


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "..",
        "...",
        "%2e",
        "%2E%2e",
        ".%2e",
        "a/../b",
        "a b",
        "a%20b",
        "/",
        "//",
        "ft:gpt-5:org::id",
        "漢字",
        "a?b#c",
    ],
)
def test_paths_that_matter(sides: Sides, value: str) -> None:
    for outcomes in (
        sides.same(lambda client: client.models.retrieve(value)),
        sides.same(lambda client: client.models.delete(value)),
        sides.same(lambda client: client.responses.input_items.list(value)),
        sides.same(lambda client: client.chat.completions.messages.list(value, limit=1)),
    ):
        for _, mine in outcomes:
            # A percent sign is quoted itself, so what looks like a quoted dot is none.
            assert bool(mine.sent) == (value not in ("", ".", ".."))


@pytest.mark.parametrize("value", [None, 0, 1, True, False, b"x", 1.5, uuid.UUID(int=5)], ids=repr)
def test_path_parameters_that_are_not_text(sides: Sides, value: Any) -> None:
    sides.same(lambda client: client.models.retrieve(value), asynchronous=False)


QUERIES: list[dict[str, Any]] = [
    {"a": [1, 2]},
    {"a": (1, 2)},
    {"a": []},
    {"a": {}},
    {"a": {"b": {"c": [1, {"d": True}]}}},
    {"a": [[1, 2], [3]]},
    {"a": None, "b": [None, "x"], "c": {"d": None}},
    {"a": True, "b": False, "c": 1.0, "d": 1e100, "e": -0.0},
    {"a": "x y+z&=%/?#[]{}é漢😀~*'()!"},
    {"a b": "c", "a[]": "d", "é": "f", "": "g"},
    {"a": {"x y": 1, "[z]": 2}},
    {"a": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone.utc)},
    {"a": date(2026, 1, 2), "b": Decimal("1.10"), "c": uuid.UUID(int=7)},
    {"a": b"bytes"},
]


@pytest.mark.parametrize("query", QUERIES, ids=repr)
def test_queries_that_matter(sides: Sides, query: dict[str, Any]) -> None:
    sides.same(lambda client: client.models.list(extra_query=query), asynchronous=False)
    sides.same(lambda client: client.responses.create(model="m", extra_query=query), client={"default_query": {"z": 1}})
    sides.same(lambda client: client.models.list(), client={"default_query": query}, asynchronous=False)


def test_queries_with_sentinels(sides: Sides) -> None:
    sides.same(lambda client: client.models.list(extra_query={"a": sdk(client).omit, "b": 1}), asynchronous=False)
    sides.same(
        lambda client: client.models.list(extra_query={"a": sdk(client).omit}),
        client={"default_query": {"a": 1, "b": 2}},
    )


@pytest.mark.parametrize("values", [range(2), {0: "", 1: ""}.keys(), iter([0, 1])], ids=["range", "keys", "iterator"])
def test_any_iterable_is_a_list_in_a_query(sides: Sides, values: Any) -> None:
    """On purpose: the official SDK sends the `repr` of these."""
    mine = sides.oxide.call(lambda client: client.models.list(extra_query={"a": values}))
    assert mine.sent[0].pairs == [("a[]", "0"), ("a[]", "1")]


class Colour(str, enum.Enum):
    RED = "red"


class Point(pydantic.BaseModel):
    x: int
    label: str = "unset"
    named: int = pydantic.Field(default=0, alias="theName")


VALUES = {
    "datetime of a zone": lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
    "datetime in UTC": lambda: [datetime(2026, 1, 2, tzinfo=timezone.utc)],
    "naive datetime": lambda: datetime(2026, 1, 2, 3, 4, 5, 678900),
    "tuple": lambda: (1, ("a", "b")),
    "pydantic model": lambda: Point(x=1),
    "list of pydantic models": lambda: [Point(x=1, label="set"), {"inner": Point(x=2)}],
    "enum": lambda: Colour.RED,
    "empty": lambda: [{}, [], "", None, 0, False],
    "big integer": lambda: 2**63,
    "bigger integer": lambda: 10**30,
    "floats": lambda: [1e16, 1e-7, 1.0, -0.0, 1.7976931348623157e308, 5e-324],
    "keys that are not text": lambda: {1: "a", 2.5: "b"},
    "NaN": lambda: float("nan"),
    "nested infinity": lambda: {"a": [float("inf")]},
    "bytes": lambda: b"x",
    "object": object,
}


@pytest.mark.parametrize("name", VALUES)
def test_values_in_bodies(sides: Sides, name: str) -> None:
    make = VALUES[name]
    sides.same(lambda client: client.responses.create(model="m", metadata={"value": make()}), asynchronous=False)
    sides.same(lambda client: client.responses.create(model="m", extra_body={"value": make()}), asynchronous=False)


# Where oxide does better on purpose: what it sends, and what the official SDK does.
OURS = {
    "pydantic model with alias": (lambda: Point(x=1, theName=4), {"x": 1, "theName": 4}, "the name, or the alias"),
    "set": (lambda: {1}, [1], "TypeError"),
    "date": (lambda: date(2026, 1, 2), "2026-01-02", "TypeError"),
    "Decimal": (lambda: Decimal("1.50"), "1.50", "TypeError"),
    "UUID": (lambda: uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001", "TypeError"),
    "lone surrogate": (lambda: "\ud800", "\ud800", "UnicodeEncodeError"),
}


@pytest.mark.parametrize("name", OURS)
def test_values_that_the_official_sdk_encodes_otherwise_or_not_at_all(sides: Sides, name: str) -> None:
    make, expected, _ = OURS[name]
    for options in ({"metadata": {"value": make()}}, {"extra_body": {"metadata": {"value": make()}}}):
        mine = sides.oxide.call(lambda client, options=options: client.responses.create(model="m", **options))
        assert mine.sent[0].json["metadata"] == {"value": expected}


def generate(*items: Any) -> Iterator[Any]:
    yield from items


MESSAGE = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    "make",
    [
        lambda: generate(MESSAGE, MESSAGE),
        lambda: (MESSAGE, MESSAGE),
        lambda: [MESSAGE],
        lambda: iter([{"role": "user", "content": generate({"type": "text", "text": "x"})}]),
        lambda: {"a": MESSAGE}.values(),
        lambda: map(dict, [MESSAGE]),
    ],
)
def test_iterables(sides: Sides, make: Any) -> None:
    sides.same(lambda client: client.chat.completions.create(model="m", messages=make()))
    sides.same(
        lambda client: client.embeddings.create(model="m", input=generate(generate(1, 2), (3,))), asynchronous=False
    )


@pytest.mark.parametrize("numbers", [range(4), (1, 2), [1, 2], [[1], [2, 3]], {5}, ["a", "b"], "text"], ids=repr)
def test_embedding_inputs(sides: Sides, numbers: Any) -> None:
    sides.same(lambda client: client.embeddings.create(model="m", input=numbers), asynchronous=False)


def test_numpy_numbers(sides: Sides) -> None:
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(3)
    sides.same(lambda client: client.embeddings.create(model="m", input=array.tolist()), asynchronous=False)
