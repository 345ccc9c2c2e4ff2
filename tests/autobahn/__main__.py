"""Runs Autobahn's cases against our client: `python -m tests.autobahn WSTEST [--ways ...] [--cases ...]`.

The server is Autobahn's own, under Python 2.7, one for each way, so that the ways run side by side. A case passes if what the client did was
OK, NON-STRICT (right, but not at the earliest moment) or INFORMATIONAL, and the same goes for how the connection was closed.
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
from contextlib import ExitStack
from pathlib import Path
from typing import Any

WAYS = ("sync", "asyncio", "trio")
SECTIONS = [f"{section}.*" for section in (1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13)]
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Run:
    """One way: a server of its own, and the client.

    Args:
        wstest: the program.
        way: `"sync"`, `"asyncio"` or `"trio"`.
        cases: patterns, such as `1.*`.
        folder: where the server may write.
    """

    def __init__(self, wstest: str, way: str, cases: list[str], folder: Path) -> None:
        self.way = way
        self.folder = folder / way
        self.folder.mkdir()
        self.url = f"ws://127.0.0.1:{free_port()}"
        specification = {
            "url": self.url,
            "outdir": str(self.folder / "reports"),
            "cases": cases,
            "exclude-cases": [],
            "exclude-agent-cases": {},
        }
        (self.folder / "spec.json").write_text(json.dumps(specification))
        log = (self.folder / "log").open("wb")
        self.server = subprocess.Popen(
            [wstest, "-m", "fuzzingserver", "-s", "spec.json", "--webport", "0"],
            cwd=self.folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        log.close()
        self.client: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Wait for the server, and begin."""
        host, port = self.url.removeprefix("ws://").split(":")
        for _ in range(600):
            if self.server.poll() is not None:
                raise SystemExit(f"the fuzzing server does not run:\n{(self.folder / 'log').read_text()}")
            try:
                socket.create_connection((host, int(port)), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        command = [sys.executable, "-m", "tests.autobahn.client", self.way, self.url, f"oxide-{self.way}"]
        self.client = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def finish(self) -> dict[str, Any]:
        """The results by case, once the client is done. Raises SystemExit if it failed."""
        assert self.client is not None
        code = self.client.wait()
        self.stop()
        index = self.folder / "reports" / "index.json"
        if code or not index.exists():
            raise SystemExit(f"the {self.way} client ended with {code}, and there are no results")
        results: dict[str, Any] = json.loads(index.read_text())[f"oxide-{self.way}"]
        return results

    def stop(self) -> None:
        for process in (self.client, self.server):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def main() -> int:
    """0 if every case passed for every way."""
    parser = argparse.ArgumentParser(prog="python -m tests.autobahn", description=__doc__)
    parser.add_argument("wstest", help="Autobahn's program")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--cases", nargs="+", default=SECTIONS, help="patterns such as 1.* or 12.1.1")
    options = parser.parse_args()
    failed = 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        runs = [Run(options.wstest, way, options.cases, Path(folder)) for way in options.ways]
        for run in runs:
            stack.callback(run.stop)
            run.start()
        for run in runs:
            results = run.finish()
            counts = Counter(case["behavior"] for case in results.values())
            seconds = time.monotonic() - started
            counted = ", ".join(f"{number} {name}" for name, number in counts.most_common())
            print(f"{run.way}: {len(results)} cases in {seconds:.0f} s: {counted}", flush=True)
            for name, case in sorted(results.items()):
                if not {case["behavior"], case["behaviorClose"]} <= PASSED:
                    failed += 1
                    print(f"  {name}: {case['behavior']}, closing: {case['behaviorClose']}")
            if not results:
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
