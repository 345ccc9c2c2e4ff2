"""Functions nobody thought of, with parameters of every kind of type: the schema is strict, a value that fits is parsed, and one that does
not is refused with its path. What fits is decided by `jsonschema`, which is nobody's own code here.
"""

from __future__ import annotations

import copy
import datetime
import decimal
import inspect
import json
import os
import uuid
from typing import Any, Literal, Optional, Union

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from oxide.core.structured import format_of
from oxide.tools import FormatError, Tool, openai_tool

from ..structured.test_generated_types import MAKERS, NAMES, NUMBERS, Size, leaves, model

# How many functions of each kind of type. The show's 200 take a minute, and the suite has none to spare.
TYPES = int(os.environ.get("OXIDE_TYPES", "12"))

# What a strict schema may have: the API's list.
KEYWORDS = frozenset(
    [
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "default",
        "description",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "multipleOf",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
    ]
)
LEAVES = st.sampled_from(
    [
        int,
        float,
        str,
        bool,
        None,
        Size,
        Literal["a", "b"],
        Literal[1, 2],
        Optional[int],
        Union[int, str],
        set[int],
        tuple[int, int],
        datetime.datetime,
        datetime.date,
        uuid.UUID,
        decimal.Decimal,
    ]
)
WRONG: list[Any] = [{"not": ["this"]}, [[{}]], None, "q", 17.5, True]


@st.composite
def annotations(draw: st.DrawFn, make: Any, depth: int = 0) -> Any:
    if depth < 3 and draw(st.booleans()):
        fields = [(name, draw(annotations(make, depth + 1))) for name in draw(NAMES)]
        inner = make(f"T{next(NUMBERS)}", fields)
        return draw(st.sampled_from([inner, list[inner], Optional[inner]]))  # type: ignore[valid-type]
    # pydantic takes a decimal as any text and says no more about it in the schema.
    leaf = draw(LEAVES.filter(lambda leaf: make is not model or leaf is not decimal.Decimal))
    return draw(st.sampled_from([leaf, list[leaf], Optional[leaf]]))


def function(parameters: dict[str, Any], defaults: frozenset[str]) -> Tool[..., Any]:
    """A tool that returns its arguments."""

    def some(**kwargs: Any) -> Any:
        return kwargs

    some.__annotations__ = dict(parameters)
    # Those with a default after the others.
    ordered = sorted(parameters, key=lambda name: name in defaults)
    some.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=None if name in defaults else inspect.Parameter.empty,
                annotation=parameters[name],
            )
            for name in ordered
        ]
    )
    return openai_tool(some)


FORMATS = {
    "date-time": st.datetimes(timezones=st.just(datetime.timezone.utc)).map(lambda value: value.isoformat()),
    "date": st.dates().map(lambda value: value.isoformat()),
    "uuid": st.uuids().map(str),
}


def values(schema: Any, root: Any) -> st.SearchStrategy[Any]:
    """JSON values that fit a schema."""
    if "$ref" in schema:
        return values(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    if "anyOf" in schema:
        return st.one_of([values(part, root) for part in schema["anyOf"]])
    kind = schema["type"]
    if kind == "object":
        return st.fixed_dictionaries({name: values(part, root) for name, part in schema["properties"].items()})
    if kind == "array":
        return st.lists(
            values(schema["items"], root), min_size=schema.get("minItems", 0), max_size=schema.get("maxItems", 3)
        )
    if kind == "string":
        if "pattern" in schema:
            return st.sampled_from(["1", "-1.5", "0"])
        return FORMATS.get(schema.get("format", ""), st.text(max_size=5))
    return {
        "integer": st.integers(-9, 2**53),
        "number": st.one_of(st.integers(-9, 9), st.floats(allow_nan=False, allow_infinity=False)),
        "boolean": st.booleans(),
        "null": st.none(),
    }[kind]


def check_strict(schema: Any) -> None:
    """Valid JSON Schema, closed, everything required, and nothing in it that the API doesn't take."""
    jsonschema.Draft202012Validator.check_schema(schema)
    todo = [schema]
    while todo:
        node = todo.pop()
        assert node.keys() <= KEYWORDS
        assert node.keys() & {"type", "anyOf", "enum", "const", "$ref"}
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
        for group in ("properties", "$defs"):
            todo += node.get(group, {}).values()
        todo += node.get("anyOf", [])
        todo += [node["items"]] if "items" in node else []


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@settings(max_examples=TYPES, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_round_trip(make: Any, data: st.DataObject) -> None:
    parameters = {name: data.draw(annotations(make)) for name in data.draw(NAMES)}
    defaults = frozenset(data.draw(st.sets(st.sampled_from(sorted(parameters)))))
    tool = function(parameters, defaults)
    schema = tool.parameters
    check_strict(schema)
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())

    value = data.draw(values(schema, schema))
    validator.validate(value)
    parsed = tool.parse(json.dumps(value))
    assert parsed.keys() == parameters.keys()
    again = json.loads(json.dumps(value))
    # What was parsed says the same, where JSON has one way to say it.
    for name, annotation in parameters.items():
        if annotation in (int, str, bool, None):
            assert parsed[name] == again[name]

    found = [*leaves(value, "$"), *((value, name, f"$.{name}") for name in value)]
    container, key, path = data.draw(st.sampled_from(found))
    broken = copy.deepcopy(container[key])
    # pydantic makes numbers of text and text of much, and msgspec takes a number for a decimal.
    wrong = WRONG[:1] if make is model else [each for each in WRONG if each != 17.5 or "pattern" not in str(schema)]
    container[key] = data.draw(st.sampled_from(wrong))
    assume(not validator.is_valid(value))
    text = json.dumps(value)
    with pytest.raises(FormatError) as caught:
        tool.parse(text)
    assert caught.value.text == text
    # Where there are several types to choose from, decoders may name the place of the choice, or the member they tried.
    first = path.split(".")[1].partition("[")[0]
    assert caught.value.path.startswith(f"$.{first}")
    assert f"at `{caught.value.path}`" in str(caught.value)
    container[key] = broken

    name = data.draw(st.sampled_from(sorted(value)))
    rest = {other: entry for other, entry in value.items() if other != name}
    if name in defaults:
        assert name not in tool.parse(json.dumps(rest))
    else:
        with pytest.raises(FormatError, match=name):
            tool.parse(json.dumps(rest))
    with pytest.raises(FormatError, match="nobody"):
        tool.parse(json.dumps({**value, "nobody": 1}))


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@settings(max_examples=TYPES // 2, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_structured_outputs_of_the_same_types(make: Any, data: st.DataObject) -> None:
    """The types by themselves, through `parse`'s schema: what `jsonschema` takes is parsed."""
    form = format_of(make(f"T{next(NUMBERS)}", [(name, data.draw(annotations(make))) for name in data.draw(NAMES)]))
    jsonschema.Draft202012Validator.check_schema(form.schema)
    value = data.draw(values(_plain(form.schema), form.schema))
    jsonschema.validate(value, form.schema)
    form.parse(json.dumps(value))


def _plain(schema: Any) -> Any:
    # Tuples have a keyword here that is left to the validator.
    text = json.dumps(schema)
    assume("prefixItems" not in text and "uniqueItems" not in text)
    return schema
