"""Function calls and the agent loop on lanes."""

from __future__ import annotations

from typing import Any

import oxide
from oxide.testing import Gate, MockServer, Stream

from ..ways import Way

ADD: Any = {
    "type": "function",
    "name": "add",
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
    "strict": True,
}


def add(a: float, b: float) -> str:
    """Add two numbers."""
    return str(int(a + b))


async def test_calls_as_soon_as_they_are_complete(way: Way, server: MockServer, session: Any) -> None:
    gate = Gate()
    mul = {**ADD, "name": "mul"}
    async with session:
        events = await session.lane().send_stream("add and mul 3 and 4", tools=[ADD, mul])
        kinds = [event.type async for event in events]
        # The second call is not begun before the first has been handed over.
        server.queue(Stream(gates={kinds.index("response.function_call_arguments.done") + 1: gate}))
        stream = await session.create_stream_fc("add and mul 3 and 4", tools=[ADD, mul])
        first = await stream.__anext__()
        assert (first.name, first.json()) == ("add", {"a": 3, "b": 4})
        gate.open()
        rest = [call.name async for call in stream]
        assert rest == ["mul"]
        assert [call.name for call in stream.calls] == ["add", "mul"]
        response = await stream.get_final_response()
        outputs = [
            {"type": "function_call_output", "call_id": call.call_id, "output": call.name} for call in stream.calls
        ]
        assert session.previous_response_id == response.id
        assert "add is add" in (await session.send(outputs)).output_text
        async with await session.create_stream_fc("add 1 and 2", tools=[ADD]) as again:
            assert len((await again.get_final_response()).output) == 1
            assert [call.name for call in again.calls] == ["add"]


async def test_the_agent_loop_on_lanes(way: Way, server: MockServer, session: Any) -> None:
    async with session:
        lanes = [session.lane() for _ in range(4)]

        async def one(number: int) -> Any:
            lane = lanes[number]
            if way.is_sync:
                lane = lane._wrapped
                run = lane.run_tools(model="gpt-5", input=f"add {number} and 10", tools=[add])
                return run.get_final_response().output_text
            run = lane.run_tools(model="gpt-5", input=f"add {number} and 10", tools=[add])
            return (await run.get_final_response()).output_text

        texts = await way.gather(*[lambda n=n: one(n) for n in range(4)])
        assert texts == [f"The result of add is {n + 10}." for n in range(4)]
        follow = await lanes[2].send("And?")
        assert follow.output_text == "You said: And? (turn 2)"
    assert len(server.sockets) == 1


async def test_create_is_that_of_responses(way: Way, session: Any) -> None:
    async with session:
        assert (await session.create(input="Hi")).output_text == "You said: Hi"
        events = await session.create(input="Hi", stream=True)
        assert len([event async for event in events]) > 10
        assert isinstance(events.response, oxide.types.responses.Response)
