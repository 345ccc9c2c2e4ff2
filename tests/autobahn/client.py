"""The client that Autobahn's fuzzing server tests: it sends back what it receives.

python -m tests.autobahn.client WAY URL AGENT CASES...
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

import trio

import oxide
from oxide.core.errors import WebSocketConnectionClosedError
from oxide.core.http import HeadBlock, Request
from oxide.core.url import URL
from oxide.core.ws_options import WebSocketOptions

# The compression cases of sections 12 and 13 are skipped by a client that does not offer compression.
OPTIONS = WebSocketOptions(compression="deflate", close_timeout=3.0, open_timeout=60.0)


def request(url: str) -> Request:
    return Request("GET", URL(url), HeadBlock(()))


def run_sync(url: str, agent: str) -> int:
    transport = oxide.HTTPTransport()
    with transport.open_websocket(request(f"{url}/getCaseCount"), OPTIONS) as ws:
        count = json.loads(ws.recv_bytes())
    for case in range(1, count + 1):
        try:
            with transport.open_websocket(request(f"{url}/runCase?case={case}&agent={agent}"), OPTIONS) as ws:
                while True:
                    ws.send(ws.recv())
        except WebSocketConnectionClosedError:
            pass
    report = transport.open_websocket(request(f"{url}/updateReports?agent={agent}"), OPTIONS)
    with contextlib.suppress(WebSocketConnectionClosedError), report as ws:
        ws.recv()
    transport.close()
    return int(count)


async def run_async(url: str, agent: str) -> int:
    transport = oxide.AsyncHTTPTransport()
    async with await transport.open_websocket(request(f"{url}/getCaseCount"), OPTIONS) as ws:
        count = json.loads(await ws.recv_bytes())
    for case in range(1, count + 1):
        try:
            async with await transport.open_websocket(
                request(f"{url}/runCase?case={case}&agent={agent}"), OPTIONS
            ) as ws:
                while True:
                    await ws.send(await ws.recv())
        except WebSocketConnectionClosedError:
            pass
    with contextlib.suppress(WebSocketConnectionClosedError):
        async with await transport.open_websocket(request(f"{url}/updateReports?agent={agent}"), OPTIONS) as ws:
            await ws.recv()
    await transport.aclose()
    return int(count)


def run(way: str, url: str, agent: str) -> int:
    """Go through all cases that the server has; returns how many there were."""
    if way == "sync":
        return run_sync(url, agent)
    if way == "asyncio":
        return asyncio.run(run_async(url, agent))
    result: Any = trio.run(run_async, url, agent)
    return int(result)


if __name__ == "__main__":
    print(run(*sys.argv[1:4]))
