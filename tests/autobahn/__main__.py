"""Runs Autobahn's cases against our client: `python -m tests.autobahn WSTEST [--ways ...] [--cases ...] [--keep FOLDER]`.

The server is Autobahn's own, under Python 2.7, one for each way, so that the ways run side by side. A case passes if what the client did was
OK, NON-STRICT (right, but not at the earliest moment) or INFORMATIONAL, and the same goes for how the connection was closed.

Each result is printed and kept as soon as it is there. With `--keep` a further run goes on where the one before was ended.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

WAYS = ("sync", "asyncio", "trio")
SECTIONS = [f"{section}.*" for section in (1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13)]
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def serving(wstest: str, cases: list[str]) -> Iterator[tuple[str, Path]]:
    """Autobahn's server with these cases; its URL, and the folder it writes reports to. Raises RuntimeError if it does not run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        url = f"ws://127.0.0.1:{port}"
        specification = {
            "url": url,
            "outdir": "reports",
            "cases": cases,
            "exclude-cases": [],
            "exclude-agent-cases": {},
        }
        (folder / "spec.json").write_text(json.dumps(specification))
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [wstest, "-m", "fuzzingserver", "-s", "spec.json", "--webport", "0"],
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            for _ in range(600):
                if server.poll() is not None:
                    raise RuntimeError(f"the fuzzing server does not run:\n{(folder / 'log').read_text()}")
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield url, folder / "reports"
        finally:
            server.kill()
            server.wait()


def client(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.autobahn.client", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def find_cases(wstest: str, patterns: list[str]) -> list[str]:
    """The cases that the patterns stand for, in the server's order."""
    with serving(wstest, patterns) as (url, _):
        out, _ = client("list", url).communicate()
    return out.split()


def run_group(wstest: str, way: str, cases: list[str], kept: Path) -> None:
    """Run cases on a server of their own, and keep each result. Raises RuntimeError if one has none."""
    agent = f"oxide-{way}"
    with serving(wstest, cases) as (url, reports):
        running = client(way, url, agent)
        try:
            assert running.stdin is not None
            assert running.stdout is not None
            for line in running.stdout:
                case = line.strip()
                result = json.loads((reports / "index.json").read_text())[agent][case]
                (kept / f"{case}.json").write_text(json.dumps(result))
                mark = "" if passed(result) else "   FAILED"
                seconds = result["duration"] / 1000
                print(
                    f"{way} {case}: {result['behavior']}, {result['behaviorClose']}, {seconds:.1f} s{mark}", flush=True
                )
                running.stdin.write("\n")
                running.stdin.flush()
            code = running.wait()
        finally:
            running.kill()
            running.wait()
    missing = [case for case in cases if not (kept / f"{case}.json").exists()]
    if code or missing:
        raise RuntimeError(f"the {way} client ended with {code}; without a result: {', '.join(missing)}")


def run_way(wstest: str, way: str, cases: list[str], kept: Path) -> None:
    """Run what has no result yet. A server has the cases of a subsection, since it writes all of its reports each time."""
    todo = [case for case in cases if not (kept / f"{case}.json").exists()]
    for _, group in groupby(todo, key=lambda case: case.split(".")[:2]):
        run_group(wstest, way, list(group), kept)


def passed(result: dict[str, Any]) -> bool:
    return {result["behavior"], result["behaviorClose"]} <= PASSED


def report(way: str, cases: list[str], kept: Path) -> bool:
    """Say how it went; whether all is well."""
    results = {
        case: json.loads((kept / f"{case}.json").read_text()) for case in cases if (kept / f"{case}.json").exists()
    }
    counts = Counter(result["behavior"] for result in results.values())
    counted = ", ".join(f"{number} {name}" for name, number in counts.most_common())
    print(f"{way}: {len(results)} of {len(cases)} cases: {counted}", flush=True)
    failed = [case for case, result in results.items() if not passed(result)]
    for case in failed:
        print(f"  {case}: {results[case]['behavior']}, closing: {results[case]['behaviorClose']}")
    return bool(cases) and len(results) == len(cases) and not failed


def main() -> int:
    """0 if every case passed for every way."""
    parser = argparse.ArgumentParser(prog="python -m tests.autobahn", description=__doc__)
    parser.add_argument("wstest", help="Autobahn's program")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--cases", nargs="+", default=SECTIONS, help="patterns such as 1.* or 12.1.1")
    parser.add_argument(
        "--keep", type=Path, help="a folder for the results; cases that have one there are not run again"
    )
    parser.add_argument("--jobs", type=int, default=len(WAYS), help="how many ways run side by side")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = options.keep or Path(temporary)
        for way in options.ways:
            (folder / way).mkdir(parents=True, exist_ok=True)
        cases = find_cases(options.wstest, options.cases)
        with ThreadPoolExecutor(options.jobs) as pool:
            runs = [pool.submit(run_way, options.wstest, way, cases, folder / way) for way in options.ways]
        # Each way is reported, whatever became of the others.
        fine = [report(way, cases, folder / way) for way in options.ways]
        for run in runs:
            run.result()
    return 0 if all(fine) else 1


if __name__ == "__main__":
    raise SystemExit(main())
