"""`with_raw_response` and `with_streaming_response`."""

from __future__ import annotations

from typing import Any

import pytest

from .compare import assert_same
from .methods import METHODS, Method
from .recorder import SSE, Answer
from .sides import Side, Sides, sdk

pytestmark = pytest.mark.exhaustive

REPLY = {"id": "resp_1", "output": [], "model": "m"}
TEXT = "één\r\ntwee\rdrie\n\nvier\tvijf 😀\nzes"


def reply(body: Any = None, **headers: str) -> Answer:
    return Answer(200, REPLY if body is None else body, x_request_id="req_1", x_many="a", **headers)


def test_attributes(sides: Sides) -> None:
    def call(client: Any) -> Any:
        return client.responses.with_raw_response.create(model="m")

    for theirs, mine in sides.same(call, answers=lambda: (Answer(500, {}, retry_after_ms="1"), reply())):
        one, other = theirs.result, mine.result
        assert type(other).__name__ == type(one).__name__ == "LegacyAPIResponse"
        for name in (
            "request_id",
            "retries_taken",
            "status_code",
            "method",
            "content",
            "text",
            "http_version",
            "is_closed",
        ):
            assert getattr(other, name) == getattr(one, name), name
        assert str(other.url) == str(one.url)
        assert dict(other.headers) == dict(one.headers) | {"date": other.headers["date"]}
        assert other.headers["X-MANY"] == "a"
        assert other.headers.get("none") is None
        assert str(other.http_request.url) == str(one.http_request.url)
        assert other.http_response.status_code == one.http_response.status_code == 200
        assert other.elapsed.total_seconds() >= 0
        assert_same(one.parse(), other.parse())
        assert other.parse() is other.parse()
        assert other.parse()._request_id == one.parse()._request_id == "req_1"
        assert other.parse(to=dict) == one.parse(to=dict) == REPLY
        assert other.parse(to=str) == one.parse(to=str)


def test_parsing_to_other_types(sides: Sides) -> None:
    for theirs, mine in sides.same(
        lambda client: client.responses.with_raw_response.create(model="m"), answers=lambda: (reply(b"5"),)
    ):
        for kind in (int, float, str, object):
            assert mine.result.parse(to=kind) == theirs.result.parse(to=kind)
    for side in (sides.official, sides.oxide):

        class Own(side.module.BaseModel):  # type: ignore[name-defined, misc]
            id: str

        raw = side.call(lambda client: client.responses.with_raw_response.create(model="m"), answers=(reply(),)).result
        assert raw.parse(to=Own).id == "resp_1"
        assert isinstance(raw.parse(to=Own), Own)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_every_method_has_both_forms(method: Method, sides: Sides) -> None:
    path = method.name.split(".")
    for form in ("with_raw_response", "with_streaming_response"):
        assert all(callable(method.on(side.client, form)) for side in sides.all)
        # The same from the top, where the official SDK leaves two resources of `beta` out:
        # client.with_raw_response.chat.completions.create
        for official, ours in sides.pairs:
            there, here = (reach(getattr(side.client, form), path) for side in (official, ours))
            assert callable(here) or not callable(there)


def reach(value: Any, path: list[str]) -> Any:
    """What is at the end of a path of attributes; `None` if it isn't."""
    for part in path:
        value = getattr(value, part, None)
    return value


def test_pages(sides: Sides) -> None:
    page = {"object": "list", "data": [{"id": "a"}, {"id": "b"}], "has_more": False}
    for side in sides.all:
        outcome = side.call(lambda client: client.models.with_raw_response.list(), answers=(reply(page),))
        parsed = outcome.result.parse()
        assert [model.id for model in parsed.data] == ["a", "b"]
        assert [model.id for model in side.drain(parsed)] == ["a", "b"]


def test_raw_streams(sides: Sides) -> None:
    body = 'data: {"type": "response.output_text.delta", "delta": "a"}\n\ndata: [DONE]\n\n'
    for side in sides.all:
        outcome = side.call(
            lambda client: client.responses.with_raw_response.create(model="m", stream=True),
            answers=(Answer(200, body, type=SSE, x_request_id="req_1"),),
        )
        assert outcome.result.request_id == "req_1"
        assert [event.delta for event in side.drain(outcome.result.parse())] == ["a"]


