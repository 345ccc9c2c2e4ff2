"""`client.webhooks`: what the API sends us. Nothing is sent or awaited here, so both clients have the same methods."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

from .._resource import AsyncAPIResource, SyncAPIResource
from ..core.codec import decode
from ..core.webhooks import HeadersLike, verify

if TYPE_CHECKING:
    from ..types.webhooks.unwrap_webhook_event import UnwrapWebhookEvent

__all__ = ["AsyncWebhooksHelpers", "WebhooksHelpers"]


def _unwrap(payload: str | bytes) -> UnwrapWebhookEvent:
    from ..types.webhooks.unwrap_webhook_event import UnwrapWebhookEvent

    event: UnwrapWebhookEvent = decode(UnwrapWebhookEvent, payload.encode() if isinstance(payload, str) else payload)
    return event


class WebhooksHelpers(SyncAPIResource):
    """What `Webhooks` does without a request."""

    def unwrap(self, payload: str | bytes, headers: HeadersLike, *, secret: str | None = None) -> UnwrapWebhookEvent:
        """The event in a webhook's body, after its signature was verified; see `verify_signature`.

        Events of a type that is not known are objects with the same attributes as their JSON.

        Raises:
            InvalidWebhookSignatureError: no signature fits, or the webhook is not of the last five minutes.
            ValueError: there is no secret, a header is missing, or the body is not JSON.
        """
        self.verify_signature(payload, headers, secret=secret)
        return _unwrap(payload)

    def verify_signature(
        self, payload: str | bytes, headers: HeadersLike, *, secret: str | None = None, tolerance: int = 300
    ) -> None:
        """Return if a webhook comes from the API, and is fresh.

        Args:
            payload: the body, exactly as it came.
            headers: the header fields: a mapping, whatever the case of its keys, or an object with `get`.
            secret: what the API signs with; without it the client's `webhook_secret`.
            tolerance: how many seconds ago, or ahead, the webhook may have been signed.

        Raises:
            InvalidWebhookSignatureError: no signature fits, or the time is too far away.
            ValueError: there is no secret, or a header is missing.
        """
        verify(payload, headers, self._client.webhook_secret if secret is None else secret, tolerance, time())


class AsyncWebhooksHelpers(AsyncAPIResource):
    """What `AsyncWebhooks` does without a request; as nothing is awaited, these are plain methods, too."""

    def unwrap(self, payload: str | bytes, headers: HeadersLike, *, secret: str | None = None) -> UnwrapWebhookEvent:
        """The event in a webhook's body, after its signature was verified; see `Webhooks.unwrap`."""
        self.verify_signature(payload, headers, secret=secret)
        return _unwrap(payload)

    def verify_signature(
        self, payload: str | bytes, headers: HeadersLike, *, secret: str | None = None, tolerance: int = 300
    ) -> None:
        """Return if a webhook comes from the API, and is fresh; see `Webhooks.verify_signature`."""
        verify(payload, headers, self._client.webhook_secret if secret is None else secret, tolerance, time())
