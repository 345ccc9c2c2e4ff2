"""Whether an object of the official SDK and one of oxide are the same, as far as anybody can see."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args, get_origin

import pydantic

import oxide
from oxide.core.codec import GenericObject


def assert_same(theirs: Any, mine: Any, path: str = "$") -> None:
    """Equal classes, attributes and items, all the way down."""
    if isinstance(theirs, pydantic.BaseModel):
        assert isinstance(mine, oxide.BaseModel), f"{path}: {type(theirs).__name__}, not {mine!r}"
        if isinstance(mine, GenericObject):
            # A member of a union with an unknown tag: the official SDK takes the first class that comes along.
            assert has_a_wrong_tag(theirs), path
            assert mine.to_dict() == theirs.to_dict(), path
            return
        assert class_name(mine) == class_name(theirs), path
        extra = unknown(theirs)
        assert set(mine.model_extra) == set(extra), path
        # An unknown field with the name of a method does not hide the method, in either SDK.
        visible = [name for name in extra if not hasattr(type(theirs), name)]
        for name in (*type(theirs).model_fields, *visible):
            field = type(theirs).model_fields.get(name)
            if field is not None and field.default_factory is not None and name not in theirs.model_fields_set:
                # An absent field with a default that has to be made: the official SDK leaves `None` there.
                vars(theirs)[name] = field.get_default(call_default_factory=True)
            assert_same(getattr(theirs, name), getattr(mine, name), f"{path}.{name}")
    elif isinstance(theirs, list):
        assert isinstance(mine, list), path
        assert len(mine) == len(theirs), path
        for index, (there, here) in enumerate(zip(theirs, mine, strict=True)):
            assert_same(there, here, f"{path}[{index}]")
    elif isinstance(theirs, dict):
        assert isinstance(mine, dict), path
        assert list(mine) == list(theirs), path
        for key, value in theirs.items():
            assert_same(value, mine[key], f"{path}.{key}")
    else:
        assert mine == theirs, path
        # A whole number stays one in a field that is declared as float; the official SDK gives 5.0 for 5.
        assert type(mine) is type(theirs) or (type(mine), type(theirs)) == (int, float), path


def assert_same_out(theirs: Any, mine: Any) -> None:
    """Equal results of every method that gives the object's data."""
    forget_aliases(theirs)
    # Pydantic counts unknown fields in some objects and not in others.
    assert mine.model_fields_set == theirs.model_fields_set - set(unknown(theirs))
    for options in (
        {},
        {"mode": "json"},
        {"use_api_names": False},
        {"exclude_unset": False},
        {"exclude_none": True},
        {"exclude_defaults": True},
        {"exclude_unset": False, "exclude_none": True},
    ):
        assert mine.to_dict(**options) == quiet(theirs.to_dict, **options), options
        options.pop("mode", None)
        assert json.loads(mine.to_json(**options)) == json.loads(quiet(theirs.to_json, **options)), options
    for options in (
        {},
        {"by_alias": True},
        {"exclude_unset": True},
        {"exclude_none": True},
        {"mode": "json", "exclude_defaults": True},
        {"include": {"id", "type", "object"}},
        {"exclude": {"id", "type", "usage"}},
    ):
        assert mine.model_dump(**options) == quiet(theirs.model_dump, **options), options
        options.pop("mode", None)
        assert json.loads(mine.model_dump_json(**options)) == json.loads(quiet(theirs.model_dump_json, **options))
    if hasattr(theirs, "iter_pages"):
        return
    # In no particular order: the field that tells a union's members apart comes last.
    assert {name for name, _ in mine} == {*type(theirs).model_fields, *unknown(theirs)}


def has_a_wrong_tag(theirs: pydantic.BaseModel) -> bool:
    """Whether there is a field of literals with a value that is none of them."""
    return any(
        get_origin(field.annotation) is Literal and getattr(theirs, name) not in get_args(field.annotation)
        for name, field in type(theirs).model_fields.items()
    )


def unknown(theirs: pydantic.BaseModel) -> dict[str, Any]:
    """The fields that the class does not declare. (The official SDK also counts those that it has under an alias.)"""
    aliases = {field.alias for field in type(theirs).model_fields.values()}
    return {name: value for name, value in (theirs.model_extra or {}).items() if name not in aliases}


def forget_aliases(theirs: Any) -> None:
    """Take the fields out that the official SDK has twice: under their name, and unknown under their alias."""
    if isinstance(theirs, pydantic.BaseModel):
        for name in set(theirs.model_extra or {}) - set(unknown(theirs)):
            delattr(theirs, name)
        for value in vars(theirs).values():
            forget_aliases(value)
    elif isinstance(theirs, (list, dict)):
        for value in theirs.values() if isinstance(theirs, dict) else theirs:
            forget_aliases(value)


def quiet(function: Any, **options: Any) -> Any:
    """Call without pydantic's warnings about values that are not of the declared type."""
    return function(**options, warnings=False)


def class_name(value: Any) -> str:
    """The class's name without type arguments."""
    return type(value).__name__.partition("[")[0]
