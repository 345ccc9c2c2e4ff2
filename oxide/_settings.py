"""The settings of a client, as they can be read from it and changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .core.config import ClientConfig, Fields
from .core.timeouts import Timeout
from .core.url import URL

if TYPE_CHECKING:
    from .auth import WorkloadIdentity, X509WorkloadIdentity
    from .core.retry import RetryPolicy

__all__ = ["Settings"]


class Settings:
    """What `OpenAI` and `AsyncOpenAI` were told: each a property of theirs."""

    _config: ClientConfig
    _configure: Callable[[ClientConfig], None]

    @property
    def api_key(self) -> str:
        """The API key; empty where a function gives it, or there is none."""
        key = self._config.api_key
        return key if isinstance(key, str) else ""

    @api_key.setter
    def api_key(self, value: str | Callable[[], Any] | None) -> None:
        self._configure(self._config.replace(api_key=value))

    @property
    def admin_api_key(self) -> str | None:
        """The key for administration endpoints."""
        return self._config.admin_api_key

    @admin_api_key.setter
    def admin_api_key(self, value: str | None) -> None:
        self._configure(self._config.replace(admin_api_key=value))

    @property
    def workload_identity(self) -> Any:
        """Who this program is to the platform that it runs on, instead of a key."""
        return self._config.workload_identity

    @workload_identity.setter
    def workload_identity(self, value: WorkloadIdentity | X509WorkloadIdentity | None) -> None:
        self._configure(self._config.replace(workload_identity=value))

    @property
    def organization(self) -> str | None:
        """What is sent as `OpenAI-Organization`."""
        return self._config.organization

    @organization.setter
    def organization(self, value: str | None) -> None:
        self._configure(self._config.replace(organization=value))

    @property
    def project(self) -> str | None:
        """What is sent as `OpenAI-Project`."""
        return self._config.project

    @project.setter
    def project(self, value: str | None) -> None:
        self._configure(self._config.replace(project=value))

    @property
    def webhook_secret(self) -> str | None:
        """The secret that webhooks are signed with."""
        return self._config.webhook_secret

    @webhook_secret.setter
    def webhook_secret(self, value: str | None) -> None:
        self._configure(self._config.replace(webhook_secret=value))

    @property
    def base_url(self) -> URL:
        """Where the API is."""
        return self._config.base_url

    @base_url.setter
    def base_url(self, value: str | URL) -> None:
        self._configure(self._config.replace(base_url=value))

    @property
    def websocket_base_url(self) -> URL | None:
        """Where WebSocket connections go, if not to the `base_url`."""
        return self._config.websocket_base_url

    @websocket_base_url.setter
    def websocket_base_url(self, value: str | URL | None) -> None:
        self._configure(self._config.replace(websocket_base_url=value))

    @property
    def timeout(self) -> Timeout:
        """The limits of every call."""
        return self._config.timeout

    @timeout.setter
    def timeout(self, value: float | Timeout | None) -> None:
        self._configure(self._config.replace(timeout=value))

    @property
    def max_retries(self) -> int:
        """How often a failed request is repeated."""
        return self._config.max_retries

    @max_retries.setter
    def max_retries(self, value: int) -> None:
        self._configure(self._config.replace(max_retries=value))

    @property
    def retry(self) -> RetryPolicy:
        """When and how often a failed request is repeated."""
        return self._config.retry

    @retry.setter
    def retry(self, value: RetryPolicy) -> None:
        self._configure(self._config.replace(retry=value))

    @property
    def default_headers(self) -> Mapping[str, Any]:
        """The fields that the configuration adds to every request."""
        return Fields(self._config.default_headers)

    @property
    def default_query(self) -> Mapping[str, Any]:
        """The query parameters that the configuration adds to every request."""
        return Fields(self._config.default_query)

    @property
    def config(self) -> ClientConfig:
        """Everything that this client was told."""
        return self._config
