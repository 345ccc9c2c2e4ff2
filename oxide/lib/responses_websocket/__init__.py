"""Routed lanes on a connection of `client.responses.connect()`, and what their events come to: the official SDK's interface.

`client.ws_session()` is what is easier to use: it opens, replaces and closes its connections, and carries conversations along.
"""

from ...core.ws_router import (
    ResponsesWebSocketBufferError,
    ResponsesWebSocketError,
    ResponsesWebSocketLimits,
)
from ._accumulator import ResponsesWebSocketAccumulator, ResponsesWebSocketOutput, ResponsesWebSocketSnapshot
from ._session import (
    AsyncResponsesWebSocketLane,
    AsyncResponsesWebSocketSession,
    ResponsesWebSocketLane,
    ResponsesWebSocketSession,
)

__all__ = [
    "AsyncResponsesWebSocketLane",
    "AsyncResponsesWebSocketSession",
    "ResponsesWebSocketAccumulator",
    "ResponsesWebSocketBufferError",
    "ResponsesWebSocketError",
    "ResponsesWebSocketLane",
    "ResponsesWebSocketLimits",
    "ResponsesWebSocketOutput",
    "ResponsesWebSocketSession",
    "ResponsesWebSocketSnapshot",
]
