"""A request sent by JavaScript's `fetch`, and its response: a machine for what is decided about them.

`fetch` does much by itself: it pools connections, speaks HTTP/2, decodes compressed bodies and follows redirects. What is left is here:
which header fields it takes, how a body is handed to it, which limits can be kept although it says little, what its errors mean, and what
of oxide's settings it has no place for.

The Fetch standard: https://fetch.spec.whatwg.org
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from .errors import (
    ConnectError,
    ConnectTimeout,
    OpenAIError,
    ProtocolError,
    ReadError,
    TotalTimeout,
    TransportError,
)
from .headers import is_secret_field
from .http import HeadBlock, Request, Response
from .limits import Step, allowance, timed_out
from .redirect import RedirectedRequest
from .url import URL

__all__ = ["BUFFER_LIMIT", "Failure", "Fetch", "refuse_settings"]

BUFFER_LIMIT = 64 << 20
"""Bytes of a request's body that are gathered before it is sent, if nothing else is said."""

_LARGE = 65536
"""Bytes of a body beyond which its sending may take so long that `timeout.write` is added to the wait for the response."""

_SILENT = frozenset(
    {"user-agent", "accept-encoding", "host", "content-length", "connection", "x-stainless-read-timeout"}
)
"""Fields that clients set as a matter of course, and that the platform writes itself; and one that Python's clients alone send, which servers with
a list of fields for pages have not on it, so that their answer to a preflight would be no."""

_FORBIDDEN = frozenset(
    {
        "accept-charset",
        "access-control-request-headers",
        "access-control-request-method",
        "access-control-request-private-network",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    }
)
"""Fields that a page can't set: a browser drops them without a word (Fetch, "forbidden request-header")."""

_INSTEAD = {
    "ssl_context": "the platform does TLS, with the certificates that it trusts",
    "verify": "the platform verifies certificates itself",
    "cert": "a browser asks its user for client certificates, and other platforms keep them in their own configuration",
    "server_hostname": "the platform does TLS, with the URL's host",
    "proxy": "the browser's or the system's own settings say which proxy is used",
    "uds": "fetch knows no Unix sockets",
    "local_address": "fetch does not let its caller choose where to connect from",
    "max_expansion": "the platform decodes compressed bodies",
    "limits": "the platform has its own pool of connections",
    "http2": "the platform negotiates HTTP/2 and HTTP/3 itself",
}


def refuse_settings(settings: Mapping[str, Any]) -> None:
    """Refuse settings of `HTTPTransport` that have no meaning where `fetch` sends the requests.

    What is `None` or `False` asks for nothing, but for `verify`; and `trust_env=True` finds no proxies in an environment.

    Raises:
        OpenAIError: one is given; the message says what is so instead.
        TypeError: there is no such setting.
    """
    for name, value in settings.items():
        if name == "trust_env":
            continue
        if name not in _INSTEAD:
            known = ", ".join(["credentials", "buffer_limit", *_INSTEAD])
            raise TypeError(f"the transport has no setting {name!r}; there are {known}")
        if value is None or (value is True if name == "verify" else value is False):
            continue
        raise OpenAIError(f"{name} can't be set under WebAssembly, where fetch sends the requests: {_INSTEAD[name]}")


class Failure:
    """An error of JavaScript's as plain values.

    Attributes:
        name: such as `"TypeError"`, `"AbortError"`.
        message: what it says.
        code: of its cause, where the platform tells (Node does): `"ECONNREFUSED"`, `"UND_ERR_SOCKET"`.
        cause: what the cause says.
    """

    __slots__ = ("cause", "code", "message", "name")

    def __init__(self, name: str, message: str, code: str = "", cause: str = "") -> None:
        self.name = name
        self.message = message
        self.code = code
        self.cause = cause

    def __str__(self) -> str:
        text = self.message or self.name
        return f"{text}: {self.cause or self.code}" if self.cause or self.code else text


