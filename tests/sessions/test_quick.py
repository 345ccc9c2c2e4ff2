"""The small client."""

from __future__ import annotations

import pytest

import oxide
from oxide.quick import Client
from oxide.testing import MockServer

from ..ways import Way


async def test_quick(way: Way, server: MockServer) -> None:
    if way.is_sync:
        pytest.skip("it is an asynchronous client")
    async with Client("sk-test", base_url=server.base_url) as client:
        assert (await client.create("gpt-5", "Hi", instructions="Be brief.")).instructions == "Be brief."
        assert await client.create_text("gpt-5", "Hi") == "You said: Hi"
        kinds = [event.type async for event in await client.create_stream("gpt-5", "Hi")]
        assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
        first = await client.create_stored_response_id("gpt-5", "Hi")
        assert await client.create_text_followup("gpt-5", "More", first) == "You said: More (turn 2)"
        async with await client.ws_session(instructions="Be brief.") as session:
            assert (await session.warmup("gpt-5")).output == []
            assert (await session.send("gpt-5", "Hi")).output_text == "You said: Hi"
            events = await session.send_stream("gpt-5", "More")
            assert (await events.get_final_response()).output_text == "You said: More (turn 2)"
    with pytest.raises(oxide.OpenAIError, match="api_key"):
        Client(base_url=server.base_url)
    assert len(server.sockets) == 1
