"""Values made for JSON schemas: that they fit, whatever the schema."""

from __future__ import annotations

import enum
import json
import re
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from oxide.testing.pattern import matching
from oxide.testing.schema import fit, strict_problem
from oxide.testing.text import Source, count, reply_to, tokens


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Leaf(BaseModel):
    kind: Literal["leaf"]
    value: int = Field(ge=10, lt=12, multiple_of=1)


class Node(BaseModel):
    kind: Literal["node"]
    children: list[Node | Leaf] = Field(min_length=1)
    parent: Node | None = None


class Everything(BaseModel):
    text: str = Field(min_length=3, max_length=9)
    code: str = Field(pattern=r"^[A-Z]{2}-\d{3}$")
    day: date
    moment: datetime
    key: UUID
    color: Color
    ratio: float = Field(gt=0, lt=1)
    third: float = Field(ge=1, le=2, multiple_of=0.25)
    flag: bool
    nothing: None
    pair: tuple[int, str]
    many: list[Annotated[int, Field(ge=5)]] = Field(min_length=4, max_length=6)
    unique: set[Color]
    table: dict[str, int]
    tree: Node
    either: int | str


@pytest.mark.parametrize("prompt", ["", "Ada met 3 people in New York, 0.25 of 11", "x" * 50])
@pytest.mark.parametrize("model", [Everything, Node, Leaf])
def test_pydantic_accepts_it(model: type[BaseModel], prompt: str) -> None:
    value = fit(model.model_json_schema(), Source(prompt))
    model.model_validate_json(json.dumps(value))


def test_the_prompt_gives_the_values() -> None:
    schema = {
        "type": "object",
        "properties": {
            "who": {"type": "string"},
            "where": {"type": "string"},
            "count": {"type": "integer"},
            "price": {"type": "number"},
            "note": {"type": "string"},
        },
    }
    value = fit(schema, Source('Sell "two tickets" to Ada Lovelace for 4 nights at 12.5 each'))
    assert value["who"] == "two tickets"
    assert value["where"] == "Ada Lovelace"
    assert (value["count"], value["price"]) == (4, 12.5)
    assert value == fit(schema, Source('Sell "two tickets" to Ada Lovelace for 4 nights at 12.5 each'))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": 7}, 7),
        ({"enum": ["b", "a"]}, "b"),
        ({"type": "null"}, None),
        ({"type": ["null", "boolean"]}, True),
        ({"minimum": 3}, 3),
        ({"type": "integer", "exclusiveMinimum": 3}, 4),
        ({"type": "integer", "maximum": -5}, -5),
        ({"type": "integer", "multipleOf": 7, "minimum": 8}, 14),
        ({"allOf": [{"type": "integer"}, {"minimum": 9}]}, 9),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 1}}}, 1),
        ({"type": "integer", "minimum": 2**70 + 1}, 2**70 + 1),
        ({"type": "integer", "multipleOf": 2.5, "minimum": 6}, 10),
        ({"items": {"const": 1}, "maxItems": 1}, [1]),
        ({"type": "array", "items": False}, []),
        ({"type": "object", "required": ["a"], "additionalProperties": {"const": 2}}, {"a": 2}),
        ({"type": "object", "oneOf": [{"properties": {"a": {"const": 1}}}]}, {"a": 1}),
    ],
)
def test_small_schemas(schema: Any, value: Any) -> None:
    assert fit(schema, Source("")) == value


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"$ref": "#/nowhere"},
        {"$ref": "https://elsewhere"},
        {"$ref": "#"},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "array", "minItems": 3, "uniqueItems": True, "items": {"const": 1}},
        {"type": "string", "pattern": "("},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"anyOf": [{"$ref": "#"}]},
    ],
)
def test_schemas_that_nothing_fits(schema: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each for a reason of its own
        fit(schema, Source(""))


def test_objects_with_a_least_size() -> None:
    value = fit({"type": "object", "minProperties": 3, "additionalProperties": {"type": "integer"}}, Source(""))
    assert len(value) == 3
    assert all(isinstance(item, int) for item in value.values())


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{4}-\d{2}$",
        r"^(cat|dog)s?$",
        r"[^a-z]x\.",
        r"^(\w)\1$",
        r"^\S+@\S+\.\w{2,}$",
        r"^[-+]?[0-9]*$",
        r"\bword\b",
        r"^[\D\s]$",
        r"^a{2,}b??c+?$",
        r"^(?=a)a$",
        r"^[^\w]$",
        "",
    ],
)
def test_patterns(pattern: str) -> None:
    assert re.search(pattern, matching(pattern))


