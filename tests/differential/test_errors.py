"""Error responses: the same exception, with the same attributes."""

from __future__ import annotations

import pickle
import socket
from typing import Any

import openai
import pytest

import oxide

from .recorder import Answer
from .sides import Outcome, Sides

STATUSES = (400, 401, 403, 404, 408, 409, 418, 422, 429, 500, 501, 503, 529)

FULL = {"error": {"message": "no", "type": "t", "param": "p", "code": "c"}}

BODIES: dict[str, Answer] = {
    "error object": Answer(0, FULL, x_request_id="req_5"),
    "flat": Answer(0, {"message": "flat", "code": "c"}),
    "integer code": Answer(0, {"error": {"message": "no", "code": 400, "type": "t"}}),
    "nulls": Answer(0, {"error": {"message": "no", "type": None, "param": None, "code": None}}),
    "null": Answer(0, b"null"),
    "error is null": Answer(0, {"error": None}),
    "message is an object": Answer(0, {"error": {"message": {"a": 1}, "code": "c"}}),
    "message is empty": Answer(0, {"error": {"message": "", "code": "c"}}),
    "empty object": Answer(0, {}),
    "empty": Answer(0, b""),
    "detail": Answer(0, {"detail": [{"loc": ["body"], "msg": "field required"}]}),
    "unknown fields": Answer(0, {"error": {"message": "no", "more": {"a": 1}}, "request_id": "x"}),
    "unicode": Answer(0, {"error": {"message": "é漢😀\n"}}),
}


def create(client: Any) -> Any:
    return client.responses.create(model="m", input="x")


def outcomes(sides: Sides, answer: Answer, **options: Any) -> list[tuple[Outcome, Outcome]]:
    return sides.same(
        lambda client: client.with_options(max_retries=0).responses.create(model="m", input="x", **options),
        answers=lambda: (answer,),
    )


def assert_same_error(theirs: Any, mine: Any) -> None:
    assert type(mine).__name__ == type(theirs).__name__
    assert [cls.__name__ for cls in type(mine).__mro__] == [cls.__name__ for cls in type(theirs).__mro__]
    for attribute in ("body", "code", "param", "type", "status_code", "request_id"):
        assert getattr(mine, attribute) == getattr(theirs, attribute), attribute
    assert mine.response.status_code == theirs.response.status_code
    assert mine.response.text == theirs.response.text
    assert mine.response.headers["content-type"] == theirs.response.headers["content-type"]
    assert str(mine.request.url) == str(theirs.request.url)
    assert mine.request.method == theirs.request.method


def answer_of(status: int, name: str) -> Answer:
    answer = BODIES[name]
    made = Answer(status, answer.body)
    made.headers = answer.headers
    return made


@pytest.mark.parametrize("status", STATUSES)
def test_classes(sides: Sides, status: int) -> None:
    for stream in (False, True):
        for theirs, mine in outcomes(sides, answer_of(status, "error object"), stream=stream):
            assert_same_error(theirs.error, mine.error)
            assert str(mine.error) == str(theirs.error)
            assert mine.error.message == theirs.error.message  # type: ignore[union-attr]
            assert isinstance(mine.error, getattr(oxide, type(theirs.error).__name__))


@pytest.mark.parametrize("name", BODIES)
def test_bodies(sides: Sides, name: str) -> None:
    for status in (400, 500):
        for theirs, mine in outcomes(sides, answer_of(status, name)):
            assert_same_error(theirs.error, mine.error)
            assert str(mine.error) == str(theirs.error)


@pytest.mark.parametrize(
    ("type", "body"),
    [
        ("text/html", b"<h1>Bad gateway</h1>"),
        ("text/plain", b"  upstream  "),
        ("", b"\xff\xfe"),
        ("text/plain", b"x" * 999),
    ],
)
def test_bodies_that_are_not_json(sides: Sides, type: str, body: bytes) -> None:
    """On purpose: what the text says, its beginning at least, is part of the message."""
    for theirs, mine in outcomes(sides, Answer(502, body, type=type)):
        assert_same_error(theirs.error, mine.error)
        assert str(mine.error).startswith(f"{theirs.error} - {mine.error.body[:100]}")  # type: ignore[union-attr]


def test_an_error_that_is_a_text(sides: Sides) -> None:
    """On purpose: servers that say `{"error": "why"}` are heard."""
    for theirs, mine in outcomes(sides, Answer(400, {"error": "why"})):
        assert_same_error(theirs.error, mine.error)
        assert str(mine.error) == f"{theirs.error} - why"


def test_errors_that_are_no_object(sides: Sides) -> None:
    """On purpose: what else there is appears in the message."""
    for body in ([{"error": {"message": "no"}}], 5):
        for theirs, mine in outcomes(sides, Answer(400, body)):
            assert_same_error(theirs.error, mine.error)
            assert str(mine.error) == f"{theirs.error} - {body}"


@pytest.mark.parametrize(
    ("type", "body"),
    [
        ("application/json", b"not JSON"),
        ("application/json", b""),
        ("text/html", b"<h1>hello</h1>"),
        ("text/plain", b""),
    ],
)
def test_replies_that_are_not_json(sides: Sides, type: str, body: bytes) -> None:
    """On purpose an error: the official SDK returns the text, or raises what the JSON parser does."""
    for theirs, mine in outcomes(sides, Answer(200, body, type=type, x_request_id="r")):
        assert isinstance(theirs.result, str) or isinstance(theirs.error, ValueError)
        assert isinstance(mine.error, oxide.APIResponseValidationError)
        assert mine.error.status_code == 200
        assert mine.error.body == body.decode()


@pytest.mark.parametrize("type", ["text/plain", "application/vnd.api+json", "application/json; charset=utf-8", ""])
def test_json_of_another_content_type(sides: Sides, type: str) -> None:
    for theirs, mine in outcomes(sides, Answer(200, {"id": "r"}, type=type)):
        assert mine.result.id == theirs.result.id == "r"


@pytest.mark.parametrize("body", [b"null", b"5", b'"text"', b"[]", b"true"])
def test_json_that_is_no_object(sides: Sides, body: bytes) -> None:
    for theirs, mine in outcomes(sides, Answer(200, body)):
        assert theirs.error is mine.error is None
        assert mine.result == theirs.result


def test_no_connection(sides: Sides) -> None:
    # Bound, and listened on by nobody.
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        for side in sides.all:
            error: Any = side.call(create, side.make(base_url=base_url, max_retries=0)).error
            assert type(error) is side.module.APIConnectionError
            assert error.__cause__ is not None
            assert error.body is None
            assert str(error.request.url) == f"{base_url}/responses"


def test_errors_can_be_pickled(sides: Sides) -> None:
    [(_, mine), _] = outcomes(sides, answer_of(404, "error object"))
    again = pickle.loads(pickle.dumps(mine.error))
    assert type(again) is oxide.NotFoundError
    assert (str(again), again.body, again.code) == (str(mine.error), mine.error.body, "c")  # type: ignore[union-attr]


def test_the_trees_of_exceptions_are_the_same() -> None:
    for name in openai.__all__:
        theirs, mine = getattr(openai, name, None), getattr(oxide, name, None)
        if isinstance(theirs, type) and issubclass(theirs, openai.OpenAIError) and mine is not None:
            assert [cls.__name__ for cls in mine.__mro__] == [cls.__name__ for cls in theirs.__mro__], name
