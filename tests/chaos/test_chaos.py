"""Calls through the chaos proxy: each ends in the right answer or in an oxide error, in time, and leaves nothing.

`OXIDE_CHAOS_CALLS` is the number of calls in each test (20 000 in all is what the resilience budget asks for),
`OXIDE_CHAOS_SEED` where the faults begin.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import oxide
from oxide.testing import MockServer

from ..client.test_http2_servers import certificate
from ..client.tls import client_context, server_context
from ..ways import Way
from .proxy import CORRUPTING, FAULTS, ChaosProxy

pytestmark = pytest.mark.exhaustive

CALLS = int(os.environ.get("OXIDE_CHAOS_CALLS", "60"))
SEED = int(os.environ.get("OXIDE_CHAOS_SEED", "1"))
WORKERS = min(20, CALLS)

READ = 0.3
TOTAL = 3.0
SLACK = 10.0
"""Seconds beyond the deadline that a busy machine may take; a call that hangs takes forever."""


class Ending:
    """How one call ended: `"right"`, the name of the error, or a description of what must not be."""

    def __init__(self, way: Way, client: Any) -> None:
        self._way = way
        self._client = client

    async def of(self, number: int) -> str:
        """Call number `number`: every third one streams."""
        text = f"call {number} of {SEED}."
        begin = time.monotonic()
        try:
            got = await (self._streamed(text) if number % 3 == 0 else self._whole(text))
        except oxide.OpenAIError as error:
            got = None
            ending = type(error).__name__
        took = time.monotonic() - begin
        if took > TOTAL + SLACK:
            return f"call {number} took {took:.1f} s"
        if got is None:
            return ending
        return "right" if got == f"You said: {text}" else f"call {number} got {got!r}"

    async def _whole(self, text: str) -> str:
        response = await self._client.responses.create(model="gpt-5", input=text)
        return str(response.output_text)

    async def _streamed(self, text: str) -> str:
        pieces, done = [], False
        async with await self._client.responses.create(model="gpt-5", input=text, stream=True) as stream:
            async for event in stream:
                if event.type == "response.output_text.delta":
                    pieces.append(event.delta)
                done = done or event.type == "response.completed"
        # A server may close a body of chunks, or of unknown length, wherever it likes; what ended early is not an answer.
        return "".join(pieces) if done else "a stream without its end"


async def endings(way: Way, base_url: str, calls: int, **options: Any) -> Counter[str]:
    """Make the calls, `WORKERS` at a time, and count their endings."""
    http2 = options.pop("http2", False)
    context = client_context() if base_url.startswith("https") else None
    client = way.client(
        base_url=base_url,
        timeout=oxide.Timeout(READ, connect=2.0, total=TOTAL),
        http_client=way.transport(ssl_context=context, http2=oxide.HTTP2(prior_knowledge=True) if http2 else False),
        **{"max_retries": 2, **options},
    )
    counts: Counter[str] = Counter()
    numbers = iter(range(calls))

    async def work() -> None:
        for number in numbers:
            counts[await Ending(way, client).of(number)] += 1

    await way.gather(*[work] * WORKERS)
    if way.name == "asyncio":
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left
    figures = client._transport.stats()
    assert figures["in_use"] == figures["waiting"] == figures.get("streams", 0) == 0
    await client.close()
    return counts


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


@contextmanager
def hypercorn(tls: bool) -> Iterator[tuple[int, Callable[[], object]]]:
    """A server of HTTP/2, in a process of its own: its port, and what waits until it has no connection."""
    with TemporaryDirectory() as directory, socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        # It gets a socket that listens already, so that nobody has to wait for it, or can have its port before it.
        command = [sys.executable, "-m", "hypercorn", "--bind", f"fd://{listener.fileno()}", "--log-level", "error"]
        if tls:
            chain, key = certificate(Path(directory))
            command += ["--certfile", str(chain), "--keyfile", str(key)]
        log = Path(directory) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "tests.chaos.application:app"],
                cwd=Path(__file__).parents[2],
                pass_fds=[listener.fileno()],
                stdout=output,
                stderr=output,
            )
        try:
            port = int(listener.getsockname()[1])
            wait_for(port, tls)
            yield port, lambda: None
            assert process.poll() is None, log.read_text()
        finally:
            process.kill()
            process.wait()


def wait_for(port: int, tls: bool) -> None:
    """Until a server answers."""
    transport = oxide.HTTPTransport(ssl_context=client_context() if tls else None)
    base_url = f"http{'s' if tls else ''}://127.0.0.1:{port}/v1"
    with oxide.OpenAI(base_url=base_url, api_key="k", http_client=transport, timeout=60.0) as client:
        assert client.responses.create(model="gpt-5", input="up").output_text == "You said: up"


@contextmanager
def embedded(tls: bool) -> Iterator[tuple[int, Callable[[], object]]]:
    """A server of HTTP/1.1, in this process: the same."""
    with MockServer(ssl=server_context() if tls else None) as server:
        yield server.port, lambda: server.wait_for(lambda: not server.open_connections, SLACK)


SERVERS = {"http11": embedded, "http2": hypercorn}

REACH = {"http11": 20_000, "http2": 12_000}
"""As `ChaosProxy` has it. There are few connections of HTTP/2, of which each may break in the middle of many calls."""

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts descriptors in /proc")


@linux
@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("protocol", SERVERS)
@pytest.mark.parametrize("name", ["sync", "asyncio", "trio"])
def test_every_call_ends(name: str, protocol: str, tls: bool) -> None:
    counts = run(name, protocol, tls, CALLS)
    assert counts["right"] >= CALLS / 3


@linux
@pytest.mark.parametrize("protocol", SERVERS)
@pytest.mark.parametrize("name", ["sync", "asyncio", "trio"])
def test_every_hedged_call_ends(name: str, protocol: str) -> None:
    calls = max(CALLS // 3, 20)
    counts = run(name, protocol, True, calls, hedge=oxide.Hedge(0.05, requests=3, budget=0.5), max_retries=4)
    assert counts["right"] > 0


def run(name: str, protocol: str, tls: bool, calls: int, **options: Any) -> Counter[str]:
    """Make the calls through the proxy, and see that each ended as it may and that nothing is left; how they ended."""
    # In the clear, bytes that were made up may pass for content: there the check would be of luck.
    kinds = FAULTS if tls else [kind for kind in FAULTS if kind not in CORRUPTING]
    with (
        SERVERS[protocol](tls) as (port, settle),
        ChaosProxy(port, seed=SEED, kinds=kinds, reach=REACH[protocol]) as proxy,
    ):
        before, threads = open_files(), threading.active_count()
        way = Way(name)
        base_url = f"http{'s' if tls else ''}://127.0.0.1:{proxy.port}/v1"
        counts = way.run(endings(way, base_url, calls, http2=protocol == "http2", **options))
        assert proxy.wait_until_unused(SLACK)
        settle()
        for thread in threading.enumerate():
            if thread.name.startswith("oxide race"):
                thread.join(SLACK)
        if name == "sync":
            assert threading.active_count() <= threads
        assert open_files() <= before + 1
        met = dict(proxy.met)
    print(name, protocol, "tls" if tls else "clear", options or "", dict(counts), met)
    assert counts.total() == calls
    assert set(counts) <= {"right", *ERRORS}
    if calls >= 300:
        assert len(met) == len(kinds)
    return counts


ERRORS = ("APIConnectionError", "APITimeoutError", "APIResponseValidationError", "APIError")
