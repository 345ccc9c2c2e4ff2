"""One recording server and one pair of SDKs for all of these tests: they keep no state between calls."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite(f"{__package__}.compare", f"{__package__}.sides")

from .recorder import Recorder  # noqa: E402
from .sides import Sides  # noqa: E402


@pytest.fixture(scope="session")
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


@pytest.fixture(scope="session")
def sides(recorder: Recorder) -> Iterator[Sides]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("OPENAI_")]:
            patch.delenv(name)
        sides = Sides(recorder)
    yield sides
    sides.close()
