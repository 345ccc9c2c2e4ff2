"""The flow that gets a connection for a request: an idle one that still lives, a new one, or a wait for either."""

from __future__ import annotations

import logging
from collections.abc import Generator
from time import monotonic
from typing import Any

from .dial import dial
from .errors import ConnectError, OpenAIError, TransportError
from .http import Request
from .limits import allowance, timed_out
from .logs import log_connection
from .pool import CLOSED, OPEN, Ticket
from .stream_pool import Failure

__all__ = ["Wait", "checkout", "is_live", "open_connection"]

log = logging.getLogger("oxide")


class Wait:
    """Wait until a ticket has its result, at most `timeout` seconds; the result is that of the ticket."""

    __slots__ = ("ticket", "timeout")

    def __init__(self, ticket: Ticket[Any], timeout: float | None) -> None:
        self.ticket = ticket
        self.timeout = timeout

    def perform(self, network: Any) -> Any:
        return network.wait(self.ticket, self.timeout)


def is_live(got: Any) -> bool:
    """Whether what `pool.acquire` gave is a connection that can be used as it is: then there is no need for the flow."""
    return got is not OPEN and type(got) is not Ticket and not got.is_stale()


def checkout(pool: Any, request: Request, got: Any) -> Generator[Any, Any, tuple[Any, bool]]:
    """A connection to the request's origin, and whether it has been used before.

    Args:
        pool: the shared pool.
        request: names the origin and the limits.
        got: what `pool.acquire` gave for the origin, which is not live: finding that out may have read from it.

    Raises:
        ConnectError: no connection could be made.
        TransportTimeout: one of the limits passed.
        OpenAIError: the client is closed, or was while the call waited.
    """
    limits = request.timeout
    trace = request.trace
    if got is not OPEN and type(got) is not Ticket:
        got = pool.replace(got)
    while got is not OPEN:
        if type(got) is Ticket:
            ticket = got
            since = monotonic()
            try:
                got = yield Wait(ticket, allowance(limits.pool, request.deadline))
            except TimeoutError:
                pool.cancel(ticket)
                raise timed_out("pool", limits, request.deadline) from None
            except BaseException:
                pool.cancel(ticket)
                raise
            finally:
                if trace is not None:
                    trace.waited(since)
            if got is CLOSED:
                raise OpenAIError("the client was closed while the call was waiting for a connection")
            if type(got) is Failure:
                raise _shared_failure(got.error) from got.error
        elif got.is_stale():
            got = pool.replace(got)
        else:
            return got, True
    return (yield from open_connection(pool, request)), False


def open_connection(pool: Any, request: Request) -> Generator[Any, Any, Any]:
    """Make use of the permission to open a connection. Raises as `checkout`."""
    origin = request.url.origin
    limits = request.timeout
    since = monotonic()
    try:
        connection = yield from dial(origin, allowance(limits.connect, request.deadline), pool.http2)
    except TimeoutError:
        error = timed_out("connect", limits, request.deadline)
        pool.failed(origin, error)
        raise error from None
    except ConnectError as error:
        pool.failed(origin, error)
        raise
    except BaseException:
        pool.failed(origin)
        raise
    finally:
        if request.trace is not None:
            request.trace.connected(since)
    if log.isEnabledFor(logging.DEBUG):
        log_connection(origin, monotonic() - since, "HTTP/2" if connection.h1 is None else "HTTP/1.1")
    pool.opened(origin, connection)
    return connection


def _shared_failure(error: Exception) -> TransportError:
    # Of a type of its own for each caller: raising an exception writes into it.
    return ConnectError(f"the connection that the call was to share could not be made: {error}")
