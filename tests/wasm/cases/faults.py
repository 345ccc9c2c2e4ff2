"""What goes wrong: retries, limits of time, cancellation, redirects."""

from __future__ import annotations

import asyncio
from typing import Any

from pyodide.ffi import JsException

import oxide

from ..world import World, raises, script


def create(client: Any, **params: Any) -> Any:
    return client.responses.create(**{"model": "gpt-5", "input": "hi", **params})


async def test_retried(world: World) -> None:
    await world.server.queue(
        script("Reply", status=503, headers={"retry-after-ms": "1"}),
        script("Reply", status=429, headers={"retry-after-ms": "1"}),
    )
    assert (await create(world.client())).output_text == "You said: hi"
    counts = [request["headers"]["x-stainless-retry-count"] for request in await world.server.requests()]
    assert counts == ["0", "1", "2"]


async def test_retries_come_to_an_end(world: World) -> None:
    await world.server.queue(script("Reply", status=500, headers={"retry-after-ms": "1"}), repeat=2)
    with raises(oxide.InternalServerError):
        await create(world.client(max_retries=1))


async def test_a_connection_that_breaks_is_retried(world: World) -> None:
    await world.server.queue(script("Fault.reset_before"))
    assert (await create(world.client(max_retries=2))).output_text == "You said: hi"


async def test_nobody_answers(world: World) -> None:
    with raises(oxide.APIConnectionError, "127.0.0.1") as caught:
        await create(world.client(base_url=world.nobody, max_retries=0))
    error = caught.value.__cause__
    assert isinstance(error, oxide.TransportError), error
    assert world.browser or isinstance(error, oxide.ConnectError), error
    assert isinstance(error.__cause__, JsException), error.__cause__


async def test_a_body_that_ends_early(world: World) -> None:
    await world.server.queue(script("Fault.close_in_body", 10))
    with raises(oxide.APIConnectionError) as caught:
        await create(world.client(max_retries=0))
    assert isinstance(caught.value.__cause__, oxide.ReadError)


async def test_a_stream_that_ends_early(world: World) -> None:
    await world.server.queue(script("Stream", reset_after=3))
    # Where the reset overtakes the events, the stream would be asked for again.
    stream = await create(world.client(max_retries=0), stream=True)
    with raises(oxide.APIConnectionError):
        async for _ in stream:
            pass


async def test_silence_before_the_response(world: World) -> None:
    await world.server.queue(script("Fault.stall_before"))
    with raises(oxide.APITimeoutError, "timeout.read", "0.2 s") as caught:
        await create(world.client(max_retries=0, timeout=oxide.Timeout(5, read=0.2)))
    assert isinstance(caught.value.__cause__, oxide.ReadTimeout)
    assert isinstance(caught.value.__cause__.__cause__, JsException)
    await world.server.wait_disconnected(0)


async def test_silence_in_a_stream(world: World) -> None:
    await world.server.queue(script("Stream", stall_after=2))
    stream = await create(world.client(timeout=oxide.Timeout(5, read=0.3)), stream=True)
    events = []
    with raises(oxide.APITimeoutError, "timeout.read"):
        async for event in stream:
            events += [event.type]
    assert events == ["response.created", "response.in_progress"]
    await world.server.wait_disconnected(0)


async def test_silence_is_counted_from_the_last_piece(world: World) -> None:
    """Reading slowly is not silence of the server's."""
    stream = await create(world.client(timeout=oxide.Timeout(5, read=0.2)), stream=True)
    await anext(stream)
    await asyncio.sleep(0.4)
    assert [event.type async for event in stream][-1] == "response.completed"


async def test_the_whole_call_takes_too_long(world: World) -> None:
    await world.server.queue(script("Fault.stall_before"), repeat=3)
    with raises(oxide.APITimeoutError, "timeout.total") as caught:
        await create(world.client(timeout=oxide.Timeout(0.2, read=None, total=0.3)))
    assert isinstance(caught.value.__cause__, oxide.TotalTimeout)


