"""Reads the methods of the installed SDK from their source: the request that each one makes, and its signature."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from .description import Helper, Method, Overload, Package, Parameter, Resource
from .read_connections import read_connection
from .read_types import literals, module_name, resolve

__all__ = ["Resources", "read_client"]

_REQUESTS = {
    "self._get": "get",
    "self._post": "post",
    "self._put": "put",
    "self._patch": "patch",
    "self._delete": "delete",
    "self._get_api_list": "get",
}
# What every method takes beside its own parameters.
_OPTIONS = {"extra_headers", "extra_query", "extra_body", "timeout"}
_ANSWERS = {
    "NoneType": "none",
    "str": "text",
    "object": "any",
    "_legacy_response.HttpxBinaryResponseContent": "bytes",
}
# Streams that the SDK gives a class of their own, by what one event of them is.
_STREAMS = {"AgentSessionEventStream": "beta.agent_session_event:AgentSessionEvent"}
# Properties that every resource has.
_VIEWS = {"with_raw_response", "with_streaming_response"}

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _decorators(node: _Function) -> list[str]:
    return [ast.unparse(decorator).partition("(")[0] for decorator in node.decorator_list]


# What a deprecation is about, by what the official SDK says of it, in our words.
_ADVICE = {
    "Responses API": "the Assistants API makes way for the Responses API",
    "Sora API": "the Sora API shuts down on September 24, 2026",
    ".content()": "use content()",
    "list method": "use list()",
}


def _advice(node: _Function) -> str:
    """What to do instead of calling a deprecated method, `yes` where nobody says, empty for other methods."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("deprecated"):
            said = ast.unparse(decorator.args[0])
            return next((advice for words, advice in _ADVICE.items() if words in said), "yes")
    return ""


def _is_omitted(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"Omit", "NotGiven"}


def _type(node: ast.expr) -> str:
    """A parameter's type without the marks of parameters that may be left out."""
    members = []
    while isinstance(node, ast.BinOp):
        members.append(node.right)
        node = node.left
    members.append(node)
    return " | ".join(ast.unparse(each) for each in reversed(members) if not _is_omitted(each))


def _is_call(node: ast.expr, name: str) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == name


class _Unknown(Exception):
    """The method doesn't make one request that can be told from its source."""


