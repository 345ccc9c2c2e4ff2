"""Retries: what is tried again, when, and that the same is sent again."""

from __future__ import annotations

import pickle
import socket
from email.utils import formatdate
from time import monotonic, time
from typing import Any

import pytest

import oxide
from oxide.core.retry import RetryPolicy
from oxide.testing import Fault, MockServer, Reply, Stream

from .peer import Connection, Peer, chunked, reply

SOON = {"retry-after-ms": "1"}


async def say_hi(client: Any) -> str:
    return (await client.responses.create(model="gpt-5", input="hi")).output_text


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_statuses(way: Any, server: MockServer, client: Any, status: int) -> None:
    server.queue(Reply(status, headers=SOON), repeat=2)
    assert await say_hi(client) == "You said: hi"
    bodies = {request.body for request in server.requests}
    assert len(bodies) == 1
    assert [request.header("x-stainless-retry-count") for request in server.requests] == ["0", "1", "2"]
    assert server.accepted_connections == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_statuses_that_stay(way: Any, server: MockServer, client: Any, status: int) -> None:
    server.queue(Reply(status, headers=SOON))
    with pytest.raises(oxide.APIStatusError) as caught:
        await say_hi(client)
    assert caught.value.status_code == status
    assert caught.value.request_id
    assert len(server.requests) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_given_up(way: Any, server: MockServer, client: Any, stream: bool) -> None:
    server.queue(Reply(429, headers=SOON), repeat=3)
    with pytest.raises(oxide.RateLimitError) as caught:
        await client.responses.create(model="gpt-5", input="hi", stream=stream)
    assert caught.value.body["message"] in str(caught.value)
    assert len(server.requests) == 3
    assert client._transport.stats()["in_use"] == 0


async def test_none(way: Any, server: MockServer) -> None:
    client = way.client(base_url=server.base_url, max_retries=0)
    server.queue(Reply(500, headers=SOON))
    with pytest.raises(oxide.InternalServerError):
        await say_hi(client)
    server.queue(Fault.reset_before())
    with pytest.raises(oxide.APIConnectionError):
        await say_hi(client)
    assert len(server.requests) == 2


@pytest.mark.parametrize(("verdict", "status", "requests"), [("true", 400, 2), ("false", 500, 1)])
async def test_should_retry(
    way: Any, server: MockServer, client: Any, verdict: str, status: int, requests: int
) -> None:
    server.queue(Reply(status, headers={"x-should-retry": verdict, **SOON}))
    if requests == 2:
        assert await say_hi(client) == "You said: hi"
    else:
        with pytest.raises(oxide.APIStatusError):
            await say_hi(client)
    assert len(server.requests) == requests


FAULTS = {
    "reset before": Fault.reset_before(),
    "closed before": Fault.close_before(),
    "reset after the head": Fault.reset_after_head(),
    "closed in the body": Fault.close_in_body(10),
    "reset in the body": Fault.reset_in_body(10),
    "garbage": Fault.garbage(),
}


@pytest.fixture
def _no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    backoff = RetryPolicy._backoff
    monkeypatch.setattr(RetryPolicy, "_backoff", lambda policy, attempt: backoff(policy, attempt) / 1000)


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.usefixtures("_no_delay")
async def test_faults(way: Any, server: MockServer, client: Any, name: str, warm: bool) -> None:
    """On a new connection and on one that has been used."""
    if warm:
        await say_hi(client)
        server.clear()
    server.queue(FAULTS[name], repeat=2)
    assert await say_hi(client) == "You said: hi"
    assert len({request.body for request in server.requests}) == 1
    assert len(server.requests) == 3
    assert client._transport.stats()["open"] == 1
    server.queue(FAULTS[name], repeat=3)
    with pytest.raises(oxide.APIConnectionError) as caught:
        await say_hi(client)
    assert isinstance(caught.value.__cause__, oxide.core.errors.TransportError)
    assert client._transport.stats()["open"] == 0


@pytest.mark.usefixtures("_no_delay")
async def test_refused_connections(way: Any) -> None:
    with socket.socket() as taken:
        # Bound but not listening: refuses, and stays ours.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        client = way.client(base_url=f"http://127.0.0.1:{port}/v1")
        with pytest.raises(oxide.APIConnectionError, match=f"can't connect to 127.0.0.1:{port}: Connection refused"):
            await say_hi(client)
        assert client._transport.stats()["open"] == 0


