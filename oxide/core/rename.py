"""Keys that are called something else on the wire, since Python reserves their names: `async_` for `async`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["rename"]


def rename(value: Any, names: Mapping[str, Any]) -> Any:
    """A copy of a JSON value whose keys have their wire names; what has nothing to rename is not copied.

    Args:
        value: mappings and sequences of what the codec can encode. Structs name their own fields.
        names: a key to its wire name, or to the names below it.
    """
    if isinstance(value, Mapping):
        renamed = {}
        for key, item in value.items():
            name = names.get(key)
            if name is None:
                renamed[key] = item
            elif isinstance(name, str):
                renamed[name] = item
            else:
                renamed[key] = rename(item, name)
        return renamed
    if isinstance(value, (list, tuple)):
        return [rename(item, names) for item in value]
    return value
