"""How a WebSocket connection is to be: `websocket_connection_options`, under the names that `websockets` has for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["WebSocketOptions"]


class WebSocketOptions:
    """Everything that can be said about a connection beside its URL and its header fields.

    Args:
        subprotocols: those that we speak, the best first.
        compression: `"deflate"` to offer permessage-deflate, `None` not to; it is offered where `max_size` is a number, by default.
        max_size: the most bytes that a message may have, inflated; `None`, the default, for no limit.
        max_queue: how many messages are kept while nobody receives; beyond, they stay in the socket, and the server has to wait. (A pair,
            as `websockets` takes it, stands for its first number.) `None` for no limit; 16 by default.
        write_limit: accepted for the sake of `websockets`: a message is sent when `send` returns, so nothing piles up.
        open_timeout: seconds for connecting, TLS and the handshake together; 10 by default.
        ping_interval: seconds of silence after which the server is asked whether it is still there; `None` for never; 20 by default.
        ping_timeout: seconds that it has for the answer; `None` for any; 20 by default.
        close_timeout: seconds that the server has for closing, after which the connection is dropped; 10 by default.
        extensions: further extensions to offer. None are known beside permessage-deflate, which `compression` is for.

    Raises:
        TypeError: there is no such option, or it can't have this value.
        ValueError: a number is out of its range.
    """

    __slots__ = (
        "close_timeout",
        "compression",
        "max_queue",
        "max_size",
        "open_timeout",
        "ping_interval",
        "ping_timeout",
        "subprotocols",
    )

    def __init__(
        self,
        *,
        subprotocols: Sequence[str] | None = None,
        compression: object = ...,
        max_size: int | None = None,
        max_queue: int | tuple[int | None, int | None] | None = 16,
        write_limit: object = None,
        open_timeout: float | None = 10.0,
        ping_interval: float | None = 20.0,
        ping_timeout: float | None = 20.0,
        close_timeout: float | None = 10.0,
        extensions: Sequence[object] | None = None,
    ) -> None:
        if extensions:
            raise TypeError(
                "extensions: no other than permessage-deflate is known; ask for it by compression='deflate'"
            )
        if isinstance(subprotocols, str):
            raise TypeError(f"subprotocols is a list of names, not the text {subprotocols!r}")
        if compression is ...:
            compression = None if max_size is None else "deflate"
        if compression not in (None, "deflate"):
            raise ValueError(f"compression must be 'deflate' or None, not {compression!r}")
        if isinstance(max_queue, tuple):
            max_queue = max_queue[0]
        self.subprotocols = tuple(subprotocols or ())
        self.compression = compression
        self.max_size = _number("max_size", max_size, int)
        self.max_queue = _number("max_queue", max_queue, int)
        self.open_timeout = _number("open_timeout", open_timeout, (int, float))
        self.ping_interval = _number("ping_interval", ping_interval, (int, float))
        self.ping_timeout = _number("ping_timeout", ping_timeout, (int, float))
        self.close_timeout = _number("close_timeout", close_timeout, (int, float))

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> WebSocketOptions:
        """From a mapping. Raises as the constructor."""
        for name in options:
            if name not in _NAMES:
                from difflib import get_close_matches

                near = get_close_matches(str(name), _NAMES, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(_NAMES))}"
                raise TypeError(f"websocket_connection_options has no {name!r}: {hint}")
        return cls(**options)


_NAMES = frozenset({*WebSocketOptions.__slots__, "write_limit", "extensions"})


def _number(name: str, value: Any, kind: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, kind):
        raise TypeError(f"{name} must be a number or None, not {value!r}")
    if not value >= 0:
        raise ValueError(f"{name} must be at least 0, not {value!r}")
    return value
