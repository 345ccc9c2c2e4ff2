"""The flow behind every method: send, and send again where the policy says so."""

from __future__ import annotations

import logging
from time import monotonic
from typing import Any

from .errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    TotalTimeout,
    TransportError,
    TransportTimeout,
    status_error_class,
)
from .flow import Discard, Flow, Load, Read, Send, Sleep
from .http import Request, Response
from .logs import log_retry
from .prepare import Call

__all__ = ["api_error", "follow_up", "go_on", "opening", "perform", "status_error"]

log = logging.getLogger("oxide")


def opening(call: Call) -> Request | None:
    """The request that a call begins with, where there is nothing to be done before it and nothing to be said about it.

    The flow costs more than sending and receiving what goes well, which is what nearly every call does. So the shells
    send this themselves, and ask `follow_up` what else there is to do.
    """
    if call.plain and type(call.content) is bytes and not log.isEnabledFor(logging.DEBUG):
        return call.request(0, None)
    return None


def follow_up(call: Call, request: Request, outcome: Response | TransportError) -> Flow[Response] | None:
    """`perform` for a call whose first attempt has been made, and what came of it; `None` if that is its response."""
    if not isinstance(outcome, TransportError) and outcome.status_code < 300:
        return None
    return _attempts(call, [outcome, request])


def go_on(call: Call, response: Response, error: TransportError) -> Flow[Response]:
    """The response of the next attempt, for a call whose response broke off before anybody had anything of it.

    Raises: as `perform`; at once, if that was the last attempt.
    """
    attempts = _attempts(call, [error, response.request])
    watch = getattr(call, "watch", None)
    return attempts if watch is None else watch.again(call, attempts)


def perform(call: Call) -> Flow[Response]:
    """Send a call's request until there is a response to give back.

    The response is whole, unless the call streams or asked for it unread; its `retries_taken` is on the call.

    Raises:
        APIStatusError: the API answered with an error status, after all retries.
        APITimeoutError: a timeout passed, after all retries; or the total one.
        APIConnectionError: no response, after all retries.
        OpenAIError: there are no credentials to be had from whoever gives them; or a file of the body changed while it was sent.
        OSError: a file of the body can't be read.
    """
    if call.builder.functions is not None or log.isEnabledFor(logging.DEBUG):
        return (yield from _watched(call))
    return (yield from _performed(call))


def _performed(call: Call) -> Flow[Response]:
    if not isinstance(call.content, bytes):
        call.content = yield Load(call.content)
    if call.retry.idempotency_keys:
        # Before it is copied, for all the copies.
        call.add_idempotency_key()
    if call.hedge is not None:
        from .hedge import hedged, is_hedged

        if is_hedged(call):
            return (yield from hedged(call, lambda attempt: _attempts(attempt, [])))
    return (yield from _attempts(call, []))


def _watched(call: Call) -> Flow[Response]:
    # Imported by who is watched.
    from .watch import watch_for

    watch = call.watch = watch_for(call)
    if watch is None:
        return (yield from _performed(call))
    try:
        response = yield from _performed(call)
    except BaseException as error:
        watch.failed(error)
        raise
    return watch.answered(call, response)


def _attempts(call: Call, made: list[Any]) -> Flow[Response]:
    flow, limiter = _repeat(call, made), call.builder.limiter
    return flow if limiter is None else limiter.watch(call, flow)


