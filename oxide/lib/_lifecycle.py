"""What runs on other people's things have in common: one at a time, and none after the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict

from ..core.headers import merge_headers
from ..io.locks import Lock

__all__ = ["CloseStatus", "Lifecycle", "fresh"]


class CloseStatus(TypedDict):
    """What closing it came to; `"draining"` while it is in use."""

    status: Literal["closed", "draining"]


class Lifecycle:
    """Entered by one run at a time.

    Args:
        what: it is called in errors.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._busy = Lock()
        self._closed = False

    def close(self) -> CloseStatus:
        """Take no further runs. What it uses is left to its owner."""
        self._closed = True
        return {"status": "draining" if self._busy.locked() else "closed"}

    def __enter__(self) -> None:
        if self._closed:
            raise RuntimeError(f"the {self._what} is closed")
        if not self._busy.acquire(blocking=False):
            raise RuntimeError(f"the {self._what} is in use: there can be one run at a time")

    def __exit__(self, *error: object) -> None:
        self._busy.release()


def fresh(client: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What makes a further request of one: it is another request, so it has another idempotency key, if it has one."""

    def renew(request: dict[str, Any]) -> dict[str, Any]:
        extra: Mapping[str, Any] = request.get("extra_headers") or {}
        if not any(name.lower() == "idempotency-key" for name in merge_headers(client.default_headers, extra)):
            return request
        from uuid import uuid4

        headers = merge_headers(extra, {"Idempotency-Key": f"oxide-{uuid4()}"})
        return {**request, "extra_headers": headers}

    return renew
