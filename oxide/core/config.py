"""What a client is told when it is made: arguments, and environment variables where there is none."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict

from .credentials import Credentials, KeyFunction
from .errors import OpenAIError
from .http2_options import HTTP2, HTTP2Types, as_http2
from .retry import DEFAULT_MAX_RETRIES, RetryPolicy, as_policy
from .sentinels import NotGiven, not_given
from .timeouts import DEFAULT_TIMEOUT, Timeout, as_timeout
from .url import URL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

    from .hedge import Hedge
    from .hooks import Hooks
    from .limiter import Limiter

__all__ = ["DEFAULT_BASE_URL", "ClientConfig", "ClientOptions", "DataResidency"]

DEFAULT_BASE_URL = "https://api.openai.com/v1"

DataResidency = Literal["global", "us", "eu", "ae", "au", "in", "jp"]

_MTLS_BASE_URL = "https://mtls.api.openai.com/v1"
_MTLS_REGIONS = ("global", "us", "eu")

_REGIONS = ("global", "us", "eu", "ae", "au", "in", "jp")


class ClientOptions(TypedDict, total=False):
    """What every client can be told, wherever it goes; see `ClientConfig`."""

    organization: str | None
    project: str | None
    webhook_secret: str | None
    websocket_base_url: str | URL | None
    timeout: float | Timeout | NotGiven | None
    max_retries: int
    retry: RetryPolicy | None
    default_headers: Mapping[str, Any] | None
    default_query: Mapping[str, Any] | None
    http_client: Any
    http2: HTTP2Types
    strict: bool
    hedge: Hedge | float | bool | None
    hooks: Hooks | Iterable[Hooks] | None
    limiter: Limiter | None


class ClientConfig:
    """Everything that a client can be told. A value: two with the same attributes are equal, and none changes.

    Args:
        api_key: the key, or a function that returns it (for `AsyncOpenAI` it may be a coroutine function) and is asked before every
            request. From `OPENAI_API_KEY`.
        admin_api_key: the key for administration endpoints. From `OPENAI_ADMIN_KEY`.
        workload_identity: instead of a key, who this program is to those that it runs at (see `oxide.auth`).
        provider: instead of keys and a `base_url`, another company's platform (see `oxide.providers`).
        organization: sent as `OpenAI-Organization`. From `OPENAI_ORG_ID`.
        project: sent as `OpenAI-Project`. From `OPENAI_PROJECT_ID`.
        webhook_secret: for verifying webhooks. From `OPENAI_WEBHOOK_SECRET`.
        base_url: where the API is, `https://api.openai.com/v1` by default. From `OPENAI_BASE_URL`.
        data_residency: the region whose endpoint to use, instead of a `base_url`.
        websocket_base_url: where WebSocket connections go, if not to the `base_url`.
        timeout: seconds, or a `Timeout`, or `None` for no limit at all; ten minutes, and five seconds to connect, by default.
        max_retries: how often a failed request is repeated; 2 by default.
        retry: when and how often, as a `RetryPolicy`, instead of `max_retries`.
        default_headers: fields for every request; `omit` as a value takes a field away. Further ones, one on a line as
            `Name: value`, from `OPENAI_CUSTOM_HEADERS`.
        default_query: query parameters for every request.
        http_client: what to send requests with instead of oxide's own transport: a `Transport`, an `httpx` or `httpx2` client, or
            an `httpcore` pool; for `AsyncOpenAI` the asynchronous one of these.
        http2: whether oxide's own transport offers HTTP/2 to the server, as `True` or an `HTTP2` with settings.
        strict: raise `APIResponseValidationError` for a response that is not of the declared type.
        hedge: give calls that are slow a second request: a `Hedge`, `True` for one with its defaults, or its delay in seconds.
        hooks: who is told what happens to calls: `Hooks`, or several of them. They stay behind when a configuration is pickled.
        limiter: a `RateLimiter`, which lets calls wait rather than run into the server's limits.
        enforce_credentials: raise at once if there is no key at all.

    Raises:
        OpenAIError: there are no credentials.
        ValueError, TypeError: an argument has a value it can't have; the message names it.
    """

    __slots__ = (
        "_base_url_was_default",
        "_credentials",
        "_enforce_credentials",
        "_left",
        "admin_api_key",
        "api_key",
        "base_url",
        "data_residency",
        "default_headers",
        "default_query",
        "hedge",
        "hooks",
        "http2",
        "http_client",
        "limiter",
        "organization",
        "project",
        "provider",
        "retry",
        "strict",
        "timeout",
        "webhook_secret",
        "websocket_base_url",
        "workload_identity",
    )

    api_key: str | Callable[[], Any] | None
    admin_api_key: str | None
    organization: str | None
    project: str | None
    webhook_secret: str | None
    base_url: URL
    data_residency: DataResidency | None
    websocket_base_url: URL | None
    timeout: Timeout
    retry: RetryPolicy
    default_headers: Mapping[str, Any]
    default_query: Mapping[str, Any]
    http2: HTTP2 | None
    http_client: Any
    strict: bool
    hedge: Hedge | None
    hooks: tuple[Hooks, ...] | None
    limiter: Limiter | None
    provider: Any
    workload_identity: Mapping[str, Any] | None
    _base_url_was_default: bool
    _credentials: Credentials | None
    _enforce_credentials: bool
    _left: tuple[str, ...]

    _from_environment: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "api_key": ("OPENAI_API_KEY",),
        "admin_api_key": ("OPENAI_ADMIN_KEY",),
        "webhook_secret": ("OPENAI_WEBHOOK_SECRET",),
    }
    """What stays behind when a configuration is pickled, and the variables that it is taken from again."""

    def __init__(
        self,
        *,
        api_key: str | Callable[[], Any] | None = None,
        admin_api_key: str | None = None,
        workload_identity: Mapping[str, Any] | None = None,
        provider: Any = None,
        organization: str | None = None,
        project: str | None = None,
        webhook_secret: str | None = None,
        base_url: str | URL | NotGiven | None = not_given,
        data_residency: DataResidency | None = None,
        websocket_base_url: str | URL | None = None,
        timeout: float | Timeout | NotGiven | None = not_given,
        max_retries: int = DEFAULT_MAX_RETRIES,
        retry: RetryPolicy | None = None,
        default_headers: Mapping[str, Any] | None = None,
        default_query: Mapping[str, Any] | None = None,
        http_client: Any = None,
        http2: HTTP2Types = False,
        strict: bool = False,
        hedge: Hedge | float | bool | None = None,
        hooks: Hooks | Iterable[Hooks] | None = None,
        limiter: Limiter | None = None,
        enforce_credentials: bool = True,
    ) -> None:
        environment: Callable[[str], str | None] = os.environ.get
        if provider is not None:
            from .providers import check_provider

            # Another company's platform: nothing that is meant for OpenAI goes there unasked.
            check_provider(
                provider,
                api_key=api_key,
                admin_api_key=admin_api_key,
                workload_identity=workload_identity,
                base_url=None if isinstance(base_url, NotGiven) else base_url,
                data_residency=data_residency,
            )
            environment = _nothing
        elif workload_identity is not None:
            if api_key is not None:
                raise OpenAIError("pass either api_key or workload_identity, not both")
            environment = _without_key
        x509 = _is_x509(workload_identity)
        url = _base_url(base_url, data_residency, websocket_base_url, x509)
        self._set(
            api_key=environment("OPENAI_API_KEY") if api_key is None else api_key,
            admin_api_key=environment("OPENAI_ADMIN_KEY") if admin_api_key is None else admin_api_key,
            workload_identity=workload_identity,
            provider=provider,
            organization=environment("OPENAI_ORG_ID") if organization is None else organization,
            project=environment("OPENAI_PROJECT_ID") if project is None else project,
            webhook_secret=os.environ.get("OPENAI_WEBHOOK_SECRET") if webhook_secret is None else webhook_secret,
            base_url=url or URL(_MTLS_BASE_URL if x509 else DEFAULT_BASE_URL),
            data_residency=data_residency,
            websocket_base_url=None if websocket_base_url is None else URL(websocket_base_url),
            timeout=_default_timeout(http_client) if isinstance(timeout, NotGiven) else as_timeout(timeout),
            retry=_retry(max_retries, retry),
            default_headers=_default_headers(default_headers, environment("OPENAI_CUSTOM_HEADERS"), x509),
            default_query=_mapping("default_query", default_query),
            http_client=http_client,
            http2=as_http2(http2),
            strict=bool(strict),
            hedge=_hedge(hedge),
            hooks=_hooks(hooks),
            limiter=_limiter(limiter),
            _enforce_credentials=enforce_credentials,
            _base_url_was_default=url is None,
            _left=(),
        )
        if not isinstance(self.api_key, (str, type(None))) and not callable(self.api_key):
            raise TypeError(f"api_key must be text or a function that returns it, not {type(self.api_key).__name__}")
        self._find_credentials()
        if self.http2 is not None and http_client is not None:
            raise ValueError(
                "http2 is a setting of the client's own transport: with http_client, pass it to HTTPTransport or AsyncHTTPTransport"
            )
        if enforce_credentials and not self.api_key and self.admin_api_key is None and self._credentials is None:
            raise OpenAIError(
                "There are no credentials: pass api_key, workload_identity or admin_api_key to the client,"
                " or set the environment variable OPENAI_API_KEY or OPENAI_ADMIN_KEY."
            )

    @property
    def max_retries(self) -> int:
        """How often a failed request is repeated."""
        return self.retry.max_retries

    @property
    def credentials(self) -> Credentials | None:
        """What authorises requests, where that is no fixed key. Copies share it, and the tokens that it keeps."""
        return self._credentials

    def _find_credentials(self) -> None:
        credentials: Credentials | None = None
        if self.provider is not None:
            from .providers import set_up

            url, credentials = set_up(self.provider)
            self._set(base_url=url, _base_url_was_default=False)
        elif self.workload_identity is not None:
            from .workload import workload_credentials

            credentials = workload_credentials(self)
        elif callable(self.api_key):
            credentials = KeyFunction(self.api_key)
        self._set(_credentials=credentials)

    def _set(self, **attributes: Any) -> None:
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"ClientConfig is immutable: use replace({name}=...)")

    def common(self) -> ClientOptions:
        """What does not depend on where the requests go, as arguments for another configuration."""
        values = {name: getattr(self, name) for name in ClientOptions.__annotations__}
        return {name: value for name, value in values.items() if value is not None}  # type: ignore[return-value]

    def replace(self, **changes: Any) -> ClientConfig:
        """A copy in which the attributes named have other values. The environment is not read again."""
        config = type(self).__new__(type(self))
        config._set(**{name: getattr(self, name) for name in self._names()})
        if "workload_identity" in changes and changes["workload_identity"] is not None:
            changes.setdefault("api_key", None)
        elif changes.get("api_key") is not None:
            changes["workload_identity"] = None
        x509 = _is_x509(changes.get("workload_identity", self.workload_identity))
        if changes.get("data_residency") is not None:
            changes.setdefault("base_url", _base_url(not_given, changes["data_residency"], None, x509))
        elif "base_url" in changes:
            changes["data_residency"] = None
            changes["_base_url_was_default"] = False
        elif x509 != _is_x509(self.workload_identity):
            # Certificates are looked at by servers of their own.
            if self.data_residency is not None:
                changes["base_url"] = _base_url(not_given, self.data_residency, None, x509)
            elif self._base_url_was_default:
                changes["base_url"] = URL(_MTLS_BASE_URL if x509 else DEFAULT_BASE_URL)
        if "max_retries" in changes:
            # The rest of the policy stays.
            changes["retry"] = changes.get("retry", self.retry).replace(max_retries=changes.pop("max_retries"))
        for name, value in changes.items():
            if name not in self._names():
                raise TypeError(f"ClientConfig has no attribute {name!r}")
            if name in _CONVERT:
                changes[name] = _CONVERT[name](value)
        config._set(**changes)
        if not _AUTHORISE.isdisjoint(changes):
            config._find_credentials()
        return config

    @classmethod
    def _names(cls) -> tuple[str, ...]:
        return tuple(name for owner in reversed(cls.__mro__) for name in getattr(owner, "__slots__", ()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ClientConfig):
            return NotImplemented
        if type(other) is not type(self):
            return False
        ignored = ("_credentials", "_left")
        return all(getattr(self, name) == getattr(other, name) for name in self._names() if name not in ignored)

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        # Connections don't travel, so neither does a transport that the user brought; nor do those who watch.
        left = ("http_client", "hooks", "_credentials")
        kept = {name: getattr(self, name) for name in self._names() if name not in left}
        from .secrets import carried, without_secrets

        if not carried():
            kept = without_secrets(kept, self._from_environment)
        return kept | {"http_client": None, "hooks": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._set(**state)
        for name, variables in self._from_environment.items():
            # What stayed behind is taken from the environment here.
            if name in state.get("_left", ()):
                self._set(**{name: next(filter(None, map(os.environ.get, variables)), state[name])})
        self._find_credentials()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __repr__(self) -> str:
        # Keys, secrets, header values and queries stay out of logs.
        shown = ("organization", "project", "timeout", "max_retries", "strict")
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__name__}(base_url={str(self.base_url).partition('?')[0]!r}, {values})"


def _is_x509(identity: Any) -> bool:
    return isinstance(identity, Mapping) and identity.get("type") == "x509"


def _nothing(name: str) -> None:
    return None


def _without_key(name: str) -> str | None:
    return None if name == "OPENAI_API_KEY" else os.environ.get(name)


def _base_url(base_url: Any, residency: Any, websocket_base_url: Any, x509: bool) -> URL | None:
    """The base URL that the arguments or the environment say, `None` where neither does."""
    if residency is not None:
        if not isinstance(base_url, NotGiven) and base_url is not None:
            raise ValueError("pass either data_residency or base_url, not both")
        if websocket_base_url is not None:
            raise ValueError("pass either data_residency or websocket_base_url, not both")
        if residency not in _REGIONS:
            raise ValueError(f"data_residency must be one of {', '.join(map(repr, _REGIONS))}, not {residency!r}")
        if x509:
            if residency not in _MTLS_REGIONS:
                raise OpenAIError(f"X.509 workload identity is for {', '.join(_MTLS_REGIONS)}, not {residency!r}")
            return URL(_MTLS_BASE_URL if residency == "global" else f"https://mtls-{residency}.api.openai.com/v1")
        return URL(DEFAULT_BASE_URL if residency == "global" else f"https://{residency}.api.openai.com/v1")
    if isinstance(base_url, NotGiven) or base_url is None:
        base_url = os.environ.get("OPENAI_BASE_URL")
        if not base_url:
            return None
    return base_url if isinstance(base_url, URL) else URL(base_url)


def _default_timeout(http_client: Any) -> Timeout:
    """That of an httpx client if it is not httpx's own default; else the official SDK's."""
    theirs = getattr(http_client, "timeout", None)
    if theirs is None or not all(hasattr(theirs, part) for part in ("connect", "read", "write", "pool")):
        return DEFAULT_TIMEOUT
    timeout = as_timeout(theirs)
    return DEFAULT_TIMEOUT if timeout == Timeout(5.0) else timeout


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, not {type(value).__name__}")
    return Fields(value)


def _default_headers(value: Any, environment: str | None, x509: bool) -> Mapping[str, Any]:
    given = _mapping("default_headers", value)
    if not environment:
        return given
    explicit = {name.lower() for name in given}
    if x509:
        # What authorises is the certificate.
        explicit.add("authorization")
    fields = {}
    for line in environment.split("\n"):
        name, colon, value = line.partition(":")
        if colon and name.strip().lower() not in explicit:
            fields[name.strip()] = value.strip()
    return Fields({**fields, **given})


class Fields(dict[str, Any]):
    """Header fields or query parameters; what is printed of them has no secrets in it."""

    def __repr__(self) -> str:
        from .secrets import shown_fields

        return repr(shown_fields(self))

    def __reduce__(self) -> tuple[Any, ...]:
        from .secrets import carried, without_secret_fields

        return Fields, (dict(self) if carried() else without_secret_fields(self),)

    def __copy__(self) -> Fields:
        return Fields(self)

    def __deepcopy__(self, memo: Any) -> Fields:
        return Fields(self)


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "base_url": lambda value: _base_url(value, None, None, False) or URL(DEFAULT_BASE_URL),
    "websocket_base_url": lambda value: None if value is None else URL(value),
    "timeout": lambda value: as_timeout(value),
    "retry": lambda value: as_policy(value),
    "default_headers": lambda value: _mapping("default_headers", value),
    "default_query": lambda value: _mapping("default_query", value),
    "strict": bool,
    "hedge": lambda value: _hedge(value),
    "hooks": lambda value: _hooks(value),
    "limiter": lambda value: _limiter(value),
}


def _retry(max_retries: int, retry: RetryPolicy | None) -> RetryPolicy:
    if retry is None:
        return RetryPolicy(max_retries)
    policy = as_policy(retry)
    if max_retries not in (DEFAULT_MAX_RETRIES, policy.max_retries):
        raise ValueError("pass either max_retries or retry, not both")
    return policy


def _limiter(value: Limiter | None) -> Limiter | None:
    if value is None:
        return None
    # Few clients have one.
    from .limiter import Limiter

    if not isinstance(value, Limiter):
        raise TypeError(f"limiter must be an oxide.RateLimiter or None, not {value!r}")
    return value


def _hedge(value: Hedge | float | bool | None) -> Hedge | None:
    if value is None or value is False:
        return None
    # Few clients hedge.
    from .hedge import Hedge

    if isinstance(value, Hedge):
        return value
    return Hedge() if value is True else Hedge(value)


def _hooks(value: Hooks | Iterable[Hooks] | None) -> tuple[Hooks, ...] | None:
    if value is None:
        return None
    # Few clients are watched.
    from .hooks import as_hooks

    return as_hooks(value) or None


# With what of these changes, somebody else is authorised, or in another way.
_AUTHORISE = frozenset({"api_key", "base_url", "http_client", "provider", "workload_identity"})
