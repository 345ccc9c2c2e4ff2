"""Signing through botocore, which is imported when there is something to sign."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from typing import Any

from ..core.errors import OpenAIError
from ..core.headers import encode_header
from ..core.http import HeadBlock, Request
from ..core.secrets import hide_tokens_in_logs

__all__ = ["Signer", "profile_region"]

_FAILED = (
    "there are no AWS credentials to be had for Bedrock: look at the profile, the environment variables, or the"
    " identity of the machine"
)

# What the signature brings, and what the transport writes.
_SIGNATURE = frozenset({"authorization", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"})
_TRANSPORT = frozenset({"host", "content-length", "transfer-encoding"})


def _load(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise OpenAIError(
            "AWS credentials need botocore: pip install 'openai-oxide[bedrock]', or pass a bearer token (api_key or"
            " token_provider) to bedrock()"
        ) from error


def _session(profile: str | None) -> Any:
    return _load("botocore.session").Session(profile=profile)


def profile_region(profile: str | None) -> str:
    """The region of an AWS profile. Raises OpenAIError."""
    try:
        region = _session(profile).get_config_variable("region")
    except OpenAIError:
        raise
    except Exception as error:
        raise OpenAIError(_FAILED) from error
    if not isinstance(region, str) or not region.strip():
        raise OpenAIError("Bedrock needs a region: pass region to bedrock(), or set AWS_REGION or AWS_DEFAULT_REGION")
    return region.strip()


class Signer:
    """Signs requests for one service and region.

    Args:
        service: its name in signatures.
        region: where it is.
        profile: whose credentials, if these come from the AWS configuration.
        keys: access key, secret key and session token, if these are the credentials.
        function: what returns credentials, if these come from there.

    Raises:
        OpenAIError: botocore is not installed, or knows no such profile.
    """

    def __init__(
        self,
        service: str,
        region: str,
        profile: str | None,
        keys: tuple[Any, ...] | None,
        function: Callable[[], object] | None,
    ) -> None:
        hide_tokens_in_logs()
        self._scope = (service, region)
        try:
            session = _session(profile)
            self._find: Callable[[], Any] = function or session.get_credentials
            if keys is not None:
                fixed = _load("botocore.credentials").Credentials(*keys)
                self._find = lambda: fixed
        except OpenAIError:
            raise
        except Exception as error:
            raise OpenAIError(_FAILED) from error

    def sign(self, request: Request) -> Request:
        """The request with its signature. Raises OpenAIError."""
        headers = {
            name: value
            for name, value in request.headers.multi_items()
            if name not in _SIGNATURE and name != "transfer-encoding"
        }
        headers["X-Amz-Content-SHA256"] = sha256(request.content).hexdigest()  # type: ignore[arg-type]
        try:
            credentials = self._find()
            if credentials is None:
                raise OpenAIError(_FAILED)
            freeze = getattr(credentials, "get_frozen_credentials", None)
            signed = _load("botocore.awsrequest").AWSRequest(request.method, str(request.url), headers, request.content)
            frozen = freeze() if callable(freeze) else credentials
            _load("botocore.auth").SigV4Auth(frozen, *self._scope).add_auth(signed)
        except OpenAIError:
            raise
        except Exception as error:
            raise OpenAIError(_FAILED) from error
        head = HeadBlock(
            tuple(
                encode_header(name, value) for name, value in signed.headers.items() if name.lower() not in _TRANSPORT
            )
        )
        return Request(
            request.method, request.url, head, request.content, request.timeout, request.deadline, request.retries
        )
