"""Flows: policy as generators, and the commands they yield.

A flow decides and never waits. Where it needs something done it yields a command; whoever runs it performs the command
against an `IO` and sends the result in, or throws the error. The shells in `oxide.io` have one `run` each, which
differ in one `await`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, Protocol, TypeVar

from .http import Request, Response

__all__ = [
    "IO",
    "Await",
    "Block",
    "Command",
    "Discard",
    "Flow",
    "Gate",
    "Hang",
    "Invoke",
    "Load",
    "MakeGate",
    "Map",
    "Now",
    "Open",
    "Put",
    "Read",
    "ReadSome",
    "Send",
    "Sleep",
]

T = TypeVar("T")

Flow = Generator["Command", Any, T]
"""A generator that yields commands and returns a `T`."""


class IO(Protocol):
    """What commands are performed against. The asynchronous shell's methods return awaitables of the same."""

    transport: Any
    """A `Transport`, or on the asynchronous side an `AsyncTransport`."""

    def load(self, plan: Any) -> Any:
        """The `core.http.Body` for a `core.body.Plan`, measured. Raises OSError."""

    def read(self, response: Response) -> Any:
        """The rest of a response's body. Raises TransportError."""

    def read_some(self, response: Response) -> Any:
        """The next piece of a response's body that is read as it comes; nothing at its end. Raises TransportError."""

    def discard(self, response: Response) -> Any:
        """Nothing; the response is not needed any more."""

    def sleep(self, seconds: float) -> Any:
        """Nothing, `seconds` later."""

    def now(self) -> Any:
        """Seconds on a clock that only goes forward: the one that `sleep` goes by."""

    def invoke(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What the caller's function returns; on the asynchronous side it may be a coroutine function."""

    def block(self, function: Callable[..., Any], *args: Any) -> Any:
        """What a function returns that waits for a disk; on the asynchronous side it runs in a thread."""

    def race(self, race: Any) -> Any:
        """The place and the result of the winner of a `core.race.Race`."""

    def map(self, function: Callable[[Any], Any], items: Iterable[Any], limit: int) -> Any:
        """What the function returns for each item, in their order; at most `limit` run at the same time."""

    def make_gate(self) -> Any:
        """A `Gate` for those who run on this shell."""

    def wait(self, gate: Any, seconds: float | None) -> Any:
        """Whether the gate was opened in this time."""


class Gate(Protocol):
    """A thing that others wait for, while one does what all of them need.

    Attributes:
        scope: who can wait for it: the threads, or the tasks of one event loop.
        error: what went wrong, for those who waited.
    """

    scope: Any
    error: Exception | None

    def open(self) -> None:
        """Let everybody through, now and later. Waits for nothing."""


class Command(Protocol):
    """Something that a flow wants done."""

    def perform(self, io: IO) -> Any:
        """Do it, or on the asynchronous side return the awaitable that does it."""


class Load:
    """Find out how long a body is that will be read while it is sent; the result is the `Body`."""

    __slots__ = ("plan",)

    def __init__(self, plan: Any) -> None:
        self.plan = plan

    def perform(self, io: IO) -> Any:
        return io.load(self.plan)


class Send:
    """Send a request; the result is its `Response`."""

    __slots__ = ("request", "stream")

    def __init__(self, request: Request, stream: bool) -> None:
        self.request = request
        self.stream = stream

    def perform(self, io: IO) -> Any:
        return io.transport.send(self.request, stream=self.stream)


class Read:
    """Read a response's body to its end; the result is the bytes."""

    __slots__ = ("response",)

    def __init__(self, response: Response) -> None:
        self.response = response

    def perform(self, io: IO) -> Any:
        return io.read(self.response)


class ReadSome:
    """Read the next piece of the body of a response that is a stream; the result is the bytes, none at its end."""

    __slots__ = ("response",)

    def __init__(self, response: Response) -> None:
        self.response = response

    def perform(self, io: IO) -> Any:
        return io.read_some(self.response)


class Discard:
    """Give a response up without reading it."""

    __slots__ = ("response",)

    def __init__(self, response: Response) -> None:
        self.response = response

    def perform(self, io: IO) -> Any:
        return io.discard(self.response)


class Sleep:
    """Wait for `seconds`."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def perform(self, io: IO) -> Any:
        return io.sleep(self.seconds)


class Now:
    """Look at the clock that `Sleep` goes by; the result is in seconds."""

    __slots__ = ()

    def perform(self, io: IO) -> Any:
        return io.now()


class Invoke:
    """Call a function of the caller's: one that fetches a key, or a method of a client that makes a request."""

    __slots__ = ("args", "function", "kwargs")

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs

    def perform(self, io: IO) -> Any:
        return io.invoke(self.function, *self.args, **self.kwargs)


class Block:
    """Call a plain function that may wait for a disk."""

    __slots__ = ("args", "function")

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function = function
        self.args = args

    def perform(self, io: IO) -> Any:
        return io.block(self.function, *self.args)


class Map:
    """Call a function with each of `items`, at most `limit` at the same time; the result is the list of what came back.

    The items are drawn as there is room for them. With the first error no further call is begun and those under way
    are cancelled, where they run in threads awaited; then that error is raised.
    """

    __slots__ = ("function", "items", "limit")

    def __init__(self, function: Callable[[Any], Any], items: Iterable[Any], limit: int) -> None:
        self.function = function
        self.items = items
        self.limit = limit

    def perform(self, io: IO) -> Any:
        return io.map(self.function, self.items, self.limit)


class MakeGate:
    """Make a gate; the result is the `Gate`, closed."""

    __slots__ = ()

    def perform(self, io: IO) -> Any:
        return io.make_gate()


class Await:
    """Wait until a gate is open; the result is whether it is, after at most `seconds`."""

    __slots__ = ("gate", "seconds")

    def __init__(self, gate: Gate, seconds: float | None = None) -> None:
        self.gate = gate
        self.seconds = seconds

    def perform(self, io: IO) -> Any:
        return io.wait(self.gate, self.seconds)


class Open:
    """Open a WebSocket connection; the result is the transport's."""

    __slots__ = ("options", "request")

    def __init__(self, request: Request, options: Any) -> None:
        self.request = request
        self.options = options

    def perform(self, io: IO) -> Any:
        return io.transport.open_websocket(self.request, self.options)


class Put:
    """Send a message on a WebSocket connection."""

    __slots__ = ("message", "ws")

    def __init__(self, ws: Any, message: str | bytes) -> None:
        self.ws = ws
        self.message = message

    def perform(self, io: IO) -> Any:
        return self.ws.send(self.message)


class Hang:
    """Close a WebSocket connection."""

    __slots__ = ("ws",)

    def __init__(self, ws: Any) -> None:
        self.ws = ws

    def perform(self, io: IO) -> Any:
        return self.ws.close()
