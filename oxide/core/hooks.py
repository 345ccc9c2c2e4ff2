"""What a client tells those who watch it: the events of a call, and the `Hooks` that are called with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import iscoroutinefunction
from typing import Any, Literal

from msgspec import Struct, field

__all__ = [
    "NAMES",
    "CallEndEvent",
    "CallEvent",
    "CallInfo",
    "ErrorEvent",
    "HedgeEvent",
    "Hooks",
    "PoolStats",
    "RequestEvent",
    "ResponseEvent",
    "ResultInfo",
    "RetryEvent",
    "StreamEndEvent",
    "StreamEventEvent",
    "Timings",
    "Usage",
    "as_hooks",
    "functions_of",
]


class CallInfo(Struct, frozen=True, eq=False, weakref=True, kw_only=True):
    """Which call it is; the same object in all its events. No credentials, no header fields, no content.

    Attributes:
        operation: the method's name, such as `responses.create`; method and path of an endpoint that has none.
        method, path: of the request; the path has no query.
        url: where to, without query.
        host, port: of the server.
        model: what the request asked for, or `None`.
        stream: whether the result is a stream of events.
        provider: whose platform it is: `openai`, `azure`, `bedrock` or `vertex`; `openai` for whatever else has its protocol.
        settings: those of the parameters that say how to answer and not what, such as `temperature`.
    """

    operation: str
    method: str
    path: str
    url: str
    host: str
    port: int
    model: str | None = None
    stream: bool = False
    provider: str = "openai"
    settings: Mapping[str, Any] = field(default_factory=dict)


class PoolStats(Struct, frozen=True, kw_only=True):
    """The client's connections at that moment, as `client.stats()` has them."""

    open: int = 0
    idle: int = 0
    in_use: int = 0
    waiting: int = 0
    opened: int = 0
    reused: int = 0
    streams: int = 0


class Timings(Struct, frozen=True, kw_only=True):
    """Where the time of one request went, in seconds; `None` for what did not happen, or what the transport does not tell.

    Attributes:
        queue: waiting for a connection, where the pool is at its limit or another call was opening one.
        connect: making a new connection: the name, the proxy and TLS included. `None` if the request went over one that was there.
        first_byte: from the beginning until the first byte of the response.
        total: from the beginning until the response was there: all of it, or its head where the body is read later.
    """

    queue: float | None = None
    connect: float | None = None
    first_byte: float | None = None
    total: float = 0.0