async def test_the_whole_call_takes_too_long_in_a_stream(world: World) -> None:
    await world.server.queue(script("Stream", stall_after=2))
    stream = await create(world.client(timeout=oxide.Timeout(5, total=0.4)), stream=True)
    with raises(oxide.APITimeoutError, "timeout.total"):
        async for _ in stream:
            pass


async def test_a_timeout_is_retried(world: World) -> None:
    await world.server.queue(script("Fault.stall_before"))
    client = world.client(timeout=oxide.Timeout(5, read=0.3), max_retries=1)
    assert (await create(client)).output_text == "You said: hi"


async def test_cancelled_before_the_response(world: World) -> None:
    await world.server.queue(script("Fault.stall_before"))
    task = asyncio.ensure_future(create(world.client()))
    while not await world.server.requests():
        await asyncio.sleep(0.01)
    task.cancel()
    with raises(asyncio.CancelledError):
        await task
    await world.server.wait_disconnected(0)


async def test_cancelled_in_a_stream(world: World) -> None:
    await world.server.queue(script("Stream", stall_after=2))
    stream = await create(world.client(), stream=True)
    seen = 0
    with raises(TimeoutError):
        async with asyncio.timeout(0.3):
            async for _ in stream:
                seen += 1
    assert seen == 2
    await world.server.wait_disconnected(0)


async def test_dropped_in_a_stream(world: World) -> None:
    """Who forgets a stream gives it up."""
    await world.server.queue(script("Stream", stall_after=2))
    stream = await create(world.client(), stream=True)
    await anext(stream)
    del stream
    await world.server.wait_disconnected(0)


async def test_cancelled_between_attempts(world: World) -> None:
    await world.server.queue(script("Reply", status=503, headers={"retry-after": "30"}))
    with raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await create(world.client())


async def redirect(world: World, location: str) -> None:
    """Have requests redirected: a browser shows no redirect, so there the request is sent once more for the browser to follow it."""
    redirected = script("Reply", status=307, headers={"location": location})
    await world.server.queue(redirected, path="/v1/responses", repeat=2 if world.browser else 1)


async def test_redirected(world: World) -> None:
    """Within an origin, the key goes along; to another it does not."""
    await redirect(world, "/v1/responses")
    assert (await create(world.client())).output_text == "You said: hi"
    assert all(request["headers"]["authorization"] for request in await world.server.requests())


async def test_redirected_elsewhere(world: World) -> None:
    await redirect(world, f"{world.elsewhere}/v1/responses")
    with raises(oxide.AuthenticationError, "You didn't provide an API key") as caught:
        await create(world.client(max_retries=0))
    url = str(caught.value.response.url)
    assert url.startswith(world.elsewhere), url
    *_, last = await world.server.requests()
    assert "authorization" not in last["headers"]


async def test_redirected_with_other_credentials(world: World) -> None:
    """What the platform follows by itself must not carry credentials that it does not know for such."""
    await redirect(world, f"{world.elsewhere}/v1/responses")
    client = world.client(max_retries=0, default_headers={"X-API-Key": "secret"})
    with raises(oxide.APIConnectionError if world.browser else oxide.AuthenticationError):
        await create(client)
    assert all("x-api-key" not in request["headers"] for request in (await world.server.requests())[1:])


async def test_something_that_is_not_http(world: World) -> None:
    await world.server.queue(script("Fault.garbage"))
    with raises(oxide.APIConnectionError):
        await create(world.client(max_retries=0))


async def test_header_fields_that_cannot_be_sent(world: World) -> None:
    for name in ("Cookie", "Origin", "Sec-Fetch-Mode", "Proxy-Authorization", "Transfer-Encoding"):
        with raises(oxide.OpenAIError, repr(name), "can't be sent"):
            await create(world.client(), extra_headers={name: "x"})


async def test_a_deeply_nested_answer(world: World) -> None:
    """Within what Pyodide's stack takes."""
    deep = "[" * 100 + "]" * 100
    await world.server.queue(script("Reply", text='{"object": "list", "data": [], "more": ' + deep + "}"))
    assert (await world.client().models.list()).data == []