def _repeat(call: Call, made: list[Any]) -> Flow[Response]:
    # `made` is an attempt, if one was made: what came of it, and the request. It is taken from there at once, since an
    # error in a variable of the frame that it is raised from would make a cycle.
    stream = call.unread
    credentials = call.credentials
    watch = getattr(call, "watch", None)
    limiter = call.builder.limiter
    renewed = -1
    attempt = made[1].retries if made else 0
    if call.retry.budget is not None and not made:
        call.retry.budget.earn()
    while True:
        if made:
            request = made.pop()
        else:
            if limiter is not None:
                yield from limiter.admit(call, attempt)
            if credentials is None:
                request = call.request(attempt, None)
            else:
                request = yield from credentials.request(call, attempt)
            if watch is not None:
                request = watch.request(request, attempt)
        try:
            response: Response
            if made:
                response = _outcome(made)
            elif limiter is None:
                response = yield Send(request, stream)
            else:
                response = yield from limiter.send(call, request, stream)
            if watch is not None:
                watch.response(response)
            call.retries_taken = attempt
            if 300 <= response.status_code < 400:
                response = yield from _follow(call, response, stream)
            if response.status_code < 300:
                return response
            if (
                response.status_code == 401
                and credentials is not None
                and credentials.renew(call, request)
                and renewed < attempt
                and _affordable(call, 0.0) is not None
            ):
                renewed = attempt
                if watch is not None:
                    watch.retry(0.0, "credentials renewed", call.retry.max_retries)
                yield Discard(response)
                continue
            delay = _affordable(call, call.retry.after_response(response, attempt))
            if delay is None:
                yield Read(response)
                raise status_error(response, _note(call))
            reason: Any = response.status_code
            yield Discard(response)
        except TransportError as error:
            if watch is not None:
                watch.error(error)
            final = isinstance(error, TotalTimeout)
            delay = None if final else _affordable(call, call.retry.after_error(error, attempt))
            if delay is None:
                raise api_error(request, error, _note(call)) from error
            reason = error
        log_retry(call, attempt, delay, reason)
        if watch is not None:
            watch.retry(delay, reason, call.retry.max_retries)
        # An error in a variable of a frame that it went through makes a cycle.
        del reason
        if delay:
            yield Sleep(delay)
        attempt += 1


def _outcome(made: list[Any]) -> Response:
    if isinstance(made[0], TransportError):
        raise made.pop()
    response: Response = made.pop()
    return response


def _follow(call: Call, response: Response, stream: bool) -> Flow[Response]:
    # Few calls say whether they want to be redirected.
    if not getattr(call, "follow_redirects", call.credentials is None or call.credentials.follows_redirects):
        return response
    # Imported by who is redirected.
    from .redirect import follow_redirects

    return (yield from follow_redirects(response, stream, always=hasattr(call, "follow_redirects")))


def _affordable(call: Call, delay: float | None) -> float | None:
    # A wait that would outlast the deadline is not begun: what went wrong is told while there is time.
    if delay is not None and call.deadline is not None and monotonic() + delay >= call.deadline:
        return None
    if delay is None:
        return None
    if not isinstance(call.content, bytes) and not call.content.replayable:
        call.kept_from = "the request's body can't be read a second time"
        return None
    budget = call.retry.budget
    if budget is not None and not budget.spend():
        call.kept_from = "the client's retry budget is used up"
        return None
    return delay


def _note(call: Call) -> str:
    return f" (not repeated, since {call.kept_from})" if call.kept_from else ""


def status_error(response: Response, note: str = "") -> APIStatusError:
    """The exception for a response with an error status, its body read; `note` goes behind its message."""
    import json

    body: Any = response.text.strip()
    try:
        body = json.loads(body)
    except ValueError:
        pass
    message = f"Error code: {response.status_code}"
    if isinstance(body, dict):
        body = body.get("error", body)
        detail = body.get("message") if isinstance(body, dict) else body
        if isinstance(detail, str) and detail:
            message = f"{message} - {detail}"
    elif body:
        message = f"{message} - {str(body)[:200]}"
    return status_error_class(response.status_code)(message + note, response=response, body=body)


def api_error(request: Request, error: TransportError, note: str = "") -> APIConnectionError:
    """What a caller of the API gets for a transport's error; the original is to be chained as its cause."""
    text = (str(error) or type(error).__name__) + note
    if isinstance(error, TransportTimeout):
        return APITimeoutError(request, message=f"Request timed out: {text}")
    return APIConnectionError(message=f"Connection error: {text}", request=request)
