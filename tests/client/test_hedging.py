"""Hedged calls against a server that is slow when the test says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

import oxide
from oxide.core.hedge import ENOUGH
from oxide.testing import Fault, Gate, MockServer, Reply, Stream

from ..ways import Blocking, Way

HI = {"model": "gpt-5", "input": "Say hi"}


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("oxide race"):
            thread.join(10)
            assert not thread.is_alive()


def clients(way: Way, server: MockServer, **options: Any) -> Any:
    return way.client(base_url=server.base_url, **options)


def copy_of(client: Any) -> Any:
    """A copy of a client, with the asynchronous interface."""
    inner = getattr(client, "_wrapped", None)
    return client.with_options(timeout=60) if inner is None else Blocking(inner.with_options(timeout=60))


def response(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"id": text, "object": "response", "output": [{"type": "message", "id": "m", "content": content}]}


async def test_a_slow_call_gets_a_second_request(way: Way, server: MockServer, gate: Gate) -> None:
    server.queue(Reply(until=gate))
    hedging = clients(way, server, hedge=oxide.Hedge(0.01))
    answer = await hedging.responses.create(**HI)
    assert answer.output_text.endswith("Say hi")
    assert len(server.requests) == 2
    # The first request's connection is closed, not kept with an answer on its way.
    server.wait_for(lambda: len(server.open_connections) == 1)
    assert (await hedging.responses.create(**HI)).output_text == answer.output_text


async def test_a_quick_call_gets_none(way: Way, server: MockServer) -> None:
    hedging = clients(way, server, hedge=oxide.Hedge(60))
    for _ in range(3):
        await hedging.responses.create(**HI)
    assert len(server.requests) == 3
    assert len(server.open_connections) == 1


async def test_the_first_may_win_all_the_same(way: Way, server: MockServer, gate: Gate) -> None:
    first, second = Gate(), gate
    server.queue(Reply(until=first, json=response("first")), Reply(until=second, json=response("second")))
    hedging = clients(way, server, hedge=oxide.Hedge(0.01))

    async def watch() -> Any:
        wait = server.wait_for_requests
        await (anyio.to_thread.run_sync(wait, 2) if not way.is_sync else Ready(wait(2)))
        first.open()

    results = await way.gather(lambda: hedging.responses.create(**HI), watch)
    assert results[0].output_text == "first"
    server.wait_for(lambda: len(server.open_connections) == 1)


class Ready:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Any:
        return self.value
        yield


async def test_there_may_be_more_than_two(way: Way, server: MockServer, gate: Gate) -> None:
    server.queue(Reply(until=gate), Reply(until=gate), Reply(json=response("third")))
    hedging = clients(way, server, hedge=oxide.Hedge(0.01, requests=3, budget=None))
    assert (await hedging.responses.create(**HI)).output_text == "third"
    assert len(server.requests) == 3


async def test_streams_are_hedged_to_their_first_event(way: Way, server: MockServer, gate: Gate) -> None:
    # The head comes at once; a head alone is not an answer.
    server.queue(Stream(stall_after=0))
    hedging = clients(way, server, hedge=oxide.Hedge(0.05))
    async with await hedging.responses.create(**HI, stream=True) as stream:
        events = [event.type async for event in stream]
    assert events[0] == "response.created"
    assert events[-1] == "response.completed"
    assert len(server.requests) == 2
    server.wait_for(lambda: len(server.open_connections) <= 1)


async def test_a_budget_bounds_the_extra_requests(way: Way, server: MockServer) -> None:
    server.queue(Reply(delay=0.05), repeat=None)
    hedging = clients(way, server, hedge=oxide.Hedge(0.01, budget=0.01))
    for _ in range(3):
        await hedging.responses.create(**HI)
    # One is there to begin with.
    assert len(server.requests) == 4


async def test_the_delay_is_learned_by_all_copies(way: Way, server: MockServer, gate: Gate) -> None:
    hedging = clients(way, server, hedge=True)
    for _ in range(ENOUGH):
        await copy_of(hedging).responses.create(**HI)
    assert len(server.requests) == ENOUGH
    server.queue(Reply(until=gate))
    assert (await hedging.responses.create(**HI)).output_text
    assert len(server.requests) == ENOUGH + 2


async def test_an_error_is_not_hedged(way: Way, server: MockServer) -> None:
    server.queue(Reply(status=400, json={"error": {"message": "no"}}))
    hedging = clients(way, server, hedge=oxide.Hedge(60))
    with pytest.raises(oxide.BadRequestError):
        await hedging.responses.create(**HI)
    assert len(server.requests) == 1


async def test_retries_go_on_in_each(way: Way, server: MockServer) -> None:
    server.queue(Reply(status=500, headers={"retry-after-ms": "1"}), Fault.reset_before())
    hedging = clients(way, server, hedge=oxide.Hedge(60), max_retries=3)
    raw = await hedging.responses.with_raw_response.create(**HI)
    assert raw.retries_taken == 2


async def test_what_makes_something_is_not_made_twice(way: Way, server: MockServer) -> None:
    server.queue(Reply(json={"id": "batch_1"}, delay=0.1), path="/v1/batches")
    hedging = clients(way, server, hedge=oxide.Hedge(0.0))
    await hedging.batches.create(completion_window="24h", endpoint="/v1/responses", input_file_id="f")
    await hedging.responses.create(**HI, background=True)
    assert len(server.requests) == 2


async def test_total_bounds_all_of_it(way: Way, server: MockServer, gate: Gate) -> None:
    server.queue(Reply(until=gate), repeat=2)
    hedging = clients(way, server, hedge=oxide.Hedge(0.01), timeout=oxide.Timeout(60, total=0.3))
    with pytest.raises(oxide.APITimeoutError, match=r"timeout\.total"):
        await hedging.responses.create(**HI)


@pytest.mark.parametrize("through", ["client", "method"])
async def test_hedged_request(way: Way, server: MockServer, gate: Gate, through: str) -> None:
    client = clients(way, server)
    inner = getattr(client, "_wrapped", client)
    server.queue(Reply(until=gate))
    call = oxide.hedged_request(inner if through == "client" else inner.responses.create, hedge_delay=0.01, **HI)
    answer = call if way.is_sync else await call
    assert answer.output_text.endswith("Say hi")
    assert len(server.requests) == 2


async def test_hedged_request_n(way: Way, server: MockServer, gate: Gate) -> None:
    client = clients(way, server)
    inner = getattr(client, "_wrapped", client)
    server.queue(Reply(until=gate), Reply(until=gate), Reply(json=response("third")))
    call = oxide.hedged_request_n(inner, 3, hedge_delay=0.01, **HI)
    answer = call if way.is_sync else await call
    assert answer.output_text == "third"


async def test_speculative(way: Way, server: MockServer, gate: Gate) -> None:
    client = clients(way, server)
    inner = getattr(client, "_wrapped", client)
    held = Reply(until=gate)
    server.queue(*[lambda request: held if request.json()["model"] == "gpt-5" else Reply(json=response("mini"))] * 2)
    call = oxide.speculative(inner, {"model": "gpt-5"}, {"model": "gpt-5-mini"}, input="Say hi")
    answer = call if way.is_sync else await call
    assert answer.output_text == "mini"
    server.wait_for(lambda: len(server.open_connections) == 1)


async def test_speculative_falls_back(way: Way, server: MockServer) -> None:
    client = clients(way, server)
    inner = getattr(client, "_wrapped", client)
    call = oxide.speculative(inner, {"model": "no-such-model"}, {"model": "gpt-5"}, input="Say hi", stagger=60)
    answer = call if way.is_sync else await call
    assert answer.output_text.endswith("Say hi")
    with pytest.raises(oxide.NotFoundError):  # noqa: PT012
        call = oxide.speculative(inner, {"model": "no-such-model"}, {"model": "nor-this-one"}, input="Say hi")
        await call


async def test_speculative_streams(way: Way, server: MockServer) -> None:
    client = clients(way, server)
    inner = getattr(client, "_wrapped", client)
    server.queue(Stream(stall_after=0))
    call = oxide.speculative(inner, {}, {}, **HI, stream=True, stagger=0.05)
    if way.is_sync:
        with call as stream:
            kinds = [event.type for event in stream]
    else:
        async with await call as stream:
            kinds = [event.type async for event in stream]
    assert kinds[-1] == "response.completed"


@pytest.mark.parametrize("how", ["asyncio", "trio"])
def test_cancelling_cancels_all(how: str, server: MockServer, gate: Gate) -> None:
    server.queue(Reply(until=gate), repeat=2)

    async def main() -> None:
        async with oxide.AsyncOpenAI(base_url=server.base_url, api_key="sk-test", hedge=oxide.Hedge(0.01)) as client:
            async with anyio.create_task_group() as group:
                group.start_soon(lambda: client.responses.create(**HI))
                await anyio.to_thread.run_sync(server.wait_for_requests, 2)
                group.cancel_scope.cancel()
            await anyio.to_thread.run_sync(server.wait_for, lambda: not server.open_connections)

    anyio.run(main, backend=how)


def test_wrong_targets_are_refused() -> None:
    with pytest.raises(TypeError, match="client"):
        oxide.hedged_request("client", hedge_delay=1.0)
    with oxide.OpenAI(api_key="k") as client:
        with pytest.raises(ValueError, match="at least 2"):
            oxide.hedged_request_n(client, 1, hedge_delay=1.0)
        with pytest.raises(ValueError, match="at least one"):
            oxide.speculative(client)
        with pytest.raises(TypeError, match="did you mean"):
            oxide.speculative(client, {"inptu": "x"}, model="m")
