"""The proofs that Kubernetes, Azure and Google Cloud give to what runs there."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

from ..core.errors import SubjectTokenProviderError
from ..core.headers import encode_header
from ..core.http import HeadBlock, Request
from ..core.timeouts import Timeout
from ..core.url import URL, query_string
from .identities import SubjectTokenProvider

__all__ = ["azure_managed_identity_token_provider", "gcp_id_token_provider", "k8s_service_account_token_provider"]

# Where the platforms' documentation says; both are reachable from inside alone, and without TLS.
_AZURE_URL = "http://169.254.169.254/metadata/identity/oauth2/token"
_GCP_URL = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity"


def k8s_service_account_token_provider(
    token_file_path: str | PathLike[str] = "/var/run/secrets/kubernetes.io/serviceaccount/token",
) -> SubjectTokenProvider:
    """The service account token that Kubernetes puts into a file, which is read anew each time.

    `get_token` raises SubjectTokenProviderError if the file can't be read or is empty.
    """
    path = fspath(token_file_path)

    def get_token() -> str:
        try:
            with open(path, encoding="utf-8") as file:
                token = file.read().strip()
        except (OSError, ValueError) as error:
            raise SubjectTokenProviderError(f"the token file {path} can't be read: {error}") from error
        if not token:
            raise SubjectTokenProviderError(f"the token file {path} is empty")
        return token

    return {"token_type": "jwt", "get_token": get_token}


def azure_managed_identity_token_provider(
    resource: str = "https://management.azure.com/",
    *,
    object_id: str | None = None,
    client_id: str | None = None,
    msi_res_id: str | None = None,
    api_version: str = "2018-02-01",
    timeout: float = 10.0,
    http_client: Any = None,
) -> SubjectTokenProvider:
    """A token of an Azure managed identity, from the machine's metadata service.

    Args:
        resource: what the token is for.
        object_id, client_id, msi_res_id: which identity, if the machine has several.
        api_version: of the metadata service.
        timeout: seconds for each part of the request.
        http_client: a `Transport`, or an `httpx` client, to send it with instead of a connection of its own.

    `get_token` raises SubjectTokenProviderError if there is no token to be had.
    """
    params = {"api-version": api_version, "resource": resource}
    for name, value in (("object_id", object_id), ("client_id", client_id), ("msi_res_id", msi_res_id)):
        if value is not None:
            params[name] = value

    def get_token() -> str:
        answer = _get("Azure", _AZURE_URL, params, {"Metadata": "true"}, timeout, http_client)
        try:
            body = answer.json()
        except ValueError:
            body = None
        token = body.get("access_token") if isinstance(body, dict) else None
        if not isinstance(token, str) or not token:
            raise SubjectTokenProviderError(
                "the answer of the Azure metadata service has no access_token", response=answer
            )
        return token

    return {"token_type": "jwt", "get_token": get_token}


def gcp_id_token_provider(
    audience: str = "https://api.openai.com/v1", *, timeout: float = 10.0, http_client: Any = None
) -> SubjectTokenProvider:
    """The ID token of a Google Cloud machine, from its metadata server.

    Args:
        audience: whom the token is for.
        timeout, http_client: as for `azure_managed_identity_token_provider`.

    `get_token` raises SubjectTokenProviderError if there is no token to be had.
    """

    def get_token() -> str:
        headers = {"Metadata-Flavor": "Google"}
        answer = _get("GCP", _GCP_URL, {"audience": audience}, headers, timeout, http_client)
        token: str = answer.text.strip()
        if not token:
            raise SubjectTokenProviderError("the answer of the GCP metadata server is empty", response=answer)
        return token

    return {"token_type": "id", "get_token": get_token}


def _get(
    platform: str, url: str, params: Mapping[str, str], headers: Mapping[str, str], timeout: float, http_client: Any
) -> Any:
    """The response to a GET, of a status below 400."""
    try:
        if http_client is not None and not hasattr(http_client, "send"):
            raise TypeError(f"http_client must be a Transport or an httpx client, not {type(http_client).__name__}")
        if hasattr(http_client, "build_request"):
            answer = http_client.get(url, params=params, headers=headers, timeout=timeout)
        else:
            answer = _send(url, params, headers, timeout, http_client)
    except TypeError:
        raise
    except Exception as error:
        raise SubjectTokenProviderError(f"the {platform} metadata server was not reached: {error}") from error
    if answer.status_code >= 400:
        raise SubjectTokenProviderError(
            f"the {platform} metadata server answered with status {answer.status_code}", response=answer
        )
    return answer


def _send(url: str, params: Mapping[str, str], headers: Mapping[str, str], timeout: float, transport: Any) -> Any:
    target = URL(url)
    head = HeadBlock(tuple(encode_header(name, value) for name, value in headers.items()))
    request = Request("GET", target.with_target(f"{target.target}?{query_string(params)}"), head, b"", Timeout(timeout))
    if transport is not None:
        return transport.send(request, stream=False)
    from .. import HTTPTransport

    own = HTTPTransport()
    try:
        return own.send(request, stream=False)
    finally:
        own.close()
