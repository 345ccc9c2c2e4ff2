"""A thousand sessions in one process: what each of them costs."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

import anyio
import pytest

from oxide import AsyncOpenAI, OpenAI

SESSIONS = 1000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="measures by /proc"),
]


@pytest.fixture
def base_url() -> Iterator[str]:
    """A server in a process of its own, whose memory is not counted."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < 4 * SESSIONS:
        pytest.skip("too few files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4 * SESSIONS, most))
    command = [sys.executable, "-m", "oxide.cli", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        found = re.search(r"http://\S+/v1", server.stdout.readline())
        assert found
        yield found[0]
        server.kill()


def memory() -> int:
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_sync(base_url: str) -> None:
    with OpenAI(base_url=base_url, api_key="k") as client:
        with client.ws_session(model="gpt-5") as session:
            session.send("Hi")
        before, threads = memory(), threading.active_count()
        sessions = [client.ws_session(model="gpt-5") for _ in range(SESSIONS)]
        for session in sessions:
            assert session.send("Hi").output_text == "You said: Hi"
        # 14 KiB were measured.
        assert (memory() - before) / SESSIONS < 40 * 1024
        # One looks after all connections.
        assert threading.active_count() <= threads + 1
        for session in sessions:
            session.close()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async(base_url: str, backend: str) -> None:
    async def main() -> None:
        async with AsyncOpenAI(base_url=base_url, api_key="k") as client:
            async with client.ws_session(model="gpt-5") as session:
                await session.send("Hi")
            before = memory()
            sessions = [client.ws_session(model="gpt-5") for _ in range(SESSIONS)]
            limiter = anyio.CapacityLimiter(50)

            async def one(number: int) -> None:
                async with limiter:
                    assert (await sessions[number].send("Hi")).output_text == "You said: Hi"

            async with anyio.create_task_group() as group:
                for number in range(SESSIONS):
                    group.start_soon(one, number)
            # 18 KiB were measured.
            assert (memory() - before) / SESSIONS < 50 * 1024
            async with anyio.create_task_group() as group:
                for session in sessions:
                    group.start_soon(session.close)

    anyio.run(main, backend=backend)