class Usage(Struct, frozen=True, kw_only=True):
    """Tokens, as the response counts them; `None` where it does not."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class ResultInfo(Struct, frozen=True, kw_only=True):
    """What a response says of itself, as far as it was seen.

    Attributes:
        id: the response's.
        model: the one that answered.
        finish_reasons: why each choice ended (`stop`, `length`, ...); of a response its status, or why it is incomplete.
        service_tier: the tier that it was processed in.
        usage: tokens, or `None`.
    """

    id: str | None = None
    model: str | None = None
    finish_reasons: tuple[str, ...] = ()
    service_tier: str | None = None
    usage: Usage | None = None


class CallEvent(Struct, frozen=True, kw_only=True):
    """A call begins.

    Attributes:
        call: which.
        pool: the client's connections; `None` where its transport has no figures.
    """

    call: CallInfo
    pool: PoolStats | None = None


class RequestEvent(CallEvent, frozen=True, kw_only=True):
    """A request is about to be sent.

    Attributes:
        attempt: 1 for the first, one more with each retry.
        hedge: 0, or the place of an extra request that goes out because the others are slow.
    """

    attempt: int
    hedge: int = 0


class ResponseEvent(RequestEvent, frozen=True, kw_only=True):
    """A response is there, whatever its status; of a stream its head.

    Attributes:
        status: the HTTP status.
        request_id: the `x-request-id` header.
        http_version: such as `HTTP/1.1`.
        reused: whether the connection was there before; `None` where the transport does not tell.
        timings: of this request.
    """

    status: int
    request_id: str | None
    http_version: str
    reused: bool | None
    timings: Timings


class ErrorEvent(RequestEvent, frozen=True, kw_only=True):
    """A request came to nothing: no connection, a broken one, a timeout; or nobody wants its response any more.

    Attributes:
        error: the transport's error; `None` where the request was given up.
        cancelled: whether it was given up: the task was cancelled, or another request of the call was quicker.
        timings: of this request.
    """

    error: BaseException | None
    cancelled: bool
    timings: Timings


class RetryEvent(RequestEvent, frozen=True, kw_only=True):
    """The request is going to be sent again.

    Attributes:
        attempt: the one that failed.
        delay: seconds until then.
        reason: `status 503`, the class of the transport's error, or `credentials renewed`.
        status: that of the response, if there was one.
        error: the transport's error, if there was no response.
        max_retries: how many there may be.
    """

    delay: float
    reason: str
    status: int | None
    error: BaseException | None
    max_retries: int


class HedgeEvent(CallEvent, frozen=True, kw_only=True):
    """A call has more than one request under way.

    Attributes:
        kind: `begun` when an extra request goes out, `won` when one of them has answered and the others are cancelled.
        hedge: its place: 0 is the first request, 1 the first extra one.
        requests: how many there were until then.
    """

    kind: Literal["begun", "won"]
    hedge: int
    requests: int


class StreamEventEvent(CallEvent, frozen=True, kw_only=True):
    """An event of a stream has arrived. This hook costs something for each of them; without it there is no such object. `pool` is `None`.

    Attributes:
        number: 1 for the first.
        elapsed: seconds since the call began.
        gap: seconds since the event before, or the beginning.
    """

    number: int
    elapsed: float
    gap: float


class StreamEndEvent(CallEvent, frozen=True, kw_only=True):
    """A stream is over.

    Attributes:
        how: `complete`; `closed` before its end, or dropped; `error`; or `cancelled`.
        error: what ended it, if it was an error: the transport's where the connection failed, which is the cause of what the caller gets.
        events: how many came; 0 for a body that is not one of events.
        bytes: how many of the body were read.
        first_event: seconds from the beginning of the call until the first event, or `None`.
        total: seconds from the beginning of the call until now.
        result: what the events said of the response.
    """

    how: Literal["complete", "closed", "error", "cancelled"]
    error: BaseException | None
    events: int
    bytes: int
    first_event: float | None
    total: float
    result: ResultInfo


class CallEndEvent(CallEvent, frozen=True, kw_only=True):
    """A call is over, with its retries; one that gives a stream, when that is. It comes once for each `CallEvent`.

    Attributes:
        outcome: `ok`; `error`; `cancelled`; or `closed` for a stream that was given up before its end.
        error: what the caller gets, if it is an error; of a stream, as in `StreamEndEvent`.
        status: that of the last response, or `None` if there was none.
        request_id: its `x-request-id` header.
        retries: how often the request was repeated.
        requests: how many there were, retries and hedges included.
        total: seconds from the beginning until now.
        result: what the response says of itself.
    """

    outcome: Literal["ok", "error", "cancelled", "closed"]
    error: BaseException | None
    status: int | None
    request_id: str | None
    retries: int
    requests: int
    total: float
    result: ResultInfo


class Hooks:
    """Functions that a client calls while it works, for `OpenAI(hooks=...)` and `AsyncOpenAI(hooks=...)`.

    Pass those that are wanted, or write a subclass with methods of these names. They are plain functions, called where the thing
    happens: in the thread of the call, or in the event loop, so they must not wait. An exception in one is logged (logger `oxide`,
    level error, with its traceback) and changes nothing for the call. Each takes its event.

    `on_request` may return header fields that are to be sent along.

    Raises:
        TypeError: something is no function, or a coroutine function.
    """

    def __init__(
        self,
        *,
        on_call_start: Callable[[CallEvent], object] | None = None,
        on_request: Callable[[RequestEvent], Mapping[str, str] | None] | Callable[[RequestEvent], object] | None = None,
        on_response: Callable[[ResponseEvent], object] | None = None,
        on_error: Callable[[ErrorEvent], object] | None = None,
        on_retry: Callable[[RetryEvent], object] | None = None,
        on_hedge: Callable[[HedgeEvent], object] | None = None,
        on_stream_event: Callable[[StreamEventEvent], object] | None = None,
        on_stream_end: Callable[[StreamEndEvent], object] | None = None,
        on_call_end: Callable[[CallEndEvent], object] | None = None,
    ) -> None:
        given = {
            "on_call_start": on_call_start,
            "on_request": on_request,
            "on_response": on_response,
            "on_error": on_error,
            "on_retry": on_retry,
            "on_hedge": on_hedge,
            "on_stream_event": on_stream_event,
            "on_stream_end": on_stream_end,
            "on_call_end": on_call_end,
        }
        for name, function in given.items():
            if function is not None:
                check_plain(name, function)
                setattr(self, name, function)

    def on_call_start(self, event: CallEvent, /) -> object:
        """A call begins, before its first request."""

    def on_request(self, event: RequestEvent, /) -> Mapping[str, str] | object:
        """A request is about to be sent. What is returned is sent along as header fields."""

    def on_response(self, event: ResponseEvent, /) -> object:
        """A request was answered."""

    def on_error(self, event: ErrorEvent, /) -> object:
        """A request was not answered."""

    def on_retry(self, event: RetryEvent, /) -> object:
        """A request is going to be repeated."""

    def on_hedge(self, event: HedgeEvent, /) -> object:
        """An extra request goes out, or one of several has won."""

    def on_stream_event(self, event: StreamEventEvent, /) -> object:
        """An event of a stream has arrived."""

    def on_stream_end(self, event: StreamEndEvent, /) -> object:
        """A stream is over."""

    def on_call_end(self, event: CallEndEvent, /) -> object:
        """A call is over."""


NAMES = tuple(name for name in vars(Hooks) if name.startswith("on_"))


def check_plain(name: str, function: Any) -> None:
    """Raises TypeError if it is no function that can be called without waiting."""
    if not callable(function):
        raise TypeError(f"the hook {name} must be a function, not {type(function).__name__}")
    if iscoroutinefunction(function) or iscoroutinefunction(getattr(type(function), "__call__", None)):  # noqa: B004
        raise TypeError(
            f"the hook {name} must be a plain function: hooks are called where things happen, and nothing waits for them."
            " To do something that waits, put the event into a queue and have a task read it"
        )


def as_hooks(value: Any) -> tuple[Hooks, ...]:
    """`value` as a tuple of `Hooks`, which it may be, or one of them, or several.

    Raises:
        TypeError: it is something else, or one of their methods is a coroutine function.
    """
    if value is None:
        return ()
    hooks = (value,) if isinstance(value, Hooks) else tuple(value) if isinstance(value, Iterable) else (value,)
    for each in hooks:
        if not isinstance(each, Hooks):
            raise TypeError(f"hooks must be oxide.Hooks, or several of them, not {type(each).__name__}")
        for name in NAMES:
            check_plain(name, getattr(each, name))
    return hooks


def functions_of(hooks: Iterable[Hooks]) -> dict[str, tuple[Callable[[Any], Any], ...]]:
    """The functions for each event, without those that do nothing."""
    functions: dict[str, tuple[Callable[[Any], Any], ...]] = {}
    for each in hooks:
        for name in NAMES:
            function = getattr(each, name)
            if getattr(function, "__func__", function) is not getattr(Hooks, name):
                functions[name] = (*functions.get(name, ()), function)
    return functions
