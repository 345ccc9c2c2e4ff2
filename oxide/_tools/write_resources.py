"""Writes `oxide/resources/**` from the description."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from .description import Alias, Description, Method, Params, Resource
from .write_types import HEADER, imports, package_source, spell_module

__all__ = ["ResourcesWriter"]

# What answers that are no type of the API are: the reference for `Operation`, and where the stub finds the name.
_ANSWERS = {
    "text": ("builtins:str", "str", None),
    "any": ("builtins:object", "object", None),
    "bytes": ("oxide._response:HttpxBinaryResponseContent", "HttpxBinaryResponseContent", "oxide._response"),
}
# Objects that stand between the caller's view of an endpoint and its wire format.
_ADAPTERS = {("embeddings", "create"): "oxide.core.embeddings:Embeddings"}

# The views of a resource: what `with_…` returns, by the part of the names that differs.
_VIEWS = {
    "with_raw_response": ("RawResponse", "raw", "returning the response itself"),
    "with_streaming_response": (
        "StreamingResponse",
        "streamed",
        "as context managers whose response has not been read",
    ),
}


@dataclass
class _Call:
    """One way to call a method, as the stub declares it."""

    params: str
    returns: str


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _singular(noun: str) -> str:
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    return noun[:-2] if noun.endswith("sses") else noun.removesuffix("s")


class ResourcesWriter:
    """Writes resources as source text, unformatted.

    Args:
        description: what there is.
    """

    def __init__(self, description: Description) -> None:
        self.description = description
        self.header = HEADER.format(version=description.version)
        self.paths = dict(self._paths(description.client, "client"))

    def _paths(self, parts: dict[str, tuple[str, str]], prefix: str) -> Iterator[tuple[tuple[str, str], str]]:
        """How a user writes each resource: `client.chat.completions`."""
        for attribute, key in parts.items():
            yield key, f"{prefix}.{attribute}"
            yield from self._paths(self.description.resources[key].parts, f"{prefix}.{attribute}")

    def files(self) -> Iterator[tuple[str, str]]:
        """Paths below `resources/` and what is in them."""
        modules: dict[str, list[Resource]] = defaultdict(list)
        for resource in self.description.resources.values():
            modules[resource.module].append(resource)
        for module, resources in modules.items():
            yield f"{module.replace('.', '/')}.py", _Module(self, module, resources).source()
        for package in self.description.resource_packages.values():
            path = package.name.replace(".", "/")
            yield f"{path}/__init__.py".lstrip("/"), package_source(package, self.header)
        yield "_attach.py", self._attach()

    def _attach(self) -> str:
        """The bases of the clients: one property for each resource at the top."""
        typing: dict[str, set[str]] = defaultdict(set)
        typing["oxide._client"] |= {"AsyncOpenAI", "OpenAI"}
        body: list[str] = []
        for prefix, word in (("", "Sync"), ("Async", "Async")):
            client = f"{prefix}OpenAI"
            body += [
                "",
                "",
                f"class {word}Resources:",
                f'    """The resources of `{client}`, each made when it is first used."""',
            ]
            for attribute, (module, name) in self.description.client.items():
                body += self._property(
                    typing, attribute, module, f"{prefix}{name}", "self", "  # type: ignore[arg-type]"
                )
            for view, (suffix, _, what) in _VIEWS.items():
                body += ["", "", f"class {word}ResourcesWith{suffix}:"]
                body += [f'    """`{client}.{view}`: the same resources, their methods {what}."""', ""]
                body += [f"    def __init__(self, client: {client}) -> None:", "        self._client = client"]
                for attribute, (module, name) in self.description.client.items():
                    body += self._property(
                        typing, attribute, module, f"{prefix}{name}With{suffix}", f"self._client.{attribute}"
                    )
        names = [line.removeprefix("class ").rstrip(":") for line in body if line.startswith("class ")]
        head = [self.header, "", "from __future__ import annotations", "", "from typing import TYPE_CHECKING", ""]
        head += ["from oxide._resource import cached_property", "", "if TYPE_CHECKING:"]
        head += [f"    {line}" for line in imports(typing)]
        return "\n".join([*head, "", f"__all__ = {sorted(names)!r}", *body, ""])

    def _property(
        self, typing: dict[str, set[str]], attribute: str, module: str, name: str, argument: str, remark: str = ""
    ) -> list[str]:
        where = spell_module("oxide.resources._attach", f"oxide.resources.{module}")
        typing[where].add(name)
        return [
            "",
            "    @cached_property",
            f"    def {attribute}(self) -> {name}:",
            f"        from {where} import {name}",
            "",
            f"        return {name}({argument}){remark}",
        ]


class _Module:
    """One module of resources."""

    def __init__(self, writer: ResourcesWriter, module: str, resources: list[Resource]) -> None:
        self.writer = writer
        self.description = writer.description
        self.module = module
        self.here = f"oxide.resources.{module}"
        self.resources = resources
        self.runtime: dict[str, set[str]] = defaultdict(set)
        self.typing: dict[str, set[str]] = defaultdict(set)
        self.operations: list[str] = []
        self.declared: list[str] = []

    def source(self) -> str:
        body: list[str] = []
        for resource in self.resources:
            calls = {method.name: self._calls(resource, method) for method in resource.methods}
            for method in resource.methods:
                self._operation(resource, method)
            for prefix in ("", "Async"):
                body += self._class(resource, prefix, calls)
            for prefix in ("", "Async"):
                for view in _VIEWS:
                    body += self._view(resource, prefix, view)
        self.runtime["typing"].add("TYPE_CHECKING")
        names = sorted(prefix + resource.name for resource in self.resources for prefix in ("", "Async"))
        return "\n".join(
            [
                self.writer.header,
                "# `_call` returns what the operation says: no type checker can know.",
                '# mypy: disable-error-code="no-any-return"',
                "",
                "from __future__ import annotations",
                "",
                *imports(self.runtime),
                "",
                "if TYPE_CHECKING:",
                *(f"    {line}" for line in list(imports(self.typing)) or ["pass"]),
                *(f"    {line}" for line in self.declared),
                "",
                f"__all__ = {names!r}",
                "",
                *self.operations,
                *body,
                "",
            ]
        )

    # Names

    def _use(self, reference: str) -> str:
        """A type's name in a stub, imported for type checkers."""
        if reference == "none":
            return "None"
        if reference in _ANSWERS:
            _, name, module = _ANSWERS[reference]
            if module:
                self.typing[module].add(name)
            return name
        module, _, name = reference.partition(":")
        self.typing[f"oxide.types.{module}"].add(name)
        return name

    def _our(self, name: str) -> str:
        self.runtime["oxide._resource"].add(name)
        return name

    def _constant(self, resource: Resource, method: Method) -> str:
        first = self.resources[0] is resource
        return f"_{'' if first else _snake(resource.name).upper() + '_'}{method.name.upper()}"

    # Parameters

    def _params_of(self, reference: str) -> list[tuple[str, Params]]:
        """The TypedDicts behind a reference, which may be a union of them: module and definition."""
        module_name, _, name = reference.partition(":")
        module = self.description.modules[module_name]
        item = next((item for item in module.items if item.name == name), None)
        if isinstance(item, Params):
            return [(module_name, item)]
        if isinstance(item, Alias):
            names = [n.id for n in ast.walk(ast.parse(item.type)) if isinstance(n, ast.Name) and n.id != "Union"]
            found = []
            for each in names:
                target = module.imports.get(each, (module_name, each))
                found += self._params_of(":".join(target))
            return found
        raise ValueError(f"{reference} is not a TypedDict")

    def _declare(self, resource: Resource, method: Method, suffix: str, base: str | None, *keys: str) -> str:
        """Declares the keyword arguments of one way to call a method, for type checkers."""
        name = f"_{'' if self.resources[0] is resource else resource.name}{_camel(method.name)}{suffix}"
        self.typing["oxide._resource"].add("CallOptions")
        bases = [base, "CallOptions"] if base else ["CallOptions"]
        self.declared += ["", f"class {name}({', '.join(bases)}, total=False):"]
        self.declared += [f"    {key}" for key in keys] or ["    pass"]
        return name

    def _calls(self, resource: Resource, method: Method) -> list[_Call]:
        """The ways to call a method. The types of asynchronous ones differ only in their names."""
        plain = self._answer(method)
        candidates = list({name: item for ref in method.params for name, item in self._qualified(ref)}.items())
        if not method.overloads:
            if not candidates:
                self.typing["oxide._resource"].add("CallOptions")
                return [_Call("CallOptions", plain)]
            if len(candidates) > 1:
                raise ValueError(f"{resource.module}.{method.name}: one way to call it, several TypedDicts")
            return [_Call(self._declare(resource, method, "", self._use(candidates[0][0])), plain)]
        if method.streams and len(candidates) == 2:
            return self._streaming_calls(resource, method, candidates, plain)
        if len(candidates) == len(method.overloads):
            return [
                _Call(self._declare(resource, method, str(index), self._use(reference)), plain)
                for index, (reference, _) in enumerate(candidates)
            ]
        raise ValueError(f"{resource.module}.{method.name}: cannot match overloads and TypedDicts")

    def _qualified(self, reference: str) -> Iterator[tuple[str, Params]]:
        for module, item in self._params_of(reference):
            yield f"{module}:{item.name}", item

    def _streaming_calls(
        self, resource: Resource, method: Method, candidates: list[tuple[str, Params]], plain: str
    ) -> list[_Call]:
        (waiting, item), (streaming, _) = candidates
        module = waiting.partition(":")[0]
        stream = f"Stream[{self._use(method.streams or '')}]"
        self.typing["oxide.streaming"] |= {"Stream", "AsyncStream"}
        self.typing["typing_extensions"].add("Required")
        base = self._use(f"{module}:{item.bases[0]}")
        return [
            _Call(self._declare(resource, method, "", self._use(waiting)), plain),
            _Call(self._declare(resource, method, "Streaming", self._use(streaming)), stream),
            # Not known until it runs: what both have, and a flag.
            _Call(self._declare(resource, method, "Either", base, "stream: Required[bool]"), f"{plain} | {stream}"),
        ]

    def _answer(self, method: Method) -> str:
        answer = self._use(method.answers)
        if method.page:
            self.typing["oxide.pagination"] |= {f"Sync{method.page}", f"Async{method.page}", "AsyncPaginator"}
            return f"Sync{method.page}[{answer}]"
        if method.always_streams:
            self.typing["oxide.streaming"] |= {"Stream", "AsyncStream"}
            return f"Stream[{self._use(method.streams or '')}]"
        return answer

    # Operations

    def _operation(self, resource: Resource, method: Method) -> None:
        self._our("Operation")
        places: dict[str, list[str]] = defaultdict(list)
        for parameter in method.parameters:
            places[parameter.place].append(parameter.name)
        aliases = {p.name: p.wire for p in method.parameters if p.wire and p.place in {"body", "query"}}
        headers = {p.name: p.wire for p in method.parameters if p.place == "header"}
        arguments = [repr(method.verb.upper()), repr(method.path)]
        arguments += [f"{place}={tuple(places[place])!r}" for place in ("body", "query") if places[place]]
        if headers:
            arguments.append(f"headers={headers!r}")
        if aliases:
            arguments.append(f"aliases={aliases!r}")
        if places["path"]:
            arguments.append(f"path_params={_in_path(method)!r}")
        required = self._required(method)
        if required:
            arguments.append(f"required={required!r}")
        arguments += self._results(method)
        if method.security != ["bearer_auth"]:
            arguments.append(f"security={tuple(method.security)!r}")
        if method.uploads:
            arguments.append("multipart=True")
        if method.adapts:
            arguments.append(f"adapt={_ADAPTERS[resource.module, method.name]!r}")
        sends = {name: value for name, value in method.sends.items() if name not in {"Accept", "Content-Type"}}
        if "Accept" in method.sends:
            arguments.append(f"accepts={method.sends['Accept']!r}")
        if sends:
            arguments.append(f"sends={sends!r}")
        self.operations.append(f"{self._constant(resource, method)} = Operation({', '.join(arguments)})")

    def _results(self, method: Method) -> Iterator[str]:
        if method.answers in _ANSWERS:
            yield f"response={_ANSWERS[method.answers][0]!r}"
        elif method.answers != "none":
            yield f"response={'oxide.types.' + method.answers!r}"
        if method.streams:
            yield f"stream={'oxide.types.' + method.streams!r}"
        if method.page:
            yield f"page={method.page!r}"
            if method.verb != "get":
                yield "page_via='body'"

    def _required(self, method: Method) -> tuple[tuple[str, ...], ...]:
        """The sets of which one has to be there; a set that contains another one adds nothing."""
        paths = set(_in_path(method))
        sets = method.requires or [[p.name for p in method.parameters if p.default is None]]
        kept = [tuple(name for name in names if name not in paths) for names in sets]
        return tuple(names for names in kept if names and not any(set(other) < set(names) for other in kept))

    # Classes

    def _class(self, resource: Resource, prefix: str, calls: dict[str, list[_Call]]) -> Iterator[str]:
        base = self._our(f"{prefix or 'Sync'}APIResource")
        path = self.writer.paths[resource.module, resource.name]
        yield from ("", "", f"class {prefix}{resource.name}({base}):")
        yield f'    """`{path}`{" of an asynchronous client" if prefix else ""}."""'
        for attribute, (module, name) in resource.parts.items():
            yield from self._part(attribute, module, f"{prefix}{name}", "self._client")
        for view, (suffix, _, what) in _VIEWS.items():
            yield from ("", f"    @{self._our('cached_property')}")
            yield f"    def {view}(self) -> {prefix}{resource.name}With{suffix}:"
            yield f'        """The same methods, {what}."""'
            yield f"        return {prefix}{resource.name}With{suffix}(self)"
        for method in resource.methods:
            yield from self._method(resource, method, prefix, calls[method.name])

    def _part(self, attribute: str, module: str, name: str, argument: str) -> Iterator[str]:
        where = spell_module(self.here, f"oxide.resources.{module}")
        if where != self.here:
            self.typing[where].add(name)
        yield from ("", f"    @{self._our('cached_property')}", f"    def {attribute}(self) -> {name}:")
        if where != self.here:
            yield from (f"        from {where} import {name}", "")
        yield f"        return {name}({argument})"

    def _method(self, resource: Resource, method: Method, prefix: str, calls: list[_Call]) -> Iterator[str]:
        word = "async def" if prefix and not method.page else "def"
        positional = "".join(f", {name}: {_type_of(method, name)}" for name in method.positional)
        keyword = [name for name in _in_path(method) if name not in method.positional]
        if keyword:
            positional += ", *" + "".join(f", {name}: {_type_of(method, name)}" for name in keyword)
        self.typing["typing_extensions"].add("Unpack")
        if len(calls) > 1:
            self.runtime["typing"].add("overload")
            for call in calls:
                returns = _turned(call.returns, prefix)
                yield from ("", "    @overload")
                yield f"    {word} {method.name}(self{positional}, **params: Unpack[{call.params}]) -> {returns}: ..."
            self.typing["typing"].add("Any")
            last = _Call("", " | ".join(dict.fromkeys(part for call in calls for part in call.returns.split(" | "))))
            annotation = "Any"
        else:
            last = calls[0]
            annotation = f"Unpack[{last.params}]"
        yield ""
        yield f"    {word} {method.name}(self{positional}, **params: {annotation}) -> {_turned(last.returns, prefix)}:"
        yield from self._docstring(resource, method)
        target = "_call_page" if prefix and method.page else "_call"
        wait = "await " if word == "async def" else ""
        values = "".join(f", {name}" for name in _in_path(method))
        call_source = f"{wait}self._client.{target}({self._constant(resource, method)}, params{values})"
        yield f"        return {call_source}"

    def _docstring(self, resource: Resource, method: Method) -> Iterator[str]:
        yield f'        """{self._summary(resource, method)}: `{method.verb.upper()} {method.path}`.'
        yield ""
        yield f"        {self._what(method)}"
        yield ""
        yield "        Raises:"
        yield "            TypeError: a parameter is unknown or missing."
        if method.positional:
            yield "            ValueError: a part of the path is empty."
        yield "            APIStatusError: the server refused, after any retries."
        yield "            APIConnectionError: no answer came; `APITimeoutError` if it took too long."
        yield '        """'

    def _summary(self, resource: Resource, method: Method) -> str:
        parts = resource.module.split(".")
        parts = [part for index, part in enumerate(parts) if part not in parts[:index]]
        owner = " ".join(_singular(part).replace("_", " ") for part in parts[:-1])
        noun = parts[-1].replace("_", " ")
        many = bool(method.page) or method.name == "count"
        noun = f"{owner} {noun if many else _singular(noun)}".strip()
        words = method.name.replace("_", " ").capitalize()
        article = "" if many else "an " if noun[0] in "aeio" else "a "
        return f"{words} {article}{noun}"

    def _what(self, method: Method) -> str:
        required = self._required(method)
        needs = f"Needs `{'`, `'.join(required[0])}`. " if len(required) == 1 else ""
        if method.answers == "none" and not method.streams:
            return f"{needs}Returns nothing."
        answer = method.answers.rpartition(":")[2]
        if method.page:
            return f"{needs}Returns a page of `{answer}`; iterating over it goes on to the pages after it."
        text = f"{needs}Returns `{answer}`"
        if method.streams:
            event = method.streams.rpartition(":")[2]
            text += f"; with `stream=True` an iterator of `{event}`, the events as they arrive"
        return text + "."

    def _view(self, resource: Resource, prefix: str, view: str) -> Iterator[str]:
        suffix, word, what = _VIEWS[view]
        name = f"{prefix}{resource.name}"
        attribute = _snake(resource.name)
        wrapper = f"{'async_' if prefix else ''}to_{word}_response_wrapper"
        yield from ("", "", f"class {name}With{suffix}:")
        yield f'    """The methods of `{name}`, {what}."""'
        yield from (
            "",
            f"    def __init__(self, {attribute}: {name}) -> None:",
            f"        self._{attribute} = {attribute}",
        )
        for method in resource.methods:
            if method.name in resource.wrapped:
                yield f"        self.{method.name} = {self._our(wrapper)}({attribute}.{method.name})"
        for part, (module, part_name) in resource.parts.items():
            yield from self._part(part, module, f"{prefix}{part_name}With{suffix}", f"self._{attribute}.{part}")


def _in_path(method: Method) -> tuple[str, ...]:
    """The parameters in the path, in its order."""
    return tuple(part.partition("}")[0] for part in method.path.split("{")[1:])


def _type_of(method: Method, name: str) -> str:
    return next(parameter.type for parameter in method.parameters if parameter.name == name)


def _turned(returns: str, prefix: str) -> str:
    """A return type as the synchronous or the asynchronous method has it."""
    if not prefix:
        return returns
    page = re.fullmatch(r"Sync(\w+)\[(.*)\]", returns)
    if page:
        return f"AsyncPaginator[{page[2]}, Async{page[1]}[{page[2]}]]"
    return re.sub(r"\bStream\[", "AsyncStream[", returns)
