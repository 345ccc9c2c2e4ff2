"""Calls through the chaos proxy: each ends in the right answer or in an oxide error, in time, and leaves nothing.

`OXIDE_CHAOS_CALLS` is the number of calls in each test (20 000 in all is what the resilience budget asks for),
`OXIDE_CHAOS_SEED` where the faults begin.
"""

from __future__ import annotations

import asyncio
import gc
import os
import ssl
import sys
import time
from collections import Counter
from typing import Any

import pytest

import oxide
from oxide.testing import MockServer

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


async def endings(way: Way, base_url: str, context: ssl.SSLContext | None) -> Counter[str]:
    """Make the calls, `WORKERS` at a time, and count their endings."""
    client = way.client(
        base_url=base_url,
        timeout=oxide.Timeout(READ, connect=2.0, total=TOTAL),
        http_client=way.transport(ssl_context=context),
        max_retries=2,
    )
    counts: Counter[str] = Counter()
    numbers = iter(range(CALLS))

    async def work() -> None:
        for number in numbers:
            counts[await Ending(way, client).of(number)] += 1

    await way.gather(*[work] * WORKERS)
    if way.name == "asyncio":
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left
    await client.close()
    return counts


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts descriptors in /proc")
@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("name", ["sync", "asyncio", "trio"])
def test_every_call_ends(name: str, tls: bool) -> None:
    # In the clear, bytes that were made up may pass for content: there the check would be of luck.
    kinds = FAULTS if tls else [kind for kind in FAULTS if kind not in CORRUPTING]
    context = server_context() if tls else None
    with MockServer(ssl=context) as server, ChaosProxy(server.port, seed=SEED, kinds=kinds) as proxy:
        before = open_files()
        way = Way(name)
        base_url = f"http{'s' if tls else ''}://127.0.0.1:{proxy.port}/v1"
        counts = way.run(endings(way, base_url, client_context() if tls else None))
        assert proxy.wait_until_unused(SLACK)
        server.wait_for(lambda: not server.open_connections, SLACK)
        assert open_files() <= before + 1
        met = dict(proxy.met)
    print(name, "tls" if tls else "clear", dict(counts), met)
    assert counts.total() == CALLS
    assert set(counts) <= {"right", *ERRORS}
    assert counts["right"] >= CALLS / 3
    assert len(met) >= min(len(kinds), CALLS // 20)


ERRORS = ("APIConnectionError", "APITimeoutError", "APIResponseValidationError", "APIError")
