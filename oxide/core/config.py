"""What a client is told when it is made: arguments, and environment variables where there is none."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Literal

from .errors import OpenAIError
from .retry import DEFAULT_MAX_RETRIES, RetryPolicy
from .sentinels import NotGiven, not_given
from .timeouts import DEFAULT_TIMEOUT, Timeout, as_timeout
from .url import URL

__all__ = ["DEFAULT_BASE_URL", "ClientConfig", "DataResidency"]

DEFAULT_BASE_URL = "https://api.openai.com/v1"

DataResidency = Literal["global", "us", "eu", "ae", "au", "in", "jp"]

_REGIONS = ("global", "us", "eu", "ae", "au", "in", "jp")


class ClientConfig:
    """Everything that a client can be told. A value: two with the same attributes are equal, and none changes.

    Args:
        api_key: the key, or a function that returns it (for `AsyncOpenAI` it may be a coroutine function) and is asked before every
            request. From `OPENAI_API_KEY`.
        admin_api_key: the key for administration endpoints. From `OPENAI_ADMIN_KEY`.
        organization: sent as `OpenAI-Organization`. From `OPENAI_ORG_ID`.
        project: sent as `OpenAI-Project`. From `OPENAI_PROJECT_ID`.
        webhook_secret: for verifying webhooks. From `OPENAI_WEBHOOK_SECRET`.
        base_url: where the API is, `https://api.openai.com/v1` by default. From `OPENAI_BASE_URL`.
        data_residency: the region whose endpoint to use, instead of a `base_url`.
        websocket_base_url: where WebSocket connections go, if not to the `base_url`.
        timeout: seconds, or a `Timeout`, or `None` for no limit at all; ten minutes, and five seconds to connect, by default.
        max_retries: how often a failed request is repeated; 2 by default.
        default_headers: fields for every request; `omit` as a value takes a field away. Further ones, one on a line as
            `Name: value`, from `OPENAI_CUSTOM_HEADERS`.
        default_query: query parameters for every request.
        http_client: a `Transport` (`AsyncTransport` for `AsyncOpenAI`) to send requests with instead of oxide's own.
        strict: raise `APIResponseValidationError` for a response that is not of the declared type.
        enforce_credentials: raise at once if there is no key at all.

    Raises:
        OpenAIError: there are no credentials.
        ValueError, TypeError: an argument has a value it can't have; the message names it.
    """

    __slots__ = (
        "_enforce_credentials",
        "admin_api_key",
        "api_key",
        "base_url",
        "data_residency",
        "default_headers",
        "default_query",
        "http_client",
        "max_retries",
        "organization",
        "project",
        "strict",
        "timeout",
        "webhook_secret",
        "websocket_base_url",
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
    max_retries: int
    default_headers: Mapping[str, Any]
    default_query: Mapping[str, Any]
    http_client: Any
    strict: bool

    def __init__(
        self,
        *,
        api_key: str | Callable[[], Any] | None = None,
        admin_api_key: str | None = None,
        organization: str | None = None,
        project: str | None = None,
        webhook_secret: str | None = None,
        base_url: str | URL | NotGiven | None = not_given,
        data_residency: DataResidency | None = None,
        websocket_base_url: str | URL | None = None,
        timeout: float | Timeout | NotGiven | None = not_given,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, Any] | None = None,
        default_query: Mapping[str, Any] | None = None,
        http_client: Any = None,
        strict: bool = False,
        enforce_credentials: bool = True,
    ) -> None:
        environment = os.environ.get
        self._set(
            api_key=environment("OPENAI_API_KEY") if api_key is None else api_key,
            admin_api_key=environment("OPENAI_ADMIN_KEY") if admin_api_key is None else admin_api_key,
            organization=environment("OPENAI_ORG_ID") if organization is None else organization,
            project=environment("OPENAI_PROJECT_ID") if project is None else project,
            webhook_secret=environment("OPENAI_WEBHOOK_SECRET") if webhook_secret is None else webhook_secret,
            base_url=_base_url(base_url, data_residency, websocket_base_url),
            data_residency=data_residency,
            websocket_base_url=None if websocket_base_url is None else URL(websocket_base_url),
            timeout=DEFAULT_TIMEOUT if isinstance(timeout, NotGiven) else as_timeout(timeout),
            max_retries=RetryPolicy(max_retries).max_retries,
            default_headers=_default_headers(default_headers),
            default_query=_mapping("default_query", default_query),
            http_client=http_client,
            strict=bool(strict),
            _enforce_credentials=enforce_credentials,
        )
        if not isinstance(self.api_key, (str, type(None))) and not callable(self.api_key):
            raise TypeError(f"api_key must be text or a function that returns it, not {type(self.api_key).__name__}")
        if enforce_credentials and not self.api_key and self.admin_api_key is None:
            raise OpenAIError(
                "There are no credentials: pass api_key or admin_api_key to the client,"
                " or set the environment variable OPENAI_API_KEY or OPENAI_ADMIN_KEY."
            )

    def _set(self, **attributes: Any) -> None:
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"ClientConfig is immutable: use replace({name}=...)")

    def replace(self, **changes: Any) -> ClientConfig:
        """A copy in which the attributes named have other values. The environment is not read again."""
        config = ClientConfig.__new__(ClientConfig)
        config._set(**{name: getattr(self, name) for name in self.__slots__})
        if "data_residency" in changes:
            changes.setdefault("base_url", URL(_base_url(not_given, changes["data_residency"], None)))
        elif "base_url" in changes:
            changes["data_residency"] = None
        for name, value in changes.items():
            if name not in self.__slots__:
                raise TypeError(f"ClientConfig has no attribute {name!r}")
            if name in _CONVERT:
                changes[name] = _CONVERT[name](value)
        config._set(**changes)
        return config

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ClientConfig):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        # Connections don't travel, so neither does a transport that the user brought.
        return {name: getattr(self, name) for name in self.__slots__ if name != "http_client"} | {"http_client": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._set(**state)

    def __repr__(self) -> str:
        # Keys, secrets, header values and queries stay out of logs.
        shown = ("organization", "project", "timeout", "max_retries", "strict")
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"ClientConfig(base_url={str(self.base_url).partition('?')[0]!r}, {values})"


def _base_url(base_url: Any, residency: Any, websocket_base_url: Any) -> URL:
    if residency is not None:
        if not isinstance(base_url, NotGiven) and base_url is not None:
            raise ValueError("pass either data_residency or base_url, not both")
        if websocket_base_url is not None:
            raise ValueError("pass either data_residency or websocket_base_url, not both")
        if residency not in _REGIONS:
            raise ValueError(f"data_residency must be one of {', '.join(map(repr, _REGIONS))}, not {residency!r}")
        return URL(DEFAULT_BASE_URL if residency == "global" else f"https://{residency}.api.openai.com/v1")
    if isinstance(base_url, NotGiven) or base_url is None:
        base_url = os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
    return base_url if isinstance(base_url, URL) else URL(base_url)


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, not {type(value).__name__}")
    return dict(value)


def _default_headers(value: Any) -> Mapping[str, Any]:
    given = _mapping("default_headers", value)
    environment = os.environ.get("OPENAI_CUSTOM_HEADERS")
    if not environment:
        return given
    explicit = {name.lower() for name in given}
    fields = {}
    for line in environment.split("\n"):
        name, colon, value = line.partition(":")
        if colon and name.strip().lower() not in explicit:
            fields[name.strip()] = value.strip()
    return {**fields, **given}


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "base_url": lambda value: _base_url(value, None, None),
    "websocket_base_url": lambda value: None if value is None else URL(value),
    "timeout": lambda value: as_timeout(value),
    "max_retries": lambda value: RetryPolicy(value).max_retries,
    "default_headers": lambda value: _mapping("default_headers", value),
    "default_query": lambda value: _mapping("default_query", value),
    "strict": bool,
}