def test_a_pattern_that_is_too_hard() -> None:
    with pytest.raises(ValueError, match="no text was found"):
        matching(r"^(?!a)\w$")


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "object", "properties": {}, "additionalProperties": False}, None),
        ({"type": "object", "properties": {}}, "additionalProperties"),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": False}, "Missing 'a'"),
        ({"type": "array", "items": {"type": "object"}}, "'items'"),
        ({"$defs": {"d": {"type": "object"}}, "anyOf": []}, "'$defs', 'd'"),
        ({"anyOf": [{"type": "string"}, {"type": "object"}]}, "'anyOf', '1'"),
    ],
)
def test_what_strict_asks_for(schema: Any, problem: str | None) -> None:
    found = strict_problem(schema)
    assert found is None if problem is None else problem in (found or "")


_SCHEMAS: Any = st.recursive(
    st.one_of(
        st.just({"type": "string"}),
        st.just({"type": "boolean"}),
        st.builds(lambda a, b: {"type": "integer", "minimum": min(a, b), "maximum": max(a, b)}, st.integers(), st.integers()),
        st.builds(lambda a, b: {"type": "string", "minLength": a, "maxLength": a + b}, st.integers(0, 30), st.integers(0, 30)),
        st.builds(lambda values: {"enum": values}, st.lists(st.one_of(st.text(), st.integers()), min_size=1)),
    ),
    lambda inner: st.one_of(
        st.builds(lambda part, a, b: {"type": "array", "items": part, "minItems": a, "maxItems": a + b}, inner, st.integers(0, 4), st.integers(0, 4)),
        st.builds(lambda parts: {"type": "object", "properties": parts, "required": list(parts)}, st.dictionaries(st.text(), inner, max_size=4)),
        st.builds(lambda parts: {"anyOf": parts}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=8,
)  # fmt: skip


def fits(schema: Any, value: Any) -> bool:
    """An independent check for the schemas above."""
    if "enum" in schema:
        return value in schema["enum"]
    if "anyOf" in schema:
        return any(fits(part, value) for part in schema["anyOf"])
    kind = schema["type"]
    if kind == "string":
        return isinstance(value, str) and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 1e9)
    if kind == "integer":
        return type(value) is int and schema["minimum"] <= value <= schema["maximum"]
    if kind == "array":
        return schema["minItems"] <= len(value) <= schema["maxItems"] and all(fits(schema["items"], x) for x in value)
    if kind == "object":
        return set(schema["required"]) <= set(value) and all(
            fits(part, value[name]) for name, part in schema["properties"].items()
        )
    return isinstance(value, bool)


@given(_SCHEMAS, st.text())
def test_any_schema(schema: Any, prompt: str) -> None:
    assert fits(schema, fit(schema, Source(prompt)))


@given(st.text())
def test_tokens_join_to_the_text(text: str) -> None:
    assert "".join(tokens(text)) == text
    assert count(text) == len(tokens(text))


def test_replies() -> None:
    assert reply_to("hi", 1) == "You said: hi"
    assert reply_to("hi", 3) == "You said: hi (turn 3)"
    assert reply_to("", 0) == "You said nothing."
    assert len(reply_to("Write 120 words please", 1).split()) == 120
    assert reply_to("5 words", 1) == reply_to("5 words", 2)
