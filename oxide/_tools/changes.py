"""What is different between two descriptions, for people: what appeared (`+`), what went (`-`), what changed (`~`)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from .description import Alias, Description, Field, Helper, Item, Method, Model, Parameter, Params, tidy
from .read_types import literals

__all__ = ["changes", "type_change"]


def changes(old: Description, new: Description) -> list[str]:
    """The differences, methods first; empty if there are none."""
    lines = [] if old.version == new.version else [f"openai {old.version} -> {new.version}"]
    lines += _section("methods", _members(_methods(old), _methods(new), _method))
    lines += _section("types", _members(_types(old), _types(new), _type))
    return lines


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"  {line}" for line in lines]
    return [f"{title}:", *found] if found else []


def _members(old: Mapping[str, object], new: Mapping[str, object], compare: object) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield f"+ {name}{_signature(new[name])}"
        elif name not in new:
            yield f"- {name}{_signature(old[name])}"
        elif old[name] != new[name]:
            found = list(compare(old[name], new[name]))  # type: ignore[operator]
            yield f"~ {name}" + (f": {found[0]}" if len(found) == 1 else "")
            yield from (f"    {line}" for line in found if len(found) > 1)


def _signature(member: object) -> str:
    if isinstance(member, Method):
        return f"  {member.verb.upper()} {member.path}"
    return " (TypedDict)" if isinstance(member, Params) else ""


def _methods(description: Description) -> dict[str, Method | Helper]:
    return {
        f"{resource.module}.{each.name}"
        if len(_siblings(description, resource.module)) == 1
        else f"{resource.module}.{resource.name}.{each.name}": each
        for resource in description.resources.values()
        for each in [*resource.methods, *resource.helpers]
    }


def _siblings(description: Description, module: str) -> list[str]:
    return [name for where, name in description.resources if where == module]


def _types(description: Description) -> dict[str, Item]:
    return {f"{module.name}.{item.name}": item for module in description.modules.values() for item in module.items}


def _method(old: Method | Helper, new: Method | Helper) -> Iterator[str]:
    if isinstance(old, Method) and isinstance(new, Method):
        if (old.verb, old.path) != (new.verb, new.path):
            yield f"{new.verb.upper()} {new.path} instead of {old.verb.upper()} {old.path}"
        for what in ("answers", "streams", "page", "sends", "uploads", "security", "deprecated", "events", "choices"):
            before, after = getattr(old, what), getattr(new, what)
            if before != after:
                yield f"{what} {after!r} instead of {before!r}"
    elif type(old) is not type(new):
        yield "makes one request now" if isinstance(new, Method) else "is more than one request now"
    elif isinstance(old, Helper) and isinstance(new, Helper) and old.returns != new.returns:
        yield f"returns {new.returns} instead of {old.returns}"
    yield from _fields("parameter", old.parameters, new.parameters)


def _type(old: Item, new: Item) -> Iterator[str]:
    if isinstance(old, (Model, Params)) and type(old) is type(new):
        assert isinstance(new, (Model, Params))
        if old.bases != new.bases:
            yield f"made from {new.bases} instead of {old.bases}"
        yield from _fields("field" if isinstance(new, Model) else "key", old.fields, new.fields)
    elif isinstance(old, Alias) and isinstance(new, Alias):
        yield type_change(old.type, new.type)
    else:
        yield f"{type(new).__name__} instead of {type(old).__name__}".lower()


def _fields(what: str, old: Iterable[Field | Parameter], new: Iterable[Field | Parameter]) -> Iterator[str]:
    before, after = ({each.name: each for each in fields} for fields in (old, new))
    for name, each in after.items():
        if name not in before:
            yield f"+ {what} {name}: {each.type}{'' if each.default is None else f' = {each.default}'}"
            continue
        was = before[name]
        if was.type != each.type:
            yield f"~ {what} {name}: {type_change(was.type, each.type)}"
        if was.default != each.default:
            yield f"~ {what} {name}: {_default(each)} instead of {_default(was)}"
        if was.wire != each.wire:
            yield f"~ {what} {name}: called {each.wire or name} instead of {was.wire or name}"
    for name, each in before.items():
        if name not in after:
            yield f"- {what} {name}: {each.type}"


def _default(each: Field | Parameter) -> str:
    return "required" if each.default is None else f"default {each.default}"


class _Emptied(ast.NodeTransformer):
    """A type without the values of its literals."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if ast.unparse(node.value) == "Literal":
            return ast.Name("Literal")
        self.generic_visit(node)
        return node


def type_change(old: str, new: str) -> str:
    """What happened to a type: its enum values alone, or everything."""
    before, after = (ast.unparse(_Emptied().visit(ast.parse(tidy(text), mode="eval"))) for text in (old, new))
    if before == after:
        came, went = sorted({*literals(new)} - {*literals(old)}), sorted({*literals(old)} - {*literals(new)})
        parts = [f"+ {each!r}" for each in came] + [f"- {each!r}" for each in went]
        if parts:
            return f"values {', '.join(parts)}"
    return f"{new} instead of {old}"
