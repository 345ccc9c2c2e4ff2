"""How a WebSocket connection behaves, as the `connect` methods take it in `websocket_connection_options`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typing_extensions import TypeAlias, TypedDict

__all__ = ["SyncWebSocketConnectionOptions", "WebSocketConnectionOptions", "WebsocketConnectionOptions"]


class SyncWebSocketConnectionOptions(TypedDict, total=False):
    """For synchronous connections.

    extensions: the extensions to offer, in the order in which they are to be applied.
    subprotocols: the subprotocols to offer, the preferred one first.
    compression: `"deflate"` to offer per-message compression (RFC 7692), `None` not to.
    max_size: bytes of the longest message that is taken; `None` for no limit.
    max_queue: how many messages may wait to be read, or the numbers at which reading stops and goes on; `None` for no limit.

    Beyond the official SDK's, which passes whatever there is on to `websockets`:

    open_timeout: seconds for connecting, TLS and the handshake together; `None` for as long as it takes.
    ping_interval: seconds of silence after which the server is asked whether it is still there; `None` for never.
    ping_timeout: seconds that it has for the answer; `None` for any.
    close_timeout: seconds that it has for closing, after which the connection is dropped.
    """

    extensions: Sequence[Any] | None
    subprotocols: Sequence[str] | None
    compression: str | None
    max_size: int | None
    max_queue: int | tuple[int | None, int | None] | None
    open_timeout: float | None
    ping_interval: float | None
    ping_timeout: float | None
    close_timeout: float | None


class WebSocketConnectionOptions(SyncWebSocketConnectionOptions, total=False):
    """For asynchronous connections.

    write_limit: bytes that may wait to be sent, or the numbers at which sending waits and goes on.
    """

    write_limit: int | tuple[int, int | None]


# The official SDK has kept the older spelling, too.
WebsocketConnectionOptions: TypeAlias = WebSocketConnectionOptions