class _Request:
    """What the source of one method says about its request.

    Args:
        node: the method that the overloads describe.
        names: imported names: `module:Class` for what comes from `openai.types`.

    Raises:
        _Unknown: if it doesn't end by making a request.
    """

    def __init__(self, node: _Function, names: dict[str, str]) -> None:
        self.node = node
        self.names = names
        self.assigned: dict[str, ast.expr] = {}
        self.sends: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.encodings: dict[str, str] = {}
        self.raw_part: str | None = None
        self.chooses: str | None = None
        self.unread: list[str] = []
        body = node.body[1:] if isinstance(node.body[0], ast.Expr) else node.body
        last = body[-1]
        if not isinstance(last, ast.Return) or last.value is None:
            raise _Unknown
        call = self._unwrap(last.value)
        if not isinstance(call, ast.Call) or ast.unparse(call.func) not in _REQUESTS:
            raise _Unknown
        self.call = call
        self.keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        options = self.keywords.get("options")
        self.options = (
            {keyword.arg: keyword.value for keyword in options.keywords if keyword.arg}
            if isinstance(options, ast.Call)
            else {}
        )
        for statement in body[:-1]:
            self._statement(statement)

    def _unwrap(self, node: ast.expr) -> ast.expr:
        """Without `await`, `cast` and the like around it."""
        while True:
            if isinstance(node, ast.Await):
                node = node.value
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "cast":
                node = node.args[1]
            else:
                return node

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.If) and len(node.body) == 1 and isinstance(node.body[0], ast.Raise):
            # The check of a path parameter, which the core makes.
            return
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("files"):
            # With files the body is multipart, without them it is JSON: told by the `uploads` and no `sends`.
            return
        if isinstance(node, ast.Assign) and _is_call(node.value, "encode_multipart"):
            self._encodings(node.value)
            return
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name == "extra_headers" and isinstance(node.value, ast.Dict):
                self._headers(node.value)
            elif name not in self.assigned:
                self.assigned[name] = node.value
            return
        self.unread.append(type(node).__name__.lower())

    def _encodings(self, call: ast.Call) -> None:
        """The multipart parts that have a content type of their own, and the one that may be the whole body."""
        _, _, encodings, raw_part, _ = call.args
        for name, (kind, _) in ast.literal_eval(encodings).items():
            self.encodings[name] = kind
        self.raw_part = ast.literal_eval(raw_part)

    def _headers(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(value, ast.Constant):
                self.sends[key.value] = value.value
            elif isinstance(key, ast.Constant) and self.encodings:
                # The content type with its boundary.
                assert key.value == "Content-Type"
            elif isinstance(key, ast.Constant):
                self.unread.append("header")
            elif isinstance(value, ast.Call) and ast.unparse(value.func) == "strip_not_given":
                assert isinstance(value.args[0], ast.Dict)
                for wire, source in zip(value.args[0].keys, value.args[0].values, strict=True):
                    assert isinstance(wire, ast.Constant)
                    used = [n.id for n in ast.walk(source) if isinstance(n, ast.Name) and n.id in self._arguments()]
                    self.headers[used[0]] = wire.value

    def _arguments(self) -> set[str]:
        arguments = self.node.args
        return {argument.arg for argument in arguments.args + arguments.kwonlyargs}

    def path(self) -> str:
        node = self.call.args[0]
        return ast.literal_eval(node.args[0] if isinstance(node, ast.Call) else node)

    def verb(self) -> str:
        if "method" in self.keywords:
            return str(ast.literal_eval(self.keywords["method"]))
        return _REQUESTS[ast.unparse(self.call.func)]

    def _mapping(self, node: ast.expr | None) -> dict[str, str]:
        """Parameter to wire name, from the mapping that a body or query is made from."""
        if node is None:
            return {}
        node = self._unwrap(node)
        if isinstance(node, ast.Dict):
            found = {}
            for key, value in zip(node.keys, node.values, strict=True):
                assert isinstance(key, ast.Constant)
                found[ast.unparse(value)] = str(key.value)
            return found
        if isinstance(node, ast.Name) and node.id in self.assigned:
            return self._mapping(self.assigned[node.id])
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return self._mapping(self.assigned[node.value.id])
        if isinstance(node, ast.Call):
            for argument in node.args:
                if isinstance(self._unwrap(argument), (ast.Dict, ast.Name, ast.Attribute)):
                    found = self._mapping(argument)
                    if found:
                        return found
        return {}

    def body(self) -> dict[str, str]:
        return self._mapping(self.keywords.get("body"))

    def query(self) -> dict[str, str]:
        return self._mapping(self.options.get("query"))

    def params(self) -> list[str]:
        found = []
        for node in (self.keywords.get("body"), self.options.get("query")):
            call = self._unwrap(node) if node is not None else None
            if isinstance(call, ast.Name):
                call = self._unwrap(self.assigned.get(call.id, call))
            if isinstance(call, ast.Call) and len(call.args) > 1:
                found += self._references(call.args[1])
        return found

    def _references(self, node: ast.expr) -> list[str]:
        if isinstance(node, ast.IfExp):
            return sorted(self._references(node.body) + self._references(node.orelse))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return [f"{self.names[node.value.id].replace(':', '.').lstrip('.')}:{node.attr}"]
        return [self.names[ast.unparse(node)]]

    def answers(self) -> str:
        node = self.keywords.get("cast_to", self.keywords.get("model"))
        assert node is not None
        node = self._unwrap(node)
        text = ast.unparse(node)
        if text in _ANSWERS:
            return _ANSWERS[text]
        if text in self.names:
            return self.names[text]
        if isinstance(node, ast.Name) and node.id in self.assigned:
            return "any"
        if isinstance(node, ast.Call) and isinstance(node.args[0], ast.Name):
            # A function of a parameter; the overloads say which one.
            self.chooses = node.args[0].id
            return "any"
        self.unread.append("answer")
        return "any"

    def streams(self) -> str | None:
        node = self.keywords.get("stream_cls")
        if node is None:
            return None
        if isinstance(node, ast.Subscript):
            return self.names[ast.unparse(node.slice)]
        if ast.unparse(node) in _STREAMS:
            return _STREAMS[ast.unparse(node)]
        self.unread.append("stream")
        return "any"

    def events(self) -> str | None:
        """How events are taken off the stream, where it isn't the usual way."""
        if "synthesize_event_and_data" in self.options:
            return "named"
        return "unchecked" if "stream_mode" in self.options else None

    def page(self) -> str | None:
        node = self.keywords.get("page")
        if node is None:
            return None
        return ast.unparse(node).partition("[")[0].removeprefix("Sync")

    def uploads(self) -> list[str]:
        for value in [*self.assigned.values(), *self.keywords.values()]:
            if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("extract_files"):
                paths = next(k.value for k in value.keywords if k.arg == "paths")
                return [_file_path(path) for path in ast.literal_eval(paths)]
        return []

    def security(self) -> list[str]:
        node = self.options.get("security")
        # A request that doesn't say takes the one that there is.
        wanted = ast.literal_eval(node) if node else {"admin_api_key_auth": True, "bearer_auth": True}
        return sorted(name for name, is_wanted in wanted.items() if is_wanted)


def _file_path(parts: list[str]) -> str:
    """`["image", "<array>", "file"]` as `image[][file]`."""
    return parts[0] + "".join("[]" if part == "<array>" else f"[{part}]" for part in parts[1:])


def _parameters(node: _Function) -> Iterator[tuple[str, str, str | None]]:
    """Name, type and default of each parameter of a method, those left out that all methods have."""
    arguments = node.args
    positional = arguments.args[1:]
    gap = len(positional) - len(arguments.defaults)
    defaults = [None] * gap + list(arguments.defaults) if gap >= 0 else list(arguments.defaults[-len(positional) :])
    for argument, default in [
        *zip(positional, defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]:
        if argument.arg not in _OPTIONS:
            assert argument.annotation is not None
            text = ast.unparse(default) if default is not None else None
            yield (
                argument.arg,
                _type(argument.annotation),
                "omit" if text in {"omit", "not_given", "NOT_GIVEN"} else text,
            )


class Resources:
    """The resources below one directory of the SDK.

    Args:
        root: the directory of `openai.resources`.
        types: the packages of types, which may only pass on what a module of theirs defines.
    """

    def __init__(self, root: Path, types: dict[str, Package]) -> None:
        self.types = types
        self.packages: dict[str, Package] = {}
        self.resources: dict[tuple[str, str], Resource] = {}
        # What defaults of parameters are called.
        self.constants = dict(_constants(root.parent / "_constants.py"))
        paths = sorted(root.rglob("*.py"))
        trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}
        for path, tree in trees.items():
            if path.name == "__init__.py":
                name = module_name(path, root)
                self.packages[name] = Package(name, dict(self._exports(tree, name)))
        for path, tree in trees.items():
            if path.name != "__init__.py":
                self._module(module_name(path, root), tree)
        for package in self.packages.values():
            public = {local: target for local, target in package.exports.items() if not local.startswith("_")}
            package.exports = {local: self.leaf(*target) for local, target in public.items()}

    def _exports(self, tree: ast.Module, package: str) -> Iterator[tuple[str, tuple[str, str]]]:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                for alias in node.names:
                    yield alias.asname or alias.name, (resolve(node.level, node.module, package), alias.name)
        for node in tree.body:
            # A package may pass a class on as a subclass of its own.
            if isinstance(node, ast.ClassDef):
                yield node.name, (package, ast.unparse(node.bases[0]))

    def leaf(self, module: str, name: str) -> tuple[str, str]:
        """Where a resource is defined that a package may only pass on."""
        while module in self.packages and name in self.packages[module].exports:
            module, name = self.packages[module].exports[name]
        return module, name

    def _names(self, tree: ast.Module, package: str) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
        """What a module imports: types as references, resources as module and class."""
        types: dict[str, str] = {}
        resources: dict[str, tuple[str, str]] = {}
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            # The package is one level down from the root: `...types` from `chat.completions` is `openai.types`.
            full = resolve(node.level, node.module, f"resources.{package}".rstrip("."))
            for alias in node.names:
                local = alias.asname or alias.name
                if full == "types" or full.startswith("types."):
                    module, name = full.removeprefix("types").lstrip("."), alias.name
                    while module in self.types and name in self.types[module].exports:
                        module, name = self.types[module].exports[name]
                    types[local] = f"{module}:{name}"
                elif full.startswith("resources"):
                    resources[local] = self.leaf(full.removeprefix("resources").lstrip("."), alias.name)
        return types, resources

    def _module(self, module: str, tree: ast.Module) -> None:
        types, resources = self._names(tree, module.rpartition(".")[0])
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        for name, node in classes.items():
            if any(ast.unparse(base) == "SyncAPIResource" for base in node.bases):
                here = {each: (module, each) for each in classes}
                twin = classes.get(f"Async{name}")
                if twin is None:
                    raise ValueError(f"{module}: {name} has no asynchronous twin")
                view = classes.get(f"{name}WithRawResponse")
                resource = self._resource(module, node, twin, view, types, {**resources, **here})
                self.resources[module, name] = resource
                for helper in resource.helpers:
                    if helper.name == "connect":
                        resource.connection = read_connection(helper, classes, types)
                        for parameter in helper.parameters:
                            parameter.default = self.constants.get(parameter.default or "", parameter.default)

    def _resource(
        self,
        module: str,
        node: ast.ClassDef,
        twin: ast.ClassDef,
        view: ast.ClassDef | None,
        types: dict[str, str],
        resources: dict[str, tuple[str, str]],
    ) -> Resource:
        resource = Resource(module, node.name)
        other = {each.name: each for each in _functions(twin) if "overload" not in _decorators(each)}
        overloads: dict[str, list[_Function]] = {}
        for function in _functions(node):
            decorators = _decorators(function)
            if function.name.startswith("_") or function.name in _VIEWS:
                continue
            if "cached_property" in decorators:
                assert function.returns is not None
                returns = ast.unparse(function.returns)
                if returns in resources:
                    resource.parts[function.name] = resources[returns]
                continue
            if "overload" in decorators:
                overloads.setdefault(function.name, []).append(function)
                continue
            try:
                request = _Request(function, types)
            except _Unknown:
                resource.helpers.append(_helper(function, isinstance(other[function.name], ast.AsyncFunctionDef)))
            else:
                resource.methods.append(_method(function, request, overloads.get(function.name, [])))
        resource.viewed = view is not None
        if view is not None:
            resource.wrapped = [
                ast.unparse(statement.targets[0]).removeprefix("self.")
                for statement in next(_functions(view)).body
                if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)
            ]
        return resource


