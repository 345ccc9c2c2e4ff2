"""Methods that are more than one request: both SDKs make the same ones, in the same order."""

from __future__ import annotations

import json
from collections.abc import Callable
from email import message_from_bytes
from operator import itemgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from .recorder import Answer, Recorder, Sent
from .sides import Outcome, Sides, kind, significant

DONE = {
    "id": "x1",
    "object": "y",
    "created_at": 1,
    "thread_id": "t9",
    "status": "completed",
    "file_counts": {"in_progress": 0, "completed": 1, "failed": 0, "cancelled": 0, "total": 1},
}
BUSY = {**DONE, "status": "in_progress", "file_counts": {**DONE["file_counts"], "in_progress": 1}}  # type: ignore[dict-item]

done = Answer(body=DONE)
busy = Answer(body=BUSY, openai_poll_after_ms="1")
silent = Answer(body=BUSY)


def content(sent: Sent) -> Any:
    """What a body says: a JSON value, or the parts of a form."""
    kind = sent.headers.get("content-type", "")
    if not kind.startswith("multipart/"):
        return json.loads(sent.body) if sent.body else None
    message: Any = message_from_bytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + sent.body)
    parts = [
        (part["content-disposition"], part.get("content-type"), part.get_payload(decode=True))
        for part in message.get_payload()
    ]
    return sorted(parts, key=itemgetter(0))


def fields(sent: Sent) -> dict[str, str]:
    found = significant(sent.headers)
    if found.get("content-type", "").startswith("multipart/"):
        found["content-type"] = "multipart/form-data"
    # How a body is framed depends on whether its length is known.
    return {name: value for name, value in found.items() if name != "transfer-encoding"}


def same(sides: Sides, call: Callable[[Any], Any], *answers: Answer) -> list[tuple[Outcome, Outcome]]:
    outcomes = []
    for official, ours in sides.pairs:
        theirs, mine = official.call(call, answers=answers), ours.call(call, answers=answers)
        context = f"official {theirs!r}\noxide {mine!r}"
        assert [(each.method, each.path) for each in mine.sent] == [(each.method, each.path) for each in theirs.sent], (
            context
        )
        for there, here in zip(theirs.sent, mine.sent, strict=True):
            assert sorted(here.pairs) == sorted(there.pairs), context
            assert fields(here) == fields(there), context
            assert content(here) == content(there), context
        if theirs.error is not None:
            assert mine.error is not None, context
            assert kind(mine.error) == kind(theirs.error), context
        else:
            assert mine.error is None, context
            assert type(mine.result).__name__ == type(theirs.result).__name__, context
        outcomes.append((theirs, mine))
    return outcomes


OPTIONS = {"extra_headers": {"x-own": "1"}, "extra_query": {"q": "2"}, "timeout": 9}
RUN = {
    "assistant_id": "a1",
    "instructions": "i",
    "max_completion_tokens": 5,
    "metadata": {"k": "v"},
    "model": None,
    "parallel_tool_calls": True,
    "tools": [{"type": "file_search"}],
    "truncation_strategy": {"type": "auto"},
}
OUTPUTS = [{"tool_call_id": "c1", "output": "o"}]

