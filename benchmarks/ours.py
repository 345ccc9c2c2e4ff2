"""oxide's contenders: the same code as the official SDK's, with the other import."""

from __future__ import annotations

from oxide import AsyncOpenAI, OpenAI
from oxide.core.codec import decode
from oxide.types.responses import Response

from . import peers
from .checks import check_large
from .server import Server


def oxide_sync(server: Server) -> peers.SyncSDK:
    return peers.SyncSDK(OpenAI(base_url=server.base_url, **peers.OPTIONS))


def oxide_async(server: Server) -> peers.AsyncSDK:
    return peers.AsyncSDK(AsyncOpenAI(base_url=server.base_url, **peers.OPTIONS))


def decode_large(data: bytes) -> None:
    response = decode(Response, data)
    check_large(len(response.output), response.output[-1].id)
