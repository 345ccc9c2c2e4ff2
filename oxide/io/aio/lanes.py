"""Lanes on a WebSocket connection, asynchronous."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from anyio import Event, Lock

from ...core.codec import decoder
from ...core.errors import WebSocketConnectionClosedError
from ...core.transport import AsyncTransport
from ...core.ws_router import Lane
from ...core.ws_session import SessionState, open_connection
from ...core.ws_turns import SessionLane, TurnRouter
from ..lanes import BaseDesk
from .events import wait_event
from .run import IO, run

__all__ = ["Desk", "SessionIO"]


class Desk(BaseDesk):
    """A connection with lanes, for the tasks of one event loop."""

    async def send(self, text: str) -> None:
        """Send a message. Raises WebSocketConnectionClosedError."""
        await self.connection.send(text)

    async def next(self, lane: Lane, timeout: float | None) -> Any:
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
                await self._pause(event, left)
                continue
            try:
                while not self._arrived((await self.connection.recv_message(left)).data, lane):
                    left = None if end is None else max(end - monotonic(), 0.0)
            except WebSocketConnectionClosedError as error:
                if not await self._restore(error):
                    self._lost(error)
            finally:
                self._hand_over()

    async def _restore(self, error: WebSocketConnectionClosedError) -> bool:
        """Have another connection in place of the one that was lost, if that can be."""
        return False

    async def _pause(self, event: Event, timeout: float | None) -> None:
        try:
            if not await wait_event(event, timeout):
                raise TimeoutError
        except BaseException:
            self._forget(event)
            raise

    async def close(self) -> None:
        """Close the connection, with its handshake."""
        self.end()
        await self.connection.close()


class SessionIO(IO):
    """What the flows of a session are run against."""

    __slots__ = ("_decode", "_opening")

    def __init__(self, transport: AsyncTransport, type_: Any) -> None:
        super().__init__(transport)
        self._decode: Callable[[bytes], Any] = decoder(type_)
        self._opening = Lock()

    async def desk(self, state: SessionState, lane: SessionLane) -> Desk:
        desk = state.usable(lane)
        if desk is None:
            async with self._opening:
                # Another may have opened it meanwhile.
                desk = state.usable(lane)
                if desk is None:
                    connection = await run(open_connection(state.config), self)
                    desk = Desk(connection, TurnRouter(state.config.limits), self._decode)
                    state.adopt(desk)
        return desk  # type: ignore[no-any-return]
