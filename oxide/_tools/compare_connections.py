"""The `connect` methods against the official SDK's: signatures, URLs, the classes of connections, and the events that they send.

Every function returns what differs, in words.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import openai

from ..core.config import ClientConfig
from ..core.sentinels import Omit
from .compare import both, hints, shape, unequal
from .description import Connection, Group, Resource

__all__ = ["compare_connection"]

_BASE = "https://example.com/base?kept=1"


def compare_connection(resource: Resource) -> Iterator[str]:
    """Everything about the connections of a resource."""
    connection = resource.connection
    assert connection is not None
    for prefix in ("", "Async"):
        theirs, ours = both(resource.module, prefix + resource.name, "resources")
        label = f"{resource.module}.{prefix}{resource.name}.connect"
        yield from unequal(f"{label}:", _signature(theirs.connect), _signature(ours.connect))
        yield from _compare_class(resource, f"{prefix}{connection.name}")
        yield from _compare_class(resource, f"{prefix}{connection.name}Manager")
        yield from _compare_url(resource, connection, prefix)
        official, mine = both(resource.module, prefix + connection.name, "resources")
        received = hints(official.recv)["return"]
        yield from unequal(f"{label}: what is received", shape(received), shape(mine._channel.events))
        for attribute, name in connection.parts.items():
            label = f"{resource.module}.{prefix}{connection.name}.{attribute}"
            yield from unequal(f"{label} is", f"{prefix}{name}", _returns(mine, attribute))
        for group in connection.groups:
            yield from _compare_group(resource, group, prefix)


def _signature(function: Callable[..., Any]) -> dict[str, tuple[str, Any]]:
    """The parameters: kind, and default where it is one that can be compared."""
    return {
        name: (each.kind.name, _default(each.default))
        for name, each in inspect.signature(inspect.unwrap(function)).parameters.items()
        if name != "self"
    }


def _default(value: Any) -> Any:
    if value is inspect.Parameter.empty:
        return "required"
    if type(value).__name__ in ("Omit", "NotGiven") or isinstance(value, Omit):
        return "omitted"
    return dict(value) if hasattr(value, "keys") else value


def _returns(cls: Any, attribute: str) -> str | None:
    found = inspect.getattr_static(cls, attribute, None)
    return str(found.func.__annotations__["return"]) if isinstance(found, cached_property) else None


def _compare_class(resource: Resource, name: str) -> Iterator[str]:
    """Are all of the official methods there, with their parameters, and do the same ones have to be awaited?"""
    theirs, ours = both(resource.module, name, "resources")
    for attribute in sorted(each for each in dir(theirs) if each[0] != "_" or each in _SPECIAL):
        label = f"{resource.module}.{name}.{attribute}"
        official = inspect.getattr_static(theirs, attribute)
        mine = inspect.getattr_static(ours, attribute, None)
        if mine is None:
            yield f"{label} is missing"
        elif callable(official) and not isinstance(official, cached_property):
            if attribute not in _SPECIAL:
                yield from unequal(f"{label}:", _signature(official), _signature(mine))
            yield from unequal(
                f"{label} has to be awaited", inspect.iscoroutinefunction(official), inspect.iscoroutinefunction(mine)
            )


_SPECIAL = {"__enter__", "__exit__", "__iter__", "__aenter__", "__aexit__"}


def _compare_url(resource: Resource, connection: Connection, prefix: str) -> Iterator[str]:
    official, mine = both(resource.module, f"{prefix}{connection.name}", "resources")
    names = [part.partition("}")[0] for part in connection.path.split("{")[1:]]
    params = dict.fromkeys(names, "a b")
    client = getattr(openai, f"{prefix}OpenAI")(api_key="sk", base_url=_BASE)
    theirs, _ = both(resource.module, prefix + resource.name, "resources")
    required = {
        name: params.get(name, "value")
        for name, (_, default) in _signature(theirs.connect).items()
        if default == "required"
    }
    manager = theirs(client).connect(**required)
    config = ClientConfig(api_key="sk", base_url=_BASE)
    ours = mine._channel.url(config, {**dict.fromkeys(connection.query, Omit()), **params}, {})
    yield from unequal(f"{resource.module}.{official.__name__} connects to", str(manager._prepare_url()), str(ours))


class _Recorder:
    """A connection that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, event: Any) -> Any:
        # What was left out leaves the official event when it is encoded.
        self.sent.append({name: value for name, value in event.items() if type(value).__name__ != "Omit"})
        return _Done()


class _Done:
    def __await__(self) -> Iterator[Any]:
        return iter(())


def _compare_group(resource: Resource, group: Group, prefix: str) -> Iterator[str]:
    theirs, ours = both(resource.module, f"{prefix}{group.name}", "resources")
    label = f"{resource.module}.{prefix}{group.name}"
    public = [{name for name in dir(cls) if name[0] != "_"} for cls in (theirs, ours)]
    yield from unequal(f"{label}:", *public)
    for attribute, name in group.parts.items():
        yield from unequal(f"{label}.{attribute} is", f"{prefix}{name}", _returns(ours, attribute))
    for event in group.events:
        functions = [getattr(cls, event.name) for cls in (theirs, ours)]
        yield from unequal(f"{label}.{event.name}:", *map(_signature, functions))
        for wanted in ("all", "required"):
            given = {
                each.name: {"value of": each.name}
                for each in event.parameters
                if wanted == "all" or each.default is None
            }
            sent = [_sent(cls, event.name, given) for cls in (theirs, ours)]
            yield from unequal(f"{label}.{event.name} sends", *sent)


def _sent(cls: Any, name: str, given: dict[str, Any]) -> Any:
    recorder = _Recorder()
    result = getattr(cls(recorder), name)(**given)
    if inspect.iscoroutine(result):
        try:
            result.send(None)
        except StopIteration:
            pass
    return recorder.sent
