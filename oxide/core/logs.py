"""Logging: everything goes to the logger `oxide`; `OPENAI_LOG=debug` (or `info`) shows it on stderr.

Each record has what it says as fields, too, for handlers that write JSON: `oxide_event` and others whose names begin with `oxide_`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .watch import Functions

__all__ = ["log_connection", "log_retry", "set_up", "with_log"]

log = logging.getLogger("oxide")

_LEVELS = ("debug", "info", "warning", "error", "critical")


def set_up(level: str) -> None:
    """Show messages from `level` up; any other text than a level's name changes nothing."""
    if level not in _LEVELS:
        return
    logging.basicConfig(
        format="[%(asctime)s - %(name)s:%(lineno)d - %(levelname)s] %(message)s", datefmt="%Y-%m-%d %H:%M:%S"
    )
    log.setLevel(level.upper())


def fields(event: str, **values: Any) -> dict[str, Any]:
    """What a record has beside its message."""
    return {"oxide_event": event} | {f"oxide_{name}": value for name, value in values.items()}


def log_retry(call: Any, attempt: int, delay: float, reason: Any) -> None:
    """A request is going to be repeated."""
    log.info(
        "retrying in %.3f seconds (retry %d of %d)",
        delay,
        attempt + 1,
        call.retry.max_retries,
        extra=fields(
            "retry",
            method=call.method,
            path=call.url.path,
            attempt=attempt + 1,
            delay=delay,
            reason=f"status {reason}" if isinstance(reason, int) else type(reason).__name__,
            max_retries=call.retry.max_retries,
        )
        if log.isEnabledFor(logging.INFO)
        else None,
    )


def log_connection(origin: Any, seconds: float, protocol: str) -> None:
    """A connection was made."""
    log.debug(
        "connection: %s to %s port %d, after %.3f seconds",
        protocol,
        origin.host,
        origin.port,
        seconds,
        extra=fields(
            "connection", scheme=origin.scheme, host=origin.host, port=origin.port, connect=seconds, protocol=protocol
        ),
    )


def with_log(functions: Functions | None) -> Functions:
    """The functions for each event, and those that log it."""
    ours = _functions()
    if not functions:
        return ours
    return {name: (*functions.get(name, ()), *ours.get(name, ())) for name in dict.fromkeys([*functions, *ours])}


@cache
def _functions() -> Mapping[str, Any]:
    # Needed by who looks at debug messages.
    from .hooks import functions_of

    return functions_of((_log_hooks(),))


def _log_hooks() -> Any:
    from .hooks import CallEndEvent, ErrorEvent, HedgeEvent, Hooks, RequestEvent, ResponseEvent, StreamEndEvent

    class Log(Hooks):
        """Writes each event to the log, at level debug. Retries are told by `log_retry`, with or without hooks."""

        def on_request(self, event: RequestEvent, /) -> None:
            call = event.call
            extra = fields(
                "request",
                operation=call.operation,
                method=call.method,
                path=call.path,
                model=call.model,
                attempt=event.attempt,
                hedge=event.hedge,
            )
            log.debug("request: %s %s, attempt %d", call.method, call.path, event.attempt, extra=extra)

        def on_response(self, event: ResponseEvent, /) -> None:
            timings = event.timings
            extra = fields(
                "response",
                operation=event.call.operation,
                status=event.status,
                request_id=event.request_id,
                http_version=event.http_version,
                reused=event.reused,
                attempt=event.attempt,
                hedge=event.hedge,
                queue=timings.queue,
                connect=timings.connect,
                first_byte=timings.first_byte,
                total=timings.total,
            )
            log.debug(
                "response: %d, request id %s, after %.3f seconds",
                event.status,
                event.request_id,
                timings.total,
                extra=extra,
            )

        def on_error(self, event: ErrorEvent, /) -> None:
            kind = "cancelled" if event.cancelled else type(event.error).__name__
            extra = fields(
                "error",
                operation=event.call.operation,
                error=kind,
                attempt=event.attempt,
                hedge=event.hedge,
                queue=event.timings.queue,
                connect=event.timings.connect,
                total=event.timings.total,
            )
            log.debug("no response: %s, after %.3f seconds", kind, event.timings.total, extra=extra)

        def on_hedge(self, event: HedgeEvent, /) -> None:
            extra = fields(
                "hedge",
                operation=event.call.operation,
                kind=event.kind,
                hedge=event.hedge,
                requests=event.requests,
            )
            log.debug("hedge: request %d %s, of %d", event.hedge + 1, event.kind, event.requests, extra=extra)

        def on_stream_end(self, event: StreamEndEvent, /) -> None:
            extra = fields(
                "stream_end",
                operation=event.call.operation,
                how=event.how,
                error=None if event.error is None else type(event.error).__name__,
                events=event.events,
                bytes=event.bytes,
                first_event=event.first_event,
                total=event.total,
            )
            log.debug("stream: %s after %d events and %.3f seconds", event.how, event.events, event.total, extra=extra)

        def on_call_end(self, event: CallEndEvent, /) -> None:
            usage = event.result.usage
            extra = fields(
                "call_end",
                operation=event.call.operation,
                outcome=event.outcome,
                error=None if event.error is None else type(event.error).__name__,
                status=event.status,
                request_id=event.request_id,
                retries=event.retries,
                requests=event.requests,
                total=event.total,
                model=event.result.model,
                input_tokens=None if usage is None else usage.input_tokens,
                output_tokens=None if usage is None else usage.output_tokens,
            )
            log.debug("%s: %s, %.3f seconds", event.call.operation, event.outcome, event.total, extra=extra)

    return Log()
