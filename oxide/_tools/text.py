"""The description as text, and back. See `description` for what it looks like."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .description import Alias, ByHand, Field, Model, Module, Package, Params, Variable, tidy

__all__ = ["Line", "dump_module", "dump_package", "load", "parse_import", "parse_module", "parse_package", "render"]

_WIDTH = 110
_STEP = "    "


@dataclass
class Line:
    """A logical line with the lines below it. A type broken over several lines has been joined again."""

    text: str
    children: list[Line] = field(default_factory=list)


def render(head: str, expression: str, indent: int, tail: str = "") -> Iterator[str]:
    """The lines of `head` followed by a type expression, broken inside its brackets where it is too long."""
    margin = _STEP * indent
    line = f"{margin}{head}{expression}{tail}"
    node = ast.parse(expression, mode="eval").body
    if len(line) <= _WIDTH or not isinstance(node, ast.Subscript):
        yield line
        return
    members = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    yield f"{margin}{head}{ast.unparse(node.value)}["
    for member in members:
        yield from render("", ast.unparse(member), indent + 1, "," if member is not members[-1] else "")
    yield f"{margin}]{tail}"


def load(text: str) -> list[Line]:
    """The logical lines of a description file, nested by their indentation.

    Raises:
        ValueError: for an indentation that fits nowhere.
    """
    root = Line("")
    stack = [(-1, root)]
    lines = iter(enumerate(text.splitlines(), 1))
    for number, raw in lines:
        stripped = raw.strip()
        if not stripped or stripped.startswith("#"):
            continue
        depth = (len(raw) - len(raw.lstrip())) // len(_STEP)
        if raw.endswith("["):
            closing = _STEP * depth + "]"
            for _, more in lines:
                stripped += more.strip() if more.startswith(closing) else more.strip() + " "
                if more.startswith(closing):
                    break
        while stack[-1][0] >= depth:
            stack.pop()
        if depth - stack[-1][0] != 1:
            raise ValueError(f"line {number}: unexpected indentation")
        line = Line(stripped)
        stack[-1][1].children.append(line)
        stack.append((depth, line))
    return root.children


def _imports(names: dict[str, tuple[str, str]]) -> Iterator[str]:
    for local, (module, name) in sorted(names.items()):
        yield f"{_STEP}import {name}{'' if name == local else f' as {local}'} from {module}"


def parse_import(text: str) -> tuple[str, tuple[str, str]]:
    """`import A as B from m` as `("B", ("m", "A"))`."""
    match = re.fullmatch(r"import (\w+)(?: as (\w+))? from (\S+)", text)
    if not match:
        raise ValueError(f"not an import: {text}")
    name, local, module = match.groups()
    return local or name, (module, name)


def _field(item: Field, indent: int) -> Iterator[str]:
    wire = f' as "{item.wire}"' if item.wire else ""
    form = f" in {item.format}" if item.format else ""
    tail = f" = {item.default}" if item.default is not None else ""
    yield from render(f"{item.name}{wire}{form}: ", item.type, indent, tail)


_FIELD = re.compile(r'(\w+)(?: as "([^"]+)")?(?: in (\w+))?: (.*)')


def _parse_field(text: str) -> Field:
    match = _FIELD.fullmatch(text)
    if not match:
        raise ValueError(f"not a field: {text}")
    name, wire, form, rest = match.groups()
    # Parsed as an annotated assignment, the default is told from the type whatever is in it.
    statement = ast.parse(f"_: {rest}").body[0]
    assert isinstance(statement, ast.AnnAssign)
    default = ast.unparse(statement.value) if statement.value else None
    return Field(name, ast.unparse(statement.annotation), default, wire, form)


def dump_package(package: Package) -> Iterator[str]:
    yield f"package {package.name}".rstrip()
    yield from _imports(package.exports)


def parse_package(line: Line) -> Package:
    return Package(line.text.partition(" ")[2], dict(parse_import(child.text) for child in line.children))


def dump_module(module: Module) -> Iterator[str]:
    yield f"module {module.name}"
    yield from _imports(module.imports)
    if module.exports != module.public:
        yield f"{_STEP}exports {' '.join(module.exports)}"
    for item in module.items:
        bases = f"({', '.join(item.bases)})" if isinstance(item, (Model, Params)) and item.bases else ""
        if isinstance(item, Model):
            yield f"{_STEP}model {item.name}{bases}"
            if item.extra:
                yield f"{_STEP * 2}extra {item.extra}"
            if item.unsent:
                yield f"{_STEP * 2}unsent {' '.join(item.unsent)}"
            for name, type_ in item.properties:
                yield f"{_STEP * 2}property {name}: {type_}"
        elif isinstance(item, Params):
            yield f"{_STEP}{'params' if item.total else 'partial params'} {item.name}{bases}"
        elif isinstance(item, Alias):
            yield from render(f"alias {item.name} = ", item.type, 1)
        elif isinstance(item, Variable):
            yield f"{_STEP}variable {item.name}"
        else:
            yield f"{_STEP}by hand {item.name}"
        if isinstance(item, (Model, Params)):
            for each in item.fields:
                yield from _field(each, 2)


_CLASS = re.compile(r"(model|params|partial params) (\w+)(?:\((.*)\))?")


def parse_module(line: Line) -> Module:
    module = Module(line.text.partition(" ")[2])
    exports: list[str] | None = None
    for child in line.children:
        word, _, rest = child.text.partition(" ")
        match = _CLASS.fullmatch(child.text)
        if match:
            module.items.append(_parse_class(match, child))
        elif word == "import":
            local, target = parse_import(child.text)
            module.imports[local] = target
        elif word == "exports":
            exports = rest.split()
        elif word == "alias":
            name, _, expression = rest.partition(" = ")
            module.items.append(Alias(name, tidy(expression)))
        elif word == "variable":
            module.items.append(Variable(rest))
        elif child.text.startswith("by hand "):
            module.items.append(ByHand(rest.partition(" ")[2]))
        else:
            raise ValueError(f"{module.name}: {child.text}")
    module.exports = module.public if exports is None else exports
    return module


def _parse_class(match: re.Match[str], line: Line) -> Model | Params:
    kind, name, bases_text = match.groups()
    call = ast.parse(f"_({bases_text or ''})", mode="eval").body
    assert isinstance(call, ast.Call)
    bases = [ast.unparse(base) for base in call.args]
    if kind != "model":
        return Params(name, bases, kind == "params", [_parse_field(child.text) for child in line.children])
    model = Model(name, bases)
    for child in line.children:
        word, _, rest = child.text.partition(" ")
        if word == "extra":
            model.extra = tidy(rest)
        elif word == "unsent":
            model.unsent = rest.split()
        elif word == "property":
            prop, _, type_ = rest.partition(": ")
            model.properties.append((prop, tidy(type_)))
        else:
            model.fields.append(_parse_field(child.text))
    return model
