"""A short soak, which shows leaks of descriptors, threads and objects; that of memory takes `nox -s soak`."""

from __future__ import annotations

import os
import sys

import pytest

from .client import soak

pytestmark = pytest.mark.slow

CALLS = int(os.environ.get("OXIDE_SOAK_CALLS", "1200"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
@pytest.mark.parametrize("name", ["sync", "asyncio", "trio"])
def test_nothing_is_left(name: str) -> None:
    points, endings = soak(name, CALLS, looks=4)
    assert endings.total() == CALLS
    assert endings["create"] == CALLS * 11 // 20
    assert endings["stream"] == CALLS * 3 // 20
    assert endings["APITimeoutError" if name == "sync" else "given up"] >= CALLS // 20
    assert endings["hedged"] == CALLS // 20
    assert points[-1].files <= points[1].files + 1
    assert points[-1].threads <= points[1].threads
    # Less than one for ten calls: each leaves none.
    assert points[-1].objects <= points[1].objects + CALLS // 20
