"""oxide's contenders: the same code as the official SDK's, with the other import."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from oxide import HTTP2, AsyncHTTPTransport, AsyncOpenAI, HTTPTransport, OpenAI
from oxide.core.codec import decode
from oxide.types.responses import Response

from . import payloads, peers
from .checks import check_large
from .server import Server


def oxide_sync(server: Server) -> peers.SyncSDK:
    return peers.SyncSDK(OpenAI(base_url=server.base_url, **peers.OPTIONS))


def oxide_async(server: Server) -> peers.AsyncSDK:
    return peers.AsyncSDK(AsyncOpenAI(base_url=server.base_url, **peers.OPTIONS))


class SyncFan:
    """Many streams at once in threads, over one connection of HTTP/2."""

    def __init__(self, server: Server) -> None:
        transport = HTTPTransport(http2=HTTP2(prior_knowledge=True))
        self.sdk = peers.SyncSDK(OpenAI(base_url=server.base_url, http_client=transport, **peers.OPTIONS))
        self.threads = ThreadPoolExecutor(peers.FAN)

    def fan_out(self, streams: int, length: int) -> None:
        model = payloads.stream_model(length)
        list(self.threads.map(lambda lane: self.sdk.stream(lane, model, length), range(streams)))

    def close(self) -> None:
        self.threads.shutdown()
        self.sdk.close()


def oxide_h2_sync(server: Server) -> SyncFan:
    return SyncFan(server)


def oxide_h2_async(server: Server) -> peers.Fan:
    transport = AsyncHTTPTransport(http2=HTTP2(prior_knowledge=True))
    return peers.Fan(AsyncOpenAI(base_url=server.base_url, http_client=transport, **peers.OPTIONS))


def decode_large(data: bytes) -> None:
    response = decode(Response, data)
    check_large(len(response.output), response.output[-1].id)
