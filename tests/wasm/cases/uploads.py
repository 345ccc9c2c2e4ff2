"""Bodies that are files."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import oxide

from ..world import World, raises, script

FILE: Any = {
    "id": "file-1",
    "object": "file",
    "bytes": 1,
    "created_at": 1,
    "filename": "x",
    "purpose": "assistants",
    "status": "processed",
}


async def upload(world: World, file: Any, **client: Any) -> dict[str, Any]:
    await world.server.queue(script("Reply", json=FILE), path="/v1/files")
    done = await world.client(**client).files.create(file=file, purpose="assistants")
    assert done.id == "file-1"
    return (await world.server.requests())[-1]


async def test_bytes(world: World) -> None:
    request = await upload(world, ("x.bin", bytes(range(256))))
    assert "".join(map(chr, range(256))) in request["body"]
    assert request["headers"]["content-type"].startswith("multipart/form-data; boundary=")


async def test_a_file_object(world: World) -> None:
    request = await upload(world, ("x.txt", io.BytesIO(b"hello " * 50_000)))
    assert "hello " * 50_000 in request["body"]
    assert int(request["headers"]["content-length"]) == request["length"]


async def test_a_path(world: World) -> None:
    path = Path("/tmp/upload.txt")
    path.write_bytes(b"from a file " * 1000)
    request = await upload(world, path)
    assert "from a file " * 1000 in request["body"]
    assert 'filename="upload.txt"' in request["body"]


async def test_retried(world: World) -> None:
    await world.server.queue(script("Reply", status=503, headers={"retry-after-ms": "1"}), path="/v1/files")
    await upload(world, ("x.txt", io.BytesIO(b"twice")))
    requests = await world.server.requests()
    assert [request["body"].count("twice") for request in requests] == [1, 1]


async def test_more_than_is_gathered(world: World) -> None:
    """Streamed where the platform streams requests, refused where it doesn't."""
    data = b"x" * 300_000
    transport = oxide.AsyncHTTPTransport(buffer_limit=100_000)  # type: ignore[call-arg]
    if world.browser:
        with raises(oxide.OpenAIError, "300", "buffer_limit"):
            await upload(world, ("x.bin", io.BytesIO(data)), http_client=transport)
        return
    request = await upload(world, ("x.bin", io.BytesIO(data)), http_client=transport)
    assert data.decode() in request["body"]
    assert request["headers"]["transfer-encoding"] == "chunked"


async def pieces() -> AsyncIterator[bytes]:
    for number in range(5):
        yield b"%d," % number * 10


async def test_an_iterable_of_unknown_length(world: World) -> None:
    await world.server.queue(script("Reply", json={"ok": True}), path="/v1/elsewhere")
    await world.client().post("/elsewhere", content=pieces(), cast_to=object)
    [request] = await world.server.requests()
    assert request["body"] == "".join(f"{number}," * 10 for number in range(5))


async def test_reading_fails(world: World) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise KeyError("of the caller's own")

    with raises(KeyError, "of the caller's own"):
        await world.client().post("/elsewhere", content=broken(), cast_to=object)


async def test_a_body_that_nobody_reads(world: World) -> None:
    """The limit on writing where a body is streamed; one that was gathered has it on top of the limit on reading."""
    limits = oxide.Timeout(60, read=0.2, write=0.2)
    body = ("x.bin", b"x" * 20_000_000)
    client = world.client(base_url=world.deaf, timeout=limits, max_retries=0)
    with raises(oxide.APITimeoutError, "timeout.write", "timeout.read"):
        await client.files.create(file=("x.txt", b"x" * 100_000), purpose="assistants")
    if world.browser:
        return
    transport = oxide.AsyncFetchTransport(buffer_limit=0)
    client = world.client(base_url=world.deaf, timeout=limits, max_retries=0, http_client=transport)
    with raises(oxide.APITimeoutError, "timeout.write") as caught:
        await client.files.create(file=body, purpose="assistants")
    assert isinstance(caught.value.__cause__, oxide.WriteTimeout), caught.value.__cause__


async def test_refused(world: World) -> None:
    await world.server.queue(script("Reply", status=413, json={"error": {"message": "too large"}}), path="/v1/files")
    with raises(oxide.APIStatusError, "too large") as caught:
        await world.client(max_retries=0).files.create(file=("x.bin", b"x" * 100_000), purpose="assistants")
    assert caught.value.status_code == 413


async def test_json_that_is_large(world: World) -> None:
    text = "x" * 500_000
    response = await world.client().responses.create(model="gpt-5", input=text)
    assert response.output_text
    [request] = await world.server.requests()
    assert json.loads(request["body"])["input"] == text


async def test_a_download(world: World) -> None:
    data = bytes(range(256)) * 100
    await world.server.queue(script("Reply", body=data.decode("latin-1")), repeat=2)
    client = world.client()
    content = await client.files.content("file-1")
    assert content.content == data
    async with client.files.with_streaming_response.content("file-1") as response:
        await response.stream_to_file("/tmp/download.bin")
    assert Path("/tmp/download.bin").read_bytes() == data
