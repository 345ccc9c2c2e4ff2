"""Signatures of webhooks: HMAC-SHA256 over id, time and body, as Standard Webhooks has it.

`webhook-signature` has one or more signatures, separated by blanks, each as `v1,` and base64. The signed text is
`webhook-id`, `webhook-timestamp` and the body, joined by dots. The secret is base64 after `whsec_`, or text.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Protocol, Union

from .errors import InvalidWebhookSignatureError

__all__ = ["HeadersLike", "verify"]


class _WithGet(Protocol):
    def get(self, key: str, /) -> Any: ...


# Mappings are searched without regard to case; other objects are asked.
HeadersLike = Union[Mapping[str, Any], _WithGet]

_NO_SECRET = (
    "there is no webhook secret: pass secret, make the client with webhook_secret, or set OPENAI_WEBHOOK_SECRET"
)


def verify(payload: str | bytes, headers: HeadersLike, secret: str | None, tolerance: float, now: float) -> None:
    """Return if a webhook comes from somebody who knows the secret, and is fresh.

    Args:
        payload: the body, as it came.
        headers: the request's header fields.
        secret: what it was signed with.
        tolerance: how many seconds its time may be away from now, to either side.
        now: seconds since the epoch.

    Raises:
        InvalidWebhookSignatureError: no signature fits, the time is too far away, or is none.
        ValueError: there is no secret, it is not base64 where it says so, or a header is missing.
    """
    if not secret:
        # An empty one, too: everybody can sign with that.
        raise ValueError(_NO_SECRET)
    signatures = _required(headers, "webhook-signature")
    timestamp = _required(headers, "webhook-timestamp")
    identity = _required(headers, "webhook-id")
    try:
        signed_at = int(timestamp)
    except ValueError:
        raise InvalidWebhookSignatureError(f"the webhook's timestamp is not a whole number: {timestamp!r}") from None
    if int(now) - signed_at > tolerance:
        raise InvalidWebhookSignatureError(f"the webhook is older than {tolerance} seconds")
    if signed_at - int(now) > tolerance:
        raise InvalidWebhookSignatureError(f"the webhook is of a time more than {tolerance} seconds ahead")
    body = _bytes(payload) if isinstance(payload, str) else payload
    signed = b".".join((_bytes(identity), _bytes(timestamp), body))
    expected = b64encode(hmac.digest(_key(secret), signed, "sha256"))
    # Every one is compared, and each in a time that doesn't tell how much of it is right.
    fits = [hmac.compare_digest(expected, _bytes(each.removeprefix("v1,"))) for each in signatures.split()]
    if not any(fits):
        raise InvalidWebhookSignatureError("none of the webhook's signatures fits its body and the secret")


def _bytes(text: str) -> bytes:
    # Whatever a stranger sends must come to a signature that does not fit.
    return text.encode("utf-8", "surrogatepass")


def _key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return b64decode(secret[6:])
    except ValueError:
        raise ValueError("the webhook secret is not base64 after whsec_") from None


def _required(headers: HeadersLike, name: str) -> str:
    value: Any = None
    if isinstance(headers, Mapping):
        value = next((value for key, value in headers.items() if key.lower() == name), None)
    else:
        for spelling in (name, name.title(), name.upper()):
            value = value or headers.get(spelling)
    if not isinstance(value, str) or not value:
        raise ValueError(f"the webhook has no {name} header")
    return value
