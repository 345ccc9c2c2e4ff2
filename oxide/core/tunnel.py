"""What is said to a proxy until it passes bytes on: HTTP's CONNECT and SOCKS 5, as machines.

Each has `data_to_send()`, to be written whenever it gives bytes, and `receive_data()`, which is true once the tunnel is there.
"""

from __future__ import annotations

import re

from .errors import ProxyError
from .proxies import Proxy
from .url import Origin

__all__ = ["Connect", "Socks5", "Tunnel", "tunnel_machine"]

_MAX_HEAD = 64 * 1024


class Tunnel:
    """What the machines have in common."""

    __slots__ = ("_buffer", "_origin", "_proxy", "_unsent")

    def __init__(self, proxy: Proxy, origin: Origin, greeting: bytes) -> None:
        self._proxy = proxy
        self._origin = origin
        self._unsent = greeting
        self._buffer = b""

    def data_to_send(self) -> bytes:
        """What is to be sent next, empty for nothing."""
        data, self._unsent = self._unsent, b""
        return data

    def receive_data(self, data: bytes) -> bool:
        """Take in what the proxy sent, empty at the end of the connection; whether the tunnel is there. Raises ProxyError."""
        if not data:
            raise ProxyError(f"the proxy {self._proxy} closed the connection instead of making a tunnel")
        self._buffer += data
        done = self._advance()
        if done and self._buffer:
            raise ProxyError(f"the proxy {self._proxy} sent bytes before it could have any from {self._target}")
        return done

    @property
    def _target(self) -> str:
        host = self._origin.host
        return f"[{host}]:{self._origin.port}" if ":" in host else f"{host}:{self._origin.port}"

    def _advance(self) -> bool:
        raise NotImplementedError


def tunnel_machine(proxy: Proxy, origin: Origin) -> Tunnel:
    """The machine that asks this proxy for a tunnel to this origin."""
    return Socks5(proxy, origin) if proxy.is_socks else Connect(proxy, origin)


class Connect(Tunnel):
    """CONNECT (RFC 9110, section 9.3.6)."""

    __slots__ = ()

    def __init__(self, proxy: Proxy, origin: Origin) -> None:
        super().__init__(proxy, origin, b"")
        target = self._target.encode("ascii")
        self._unsent = b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (target, target, proxy.headers)

    def _advance(self) -> bool:
        status = 0
        while status < 200:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                if len(self._buffer) > _MAX_HEAD:
                    raise ProxyError(f"the proxy {self._proxy} sent a head of more than {_MAX_HEAD} bytes")
                return False
            self._buffer = rest
            line = head.partition(b"\r\n")[0].decode("latin-1")
            match = re.fullmatch(r"HTTP/1\.[01] (\d{3})(?: (.*))?", line)
            if match is None:
                raise ProxyError(f"the proxy {self._proxy} does not speak HTTP: {line[:60]!r}")
            status, reason = int(match[1]), match[2] or ""
        if status >= 300:
            hint = ""
            if status == 407:
                hint = "; it wants " + (
                    "other credentials" if self._proxy.auth else "a user name and a password in its URL"
                )
            answer = f"{status} {reason}".rstrip()
            raise ProxyError(f"the proxy {self._proxy} refused a tunnel to {self._target}: {answer}{hint}")
        return True


# RFC 1928, section 6.
_REPLIES = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}


class Socks5(Tunnel):
    """SOCKS 5 (RFC 1928) with user name and password (RFC 1929). The proxy resolves the name."""

    __slots__ = ("_step",)

    def __init__(self, proxy: Proxy, origin: Origin) -> None:
        super().__init__(proxy, origin, b"\x05\x02\x00\x02" if proxy.auth else b"\x05\x01\x00")
        self._step = self._method

    def _advance(self) -> bool:
        done = False
        while not done and not self._unsent:
            # A step that has too little to go on leaves the buffer as it is.
            before = len(self._buffer)
            done = self._step()
            if len(self._buffer) == before:
                break
        return done

    def _take(self, count: int) -> bytes:
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _method(self) -> bool:
        if len(self._buffer) < 2:
            return False
        version, method = self._take(2)
        if version != 5:
            raise ProxyError(f"the proxy {self._proxy} does not speak SOCKS 5")
        if method == 2 and self._proxy.auth is not None:
            user, password = (part.encode() for part in self._proxy.auth)
            self._unsent = b"\x01%c%b%c%b" % (len(user), user, len(password), password)
            self._step = self._authenticated
        elif method == 0:
            self._request()
        else:
            hint = "it takes neither no credentials nor a user name" if self._proxy.auth else "it wants credentials"
            raise ProxyError(f"the proxy {self._proxy} refused the connection: {hint}")
        return False

    def _authenticated(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._take(2)[1] != 0:
            raise ProxyError(f"the proxy {self._proxy} refused the user name or the password")
        self._request()
        return False

    def _request(self) -> None:
        host = self._origin.host
        if ":" in host or host.replace(".", "").isdigit():
            import ipaddress

            try:
                packed = ipaddress.ip_address(host).packed
            except ValueError:
                raise ProxyError(f"a SOCKS proxy can't be asked for the address {host}") from None
            address = (b"\x01" if len(packed) == 4 else b"\x04") + packed
        else:
            name = host.encode("ascii")
            if len(name) > 255:
                raise ProxyError("a SOCKS proxy can't be asked for a name of more than 255 bytes")
            address = b"\x03%c%b" % (len(name), name)
        self._unsent = b"\x05\x01\x00" + address + self._origin.port.to_bytes(2, "big")
        self._step = self._connected

    def _connected(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 5:
            return False
        if buffer[0] != 5:
            raise ProxyError(f"the proxy {self._proxy} does not speak SOCKS 5")
        if buffer[1]:
            reason = _REPLIES.get(buffer[1], f"reply {buffer[1]}")
            raise ProxyError(f"the proxy {self._proxy} can't connect to {self._target}: {reason}")
        size = {1: 4, 3: 1 + buffer[4], 4: 16}.get(buffer[3])
        if size is None:
            raise ProxyError(f"the proxy {self._proxy} does not speak SOCKS 5")
        if len(buffer) < 4 + size + 2:
            return False
        self._take(4 + size + 2)
        return True
