"""What the adapters want from a library, and what they share: limits, errors, responses."""

from __future__ import annotations

from typing import Any, Protocol

from ..core.coding import BodyDecoder
from ..core.errors import (
    ConnectError,
    ProtocolError,
    ProxyError,
    ReadError,
    TransportError,
    WriteError,
)
from ..core.http import Request, Response
from ..core.limits import Step, allowance, timed_out

__all__ = ["AdaptedResponse", "Library", "limits", "translate"]


class Library(Protocol):
    """The calls of a library. On the asynchronous side, `send` and `close_response` return awaitables, `pieces` an asynchronous iterator."""

    @property
    def closed(self) -> bool:
        """Whether it was closed."""

    @property
    def follows_redirects(self) -> bool:
        """Whether it wants redirects to be followed."""

    def send(self, request: Request, stream: bool) -> Any:
        """The library's response; with its body, or with `stream` without it."""

    def response(self, native: Any, request: Request, follows: bool) -> Response:
        """The response of ours, as yet without the body."""

    def content(self, native: Any) -> bytes | None:
        """The body, if it has been read; what the library does not decode is decoded."""

    def pieces(self, native: Any) -> Any:
        """An iterator over the body."""

    def decoder(self, native: Any) -> BodyDecoder | None:
        """What decodes the pieces, where the library does not."""

    def close_response(self, native: Any) -> Any:
        """Give the response up."""

    def close(self) -> Any:
        """Close every connection."""


class AdaptedResponse(Response):
    """A response that is not to be redirected, since the user's client would not be."""

    may_redirect = False


def limits(request: Request) -> dict[str, float | None]:
    """The timeouts of a request by the names that httpx and httpcore have for them. Raises TotalTimeout."""
    timeout, deadline = request.timeout, request.deadline
    return {step: allowance(getattr(timeout, step), deadline) for step in ("connect", "read", "write", "pool")}


_TIMEOUTS: dict[str, Step] = {
    "ConnectTimeout": "connect",
    "ReadTimeout": "read",
    "WriteTimeout": "write",
    "PoolTimeout": "pool",
    "TimeoutException": "read",
}

_ERRORS: dict[str, type[TransportError]] = {
    "ProxyError": ProxyError,
    "ConnectError": ConnectError,
    "UnsupportedProtocol": ConnectError,
    "ReadError": ReadError,
    "WriteError": WriteError,
    "NetworkError": ReadError,
    "RemoteProtocolError": ProtocolError,
    "ProtocolError": ProtocolError,
    "DecodingError": ProtocolError,
    "TransportError": TransportError,
    "RequestError": TransportError,
}

_PACKAGES = frozenset({"httpx", "httpx2", "httpcore", "httpcore2"})


def translate(error: Exception, request: Request) -> TransportError | None:
    """What a library's error means for a request, to be raised from it; `None` for one that is not of the network.

    Raises nothing.
    """
    for cls in type(error).__mro__:
        package, name = cls.__module__.partition(".")[0], cls.__name__
        if package == "ssl" and name == "SSLError":
            return ConnectError(f"the TLS connection failed: {error}")
        if package == "anyio" and name == "EndOfStream":
            return ReadError("the server closed the connection")
        if package not in _PACKAGES:
            continue
        if name in _TIMEOUTS:
            timeout = timed_out(_TIMEOUTS[name], request.timeout, request.deadline)
            text = str(error)
            if text and "timed out" not in text:
                # Some libraries call more than that a timeout.
                timeout.args = (f"{timeout}: {text}",)
            return timeout
        if name in _ERRORS:
            text = _reason(error)
            if name == "RemoteProtocolError" and "disconnected" in text:
                # It sent nothing wrong; it sent nothing any more.
                return ReadError(text)
            return _ERRORS[name](text)
    return None


def _reason(error: BaseException) -> str:
    """What an error says, or the one it comes from if it says nothing, which happens on trio."""
    reason: BaseException | None = error
    while reason is not None and not str(reason):
        reason = reason.__cause__ or reason.__context__
    return type(error).__name__ if reason is None else str(reason)
