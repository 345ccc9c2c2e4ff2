"""The generated methods against the official SDK's: signatures, what they return, and the request that each makes.

Every function returns what differs, in words.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import warnings
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from types import SimpleNamespace, UnionType
from typing import Any, Union, get_args, get_origin

import httpx2
import openai
import typing_extensions
from openai._base_client import AsyncPaginator
from openai._resource import AsyncAPIResource, SyncAPIResource

from ..core.operation import BODY, HEADER, QUERY, Operation
from .compare import both, hints, shape, unequal
from .description import Description, Method, Resource
from .helpers import mixin_of

__all__ = [
    "compare_deprecation",
    "compare_parameters",
    "compare_params_of",
    "compare_request",
    "compare_resource",
    "compare_result",
    "compare_views",
    "missing_helpers",
    "operation_of",
    "resource_at",
]

_OPTIONS = {"extra_headers", "extra_query", "extra_body", "timeout"}
_VIEWS = {"with_raw_response": "WithRawResponse", "with_streaming_response": "WithStreamingResponse"}


def operation_of(description: Description, resource: Resource, method: Method) -> Operation:
    """The operation of one of our methods."""
    module = importlib.import_module(f"oxide.resources.{resource.module}")
    first = next(name for where, name in description.resources if where == resource.module)
    prefix = "" if resource.name == first else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", resource.name).upper() + "_"
    return vars(module)[f"_{prefix}{method.name.upper()}"]


def resource_at(description: Description, client: Any, key: tuple[str, str]) -> Any:
    """The resource of a client, found by walking the attributes."""

    def walk(parts: dict[str, tuple[str, str]], thing: Any) -> Any:
        for attribute, target in parts.items():
            found = getattr(thing, attribute)
            if target == key:
                return found
            deeper = walk(description.resources[target].parts, found)
            if deeper is not None:
                return deeper
        return None

    return walk(description.client, client)


def missing_helpers(resource: Resource) -> list[str]:
    """The methods beyond one request that nobody has written."""
    mixin = mixin_of(resource)
    written = {*(mixin.methods if mixin else ()), *(["connect"] if resource.connection else ())}
    return [helper.name for helper in resource.helpers if helper.name not in written]


def compare_deprecation(resource: Resource, name: str) -> Iterator[str]:
    """Is the method deprecated where the official one is, and on both sides?"""
    for prefix in ("", "Async"):
        theirs, ours = (
            getattr(
                getattr(importlib.import_module(f"{package}.resources.{resource.module}"), prefix + resource.name), name
            )
            for package in ("openai", "oxide")
        )
        yield from unequal(
            f"{prefix}{resource.name}.{name} deprecated",
            hasattr(theirs, "__deprecated__"),
            hasattr(ours, "__deprecated__"),
        )


def _label(resource: Resource, method: Method) -> str:
    return f"{resource.module}.{method.name}:"


def _official_parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    parameters = dict(inspect.signature(inspect.unwrap(function)).parameters)
    return {name: each for name, each in parameters.items() if name != "self" and name not in _OPTIONS}


def _own(operation: Operation) -> set[str]:
    """A method's own parameters, without the options and those in the path."""
    return {name for name, (place, _) in operation.places.items() if place in (BODY, QUERY, HEADER)}


def _others(method: Method) -> set[str]:
    """Parameters that a hand-written method in front of the generated one takes."""
    return {parameter.name for parameter in method.parameters if parameter.place == "other"}


def compare_resource(resource: Resource) -> Iterator[str]:
    """Has it the same methods and parts, and do the same ones have to be awaited? A mixin may have methods of our own beside."""
    helpers = set(missing_helpers(resource))
    mixin = mixin_of(resource)
    for prefix in ("", "Async"):
        official, ours = both(resource.module, prefix + resource.name, "resources")
        base = AsyncAPIResource if prefix else SyncAPIResource
        expected = {name for name in dir(official) if name[0] != "_" and not hasattr(base, name)} - helpers
        own = set(mixin.methods if mixin is not None else ()) - expected
        yield from unequal(f"{resource.module}.{ours.__name__}:", expected, {n for n in dir(ours) if n[0] != "_"} - own)
        for name in sorted(expected & set(dir(ours))):
            theirs, mine = inspect.getattr_static(official, name), inspect.getattr_static(ours, name)
            label = f"{resource.module}.{ours.__name__}.{name}"
            yield from unequal(f"{label} is a property", _is_property(theirs), _is_property(mine))
            waits = inspect.iscoroutinefunction(inspect.unwrap(theirs)) if callable(theirs) else False
            yield from unequal(f"{label} has to be awaited", waits, inspect.iscoroutinefunction(mine))


