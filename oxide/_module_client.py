"""The module as a client: `oxide.responses.create(...)` with the settings that are attributes of `oxide`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._client import OpenAI
    from .resources.chat.chat import Chat
    from .resources.embeddings import Embeddings
    from .resources.models import Models
    from .resources.responses.responses import Responses

__all__ = ["chat", "embeddings", "models", "responses"]

_SETTINGS = (
    "api_key",
    "admin_api_key",
    "organization",
    "project",
    "webhook_secret",
    "base_url",
    "timeout",
    "max_retries",
    "default_headers",
    "default_query",
    "http_client",
)

_current: tuple[list[Any], OpenAI] | None = None


def _load_client() -> OpenAI:
    """The client for the settings as they are now; the same one until a setting changes. Raises OpenAIError."""
    global _current
    import oxide

    settings = [getattr(oxide, name) for name in _SETTINGS]
    if _current is None or _current[0] != settings:
        client = oxide.OpenAI(**dict(zip(_SETTINGS, settings, strict=True)))
        if _current is not None:
            _current[1].close()
        _current = (settings, client)
    return _current[1]


class _Proxy:
    """A resource of the module's client, which is made when the first attribute is asked for."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(getattr(_load_client(), self._name), attribute)

    def __repr__(self) -> str:
        return f"<oxide.{self._name}, of the module's client>"


if TYPE_CHECKING:
    chat: Chat
    embeddings: Embeddings
    models: Models
    responses: Responses
else:
    chat = _Proxy("chat")
    embeddings = _Proxy("embeddings")
    models = _Proxy("models")
    responses = _Proxy("responses")
