"""A connection with lanes, as far as it needs no waiting: who reads, and who is woken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from ..core.errors import WebSocketConnectionClosedError
from ..core.ws_router import Lane, Router
from ..core.ws_state import OPEN
from .locks import Lock

__all__ = ["BaseDesk"]


class BaseDesk:
    """One connection, read by whoever waits for an event.

    There is no thread or task that reads. The first to wait reads, for all lanes, until there is something for its own; then the next of those
    who wait takes over. So nothing runs when nobody waits, an event reaches its reader without a switch of threads where there is only
    one, and a reader that is slow is not read for by itself: what it does not take stays in the socket.

    Attributes:
        connection: the WebSocket connection.
        router: its lanes. Whoever calls it holds the lock.
        since: when it was opened, by `monotonic`.
    """

    def __init__(self, connection: Any, router: Router, parse: Callable[[bytes], Any]) -> None:
        self.connection = connection
        self.router: Any = router
        self.since = monotonic()
        self._parse = parse
        self._lock = Lock()
        self._reading = False
        # Those who wait while another reads, and the lanes that they wait for.
        self._waiting: list[tuple[Lane, Any]] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.connection!r}>"

    @property
    def request(self) -> Any:
        """The request of the handshake."""
        return self.connection.request

    def is_open(self) -> bool:
        """Whether something can be sent, as far as can be known without waiting: what has come is read, unless somebody reads."""
        with self._lock:
            idle = not (self._reading or self.router.ended)
            self._reading = self._reading or idle
        if idle:
            try:
                while True:
                    message = self.connection.poll(monotonic())
                    if message is None:
                        break
                    self._arrived(message.data, None)
            except WebSocketConnectionClosedError as error:
                self._lost(error)
            finally:
                self._hand_over()
        return not self.router.ended and self.connection.state is OPEN

    def seat(self, stream_id: str | None) -> Lane:
        """As `TurnRouter.seat`."""
        with self._lock:
            lane: Lane = self.router.seat(stream_id)
            return lane

    def leave(self, lane: Lane) -> None:
        """As `TurnRouter.leave`."""
        with self._lock:
            self.router.leave(lane)

    def detach(self, lane: Lane) -> None:
        """As `Router.detach`; who waits for the lane is told."""
        with self._lock:
            self.router.detach(lane)
            self._wake(lane)

    def end(self, error: BaseException | None = None) -> None:
        """Nothing comes any more: whoever waits is told."""
        with self._lock:
            self.router.finish(error)
            self._wake(None)

    def hang_up(self) -> None:
        """Close the connection without waiting for the server. Never raises."""
        self.end()
        self.connection.hang_up()

    # --- for the shells ---------------------------------------------------------------------------------------------

    def _look(self, lane: Lane, make_event: Callable[[], Any]) -> tuple[Any, Any]:
        """An event of the lane, if there is one. If not, and nothing else is given, the caller is to read; otherwise what is given
        is set when it should look again.

        Raises as `Router.pop`.
        """
        with self._lock:
            try:
                found = self.router.pop(lane)
            except BaseException:
                self._pass_on()
                raise
            if found is not None:
                if self._waiting:
                    self._pass_on()
                return found, None
            if not self._reading:
                self._reading = True
                return None, None
            event = make_event()
            self._waiting.append((lane, event))
            return None, event

    def _arrived(self, data: bytes, lane: Lane | None) -> bool:
        """A message was read; whether there is something to be told to the one who reads, who waits for `lane`."""
        try:
            event = self._parse(data)
        except ValueError as error:
            broken = WebSocketConnectionClosedError(f"the server sent a message that is not JSON: {error}")
            broken.__cause__ = error
            self.end(broken)
            self.connection.hang_up()
            return True
        with self._lock:
            router = self.router
            try:
                given: Lane | Sequence[Lane] | None = router.dispatch(event, len(data))
            except RuntimeError as error:
                router.finish(error)
                self._wake(None)
                overflow = True
            else:
                if given is None:
                    return False
                if given is lane:
                    return True
                for one in (given,) if isinstance(given, Lane) else given:
                    self._wake(one)
                return lane is not None and (bool(lane.queue) or lane.closed)
        if overflow:
            self.connection.hang_up()
        return True

    def _lost(self, error: WebSocketConnectionClosedError) -> None:
        """The connection is at its end. What has come can still be read."""
        self.end(error)

    def _hand_over(self) -> None:
        """The one who reads has what it waited for, or gives up: another may read."""
        with self._lock:
            self._reading = False
            self._pass_on()

    def _pass_on(self) -> None:
        """Have the next of those who wait read, unless somebody does."""
        if self._waiting and not self._reading:
            self._waiting.pop(0)[1].set()

    def _forget(self, event: Any) -> None:
        """Somebody does not wait any more. If it was just told to look, it is for another to do so."""
        with self._lock:
            before = len(self._waiting)
            self._waiting = [entry for entry in self._waiting if entry[1] is not event]
            if len(self._waiting) == before:
                self._pass_on()

    def _wake(self, lane: Lane | None) -> None:
        """Have those look again who wait for a lane, or everybody."""
        if not self._waiting:
            return
        left = []
        for entry in self._waiting:
            if lane is None or entry[0] is lane:
                entry[1].set()
            else:
                left.append(entry)
        self._waiting = left
