"""Fixtures for every test: see `ways` for how one test body runs synchronously, on asyncio and on trio."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from oxide.testing import MockServer

from .ways import NAMES, Way

# How long an example takes says something about the machine, which is shared, and nothing about the code.
settings.register_profile(
    "oxide", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
settings.load_profile("oxide")

_ENVIRONMENT = (
    "OPENAI_API_KEY",
    "OPENAI_ADMIN_KEY",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
    "OPENAI_WEBHOOK_SECRET",
    "OPENAI_BASE_URL",
    "OPENAI_CUSTOM_HEADERS",
    "OPENAI_LOG",
    "OXIDE_LOG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    *(f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")),
    *(f"{name}_proxy" for name in ("http", "https", "all", "no")),
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=NAMES)
def way(request: pytest.FixtureRequest) -> Way:
    """The way in which the test runs; a test that takes it is a coroutine function and runs three times."""
    return Way(request.param)


@pytest.fixture
def server() -> Iterator[MockServer]:
    """A fresh embedded server."""
    with MockServer(api_key="sk-test") as server:
        yield server


@pytest.fixture
def client(way: Way, server: MockServer) -> Any:
    """A client of `server` in the test's way, with the asynchronous interface."""
    return way.client(base_url=server.base_url)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    way = pyfuncitem.funcargs.get("way")
    assert isinstance(way, Way), "a coroutine test takes the fixture `way`"
    way.run(pyfuncitem.obj(**arguments))
    return True
