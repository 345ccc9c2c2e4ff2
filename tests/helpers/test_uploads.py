"""Uploads: of one file in parts, and of many files at the same time."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest

import oxide
from oxide.core.uploads import Slice
from oxide.testing import Gate, MockServer, Reply

from ..ways import Way
from .parts import content, parts

DATA = bytes(range(256)) * 40
UPLOAD = Reply(json={"id": "u1", "status": "pending"})


def sent(server: MockServer) -> list[tuple[str, str]]:
    return [(request.method, request.path) for request in server.requests]


def sent_parts(request: Any) -> Any:
    return parts(request.header("content-type"), request.body)


def script(server: MockServer) -> None:
    server.queue(UPLOAD, path="/v1/uploads")
    ids = iter(range(100))
    server.queue(lambda request: Reply(json={"id": f"p{next(ids)}"}), path="/v1/uploads/u1/parts", repeat=None)
    server.queue(Reply(json={"id": "u1", "status": "completed"}), path="/v1/uploads/u1/complete")


@pytest.mark.parametrize("size", [4096, 10_240, 10_239, 1_000_000])
@pytest.mark.parametrize("source", ["path", "text", "bytes"])
async def test_in_parts(way: Way, client: Any, server: MockServer, tmp_path: Path, size: int, source: str) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(DATA)
    arguments: dict[str, Any] = {"file": path if source == "path" else str(path)}
    if source == "bytes":
        arguments = {"file": DATA, "filename": "paper.pdf", "bytes": len(DATA)}
    script(server)
    upload = await client.uploads.upload_file_chunked(
        **arguments, mime_type="application/pdf", purpose="assistants", part_size=size, md5="abc"
    )
    assert upload.status == "completed"
    count = -(-len(DATA) // size)
    assert sent(server) == [
        ("POST", "/v1/uploads"),
        *[("POST", "/v1/uploads/u1/parts")] * count,
        ("POST", "/v1/uploads/u1/complete"),
    ]
    first, *middle, last = server.requests
    assert first.json() == {
        "bytes": len(DATA),
        "filename": "paper.pdf",
        "mime_type": "application/pdf",
        "purpose": "assistants",
    }
    found = [sent_parts(request) for request in middle]
    assert [len(each) for each in found] == [1] * count
    assert {each[0][:3] for each in found} == {("data", "upload", "application/octet-stream")}
    assert b"".join(each[0][3] for each in found) == DATA
    assert last.json() == {"part_ids": [f"p{index}" for index in range(count)], "md5": "abc"}


async def test_names_and_sizes_that_are_given(way: Way, client: Any, server: MockServer, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    script(server)
    await client.uploads.upload_file_chunked(
        file=tmp_path / "a", filename="b", bytes=7, mime_type="text/plain", purpose="batch"
    )
    first, last = server.requests
    assert first.json()["filename"] == "b"
    assert first.json()["bytes"] == 7
    assert last.json() == {"part_ids": []}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"filename": None}, TypeError),
        ({"bytes": None}, TypeError),
        ({"part_size": 0}, ValueError),
        ({"file": "/nowhere/at/all"}, FileNotFoundError),
    ],
)
async def test_what_is_refused(
    way: Way, client: Any, server: MockServer, changes: dict[str, Any], error: type[Exception]
) -> None:
    arguments = {"file": b"x", "filename": "x", "bytes": 1, "mime_type": "text/plain", "purpose": "batch", **changes}
    with pytest.raises(error):
        await client.uploads.upload_file_chunked(**arguments)
    assert not server.requests


async def test_a_part_that_fails(way: Way, client: Any, server: MockServer, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(DATA)
    server.queue(UPLOAD, Reply(json={"id": "p1"}), Reply(500, headers={"retry-after-ms": "1"}), Reply(400))
    with pytest.raises(oxide.BadRequestError):
        await client.uploads.upload_file_chunked(file=path, mime_type="a/b", purpose="batch", part_size=5000)
    # The second part was sent twice, whole each time; nothing was cancelled.
    assert [request.path for request in server.requests[1:]] == ["/v1/uploads/u1/parts"] * 3
    bodies = [sent_parts(request)[0][3] for request in server.requests[1:]]
    assert bodies == [DATA[:5000], DATA[5000:10_000], DATA[5000:10_000]]


def test_slices() -> None:
    file = Slice(io.BytesIO(b"0123456789"), 3, 5)
    assert file.readable()
    assert file.seekable()
    assert file.read() == b"34567"
    assert file.read() == file.read(1) == b""
    assert file.seek(-2, io.SEEK_END) == 3
    assert file.read(99) == b"67"
    assert file.seek(1) == file.tell() == 1
    assert (file.read(2), file.read(None)) == (b"45", b"67")
    assert file.seek(9) == 9
    assert file.read() == b""
    assert file.seek(-20, io.SEEK_CUR) == 0
    assert not hasattr(file, "name")


async def test_one_file_into_a_vector_store(way: Way, client: Any, server: MockServer) -> None:
    server.queue(Reply(json={"id": "f1"}), Reply(json={"id": "f1", "status": "in_progress"}))
    file = await client.vector_stores.files.upload(vector_store_id="s1", file=("a.txt", b"hello"))
    assert file.status == "in_progress"
    assert sent(server) == [("POST", "/v1/files"), ("POST", "/v1/vector_stores/s1/files")]
    upload, create = server.requests
    found = content(upload.header("content-type") or "", upload.body)
    assert found == {"purpose": b"assistants", "file": b"hello"}
    assert create.json() == {"file_id": "f1"}


async def test_one_file_into_a_vector_store_with_waiting(way: Way, client: Any, server: MockServer) -> None:
    busy = Reply(json={"id": "f1", "status": "in_progress"}, headers={"openai-poll-after-ms": "1"})
    server.queue(Reply(json={"id": "f1"}), busy, busy, Reply(json={"id": "f1", "status": "completed"}))
    file = await client.vector_stores.files.upload_and_poll(
        vector_store_id="s1", file=b"hello", attributes={"a": True}, chunking_strategy={"type": "auto"}
    )
    assert file.status == "completed"
    assert sent(server) == [
        ("POST", "/v1/files"),
        ("POST", "/v1/vector_stores/s1/files"),
        ("GET", "/v1/vector_stores/s1/files/f1"),
        ("GET", "/v1/vector_stores/s1/files/f1"),
    ]
    assert server.requests[1].json() == {
        "file_id": "f1",
        "attributes": {"a": True},
        "chunking_strategy": {"type": "auto"},
    }


BATCH = {"id": "b1", "file_counts": {"in_progress": 0}}


async def test_many_files_into_a_vector_store(way: Way, client: Any, server: MockServer) -> None:
    gate = Gate()

    def answer(request: Any) -> Reply:
        name = sent_parts(request)[-1][3].decode()
        if name == "3":
            gate.open()
        # The first waits for the fourth, so it is answered after that: there are four at the same time.
        return Reply(json={"id": f"file-{name}"}, until=gate)

    server.queue(answer, path="/v1/files", repeat=None)
    server.queue(Reply(json=BATCH), path="/v1/vector_stores/s1/file_batches")
    server.queue(Reply(json=BATCH), path="/v1/vector_stores/s1/file_batches/b1")
    batch = await client.vector_stores.file_batches.upload_and_poll(
        "s1", files=(str(index).encode() for index in range(12)), max_concurrency=4, file_ids=["old"]
    )
    assert batch.id == "b1"
    *uploads, create, poll = server.requests
    assert len(uploads) == 12
    # In the order of the files, whichever was there first.
    assert create.json() == {"file_ids": ["old", *(f"file-{index}" for index in range(12))]}
    assert poll.method == "GET"


async def test_one_of_many_fails(way: Way, client: Any, server: MockServer) -> None:
    server.queue(Reply(400), path="/v1/files", repeat=None)
    with pytest.raises(oxide.BadRequestError):
        await client.vector_stores.file_batches.upload_and_poll("s1", files=[b"x"] * 50, max_concurrency=2)
    assert len(server.requests) < 50
    assert {request.path for request in server.requests} == {"/v1/files"}


async def test_no_room(way: Way, client: Any, server: MockServer) -> None:
    with pytest.raises(ValueError, match=re.escape("max_concurrency must be at least 1; it is 0")):
        await client.vector_stores.file_batches.upload_and_poll("s1", files=[b"x"], max_concurrency=0)
