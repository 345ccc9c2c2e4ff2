"""The dialect of JSON Schema that the API takes with `strict`: every object is closed and requires all its properties.

The rules are those of the official SDK, so the same schema comes out of them for the same model:

- an object without `additionalProperties` gets `false`, and `required` lists every property, in their order;
- a default of null goes, as it says no more than that null is allowed;
- an `allOf` of one is put in its place;
- a `$ref` has nothing beside it: where it does, what it refers to is put in its place, under what is beside it.

They reach into `$defs`, `definitions`, `properties`, `items`, `anyOf` and `allOf`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["strict_schema"]

Schema = dict[str, Any]


def strict_schema(schema: Mapping[str, Any]) -> Schema:
    """`schema` by the rules above, as new dicts; what was given stays as it is.

    Raises:
        TypeError: a part of it is not an object (`true` and `false` are not taken); the message has its path.
        ValueError: a `$ref` does not start with `#/`, or leads nowhere.
    """
    return _Strict(schema).node(schema, "$", ())


class _Strict:
    """One pass over a schema; `root` is what references are looked up in."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root

    def node(self, schema: Any, path: str, inside: tuple[str, ...]) -> Schema:
        """One schema; `inside` are the references that have been put in place on the way to it."""
        if not isinstance(schema, Mapping):
            raise TypeError(f"a schema must be an object, not {schema!r} - at `{path}`")
        result = dict(schema)
        for group in ("$defs", "definitions"):
            if isinstance(result.get(group), Mapping):
                # References to definitions lead to the root, whatever was put in place on the way here.
                result[group] = self._each(result[group], f"{path}.{group}", ())
        if result.get("type") == "object":
            result.setdefault("additionalProperties", False)
        properties = result.get("properties")
        if isinstance(properties, Mapping):
            result["required"] = list(properties)
            result["properties"] = self._each(properties, f"{path}.properties", inside)
        if isinstance(result.get("items"), Mapping):
            result["items"] = self.node(result["items"], f"{path}.items", inside)
        for group in ("anyOf", "allOf"):
            if isinstance(result.get(group), list):
                result[group] = [
                    self.node(part, f"{path}.{group}[{number}]", inside) for number, part in enumerate(result[group])
                ]
        if isinstance(result.get("allOf"), list) and len(result["allOf"]) == 1:
            result.update(result["allOf"][0])
            result.pop("allOf")
        if "default" in result and result["default"] is None:
            del result["default"]
        reference = result.get("$ref")
        if reference and len(result) > 1:
            if reference in inside:
                # The place is within what it refers to: putting that here would not end, so what is beside it has to go.
                return {"$ref": reference}
            target = self._target(reference, path)
            del result["$ref"]
            return self.node(
                {**result, **{k: v for k, v in target.items() if k not in result}}, path, (*inside, reference)
            )
        return result

    def _each(self, schemas: Mapping[str, Any], path: str, inside: tuple[str, ...]) -> Schema:
        return {name: self.node(part, f"{path}.{name}", inside) for name, part in schemas.items()}

    def _target(self, reference: Any, path: str) -> Mapping[str, Any]:
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise ValueError(f"the reference {reference!r} does not start with '#/' - at `{path}`")
        target: Any = self.root
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, Mapping) else None
        if not isinstance(target, Mapping):
            raise ValueError(f"the reference {reference!r} leads nowhere - at `{path}`")
        return target
