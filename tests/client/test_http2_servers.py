"""HTTP/2 servers that we did not write: hypercorn, granian and nginx, over TLS and in cleartext, each in a process of its own.

nginx is skipped where it is not installed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import oxide

from .peer import LIMIT
from .tls import authority, client_context

pytestmark = pytest.mark.exhaustive

ROOT = Path(__file__).parents[2]


def certificate(directory: Path) -> tuple[Path, Path]:
    """The paths of a certificate and of its key."""
    issued = authority().issue_cert("127.0.0.1")
    chain, key = directory / "certificate.pem", directory / "key.pem"
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(chain, append=number > 0)
    issued.private_key_pem.write_to_path(key)
    return chain, key


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]  # type: ignore[no-any-return]


@contextlib.contextmanager
def program(command: list[str], port: int, log: Path) -> Iterator[int]:
    """A server in a process of its own, from when it accepts connections until it is told to end."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.05):
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        else:
            raise AssertionError(f"the server did not start: {log.read_text()}")
        yield port
    finally:
        # Not asked to: some would wait for their connections to be closed.
        process.kill()
        process.wait(LIMIT)


@contextlib.contextmanager
def hypercorn(directory: Path, tls: bool) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "hypercorn", "--bind", f"127.0.0.1:{port}", "tests.client.test_servers:app"]
    if tls:
        chain, key = certificate(directory)
        command += ["--certfile", str(chain), "--keyfile", str(key)]
    with program(command, port, directory / "log"):
        yield port


@contextlib.contextmanager
def granian(directory: Path, tls: bool) -> Iterator[int]:
    pytest.importorskip("granian")
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asginl", "--http", "2", "--workers", "1", "--no-log"]
    command += ["--host", "127.0.0.1", "--port", str(port), "tests.client.test_servers:app"]
    if tls:
        chain, key = certificate(directory)
        command += ["--ssl-certificate", str(chain), "--ssl-keyfile", str(key)]
    with program(command, port, directory / "log"):
        yield port


@contextlib.contextmanager
def nginx(directory: Path, tls: bool) -> Iterator[int]:
    """nginx with HTTP/2 in front of the same application on uvicorn."""
    binary = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if binary is None:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    behind = free_port()
    port = free_port()
    secure = ""
    if tls:
        chain, key = certificate(directory)
        secure = f"ssl_certificate {chain}; ssl_certificate_key {key};"
    configuration = f"""
        daemon off; master_process off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log;
        events {{ worker_connections 512; }}
        http {{
            access_log off; client_max_body_size 0; keepalive_requests 50;
            client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;
            uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
            server {{
                listen 127.0.0.1:{port} http2{" ssl" if tls else ""}; {secure}
                location / {{
                    proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1;
                    proxy_buffering off; proxy_request_buffering off;
                }}
            }}
        }}"""
    (directory / "nginx.conf").write_text(textwrap.dedent(configuration))
    application = [sys.executable, "-m", "uvicorn", "--port", str(behind), "--lifespan", "off"]
    with (
        program([*application, "tests.client.test_servers:app"], behind, directory / "application-log"),
        program([binary, "-p", str(directory), "-c", str(directory / "nginx.conf")], port, directory / "log"),
    ):
        yield port


SERVERS = {"hypercorn": hypercorn, "granian": granian, "nginx": nginx}


@pytest.fixture(params=[f"{name}-{how}" for name in SERVERS for how in ("tls", "tcp")], scope="module")
def origin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    name, _, how = request.param.partition("-")
    with SERVERS[name](tmp_path_factory.mktemp(name), how == "tls") as port:
        url = f"{'https' if how == 'tls' else 'http'}://127.0.0.1:{port}"
        context = client_context() if how == "tls" else None
        transport = oxide.HTTPTransport(ssl_context=context, http2=oxide.HTTP2(prior_knowledge=True))
        with oxide.OpenAI(api_key="k", base_url=url, http_client=transport) as client:
            # Answered only when the server is up.
            assert client.get("/echo", cast_to=bytes) == b""
        yield url


def connect(way: Any, origin: str, **limits: Any) -> Any:
    context = client_context() if origin.startswith("https") else None
    transport = way.transport(
        ssl_context=context, http2=oxide.HTTP2(prior_knowledge=True), limits=oxide.Limits(**limits)
    )
    return way.client(base_url=origin, http_client=transport, timeout=20.0)


async def test_everything(way: Any, origin: str) -> None:
    client = connect(way, origin)
    raw = await client.get("/echo", cast_to=oxide.Response)
    assert raw.http_version == "HTTP/2"
    for path in ("/echo", "/sized"):
        assert await client.post(path, cast_to=object, body={"a": "ä" * 1000}) == {"a": "ä" * 1000}
    large = bytes(range(256)) * 10_000
    assert await client.post("/sized", cast_to=bytes, content=large) == large
    assert await client.post("/echo", cast_to=bytes, content=large) == large
    for _ in range(2):
        stream = await client.post("/stream", cast_to=object, body={}, stream=True)
        assert [event["n"] async for event in stream] == list(range(100))
    assert await client.post("/busy", cast_to=object, body=[1]) == [1]
    await client.delete("/nothing", cast_to=type(None))
    figures = client._transport.stats()
    assert (figures["open"], figures["opened"], figures["streams"]) == (1, 1, 0)


async def test_many_at_once(way: Any, origin: str) -> None:
    """More than nginx answers on one connection: it sends GOAWAY in the middle, and nobody notices."""
    client = connect(way, origin, max_connections=8)

    def one(number: int) -> Any:
        async def run() -> Any:
            if number % 4:
                return await client.post("/echo", cast_to=object, body=number)
            stream = await client.post("/stream", cast_to=object, body={}, stream=True)
            if number % 8:
                # Given up in the middle: only its stream is.
                assert (await stream.__anext__())["n"] == 0
                await stream.close()
                return number
            return len([event async for event in stream])

        return run

    results = await way.gather(*[one(number) for number in range(80)])
    assert results == [100 if number % 8 == 0 else number for number in range(80)]
    figures = client._transport.stats()
    assert (figures["streams"], figures["in_use"], figures["waiting"]) == (0, 0, 0)
    assert figures["open"] <= 8
