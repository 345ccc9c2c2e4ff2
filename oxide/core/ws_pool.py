"""Taking a session out of a pool: the flow, and what is in the pool. The books are kept by `core.pool`."""

from __future__ import annotations

from typing import Any

from .errors import APITimeoutError, OpenAIError
from .flow import Await, Flow, MakeGate
from .pool import CLOSED, OPEN, Ticket
from .url import Origin
from .ws_session import SessionState

__all__ = ["KEY", "Pooled", "checkout"]

KEY = Origin("wss", "sessions", 0)
"""What the pool's books have for an origin: sessions of one pool are all alike."""


class Pooled:
    """A session in a pool, as the pool sees it.

    Attributes:
        session: the session.
        abort: what the pool asks of connections, and sessions don't have.
    """

    abort = None

    def __init__(self, session: Any, state: SessionState) -> None:
        self.session = session
        self._state = state

    def is_stale(self) -> bool:
        """Whether it has lost its connection, or the connection has had its time, while it was idle."""
        return self._state.is_stale

    def renew(self) -> bool:
        """Forget the conversations that were held on it; whether others can be held."""
        return self._state.renew()

    def close(self) -> None:
        """Close it, without waiting. Never raises."""
        for desk in self._state.close():
            desk.hang_up()

    def forget(self) -> None:
        """In the child of a fork: the connection is the parent's."""
        self._state.closed = True


def checkout(pool: Any, timeout: float | None) -> Flow[Any]:
    """A session that can be used as it is; or `OPEN`, the permission to open one.

    Args:
        pool: the shared pool.
        timeout: seconds to wait for one where all are in use.

    Raises:
        APITimeoutError: none became free in time.
        OpenAIError: the pool is closed, or was meanwhile.
    """
    if pool.closed:
        raise OpenAIError("the WsPool is closed")
    got = pool.acquire(KEY)
    if type(got) is Ticket:
        ticket = got
        try:
            gate = yield MakeGate()
            ticket.wake = gate.open
            if ticket.result is None:
                yield Await(gate, timeout)
            got = ticket.result
            if got is None:
                raise APITimeoutError(None, message=f"no session of the pool became free within {timeout} s")  # type: ignore[arg-type]
        except BaseException:
            pool.cancel(ticket)
            raise
        if got is CLOSED:
            raise OpenAIError("the WsPool was closed while this was waiting for a session")
    while got is not OPEN:
        if not got.is_stale():
            return got
        got = pool.replace(got)
    return OPEN