def streamed(side: Side, use: Any, answer: Answer, **params: Any) -> Any:
    """What `use(response)` gives within the `with` block; for asynchronous sides it is a coroutine function's."""
    side.recorder.take()
    side.recorder.answers.append(answer)
    manager = side.client.responses.with_streaming_response.create(model="m", **params)
    if side.asynchronous:

        async def run() -> Any:
            async with manager as response:
                return await _resolve(use(response))

        return side.loop.run_until_complete(run())
    with manager as response:
        result = use(response)
        return list(result) if hasattr(result, "__next__") else result


async def _resolve(value: Any) -> Any:
    if hasattr(value, "__await__"):
        value = await value
    return [item async for item in value] if hasattr(value, "__aiter__") else value


USES = {
    "read": lambda response: response.read(),
    "text": lambda response: response.text(),
    "lines": lambda response: response.iter_lines(),
    "bytes": lambda response: response.iter_bytes(7),
    "one byte": lambda response: response.iter_bytes(1),
    "text pieces": lambda response: response.iter_text(5),
    "status": lambda response: (response.status_code, response.request_id, response.retries_taken, response.method),
    "unread": lambda response: response.is_closed,
}


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("text", [TEXT, "", "a", "a\n", "\n\n", "a\r\n\r\nb", "a\r", "x" * 100])
def test_reading(sides: Sides, name: str, text: str) -> None:
    answer = Answer(200, text, type="text/plain; charset=utf-8", x_request_id="req_1")
    results = [streamed(side, USES[name], answer) for side in sides.all]
    if name in ("bytes", "one byte", "text pieces"):
        joined = [b"".join(item.encode() if isinstance(item, str) else item for item in result) for result in results]
        assert joined == [text.encode()] * 4
        if name != "text pieces":
            assert results == [results[0]] * 4
    else:
        assert results == [results[0]] * 4


def test_lines_of_json(sides: Sides) -> None:
    """On purpose: only CR and LF end a line. httpx also splits at U+2028 and others, which JSON has within its texts."""
    text = '{"a": "\u2028\u2029\x85\x1c"}\n{"b": 1}'
    answer = Answer(200, text, type="application/jsonl; charset=utf-8")
    for side in (sides.oxide, sides.oxide_async):
        assert streamed(side, USES["lines"], answer) == text.split("\n")


@pytest.mark.parametrize("kind", ["iso-8859-1", "utf-8", "utf-16", "none-such", ""])
def test_charsets(sides: Sides, kind: str) -> None:
    encoding = kind if kind in ("iso-8859-1", "utf-16") else "utf-8"
    answer = Answer(200, "é\nü".encode(encoding), type=f"text/plain; charset={kind}" if kind else "text/plain")
    assert [streamed(side, USES["text"], answer) for side in sides.all] == ["é\nü"] * 4
    assert [streamed(side, USES["lines"], answer) for side in sides.all] == [["é", "ü"]] * 4


def test_json_and_parse(sides: Sides) -> None:
    for side in sides.all:
        assert streamed(side, lambda response: response.json(), reply()) == REPLY
        parsed = streamed(side, lambda response: response.parse(), reply())
        assert parsed.to_dict() == REPLY
        assert parsed._request_id == "req_1"


def test_streams_within_streaming_responses(sides: Sides) -> None:
    answer = Answer(200, 'data: {"type": "response.output_text.delta", "delta": "a"}\n\n', type=SSE)
    for official, ours in sides.pairs:
        for side in (official, ours):
            if side.asynchronous:

                async def use(response: Any) -> list[Any]:
                    return [event.delta async for event in await response.parse()]

                assert streamed(side, use, answer, stream=True) == ["a"]
            else:
                assert streamed(
                    side, lambda response: [event.delta for event in response.parse()], answer, stream=True
                ) == ["a"]


def test_errors(sides: Sides) -> None:
    for form in ("with_raw_response", "with_streaming_response"):
        for side in sides.all:
            failure = Answer(404, {"error": {"message": "no", "code": "c"}})
            side.recorder.take()
            side.recorder.answers.append(failure)

            def call(side: Side = side, form: str = form, failure: Answer = failure) -> Any:
                if form == "with_raw_response":
                    return side.wait(side.client.responses.with_raw_response.retrieve("r"))
                return streamed(side, USES["read"], failure)

            with pytest.raises(side.module.NotFoundError) as caught:
                call()
            assert caught.value.code == "c"
            assert str(caught.value) == "Error code: 404 - no"


def test_extra_headers_are_kept(sides: Sides) -> None:
    sides.same(
        lambda client: (
            sdk(client) and client.responses.with_raw_response.create(model="m", extra_headers={"x-own": "1"})
        )
    )
