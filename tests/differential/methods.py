"""The methods that both SDKs have, found by walking through both clients."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from typing import Any

import openai

import oxide

# Helpers that are more than one request, or none; they have tests of their own.
HELPERS = ("parse", "stream", "connect", "run_tools")
HELPER_ENDINGS = ("_and_poll", "_and_stream", "poll", "upload_and_poll")


class Method:
    """A method.

    Attributes:
        name: such as `"chat.completions.create"`.
        path: names of the path parameters, which come first and positionally.
        parameters: name to type of the keyword parameters, without those that every method has.
        required: names of the keyword parameters that have no default (in the signature with the fewest).
        returns: the annotation of the result, as the synchronous client has it.
        streams: whether there is a `stream` parameter.
    """

    COMMON = ("self", "extra_headers", "extra_query", "extra_body", "timeout")

    def __init__(self, name: str, function: Any) -> None:
        self.name = name
        function = inspect.unwrap(function)
        hints = typing.get_type_hints(function, include_extras=True)
        self.path: list[str] = []
        self.parameters: dict[str, Any] = {}
        self.required: list[str] = []
        for parameter in inspect.signature(function).parameters.values():
            if parameter.name in self.COMMON:
                continue
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
                self.path.append(parameter.name)
                continue
            self.parameters[parameter.name] = hints[parameter.name]
            if parameter.default is parameter.empty:
                self.required.append(parameter.name)
        self.returns = hints["return"]
        self.streams = "stream" in self.parameters
        overloads = REQUIRED_BY_OVERLOADS.get(name)
        if overloads is not None:
            self.required = list(overloads)

    def __repr__(self) -> str:
        return self.name

    def on(self, client: Any) -> Any:
        """The bound method of a client."""
        for part in self.name.split("."):
            client = getattr(client, part)
        return client


# The implementation's signature has defaults for what the overloads require.
REQUIRED_BY_OVERLOADS: dict[str, tuple[str, ...]] = {"chat.completions.create": ("messages", "model")}


def _walk(theirs: Any, ours: Any, prefix: str) -> Iterator[Method]:
    for name in dir(type(theirs)):
        if name.startswith(("_", "with_")) or not hasattr(type(ours), name):
            continue
        value = getattr(theirs, name)
        if type(value).__module__.startswith("openai.resources"):
            yield from _walk(value, getattr(ours, name), f"{prefix}{name}.")
        elif prefix and inspect.ismethod(value) and name not in HELPERS and not name.endswith(HELPER_ENDINGS):
            yield Method(prefix + name, getattr(type(theirs), name))


def _all() -> list[Method]:
    with openai.OpenAI(api_key="x") as theirs, oxide.OpenAI(api_key="x") as ours:
        return list(_walk(theirs, ours, ""))


METHODS = _all()
BY_NAME = {method.name: method for method in METHODS}
