"""200 000 calls on loopback, in threads, on asyncio and on trio, each in a process of its own: memory and descriptors stay as they are.

Calls of all kinds: plain, streams, streams left early, refused, retried, given up, hedged; over HTTP/1.1 and HTTP/2 by turns. What counts is
resident memory at the end less that after the warm-up, which is a quarter of the calls of the same mix.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

from .client import Point, soak

SHARES = {"sync": 0.4, "asyncio": 0.4, "trio": 0.2}
GROWTH = 2.0
"""MB."""


def grown(points: list[Point]) -> tuple[float, int, int]:
    """By how many MB, descriptors and threads the last looks are above those after the warm-up: medians of a quarter of the looks."""
    quarter = max(len(points) // 4, 1)
    early, late = points[quarter : 2 * quarter] or points[:1], points[-quarter:]

    def more(name: str) -> float:
        return statistics.median(getattr(p, name) for p in late) - statistics.median(getattr(p, name) for p in early)

    return more("memory"), int(more("files")), int(more("threads"))


def main() -> int:
    """0; 1 where something has grown."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--calls", type=int, default=200_000, help="of all ways together")
    parser.add_argument("--ways", nargs="+", choices=list(SHARES), default=list(SHARES))
    parser.add_argument("--one", action="store_true", help="make all calls in this process, by one way")
    parser.add_argument(
        "--trace", action="store_true", help="say where memory was allocated that is still in use (slow)"
    )
    options = parser.parse_args()
    if not options.one:
        total = sum(SHARES[way] for way in options.ways)
        failed = 0
        for way in options.ways:
            calls = str(int(options.calls * SHARES[way] / total))
            command = [sys.executable, "-m", "tests.soak", "--one", "--ways", way, "--calls", calls]
            # glibc has a heap for each thread, and how full they get differs: with one, what is measured is what is in use.
            environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}
            command += ["--trace"] if options.trace else []
            failed += bool(subprocess.run(command, check=False, env=environment).returncode)
        return int(failed > 0)
    way = options.ways[0]
    points, endings = soak(way, options.calls, trace=options.trace)
    memory, files, threads = grown(points)
    print(f"{way}: {options.calls} calls, {dict(endings)}")
    print(f"{way}: {memory:+.2f} MB, {files:+d} descriptors, {threads:+d} threads since the warm-up")
    return int(memory > GROWTH or files > 0 or threads > 0)


if __name__ == "__main__":
    raise SystemExit(main())
