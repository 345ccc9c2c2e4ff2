"""Objects from parsed data: any data, whether it fits the type or not.

This is the road that loses nothing and refuses nothing. It is taken where the C decoder gave up, for the unions that only
a look at the whole value can tell apart, and for data that never was JSON text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._check import fits, is_valid
from ._learn import LAX
from ._meta import create
from ._model import BaseModel, GenericObject
from ._shape import info_of
from ._state import put_extras
from ._twin import twin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._learn import Note
    from ._shape import ModelInfo, Shape

__all__ = ["build", "from_keywords", "from_values"]

_MISSING = object()


def build(shape: Shape, value: Any, notes: list[Note]) -> Any:
    """`value` with the objects in it made according to `shape`; what was unknown is added to `notes`."""
    if shape.plain:
        return value
    if isinstance(value, dict):
        return _build_object(shape, value, notes)
    if isinstance(value, (list, tuple)):
        if len(shape.items) == 1:
            item = shape.items[0]
            return value if item.plain else [build(item, entry, notes) for entry in value]
        if shape.items:
            item = _best_items(shape.items, value)
            return [build(item, entry, notes) for entry in value]
    return value


def _build_object(shape: Shape, value: dict[Any, Any], notes: list[Note]) -> Any:
    models = shape.models
    if not models:
        return _build_dict(shape, value, notes)
    if shape.mixed:
        return _build_best(shape, value, notes)
    if len(models) == 1:
        return build_model(models[0], value, notes)
    tag = value.get(shape.tag_field)
    model = shape.tags.get(tag) if isinstance(tag, str) else None
    if model is not None:
        return build_model(model, value, notes)
    if isinstance(tag, str):
        fields = [key for key in value if key != shape.tag_field]
        learned = shape.learned.get(tag)
        if learned is None:
            notes.append((shape, tag, tuple(fields)))
        else:
            notes.extend((learned, key) for key in fields)
    elif tag is None:
        # Valid all the same for a member whose tag may be left out; else the one that it looks like.
        found = _best_model([model for model in models if shape.tag_field not in model.required], value)
        return build_model(found or _closest(models, value), value, notes)
    return _build_generic(value)


def _build_dict(shape: Shape, value: dict[Any, Any], notes: list[Note]) -> Any:
    for inner in shape.values[:1]:
        if not inner.plain:
            return {key: build(inner, entry, notes) for key, entry in value.items()}
    return value


def _build_generic(value: Mapping[Any, Any]) -> GenericObject:
    obj: GenericObject = create(GenericObject)
    put_extras(obj, value)
    return obj


def build_model(info: ModelInfo, value: Mapping[Any, Any], notes: list[Note]) -> BaseModel:
    """An object of the class of `info` (or of a twin of it) from a parsed JSON object."""
    fields = info.fields
    slots: dict[str, Any] = {}
    extras: dict[Any, Any] = {}
    for key, entry in value.items():
        field = fields.get(key)
        if field is None:
            extras[key] = entry
            notes.append((info, key))
        else:
            slots[field.name] = entry if field.plain else build(field.shape, entry, notes)
    return _assemble(info, slots, extras, notes)


def _assemble(info: ModelInfo, slots: dict[str, Any], extras: Mapping[Any, Any], notes: list[Note]) -> BaseModel:
    cls: Any = info.cls
    lax = not all(name in slots for name in info.required)
    if lax:
        notes.append((info, LAX))
    opened = False
    if info.tag_field is not None:
        tag = slots.get(info.tag_field, _MISSING)
        if tag is not _MISSING and tag == cls._ox_tag and isinstance(tag, str):
            del slots[info.tag_field]
        else:
            opened = True
    if lax or opened:
        cls = twin(info, opened, lax)
    obj: BaseModel = create(cls, **slots)
    if extras:
        put_extras(obj, extras)
    return obj


# --- telling apart what has no tag -----------------------------------------------------------------------------------


def _build_best(shape: Shape, value: dict[Any, Any], notes: list[Note]) -> Any:
    models = [model for model in shape.models if _may_be(model, value)]
    if len(models) == 1 and models[0].tag_field in value and not (shape.any or shape.values):
        return build_model(models[0], value, notes)
    best = _best_model(models, value)
    if best is None:
        if shape.any or shape.values:
            return _build_dict(shape, value, notes)
        name = shape.discriminator or shape.models[0].tag_field
        tag = None if name is None else value.get(name)
        if tag is None:
            models = shape.models
        best = _named(shape.models, name, tag) or (_closest(models, value) if models else None)
        if best is None:
            return _build_generic(value)
    return build_model(best, value, notes)


def _named(models: list[ModelInfo], name: str | None, tag: Any) -> ModelInfo | None:
    """The model with this tag, the last one of several."""
    found = [model for model in models if model.tag_field == name and isinstance(tag, str) and tag in model.tags]
    return found[-1] if found else None


def _may_be(model: ModelInfo, value: dict[Any, Any]) -> bool:
    name = model.tag_field
    if name is None or name not in value or not model.tags:
        return True
    tag = value[name]
    return tag in model.tags if isinstance(tag, str) else tag is None and name not in model.required


def _best_model(models: list[ModelInfo], value: dict[Any, Any]) -> ModelInfo | None:
    """The model that `value` is valid for, the one with the most of its fields there if there are several."""
    best, most = None, -1
    for model in models:
        count = sum(key in model.fields for key in value)
        if count > most and fits(model, build_model(model, value, [])):
            best, most = model, count
    return best


def _closest(models: list[ModelInfo], value: dict[Any, Any]) -> ModelInfo:
    """The model that most of what is there belongs to, with the fewest required fields missing."""

    def closeness(model: ModelInfo) -> int:
        missing = sum(field.required and key not in value for key, field in model.fields.items())
        return sum(key in model.fields for key in value) - missing

    return max(models, key=closeness)


def _best_items(shapes: list[Shape], values: Any) -> Shape:
    for shape in shapes:
        if all(is_valid(shape, build(shape, value, [])) for value in values):
            return shape
    return shapes[0]


# --- from Python -----------------------------------------------------------------------------------------------------


def from_keywords(cls: Any, values: dict[str, Any], *, checked: bool = True) -> Any:
    """What calling a model class does.

    Raises:
        TypeError: a required field is missing, and `checked`.
    """
    info = info_of(cls)
    by_name = {field.name: field for field in info.fields.values()}
    slots: dict[str, Any] = {}
    extras: dict[str, Any] = {}
    for key, value in values.items():
        field = info.fields.get(key) or by_name.get(key)
        if field is None:
            extras[key] = value
        else:
            slots[field.name] = value if field.plain else build(field.shape, value, [])
    if checked:
        missing = [name for name in info.required if name not in slots]
        if missing:
            raise TypeError(f"{cls.__name__}() is missing {', '.join(map(repr, missing))}")
    return _assemble(info, slots, extras, [])


def from_values(cls: Any, slots: dict[str, Any], extras: dict[str, Any]) -> Any:
    """An object from the values of its slots, as they were in another object."""
    return _assemble(info_of(cls), dict(slots), extras, [])
