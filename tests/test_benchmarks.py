"""The benchmarks run, tell what they measured, and refuse a contender that returns something else than was sent."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.exhaustive

pytest.importorskip("openai")
pytest.importorskip("aiohttp")

ROOT = Path(__file__).resolve().parent.parent
ROWS = ["create, trio", "decode of 600 KB"]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_two_rows(tmp_path: Path) -> None:
    only = [argument for row in ROWS for argument in ("--only", row)]
    finished = run("-m", "benchmarks", "--quick", *only, "--output", str(tmp_path))
    assert finished.returncode == 0, finished.stderr
    for row in ROWS:
        assert f"\n{row}\n" in "\n" + finished.stdout
    assert finished.stdout.count("HOLDS") + finished.stdout.count("MISSED") == 2 * 4  # by row, and in the summary

    (results,) = tmp_path.glob("*.json")
    rows = json.loads(results.read_text())["rows"]
    assert [row["name"] for row in rows] == ROWS
    for row in rows:
        assert {"floor", "oxide", "openai"} <= row["contenders"].keys()
        assert all(contender["seconds"] > 0 for contender in row["contenders"].values())
    (report,) = tmp_path.glob("*.md")
    assert f"## {ROWS[0]}" in report.read_text()


def test_a_wrong_result_ends_the_run(tmp_path: Path) -> None:
    code = f"""
import sys
from benchmarks import payloads
from benchmarks.__main__ import main
payloads.TEXT = "not what the server sends"
sys.argv[1:] = ["--quick", "--only", "create, sync", "--output", {str(tmp_path)!r}]
main()
"""
    finished = run("-c", code)
    assert finished.returncode != 0
    assert "WrongResult" in finished.stderr
    assert not list(tmp_path.iterdir())


def test_an_unknown_row_is_refused() -> None:
    finished = run("-m", "benchmarks", "--only", "no such row")
    assert finished.returncode == 2
