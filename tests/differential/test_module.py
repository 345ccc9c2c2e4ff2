"""The module as a client: `oxide.api_key = ...; oxide.responses.create(...)`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

import oxide

from .recorder import Recorder
from .sides import Outcome, assert_same_requests

SETTINGS = (
    "api_key",
    "admin_api_key",
    "organization",
    "project",
    "webhook_secret",
    "base_url",
    "timeout",
    "max_retries",
    "default_headers",
    "default_query",
    "http_client",
    "api_type",
    "api_version",
    "azure_endpoint",
    "azure_ad_token",
    "azure_ad_token_provider",
    "bedrock_token_provider",
)


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module in (openai, oxide):
        for name in SETTINGS:
            monkeypatch.setattr(module, name, getattr(module, name))
    openai._reset_client()
    yield
    for module in (openai, oxide):
        module.api_type = "openai"
        module.api_key = "sk-any"
        module.models._client.close()


def same(recorder: Recorder, call: Any) -> Outcome:
    outcomes = []
    for module in (openai, oxide):
        recorder.take()
        error = None
        try:
            call(module)
        except Exception as caught:  # noqa: BLE001 - compared
            error = caught
        outcomes.append(Outcome(recorder.take(), None, error))
    assert_same_requests(*outcomes)
    return outcomes[1]


def test_calls(recorder: Recorder) -> None:
    for module in (openai, oxide):
        module.api_key = "sk-module"
        module.base_url = recorder.url + "/v1/"
        module.organization = "o"
        module.default_headers = {"x-own": "1"}
        module.default_query = {"a": 1}
        module.timeout = 7
    for call in (
        lambda module: module.responses.create(model="m", input="x"),
        lambda module: module.chat.completions.create(model="m", messages=[]),
        lambda module: module.models.list(),
        lambda module: module.embeddings.create(model="m", input="x", encoding_format="float"),
        lambda module: module.responses.with_raw_response.retrieve("r"),
    ):
        same(recorder, call)


def test_settings_that_change(recorder: Recorder) -> None:
    for module in (openai, oxide):
        module.api_key = "sk-1"
        module.base_url = recorder.url + "/v1/"
    same(recorder, lambda module: module.models.list())
    for module in (openai, oxide):
        module.api_key = "sk-2"
        module.project = "p"
        module.base_url = recorder.url + "/v2/"
        module.max_retries = 0
    sent = same(recorder, lambda module: module.models.list()).sent[0]
    assert sent.headers["authorization"] == "Bearer sk-2"
    assert sent.target == "/v2/models"


def test_defaults() -> None:
    for name in SETTINGS:
        if name != "timeout":
            assert getattr(oxide, name) == getattr(openai, name)
    for part in ("connect", "read", "write", "pool"):
        assert getattr(oxide.timeout, part) == getattr(openai.timeout, part)


def test_no_key() -> None:
    """What takes no key works; what needs one says so."""
    for module in (openai, oxide):
        with pytest.raises(TypeError):
            module.models.list()
        with pytest.raises(ValueError, match="secret"):
            module.webhooks.unwrap("{}", {})


def test_azure(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (openai, oxide):
        module.api_type = "azure"
        module.api_key = "az-key"
        module.api_version = "v"
        module.azure_endpoint = recorder.url
    for call in (
        lambda module: module.chat.completions.create(model="m", messages=[]),
        lambda module: module.models.list(),
    ):
        assert same(recorder, call).sent[0].headers["api-key"] == "az-key"


@pytest.mark.parametrize("settings", [{"azure_ad_token": "tok"}, {"azure_ad_token_provider": lambda: "tok"}])
def test_azure_is_found(recorder: Recorder, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", recorder.url)
    monkeypatch.setenv("OPENAI_API_VERSION", "v")
    for module in (openai, oxide):
        for name, value in settings.items():
            setattr(module, name, value)
    sent = same(recorder, lambda module: module.models.list()).sent[0]
    assert sent.headers["authorization"] == "Bearer tok"
    assert sent.target == "/openai/models?api-version=v"


def test_two_kinds_of_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "az")
    monkeypatch.setenv("OPENAI_API_KEY", "sk")
    for module in (openai, oxide):
        with pytest.raises(module.OpenAIError, match="api_type"):
            module.models.list()
    oxide.api_type = "other"  # type: ignore[assignment]
    with pytest.raises(oxide.OpenAIError, match="amazon-bedrock"):
        oxide.models.list()
