"""The description of connections as text, and back.

connection RealtimeConnection
    path /realtime
    query call_id model
    receives realtime.realtime_server_event:RealtimeServerEvent
    takes RealtimeClientEvent | RealtimeClientEventParam
    part session: RealtimeSessionResource
    group RealtimeSessionResource
        event update session.update
            body session: Session
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .description import Connection, Event, Group, Parameter
from .text import Line, parse_import, render

__all__ = ["dump_connection", "parse_connection"]

_STEP = "    "


def dump_connection(item: Connection, parameter: Callable[[Parameter, int], Iterator[str]]) -> Iterator[str]:
    """The lines of a connection below its resource; `parameter` gives those of a parameter."""
    yield f"{_STEP}connection {item.name}"
    yield f"{_STEP * 2}path {item.path}"
    if item.query:
        yield f"{_STEP * 2}query {' '.join(item.query)}"
    for name, value in item.sends.items():
        yield f"{_STEP * 2}sends {name}: {value}"
    yield f"{_STEP * 2}receives {item.receives}"
    yield from render("takes ", item.takes, 2)
    for local, (module, name) in sorted(item.imports.items()):
        yield f"{_STEP * 2}import {name}{'' if name == local else f' as {local}'} from {module}"
    yield from _parts(item.parts, 2)
    for group in item.groups:
        yield f"{_STEP * 2}group {group.name}"
        yield from _parts(group.parts, 3)
        for event in group.events:
            yield f"{_STEP * 3}event {event.name} {event.type}"
            for each in event.parameters:
                yield from parameter(each, 4)


def _parts(parts: dict[str, str], indent: int) -> Iterator[str]:
    for attribute, name in parts.items():
        yield f"{_STEP * indent}part {attribute}: {name}"


def parse_connection(line: Line, parameter: Callable[[str], Parameter]) -> Connection:
    """A connection from its lines; `parameter` makes one of its text."""
    item = Connection(line.text.partition(" ")[2], "")
    for child in line.children:
        word, _, rest = child.text.partition(" ")
        if word == "path":
            item.path = rest
        elif word == "query":
            item.query = rest.split()
        elif word == "sends":
            name, _, value = rest.partition(": ")
            item.sends[name] = value
        elif word == "receives":
            item.receives = rest
        elif word == "takes":
            item.takes = rest
        elif word == "import":
            local, target = parse_import(child.text)
            item.imports[local] = target
        elif word == "part":
            attribute, _, name = rest.partition(": ")
            item.parts[attribute] = name
        elif word == "group":
            item.groups.append(_parse_group(rest, child, parameter))
        else:
            raise ValueError(f"{item.name}: {child.text}")
    return item


def _parse_group(name: str, line: Line, parameter: Callable[[str], Parameter]) -> Group:
    group = Group(name)
    for child in line.children:
        word, _, rest = child.text.partition(" ")
        if word == "part":
            attribute, _, target = rest.partition(": ")
            group.parts[attribute] = target
        else:
            method, _, kind = rest.partition(" ")
            group.events.append(Event(method, kind, [parameter(each.text) for each in child.children]))
    return group
