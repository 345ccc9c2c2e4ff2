"""`python -m benchmarks.wasm FOLDER`: oxide under WebAssembly beside plain JavaScript, in Node; and what a page downloads for it.

FOLDER is where Pyodide and the wheels are kept, as for `python -m tests.wasm`.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import subprocess
import tarfile
import zipfile
from pathlib import Path
from statistics import median
from typing import Any

from tests.wasm.__main__ import TOOLS, Missing, find, prepare

from .payloads import LONG_STREAM, SHORT_STREAM, stream_model
from .server import Server


def measure(pyodide: Path, wheels: list[Path], rounds: int) -> dict[str, Any]:
    """The times of both, in one run, taking turns."""
    with Server() as server:
        options = {
            "baseUrl": server.base_url,
            "wheels": [str(wheel) for wheel in wheels],
            "streams": [{"model": stream_model(events), "events": events} for events in (SHORT_STREAM, LONG_STREAM)],
            "rounds": rounds,
        }
        command = [find("node"), str(Path(__file__).with_suffix(".mjs")), str(pyodide), json.dumps(options)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        raise SystemExit(f"it failed:\n{(done.stdout + done.stderr)[-3000:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def solid(wheel: Path) -> int:
    """The wheel's bytes as one compressed archive, where a file finds what it has in common with the others."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(wheel) as zipped, tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in zipped.namelist():
            entry = tarfile.TarInfo(name)
            data = zipped.read(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return len(gzip.compress(buffer.getvalue()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    chosen = parser.parse_args()
    try:
        parts = prepare(chosen.folder.resolve())
    except Missing as missing:
        print(f"skipped: {missing}")
        return 0
    wheels = sorted(path for path in parts["wheels"].glob("*.whl") if not path.name.startswith(TOOLS))
    result = measure(parts["pyodide"], wheels, chosen.rounds)
    start = result["start"]
    print(
        f"start: Pyodide {start['pyodide']:.0f} ms, unpacking the wheels {start['unpack']:.0f} ms,"
        f" import, client and first call {start['import']:.0f} ms"
    )
    for row in result["results"]:
        events = row["events"]
        for title, place, per in (("first event, ms", 0, 1.0), ("each event, µs", 1, events / 1000)):
            plain, oxide = ([times[place] / per for times in row[name]] for name in ("plain", "oxide"))
            ratio = median(mine / theirs for mine, theirs in zip(oxide, plain, strict=True))
            print(f"{events} events: {title}: JavaScript {median(plain):.2f}, oxide {median(oxide):.2f}, x {ratio:.2f}")
    print("\nwhat a page downloads beyond Pyodide:")
    for wheel in wheels:
        print(f"{wheel.stat().st_size / 1000:8.0f} KB  {wheel.name}")
    [own] = (wheel for wheel in wheels if wheel.name.startswith("openai_oxide"))
    print(f"{sum(wheel.stat().st_size for wheel in wheels) / 1000:8.0f} KB  together")
    print(f"{solid(own) / 1000:8.0f} KB  oxide's wheel if it were a .tar.gz")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
