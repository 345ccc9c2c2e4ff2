"""A short soak, which shows leaks of descriptors and threads; those of memory take `nox -s soak`."""

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
    # One for each of the calls that were given up would be many more.
    assert points[-1].files <= points[1].files + 5
    assert points[-1].threads <= points[1].threads
