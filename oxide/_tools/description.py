"""The description: what the official SDK's interface is, as facts, between the reader and the writers.

The reader fills these classes from the installed SDK, the writers make code from nothing else. `text.dump` and
`text.parse` turn them into a text that people can read and diff. A section starts at the left margin, four spaces
lead to what belongs to it, and a type too long for its line is broken inside its brackets:

    module responses.response_usage
        import Metadata from shared.metadata
        model ResponseUsage
            input_tokens: int
            schema_ as "schema": Optional[Dict[str, object]] = None

Types are written as Python type expressions over the names that the module imports or defines and those in
`VOCABULARY`; `Discriminator("type")` inside an `Annotated` union names the field that tells its members apart.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

__all__ = [
    "VOCABULARY",
    "Alias",
    "ByHand",
    "Connection",
    "Description",
    "Event",
    "Field",
    "Group",
    "Helper",
    "Method",
    "Model",
    "Module",
    "Overload",
    "Package",
    "Parameter",
    "Params",
    "Resource",
    "Variable",
    "tidy",
]

# Names in types that no module imports.
VOCABULARY = frozenset(
    {
        "Annotated",
        "Any",
        "Awaitable",
        "Callable",
        "Dict",
        "Discriminator",
        "FileTypes",
        "Generic",
        "Headers",
        "Iterable",
        "Iterator",
        "List",
        "Literal",
        "Mapping",
        "Optional",
        "Query",
        "Required",
        "Sequence",
        "SequenceNotStr",
        "Set",
        "StrictBool",
        "StrictFloat",
        "StrictInt",
        "StrictStr",
        "Tuple",
        "Type",
        "Union",
        "bool",
        "bytes",
        "dict",
        "float",
        "int",
        "list",
        "object",
        "str",
        "tuple",
        "type",
    }
)


@dataclass
class Field:
    """One field of a model or key of a TypedDict. `default` is source text, `wire` the JSON name if it differs."""

    name: str
    type: str
    default: str | None = None
    wire: str | None = None
    format: str | None = None


@dataclass
class Model:
    """A class of the API's answers. `properties` and `unsent` are behaviour that somebody has to write."""

    name: str
    bases: list[str] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
    extra: str | None = None
    properties: list[tuple[str, str]] = field(default_factory=list)
    unsent: list[str] = field(default_factory=list)


@dataclass
class Params:
    """A TypedDict. Unless `total`, the keys that have to be there are marked `Required[...]`."""

    name: str
    bases: list[str] = field(default_factory=list)
    total: bool = True
    fields: list[Field] = field(default_factory=list)


@dataclass
class Alias:
    """A name for a type."""

    name: str
    type: str


@dataclass
class Variable:
    """A `TypeVar`."""

    name: str


@dataclass
class ByHand:
    """A definition that is neither model nor TypedDict nor alias: the writers leave it out."""

    name: str


Item = Model | Params | Alias | Variable | ByHand


@dataclass
class Module:
    """One module of types: what it imports (local name to module and name there), defines and exports."""

    name: str
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)

    @property
    def public(self) -> list[str]:
        """What it would export if nothing said otherwise: its own definitions."""
        return sorted(item.name for item in self.items if not item.name.startswith("_"))


@dataclass
class Package:
    """The names that a package offers, each with its module and its name there."""

    name: str
    exports: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass
class Parameter:
    """One parameter of a method. `place` says where it travels, `wire` under which name if it has another one there.

    Places: `path`, `body`, `query`, `header`, and `other` for what the method itself uses.
    """

    place: str
    name: str
    type: str
    default: str | None = None
    wire: str | None = None


@dataclass
class Overload:
    """One way to call a method: the parameters that differ from the method's own, and what comes back."""

    returns: str
    parameters: list[Parameter] = field(default_factory=list)


