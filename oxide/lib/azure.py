"""`AzureOpenAI` and `AsyncAzureOpenAI`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Union

from .._base_client import BaseClient, CopyOptions
from .._client import AsyncOpenAI, OpenAI
from ..core.azure import AzureConfig, AzureRequestBuilder, MutuallyExclusiveAuthError
from ..core.config import ClientConfig, ClientOptions
from ..core.errors import OpenAIError
from ..core.sentinels import NotGiven, not_given
from ..core.url import URL

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

__all__ = [
    "AsyncAzureADTokenProvider",
    "AsyncAzureOpenAI",
    "AzureADTokenProvider",
    "AzureConfig",
    "AzureOpenAI",
    "MutuallyExclusiveAuthError",
]

AzureADTokenProvider = Callable[[], str]
AsyncAzureADTokenProvider = Callable[[], Union[str, Awaitable[str]]]


class BaseAzureClient(BaseClient):
    """What both clients have beside their bases."""

    _config: AzureConfig

    def __init__(
        self,
        *,
        azure_endpoint: str | None = None,
        azure_deployment: str | None = None,
        api_version: str | None = None,
        api_key: str | Callable[[], Any] | None = None,
        admin_api_key: str | None = None,
        workload_identity: None = None,
        azure_ad_token: str | None = None,
        azure_ad_token_provider: Callable[[], Any] | None = None,
        base_url: str | URL | None = None,
        _strict_response_validation: bool = False,
        _enforce_credentials: bool = True,
        **options: Unpack[ClientOptions],
    ) -> None:
        if workload_identity is not None:
            raise OpenAIError("workload_identity is for OpenAI's own endpoints; pass azure_ad_token_provider")
        options["strict"] = options.get("strict", False) or _strict_response_validation
        self._start(
            AzureConfig(
                azure_endpoint=azure_endpoint,
                azure_deployment=azure_deployment,
                api_version=api_version,
                api_key=api_key,
                admin_api_key=admin_api_key,
                azure_ad_token=azure_ad_token,
                azure_ad_token_provider=azure_ad_token_provider,
                base_url=base_url,
                enforce_credentials=_enforce_credentials,
                **options,
            )
        )

    def _make_builder(self, config: ClientConfig) -> AzureRequestBuilder:
        if not isinstance(config, AzureConfig):
            raise OpenAIError(f"{type(self).__name__} needs an AzureConfig, not a {type(config).__name__}")
        return AzureRequestBuilder(config, self._asynchronous)

    def copy(
        self,
        *,
        api_version: str | None = None,
        azure_ad_token: str | None = None,
        azure_ad_token_provider: Callable[[], Any] | None = None,
        **options: Unpack[CopyOptions],
    ) -> Self:
        """As `OpenAI.copy`, with what Azure has besides.

        Raises:
            OpenAIError: there is more than one credential among the arguments, or one of them is not for Azure.
        """
        if not isinstance(options.get("provider", not_given), NotGiven):
            raise OpenAIError("provider is an argument of OpenAI, not of an Azure client's copy")
        own = {
            "api_version": api_version or None,
            "azure_ad_token": azure_ad_token,
            "azure_ad_token_provider": azure_ad_token_provider,
        }
        options["_changes"] = {name: value for name, value in own.items() if value is not None}
        return super().copy(**options)

    with_options = copy


class AzureOpenAI(BaseAzureClient, OpenAI):
    """The synchronous client for Azure.

    Args:
        see `AzureConfig`.

    Raises:
        OpenAIError: there are no credentials, or more than one.
        ValueError: there is no API version or no address, or two; or an argument has a value it can't have.
    """


class AsyncAzureOpenAI(BaseAzureClient, AsyncOpenAI):
    """The client for Azure on asyncio and trio.

    Args:
        see `AzureConfig`; functions may be coroutine functions.

    Raises:
        as `AzureOpenAI`.
    """
