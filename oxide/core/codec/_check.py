"""Whether objects are what their types promise: `strict=True`, and the choice between members of a union.

Decoding never refuses a value, so strictness is a look at the finished object. Unknown fields are not a fault; a wrong
type, a null that was not promised, a missing required field, an unknown enum value and an unknown tag are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from msgspec.structs import astuple

from ._errors import DecodeError
from ._meta import ModelMeta
from ._state import extras_of

if TYPE_CHECKING:
    from ._model import BaseModel
    from ._shape import Field, ModelInfo, Shape

__all__ = ["check", "fits", "is_valid"]


class _Fault(Exception):
    """What is wrong, and the steps to where it is, innermost first: they are only put together when there is a fault."""

    def __init__(self, message: str, *steps: str | int) -> None:
        self.message = message
        self.steps = list(steps)


def check(shape: Shape, value: Any) -> None:
    """Checks a decoded value.

    Raises:
        DecodeError: the value is not of this shape, with the path of the first fault.
    """
    try:
        _check(shape, value)
    except _Fault as fault:
        raise DecodeError(fault.message, "".join(["$", *map(_step, reversed(fault.steps))])) from None


def is_valid(shape: Shape, value: Any) -> bool:
    """Whether `value` is of `shape`."""
    try:
        _check(shape, value)
    except _Fault:
        return False
    return True


def fits(info: ModelInfo, value: BaseModel) -> bool:
    """Whether an object made from `info` has what it requires and nothing of a wrong type."""
    try:
        _check_model(info, value)
    except _Fault:
        return False
    return True


def _check(shape: Shape, value: Any) -> None:
    kind = type(value)
    if kind in shape.exact:
        return
    if isinstance(kind, ModelMeta):
        _check_object(shape, value)
    elif shape.any:
        return
    elif kind is list:
        _check_list(shape, value)
    elif kind is dict:
        _check_dict(shape, value)
    else:
        _check_scalar(shape, value)


def _check_object(shape: Shape, value: BaseModel) -> None:
    public = type(value)._ox_public
    for info in shape.models:
        if isinstance(value, info.cls) or issubclass(public, info.cls._ox_public):
            return _check_model(info, value)
    if shape.any:
        return None
    if not public._ox_generic:
        raise _Fault(f"Expected {_describe(shape)}, got {public.__name__}")
    name = shape.tag_field or shape.discriminator or next((x.tag_field for x in shape.models if x.tag_field), None)
    if name is None:
        raise _Fault(f"Expected {_describe(shape)}, got object")
    tag = extras_of(value).get(name, UNSET)
    raise _Fault("Missing required field" if tag is UNSET else f"Unknown value {tag!r}", name)


def _check_model(info: ModelInfo, value: BaseModel) -> None:
    slots = astuple(value)
    for field, index in _layout(info, type(value)):
        # The tag is a constant of the class, unless it is a slot.
        entry = getattr(value, field.name) if index is None else slots[index]
        if type(entry) in field.shape.exact:
            continue
        if entry is UNSET:
            if field.required:
                raise _Fault("Missing required field", field.key)
            continue
        try:
            _check(field.shape, entry)
        except _Fault as fault:
            fault.steps.append(field.key)
            raise


def _layout(info: ModelInfo, cls: Any) -> list[tuple[Field, int | None]]:
    """The fields of `info` with their places among the slots of `cls`, one of its twins. Kept on the class."""
    known = cls.__dict__.get("_ox_layout")
    if known is None or known[0] is not info:
        names = cls.__struct_fields__
        places = {name: number for number, name in enumerate(names)}
        known = cls._ox_layout = (info, [(field, places.get(field.name)) for field in info.fields.values()])
    return known[1]  # type: ignore[no-any-return]


def _check_list(shape: Shape, value: list[Any]) -> None:
    if not shape.items:
        raise _Fault(f"Expected {_describe(shape)}, got array")
    item = shape.items[0]
    if len(shape.items) > 1:
        item = next((x for x in shape.items if all(is_valid(x, entry) for entry in value)), item)
    number = 0
    try:
        for number, entry in enumerate(value):  # noqa: B007
            _check(item, entry)
    except _Fault as fault:
        fault.steps.append(number)
        raise


def _check_dict(shape: Shape, value: dict[Any, Any]) -> None:
    if not shape.values:
        raise _Fault(f"Expected {_describe(shape)}, got object")
    inner = shape.values[0]
    if len(shape.values) > 1:
        inner = next((x for x in shape.values if all(is_valid(x, entry) for entry in value.values())), inner)
    key = None
    try:
        for key, entry in value.items():  # noqa: B007
            _check(inner, entry)
    except _Fault as fault:
        fault.steps.append(str(key))
        raise


def _check_scalar(shape: Shape, value: Any) -> None:
    kind = _KINDS.get(type(value))
    if any(type(value) is type(x) and value == x for x in shape.literals):
        return
    if kind is None:  # values that are not JSON's come from users, and are theirs to judge
        return
    if kind == "float" and "int" in shape.scalars and value.is_integer():
        return
    if kind != "null" and any(_KINDS[type(x)] == kind for x in shape.literals):
        raise _Fault(f"Unknown value {value!r}")
    raise _Fault(f"Expected {_describe(shape)}, got {kind}")


_KINDS: dict[type, str] = {type(None): "null", bool: "bool", int: "int", float: "float", str: "str"}


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if step.isidentifier():
        return f".{step}"
    import json

    return f"[{json.dumps(step)}]"


def _describe(shape: Shape) -> str:
    scalars = shape.scalars - {"int"} if "float" in shape.scalars else shape.scalars
    parts = [model.cls.__name__ for model in shape.models[:4]] + ["…"] * (len(shape.models) > 4)
    parts += ["array"] * bool(shape.items) + ["object"] * bool(shape.values)
    parts += sorted(map(repr, shape.literals)) + sorted(scalars)
    return " | ".join(parts)
