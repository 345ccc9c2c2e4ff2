"""The events that `Hooks` are called with."""

from __future__ import annotations

from .core.hooks import (
    CallEndEvent,
    CallEvent,
    CallInfo,
    ErrorEvent,
    HedgeEvent,
    Hooks,
    PoolStats,
    RequestEvent,
    ResponseEvent,
    ResultInfo,
    RetryEvent,
    StreamEndEvent,
    StreamEventEvent,
    Timings,
    Usage,
)

__all__ = [
    "CallEndEvent",
    "CallEvent",
    "CallInfo",
    "ErrorEvent",
    "HedgeEvent",
    "Hooks",
    "PoolStats",
    "RequestEvent",
    "ResponseEvent",
    "ResultInfo",
    "RetryEvent",
    "StreamEndEvent",
    "StreamEventEvent",
    "Timings",
    "Usage",
]
