"""Subclasses made at runtime, for objects that don't fit the slots of their declared class.

A twin looks like its class in every way (name, `isinstance`, `repr`, equality, pickling) and differs in its slots:

- open: the tag field is a slot like others, where a plain class has its one value as a constant;
- lax: no field is required;
- learned: further slots, for fields that the API sends and the class does not declare.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from ._meta import ModelMeta
from ._state import is_safe_name

if TYPE_CHECKING:
    from ._shape import ModelInfo

__all__ = ["make_twin", "twin"]

_twins: dict[tuple[ModelInfo, bool, bool], Any] = {}


def twin(info: ModelInfo, opened: bool, lax: bool) -> Any:
    """The class of `info` with its tag field opened, or nothing required, or both. Made once."""
    key = (info, opened, lax)
    found = _twins.get(key)
    if found is None:
        found = _twins.setdefault(key, make_twin(info, None, lax=lax, opened=opened))
    return found


def make_twin(info: ModelInfo, tag: str | None, *, lax: bool, opened: bool, extras: tuple[str, ...] = ()) -> Any:
    """A new subclass of the class of `info`.

    Args:
        tag: the value of the tag field that msgspec is to pick the class by, if it is one of a union.
        opened: the tag field becomes a slot.
        lax: all fields may be absent.
        extras: JSON keys of further fields.
    """
    cls: Any = info.cls
    namespace: dict[str, Any] = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    slots: dict[str, Any] = {}
    config: dict[str, Any] = {}
    for field in info.fields.values():
        if lax and field.required and field.name != info.tag_field:
            slots[field.name] = Any
            namespace[field.name] = msgspec.field(name=field.key, default=None)
    if opened and info.tag_field is not None:
        slots[info.tag_field] = Any
        if lax or not info.fields[info.tag_field].required:
            namespace[info.tag_field] = None
        config["tag"] = False
    elif tag is not None:
        config["tag_field"] = info.tag_field
        config["tag"] = tag
        namespace["_ox_tag"] = namespace[info.tag_field] = tag  # type: ignore[index]
    learned: dict[str, str] = {}
    for number, key in enumerate(extras):
        slot = f"_ox_{number}"
        learned[key] = slot
        slots[slot] = Any
        namespace[slot] = msgspec.field(name=key, default=UNSET)
    namespace["__annotations__"] = slots
    namespace["_ox_info"] = info
    namespace["_ox_learned"] = learned
    made: Any = ModelMeta(cls.__name__, (cls,), namespace, twin=True, **config)
    for key, slot in learned.items():
        if is_safe_name(cls, key):
            setattr(made, key, _extra_property(made.__dict__[slot], key))
    return made


def _extra_property(member: Any, name: str) -> property:
    get = member.__get__

    def read(self: Any) -> Any:
        value = get(self)
        if value is UNSET:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return value

    return property(read, member.__set__)
