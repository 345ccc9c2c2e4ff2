"""What authorises requests where that is more than a fixed key.

Most clients have a key, and the fields that carry it are encoded once. The others have `Credentials`, a flow that makes
each request, since it has to ask somebody first: a function of the caller's, a token server, a signer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import OpenAIError
from .flow import Flow, Invoke
from .headers import encode_header
from .http import HeadBlock, Request

__all__ = ["Credentials", "KeyFunction", "with_fields"]


class Credentials:
    """How the requests of one client are authorised. The same for the synchronous and the asynchronous side.

    Attributes:
        signs: whether the finished request is what gets authorised, so that its fields are none of the builder's business.
        follows_redirects: whether a redirect may be followed.
    """

    signs = False
    follows_redirects = True

    def applies(self, security: tuple[str, ...]) -> bool:
        """Whether a call of this security is authorised by these credentials."""
        return "bearer_auth" in security

    def request(self, call: Any, attempt: int) -> Flow[Request]:
        """The request for an attempt of a `core.prepare.Call`, authorised.

        Raises:
            OpenAIError: there are no credentials to be had.
        """
        raise NotImplementedError

    def renew(self, call: Any, request: Request) -> bool:
        """What a request was authorised with is refused: forget it. Returns whether sending it again makes sense."""
        return False


class KeyFunction(Credentials):
    """The API key is what a function of the caller's returns; it is asked before every request."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function

    def request(self, call: Any, attempt: int) -> Flow[Request]:
        key = yield Invoke(self._function)
        if not isinstance(key, str) or not key:
            raise OpenAIError(f"the api_key function returned {given(key)}, expected a non-empty text")
        return call.request(attempt, key)  # type: ignore[no-any-return]


def given(value: Any) -> str:
    """What a function returned, for an error: never the value itself, which may be secret."""
    if hasattr(value, "__await__"):
        close = getattr(value, "close", None)
        if close is not None:
            # It is never going to be awaited, and would say so at a time of its own.
            close()
        return f"{type(value).__name__} (coroutine functions are for AsyncOpenAI)"
    return "an empty text" if value == "" else type(value).__name__


def with_fields(request: Request, fields: dict[str, str]) -> Request:
    """The request with these header fields, instead of any of the same names. Raises ValueError for a line break."""
    names = {name.lower() for name in fields}
    kept = [pair for pair in request.head.pairs if pair[0].decode("latin-1").lower() not in names]
    added = [encode_header(name, value) for name, value in fields.items()]
    head = HeadBlock((*kept, *added))
    return Request(
        request.method, request.url, head, request.content, request.timeout, request.deadline, request.retries
    )
