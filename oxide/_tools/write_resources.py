"""Writes `oxide/resources/**` from the description."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from .description import Description, Method, Resource
from .helpers import Mixin, mixin_of
from .write_calls import Call, Calls
from .write_connections import Connections
from .write_operations import Operations, in_path, required_sets
from .write_types import HEADER, imports, package_source, spell_module

__all__ = ["ResourcesWriter"]

# What the SDK has in one of the views of a resource only.
_UNVIEWED = {("responses.responses", "parse", "StreamingResponse")}

# The views of a resource: what `with_…` returns, by the part of the names that differs.
_VIEWS = {
    "with_raw_response": ("RawResponse", "raw", "returning the response itself"),
    "with_streaming_response": (
        "StreamingResponse",
        "streamed",
        "as context managers whose response has not been read",
    ),
}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


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
        self.operations = Operations(description)
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
        self.calls = Calls(self.description)
        self.typing = self.calls.imports
        self.operations: list[str] = []
        self.connections = Connections(self.runtime, self.typing, writer.paths)

    def source(self) -> str:
        body: list[str] = []
        for resource in self.resources:
            first = "" if resource is self.resources[0] else resource.name
            calls = {method.name: self.calls.of(first, method) for method in resource.methods}
            mixin = mixin_of(resource)
            for method in resource.methods:
                self._operation(resource, method)
            for prefix in ("", "Async"):
                body += self._class(resource, prefix, calls, mixin)
            for prefix in ("", "Async"):
                for view in _VIEWS if resource.viewed else ():
                    body += self._view(resource, prefix, view, mixin)
            if resource.connection is not None:
                self.connections.channel(resource, "_CONNECT")
                body += self.connections.classes(resource, "_CONNECT")
        names = sorted(prefix + resource.name for resource in self.resources for prefix in ("", "Async"))
        typing = [f"    {line}" for line in [*imports(self.typing), *self.calls.declared]]
        if typing:
            self.runtime["typing"].add("TYPE_CHECKING")
            typing = ["if TYPE_CHECKING:", *typing, ""]
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
                *typing,
                f"__all__ = {names!r}",
                "",
                *self.operations,
                *self.connections.channels,
                *body,
                "",
            ]
        )

    # Names

    def _our(self, name: str) -> str:
        self.runtime["oxide._resource"].add(name)
        return name

    def _constant(self, resource: Resource, method: Method) -> str:
        first = self.resources[0] is resource
        return f"_{'' if first else _snake(resource.name).upper() + '_'}{method.name.upper()}"

    def _operation(self, resource: Resource, method: Method) -> None:
        self._our("Operation")
        source = self.writer.operations.source(resource, method)
        self.operations.append(f"{self._constant(resource, method)} = {source}")

    # Classes

    def _class(
        self, resource: Resource, prefix: str, calls: dict[str, list[Call]], mixin: Mixin | None
    ) -> Iterator[str]:
        base = self._our(f"{prefix or 'Sync'}APIResource")
        if mixin is not None:
            self.runtime[mixin.module].add(f"{prefix}{mixin.name}")
            base = f"{prefix}{mixin.name}, {base}"
        path = self.writer.paths[resource.module, resource.name]
        yield from ("", "", f"class {prefix}{resource.name}({base}):")
        yield f'    """`{path}`{" of an asynchronous client" if prefix else ""}."""'
        for attribute, (module, name) in resource.parts.items():
            yield from self._part(attribute, module, f"{prefix}{name}", "self._client")
        for view, (suffix, _, what) in _VIEWS.items() if resource.viewed else ():
            yield from ("", f"    @{self._our('cached_property')}")
            yield f"    def {view}(self) -> {prefix}{resource.name}With{suffix}:"
            yield f'        """The same methods, {what}."""'
            yield f"        return {prefix}{resource.name}With{suffix}(self)"
        for method in resource.methods:
            # A hand-written method comes first, and calls this one with an underscore.
            hidden = mixin is not None and method.name in mixin.methods
            yield from self._method(resource, method, prefix, calls[method.name], "_" if hidden else "")
        for helper in resource.helpers:
            if helper.name == "connect" and resource.connection is not None:
                yield from self.connections.connect(resource, helper, prefix)

    def _part(self, attribute: str, module: str, name: str, argument: str) -> Iterator[str]:
        where = spell_module(self.here, f"oxide.resources.{module}")
        if where != self.here:
            self.typing[where].add(name)
        yield from ("", f"    @{self._our('cached_property')}", f"    def {attribute}(self) -> {name}:")
        if where != self.here:
            yield from (f"        from {where} import {name}", "")
        yield f"        return {name}({argument})"

    def _method(self, resource: Resource, method: Method, prefix: str, calls: list[Call], hidden: str) -> Iterator[str]:
        name = f"{hidden}{method.name}"
        word = "async def" if prefix and not method.page else "def"
        positional = "".join(f", {name}: {_type_of(method, name)}" for name in method.positional)
        keyword = [name for name in in_path(method) if name not in method.positional]
        if keyword:
            positional += ", *" + "".join(f", {name}: {_type_of(method, name)}" for name in keyword)
        self.typing["typing_extensions"].add("Unpack")
        deprecated = ""
        if method.deprecated and not hidden:
            said = f"{self.writer.paths[resource.module, resource.name]}.{name} is deprecated"
            if method.deprecated != "yes":
                said += f": {method.deprecated}"
            deprecated = f"    @{self._our('deprecated')}({said!r})"
        if len(calls) > 1:
            self.runtime["typing"].add("overload")
            for call in calls:
                returns = _turned(call.returns, prefix)
                yield from ("", "    @overload")
                if deprecated:
                    yield deprecated
                yield f"    {word} {name}(self{positional}, **params: Unpack[{call.params}]) -> {returns}: ..."
            self.typing["typing"].add("Any")
            last = Call("", " | ".join(dict.fromkeys(part for call in calls for part in call.returns.split(" | "))))
            annotation = "Any"
        else:
            last = calls[0]
            annotation = f"Unpack[{last.params}]"
        yield ""
        if deprecated:
            yield deprecated
        yield f"    {word} {name}(self{positional}, **params: {annotation}) -> {_turned(last.returns, prefix)}:"
        yield from self._docstring(resource, method)
        target = "_call_page" if prefix and method.page else "_call"
        wait = "await " if word == "async def" else ""
        values = "".join(f", {name}" for name in in_path(method))
        call_source = f"{wait}self._client.{target}({self._constant(resource, method)}, params{values})"
        yield f"        return {call_source}"

    def _docstring(self, resource: Resource, method: Method) -> Iterator[str]:
        yield f'        """{self._summary(resource, method)}: `{method.verb.upper()} {method.path}`.'
        yield ""
        yield f"        {self._what(method)}"
        yield ""
        if method.deprecated:
            yield "        Deprecated by the API."
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
        required = required_sets(method)
        needs = f"Needs `{'`, `'.join(required[0])}`. " if len(required) == 1 else ""
        if method.always_streams and method.streams:
            return f"{needs}Returns an iterator of `{method.streams.rpartition(':')[2]}`, the events as they arrive."
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

    def _view(self, resource: Resource, prefix: str, view: str, mixin: Mixin | None) -> Iterator[str]:
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
        written = {method.name for method in resource.methods} | set(mixin.methods if mixin else ())
        for method in resource.wrapped:
            if method in written and (resource.module, method, suffix) not in _UNVIEWED:
                yield f"        self.{method} = {self._our(wrapper)}({attribute}.{method})"
        for part, (module, part_name) in resource.parts.items():
            if self.description.resources[module, part_name].viewed:
                yield from self._part(part, module, f"{prefix}{part_name}With{suffix}", f"self._{attribute}.{part}")


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
