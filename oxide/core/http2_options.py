"""What can be said about HTTP/2 when a transport is made; nothing here needs h2, which is imported with the first connection."""

from __future__ import annotations

from typing import Union

__all__ = ["HTTP2", "HTTP2Types", "as_http2"]

MAX_WINDOW = 2**31 - 1


class HTTP2:
    """That HTTP/2 is to be used, and how.

    Args:
        prior_knowledge: speak HTTP/2 on `http://` URLs as well, without asking (RFC 9113, section 3.3); on `https://` the
            handshake tells (ALPN). For tests, and for proxies that are known to speak it.
        window: bytes of a response that a server may send before they are read. It bounds the memory that a response
            nobody reads takes, and the throughput of one stream: a window for each round trip.
        ping_interval: seconds of silence, while a response is due, after which the server is asked for a sign of life;
            `None` for never.
        ping_timeout: seconds that it has to give one, or the connection counts as broken.

    Raises:
        ValueError: a number is out of its range.
    """

    __slots__ = ("ping_interval", "ping_timeout", "prior_knowledge", "window")

    def __init__(
        self,
        *,
        prior_knowledge: bool = False,
        window: int = 1024 * 1024,
        ping_interval: float | None = 20.0,
        ping_timeout: float = 40.0,
    ) -> None:
        if not 65535 <= window <= MAX_WINDOW:
            raise ValueError(f"window must be from 65535 to {MAX_WINDOW} bytes, not {window}")
        if ping_interval is not None and not ping_interval > 0:
            raise ValueError(f"ping_interval must be more than 0 seconds, or None, not {ping_interval}")
        if not ping_timeout > 0:
            raise ValueError(f"ping_timeout must be more than 0 seconds, not {ping_timeout}")
        self.prior_knowledge = prior_knowledge
        self.window = window
        self.ping_interval = ping_interval
        self.ping_timeout = ping_timeout

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HTTP2):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.prior_knowledge, self.window, self.ping_interval, self.ping_timeout))

    def __repr__(self) -> str:
        return f"HTTP2({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"


HTTP2Types = Union[bool, HTTP2]


def as_http2(value: HTTP2Types) -> HTTP2 | None:
    """`value` as options, `None` for HTTP/1.1 alone. Raises TypeError."""
    if isinstance(value, HTTP2):
        return value
    if isinstance(value, bool):
        return HTTP2() if value else None
    raise TypeError(f"http2 must be True, False or an HTTP2(...), not {value!r}")
