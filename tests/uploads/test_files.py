"""Every kind of file, on both sides: what arrives, and what happens to the files."""

from __future__ import annotations

import asyncio
import io
import os
import pathlib
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest
import trio

import oxide
from oxide.core.body import CHUNK_SIZE

from .conftest import opened
from .operations import EDIT, FILE, TREE
from .test_official import Unseekable, half_read
from .wire import Uploads, parts

# Neither a multiple of the size of a piece, nor smaller than one.
DATA = bytes(range(251)) * (5 * CHUNK_SIZE // 251 // 2 + 17)


@pytest.fixture
def peer() -> Iterator[Uploads]:
    with Uploads() as peer:
        yield peer


async def upload(way: Any, peer: Uploads, file: Any, **options: Any) -> Any:
    """Send a file; returns its part as it arrived."""
    client = way.client(base_url=peer.base_url, max_retries=0)
    await client._call(FILE, {"file": file, "purpose": "batch", **options})
    purpose, part = parts(peer.last)
    assert (purpose.name, purpose.content) == ("purpose", b"batch")
    assert part.name == "file"
    return part


async def test_path(way: Any, peer: Uploads, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "data.json"
    path.write_bytes(DATA)
    part = await upload(way, peer, path)
    assert (part.filename, part.content_type, part.content) == ("data.json", "application/json", DATA)
    assert int(peer.last.headers["content-length"]) == len(peer.last.body)


class Reader:
    """The least that a file can be."""

    def __init__(self, data: bytes, most: int) -> None:
        self._data = io.BytesIO(data)
        self._most = most

    def read(self, size: int) -> bytes:
        return self._data.read(min(size, self._most))


class Quick(Reader):
    """One that gives what it has as bytearrays."""

    def read(self, size: int) -> Any:
        return bytearray(super().read(size))


OBJECTS: dict[str, tuple[Callable[[pathlib.Path], Any], bool, str]] = {
    "an open file": (lambda path: path.open("rb"), True, "data.bin"),
    "a temporary file": (lambda path: spilled(tempfile.TemporaryFile()), True, ""),  # noqa: SIM115
    "a named temporary file": (lambda path: spilled(tempfile.NamedTemporaryFile(suffix=".txt")), True, ".txt"),  # noqa: SIM115
    "a spooled file": (lambda path: spilled(tempfile.SpooledTemporaryFile(1000)), True, ""),  # noqa: SIM115
    "a buffer": (lambda path: io.BytesIO(DATA), True, "upload"),
    "a buffer at its end": (lambda path: spilled(io.BytesIO()), True, "upload"),
    "a pipe": (lambda path: Unseekable(DATA), False, "upload"),
    "only a read": (lambda path: Reader(DATA, 100_000), False, "upload"),
    "bytearrays": (lambda path: Quick(DATA, 1 << 30), False, "upload"),
}


def spilled(file: Any) -> Any:
    file.write(DATA)
    return file


@pytest.mark.parametrize("kind", OBJECTS)
async def test_objects(way: Any, peer: Uploads, tmp_path: pathlib.Path, kind: str) -> None:
    make, seekable, name = OBJECTS[kind]
    path = tmp_path / "data.bin"
    path.write_bytes(DATA)
    file = make(path)
    part = await upload(way, peer, file)
    assert part.content == DATA
    assert part.filename.endswith(name)
    assert ("content-length" in peer.last.headers) == seekable
    if hasattr(file, "close"):
        assert not file.closed
        file.close()


async def test_asynchronous_files(way: Any, peer: Uploads, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(DATA)
    if way.is_sync:
        file = anyio.wrap_file(path.open("rb"))
        with pytest.raises(TypeError, match="asynchronous"):
            await upload(way, peer, file)
        file.wrapped.close()
        return
    file = await (anyio if way.name == "asyncio" else trio).open_file(path, "rb")
    part = await upload(way, peer, file)
    assert (part.content, part.filename) == (DATA, "data.bin")
    assert "content-length" in peer.last.headers
    await file.aclose()


async def test_asynchronous_streams(way: Any, peer: Uploads) -> None:
    if way.name != "asyncio":
        pytest.skip("asyncio's own streams")
    reader = asyncio.StreamReader()
    reader.feed_data(DATA)
    reader.feed_eof()
    part = await upload(way, peer, ("a.bin", reader))
    assert part.content == DATA
    assert peer.last.headers["transfer-encoding"] == "chunked"


async def test_a_named_pipe(way: Any, peer: Uploads, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    # Opening one end waits for the other.
    thread = threading.Thread(target=path.write_bytes, args=(DATA,))
    thread.start()
    part = await upload(way, peer, path)
    thread.join()
    assert (part.filename, part.content) == ("pipe", DATA)
    assert peer.last.headers["transfer-encoding"] == "chunked"


async def test_large_bytes(way: Any, peer: Uploads) -> None:
    data = DATA * 3
    assert len(data) > 1 << 20
    part = await upload(way, peer, data)
    assert part.content == data
    assert int(peer.last.headers["content-length"]) == len(peer.last.body)


@pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE - 300, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE])
async def test_sizes(way: Any, peer: Uploads, tmp_path: pathlib.Path, size: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(DATA * 2)
    os.truncate(path, size)
    client = way.client(base_url=peer.base_url)
    await client._call(EDIT, {"image": [path, path, b"bytes", io.BytesIO(DATA[:size])], "prompt": "p"})
    assert [part.content for part in parts(peer.last)] == [
        b"p",
        (DATA * 2)[:size],
        (DATA * 2)[:size],
        b"bytes",
        DATA[:size],
    ]


async def test_paths_inside(way: Any, peer: Uploads, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"A")
    params: dict[str, Any] = {
        "files": [{"file": path, "name": "one"}, {"name": "two"}, {"file": b"B"}, 5],
        "plan": {"cover": ("c.png", b"C"), "title": "t", "pages": [1, 2]},
    }
    client = way.client(base_url=peer.base_url)
    await client._call(TREE, params)
    assert [(part.name, part.content) for part in parts(peer.last)] == [
        ("files[][name]", b"one"),
        ("files[][name]", b"two"),
        ("files[]", b"5"),
        ("plan[title]", b"t"),
        ("plan[pages][]", b"1"),
        ("plan[pages][]", b"2"),
        ("files[][file]", b"A"),
        ("files[][file]", b"B"),
        ("plan[cover]", b"C"),
    ]
    assert params["files"][0] == {"file": path, "name": "one"}
    assert params["plan"]["cover"] == ("c.png", b"C")


async def test_files_where_none_belong(way: Any, peer: Uploads, tmp_path: pathlib.Path) -> None:
    client = way.client(base_url=peer.base_url)
    for value in (b"x", tmp_path, [io.BytesIO()], {"deep": [b""]}):
        with pytest.raises(TypeError, match=r"'user.*takes no file"):
            await client._call(EDIT, {"image": b"", "prompt": "p", "user": value})
    with pytest.raises(TypeError, match=r"'image\[\]' must be a file: .* not str"):
        await client._call(EDIT, {"image": [b"", "path"], "prompt": "p"})
    assert not peer.requests


async def test_missing_files(way: Any, peer: Uploads, tmp_path: pathlib.Path) -> None:
    client = way.client(base_url=peer.base_url)
    with pytest.raises(FileNotFoundError):
        await client._call(FILE, {"file": tmp_path / "none", "purpose": "batch"})
    with pytest.raises(IsADirectoryError):
        await client._call(FILE, {"file": tmp_path, "purpose": "batch"})
    closed = (tmp_path / "x").open("wb")
    closed.close()
    with pytest.raises(ValueError, match="closed file"):
        await client._call(FILE, {"file": closed, "purpose": "batch"})
    assert not peer.requests
    assert client._transport.stats()["in_use"] == 0


async def test_text(way: Any, peer: Uploads, tmp_path: pathlib.Path) -> None:
    class Text:
        def read(self, size: int) -> str:
            return "text"

    path = tmp_path / "x"
    path.write_bytes(b"x")
    with pytest.raises(TypeError, match="must be read as bytes, not str"):
        await upload(way, peer, Text())
    with path.open() as file, pytest.raises(TypeError, match="binary mode"):
        await upload(way, peer, file)


class Broken(io.RawIOBase):
    """A file that fails in the middle."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self._read = 0

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return offset if whence == 0 else 10 * CHUNK_SIZE

    def tell(self) -> int:
        return 0

    def read(self, size: int = -1) -> bytes:
        if self._read > 3 * CHUNK_SIZE:
            raise self._error
        self._read += size
        return bytes(size)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(5, "Input/output error"), OSError),
        (ZeroDivisionError(), ZeroDivisionError),
        # Neither is to be taken for the connection's.
        (TimeoutError("the share does not answer"), oxide.OpenAIError),
        (oxide.ReadError("the download broke"), oxide.OpenAIError),
    ],
)
async def test_files_that_fail(way: Any, peer: Uploads, error: Exception, expected: type[Exception]) -> None:
    client = way.client(base_url=peer.base_url)
    with pytest.raises(expected) as caught:
        await client._call(FILE, {"file": Broken(error), "purpose": "batch"})
    assert not isinstance(caught.value, oxide.APIError)
    assert error in (caught.value, caught.value.__cause__)
    assert client._transport.stats()["in_use"] == 0
    peer.wait_closed(0)
    assert not peer.requests
    await client._call(FILE, {"file": b"x", "purpose": "batch"})


@pytest.mark.parametrize("change", ["grows", "shrinks", "goes"])
async def test_files_that_change(way: Any, peer: Uploads, tmp_path: pathlib.Path, change: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(DATA * 3)
    client = way.client(base_url=peer.base_url)

    class Late(io.BytesIO):
        """A file in front of the other, whose reading changes that one."""

        def read(self, size: int | None = -1) -> bytes:
            if change == "goes":
                path.unlink(missing_ok=True)
            else:
                os.truncate(path, len(DATA) * (4 if change == "grows" else 2))
            return super().read(size)

    expected: Any = FileNotFoundError if change == "goes" else oxide.OpenAIError
    verb = {"grows": "grew", "shrinks": "shrank", "goes": "x"}[change]
    with pytest.raises(expected, match=verb) as caught:
        await client._call(EDIT, {"image": [Late(b"first"), path], "prompt": "p"})
    assert not isinstance(caught.value, oxide.APIError)
    peer.wait_closed(0)
    assert not peer.requests
    assert peer.accepted == 1
    assert not opened(tmp_path)


async def test_content(way: Any, peer: Uploads, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(DATA)
    client = way.client(base_url=peer.base_url)

    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"a", b"", b"b"):
            yield piece

    cases: list[tuple[Any, bytes]] = [
        (b"bytes", b"bytes"),
        (bytearray(b"array"), b"array"),
        ("tëxt", "tëxt".encode()),
        ([b"a", b"b"], b"ab"),
        (path, DATA),
        (half_read(DATA), DATA[10:]),
        (Unseekable(DATA), DATA),
        (iter([b"1", b"", b"2"]), b"12"),
        (iter([]), b""),
    ]
    if way.is_sync:
        with pytest.raises(TypeError, match="asynchronous"):
            await client.post("/x", cast_to=object, content=pieces())
    else:
        cases.append((pieces(), b"ab"))
    for content, expected in cases:
        await client.post("/x", cast_to=object, content=content, options={"headers": {"Content-Type": "a/b"}})
        assert peer.last.body == expected
        assert peer.last.headers["content-type"] == "a/b"
    for wrong in (5, {"a": b""}, object()):
        with pytest.raises(TypeError, match="content must be"):
            await client.post("/x", cast_to=object, content=wrong)
    with pytest.raises(TypeError, match="bytes, not str"):
        await client.post("/x", cast_to=object, content=iter(["a"]))
    for other in ({"body": {}}, {"files": {}}, {"options": {"extra_json": {"a": 1}}}):
        with pytest.raises(TypeError, match="either content"):
            await client.post("/x", cast_to=object, content=b"", **other)


async def test_endpoint_files(way: Any, peer: Uploads, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(DATA)
    client = way.client(base_url=peer.base_url)
    # The official SDK wants to be told the content type, and loses the fields where it is not.
    for headers in ({}, {"content-type": "multipart/form-data"}):
        await client.post(
            "/x", cast_to=object, body={"a": [1]}, files=[("f", path), ("f", b"2")], options={"headers": headers}
        )
        assert [(part.name, part.filename) for part in parts(peer.last)] == [
            ("a[]", None),
            ("f", "x.png"),
            ("f", "upload"),
        ]
    for wrong in (5, b"x", "x"):
        with pytest.raises(TypeError, match="files must be a mapping"):
            await client.post("/x", cast_to=object, files=wrong)
    with pytest.raises(TypeError, match="must be a mapping of its fields"):
        await client.put("/x", cast_to=object, body=[1], files={"a": b""})
    kind = 'multipart/form-data; boundary="a\x7fb"'
    with pytest.raises(ValueError, match="can't be the boundary"):
        await client.patch("/x", cast_to=object, files={"a": b""}, options={"headers": {"Content-Type": kind}})
