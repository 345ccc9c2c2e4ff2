"""`OpenAI` and `AsyncOpenAI`: a configuration, a transport, and the resources' methods."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._endpoints import AsyncEndpoints, SyncEndpoints
from .core.call import api_error, follow_up, opening, perform
from .core.config import ClientConfig
from .core.errors import TransportError
from .core.events import EventDecoder
from .core.http import Response
from .core.operation import Operation
from .core.prepare import Call
from .core.transport import AsyncTransport, Transport
from .io.locks import EMSCRIPTEN
from .resources._attach import AsyncResources, SyncResources

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .core.azure import AzureConfig
    from .core.ws_router import ResponsesWebSocketLimits
    from .lib.azure import AsyncAzureOpenAI, AzureOpenAI
    from .pagination import AsyncPaginator
    from .resources._attach import (
        AsyncResourcesWithRawResponse,
        AsyncResourcesWithStreamingResponse,
        SyncResourcesWithRawResponse,
        SyncResourcesWithStreamingResponse,
    )
    from .sessions import AsyncWsSession, WsSession
    from .types.responses.response_create_params import ResponseCreateParamsBase
    from .ws_pool import AsyncWsPool, WsPool

from ._base_client import BaseClient

__all__ = ["AsyncClient", "AsyncOpenAI", "Client", "OpenAI"]


class OpenAI(SyncResources, SyncEndpoints, BaseClient):
    """The synchronous client. It may be used by any number of threads at once.

    Args:
        see `ClientConfig`.

    Raises:
        OpenAIError: there are no credentials, neither here nor in the environment.
        TypeError, ValueError: an argument has a value it can't have; the message names it.
    """

    _asynchronous = False
    _transport: Transport

    @cached_property
    def with_raw_response(self) -> SyncResourcesWithRawResponse:
        """The same resources, whose methods return the response itself."""
        from .resources._attach import SyncResourcesWithRawResponse

        return SyncResourcesWithRawResponse(self)

    @cached_property
    def with_streaming_response(self) -> SyncResourcesWithStreamingResponse:
        """The same resources, whose methods are context managers with a response that has not been read."""
        from .resources._attach import SyncResourcesWithStreamingResponse

        return SyncResourcesWithStreamingResponse(self)

    @classmethod
    def azure(cls, config: AzureConfig) -> AzureOpenAI:
        """A client for Azure with this configuration."""
        from .lib.azure import AzureOpenAI

        return AzureOpenAI.with_config(config)

    def _make_transport(self, config: ClientConfig) -> Transport:
        if EMSCRIPTEN:
            from .io.web.blocking import FetchTransport

            return FetchTransport(http2=config.http2)
        from .io.sync.transport import HTTPTransport

        return HTTPTransport(http2=config.http2 or False)

    def _make_io(self, transport: Transport) -> Any:
        from .io.sync.run import IO, run

        self._run = run
        if EMSCRIPTEN:
            from .io.web.blocking import IO as BlockingIO

            return BlockingIO(transport)
        return IO(transport)

    def _perform(self, call: Call) -> Any:
        request = opening(call)
        if request is None:
            return self._told(call, self._run(perform(call), self._io))
        outcome: Any
        try:
            outcome = self._transport.send(request, stream=call.unread)
        except TransportError as error:
            outcome = error
        flow = follow_up(call, request, outcome)
        if flow is None:
            return self._result(call, outcome)
        # An error in a variable of the frame that it is raised through would make a cycle.
        del outcome
        return self._result(call, self._run(flow, self._io))

    def _make_stream(self, call: Call, response: Response, decoder: EventDecoder) -> Any:
        from .streaming import Stream

        return Stream(response=response, decoder=decoder, again=self._again(call, response))

    # --- WebSocket sessions ----------------------------------------------------------------------------------------

    def ws_session(
        self,
        *,
        limits: ResponsesWebSocketLimits | None = None,
        max_age: float | None = 3300.0,
        extra_query: Mapping[str, object] | None = None,
        extra_headers: Mapping[str, Any] | None = None,
        websocket_connection_options: Mapping[str, Any] | None = None,
        **params: Unpack[ResponseCreateParamsBase],
    ) -> WsSession:
        """A WebSocket session: responses over a connection that stays open, one after the other or on lanes at the same time.

        Args:
            params: what every turn of the session has, such as `model`, `instructions` and `tools`: the parameters of
                `responses.create`. A turn's own take their place.
            limits: how much may wait for those who read lanes.
            max_age: seconds after which a connection is replaced, between two turns; `None` for never.
            extra_query, extra_headers: of the handshake.
            websocket_connection_options: as `responses.connect` takes them.

        Raises:
            TypeError, ValueError: an argument has a value it can't have.
        """
        from .sessions import WsSession, session_config

        config = session_config(
            self,
            params,
            limits=limits,
            max_age=max_age,
            extra_query=extra_query,
            extra_headers=extra_headers,
            websocket_connection_options=websocket_connection_options,
        )
        return WsSession(self, config)

    def ws_pool(
        self,
        *,
        max_sessions: int = 8,
        max_idle: int | None = None,
        idle_timeout: float | None = 60.0,
        pool_timeout: float | None = 600.0,
        limits: ResponsesWebSocketLimits | None = None,
        max_age: float | None = 3300.0,
        extra_query: Mapping[str, object] | None = None,
        extra_headers: Mapping[str, Any] | None = None,
        websocket_connection_options: Mapping[str, Any] | None = None,
        **params: Unpack[ResponseCreateParamsBase],
    ) -> WsPool:
        """A pool of WebSocket sessions.

        Args:
            max_sessions: in use and idle together; who asks for one more waits.
            max_idle: idle ones that are kept; all by default.
            idle_timeout: seconds after which an idle session is not handed out any more; `None` for any number.
            pool_timeout: seconds to wait for a session where all are in use; `None` for as long as it takes.
            limits, max_age, extra_query, extra_headers, websocket_connection_options, params: as for `ws_session`.

        Raises:
            TypeError, ValueError: an argument has a value it can't have.
        """
        from .sessions import session_config
        from .ws_pool import WsPool

        config = session_config(
            self,
            params,
            limits=limits,
            max_age=max_age,
            extra_query=extra_query,
            extra_headers=extra_headers,
            websocket_connection_options=websocket_connection_options,
        )
        return WsPool(
            self,
            config,
            max_sessions=max_sessions,
            max_idle=max_idle,
            idle_timeout=idle_timeout,
            timeout=pool_timeout,
        )

    # --- life -------------------------------------------------------------------------------------------------------

    def warmup(self, connections: int = 1) -> None:
        """Open connections to the API before they are needed, so that the first calls don't wait for them.

        Args:
            connections: for how many calls at the same time there are to be some; those that are open already count. With HTTP/2 one
                connection carries many calls. The limits of the client's `Limits` hold.

        Raises:
            APIConnectionError: one could not be made; those that could are kept. `APITimeoutError` where that took too long.
            OpenAIError: the `http_client` that the client was given has no such method.
            TypeError, ValueError: `connections` is not a number of at least 1.
        """
        request = self._warmup_request(connections)
        try:
            self._transport.warmup(request, connections)  # type: ignore[attr-defined]
        except TransportError as error:
            raise api_error(request, error) from error

    def close(self) -> None:
        """Close every connection, those that copies of this client use included."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()


