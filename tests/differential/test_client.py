"""Making clients and copies of them; what their attributes say."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import openai
import pytest

import oxide

from .sides import Side, Sides, sdk

ATTRIBUTES = (
    "api_key",
    "admin_api_key",
    "organization",
    "project",
    "webhook_secret",
    "max_retries",
    "websocket_base_url",
)


def attributes(client: Any) -> dict[str, Any]:
    """What can be read from both, in plain values."""
    timeout = client.timeout
    parts = ("connect", "read", "write", "pool")
    return {
        **{name: getattr(client, name) for name in ATTRIBUTES[:-1]},
        "websocket_base_url": None if client.websocket_base_url is None else str(client.websocket_base_url).rstrip("/"),
        "base_url": str(client.base_url).rstrip("/"),
        "timeout": [getattr(timeout, part) if hasattr(timeout, part) else timeout for part in parts],
        "custom headers": {
            name: value
            for name, value in client.default_headers.items()
            if name.lower().startswith("x-own") or name in ("Authorization",)
        },
        "default_query": dict(client.default_query),
    }


def same_attributes(sides: Sides, make: Callable[[Side], Any]) -> None:
    """Make a client on each of the four sides; the same attributes, or the same kind of error."""
    for official, ours in sides.pairs:
        outcomes = []
        for side in (official, ours):
            try:
                outcomes.append(attributes(make(side)))
            except Exception as error:  # noqa: BLE001 - the kind of error is compared
                outcomes.append({"raised": type(error).__name__})
        assert outcomes[1] == outcomes[0]


ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"api_key": "sk-1", "organization": "o", "project": "p", "webhook_secret": "w", "admin_api_key": "a"},
    {"api_key": None},
    {"api_key": ""},
    {"api_key": "", "admin_api_key": "a"},
    {"api_key": None, "_enforce_credentials": False},
    {"base_url": None},
    {"base_url": "https://example.com"},
    {"base_url": "https://example.com/a/b/"},
    {"base_url": "http://[::1]:8080/v1"},
    {"base_url": "https://EXAMPLE.com:443/v1"},
    {"base_url": "https://bücher.example/v1"},
    {"websocket_base_url": "wss://example.com/v1"},
    {"data_residency": "eu"},
    {"data_residency": "us"},
    {"data_residency": "global"},
    {"data_residency": "mars"},
    {"base_url": "https://example.com", "data_residency": "eu"},
    {"data_residency": "eu", "websocket_base_url": "wss://example.com"},
    {"timeout": 5},
    {"timeout": None},
    {"timeout": 0.5, "max_retries": 0},
    {"max_retries": 7},
    {"max_retries": -1},
    {"max_retries": None},
    {"default_headers": {"X-Own": "1", "x-own-b": "2"}, "default_query": {"a": [1], "b": None}},
    {"default_headers": None, "default_query": None},
    {"no_such_argument": 1},
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=repr)
def test_arguments(sides: Sides, arguments: dict[str, Any]) -> None:
    if "data_residency" in arguments:
        # `Side.make` has a base URL of its own, which is the other way to say where the API is.
        arguments = {"base_url": openai.NOT_GIVEN, **arguments}

    def make(side: Side) -> Any:
        given = {
            name: side.module.NOT_GIVEN if value is openai.NOT_GIVEN else value for name, value in arguments.items()
        }
        return side.make(**given)

    same_attributes(sides, make)


def test_arguments_are_keywords(sides: Sides) -> None:
    for side in sides.all:
        with pytest.raises(TypeError):
            type(side.client)("sk-1")


ENVIRONMENTS: list[dict[str, str]] = [
    {},
    {"OPENAI_API_KEY": "sk-env"},
    {"OPENAI_API_KEY": ""},
    {"OPENAI_ADMIN_KEY": "sk-admin"},
    {"OPENAI_API_KEY": "k", "OPENAI_ORG_ID": "o", "OPENAI_PROJECT_ID": "p", "OPENAI_WEBHOOK_SECRET": "w"},
    {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://example.com/v2"},
    {"OPENAI_API_KEY": "k", "OPENAI_CUSTOM_HEADERS": "X-Own: 1\nX-Own-B:2:3\n no colon \nx-own-c : 4 "},
    {"OPENAI_API_KEY": "k", "OPENAI_CUSTOM_HEADERS": "Authorization: Basic x"},
    {"OPENAI_API_KEY": "k", "OPENAI_ORG_ID": ""},
]


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=repr)
@pytest.mark.parametrize(
    "arguments",
    [{}, {"organization": "mine", "project": "", "webhook_secret": "mine"}, {"default_headers": {"X-Own": "mine"}}],
    ids=repr,
)
def test_environment(
    sides: Sides, environment: dict[str, str], arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    same_attributes(sides, lambda side: side.make(api_key=None, base_url=None, **arguments))


def test_headers_from_the_environment_are_sent(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Own: 1\nAuthorization: Basic x")
    sides.same(lambda client: client.models.list(), client={"organization": "o"})
    sides.same(lambda client: client.models.list(), client={"default_headers": {"authorization": "Bearer y"}})


COPIES: list[dict[str, Any]] = [
    {},
    {"api_key": "sk-2"},
    {"api_key": ""},
    {"organization": "o2", "project": "p2", "webhook_secret": "w2", "admin_api_key": "a2"},
    {"organization": ""},
    {"base_url": "https://other.example/v3"},
    {"base_url": None},
    {"websocket_base_url": "wss://other.example"},
    {"data_residency": "eu"},
    {"data_residency": "eu", "base_url": "https://other.example"},
    {"data_residency": "eu", "websocket_base_url": "wss://other.example"},
    {"timeout": 3},
    {"timeout": None},
    {"max_retries": 0},
    {"max_retries": None},
    {"max_retries": -1},
    {"default_headers": {"X-Own": "2", "X-Own-New": "3"}},
    {"default_headers": {}},
    {"set_default_headers": {"X-Own-Only": "1"}},
    {"set_default_headers": {}},
    {"default_query": {"a": 2, "new": 1}},
    {"default_query": {}},
    {"set_default_query": {"only": 1}},
    {"set_default_query": {}},
    {"default_headers": {}, "set_default_headers": {}},
    {"default_query": {}, "set_default_query": {}},
    {"default_headers": {"authorization": "Basic x"}},
    {"no_such_argument": 1},
]


@pytest.mark.parametrize("changes", COPIES, ids=repr)
@pytest.mark.parametrize("method", ["copy", "with_options"])
def test_copies(sides: Sides, changes: dict[str, Any], method: str) -> None:
    original = {
        "organization": "o",
        "project": "p",
        "webhook_secret": "w",
        "admin_api_key": "a",
        "timeout": 9,
        "max_retries": 4,
        "default_headers": {"X-Own": "1", "X-Own-B": "1"},
        "default_query": {"a": 1, "b": 1},
    }

    def make(side: Side) -> Any:
        client = side.make(**original)
        before = attributes(client)
        try:
            copy = getattr(client, method)(**changes)
        finally:
            assert attributes(client) == before
        assert type(copy) is type(client)
        assert copy is not client
        return copy

    same_attributes(sides, make)
    if not {"base_url", "data_residency"} & set(changes) and changes.get("max_retries", 0) == 0:
        sides.same(
            lambda client: sdk(client) and getattr(client, method)(**changes).models.list(),
            client=original,
            asynchronous=False,
        )


def test_copies_of_copies(sides: Sides) -> None:
    def call(client: Any) -> Any:
        copy = client.with_options(default_headers={"x-a": "1"}, default_query={"q": 1}).copy(timeout=2)
        return copy.with_options(default_headers={"x-b": "2"}, default_query={"r": 2}, organization="o").models.list()

    sides.same(call)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", "sk-new"),
        ("organization", "o"),
        ("project", None),
        ("admin_api_key", "a"),
        ("webhook_secret", "w"),
        ("timeout", 4),
        ("max_retries", 5),
    ],
)
def test_settings_can_be_changed(sides: Sides, name: str, value: Any) -> None:
    def call(client: Any) -> Any:
        setattr(client, name, value)
        return client.responses.create(model="m")

    for official, ours in sides.pairs:
        for side in (official, ours):
            client = side.make(organization="before", project="before")
            setattr(client, name, value)
            assert name == "timeout" or getattr(client, name) == value
    sides.same(call, client={"organization": "before", "project": "before"})


def test_the_base_url_can_be_changed(sides: Sides) -> None:
    def call(client: Any) -> Any:
        client.base_url = sides.recorder.url + "/v2/"
        return client.models.list()

    for _, mine in sides.same(call, client={"base_url": "https://example.com"}):
        assert mine.sent[0].target == "/v2/models"


def test_closing() -> None:
    for module in (openai, oxide):
        client = module.OpenAI(api_key="k")
        assert not client.is_closed()
        with client as same:
            assert same is client
        assert client.is_closed()


def test_what_is_secret_is_not_shown() -> None:
    with oxide.OpenAI(
        api_key="sk-secret", default_headers={"X-Own": "sk-secret"}, webhook_secret="sk-secret"
    ) as client:
        assert "secret" not in repr(client) + repr(client.config)


def test_clients_can_be_pickled(sides: Sides) -> None:
    client = sides.oxide.make(organization="o", default_headers={"X-Own": "1"}, timeout=3)
    with oxide.pickle_secrets():
        data = pickle.dumps(client)
    with pickle.loads(data) as again:
        assert attributes(again) == attributes(client)
