"""The same failing servers, the same number of attempts at the same times: in virtual time, and with the same luck."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from email.utils import formatdate
from typing import Any

import anyio
import httpx2
import openai
import pytest

import oxide

NOW = 1_700_000_000.0

QUIET = {"api_key": "sk-test", "base_url": "http://api.test/v1"}


class Clock:
    """Virtual time. What sleeps moves it on."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def async_sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(time, "time", lambda: NOW + clock.now)
    monkeypatch.setattr(anyio, "sleep", clock.async_sleep)
    luck: Iterator[float] = iter(())

    def random() -> float:
        return next(luck)

    def start() -> None:
        nonlocal luck
        clock.now = 0.0
        luck = iter([0.5, 0.1, 0.9, 0.3, 0.7] * 10)

    clock.start = start  # type: ignore[attr-defined]
    monkeypatch.setattr("openai._base_client.random", random)
    monkeypatch.setattr("random.random", random)
    return clock


class Failing(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Answers with the failures given, each a status and headers, or an error, and then well; notes when it was asked, and how."""

    def __init__(self, failures: Sequence[Any], clock: Clock) -> None:
        self._failures = list(failures)
        self._clock = clock
        self.asked: list[tuple[float, str | None]] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append((round(self._clock.now, 6), request.headers.get("x-stainless-retry-count")))
        if not self._failures:
            return httpx2.Response(200, json={"id": "r", "object": "response", "output": []})
        failure = self._failures.pop(0)
        if isinstance(failure, type):
            raise failure("it broke", request=request)
        status, headers = failure
        return httpx2.Response(status, headers=headers, json={"error": {"message": "no"}})

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return self.handle_request(request)


def outcome(
    module: Any, clock: Any, failures: Sequence[Any], call: Callable[[Any], Any], asynchronous: bool, options: Any
) -> tuple[Any, ...]:
    """What a client does: when it asked, and what its caller got."""
    clock.start()
    server = Failing(failures, clock)

    async def main() -> Any:
        async with module.AsyncOpenAI(http_client=httpx2.AsyncClient(transport=server), **QUIET, **options) as client:
            return await call(client)

    try:
        if asynchronous:
            anyio.run(main)
        else:
            with module.OpenAI(http_client=httpx2.Client(transport=server), **QUIET, **options) as client:
                call(client)
    except (openai.OpenAIError, oxide.OpenAIError) as error:
        return server.asked, type(error).__name__
    return server.asked, None


def create(client: Any) -> Any:
    return client.responses.create(model="m", input="x")


def same(
    clock: Clock, failures: Sequence[Any], call: Callable[[Any], Any] = create, **options: Any
) -> list[tuple[float, str]]:
    """Both SDKs, both ways, do the same; when they asked."""
    outcomes = [
        outcome(module, clock, failures, call, asynchronous, options)
        for module in (openai, oxide)
        for asynchronous in (False, True)
    ]
    assert outcomes == [outcomes[0]] * 4
    return outcomes[0][0]  # type: ignore[no-any-return]


def test_statuses(clock: Clock) -> None:
    for status in (400, 401, 403, 404, 408, 409, 410, 418, 422, 425, 429, 451, 499, 500, 501, 502, 503, 504, 529, 599):
        assert len(same(clock, [(status, {})] * 3)) == (3 if status in (408, 409, 429) or status >= 500 else 1)


WAITS: dict[str, dict[str, str]] = {
    "seconds": {"retry-after": "7"},
    "a fraction": {"retry-after": "0.25"},
    "milliseconds": {"retry-after-ms": "1500"},
    "both": {"retry-after-ms": "250", "retry-after": "9"},
    "milliseconds that are none": {"retry-after-ms": "soon", "retry-after": "9"},
    "none": {"retry-after": "soon"},
    "empty": {"retry-after": ""},
    "zero": {"retry-after": "0"},
    "negative": {"retry-after": "-5"},
    "negative milliseconds": {"retry-after-ms": "-5", "retry-after": "3"},
    "a minute": {"retry-after": "60"},
    "more than a minute": {"retry-after": "61"},
    "two minutes": {"retry-after": "120"},
    "more": {"retry-after": "120.001"},
    "much more": {"retry-after-ms": "1e9"},
    "too large": {"retry-after": "1e999"},
    "not finite": {"retry-after": "inf"},
    "not a number": {"retry-after": "nan"},
    "not a number of milliseconds": {"retry-after-ms": "nan", "retry-after": "3"},
    "with white space": {"retry-after": " 4 "},
    "with an underscore": {"retry-after": "1_0"},
    "a date": {"retry-after": formatdate(NOW + 20, usegmt=True)},
    "a date in another zone": {"retry-after": "Tue, 14 Nov 2023 23:13:40 +0100"},
    "a date that has passed": {"retry-after": formatdate(NOW - 20, usegmt=True)},
    "a date far away": {"retry-after": formatdate(NOW + 2000, usegmt=True)},
    "no such date": {"retry-after": "Tue, 45 Nov 2023 99:13:40 GMT"},
    "they shall": {"x-should-retry": "true"},
    "they shall not": {"x-should-retry": "false"},
    "they may": {"x-should-retry": "maybe"},
    "they shall, too late": {"x-should-retry": "true", "retry-after": "500"},
}


@pytest.mark.parametrize("name", WAITS)
def test_waits(clock: Clock, name: str) -> None:
    same(clock, [(429, WAITS[name])])
    if "x-should-retry" in WAITS[name]:
        same(clock, [(400, WAITS[name])])


@pytest.mark.parametrize(
    "error",
    [
        httpx2.ConnectError,
        httpx2.ReadError,
        httpx2.WriteError,
        httpx2.RemoteProtocolError,
        httpx2.ConnectTimeout,
        httpx2.ReadTimeout,
        httpx2.WriteTimeout,
        httpx2.PoolTimeout,
    ],
)
def test_errors(clock: Clock, error: type[Exception]) -> None:
    assert len(same(clock, [error])) == 2
    assert len(same(clock, [error] * 3)) == 3


def test_the_wait_grows(clock: Clock) -> None:
    asked = same(clock, [(500, {})] * 9, max_retries=8)
    assert [number for _, number in asked] == [str(number) for number in range(9)]
    assert asked[-1][0] - asked[-2][0] <= 8


@pytest.mark.parametrize("limit", [0, 1, 4])
def test_limits_of_client_copy_and_call(clock: Clock, limit: int) -> None:
    failures = [(500, {}), httpx2.ReadError, (429, {"retry-after": "3"}), (408, {}), (503, {}), (409, {})]

    def copy(client: Any) -> Any:
        return create(client.with_options(max_retries=limit))

    def post(client: Any) -> Any:
        return client.post("/x", cast_to=object, body={}, options={"max_retries": limit})

    lengths = {
        len(same(clock, failures, max_retries=limit)),
        len(same(clock, failures, copy)),
        len(same(clock, failures, post)),
    }
    assert lengths == {limit + 1}


def test_streams(clock: Clock) -> None:
    def stream(client: Any) -> Any:
        return client.responses.create(model="m", input="x", stream=True)

    assert len(same(clock, [(503, {}), httpx2.ReadTimeout, (429, {"retry-after-ms": "20"})], stream)) == 3
