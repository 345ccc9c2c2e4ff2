"""Google's Vertex AI, for models with OpenAI's Responses API: by Google's credentials (the extra `vertex`), or a token."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from typing import Any, Union

from ..core.credentials import Credentials, with_fields
from ..core.errors import OpenAIError
from ..core.flow import Block, Flow
from ..core.http import Request
from ..core.providers import Provider
from ..core.url import URL
from ._authorize import Bearer, PlatformCredentials

__all__ = ["VertexTokenProvider", "vertex"]

VertexTokenProvider = Callable[[], Union[str, Awaitable[str]]]

_FOREIGN = frozenset({"authorization", "api-key", "openai-organization", "openai-project"})


def vertex(
    *,
    project: str | None = None,
    location: str | None = None,
    base_url: str | URL | None = None,
    token_provider: VertexTokenProvider | None = None,
    credentials: Any = None,
) -> Provider:
    """Vertex AI. Without `token_provider` and `credentials`, Google's Application Default Credentials are used.

    Args:
        project: from `GOOGLE_CLOUD_PROJECT`.
        location: such as `"us-central1"` or `"global"`. From `GOOGLE_CLOUD_LOCATION`.
        base_url: the whole address before `/responses`, instead of project and location.
        token_provider: a function that returns an access token (for `AsyncOpenAI` it may be a coroutine function) and is
            asked before every request.
        credentials: a `google.auth.credentials.Credentials`.

    Raises:
        OpenAIError: project or location is missing; or arguments contradict each other, or one has a value it can't have.
    """
    if token_provider is not None and credentials is not None:
        raise OpenAIError("pass either token_provider or credentials to vertex(), not both")
    if base_url is None:
        project = project or os.environ.get("GOOGLE_CLOUD_PROJECT")
        location = location or os.environ.get("GOOGLE_CLOUD_LOCATION")
        # Some old projects have a domain in their names.
        if not project or not re.fullmatch(r"[a-zA-Z0-9_-][a-zA-Z0-9_.:-]*", project):
            raise OpenAIError("vertex() needs a project: pass one, or set GOOGLE_CLOUD_PROJECT")
        if not location or not re.fullmatch(r"[a-z0-9-]+", location):
            raise OpenAIError("vertex() needs a location: pass one, or set GOOGLE_CLOUD_LOCATION")
        host = "aiplatform.googleapis.com" if location == "global" else f"{location}-aiplatform.googleapis.com"
        base_url = f"https://{host}/v1/projects/{project}/locations/{location}/publishers/openai/v1"
    try:
        url = URL(base_url)
    except ValueError as error:
        raise OpenAIError(f"base_url of vertex() can't be used: {error}") from error
    if url.scheme not in ("http", "https") or "?" in str(base_url) or "#" in str(base_url):
        raise OpenAIError("base_url of vertex() must be an http or https URL without a query")
    host = url.host.rstrip(".")
    if url.scheme != "https" and (host == "googleapis.com" or host.endswith(".googleapis.com")):
        raise OpenAIError("Google's endpoints need https")
    return Provider(Definition(url, token_provider, credentials))


class Definition:
    """What `vertex` was told."""

    __slots__ = ("_credentials", "_token_provider", "_url")

    name = "vertex"

    def __init__(self, url: URL, token_provider: VertexTokenProvider | None, credentials: Any) -> None:
        self._url = url
        self._token_provider = token_provider
        self._credentials = credentials

    def set_up(self) -> tuple[URL, Credentials]:
        if self._token_provider is not None:
            return self._url, VertexBearer("Vertex", self._url, self._token_provider)
        return self._url, GoogleCredentials(self._url, self._credentials)


class VertexBearer(Bearer):
    """A token that a function gives."""

    follows_redirects = False
    foreign = _FOREIGN

    def cause(self, error: Exception) -> None:
        # Errors of those who fetch tokens show requests and private keys.
        return None


class GoogleCredentials(PlatformCredentials):
    """Credentials of google-auth, which keeps its tokens until they expire."""

    follows_redirects = False
    foreign = _FOREIGN

    def __init__(self, base_url: URL, credentials: Any) -> None:
        super().__init__("Vertex", base_url)
        self._credentials = credentials
        self._google: Any = None

    def request(self, call: Any, attempt: int) -> Flow[Request]:
        request = self.finished(call, attempt)
        return with_fields(request, (yield Block(self._fields, request)))

    def _fields(self, request: Request) -> dict[str, str]:
        if self._google is None:
            from ._google import Google

            self._google = Google(self._credentials)
        return self._google.fields(request)  # type: ignore[no-any-return]
