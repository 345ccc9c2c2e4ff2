"""From shapes to types that msgspec decodes in one pass, with all that was learned built in.

The types are as wide as JSON is. A field of scalars is `Any`, a field of objects allows every scalar beside them, so a
null, a wrong type or an unknown enum value never stops the C decoder, and checking is left to `_check`. What does stop
it: an unknown field, an unknown tag, a missing required field.
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any

import msgspec

from ._build import build
from ._learn import note, version
from ._shape import ModelInfo, Shape
from ._state import Extra
from ._twin import make_twin, twin

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._learn import Note

__all__ = ["make_decoder"]

_ANY_SCALAR: Any = str | bool | int | float | None

# Wire types of shapes, and classes that have their wire types in `__annotations__`, where nothing learned is in reach.
_clean_types: dict[Shape, Any] = {}
_clean_classes: set[Any] = set()
_tagged: dict[tuple[ModelInfo, str], Any] = {}

# The subclasses with learned fields: one for each model and tag, replaced as more is learned.
_learned_classes: dict[tuple[ModelInfo, str | None], tuple[Any, Any]] = {}


def make_decoder(shape: Shape, known: object) -> tuple[Callable[[Any], Any] | None, object]:
    """A C decoder for values of `shape`, with what was learned, and a token that stands for what that was.

    The caller holds the lock: msgspec keeps what it works out about a class on the class, unfinished while it is at it.

    Args:
        known: the token of the decoder that there is already; `None` comes back if there is nothing new since.
    """
    learned = _learned_within(shape)
    token = learned.get(shape, frozenset())
    if token == known:
        return None, token
    compiler = _Compiler(learned)
    try:
        return msgspec.json.Decoder(compiler.compile(shape), dec_hook=decode_hook).decode, token
    except BaseException:
        compiler.forget()
        raise
    finally:
        compiler.restore()


class _Compiler:
    """One pass over a graph of types.

    Args:
        learned: what was learned that can be reached from a model or union: the ones not in it are as declared.
    """

    def __init__(self, learned: dict[ModelInfo | Shape, frozenset[Any]]) -> None:
        self.learned = learned
        self.types: dict[Shape, Any] = {}
        self.todo: list[tuple[Any, ModelInfo]] = []
        self.annotated: list[tuple[Any, Any]] = []

    def compile(self, shape: Shape) -> Any:
        result = self.type(shape)
        while self.todo:
            cls, info = self.todo.pop()
            self.annotate(cls, info)
        return result

    def restore(self) -> None:
        """Gives classes the annotations back that they were written with: msgspec has read the others by now."""
        for cls, declared in self.annotated:
            cls.__annotations__ = declared

    def forget(self) -> None:
        """Leaves no trace of a pass that failed, for a name that does not resolve may do so later."""
        _clean_types.clear()
        _learned_classes.clear()
        _clean_classes.difference_update(cls for cls, _ in self.annotated)
        _clean_classes.difference_update(cls for cls, _ in self.todo)

    def type(self, shape: Shape) -> Any:
        if shape.plain:
            return Any
        known = self.types if shape in self.learned else _clean_types
        found = known.get(shape)
        if found is None:
            found = known[shape] = self._mixed(shape) if shape.mixed else self._union(shape)
        return found

    def _union(self, shape: Shape) -> Any:
        parts: list[Any] = []
        if shape.tag_field is None:
            parts += [self.cls(model, None) for model in shape.models]
        else:
            parts += [self.cls(model, tag) for tag, model in shape.tags.items()]
            parts += [self.cls(model, tag) for tag, model in shape.learned.items()]
        rich = next((item for item in shape.items if not item.plain), None)
        parts.append(list if rich is None else list[self.type(rich)])  # type: ignore[misc]
        if not shape.models:
            rich = next((value for value in shape.values if not value.plain), None)
            parts.append(dict if rich is None else dict[str, self.type(rich)])  # type: ignore[misc]
        return functools.reduce(operator.or_, parts, _ANY_SCALAR)

    def _mixed(self, shape: Shape) -> Any:
        return _MixedMeta("Mixed", (), {"shape": shape})

    def cls(self, info: ModelInfo, tag: str | None) -> Any:
        """The class that decodes `info` as the member `tag` of a union, or where it stands alone."""
        if info in self.learned:
            return self._learned_class(info, tag)
        if info.tag_field is None or (tag is not None and tag == info.cls._ox_tag):
            cls: Any = info.cls
        elif tag is None:
            cls = twin(info, True, False)
        else:
            cls = _tagged.get((info, tag))
            if cls is None:
                cls = _tagged[info, tag] = make_twin(info, tag, lax=False, opened=False)
        if cls not in _clean_classes:
            _clean_classes.add(cls)
            self.todo.append((cls, info))
        return cls

    def _learned_class(self, info: ModelInfo, tag: str | None) -> Any:
        signature = self.learned[info]
        known = _learned_classes.get((info, tag))
        if known is not None and known[0] == signature:
            return known[1]
        cls = make_twin(info, tag, lax=info.lax, opened=tag is None, extras=tuple(info.extras))
        _learned_classes[info, tag] = signature, cls
        self.todo.append((cls, info))
        return cls

    def annotate(self, cls: Any, info: ModelInfo) -> None:
        own = cls.__struct_fields__
        types = {field.name: Any if field.plain else self.type(field.shape) for field in info.fields.values()}
        self.annotated.append((cls, cls.__annotations__))
        cls.__annotations__ = {name: Extra if name == "_ox" else types.get(name, Any) for name in own}


class _MixedMeta(type):
    """A type that msgspec leaves to `decode_hook`, whatever the value."""

    shape: Shape

    def __instancecheck__(cls, instance: object) -> bool:
        return True


def decode_hook(type_: Any, value: Any) -> Any:
    """Makes the objects of a union that only a look at the whole value can tell apart."""
    if type_ is Extra:
        # A JSON key that happens to have the name of the hidden slot: an unknown field, like any other.
        raise ValueError("not a field")
    notes: list[Note] = []
    built = build(type_.shape, value, notes)
    if notes:
        note(notes)
    return built


# --- what was learned, and where it can be reached from -----------------------------------------------------------------


def _learned_within(root: Shape) -> dict[ModelInfo | Shape, frozenset[Any]]:
    """For each node from which something learned can be reached, what that is (and in which version)."""
    if not version():
        return {}
    parents: dict[Any, set[Any]] = {root: set()}
    todo: list[Any] = [root]
    while todo:
        node = todo.pop()
        for child in _children(node):
            if child not in parents:
                parents[child] = set()
                todo.append(child)
            parents[child].add(node)
    found: dict[Any, set[Any]] = {}
    for node in parents:
        if not node.version:
            continue
        fact = (node, node.version)
        todo = [node]
        seen = {node}
        while todo:
            current = todo.pop()
            found.setdefault(current, set()).add(fact)
            new = parents[current] - seen
            seen |= new
            todo += new
    return {node: frozenset(facts) for node, facts in found.items()}


def _children(node: Any) -> list[Any]:
    if isinstance(node, ModelInfo):
        return [field.shape for field in node.fields.values() if not field.plain]
    if node.plain or node.mixed:
        return []
    return [*node.models, *node.learned.values(), *node.items, *node.values]