def _constants(source: Path) -> Iterator[tuple[str, str]]:
    """Names and values of numbers."""
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                yield ast.unparse(target), ast.unparse(node.value)


def _functions(node: ast.ClassDef) -> Iterator[_Function]:
    for statement in node.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield statement


def _positional(node: _Function) -> list[str]:
    return [argument.arg for argument in node.args.args[1:]]


def _returns(node: _Function) -> str:
    return ast.unparse(node.returns) if node.returns is not None else "None"


def _helper(node: _Function, asynchronous: bool) -> Helper:
    parameters = [Parameter("other", *each) for each in _parameters(node)]
    return Helper(node.name, _returns(node), _positional(node), parameters, asynchronous)


def _method(node: _Function, request: _Request, overloads: list[_Function]) -> Method:
    path = request.path()
    body, query = request.body(), request.query()
    in_path = [part.partition("}")[0] for part in path.split("{")[1:]]
    parameters = []
    for name, type_, default in _parameters(node):
        if name in in_path:
            place, wire = "path", name
        elif name in body:
            place, wire = "body", body[name]
        elif name in query:
            place, wire = "query", query[name]
        elif name in request.headers:
            place, wire = "header", request.headers[name]
        else:
            place, wire = "other", name
        parameters.append(Parameter(place, name, type_, default, wire if wire != name else None))
    method = Method(node.name, request.verb(), path, _positional(node), parameters, request.params())
    method.answers = request.answers()
    method.streams = request.streams()
    method.always_streams = ast.unparse(request.keywords.get("stream", ast.Constant(None))) == "True"
    method.events = request.events()
    method.page = request.page()
    method.security = request.security()
    method.sends = dict(sorted(request.sends.items()))
    method.uploads = request.uploads()
    method.encodings = request.encodings
    method.raw_part = request.raw_part
    method.adapts = "post_parser" in request.options
    method.deprecated = _advice(node)
    method.unread = sorted(set(request.unread))
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "required_args":
            method.requires = [ast.literal_eval(each) for each in decorator.args]
    own = {parameter.name: parameter for parameter in parameters}
    for overload in overloads:
        differing = []
        for name, type_, default in _parameters(overload):
            mine = own[name]
            if (mine.type, mine.default) != (type_, default):
                differing.append(Parameter(mine.place, name, type_, default))
        method.overloads.append(Overload(_returns(overload), differing))
    if request.chooses:
        _read_choices(method, request)
    return method


def _read_choices(method: Method, request: _Request) -> None:
    """What comes back for each value of one parameter, from the overloads."""
    method.chooses = request.chooses
    for overload in method.overloads:
        reference = _ANSWERS.get(overload.returns) or request.names.get(overload.returns)
        chosen = next((p for p in overload.parameters if p.name == request.chooses), None)
        if reference is None or chosen is None:
            # What the method as a whole may return, or a stream.
            continue
        if chosen.default == "omit":
            method.answers = reference
        else:
            method.choices |= dict.fromkeys(literals(chosen.type), reference)
    if method.answers == "any" or not method.choices:
        raise ValueError(f"{method.path}: cannot tell what it returns")


def read_client(source: Path, resources: Resources) -> dict[str, tuple[str, str]]:
    """The client's own resources: attribute to module and class."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    client = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "OpenAI")
    found = {}
    for function in _functions(client):
        if "cached_property" not in _decorators(function) or function.name in _VIEWS:
            continue
        for statement in function.body:
            if isinstance(statement, ast.ImportFrom):
                module = resolve(statement.level, statement.module, "").removeprefix("resources").lstrip(".")
                found[function.name] = resources.leaf(module, statement.names[0].name)
    return found
