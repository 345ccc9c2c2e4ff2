"""`BedrockOpenAI` and `AsyncBedrockOpenAI`: clients for Amazon Bedrock from before there were providers."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from .._base_client import BaseClient, CopyOptions
from .._client import AsyncOpenAI, OpenAI
from ..core.config import ClientConfig, ClientOptions
from ..core.errors import OpenAIError
from ..core.sentinels import NotGiven, not_given
from ..core.url import URL
from ..providers.bedrock import AwsCredentialsProvider, bedrock, endpoint_of, environment_region

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

__all__ = ["AsyncBedrockOpenAI", "AsyncBedrockTokenProvider", "BedrockOpenAI", "BedrockTokenProvider"]

BedrockTokenProvider = Callable[[], str]
AsyncBedrockTokenProvider = Callable[[], Union[str, Awaitable[str]]]

_BEARER = ("api_key", "bedrock_token_provider")
_AWS = (
    "aws_profile",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_credentials_provider",
)


class Bedrock(NamedTuple):
    """What a Bedrock client was told of Bedrock.

    Attributes:
        credentials: arguments by name, those of one kind.
        region: where requests go.
        chosen: whether the caller said so, rather than the environment.
        base_url: the address, if it does not follow from the region.
    """

    credentials: Mapping[str, Any]
    region: str | None
    chosen: bool
    base_url: Any

    @property
    def bearer(self) -> bool:
        """Whether requests carry a token, rather than a signature."""
        return any(name in self.credentials for name in _BEARER)


class BedrockConfig(ClientConfig):
    """A configuration that remembers what it was told of Bedrock, so that copies can differ in it."""

    __slots__ = ("bedrock",)

    bedrock: Bedrock

    def __init__(self, told: Bedrock, **options: Unpack[ClientOptions]) -> None:
        given = told.credentials
        provider = bedrock(
            # An address that is none of Amazon's does not say which of its services it stands for.
            endpoint=None if told.base_url is None or endpoint_of(URL(told.base_url).host) else "mantle",
            region=told.region if told.chosen or not (told.bearer and told.base_url is not None) else None,
            base_url=told.base_url,
            api_key=given.get("api_key", not_given),
            token_provider=given.get("bedrock_token_provider"),
            access_key_id=given.get("aws_access_key_id"),
            secret_access_key=given.get("aws_secret_access_key"),
            session_token=given.get("aws_session_token"),
            profile=given.get("aws_profile"),
            credential_provider=given.get("aws_credentials_provider"),
        )
        super().__init__(provider=provider, **options)
        known = endpoint_of(self.base_url.host)
        region = told.region or getattr(self.credentials, "region", None) or (known[1] if known else None)
        self._set(bedrock=told._replace(region=region))


def _told(base_url: Any, region: str | None, chosen: bool | None, given: Mapping[str, Any]) -> Bedrock:
    """What arguments and environment say of Bedrock. Raises OpenAIError."""
    if callable(given.get("api_key")):
        raise OpenAIError("pass a function that returns Bedrock's token as bedrock_token_provider, not as api_key")
    credentials = {name: value for name, value in given.items() if value is not None}
    if not credentials and os.environ.get("AWS_BEARER_TOKEN_BEDROCK"):
        # As it is now: copies keep it.
        credentials = {"api_key": os.environ["AWS_BEARER_TOKEN_BEDROCK"]}
    if base_url is None:
        base_url = os.environ.get("AWS_BEDROCK_BASE_URL")
    if isinstance(base_url, str) and not base_url.strip():
        base_url = None
    if chosen is None:
        chosen = bool(region and region.strip())
    return Bedrock(credentials, region.strip() if region and region.strip() else environment_region(), chosen, base_url)


class BaseBedrockClient(BaseClient):
    """What both clients have beside their bases."""

    _config: BedrockConfig

    def __init__(
        self,
        *,
        api_key: str | None = None,
        bedrock_token_provider: Callable[[], Any] | None = None,
        aws_region: str | None = None,
        aws_profile: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        aws_credentials_provider: AwsCredentialsProvider | None = None,
        base_url: str | URL | None = None,
        _strict_response_validation: bool = False,
        _enforce_credentials: bool = True,
        **options: Unpack[ClientOptions],
    ) -> None:
        given = {
            "api_key": api_key,
            "bedrock_token_provider": bedrock_token_provider,
            "aws_profile": aws_profile,
            "aws_access_key_id": aws_access_key_id,
            "aws_secret_access_key": aws_secret_access_key,
            "aws_session_token": aws_session_token,
            "aws_credentials_provider": aws_credentials_provider,
        }
        options["strict"] = options.get("strict", False) or _strict_response_validation
        self._start(BedrockConfig(_told(base_url, aws_region, None, given), **options))

    def copy(
        self,
        *,
        bedrock_token_provider: Callable[[], Any] | None = None,
        aws_region: str | None = None,
        aws_profile: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        aws_credentials_provider: AwsCredentialsProvider | None = None,
        **options: Unpack[CopyOptions],
    ) -> Self:
        """As `OpenAI.copy`, with what Bedrock has besides. Credentials of one kind replace those of any.

        Raises:
            OpenAIError: the arguments contradict each other, or one of them is not for Bedrock.
        """
        for name in ("admin_api_key", "workload_identity", "data_residency", "provider"):
            if not isinstance(options.get(name), (NotGiven, type(None))):
                raise OpenAIError(f"{name} is not for Bedrock; pass a bearer token or AWS credentials")
        given = {
            "api_key": options.pop("api_key", None),
            "bedrock_token_provider": bedrock_token_provider,
            "aws_profile": aws_profile,
            "aws_access_key_id": aws_access_key_id,
            "aws_secret_access_key": aws_secret_access_key,
            "aws_session_token": aws_session_token,
            "aws_credentials_provider": aws_credentials_provider,
        }
        base_url = options.pop("base_url", None)
        if isinstance(base_url, NotGiven):
            base_url = None
        changes = {name: value for name, value in given.items() if value is not None}
        copy = super().copy(**options)
        if changes or aws_region is not None or base_url is not None:
            copy._tell(self._changed(changes, aws_region, base_url))
        return copy

    with_options = copy

    def _changed(self, changes: Mapping[str, Any], region: str | None, base_url: Any) -> Bedrock:
        old = self._config.bedrock
        chosen = region is not None or old.chosen
        follows = isinstance(base_url, str) and not base_url.strip()
        if base_url is None:
            base_url = "" if old.base_url is None else old.base_url
        told = _told(base_url, region or old.region, chosen, changes or old.credentials)
        if not chosen and ("aws_profile" in changes or (told.bearer and told.base_url is not None and not follows)):
            # The environment's region was the old credentials' business.
            told = told._replace(region=None)
        return told

    def _tell(self, told: Bedrock) -> None:
        self._configure(BedrockConfig(told, **self._config.common()))

    # --- settings that can be read and changed ----------------------------------------------------------------------

    @property
    def api_key(self) -> str:
        """The bearer token; empty where a function gives it, or requests are signed."""
        key = self._config.bedrock.credentials.get("api_key")
        return key if isinstance(key, str) else ""

    @api_key.setter
    def api_key(self, value: Any) -> None:
        self._tell(self._changed({"api_key": value}, None, None))

    @property
    def aws_region(self) -> str | None:
        """Where requests go."""
        return self._config.bedrock.region

    @aws_region.setter
    def aws_region(self, value: str | None) -> None:
        told = self._config.bedrock
        self._tell(told._replace(region=value, chosen=value is not None))

    @property
    def base_url(self) -> URL:
        """Where the API is."""
        return self._config.base_url

    @base_url.setter
    def base_url(self, value: str | URL) -> None:
        self._tell(self._changed({}, None, value))


class BedrockOpenAI(BaseBedrockClient, OpenAI):
    """The synchronous client for Amazon Bedrock; `OpenAI(provider=oxide.providers.bedrock(...))` does the same.

    Args:
        api_key: a bearer token. From `AWS_BEARER_TOKEN_BEDROCK`.
        bedrock_token_provider: a function that returns one, asked before every request.
        aws_region: from `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile.
        aws_profile, aws_access_key_id, aws_secret_access_key, aws_session_token, aws_credentials_provider: AWS
            credentials, instead of a token; see `oxide.providers.bedrock`.
        base_url: the address, instead of the region's. From `AWS_BEDROCK_BASE_URL`.
        others: as for `ClientConfig`.

    Raises:
        OpenAIError: the credentials are of more than one kind, or there is no region.
        TypeError, ValueError: an argument has a value it can't have; the message names it.
    """


class AsyncBedrockOpenAI(BaseBedrockClient, AsyncOpenAI):
    """The client for Amazon Bedrock on asyncio and trio; see `BedrockOpenAI`. Functions may be coroutine functions."""
