"""The clients oxide is compared with: the official SDK over its three transports, and httpcore alone.

httpcore is no OpenAI client. It shows what a general HTTP library costs: its creates decode the JSON to plain dicts, its
streams are read and their events counted, but not decoded.
"""

from __future__ import annotations

import json
from typing import Any

import anyio
import httpcore
import msgspec
import openai
from openai._models import construct_type
from openai.types.responses import Response

from . import payloads
from .checks import WrongResult, check_chat_stream, check_small, check_stream
from .floor import PARAMETERS, encode
from .server import Server

# No limit that a thousand connections on a busy machine could pass.
OPTIONS: dict[str, Any] = {"api_key": "sk-benchmark", "max_retries": 0, "timeout": 600.0}
MESSAGES: list[Any] = [{"role": "user", "content": payloads.PROMPT}]


class SyncSDK:
    """Any synchronous client with the official interface: openai's here, oxide's in `ours`."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def create(self, lane: int, parameters: Any = PARAMETERS) -> None:
        response = self.client.responses.create(**parameters)
        check_small(response.id, response.output[0].content[0].text)

    def stream(self, lane: int, model: str, length: int) -> None:
        seen = 0
        deltas: list[str] = []
        with self.client.responses.create(model=model, input=payloads.PROMPT, stream=True) as stream:
            for event in stream:
                seen += 1
                if event.type == "response.output_text.delta":
                    deltas.append(event.delta)
        check_stream(length, seen, deltas)

    def helper(self, lane: int, model: str, length: int) -> None:
        """`responses.stream`: every event, and the response at the end."""
        seen = 0
        deltas: list[str] = []
        with self.client.responses.stream(model=model, input=payloads.PROMPT) as stream:
            for event in stream:
                seen += 1
                if event.type == "response.output_text.delta":
                    deltas.append(event.delta)
            response = stream.get_final_response()
        check_stream(length, seen, [response.output_text])

    def chat_helper(self, lane: int, model: str, length: int) -> None:
        """`chat.completions.stream`: every event, and the completion at the end."""
        chunks = 0
        with self.client.chat.completions.stream(model=model, messages=MESSAGES) as stream:
            for event in stream:
                chunks += event.type == "chunk"
            completion = stream.get_final_completion()
        check_chat_stream(length, chunks, completion.choices[0].message.content)

    def close(self) -> None:
        self.client.close()


class AsyncSDK:
    """Any asynchronous client with the official interface."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def create(self, lane: int, parameters: Any = PARAMETERS) -> None:
        response = await self.client.responses.create(**parameters)
        check_small(response.id, response.output[0].content[0].text)

    async def stream(self, lane: int, model: str, length: int) -> None:
        seen = 0
        deltas: list[str] = []
        async with await self.client.responses.create(model=model, input=payloads.PROMPT, stream=True) as stream:
            async for event in stream:
                seen += 1
                if event.type == "response.output_text.delta":
                    deltas.append(event.delta)
        check_stream(length, seen, deltas)

    async def helper(self, lane: int, model: str, length: int) -> None:
        """`responses.stream`: every event, and the response at the end."""
        seen = 0
        deltas: list[str] = []
        async with self.client.responses.stream(model=model, input=payloads.PROMPT) as stream:
            async for event in stream:
                seen += 1
                if event.type == "response.output_text.delta":
                    deltas.append(event.delta)
            response = await stream.get_final_response()
        check_stream(length, seen, [response.output_text])

    async def chat_helper(self, lane: int, model: str, length: int) -> None:
        """`chat.completions.stream`: every event, and the completion at the end."""
        chunks = 0
        async with self.client.chat.completions.stream(model=model, messages=MESSAGES) as stream:
            async for event in stream:
                chunks += event.type == "chunk"
            completion = await stream.get_final_completion()
        check_chat_stream(length, chunks, completion.choices[0].message.content)

    async def close(self) -> None:
        await self.client.close()


FAN = 50
"""Streams at once over one connection of HTTP/2."""


class Fan:
    """Many streams at once, each in a task of its own, by any asynchronous client with the official interface."""

    def __init__(self, client: Any) -> None:
        self.sdk = AsyncSDK(client)

    async def fan_out(self, streams: int, length: int) -> None:
        model = payloads.stream_model(length)
        async with anyio.create_task_group() as group:
            for lane in range(streams):
                group.start_soon(self.sdk.stream, lane, model, length)

    async def close(self) -> None:
        await self.sdk.close()


