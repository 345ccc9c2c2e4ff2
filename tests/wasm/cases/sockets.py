"""WebSocket connections, sessions, lanes and pools."""

from __future__ import annotations

import asyncio
from typing import Any

import oxide

from ..world import World, raises, script


async def test_session(world: World) -> None:
    async with world.client().ws_session(model="gpt-5") as session:
        first = await session.send("Say hi")
        assert first.output_text == "You said: Say hi"
        second = await session.send("And again")
        assert second.previous_response_id == first.id
    handshake = (await world.server.requests())[0]
    offered = handshake["headers"]["sec-websocket-protocol"]
    assert offered.replace(" ", "") == "realtime,openai-insecure-api-key.sk-test"
    assert "authorization" not in handshake["headers"]


async def test_session_stream(world: World) -> None:
    async with world.client().ws_session(model="gpt-5") as session:
        kinds = [event.type async for event in await session.send_stream("Say hi")]
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"


async def test_lanes(world: World) -> None:
    async with world.client().ws_session(model="gpt-5") as session:
        lanes = [session.lane() for _ in range(5)]
        answers = await asyncio.gather(*(lane.send(f"{i}") for i, lane in enumerate(lanes)))
    assert [answer.output_text for answer in answers] == [f"You said: {i}" for i in range(5)]
    assert len([request for request in await world.server.requests() if request["method"] == "GET"]) == 1


async def test_tool_loop(world: World) -> None:
    asked = []

    @oxide.openai_tool
    async def get_weather(city: str) -> str:
        """The weather in a city."""
        asked.append(city)
        return "sunny"

    async with world.client().ws_session(model="gpt-5") as session:
        run = session.run_tools(input="What is the weather in Paris?", tools=[get_weather])
        assert (await run).output_text
    assert len(asked) == 1


async def test_pool(world: World) -> None:
    async with world.client().ws_pool(model="gpt-5", max_sessions=2) as pool:
        answers = await asyncio.gather(*(pool.send(f"{i}") for i in range(6)))
        assert [answer.output_text for answer in answers] == [f"You said: {i}" for i in range(6)]
        assert pool.stats()["opened"] == 2


async def test_connect(world: World) -> None:
    async with world.client().responses.connect() as connection:
        await connection.response.create(model="gpt-5", input="Say hi")
        kinds = []
        async for event in connection:
            kinds.append(event.type)
            if event.type == "response.completed":
                break
    assert kinds[0] == "response.created"


async def test_realtime(world: World) -> None:
    async with world.client().realtime.connect(model="gpt-realtime") as connection:
        assert (await connection.recv()).type == "session.created"


async def test_lanes_on_a_connection(world: World) -> None:
    """The official names for lanes."""
    async with world.client().responses.connect() as connection:
        with raises(ValueError, "1000"):
            await connection.close(code=1001)


async def test_a_wrong_key(world: World) -> None:
    with raises(oxide.APIConnectionError, "not told why"):
        await world.client(api_key="sk-wrong", max_retries=0).ws_session(model="gpt-5").open()


async def test_a_key_that_is_no_token(world: World) -> None:
    with raises(oxide.OpenAIError, "Authorization") as caught:
        await world.client(api_key="sk wrong/key").responses.connect().enter()
    assert "wrong/key" not in str(caught.value)


async def test_header_fields(world: World) -> None:
    with raises(oxide.OpenAIError, "'X-Team'", "extra_query"):
        await world.client().responses.connect(extra_headers={"X-Team": "a"}).enter()
    client = world.client(organization="org-1", project="proj_1")
    async with client.responses.connect(extra_headers={"OpenAI-Beta": "realtime=v1"}):
        pass
    offered = (await world.server.requests())[0]["headers"]["sec-websocket-protocol"].replace(" ", "").split(",")
    assert set(offered) == {
        "realtime",
        "openai-insecure-api-key.sk-test",
        "openai-organization.org-1",
        "openai-project.proj_1",
        "openai-beta.realtime-v1",
    }


async def test_options(world: World) -> None:
    for option in ({"ping_interval": 5}, {"ping_timeout": 5}, {"max_queue": 3}):
        with raises(oxide.OpenAIError, next(iter(option))):
            await world.client().responses.connect(websocket_connection_options=option).enter()


async def test_it_takes_too_long(world: World) -> None:
    await world.server.queue(script("Socket", delay=5.0))
    options: Any = {"open_timeout": 0.2}
    with raises(oxide.APITimeoutError, "0.2 s") as caught:
        await world.client(max_retries=0).responses.connect(websocket_connection_options=options).enter()
    assert isinstance(caught.value.__cause__, oxide.ConnectTimeout)


async def test_the_server_closes(world: World) -> None:
    await world.server.queue(script("Socket", close_after=2, code=4001, reason="enough"))
    async with world.client().responses.connect() as connection:
        await connection.response.create(model="gpt-5", input="Say hi")
        with raises(oxide.WebSocketConnectionClosedError, "4001", "enough") as caught:
            while True:
                await connection.recv()
    assert caught.value.code == 4001


async def test_the_connection_breaks(world: World) -> None:
    """A session makes another one."""
    async with world.client().ws_session(model="gpt-5") as session:
        await session.send("one")
        await world.server.queue(script("Close", 1012, "restart", after=0))
        again = await session.send("two")
    assert again.output_text == "You said: two (turn 2)"


async def test_restored(world: World) -> None:
    events = []
    await world.server.queue(script("Socket", cut_after=1), script("Socket", events=[{"type": "hello"}]))
    manager = world.client().responses.connect(on_reconnecting=lambda event: events.append(event), initial_delay=0.01)
    async with manager as connection:
        await connection.response.create(model="gpt-5", input="Say hi")
        async for event in connection:
            if event.type == "hello":
                break
    assert len(events) == 1


async def test_a_message_that_is_too_large(world: World) -> None:
    options: Any = {"max_size": 100}
    async with world.client().responses.connect(websocket_connection_options=options) as connection:
        await connection.response.create(model="gpt-5", input="Say hi")
        with raises(oxide.WebSocketConnectionClosedError, "max_size=100"):
            await connection.recv()


async def test_cancelled_and_nothing_is_lost(world: World) -> None:
    async with world.client().responses.connect() as connection:
        with raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await connection.recv()
        await connection.response.create(model="gpt-5", input="Say hi")
        assert (await connection.recv()).type == "response.created"


async def test_large_messages(world: World) -> None:
    text = "x" * 3_000_000
    await world.server.queue(script("Socket", events=[{"type": "large", "text": text}]))
    async with world.client().responses.connect() as connection:
        assert len(await connection.recv_bytes()) > len(text)
        await connection.response.create(model="gpt-5", input="Say hi", instructions=text)
        assert (await connection.recv()).type == "response.created"


async def test_nobody_answers(world: World) -> None:
    client = world.client(websocket_base_url=world.nobody.replace("http", "ws"), max_retries=0)
    with raises(oxide.APIConnectionError, "could not be made"):
        await client.responses.connect().enter()


async def test_left_open(world: World) -> None:
    """A connection that nobody uses any more is closed, with a warning."""
    import gc
    import warnings

    manager = world.client().responses.connect()
    connection = await manager.enter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del manager, connection
        gc.collect()
    assert any("unclosed" in str(warning.message) for warning in caught), caught
