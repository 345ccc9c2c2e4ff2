"""These tests end, too, and leave no socket and no thread behind; and no file open."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.conftest import _ends, _leaves_nothing

__all__ = ["_ends", "_leaves_nothing"]


def opened(directory: Path) -> list[str]:
    """The files below a directory that this process has open."""
    found = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
        if target.startswith(str(directory)):
            found.append(target)
    return found


@pytest.fixture(autouse=True)
def _closes_files(tmp_path: Path) -> Iterator[None]:
    yield
    gc.disable()
    try:
        assert not opened(tmp_path)
    finally:
        gc.enable()
