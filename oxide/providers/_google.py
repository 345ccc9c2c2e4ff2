"""Access tokens through google-auth, which is imported when one is needed."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any

from ..core.errors import APITimeoutError, OpenAIError
from ..core.http import Request

__all__ = ["Google"]

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


def _load(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise OpenAIError(
            "Google's credentials need google-auth: pip install 'openai-oxide[vertex]', or pass token_provider to vertex()"
        ) from error


class Google:
    """Google credentials in use. Threads may share one; one at a time refreshes.

    Args:
        credentials: a `google.auth.credentials.Credentials`, or `None` for Application Default Credentials.
    """

    def __init__(self, credentials: Any) -> None:
        self._given = credentials
        self._credentials: Any = None
        self._lock = threading.Lock()

    def fields(self, request: Request) -> dict[str, str]:
        """The header fields that authorise a request. Raises OpenAIError."""
        timeout = request.timeout
        if not self._lock.acquire(timeout=-1 if timeout.pool is None else timeout.pool):
            raise APITimeoutError(request, message="Request timed out: another call is refreshing Google's credentials")
        try:
            return self._ask(request)
        except OpenAIError:
            raise
        except Exception:  # noqa: BLE001
            # Their errors may show a request's body or a private key.
            raise OpenAIError(
                "Google gave no access token for Vertex: look at the credentials, their expiry, and the project's access"
            ) from None
        finally:
            self._lock.release()

    def _ask(self, request: Request) -> dict[str, str]:
        auth, requests = _load("google.auth"), _load("requests")
        transport_errors = _load("google.auth.exceptions").TransportError
        limits = (request.timeout.connect, request.timeout.read)
        # A session of its own each time, so that no connection stays open that nobody would close.
        with requests.Session() as session:
            transport = _load("google.auth.transport.requests").Request(session)

            def send(*args: Any, **kwargs: Any) -> Any:
                kwargs["timeout"] = limits
                try:
                    return transport(*args, **kwargs)
                except transport_errors as error:
                    if isinstance(error.__cause__, requests.exceptions.Timeout):
                        raise APITimeoutError(request) from None
                    raise

            if self._credentials is None:
                if self._given is None:
                    self._credentials, _ = auth.default(scopes=_SCOPES, request=send)
                else:
                    scoped = _load("google.auth.credentials").with_scopes_if_required
                    self._credentials = scoped(self._given, scopes=_SCOPES)
            fields: dict[str, str] = {}
            self._credentials.before_request(send, request.method, str(request.url), fields)
            return fields
