"""How much of a description there is code for, read from the code itself: methods, types and fields, each as n of m."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .description import Alias, Description, Model, Params, Resource
from .files import PACKAGE
from .helpers import mixin_of

__all__ = ["coverage", "walk"]


def walk(description: Description) -> Iterator[tuple[str, Resource, str]]:
    """Every method of a client as a user writes it: a resource that is found in two places counts twice."""

    def below(prefix: str, parts: dict[str, tuple[str, str]]) -> Iterator[tuple[str, Resource, str]]:
        for attribute, key in parts.items():
            resource = description.resources[key]
            for each in [*resource.methods, *resource.helpers]:
                yield f"{prefix}{attribute}.{each.name}", resource, each.name
            yield from below(f"{prefix}{attribute}.", resource.parts)

    yield from below("", description.client)


def coverage(description: Description) -> Iterator[str]:
    """The lines of the report, what is missing by name."""
    yield from _line("methods", {path: _has_method(resource, name) for path, resource, name in walk(description)})
    types: dict[str, bool] = {}
    fields: dict[str, bool] = {}
    for module in description.modules.values():
        defined = _classes(f"types/{module.name.replace('.', '/')}.py")
        for item in module.items:
            name = f"{module.name}.{item.name}"
            if isinstance(item, (Model, Params)):
                types[name] = item.name in defined
                fields |= {f"{name}.{each.name}": each.name in defined.get(item.name, ()) for each in item.fields}
            elif isinstance(item, Alias):
                types[name] = item.name in defined
    yield from _line("types", types)
    yield from _line("fields and keys", fields)


def _line(what: str, found: dict[str, bool]) -> Iterator[str]:
    yield f"{what}: {sum(found.values())} of {len(found)}"
    yield from (f"  missing: {name}" for name, is_there in found.items() if not is_there)


def _has_method(resource: Resource, name: str) -> bool:
    mixin = mixin_of(resource)
    written = _classes(f"resources/{resource.module.replace('.', '/')}.py").get(resource.name, set())
    return name in written or (mixin is not None and name in mixin.methods)


_read: dict[str, dict[str, set[str]]] = {}


def _classes(path: str) -> dict[str, set[str]]:
    """What a module defines: classes with their fields and methods, other names with nothing."""
    if path in _read:
        return _read[path]
    file = PACKAGE / path
    found: dict[str, set[str]] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body if file.exists() else ():
        if isinstance(node, ast.ClassDef):
            found[node.name] = {
                each.target.id if isinstance(each, ast.AnnAssign) else each.name
                for each in node.body
                if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))
                or (isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name))
            }
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = set()
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            # A TypedDict with keys that Python reserves is made by a call.
            keys = node.value.args[1] if isinstance(node.value, ast.Call) and len(node.value.args) > 1 else None
            names = (
                {key.value for key in keys.keys if isinstance(key, ast.Constant)} if isinstance(keys, ast.Dict) else ()
            )
            found[node.targets[0].id] = {str(name) for name in names}
    _read[path] = found
    return found
