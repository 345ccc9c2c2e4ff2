"""Giving up what another thread does: a blocking read ends when its connection is shut down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from ..core.dial import Address
    from ..core.pool import Ticket

__all__ = ["Abort", "Aborted", "GateSwitch", "StreamSwitch"]

T = TypeVar("T")

SLICE = 0.05
"""Seconds. What a thread waits for that has no connection yet can't be shut down everywhere: so often it looks up."""


class Aborted(BaseException):
    """What a thread was doing is not wanted any more. Not an Exception: no policy is to try again."""


class Abort:
    """A switch that one thread throws to end the calls of another.

    The transport attaches the connection that a request is sent on (`Request.abort`), and the pool detaches it when it
    is returned, so a connection that is somebody else's by then is left alone.
    """

    __slots__ = ("_aborted", "_connection", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._aborted = threading.Event()
        self._connection: Any = None

    def attach(self, connection: Any) -> None:
        """The thread uses this connection now. Raises Aborted, and attaches nothing, if the switch was thrown."""
        with self._lock:
            self.check()
            self._connection = connection
            connection.abort = self

    def detach(self) -> None:
        """The thread does not use it any more."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.abort = None

    def abort(self) -> None:
        """Throw the switch."""
        with self._lock:
            self._aborted.set()
            if self._connection is not None:
                # Not closed: its descriptor belongs to the thread that waits for it.
                self._connection.shut_down()

    def check(self) -> None:
        """Raises Aborted if the switch was thrown."""
        if self._aborted.is_set():
            raise Aborted

    def sleep(self, seconds: float) -> None:
        """Sleep, but no longer than until the switch is thrown, which raises Aborted."""
        if self._aborted.wait(seconds):
            raise Aborted

    def slices(self, timeout: float | None) -> Iterator[float]:
        """The seconds of a wait in pieces, of which there is at least one. Raises Aborted once the switch was thrown."""
        end = None if timeout is None else monotonic() + timeout
        left = SLICE
        while left > 0:
            self.check()
            yield left if end is None else min(left, max(end - monotonic(), 0.0))
            if end is not None:
                left = min(SLICE, end - monotonic())

    def over(self, network: Any) -> Any:
        """A network (`core.dial.Network`, and the pool's) whose commands end when the switch is thrown."""
        return _AbortableNetwork(network, self)

    def guard(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a function. Whatever becomes of it after the switch was thrown, Aborted is raised."""
        try:
            return function(*args, **kwargs)
        except Exception:
            self.check()
            raise


class GateSwitch:
    """What `Abort.attach` takes for a thread that waits at a gate."""

    __slots__ = ("_gate", "abort")

    def __init__(self, gate: Any) -> None:
        self._gate = gate
        self.abort: Abort | None = None

    def shut_down(self) -> None:
        """Let it through, to find out."""
        self._gate.open()


class StreamSwitch:
    """What `Abort.attach` takes for a request that shares its connection with others."""

    __slots__ = ("_connection", "_stream", "abort")

    def __init__(self, connection: Any, stream: Any) -> None:
        self._connection = connection
        self._stream = stream
        self.abort: Abort | None = None

    def shut_down(self) -> None:
        """Have the request end, and nothing else."""
        self._connection.give_up(self._stream)


class _AbortableNetwork:
    """What `Abort.over` gives."""

    def __init__(self, network: Any, abort: Abort) -> None:
        self._network = network
        self._abort = abort

    def reach(self) -> Any:
        return self._network.reach()

    def resolve(self, host: str, port: int, timeout: float | None) -> Any:
        found: list[Any] = []
        done = threading.Event()

        def work() -> None:
            try:
                found.append(self._network.resolve(host, port, timeout))
            except Exception as error:  # noqa: BLE001 (raised below)
                found.append(error)
            done.set()

        # Nothing can end a look-up. One that is not wanted any more ends by itself.
        threading.Thread(target=work, name="oxide-look-up", daemon=True).start()
        for seconds in self._abort.slices(timeout):
            if done.wait(seconds):
                if isinstance(found[0], Exception):
                    raise found[0]
                return found[0]
        raise TimeoutError

    def begin(self, address: Address) -> Any:
        return self._network.begin(address)

    def wait_any(self, attempts: list[Any], timeout: float | None) -> Any:
        ended: list[Any] = []
        for seconds in self._abort.slices(timeout):
            ended = self._network.wait_any(attempts, seconds)
            if ended:
                break
        return ended

    def finish(self, attempt: Any) -> Any:
        connection = self._network.finish(attempt)
        try:
            self._abort.attach(connection)
        except Aborted:
            connection.close()
            raise
        return connection

    def start_tls(self, *args: Any) -> Any:
        return self._abort.guard(self._network.start_tls, *args)

    def start_http2(self, *args: Any) -> Any:
        # From here on it is not this request's alone.
        self._abort.detach()
        return self._network.start_http2(*args)

    def wait(self, ticket: Ticket[Any], timeout: float | None) -> Any:
        for seconds in self._abort.slices(timeout):
            try:
                return self._network.wait(ticket, seconds)
            except TimeoutError:
                continue
        raise TimeoutError
