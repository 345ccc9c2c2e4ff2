"""Whether objects are what their types promise: `strict=True`, and the choice between members of a union.

Decoding never refuses a value, so strictness is a look at the finished object. Unknown fields are not a fault; a wrong
type, a null that was not promised, a missing required field, an unknown enum value and an unknown tag are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from msgspec.structs import astuple

from ._errors import DecodeError
from ._model import BaseModel, GenericObject
from ._state import extras_of

if TYPE_CHECKING:
    from ._shape import ModelInfo, Shape

__all__ = ["check", "fits", "is_valid"]


def is_valid(shape: Shape, value: Any) -> bool:
    """Whether `value` is of `shape`."""
    try:
        check(shape, value, "$")
    except DecodeError:
        return False
    return True


def fits(info: ModelInfo, value: BaseModel) -> bool:
    """Whether an object made from `info` has what it requires and nothing of a wrong type."""
    try:
        _check_model(info, value, "$")
    except DecodeError:
        return False
    return True


def check(shape: Shape, value: Any, path: str) -> None:
    """Checks a decoded value.

    Raises:
        DecodeError: the value is not of this shape, with the path of the first fault.
    """
    if isinstance(value, BaseModel):
        if not shape.models and shape.any:
            return
        public = type(value)._ox_public
        for info in shape.models:
            if isinstance(value, info.cls) or (public is not GenericObject and issubclass(public, info.cls._ox_public)):
                return _check_model(info, value, path)
        if public is GenericObject:
            return _refuse_tag(shape, value, path)
        raise DecodeError(f"Expected {_describe(shape)}, got {public.__name__}", path)
    if shape.any:
        return None
    if isinstance(value, list):
        if not shape.items:
            raise DecodeError(f"Expected {_describe(shape)}, got array", path)
        item = shape.items[0]
        if len(shape.items) > 1:
            item = next((x for x in shape.items if all(is_valid(x, entry) for entry in value)), item)
        if not item.any or item.models:
            for number, entry in enumerate(value):
                check(item, entry, f"{path}[{number}]")
        return None
    if isinstance(value, dict):
        if not shape.values:
            raise DecodeError(f"Expected {_describe(shape)}, got object", path)
        inner = shape.values[0]
        if len(shape.values) > 1:
            inner = next((x for x in shape.values if all(is_valid(x, entry) for entry in value.values())), inner)
        if not inner.any or inner.models:
            for key, entry in value.items():
                check(inner, entry, _join(path, key))
        return None
    _check_scalar(shape, value, path)
    return None


def _check_scalar(shape: Shape, value: Any, path: str) -> None:
    scalars = shape.scalars
    if value is None:
        if "null" in scalars:
            return
        raise DecodeError(f"Expected {_describe(shape)}, got null", path)
    if value in shape.literals and any(type(value) is type(x) and value == x for x in shape.literals):
        return
    kind = _KINDS.get(type(value))
    if kind is None or kind in scalars:  # values that are not JSON's come from users, and are theirs to judge
        return
    if kind == "float" and "int" in scalars and value.is_integer():
        return
    if shape.literals and any(_KINDS.get(type(x)) == kind for x in shape.literals):
        raise DecodeError(f"Unknown value {value!r}", path)
    raise DecodeError(f"Expected {_describe(shape)}, got {kind}", path)


def _check_model(info: ModelInfo, value: BaseModel, path: str) -> None:
    cls = type(value)
    values = dict(zip(cls.__struct_fields__, astuple(value), strict=True))
    constant = None if info.tag_field is None or info.tag_field in values else info.tag_field
    for key, field in info.fields.items():
        entry = getattr(value, constant) if field.name == constant else values[field.name]
        if entry is UNSET:
            if field.required:
                raise DecodeError("Missing required field", _join(path, key))
        elif not field.shape.any or field.shape.models:
            check(field.shape, entry, _join(path, key))


def _refuse_tag(shape: Shape, value: BaseModel, path: str) -> None:
    if shape.any:
        return
    name = shape.tag_field or shape.discriminator or next((x.tag_field for x in shape.models if x.tag_field), None)
    if name is None:
        raise DecodeError(f"Expected {_describe(shape)}", path)
    tag = extras_of(value).get(name, UNSET)
    if tag is UNSET:
        raise DecodeError("Missing required field", _join(path, name))
    raise DecodeError(f"Unknown value {tag!r}", _join(path, name))


_KINDS: dict[type, str] = {bool: "bool", int: "int", float: "float", str: "str"}


def _join(path: str, key: Any) -> str:
    if isinstance(key, str) and key.isidentifier():
        return f"{path}.{key}"
    import json

    return f"{path}[{json.dumps(str(key))}]"


def _describe(shape: Shape) -> str:
    scalars = shape.scalars - {"int"} if "float" in shape.scalars else shape.scalars
    parts = [model.cls.__name__ for model in shape.models[:4]] + ["…"] * (len(shape.models) > 4)
    parts += ["array"] * bool(shape.items) + ["object"] * bool(shape.values)
    parts += sorted(map(repr, shape.literals)) + sorted(scalars)
    return " | ".join(parts)