class AsyncOpenAI(AsyncResources, AsyncEndpoints, BaseClient):
    """The client for asyncio and trio, in one event loop at a time.

    Args:
        see `ClientConfig`; `api_key` may be a coroutine function.

    Raises:
        OpenAIError: there are no credentials, neither here nor in the environment.
        TypeError, ValueError: an argument has a value it can't have; the message names it.
    """

    _asynchronous = True
    _transport: AsyncTransport

    @cached_property
    def with_raw_response(self) -> AsyncResourcesWithRawResponse:
        """The same resources, whose methods return the response itself."""
        from .resources._attach import AsyncResourcesWithRawResponse

        return AsyncResourcesWithRawResponse(self)

    @cached_property
    def with_streaming_response(self) -> AsyncResourcesWithStreamingResponse:
        """The same resources, whose methods are context managers with a response that has not been read."""
        from .resources._attach import AsyncResourcesWithStreamingResponse

        return AsyncResourcesWithStreamingResponse(self)

    @classmethod
    def azure(cls, config: AzureConfig) -> AsyncAzureOpenAI:
        """A client for Azure with this configuration."""
        from .lib.azure import AsyncAzureOpenAI

        return AsyncAzureOpenAI.with_config(config)

    def _make_transport(self, config: ClientConfig) -> AsyncTransport:
        if EMSCRIPTEN:
            from .io.web.transport import AsyncFetchTransport

            return AsyncFetchTransport(http2=config.http2)
        from .io.aio.transport import AsyncHTTPTransport

        return AsyncHTTPTransport(http2=config.http2 or False)

    def _make_io(self, transport: AsyncTransport) -> Any:
        from .io.aio.run import IO, run

        self._run = run
        return IO(transport)

    def _call_page(
        self, operation: Operation, params: Mapping[str, Any], *path_values: Any
    ) -> AsyncPaginator[Any, Any]:
        from .pagination import AsyncPaginator

        # Wrong arguments are refused here, where they were given, rather than where the result is awaited.
        built = [self._builder.operation(operation, params, path_values)]

        def fetch() -> Any:
            if not built:
                # Awaited once more.
                return self._call(operation, params, *path_values)
            call = built.pop()
            call.begin()
            return self._perform(call)

        return AsyncPaginator(fetch)

    async def _perform(self, call: Call) -> Any:
        request = opening(call)
        if request is None:
            return self._told(call, await self._run(perform(call), self._io))
        outcome: Any
        try:
            outcome = await self._transport.send(request, stream=call.unread)
        except TransportError as error:
            outcome = error
        flow = follow_up(call, request, outcome)
        if flow is None:
            return self._result(call, outcome)
        # An error in a variable of the frame that it is raised through would make a cycle.
        del outcome
        return self._result(call, await self._run(flow, self._io))

    def _make_stream(self, call: Call, response: Response, decoder: EventDecoder) -> Any:
        from .streaming import AsyncStream

        return AsyncStream(response=response, decoder=decoder, again=self._again(call, response))

    # --- WebSocket sessions ----------------------------------------------------------------------------------------

    def ws_session(
        self,
        *,
        limits: ResponsesWebSocketLimits | None = None,
        max_age: float | None = 3300.0,
        extra_query: Mapping[str, object] | None = None,
        extra_headers: Mapping[str, Any] | None = None,
        websocket_connection_options: Mapping[str, Any] | None = None,
        **params: Unpack[ResponseCreateParamsBase],
    ) -> AsyncWsSession:
        """A WebSocket session, as `OpenAI.ws_session`."""
        from .sessions import AsyncWsSession, session_config

        config = session_config(
            self,
            params,
            limits=limits,
            max_age=max_age,
            extra_query=extra_query,
            extra_headers=extra_headers,
            websocket_connection_options=websocket_connection_options,
        )
        return AsyncWsSession(self, config)

    def ws_pool(
        self,
        *,
        max_sessions: int = 8,
        max_idle: int | None = None,
        idle_timeout: float | None = 60.0,
        pool_timeout: float | None = 600.0,
        limits: ResponsesWebSocketLimits | None = None,
        max_age: float | None = 3300.0,
        extra_query: Mapping[str, object] | None = None,
        extra_headers: Mapping[str, Any] | None = None,
        websocket_connection_options: Mapping[str, Any] | None = None,
        **params: Unpack[ResponseCreateParamsBase],
    ) -> AsyncWsPool:
        """A pool of WebSocket sessions, as `OpenAI.ws_pool`."""
        from .sessions import session_config
        from .ws_pool import AsyncWsPool

        config = session_config(
            self,
            params,
            limits=limits,
            max_age=max_age,
            extra_query=extra_query,
            extra_headers=extra_headers,
            websocket_connection_options=websocket_connection_options,
        )
        return AsyncWsPool(
            self,
            config,
            max_sessions=max_sessions,
            max_idle=max_idle,
            idle_timeout=idle_timeout,
            timeout=pool_timeout,
        )

    # --- life -------------------------------------------------------------------------------------------------------

    async def warmup(self, connections: int = 1) -> None:
        """As `OpenAI.warmup`."""
        request = self._warmup_request(connections)
        try:
            await self._transport.warmup(request, connections)  # type: ignore[attr-defined]
        except TransportError as error:
            raise api_error(request, error) from error

    async def close(self) -> None:
        """Close every connection, those that copies of this client use included."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()


Client = OpenAI
AsyncClient = AsyncOpenAI
