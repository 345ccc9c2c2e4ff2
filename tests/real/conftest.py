"""llama.cpp's own server, one for chat and one for embeddings, for the whole run.

They are in the folder `../shared/llama` beside the repository, or where `OXIDE_LLAMA` says, and need the wheel
`xllamacpp`. Without them these tests are skipped.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from ..ways import Way

KEY = "sk-llama"

# Each try is as long as an unanswered connection takes, and TICK seconds.
TRIES = 300
TICK = 0.05


def folder() -> Path:
    """Where the server is. Skips the test if it is nowhere."""
    path = Path(os.environ.get("OXIDE_LLAMA") or Path(__file__).resolve().parents[3] / "shared" / "llama")
    if not (path / "serve.py").is_file():
        pytest.skip(f"no llama.cpp server in {path}: set OXIDE_LLAMA to the folder with serve.py and the models")
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("llama.cpp's server needs the wheel: pip install xllamacpp")
    return path


def serve(model: str, *options: str) -> Iterator[str]:
    """Run the server with a model of the folder; its base URL."""
    path = folder()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, str(path / "serve.py"), str(path / model), str(port), "--api-key", KEY, *options]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(process, port)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    """Ask after the server's health until it is well: a tick lasts until the process ends, or the time is over."""
    for _ in range(TRIES):
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        try:
            status = process.wait(TICK)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"llama.cpp's server ended with status {status}")
    pytest.fail(f"llama.cpp's server was not ready after {TRIES} tries")


@pytest.fixture(scope="session")
def chat_url() -> Iterator[str]:
    yield from serve("tiny-chat.gguf")


@pytest.fixture(scope="session")
def embedding_url() -> Iterator[str]:
    yield from serve("tiny-embed.gguf", "--embedding")


@pytest.fixture
def llama(way: Way, chat_url: str) -> Any:
    """A client of the server with the chat model."""
    return way.client(base_url=chat_url, api_key=KEY)


@pytest.fixture
def embedder(way: Way, embedding_url: str) -> Any:
    """A client of the server with the embedding model."""
    return way.client(base_url=embedding_url, api_key=KEY)


def parsed(raw: Any) -> Any:
    """What a raw response has in it. `parse` is a plain method on both sides."""
    return getattr(raw, "_wrapped", raw).parse()
