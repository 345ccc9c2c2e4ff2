"""Cross-origin requests of web pages (Fetch, "CORS protocol"): preflights, and the header fields that let a page read an answer."""

from __future__ import annotations

from collections.abc import Sequence

from .exchange import Answer, Headers
from .record import RecordedRequest

__all__ = ["Cors"]

_EXPOSED = (
    b"openai-organization, openai-processing-ms, openai-project, openai-version, retry-after, retry-after-ms, x-request-id,"
    b" x-should-retry, x-ratelimit-limit-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-requests,"
    b" x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, x-ratelimit-reset-tokens"
)
_METHODS = b"DELETE, GET, PATCH, POST, PUT"


class Cors:
    """Which pages may use the server.

    Args:
        origins: `True` for all, `False` for none; or a list of origins, such as `http://localhost:8000`.

    Raises:
        TypeError: it is a text instead of a list of texts.
    """

    def __init__(self, origins: bool | Sequence[str]) -> None:
        if isinstance(origins, str):
            raise TypeError(f"cors is True, False, or a list of origins, not the text {origins!r}")
        self._origins = origins if isinstance(origins, bool) else frozenset(origins)

    def fields(self, request: RecordedRequest) -> Headers:
        """What is added to the answer; nothing for a request that is no page's, or of one that may not use the server."""
        origin = request.header("origin")
        if origin is None or not self._allows(origin):
            return []
        return [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"Origin"),
        ]

    def preflight(self, request: RecordedRequest) -> Answer | None:
        """The answer to the question of a browser whether a page may send a request; `None` for anything else."""
        if request.method != "OPTIONS" or request.header("access-control-request-method") is None:
            return None
        fields = self.fields(request)
        if not fields:
            return None
        fields += [
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", request.header("access-control-request-headers", "").encode("latin-1")),  # type: ignore[union-attr]
            (b"access-control-max-age", b"600"),
        ]
        if request.header("access-control-request-private-network") == "true":
            # A page of the internet asks for a server on loopback.
            fields.append((b"access-control-allow-private-network", b"true"))
        return Answer(204, fields, b"")

    def _allows(self, origin: str) -> bool:
        return self._origins if isinstance(self._origins, bool) else origin in self._origins
