"""Proxies that we did not write, each as a process of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["PROXIES", "free_port", "need", "program", "running"]

USER, PASSWORD = "user", "pa:ss@word"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def need(program: str) -> str:
    """The path of a program; skips the test where there is none."""
    found = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def _need_module(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"the package {name} is not installed")


def tinyproxy(port: int, directory: Path) -> list[str]:
    program = need("tinyproxy")
    config = directory / f"tinyproxy-{port}.conf"
    config.write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 30\nMaxClients 50\nLogLevel Error\n")
    return [program, "-d", "-c", str(config)]


def tinyproxy_with_password(port: int, directory: Path) -> list[str]:
    command = tinyproxy(port, directory)
    with open(command[-1], "a") as config:
        config.write(f"BasicAuth {USER} secret\n")
    return command


def proxy_py(port: int, directory: Path, *more: str) -> list[str]:
    _need_module("proxy")
    # The flags keep it to one process: the acceptor's is the worker's.
    return [
        *(sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", str(port), "--log-level", "CRITICAL"),
        *("--num-workers", "1", "--num-acceptors", "1", "--data-dir", str(directory), *more),
    ]


def proxy_py_over_tls(port: int, directory: Path) -> list[str]:
    return proxy_py(
        *(port, directory, "--cert-file", str(directory / "certificate.pem"), "--key-file", str(directory / "key.pem"))
    )


def microsocks(port: int, directory: Path) -> list[str]:
    return [need("microsocks"), "-i", "127.0.0.1", "-p", str(port)]


def microsocks_with_password(port: int, directory: Path) -> list[str]:
    return [*microsocks(port, directory), "-u", USER, "-P", PASSWORD]


def pproxy(port: int, directory: Path) -> list[str]:
    _need_module("pproxy")
    return [sys.executable, "-W", "ignore", "-m", "pproxy", "-l", f"socks5://127.0.0.1:{port}#{USER}:secret"]


PROXIES = {
    "tinyproxy": (tinyproxy, "http://127.0.0.1:{}"),
    "tinyproxy with a password": (tinyproxy_with_password, f"http://{USER}:secret@127.0.0.1:{{}}"),
    "proxy.py over TLS": (proxy_py_over_tls, "https://127.0.0.1:{}"),
    "microsocks": (microsocks, "socks5h://127.0.0.1:{}"),
    "microsocks with a password": (microsocks_with_password, f"socks5://{USER}:pa%3Ass%40word@127.0.0.1:{{}}"),
    "pproxy": (pproxy, f"socks5://{USER}:secret@127.0.0.1:{{}}"),
}


@contextlib.contextmanager
def program(command: list[str], port: int) -> Iterator[None]:
    """A server as a process, from when it listens until the block is left."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, f"{command} ended by itself"
                assert time.monotonic() < end, f"{command} does not listen"
                time.sleep(0.02)
        yield
    finally:
        # Not asked to end: some would wait for their connections to be closed. And with the processes that it has started.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def running(name: str, directory: Path) -> Iterator[str]:
    """The URL of a proxy that runs as long as the block; skips the test where it is not installed."""
    make, url = PROXIES[name]
    port = free_port()
    with program(make(port, directory), port):
        yield url.format(port)
