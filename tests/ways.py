"""One test body, three ways of running: synchronously, on asyncio, on trio.

Tests are written as coroutines against the asynchronous interface. For the synchronous way, `Blocking` dresses the
synchronous client in that interface: each call is made where it stands and the result only waits to be awaited, so the
coroutine never suspends and is driven without any event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import trio

import oxide
from oxide._session_calls import SessionCalls
from oxide.pagination import _Paging
from oxide.sessions import ResponseEvents

NAMES = ("sync", "asyncio", "trio")


class Way:
    """How a test runs.

    Attributes:
        name: `"sync"`, `"asyncio"` or `"trio"`.
        clients: every client made by `client`, to be closed when the test is over.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.clients: list[Any] = []

    def __repr__(self) -> str:
        return self.name

    @property
    def is_sync(self) -> bool:
        return self.name == "sync"

    def client(self, **arguments: Any) -> Any:
        """A client with the asynchronous interface; closed at the end of the test."""
        arguments.setdefault("api_key", "sk-test")
        client: Any = oxide.OpenAI(**arguments) if self.is_sync else oxide.AsyncOpenAI(**arguments)
        return self.adopt(client)

    def adopt(self, client: Any) -> Any:
        """Have a client closed at the end of the test, and give it the asynchronous interface."""
        self.clients.append(client)
        return Blocking(client) if self.is_sync else client

    def transport(self, **arguments: Any) -> Any:
        """oxide's own transport for `client(http_client=...)`."""
        return oxide.HTTPTransport(**arguments) if self.is_sync else oxide.AsyncHTTPTransport(**arguments)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a test body, and then close the clients it made."""

        async def body() -> Any:
            try:
                return await coroutine
            finally:
                for client in self.clients:
                    await (Done(client.close()) if self.is_sync else client.close())

        if self.is_sync:
            return drive(body())
        if self.name == "asyncio":
            return asyncio.run(body())
        return trio.run(body)

    async def gather(self, *functions: Callable[[], Awaitable[Any]]) -> list[Any]:
        """Call coroutine functions at the same time: in threads, or in tasks. Their results in order."""
        results: list[Any] = [None] * len(functions)

        async def one(index: int) -> None:
            results[index] = await functions[index]()

        if self.is_sync:
            with ThreadPoolExecutor(len(functions)) as pool:
                for future in [pool.submit(drive, one(index)) for index in range(len(functions))]:
                    future.result()
        else:
            async with anyio.create_task_group() as group:
                for index in range(len(functions)):
                    group.start_soon(one, index)
        return results


def drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("a synchronous test body suspended")


class Done:
    """A value that can be awaited; and iterated over, where it is a page, as the asynchronous paginator can."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __await__(self) -> Any:
        return self._value
        yield

    async def __aiter__(self) -> Any:
        for item in self._value._wrapped:
            yield item


class Blocking:
    """A synchronous object with the interface of its asynchronous counterpart."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._wrapped, name)
        if name in _PLAIN or not (callable(value) or _is_ours(value)):
            return value
        if not callable(value):
            return Blocking(value)

        def call(*args: Any, **kwargs: Any) -> Any:
            result = value(*args, **kwargs)
            if hasattr(result, "__next__") and not isinstance(result, (oxide.Stream, ResponseEvents, SessionCalls)):
                return Blocking(result)
            if name in _MAKERS:
                return Blocking(result)
            if hasattr(result, "__enter__") and not isinstance(
                result, (oxide.Stream, oxide.OpenAI, ResponseEvents, SessionCalls)
            ):
                return Blocking(result)
            return Done(Blocking(result) if _is_ours(result) else result)

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_wrapped":
            super().__setattr__(name, value)
        else:
            setattr(self._wrapped, name, value)

    def __repr__(self) -> str:
        return repr(self._wrapped)

    def __await__(self) -> Any:
        return self
        yield

    def __aiter__(self) -> Any:
        self._iterator = iter(self._wrapped)
        return self

    async def __anext__(self) -> Any:
        try:
            return next(self._wrapped if hasattr(self._wrapped, "__next__") else self._iterator)
        except StopIteration:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Any:
        entered = self._wrapped.__enter__()
        return Blocking(entered) if _is_ours(entered) else entered

    async def __aexit__(self, *exc: Any) -> Any:
        return self._wrapped.__exit__(*exc)


# Methods that are plain functions on both sides, and make something that has the interface.
_MAKERS = frozenset({"ws_session", "ws_pool", "lane"})

# Methods that are plain functions on both sides.
_PLAIN = frozenset(
    {"is_closed", "parse_event", "has_next_page", "next_page_info", "stats", "to_dict", "to_json", "model_dump"}
)

_OURS = (
    "oxide._client",
    "oxide._response",
    "oxide.io.sync.websocket",
    "oxide._session_calls",
    "oxide.lib.streaming",
    "oxide.resources",
    "oxide._session_events",
    "oxide.sessions",
    "oxide.streaming",
    "oxide.ws_pool",
)


def _is_ours(value: Any) -> bool:
    # A subclass of a test's own, such as an event handler, is too.
    return isinstance(value, _Paging) or any(base.__module__.startswith(_OURS) for base in type(value).__mro__)
