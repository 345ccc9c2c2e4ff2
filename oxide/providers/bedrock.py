"""Amazon Bedrock's API that is OpenAI's: by a bearer token, or signed with AWS credentials (the extra `bedrock`)."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal, Union

from ..core.credentials import Credentials
from ..core.errors import OpenAIError
from ..core.flow import Block, Flow
from ..core.http import Request
from ..core.providers import Provider
from ..core.sentinels import NotGiven, not_given
from ..core.url import URL
from ._authorize import Bearer, PlatformCredentials

if TYPE_CHECKING:
    from ._aws import Signer

__all__ = ["AwsCredentialsProvider", "BedrockEndpoint", "BedrockTokenProvider", "bedrock"]

BedrockTokenProvider = Callable[[], Union[str, Awaitable[str]]]
BedrockEndpoint = Literal["mantle", "runtime"]

# Returns AWS credentials: an object with `access_key`, `secret_key` and `token`, or one of botocore's that can be frozen.
AwsCredentialsProvider = Callable[[], object]

_REGION = re.compile(r"[a-z]{2,8}(?:-[a-z0-9]+)+-\d+")

# What the runtime's hosts end in, by how the region begins; the longer beginnings first.
_SUFFIXES = {
    "cn-": ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    "eusc-": ("amazonaws.eu", "api.amazonwebservices.eu"),
    "us-isob-": ("sc2s.sgov.gov", "api.aws.scloud"),
    "us-isof-": ("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    "us-iso-": ("c2s.ic.gov", "api.aws.ic.gov"),
    "eu-isoe-": ("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    "": ("amazonaws.com", "api.aws"),
}


def bedrock(
    *,
    endpoint: BedrockEndpoint | None = None,
    region: str | None = None,
    base_url: str | URL | NotGiven | None = not_given,
    api_key: str | NotGiven | None = not_given,
    token_provider: BedrockTokenProvider | None = None,
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
    session_token: str | None = None,
    profile: str | None = None,
    credential_provider: AwsCredentialsProvider | None = None,
) -> Provider:
    """Amazon Bedrock. Pass one kind of credentials, or none for what the environment has.

    Args:
        endpoint: which of Bedrock's two services, `"mantle"` by default.
        region: from `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile.
        base_url: the address, instead of the region's. From `AWS_BEDROCK_BASE_URL`; `None` keeps that from being looked at.
        api_key: a bearer token. From `AWS_BEARER_TOKEN_BEDROCK`; `None` keeps that from being looked at.
        token_provider: a function that returns one (for `AsyncOpenAI` it may be a coroutine function) and is asked before
            every request.
        access_key_id, secret_access_key, session_token: AWS credentials.
        profile: the profile of the AWS configuration that has them.
        credential_provider: a function that returns them and is asked before every request.

    Raises:
        OpenAIError: arguments contradict each other, or one has a value it can't have.
    """
    if endpoint not in (None, "mantle", "runtime"):
        raise OpenAIError(f"endpoint of bedrock() must be 'mantle' or 'runtime', not {endpoint!r}")
    for name, value in (
        ("region", region),
        ("profile", profile),
        ("api_key", api_key),
        ("access_key_id", access_key_id),
        ("secret_access_key", secret_access_key),
        ("session_token", session_token),
        ("base_url", base_url),
    ):
        if isinstance(value, str) and not value.strip():
            raise OpenAIError(f"{name} of bedrock() is empty")
    if not isinstance(api_key, (str, NotGiven, type(None))):
        raise OpenAIError(f"api_key of bedrock() must be text, not {type(api_key).__name__}; see token_provider")
    if (access_key_id is None) != (secret_access_key is None) or (session_token is not None and access_key_id is None):
        raise OpenAIError("access_key_id and secret_access_key of bedrock() go together, session_token with both")
    static = access_key_id is not None
    key = api_key if isinstance(api_key, str) else None
    chosen = {
        "api_key": key is not None,
        "token_provider": token_provider is not None,
        "access_key_id": static,
        "profile": profile is not None,
        "credential_provider": credential_provider is not None,
    }
    if sum(chosen.values()) > 1:
        names = " and ".join(name for name, given in chosen.items() if given)
        raise OpenAIError(f"pass only one kind of credentials to bedrock(), not {names}")
    from_environment = (
        isinstance(api_key, NotGiven) and not any(chosen.values()) and bool(os.environ.get("AWS_BEARER_TOKEN_BEDROCK"))
    )
    definition = Definition()
    definition.key = key
    definition.token_provider = _environment_token if from_environment else token_provider
    definition.profile = None if profile is None else profile.strip()
    definition.keys = (access_key_id, secret_access_key, session_token) if static else None
    definition.credential_provider = credential_provider
    if isinstance(base_url, NotGiven):
        base_url = (os.environ.get("AWS_BEDROCK_BASE_URL") or "").strip() or None
    definition.base_url = None if base_url is None else _without_responses(URL(base_url))
    region = None if region is None else region.strip()
    bearer = key is not None or definition.token_provider is not None
    if region is None and not (definition.base_url is not None and bearer):
        region = environment_region()
    definition.region = check_region(region)
    known = None if definition.base_url is None else endpoint_of(definition.base_url.host)
    definition.endpoint = endpoint or ("mantle" if known is None else known[0])
    if definition.base_url is not None:
        check_endpoint(definition.base_url, definition.endpoint, region)
    return Provider(definition)


class Definition:
    """What `bedrock` was told."""

    __slots__ = ("base_url", "credential_provider", "endpoint", "key", "keys", "profile", "region", "token_provider")

    name = "bedrock"
    base_url: URL | None
    credential_provider: AwsCredentialsProvider | None
    endpoint: BedrockEndpoint
    key: str | None
    keys: tuple[Any, ...] | None
    profile: str | None
    region: str | None
    token_provider: BedrockTokenProvider | None

    def set_up(self) -> tuple[URL, Credentials]:
        key, function = self.key, self.token_provider
        if key is not None:
            function = lambda: key  # noqa: E731 (it is asked like the others)
        if function is not None:
            url = self.base_url or self._default_url(self.region)
            return url, Bearer("Bedrock", url, function)
        region = self.region
        if region is None:
            # Only the profile can have one now.
            from ._aws import profile_region

            region = check_region(profile_region(self.profile))
        url = self.base_url or self._default_url(region)
        check_endpoint(url, self.endpoint, region)
        assert region is not None
        return url, AwsCredentials(url, self, region)

    def _default_url(self, region: str | None) -> URL:
        if region is None:
            raise OpenAIError(
                "Bedrock needs a region: pass region to bedrock(), or set AWS_REGION or AWS_DEFAULT_REGION"
            )
        if self.endpoint == "mantle":
            return URL(f"https://bedrock-mantle.{region}.api.aws/openai/v1")
        return URL(f"https://bedrock-runtime.{region}.{_suffixes(region)[0]}/openai/v1")


class AwsCredentials(PlatformCredentials):
    """Signatures of AWS (Signature Version 4), made by botocore.

    Attributes:
        region: where requests are signed for.
    """

    follows_redirects = False

    def __init__(self, base_url: URL, definition: Definition, region: str) -> None:
        super().__init__("Bedrock", base_url)
        self.region = region
        self._definition = definition
        self._signer: Signer | None = None

    def request(self, call: Any, attempt: int) -> Flow[Request]:
        request = self.finished(call, attempt)
        if not isinstance(request.content, bytes):
            raise OpenAIError("a request to Bedrock can't be signed if its body is read while it is sent; pass bytes")
        # Credentials may come from files, from a metadata server, from another program.
        return (yield Block(self._sign, request))  # type: ignore[no-any-return]

    def _sign(self, request: Request) -> Request:
        if self._signer is None:
            from ._aws import Signer

            what = self._definition
            service = "bedrock" if what.endpoint == "runtime" else "bedrock-mantle"
            self._signer = Signer(service, self.region, what.profile, what.keys, what.credential_provider)
        return self._signer.sign(request)


def _environment_token() -> str:
    token = os.environ.get("AWS_BEARER_TOKEN_BEDROCK")
    if not token:
        raise OpenAIError("AWS_BEARER_TOKEN_BEDROCK was set when the client was made, and is no more")
    return token


def environment_region() -> str | None:
    """The region that the environment says."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    return region.strip() or None


def check_region(region: str | None) -> str | None:
    """The region itself. Raises OpenAIError if it is none, which would make a host of it that is not Amazon's."""
    if region is not None and not _REGION.fullmatch(region):
        raise OpenAIError(f"{region!r} is no AWS region; they are like 'us-east-1'")
    return region


def _suffixes(region: str) -> tuple[str, str]:
    return next(suffixes for beginning, suffixes in _SUFFIXES.items() if region.startswith(beginning))


def endpoint_of(host: str) -> tuple[BedrockEndpoint, str] | None:
    """Endpoint and region of a host, if it is one of Amazon's for Bedrock."""
    service, _, rest = host.removesuffix(".").lower().partition(".")
    region, _, suffix = rest.partition(".")
    if not _REGION.fullmatch(region):
        return None
    if service == "bedrock-mantle" and suffix == "api.aws":
        return "mantle", region
    if service in ("bedrock-runtime", "bedrock-runtime-fips") and suffix in _suffixes(region):
        return "runtime", region
    return None


def check_endpoint(url: URL, endpoint: BedrockEndpoint, region: str | None) -> None:
    """Refuse an address of Amazon's that is not the one of this endpoint and region. Raises OpenAIError."""
    known = endpoint_of(url.host)
    if known is None:
        return
    if url.scheme != "https":
        raise OpenAIError("Amazon's endpoints for Bedrock need https")
    if known[0] != endpoint:
        raise OpenAIError(f"the base_url is Bedrock's {known[0]!r} endpoint, but endpoint is {endpoint!r}")
    if region is not None and known[1] != region:
        raise OpenAIError(f"the base_url is Bedrock's in {known[1]!r}, but the region is {region!r}")


def _without_responses(url: URL) -> URL:
    # The address of the one method that Bedrock had at first is a common thing to paste.
    path, mark, query = url.target.partition("?")
    path = re.sub(r"/responses(?:/.*)?$", "", path.rstrip("/"))
    return url.with_target((path or "/") + mark + query)
