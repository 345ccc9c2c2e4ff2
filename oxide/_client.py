"""`OpenAI` and `AsyncOpenAI`: a configuration, a transport, and the resources' methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from ._endpoints import AsyncEndpoints, SyncEndpoints
from .core.call import api_error, follow_up, go_on, opening, perform
from .core.config import ClientConfig, DataResidency, Fields
from .core.errors import OpenAIError, TransportError
from .core.events import EventDecoder
from .core.http import HeadBlock, Request, Response
from .core.http2_options import HTTP2Types
from .core.operation import Operation
from .core.prepare import RAW, Call, RequestBuilder
from .core.result import decode_body, decode_usual
from .core.retry import DEFAULT_MAX_RETRIES
from .core.sentinels import NotGiven, not_given
from .core.timeouts import Timeout
from .core.transport import AsyncTransport, Transport
from .core.url import URL
from .io.locks import EMSCRIPTEN
from .resources._attach import AsyncResources, SyncResources

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self, Unpack

    from .auth import WorkloadIdentity, X509WorkloadIdentity
    from .core.azure import AzureConfig
    from .core.hedge import Hedge
    from .core.hooks import Hooks
    from .core.providers import Provider
    from .core.retry import RetryPolicy
    from .core.ws_router import ResponsesWebSocketLimits
    from .lib.azure import AsyncAzureOpenAI, AzureOpenAI
    from .limiting import RateLimiter
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

__all__ = ["AsyncClient", "AsyncOpenAI", "Client", "OpenAI"]

_ClientT = TypeVar("_ClientT", bound="BaseClient")

_NO_OPTIONS: Mapping[str, object] = {}


class CopyOptions(TypedDict, total=False):
    """What `copy` takes."""

    api_key: str | Callable[[], Any] | None
    admin_api_key: str | None
    workload_identity: WorkloadIdentity | X509WorkloadIdentity | None
    provider: Provider | NotGiven | None
    organization: str | None
    project: str | None
    webhook_secret: str | None
    websocket_base_url: str | URL | None
    base_url: str | URL | NotGiven | None
    data_residency: DataResidency | None
    timeout: float | Timeout | NotGiven | None
    http_client: Any
    max_retries: int | NotGiven
    retry: RetryPolicy | NotGiven
    default_headers: Mapping[str, Any] | None
    set_default_headers: Mapping[str, Any] | None
    default_query: Mapping[str, object] | None
    set_default_query: Mapping[str, object] | None
    strict: bool | NotGiven
    hedge: Hedge | float | bool | NotGiven | None
    hooks: Hooks | Iterable[Hooks] | NotGiven | None
    limiter: RateLimiter | NotGiven | None
    _enforce_credentials: bool | None
    _changes: Mapping[str, Any]


class BaseClient:
    """What both clients have: the configuration, and what is made of it."""

    _asynchronous: bool
    _config: ClientConfig
    _builder: RequestBuilder
    _transport: Any
    _io: Any
    _run: Any

    def __init__(
        self,
        *,
        api_key: str | Callable[[], Any] | None = None,
        admin_api_key: str | None = None,
        workload_identity: WorkloadIdentity | X509WorkloadIdentity | None = None,
        organization: str | None = None,
        project: str | None = None,
        webhook_secret: str | None = None,
        provider: Provider | None = None,
        base_url: str | URL | NotGiven | None = not_given,
        data_residency: DataResidency | None = None,
        websocket_base_url: str | URL | None = None,
        timeout: float | Timeout | NotGiven | None = not_given,
        max_retries: int = DEFAULT_MAX_RETRIES,
        retry: RetryPolicy | None = None,
        default_headers: Mapping[str, Any] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: Any = None,
        http2: HTTP2Types = False,
        strict: bool = False,
        hedge: Hedge | float | bool | None = None,
        hooks: Hooks | Iterable[Hooks] | None = None,
        limiter: RateLimiter | None = None,
        _strict_response_validation: bool = False,
        _enforce_credentials: bool = True,
    ) -> None:
        self._start(
            ClientConfig(
                api_key=api_key,
                admin_api_key=admin_api_key,
                workload_identity=workload_identity,
                provider=provider,
                organization=organization,
                project=project,
                webhook_secret=webhook_secret,
                base_url=base_url,
                data_residency=data_residency,
                websocket_base_url=websocket_base_url,
                timeout=timeout,
                max_retries=max_retries,
                retry=retry,
                default_headers=default_headers,
                default_query=default_query,
                http_client=http_client,
                http2=http2,
                strict=strict or _strict_response_validation,
                hedge=hedge,
                hooks=hooks,
                limiter=limiter,
                enforce_credentials=_enforce_credentials,
            )
        )

    def _start(self, config: ClientConfig, transport: Any = None) -> None:
        self._config = config
        if transport is None:
            transport = config.http_client
            if transport is None:
                transport = self._make_transport(config)
            else:
                from .adapters import adapt

                transport = adapt(transport, self._asynchronous)
        self._transport = transport
        self._configure(config)
        self._io = self._make_io(transport)

    def _configure(self, config: ClientConfig) -> None:
        self._builder = self._make_builder(config)
        self._builder.accept_encoding = getattr(self._transport, "accept_encoding", None)
        self._builder.stats = getattr(self._transport, "stats", None)
        self._config = config

    def _make_builder(self, config: ClientConfig) -> RequestBuilder:
        return RequestBuilder(config, self._asynchronous)

    def _make_transport(self, config: ClientConfig) -> Any:
        raise NotImplementedError

    def _make_io(self, transport: Any) -> Any:
        raise NotImplementedError

    # --- making clients ---------------------------------------------------------------------------------------------

    @classmethod
    def from_env(cls) -> Self:
        """A client configured by environment variables alone. Raises OpenAIError if there is no key among them."""
        return cls()

    @classmethod
    def with_config(cls, config: ClientConfig) -> Self:
        """A client with this configuration."""
        client = cls.__new__(cls)
        client._start(config)
        return client

    def copy(
        self,
        *,
        api_key: str | Callable[[], Any] | None = None,
        admin_api_key: str | None = None,
        workload_identity: WorkloadIdentity | X509WorkloadIdentity | None = None,
        provider: Provider | NotGiven | None = not_given,
        organization: str | None = None,
        project: str | None = None,
        webhook_secret: str | None = None,
        websocket_base_url: str | URL | None = None,
        base_url: str | URL | NotGiven | None = not_given,
        data_residency: DataResidency | None = None,
        timeout: float | Timeout | NotGiven | None = not_given,
        http_client: Any = None,
        max_retries: int | NotGiven = not_given,
        retry: RetryPolicy | NotGiven = not_given,
        default_headers: Mapping[str, Any] | None = None,
        set_default_headers: Mapping[str, Any] | None = None,
        default_query: Mapping[str, object] | None = None,
        set_default_query: Mapping[str, object] | None = None,
        strict: bool | NotGiven = not_given,
        hedge: Hedge | float | bool | NotGiven | None = not_given,
        hooks: Hooks | Iterable[Hooks] | NotGiven | None = not_given,
        limiter: RateLimiter | NotGiven | None = not_given,
        _enforce_credentials: bool | None = None,
        _changes: Mapping[str, Any] = _NO_OPTIONS,
    ) -> Self:
        """A client with the same configuration but for what is named here; it uses this client's connections.

        `default_headers` and `default_query` are added to this client's, `set_default_headers` and
        `set_default_query` replace them.

        Raises:
            ValueError: two arguments exclude each other, or one has a value it can't have.
        """
        if default_headers is not None and set_default_headers is not None:
            raise ValueError("pass either default_headers or set_default_headers, not both")
        if default_query is not None and set_default_query is not None:
            raise ValueError("pass either default_query or set_default_query, not both")
        if data_residency is not None and websocket_base_url is not None:
            raise ValueError("pass either data_residency or websocket_base_url, not both")
        config = self._config
        if not isinstance(provider, NotGiven) and provider is not config.provider:
            config = self._with_provider(provider, api_key, admin_api_key, workload_identity)
        changes: dict[str, Any] = {
            name: value
            for name, value in (
                # An empty text leaves the setting as it is, as it does in the official SDK.
                ("api_key", api_key or None),
                ("admin_api_key", admin_api_key or None),
                ("workload_identity", workload_identity),
                ("organization", organization or None),
                ("project", project or None),
                ("webhook_secret", webhook_secret or None),
                ("websocket_base_url", websocket_base_url or None),
                ("http_client", http_client),
                ("data_residency", data_residency),
                ("default_headers", set_default_headers),
                ("default_query", set_default_query),
                ("_enforce_credentials", _enforce_credentials),
            )
            if value is not None
        } | dict(_changes)
        if data_residency is not None:
            changes["websocket_base_url"] = None
        if default_headers is not None:
            changes["default_headers"] = {**config.default_headers, **default_headers}
        if default_query is not None:
            changes["default_query"] = {**config.default_query, **default_query}
        if not isinstance(max_retries, NotGiven) and not isinstance(retry, NotGiven):
            raise ValueError("pass either max_retries or retry, not both")
        options: tuple[tuple[str, Any], ...] = (
            ("timeout", timeout),
            ("max_retries", max_retries),
            ("retry", retry),
            ("strict", strict),
            ("hedge", hedge),
            ("hooks", hooks),
            ("limiter", limiter),
        )
        changes |= {name: value for name, value in options if not isinstance(value, NotGiven)}
        if not isinstance(base_url, NotGiven) and base_url is not None:
            if data_residency is not None:
                raise ValueError("pass either data_residency or base_url, not both")
            changes["base_url"] = base_url
        if config.provider is not None:
            from .core.providers import check_provider

            names = ("api_key", "admin_api_key", "workload_identity", "base_url", "data_residency")
            check_provider(config.provider, **{name: changes.get(name) for name in names})
        client = type(self).__new__(type(self))
        client._start(config.replace(**changes), None if http_client is not None else self._transport)
        return client

    with_options = copy

    def _with_provider(
        self, provider: Provider | None, api_key: Any, admin_api_key: Any, workload_identity: Any
    ) -> ClientConfig:
        """The configuration with another platform, or without one. What was meant for the old one is left behind."""
        config = self._config
        options = config.common()
        for name in ("organization", "project", "default_headers"):
            options.pop(name, None)  # type: ignore[misc]
        return ClientConfig(
            provider=provider,
            api_key=api_key,
            admin_api_key=admin_api_key,
            workload_identity=workload_identity,
            enforce_credentials=config._enforce_credentials,
            **options,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"config": self._config}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._start(state["config"])

    def __copy__(self) -> Self:
        # With connections of its own, as the copy that a pickle makes; but it is here, so nothing stays behind.
        client = type(self).__new__(type(self))
        client._start(self._config.replace(http_client=None))
        return client

    def __deepcopy__(self, memo: Any) -> Self:
        return self.__copy__()

    def __repr__(self) -> str:
        # A query may carry secrets.
        return f"<{type(self).__name__} {str(self._config.base_url).partition('?')[0]}>"

    # --- settings that can be read and changed ----------------------------------------------------------------------

    @property
    def api_key(self) -> str:
        """The API key; empty where a function gives it, or there is none."""
        key = self._config.api_key
        return key if isinstance(key, str) else ""

    @api_key.setter
    def api_key(self, value: str | Callable[[], Any] | None) -> None:
        self._configure(self._config.replace(api_key=value))

    @property
    def admin_api_key(self) -> str | None:
        """The key for administration endpoints."""
        return self._config.admin_api_key

    @admin_api_key.setter
    def admin_api_key(self, value: str | None) -> None:
        self._configure(self._config.replace(admin_api_key=value))

    @property
    def workload_identity(self) -> Any:
        """Who this program is to the platform that it runs on, instead of a key."""
        return self._config.workload_identity

    @workload_identity.setter
    def workload_identity(self, value: WorkloadIdentity | X509WorkloadIdentity | None) -> None:
        self._configure(self._config.replace(workload_identity=value))

    @property
    def organization(self) -> str | None:
        """What is sent as `OpenAI-Organization`."""
        return self._config.organization

    @organization.setter
    def organization(self, value: str | None) -> None:
        self._configure(self._config.replace(organization=value))

    @property
    def project(self) -> str | None:
        """What is sent as `OpenAI-Project`."""
        return self._config.project

    @project.setter
    def project(self, value: str | None) -> None:
        self._configure(self._config.replace(project=value))

    @property
    def webhook_secret(self) -> str | None:
        """The secret that webhooks are signed with."""
        return self._config.webhook_secret

    @webhook_secret.setter
    def webhook_secret(self, value: str | None) -> None:
        self._configure(self._config.replace(webhook_secret=value))

    @property
    def base_url(self) -> URL:
        """Where the API is."""
        return self._config.base_url

    @base_url.setter
    def base_url(self, value: str | URL) -> None:
        self._configure(self._config.replace(base_url=value))

    @property
    def websocket_base_url(self) -> URL | None:
        """Where WebSocket connections go, if not to the `base_url`."""
        return self._config.websocket_base_url

    @websocket_base_url.setter
    def websocket_base_url(self, value: str | URL | None) -> None:
        self._configure(self._config.replace(websocket_base_url=value))

    @property
    def timeout(self) -> Timeout:
        """The limits of every call."""
        return self._config.timeout

    @timeout.setter
    def timeout(self, value: float | Timeout | None) -> None:
        self._configure(self._config.replace(timeout=value))

    @property
    def max_retries(self) -> int:
        """How often a failed request is repeated."""
        return self._config.max_retries

    @max_retries.setter
    def max_retries(self, value: int) -> None:
        self._configure(self._config.replace(max_retries=value))

    @property
    def retry(self) -> RetryPolicy:
        """When and how often a failed request is repeated."""
        return self._config.retry

    @retry.setter
    def retry(self, value: RetryPolicy) -> None:
        self._configure(self._config.replace(retry=value))

    @property
    def default_headers(self) -> Mapping[str, Any]:
        """The fields that the configuration adds to every request."""
        return Fields(self._config.default_headers)

    @property
    def default_query(self) -> Mapping[str, Any]:
        """The query parameters that the configuration adds to every request."""
        return Fields(self._config.default_query)

    @property
    def config(self) -> ClientConfig:
        """Everything that this client was told."""
        return self._config

    # --- what the two sides share of a call -------------------------------------------------------------------------

    def _finish(self, call: Call, response: Response, to: Any = None) -> Any:
        """What a method returns for its response; reads nothing. `to` is a type that the caller wants instead."""
        operation = call.operation
        if call.stream:
            type_ = to or (call.cast_to if operation is None else operation.stream)
            mode = call.events if operation is None else operation.events
            watch = getattr(call, "watch", None)
            make = EventDecoder if watch is None else watch.decoder
            return self._make_stream(call, response, make(type_, response, call.strict, mode))
        if to is not None:
            return decode_body(response, to, call.strict)
        if operation is None:
            return decode_body(response, call.cast_to, call.strict)
        if operation.page is not None:
            from .core.codec import get_meta

            page = decode_body(response, self._page_type(operation), call.strict)
            params = {name: value for name, value in call.params.items() if name != RAW}
            path_values = call.path_values
            get_meta(page).fetch = lambda changes: self._call(operation, {**params, **changes}, *path_values)
            return page
        if operation.binary and call.raw == "stream":
            # `parse` of a response that was not to be read at once gives the bytes.
            return response.content
        adapter = operation.adapter
        if adapter is not None:
            return adapter.finish(decode_body(response, adapter.response, call.strict), call.params, response)
        return decode_body(response, operation.response_for(call.params), call.strict)

    def _page_type(self, operation: Operation) -> Any:
        from . import pagination

        name = f"{'Async' if self._asynchronous else 'Sync'}{operation.page}"
        return getattr(pagination, name)[operation.response]

    def _make_stream(self, call: Call, response: Response, decoder: EventDecoder) -> Any:
        raise NotImplementedError

    def _perform(self, call: Call) -> Any:
        raise NotImplementedError

    def _call(self, operation: Operation, params: Mapping[str, Any], *path_values: Any) -> Any:
        # On the asynchronous side this is the coroutine itself, and none around it: each layer is passed twice for
        # each wait.
        return self._perform(self._builder.operation(operation, params, path_values))

    def _result(self, call: Call, response: Response) -> Any:
        """What the caller gets: what is in the response, or a raw form of it."""
        if call.raw is None:
            operation = call.operation
            if operation is not None and operation.simple and not (call.stream or call.strict):
                return decode_usual(response, operation)
            return self._finish(call, response)
        from . import _response

        if call.raw == "raw":
            return _response.LegacyAPIResponse(call, response, self._finish)
        binary = call.operation is not None and call.operation.binary
        name = f"{'Async' if self._asynchronous else ''}{'StreamedBinary' if binary else ''}APIResponse"
        return getattr(_response, name)(call, response, self._finish)

    def _told(self, call: Call, response: Response) -> Any:
        """`_result` for a call that may be watched."""
        watch = getattr(call, "watch", None)
        if watch is None:
            return self._result(call, response)
        try:
            result = self._result(call, response)
        except BaseException as error:
            watch.failed(error)
            raise
        watch.returned(call, result)
        return result

    def _again(self, call: Call, response: Response) -> Callable[[TransportError], Any] | None:
        """What gives a stream its next attempt. A raw response is the one that came."""
        if call.raw is not None:
            return None
        return lambda error: self._run(go_on(call, response, error), self._io)

    def _websocket_io(self) -> Any:
        """What WebSocket connections are opened with: the client's own transport, unless it is one that can't."""
        if hasattr(self._transport, "open_websocket"):
            return self._io
        return self._own_io

    @cached_property
    def _own_io(self) -> Any:
        return self._make_io(self._make_transport(self._config))

    def _warmup_request(self, connections: int) -> Request:
        from .core.warmup import check_count

        check_count(connections)
        if not hasattr(self._transport, "warmup"):
            raise OpenAIError("the http_client that the client was given has no connections to warm up")
        timeout = self._config.timeout
        deadline = None if timeout.total is None else monotonic() + timeout.total
        return Request("GET", self._builder.base_url, HeadBlock(()), timeout=timeout, deadline=deadline)

    def stats(self) -> dict[str, int]:
        """Figures of the connections: `open`, `idle` and `in_use`; calls `waiting` for one; how often one was `opened` and `reused`; with
        HTTP/2 the requests under way on shared ones, `streams`. Empty for an `http_client` that has no figures."""
        stats = getattr(self._transport, "stats", None)
        return {} if stats is None else stats()

    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return bool(getattr(self._transport, "closed", False))


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
        else:
            if outcome.status_code < 300:
                return self._result(call, outcome)
        flow = follow_up(call, request, outcome)
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
        else:
            if outcome.status_code < 300:
                return self._result(call, outcome)
        flow = follow_up(call, request, outcome)
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