class Fetch:
    """One request under way.

    Args:
        request: what to send.

    Attributes:
        redirect: what `fetch` is to do about redirects, its `redirect`. They are not followed at first, so that our own rules about
            credentials hold; see `again`.
        step: what is being waited for.
    """

    __slots__ = ("_left", "_request", "_streams", "_until", "begun", "redirect", "step")

    def __init__(self, request: Request) -> None:
        self._request = request
        self.redirect: Literal["manual", "follow"] = "manual"
        self.step: Step = "read"
        self.begun = False
        self._left: int | None = None
        self._until: float | None = None
        self._streams = False

    @property
    def method(self) -> str:
        return self._request.method

    @property
    def url(self) -> str:
        return str(self._request.url)

    def fields(self) -> list[tuple[str, str]]:
        """The header fields to give to `fetch`: without those that the platform writes itself.

        Raises:
            OpenAIError: one is asked for that a page can't set.
        """
        fields = []
        for raw, value in self._request.head.pairs:
            name = raw.decode("latin-1")
            lower = name.lower()
            if lower in _SILENT:
                continue
            if lower in _FORBIDDEN or lower.startswith(("proxy-", "sec-")):
                raise OpenAIError(
                    f"the header field {name!r} can't be sent under WebAssembly: fetch keeps it for the platform"
                )
            fields.append((name, value.decode("latin-1")))
        return fields

    # --- the request's body ------------------------------------------------------------------------------------------

    def upload(self, can_stream: bool, buffer_limit: int) -> Literal["gather", "stream"]:
        """How a body that is read while it is sent is handed over: gathered first, which every platform and server takes, or as a
        stream, where it may be larger than is to be kept.

        Raises:
            OpenAIError: it is larger than that, and the platform takes no streams.
        """
        length = self._request.length
        self._left = length
        if length is not None and length <= buffer_limit:
            return "gather"
        if can_stream:
            self.step = "write"
            self._streams = True
            return "stream"
        if length is not None:
            raise self._too_large(buffer_limit, f"of {length} bytes")
        return "gather"

    def gathered(self, data: bytes, size: int, buffer_limit: int) -> None:
        """A piece was read, and there are `size` bytes now; empty for the end. Raises OpenAIError for too many, or another number than was said."""
        if size > buffer_limit:
            raise self._too_large(buffer_limit, "that came to more than that")
        self.passed(data)

    def passed(self, data: bytes) -> None:
        """A piece is handed over, empty for the end. Raises OpenAIError if the body has another length than it said."""
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0 or (self._left and not data):
                raise OpenAIError(f"the request's body is not {self._request.length} bytes long, as it said it was")
        if not data:
            self.step = "read"

    def _too_large(self, buffer_limit: int, what: str) -> OpenAIError:
        return OpenAIError(
            f"a body {what} can't be sent: this platform does not stream request bodies, so they are gathered first, up to"
            f" {buffer_limit} bytes (buffer_limit of AsyncFetchTransport)"
        )

    # --- time --------------------------------------------------------------------------------------------------------

    def allowance(self) -> float | None:
        """Seconds that the next step may take. Raises TotalTimeout if none are left.

        `fetch` does not tell when it has a connection, or the server all of a body in bytes, so the wait for the response is bounded
        by `read`, counted from the beginning; with a large body by `write` and `read` together.
        """
        request = self._request
        timeout = request.timeout
        limit = timeout.write if self.step == "write" else timeout.read
        if not self.begun and self.step == "read" and limit is not None and (request.length or 0) > _LARGE:
            limit = None if timeout.write is None else limit + timeout.write
        if self._until is not None:
            limit = allowance(limit, self._until)
        return limit if request.deadline is None else allowance(limit, request.deadline)

    def hurry(self, until: float) -> None:
        """Allow for no more than until then, on `monotonic`'s clock: nobody waits for what is left."""
        self._until = until

    # --- what comes of it --------------------------------------------------------------------------------------------

    def again(self, status: int) -> bool:
        """Whether the request has to be sent once more, because the platform does not show redirects: then it follows them itself.

        Raises:
            ProtocolError: it may not follow them: it takes nothing but `Authorization` away from a request to another origin; or the
                body can't be read a second time.
        """
        if status:
            self.begun = True
            return False
        request = self._request
        kept = [
            name
            for raw, value in request.head.pairs
            if (name := raw.decode("latin-1").lower()) != "authorization" and is_secret_field(raw, value)
        ]
        if kept:
            raise ProtocolError(
                f"the server redirects, which a browser does not show, and if it followed by itself, the field {kept[0]!r} might go to"
                " another origin: use the URL that this leads to as the base_url"
            )
        if not isinstance(request.content, bytes) and not request.content.replayable:
            raise ProtocolError("the redirect can't be followed: the request's body can't be read a second time")
        self.redirect = "follow"
        return True

    def response(
        self, status: int, headers: Any, url: str | None, *, content: Any = None, stream: Any = None
    ) -> Response:
        """The response; `url` is where it came from, if the platform followed redirects."""
        request = self._request
        if url is not None:
            head = HeadBlock(request.head.pairs)
            request = RedirectedRequest(
                request.method, URL(url), head, request.content, request.timeout, request.deadline, request.retries
            )
        return Response(status, headers, request, content=content, stream=stream, http_version="unknown")

    def failed(self, failure: Failure, timed: bool) -> TransportError:
        """The error for one of JavaScript's; `timed` if the request was aborted because its allowance had passed."""
        request = self._request
        if timed:
            return self.timed_out()
        code = failure.code
        if code == "UND_ERR_CONNECT_TIMEOUT":
            return ConnectTimeout(f"no connection to the server: {failure}")
        if code in _UNREACHABLE or code.startswith(("ERR_TLS_", "ERR_SSL_", "CERT_")):
            return ConnectError(f"no connection to {request.url.host}: {failure}")
        if code.startswith("HPE_"):
            return ProtocolError(f"the server sent something that is not HTTP: {failure}")
        if self.begun or code in _BROKEN:
            return ReadError(f"the connection broke: {failure}")
        if failure.cause or code:
            return TransportError(f"fetch failed: {failure}")
        if self._streams:
            return TransportError(
                f"fetch failed: {failure} (of a browser, a body that is streamed needs HTTP/2: where the server has only HTTP/1.1, have it"
                " gathered, with a larger buffer_limit of AsyncFetchTransport)"
            )
        return TransportError(
            f"fetch failed: {failure} (a browser does not tell a page why: nobody answers at {request.url.host}, the certificate is"
            " refused, or the server does not allow this page's origin by CORS; its console says more)"
        )

    def timed_out(self) -> TransportError:
        """The error for a step that used its allowance up."""
        request = self._request
        error = timed_out(self.step, request.timeout, request.deadline)
        if self.begun or isinstance(error, TotalTimeout) or (request.length or 0) <= _LARGE or self.step == "write":
            return error
        limits = request.timeout
        return type(error)(
            f"no response within {limits.write} s for sending the body and {limits.read} s for the server (timeout.write, timeout.read)"
        )


_UNREACHABLE = frozenset(
    {
        "DEPTH_ZERO_SELF_SIGNED_CERT",
        "EADDRNOTAVAIL",
        "EAI_AGAIN",
        "ECONNREFUSED",
        "EHOSTUNREACH",
        "ENETUNREACH",
        "ENOTFOUND",
        "SELF_SIGNED_CERT_IN_CHAIN",
        "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    }
)
_BROKEN = frozenset({"ECONNRESET", "EPIPE", "ETIMEDOUT", "UND_ERR_SOCKET"})
