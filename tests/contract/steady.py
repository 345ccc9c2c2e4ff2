"""Steady (`@stdy/cli` on npm): serves a specification, and says in header fields what is wrong with a request."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = "@stdy/cli@0.22.2"

# How many seconds the installation and the start may take.
INSTALL = 180
START = 30

# The official SDK's formats, which the specification does not say.
_FORMATS = [
    f"--validator-{where}-{kind}-format=brackets" for where in ("query", "form") for kind in ("array", "object")
]


class Unavailable(Exception):
    """What is needed is not on this machine; the text says what."""


class Mistake(NamedTuple):
    """What is wrong with a request: Steady's code (`steady explain` says what it means), where, and its words."""

    code: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.code} {self.place}: {self.message}"


def specification() -> Path:
    """The OpenAPI specification: `OXIDE_OPENAPI`, or beside the project.

    Raises:
        Unavailable: it isn't there.
    """
    path = Path(os.environ.get("OXIDE_OPENAPI") or ROOT.parent / "shared" / "openapi" / "openapi.json")
    if not path.is_file():
        raise Unavailable(f"the specification is not at {path}; OXIDE_OPENAPI says where it is")
    return path.resolve()


def install() -> Path:
    """The program, installed below the directory that `OXIDE_STEADY` names (`.nox/steady` without it) if it isn't yet.

    Raises:
        Unavailable: there is no node or npm, or no registry.
    """
    for needed in ("node", "npm"):
        if shutil.which(needed) is None:
            raise Unavailable(f"{needed} is not on PATH")
    folder = Path(os.environ.get("OXIDE_STEADY") or ROOT / ".nox" / "steady") / PACKAGE.rpartition("@")[2]
    program = folder / "node_modules" / ".bin" / "steady"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--prefix", str(folder), "--no-save", "--no-fund", "--no-audit", PACKAGE]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL, check=False)
        except subprocess.TimeoutExpired:
            raise Unavailable(f"npm did not install {PACKAGE} within {INSTALL} s") from None
        if done.returncode or not program.exists():
            raise Unavailable(f"npm could not install {PACKAGE}:\n{done.stderr.strip()[-1000:]}")
    return program


def mistakes(headers: Mapping[str, str]) -> list[Mistake]:
    """What Steady found in a request, by the header fields of its response.

    Raises:
        ValueError: the response is not one of Steady's.
    """
    count = headers.get("x-steady-error-count")
    if count is None:
        raise ValueError("the response says nothing of the request")
    return [
        Mistake(
            headers.get(f"x-steady-error-{number}-code", ""),
            headers.get(f"x-steady-error-{number}-path", ""),
            headers.get(f"x-steady-error-{number}-message", ""),
        )
        for number in range(1, int(count) + 1)
    ]


class Steady:
    """The server, in a process of its own on a free port of the loopback; a context manager.

    Attributes:
        url: scheme, host and port, which are the base URL.

    Raises:
        Unavailable: see `install` and `specification`.
        RuntimeError: it does not start.
    """

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._command = [
            str(install()),
            *("--host", "127.0.0.1", "--port", str(port)),
            *("--quiet", "--no-color", "--reject-on-sdk-error=false"),
            *("--generator-seed=1", "--stream-count=1", "--stream-interval=0"),
            *_FORMATS,
            str(specification()),
        ]

    def __enter__(self) -> Steady:
        # npm's launcher starts the server as a child: both are in a group, to be ended together.
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                raise RuntimeError(f"Steady does not start: {' '.join(self._command)}")
            time.sleep(0.1)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._stop()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + "/models", timeout=5):
                return True
        except OSError:
            return False

    def _stop(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, 15)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait()
