from __future__ import annotations

from typing import Any

import pytest

from oxide.testing import MockServer

from ..ways import Way


@pytest.fixture
def session(way: Way, server: MockServer, client: Any) -> Any:
    """A session of the test's way, with the asynchronous interface; the test enters it."""
    return client.ws_session(model="gpt-5")
