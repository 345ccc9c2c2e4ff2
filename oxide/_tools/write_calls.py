"""Writes how a method is called, as type checkers see it: the TypedDicts of its keywords, and what comes back."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from .description import VOCABULARY, Description, Field, Method, Overload, Parameter, Params
from .write_operations import ANSWERS, in_path, params_of
from .write_types import places_of, respell

__all__ = ["Call", "Calls"]


@dataclass
class Call:
    """One way to call a method, as the stub declares it: the name of its keywords' TypedDict, and the type it returns."""

    params: str
    returns: str


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


class Calls:
    """Writes the calls of the methods of one module.

    Args:
        description: what there is.

    Attributes:
        imports: what the stubs need: module to names.
        declared: the lines of the TypedDicts.
    """

    def __init__(self, description: Description) -> None:
        self.description = description
        self.imports: dict[str, set[str]] = defaultdict(set)
        self.declared: list[str] = []

    def use(self, reference: str) -> str:
        """A type's name in a stub, imported."""
        if reference == "none":
            return "None"
        if reference in ANSWERS:
            _, name, module = ANSWERS[reference]
            if module:
                self.imports[module].add(name)
            return name
        module, _, name = reference.partition(":")
        self.imports[f"oxide.types.{module}"].add(name)
        return name

    def of(self, prefix: str, method: Method) -> list[Call]:
        """The ways to call a method. The types of asynchronous ones differ only in their names.

        Args:
            prefix: what the names of the TypedDicts begin with, beside the method's name.

        Raises:
            ValueError: the overloads can't be expressed by the method's TypedDicts.
        """
        name = f"_{prefix}{_camel(method.name)}"
        plain = self._answer(method)
        candidates = list({item: None for ref in method.params for item in self._qualified(ref)})
        if method.chooses:
            return self._choosing(name, method, candidates)
        if not method.overloads:
            return [Call(self._only(name, method, candidates), plain)]
        if method.streams and len(candidates) == 2:
            return self._streaming(name, method, candidates, plain)
        if len(candidates) == len(method.overloads):
            return [
                Call(self._declare(f"{name}{index}", method, reference), plain)
                for index, reference in enumerate(candidates)
            ]
        raise ValueError(f"{method.path}: cannot match overloads and TypedDicts")

    def _qualified(self, reference: str) -> Iterator[str]:
        for module, item in params_of(self.description, reference):
            yield f"{module}:{item.name}"

    def _declare(self, name: str, method: Method, base: str | None, *keys: str) -> str:
        """Declares the keyword arguments of one way to call a method: those of the TypedDict `base`, and `keys`."""
        self.imports["oxide._resource"].add("CallOptions")
        bases = ["CallOptions"]
        if base is not None:
            module, item = params_of(self.description, base)[0]
            fields = self._fields(module, item)
            paths = set(in_path(method))
            if paths.isdisjoint(fields):
                bases.insert(0, self.use(base))
            else:
                # What is a parameter of its own must not be a keyword again, and no TypedDict can do without a key.
                inherited = {key: each for key, each in fields.items() if key not in paths}
                keys = (*(self._copied(name, *each) for each in inherited.values()), *keys)
        self.declared += ["", f"class {name}({', '.join(bases)}, total=False):"]
        self.declared += [f"    {key}" for key in keys] or ["    pass"]
        return name

    def _fields(self, module: str, item: Params) -> dict[str, tuple[str, Params, Field]]:
        """The keys of a TypedDict, those of its bases first, and where each is declared."""
        found: dict[str, tuple[str, Params, Field]] = {}
        for base in item.bases:
            source, name = self.description.modules[module].imports.get(base, (module, base))
            for each in params_of(self.description, f"{source}:{name}"):
                found |= self._fields(*each)
        return found | {each.name: (module, item, each) for each in item.fields}

    def _copied(self, name: str, module: str, item: Params, each: Field) -> str:
        """The line of a key as it is in another TypedDict."""
        if item.total and not each.type.startswith(("Required[", "NotRequired[")):
            raise ValueError(f"{name}: {each.name} is required without saying so")
        imports = self.description.modules[module].imports
        for node in ast.walk(ast.parse(each.type, mode="eval")):
            if isinstance(node, ast.Name):
                if node.id in VOCABULARY:
                    for place in places_of(node.id):
                        self.imports[place].add(node.id)
                else:
                    self.use(":".join(imports.get(node.id, (module, node.id))))
        return f"{each.name}: {respell(each.type)}"

    def _only(self, name: str, method: Method, candidates: list[str]) -> str:
        """The keywords of a method that is called in one way."""
        if len(candidates) > 1:
            raise ValueError(f"{method.path}: one way to call it, several TypedDicts")
        if candidates:
            return self._declare(name, method, candidates[0])
        own = [parameter for parameter in method.parameters if parameter.place in {"body", "query", "header"}]
        if own:
            return self._declare(name, method, None, *(self._key(parameter) for parameter in own))
        self.imports["oxide._resource"].add("CallOptions")
        return "CallOptions"

    def _key(self, parameter: Parameter, type_: str | None = None) -> str:
        """The line of one keyword, its type made of what needs no import from the API's types."""
        type_ = type_ or parameter.type
        for node in ast.walk(ast.parse(type_, mode="eval")):
            if isinstance(node, ast.Name):
                if node.id not in VOCABULARY:
                    raise ValueError(f"cannot tell what {node.id} is in the type of {parameter.name}")
                for place in places_of(node.id):
                    self.imports[place].add(node.id)
        if parameter.default is None:
            self.imports["typing_extensions"].add("Required")
            return f"{parameter.name}: Required[{type_}]"
        return f"{parameter.name}: {type_}"

    def _streaming(self, name: str, method: Method, candidates: list[str], plain: str) -> list[Call]:
        waiting, streaming = candidates
        stream = self._stream(method)
        return [
            Call(self._declare(name, method, waiting), plain),
            Call(self._declare(f"{name}Streaming", method, streaming), stream),
            Call(self._either(name, method, waiting), f"{plain} | {stream}"),
        ]

    def _either(self, name: str, method: Method, waiting: str, *keys: str) -> str:
        """The keywords where it isn't known until it runs whether it streams: what both have, and a flag."""
        self.imports["typing_extensions"].add("Required")
        module = waiting.partition(":")[0]
        item = params_of(self.description, waiting)[0][1]
        return self._declare(f"{name}Either", method, f"{module}:{item.bases[0]}", "stream: Required[bool]", *keys)

    def _choosing(self, name: str, method: Method, candidates: list[str]) -> list[Call]:
        """What comes back depends on a parameter: one call for each overload."""
        references = [method.answers, *method.choices.values()]
        returns = {reference.rpartition(":")[2]: self.use(reference) for reference in references}
        returns |= {"str": "str"}
        if method.streams:
            returns[f"Stream[{method.streams.rpartition(':')[2]}]"] = self._stream(method)
        calls = []
        for index, overload in enumerate(method.overloads):
            parts = [returns[part] for part in overload.returns.split(" | ")]
            params = self._chosen(f"{name}{index or ''}", method, overload, candidates)
            calls.append(Call(params, " | ".join(parts)))
        return calls

    def _chosen(self, name: str, method: Method, overload: Overload, candidates: list[str]) -> str:
        flags = {parameter.name: parameter for parameter in overload.parameters}
        stream, chosen = flags.get("stream"), flags.get(method.chooses or "")
        # A type checker wants to be told that this narrows what the TypedDict allows.
        keys = [f"{self._key(chosen)}  # type: ignore[misc]"] if chosen else []
        if stream is not None and stream.type == "bool":
            return self._either(name, method, candidates[0], *keys)
        streams = stream is not None and "True" in stream.type
        return self._declare(name, method, candidates[1 if streams else 0], *keys)

    def _stream(self, method: Method) -> str:
        self.imports["oxide.streaming"] |= {"Stream", "AsyncStream"}
        return f"Stream[{self.use(method.streams or '')}]"

    def _answer(self, method: Method) -> str:
        answer = self.use(method.answers)
        if method.page:
            self.imports["oxide.pagination"] |= {f"Sync{method.page}", f"Async{method.page}", "AsyncPaginator"}
            return f"Sync{method.page}[{answer}]"
        return self._stream(method) if method.always_streams else answer
