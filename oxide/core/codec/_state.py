"""Where an object's data is.

- Declared fields are in the struct's slots, `UNSET` where the JSON had nothing.
- Fields that the type does not declare are in slots of a learned subclass (see `_learn`), or else in `__dict__`. Names
  that would hide an attribute of the class (`to_dict`, `copy`) are kept apart, under the key `HIDDEN` of `__dict__`.
- The hidden slot `_ox` holds `EXTRA` when `__dict__` has any of these. No encoder knows what to do with `EXTRA`, so the
  C encoder stops at such an object, at whatever depth, and a slower one takes over.
- What is not data (request id, client of a page) is in `__dict__` under the key `META`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct
from msgspec.structs import astuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ._model import BaseModel

__all__ = [
    "EXTRA",
    "Extra",
    "copy_values",
    "declared_names",
    "extras_of",
    "get_meta",
    "is_safe_name",
    "plain_object",
    "public_class",
    "put_extras",
    "request_id_of",
    "set_fields",
    "set_meta",
    "set_request_id",
]


class Extra:
    """The type of `EXTRA`. Also the declared type of the slot `_ox`, so that no JSON ever decodes into it."""

    __slots__ = ()

    def __reduce__(self) -> str:
        return "EXTRA"

    def __copy__(self) -> Extra:
        return self

    def __deepcopy__(self, memo: Any) -> Extra:
        return self


EXTRA = Extra()


class _Key:
    """A key of `__dict__` that no JSON key can equal."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __reduce__(self) -> str:
        return self.name


HIDDEN = _Key("HIDDEN")
META = _Key("META")


class Meta:
    """What belongs to an object without being its data.

    Attributes:
        request_id: the `x-request-id` of the response that the object came in.
    """

    request_id: str | None = None


def get_meta(obj: Any) -> Any:
    """The private data that `set_meta` attached to `obj`, or `None`."""
    return obj.__dict__.get(META)


def set_meta(obj: Any, meta: Any) -> None:
    """Attaches private data to `obj`: not a field, not encoded, not compared. Its `request_id` is `obj._request_id`."""
    obj.__dict__[META] = meta


def request_id_of(obj: Any) -> str | None:
    """The request id in the private data of `obj`, or `None`."""
    return getattr(obj.__dict__.get(META), "request_id", None)


def set_request_id(obj: Any, request_id: str | None) -> None:
    """Sets it, making private data for it if there is none."""
    values = obj.__dict__
    meta = values.get(META)
    if meta is None:
        meta = values[META] = Meta()
    meta.request_id = request_id


def public_class(obj: BaseModel) -> type[BaseModel]:
    """The class that users know `obj` by: not the twin or learned subclass that it may be an instance of."""
    return type(obj)._ox_public


def is_safe_name(cls: type[BaseModel], key: object) -> bool:
    """Whether an unknown field of this name can be an attribute without hiding one that the class has."""
    if not isinstance(key, str):
        return False
    # `hasattr` is the quick answer; it also finds what the metaclass has (`mro`), which objects don't.
    return not hasattr(cls, key) or key == cls._ox_tag_field or not any(key in base.__dict__ for base in cls.__mro__)


def put_extras(obj: Any, extras: Mapping[Any, Any]) -> None:
    """Adds fields that the type does not declare."""
    cls, values = type(obj), obj.__dict__
    for key, value in extras.items():
        if is_safe_name(cls, key):
            values[key] = value
        else:
            values.setdefault(HIDDEN, {})[key] = value
    Struct.__setattr__(obj, "_ox", EXTRA)


def extras_of(obj: Any) -> dict[str, Any]:
    """The fields that the type does not declare, by JSON key."""
    cls = type(obj)
    found: dict[Any, Any] = {}
    tag_field = cls._ox_tag_field
    if cls._ox_generic:
        if cls._ox_tag is not None:
            found[tag_field] = cls._ox_tag
        tag_field = None
    for key, slot in cls._ox_learned.items():
        value = getattr(obj, slot)
        if value is not UNSET:
            found[key] = value
    values = obj.__dict__
    if values:
        for key, value in values.items():
            # A tag that was set to another value is there too, and a declared field all the same.
            if key != tag_field and is_safe_name(cls, key):
                found[key] = value
        found.update(values.get(HIDDEN, ()))
    return found


def copy_values(copy: Any, obj: Any) -> None:
    """Gives `copy` what is in `obj` beside its slots."""
    values = obj.__dict__
    if values:
        new = copy.__dict__
        new.update(values)
        if HIDDEN in new:
            new[HIDDEN] = dict(new[HIDDEN])


def declared_names(cls: Any) -> list[str]:
    """Names of the declared fields, the tag first where it is a constant of the class."""
    names = list(cls.__struct_fields__[1 : len(cls.__struct_fields__) - len(cls._ox_learned)])
    if cls._ox_tag_field is not None and cls._ox_tag_field not in names and not cls._ox_generic:
        names.insert(0, cls._ox_tag_field)
    return names


def set_fields(obj: Any) -> Iterator[tuple[str, Any]]:
    """Names and values of the declared fields that are there."""
    cls = type(obj)
    names = cls.__struct_fields__
    if cls._ox_tag_field is not None and cls._ox_tag_field not in names and not cls._ox_generic:
        yield cls._ox_tag_field, getattr(obj, cls._ox_tag_field)
    end = len(names) - len(cls._ox_learned)
    for name, value in zip(names[1:end], astuple(obj)[1:end], strict=True):
        if value is not UNSET:
            yield name, value


def plain_object(obj: Any) -> dict[str, Any]:
    """One object as a dict of the JSON that came, its values as they are."""
    cls = type(obj)
    keys = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
    found = {keys.get(name, name): value for name, value in set_fields(obj)}
    found.update(extras_of(obj))
    return found