@pytest.mark.parametrize("form", ["ms", "seconds", "date"])
async def test_asked_to_wait(way: Any, server: MockServer, client: Any, form: str) -> None:
    headers = {
        "ms": {"retry-after-ms": "200", "retry-after": "7"},
        "seconds": {"retry-after": "0.2"},
        # Dates have no fractions: two to three seconds ahead would be long, so this one is all but over.
        "date": {"retry-after": formatdate(time() + 1.9, usegmt=True)},
    }[form]
    server.queue(Reply(429, headers=headers))
    start = monotonic()
    assert await say_hi(client) == "You said: hi"
    assert (0.15 if form != "date" else 0.3) <= monotonic() - start < 5


@pytest.mark.parametrize("value", ["121", "1e999", "date"])
async def test_asked_to_wait_for_long(way: Any, server: MockServer, client: Any, value: str) -> None:
    value = formatdate(time() + 3600, usegmt=True) if value == "date" else value
    server.queue(Reply(429, headers={"retry-after": value}))
    with pytest.raises(oxide.RateLimitError):
        await say_hi(client)
    assert len(server.requests) == 1


async def test_wait_that_would_outlast_the_deadline(way: Any, server: MockServer, client: Any) -> None:
    server.queue(Reply(503, headers={"retry-after": "30"}))
    start = monotonic()
    with pytest.raises(oxide.InternalServerError):
        await client.responses.create(model="gpt-5", input="hi", timeout=oxide.Timeout(60, total=10))
    assert monotonic() - start < 5


@pytest.mark.parametrize("fault", [{"cut_after": 3}, {"reset_after": 3}])
async def test_nothing_is_repeated_once_a_stream_began(way: Any, server: MockServer, client: Any, fault: Any) -> None:
    server.queue(Stream(**fault))
    stream = await client.responses.create(model="gpt-5", input="hi", stream=True)
    events = []
    with pytest.raises(oxide.APIConnectionError) as caught:  # noqa: PT012
        async for event in stream:
            events.append(event)  # noqa: PERF401
    assert len(events) == 3
    assert isinstance(caught.value.__cause__, oxide.core.errors.ReadError)
    assert [event async for event in stream] == []
    assert len(server.requests) == 1
    assert client._transport.stats()["open"] == 0


CUTS = {
    "cut": Stream(cut_after=0),
    "reset": Stream(reset_after=0),
    "in the first event": Fault.close_in_body(10),
    "after the head": Fault.reset_after_head(),
}


@pytest.mark.parametrize("name", CUTS)
@pytest.mark.parametrize("hedged", [False, True])
async def test_a_stream_cut_before_its_first_event(way: Any, server: MockServer, name: str, hedged: bool) -> None:
    client = way.client(base_url=server.base_url, retry=NOW, hedge=oxide.Hedge(60) if hedged else None)

    async def read() -> list[str]:
        stream = await client.responses.create(model="gpt-5", input="hi", stream=True)
        return [event.type async for event in stream]

    server.queue(CUTS[name], Reply(503), CUTS[name], CUTS[name])
    with pytest.raises(oxide.APIConnectionError) as caught:
        await read()
    assert caught.value.retries_taken == 2
    assert [request.header("x-stainless-retry-count") for request in server.requests] == ["0", "1", "2"]
    events = await read()
    assert events[0] == "response.created"
    assert events[-1] == "response.completed"
    assert len(server.requests) == 5
    assert client._transport.stats()["in_use"] == 0


async def test_a_raw_stream_is_what_came(way: Any, server: MockServer) -> None:
    client = way.client(base_url=server.base_url, retry=NOW)
    server.queue(Stream(cut_after=0))
    raw = await client.responses.with_raw_response.create(model="gpt-5", input="hi", stream=True)
    with pytest.raises(oxide.APIConnectionError):
        [event async for event in raw.parse()]
    assert len(server.requests) == 1


async def test_a_stream_that_did_not_begin(way: Any, server: MockServer, client: Any) -> None:
    server.queue(Reply(503, headers=SOON))
    stream = await client.responses.create(model="gpt-5", input="hi", stream=True)
    assert [event async for event in stream][-1].type == "response.completed"
    assert len(server.requests) == 2


