"""Methods that ask again until something has happened, against the embedded server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import oxide
from oxide.testing import MockServer, Reply

from ..ways import Way

SOON = {"openai-poll-after-ms": "1"}


def sent(server: MockServer) -> list[tuple[str, str]]:
    return [(request.method, request.path) for request in server.requests]


def poll_headers(server: MockServer) -> list[tuple[str | None, str | None]]:
    return [
        (request.header("x-stainless-poll-helper"), request.header("x-stainless-custom-poll-interval"))
        for request in server.requests
    ]


POLLS: dict[str, tuple[Callable[[Any], Awaitable[Any]], str, list[dict[str, Any]]]] = {
    "videos": (
        lambda client: client.videos.poll("v1"),
        "/v1/videos/v1",
        [{"status": "queued"}, {"status": "in_progress"}, {"status": "failed"}],
    ),
    "vector store files": (
        lambda client: client.vector_stores.files.poll("f1", vector_store_id="s1"),
        "/v1/vector_stores/s1/files/f1",
        [{"status": "in_progress"}, {"status": "in_progress"}, {"status": "completed"}],
    ),
    "vector store file batches": (
        lambda client: client.vector_stores.file_batches.poll("b1", vector_store_id="s1"),
        "/v1/vector_stores/s1/file_batches/b1",
        [{"file_counts": {"in_progress": count}, "status": "in_progress"} for count in (2, 1, 0)],
    ),
    "runs": (
        lambda client: client.beta.threads.runs.poll("r1", "t1"),
        "/v1/threads/t1/runs/r1",
        [{"status": "queued"}, {"status": "a state of the future"}, {"status": "requires_action"}],
    ),
}


@pytest.mark.parametrize("name", POLLS)
async def test_polls(way: Way, client: Any, server: MockServer, name: str) -> None:
    call, path, states = POLLS[name]
    server.queue(*(Reply(json=state, headers=SOON) for state in states))
    result = await call(client)
    assert result.to_dict() == states[-1]
    assert sent(server) == [("GET", path)] * 3
    assert poll_headers(server) == [("true", None)] * 3


async def test_the_callers_interval(way: Way, client: Any, server: MockServer) -> None:
    server.queue(Reply(json={"status": "queued"}), Reply(json={"status": "completed"}))
    await client.videos.poll("v1", poll_interval_ms=1)
    assert poll_headers(server) == [("true", "1")] * 2


async def test_a_failing_request_ends_it(way: Way, client: Any, server: MockServer) -> None:
    server.queue(Reply(json={"status": "queued"}, headers=SOON), Reply(404))
    with pytest.raises(oxide.NotFoundError):
        await client.videos.poll("v1")


async def test_requests_are_retried(way: Way, client: Any, server: MockServer) -> None:
    server.queue(Reply(500, headers={"retry-after-ms": "1"}), Reply(json={"status": "completed"}))
    assert (await client.videos.poll("v1")).status == "completed"
    assert len(server.requests) == 2


async def test_the_limit(way: Way, client: Any, server: MockServer) -> None:
    server.queue(Reply(json={"status": "in_progress"}), repeat=None)
    poll = client.vector_stores.files.poll
    with pytest.raises(TimeoutError, match="'f1'"):
        await poll("f1", vector_store_id="s1", poll_interval_ms=1, max_wait_seconds=0.05)
    count = len(server.requests)
    assert count > 1
    with pytest.raises(TimeoutError):
        await poll("f1", vector_store_id="s1", max_wait_seconds=0)
    assert len(server.requests) == count


@pytest.mark.parametrize("method", ["create_and_poll", "upload_and_poll"])
async def test_a_limit_that_is_none_is_seen_first(way: Way, client: Any, server: MockServer, method: str) -> None:
    arguments = {"file_id": "f1"} if method == "create_and_poll" else {"file": b"x"}
    with pytest.raises(ValueError, match="max_wait_seconds"):
        await getattr(client.vector_stores.files, method)(vector_store_id="s1", max_wait_seconds=-1, **arguments)
    assert not server.requests


async def test_files(way: Way, client: Any, server: MockServer) -> None:
    states = ("uploaded", "uploaded", "processed")
    server.queue(*(Reply(json={"id": "f1", "status": status}) for status in states))
    file = await client.files.wait_for_processing("f1", poll_interval=0.001)
    assert file.status == "processed"
    assert sent(server) == [("GET", "/v1/files/f1")] * 3
    assert poll_headers(server) == [(None, None)] * 3


async def test_files_are_given_up(way: Way, client: Any, server: MockServer) -> None:
    server.queue(Reply(json={"id": "f1", "status": "uploaded"}), repeat=None)
    with pytest.raises(RuntimeError, match=r"f1 is not finished after 0\.002 seconds"):
        await client.files.wait_for_processing("f1", poll_interval=0.002, max_wait_seconds=0.002)


CREATES: dict[str, tuple[Callable[[Any], Awaitable[Any]], list[tuple[str, str]], dict[str, Any]]] = {
    "vector store files": (
        lambda client: client.vector_stores.files.create_and_poll(
            "f1", vector_store_id="s1", attributes={"a": 1}, chunking_strategy={"type": "auto"}
        ),
        [("POST", "/v1/vector_stores/s1/files"), ("GET", "/v1/vector_stores/s1/files/f1")],
        {"file_id": "f1", "attributes": {"a": 1}, "chunking_strategy": {"type": "auto"}},
    ),
    "vector store file batches": (
        lambda client: client.vector_stores.file_batches.create_and_poll("s1", file_ids=["f1"]),
        [("POST", "/v1/vector_stores/s1/file_batches"), ("GET", "/v1/vector_stores/s1/file_batches/new")],
        {"file_ids": ["f1"]},
    ),
    "runs": (
        lambda client: client.beta.threads.runs.create_and_poll(thread_id="t1", assistant_id="a1"),
        [("POST", "/v1/threads/t1/runs"), ("GET", "/v1/threads/t1/runs/new")],
        {"assistant_id": "a1", "stream": False},
    ),
    "tool outputs": (
        lambda client: client.beta.threads.runs.submit_tool_outputs_and_poll(
            run_id="new", thread_id="t1", tool_outputs=[{"tool_call_id": "c", "output": "o"}]
        ),
        [("POST", "/v1/threads/t1/runs/new/submit_tool_outputs"), ("GET", "/v1/threads/t1/runs/new")],
        {"tool_outputs": [{"tool_call_id": "c", "output": "o"}], "stream": False},
    ),
    "threads": (
        lambda client: client.beta.threads.create_and_run_poll(assistant_id="a1", thread={"messages": []}),
        [("POST", "/v1/threads/runs"), ("GET", "/v1/threads/t9/runs/new")],
        {"assistant_id": "a1", "thread": {"messages": []}, "stream": False},
    ),
}
DONE = {"id": "new", "thread_id": "t9", "status": "completed", "file_counts": {"in_progress": 0}}


@pytest.mark.parametrize("name", CREATES)
async def test_creates(way: Way, client: Any, server: MockServer, name: str) -> None:
    call, requests, body = CREATES[name]
    server.queue(Reply(json=DONE), Reply(json=DONE))
    result = await call(client)
    assert result.id == "new"
    assert sent(server) == requests
    assert server.requests[0].json() == body
    assert poll_headers(server) == [(None, None), ("true", None)]


async def test_options_of_runs_go_along(way: Way, client: Any, server: MockServer) -> None:
    server.queue(Reply(json=DONE), Reply(json=DONE))
    await client.beta.threads.runs.create_and_poll(
        thread_id="t1", assistant_id="a1", extra_headers={"x-own": "1"}, extra_query={"q": "2"}, timeout=7
    )
    for request in server.requests:
        assert request.header("x-own") == "1"
        assert request.query == {"q": "2"}
        assert request.header("x-stainless-read-timeout") == "7"


async def test_nothing_that_polls_streams(way: Way, client: Any, server: MockServer) -> None:
    with pytest.raises(TypeError, match="stream"):
        await client.beta.threads.runs.create_and_poll(thread_id="t1", assistant_id="a1", stream=True)
    with pytest.raises(TypeError, match="'assistent_id'; did you mean 'assistant_id'"):
        await client.beta.threads.create_and_run_poll(assistent_id="a1")
    assert not server.requests
