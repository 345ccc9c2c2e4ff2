"""Servers that are programs of their own, in HTTP/1.1 and over TLS: granian, and nginx, which compresses."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import oxide

from .proxies import free_port, need, program
from .tls import authority, client_context

pytestmark = pytest.mark.exhaustive

APPLICATION = "tests.client.test_servers:app"

NGINX = """
daemon off; master_process off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off; client_max_body_size 0;
    client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;
    uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
    gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;
    server {{
        listen 127.0.0.1:{port} ssl; ssl_certificate {directory}/certificate.pem; ssl_certificate_key {directory}/key.pem;
        location / {{
            proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off;
        }}
    }}
}}"""


@contextlib.contextmanager
def granian(directory: Path) -> Iterator[int]:
    pytest.importorskip("granian")
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asginl", "--http", "1", "--workers", "1", "--no-log"]
    command += ["--ssl-certificate", str(directory / "certificate.pem"), "--ssl-keyfile", str(directory / "key.pem")]
    with program([*command, "--host", "127.0.0.1", "--port", str(port), APPLICATION], port):
        yield port


@contextlib.contextmanager
def nginx(directory: Path) -> Iterator[int]:
    binary = need("nginx")
    port, behind = free_port(), free_port()
    (directory / "nginx.conf").write_text(NGINX.format(directory=directory, port=port, behind=behind))
    application = [sys.executable, "-m", "uvicorn", "--port", str(behind), "--lifespan", "off", APPLICATION]
    with (
        program(application, behind),
        program([binary, "-p", str(directory), "-c", str(directory / "nginx.conf")], port),
    ):
        yield port


@pytest.fixture(params=[granian, nginx], ids=lambda server: server.__name__, scope="module")
def origin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("server")
    issued = authority().issue_cert("127.0.0.1")
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(directory / "certificate.pem", append=number > 0)
    issued.private_key_pem.write_to_path(directory / "key.pem")
    with request.param(directory) as port:
        yield f"https://127.0.0.1:{port}"


async def test_everything(way: Any, origin: str) -> None:
    transport = way.transport(ssl_context=client_context())
    client = way.client(base_url=origin, http_client=transport)
    for path in ("/echo", "/sized"):
        assert await client.post(path, cast_to=object, body={"a": "ä" * 1000}) == {"a": "ä" * 1000}
    large = bytes(range(256)) * 20_000
    assert await client.post("/sized", cast_to=bytes, content=large) == large
    for _ in range(2):
        stream = await client.post("/stream", cast_to=object, body={}, stream=True)
        assert [event["n"] async for event in stream] == list(range(100))
    assert await client.post("/busy", cast_to=object, body=[1]) == [1]
    await client.delete("/nothing", cast_to=type(None))
    stats = transport.stats()
    assert (stats["open"], stats["opened"]) == (1, 1)


async def test_compressed(way: Any, origin: str) -> None:
    """What was asked for is what nginx does, and granian does not; either way the bytes are the same."""
    transport = way.transport(ssl_context=client_context())
    client = way.client(base_url=origin, http_client=transport)
    response = await client.post("/echo", cast_to=oxide.Response, body=["a"] * 10_000)
    assert response.json() == ["a"] * 10_000
    is_nginx = response.headers.get("server", "").startswith("nginx")
    assert response.headers.get("content-encoding") == ("gzip" if is_nginx else None)
