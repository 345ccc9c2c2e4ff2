"""When the retry policy repeats a request, and how long it waits before."""

from __future__ import annotations

import pickle
from email.utils import formatdate
from time import time

import pytest

from oxide.core.budget import Budget
from oxide.core.errors import ReadError, ReadTimeout
from oxide.core.headers import Headers
from oxide.core.http import HeadBlock, Request, Response
from oxide.core.retry import RetryPolicy, retry_after
from oxide.core.url import URL

REQUEST = Request("POST", URL("http://localhost/v1/responses"), HeadBlock(()))


def response(status: int, **headers: str) -> Response:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Response(status, Headers(pairs), REQUEST, content=b"")


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_repeats(status: int) -> None:
    delay = RetryPolicy(2).after_response(response(status), 0)
    assert delay is not None
    assert 0.375 <= delay <= 0.5


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 422, 418])
def test_does_not_repeat(status: int) -> None:
    assert RetryPolicy(2).after_response(response(status), 0) is None


def test_the_server_may_say_so() -> None:
    policy = RetryPolicy(2)
    assert policy.after_response(response(400, x_should_retry="true"), 0) is not None
    assert policy.after_response(response(500, x_should_retry="false"), 0) is None


def test_attempts_are_counted_from_zero() -> None:
    policy = RetryPolicy(2)
    assert policy.after_response(response(500), 1) is not None
    assert policy.after_response(response(500), 2) is None
    assert policy.after_error(ReadTimeout("silence"), 2) is None
    assert RetryPolicy(0).after_error(ReadTimeout("silence"), 0) is None


def test_a_stale_connection_costs_no_wait_once() -> None:
    error = ReadError("closed")
    error.stale = True
    policy = RetryPolicy(2)
    assert policy.after_error(error, 0) == 0
    assert policy.after_error(error, 1) > 0.5  # type: ignore[operator]


def test_backoff_doubles_up_to_eight_seconds() -> None:
    for attempt, most in [(0, 0.5), (1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (2000, 8)]:
        for _ in range(50):
            assert most * 0.75 <= RetryPolicy()._backoff(attempt) <= most


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after_ms": "1500"}, 1.5),
        ({"retry_after": "2"}, 2.0),
        ({"retry_after": "0.25"}, 0.25),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after_ms": "soon", "retry_after": "9"}, 9.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(response(429, **headers).headers) == seconds


def test_retry_after_as_a_date() -> None:
    headers = response(429, retry_after=formatdate(time() + 30, usegmt=True)).headers
    assert 25 < retry_after(headers) < 31  # type: ignore[operator]


def test_a_wait_of_more_than_two_minutes_is_not_waited_for() -> None:
    policy = RetryPolicy(2)
    assert policy.after_response(response(429, retry_after="120"), 0) == 120
    assert policy.after_response(response(429, retry_after="121"), 0) is None
    assert policy.after_response(response(429, retry_after="1e999"), 0) is None


def test_a_wait_that_lies_in_the_past_is_the_usual_one() -> None:
    delay = RetryPolicy(2).after_response(response(429, retry_after=formatdate(time() - 60, usegmt=True)), 0)
    assert delay is not None
    assert 0.375 <= delay <= 0.5


@pytest.mark.parametrize("value", [None, "2", 1.5, True])
def test_max_retries_is_a_whole_number(value: object) -> None:
    with pytest.raises(TypeError, match="max_retries"):
        RetryPolicy(value)  # type: ignore[arg-type]


def test_max_retries_is_not_negative() -> None:
    with pytest.raises(ValueError, match="max_retries"):
        RetryPolicy(-1)


# --- a policy of one's own ----------------------------------------------------------------------------------------------


def test_what_is_repeated_can_be_chosen() -> None:
    policy = RetryPolicy(statuses=(404, 503))
    assert policy.after_response(response(404), 0) is not None
    assert policy.after_response(response(500), 0) is None
    assert policy.after_response(response(500, x_should_retry="true"), 0) is not None
    assert RetryPolicy(should_retry=False).after_response(response(400, x_should_retry="true"), 0) is None
    assert RetryPolicy(should_retry=False).after_response(response(500, x_should_retry="false"), 0) is not None


def test_errors_can_be_left_alone() -> None:
    stale = ReadError("closed")
    stale.stale = True
    for error in (ReadError("closed"), stale):
        assert RetryPolicy(connection_errors=False).after_error(error, 0) is None
        assert RetryPolicy(timeouts=False).after_error(error, 0) is not None
    timeout = ReadTimeout("silence")
    assert RetryPolicy(timeouts=False).after_error(timeout, 0) is None
    assert RetryPolicy(connection_errors=False).after_error(timeout, 0) is not None


def test_waits_can_be_chosen() -> None:
    policy = RetryPolicy(10, initial_delay=0.1, max_delay=0.5, jitter=0)
    assert [policy.after_response(response(500), attempt) for attempt in range(4)] == [0.1, 0.2, 0.4, 0.5]
    assert 0 <= RetryPolicy(jitter=1).after_response(response(500), 0) <= 0.5  # type: ignore[operator]
    asked = response(429, retry_after="30")
    assert policy.after_response(asked, 0) == 30
    assert policy.replace(retry_after=False).after_response(asked, 0) == 0.1
    assert policy.replace(max_retry_after=20).after_response(asked, 0) is None
    assert policy.replace(max_retry_after=None).after_response(response(429, retry_after="1000"), 0) == 1000


def test_a_policy_is_a_value() -> None:
    policy = RetryPolicy(5, statuses=[500], jitter=0.1, idempotency_keys=True)
    assert pickle.loads(pickle.dumps(policy)) == policy == policy.replace()
    assert hash(policy) == hash(policy.replace())
    assert policy != policy.replace(max_retries=4)
    assert policy != 5
    assert repr(policy) == "RetryPolicy(idempotency_keys=True, jitter=0.1, max_retries=5, statuses=frozenset({500}))"
    assert repr(RetryPolicy()) == "RetryPolicy()"
    with pytest.raises(AttributeError, match=r"replace\(jitter=\.\.\.\)"):
        policy.jitter = 1
    budget = Budget(0.1)
    assert RetryPolicy(budget=budget).replace(max_retries=1).budget is budget


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"statuses": [200]}, "statuses"),
        ({"statuses": "500"}, "statuses"),
        ({"statuses": 500}, "statuses"),
        ({"initial_delay": -1}, "initial_delay"),
        ({"initial_delay": "1"}, "initial_delay"),
        ({"max_delay": float("nan")}, "max_delay"),
        ({"jitter": 1.5}, "jitter"),
        ({"jitter": None}, "jitter"),
        ({"max_retry_after": -1}, "max_retry_after"),
        ({"budget": 2}, "share"),
        ({"budget": "much"}, "budget"),
        ({"budget": True}, "budget"),
    ],
)
def test_wrong_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        RetryPolicy(**arguments)  # type: ignore[arg-type]
