"""Request bodies: Python values to JSON bytes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from gc import get_referents
from typing import Any

import msgspec
from msgspec.structs import astuple

from ..sentinels import NotGiven, Omit
from ._model import BaseModel
from ._state import Extra, plain_object

__all__ = ["encode", "to_json_value"]

_BINARY = frozenset({bytes, bytearray, memoryview})
_CONTAINERS = frozenset({dict, list, tuple})
_USUAL = _CONTAINERS | {str, int, float, bool, type(None), msgspec.UnsetType}
_HARMLESS = frozenset({str, int, bool, type(None)})
_NULL = re.compile(rb'(?<!")null(?!")')
_CONSTANT_KEYS = {True: "true", False: "false", None: "null"}


LARGE = 8192
"""Bytes of JSON from which on looking for what is the same as before is worth its while."""

# Members of objects, as they stand in JSON with their keys, that were found to be harmless, the most recent ones first;
# and whether the same text could come of something else, because there is a null in it, as which NaN is written.
_harmless: list[tuple[bytes, bool]] = []


class _Walk(Exception):
    """The C encoder met something that needs the slower one."""


def encode(value: Any, *, repeated: str | None = None) -> bytes:
    """`value` as compact JSON in UTF-8.

    Beside what JSON has: our objects (as they came), pydantic's models (by alias, without what is unset), dataclasses,
    any mapping and iterable, `datetime` and its relatives in ISO 8601, `Decimal`, `UUID`, `Enum`. `omit`
    and `not_given` are left out of the mapping or list that they are in.

    Args:
        repeated: the key in `value` of what is large and the same in many calls.

    Raises:
        TypeError: for a value of another type, bytes included, with its path.
        ValueError: for NaN and infinities, which JSON does not have, with the path.
    """
    try:
        data = _encoder.encode(value)
    except (_Walk, TypeError, UnicodeEncodeError):
        return _encode_slowly(value)
    # msgspec writes NaN as null and bytes as base64, both without a word.
    if len(data) > LARGE and type(value) is dict and repeated in value:
        suspect = _is_suspect_beside(value, data, repeated or "")
    else:
        suspect = _is_suspect(value)
    return _encode_slowly(value) if suspect else data


def to_json_value(value: Any) -> Any:
    """A value of a type that JSON and msgspec don't know, in terms of those that they do.

    Raises:
        TypeError: there is no such thing for this type.
    """
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_unset=True, by_alias=True)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"Objects of type {type(value).__name__} are not JSON")


def _hook(value: Any) -> Any:
    # Iterators can be read once only, and a later part of the value may send all of it to the slower encoder. Lists and
    # tuples get here only as keys.
    if isinstance(value, (Extra, Omit, NotGiven, Iterator, list, tuple)):
        raise _Walk
    return to_json_value(value)


_encoder = msgspec.json.Encoder(enc_hook=_hook)


def _is_suspect(value: Any) -> bool:
    """Whether there may be bytes, NaN, an infinity, or fields that are not sent in `value`.

    This goes down level by level and not value by value, with the garbage collector's own function for what is in a
    container, because that takes half the time of a loop in Python: no more than encoding itself.
    """
    if type(value) is dict and _HARMLESS.issuperset(map(type, value.values())):
        return False
    level: Any = [value]
    while level:
        if len(level) > 64 and _are_texts(level):
            return False
        types = set(map(type, level))
        if not types.isdisjoint(_BINARY):
            return True
        if float in types and not all(math.isfinite(x) for x in level if type(x) is float):
            return True
        if not types <= _USUAL:
            if not all(issubclass(type_, BaseModel) and not type_._ox_unsent for type_ in types - _USUAL):
                return True  # it takes more to see through these, or not all of them is sent
            models = [x for x in level if isinstance(x, BaseModel)]
            level = [x for x in level if type(x) in _CONTAINERS]
            level += map(astuple, models)
        level = get_referents(*level)
    return False


def _is_suspect_beside(value: Mapping[str, Any], data: bytes, key: str) -> bool:
    """`_is_suspect` for a mapping that became `data`, one member of which has likely been looked at before.

    A look at each value of a hundred kilobytes takes twice as long as encoding them. Where they give the same text as
    values that were harmless, they are taken to be harmless too.
    """
    start = b"%b:" % _encoder.encode(key)
    at = data.find(start)
    for known, ambiguous in _harmless:
        # What begins here may be a member of something inside of `value`, unless none comes behind it.
        if data.startswith(known, at) and data.find(start, at + len(known)) < 0:
            return _is_suspect(value if ambiguous else {name: entry for name, entry in value.items() if name != key})
    if _is_suspect(value):
        return True
    member = start + _encoder.encode(value[key])
    if len(member) > LARGE:
        _harmless.insert(0, (member, _NULL.search(member) is not None))
        del _harmless[8:]
    return False


def _are_texts(values: list[Any]) -> bool:
    """Whether all of these are texts. Joining them takes a fifth of the time of looking at their types."""
    try:
        "".join(values)
    except TypeError:
        return False
    return True


def _encode_slowly(value: Any) -> bytes:
    plain = _plain(value, "$")
    try:
        return _encoder.encode(plain)
    except UnicodeEncodeError:
        # Lone surrogates have no UTF-8, but JSON can escape them.
        import json

        return json.dumps(msgspec.to_builtins(plain), separators=(",", ":"), allow_nan=False).encode()


def _plain(value: Any, path: str) -> Any:
    """`value` with everything replaced that msgspec would get wrong."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not JSON - at `{path}`")
        return value
    if isinstance(value, tuple(_BINARY)):
        raise TypeError(f"{type(value).__name__} is not JSON: decode it, or encode it as base64 - at `{path}`")
    if isinstance(value, BaseModel):
        unsent = value._ox_unsent
        value = plain_object(value)
        if unsent:
            value = {key: entry for key, entry in value.items() if key not in unsent}
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        value = {name: getattr(value, name) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {
            _key(key, path): _plain(entry, f"{path}.{key}")
            for key, entry in value.items()
            if not isinstance(entry, (Omit, NotGiven))
        }
    if isinstance(value, Iterable) and not hasattr(value, "model_dump"):
        return [
            _plain(entry, f"{path}[{number}]")
            for number, entry in enumerate(value)
            if not isinstance(entry, (Omit, NotGiven))
        ]
    if isinstance(value, datetime):
        # msgspec writes Z for UTC; the API's examples, and the official SDK, have an offset of zero.
        return value.isoformat()
    try:
        # One that msgspec knows (datetime, Decimal, UUID, Enum, structs), or one of `to_json_value`'s.
        return msgspec.to_builtins(value, enc_hook=to_json_value)
    except TypeError as error:
        raise TypeError(f"{error} - at `{path}`") from None


def _key(key: Any, path: str) -> Any:
    if isinstance(key, str) or (isinstance(key, (int, float)) and not isinstance(key, bool)):
        return key
    if key is None or isinstance(key, bool):
        return _CONSTANT_KEYS[key]
    if isinstance(getattr(key, "value", None), str):  # a member of an Enum
        return key.value
    raise TypeError(f"Keys of type {type(key).__name__} are not JSON - at `{path}`")
