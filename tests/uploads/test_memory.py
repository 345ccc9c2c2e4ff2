"""Memory: what goes from or to a file is never in memory as a whole. Each case runs in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.exhaustive

MB = 1 << 20
GB = 1 << 30

# The whole process, interpreter and libraries included.
LIMIT = 60 * MB

SERVER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
size, busy, coding = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
block = bytes(1 << 20)
def compressed():
    if coding == "gzip":
        import zlib
        squeeze = zlib.compressobj(1, wbits=31)
        compress, flush = squeeze.compress, squeeze.flush
    elif coding == "br":
        import brotli
        squeeze = brotli.Compressor(quality=1)
        compress, flush = squeeze.process, squeeze.finish
    else:
        import zstandard
        squeeze = zstandard.ZstdCompressor(level=1).compressobj()
        compress, flush = squeeze.compress, squeeze.flush
    for _ in range(size // len(block)):
        yield compress(block)
    yield flush()
for _ in range(busy + 1):
    sock, _ = listener.accept()
    data = b""
    while b"\\r\\n\\r\\n" not in data:
        data += sock.recv(65536)
    head, _, rest = data.partition(b"\\r\\n\\r\\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\\r\\n")[1:])
    missing = int(fields.get(b"content-length", 0)) - len(rest)
    if busy and missing:
        # In the middle of the upload: an error, and a connection that breaks.
        missing //= 2
    while missing > 0:
        missing -= len(sock.recv(min(missing, 1 << 20)))
    if busy:
        busy -= 1
        sock.sendall(b"HTTP/1.1 500 x\\r\\nRetry-After-Ms: 1\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n")
        sock.close()
        continue
    if coding:
        sock.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Encoding: %b\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n" % coding.encode())
        for data in compressed():
            if data:
                sock.sendall(b"%x\\r\\n%b\\r\\n" % (len(data), data))
        sock.sendall(b"0\\r\\n\\r\\n")
    elif head.startswith(b"GET"):
        sock.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % size)
        for _ in range(size // len(block)):
            sock.sendall(block)
    else:
        print(fields[b"content-length"].decode(), flush=True)
        sock.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
"""

CLIENT = """
import pathlib, sys
way, what, port, path = sys.argv[1:]
import oxide
from tests.uploads.operations import CONTENT, FILE
path = pathlib.Path(path)

def peak():
    [line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    print(int(line.split()[1]) * 1024)

options = dict(api_key="sk-test", base_url=f"http://127.0.0.1:{port}/v1")
file = path
if what == "object":
    file = path.open("rb")
params = {"file": file, "purpose": "batch"}
if what == "download":
    params = {"__oxide_raw__": "stream"}

def sync():
    client = oxide.OpenAI(**options)
    if what == "download":
        client._call(CONTENT, params, "f").stream_to_file(path)
    else:
        client._call(FILE, params)

async def aio():
    client = oxide.AsyncOpenAI(**options)
    if what == "download":
        await (await client._call(CONTENT, params, "f")).stream_to_file(path)
    else:
        await client._call(FILE, params)

if way == "sync":
    sync()
elif way == "asyncio":
    import asyncio
    asyncio.run(aio())
else:
    import trio
    trio.run(aio)
peak()
"""


def run(way: str, what: str, path: Path, size: int, busy: int = 0, coding: str = "") -> int:
    """The peak of a client's memory in bytes, and what the server got of an upload is checked."""
    root = Path(__file__).parents[2]
    arguments = [str(size), str(busy), coding]
    server = subprocess.Popen([sys.executable, "-c", SERVER, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        if what != "download":
            with path.open("wb") as file:
                file.truncate(size)
        done = subprocess.run(
            [sys.executable, "-c", CLIENT, way, what, port, str(path)],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        if what == "download":
            assert path.stat().st_size == size
        else:
            assert size < int(server.stdout.readline()) < size + 1000
        return int(done.stdout)
    finally:
        server.kill()
        server.communicate()
        path.unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def _ends() -> None:
    """The processes have their own limit."""


@pytest.mark.parametrize("what", ["path", "object", "download"])
@pytest.mark.parametrize("way", ["sync", "asyncio", "trio"])
def test_300_megabytes(tmp_path: Path, way: str, what: str) -> None:
    assert run(way, what, tmp_path / "large", 300 * MB) < LIMIT


@pytest.mark.parametrize("way", ["sync", "asyncio", "trio"])
def test_retried(tmp_path: Path, way: str) -> None:
    """A 5xx in the middle of an upload: it is begun again, and all of it arrives."""
    assert run(way, "path", tmp_path / "large", 100 * MB, busy=2) < LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("what", ["path", "object", "download"])
@pytest.mark.parametrize("way", ["sync", "asyncio", "trio"])
def test_a_gigabyte(tmp_path: Path, way: str, what: str) -> None:
    assert run(way, what, tmp_path / "large", GB, busy=0 if what == "download" else 1) < LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
@pytest.mark.parametrize("way", ["sync", "asyncio", "trio"])
def test_compressed_download(way: str, coding: str, tmp_path: Path) -> None:
    """A thousand times as much comes out as goes in, and still a piece at a time."""
    assert run(way, "download", tmp_path / "data", GB, coding=coding) < LIMIT
