"""The module as a client: `oxide.responses.create(...)` with the settings that are attributes of `oxide`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._client import OpenAI
    from .resources.admin.admin import Admin
    from .resources.audio.audio import Audio
    from .resources.batches import Batches
    from .resources.beta.beta import Beta
    from .resources.chat.chat import Chat
    from .resources.completions import Completions
    from .resources.containers.containers import Containers
    from .resources.content_provenance_checks import ContentProvenanceChecks
    from .resources.conversations.conversations import Conversations
    from .resources.decisions import Decisions
    from .resources.embeddings import Embeddings
    from .resources.evals.evals import Evals
    from .resources.files import Files
    from .resources.fine_tuning.fine_tuning import FineTuning
    from .resources.images import Images
    from .resources.live.live import Live
    from .resources.models import Models
    from .resources.moderations import Moderations
    from .resources.realtime.realtime import Realtime
    from .resources.responses.responses import Responses
    from .resources.safety.safety import Safety
    from .resources.skills.skills import Skills
    from .resources.uploads.uploads import Uploads
    from .resources.vector_stores.vector_stores import VectorStores
    from .resources.videos import Videos
    from .resources.webhooks.webhooks import Webhooks

__all__ = [
    "admin",
    "audio",
    "batches",
    "beta",
    "chat",
    "completions",
    "containers",
    "content_provenance_checks",
    "conversations",
    "decisions",
    "embeddings",
    "evals",
    "files",
    "fine_tuning",
    "images",
    "live",
    "models",
    "moderations",
    "realtime",
    "responses",
    "safety",
    "skills",
    "uploads",
    "vector_stores",
    "videos",
    "webhooks",
]

# Settings, by the client that takes them.
_COMMON = (
    "api_key",
    "organization",
    "base_url",
    "timeout",
    "max_retries",
    "default_headers",
    "default_query",
    "http_client",
)
_BY_TYPE = {
    "openai": ("admin_api_key", "project", "webhook_secret"),
    "azure": ("api_version", "azure_endpoint", "azure_ad_token", "azure_ad_token_provider"),
    "amazon-bedrock": ("project", "webhook_secret", "bedrock_token_provider"),
}
_SETTINGS = ("api_type", *_COMMON, *dict.fromkeys(name for names in _BY_TYPE.values() for name in names))

_current: tuple[list[Any], OpenAI] | None = None


def _load_client() -> OpenAI:
    """The client for the settings as they are now; the same one until a setting changes. Raises OpenAIError."""
    global _current
    import oxide

    settings = [getattr(oxide, name) for name in _SETTINGS]
    if _current is None or _current[0] != settings:
        client = _make_client(dict(zip(_SETTINGS, settings, strict=True)))
        if _current is not None:
            _current[1].close()
        _current = (settings, client)
    return _current[1]


def _make_client(settings: dict[str, Any]) -> OpenAI:
    import oxide

    kind = settings["api_type"] or _find_type(settings)
    if kind not in _BY_TYPE:
        raise oxide.OpenAIError(f"oxide.api_type must be one of {', '.join(map(repr, _BY_TYPE))}, not {kind!r}")
    arguments = {name: settings[name] for name in (*_COMMON, *_BY_TYPE[kind])}
    if kind == "azure":
        return oxide.AzureOpenAI(**arguments)
    if kind == "amazon-bedrock":
        return oxide.BedrockOpenAI(**arguments)
    # Verifying webhooks, say, takes no key; what needs one says so when it is called.
    return oxide.OpenAI(**arguments, _enforce_credentials=False)


def _find_type(settings: dict[str, Any]) -> str:
    """Which client is meant, by the credentials that there are. Raises OpenAIError if they are of two kinds."""
    environment = os.environ
    azure = (
        settings["azure_endpoint"] is not None
        or settings["azure_ad_token"] is not None
        or settings["azure_ad_token_provider"] is not None
        or "AZURE_OPENAI_API_KEY" in environment
        or "AZURE_OPENAI_AD_TOKEN" in environment
    )
    if azure and "OPENAI_API_KEY" in environment:
        import oxide

        raise oxide.OpenAIError(
            "there are credentials for OpenAI and for Azure: set oxide.api_type, or the environment variable"
            " OPENAI_API_TYPE, to 'openai', 'azure' or 'amazon-bedrock'"
        )
    return "azure" if azure else "openai"


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
    admin: Admin
    audio: Audio
    batches: Batches
    beta: Beta
    chat: Chat
    completions: Completions
    containers: Containers
    content_provenance_checks: ContentProvenanceChecks
    conversations: Conversations
    decisions: Decisions
    embeddings: Embeddings
    evals: Evals
    files: Files
    fine_tuning: FineTuning
    images: Images
    live: Live
    models: Models
    moderations: Moderations
    realtime: Realtime
    responses: Responses
    safety: Safety
    skills: Skills
    uploads: Uploads
    vector_stores: VectorStores
    videos: Videos
    webhooks: Webhooks
else:
    globals().update({name: _Proxy(name) for name in __all__})
