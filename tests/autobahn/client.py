"""The client that Autobahn's fuzzing server tests: it sends back what it receives.

python -m tests.autobahn.client WAY URL AGENT   goes through all cases; prints the name of each when there is a report of it, and waits for a line
python -m tests.autobahn.client list URL        prints the names only
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


def names(url: str) -> list[str]:
    """Of the cases that the server has."""
    transport = oxide.HTTPTransport()

    def ask(path: str) -> Any:
        with transport.open_websocket(request(url + path), OPTIONS) as ws:
            return json.loads(ws.recv_bytes())

    count = ask("/getCaseCount")
    found = [str(ask(f"/getCaseInfo?case={number}")["id"]) for number in range(1, count + 1)]
    transport.close()
    return found


def reported(name: str) -> None:
    """Have the report read before the next one is written over it."""
    print(name, flush=True)
    sys.stdin.readline()


def run_sync(url: str, agent: str) -> None:
    transport = oxide.HTTPTransport()
    for number, name in enumerate(names(url), 1):
        case = request(f"{url}/runCase?case={number}&agent={agent}")
        with contextlib.suppress(WebSocketConnectionClosedError), transport.open_websocket(case, OPTIONS) as ws:
            while True:
                ws.send(ws.recv())
        report = request(f"{url}/updateReports?agent={agent}")
        with contextlib.suppress(WebSocketConnectionClosedError), transport.open_websocket(report, OPTIONS) as ws:
            ws.recv()
        reported(name)
    transport.close()


async def run_async(url: str, agent: str) -> None:
    transport = oxide.AsyncHTTPTransport()
    for number, name in enumerate(names(url), 1):
        with contextlib.suppress(WebSocketConnectionClosedError):
            case = request(f"{url}/runCase?case={number}&agent={agent}")
            async with await transport.open_websocket(case, OPTIONS) as ws:
                while True:
                    await ws.send(await ws.recv())
        with contextlib.suppress(WebSocketConnectionClosedError):
            async with await transport.open_websocket(request(f"{url}/updateReports?agent={agent}"), OPTIONS) as ws:
                await ws.recv()
        reported(name)
    await transport.aclose()


def main(way: str, url: str, agent: str = "") -> None:
    if way == "list":
        print("\n".join(names(url)))
    elif way == "sync":
        run_sync(url, agent)
    elif way == "asyncio":
        asyncio.run(run_async(url, agent))
    else:
        trio.run(run_async, url, agent)


if __name__ == "__main__":
    main(*sys.argv[1:])
