"""Every method of the official SDK, found by walking through its client. oxide has to have them all."""

from __future__ import annotations

import inspect
import typing
import warnings
from collections.abc import Iterator
from typing import Any

import openai

_SEVERAL = "more than one request, each of them a method's: tests/helpers"
_SOCKET = "opens a WebSocket, and makes no request that a recorder could answer"
_PARSES = "wraps the request of another method: sends it with a schema, and parses what comes"
_NO_REQUEST = "makes no request: tests/helpers"

# The methods that are not one request, and so not compared here, each with the reason.
ELSEWHERE: dict[str, str] = {
    "beta.agents.environments.files.prepare": _SEVERAL,
    "beta.agents.environments.files.prepare_directory": _SEVERAL,
    "beta.agents.environments.files.upload": _SEVERAL,
    "beta.agents.sessions.artifacts.for_result": _NO_REQUEST,
    "beta.agents.sessions.stream": _PARSES,
    "beta.chat.completions.parse": _PARSES,
    "beta.chat.completions.stream": _PARSES,
    "beta.realtime.connect": _SOCKET,
    "beta.responses.connect": _SOCKET,
    "beta.threads.create_and_run_poll": _SEVERAL,
    "beta.threads.create_and_run_stream": _PARSES,
    "beta.threads.runs.create_and_poll": _SEVERAL,
    "beta.threads.runs.create_and_stream": _PARSES,
    "beta.threads.runs.poll": _SEVERAL,
    "beta.threads.runs.stream": _PARSES,
    "beta.threads.runs.submit_tool_outputs_and_poll": _SEVERAL,
    "beta.threads.runs.submit_tool_outputs_stream": _PARSES,
    "chat.completions.parse": _PARSES,
    "chat.completions.stream": _PARSES,
    "files.wait_for_processing": _SEVERAL,
    "live.connect": _SOCKET,
    "live.forks.connect": _SOCKET,
    "live.sideband.connect": _SOCKET,
    "realtime.connect": _SOCKET,
    "realtime.translations.connect": _SOCKET,
    "responses.connect": _SOCKET,
    "responses.parse": _PARSES,
    "responses.stream": _PARSES,
    "uploads.upload_file_chunked": _SEVERAL,
    "vector_stores.file_batches.create_and_poll": _SEVERAL,
    "vector_stores.file_batches.poll": _SEVERAL,
    "vector_stores.file_batches.upload_and_poll": _SEVERAL,
    "vector_stores.files.create_and_poll": _SEVERAL,
    "vector_stores.files.poll": _SEVERAL,
    "vector_stores.files.upload": _SEVERAL,
    "vector_stores.files.upload_and_poll": _SEVERAL,
    "videos.create_and_poll": _SEVERAL,
    "videos.poll": _SEVERAL,
    "webhooks.unwrap": _NO_REQUEST,
    "webhooks.verify_signature": _NO_REQUEST,
}


# Parameters that only the official SDK has, each with the reason.
ONLY_THEIRS: dict[tuple[str, str], str] = {
    ("beta.agents.sessions.create", "output_type"): "does not travel: a class that a turn's text is parsed to",
    ("beta.agents.sessions.create", "tool_handlers"): "does not travel: functions that are called with a turn's events",
}

# Parameters that travel as header fields, in which there is no null.
HEADERS = ("betas", "idempotency_key")


class Method:
    """A method that makes one request.

    Attributes:
        name: such as `"chat.completions.create"`.
        path: names of the path parameters, which come first and positionally.
        parameters: name to type of the keyword parameters, without those that every method has.
        required: names of the keyword parameters that have to be there (in the signature with the fewest).
        returns: the annotation of the result, as the synchronous client has it.
        streams: whether there is a `stream` parameter.
    """

    COMMON = ("self", "extra_headers", "extra_query", "extra_body", "timeout")

    def __init__(self, name: str, function: Any) -> None:
        self.name = name
        overloads = _required_by_overloads(function)
        function = inspect.unwrap(function)
        hints = typing.get_type_hints(function, include_extras=True)
        self.path: list[str] = []
        self.parameters: dict[str, Any] = {}
        required: list[str] = []
        for parameter in inspect.signature(function).parameters.values():
            if parameter.name in self.COMMON or (name, parameter.name) in ONLY_THEIRS:
                continue
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
                self.path.append(parameter.name)
                continue
            self.parameters[parameter.name] = hints[parameter.name]
            if parameter.default is parameter.empty:
                required.append(parameter.name)
        self.required = required if overloads is None else [name for name in overloads if name not in self.path]
        self.returns = hints["return"]
        self.streams = "stream" in self.parameters

    def __repr__(self) -> str:
        return self.name

    def on(self, client: Any, view: str | None = None) -> Any:
        """The bound method of a client, or of the resource's view (`"with_raw_response"`)."""
        *parts, name = self.name.split(".")
        for part in parts:
            client = getattr(client, part)
        return getattr(getattr(client, view) if view else client, name)


def _required_by_overloads(function: Any) -> list[str] | None:
    """What the overload with the fewest parameters requires, where the implementation's signature has defaults for that.

    `typing.get_overloads` is not there on Python 3.10; the decorator that checks for them keeps the names in its closure.
    """
    while function is not None:
        if inspect.isfunction(function) and "variants" in function.__code__.co_freevars:
            variants = inspect.getclosurevars(function).nonlocals["variants"]
            return min(map(list, variants), key=len)
        function = getattr(function, "__wrapped__", None)
    return None


def _walk(theirs: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name in dir(type(theirs)):
        if name.startswith(("_", "with_")):
            continue
        value = getattr(theirs, name)
        if type(value).__module__.startswith("openai.resources"):
            yield from _walk(value, f"{prefix}{name}.")
        elif prefix and inspect.ismethod(value):
            yield prefix + name, getattr(type(theirs), name)


def _all() -> dict[str, Any]:
    with warnings.catch_warnings(), openai.OpenAI(api_key="x") as theirs:
        warnings.simplefilter("ignore", DeprecationWarning)
        return dict(_walk(theirs, ""))


NAMES = _all()
METHODS = [Method(name, function) for name, function in NAMES.items() if name not in ELSEWHERE]
BY_NAME = {method.name: method for method in METHODS}