def _is_property(thing: Any) -> bool:
    return isinstance(thing, (cached_property, property))


@cache
def _official_client(prefix: str) -> Any:
    return getattr(openai, f"{prefix}OpenAI")(api_key="sk-test", admin_api_key="sk-admin")


def compare_views(description: Description, resource: Resource) -> Iterator[str]:
    """Have `with_raw_response` and `with_streaming_response` the same methods, and at least the same parts?"""
    if not resource.viewed:
        return
    helpers = set(missing_helpers(resource))
    for prefix in ("", "Async"):
        thing = both(resource.module, prefix + resource.name, "resources")[1](SimpleNamespace())
        theirs = resource_at(description, _official_client(prefix), (resource.module, resource.name))
        for attribute, suffix in _VIEWS.items():
            official, ours = (
                getattr(
                    importlib.import_module(f"{root}.resources.{resource.module}"), f"{prefix}{resource.name}{suffix}"
                )
                for root in ("openai", "oxide")
            )
            label = f"{resource.module}.{ours.__name__}"
            official_view, our_view = official(theirs), ours(thing)
            parts = {name for name in resource.parts if hasattr(official_view, name)}
            yield from unequal(
                f"{label}:",
                {name for name in dir(official_view) if name[0] != "_"} - helpers - parts,
                {name for name in dir(our_view) if name[0] != "_"} - set(resource.parts),
            )
            for part in sorted(parts):
                kinds = [type(getattr(view, part, None)).__name__ for view in (official_view, our_view)]
                yield from unequal(f"{label}.{part}", *kinds)
            yield from unequal(f"{label} of the resource", ours, type(getattr(thing, attribute)))


