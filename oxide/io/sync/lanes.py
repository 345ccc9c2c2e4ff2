"""Lanes on a WebSocket connection, synchronous."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from ...core.codec import decoder
from ...core.errors import WebSocketConnectionClosedError
from ...core.transport import Transport
from ...core.ws_router import Lane
from ...core.ws_session import SessionState, open_connection
from ...core.ws_turns import SessionLane, TurnRouter
from ..lanes import BaseDesk
from ..locks import Event, Lock
from .run import IO, run

__all__ = ["Desk", "SessionIO"]


class Desk(BaseDesk):
    """A connection with lanes. Any thread may call any method."""

    def send(self, text: str) -> None:
        """Send a message. Raises WebSocketConnectionClosedError."""
        self.connection.send(text)

    def next(self, lane: Lane, timeout: float | None) -> Any:
        """The next event of a lane.

        Raises:
            TimeoutError: nothing came in `timeout` seconds; nothing is lost by that.
            WebSocketConnectionClosedError: the connection is at its end; EOFError where that was regular.
            ResponsesWebSocketBufferError: more waited for the lane than may.
        """
        end = None if timeout is None else monotonic() + timeout
        while True:
            found, event = self._look(lane, Event)
            if found is not None:
                return found
            left = None if end is None else max(end - monotonic(), 0.0)
            if event is not None:
                self._pause(event, left)
                continue
            try:
                while not self._arrived(self.connection.recv_message(left).data, lane):
                    left = None if end is None else max(end - monotonic(), 0.0)
            except WebSocketConnectionClosedError as error:
                if not self._restore(error):
                    self._lost(error)
            finally:
                self._hand_over()

    def _restore(self, error: WebSocketConnectionClosedError) -> bool:
        """Have another connection in place of the one that was lost, if that can be."""
        return False

    def _pause(self, event: Event, timeout: float | None) -> None:
        try:
            if not event.wait(timeout):
                raise TimeoutError
        except BaseException:
            self._forget(event)
            raise

    def close(self) -> None:
        """Close the connection, with its handshake."""
        self.end()
        self.connection.close()


class SessionIO(IO):
    """What the flows of a session are run against."""

    __slots__ = ("_decode", "_opening")

    def __init__(self, transport: Transport, type_: Any) -> None:
        super().__init__(transport)
        self._decode: Callable[[bytes], Any] = decoder(type_)
        self._opening = Lock()

    def desk(self, state: SessionState, lane: SessionLane) -> Desk:
        desk = state.usable(lane)
        if desk is None:
            with self._opening:
                # Another may have opened it meanwhile.
                desk = state.usable(lane)
                if desk is None:
                    connection = run(open_connection(state.config), self)
                    desk = Desk(connection, TurnRouter(state.config.limits), self._decode)
                    state.adopt(desk)
        return desk  # type: ignore[no-any-return]
