"""What a server keeps: the ids it gave out, stored responses and completions, and pages of lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .problem import Problem

__all__ = ["ConnectionStore", "Store", "StoredCompletion", "StoredResponse", "page"]

JSON = dict[str, Any]
_T = TypeVar("_T")


@dataclass
class StoredResponse:
    """A response, with what led to it.

    Attributes:
        response: its JSON value as it is now.
        items: the input items of this turn, each with an id.
        events: the stream's events, as (type, JSON text).
        progress: what the next `retrieve` calls make of it (a background response gets on by being asked for).
    """

    response: JSON
    items: list[JSON]
    events: list[tuple[str, bytes]]
    progress: list[JSON] = field(default_factory=list)


@dataclass
class StoredCompletion:
    """A chat completion, with the messages that led to it."""

    completion: JSON
    messages: list[JSON]


class Store:
    """The state of one server. Only its own thread touches it."""

    def __init__(self, clock: Callable[[], float], remember: int) -> None:
        self._clock = clock
        self._remember = remember
        self._counts: defaultdict[str, int] = defaultdict(int)
        self.responses: dict[str, StoredResponse] = {}
        self.completions: dict[str, StoredCompletion] = {}

    def now(self) -> int:
        """The time, in whole seconds since the epoch."""
        return int(self._clock())

    def keep(self, kept: dict[str, _T], name: str, value: _T) -> None:
        """Store something in `responses` or `completions`, at the cost of the oldest."""
        kept[name] = value
        if len(kept) > self._remember:
            del kept[next(iter(kept))]

    def response(self, name: str) -> StoredResponse | None:
        """A stored response."""
        return self.responses.get(name)

    def id(self, prefix: str) -> str:
        """A new id: the prefix and a count of its own, so that a server's ids are the same in every run."""
        self._counts[prefix] += 1
        return f"{prefix}{self._counts[prefix]:024x}"


class ConnectionStore(Store):
    """A server's state as one WebSocket connection sees it: with the latest responses of that connection, stored or not."""

    def __init__(self, shared: Store) -> None:
        # The ids, and what is stored, are the server's.
        self.__dict__.update(shared.__dict__)
        self.cached: dict[str, StoredResponse] = {}

    def remember(self, stored: StoredResponse) -> None:
        """Cache a response of this connection, at the cost of the oldest."""
        self.keep(self.cached, stored.response["id"], stored)

    def response(self, name: str) -> StoredResponse | None:
        """A response of this connection, or a stored one."""
        return self.cached.get(name) or super().response(name)


def page(data: Sequence[JSON], query: Mapping[str, str], *, order: str) -> JSON:
    """One page of a list, by the parameters `after`, `limit` (1 to 100, 20 without) and `order`.

    Args:
        data: everything, oldest first.
        order: the endpoint's own order.

    Raises:
        Problem: a parameter's value is not possible.
    """
    order = query.get("order", order)
    if order not in ("asc", "desc"):
        raise Problem(
            400,
            f"Invalid value: '{order}'. Supported values are: 'asc' and 'desc'.",
            param="order",
            code="invalid_value",
        )
    limit = _limit(query.get("limit", "20"))
    items = list(data) if order == "asc" else list(reversed(data))
    after = query.get("after")
    if after:
        position = next((index for index, item in enumerate(items) if item["id"] == after), None)
        if position is None:
            raise Problem(400, f"No such item to list after: '{after}'.", param="after", code="invalid_value")
        items = items[position + 1 :]
    shown = items[:limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(items) > limit,
    }


def _limit(text: str) -> int:
    try:
        limit = int(text)
    except ValueError:
        raise Problem(
            400,
            f"Invalid type for 'limit': expected an integer, but got '{text}' instead.",
            param="limit",
            code="invalid_type",
        ) from None
    if not 1 <= limit <= 100:
        bound = "maximum" if limit > 100 else "minimum"
        raise Problem(
            400,
            f"Invalid 'limit': integer {'above' if limit > 100 else 'below'} {bound} value. "
            f"Expected a value {'<= 100' if limit > 100 else '>= 1'}, but got {limit} instead.",
            param="limit",
            code=f"integer_{'above_max' if limit > 100 else 'below_min'}_value",
        )
    return limit
