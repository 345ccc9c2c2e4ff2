"""Running uvicorn on a thread, and stopping it at once whatever its clients are doing."""

from __future__ import annotations

import asyncio
import socket
import threading
from ssl import SSLContext
from typing import TYPE_CHECKING, cast

try:
    import uvicorn
except ImportError as error:
    raise ImportError("the embedded server needs uvicorn: pip install 'openai-oxide[server]'") from error

from .protocol import Protocol

if TYPE_CHECKING:
    from .app import App

__all__ = ["Runner"]


class _Server(uvicorn.Server):
    """uvicorn's server, waiting for an event where it polls, and not waiting for its clients when it stops."""

    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self.stopping = asyncio.Event()
        self.ready = ready

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self.ready.set()
        stopping = asyncio.ensure_future(self.stopping.wait())
        while not stopping.done():
            await asyncio.wait((stopping,), timeout=1.0)
            await self.on_tick(0)  # the Date header

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        # Twice, for connections that were being accepted.
        for _ in range(2):
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


class Runner:
    """One server thread."""

    def __init__(self, app: App, listener: socket.socket, ssl: SSLContext | None, keep_alive: int) -> None:
        self._app = app
        self._listener = listener
        self._config = uvicorn.Config(
            app,
            http=type("Protocol", (Protocol,), {"hub": app.hub}),
            ws="wsproto",
            ws_ping_interval=None,  # a ping that nobody ordered would be one more frame in what a test counts
            ws_max_size=64 * 1024 * 1024,
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=keep_alive,
            backlog=2048,
        )
        self._config.load()
        self._config.ssl = ssl
        self._error: BaseException | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="oxide-mock-server", daemon=True)

    def start(self, limit: float) -> None:
        """Start the thread; returns when connections are accepted.

        Raises:
            TimeoutError: that took longer than `limit` seconds.
            BaseException: whatever kept the server from starting.
        """
        self._thread.start()
        started = self._started.wait(limit)
        if self._error is not None:
            raise self._error
        if not started:
            raise TimeoutError(f"the server did not start within {limit} s")

    def stop(self) -> None:
        """Stop, and join the thread.

        Raises:
            BaseException: whatever ended the server before this.
        """
        if self._thread.is_alive():
            self._app.closing = True
            self._loop.call_soon_threadsafe(self._server.stopping.set)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def drop_idle(self, *, reset: bool) -> int:
        """Close the idle connections; their number."""
        return asyncio.run_coroutine_threadsafe(self._drop_idle(reset=reset), self._loop).result(10)

    async def _drop_idle(self, *, reset: bool) -> int:
        idle = [
            connection for connection in cast("set[Protocol]", self._server.server_state.connections) if connection.idle
        ]
        for connection in idle:
            if reset:
                connection.connection.reset()
            else:
                connection.connection.close()
                if self._config.ssl is not None:
                    # TLS has said goodbye; its transport would wait for the client to answer that.
                    connection.transport.abort()
        for connection in idle:
            await connection.connection.closed.wait()
        return len(idle)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - start() raises it in the caller's thread
            self._error = error
        finally:
            self._listener.close()
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._app.closing = False
        self._server = _Server(self._config, self._started)
        await self._server.serve(sockets=[self._listener])
