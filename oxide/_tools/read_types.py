"""Reads the types of the installed SDK from their source: nothing of it is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from .description import VOCABULARY, Alias, ByHand, Field, Item, Model, Module, Package, Params, Variable

__all__ = ["Types", "literals", "module_name", "resolve"]

# Imports that are part of the vocabulary, or of how the SDK is made.
_ELSEWHERE = {"typing", "typing_extensions", "__future__", "builtins", "pydantic", "dataclasses"}
_BASES = {"BaseModel", "GenericModel", "TypedDict"}

# Not types of the API: what these define is not described any further.
_BY_HAND = {"websocket_connection_options", "websocket_reconnection"}


def module_name(path: Path, root: Path) -> str:
    """`chat.chat_completion` for `<root>/chat/chat_completion.py`, the package's name for its `__init__.py`."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def resolve(level: int, target: str | None, package: str) -> str:
    """Name of a module relative to the package that imports it: `from ..shared.x` is level 2, target `shared.x`."""
    parts = package.split(".") if package else []
    if level - 1 > len(parts):
        # Out of the tree: `..._types` and the like.
        return "!" + (target or "")
    kept = parts[: len(parts) - (level - 1)]
    return ".".join(kept + (target.split(".") if target else []))


class _Tidy(ast.NodeTransformer):
    """Spells a type expression as the description does."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name):
            return ast.Name(node.attr)
        raise ValueError(f"cannot tell what {ast.unparse(node)} is")

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str):
            return self.visit(ast.parse(node.value, mode="eval").body)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        if set(keywords) == {"discriminator"}:
            return ast.Call(ast.Name("Discriminator"), [keywords["discriminator"]], [])
        raise ValueError(f"cannot tell what {ast.unparse(node)} is")

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if ast.unparse(node.value).endswith("Literal"):
            return ast.Subscript(ast.Name("Literal"), node.slice)
        self.generic_visit(node)
        return node


def _info(node: ast.expr) -> tuple[ast.expr, dict[str, str]]:
    """A type without its `PropertyInfo` where that names a wire name or a format, and what it said."""
    if not (isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Annotated"):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Required":
            inner, said = _info(node.slice)
            return ast.Subscript(node.value, inner), said
        return node, {}
    assert isinstance(node.slice, ast.Tuple)
    inner, call = node.slice.elts
    if not isinstance(call, ast.Call):
        return node, {}
    said = {k.arg: k.value.value for k in call.keywords if k.arg and isinstance(k.value, ast.Constant)}
    if "discriminator" in said:
        return node, {}
    return inner, {key: str(value) for key, value in said.items()}


def _type(node: ast.expr) -> str:
    return ast.unparse(ast.fix_missing_locations(_Tidy().visit(node)))


class Types:
    """The types below one directory of the SDK.

    Args:
        root: the directory of `openai.types`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.packages: dict[str, Package] = {}
        self.modules: dict[str, Module] = {}
        paths = sorted(root.rglob("*.py"))
        self._all = {module_name(path, root) for path in paths}
        trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}
        for path, tree in trees.items():
            if path.name == "__init__.py":
                name = module_name(path, root)
                self.packages[name] = Package(name, dict(self._exports(tree, name)))
        for path, tree in trees.items():
            if path.name != "__init__.py":
                name = module_name(path, root)
                self.modules[name] = _by_hand(tree, name) if name in _BY_HAND else self._module(tree, name)
        for module in self.modules.values():
            module.imports = {local: self._origin(*target) for local, target in module.imports.items()}
        for package in self.packages.values():
            public = {local: target for local, target in package.exports.items() if not local.startswith("_")}
            package.exports = {local: self._origin(*self.leaf(*target)) for local, target in public.items()}

    def leaf(self, module: str, name: str) -> tuple[str, str]:
        """Where a name is defined that a package may only pass on."""
        while module in self.packages and name in self.packages[module].exports:
            module, name = self.packages[module].exports[name]
        return module, name

    def _origin(self, module: str, name: str) -> tuple[str, str]:
        """Where a name is defined that a module may only have imported."""
        while name in self.modules[module].imports:
            module, name = self.modules[module].imports[name]
        return module, name

    def _exports(self, tree: ast.Module, package: str) -> Iterator[tuple[str, tuple[str, str]]]:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                source = resolve(node.level, node.module, package)
                for alias in node.names:
                    yield alias.asname or alias.name, (source, alias.name)

    def _module(self, tree: ast.Module, name: str) -> Module:
        module = Module(name)
        package = name.rpartition(".")[0]
        imported: dict[str, tuple[str, str]] = {}
        exports: list[str] | None = None
        for node in tree.body:
            if isinstance(node, ast.ImportFrom):
                source = resolve(node.level, node.module, package) if node.level else "!" + (node.module or "")
                for alias in node.names:
                    local = alias.asname or alias.name
                    if source.startswith("!"):
                        continue
                    if f"{source}.{alias.name}".lstrip(".") in self._all:
                        # A module: its attributes are read where they are used.
                        imported[local] = (f"{source}.{alias.name}", "")
                    else:
                        imported[local] = self.leaf(source, alias.name)
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                exports = sorted(ast.literal_eval(node.value))
            else:
                item = self._item(node, imported, module)
                if item is not None:
                    module.items.append(item)
        used = {
            n.id
            for item in module.items
            for text in _expressions(item)
            for n in ast.walk(ast.parse(text))
            if isinstance(n, ast.Name)
        }
        for local, target in imported.items():
            if target[1] and (local in used or local in (exports or ())):
                module.imports[local] = target
        module.exports = module.public if exports is None else exports
        unknown = used - VOCABULARY - set(module.imports) - {item.name for item in module.items}
        if unknown:
            raise ValueError(f"{name}: cannot tell what {sorted(unknown)} is")
        return module

    def _item(self, node: ast.stmt, imported: dict[str, tuple[str, str]], module: Module) -> Item | None:
        if isinstance(node, ast.ClassDef):
            return self._class(node, imported, module)
        if isinstance(node, (ast.Expr, ast.Import)):
            return None
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            name = ast.unparse(node.target)
            if ast.unparse(node.annotation) == "TypeAlias":
                return Alias(name, _type(node.value))
            raise ValueError(f"{module.name}: cannot tell what {name} is")
        if isinstance(node, ast.Assign):
            name = ast.unparse(node.targets[0])
            value = node.value
            if isinstance(value, ast.Call) and ast.unparse(value.func) == "TypedDict":
                assert isinstance(value.args[1], ast.Dict)
                fields = []
                for key, annotation in zip(value.args[1].keys, value.args[1].values, strict=True):
                    assert isinstance(key, ast.Constant)
                    fields.append(Field(key.value, _type(annotation)))
                total = not any(k.arg == "total" and ast.unparse(k.value) == "False" for k in value.keywords)
                return Params(name, [], total, fields)
            if isinstance(value, ast.Call) and ast.unparse(value.func) == "TypeVar":
                return Variable(name)
            if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
                # `X = module.X`: the module passes on a name of another one.
                target = imported[value.value.id][0]
                module.imports[name] = (target, value.attr)
                return None
            return Alias(name, _type(value))
        raise ValueError(f"{module.name}:{node.lineno}: unexpected {type(node).__name__}")

    def _is_params(self, bases: list[str], imported: dict[str, tuple[str, str]], module: Module) -> bool:
        """Whether a class is a TypedDict, told by its bases."""
        if not _BASES.isdisjoint(bases):
            return "TypedDict" in bases
        here = {item.name: item for item in module.items}
        if bases[0] in here:
            return isinstance(here[bases[0]], Params)
        # From another module, which may not have been read yet.
        return imported[bases[0]][0].endswith(("_param", "_params")) or imported[bases[0]][0].startswith(
            "shared_params."
        )

    def _class(self, node: ast.ClassDef, imported: dict[str, tuple[str, str]], module: Module) -> Item:
        bases = [ast.unparse(base) for base in node.bases]
        own = [_type(base) for base in node.bases if ast.unparse(base) not in _BASES]
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        if self._is_params(bases, imported, module):
            params = Params(node.name, own, keywords.get("total") != "False")
            params.fields = [f for s in node.body if (f := self._field(s)) is not None]
            return params
        model = Model(node.name, own)
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef):
                self._property(model, statement)
            elif isinstance(statement, ast.Assign):
                if ast.unparse(statement.targets[0]) == "__api_exclude__":
                    model.unsent = sorted(ast.literal_eval(statement.value))
            elif isinstance(statement, ast.If):
                for inner in statement.body:
                    found = self._field(inner)
                    if found is not None and found.name == "__pydantic_extra__":
                        extra = ast.parse(found.type, mode="eval").body
                        assert isinstance(extra, ast.Subscript)
                        assert isinstance(extra.slice, ast.Tuple)
                        model.extra = ast.unparse(extra.slice.elts[1])
                    elif found is not None:
                        model.fields.append(found)
            else:
                found = self._field(statement)
                if found is not None:
                    model.fields.append(found)
        return model

    def _property(self, model: Model, node: ast.FunctionDef) -> None:
        if node.name.startswith("__"):
            return
        assert any(ast.unparse(decorator) == "property" for decorator in node.decorator_list)
        assert node.returns is not None
        model.properties.append((node.name, _type(node.returns)))

    def _field(self, node: ast.stmt) -> Field | None:
        if not isinstance(node, ast.AnnAssign):
            return None
        annotation, said = _info(node.annotation)
        found = Field(ast.unparse(node.target), _type(annotation), wire=said.get("alias"), format=said.get("format"))
        value = node.value
        if isinstance(value, ast.Call):
            options = {keyword.arg: keyword.value for keyword in value.keywords}
            if "alias" in options:
                found.wire = ast.literal_eval(options["alias"])
            if "default" in options:
                found.default = ast.unparse(options["default"])
            elif "default_factory" in options:
                found.default = f"{ast.unparse(options['default_factory'])}()"
        elif value is not None:
            found.default = ast.unparse(value)
        return found


def literals(expression: str) -> list[str]:
    """The strings in a type expression: the values of its `Literal`s."""
    found = [n.value for n in ast.walk(ast.parse(expression, mode="eval")) if isinstance(n, ast.Constant)]
    return [value for value in found if isinstance(value, str)]


def _by_hand(tree: ast.Module, name: str) -> Module:
    names = [node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    names += [ast.unparse(node.target) for node in tree.body if isinstance(node, ast.AnnAssign)]
    module = Module(name, items=[ByHand(each) for each in names])
    module.exports = module.public
    return module


def _expressions(item: Item) -> Iterator[str]:
    if isinstance(item, Alias):
        yield item.type
    elif isinstance(item, (Model, Params)):
        yield from item.bases
        yield from (each.type for each in item.fields)
    if isinstance(item, Model):
        yield from (type_ for _, type_ in item.properties)
