"""Writes the `Operation` of a method: its request as data."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from .description import Alias, Description, Method, Params, Resource

__all__ = ["ANSWERS", "Operations", "in_path", "params_of", "required_sets"]

# What answers that are no type of the API are: the reference for `Operation`, and where the stub finds the name.
ANSWERS = {
    "text": ("builtins:str", "str", None),
    "any": ("builtins:object", "object", None),
    "bytes": ("oxide._response:HttpxBinaryResponseContent", "HttpxBinaryResponseContent", "oxide._response"),
}
# Objects that stand between the caller's view of an endpoint and its wire format.
_ADAPTERS = {("embeddings", "create"): "oxide.core.embeddings:Embeddings"}


def in_path(method: Method) -> tuple[str, ...]:
    """The parameters in the path, in its order."""
    return tuple(part.partition("}")[0] for part in method.path.split("{")[1:])


def required_sets(method: Method) -> tuple[tuple[str, ...], ...]:
    """The sets of parameters of which one has to be there; a set that contains another one adds nothing."""
    paths = set(in_path(method))
    sets = method.requires or [[p.name for p in method.parameters if p.default is None]]
    kept = [tuple(name for name in names if name not in paths) for names in sets]
    return tuple(names for names in kept if names and not any(set(other) < set(names) for other in kept))


def params_of(description: Description, reference: str) -> list[tuple[str, Params]]:
    """The TypedDicts behind a reference, which may be a union of them: module and definition."""
    module_name, _, name = reference.partition(":")
    module = description.modules[module_name]
    item = next((item for item in module.items if item.name == name), None)
    if isinstance(item, Params):
        return [(module_name, item)]
    if isinstance(item, Alias):
        names = [n.id for n in ast.walk(ast.parse(item.type)) if isinstance(n, ast.Name) and n.id != "Union"]
        found = []
        for each in names:
            target = module.imports.get(each, (module_name, each))
            found += params_of(description, ":".join(target))
        return found
    raise ValueError(f"{reference} is not a TypedDict")


class Operations:
    """Writes operations.

    Args:
        description: what there is.
    """

    def __init__(self, description: Description) -> None:
        self.description = description

    def source(self, resource: Resource, method: Method) -> str:
        """The expression that makes the operation of a method."""
        return f"Operation({', '.join(self._arguments(resource, method))})"

    def _arguments(self, resource: Resource, method: Method) -> Iterator[str]:
        places: dict[str, list[str]] = defaultdict(list)
        for parameter in method.parameters:
            places[parameter.place].append(parameter.name)
        yield repr(method.verb.upper())
        yield repr(method.path)
        for place in ("body", "query"):
            if places[place]:
                yield f"{place}={tuple(places[place])!r}"
        headers = {p.name: p.wire for p in method.parameters if p.place == "header"}
        if headers:
            yield f"headers={headers!r}"
        aliases = {p.name: p.wire for p in method.parameters if p.wire and p.place in {"body", "query"}}
        if aliases:
            yield f"aliases={aliases!r}"
        renames = self._renames(method)
        if renames:
            yield f"renames={renames!r}"
        if places["path"]:
            yield f"path_params={in_path(method)!r}"
        if required_sets(method):
            yield f"required={required_sets(method)!r}"
        yield from self._results(method)
        if method.security != ["bearer_auth"]:
            yield f"security={tuple(method.security)!r}"
        sends = {name: value for name, value in method.sends.items() if name != "Content-Type"}
        if sends:
            yield f"sends={tuple(sends.items())!r}"
        if "Content-Type" in method.sends:
            yield "multipart=True"
        if method.uploads:
            yield f"files={tuple(method.uploads)!r}"
        if method.encodings:
            yield f"encodings={method.encodings!r}"
        if method.raw_part:
            yield f"raw_part={method.raw_part!r}"
        adapter = _ADAPTERS.get((resource.module, method.name))
        if adapter:
            yield f"adapt={adapter!r}"

    def _results(self, method: Method) -> Iterator[str]:
        if method.answers != "none":
            yield f"response={_answer(method.answers)!r}"
        if method.chooses:
            choices = {value: _answer(reference) for value, reference in method.choices.items()}
            yield f"chooses=({method.chooses!r}, {choices!r})"
        if method.answers == "bytes":
            yield "binary=True"
        if method.streams:
            yield f"stream={_answer(method.streams)!r}"
        if method.events:
            yield f"events={method.events!r}"
        if method.always_streams:
            yield "always_streams=True"
        if method.page:
            yield f"page={method.page!r}"
            if method.verb != "get":
                yield "page_via='body'"

    # Keys inside the parameters that have another name on the wire

    def _renames(self, method: Method) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for reference in method.params:
            for module, item in params_of(self.description, reference):
                found |= self._inside(module, item, (), top=True)
        return found

    def _inside(self, module: str, item: Params, above: tuple[str, ...], top: bool = False) -> dict[str, Any]:
        """Wire names of the keys of a TypedDict (those at the top are the method's own parameters) and of those below."""
        found: dict[str, Any] = {}
        if f"{module}:{item.name}" in above:
            # A type inside itself: its names, if it has any, are found once.
            return found
        above = (*above, f"{module}:{item.name}")
        for base in item.bases:
            for source, params in self._params_in(module, base):
                found |= self._inside(source, params, above, top)
        for each in item.fields:
            if each.format:
                raise ValueError(
                    f"{module}.{item.name}.{each.name}: values in the format {each.format} are not written"
                )
            if each.wire and not top:
                found[each.name] = each.wire
                continue
            for below in self._params_in(module, each.type):
                inner = self._inside(*below, above)
                if inner:
                    found[each.name] = {**found.get(each.name, {}), **inner}
        return found

    def _params_in(
        self, module: str, expression: str, seen: frozenset[tuple[str, str]] = frozenset()
    ) -> Iterator[tuple[str, Params]]:
        """The TypedDicts that a type expression leads to, through aliases (`seen` already) too."""
        for node in ast.walk(ast.parse(expression, mode="eval")):
            if not isinstance(node, ast.Name):
                continue
            source, name = self.description.modules[module].imports.get(node.id, (module, node.id))
            item = next((item for item in self.description.modules[source].items if item.name == name), None)
            if isinstance(item, Params):
                yield source, item
            elif isinstance(item, Alias) and (source, name) not in seen:
                yield from self._params_in(source, item.type, seen | {(source, name)})


def _answer(reference: str) -> str:
    return ANSWERS[reference][0] if reference in ANSWERS else f"oxide.types.{reference}"
