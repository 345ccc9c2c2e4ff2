"""URLs (RFC 3986): taking the base URL apart, putting paths and queries together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from .sentinels import NotGiven, Omit

__all__ = ["URL", "Origin", "fill_path", "query_items", "query_string", "quote_target"]

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

# "." or "..", its dots written as they are or percent-encoded: a server that normalizes would leave the path.
_DOT_SEGMENT = re.compile(r"(?:\.|%2[eE]){1,2}")

# What RFC 3986, section 3.3 allows in a segment beside letters, digits and "-._~".
_PCHAR = "!$&'()*+,;=:@"

_NO_START = ("", b"")

_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")


class Origin(NamedTuple):
    """Where a connection goes (RFC 9110, section 4.3.1); connections are pooled by it.

    `host` is in ASCII: an internationalised name is in its IDNA form, an IPv6 address has no
    brackets, and its zone behind a %.
    """

    scheme: str
    host: str
    port: int


class URL:
    """An absolute URL, taken apart once.

    Attributes:
        origin: scheme, host and port.
        target: the path with its query, as it stands in the request line; never empty.

    Raises:
        ValueError: if the text is not an absolute http(s) or ws(s) URL with a host.
    """

    __slots__ = ("_start", "_text", "host_header", "origin", "target")

    origin: Origin
    target: str
    host_header: bytes
    _start: tuple[str, bytes]

    def __init__(self, text: Any) -> None:
        text = str(text)
        if _UNPRINTABLE.search(text):
            raise ValueError(f"invalid URL {_shown(text)}: it contains a space or a control character")
        parts = None
        try:
            parts = urlsplit(text)
            scheme = parts.scheme.lower()
            hostname = parts.hostname
        except ValueError:
            pass
        if parts is None or scheme not in _DEFAULT_PORTS or not hostname:
            raise ValueError(f"invalid URL {_shown(text)}: expected something like 'https://api.openai.com/v1'")
        if parts.username is not None or parts.password is not None:
            raise ValueError(
                f"invalid URL {scheme}://...@{hostname}: credentials don't go into a URL, but into headers"
            )
        reason = ""
        try:
            port = parts.port or _DEFAULT_PORTS[scheme]
        except ValueError:
            # What stands there may be a password, in a URL that lacks its host.
            reason = "its port is not a number from 0 to 65535"
        try:
            host = hostname.encode("ascii" if hostname.isascii() else "idna").decode("ascii")
        except ValueError as error:
            reason = f"its host is no name: {getattr(error, 'reason', error)}"
        if reason:
            raise ValueError(f"invalid URL {scheme}://{hostname}: {reason}")
        if ":" in host:
            host = host.replace("%25", "%")
        path = quote(parts.path, safe="/%" + _PCHAR) or "/"
        query = quote(parts.query, safe="/?%[]" + _PCHAR)
        self._set(Origin(scheme, host, port), f"{path}?{query}" if query else path)

    def _set(self, origin: Origin, target: str) -> None:
        host = origin.host
        port = "" if origin.port == _DEFAULT_PORTS[origin.scheme] else f":{origin.port}"
        shown = host
        if ":" in host:
            # The zone of a link-local address says something to this machine alone (RFC 6874, sections 2 and 3).
            host, percent, zone = host.partition("%")
            shown = f"[{host}%25{zone}]" if percent else f"[{host}]"
            host = f"[{host}]"
        self.origin = origin
        self.target = target
        self.host_header = f"{host}{port}".encode("ascii")
        self._text = f"{origin.scheme}://{shown}{port}{target}"
        self._start = _NO_START

    def with_target(self, target: str) -> URL:
        """The same origin with another path and query."""
        url = URL.__new__(URL)
        url.origin = self.origin
        url.host_header = self.host_header
        url.target = target
        url._text = ""
        url._start = _NO_START
        return url

    def request_start(self, method: str, absolute: bool = False) -> bytes:
        """The request line and the `Host` field of an HTTP/1.1 request; made once, since URLs are used again.

        Args:
            method: in capitals.
            absolute: name the origin in the request line, as it is done to a proxy (RFC 9112, section 3.2.2).
        """
        if absolute:
            return _request_start(method, str(self), self.host_header)
        known, start = self._start
        if known != method:
            start = _request_start(method, self.target, self.host_header)
            self._start = method, start
        return start

    @property
    def scheme(self) -> str:
        return self.origin.scheme

    @property
    def host(self) -> str:
        return self.origin.host

    @property
    def port(self) -> int:
        return self.origin.port

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> bytes:
        return self.target.partition("?")[2].encode("ascii")

    @property
    def raw_path(self) -> bytes:
        return self.target.encode("ascii")

    def join(self, reference: str) -> URL:
        """The URL that `reference` means relative to this one (RFC 3986, section 5)."""
        from urllib.parse import urljoin

        return URL(urljoin(str(self), reference))

    def __str__(self) -> str:
        if not self._text:
            self._set(self.origin, self.target)
        return self._text

    def __repr__(self) -> str:
        # A query may have secrets in it.
        text, mark, _ = str(self).partition("?")
        return f"URL({text + '?[query]' if mark else text!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (URL, str)):
            return str(self) == str(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        from .secrets import carried, without_secret_parameters

        return URL, (str(self) if carried() else without_secret_parameters(str(self)),)

    def __copy__(self) -> URL:
        return self

    def __deepcopy__(self, memo: Any) -> URL:
        return self


def _shown(text: str) -> str:
    # Wherever credentials may stand, if it is meant to be a URL: in front of an @, and behind a question mark.
    text, mark, _ = text.partition("?")
    scheme, slashes, rest = text.rpartition("://")
    rest = rest.rpartition("@")[2]
    return repr(f"{scheme}{slashes}{rest}{'?[query]' if mark else ''}")


def _request_start(method: str, target: str, host_header: bytes) -> bytes:
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (method.encode("ascii"), target.encode("ascii"), host_header)


def quote_target(text: str) -> str:
    """A path with its query as users write them, quoted where a request line needs it; a fragment is dropped.

    Raises:
        ValueError: there is a control character in it.
    """
    text = text.partition("#")[0]
    if text.isascii() and not _UNPRINTABLE.search(text):
        return text
    if _UNPRINTABLE.search(text.replace(" ", "")):
        raise ValueError(f"the path {text.partition('?')[0]!r} contains a control character, or its query does")
    return quote(text, safe="/?%[]" + _PCHAR)


def fill_path(segments: tuple[str, ...], names: tuple[str, ...], values: tuple[Any, ...]) -> str:
    """A path template with its values, quoted so that none of them can leave its segment.

    Args:
        segments: the fixed parts of the template, one more than there are values.
        names: what the values are called, for the error.
        values: what to put between the parts.

    Raises:
        ValueError: for an empty value, or one which is "." or "..".
    """
    parts = [segments[0]]
    for name, value, fixed in zip(names, values, segments[1:], strict=True):
        if not value:
            raise ValueError(f"Expected a non-empty value for `{name}` but received {value!r}")
        quoted = quote("true" if value is True else str(value), safe=_PCHAR)
        parts += (quoted, fixed)
    path = "".join(parts)
    if "." in path or "%2" in path:
        for segment in path.split("/"):
            if _DOT_SEGMENT.fullmatch(segment):
                raise ValueError(f"the path {path!r} has the segment {segment!r}, which would lead somewhere else")
    return path


def query_items(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and value pairs in the official SDK's format: `a[b]=1` for nesting, `a[]=1&a[]=2` for a list.

    `None`, `omit` and `not_given` are left out; booleans are `true` and `false`.
    """
    for name, value in params.items():
        yield from _flatten(name, value)


def _flatten(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif value is None or isinstance(value, (Omit, NotGiven)):
        return
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flatten(f"{name}[{key}]", item)
    elif isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        for item in value:
            yield from _flatten(f"{name}[]", item)
    else:
        yield name, str(value)


def query_string(params: Mapping[str, Any]) -> str:
    """The items as `application/x-www-form-urlencoded` text, empty for none."""
    return urlencode(list(query_items(params)))
