"""The ASGI application: checks the key, finds the endpoint, and gives scripted replies their turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from . import chat, embeddings, models, responses
from .call import Call
from .connection import EXTENSION, Connection
from .exchange import Answer, ClientLeft, Exchange, apply_reply, apply_stream, complete_headers
from .models import Models
from .problem import Problem
from .record import Hub, RecordedRequest
from .script import Fault, Raw, Reply, Script
from .store import Store

__all__ = ["App"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Handler = Callable[[Call], Answer]

_ROUTES: tuple[tuple[str, tuple[str, ...], Handler], ...] = tuple(
    (method, tuple(template.split("/")[1:]), handler)
    for method, template, handler in (*responses.ROUTES, *chat.ROUTES, *embeddings.ROUTES, *models.ROUTES)
)

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
    """An ASGI 3 application (HTTP, and lifespan); it runs on asyncio.

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
    ) -> None:
        self.api_key = api_key
        self.hub = Hub(remember)
        self.closing = False
        self._models = Models(models)
        self._store = Store(clock, remember)

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
            await receive()
            await send({"type": "websocket.close"})

    async def _http(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        extension = (scope.get("extensions") or {}).get(EXTENSION) or {}
        connection: Connection | None = extension.get("connection")
        try:
            body = await _read(receive)
        except ClientLeft:
            return
        request = RecordedRequest(
            method=scope["method"],
            path=scope["path"],
            query_string=scope["query_string"].decode("latin-1"),
            headers=list(extension.get("headers", scope["headers"])),
            body=body,
            connection=0 if connection is None else connection.number,
            http_version=scope["http_version"],
        )
        # Taken before anybody can see the request, so that what is queued in answer to it is for the next one.
        script = self.hub.take(request)
        self.hub.arrived(request)
        exchange = Exchange(receive, send, connection)
        left = True
        try:
            await self._answer(exchange, request, script)
            left = False
        except ClientLeft:
            pass
        except asyncio.CancelledError:
            if not self.closing:
                raise
        finally:
            exchange.end()
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
        else:
            answer = apply_stream(script, lambda: self._own(request))
        milliseconds = max(1, round((time.perf_counter() - started) * 1000))
        common = [
            (b"x-request-id", self._store.id("req_").encode()),
            (b"openai-processing-ms", str(milliseconds).encode()),
            *_COMMON_HEADERS,
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
        if len(template) == len(segments) and all(
            part == segment or (part[0] == "{" and segment) for part, segment in zip(template, segments, strict=True)
        ):
            if route_method == method:
                params = tuple(segment for part, segment in zip(template, segments, strict=True) if part[0] == "{")
                return handler, params
            known = True
    if known:
        raise Problem(
            405,
            f"Not allowed to {method} on /v1{path}. (HINT: Perhaps you meant to use a different HTTP method?)",
            code="method_not_supported",
        )
    raise _invalid_url(method, "/v1" + path)


def _invalid_url(method: str, path: str) -> Problem:
    return Problem(404, f"Invalid URL ({method} {path})", code="unknown_url")
