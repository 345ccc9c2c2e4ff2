"""Azure's way of speaking OpenAI's protocol: deployments in paths, versions in queries, keys in a field of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .config import ClientConfig, ClientOptions
from .credentials import Credentials, given
from .errors import OpenAIError
from .flow import Flow, Invoke
from .http import Request
from .prepare import RequestBuilder
from .url import URL, fill_path, query_string, quote_target

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["AzureConfig", "AzureRequestBuilder", "MutuallyExclusiveAuthError"]

# What Azure has one address of for each deployment.
_DEPLOYMENT_PATHS = frozenset(
    {
        "/completions",
        "/chat/completions",
        "/embeddings",
        "/audio/transcriptions",
        "/audio/translations",
        "/audio/speech",
        "/images/generations",
        "/images/edits",
    }
)

_CREDENTIALS = ("api_key", "azure_ad_token", "azure_ad_token_provider")


class MutuallyExclusiveAuthError(OpenAIError):
    """More than one credential was given."""

    def __init__(self) -> None:
        super().__init__("pass only one of api_key, azure_ad_token and azure_ad_token_provider")


class AzureConfig(ClientConfig):
    """A configuration for Azure: what `AzureOpenAI` can be told.

    Args:
        azure_endpoint: the resource's address, such as `https://example.openai.azure.com`. From `AZURE_OPENAI_ENDPOINT`.
        azure_deployment: the deployment that every call goes to. Without it, calls go to the deployment that is named like their `model`.
        api_version: sent as `api-version`. From `OPENAI_API_VERSION`.
        api_key: the resource's key, or a function that returns it. From `AZURE_OPENAI_API_KEY`.
        azure_ad_token: a token of Microsoft Entra ID instead of a key. From `AZURE_OPENAI_AD_TOKEN`, which comes before the key.
        azure_ad_token_provider: a function that returns one (for `AsyncAzureOpenAI` it may be a coroutine function) and is asked before
            every request.
        base_url: the whole address before `/chat/completions`, instead of `azure_endpoint` and `azure_deployment`.
        others: as for `ClientConfig`.

    Raises:
        OpenAIError: there are no credentials, or more than one.
        ValueError: there is no API version or no address, or two.
    """

    __slots__ = ("api_version", "azure_ad_token", "azure_ad_token_provider", "azure_deployment", "azure_endpoint")

    api_version: str
    azure_ad_token: str | None
    azure_ad_token_provider: Callable[[], Any] | None
    azure_deployment: str | None
    azure_endpoint: URL | None

    _from_environment = {
        **ClientConfig._from_environment,
        "api_key": ("AZURE_OPENAI_API_KEY",),
        "azure_ad_token": ("AZURE_OPENAI_AD_TOKEN",),
        "azure_ad_token_provider": (),
    }

    def __init__(
        self,
        *,
        azure_endpoint: str | None = None,
        azure_deployment: str | None = None,
        api_version: str | None = None,
        api_key: str | Callable[[], Any] | None = None,
        admin_api_key: str | None = None,
        azure_ad_token: str | None = None,
        azure_ad_token_provider: Callable[[], Any] | None = None,
        base_url: str | URL | None = None,
        enforce_credentials: bool = True,
        **options: Unpack[ClientOptions],
    ) -> None:
        api_key, azure_ad_token = _find_key(api_key, azure_ad_token, azure_ad_token_provider)
        if enforce_credentials and api_key is None and azure_ad_token is None and azure_ad_token_provider is None:
            raise OpenAIError(
                "There are no credentials: pass api_key, azure_ad_token or azure_ad_token_provider to the client,"
                " or set the environment variable AZURE_OPENAI_API_KEY or AZURE_OPENAI_AD_TOKEN."
            )
        if api_version is None:
            api_version = os.environ.get("OPENAI_API_VERSION")
        if api_version is None:
            raise ValueError("pass api_version, or set the environment variable OPENAI_API_VERSION")
        endpoint = None
        if base_url is not None:
            if azure_endpoint is not None:
                raise ValueError("pass either base_url or azure_endpoint, not both")
        else:
            endpoint = os.environ.get("AZURE_OPENAI_ENDPOINT") if azure_endpoint is None else azure_endpoint
            if endpoint is None:
                raise ValueError(
                    "pass azure_endpoint or base_url, or set the environment variable AZURE_OPENAI_ENDPOINT"
                )
            base_url = f"{endpoint.rstrip('/')}/openai"
            if azure_deployment is not None:
                base_url += f"/deployments/{quote_target(azure_deployment)}"
        self._set(
            api_version=api_version,
            azure_ad_token=azure_ad_token,
            azure_ad_token_provider=azure_ad_token_provider,
            azure_deployment=azure_deployment if endpoint else None,
            azure_endpoint=URL(endpoint) if endpoint else None,
        )
        options["default_query"] = {**(options.get("default_query") or {}), "api-version": api_version}
        super().__init__(
            # An empty key is none, and keeps the environment's from being taken, which is OpenAI's.
            api_key=api_key or "",
            admin_api_key=admin_api_key,
            base_url=base_url,
            enforce_credentials=False,
            **options,
        )
        self._set(_enforce_credentials=enforce_credentials)

    def replace(self, **changes: Any) -> AzureConfig:
        """As `ClientConfig.replace`. One of the credentials replaces whichever there was."""
        if changes.get("workload_identity") is not None or changes.get("provider") is not None:
            raise OpenAIError("Azure clients have neither workload_identity nor provider")
        if changes.get("data_residency") is not None:
            raise OpenAIError("data_residency is for OpenAI's own endpoints; Azure's region is in azure_endpoint")
        new = {name: changes[name] for name in _CREDENTIALS if changes.get(name) is not None}
        if new:
            key, token = _find_key(*(new.get(name) for name in _CREDENTIALS))
            changes |= {
                "api_key": key or "",
                "azure_ad_token": token,
                "azure_ad_token_provider": new.get("azure_ad_token_provider"),
            }
        if "base_url" in changes:
            changes.setdefault("azure_endpoint", None)
            changes.setdefault("azure_deployment", None)
        version = changes.get("api_version", self.api_version)
        if "default_query" in changes or version != self.api_version:
            changes["default_query"] = {
                **(changes.get("default_query", self.default_query) or {}),
                "api-version": version,
            }
        config = super().replace(**changes)
        assert isinstance(config, AzureConfig)
        config._find_credentials()
        return config

    def _find_credentials(self) -> None:
        credentials: Credentials | None = None
        if self.azure_ad_token is None:
            if self.azure_ad_token_provider is not None:
                credentials = TokenFunction(self.azure_ad_token_provider)
            elif callable(self.api_key):
                credentials = AzureKeyFunction(self.api_key)
        self._set(_credentials=credentials)


def _find_key(api_key: Any, token: str | None, provider: Any) -> tuple[Any, str | None]:
    """The key and the token to use: what was given, or else what the environment has."""
    if sum(value is not None for value in (api_key, token, provider)) > 1:
        raise MutuallyExclusiveAuthError
    if api_key is None and token is None and provider is None:
        token = os.environ.get("AZURE_OPENAI_AD_TOKEN")
        if token is None:
            api_key = os.environ.get("AZURE_OPENAI_API_KEY")
    return api_key, token


class TokenFunction(Credentials):
    """A token of Microsoft Entra ID is what a function of the caller's returns; it is asked before every request."""

    _name = "azure_ad_token_provider"

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function

    def applies(self, security: tuple[str, ...]) -> bool:
        return True

    def request(self, call: Any, attempt: int) -> Flow[Request]:
        secret = yield Invoke(self._function)
        if not isinstance(secret, str) or not secret:
            raise ValueError(f"{self._name} returned {given(secret)}, expected a non-empty text")
        return call.request(attempt, secret)  # type: ignore[no-any-return]


