"""The generated types against the official SDK's, imported side by side. Every function returns what differs, in words."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from os import PathLike
from types import ModuleType, SimpleNamespace, UnionType
from typing import Annotated, Any, ForwardRef, Literal, TypeVar, Union, get_args, get_origin

import typing_extensions
from openai._utils import PropertyInfo

from ..core.codec import Discriminator

__all__ = [
    "both",
    "compare_alias",
    "compare_model",
    "compare_module",
    "compare_package",
    "compare_params",
    "hints",
    "offered",
    "shape",
    "unequal",
]


def both(module: str, name: str, kind: str = "types") -> tuple[Any, Any]:
    """The official object and ours."""
    official, ours = (getattr(importlib.import_module(f"{root}.{kind}.{module}"), name) for root in ("openai", "oxide"))
    return official, ours


def hints(thing: Any) -> dict[str, Any]:
    """The annotations of a class or function, strings evaluated."""
    return typing_extensions.get_type_hints(thing, include_extras=True)


def unequal(what: str, theirs: Any, ours: Any) -> Iterator[str]:
    """What is different about two values, the items of mappings and sets one by one."""
    if theirs == ours:
        return
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*theirs, *ours}, key=str):
            if key not in ours:
                yield f"{what} {key} is missing"
            elif key not in theirs:
                yield f"{what} {key} should not be there"
            elif theirs[key] != ours[key]:
                yield f"{what} {key}: {ours[key]!r} instead of {theirs[key]!r}"
    elif isinstance(theirs, (set, frozenset)) and isinstance(ours, (set, frozenset)):
        yield from (f"{what} {each} is missing" for each in sorted(theirs - ours, key=str))
        yield from (f"{what} {each} should not be there" for each in sorted(ours - theirs, key=str))
    else:
        yield f"{what}: {ours!r} instead of {theirs!r}"


def shape(annotation: Any) -> Any:
    """A type as plain data that is the same for theirs and ours: classes by the names under which they are found."""
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    if isinstance(annotation, TypeVar):
        return "a type variable"
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        notes = [note for note in args[1:] if isinstance(note, (PropertyInfo, Discriminator))]
        # The name is kept in an attribute of either; what else the official notes say is not about the type.
        tags = [note.discriminator if isinstance(note, PropertyInfo) else note.name for note in notes]
        tags = [tag for tag in tags if tag]
        return ("annotated", shape(args[0]), *tags) if tags else shape(args[0])
    if origin in (Union, UnionType):
        members = [shape(arg) for arg in args]
        # A union in a union is one union.
        flat = [each for m in members for each in (m[1] if isinstance(m, tuple) and m[0] == "union" else {m})]
        return ("union", frozenset(flat))
    if origin in (Literal, typing_extensions.Literal):
        return ("literal", frozenset(args))
    if origin is PathLike:
        # The official SDK says of what only to type checkers.
        return shape(PathLike)
    if origin is not None:
        inner = tuple(shape(arg) for arg in args)
        # A generic class says the same with its own variable as without.
        return shape(origin) if set(inner) == {"a type variable"} else (shape(origin), *inner)
    if isinstance(annotation, type):
        module, _, rest = annotation.__module__.partition(".types.")
        return f"{rest}.{annotation.__qualname__}" if module in ("openai", "oxide") else annotation.__qualname__
    return repr(annotation)


def _names(module: ModuleType) -> set[str]:
    """What a module of types offers, said or not."""
    said = getattr(module, "__all__", None)
    if said is not None:
        return set(said)
    return {name for name, value in vars(module).items() if not name.startswith("_") and _is_own(module, value)}


def _is_own(module: ModuleType, value: Any) -> bool:
    """Whether a value that a module without `__all__` has is meant to be found there."""
    where = str(getattr(value, "__module__", ""))
    return where in (module.__name__, "openai") or (where.startswith("openai.types") and isinstance(value, type))


def compare_module(name: str) -> Iterator[str]:
    """Does our module define what the official one does?"""
    official = importlib.import_module(f"openai.types.{name}")
    ours = importlib.import_module(f"oxide.types.{name}")
    needed = _names(official) if hasattr(official, "__all__") else _names(official) & set(vars(ours))
    yield from unequal(f"{name} exports", needed, set(ours.__all__) if hasattr(official, "__all__") else needed)
    defined = {
        each
        for each, value in vars(official).items()
        if not each.startswith("_") and getattr(value, "__module__", None) == official.__name__
    }
    yield from (f"{name}.{each} is missing" for each in sorted({*defined, *ours.__all__} - set(vars(ours))))


def _generated_bases(model: Any) -> list[Any]:
    """A model and the models it is made from, furthest first."""
    return [
        base for base in reversed(model.__mro__) if ".types." in base.__module__ and "_behaviour" not in base.__module__
    ]


def _declared(ours: Any) -> tuple[dict[str, Any], set[str]]:
    """Fields with their types, and which of them have defaults, as the source has them.

    The codec keeps that, since the structs that it makes differ.
    """
    types: dict[str, Any] = {}
    defaults: set[str] = set()
    for base in _generated_bases(ours):
        own = vars(base)["_ox_declared"]
        types |= own
        defaults = (defaults - set(own)) | set(vars(base)["_ox_defaults"])
    return types, defaults


def compare_model(module: str, name: str) -> Iterator[str]:
    """Fields with types, wire names and requiredness; properties."""
    official, ours = both(module, name)
    label = f"{module}.{name}:"
    if ours.__module__ != f"oxide.types.{module}":
        yield f"{label} is in {ours.__module__}"
    (mine, defaults), expected = _declared(ours), official.model_fields
    theirs: dict[str, Any] = {}
    for base in _generated_bases(official):
        theirs |= base.__annotations__
    yield from unequal(
        f"{label} field",
        {key: shape(theirs[key]) for key in expected},
        {key: shape(value) for key, value in mine.items()},
    )
    wire = dict(zip(ours.__struct_fields__, ours.__struct_encode_fields__, strict=True))
    yield from unequal(
        f"{label} name on the wire of",
        {key: field.alias or key for key, field in expected.items()},
        {key: wire.get(key, key) for key in mine},
    )
    required = {key for key, field in expected.items() if field.is_required()}
    # The field that tells the members of a union apart is a constant here.
    tag = {ours._ox_tag_field}
    yield from unequal(f"{label} required field", required - tag, set(mine) - defaults - tag)
    properties = {key for key, value in vars(official).items() if isinstance(value, property) and key[0] != "_"}
    for key in sorted(properties):
        if not isinstance(getattr(ours, key, None), property):
            yield f"{label} property {key} is missing"


def compare_params(module: str, name: str) -> Iterator[str]:
    """The keys of a TypedDict with types and requiredness."""
    official, ours = both(module, name)
    label = f"{module}.{name}:"
    if ours.__module__ != f"oxide.types.{module}":
        yield f"{label} is in {ours.__module__}"
    yield from unequal(f"{label} total", official.__total__, ours.__total__)
    yield from unequal(f"{label} required key", official.__required_keys__, ours.__required_keys__)
    yield from unequal(f"{label} optional key", official.__optional_keys__, ours.__optional_keys__)
    mine, theirs = hints(ours), hints(official)
    yield from unequal(
        f"{label} key",
        {key: shape(value) for key, value in theirs.items()},
        {key: shape(value) for key, value in mine.items()},
    )


def compare_alias(module: str, name: str) -> Iterator[str]:
    """Is it the same type?"""
    scopes = [importlib.import_module(f"{root}.types.{module}") for root in ("openai", "oxide")]
    theirs, mine = (
        hints(SimpleNamespace(__annotations__={"it": it}, __globals__=vars(scope)))
        for it, scope in zip(both(module, name), scopes, strict=True)
    )
    yield from unequal(f"{module}.{name}", shape(theirs["it"]), shape(mine["it"]))


def offered(module: ModuleType) -> set[str]:
    """The public names of a module, other modules left aside."""
    names = {name for name, value in list(vars(module).items()) if name[0] != "_" and not isinstance(value, ModuleType)}
    return names - {"annotations"}


def compare_package(name: str) -> Iterator[str]:
    """Does our package of types offer the same names, and are they found where they are defined?"""
    official = importlib.import_module(f"openai.types.{name}".rstrip("."))
    ours = importlib.import_module(f"oxide.types.{name}".rstrip("."))
    yield from unequal(f"{ours.__name__}:", offered(official), set(ours.__all__))
    for each in ours.__all__:
        if each not in dir(ours):
            yield f"{ours.__name__}.{each} is not listed"
        if getattr(ours, each, None) is None:
            yield f"{ours.__name__}.{each} can't be imported"
