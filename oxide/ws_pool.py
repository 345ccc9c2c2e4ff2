"""A pool of WebSocket sessions, for conversations that come and go.

with client.ws_pool(model="gpt-5", max_sessions=8) as pool:
    print(pool.send("Say hi").output_text)
    with pool.session() as session:
        ...
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .core.pool import OPEN
from .core.ws_pool import KEY, Pooled, checkout
from .core.ws_session import SessionConfig
from .io.pool import Limits, SharedPool
from .sessions import AsyncWsSession, WsSession

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ._client import AsyncOpenAI, OpenAI
    from .sessions import TurnParams
    from .types.responses.response import Response
    from .types.responses.response_input_param import ResponseInputParam

__all__ = ["AsyncWsPool", "WsPool"]


class BasePool:
    """What needs no waiting."""

    def __init__(
        self,
        client: Any,
        config: SessionConfig,
        *,
        max_sessions: int,
        max_idle: int | None,
        idle_timeout: float | None,
        timeout: float | None,
    ) -> None:
        for name, number in (("max_sessions", max_sessions), ("max_idle", max_idle)):
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
                raise ValueError(f"{name} must be a whole number, not {number!r}")
        self._client = client
        self._config = config
        self._timeout = timeout
        limits = Limits(
            max_connections=max_sessions,
            max_keepalive_connections=max_sessions if max_idle is None else max_idle,
            keepalive_expiry=idle_timeout,
        )
        self._pool = SharedPool(limits)
        self._pool.close_with(self)

    def stats(self) -> dict[str, int]:
        """Sessions `open`, `idle`, `in_use`; callers `waiting`; sessions `opened` and `reused` so far."""
        return self._pool.stats()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._pool.closed

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.stats()}>"

    def _give_back(self, pooled: Pooled) -> None:
        self._pool.release(pooled, pooled.renew())


class WsPool(BasePool):
    """Sessions that are opened when they are needed, kept when they are not, and given to one caller at a time. Any thread may use it.

    A session that lost its connection while it was idle, or whose connection has had its time, is replaced when its turn comes; one that has been
    idle for `idle_timeout` is not handed out any more. It is made by `client.ws_pool`.
    """

    _client: OpenAI

    @contextmanager
    def session(self) -> Iterator[WsSession]:
        """A session for oneself, for the time of a `with` block; what was said on it before is forgotten.

        Raises:
            APITimeoutError: all were in use, for as long as `timeout` allows.
            APIError: a new one could not be opened.
            OpenAIError: the pool is closed.
        """
        pooled = self._take()
        try:
            yield pooled.session
        finally:
            self._give_back(pooled)

    def _take(self) -> Pooled:
        got = self._client._run(checkout(self._pool, self._timeout), self._client._io)
        if got is not OPEN:
            return got  # type: ignore[no-any-return]
        session = WsSession(self._client, self._config)
        try:
            session.open()
        except BaseException:
            self._pool.failed(KEY)
            raise
        pooled = Pooled(session, session._state)
        self._pool.opened(KEY, pooled)
        return pooled

    def send(self, input: str | ResponseInputParam | None = None, /, **params: Unpack[TurnParams]) -> Response:
        """Ask on a session of the pool, beginning a conversation or going on from `previous_response_id`. Raises as `WsLane.send`."""
        with self.session() as session:
            return session.send(input, **params)

    def close(self) -> None:
        """Close what is idle, now, and what is in use when it is given back."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()


class AsyncWsPool(BasePool):
    """The same as `WsPool`, for asyncio and trio."""

    _client: AsyncOpenAI

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncWsSession]:
        """A session for oneself, for the time of an `async with` block. As `WsPool.session`."""
        pooled = await self._take()
        try:
            yield pooled.session
        finally:
            self._give_back(pooled)

    async def _take(self) -> Pooled:
        got = await self._client._run(checkout(self._pool, self._timeout), self._client._io)
        if got is not OPEN:
            return got  # type: ignore[no-any-return]
        session = AsyncWsSession(self._client, self._config)
        try:
            await session.open()
        except BaseException:
            self._pool.failed(KEY)
            raise
        pooled = Pooled(session, session._state)
        self._pool.opened(KEY, pooled)
        return pooled

    async def send(self, input: str | ResponseInputParam | None = None, /, **params: Unpack[TurnParams]) -> Response:
        """Ask on a session of the pool, beginning a conversation or going on from `previous_response_id`. Raises as `WsLane.send`."""
        async with self.session() as session:
            return await session.send(input, **params)

    async def close(self) -> None:
        """Close what is idle, now, and what is in use when it is given back."""
        self._pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()
