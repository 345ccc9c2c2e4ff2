"""What `OpenAI(workload_identity=...)` takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias, TypedDict, Union

from typing_extensions import NotRequired

__all__ = [
    "SubjectTokenProvider",
    "SubjectTokenWorkloadIdentity",
    "WorkloadIdentity",
    "X509WorkloadIdentity",
    "x509_workload_identity",
]


class SubjectTokenProvider(TypedDict):
    """Where the platform's proof comes from.

    token_type: `"jwt"`, or `"id"` for an OpenID Connect ID token.
    get_token: returns the proof; asked each time a new access token is needed. It may wait (with `AsyncOpenAI` it runs in a thread),
        or be a coroutine function (with `AsyncOpenAI` only).
    """

    token_type: Literal["jwt", "id"]
    get_token: Callable[[], Union[str, Awaitable[str]]]


class WorkloadIdentity(TypedDict):
    """An identity that a platform proves by a subject token.

    identity_provider_id: the platform, as registered with OpenAI.
    service_account_id: whom to act for.
    provider: where the proof comes from.
    refresh_buffer_seconds: how long before its end an access token is replaced; 1200 by default, and at most half of its life.
    """

    identity_provider_id: str
    service_account_id: str
    provider: SubjectTokenProvider
    refresh_buffer_seconds: NotRequired[float]


SubjectTokenWorkloadIdentity: TypeAlias = WorkloadIdentity


class X509WorkloadIdentity(TypedDict):
    """An identity that the certificate of the client's transport proves.

    type: `"x509"`.
    identity_provider_id, service_account_id, refresh_buffer_seconds: as in `WorkloadIdentity`.
    """

    type: Literal["x509"]
    identity_provider_id: str
    service_account_id: str
    refresh_buffer_seconds: NotRequired[float]


def x509_workload_identity(
    *, identity_provider_id: str, service_account_id: str, refresh_buffer_seconds: float | None = None
) -> X509WorkloadIdentity:
    """An `X509WorkloadIdentity`. The certificate is not its business but the transport's: pass `OpenAI` an
    `HTTPTransport(ssl_context=...)` with a context that has loaded one as `http_client`."""
    identity: X509WorkloadIdentity = {
        "type": "x509",
        "identity_provider_id": identity_provider_id,
        "service_account_id": service_account_id,
    }
    if refresh_buffer_seconds is not None:
        identity["refresh_buffer_seconds"] = refresh_buffer_seconds
    return identity
