"""The ASGI application: checks the key, finds the endpoint, and gives scripted replies their turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from . import chat, embeddings, models, responses
from .call import Call
from .channel import Channel
from .connection import EXTENSION, Connection
from .cors import Cors
from .exchange import Answer, ClientLeft, Exchange, apply_reply, apply_stream, complete_headers
from .lanes import Lanes
from .live import Live
from .models import Models
from .problem import Problem
from .realtime import Realtime
from .record import Hub, RecordedRequest, RecordedSocket
from .script import Close, Fault, Gate, Raw, Reply, Script, Socket
from .store import Store
from .translation import Translation
from .upgrade import Context, Endpoint, hold, hold_receive, hold_send, offered

__all__ = ["App"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Handler = Callable[[Call], Answer]

_ROUTES: tuple[tuple[str, tuple[str, ...], Handler], ...] = tuple(
    (method, tuple(template.split("/")[1:]), handler)
    for method, template, handler in (*responses.ROUTES, *chat.ROUTES, *embeddings.ROUTES, *models.ROUTES)
)

_SOCKETS: tuple[tuple[tuple[str, ...], Callable[[Channel, Context], Endpoint]], ...] = tuple(
    (tuple(template.split("/")[1:]), endpoint)
    for template, endpoint in (
        ("/responses", Lanes),
        ("/realtime", Realtime),
        ("/realtime/translations", Translation),
        ("/live/sessions", Live),
        ("/live/sessions/{session_id}/attach", Live),
        ("/live/sessions/{session_id}/fork", Live),
    )
)

_KEY = "openai-insecure-api-key."

_COMMON_HEADERS = [
    (b"openai-organization", b"org-oxide"),
    (b"openai-project", b"proj_oxide"),
    (b"openai-version", b"2020-10-01"),
    (b"x-ratelimit-limit-requests", b"10000"),
    (b"x-ratelimit-limit-tokens", b"2000000"),
    (b"x-ratelimit-remaining-requests", b"9999"),
    (b"x-ratelimit-remaining-tokens", b"1999000"),
    (b"x-ratelimit-reset-requests", b"6ms"),
    (b"x-ratelimit-reset-tokens", b"30ms"),
]


class App:
    """An ASGI 3 application (HTTP, WebSocket, and lifespan); it runs on asyncio.

    It works on any server, but the faults that break connections need `MockServer`'s own.

    Attributes:
        hub: the queue of scripts and the record of requests.
        closing: set before the server cancels what is in flight, which then ends without a word.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        models: Sequence[str] | None = None,
        clock: Callable[[], float] = time.time,
        remember: int = 10_000,
        max_connection_age: float | Gate | None = 3600.0,
        cors: bool | Sequence[str] = False,
    ) -> None:
        self.api_key = api_key
        self._cors = Cors(cors)
        self.hub = Hub(remember)
        self.closing = False
        self._models = Models(models)
        self._store = Store(clock, remember)
        self._max_age = max_connection_age

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            while True:
                kind = (await receive())["type"]
                await send({"type": kind + ".complete"})
                if kind == "lifespan.shutdown":
                    return
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)

    async def _http(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        connection, headers = _below(scope)
        try:
            body = await _read(receive)
        except ClientLeft:
            return
        request = _recorded(scope, headers, connection, method=scope["method"], body=body)
        preflight = self._cors.preflight(request)
        if preflight is not None:
            # A browser asks for itself: neither recorded, nor what anything was queued for.
            await Exchange(receive, send, connection).send(preflight)
            return
        # Taken before anybody can see the request, so that what is queued in answer to it is for the next one.
        script = self.hub.take(request)
        self.hub.arrived(request)
        exchange = Exchange(receive, send, connection)
        await self._carry_out(request, self._answer(exchange, request, script))
        exchange.end()

    async def _websocket(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        connection, headers = _below(scope)
        await receive()
        request = _recorded(scope, headers, connection, method="GET", body=b"", socket=RecordedSocket())
        script = self.hub.take(request)
        self.hub.arrived(request)
        await self._carry_out(request, self._open(request, script, receive, send, connection))

    async def _open(
        self,
        request: RecordedRequest,
        script: Script | None,
        receive: Receive,
        send: Send,
        connection: Connection | None,
    ) -> None:
        """Answer the handshake of a WebSocket, and speak on it."""
        while callable(script):
            script = script(request)
        if script is None:
            script = Socket()
        if isinstance(script, Socket):
            try:
                make = self._endpoint(request)
            except Problem as problem:
                script = Reply(problem.status, json=problem.body, headers=script.headers)
            else:
                await hold(
                    make,
                    receive,
                    send,
                    connection=connection,
                    request=request,
                    hub=self.hub,
                    script=script,
                    max_age=self._max_age,
                )
        exchange = Exchange(hold_receive(receive), hold_send(send), connection)
        try:
            await self._answer(exchange, request, script)
        finally:
            exchange.end()

    def _endpoint(self, request: RecordedRequest) -> Callable[[Channel], Endpoint]:
        """What speaks on a WebSocket.

        Raises:
            Problem: there is no such endpoint, or the key is wrong.
        """
        path, deployment = _below_base(request)
        self._authenticate(request)
        segments = path.split("/")[1:]
        for template, endpoint in _SOCKETS:
            params = _match(template, segments)
            if params is not None:
                context = Context(self._store, self._models, self.hub, params, deployment)
                return lambda channel: endpoint(channel, context)
        raise _invalid_url(request.method, request.path)

    async def _carry_out(self, request: RecordedRequest, answering: Awaitable[None]) -> None:
        left = True
        try:
            await answering
            left = False
        except ClientLeft:
            pass
        except asyncio.CancelledError:
            if not self.closing:
                raise
        finally:
            self.hub.done(request, disconnected=left)

    async def _answer(self, exchange: Exchange, request: RecordedRequest, script: Script | None) -> None:
        started = time.perf_counter()
        while callable(script):
            script = script(request)
        if isinstance(script, Fault):
            script = Reply(fault=script)
        if isinstance(script, Raw):
            await exchange.send_raw(script)
            return
        if script is None:
            answer = self._own(request)
        elif isinstance(script, Reply):
            answer = apply_reply(script, lambda: self._own(request))
        elif isinstance(script, (Close, Socket)):
            raise TypeError(f"this is for WebSockets, not for a request: {script!r}")
        else:
            answer = apply_stream(script, lambda: self._own(request))
        milliseconds = max(1, round((time.perf_counter() - started) * 1000))
        common = [
            (b"x-request-id", self._store.id("req_").encode()),
            (b"openai-processing-ms", str(milliseconds).encode()),
            *_COMMON_HEADERS,
            *self._cors.fields(request),
        ]
        answer.headers = complete_headers(answer, common)
        await exchange.send(answer)

    def _own(self, request: RecordedRequest) -> Answer:
        """The answer of the API."""
        try:
            path, deployment = _below_base(request)
            self._authenticate(request)
            handler, params = _route(request.method, path)
            return handler(Call(request, path, params, self._store, self._models, deployment))
        except Problem as problem:
            return Answer.json(problem.body, problem.status)

    def _authenticate(self, request: RecordedRequest) -> None:
        if self.api_key is None:
            return
        scheme, _, key = (request.header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer":
            key = request.header("api-key") or ""  # Azure's way
        if not key and request.socket is not None:
            # Pages can't send header fields with a WebSocket.
            key = next((name[len(_KEY) :] for name in offered(request) if name.startswith(_KEY)), "")
        if not key:
            raise Problem(
                401,
                "You didn't provide an API key. You need to provide your API key in an Authorization header using "
                "Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            )
        if key != self.api_key:
            shown = key if len(key) < 12 else f"{key[:4]}{'*' * (len(key) - 8)}{key[-4:]}"
            raise Problem(401, f"Incorrect API key provided: {shown}.", code="invalid_api_key")


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _below_base(request: RecordedRequest) -> tuple[str, str | None]:
    """The path below the base URL, and the deployment that an Azure path names."""
    path = request.path
    if path.startswith("/v1/"):
        return path[3:], None
    if path.startswith("/openai/v1/"):
        return path[10:], None
    if path.startswith("/openai/deployments/"):
        deployment, _, rest = path[20:].partition("/")
        return "/" + rest, deployment
    if path.startswith("/openai/"):
        return path[7:], None
    raise _invalid_url(request.method, path)


def _route(method: str, path: str) -> tuple[Handler, tuple[str, ...]]:
    segments = path.split("/")[1:]
    known = False
    for route_method, template, handler in _ROUTES:
        params = _match(template, segments)
        if params is not None:
            if route_method == method:
                return handler, params
            known = True
    if known:
        raise Problem(
            405,
            f"Not allowed to {method} on /v1{path}. (HINT: Perhaps you meant to use a different HTTP method?)",
            code="method_not_supported",
        )
    raise _invalid_url(method, "/v1" + path)


def _match(template: Sequence[str], segments: Sequence[str]) -> tuple[str, ...] | None:
    """What stands in the places that a template leaves open; `None` where the path is another one."""
    if len(template) != len(segments):
        return None
    params = []
    for part, segment in zip(template, segments, strict=True):
        if part[0] == "{" and segment:
            params.append(segment)
        elif part != segment:
            return None
    return tuple(params)


def _below(scope: MutableMapping[str, Any]) -> tuple[Connection | None, list[tuple[bytes, bytes]]]:
    """The connection of a request, and its header lines as they were sent, as far as the server tells."""
    extension = (scope.get("extensions") or {}).get(EXTENSION) or {}
    return extension.get("connection"), list(extension.get("headers", scope["headers"]))


def _recorded(
    scope: MutableMapping[str, Any],
    headers: list[tuple[bytes, bytes]],
    connection: Connection | None,
    *,
    method: str,
    body: bytes,
    socket: RecordedSocket | None = None,
) -> RecordedRequest:
    return RecordedRequest(
        method=method,
        path=scope["path"],
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        connection=0 if connection is None else connection.number,
        http_version=scope.get("http_version", "1.1"),
        socket=socket,
    )


def _invalid_url(method: str, path: str) -> Problem:
    return Problem(404, f"Invalid URL ({method} {path})", code="unknown_url")
