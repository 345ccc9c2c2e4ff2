"""What importing a client and making one costs: a Python process for every sample, by the clock of the one that starts it.

A process says its own peak memory: `VmHWM` of /proc, because on Linux `ru_maxrss` begins with the size of the process
that started it. Elsewhere `ru_maxrss` has to do.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter

from .harness import Batches, Sample
from .server import ROOT, Server

PEAK = """
try:
    with open("/proc/self/status") as status:
        print(next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM")))
except FileNotFoundError:
    import resource, sys
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024))
"""

BARE = ""
FLOOR = "import socket, ssl, httptools, msgspec\nfrom benchmarks import structs\n"
HTTPCORE = "import httpcore\nclient = httpcore.ConnectionPool()\n"
OPENAI = "from openai import OpenAI\nclient = OpenAI(api_key='sk-benchmark', base_url={base_url!r})\n"
OPENAI_AIOHTTP = (
    "import asyncio\nfrom openai import AsyncOpenAI, DefaultAioHttpClient\nasync def make():\n"
    "    return AsyncOpenAI(api_key='sk-benchmark', http_client=DefaultAioHttpClient())\n"
    "client = asyncio.run(make())\n"
)
OXIDE = OPENAI.replace("openai", "oxide")
CREATE = "assert client.responses.create(model='m', input='i').output_text\n"


class Process(Batches):
    """Batches of Python processes that run `code`, with compiled modules at hand, as an installer leaves them."""

    def __init__(self, code: str) -> None:
        self.command = [sys.executable, "-c", code + PEAK]
        self.environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def batch(self, calls: int, cap: float) -> Sample:
        started = perf_counter()
        for _ in range(calls):
            peak = subprocess.run(
                self.command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, check=True
            ).stdout
        return Sample(perf_counter() - started, calls, peak=float(peak))

    def close(self) -> None:
        pass


def process(code: str) -> Callable[[Server], Batches]:
    """A contender for a row: `code` in a Python of its own, `{base_url!r}` in it filled in."""
    return lambda server: Process(code.replace("{base_url!r}", repr(server.base_url)))
