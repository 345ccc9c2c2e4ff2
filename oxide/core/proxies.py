"""Which proxy a connection goes through: what the user says, or the environment variables every client reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from .headers import encode_header
from .url import Origin

__all__ = ["Proxy", "ProxyRules", "environment_rules"]

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}

_SCHEME_OF = {"ws": "http", "wss": "https"}


class Proxy:
    """A proxy server.

    Args:
        url: `http://`, `https://` (TLS to the proxy itself) or `socks5://` (`socks5h://` is the same: the proxy resolves the names),
            with `user:password@` in front of the host if the proxy asks for them.
        auth: user name and password, instead of those in the URL.
        headers: further header fields for an HTTP proxy; a SOCKS proxy gets none.

    Attributes:
        origin: scheme, host and port.
        auth: user name and password, or `None`.
        headers: the fields that an HTTP proxy gets, `Proxy-Authorization` among them, as lines with their CRLF.

    Raises:
        ValueError: the URL is none, or of another protocol. What may be a password is not repeated in the message.
    """

    __slots__ = ("auth", "headers", "origin")

    def __init__(
        self, url: str, *, auth: tuple[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        # Raised outside of the `except`: what Python says of a wrong port has in it what stands there, such as a password.
        right = False
        try:
            parts = urlsplit(str(url))
            scheme, host = parts.scheme.lower(), parts.hostname
            port = parts.port or _PORTS.get(scheme, 0)
            user, password = parts.username, parts.password
            if host and not host.isascii():
                host = host.encode("idna").decode("ascii")
            right = True
        except ValueError:
            pass
        if not right:
            raise ValueError("a proxy's URL is like 'http://user:password@proxy.example:3128'; this is none")
        if scheme not in _PORTS:
            # The first part of "user:password@host" would pass for the scheme, too.
            shown = f", not {scheme}://" if "://" in str(url) else ""
            raise ValueError(f"a proxy's URL begins with http://, https:// or socks5://{shown}")
        if not host:
            raise ValueError(f"a proxy's URL is like '{scheme}://proxy.example:{port}'; there is no host in this one")
        self.origin = Origin("socks5" if scheme == "socks5h" else scheme, host, port)
        if auth is None and (user is not None or password is not None):
            auth = unquote(user or ""), unquote(password or "")
        self.auth = auth
        if headers and self.is_socks:
            raise ValueError("a SOCKS proxy takes no headers")
        fields = [encode_header(name, value) for name, value in (headers or {}).items()]
        if auth is not None:
            if self.is_socks:
                if not all(0 < len(part.encode()) < 256 for part in auth):
                    raise ValueError("user name and password for a SOCKS proxy are 1 to 255 bytes long (RFC 1929)")
            else:
                from base64 import b64encode

                token = b64encode(f"{auth[0]}:{auth[1]}".encode())
                fields.append((b"Proxy-Authorization", b"Basic " + token))
        self.headers = b"".join([b"%b: %b\r\n" % field for field in fields])

    @property
    def is_socks(self) -> bool:
        return self.origin.scheme == "socks5"

    def forwards(self, origin: Origin) -> bool:
        """Whether it is given the requests to this origin, rather than asked for a tunnel through which they go."""
        return origin.scheme == "http" and not self.is_socks

    def __str__(self) -> str:
        scheme, host, port = self.origin
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    def __repr__(self) -> str:
        # Without credentials, wherever it may be printed.
        return f"Proxy({str(self)!r}{', auth=...' if self.auth else ''})"

    def __getstate__(self) -> Any:
        from .secrets import check_carried

        if self.auth or self.headers:
            check_carried("a proxy with credentials or header fields")
        return None, {name: getattr(self, name) for name in self.__slots__}

    def __copy__(self) -> Proxy:
        return self

    def __deepcopy__(self, memo: Any) -> Proxy:
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Proxy):
            return NotImplemented
        return (self.origin, self.auth, self.headers) == (other.origin, other.auth, other.headers)

    def __hash__(self) -> int:
        return hash(self.origin)


class ProxyRules:
    """Which origins are reached through which proxy.

    Args:
        by_scheme: a proxy for each of `http`, `https` and `all`; `ws` goes as `http` does, `wss` as `https`.
        exceptions: as in `NO_PROXY`: names (their subdomains included), names with a dot in front (the subdomains alone),
            addresses, networks (`10.0.0.0/8`), each with a port or not, and `*` for everything; with commas or spaces between.
    """

    __slots__ = ("_by_scheme", "_exceptions")

    def __init__(self, by_scheme: Mapping[str, Proxy], exceptions: str = "") -> None:
        self._by_scheme = dict(by_scheme)
        self._exceptions = [_matcher(entry) for entry in exceptions.replace(",", " ").split()]

    def __bool__(self) -> bool:
        return bool(self._by_scheme)

    def proxy_for(self, origin: Origin) -> Proxy | None:
        """The proxy for an origin, `None` for a direct connection."""
        scheme = _SCHEME_OF.get(origin.scheme, origin.scheme)
        proxy = self._by_scheme.get(scheme) or self._by_scheme.get("all")
        if proxy is None or any(matches(origin, scheme) for matches in self._exceptions):
            return None
        return proxy

    def __repr__(self) -> str:
        return f"ProxyRules({self._by_scheme!r})"


def environment_rules(environment: Mapping[str, str] | None = None) -> ProxyRules:
    """What `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say; a name in lower case wins over one in capitals.

    Raises:
        ValueError: one of them is no proxy's URL; the message names the variable.
    """
    values = os.environ if environment is None else environment

    def value(name: str) -> str:
        found = values.get(name)
        # Behind CGI, HTTP_PROXY is a header field that the client sent ("httpoxy").
        if found is None and not (name == "http_proxy" and "REQUEST_METHOD" in values):
            found = values.get(name.upper())
        return (found or "").strip()

    by_scheme = {}
    for scheme in ("http", "https", "all"):
        text = value(f"{scheme}_proxy")
        if text:
            try:
                by_scheme[scheme] = Proxy(text if "://" in text else f"http://{text}")
            except ValueError as error:
                raise ValueError(f"the environment variable {scheme.upper()}_PROXY: {error}") from None
    return ProxyRules(by_scheme, value("no_proxy") if by_scheme else "")


def _matcher(entry: str) -> Callable[[Origin, str], bool]:
    """Whether an origin, with its scheme as a proxy sees it, is meant by an entry of `NO_PROXY`."""
    if entry == "*":
        return lambda origin, scheme: True
    wanted, _, rest = entry.lower().rpartition("://")
    host, port = _host_and_port(rest)
    # With a scheme, it is the URL of one server.
    matches = _host_matcher(host) if not wanted or _network(host) else host.__eq__

    def match(origin: Origin, scheme: str) -> bool:
        if (wanted not in ("", "all") and wanted != scheme) or (port is not None and port != origin.port):
            return False
        return matches(origin.host.rstrip("."))

    return match


def _host_and_port(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, int(rest[1:]) if rest[1:].isdigit() else None
    host, colon, port = text.rpartition(":")
    if colon and ":" not in host and port.isdigit():
        return host, int(port)
    return text, None


def _host_matcher(host: str) -> Callable[[str], bool]:
    network = _network(host)
    if network is not None:
        return network
    if host.startswith("*."):
        host = host[1:]
    host = host.rstrip(".")
    if host.startswith("."):
        return lambda name: name.endswith(host)
    return lambda name: name == host or (name.endswith("." + host) and host != "localhost")


def _network(text: str) -> Callable[[str], bool] | None:
    if not (text[:1].isdigit() or ":" in text):
        return None
    import ipaddress

    try:
        network: Any = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None

    def matches(name: str) -> bool:
        try:
            return ipaddress.ip_address(name) in network
        except ValueError:
            return False

    return matches
