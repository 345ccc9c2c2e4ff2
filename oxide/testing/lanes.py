"""`/responses` over a WebSocket: responses on lanes, one after the other on each, at the same time on different ones."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import msgspec

from .call import Call
from .channel import Channel, Fifo
from .messages import Message, Ordered, read_event, turn_request
from .problem import Problem
from .record import RecordedRequest
from .responses import create
from .steering import Steering, as_items
from .store import ConnectionStore
from .turn import Turn
from .upgrade import Context

__all__ = ["Lanes"]

JSON = dict[str, Any]
_STREAM_ID = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_ACTIVE = 16
_NAMED = 32


class Lanes:
    """The Responses protocol on one connection."""

    def __init__(self, channel: Channel, context: Context) -> None:
        self._channel = channel
        self._context = context
        self._store = ConnectionStore(context.store)
        self._steering = Steering(self._store)
        self._active = asyncio.Semaphore(_ACTIVE)
        self._lanes: dict[str | None, Fifo] = {}
        self._made_on: dict[str, str | None] = {}

    async def opened(self) -> None:
        """The server speaks when it is spoken to."""

    async def expired(self) -> None:
        """The connection is as old as it may get."""
        problem = Problem(
            400,
            "This WebSocket connection has reached its maximum age. Open a new one to go on.",
            code="websocket_connection_limit_reached",
        )
        await self._channel.send_json(_error(problem, None))
        await self._channel.close(1001, "connection limit reached")

    def received(self, message: Message) -> None:
        """A message of the client."""
        lane: str | None = None
        try:
            event = read_event(message)
            kind = event.get("type")
            if kind == "response.create":
                lane = self._lane_name(event)
                self._enter(event, lane)
            elif kind == "response.steer":
                self._steer(event)
            else:
                raise Problem(
                    400,
                    f"Invalid value: '{kind}'. Supported values are: 'response.create' and 'response.steer'.",
                    param="type",
                    code="invalid_value",
                )
        except Problem as problem:
            self._channel.spawn(self._channel.send_json(_error(problem, lane)))

    # --- lanes ---

    def _lane_name(self, event: JSON) -> str | None:
        if "stream_id" not in event:
            return None
        name = event["stream_id"]
        if not isinstance(name, str) or _STREAM_ID.fullmatch(name) is None:
            raise Problem(
                400,
                "Invalid 'stream_id': 1 to 256 letters, digits, underscores, hyphens and periods are expected.",
                param="stream_id",
                code="invalid_stream_id",
            )
        return name

    def _enter(self, event: JSON, lane: str | None) -> None:
        if lane is not None and lane not in self._lanes and len(self._lanes.keys() - {None}) >= _NAMED:
            raise Problem(
                400,
                "This WebSocket connection has reached its stream limit.",
                param="stream_id",
                code="websocket_stream_limit_reached",
            )
        request = turn_request(self._channel, event)
        ordered = Ordered(self._channel, request, self._context.hub)
        fifo = self._lanes.get(lane)
        if fifo is None:
            fifo = self._lanes[lane] = Fifo(self._channel)

        async def job() -> None:
            left = True
            try:
                async with self._active:
                    await self._turn(ordered, request, event, lane)
                left = False
            finally:
                ordered.done(disconnected=left)

        fifo.put(job)

    async def _turn(self, ordered: Ordered, request: RecordedRequest, event: JSON, lane: str | None) -> None:
        if not await ordered.begin():
            return
        if not ordered.is_own:
            await ordered.send(ordered.messages(_named(lane)))
            return
        follow: JSON | None = event
        try:
            while follow is not None:
                follow = await self._one(ordered, request, follow, lane)
        except Problem as problem:
            # What a lane can't go on from is forgotten; another lane's parent stays.
            parent = event.get("previous_response_id")
            if isinstance(parent, str) and self._made_on.get(parent) == lane:
                self._store.cached.pop(parent, None)
            await self._channel.send_json(_error(problem, lane))

    async def _one(self, ordered: Ordered, request: RecordedRequest, event: JSON, lane: str | None) -> JSON | None:
        """One response; what makes the next one, where steering makes one follow."""
        turn = self._create(request, event, lane)
        self._steering.began(turn.response["id"])
        if not await ordered.send([_with_lane(*made, lane) for made in turn.events]):
            return None
        events, follow = self._steering.ended(turn.response)
        for told in events:
            await self._channel.send_json({**told, **_named(lane)})
        if follow is None:
            return None
        settings = {name: value for name, value in event.items() if name != "generate"}
        return {**settings, "input": follow, "previous_response_id": turn.response["id"]}

    def _create(self, request: RecordedRequest, event: JSON, lane: str | None) -> Turn:
        """The server's own response.

        Raises:
            Problem: the request is not valid.
        """
        parameters = {name: value for name, value in event.items() if name not in ("type", "stream_id", "generate")}
        if parameters.get("background"):
            raise Problem(400, "Background responses are not supported over WebSockets.", param="background")
        parameters.pop("background", None)
        steered = self._steering.take(parameters.get("previous_response_id"))
        if steered:
            parameters["input"] = [*steered, *as_items(parameters.get("input"))]
        asked = RecordedRequest(
            method="WS",
            path=request.path,
            query_string=request.query_string,
            headers=[],
            body=msgspec.json.encode({**parameters, "stream": True}),
            connection=request.connection,
        )
        context = self._context
        call = Call(asked, "/responses", (), self._store, context.models, context.deployment)
        turn, stored = create(call, generate=event.get("generate") is not False)
        self._store.remember(stored)
        self._made_on[turn.response["id"]] = lane
        return turn

    # --- steering ---

    def _steer(self, event: JSON) -> None:
        target = event.get("previous_response_id")
        lane = self._made_on.get(target) if isinstance(target, str) else None
        self._channel.spawn(self._channel.send_json({**self._steering.submit(event), **_named(lane)}))


def _named(lane: str | None) -> JSON:
    return {} if lane is None else {"stream_id": lane}


def _error(problem: Problem, lane: str | None) -> JSON:
    return {"type": "error", "status": problem.status, **_named(lane), **problem.body}


def _with_lane(kind: str, data: bytes, lane: str | None) -> str:
    """An event as it goes over a WebSocket."""
    if kind == "error":
        fields = msgspec.json.decode(data)
        error = {"type": "server_error", "code": fields["code"], "message": fields["message"], "param": fields["param"]}
        told = {"type": "error", "sequence_number": fields["sequence_number"], "error": error, **_named(lane)}
        return msgspec.json.encode(told).decode()
    if lane is None:
        return data.decode()
    return f'{data[:-1].decode()},"stream_id":"{lane}"}}'
