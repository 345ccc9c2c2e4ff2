"""The benchmarks' server, with requests that fail, and ones that get no answer; HTTP/1.1 and HTTP/2, from a process of its own.

By the name of the model: `soak-400` is refused, `soak-500` fails every other time, `soak-never` gets no answer, `soak-pair` none every fourth time.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import hpack

from benchmarks import server, server_h2

BODY = b'{"error": {"message": "as it was asked for", "type": "soak"}}'
HEAD = b"HTTP/1.1 %d No\r\ncontent-type: application/json\r\nretry-after-ms: 1\r\ncontent-length: %d\r\n\r\n"


class Turns:
    """Which of those that go wrong now and then does now; counted apart, so that they don't fall into step."""

    def __init__(self) -> None:
        self.failing = count()
        self.silent = count()


def status(body: bytes, turns: Turns) -> int:
    """200 for the ordinary answer, 0 for none."""
    if b"soak-" not in body:
        return 200
    if b"soak-400" in body:
        return 400
    if b"soak-never" in body:
        return 0
    if b"soak-500" in body:
        return 200 if next(turns.failing) % 2 else 500
    return 200 if next(turns.silent) % 4 else 0


def failure(code: int) -> list[list[tuple[bytes, bytes]]]:
    """The same as frames."""
    encoder = hpack.Encoder()
    encoder.header_table_size = 0
    fields = [(b":status", b"%d" % code), (b"content-type", b"application/json"), (b"retry-after-ms", b"1")]
    return [[server_h2.frame(1, 4, encoder.encode(fields))], [server_h2.frame(0, 1, BODY)]]


class Replies(server_h2.Replies):
    def __init__(self) -> None:
        super().__init__()
        self.turns = Turns()
        self.failures = {code: failure(code) for code in (400, 500)}

    def reply(self, body: bytes) -> list[list[tuple[bytes, bytes]]]:
        code = status(body, self.turns)
        if code == 200:
            return super().reply(body)
        return self.failures[code] if code else []


def serve() -> None:
    ordinary, turns = server.reply, Turns()

    def reply(path: bytes, body: bytes) -> tuple[bytes, ...]:
        code = status(body, turns)
        if code == 200:
            return ordinary(path, body)
        return (HEAD % (code, len(BODY)) + BODY,) if code else ()

    server.reply = reply
    server_h2.H2.replies = Replies()
    server.serve()


@contextmanager
def soak_server() -> Iterator[str]:
    """The base URL."""
    root = Path(__file__).parents[2]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-m", "tests.soak.server"], cwd=root, **pipes)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


if __name__ == "__main__":
    serve()
