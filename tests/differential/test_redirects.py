"""Redirects are followed as the official SDK's transport follows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import oxide

from .recorder import Answer, Recorder
from .sides import Outcome, Sides, significant

CALLS = {
    "post": lambda client: client.responses.create(model="m", input="x"),
    "get": lambda client: client.models.retrieve("m"),
    "delete": lambda client: client.models.delete("m"),
    "stream": lambda client: client.responses.create(model="m", input="x", stream=True),
}


def both(sides: Sides, call: Any, *answers: Answer) -> list[tuple[Outcome, Outcome]]:
    """The outcomes, each way, which are compared but for the content type: a request without content has none."""
    outcomes = []
    for official, ours in sides.pairs:
        theirs, mine = (side.call(call, answers=answers) for side in (official, ours))
        assert [(sent.method, sent.target, sent.json) for sent in mine.sent] == [
            (sent.method, sent.target, sent.json) for sent in theirs.sent
        ]
        for there, here in zip(theirs.sent, mine.sent, strict=True):
            if not here.body:
                for sent in (there, here):
                    sent.headers.pop("content-type", None)
            assert significant(here.headers) == significant(there.headers)
        assert type(mine.error).__name__ == type(theirs.error).__name__
        outcomes.append((theirs, mine))
    return outcomes


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
@pytest.mark.parametrize("name", CALLS)
def test_statuses(sides: Sides, status: int, name: str) -> None:
    for _, mine in both(sides, CALLS[name], Answer(status, b"moved", location="/elsewhere?a=1")):
        followed = status not in (300, 305)
        assert len(mine.sent) == 1 + followed
        assert bool(mine.error) == (not followed)


@pytest.mark.parametrize(
    "location", ["/v2/x", "x", "../x", "?q=1", "//127.0.0.1:1/", "a b", "/\u00e9", "/\u00c3\u00a9", "", "#part"]
)
def test_locations(sides: Sides, location: str) -> None:
    if location.startswith("//"):
        location += "{port}"
    both(sides, CALLS["get"], Answer(302, b"", location=location.replace("1/{port}", sides.recorder.url[17:] + "/z")))


@pytest.mark.parametrize("location", ["ftp://example.com/", "mailto:a@example.com", "http://a:99999999/"])
def test_locations_that_lead_nowhere(sides: Sides, location: str) -> None:
    answers = [Answer(302, b"", location=location)] * 3
    outcome = sides.oxide.call(lambda client: CALLS["get"](client.with_options(max_retries=0)), answers=tuple(answers))
    assert type(outcome.error) is oxide.APIConnectionError
    assert len(outcome.sent) == 1


def test_chains(sides: Sides) -> None:
    chain = [Answer(307, b"", location=f"/{number}") for number in range(20)]
    for _, mine in both(sides, CALLS["post"], *chain):
        assert [sent.target for sent in mine.sent][-1] == "/19"
        assert mine.error is None
    chain.append(Answer(307, b"", location="/20"))
    for _, mine in both(sides, lambda client: client.with_options(max_retries=0).responses.create(model="m"), *chain):
        assert isinstance(mine.error, oxide.APIConnectionError)
        assert len(mine.sent) == 21


def test_failures_behind_a_redirect_are_retried_from_the_start(sides: Sides) -> None:
    redirect, failure = Answer(307, b"", location="/there"), Answer(500, b"", retry_after_ms="1")
    for _, mine in both(sides, CALLS["post"], redirect, failure, redirect):
        assert [sent.target for sent in mine.sent] == ["/v1/responses", "/there"] * 2
        assert [sent.headers["x-stainless-retry-count"] for sent in mine.sent] == ["0", "0", "1", "1"]


@pytest.fixture
def elsewhere() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


def test_credentials_stay_with_their_origin(sides: Sides, elsewhere: Recorder) -> None:
    for _, mine in both(sides, CALLS["post"], Answer(307, b"", location=elsewhere.url + "/x")):
        assert mine.error is None
        assert mine.sent[0].headers["authorization"] == "Bearer sk-test"
    sent = elsewhere.take()
    assert len(sent) == 4
    assert [request.headers.get("authorization") for request in sent] == [None] * 4
    assert len({request.body for request in sent}) == 1
