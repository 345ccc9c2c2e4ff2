"""A server on `websockets`, and what opens a connection to it in each way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from oxide.core.http import HeadBlock, Request
from oxide.core.url import URL
from oxide.core.ws_options import WebSocketOptions

from ..ways import Blocking, Way
from .peer import Peer


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer(echo=True) as peer:
        yield peer


@pytest.fixture
def connect(way: Way) -> Any:
    """`await connect(url, **options)`: a connection of the transport, with the asynchronous interface."""

    async def open(url: str, *, transport: Any = None, **options: Any) -> Any:
        transport = transport or way.transport()
        request = Request("GET", URL(url), HeadBlock(()))
        got = transport.open_websocket(request, WebSocketOptions.of(options))
        return Blocking(got) if way.is_sync else await got

    return open


def do(what: str, **details: Any) -> str:
    """An order to the peer."""
    return json.dumps({"do": what, **details})
