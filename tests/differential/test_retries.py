"""What is tried again, how often, and what the requests say about it."""

from __future__ import annotations

from typing import Any

import pytest

from .recorder import Answer, events
from .sides import Sides

QUICK = {"retry_after_ms": "1"}
ERROR = {"error": {"message": "no"}}


def create(client: Any) -> Any:
    return client.responses.create(model="m", input="x")


def counts(sides: Sides, *answers: Answer, call: Any = create, client: Any = None) -> list[list[str]]:
    """The retry counts that the requests had, the same on both sides."""
    outcomes = sides.same(call, answers=lambda: answers, client=client)
    for theirs, mine in outcomes:
        assert type(mine.error).__name__ == type(theirs.error).__name__
        assert str(mine.error) == str(theirs.error)
    return [[sent.headers["x-stainless-retry-count"] for sent in mine.sent] for _, mine in outcomes]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 418, 422, 429, 500, 503, 599])
def test_statuses(sides: Sides, status: int) -> None:
    failure = Answer(status, ERROR, **QUICK)
    retried = status in (408, 409, 429) or status >= 500
    assert counts(sides, failure, failure, failure, failure) == [["0", "1", "2"] if retried else ["0"]] * 2
    assert counts(sides, failure) == [["0", "1"] if retried else ["0"]] * 2


@pytest.mark.parametrize("verdict", ["true", "false", "maybe", "True"])
def test_the_servers_verdict(sides: Sides, verdict: str) -> None:
    for status in (400, 500):
        failure = Answer(status, ERROR, **QUICK, x_should_retry=verdict)
        retried = verdict == "true" or (status == 500 and verdict != "false")
        assert counts(sides, failure) == [["0", "1"] if retried else ["0"]] * 2


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_limits(sides: Sides, limit: int) -> None:
    failures = [Answer(500, ERROR, **QUICK)] * 6
    expected = [[str(number) for number in range(limit + 1)]] * 2
    assert counts(sides, *failures, client={"max_retries": limit}) == expected
    assert counts(sides, *failures, call=lambda client: create(client.with_options(max_retries=limit))) == expected


@pytest.mark.parametrize(
    "headers",
    [
        {"retry_after": "0.001"},
        {"retry_after_ms": "1.5", "retry_after": "100"},
        {"retry_after_ms": "soon", "retry_after": "0.001"},
        {"retry_after": "121"},
        {"retry_after_ms": "120001"},
        {"retry_after": "1e999"},
        {"retry_after": "Fri, 31 Dec 2999 23:59:59 GMT"},
        {"retry_after_ms": "1e400", "x_should_retry": "true"},
    ],
    ids=repr,
)
def test_waits(sides: Sides, headers: dict[str, str]) -> None:
    # Those that ask for more than two minutes are not waited for.
    long = not {"0.001", "1.5"} & set(headers.values())
    assert counts(sides, Answer(429, ERROR, **headers)) == [["0"] if long else ["0", "1"]] * 2


def test_streams(sides: Sides) -> None:
    def call(client: Any) -> Any:
        return client.responses.create(model="m", input="x", stream=True)

    failure = Answer(503, ERROR, **QUICK)
    assert counts(sides, failure, failure, events("[DONE]"), call=call) == [["0", "1", "2"]] * 2
    assert counts(sides, failure, failure, failure, call=call) == [["0", "1", "2"]] * 2


def test_bodies_and_headers_stay(sides: Sides) -> None:
    def call(client: Any) -> Any:
        return client.responses.create(
            model="m", input="x", extra_headers={"x-own": "1"}, extra_query={"a": [1]}, timeout=9
        )

    for _, mine in sides.same(call, answers=lambda: (Answer(500, ERROR, **QUICK),)):
        first, second = mine.sent
        assert first.body == second.body
        assert first.target == second.target
        changed = {name for name in first.headers if first.headers[name] != second.headers[name]}
        assert changed == {"x-stainless-retry-count"}


def test_a_retry_count_of_ones_own(sides: Sides) -> None:
    def call(client: Any) -> Any:
        return client.responses.create(model="m", extra_headers={"x-stainless-retry-count": "42"})

    assert counts(sides, Answer(500, ERROR, **QUICK), call=call) == [["42", "42"]] * 2


def test_retries_taken(sides: Sides) -> None:
    for failures in range(3):
        for theirs, mine in sides.same(
            lambda client: client.responses.with_raw_response.create(model="m"),
            answers=lambda failures=failures: (Answer(500, ERROR, **QUICK),) * failures,
        ):
            assert mine.result.retries_taken == theirs.result.retries_taken == failures


@pytest.mark.parametrize("value", [None, "2", 1.5, -1, True])
def test_wrong_limits(sides: Sides, value: Any) -> None:
    for side in (sides.official, sides.oxide):
        if value is True and side.is_oxide:
            # On purpose: a switch is no number.
            with pytest.raises(TypeError):
                side.make(max_retries=value)
        elif value is not True:
            with pytest.raises(ValueError if value == -1 else TypeError):
                side.make(max_retries=value)


def test_keys_are_asked_for_again(sides: Sides) -> None:
    for official, ours in sides.pairs:
        for side in (official, ours):
            given = iter(["sk-1", "sk-2", "sk-3"])

            def key(given: Any = given) -> str:
                return next(given)

            async def async_key(given: Any = given) -> str:
                return next(given)

            client = side.make(api_key=async_key if side.asynchronous else key)
            outcome = side.call(create, client, answers=(Answer(500, ERROR, **QUICK),))
            assert [sent.headers["authorization"] for sent in outcome.sent] == ["Bearer sk-1", "Bearer sk-2"]
