"""Writes the `connect` methods of resources, the classes of their connections, and the groups of events on those."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from .description import VOCABULARY, Connection, Event, Group, Helper, Parameter, Resource
from .read_connections import CONNECT_OPTIONS
from .write_types import names_in, places_of, respell

__all__ = ["Connections"]

_CALLBACK = "Callable[[ReconnectingEvent], ReconnectingOverrides | None] | None"


class Connections:
    """Writes the connections of one module of resources.

    Attributes:
        runtime: what the code needs when it runs: module to names.
        typing: what only its annotations need.
        channels: the lines of the endpoints.
    """

    def __init__(
        self, runtime: dict[str, set[str]], typing: dict[str, set[str]], paths: dict[tuple[str, str], str]
    ) -> None:
        self.runtime = runtime
        self.typing = typing
        self.paths = paths
        self.channels: list[str] = []
        self.names: dict[str, dict[str, str]] = defaultdict(dict)

    def _our(self, name: str) -> str:
        self.runtime["oxide._connection"].add(name)
        return name

    def _type(self, connection: Connection, expression: str) -> str:
        """A type as an annotation, what it needs imported."""
        for name in names_in(expression):
            if name in connection.imports:
                module, original = connection.imports[name]
                self.typing[f"oxide.types.{module}"].add(original if original == name else f"{original} as {name}")
            elif name in VOCABULARY:
                for place in places_of(name):
                    self.typing[place].add(name)
        return respell(expression)

    def connect(self, resource: Resource, helper: Helper, prefix: str) -> Iterator[str]:
        """The method."""
        connection = resource.connection
        assert connection is not None
        own = [each for each in helper.parameters if each.name not in CONNECT_OPTIONS]
        options = {each.name: each for each in helper.parameters if each.name in CONNECT_OPTIONS}
        for name in ("extra_query", "extra_headers"):
            options[name] = Parameter("other", name, "", "NOTHING")
        order = [name for name in (*_EXTRAS, *(each.name for each in helper.parameters)) if name in options]
        order = list(dict.fromkeys(order))
        yield ""
        yield "    def connect("
        yield "        self,"
        if not helper.positional:
            yield "        *,"
        for each in own:
            yield f"        {self._parameter(connection, each)},"
        for name in order:
            yield f"        {name}: {self._option(name, prefix)} = {self._default(options[name])},"
        manager = f"{prefix}{connection.name}Manager"
        yield f"    ) -> {manager}:"
        yield f'        """A WebSocket connection to `{connection.path}`: a context manager that opens and closes it.'
        yield ""
        yield "        See `oxide._connection.ConnectionManagerBase` for what can be said about it."
        yield ""
        yield "        Raises:"
        yield "            TypeError, ValueError: an option is unknown, or has a value it can't have."
        yield '        """'
        params = ", ".join(f'"{each.name}": {each.name}' for each in own)
        yield f"        return {manager}("
        yield f"            self._client, {{{params}}},"
        for name in order:
            yield f"            {name}={name},"
        yield "        )"

    def _parameter(self, connection: Connection, each: Parameter) -> str:
        type_ = self._type(connection, each.type)
        if each.default is None:
            return f"{each.name}: {type_}"
        return f"{each.name}: {type_} | {self._our('Omit')} = {self._our('omit') if each.default == 'omit' else each.default}"

    def _default(self, each: Parameter) -> str:
        return self._our("NOTHING") if each.default == "NOTHING" else str(each.default)

    def _option(self, name: str, prefix: str) -> str:
        if name == "extra_query":
            self.typing["oxide._types"].add("Query")
            return "Query"
        if name == "extra_headers":
            self.typing["oxide._types"].add("Headers")
            return "Headers"
        if name == "websocket_connection_options":
            name = f"{'' if prefix else 'Sync'}WebSocketConnectionOptions"
            self.typing["oxide.types.websocket_connection_options"].add(name)
            return name
        if name == "on_reconnecting":
            self.typing["oxide.types.websocket_reconnection"] |= {"ReconnectingEvent", "ReconnectingOverrides"}
            self.typing["collections.abc"].add("Callable")
            return _CALLBACK
        return "float" if name.endswith("delay") else "int"

    def channel(self, resource: Resource, constant: str) -> None:
        """The endpoint, as data."""
        connection = resource.connection
        assert connection is not None
        module, _, name = connection.receives.partition(":")
        arguments = [repr(connection.path), f'events="oxide.types.{module}:{name}"']
        in_path = tuple(part.partition("}")[0] for part in connection.path.split("{")[1:])
        if in_path:
            arguments.append(f"path_params={in_path!r}")
        if connection.query:
            arguments.append(f"query={tuple(connection.query)!r}")
        if connection.sends:
            arguments.append(f"sends={tuple(connection.sends.items())!r}")
        self._our("Channel")
        self.channels.append(f"{constant} = Channel({', '.join(arguments)})")

    def classes(self, resource: Resource, constant: str) -> Iterator[str]:
        """The connection, its manager, and its groups of events, synchronous and asynchronous."""
        connection = resource.connection
        assert connection is not None
        path = self.paths[resource.module, resource.name]
        module, _, receives = connection.receives.partition(":")
        self.typing[f"oxide.types.{module}"].add(receives)
        takes = self._type(connection, connection.takes)
        groups = {group.name: group for group in connection.groups}
        for prefix in ("", "Async"):
            name = f"{prefix}{connection.name}"
            base = self._our(f"{prefix}WebSocketConnectionBase")
            # Quoted, since at runtime they would have to be imported.
            yield from ("", "", f"class {name}({base}['{receives}', '{takes}']):")
            yield f'    """An open connection of `{path}.connect`."""'
            yield from ("", f"    _channel = {constant}")
            for attribute, group in connection.parts.items():
                yield from self._part(attribute, f"{prefix}{group}", "self")
            base = self._our(f"{prefix}ConnectionManagerBase")
            yield from ("", "", f"class {name}Manager({base}[{name}, '{takes}']):")
            yield f'    """What `{path}.connect` returns: a connection to be made."""'
            yield from ("", f"    _connection_class = {name}")
            for group_name in groups:
                yield from self._group(connection, groups[group_name], prefix)

    def _part(self, attribute: str, name: str, argument: str) -> Iterator[str]:
        self.runtime["oxide._resource"].add("cached_property")
        yield from ("", "    @cached_property", f"    def {attribute}(self) -> {name}:")
        yield f"        return {name}({argument})"

    def _group(self, connection: Connection, group: Group, prefix: str) -> Iterator[str]:
        base = self._our(f"{prefix}ConnectionResource")
        yield from ("", "", f"class {prefix}{group.name}({base}):")
        kinds = sorted({event.type.rpartition(".")[0] for event in group.events}) or ["events"]
        yield f'    """Sends {", ".join(f"`{kind}`" for kind in kinds)} events."""'
        for attribute, name in group.parts.items():
            yield from self._part(attribute, f"{prefix}{name}", "self._connection")
        for event in group.events:
            yield from self._event(connection, event, prefix)

    def _event(self, connection: Connection, event: Event, prefix: str) -> Iterator[str]:
        word, wait = ("async def", "await ") if prefix else ("def", "")
        parameters = [self._parameter(connection, each) for each in event.parameters]
        star = ["*"] if parameters else []
        yield from ("", f"    {word} {event.name}({', '.join(['self', *star, *parameters])}) -> None:")
        yield f'        """Send `{event.type}`. Raises as `send` of the connection."""'
        values = "".join(f', "{each.wire or each.name}": {each.name}' for each in event.parameters)
        yield f'        {wait}self._send({{"type": "{event.type}"{values}}})'


_EXTRAS = ("extra_query", "extra_headers")
