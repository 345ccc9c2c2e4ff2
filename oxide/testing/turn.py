"""Writing down one response: its items, and the events that tell of them, in one go.

A response that is not streamed is made the same way; its events are then kept for who asks for the stream later.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from .exchange import sse
from .store import Store
from .text import obfuscation, tokens

__all__ = ["Turn", "framed"]

JSON = dict[str, Any]


def framed(events: Iterable[tuple[str, bytes]]) -> list[bytes]:
    """Events as they are streamed."""
    return [sse(data, name.encode()) for name, data in events]


class Turn:
    """A response being made.

    Attributes:
        response: its JSON value so far.
        events: the events so far, as (type, JSON text); their sequence numbers are their positions.
        output_tokens, reasoning_tokens: how many tokens there are so far, the latter among the former.
        cut: whether something was left out because `budget` was used up.
    """

    def __init__(self, response: JSON, store: Store, *, budget: int | None, obfuscate: bool) -> None:
        self.response = response
        self.events: list[tuple[str, bytes]] = []
        self.output_tokens = 0
        self.reasoning_tokens = 0
        self.cut = False
        self._store = store
        self._budget = budget
        self.obfuscate = obfuscate

    def id(self, prefix: str) -> str:
        """A new id."""
        return self._store.id(prefix)

    def emit(self, kind: str, **fields: Any) -> None:
        """Write an event; its fields are as they are now, later changes don't reach it."""
        event = {"type": kind, "sequence_number": len(self.events), **fields}
        self.events.append((kind, msgspec.json.encode(event)))

    def emit_response(self, kind: str) -> None:
        """Write an event that carries the response."""
        self.emit(kind, response=self.response)

    def deltas(self, kind: str, text: str, **where: Any) -> None:
        """Write an event for each token of a text."""
        for token in tokens(text):
            if self.obfuscate:
                self.emit(kind, **where, delta=token, obfuscation=obfuscation(token))
            else:
                self.emit(kind, **where, delta=token)

    def take(self, text: str) -> str:
        """As much of a text as the budget allows, counted as output."""
        pieces = tokens(text)
        if self._budget is not None and self.output_tokens + len(pieces) > self._budget:
            pieces = pieces[: self._budget - self.output_tokens]
            self.cut = True
        self.output_tokens += len(pieces)
        return "".join(pieces)

    def begin(self, item: JSON) -> int:
        """Announce an output item as it is at first; its index."""
        index = len(self.response["output"])
        self.emit("response.output_item.added", output_index=index, item=item)
        # The place is taken; end() puts the finished item there.
        self.response["output"].append(item)
        return index

    def end(self, index: int, item: JSON) -> None:
        """An output item is done."""
        self.response["output"][index] = item
        self.emit("response.output_item.done", output_index=index, item=item)
