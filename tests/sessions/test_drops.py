"""Connections that break at every point of a turn: at every byte, in every way.

`OXIDE_DROPS` is the number of connections that are broken (seeded; 45 by default, in all three ways together). 10 000 were run once; see
`docs/websocket.md`.
"""

from __future__ import annotations

import gc
import os
import random
import threading
from typing import Any

import pytest

import oxide
from oxide.testing import MockServer, Socket

from ..ways import Way

pytestmark = pytest.mark.exhaustive

DROPS = int(os.environ.get("OXIDE_DROPS", "45"))
WAYS = ("cut_after_bytes", "reset_after_bytes", "close_after", "cut_after", "reset_after", "garbage_after")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def count(events: Any) -> int:
    return len([event async for event in events])


async def read(lane: Any) -> tuple[list[int], str | None]:
    """The sequence numbers of the events of a turn, and the error that ended it."""
    seen: list[int] = []
    try:
        async for event in await lane.send_stream("Hi"):
            seen.append(event.sequence_number)  # noqa: PERF401 (what came before the error counts)
    except oxide.APIConnectionError as error:
        return seen, str(error)
    return seen, None


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files by /proc")
async def test_a_connection_may_break_anywhere(way: Way, server: MockServer, client: Any) -> None:
    """A turn ends in its response, or in an error; its events are the first ones, each once; the session goes on."""
    seed = random.Random(f"drops-{way.name}")
    warm = client.ws_session(model="gpt-5")
    async with warm:
        lane = warm.lane()
        expected = await count(await warm.send_stream("Hi"))
        await lane.send("Hi")
    size = sum(len(message) + 4 for message in server.sockets[0].sent)
    messages = 2 * expected
    files, threads = open_files(), threading.active_count()
    broken = whole = 0
    for number in range(DROPS // 3):
        server.clear()
        kind = WAYS[number % len(WAYS)]
        point = seed.randrange(size) if kind.endswith("bytes") else seed.randrange(messages)
        server.queue(Socket(**{kind: point}))
        async with client.ws_session(model="gpt-5") as session:
            for one in (session, session.lane()):
                seen, error = await read(one)
                assert seen == list(range(len(seen))), (kind, point)
                if error is None:
                    assert len(seen) == expected
                    whole += 1
                else:
                    # What had begun is not sent again.
                    assert seen
                    assert "cut off" in error
                    broken += 1
            turns = [request for request in server.requests if request.method == "WS"]
            repeated = len(turns) - 2
            assert repeated in (0, 1), (kind, point)
            assert (await session.send("Hi", previous_response_id=None)).output_text == "You said: Hi"
        assert len(server.sockets) == 2, (kind, point)
    assert broken + whole == 2 * (DROPS // 3)
    assert broken > 0
    assert whole > broken / 2
    server.wait_for(lambda: not server.open_connections)
    gc.collect()
    # The keepers of connections, and the server's own, come and go.
    assert open_files() <= files + 3
    assert threading.active_count() <= threads + 1
