"""Packages whose names are imported when they are first used (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["lazy"]


def lazy(package: str, places: dict[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` for a package that offers names of its modules.

    A module of the package that nobody has imported yet is found as an attribute too, as it would be in a package
    that imports all of them.

    Args:
        package: the package's `__name__`.
        places: each name with its module, relative to the package (`"response"`, `"shared.metadata"`).
    """

    def get(name: str) -> Any:
        module = places.get(name)
        if module is not None:
            value = getattr(import_module(f"{package}.{module}"), name)
        elif name.startswith("_"):
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        else:
            try:
                return import_module(f"{package}.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"{package}.{name}":
                    raise
                raise AttributeError(f"module {package!r} has no attribute {name!r}") from None
        # Found without this function from now on.
        setattr(sys.modules[package], name, value)
        return value

    names = sorted(places)

    def list_names() -> list[str]:
        return sorted({*sys.modules[package].__dict__, *names})

    return get, list_names, names
