"""One recording server and one pair of SDKs for all of these tests: they keep no state between calls.

Comparisons with the official SDK come to the same on every Python, so they are run on the newest alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite(f"{__package__}.compare", f"{__package__}.sides")

from .recorder import Recorder  # noqa: E402
from .sides import Sides  # noqa: E402

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.exhaustive)


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
