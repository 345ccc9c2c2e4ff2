"""What a test can order: replies, streams, gates, raw bytes."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from openai import OpenAI

from oxide.testing import Gate, MockServer, Raw, RecordedRequest, Reply, Stream

from .wire import CLOSED, Wire

HI = {"model": "gpt-5", "input": "hi"}


def say(client: OpenAI, text: str = "hi") -> str:
    return client.responses.create(model="gpt-5", input=text).output_text


def test_first_in_first_out_and_then_as_always(server: MockServer, client: OpenAI) -> None:
    server.queue(Reply(429, headers={"retry-after-ms": "5"}), Reply(503))
    assert server.pending == 2
    with pytest.raises(openai.RateLimitError) as limited:
        say(client)
    assert limited.value.response.headers["retry-after-ms"] == "5"
    assert limited.value.code == "rate_limit_exceeded"
    with pytest.raises(openai.InternalServerError):
        say(client)
    assert say(client) == "You said: hi"
    assert server.pending == 0


def test_by_path_method_and_number(server: MockServer, client: OpenAI) -> None:
    server.queue(Reply(500), path="/v1/models", method="GET", repeat=2)
    server.queue(Reply(418), path="/v1/embeddings", repeat=None)
    assert say(client) == "You said: hi"
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            client.models.list()
    assert client.models.list()
    for _ in range(3):
        with pytest.raises(openai.APIStatusError, match="418"):
            client.embeddings.create(model="x", input="y")
    assert server.pending == 1
    server.clear()
    assert (server.pending, server.requests) == (0, [])


def test_a_callable_sees_the_request(server: MockServer, client: OpenAI) -> None:
    def judge(request: RecordedRequest) -> Reply:
        return Reply(400 if "bad" in request.json()["input"] else 200)

    server.queue(judge, repeat=None)
    assert say(client, "good") == "You said: good"
    with pytest.raises(openai.BadRequestError):
        say(client, "bad")


@pytest.mark.parametrize(
    ("reply", "status", "kind", "body"),
    [
        (Reply(json=None), 200, b"application/json", b"null"),
        (Reply(201, json={"a": [1, "é"]}), 201, b"application/json", '{"a":[1,"é"]}'.encode()),
        (Reply(502, text="<html>"), 502, b"text/plain; charset=utf-8", b"<html>"),
        (Reply(body=b"\x00\xff"), 200, b"application/octet-stream", b"\x00\xff"),
        (Reply(body=b"x", headers={"Content-Type": "a/b"}), 200, b"a/b", b"x"),
    ],
)
def test_bodies(server: MockServer, reply: Reply, status: int, kind: bytes, body: bytes) -> None:
    server.queue(reply)
    with Wire(server) as wire:
        wire.ask(path="/anything")
        head = wire.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert b"content-type: %s\r\n" % kind in head
        assert b"content-length: %d\r\n" % len(body) in head
        assert wire.socket.recv(100) == body


def test_no_content(server: MockServer) -> None:
    server.queue(Reply(204))
    with Wire(server) as wire:
        wire.ask()
        assert b"content-length" not in wire.read_until(b"\r\n\r\n")
        wire.ask(HI)
        assert wire.read_response()[0] == 200


def test_headers_are_replaced_added_and_taken_away(server: MockServer) -> None:
    server.queue(
        Reply(headers={"X-Request-Id": "mine", "openai-version": None, "x-new": "1"}),
        Reply(headers=[("set-cookie", "a=1"), ("set-cookie", "b=2")]),
    )
    with Wire(server) as wire:
        wire.ask(HI)
        head = wire.read_until(b"\r\n\r\n")
        wire.read_until(b"}")
        assert b"x-request-id: mine\r\n" in head
        assert head.count(b"x-request-id") == 1
        assert b"openai-version" not in head
        assert b"x-new: 1\r\n" in head
    with Wire(server) as wire:
        wire.ask(HI)
        assert wire.read_until(b"\r\n\r\n").count(b"set-cookie") == 2


def test_a_redirect(server: MockServer, client: OpenAI) -> None:
    server.queue(Reply(307, headers={"location": "/v1/models"}), path="/v1/old")
    moved: Any = client.get("/old", cast_to=object)
    assert moved["object"] == "list"


def test_what_is_no_script_is_refused_at_once(server: MockServer) -> None:
    with pytest.raises(ValueError, match="one body"):
        Reply(text="x", body=b"y")
    with pytest.raises(TypeError, match="not something to answer with"):
        server.queue({"id": "resp_1"})  # type: ignore[arg-type]
    assert server.pending == 0


def test_a_delay(server: MockServer, client: OpenAI) -> None:
    server.queue(Reply(delay=0.05))
    started = time.perf_counter()
    assert say(client) == "You said: hi"
    assert time.perf_counter() - started >= 0.05


def test_a_gate_holds_a_reply(server: MockServer, client: OpenAI) -> None:
    gate = Gate()
    server.queue(Reply(until=gate))
    with ThreadPoolExecutor() as threads:
        held = threads.submit(say, client)
        gate.wait_reached()
        # Others are answered meanwhile, on connections of their own.
        assert say(client, "other") == "You said: other"
        assert not held.done()
        gate.open()
        assert held.result(10) == "You said: hi"
    assert server.requests[0].connection != server.requests[1].connection


def test_an_open_gate_holds_nothing(server: MockServer, client: OpenAI) -> None:
    gate = Gate()
    with pytest.raises(TimeoutError):
        gate.wait_reached(0)
    gate.open()
    server.queue(Reply(until=gate), repeat=3)
    assert [say(client) for _ in range(3)] == ["You said: hi"] * 3
    gate.wait_reached(0)


def test_a_scripted_stream(server: MockServer, client: OpenAI) -> None:
    server.queue(
        Stream(
            [
                b": a comment\n\n",
                {"type": "response.output_text.delta", "delta": "x", "sequence_number": 0, "item_id": "i",
                 "output_index": 0, "content_index": 0, "logprobs": []},
                b"data: [DONE]\n\n",
            ]
        )
    )  # fmt: skip
    events = list(client.responses.create(model="gpt-5", input="hi", stream=True))
    assert [event.type for event in events] == ["response.output_text.delta"]


def test_gates_between_events(server: MockServer) -> None:
    first, second = Gate(), Gate()
    server.queue(Stream(["a", first, b"data: b\n\n", 0.001, "c"], gates={2: second}))
    with Wire(server) as wire:
        wire.ask({**HI, "stream": True})
        wire.read_until(b"data: a\n\n\r\n")
        first.wait_reached()
        first.open()
        wire.read_until(b"data: b\n\n\r\n")
        second.wait_reached()
        second.open()
        assert wire.read_until(b"0\r\n\r\n").endswith(b"data: c\n\n\r\n0\r\n\r\n")


def test_the_servers_own_stream_with_a_gate(server: MockServer, client: OpenAI) -> None:
    gate = Gate()
    server.queue(Stream(gates={1: gate}, interval=0.0001, headers={"x-own": "yes"}))
    with client.responses.create(model="gpt-5", input="hi", stream=True) as stream:
        assert stream.response.headers["x-own"] == "yes"
        assert next(stream).type == "response.created"
        gate.wait_reached()
        gate.open()
        assert [event.type for event in stream][-1] == "response.completed"


def test_a_stream_that_nobody_asked_for(server: MockServer, caplog: pytest.LogCaptureFixture) -> None:
    server.queue(Stream(cut_after=1))
    with Wire(server) as wire:
        wire.ask(HI)
        assert wire.read_response()[0] == 500
    assert "stream=true" in caplog.text


def test_raw_bytes(server: MockServer) -> None:
    gate = Gate()
    server.queue(Raw([b"HTTP/1.1 200 OK\r\nContent-Le", gate, b"ngth: 1\r\n\r\nx"], close=False), Raw(b"bye"))
    with Wire(server) as wire:
        wire.ask(HI)
        assert wire.socket.recv(100) == b"HTTP/1.1 200 OK\r\nContent-Le"
        gate.wait_reached()
        gate.open()
        assert wire.socket.recv(100) == b"ngth: 1\r\n\r\nx"
    with Wire(server) as wire:
        wire.ask(HI)
        assert wire.read_to_end() == (b"bye", CLOSED)


# --- what is recorded ---


def test_requests_are_recorded(server: MockServer, client: OpenAI) -> None:
    client.get("/models?a=1&a=2&b=", cast_to=object, options={"headers": {"X-Twice": "1"}})
    say(client, "recorded")
    listed, created = server.requests
    assert (listed.method, listed.path, listed.query_string) == ("GET", "/v1/models", "a=1&a=2&b=")
    assert listed.query_pairs == [("a", "1"), ("a", "2"), ("b", "")]
    assert listed.query == {"a": "2", "b": ""}
    assert listed.header("x-twice") == "1"
    assert listed.header("x-none") is None
    assert created.json() == {"model": "gpt-5", "input": "recorded"}
    assert json.loads(created.body) == created.json()
    assert created.connection == listed.connection
    assert created.http_version == "1.1"


def test_header_lines_are_kept_as_sent(server: MockServer) -> None:
    with Wire(server) as wire:
        wire.socket.sendall(
            b"GET /v1/models HTTP/1.1\r\nHost: x\r\nX-ODD: 1\r\nx-odd: 2\r\n\r\n"
            b"GET /v1/models/gpt-5 HTTP/1.1\r\nHost: y\r\n\r\n"
        )
        assert wire.read_response()[0] == 200
        assert wire.read_response()[0] == 200
    first, second = server.requests
    assert first.headers == [(b"Host", b"x"), (b"X-ODD", b"1"), (b"x-odd", b"2")]
    assert first.header("X-Odd") == "1, 2"
    assert second.headers == [(b"Host", b"y")]


def test_chunked_request_bodies(server: MockServer) -> None:
    with Wire(server) as wire:
        wire.socket.sendall(b"POST /v1/responses HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in (b'{"model":"gpt-5",', b'"input":"in parts"}'):
            wire.socket.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        wire.socket.sendall(b"0\r\n\r\n")
        status, body = wire.read_response()
    assert status == 200
    assert b"You said: in parts" in body
    assert server.requests[0].json() == {"model": "gpt-5", "input": "in parts"}


def test_waiting_for_requests(server: MockServer, client: OpenAI) -> None:
    with pytest.raises(TimeoutError, match="2 requests"):
        server.wait_for_requests(2, timeout=0)
    thread = threading.Thread(target=lambda: [say(client, str(i)) for i in range(2)])
    thread.start()
    assert [request.json()["input"] for request in server.wait_for_requests(2)] == ["0", "1"]
    thread.join()
    server.wait_for(lambda: all(request.finished for request in server.requests))
    assert not any(request.disconnected for request in server.requests)


def test_a_client_that_leaves_is_noticed(server: MockServer) -> None:
    server.queue(Reply(until=Gate()), Stream(stall_after=2))
    for number, body in enumerate((HI, {**HI, "stream": True}), 1):
        with Wire(server) as wire:
            wire.ask(body)
            server.wait_for_requests(number)
    server.wait_for(lambda: all(request.finished for request in server.requests))
    assert all(request.disconnected for request in server.requests)
    server.wait_for(lambda: not server.open_connections)
    assert server.accepted_connections == 2


def test_what_is_remembered_is_bounded() -> None:
    with MockServer(remember=2) as server, OpenAI(base_url=server.base_url, api_key="k") as client:
        made = [client.responses.create(model="gpt-5", input=str(i)) for i in range(3)]
        assert [request.json()["input"] for request in server.wait_for_requests(3)] == ["1", "2"]
        assert client.responses.retrieve(made[1].id) == made[1]
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(made[0].id)