def openai_h2(server: Server) -> Fan:
    """The official SDK over httpx2, told to speak HTTP/2."""
    import httpx2

    http_client: Any = httpx2.AsyncClient(http1=False, http2=True, timeout=60.0)
    return Fan(openai.AsyncOpenAI(base_url=server.base_url, http_client=http_client, **OPTIONS))


class HTTPX2Fan:
    """httpx2 alone, read line by line; the events are decoded to plain dicts."""

    def __init__(self, server: Server) -> None:
        import httpx2

        self.client = httpx2.AsyncClient(http1=False, http2=True, timeout=60.0)
        self.url = f"{server.base_url}/responses"
        self.headers = {"Authorization": "Bearer sk-benchmark", "Content-Type": "application/json"}

    async def stream(self, length: int) -> None:
        body = encode(PARAMETERS | {"model": payloads.stream_model(length), "stream": True})
        seen = 0
        deltas: list[str] = []
        async with self.client.stream("POST", self.url, headers=self.headers, content=body) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    event = json.loads(line[6:])
                    seen += 1
                    if event["type"] == "response.output_text.delta":
                        deltas.append(event["delta"])
        check_stream(length, seen, deltas)

    async def fan_out(self, streams: int, length: int) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(streams):
                group.start_soon(self.stream, length)

    async def close(self) -> None:
        await self.client.aclose()


def openai_sync(server: Server) -> SyncSDK:
    return SyncSDK(openai.OpenAI(base_url=server.base_url, **OPTIONS))


def openai_async(server: Server) -> AsyncSDK:
    return AsyncSDK(openai.AsyncOpenAI(base_url=server.base_url, **OPTIONS))


def openai_aiohttp(server: Server) -> AsyncSDK:
    http_client = openai.DefaultAioHttpClient()
    return AsyncSDK(openai.AsyncOpenAI(base_url=server.base_url, http_client=http_client, **OPTIONS))


class HTTPCore:
    """What the two httpcore contenders share: the request, and the looks at what came."""

    def __init__(self, server: Server) -> None:
        self.url = f"{server.base_url}/responses"
        self.headers = {"Authorization": "Bearer sk-benchmark", "Content-Type": "application/json"}
        self.limits: dict[str, Any] = {"max_connections": 1000, "max_keepalive_connections": 1000}

    def arguments(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {"method": "POST", "url": self.url, "headers": self.headers, "content": encode(parameters)}

    def check(self, body: bytes) -> None:
        document = msgspec.json.decode(body)
        check_small(document["id"], document["output"][0]["content"][0]["text"])

    def count(self, length: int, body: bytes) -> None:
        if body.count(b"\ndata: ") != length:
            raise WrongResult(f"expected {length} events")


class SyncHTTPCore(HTTPCore):
    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.pool = httpcore.ConnectionPool(**self.limits)

    def create(self, lane: int, parameters: Any = PARAMETERS) -> None:
        self.check(self.pool.request(**self.arguments(parameters)).content)

    def stream(self, lane: int, model: str, length: int) -> None:
        with self.pool.stream(**self.arguments(PARAMETERS | {"model": model, "stream": True})) as response:
            self.count(length, b"".join(response.iter_stream()))

    def close(self) -> None:
        self.pool.close()


class AsyncHTTPCore(HTTPCore):
    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.pool = httpcore.AsyncConnectionPool(**self.limits)

    async def create(self, lane: int, parameters: Any = PARAMETERS) -> None:
        response = await self.pool.request(**self.arguments(parameters))
        self.check(response.content)

    async def stream(self, lane: int, model: str, length: int) -> None:
        async with self.pool.stream(**self.arguments(PARAMETERS | {"model": model, "stream": True})) as response:
            self.count(length, b"".join([part async for part in response.aiter_stream()]))

    async def close(self) -> None:
        await self.pool.aclose()


def decode_response(data: bytes) -> Any:
    """What the official SDK does with the body of a Response: JSON to plain data, then models built without validation."""
    return construct_type(type_=Response, value=json.loads(data))
