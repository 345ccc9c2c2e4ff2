"""Reads what the `connect` methods of the installed SDK connect to, and the classes of their connections."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .description import Connection, Event, Group, Helper, Parameter

__all__ = ["CONNECT_OPTIONS", "read_connection"]

# What every `connect` takes beside the parameters of its URL.
CONNECT_OPTIONS = frozenset(
    {
        "extra_query",
        "extra_headers",
        "websocket_connection_options",
        "on_reconnecting",
        "max_retries",
        "initial_delay",
        "max_delay",
        "max_queue_size",
    }
)

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class _Types:
    """Makes the types of a module ones that only use names of `imports` and of the vocabulary.

    Args:
        names: what the module imports from `openai.types`: local name to `module:Name`.
    """

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names
        self.imports: dict[str, tuple[str, str]] = {}

    def spell(self, node: ast.expr) -> str:
        """A type without the marks of what may be left out."""
        if isinstance(node, ast.BinOp):
            members = [self.spell(each) for each in (node.left, node.right)]
            return " | ".join(member for member in members if member)
        if isinstance(node, ast.Name) and node.id in {"Omit", "NotGiven"}:
            return ""
        return ast.unparse(_Spelling(self).visit(node))

    def use(self, module: str, name: str) -> str:
        """The local name for a type."""
        local = name
        if self.imports.get(local, (module, name)) != (module, name):
            local = "".join(word.capitalize() for word in module.rpartition(".")[2].split("_")) + name
        self.imports[local] = (module, name)
        return local


class _Spelling(ast.NodeTransformer):
    def __init__(self, types: _Types) -> None:
        self.types = types

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self.types.names:
            return node
        module, _, name = self.types.names[node.id].partition(":")
        return ast.Name(self.types.use(module, name))

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        assert isinstance(node.value, ast.Name)
        return ast.Name(self.types.use(self.types.names[node.value.id].replace(":", ".").lstrip("."), node.attr))


def read_connection(helper: Helper, classes: dict[str, ast.ClassDef], names: dict[str, str]) -> Connection:
    """What `connect` connects to.

    Args:
        helper: the method.
        classes: the classes of its module.
        names: what the module imports from `openai.types`.

    Raises:
        ValueError: the source is not of the kind that is understood.
    """
    manager = classes[helper.returns]
    name = helper.returns.removesuffix("Manager")
    connection = Connection(name, _path(manager))
    in_path = {part.partition("}")[0] for part in connection.path.split("{")[1:]}
    own = [parameter.name for parameter in helper.parameters if parameter.name not in CONNECT_OPTIONS]
    connection.query = [each for each in own if each not in in_path]
    connection.sends = dict(_sends(manager))
    types = _Types(names)
    methods = {each.name: each for each in _functions(classes[name])}
    returns = methods["recv"].returns
    assert isinstance(returns, ast.Name)
    connection.receives = names[returns.id]
    takes = methods["send"].args.args[1].annotation
    assert takes is not None
    connection.takes = types.spell(takes)
    for statement in classes[name].body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            attribute, target = statement.target.id, ast.unparse(statement.annotation)
            if not attribute.startswith("_"):
                connection.parts[attribute] = target
    waiting = list(connection.parts.values())
    while waiting:
        group = _group(classes[waiting.pop(0)], types)
        connection.groups.append(group)
        waiting += group.parts.values()
    connection.imports = types.imports
    return connection


def _functions(node: ast.ClassDef) -> Iterator[_Function]:
    for statement in node.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield statement


def _path(manager: ast.ClassDef) -> str:
    """What is put behind the path of the base URL."""
    function = next(each for each in _functions(manager) if each.name == "_prepare_url")
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "path_template":
            return str(ast.literal_eval(node.args[0]))
    for node in ast.walk(function):
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes) and len(node.value) > 1:
            return node.value.decode()
    raise ValueError(f"{manager.name}: cannot tell its path")


def _sends(manager: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for node in ast.walk(manager):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(value, ast.Constant) and "-" in str(key.value):
                    yield str(key.value), str(value.value)


def _group(node: ast.ClassDef, types: _Types) -> Group:
    group = Group(node.name)
    for function in _functions(node):
        if any(ast.unparse(decorator) == "cached_property" for decorator in function.decorator_list):
            assert function.returns is not None
            group.parts[function.name] = ast.unparse(function.returns)
        else:
            group.events.append(_event(node.name, function, types))
    return group


def _event(owner: str, function: _Function, types: _Types) -> Event:
    """A method whose body is one call of `send` with a mapping."""
    sent = [node for node in ast.walk(function) if isinstance(node, ast.Dict)]
    if len(sent) != 1:
        raise ValueError(f"{owner}.{function.name}: cannot tell what it sends")
    wires: dict[str, str] = {}
    kind = ""
    for key, value in zip(sent[0].keys, sent[0].values, strict=True):
        assert isinstance(key, ast.Constant)
        if isinstance(value, ast.Constant) and key.value == "type":
            kind = str(value.value)
        else:
            wires[ast.unparse(value)] = str(key.value)
    event = Event(function.name, kind)
    for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        assert argument.annotation is not None
        wire = wires.pop(argument.arg)
        text = None if default is None else "omit"
        spelled = types.spell(argument.annotation)
        event.parameters.append(Parameter("body", argument.arg, spelled, text, wire if wire != argument.arg else None))
    if wires or not kind or len(function.args.args) != 1:
        raise ValueError(f"{owner}.{function.name}: cannot tell what it sends")
    return event