CALLS: dict[str, Callable[[Any], Any]] = {
    "files.wait": lambda client: client.files.wait_for_processing("x1", poll_interval=0.001),
    "videos.poll": lambda client: client.videos.poll("x1"),
    "videos.poll, interval": lambda client: client.videos.poll("x1", poll_interval_ms=2),
    "videos.create": lambda client: client.videos.create_and_poll(prompt="p", seconds="4", **OPTIONS),
    "files.poll": lambda client: client.vector_stores.files.poll("x1", vector_store_id="s1"),
    "files.poll, interval": lambda client: client.vector_stores.files.poll(
        "x1", vector_store_id="s1", poll_interval_ms=1, max_wait_seconds=60
    ),
    "files.create": lambda client: client.vector_stores.files.create_and_poll("x1", vector_store_id="s1"),
    "files.create, all": lambda client: client.vector_stores.files.create_and_poll(
        "x1",
        vector_store_id="s1",
        attributes={"a": 1.5},
        chunking_strategy={"type": "auto"},
        poll_interval_ms=1,
        **OPTIONS,
    ),
    "files.upload": lambda client: client.vector_stores.files.upload(vector_store_id="s1", file=b"data"),
    "files.upload, all": lambda client: client.vector_stores.files.upload(
        vector_store_id="s1", file=("n.txt", b"data"), chunking_strategy={"type": "auto"}
    ),
    "files.upload_and_poll": lambda client: client.vector_stores.files.upload_and_poll(
        vector_store_id="s1", file=b"data", attributes={"a": True}, poll_interval_ms=1
    ),
    "batches.poll": lambda client: client.vector_stores.file_batches.poll("x1", vector_store_id="s1"),
    "batches.create": lambda client: client.vector_stores.file_batches.create_and_poll(
        "s1", file_ids=["f1"], attributes={"a": "b"}, chunking_strategy={"type": "auto"}, poll_interval_ms=1, **OPTIONS
    ),
    "batches.create, files": lambda client: client.vector_stores.file_batches.create_and_poll(
        "s1", files=[{"file_id": "f1"}]
    ),
    "batches.upload": lambda client: client.vector_stores.file_batches.upload_and_poll(
        "s1", files=[b"one", ("two.txt", b"2")], max_concurrency=1, file_ids=["f0"], poll_interval_ms=1
    ),
    "batches.upload, nothing": lambda client: client.vector_stores.file_batches.upload_and_poll("s1", files=[]),
    "runs.poll": lambda client: client.beta.threads.runs.poll("x1", "t1"),
    "runs.poll, all": lambda client: client.beta.threads.runs.poll(
        "x1", "t1", {"x-own": "1", "X-Stainless-Poll-Helper": "mine"}, {"q": "2"}, None, 9, 1
    ),
    "runs.create": lambda client: client.beta.threads.runs.create_and_poll(thread_id="t1", assistant_id="a1"),
    "runs.create, all": lambda client: client.beta.threads.runs.create_and_poll(
        thread_id="t1",
        **RUN,
        include=["step_details.tool_calls[*].file_search.results[*].content"],
        poll_interval_ms=1,
        **OPTIONS,
    ),
    "runs.submit": lambda client: client.beta.threads.runs.submit_tool_outputs_and_poll(
        tool_outputs=OUTPUTS, run_id="r1", thread_id="t1", poll_interval_ms=1, **OPTIONS
    ),
    "threads.create": lambda client: client.beta.threads.create_and_run_poll(
        **RUN, thread={"messages": [{"role": "user", "content": "c"}]}, poll_interval_ms=1, **OPTIONS
    ),
}
# Which of them make requests before they poll: these are answered first.
BEFORE = {
    "create": 1,
    "create, all": 1,
    "create, files": 1,
    "upload": 2,
    "upload, all": 2,
    "upload_and_poll": 2,
    "upload, nothing": 1,
    "submit": 1,
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_requests(sides: Sides, name: str) -> None:
    before = 3 if name == "batches.upload" else BEFORE.get(name.partition(".")[2], 0)
    finished = Answer(body={**DONE, "status": "processed"}) if name == "files.wait" else done
    for _, mine in same(sides, CALLS[name], *[done] * before, busy, busy, finished):
        polls = 0 if name.startswith("files.upload") and name != "files.upload_and_poll" else 3
        assert len(mine.sent) == before + polls


# After one upload of many has failed, the official SDK begins the others all the same.
@pytest.mark.parametrize("name", [name for name in CALLS if name != "batches.upload"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_failures(sides: Sides, name: str) -> None:
    no = Answer(404, {"error": {"message": "no"}})
    for _, mine in same(sides, CALLS[name], no):
        assert len(mine.sent) == 1


@pytest.mark.parametrize(
    ("status", "last"), [(status, status not in {"queued", "in_progress"}) for status in ("queued", "failed", "new")]
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_states_of_videos(sides: Sides, status: str, last: bool) -> None:
    state = Answer(body={**DONE, "status": status}, openai_poll_after_ms="1")
    for _, mine in same(sides, CALLS["videos.poll"], state, done):
        assert len(mine.sent) == (1 if last else 2)


@pytest.mark.parametrize(
    "status", ["queued", "requires_action", "cancelling", "cancelled", "expired", "incomplete", "new"]
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_states_of_runs(sides: Sides, status: str) -> None:
    same(sides, CALLS["runs.poll"], Answer(body={**DONE, "status": status}, openai_poll_after_ms="1"), done)


@pytest.mark.parametrize("status", ["cancelled", "failed", "new"])
def test_states_of_files(sides: Sides, status: str) -> None:
    same(sides, CALLS["files.poll"], Answer(body={**DONE, "status": status}), done)
    same(sides, CALLS["files.wait"], Answer(body={**DONE, "status": status}), Answer(body={**DONE, "status": "error"}))


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf")])
def test_limits(sides: Sides, limit: float) -> None:
    for call in (
        lambda client: client.vector_stores.files.poll("x1", vector_store_id="s1", max_wait_seconds=limit),
        lambda client: client.vector_stores.files.create_and_poll("x1", vector_store_id="s1", max_wait_seconds=limit),
        lambda client: client.vector_stores.files.upload_and_poll(
            file=b"data", vector_store_id="s1", max_wait_seconds=limit
        ),
    ):
        for theirs, _ in same(sides, call, done, done):
            assert theirs.error is not None


def test_giving_up(sides: Sides) -> None:
    same(
        sides,
        lambda client: client.files.wait_for_processing("x1", poll_interval=0.001, max_wait_seconds=0),
        silent,
        silent,
    )


@pytest.mark.parametrize("source", ["path", "bytes"])
@pytest.mark.parametrize("size", [3, 1000])
def test_chunks(sides: Sides, recorder: Recorder, tmp_path: Path, source: str, size: int) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(b"0123456789")
    arguments: dict[str, Any] = {"file": path}
    if source == "bytes":
        arguments = {"file": path.read_bytes(), "filename": "paper.pdf", "bytes": 10, "md5": "abc"}

    def call(client: Any) -> Any:
        return client.uploads.upload_file_chunked(
            **arguments, mime_type="application/pdf", purpose="assistants", part_size=size
        )

    count = 4 if size == 3 else 1
    for _, mine in same(sides, call, *[Answer(body={**DONE, "id": f"x{index}"}) for index in range(count + 2)]):
        assert len(mine.sent) == count + 2


@pytest.mark.parametrize(
    "arguments",
    [{"file": b"x"}, {"file": b"x", "filename": "n"}, {"file": b"x", "bytes": 1}, {"file": Path("/nowhere/at/all")}],
)
def test_chunks_that_are_refused(sides: Sides, arguments: dict[str, Any]) -> None:
    for theirs, _ in same(
        sides,
        lambda client: client.uploads.upload_file_chunked(**arguments, mime_type="text/plain", purpose="batch"),
    ):
        assert theirs.error is not None


def test_files_for_agents(sides: Sides, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    answers = [Answer(body={**DONE, "id": name}) for name in ("f1", "f2")]

    def files(client: Any) -> Any:
        return client.beta.agents.environments.files

    for theirs, mine in same(
        sides,
        lambda client: files(client).prepare(
            {"/workspace/1": tmp_path / "a.txt", "/workspace/2": str(tmp_path / "b.txt")}
        ),
        *answers,
    ):
        assert mine.result.files == theirs.result.files
        assert mine.result.uploaded_file_ids == theirs.result.uploaded_file_ids == ["f1", "f2"]
    for theirs, mine in same(
        sides,
        lambda client: files(client).prepare_directory(
            tmp_path, destination="/workspace/d", include=["*.txt"], **OPTIONS
        ),
        *answers,
    ):
        assert mine.result.files == theirs.result.files
    for theirs, mine in same(
        sides,
        lambda client: files(client).upload("e1", file=tmp_path / "a.txt", path="/workspace/1", **OPTIONS),
        *answers,
    ):
        assert mine.result.uploaded_file_id == theirs.result.uploaded_file_id == "f1"
    no = Answer(404, {})
    same(sides, lambda client: files(client).prepare({"/workspace/1": tmp_path / "a.txt"}), no)
    same(sides, lambda client: files(client).upload("e1", file=b"x", path="/workspace/1"), answers[0], no)
    same(sides, lambda client: files(client).upload("e1", file=b"x", path="/workspace/outputs"))


def test_artifacts_of_agents(sides: Sides) -> None:
    result = SimpleNamespace(session_id="s1", turn_id="t1")
    wanted = {"id": "x1", "session_id": "s1", "turn_id": "t1", "path": "/workspace/outputs/a"}
    others = [{**wanted, "id": "x2", "path": "/b"}, {**wanted, "id": "x3", "turn_id": "t2"}]

    def call(client: Any) -> Any:
        return client.beta.agents.sessions.artifacts.for_result(result).content("/workspace/outputs/a", **OPTIONS)

    pages = [Answer(body={"data": data, "has_more": index < 1}) for index, data in enumerate((others, [wanted]))]
    for theirs, mine in same(sides, call, *pages, Answer(body=b"content", type="application/octet-stream")):
        assert mine.result.content == theirs.result.content == b"content"
    same(sides, call, Answer(body={"data": others, "has_more": False}))
    same(sides, call, Answer(body={"data": [wanted, wanted], "has_more": False}))
