"""An ASGI application that says of each request what its `input` was: `You said: …`, whole or as a stream of events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

PIECE = 12
"""Characters in an event."""


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    request = json.loads(body)
    text = f"You said: {request['input']}"
    streamed = bool(request.get("stream"))
    kind = b"text/event-stream" if streamed else b"application/json"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    if streamed:
        for event in events(text):
            data = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.body", "body": json.dumps(response(text)).encode()})


def response(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    message = {"type": "message", "id": "msg", "role": "assistant", "status": "completed", "content": content}
    return {"id": f"resp {text}", "object": "response", "status": "completed", "output": [message]}


def events(text: str) -> Iterator[dict[str, Any]]:
    yield {"type": "response.created", "response": response("")}
    place = {"item_id": "msg", "output_index": 0, "content_index": 0}
    for start in range(0, len(text), PIECE):
        yield {"type": "response.output_text.delta", "delta": text[start : start + PIECE], **place}
    yield {"type": "response.completed", "response": response(text)}
