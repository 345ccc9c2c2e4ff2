"""What a client can be told: arguments, the environment, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from oxide.core.config import ClientConfig
from oxide.core.errors import OpenAIError
from oxide.core.secrets import pickle_secrets
from oxide.core.timeouts import DEFAULT_TIMEOUT, Timeout, as_timeout


def test_the_environment_fills_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "OPENAI_API_KEY": "sk-env",
        "OPENAI_ADMIN_KEY": "admin-env",
        "OPENAI_ORG_ID": "org-env",
        "OPENAI_PROJECT_ID": "proj-env",
        "OPENAI_WEBHOOK_SECRET": "whsec-env",
        "OPENAI_BASE_URL": "http://localhost:1/v9",
        "OPENAI_CUSTOM_HEADERS": "X-One: 1\nX-Two:  2 \nnonsense",
    }.items():
        monkeypatch.setenv(name, value)
    config = ClientConfig()
    assert config.api_key == "sk-env"
    assert config.admin_api_key == "admin-env"
    assert config.organization == "org-env"
    assert config.project == "proj-env"
    assert config.webhook_secret == "whsec-env"
    assert str(config.base_url) == "http://localhost:1/v9"
    assert config.default_headers == {"X-One": "1", "X-Two": "2"}
    given = ClientConfig(api_key="sk", organization="org", base_url="http://h/", default_headers={"x-one": "mine"})
    assert (given.api_key, given.organization, str(given.base_url)) == ("sk", "org", "http://h/")
    assert given.default_headers == {"X-Two": "2", "x-one": "mine"}


def test_defaults() -> None:
    config = ClientConfig(api_key="sk")
    assert str(config.base_url) == "https://api.openai.com/v1"
    assert config.timeout == DEFAULT_TIMEOUT == Timeout(600, connect=5)
    assert config.max_retries == 2
    assert config.strict is False


def test_no_credentials() -> None:
    with pytest.raises(OpenAIError, match="OPENAI_API_KEY"):
        ClientConfig()
    with pytest.raises(OpenAIError, match="api_key"):
        ClientConfig(api_key="")
    assert ClientConfig(admin_api_key="admin").api_key is None
    assert ClientConfig(enforce_credentials=False).api_key is None


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"api_key": 7}, TypeError, "api_key"),
        ({"base_url": "localhost"}, ValueError, "invalid URL 'localhost'"),
        ({"timeout": "5"}, TypeError, "timeout"),
        ({"timeout": -1}, ValueError, "timeout"),
        ({"max_retries": -1}, ValueError, "max_retries"),
        ({"max_retries": None}, TypeError, "max_retries"),
        ({"default_headers": ["x"]}, TypeError, "default_headers"),
        ({"default_query": "x"}, TypeError, "default_query"),
        ({"data_residency": "mars"}, ValueError, "data_residency must be one of 'global'"),
        ({"data_residency": "eu", "base_url": "http://h/"}, ValueError, "not both"),
        ({"data_residency": "eu", "websocket_base_url": "ws://h/"}, ValueError, "not both"),
    ],
)
def test_refused_by_name(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        ClientConfig(**{"api_key": "sk", **arguments})


def test_data_residency() -> None:
    config = ClientConfig(api_key="sk", data_residency="eu")
    assert str(config.base_url) == "https://eu.api.openai.com/v1"
    assert str(config.replace(data_residency="global").base_url) == "https://api.openai.com/v1"
    moved = config.replace(base_url="http://h/v1")
    assert moved.data_residency is None


def test_a_configuration_does_not_change() -> None:
    config = ClientConfig(api_key="sk")
    with pytest.raises(AttributeError, match="replace"):
        config.api_key = "other"
    other = config.replace(api_key="other", timeout=3)
    assert (config.api_key, other.api_key, other.timeout) == ("sk", "other", Timeout(3))
    with pytest.raises(TypeError, match="apikey"):
        config.replace(apikey="x")


def test_it_travels_but_the_transport_does_not() -> None:
    config = ClientConfig(api_key="sk", default_query={"a": 1}, http_client=object(), timeout=Timeout(3, total=9))
    with pickle_secrets():
        data = pickle.dumps(config)
    copy = pickle.loads(data)
    assert copy == config.replace(http_client=None)


def test_secrets_are_not_shown() -> None:
    config = ClientConfig(api_key="sk-secret", admin_api_key="secret-admin", webhook_secret="whsec-secret")
    assert "secret" not in repr(config)


def test_timeouts() -> None:
    assert as_timeout(None) == Timeout(None)
    assert as_timeout(5) == Timeout(5) == Timeout(connect=5, read=5, write=5, pool=5)
    assert Timeout(Timeout(5, total=9), read=1) == Timeout(connect=5, read=1, write=5, pool=5, total=9)
    assert pickle.loads(pickle.dumps(Timeout(5, total=9))) == Timeout(5, total=9)
    assert hash(Timeout(5)) == hash(Timeout(5))
    with pytest.raises(AttributeError):
        Timeout(5).read = 6
    with pytest.raises(ValueError, match="'read'"):
        Timeout(5, read=float("nan"))
