from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI

from oxide.testing import MockServer


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(clock=lambda: 1_700_000_000.0) as running:
        yield running


@pytest.fixture
def client(server: MockServer) -> Iterator[OpenAI]:
    """The official SDK, refusing whatever its own types don't allow."""
    with OpenAI(
        base_url=server.base_url, api_key="sk-any", max_retries=0, timeout=10, _strict_response_validation=True
    ) as official:
        yield official
