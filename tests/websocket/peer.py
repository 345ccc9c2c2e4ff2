"""A server built on `websockets`, in a thread, which does what the messages it gets tell it to."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

__all__ = ["Peer", "delta"]


def delta(number: int, text: str = "x") -> dict[str, Any]:
    """An event of a response."""
    return {
        "type": "response.output_text.delta",
        "item_id": "msg_1",
        "output_index": 0,
        "content_index": 0,
        "delta": text,
        "logprobs": [],
        "sequence_number": number,
    }


class Peer:
    """Runs while its context is open.

    A message `{"do": ...}` is an order: `send` these messages; `close` with this `code` and `reason`; `abort` the connection; say
    nothing for a while (`sleep`); `stop` reading for so many seconds. Anything else is counted, and sent back by `echo=True`.

    Args:
        echo: send messages back.
        reply: or what this makes of them.
        ssl: for TLS.
        unix: the path of a Unix socket to listen on instead of a port.
        options: for `websockets.serve`.

    Attributes:
        handshakes: path and header fields of each connection.
        received: every message that was no order, in order.
        first: what each new connection is told to do; for as many connections as there are entries, the last for all further ones.
        answers: responses to handshakes, instead of connections, as status, headers and body; the next first.
    """

    def __init__(
        self,
        *,
        echo: bool = False,
        reply: Callable[[str | bytes], str | bytes] | None = None,
        ssl: Any = None,
        unix: str | None = None,
        **options: Any,
    ) -> None:
        self._reply = (lambda message: message) if echo else reply
        self._ssl = ssl
        self._unix = unix
        self._options = {"max_size": None, "compression": None, **options}
        self._ready = threading.Event()
        self._stopped: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.handshakes: list[tuple[str, dict[str, str]]] = []
        self.received: list[str | bytes] = []
        self.first: list[list[dict[str, Any]]] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.port = 0

    def __enter__(self) -> Peer:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        assert self._loop is not None
        assert self._stopped is not None
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(20)

    @property
    def base_url(self) -> str:
        return f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}/v1"

    @property
    def url(self) -> str:
        return f"{'wss' if self._ssl else 'ws'}://127.0.0.1:{self.port}/v1/thing"

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        options: dict[str, Any] = {"process_request": self._decline, "close_timeout": 0.5, **self._options}
        if self._ssl is not None:
            options["ssl"] = self._ssl
        if self._unix is not None:
            from websockets.asyncio.server import unix_serve

            context: Any = unix_serve(self._handle, self._unix, **options)
        else:
            context = serve(self._handle, "127.0.0.1", 0, **options)
        async with context as server:
            if self._unix is None:
                self.port = next(iter(server.sockets)).getsockname()[1]
            self._ready.set()
            await self._stopped.wait()

    def _decline(self, connection: ServerConnection, request: Request) -> Response | None:
        if not self.answers:
            return None
        status, headers, body = self.answers.pop(0)
        return Response(status, "", Headers({**headers, "Content-Length": str(len(body))}), body)

    async def _handle(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        self.handshakes.append((request.path, {name.lower(): value for name, value in request.headers.raw_items()}))
        orders: list[dict[str, Any]] = []
        if self.first:
            orders = self.first.pop(0) if len(self.first) > 1 else self.first[0]
        for order in orders:
            await self._obey(connection, order)
        async for message in connection:
            order = _order(message)
            if order is not None:
                await self._obey(connection, order)
                continue
            self.received.append(message)
            if self._reply is not None:
                await connection.send(self._reply(message))

    async def _obey(self, connection: ServerConnection, order: dict[str, Any]) -> None:
        what = order["do"]
        if what == "send":
            for message in order["messages"]:
                await connection.send(message if isinstance(message, (str, bytes)) else json.dumps(message))
        elif what == "raw":
            connection.transport.write(base64.b64decode(order["data"]))
        elif what == "close":
            await connection.close(order.get("code", 1000), order.get("reason", ""))
        elif what == "abort":
            connection.transport.abort()
        elif what == "ping":
            await (await connection.ping())
            await connection.send('"ponged"')
        elif what == "sleep":
            await asyncio.sleep(order["seconds"])
        elif what == "half":
            # The head of a message of 100 bytes, and some of it; then the end.
            connection.transport.write(b"\x81\x64" + b"x" * 40)
            await asyncio.sleep(0)
            connection.transport.close()
        else:
            raise AssertionError(f"no such order: {what}")


def _order(message: str | bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(message)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "do" in value else None
