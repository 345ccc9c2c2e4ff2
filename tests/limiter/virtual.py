"""Clients in virtual time: a minute takes no longer than what happens in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import anyio
import trio
import trio.testing

import oxide
from oxide.core.http import Request, Response

from .model import Server

Handler = Callable[[Request], Response]


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to when the next thing is due."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__()
        select = self._selector.select  # type: ignore[attr-defined]

        def jump(timeout: float | None) -> Any:
            events = select(0)
            if not events and timeout:
                self._now += timeout
            return events

        self._selector.select = jump  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._now


class AsyncServer:
    """`oxide.AsyncTransport` to a model of a server."""

    def __init__(self, handle: Handler, latency: Callable[[], float]) -> None:
        self._handle = handle
        self._latency = latency

    async def send(self, request: Request, *, stream: bool) -> Response:
        response = self._handle(request)
        await anyio.sleep(self._latency())
        return response

    async def aclose(self) -> None:
        """Nothing is open."""


class SyncServer:
    """`oxide.Transport` to a model of a server."""

    def __init__(self, handle: Handler, latency: Callable[[], float]) -> None:
        self._handle = handle
        self._latency = latency

    def send(self, request: Request, *, stream: bool) -> Response:
        response = self._handle(request)
        time.sleep(self._latency())
        return response

    def close(self) -> None:
        """Nothing is open."""


def run_trio(main: Callable[[], Awaitable[Any]]) -> Any:
    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def run_asyncio(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def client(server: Server, latency: Callable[[], float], **options: Any) -> oxide.AsyncOpenAI:
    options.setdefault("limiter", oxide.RateLimiter())
    return oxide.AsyncOpenAI(api_key="sk-test", http_client=AsyncServer(server.handle, latency), **options)
