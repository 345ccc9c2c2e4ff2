"""A server with a tail: one request in twenty takes twenty times as long. From a process of its own.

`POST …/responses` is answered after `QUICK` seconds, and at random (seeded) after `SLOW`; streams have their head at once and their
events then. `GET …/count` says how many requests came, and `POST …/seed/N` begins anew from another seed.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import payloads
from .server import SMALL, STREAMS

QUICK = 0.02
SLOW = 20 * QUICK
SHARE = 0.05

STREAM = STREAMS[payloads.stream_model(payloads.SHORT_STREAM).encode()][0]


class Tail:
    """The requests that came, and chance."""

    def __init__(self) -> None:
        self.begin(0)

    def begin(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.count = 0

    def delay(self) -> float:
        self.count += 1
        usual = QUICK * self.chance.uniform(0.9, 1.2)
        return usual if self.chance.random() >= SHARE else usual * SLOW / QUICK

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                target = head.split(b" ", 2)[1]
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                body = await reader.readexactly(int(length or 0))
                if b"/seed/" in target:
                    self.begin(int(target.rpartition(b"/")[2]))
                if not target.endswith(b"/responses"):
                    text = b"%d" % self.count
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(text), text))
                    continue
                delay = self.delay()
                if b'"stream":true' in body:
                    writer.write(STREAM[0])
                    await asyncio.sleep(delay)
                    writer.write(b"".join(STREAM[1:]))
                else:
                    await asyncio.sleep(delay)
                    writer.write(b"".join(SMALL))
        except (asyncio.IncompleteReadError, ConnectionError):
            # The client has had enough.
            pass
        finally:
            writer.close()


async def main() -> None:
    server = await asyncio.start_server(Tail().serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


@contextmanager
def tail_server() -> Iterator[int]:
    """The server's port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server_tail"],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


if __name__ == "__main__":
    asyncio.run(main())
