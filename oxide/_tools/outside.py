"""The models and TypedDicts that users of the official SDK meet outside of `openai.types`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import openai
import typing_extensions

from .compare import unequal
from .reasons import MORE

__all__ = ["compare_outside", "modules", "public", "whole"]

# Where they are public.
_PLACES = ("openai", "openai.auth", "openai.pagination", "openai.lib.streaming.chat", "openai.lib.streaming.responses")


def public() -> Iterator[tuple[str, str, str]]:
    """`model` or `params`, the module, the name."""
    for place in _PLACES:
        for name, value in sorted(vars(importlib.import_module(place)).items()):
            if name.startswith("_") or not isinstance(value, type) or value.__module__.startswith("openai.types"):
                continue
            if typing_extensions.is_typeddict(value):
                yield "params", place, name
            elif issubclass(value, openai.BaseModel) and not inspect.isabstract(value) and value.model_fields:
                yield "model", place, name


def fields(place: str, name: str) -> dict[str, Any]:
    """The fields or keys of the official one."""
    official = getattr(importlib.import_module(place), name)
    return getattr(official, "model_fields", None) or official.__annotations__


def compare_outside(place: str, name: str) -> Iterator[str]:
    """Is it here, with the same fields or keys?"""
    ours_place = place.replace("openai", "oxide", 1)
    try:
        ours = getattr(importlib.import_module(ours_place), name)
    except (AttributeError, ModuleNotFoundError):
        yield f"{ours_place}.{name} is missing"
        return
    # An alias of a generic class with a type has the class's fields.
    ours = typing_extensions.get_origin(ours) or ours
    mine = set(getattr(ours, "__struct_fields__", None) or ours.__annotations__)
    config = getattr(ours, "__struct_config__", None)
    if config is not None and config.tag_field:
        # The field that tells members of a union apart.
        mine.add(config.tag_field)
    yield from unequal(
        f"{ours_place}.{name}: field",
        set(fields(place, name)),
        mine - {"_ox"} - set(MORE.get(f"{ours_place}.{name}", ())),
    )


def modules() -> Iterator[tuple[str, list[str]]]:
    """Each public module of the official package that is not counted otherwise, and what of it is missing here."""
    for info in pkgutil.walk_packages(openai.__path__, "openai."):
        parts = info.name.split(".")
        if parts[1] in ("types", "resources", "pagination") or any(part.startswith("_") for part in parts):
            continue
        official = importlib.import_module(info.name)
        names = getattr(official, "__all__", None) or [
            name
            for name, value in vars(official).items()
            if not name.startswith("_") and _is_of(info.name, getattr(value, "__module__", ""))
        ]
        ours = info.name.replace("openai", "oxide", 1)
        if importlib.util.find_spec(ours.rpartition(".")[0]) is None or importlib.util.find_spec(ours) is None:
            yield info.name, [f"{ours} is missing"]
        else:
            yield info.name, [f"{ours}.{name} is missing" for name in sorted(names) if not _has(ours, name)]


def whole() -> Iterator[tuple[str, str, int, bool, bool]]:
    """Every model and TypedDict that the official package defines outside of `openai.lib`, its internals included.

    Each is `model` or `params`, its name, the number of its fields, whether it is here, and whether it is internal there.
    """
    classes = {}
    for info in pkgutil.walk_packages(openai.__path__, "openai."):
        if not info.name.startswith("openai.lib"):
            classes.update(
                {value: None for value in vars(importlib.import_module(info.name)).values() if _is_own(value)}
            )
    for value in classes:
        module, name = value.__module__, value.__qualname__
        kind = "params" if typing_extensions.is_typeddict(value) else "model"
        count = len(value.__annotations__ if kind == "params" else value.model_fields)
        ours = (module.replace("openai", "oxide", 1), "oxide", "oxide.auth", "oxide._types")
        yield kind, f"{module}.{name}", count, any(_has(place, name) for place in ours), "._" in f"{module}.{name}"


def _is_of(package: str, module: str) -> bool:
    # Packages offer what their private modules define.
    return module == package or module.startswith(f"{package}._")


def _is_own(value: Any) -> bool:
    if not isinstance(value, type) or not value.__module__.startswith("openai"):
        return False
    if typing_extensions.is_typeddict(value):
        return True
    # Generic models are classes anew with each type that they are used with.
    return issubclass(value, openai.BaseModel) and bool(value.model_fields) and "[" not in value.__qualname__


def _has(module: str, name: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        return False
