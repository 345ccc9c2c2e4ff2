"""Endpoints without a method: `client.get` and the others."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from .compare import assert_same
from .recorder import Answer, events
from .sides import Sides, sdk

METHODS = ("post", "put", "patch", "delete")
REPLY = {"id": "r", "a": [1, {"b": None}]}


def reply() -> tuple[Answer, ...]:
    return (Answer(200, REPLY, x_request_id="req_1"),)


@pytest.mark.parametrize("method", ["get", *METHODS])
def test_methods(sides: Sides, method: str) -> None:
    for theirs, mine in sides.same(lambda client: getattr(client, method)("/things", cast_to=object), answers=reply):
        assert theirs.result == mine.result == REPLY


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("body", [{"a": 1}, {}, [1], "text", 5, False, None], ids=repr)
def test_bodies(sides: Sides, method: str, body: Any) -> None:
    for theirs, mine in sides.same(
        lambda client: getattr(client, method)("/things", cast_to=object, body=body), answers=reply
    ):
        assert theirs.result == mine.result


@pytest.mark.parametrize("method", METHODS)
def test_content(sides: Sides, method: str) -> None:
    content = b'{"raw":"\xc3\xa9"}'
    sides.same(lambda client: getattr(client, method)("/things", cast_to=object, content=content), answers=reply)
    for _, mine in sides.same(
        lambda client: getattr(client, method)("/things", cast_to=object, content=content, body={}), answers=reply
    ):
        assert isinstance(mine.error, TypeError)
    # Bytes as a body: the same, without the official SDK's warning.
    [sent] = sides.oxide.call(lambda client: getattr(client, method)("/x", cast_to=object, body=b"\xff")).sent
    assert sent.body == b"\xff"


def test_idempotency_keys(sides: Sides) -> None:
    """On purpose: the official SDK takes the option and sends nothing."""
    call = sides.oxide.call(lambda client: client.post("/x", cast_to=object, options={"idempotency_key": "key"}))
    assert call.sent[0].headers["idempotency-key"] == "key"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"headers": {"X-Own": "1", "Content-Type": "text/plain"}},
        {"params": {"a": [1, 2], "b": {"c": True}, "d": None}},
        {"extra_json": {"b": 2}},
        {"timeout": 7},
        {"timeout": None},
        {"max_retries": 0},
        {"headers": {"Authorization": "Basic x"}, "params": {"q": "x y"}},
        {"security": {"bearer_auth": True}},
        {"security": {"admin_api_key_auth": True}},
    ],
    ids=repr,
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_options(sides: Sides, options: dict[str, Any], method: str) -> None:
    body = {"body": {"a": 1}} if method == "post" else {}
    sides.same(
        lambda client: getattr(client, method)("/things", cast_to=object, options=options, **body),
        client={"admin_api_key": "sk-admin", "default_query": {"a": 0, "z": 1}},
        answers=reply,
    )


def test_options_of_retries(sides: Sides) -> None:
    for limit in (0, 1):
        for theirs, mine in sides.same(
            lambda client, limit=limit: client.post("/things", cast_to=object, options={"max_retries": limit}),
            answers=lambda: (Answer(500, {}, retry_after_ms="1"),) * 3,
        ):
            assert len(mine.sent) == 1 + limit
            assert type(mine.error).__name__ == type(theirs.error).__name__


@pytest.mark.parametrize("path", ["/things", "things", "/things?a=1", "/things/?a=1&b=2", "/th%20ings/é", "/", ""])
def test_paths(sides: Sides, path: str) -> None:
    for params in ({}, {"b": 3, "c": 4}):
        sides.same(
            lambda client, params=params: client.get(
                path, cast_to=object, options={"params": params} if params else {}
            ),
            answers=reply,
            asynchronous=False,
        )


@pytest.mark.parametrize("path", ["/a b", "/a?b=c d", "/a#fragment", "/\r\nHost: x", "/a\x00", "/a\tb", "?a=1"])
def test_paths_that_need_care(sides: Sides, path: str) -> None:
    for side in (sides.official, sides.oxide):
        sent = side.call(lambda client: client.get(path, cast_to=object), answers=reply()).sent
        allowed = not {"\r", "\x00", "\t"} & set(path)
        assert [request.target for request in sent] == (
            ["/v1/" + path.lstrip("/").replace(" ", "%20").replace("#fragment", "")] if allowed else []
        )


def test_absolute_urls(sides: Sides) -> None:
    url = sides.recorder.url + "/elsewhere?x=1"
    for _, mine in sides.same(lambda client: client.get(url, cast_to=object), answers=reply):
        assert mine.sent[0].target == "/elsewhere?x=1"


def test_what_the_reply_becomes(sides: Sides) -> None:
    for make in (
        lambda module: object,
        lambda module: dict,
        # The official SDK takes no subscripted types on 3.10, where `inspect.isclass` calls them classes.
        lambda module: dict[str, Any] if sys.version_info >= (3, 11) else dict,
        lambda module: str,
        lambda module: type(None),
        lambda module: module.types.Model,
        lambda module: module.types.responses.Response,
    ):
        for theirs, mine in sides.same(
            lambda client, make=make: client.get("/things", cast_to=make(sdk(client))), answers=reply
        ):
            assert theirs.error is mine.error is None
            assert_same(theirs.result, mine.result)


@pytest.mark.parametrize(
    ("cast_to", "text"),
    [
        (int, "5"),
        (float, "1.5"),
        (bool, "true"),
        (list, "[1]"),
        (list[int] if sys.version_info >= (3, 11) else list, "[1]"),
    ],
)
def test_replies_that_are_no_objects(sides: Sides, cast_to: Any, text: str) -> None:
    for theirs, mine in sides.same(
        lambda client: client.get("/things", cast_to=cast_to), answers=lambda: (Answer(200, text),)
    ):
        assert mine.result == theirs.result
        assert theirs.error is mine.error is None


def test_models_of_ones_own(sides: Sides) -> None:
    results = []
    for side in (sides.official, sides.oxide):

        class Thing(side.module.BaseModel):  # type: ignore[name-defined, misc]
            id: str
            more: int = 5

        outcome = side.call(lambda client, Thing=Thing: client.get("/things", cast_to=Thing), answers=reply())
        assert isinstance(outcome.result, Thing)
        assert outcome.result._request_id == "req_1"
        results.append((outcome.result.id, outcome.result.more, outcome.result.to_dict(), outcome.result.a))
    assert results[0] == results[1]


def test_the_response_itself(sides: Sides) -> None:
    import httpx2

    import oxide

    theirs = sides.official.call(lambda client: client.get("/things", cast_to=httpx2.Response), answers=reply()).result
    mine = sides.oxide.call(lambda client: client.get("/things", cast_to=oxide.Response), answers=reply()).result
    for name in ("status_code", "content", "text", "http_version"):
        assert getattr(mine, name) == getattr(theirs, name)
    assert mine.json() == theirs.json()
    assert mine.headers["X-Request-Id"] == theirs.headers["X-Request-Id"]
    assert str(mine.url) == str(theirs.url)


def test_streams(sides: Sides) -> None:
    data = [{"n": 1}, {"n": 2}]
    for official, ours in sides.pairs:
        for side in (official, ours):
            stream_cls = (side.module.AsyncStream if side.asynchronous else side.module.Stream)[object]
            outcome = side.call(
                lambda client, stream_cls=stream_cls: client.post(
                    "/things", cast_to=object, body={}, stream=True, stream_cls=stream_cls
                ),
                answers=(events(*data, "[DONE]"),),
            )
            assert outcome.result == data


def test_unknown_options_are_refused(sides: Sides) -> None:
    """On purpose: the official SDK ignores what it does not know."""
    outcome = sides.oxide.call(lambda client: client.get("/things", cast_to=object, options={"parms": {"a": 1}}))
    assert isinstance(outcome.error, TypeError)
    assert not outcome.sent
