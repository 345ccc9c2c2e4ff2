"""A contender in a process of its own that is ended when its time is up, for work that its client may never finish.

httpcore looks at every connection on every event: with a thousand in flight its event loop is busy for minutes, and
neither a timeout nor a cancellation comes through.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from time import perf_counter

from .server import ROOT, Server, raise_file_limit


def run(row: str, contender: str, server: Server, cap: float) -> tuple[float, int]:
    """One call in each lane: seconds until they were done or the time was up, and the number of calls done."""
    command = [sys.executable, "-m", "benchmarks.isolated", row, contender, str(server.port), str(cap)]
    seconds, calls = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.split()
    return float(seconds), int(calls)


def main(row_name: str, contender: str, port: str, cap: str) -> None:
    from .rows import ROWS  # which imports this module through the harness

    server = Server()
    server.port, server.base_url = int(port), f"http://127.0.0.1:{port}/v1"
    row = next(row for row in ROWS if row.name == row_name)
    batches = row.contenders[contender](server)
    started = perf_counter()

    def leave() -> None:
        print(perf_counter() - started, batches.done, flush=True)
        os._exit(0)

    timer = threading.Timer(float(cap), leave)
    timer.daemon = True
    timer.start()
    batches.batch(1, 2 * float(cap))
    leave()


if __name__ == "__main__":
    raise_file_limit()
    main(*sys.argv[1:])
