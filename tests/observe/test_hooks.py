"""What hooks are told, in which order, and what they can't disturb."""

from __future__ import annotations

import gc
import logging
import pickle
from typing import Any

import anyio
import pytest

import oxide
from oxide import hooks as h
from oxide.core.hooks import NAMES
from oxide.testing import Gate, MockServer, Reply

from ..client.h2_peer import serving
from ..client.peer import Connection, Event, Peer, chunked, reply
from ..ways import Blocking, Way

HI: dict[str, Any] = {"model": "gpt-5", "input": "Say hi"}
CHAT: dict[str, Any] = {"model": "gpt-5", "messages": [{"role": "user", "content": "Say hi"}]}


class Recorder(oxide.Hooks):
    """Keeps every event, under the name of its hook."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        super().__init__(**{name: lambda event, name=name: self.events.append((name[3:], event)) for name in NAMES})

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events if name != "stream_event"]

    def of(self, name: str) -> list[Any]:
        return [event for which, event in self.events if which == name]

    def last(self, name: str) -> Any:
        return self.of(name)[-1]


async def test_a_call(way: Way, server: MockServer) -> None:
    seen = Recorder()
    client = way.client(base_url=server.base_url, hooks=seen)
    answer = await client.responses.create(**HI, temperature=0.5)
    assert seen.names == ["call_start", "request", "response", "call_end"]
    assert len({id(event.call) for _, event in seen.events}) == 1
    call = seen.events[0][1].call
    assert (call.operation, call.method, call.path) == ("responses.create", "POST", "/v1/responses")
    assert (call.model, call.stream, call.provider, call.settings) == ("gpt-5", False, "openai", {"temperature": 0.5})
    assert call.url == server.base_url + "/responses"
    response = seen.last("response")
    assert (response.status, response.attempt, response.hedge, response.http_version) == (200, 1, 0, "HTTP/1.1")
    assert response.reused is False
    timings = response.timings
    assert timings.queue == 0
    assert 0 < timings.connect < timings.first_byte <= timings.total
    end = seen.last("call_end")
    assert (end.outcome, end.error, end.status, end.retries, end.requests) == ("ok", None, 200, 0, 1)
    assert end.request_id == response.request_id
    assert end.total >= timings.total
    assert (end.result.id, end.result.model) == (answer.id, answer.model)
    assert end.result.finish_reasons == ("completed",)
    assert end.result.usage.input_tokens == answer.usage.input_tokens
    assert end.result.usage.output_tokens == answer.usage.output_tokens
    assert end.pool == h.PoolStats(open=1, idle=1, opened=1)
    await client.responses.create(**HI)
    assert seen.last("response").reused is True
    assert seen.last("response").timings.connect is None


async def test_a_stream(way: Way, server: MockServer) -> None:
    seen = Recorder()
    client = way.client(base_url=server.base_url, hooks=seen)
    count = 0
    async for _ in await client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}):
        assert "stream_end" not in seen.names
        count += 1
    assert seen.names == ["call_start", "request", "response", "stream_end", "call_end"]
    end = seen.last("stream_end")
    assert (end.how, end.error, end.events) == ("complete", None, count)
    assert end.bytes > 0
    assert 0 < end.first_event <= end.total
    assert end.result.finish_reasons == ("stop",)
    assert end.result.usage.output_tokens > 0
    assert seen.last("call_end").outcome == "ok"
    assert [event.number for event in seen.of("stream_event")] == list(range(1, count + 1))
    assert sum(event.gap for event in seen.of("stream_event")) == pytest.approx(seen.last("stream_event").elapsed)


def ending(connection: Connection) -> None:
    event = b'data: {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": []}\n\n'
    while (request := connection.receive()) is not None:
        how = request.headers["x-how"]
        if how == "broken":
            connection.send(chunked(event, end=False))
            return
        if how == "error":
            connection.send(chunked(event, b'data: {"error": {"message": "no"}}\n\n'))
        else:
            connection.send(chunked(event, end=False))
            connection.wait_closed()
            return


@pytest.mark.parametrize("how", ["closed", "dropped", "broken", "error", "cancelled"])
async def test_how_streams_end(way: Way, how: str) -> None:
    if how == "cancelled" and way.is_sync:
        pytest.skip("there is no cancelling a thread")
    seen = Recorder()
    with Peer(ending) as peer:
        client = way.client(base_url=peer.base_url, hooks=seen)
        stream = await client.chat.completions.create(**CHAT, stream=True, extra_headers={"x-how": how})
        assert (await stream.__anext__()).id == "c1"
        if how == "closed":
            await stream.close()
        elif how == "dropped":
            del stream
        elif how == "cancelled":
            with anyio.move_on_after(0.01):
                await stream.__anext__()
        else:
            with pytest.raises(oxide.APIError):
                await stream.__anext__()
    end = seen.last("stream_end")
    assert end.how == {"dropped": "closed", "broken": "error"}.get(how, how)
    assert (end.error is not None) == (how in ("broken", "error"))
    assert (end.events, end.result.id, end.result.model) == (1, "c1", "m")
    assert seen.last("call_end").outcome == end.how
    assert seen.names.count("stream_end") == seen.names.count("call_end") == 1


@pytest.mark.parametrize("times", [1, 3])
async def test_a_stream_that_is_asked_for_again(way: Way, times: int) -> None:
    """One that breaks before its first event is the same stream, until nobody tries any more."""
    seen = Recorder()

    def script(connection: Connection) -> None:
        while connection.receive() is not None:
            if connection.number < times:
                connection.send(chunked(b": nothing yet\n\n", end=False))
                return
            connection.send(chunked(b'data: {"id": "c1", "choices": []}\n\n', b"data: [DONE]\n\n"))

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, hooks=seen, retry=oxide.RetryPolicy(2, initial_delay=0.001))
        stream = await client.chat.completions.create(**CHAT, stream=True)
        if times == 1:
            assert [event.id async for event in stream] == ["c1"]
            assert (seen.last("stream_end").how, seen.last("stream_end").events) == ("complete", 1)
        else:
            with pytest.raises(oxide.APIConnectionError) as caught:
                await stream.__anext__()
            assert seen.last("stream_end").error is caught.value
    assert seen.names[-2:] == ["stream_end", "call_end"]
    assert seen.names.count("stream_end") == seen.names.count("call_end") == 1
    assert seen.names.count("retry") == min(times, 2)
    assert seen.last("call_end").retries == min(times, 2)


async def test_a_stream_in_a_cycle(way: Way, server: MockServer) -> None:
    """The garbage collector calls no hook: what it finds is told of with the next call."""
    seen = Recorder()
    client = way.client(base_url=server.base_url, hooks=seen)
    stream = await client.responses.create(**HI, stream=True)
    await stream.__anext__()
    inner = getattr(stream, "_wrapped", stream)
    inner.itself = inner
    gc.disable()
    try:
        del stream, inner
        assert "stream_end" not in seen.names
    finally:
        gc.enable()
    gc.collect()
    first = seen.events[0][1].call
    await client.models.list()
    assert seen.last("stream_end").call is first
    assert seen.last("stream_end").how == "closed"


async def test_retries(way: Way, server: MockServer) -> None:
    seen = Recorder()
    server.queue(Reply(status=429, headers={"retry-after-ms": "1"}))
    client = way.client(base_url=server.base_url, hooks=seen)
    await client.responses.create(**HI)
    assert seen.names == ["call_start", "request", "response", "retry", "request", "response", "call_end"]
    retry = seen.last("retry")
    assert (retry.attempt, retry.status, retry.reason, retry.error, retry.max_retries) == (
        1,
        429,
        "status 429",
        None,
        2,
    )
    assert retry.delay == 0.001
    assert [event.attempt for event in seen.of("request")] == [1, 2]
    assert (seen.last("call_end").retries, seen.last("call_end").requests) == (1, 2)


async def test_errors(way: Way, server: MockServer) -> None:
    seen = Recorder()
    server.queue(Reply(status=400))
    client = way.client(base_url=server.base_url, hooks=seen, max_retries=0)
    with pytest.raises(oxide.BadRequestError) as caught:
        await client.responses.create(**HI)
    assert seen.names == ["call_start", "request", "response", "call_end"]
    assert seen.last("call_end").error is caught.value
    assert (seen.last("call_end").outcome, seen.last("call_end").status) == ("error", 400)
    seen.events.clear()
    other = way.client(base_url="http://127.0.0.1:1", hooks=seen, max_retries=0)
    with pytest.raises(oxide.APIConnectionError) as lost:
        await other.responses.create(**HI)
    assert seen.names == ["call_start", "request", "error", "call_end"]
    assert seen.last("error").error is lost.value.__cause__
    assert not seen.last("error").cancelled
    assert seen.last("error").timings.connect > 0
    assert seen.last("call_end").error is lost.value


async def test_a_result_that_does_not_decode(way: Way) -> None:
    seen = Recorder()

    def script(connection: Connection) -> None:
        while connection.receive() is not None:
            connection.send(reply(b"{"))

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, hooks=seen)
        with pytest.raises(oxide.APIResponseValidationError) as caught:
            await client.responses.create(**HI)
    assert seen.last("call_end").error is caught.value


async def test_cancelled(way: Way, server: MockServer) -> None:
    if way.is_sync:
        pytest.skip("there is no cancelling a thread")
    seen = Recorder()
    gate = Gate()
    server.queue(Reply(until=gate))
    client = way.client(base_url=server.base_url, hooks=seen)
    with anyio.move_on_after(0.05):
        await client.responses.create(**HI)
    gate.open()
    assert seen.names == ["call_start", "request", "error", "call_end"]
    assert seen.last("error").cancelled
    assert (seen.last("call_end").outcome, seen.last("call_end").error) == ("cancelled", None)


async def test_hedging(way: Way, server: MockServer) -> None:
    seen = Recorder()
    gate = Gate()
    server.queue(Reply(until=gate))
    client = way.client(base_url=server.base_url, hooks=seen, hedge=oxide.Hedge(0.01))
    await client.responses.create(**HI)
    gate.open()
    begun, won = seen.of("hedge")
    assert (begun.kind, begun.hedge, begun.requests) == ("begun", 1, 2)
    assert (won.kind, won.hedge, won.requests) == ("won", 1, 2)
    assert [event.hedge for event in seen.of("request")] == [0, 1]
    assert len({id(event.call) for _, event in seen.events}) == 1
    assert seen.last("call_end").requests == 2
    assert seen.names.count("call_end") == 1


async def test_waiting_for_a_connection(way: Way) -> None:
    seen = Recorder()
    go = Event()

    def script(connection: Connection) -> None:
        while connection.receive() is not None:
            go.wait()
            connection.send(reply())

    class Release(oxide.Hooks):
        def on_request(self, event: h.RequestEvent, /) -> None:
            # The second call is about to wait for the connection that the first one has.
            if len(seen.of("request")) == 2:
                go.set()

    with Peer(script) as peer:
        transport = way.transport(limits=oxide.Limits(max_connections=1))
        client = way.client(base_url=peer.base_url, http_client=transport, hooks=[seen, Release()])
        await way.gather(*[lambda: client.get("/x", cast_to=object)] * 2)
        queues = sorted(event.timings.queue for event in seen.of("response"))
    assert queues[0] == 0 <= queues[1]
    assert sorted(event.reused for event in seen.of("response")) == [False, True]


async def test_http2(way: Way) -> None:
    seen = Recorder()
    with Peer(serving()) as peer:
        transport = way.transport(http2=oxide.HTTP2(prior_knowledge=True))
        client = way.client(base_url=peer.base_url, http_client=transport, hooks=seen)
        await client.get("/x", cast_to=object)
        await client.get("/x", cast_to=object)
    assert [event.http_version for event in seen.of("response")] == ["HTTP/2", "HTTP/2"]
    assert [event.reused for event in seen.of("response")] == [False, True]
    assert seen.of("response")[0].timings.first_byte > 0


async def test_raw_responses(way: Way, server: MockServer) -> None:
    seen = Recorder()
    client = way.client(base_url=server.base_url, hooks=seen)
    raw = await client.responses.with_raw_response.create(**HI)
    assert seen.last("call_end").result.usage.output_tokens == getattr(raw, "_wrapped", raw).parse().usage.output_tokens
    if way.is_sync:
        with client._wrapped.responses.with_streaming_response.create(**HI) as unread:
            assert "stream_end" not in seen.names
            unread.read()
    else:
        async with client.responses.with_streaming_response.create(**HI) as unread:
            assert "stream_end" not in seen.names
            await unread.read()
    assert (seen.last("stream_end").how, seen.last("stream_end").events) == ("complete", 0)


async def test_header_fields_of_a_hook(way: Way, server: MockServer) -> None:
    client = way.client(
        base_url=server.base_url, hooks=oxide.Hooks(on_request=lambda event: {"X-Try": str(event.attempt)})
    )
    server.queue(Reply(status=500, headers={"retry-after-ms": "1"}))
    await client.responses.create(**HI)
    assert [dict(request.headers)[b"X-Try"] for request in server.requests] == [b"1", b"2"]


def broken(event: Any) -> Any:
    raise ZeroDivisionError("a hook's own fault")


@pytest.mark.parametrize(
    "function", [broken, lambda event: {"X-Bad": "a\nb"}, lambda event: 7], ids=["raises", "line break", "number"]
)
async def test_a_hook_that_fails(way: Way, server: MockServer, caplog: pytest.LogCaptureFixture, function: Any) -> None:
    client = way.client(base_url=server.base_url, hooks=oxide.Hooks(on_request=function))
    with caplog.at_level(logging.ERROR, "oxide"):
        assert (await client.responses.create(**HI)).output_text
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "on_request" in record.getMessage()
    if function is broken:
        assert "a hook's own fault" in caplog.text


async def test_every_hook_may_fail(way: Way, server: MockServer, caplog: pytest.LogCaptureFixture) -> None:
    client = way.client(base_url=server.base_url, hooks=oxide.Hooks(**dict.fromkeys(NAMES, broken)))
    server.queue(Reply(status=500, headers={"retry-after-ms": "1"}))
    with caplog.at_level(logging.ERROR, "oxide"):
        events = [event async for event in await client.responses.create(**HI, stream=True)]
    assert events
    failed = {record.args[0] for record in caplog.records if record.args}
    assert failed == set(NAMES) - {"on_error", "on_hedge"}


async def wait(event: Any) -> None: ...


class Waiting(oxide.Hooks):
    async def on_response(self, event: Any, /) -> None: ...


class Callable_:
    async def __call__(self, event: Any) -> None: ...


def test_coroutine_functions_are_refused() -> None:
    for wrong in (wait, Callable_()):
        with pytest.raises(TypeError, match="on_retry must be a plain function"):
            oxide.Hooks(on_retry=wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="on_response must be a plain function"):
        oxide.OpenAI(api_key="k", hooks=Waiting())
    with pytest.raises(TypeError, match="must be a function, not int"):
        oxide.Hooks(on_request=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"hooks must be oxide\.Hooks"):
        oxide.OpenAI(api_key="k", hooks=print)  # type: ignore[arg-type]


async def test_a_hook_that_gives_a_coroutine(way: Way, server: MockServer, caplog: pytest.LogCaptureFixture) -> None:
    client = way.client(base_url=server.base_url, hooks=oxide.Hooks(on_response=lambda event: wait(event)))
    with caplog.at_level(logging.ERROR, "oxide"):
        await client.responses.create(**HI)
    assert "hooks are plain functions" in caplog.text


async def test_copies(way: Way, server: MockServer) -> None:
    first, second = Recorder(), Recorder()
    client = way.client(base_url=server.base_url, hooks=first)
    inner = getattr(client, "_wrapped", client)

    def copy(**options: Any) -> Any:
        other = inner.with_options(**options)
        return Blocking(other) if way.is_sync else other

    await copy(timeout=9).models.list()
    assert first.names == ["call_start", "request", "response", "call_end"]
    await copy(hooks=[second]).models.list()
    await copy(hooks=None).models.list()
    assert len(first.events) == 4
    assert second.last("call_start").call.operation == "models.list"
    # They don't travel, as connections don't.
    again = pickle.loads(pickle.dumps(inner))
    assert again.config.hooks is None
    way.adopt(again)


def test_events_do_not_change() -> None:
    event = h.CallEvent(call=h.CallInfo(operation="o", method="GET", path="/", url="http://h/", host="h", port=80))
    with pytest.raises(AttributeError):
        event.pool = None  # type: ignore[misc]
    with pytest.raises(AttributeError):
        event.call.model = "m"  # type: ignore[misc]
