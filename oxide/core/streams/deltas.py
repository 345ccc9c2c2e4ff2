"""Objects that come in pieces: how the API's `delta` objects add up.

Texts are continued, numbers added, objects merged, lists of objects with an `index` merged entry by entry and other lists
continued. `index`, `type` and whatever else can't be added is replaced. A text that is continued is kept as a `Text`, and a list whose
entries have indexes as an `Indexed`; `plain` makes values of them.
"""

from __future__ import annotations

from typing import Any

from .text import Text

__all__ = ["Indexed", "merge", "plain"]


class Indexed(dict[int, Any]):
    """Entries of a list by their `index`, in whatever order they come."""


def merge(target: dict[str, Any], delta: dict[str, Any]) -> None:
    """Add `delta` to `target`. The containers in `delta` may become part of `target`."""
    for key, value in delta.items():
        present = target.get(key)
        if present is None:
            target[key] = _first(value)
        elif key in ("index", "type"):
            target[key] = value
        elif isinstance(value, str) and isinstance(present, (str, Text)):
            # Some servers say these again with every piece.
            if key in ("id", "role", "name") and value == str(present):
                continue
            if isinstance(present, str):
                target[key] = present = Text(present)
            present.append(value)
        elif isinstance(value, (int, float)) and isinstance(present, (int, float)):
            target[key] = value if isinstance(value, bool) else present + value
        elif isinstance(value, list) and isinstance(present, Indexed):
            _merge_entries(present, value)
        elif isinstance(value, dict) and isinstance(present, dict) and not isinstance(present, Indexed):
            merge(present, value)
        elif isinstance(value, list) and isinstance(present, list):
            if _is_indexed(value):
                target[key] = entries = Indexed(enumerate(present))
                _merge_entries(entries, value)
            else:
                present.extend(value)
        elif value is not None:
            target[key] = value


def plain(value: Any) -> Any:
    """What `merge` made, as plain values; a copy."""
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, Indexed):
        return [plain(value[index]) for index in sorted(value)]
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value


def _first(value: Any) -> Any:
    if isinstance(value, list) and _is_indexed(value):
        # One piece may have several fragments of an entry.
        entries = Indexed()
        _merge_entries(entries, value)
        return entries
    if isinstance(value, dict):
        made: dict[str, Any] = {}
        merge(made, value)
        return made
    return value


def _is_indexed(value: list[Any]) -> bool:
    return any(isinstance(entry, dict) and isinstance(entry.get("index"), int) for entry in value)


def _merge_entries(entries: Indexed, fragments: list[Any]) -> None:
    last = max(entries, default=-1)
    for fragment in fragments:
        index = fragment.get("index") if isinstance(fragment, dict) else None
        if not isinstance(index, int):
            # Without an index, one with an id is a new entry and another one continues the last.
            new = not isinstance(fragment, dict) or fragment.get("id") or last < 0
            index = last + 1 if new else last
        last = index
        present = entries.get(index)
        if isinstance(present, dict) and isinstance(fragment, dict):
            merge(present, fragment)
        else:
            entries[index] = _first(fragment)