class AzureKeyFunction(TokenFunction):
    """The same for the resource's key."""

    _name = "the api_key function"


class AzureRequestBuilder(RequestBuilder):
    """Builds requests to Azure."""

    config: AzureConfig
    platform = "azure"

    def _call(self, method: str, path: str, query: Any, headers: Any, body: Any, *rest: Any, form: Any) -> Any:
        if path in _DEPLOYMENT_PATHS and isinstance(body, Mapping) and "/deployments" not in self._base_path:
            model = body.get("model")
            if model is not None:
                path = fill_path(("/deployments/", path), ("model",), (model,))
        return super()._call(method, path, query, headers, body, *rest, form=form)

    def _url(self, path: str, query: Mapping[str, Any]) -> URL:
        url = super()._url(path, query)
        endpoint = self.config.azure_endpoint
        if not self.config.azure_deployment or endpoint is None or path in _DEPLOYMENT_PATHS or "://" in path:
            return url
        # What no deployment has is beside them.
        return url.with_target(f"{endpoint.path.rstrip('/')}/openai{url.target[len(self._base_path) :]}")

    def realtime_url(self, model: str, query: Mapping[str, Any]) -> URL:
        """Where a WebSocket is opened for `model`: the deployment of that name, where the client has none of its own."""
        config = self.config
        own = {**query, "api-version": config.api_version, "deployment": config.azure_deployment or model}
        if config.websocket_base_url is None:
            url = self._url("/realtime", own)
        else:
            base = config.websocket_base_url
            path, _, written = base.target.partition("?")
            text = query_string({**config.default_query, **own})
            url = base.with_target(f"{path.rstrip('/')}/realtime?{written}{'&' if written else ''}{text}")
        return url if url.scheme in ("ws", "wss") else URL("ws" + str(url).removeprefix("http"))

    def _authorization(self, security: tuple[str, ...], api_key: str | None) -> Mapping[str, str]:
        # What authorises comes last, below.
        return {}

    def _fields(
        self, security: tuple[str, ...], is_get: bool, read_timeout: Any, api_key: str | None, sends: Any
    ) -> dict[str, Any]:
        fields = super()._fields(security, is_get, read_timeout, api_key, sends)
        config = self.config
        if config.azure_ad_token is not None or config.azure_ad_token_provider is not None:
            own, value = "Authorization", f"Bearer {config.azure_ad_token if api_key is None else api_key}"
        else:
            own, value = "api-key", config.api_key if api_key is None else api_key  # type: ignore[assignment]
        if not isinstance(value, str) or not value:
            return fields
        # Unlike other fields, these are not replaced by the configuration's, but by a call's.
        return {**{name: each for name, each in fields.items() if name.lower() != own.lower()}, own: value}

    def _check_authorized(self, names: set[bytes], given: Mapping[str, Any]) -> None:
        if names & {b"authorization", b"api-key"} or {str(name).lower() for name in given} & {
            "authorization",
            "api-key",
        }:
            return
        raise TypeError(
            "this call can't be authorised: the client has no key. Pass api_key, azure_ad_token or azure_ad_token_provider"
            " to the client, or pass omit as the Authorization header to send none."
        )