# --- connections that the server closed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("reset", [False, True])
async def test_closed_while_idle(way: Any, server: MockServer, reset: bool) -> None:
    """Seen before anything is sent, so it costs no retry: every one of several idle connections is replaced."""
    client = way.client(base_url=server.base_url, max_retries=0)

    async def one() -> None:
        await say_hi(client)

    await way.gather(*[one] * 4)
    opened = client._transport.stats()["opened"]
    assert server.drop_idle_connections(reset=reset) == opened
    start = monotonic()
    await say_hi(client)
    assert monotonic() - start < 0.4
    assert client._transport.stats()["opened"] == opened + 1
    assert client._transport.stats()["open"] == 1
    assert len(server.requests) == 5


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("stream", [False, True])
async def test_closed_while_asked(way: Any, how: str, stream: bool) -> None:
    """The request crosses the server's idle timeout: it is sent again at once, on a new connection."""
    answer = chunked(b"data: {}\n\n") if stream else reply()

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(answer)
        connection.receive()
        if connection.number == 0:
            getattr(connection, how)()
        else:
            connection.wait_closed()

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url)
        took = []
        for _ in range(2):
            start = monotonic()
            result = await client.post("/x", cast_to=object, body={"b": 1}, stream=stream)
            if stream:
                assert [event async for event in result] == [{}]
            took.append(monotonic() - start)
        assert took[1] < 0.3
        assert [request.body for request in peer.requests] == [b'{"b":1}'] * 3
        assert [request.headers["x-stainless-retry-count"] for request in peer.requests] == ["0", "0", "1"]


async def test_closed_while_asked_without_retries(way: Any) -> None:
    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(reply())
        connection.receive()

    with Peer(script) as peer:
        client = way.client(base_url=peer.base_url, max_retries=0)
        await client.get("/x", cast_to=object)
        with pytest.raises(oxide.APIConnectionError, match="kept from an earlier request"):
            await client.get("/x", cast_to=object)
        assert len(peer.requests) == 2


# --- the policy by itself ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attempt", [0, 1, 2, 5, 100, 100_000])
def test_backoff(attempt: int) -> None:
    error = oxide.core.errors.ConnectError("x")
    for _ in range(50):
        delay = RetryPolicy(10**6).after_error(error, attempt)
        assert delay is not None
        whole = min(0.5 * 2.0 ** min(attempt, 10), 8.0)
        assert 0.75 * whole <= delay <= whole


@pytest.mark.parametrize("value", [True, 1.0, "2", None])
def test_wrong_type(value: Any) -> None:
    with pytest.raises(TypeError, match="max_retries"):
        oxide.OpenAI(api_key="k", max_retries=value)


def test_wrong_value() -> None:
    with pytest.raises(ValueError, match="max_retries"):
        oxide.OpenAI(api_key="k", max_retries=-1)


async def test_key_function_is_asked_for_each_attempt(way: Any, server: MockServer) -> None:
    keys = iter(["sk-test-old", "sk-test"])
    client = way.client(base_url=server.base_url, api_key=lambda: next(keys))
    server.queue(Reply(500, headers=SOON))
    assert await say_hi(client) == "You said: hi"
    assert [request.header("authorization") for request in server.requests] == ["Bearer sk-test-old", "Bearer sk-test"]


# --- a policy of one's own ----------------------------------------------------------------------------------------------

NOW = RetryPolicy(initial_delay=0)


async def test_policies_of_client_copy_and_call(way: Any, server: MockServer) -> None:
    client = way.client(base_url=server.base_url, retry=NOW.replace(max_retries=1, statuses=[418]))
    server.queue(Reply(418), repeat=None)

    async def requests(call: Any, options: Any = None) -> int:
        before = len(server.requests)
        with pytest.raises(oxide.APIStatusError) as caught:
            await call("/x", cast_to=object, body={}, options=options or {})
        made = len(server.requests) - before
        assert caught.value.retries_taken == made - 1
        return made

    def copy(**options: Any) -> Any:
        return way.adopt(getattr(client, "_wrapped", client).with_options(**options)).post

    assert client.max_retries == 1
    assert await requests(client.post) == 2
    assert await requests(client.post, {"max_retries": 3}) == 4
    assert await requests(client.post, {"retry": NOW}) == 1
    assert await requests(copy(max_retries=2)) == 3
    assert await requests(copy(retry=NOW)) == 1
    assert client.retry.statuses == {418}
    client.retry = NOW
    assert await requests(client.post) == 1
    client.max_retries = 7
    assert client.retry == NOW.replace(max_retries=7)


