"""Values that fit a JSON schema, for function arguments and structured output.

Covers what the API's structured output takes (objects, arrays, enum, const, bounds, `pattern`, `format`, anyOf,
`$ref` and `$defs`, recursion) and allOf, oneOf, prefixItems and patternless dictionaries besides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from .pattern import matching
from .text import Source

__all__ = ["fit", "strict_problem"]

Schema = Any  # a dict, or True/False
_DEEP = 4  # from here on the smallest value that fits is taken

_FORMATS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "duration": "P1DT2H",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "uri": "https://example.com/",
}


def fit(schema: Schema, source: Source) -> Any:
    """A JSON value that fits `schema`, filled from `source`; optional properties are there too.

    Raises:
        ValueError: nothing fits, or the schema recurses without an end.
    """
    return _Fitter(schema, source).value(schema, 0)


class _Fitter:
    def __init__(self, root: Schema, source: Source) -> None:
        self._root = root
        self._source = source

    def value(self, schema: Schema, depth: int) -> Any:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        branches = schema.get("anyOf") or schema.get("oneOf")
        if branches:
            return self.value(self._branch(schema, branches, depth), depth)
        kind = _kind(schema)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind == "string":
            return self._string(schema)
        if kind in ("integer", "number"):
            return self._number(schema, whole=kind == "integer")
        return True if kind == "boolean" else None

    def _resolved(self, schema: Schema) -> dict[str, Any]:
        """The schema with its reference followed and its `allOf` merged."""
        seen = 0
        while isinstance(schema, dict) and "$ref" in schema:
            seen += 1
            if seen > 100:
                raise ValueError(f"the reference {schema['$ref']} leads to itself")
            rest = {key: item for key, item in schema.items() if key != "$ref"}
            schema = {**self._target(schema["$ref"]), **rest}
        if schema is True or schema == {}:
            return {"type": "string"}
        if not isinstance(schema, dict):
            raise ValueError(f"nothing fits the schema {schema!r}")
        resolved: dict[str, Any] = schema
        for part in schema.get("allOf", ()):
            resolved = _merged(resolved, self._resolved(part))
        return resolved

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#"):
            raise ValueError(f"the reference {reference} leads outside of the schema")
        target = self._root
        for part in reference[1:].split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, dict) or name not in target:
                raise ValueError(f"the reference {reference} leads nowhere")
            target = target[name]
        return target

    def _branch(self, schema: dict[str, Any], branches: list[Schema], depth: int) -> Schema:
        rest = {key: item for key, item in schema.items() if key not in ("anyOf", "oneOf", "$defs")}
        heights = [self._height(branch, ()) for branch in branches]
        finite = [branch for branch, height in zip(branches, heights, strict=True) if height < math.inf]
        if not finite:
            raise ValueError("every branch of an anyOf recurses without an end")
        chosen = finite[0] if depth < _DEEP else branches[heights.index(min(heights))]
        return _merged(rest, self._resolved(chosen)) if rest else chosen

    def _height(self, schema: Schema, path: tuple[int, ...]) -> float:
        """The least nesting that a value of the schema needs; infinite within a recursion."""
        schema = self._resolved(schema)
        # A reference gives a new merged dict each time, so what identifies a schema is its text.
        mark = hash(repr(schema))
        if mark in path:
            return math.inf
        path = (*path, mark)
        if "const" in schema or "enum" in schema:
            return 0
        branches = schema.get("anyOf") or schema.get("oneOf")
        if branches:
            return min(self._height(branch, path) for branch in branches)
        if _kind(schema) == "object":
            properties = schema.get("properties", {})
            needed = [properties[name] for name in schema.get("required", ()) if name in properties]
        elif _kind(schema) == "array":
            needed = [schema.get("items", True)] if schema.get("minItems") else []
            needed += schema.get("prefixItems", ())
        else:
            needed = []
        return 1 + max((self._height(part, path) for part in needed), default=0)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties: dict[str, Any] = schema.get("properties", {})
        required = schema.get("required", [])
        result = {}
        for name, part in properties.items():
            if name in required or (depth < _DEEP and self._height(part, ()) < math.inf):
                if depth > 50:
                    raise ValueError("the schema recurses without an end")
                result[name] = self.value(part, depth + 1)
        others = schema.get("additionalProperties", True)
        for name in required:
            if name not in result:
                result[name] = self.value(others, depth + 1)
        while len(result) < schema.get("minProperties", 0):
            result[self._source.word()] = self.value(others, depth + 1)
        return result

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        result = [self.value(part, depth + 1) for part in schema.get("prefixItems", ())]
        items = schema.get("items", "prefixItems" not in schema)
        least = schema.get("minItems", 0)
        wanted = max(least, min(schema.get("maxItems", 2), 2 if depth < _DEEP else 0))
        if items is False or (wanted > least and self._height(items, ()) == math.inf):
            wanted = least
        if depth > 50:
            raise ValueError("the schema recurses without an end")
        candidates = self._candidates(items, depth + 1)
        while len(result) < wanted:
            item = next(candidates, None)
            if item is None:
                if len(result) < least:
                    raise ValueError("there are not enough different items for the array")
                break
            if not schema.get("uniqueItems") or item[0] not in result:
                result.append(item[0])
        return result

    def _candidates(self, items: Schema, depth: int) -> Iterator[tuple[Any]]:
        schema = self._resolved(items)
        if "enum" in schema:
            yield from ((item,) for item in schema["enum"])
        for _ in range(1000):
            yield (self.value(items, depth),)

    def _string(self, schema: dict[str, Any]) -> str:
        if "pattern" in schema:
            return matching(schema["pattern"])
        example = _FORMATS.get(schema.get("format", ""))
        if example is not None:
            return example
        text = self._source.text()
        least: int = schema.get("minLength", 0)
        while len(text) < least:
            text += " " + self._source.word()
        # Cut to what is wanted; a space at the end would look odd.
        cut = text[: schema.get("maxLength", len(text))].rstrip()
        return cut + "x" * (least - len(cut))

    def _number(self, schema: dict[str, Any], *, whole: bool) -> int | float:
        step = schema.get("multipleOf", 1 if whole else 0)
        if whole and step != int(step):
            from fractions import Fraction  # rarely needed, and not cheap to import

            # Of p/q in lowest terms, p is the smallest multiple that is whole.
            step = Fraction(str(step)).numerator
        low, high = _bounds(schema, step or 0.5)
        found = self._source.number()
        if found is None or not low <= found <= high or (whole and found != int(found)):
            found = 1.0 if low <= 1 <= high else low if low > -math.inf else high
        if step:
            # Floor division, which is exact for integers of any size.
            up = -(-found // step) * step
            found = up if up <= high else high // step * step
        if not low <= found <= high:
            raise ValueError(f"no number fits {schema}")
        return int(found) if whole or (found == int(found) and abs(found) < 2**53) else float(found)


def _bounds(schema: dict[str, Any], step: float) -> tuple[float, float]:
    low = schema.get("minimum", -math.inf)
    high = schema.get("maximum", math.inf)
    above = schema.get("exclusiveMinimum", -math.inf)
    below = schema.get("exclusiveMaximum", math.inf)
    if above >= low and above > -math.inf:
        low = above + min(step, (min(high, below) - above) / 2)
    if below <= high and below < math.inf:
        high = below - min(step, (below - low) / 2)
    return low, high


def _kind(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if kind is not None:
        return str(kind)
    if "properties" in schema or "required" in schema or "additionalProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    if any(name in schema for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")):
        return "number"
    return "string"


def _merged(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """A schema that asks for both."""
    merged = {**left, **right}
    merged.pop("allOf", None)
    if "properties" in left and "properties" in right:
        merged["properties"] = {**left["properties"], **right["properties"]}
    if "required" in left and "required" in right:
        merged["required"] = list(dict.fromkeys([*left["required"], *right["required"]]))
    return merged


def strict_problem(schema: Schema, path: tuple[str, ...] = ()) -> str | None:
    """What keeps a schema from being used with `strict`, as the API says it, or `None`.

    An object has to forbid additional properties and to require all its properties.
    """
    if not isinstance(schema, dict):
        return None
    context = f"In context={path!r}, "
    if _kind(schema) == "object" and ("type" in schema or "properties" in schema):
        if schema.get("additionalProperties") is not False:
            return context + "'additionalProperties' is required to be supplied and to be false."
        for name in schema.get("properties", {}):
            if name not in schema.get("required", ()):
                return (
                    context + "'required' is required to be supplied and to be an array including every key in "
                    f"properties. Missing '{name}'."
                )
    for group in ("properties", "$defs", "definitions"):
        for name, part in schema.get(group, {}).items():
            problem = strict_problem(part, (*path, group, name))
            if problem:
                return problem
    for group in ("anyOf", "prefixItems"):
        for index, part in enumerate(schema.get(group, ())):
            problem = strict_problem(part, (*path, group, str(index)))
            if problem:
                return problem
    return strict_problem(schema["items"], (*path, "items")) if "items" in schema else None