@dataclass
class Method:
    """A method that makes one request. Types of answers are references: `responses.response:Response`.

    Attributes:
        positional: the parameters that may be given by position.
        params: the TypedDicts of its body or query.
        answers: what the body decodes to; `none`, `text`, `bytes` or `any` where that is no type of the API.
        streams: one event of the stream that `stream=True` asks for. `always` if it streams whatever is asked.
        events: `named` if the object of an event is its name with its data, `unchecked` if an `error` in the data is
            part of it rather than the end of the stream.
        page: `CursorPage` for a list, whose items `answers` then is; `page_verb` is the method of its requests.
        requires: the sets of parameters of which one has to be there.
        sends: headers that are always the same.
        uploads: where files are inside the parameters (`file`, `image[]`); with one of them the body is multipart.
        encodings: content types of the multipart parts that have one of their own.
        raw_part: the one of these that is sent as the whole body if nothing else is given.
        chooses: the parameter that says what the body decodes to.
        choices: what it decodes to instead of `answers`, by that parameter's value.
        adapts: the body is reshaped before it goes out, and the answer after it came.
        deprecated: what to do instead, or `yes`; empty for what is not.
        unread: what else the source does, by kind of statement.
    """

    name: str
    verb: str
    path: str
    positional: list[str] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    params: list[str] = field(default_factory=list)
    answers: str = "none"
    streams: str | None = None
    always_streams: bool = False
    events: str | None = None
    page: str | None = None
    security: list[str] = field(default_factory=list)
    requires: list[list[str]] = field(default_factory=list)
    sends: dict[str, str] = field(default_factory=dict)
    uploads: list[str] = field(default_factory=list)
    encodings: dict[str, str] = field(default_factory=dict)
    raw_part: str | None = None
    chooses: str | None = None
    choices: dict[str, str] = field(default_factory=dict)
    adapts: bool = False
    deprecated: str = ""
    overloads: list[Overload] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


@dataclass
class Helper:
    """A method that is more than one request (`parse`, `stream`, `connect`), or none: its signature only."""

    name: str
    returns: str
    positional: list[str] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    asynchronous: bool = False


@dataclass
class Event:
    """A method of a connection, which sends one event of this type with what it is given."""

    name: str
    type: str
    parameters: list[Parameter] = field(default_factory=list)


@dataclass
class Group:
    """A class of such methods, and the groups below it (attribute to class)."""

    name: str
    parts: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


@dataclass
class Connection:
    """What `connect` of a resource connects to, and what its connection has.

    Attributes:
        name: of the class, without `Async`.
        path: relative to the base URL.
        query: the parameters of `connect` that travel in the query.
        sends: headers of the handshake that are always the same.
        receives: the type of an event that comes, as a reference.
        takes: the type of an event that can be sent, over `imports`.
        imports: what the types use: local name to module and name there.
        parts: the groups of events: attribute to class.
        groups: their classes, and those below them.
    """

    name: str
    path: str
    query: list[str] = field(default_factory=list)
    sends: dict[str, str] = field(default_factory=dict)
    receives: str = "any"
    takes: str = "object"
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)


@dataclass
class Resource:
    """One class of methods, and the resources below it (attribute to module and class).

    Attributes:
        wrapped: the methods that `with_raw_response` and `with_streaming_response` have too.
        viewed: whether it has these two at all.
        connection: what `connect` connects to.
    """

    module: str
    name: str
    parts: dict[str, tuple[str, str]] = field(default_factory=dict)
    methods: list[Method] = field(default_factory=list)
    helpers: list[Helper] = field(default_factory=list)
    wrapped: list[str] = field(default_factory=list)
    viewed: bool = True
    connection: Connection | None = None


@dataclass
class Description:
    """Everything that was read.

    Attributes:
        packages: packages of types, by their names below `openai.types`; `""` is that itself.
        modules: modules of types.
        resources: by `(module, class)` below `openai.resources`.
        resource_packages: what the packages of resources offer.
        client: the client's own resources: attribute to module and class.
    """

    version: str
    packages: dict[str, Package] = field(default_factory=dict)
    modules: dict[str, Module] = field(default_factory=dict)
    resources: dict[tuple[str, str], Resource] = field(default_factory=dict)
    resource_packages: dict[str, Package] = field(default_factory=dict)
    client: dict[str, tuple[str, str]] = field(default_factory=dict)


def tidy(expression: str) -> str:
    """The same type expression in its one spelling."""
    return ast.unparse(ast.parse(expression.strip(), mode="eval").body)