def test_one_of_two() -> None:
    with pytest.raises(ValueError, match="max_retries or retry"):
        oxide.OpenAI(api_key="k", max_retries=1, retry=NOW)
    with oxide.OpenAI(api_key="k") as client:
        with pytest.raises(ValueError, match="max_retries or retry"):
            client.with_options(max_retries=1, retry=NOW)
        with pytest.raises(ValueError, match="max_retries or retry"):
            client.post("/x", cast_to=object, options={"max_retries": 1, "retry": NOW})
    with pytest.raises(TypeError, match="retry must be a RetryPolicy"):
        oxide.OpenAI(api_key="k", retry=3)  # type: ignore[arg-type]


async def test_a_budget_bounds_the_retries_of_all_copies(way: Any, server: MockServer) -> None:
    client = way.client(base_url=server.base_url, retry=NOW.replace(budget=oxide.Budget(0.1, burst=3)))
    copy = way.adopt(getattr(client, "_wrapped", client).with_options(timeout=9))
    server.queue(Reply(500), repeat=None)
    errors = []
    for index in range(20):
        with pytest.raises(oxide.InternalServerError) as caught:
            await say_hi((client, copy)[index % 2])
        errors.append(caught.value)
    # One is there at the beginning, and twenty calls earn two.
    assert len(server.requests) == 20 + 3
    assert "not repeated, since the client's retry budget is used up" in str(errors[-1])
    assert sum(error.retries_taken for error in errors) == 3


async def test_idempotency_keys(way: Any, server: MockServer) -> None:
    client = way.client(base_url=server.base_url, retry=NOW.replace(idempotency_keys=True))
    server.queue(Reply(500), repeat=2)
    for _ in range(2):
        await say_hi(client)
    await client.responses.create(model="gpt-5", input="hi", extra_headers={"idempotency-key": "mine"})
    await client.responses.create(model="gpt-5", input="hi", extra_headers={"Idempotency-Key": oxide.omit})
    await client.models.list()
    first, second, third, fourth, own, none, get = [request.header("idempotency-key") for request in server.requests]
    assert first == second == third
    assert first.startswith("oxide-")
    assert fourth not in (None, first)
    assert own == "mine"
    assert none is get is None


async def test_hedges_share_a_key(way: Any, server: MockServer) -> None:
    client = way.client(base_url=server.base_url, hedge=oxide.Hedge(0.01), retry=NOW.replace(idempotency_keys=True))
    server.queue(Reply(delay=0.2))
    await say_hi(client)
    keys = [request.header("idempotency-key") for request in server.requests]
    assert len(keys) == 2
    assert len(set(keys)) == 1


@pytest.mark.parametrize("retries", [1, 2])
async def test_retries_taken(way: Any, server: MockServer, retries: int) -> None:
    client = way.client(base_url=server.base_url, retry=NOW.replace(max_retries=retries))
    server.queue(Reply(500), repeat=retries)
    response = await client.responses.create(model="gpt-5", input="hi")
    assert response._retries_taken == retries
    server.queue(Reply(500), repeat=retries)
    stream = await client.responses.create(model="gpt-5", input="hi", stream=True)
    assert stream.response.retries_taken == retries
    await stream.close()
    server.queue(Reply(500), repeat=retries)
    assert (await client.responses.with_raw_response.create(model="gpt-5", input="hi")).retries_taken == retries
    server.queue(Fault.reset_before(), repeat=retries + 1)
    with pytest.raises(oxide.APIConnectionError) as broken:
        await say_hi(client)
    assert broken.value.retries_taken == retries
    assert pickle.loads(pickle.dumps(broken.value)).retries_taken == retries
    server.queue(Reply(delay=5), repeat=retries + 1)
    with pytest.raises(oxide.APITimeoutError) as late:
        await client.responses.create(model="gpt-5", input="hi", timeout=0.02)
    assert late.value.retries_taken == retries
