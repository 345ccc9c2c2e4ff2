"""What the events of a response come to, over a WebSocket: the final response."""

from __future__ import annotations

from typing import Any

__all__ = ["FINAL", "OverLimit", "Result"]

FINAL = frozenset({"response.completed", "response.failed", "response.incomplete"})
"""The events that end a response."""


class OverLimit(Exception):
    """The events of a response have more bytes than they may."""


class Result:
    """A machine: the events of one lane in, the final responses out, one after the other.

    The event that ends a response carries it, and what it says counts. Where it leaves the output out, the items that were
    announced as done take its place.

    Args:
        max_bytes: of the events that are needed for this, in one response; `None` for any number.

    Attributes:
        final: the response, once it is over.
        error: why there will be none.
        seen: an event of the response that is going on has come.
    """

    __slots__ = ("_bytes", "_items", "_max_bytes", "error", "final", "seen")

    def __init__(self, max_bytes: int | None = None) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._items: dict[int, Any] = {}
        self.final: Any = None
        self.error: BaseException | None = None
        self.seen = False

    def add(self, event: Any, size: int = 0) -> None:
        """Take in an event.

        Raises:
            OverLimit: that is too much for one response.
        """
        kind = getattr(event, "type", None)
        self.seen = True
        if kind == "response.created":
            self._begin()
        elif self.error is not None:
            return
        if kind == "response.output_item.done":
            self._count(size)
            self._items[event.output_index] = event.item
        elif kind in FINAL:
            self._count(size)
            self._end(event)
        elif kind == "response.created":
            self._count(size)

    def fail(self, error: BaseException) -> None:
        """There will be no response."""
        self._begin()
        self.error = error
        self.seen = False

    def _begin(self) -> None:
        self._bytes = 0
        self._items = {}
        self.final = self.error = None

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._max_bytes is not None and self._bytes > self._max_bytes:
            raise OverLimit

    def _end(self, event: Any) -> None:
        response = getattr(event, "response", None)
        if response is None:
            self.fail(ValueError(f"the event {event.type} has no response"))
            return
        if self._items and getattr(response, "output", None) is None:
            # A copy: the event is the caller's.
            response = response.model_copy()
            response.output = [self._items[index] for index in sorted(self._items)]
        self._bytes = 0
        self._items = {}
        self.final = response
        self.seen = False
