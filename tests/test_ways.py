"""The main calls, each three ways."""

from __future__ import annotations

from typing import Any


async def test_create(way: Any, client: Any) -> None:
    response = await client.responses.create(model="gpt-5", input="Say hi")
    assert response.output_text == "You said: Say hi"
    assert response._request_id.startswith("req_")


async def test_stream(way: Any, client: Any) -> None:
    stream = await client.responses.create(model="gpt-5", input="Say hi", stream=True)
    events = [event async for event in stream]
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "You said: Say hi"
    assert events[-1].type == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))


async def test_gather(way: Any, client: Any) -> None:
    async def one() -> str:
        return (await client.responses.create(model="gpt-5", input="x")).output_text

    assert await way.gather(one, one, one) == ["You said: x"] * 3
