"""One call as its hooks see it: what happens to it becomes events, and each event is handed to those who asked for it.

There is a `Watch` only where somebody watches: hooks, or the log at level debug.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from time import monotonic
from typing import TYPE_CHECKING, Any

from .call_info import call_info
from .credentials import with_fields
from .errors import OpenAIError, TransportError
from .events import EventDecoder
from .flow import Flow
from .hooks import (
    CallEndEvent,
    CallEvent,
    ErrorEvent,
    HedgeEvent,
    PoolStats,
    RequestEvent,
    ResponseEvent,
    RetryEvent,
    StreamEndEvent,
    StreamEventEvent,
    Timings,
)
from .http import Request, Response
from .summary import Summary
from .watch_stream import StreamProgress, WatchedBody, WatchedDecoder, tell_of_dropped

if TYPE_CHECKING:
    from .prepare import Call

__all__ = ["Trace", "Watch", "watch_for"]

log = logging.getLogger("oxide")

ANSWERS = frozenset({"/responses", "/chat/completions", "/completions", "/embeddings"})
"""Where the answer says how many tokens it took."""

Functions = Mapping[str, tuple[Callable[[Any], Any], ...]]


def watch_for(call: Call) -> Watch | None:
    """What is to watch a call, if anybody wants to."""
    functions: Functions | None = call.builder.functions
    if log.isEnabledFor(logging.DEBUG):
        from .logs import with_log

        functions = with_log(functions)
    return Watch(call, functions) if functions else None


class Trace:
    """Where the time of one request goes. Who sends it notes what happens.

    Attributes:
        begun: when, by `time.monotonic()`.
        queue: seconds of waiting for a connection.
        connect: seconds of making one, or `None`.
        first: when the first byte of the response came.
    """

    __slots__ = ("begun", "connect", "first", "queue")

    def __init__(self) -> None:
        self.begun = monotonic()
        self.queue = 0.0
        self.connect: float | None = None
        self.first: float | None = None

    def waited(self, since: float) -> None:
        """For a connection."""
        self.queue += monotonic() - since

    def connected(self, since: float) -> None:
        """The connection is made, or could not be."""
        self.connect = (self.connect or 0.0) + monotonic() - since

    def arrived(self) -> None:
        """Something of the response has come."""
        if self.first is None:
            self.first = monotonic()

    def timings(self) -> Timings:
        known = self.first is not None or self.connect is not None or self.queue > 0
        return Timings(
            queue=self.queue if known else None,
            connect=self.connect,
            first_byte=None if self.first is None else self.first - self.begun,
            total=monotonic() - self.begun,
        )


class Progress:
    """What the requests of one call have in common.

    Attributes:
        requests: how many were sent.
        hedges: how many extra ones went out.
        ended: whether the end of the call was told.
    """

    __slots__ = ("ended", "hedges", "request_id", "requests", "retries", "status", "summary")

    def __init__(self) -> None:
        self.requests = 0
        self.hedges = 0
        self.retries = 0
        self.status: int | None = None
        self.request_id: str | None = None
        self.ended = False
        self.summary = Summary()


class Watch:
    """Tells what happens to a call.

    Args:
        call: which.
        functions: who wants to know, by the name of the event.

    Attributes:
        stream: of a call whose body is read as it comes, how far that is.
    """

    __slots__ = ("_attempt", "_functions", "_hedge", "_progress", "_stats", "_trace", "begun", "info", "stream")

    def __init__(self, call: Call, functions: Functions) -> None:
        self._functions = functions
        self._stats = call.builder.stats
        self._progress = Progress()
        self._hedge = 0
        self._attempt = 0
        self._trace: Trace | None = None
        self.stream: StreamProgress | None = None
        self.info = call_info(call)
        tell_of_dropped()
        self._tell("on_call_start", CallEvent, {})
        self.begun = monotonic()

    def at(self, place: int) -> Watch:
        """The same for one of several requests of a hedged call."""
        watch = copy(self)
        watch._hedge = place
        watch._attempt = 0
        watch._trace = watch.stream = None
        return watch

    def _tell(self, name: str, event: Callable[..., Any], values: Mapping[str, Any]) -> list[Any]:
        functions = self._functions.get(name)
        if functions is None:
            return []
        stats = self._stats() if self._stats is not None else None
        event = event(call=self.info, pool=PoolStats(**stats) if stats else None, **values)
        return [returned for function in functions if (returned := told(name, function, event)) is not None]

    # --- requests ---------------------------------------------------------------------------------------------------

    def request(self, request: Request, attempt: int) -> Request:
        """The request for an attempt, counted from 0, as it is to be sent."""
        progress = self._progress
        if attempt == 0 and self._hedge:
            progress.hedges += 1
            values = {"kind": "begun", "hedge": self._hedge, "requests": progress.requests + 1}
            self._tell("on_hedge", HedgeEvent, values)
        progress.requests += 1
        self._attempt = attempt + 1
        for fields in self._tell("on_request", RequestEvent, self._place()):
            request = self._with_fields(request, fields)
        self._trace = request.trace = Trace()
        return request

    def _with_fields(self, request: Request, fields: Any) -> Request:
        if not isinstance(fields, Mapping):
            log.error("the hook on_request returned %s where header fields were expected", type(fields).__name__)
            return request
        try:
            return with_fields(request, dict(fields))
        except (TypeError, ValueError):
            log.exception("the hook on_request returned header fields that can't be sent")
            return request

    def _place(self) -> dict[str, Any]:
        return {"attempt": self._attempt, "hedge": self._hedge}

    def _took(self) -> Timings:
        trace, self._trace = self._trace, None
        return Timings() if trace is None else trace.timings()

    def response(self, response: Response) -> None:
        """The request was answered."""
        trace = self._trace
        self._progress.status = response.status_code
        self._progress.request_id = response.request_id
        values = {
            "status": response.status_code,
            "request_id": response.request_id,
            "http_version": response.http_version,
            "reused": None if trace is None or trace.first is None else trace.connect is None,
            "timings": self._took(),
        }
        self._tell("on_response", ResponseEvent, self._place() | values)

    def error(self, error: BaseException | None) -> None:
        """The request was not answered; `None` if nobody waits for it any more."""
        if self._trace is not None:
            values = {"error": error, "cancelled": error is None, "timings": self._took()}
            self._tell("on_error", ErrorEvent, self._place() | values)

    def retry(self, delay: float, reason: Any, max_retries: int) -> None:
        """The request is going to be repeated, because of a status, an error or something else."""
        self._progress.retries += 1
        status = reason if isinstance(reason, int) else None
        error = reason if isinstance(reason, TransportError) else None
        text = f"status {status}" if status is not None else type(error).__name__ if error is not None else str(reason)
        values = {"delay": delay, "reason": text, "status": status, "error": error, "max_retries": max_retries}
        self._tell("on_retry", RetryEvent, self._place() | values)

    def racing(
        self, calls: Sequence[Call], attempt: Callable[[Call], Flow[Response]]
    ) -> Callable[[Call], Flow[Response]]:
        """Watch each of several attempts at this call; what makes the flow of one is given back as that of a watched one."""
        for place, each in enumerate(calls):
            each.watch = self.at(place)

        def watched(call: Call) -> Flow[Response]:
            try:
                return (yield from attempt(call))
            except BaseException as error:
                call.watch.error(error if isinstance(error, Exception) else None)
                raise

        return watched

    def won(self, place: int) -> None:
        """Of several requests, this one has answered."""
        progress = self._progress
        if progress.hedges:
            self._tell("on_hedge", HedgeEvent, {"kind": "won", "hedge": place, "requests": progress.hedges + 1})

    # --- the end ----------------------------------------------------------------------------------------------------

    def answered(self, call: Call, response: Response) -> Response:
        """The call has its response, which goes to the caller."""
        self._progress.retries = call.retries_taken
        self._progress.status = response.status_code
        self._progress.request_id = response.request_id
        if response.stream is not None:
            self.stream = StreamProgress(self, call.stream and call.raw is None)
            response.stream = WatchedBody(response.stream, self.stream)
        return response

    def again(self, call: Call, attempts: Flow[Response]) -> Flow[Response]:
        """The response of the next attempt, for a stream that broke off before its first event."""
        progress = self.stream
        try:
            response = yield from attempts
        except BaseException as error:
            if progress is not None:
                progress.give_up(error)
            raise
        self._progress.retries = call.retries_taken
        if progress is not None:
            progress.error = None
            response.stream = WatchedBody(response.stream, progress)
        return response

    def returned(self, call: Call, result: Any) -> None:
        """The call has its result."""
        if self.stream is not None:
            return
        if call.raw == "raw" and call.operation is not None and call.operation.path in ANSWERS:
            # A raw response makes the object when it is asked for it, and only once: so it is not made twice.
            try:
                result = result.parse()
            except OpenAIError:
                # Whoever asks for the object gets this error.
                result = None
        self._progress.summary.see(result)
        self.end("ok", None)

    def decoder(self, *arguments: Any) -> EventDecoder:
        """An `EventDecoder`."""
        return EventDecoder(*arguments) if self.stream is None else WatchedDecoder(self.stream, *arguments)

    def failed(self, error: BaseException) -> None:
        """The call has ended in an error, or was cancelled."""
        cancelled = not isinstance(error, Exception)
        self.error(None if cancelled else error)
        self.end("cancelled" if cancelled else "error", None if cancelled else error)

    def end(self, outcome: str, error: BaseException | None, at: float | None = None) -> None:
        progress = self._progress
        if progress.ended:
            return
        progress.ended = True
        values = {
            "outcome": outcome,
            "error": error,
            "status": progress.status,
            "request_id": progress.request_id,
            "retries": progress.retries,
            "requests": progress.requests,
            "total": (at or monotonic()) - self.begun,
            "result": progress.summary.info(),
        }
        self._tell("on_call_end", CallEndEvent, values)

    # --- streams ----------------------------------------------------------------------------------------------------

    @property
    def summary(self) -> Summary:
        return self._progress.summary

    def stream_event(self, number: int, at: float, before: float) -> None:
        # There are many of these, so the figures of the pool are not asked for.
        event = StreamEventEvent(call=self.info, number=number, elapsed=at - self.begun, gap=at - before)
        for function in self._functions["on_stream_event"]:
            told("on_stream_event", function, event)

    @property
    def wants_events(self) -> bool:
        return "on_stream_event" in self._functions

    def stream_end(self, stream: StreamProgress, how: str) -> None:
        values = {
            "how": how,
            "error": stream.error,
            "events": stream.events,
            "bytes": stream.bytes,
            "first_event": None if stream.first is None else stream.first - self.begun,
            "total": stream.ended - self.begun,
            "result": self.summary.info(),
        }
        self._tell("on_stream_end", StreamEndEvent, values)
        self.end("ok" if how == "complete" else how, stream.error, stream.ended)
        # The two know each other, and need not any more.
        self.stream = None


def told(name: str, function: Callable[[Any], Any], event: Any) -> Any:
    """What a hook returns. It must not be able to disturb what it watches, nor may its failure go unnoticed."""
    try:
        returned = function(event)
    except Exception:
        log.exception("the hook %s failed", name)
        return None
    if hasattr(returned, "__await__"):
        close = getattr(returned, "close", None)
        if close is not None:
            close()
        log.error("the hook %s returned something to be awaited, which nobody does: hooks are plain functions", name)
        return None
    return returned if name == "on_request" else None
