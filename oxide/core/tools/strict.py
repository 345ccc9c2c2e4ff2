"""The schema of a function's arguments: by the rules of the strict mode, or an error that says what to do instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..json_schema import strict_schema

__all__ = ["strict_parameters"]

Schema = dict[str, Any]

# What the API takes in a strict schema.
_TAKEN = frozenset(
    {
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
    }
)
_FORMATS = frozenset({"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"})
# What the decoder looks after, or nobody: these say nothing that the model would need, and go without a word.
_DROPPED = frozenset(
    {
        "$comment",
        "$schema",
        "contentEncoding",
        "contentMediaType",
        "deprecated",
        "discriminator",
        "examples",
        "readOnly",
        "uniqueItems",
        "writeOnly",
    }
)
_STRICT_OFF = "or pass strict=False"


def strict_parameters(schema: Mapping[str, Any], name: str) -> Schema:
    """The strict form of the schema of a function's arguments.

    Beyond `strict_schema`: `oneOf` becomes `anyOf`, a tuple of one type an array of that length, and formats and annotations that
    the API does not take are left out.

    Args:
        schema: an object's, its definitions under `$defs`.
        name: the function's, for errors.

    Raises:
        TypeError: something in it can't be said in a strict schema; the message has its place and what to do.
    """
    result = _Tightening(name).node(strict_schema(_settled(schema)), "$")
    _prune(result)
    return result


def _prune(schema: Schema) -> None:
    """Take out the definitions that nothing leads to any more."""
    definitions = schema.pop("$defs", {})
    reached: Schema = {}
    waiting = list(_references(schema))
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached[name] = definitions[name]
            waiting += _references(definitions[name])
    if reached:
        schema["$defs"] = {name: entry for name, entry in definitions.items() if name in reached}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield reference.rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for part in node:
            yield from _references(part)


def _settled(node: Any) -> Any:
    """`oneOf` as `anyOf`, everywhere and first, because the strict rules reach into the latter only."""
    if isinstance(node, Mapping):
        entries = {key: _settled(value) for key, value in node.items()}
        if isinstance(entries.get("oneOf"), list) and "anyOf" not in entries:
            entries["anyOf"] = entries.pop("oneOf")
            entries.pop("discriminator", None)
        return entries
    return [_settled(part) for part in node] if isinstance(node, list) else node


class _Tightening:
    def __init__(self, name: str) -> None:
        self.name = name

    def node(self, schema: Any, path: str) -> Schema:
        if not isinstance(schema, dict) or not {"type", "anyOf", "$ref", "enum", "const", "allOf"} & schema.keys():
            raise self._error(path, "may be anything", f"name its type, {_STRICT_OFF}")
        result: Schema = {}
        for keyword, value in schema.items():
            if keyword in _DROPPED or (keyword == "format" and value not in _FORMATS):
                continue
            if keyword == "prefixItems":
                result.update(self._tuple(schema, path))
            elif keyword in ("properties", "$defs"):
                # A property is shown as the argument it is, a definition by its name.
                prefix = path if keyword == "properties" else "$"
                result[keyword] = {name: self.node(part, f"{prefix}.{name}") for name, part in value.items()}
            elif keyword == "items":
                result[keyword] = self.node(value, f"{path}[]")
            elif keyword == "anyOf":
                result[keyword] = [self.node(part, path) for part in value]
            elif keyword == "additionalProperties" and value is not False:
                raise self._error(
                    path,
                    "is a mapping with keys of any name, and a strict schema lists all keys",
                    f"use a class (or TypedDict) with these keys, or a list of pairs, {_STRICT_OFF}",
                )
            elif keyword not in _TAKEN:
                raise self._error(
                    path, f"has {keyword!r}, which strict schemas don't know", f"leave it out, {_STRICT_OFF}"
                )
            else:
                result[keyword] = value
        return result

    def _tuple(self, schema: Schema, path: str) -> Schema:
        parts = [self.node(part, f"{path}[{number}]") for number, part in enumerate(schema["prefixItems"])]
        if not parts or any(part != parts[0] for part in parts):
            raise self._error(
                path,
                "is a tuple of different types, for which there is no strict schema",
                f"use a class with named fields, {_STRICT_OFF}",
            )
        return {"items": parts[0], "minItems": len(parts), "maxItems": len(parts)}

    def _error(self, path: str, what: str, instead: str) -> TypeError:
        place = "it" if path == "$" else f"the argument `{path[2:]}`"
        return TypeError(f"{self.name} can't be a strict tool: {place} {what}; {instead}")
