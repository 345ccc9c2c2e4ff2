"""What both clients have, whichever side they are on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from ._settings import Settings
from .core.call import go_on
from .core.config import ClientConfig, DataResidency
from .core.errors import OpenAIError, TransportError
from .core.events import EventDecoder
from .core.http import HeadBlock, Request, Response
from .core.http2_options import HTTP2Types
from .core.operation import Operation
from .core.prepare import RAW, Call, RequestBuilder
from .core.result import decode_body
from .core.retry import DEFAULT_MAX_RETRIES
from .core.sentinels import NotGiven, not_given
from .core.timeouts import Timeout
from .core.url import URL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

    from .auth import WorkloadIdentity, X509WorkloadIdentity
    from .core.hedge import Hedge
    from .core.hooks import Hooks
    from .core.providers import Provider
    from .core.retry import RetryPolicy
    from .limiting import RateLimiter

__all__ = ["BaseClient", "CopyOptions"]

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


class BaseClient(Settings):
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
            if operation is not None and operation.simple and not call.stream:
                return decode_body(response, operation.response, call.strict)
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
