"""Whether a JSON value fits a JSON schema: for answers to a schema that was given as such, without a type that would decode them.

What the API's strict mode takes is checked: types, `enum`, `const`, bounds, lengths, `pattern`, objects, arrays, `anyOf`, `allOf`, `oneOf`,
`$ref`. Other keywords, `format` among them, say nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["Misfit", "check"]


class Misfit(ValueError):
    """A value does not fit.

    Attributes:
        path: where, such as `$.items[0].price`.
    """

    def __init__(self, message: str, path: str) -> None:
        super().__init__(f"{message} - at `{path}`")
        self.path = path


def check(value: Any, schema: Mapping[str, Any]) -> None:
    """Return if `value` fits `schema`. Raises Misfit with the first place where it does not."""
    for misfit in _Checker(schema).misfits(value, schema, "$"):
        raise misfit


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    # 1.0 is an integer to JSON Schema (validation vocabulary, section 6.1.1).
    "integer": lambda value: _is_number(value) and value == int(value),
}

# Keyword to which values it is about, what is compared with its own, how, and what is said.
_BOUNDS: tuple[tuple[str, Callable[[Any], bool], Callable[[Any, Any], bool]], ...] = (
    ("minimum", _is_number, lambda value, bound: value >= bound),
    ("maximum", _is_number, lambda value, bound: value <= bound),
    ("exclusiveMinimum", _is_number, lambda value, bound: value > bound),
    ("exclusiveMaximum", _is_number, lambda value, bound: value < bound),
    # Quotients of binary fractions are off by a little: 0.3 is a multiple of 0.1.
    ("multipleOf", _is_number, lambda value, bound: abs(value / bound - round(value / bound)) < 1e-9),
    ("minLength", _TYPES["string"], lambda value, bound: len(value) >= bound),
    ("maxLength", _TYPES["string"], lambda value, bound: len(value) <= bound),
    ("pattern", _TYPES["string"], lambda value, bound: re.search(bound, value) is not None),
    ("minItems", _TYPES["array"], lambda value, bound: len(value) >= bound),
    ("maxItems", _TYPES["array"], lambda value, bound: len(value) <= bound),
    ("uniqueItems", _TYPES["array"], lambda value, wanted: not wanted or len({repr(x) for x in value}) == len(value)),
)


class _Checker:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root

    def misfits(self, value: Any, schema: Any, path: str) -> Iterator[Misfit]:
        if isinstance(schema, bool):
            if not schema:
                yield Misfit("Nothing is allowed here", path)
            return
        if "$ref" in schema:
            yield from self.misfits(value, self._target(schema["$ref"]), path)
        kinds = schema.get("type")
        if kinds is not None:
            names = [kinds] if isinstance(kinds, str) else kinds
            if not any(name in _TYPES and _TYPES[name](value) for name in names):
                yield Misfit(f"Expected `{' | '.join(names)}`, got `{_kind(value)}`", path)
                return
        if "const" in schema and not _same(value, schema["const"]):
            yield Misfit(f"Expected {schema['const']!r}", path)
        if "enum" in schema and not any(_same(value, choice) for choice in schema["enum"]):
            yield Misfit(f"Invalid enum value {value!r}", path)
        for keyword, applies, fits in _BOUNDS:
            if keyword in schema and applies(value) and not fits(value, schema[keyword]):
                yield Misfit(f"{value!r} does not fit {keyword} {schema[keyword]!r}", path)
        yield from self._combined(value, schema, path)
        if isinstance(value, dict):
            yield from self._object(value, schema, path)
        elif isinstance(value, list):
            yield from self._array(value, schema, path)

    def _combined(self, value: Any, schema: Mapping[str, Any], path: str) -> Iterator[Misfit]:
        for part in schema.get("allOf", ()):
            yield from self.misfits(value, part, path)
        for keyword in ("anyOf", "oneOf"):
            parts = schema.get(keyword)
            if not parts:
                continue
            firsts = [next(self.misfits(value, part, path), None) for part in parts]
            fitting = firsts.count(None)
            if not fitting:
                # The branch that got furthest is the one that was meant.
                yield max((first for first in firsts if first is not None), key=lambda first: len(first.path))
            elif fitting > 1 and keyword == "oneOf":
                yield Misfit("Fits more than one schema of oneOf", path)

    def _object(self, value: dict[str, Any], schema: Mapping[str, Any], path: str) -> Iterator[Misfit]:
        for name in schema.get("required", ()):
            if name not in value:
                yield Misfit(f"Object missing required field `{name}`", path)
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        for name, entry in value.items():
            if name in properties:
                yield from self.misfits(entry, properties[name], f"{path}.{name}")
            elif others is False:
                yield Misfit(f"Object contains unknown field `{name}`", path)
            else:
                yield from self.misfits(entry, others, f"{path}.{name}")

    def _array(self, value: list[Any], schema: Mapping[str, Any], path: str) -> Iterator[Misfit]:
        first = schema.get("prefixItems", ())
        for index, entry in enumerate(value):
            part = first[index] if index < len(first) else schema.get("items", True)
            yield from self.misfits(entry, part, f"{path}[{index}]")

    def _target(self, reference: str) -> Any:
        target: Any = self.root
        for part in reference[1:].split("/")[1:]:
            target = target[part.replace("~1", "/").replace("~0", "~")]
        return target


def _kind(value: Any) -> str:
    return next(
        name for name in ("object", "array", "string", "boolean", "null", "integer", "number") if _TYPES[name](value)
    )


def _same(value: Any, other: Any) -> bool:
    # 1 and true are equal to Python.
    return value == other and isinstance(value, bool) == isinstance(other, bool)
