"""The strict schemas: equal to the official SDK's for pydantic, by the same rules for the other kinds."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import re
import uuid
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypedDict, TypeVar, Union

import attrs
import msgspec
import openai
import pytest
from openai.lib._parsing import type_to_response_format_param
from openai.lib._parsing._responses import type_to_text_format_param

import oxide
from oxide.core.json_schema import strict_schema
from oxide.core.structured import format_of
from oxide.testing.schema import strict_problem

from .models import MODELS, Inner

T = TypeVar("T")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_pydantic_type_has_the_schema_of_the_official_sdk(model: Any) -> None:
    theirs = type_to_response_format_param(model)["json_schema"]  # type: ignore[index, typeddict-item]
    mine = format_of(model).response_format()["json_schema"]
    # Property order is what the model keeps to, so texts are compared.
    assert json.dumps(mine["schema"]) == json.dumps(theirs["schema"])
    assert mine["strict"] is theirs["strict"] is True
    assert mine["name"] == re.sub(r"[^A-Za-z0-9_-]+", "_", theirs["name"]).strip("_")
    text = type_to_text_format_param(model)
    assert {**format_of(model).text_format(), "name": text["name"]} == text  # type: ignore[typeddict-item]


@pytest.mark.parametrize("model", MODELS[:8], ids=lambda model: model.__name__)
def test_function_tools_are_those_of_the_official_sdk(model: Any) -> None:
    for arguments in ({}, {"name": "f", "description": "d"}):
        assert oxide.pydantic_function_tool(model, **arguments) == openai.pydantic_function_tool(model, **arguments)
        for more in ({}, {"defer_loading": True}):
            mine = oxide.pydantic_responses_function_tool(model, **arguments, **more)
            assert mine == openai.pydantic_responses_function_tool(model, **arguments, **more)


def test_a_tool_can_be_changed_without_changing_the_next_one() -> None:
    oxide.pydantic_function_tool(Inner)["function"]["parameters"]["properties"].clear()
    assert oxide.pydantic_function_tool(Inner) == openai.pydantic_function_tool(Inner)


# --- the other kinds --------------------------------------------------------------------------------------------------


class Unit(enum.Enum):
    METRE = "m"
    FOOT = "ft"


class Point(msgspec.Struct):
    """A place."""

    x: Annotated[int, msgspec.Meta(ge=0, description="To the right")]
    y: Optional[float] = None
    unit: Unit = Unit.METRE


class Circle(msgspec.Struct, tag="circle", tag_field="kind"):
    center: Annotated[Point, msgspec.Meta(description="Its middle")]
    radius: float


class Line(msgspec.Struct, tag="line", tag_field="kind"):
    points: Annotated[list[Point], msgspec.Meta(min_length=2)]
    name: str = msgspec.field(name="lineName", default="")


class Drawing(msgspec.Struct):
    shapes: list[Union[Circle, Line]]
    inside: list[Drawing] = []


class Box(msgspec.Struct, Generic[T]):
    item: T


class Boxes(msgspec.Struct):
    a: Box[int]
    b: Box[str]


@dataclasses.dataclass
class Person:
    name: str
    age: int
    home: Optional[Point] = None


@attrs.define
class Pair:
    left: int
    right: Person


class Movie(TypedDict, total=False):
    title: str
    kind: Literal["short", "long"]
    cast: list[Person]


class Size(NamedTuple):
    width: int
    height: int


class Everything(msgspec.Struct):
    a: datetime.datetime
    b: datetime.date
    c: datetime.time
    d: datetime.timedelta
    e: uuid.UUID
    f: decimal.Decimal
    g: bytes
    h: Literal[1, "two", None]
    i: set[int]
    j: Annotated[str, msgspec.Meta(pattern="^[a-c]+$", max_length=4)]
    k: tuple[int, str]
    l: tuple[int, ...]  # noqa: E741
    m: bool
    n: None
    o: Annotated[int, msgspec.Meta(gt=1, lt=9, multiple_of=2)]


KINDS: list[Any] = [Point, Circle, Line, Drawing, Boxes, Box[int], Person, Pair, Movie, Everything]


@pytest.mark.parametrize("type_", KINDS, ids=lambda type_: getattr(type_, "__name__", str(type_)))
def test_every_kind_has_a_strict_schema(type_: Any) -> None:
    form = format_of(type_)
    assert strict_problem(form.schema) is None
    assert form.schema["type"] == "object"
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", form.name)
    # What the rules made is left alone by them.
    assert strict_schema(form.schema) == form.schema


def test_the_schema_of_a_struct() -> None:
    assert format_of(Circle).schema == {
        "title": "Circle",
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["circle"]},
            "center": {
                "title": "Point",
                "description": "Its middle",
                "type": "object",
                "properties": {
                    "x": {"type": "integer", "minimum": 0, "description": "To the right"},
                    "y": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                    "unit": {"title": "Unit", "type": "string", "enum": ["m", "ft"], "default": "m"},
                },
                "required": ["x", "y", "unit"],
                "additionalProperties": False,
            },
            "radius": {"type": "number"},
        },
        "required": ["kind", "center", "radius"],
        "additionalProperties": False,
        "$defs": {
            "Point": {
                "title": "Point",
                "description": "A place.",
                "type": "object",
                "properties": {
                    "x": {"type": "integer", "minimum": 0, "description": "To the right"},
                    "y": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                    "unit": {"title": "Unit", "type": "string", "enum": ["m", "ft"], "default": "m"},
                },
                "required": ["x", "y", "unit"],
                "additionalProperties": False,
            },
            "Unit": {"title": "Unit", "type": "string", "enum": ["m", "ft"]},
        },
    }


def test_a_type_within_itself_keeps_its_definition() -> None:
    schema = format_of(Drawing).schema
    assert schema["properties"]["inside"] == {"type": "array", "items": {"$ref": "#/$defs/Drawing"}}
    assert schema["properties"]["shapes"]["items"] == {"anyOf": [{"$ref": "#/$defs/Circle"}, {"$ref": "#/$defs/Line"}]}
    assert set(schema["$defs"]) == {"Drawing", "Circle", "Line", "Point", "Unit"}
    assert "$defs" not in format_of(Box[int]).schema


def test_two_specialisations_of_a_generic_class_are_two_definitions() -> None:
    schema = format_of(Boxes).schema
    kinds = [
        schema["$defs"][schema["properties"][name]["$ref"].rpartition("/")[2]]["properties"]["item"]["type"]
        for name in "ab"
    ]
    assert kinds == ["integer", "string"]


def test_a_json_schema_is_made_strict_and_stays_as_it_was() -> None:
    schema = {
        "title": "my weather!",
        "type": "object",
        "properties": {
            "city": {"$ref": "#/$defs/City", "description": "where"},
            "wind": {"type": "number", "default": None},
        },
        "$defs": {"City": {"type": "object", "properties": {"name": {"type": "string"}}}},
    }
    before = json.dumps(schema)
    form = format_of(schema)
    assert json.dumps(schema) == before
    assert form.name == "my_weather"
    assert strict_problem(form.schema) is None
    assert form.schema["properties"]["wind"] == {"type": "number"}
    assert list(form.schema["properties"]["city"]) == [
        "description",
        "type",
        "properties",
        "additionalProperties",
        "required",
    ]


def test_a_reference_with_siblings_inside_of_what_it_refers_to() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node", "description": "on"}}}
    schema = strict_schema({"$defs": {"Node": node}, "$ref": "#/$defs/Node"})
    # Putting it in place would not end (the official SDK recurses until Python stops it).
    assert schema["properties"]["next"] == {"$ref": "#/$defs/Node"}


@pytest.mark.parametrize(
    ("schema", "error", "message"),
    [
        ({"properties": {"a": True}}, TypeError, r"not True - at `\$\.properties\.a`"),
        ({"$ref": "other.json#/x", "title": "x"}, ValueError, "does not start with '#/'"),
        ({"$ref": "#/$defs/X", "title": "x"}, ValueError, "leads nowhere"),
    ],
)
def test_a_schema_that_can_not_be_made_strict(schema: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        format_of(schema)


@pytest.mark.parametrize("type_", [int, list[int], dict[str, int], Size, complex, Union[Point, Line]])
def test_a_type_without_a_strict_schema(type_: Any) -> None:
    with pytest.raises(TypeError):
        format_of(type_)
