"""What the realtime endpoints have in common: events with ids, errors, and jobs that are done one after the other."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import msgspec

from .channel import Channel, Fifo
from .messages import Message, read_event
from .problem import Problem
from .upgrade import Context

__all__ = ["Speaker", "merged"]

JSON = dict[str, Any]
LIFE = 3600


class Speaker:
    """One connection of a realtime endpoint.

    A subclass has a method for each type of event (`_handlers`), and says hello in `opened`.
    """

    def __init__(self, channel: Channel, context: Context) -> None:
        self._channel = channel
        self._context = context
        self._store = context.store
        self._fifo = Fifo(channel)

    @property
    def _handlers(self) -> Mapping[str, Callable[[JSON], Coroutine[Any, Any, None]]]:
        raise NotImplementedError

    async def opened(self) -> None:
        """The handshake is done."""
        raise NotImplementedError

    async def expired(self) -> None:
        """The session is as old as it may get."""
        await self._fail(
            Problem(400, "Your session hit the maximum duration of 60 minutes.", code="session_expired"), {}
        )
        await self._channel.close(1001, "session expired")

    def received(self, message: Message) -> None:
        """A message of the client: it is worked off when those before it are."""
        self._fifo.put(lambda: self._handle(message))

    async def _handle(self, message: Message) -> None:
        event: JSON = {}
        try:
            event = read_event(message)
            kind = event.get("type")
            handler = self._handlers.get(kind) if isinstance(kind, str) else None
            if handler is None:
                raise Problem(400, f"Invalid value: '{kind}'.", param="type", code="invalid_value")
            await handler(event)
        except Problem as problem:
            await self._fail(problem, event)

    async def _fail(self, problem: Problem, event: JSON) -> None:
        error = {**problem.body["error"], "event_id": event.get("event_id")}
        await self._say("error", error=error)

    async def _say(self, kind: str, **fields: Any) -> None:
        await self._channel.send(self._event(kind, **fields))

    def _event(self, kind: str, **fields: Any) -> str:
        """An event as text, with an id of its own."""
        return msgspec.json.encode({"type": kind, "event_id": self._store.id("event_"), **fields}).decode()


def merged(base: JSON, changes: Mapping[str, Any]) -> JSON:
    """A configuration with changes at any depth; a null takes the place of what was there."""
    result = dict(base)
    for name, value in changes.items():
        before = result.get(name)
        result[name] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return result
