"""Values that fit a JSON schema and values that do not, with the place where."""

from __future__ import annotations

from typing import Any

import pytest

from oxide.core.schema_check import Misfit, check
from oxide.core.structured import format_of
from oxide.testing.schema import fit
from oxide.testing.text import Source

from .models import MODELS
from .test_schemas import KINDS

TREE = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {"n": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
            "required": ["n", "next"],
            "additionalProperties": False,
        }
    },
}

CASES: list[tuple[Any, Any, str | None]] = [
    ({}, {"a": [1]}, None),
    ({"type": "integer"}, 1.0, None),
    ({"type": "integer"}, 1.5, "$"),
    ({"type": "integer"}, True, "$"),
    ({"type": ["string", "null"]}, None, None),
    ({"type": ["string", "null"]}, 1, "$"),
    ({"const": 1}, True, "$"),
    ({"enum": ["a", None]}, None, None),
    ({"enum": ["a", None]}, "b", "$"),
    ({"minimum": 1, "maximum": 2}, 1.5, None),
    ({"minimum": 1}, 0, "$"),
    ({"exclusiveMaximum": 1}, 1, "$"),
    ({"multipleOf": 0.1}, 0.3, None),
    ({"multipleOf": 2}, 3, "$"),
    ({"minLength": 2}, "a", "$"),
    ({"pattern": "^a+$"}, "aab", "$"),
    ({"pattern": "^a+$"}, 1, None),
    ({"type": "array", "items": {"type": "string"}}, ["a", 1], "$[1]"),
    ({"type": "array", "maxItems": 1}, [1, 2], "$"),
    ({"type": "array", "uniqueItems": True}, [1, 1], "$"),
    ({"type": "array", "prefixItems": [{"type": "string"}], "items": False}, ["a"], None),
    ({"type": "array", "prefixItems": [{"type": "string"}], "items": False}, ["a", 1], "$[1]"),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1, "b": "2"}, "$.b"),
    ({"type": "object", "properties": {}, "additionalProperties": False}, {"a": 1}, "$"),
    ({"type": "object", "required": ["a"]}, {}, "$"),
    ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, 3, "$"),
    ({"oneOf": [{"minimum": 1}, {"maximum": 2}]}, 1.5, "$"),
    ({"oneOf": [{"minimum": 3}, {"maximum": 2}]}, 1.5, None),
    (TREE, {"n": 1, "next": {"n": 2, "next": None}}, None),
    (TREE, {"n": 1, "next": {"n": "2", "next": None}}, "$.next.n"),
]


@pytest.mark.parametrize(("schema", "value", "path"), CASES)
def test_values(schema: Any, value: Any, path: str | None) -> None:
    if path is None:
        check(value, schema)
        return
    with pytest.raises(Misfit) as caught:
        check(value, schema)
    assert caught.value.path == path


@pytest.mark.parametrize("type_", [*KINDS, *MODELS], ids=lambda type_: getattr(type_, "__name__", str(type_)))
def test_what_the_server_makes_for_a_schema_fits_it(type_: Any) -> None:
    schema = format_of(type_).schema
    try:
        value = fit(schema, Source("1 two"))
    except ValueError:
        pytest.skip("the server can't make a value of this schema")
    check(value, schema)
