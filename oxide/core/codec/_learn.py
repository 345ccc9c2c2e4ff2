"""What the API sends beyond the declared types, remembered so that the next decode knows it.

The C decoder refuses an object with an unknown field or tag, and `_build` then makes the objects, ten times slower. What
it met is noted here. What was met twice becomes part of the model (`ModelInfo.extras`, `ModelInfo.lax`) or union
(`Shape.learned`), and a decoder that stumbles again is built anew. Everything is bounded, because the names come from
outside: beyond the limits decoding goes on, slowly and losing nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._meta import ModelMeta
from ._model import GenericObject
from ._shape import LOCK, ModelInfo, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["LAX", "MAX_LEARNED", "MAX_PENDING", "MAX_PER_TYPE", "Note", "generic_info", "note", "version"]

MAX_PER_TYPE = 64
MAX_LEARNED = 2000
MAX_PENDING = 4096
_MAX_NAME = 200

LAX = object()

# A model and the name of an unknown field, or LAX; a union, an unknown tag and the fields that came with it.
Note = tuple[Any, Any] | tuple[Any, Any, tuple[Any, ...]]

_pending: set[tuple[Any, Any]] = set()
_learned = 0


def version() -> int:
    """Grows with everything that is learned."""
    return _learned


def note(notes: Iterable[Note]) -> None:
    """Takes in what one slow decode met."""
    global _learned
    with LOCK:
        for node, name, *fields in dict.fromkeys(notes):
            if _learned >= MAX_LEARNED or not _is_new(node, name):
                continue
            if (node, name) not in _pending:
                if len(_pending) >= MAX_PENDING:
                    _pending.clear()
                _pending.add((node, name))
                continue
            _pending.discard((node, name))
            _learn(node, name, *fields)
            _learned += 1


def _is_new(node: ModelInfo | Shape, name: Any) -> bool:
    """Whether there is something to learn, and room for it."""
    if name is LAX:
        return not node.lax  # type: ignore[union-attr]
    known: Mapping[str, Any] = node.learned if isinstance(node, Shape) else node.extras
    return _is_learnable(name) and name not in known and len(known) < MAX_PER_TYPE


def _learn(node: Any, name: Any, fields: tuple[Any, ...] = ()) -> None:
    if name is LAX:
        node.lax = True
    elif isinstance(node, Shape):
        made = node.learned[name] = generic_info(node.tag_field, name)
        for field in fields:
            if _is_new(made, field):
                _learn(made, field)
    else:
        node.extras[name] = None
    node.version += 1


def _is_learnable(name: Any) -> bool:
    """Whether msgspec takes `name` as the JSON name of a field or as a tag."""
    return (
        type(name) is str
        and 0 < len(name) <= _MAX_NAME
        and not name.startswith("_ox")
        and '"' not in name
        and "\\" not in name
        and name.isprintable()
    )


_generics: dict[tuple[Any, str], ModelInfo] = {}


def generic_info(tag_field: Any, tag: str) -> ModelInfo:
    """The model made up for an unknown tag: a `GenericObject` with that tag as a constant."""
    found = _generics.get((tag_field, tag))
    if found is None:
        cls: Any = ModelMeta(
            "GenericObject",
            (GenericObject,),
            {
                "__module__": GenericObject.__module__,
                "_ox_public": GenericObject,
                "_ox_tag_field": tag_field,
                "_ox_tag": tag,
                tag_field: tag,
            },
            twin=True,
            tag_field=tag_field,
            tag=tag,
        )
        found = _generics[tag_field, tag] = ModelInfo(cls, {})
    return found
