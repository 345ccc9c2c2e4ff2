"""Objects to dicts and text.

The C encoder does what is usual: everything that came, under the keys of the JSON. It stops at an object whose unknown
fields are not in slots and at values it does not know; then, and for the other wishes that `to_dict` and `model_dump`
take, the walk below does it.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from ._encode import to_json_value
from ._meta import fresh_default
from ._model import BaseModel
from ._state import declared_names, extras_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["dump", "dump_json"]

# What `mode="python"` leaves as it is. Only users put such values into objects.
_PYTHON = (bytes, bytearray, datetime.datetime, datetime.date, datetime.time, datetime.timedelta)

# What dataclasses, structs and attrs classes have, which `parse` puts into objects.
_CLASSES = ("__dataclass_fields__", "__struct_fields__", "__attrs_attrs__")


class _Walk(Exception):
    """The C encoder met something that needs the slower one."""


def _stop(value: Any) -> Any:
    raise _Walk


def dump(
    obj: BaseModel,
    *,
    json: bool,
    by_alias: bool,
    exclude_unset: bool,
    exclude_defaults: bool,
    exclude_none: bool,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] | None = None,
) -> dict[str, Any]:
    """`obj` as a dict; see `BaseModel.model_dump` for the arguments."""
    if by_alias and exclude_unset and not (exclude_defaults or exclude_none) and include is None and not exclude:
        try:
            return msgspec.to_builtins(  # type: ignore[no-any-return]
                obj, builtin_types=() if json else _PYTHON, enc_hook=_stop
            )
        except _Walk:
            pass
    walker = _Walker(json, by_alias, exclude_unset, exclude_defaults, exclude_none)
    return walker.object(obj, None if include is None else set(include), set(exclude or ()))


def dump_json(obj: BaseModel, *, indent: int | None, **wishes: Any) -> str:
    """`dump` as JSON text. NaN, infinities and lone surrogates, which the wire may bring, are written as they came."""
    import json

    separators = (",", ":") if indent is None else None
    return json.dumps(dump(obj, json=True, **wishes), indent=indent, separators=separators, ensure_ascii=False)


class _Walker:
    """One walk, with the wishes that apply to every object on the way."""

    def __init__(
        self, json: bool, by_alias: bool, exclude_unset: bool, exclude_defaults: bool, exclude_none: bool
    ) -> None:
        self.json = json
        self.by_alias = by_alias
        self.exclude_unset = exclude_unset
        self.exclude_defaults = exclude_defaults
        self.exclude_none = exclude_none

    def value(self, value: Any) -> Any:
        if isinstance(value, BaseModel):
            return self.object(value)
        if isinstance(value, dict):
            return {key: self.value(entry) for key, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(entry) for entry in value]
        if value is None or isinstance(value, (str, int, float)):
            return value
        if self.json:
            return msgspec.to_builtins(value, enc_hook=to_json_value)
        if any(hasattr(value, name) for name in _CLASSES):
            return msgspec.to_builtins(value, builtin_types=_PYTHON, enc_hook=self.foreign)
        return self.foreign(value)

    def foreign(self, value: Any) -> Any:
        """A value of a class that msgspec does not know, with `mode="python"`."""
        if not hasattr(value, "model_dump"):
            return value
        return value.model_dump(
            by_alias=self.by_alias,
            exclude_unset=self.exclude_unset,
            exclude_defaults=self.exclude_defaults,
            exclude_none=self.exclude_none,
        )

    def object(
        self, obj: BaseModel, include: set[str] | None = None, exclude: set[str] | frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        cls = type(obj)
        keys = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
        values = dict(zip(cls.__struct_fields__, astuple(obj), strict=True))
        found: dict[str, Any] = {}
        for name in declared_names(cls):
            if (include is not None and name not in include) or name in exclude:
                continue
            value = values[name] if name in values else getattr(obj, name)
            default = _default(cls, name)
            if value is UNSET:
                if self.exclude_unset:
                    continue
                value = None if default is UNSET else default
            if (value is None and self.exclude_none) or (self.exclude_defaults and value == default):
                continue
            found[keys.get(name, name) if self.by_alias else name] = self.value(value)
        for key, value in extras_of(obj).items():
            if (include is not None and key not in include) or key in exclude or (value is None and self.exclude_none):
                continue
            found[key] = self.value(value)
        return found


def _default(cls: type[BaseModel], name: str) -> Any:
    """The declared default of a field, UNSET where it has none."""
    for base in cls.__mro__:
        if name in base.__dict__.get("_ox_declared", ()):
            defaults = base.__dict__["_ox_defaults"]
            return fresh_default(defaults[name]) if name in defaults else UNSET
    return UNSET
