"""Following redirects (RFC 9110, section 15.4), as a flow."""

from __future__ import annotations

from .errors import ProtocolError
from .flow import Discard, Flow, Send
from .headers import is_secret_field
from .http import HeadBlock, Request, Response
from .url import URL

__all__ = ["MAX_REDIRECTS", "follow_redirects", "redirected"]

MAX_REDIRECTS = 20

_REDIRECTS = (301, 302, 303, 307, 308)


def follow_redirects(response: Response, stream: bool, always: bool = False) -> Flow[Response]:
    """The response that `response` leads to; itself, if it is no redirect.

    Args:
        response: what came.
        stream: as for `Send`.
        always: follow it although the transport would not, since the call asks for it.

    Raises:
        ProtocolError: a `Location` is no URL, or there are more than twenty redirects.
        TransportError: a request could not be sent or its response not be received.
    """
    for _ in range(MAX_REDIRECTS):
        request = redirected(response) if always or response.may_redirect else None
        if request is None:
            return response
        yield Discard(response)
        response = yield Send(request, stream)
    if not (always or response.may_redirect) or redirected(response) is None:
        return response
    yield Discard(response)
    raise ProtocolError(f"more than {MAX_REDIRECTS} redirects")


def redirected(response: Response) -> Request | None:
    """The request that a response asks for, or `None` if it is no redirect.

    Credentials don't go along to another origin, but for the same host's HTTPS. As every client does, a POST that is
    answered with 301 or 302 becomes a GET; 307 and 308 keep method and body.

    Raises:
        ProtocolError: the `Location` is no URL.
    """
    status = response.status_code
    location = response.headers.get("location")
    if status not in _REDIRECTS or location is None:
        return None
    request = response.request
    try:
        url = request.url.join(_reference(location))
    except ValueError as error:
        raise ProtocolError(f"the redirect's Location is no URL: {error}") from error
    if url.scheme not in ("http", "https"):
        raise ProtocolError(f"the redirect leads to another protocol: {url.scheme}")
    dropped: tuple[str, ...] = ()
    foreign = url.origin != request.url.origin and not _is_upgrade(request.url, url)
    method, content = request.method, request.content
    if status in (302, 303) or (status == 301 and method == "POST"):
        method, content = "GET", b""
        dropped = ("content-type",)
    elif not isinstance(content, bytes) and not content.replayable:
        raise ProtocolError("the redirect can't be followed: the request's body can't be read a second time")
    pairs = tuple(
        pair
        for pair in request.head.pairs
        if pair[0].decode("latin-1").lower() not in dropped and not (foreign and is_secret_field(*pair))
    )
    # Once it has been somewhere else, it may come back to where it came from, and still go without.
    make = RedirectedRequest if request.may_authorize and not foreign else ForeignRequest
    return make(method, url, HeadBlock(pairs), content, request.timeout, request.deadline, request.retries)


def _reference(location: str) -> str:
    """A `Location`: servers forget to quote spaces and what is not ASCII, and every client forgives it."""
    try:
        location = location.encode("latin-1").decode()
    except UnicodeDecodeError:
        # Latin-1 it is, then.
        pass
    return location.strip().replace(" ", "%20")


class RedirectedRequest(Request):
    """A request that a redirect has led somewhere else."""

    redirected = True


class ForeignRequest(RedirectedRequest):
    """A request that a redirect has led to another origin."""

    may_authorize = False


def _is_upgrade(old: URL, new: URL) -> bool:
    return old.host == new.host and (old.scheme, old.port, new.scheme, new.port) == ("http", 80, "https", 443)
