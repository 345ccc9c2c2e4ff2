"""Header fields, and the options that every method takes."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest

import oxide

from .sides import DIFFERENT_HEADERS, Outcome, Sides, sdk


def create(client: Any, **options: Any) -> Any:
    return client.responses.create(model="m", input="x", **options)


def header(outcomes: list[tuple[Outcome, Outcome]], name: str) -> str | None:
    """The value that oxide sent (which `same` found to be what the official SDK sent)."""
    [value] = {mine.sent[0].headers.get(name) for _, mine in outcomes}
    return value


def test_every_exception_has_a_reason() -> None:
    assert all(DIFFERENT_HEADERS.values())


def test_without_anything(sides: Sides) -> None:
    outcomes = sides.same(create)
    assert header(outcomes, "authorization") == "Bearer sk-test"
    assert header(outcomes, "content-type") == "application/json"
    assert header(outcomes, "x-stainless-retry-count") == "0"
    assert header(outcomes, "openai-organization") is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"organization": "org", "project": "proj"},
        {"organization": "", "project": ""},
        {"default_headers": {"X-A": "1", "accept": "text/x", "CONTENT-TYPE": "application/x", "user-agent": "mine"}},
        {"default_headers": {"OpenAI-Organization": "other", "authorization": "Basic abc"}, "organization": "org"},
        {"default_headers": {"x-stainless-retry-count": "9", "x-stainless-read-timeout": "8"}},
        {"default_headers": {"X-Same": "1", "x-same": "2"}},
        {"default_query": {"a": 1, "b": [1, 2], "c": {"d": "e"}}},
        {"timeout": 12},
        {"timeout": 12.5},
        {"timeout": None},
        {"timeout": 0.5},
        {"admin_api_key": "sk-admin"},
        {"admin_api_key": "sk-admin", "api_key": ""},
        {"default_headers": {}, "default_query": {}},
    ],
    ids=repr,
)
def test_settings_of_the_client(sides: Sides, arguments: dict[str, Any]) -> None:
    for options in ({}, {"extra_headers": {"x-a": "2", "Accept": "b/c"}, "extra_query": {"a": 3, "z": 4}}):
        sides.same(lambda client, options=options: create(client, **options), client=arguments)
        sides.same(lambda client, options=options: client.models.list(**options), client=arguments, asynchronous=False)


@pytest.mark.parametrize(
    "extra",
    [
        {"X-Custom": "1"},
        {"authorization": "Bearer other"},
        {"AUTHORIZATION": "Bearer other"},
        {"Content-Type": "application/x"},
        {"accept": "text/event-stream"},
        {"x-stainless-retry-count": "7"},
        {"X-Stainless-Read-Timeout": "7"},
        {"X-A": "1", "x-a": "2"},
        {"x-empty": ""},
        {"x-number": 5},
        {"x-none": None},
        {"x-bytes": b"abc"},
        {},
        None,
    ],
    ids=repr,
)
def test_extra_headers(sides: Sides, extra: Any) -> None:
    sides.same(lambda client: create(client, extra_headers=extra), asynchronous=False)


@pytest.mark.parametrize(
    "extra",
    [{"x-bad": "a\r\nb: c"}, {"x-bad": "a\nb"}, {"x-nul": "a\x00b"}, {"bad name": "x"}, {"": "x"}],
    ids=repr,
)
def test_headers_that_would_break_the_request(sides: Sides, extra: Any) -> None:
    """On purpose a ValueError: the official SDK tries three times and calls it a connection error."""
    [(theirs, mine)] = sides.same_refusal(
        lambda client: client.with_options(max_retries=0).models.list(extra_headers=extra)
    )
    assert type(theirs.error) is openai.APIConnectionError
    assert type(mine.error) is ValueError


def test_headers_on_purpose_otherwise(sides: Sides) -> None:
    """The official SDK refuses spaces around a value, and what is not ASCII."""
    mine = sides.oxide.call(lambda client: client.models.list(extra_headers={"x-a": "  a b\t", "x-b": "caf\u00e9"}))
    assert mine.sent[0].headers["x-a"] == "a b"
    assert mine.sent[0].headers["x-b"].encode("latin-1") == "caf\u00e9".encode()


def test_default_headers_win_in_any_case(sides: Sides) -> None:
    """The official SDK lets `organization` win over a default header that is written in lower case."""
    client = sides.oxide.make(organization="org", default_headers={"openai-organization": "other"})
    assert sides.oxide.call(create, client).sent[0].headers["openai-organization"] == "other"


@pytest.mark.parametrize("name", ["Authorization", "Content-Type", "x-default", "X-Stainless-Retry-Count"])
def test_omitted_headers_of_a_call(sides: Sides, name: str) -> None:
    for _, mine in sides.same(
        lambda client: create(client, extra_headers={name: sdk(client).omit}),
        client={"default_headers": {"x-default": "1"}},
    ):
        assert name.lower() not in mine.sent[0].headers


@pytest.mark.parametrize("name", ["Content-Type", "OpenAI-Organization", "X-Stainless-Retry-Count", "none-such"])
def test_omitted_headers_of_a_client(sides: Sides, name: str) -> None:
    for official, ours in sides.pairs:
        theirs, mine = (
            side.call(create, side.make(organization="org", default_headers={name: side.module.omit}))
            for side in (official, ours)
        )
        assert (name.lower() in mine.sent[0].headers) == (name.lower() in theirs.sent[0].headers)


def test_omitting_on_purpose_otherwise(sides: Sides) -> None:
    """`accept` is really left out (httpx puts in its own), and a client may do without a key for all calls."""
    client = sides.oxide.make(default_headers={"Accept": oxide.omit, "Authorization": oxide.omit})
    [sent] = sides.oxide.call(create, client).sent
    assert not {"accept", "authorization"} & set(sent.headers)


def test_no_key_at_all(sides: Sides) -> None:
    arguments = {"api_key": "", "_enforce_credentials": False}
    for _, mine in sides.same(create, client=arguments):
        assert isinstance(mine.error, TypeError)
    sides.same(lambda client: create(client, extra_headers={"Authorization": sdk(client).omit}), client=arguments)
    sides.same(lambda client: create(client, extra_headers={"Authorization": "x"}), client=arguments)


def test_timeouts(sides: Sides) -> None:
    for make in (
        lambda module: 3,
        lambda module: None,
        lambda module: module.NOT_GIVEN,
        lambda module: module.Timeout(5, connect=1),
        lambda module: module.Timeout(7, read=None),
        lambda module: httpx2.Timeout(4, read=2),
        lambda module: 0.25,
    ):
        sides.same(lambda client, make=make: create(client, timeout=make(sdk(client))), asynchronous=False)


@pytest.mark.parametrize(
    "extra",
    [
        {"own": 1},
        {"model": "other"},
        {"metadata": {"a": {"b": None}}},
        {"input": None},
        {},
        None,
        [1],
        "text",
    ],
    ids=repr,
)
def test_extra_body(sides: Sides, extra: Any) -> None:
    sides.same(lambda client: create(client, extra_body=extra))
    sides.same(lambda client: client.responses.cancel("resp_1", extra_body=extra), asynchronous=False)
    sides.same(lambda client: client.models.list(extra_body=extra), asynchronous=False)
    sides.same(lambda client: client.models.delete("m", extra_body=extra), asynchronous=False)


def test_extra_body_with_sentinels(sides: Sides) -> None:
    sides.same(lambda client: create(client, extra_body={"input": sdk(client).omit, "x": sdk(client).omit}))


def test_extra_query_wins(sides: Sides) -> None:
    outcomes = sides.same(lambda client: client.responses.input_items.list("r", limit=3, extra_query={"limit": 4}))
    assert {tuple(mine.sent[0].pairs) for _, mine in outcomes} == {(("limit", "4"),)}


@pytest.mark.parametrize(
    "base",
    ["", "/", "/v1", "/v1/", "/a/b/", "/v%201/%C3%A9"],
)
def test_base_urls(sides: Sides, base: str) -> None:
    arguments = {"base_url": sides.recorder.url + base}
    sides.same(create, client=arguments)
    sides.same(lambda client: client.models.list(extra_query={"q": 1}), client=arguments, asynchronous=False)
    sides.same(lambda client: client.models.retrieve("a/b"), client=arguments, asynchronous=False)


def test_base_urls_with_a_query(sides: Sides) -> None:
    """On purpose: the official SDK puts the path behind the query."""
    client = sides.oxide.make(base_url=sides.recorder.url + "/v1/?api-version=2")
    mine = sides.oxide.call(lambda client: client.models.list(extra_query={"q": 1}), client)
    assert mine.sent[0].target == "/v1/models?api-version=2&q=1"


def test_wrong_arguments(sides: Sides) -> None:
    for call in (
        lambda client: client.responses.create(model="m", no_such_parameter=1),
        lambda client: client.chat.completions.create(model="m"),
        lambda client: client.chat.completions.create(messages=[]),
        lambda client: client.embeddings.create(input="x"),
        lambda client: client.responses.compact(),
        lambda client: client.models.retrieve(),
        lambda client: client.responses.retrieve("a", "b"),
        lambda client: client.chat.completions.list(no_such_parameter=1),
    ):
        for theirs, mine in sides.same(call):
            assert isinstance(theirs.error, TypeError)
            assert isinstance(mine.error, TypeError)


def test_keys_from_functions(sides: Sides) -> None:
    def key() -> str:
        return "sk-made"

    async def async_key() -> str:
        return "sk-made"

    for official, ours in sides.pairs:
        function = async_key if official.asynchronous else key
        outcomes = [side.call(create, side.make(api_key=function)) for side in (official, ours)]
        assert [outcome.sent[0].headers["authorization"] for outcome in outcomes] == ["Bearer sk-made"] * 2


def test_a_key_function_that_fails(sides: Sides) -> None:
    def key() -> str:
        raise LookupError("no key today")

    for theirs, mine in sides.same(create, client={"api_key": key}, asynchronous=False):
        assert type(theirs.error) is type(mine.error) is LookupError


def test_modules_have_the_same_sentinels() -> None:
    for module in (openai, oxide):
        assert not module.omit
        assert repr(module.NOT_GIVEN) == "NOT_GIVEN"
