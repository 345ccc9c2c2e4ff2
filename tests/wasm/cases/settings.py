"""What does not apply under WebAssembly says so."""

from __future__ import annotations

import os
import sys
from typing import Any

import oxide

from .. import inside
from ..world import World, raises


async def test_settings_of_transports(world: World) -> None:
    wanted: list[dict[str, Any]] = [
        {"proxy": "http://proxy.example:3128"},
        {"cert": "client.pem"},
        {"verify": False},
        {"verify": "ca.pem"},
        {"ssl_context": object()},
        {"server_hostname": "other.example"},
        {"uds": "/run/llm.sock"},
        {"local_address": "127.0.0.1"},
        {"limits": oxide.Limits(max_connections=5)},
        {"http2": True},
        {"max_expansion": 5.0},
    ]
    for transport in (oxide.AsyncHTTPTransport, oxide.HTTPTransport):
        for setting in wanted:
            with raises(oxide.OpenAIError, next(iter(setting)), "WebAssembly"):
                transport(**setting)
        with raises(TypeError, "proxies"):
            transport(proxies="x")  # type: ignore[call-arg]
        transport(trust_env=False, verify=True, http2=False, limits=None)
    with raises(ValueError, "credentials"):
        oxide.AsyncFetchTransport(credentials="all")
    with raises(ValueError, "buffer_limit"):
        oxide.AsyncFetchTransport(buffer_limit=-1)


async def test_settings_of_clients(world: World) -> None:
    for client in (oxide.AsyncOpenAI, oxide.OpenAI):
        with raises(oxide.OpenAIError, "http2"):
            client(api_key="any", http2=True)
    with raises(oxide.OpenAIError, "warm up"):
        await world.client().warmup()
    assert world.client().stats() == {}


async def test_proxies_of_the_environment(world: World) -> None:
    """There is no environment that a user would set them in: they are not looked at."""
    os.environ["HTTP_PROXY"] = os.environ["HTTPS_PROXY"] = "http://127.0.0.1:9"
    try:
        response = await world.client(max_retries=0).responses.create(model="gpt-5", input="hi")
    finally:
        del os.environ["HTTP_PROXY"], os.environ["HTTPS_PROXY"]
    assert response.output_text == "You said: hi"


async def test_cookies_can_be_asked_for(world: World) -> None:
    transport = oxide.AsyncFetchTransport(credentials="omit")
    response = await world.client(http_client=transport).responses.create(model="gpt-5", input="hi")
    assert response.output_text == "You said: hi"


async def test_the_synchronous_client_says_what_to_use(world: World) -> None:
    client = world.blocking_client()
    with raises(oxide.OpenAIError, "use AsyncOpenAI"):
        client.responses.connect().enter()
    if not world.switching:
        with raises(oxide.OpenAIError, "Use AsyncOpenAI", "stack switching"):
            client.responses.create(model="gpt-5", input="hi")


async def test_only_what_is_needed_is_there(world: World) -> None:
    """Neither are the packages for sockets installed, nor does oxide import what is for sockets and threads."""
    for name in ("httptools", "h2", "httpcore", "wsproto"):
        assert name not in sys.modules, name
    assert inside.complaints() == []
