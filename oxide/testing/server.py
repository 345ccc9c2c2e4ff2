"""The embedded server: uvicorn on a thread of its own, with an event loop of its own."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Sequence
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from types import TracebackType
from typing import TYPE_CHECKING, Any, Union

from .app import App
from .record import RecordedRequest, RecordedSocket
from .script import Close, Fault, Gate, Raw, Reply, Script, Socket, Stream

if TYPE_CHECKING:
    from .runner import Runner

__all__ = ["MockServer"]

_StrPath = Union[str, "os.PathLike[str]"]
_START_LIMIT = 30.0


class MockServer:
    """A server on loopback that answers as the OpenAI API does, and misbehaves when told to.

    Use it as a context manager, `with` or `async with` (asyncio and trio), or call `start()` and `stop()`.

    Args:
        api_key: the only key that is accepted; `None` accepts any, and none.
        models: the names that are known; `None` for a list of common ones.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        ssl: for HTTPS, a server-side context or the paths of a certificate chain and its key (PEM).
        clock: gives the time for `created_at`, in seconds since the epoch. A constant makes bodies repeatable.
        keep_alive: seconds that an idle connection is kept.
        remember: how many requests, stored responses and stored completions are kept; the oldest go first.
        max_connection_age: seconds after which a WebSocket is told so, and closed; a gate that stands for that time; or
            `None` for no limit.
        cors: whether web pages of other origins may use the server: all of them (`True`), those of a list of origins, or none. A page is
            kept from it by its browser otherwise, which is what a server on a developer's machine wants.

    Raises (from `start`):
        ImportError: uvicorn is not installed.
        OSError: the address can't be listened on.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        models: Sequence[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl: SSLContext | tuple[_StrPath, _StrPath] | None = None,
        clock: Callable[[], float] = time.time,
        keep_alive: int = 300,
        remember: int = 10_000,
        max_connection_age: float | Gate | None = 3600.0,
        cors: bool | Sequence[str] = False,
    ) -> None:
        self.app = App(
            api_key=api_key,
            models=models,
            clock=clock,
            remember=remember,
            max_connection_age=max_connection_age,
            cors=cors,
        )
        self._hub = self.app.hub
        self._address = (host, port)
        self._ssl = _context(ssl)
        self._keep_alive = keep_alive
        self._runner: Runner | None = None

    # --- life ---

    def start(self) -> MockServer:
        """Listen; returns when requests are answered."""
        if self._runner is not None:
            raise RuntimeError("this server is running already")
        from .runner import Runner  # uvicorn, which is optional and takes a while to import

        listener = _listen(*self._address)
        self._port: int = listener.getsockname()[1]
        runner = Runner(self.app, listener, self._ssl, self._keep_alive)
        runner.start(_START_LIMIT)
        self._runner = runner
        return self

    def stop(self) -> None:
        """Close every connection, whatever is in flight on it, and join the thread. Does nothing when not running."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.stop()

    def __enter__(self) -> MockServer:
        return self.start()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> MockServer:
        from anyio import to_thread

        return await to_thread.run_sync(self.start)

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        from anyio import CancelScope, to_thread

        # Also when the block was cancelled: a thread and a port are held.
        with CancelScope(shield=True):
            await to_thread.run_sync(self.stop)

    # --- where it is ---

    @property
    def port(self) -> int:
        """The port it listens on."""
        self._running()
        return self._port

    @property
    def url(self) -> str:
        """Scheme, host and port, without a path."""
        self._running()
        host = self._address[0]
        return f"http{'s' if self._ssl else ''}://{f'[{host}]' if ':' in host else host}:{self._port}"

    @property
    def base_url(self) -> str:
        """What a client takes as `base_url`: `http://127.0.0.1:PORT/v1`."""
        return self.url + "/v1"

    @property
    def api_key(self) -> str:
        """A key that is accepted."""
        return self.app.api_key or "sk-mock"

    # --- what it does ---

    def queue(
        self, *scripts: Script, path: str | None = None, method: str | None = None, repeat: int | None = 1
    ) -> None:
        """Say how the next requests are answered, each by the first of the queue that fits it.

        Args:
            scripts: replies, streams, raw bytes or faults; a callable is given the request and returns one of these.
            path: answer only requests for this path, such as `/v1/responses`.
            method: answer only requests of this method. A WebSocket's handshake takes a `Socket`, and of the others only
                what is for `GET`; each `response.create` on it is a request of method `WS`.
            repeat: how many requests each of `scripts` answers; `None` for every one from now on.

        Raises:
            TypeError: something of `scripts` is not a script.
        """
        for script in scripts:
            if not (isinstance(script, (Reply, Stream, Raw, Fault, Close, Socket)) or callable(script)):
                raise TypeError(f"not something to answer with: {script!r}")
        self._hub.order(scripts, path=path, method=method, repeat=repeat)

    @property
    def pending(self) -> int:
        """How much of what was queued is not used up."""
        return self._hub.pending

    def clear(self) -> None:
        """Forget the recorded requests and what is queued. What is stored (responses, completions) stays."""
        self._hub.forget()

    def drop_idle_connections(self, *, reset: bool = False) -> int:
        """Close the connections that wait for a next request, with FIN or with RST; how many there were.

        They are closed when this returns, so a client that uses one of them finds it stale.
        """
        return self._running().drop_idle(reset=reset)

    # --- what happened ---

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests so far, in the order in which they were complete."""
        return self._hub.requests

    @property
    def sockets(self) -> list[RecordedSocket]:
        """The WebSocket connections so far."""
        return [request.socket for request in self._hub.requests if request.socket is not None]

    @property
    def open_connections(self) -> frozenset[int]:
        """The numbers of the connections that are open."""
        return self._hub.connections

    @property
    def accepted_connections(self) -> int:
        """How many connections there have been."""
        return self._hub.accepted

    def wait_for_requests(self, count: int, timeout: float = 10.0) -> list[RecordedRequest]:
        """Block until `count` requests have arrived in all, and return them.

        It blocks the thread: in asynchronous tests call it through `anyio.to_thread.run_sync`.

        Raises:
            TimeoutError: they did not arrive within `timeout` seconds.
        """
        self.wait_for(lambda: self._hub.arrived_count >= count, timeout, f"{count} requests")
        return self.requests

    def wait_for(self, condition: Callable[[], bool], timeout: float = 10.0, what: str = "the condition") -> None:
        """Block until `condition()` holds; it is looked at whenever a connection or a request changes.

        Raises:
            TimeoutError: it does not hold after `timeout` seconds.
        """
        if not self._hub.wait_for(condition, timeout):
            raise TimeoutError(f"no {what} within {timeout} s; there were {len(self.requests)} requests")

    def _running(self) -> Runner:
        if self._runner is None:
            raise RuntimeError("this server is not running")
        return self._runner


def _listen(host: str, port: int) -> socket.socket:
    # With the protocol named, which accepted sockets inherit: asyncio sets TCP_NODELAY only where it is. Without it
    # each event of a stream would wait for the acknowledgement of the one before.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except BaseException:
        listener.close()
        raise
    return listener


def _context(ssl: Any) -> SSLContext | None:
    if ssl is None or isinstance(ssl, SSLContext):
        return ssl
    certificate, key = ssl
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
