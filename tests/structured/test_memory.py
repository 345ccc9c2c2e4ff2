"""Calls leave nothing behind, whether their type is always the same or made for each of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pydantic
import pytest

from oxide.core import structured

from .growth import KINDS

pytestmark = pytest.mark.exhaustive

ROOT = Path(__file__).parents[2]


class Fixed(pydantic.BaseModel):
    x: int


@pytest.mark.parametrize("kind", KINDS)
def test_calls_leave_nothing_behind(kind: str) -> None:
    command = [sys.executable, "-m", "tests.structured.growth", kind]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    grown, objects = map(int, done.stdout.split())
    # The types that are kept now were made while memory was traced, those before them were not: up to 16 of them.
    assert grown < (20_000 if kind == "fixed" else 16 * 40_000)
    assert objects < 400


def test_the_caches_are_bounded() -> None:
    assert structured._of_type.cache_info().maxsize == 256
    assert structured._of_schema.cache_info().maxsize == 256


def test_a_type_is_made_ready_once() -> None:
    assert structured.format_of(Fixed) is structured.format_of(Fixed)
    assert structured.format_of({"type": "object"}) is structured.format_of({"type": "object"})
