"""What the platforms' credentials have in common: they authorise finished requests, and only those to their own address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.credentials import Credentials, given, with_fields
from ..core.errors import OpenAIError
from ..core.flow import Flow, Invoke
from ..core.http import Request
from ..core.url import URL

__all__ = ["Bearer", "PlatformCredentials"]


class PlatformCredentials(Credentials):
    """Credentials of a platform.

    Args:
        platform: its name, for errors.
        base_url: where its API is.
    """

    signs = True
    foreign: frozenset[str] = frozenset({"authorization"})
    """Fields that a request must not have, since they are the platform's business."""

    def __init__(self, platform: str, base_url: URL) -> None:
        self.platform = platform
        self._origin = base_url.origin

    def applies(self, security: tuple[str, ...]) -> bool:
        return True

    def finished(self, call: Any, attempt: int) -> Request:
        """The request, checked, without what authorises it. Raises OpenAIError."""
        request: Request = call.request(attempt, None)
        if request.url.origin != self._origin:
            raise OpenAIError(f"a request of a client for {self.platform} goes to its base_url only, not elsewhere")
        foreign = self.foreign & {name.decode("latin-1").lower() for name, _ in request.head.pairs}
        if foreign:
            raise OpenAIError(
                f"a client for {self.platform} is authorised by its provider: leave out {', '.join(sorted(foreign))}"
            )
        if not self.follows_redirects and getattr(call, "follow_redirects", False):
            raise OpenAIError(
                f"requests to {self.platform} are authorised for one address: redirects can't be followed"
            )
        return request


class Bearer(PlatformCredentials):
    """A token, which is what a function gives; it is asked before every request."""

    def __init__(self, platform: str, base_url: URL, function: Callable[[], Any]) -> None:
        super().__init__(platform, base_url)
        self._function = function

    def request(self, call: Any, attempt: int) -> Flow[Request]:
        request = self.finished(call, attempt)
        try:
            token = yield Invoke(self._function)
        except OpenAIError:
            raise
        except Exception as error:  # noqa: BLE001 (the function is the caller's)
            raise OpenAIError(f"the function that gives the token for {self.platform} failed") from self.cause(error)
        if not isinstance(token, str) or not token.strip():
            raise OpenAIError(
                f"the function that gives the token for {self.platform} returned {given(token)}, expected a non-empty text"
            )
        return with_fields(request, {"Authorization": f"Bearer {token}"})

    def cause(self, error: Exception) -> Exception | None:
        """What is told of the function's error."""
        return error