def compare_parameters(resource: Resource, method: Method, operation: Operation) -> Iterator[str]:
    """Names, kinds, order and requiredness of the parameters."""
    official, ours = both(resource.module, resource.name, "resources")
    label = _label(resource, method)
    theirs = _official_parameters(getattr(official, method.name))
    mixin = mixin_of(resource)
    hidden = mixin is not None and method.name in mixin.methods
    function = getattr(ours, f"_{method.name}" if hidden else method.name)
    mine = inspect.signature(inspect.unwrap(function)).parameters
    yield from unequal(f"{label} parameter", set(theirs) - _others(method), {*operation.path_params, *_own(operation)})
    yield from unequal(f"{label} the signature has", {"self", "params", *operation.path_params}, set(mine))
    for name in operation.path_params:
        yield from unequal(f"{label} kind of {name}", theirs[name].kind, mine[name].kind)
    positional = [name for name, each in theirs.items() if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    yield from unequal(f"{label} positional parameters", positional, list(mine)[1 : 1 + len(positional)])
    required = {name for name, each in theirs.items() if each.default is inspect.Parameter.empty}
    sets = [set(names) for names in operation.required] or [set[str]()]
    yield from unequal(f"{label} required", required - set(operation.path_params), set.intersection(*sets))


def compare_params_of(resource: Resource, method: Method, operation: Operation) -> Iterator[str]:
    """The TypedDicts of a method have its parameters, and require what it requires."""
    label = _label(resource, method)
    paths = set(operation.path_params)
    for reference in method.params:
        module, _, name = reference.partition(":")
        params = getattr(importlib.import_module(f"oxide.types.{module}"), name)
        kinds = get_args(params) or (params,)
        # Each member of a union may lack what the others have.
        known = {key for each in kinds for key in hints(each)}
        yield from unequal(f"{label} key", _own(operation) - {"stream"}, known - {"stream"} - paths)
        for each in kinds:
            keys = hints(each)
            required = {key for key, value in keys.items() if get_origin(value) is typing_extensions.Required}
            if not any(set(names) <= required for names in operation.required or [()]):
                yield f"{label} {each.__name__} requires {sorted(required)}"


def compare_result(resource: Resource, method: Method, operation: Operation) -> Iterator[str]:
    """What comes back: the types of answers, events and pages."""
    label = _label(resource, method)
    for prefix in ("", "Async"):
        official = both(resource.module, prefix + resource.name, "resources")[0]
        returns = hints(inspect.unwrap(getattr(official, method.name)))["return"]
        if get_origin(returns) is AsyncPaginator:
            returns = get_args(returns)[1]
        parts = get_args(returns) if get_origin(returns) in (Union, UnionType) else (returns,)
        streams = [part for part in parts if (get_origin(part) or part).__name__.endswith("Stream")]
        plain = [part for part in parts if part not in streams]
        mine = [shape(operation.stream)] if operation.stream else []
        yield from unequal(f"{label} stream of", [shape(_event(part)) for part in streams], mine)
        if operation.page:
            page = plain[0].__pydantic_generic_metadata__
            yield from unequal(f"{label} page", page["origin"].__name__, f"{prefix or 'Sync'}{operation.page}")
            yield from unequal(f"{label} page of", shape(page["args"][0]), shape(operation.response))
        elif operation.binary:
            yield from unequal(f"{label} content", ["HttpxBinaryResponseContent"], [part.__name__ for part in plain])
        elif not operation.always_streams:
            found = {operation.response, *(operation.response_for({operation.chooses: c}) for c in method.choices)}
            ours = {shape(type(None) if each is None else each) for each in found}
            yield from unequal(f"{label} returns", {shape(part) for part in plain}, ours)


def _event(stream: Any) -> Any:
    """The type of the events of a stream, which may be of a class of its own."""
    origin = get_origin(stream) or stream
    for base in getattr(origin, "__orig_bases__", ()):
        if (get_origin(base) or base).__name__.endswith("Stream"):
            return get_args(base)[0]
    return get_args(stream)[0]


_sent: list[httpx2.Request] = []


def _refuse(request: httpx2.Request) -> httpx2.Response:
    _sent.append(request)
    request.read()
    return httpx2.Response(418, json={})


@cache
def _recording_client() -> Any:
    transport = httpx2.Client(transport=httpx2.MockTransport(_refuse))
    return openai.OpenAI(http_client=transport, max_retries=0, api_key="sk-test", admin_api_key="sk-admin")


def compare_request(
    description: Description, resource: Resource, method: Method, operation: Operation
) -> Iterator[str]:
    """The official method is called with everything; what it sends must be what the operation says."""
    label = _label(resource, method)
    function = getattr(resource_at(description, _recording_client(), (resource.module, resource.name)), method.name)
    names = [name for name in _official_parameters(function) if name != "stream" and name not in _others(method)]
    _sent.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            function(**{name: _value(method, name) for name in names})
        except openai.APIStatusError as error:
            if error.status_code != 418:
                raise
    request = _sent[0]
    yield from unequal(f"{label} method", request.method, operation.method)
    target = request.url.raw_path.decode("ascii").removeprefix("/v1")
    path, _, query = re.sub(r"%3C(\w+)%3E", r"{\1}", target).partition("?")
    template, _, fixed = operation.path.partition("?")
    yield from unequal(f"{label} path", path, template)
    mine = {wire for place, wire in operation.places.values() if place == QUERY} - {"stream"}
    yield from unequal(
        f"{label} query",
        {each.partition("=")[0] for each in query.split("&") if each},
        mine | ({fixed.partition("=")[0]} if fixed else set()),
    )
    content_type = request.headers.get("content-type", "")
    is_form = content_type.startswith("multipart/form-data")
    if bool(operation.multipart or operation.files) != is_form:
        yield f"{label} is sent as {content_type}"
    sent = _form_names(request.content) if is_form else set(json.loads(request.content) if request.content else ())
    yield from unequal(
        f"{label} body", sent, {wire for place, wire in operation.places.values() if place == BODY} - {"stream"}
    )
    # What the operation says to send, and what every request of the official SDK has that may differ.
    theirs = {name: request.headers[name] for name in ("openai-beta", "accept") if name in request.headers}
    ours = {"accept": "application/json", **{name.lower(): value for name, value in operation.sends}}
    for name, (place, wire) in operation.places.items():
        if place == HEADER:
            ours[wire.lower()] = f"<{name}>"
            theirs[wire.lower()] = request.headers.get(wire)
    yield from unequal(f"{label} header", theirs, ours)
    key = request.headers.get("authorization")
    yield from unequal(
        f"{label} key", key, "Bearer sk-test" if "bearer_auth" in operation.security else "Bearer sk-admin"
    )


def _value(method: Method, name: str) -> Any:
    """A value that can be recognised, of a kind that the method takes."""
    if f"{name}[]" in method.uploads:
        return [f"<{name}>".encode()]
    if name in method.uploads:
        return f"<{name}>".encode()
    parameter = next(each for each in method.parameters if each.name == name)
    return [f"<{name}>"] if parameter.place == "header" and parameter.type.startswith("List[") else f"<{name}>"


def _form_names(content: bytes) -> set[str]:
    """The names of the parts of a multipart body, what is inside lists and mappings left aside."""
    return {name.decode() for name in re.findall(rb'form-data; name="([^"\[]+)', content)}
