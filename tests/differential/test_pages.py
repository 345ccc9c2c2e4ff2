"""Lists in pages: the same items from the same requests."""

from __future__ import annotations

from typing import Any

import pytest

from .compare import assert_same
from .recorder import Answer
from .sides import Side, Sides


def page(*ids: str | None, has_more: bool | None = None, **more: Any) -> Answer:
    # A type, because some lists are of unions.
    data = [{"type": "compaction", **({"id": item} if item else {})} for item in ids]
    body: dict[str, Any] = {"object": "list", "data": data, **more}
    if has_more is not None:
        body["has_more"] = has_more
    return Answer(200, body)


SEQUENCES: dict[str, tuple[Answer, ...]] = {
    "one": (page("a", "b", has_more=False),),
    "three": (page("a", "b", has_more=True), page("c", has_more=True), page("d", has_more=False)),
    "until empty": (page("a"), page("b"), page()),
    "empty with more": (page(has_more=True),),
    "more after nothing": (page("a", has_more=True), page(has_more=True)),
    "no id": (page("a", None, has_more=True), page("b", has_more=False)),
    "ids beside": (page("a", has_more=True, first_id="a", last_id="zzz"), page("b", has_more=False)),
    "no data": (Answer(200, {"object": "list"}),),
    "null data": (Answer(200, {"object": "list", "data": None, "has_more": True}),),
}

LISTS = {
    "chat.completions.list": lambda client, **options: client.chat.completions.list(limit=2, **options),
    "messages.list": lambda client, **options: client.chat.completions.messages.list("c/1", order="asc", **options),
    "input_items.list": lambda client, **options: client.responses.input_items.list("r", **options),
    "models.list": lambda client, **options: client.models.list(**options),
}


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("name", LISTS)
def test_items(sides: Sides, name: str, sequence: str) -> None:
    for form in ("iterate", "await and iterate", "iter_pages", "get_next_page"):
        for official, ours in sides.pairs:
            theirs, mine = (walk(side, LISTS[name], SEQUENCES[sequence], form) for side in (official, ours))
            assert mine[1] == theirs[1]
            assert_same(theirs[0], mine[0])


def walk(side: Side, call: Any, answers: tuple[Answer, ...], form: str) -> tuple[list[Any], list[Any]]:
    """The items, and the requests that were made for them."""
    side.recorder.take()
    side.recorder.answers.extend(answers)
    options = {"extra_headers": {"x-own": "1"}, "extra_query": {"q": [1]}, "timeout": 9}
    if form == "iterate":
        items = side.drain(call(side.client, **options))
    else:
        first = side.wait(call(side.client, **options))
        if form == "await and iterate":
            items = side.drain(first)
        elif form == "iter_pages":
            items = [item for each in side.drain(first.iter_pages()) for item in each.data or []]
        else:
            items = list(first.data or [])
            while first.has_next_page():
                assert first.next_page_info() is not None
                first = side.wait(first.get_next_page())
                items += first.data or []
    sent = side.recorder.take()
    names = ("x-own", "x-stainless-read-timeout", "authorization")
    return items, [
        (request.method, request.path, sorted(request.pairs), *(request.headers[name] for name in names))
        for request in sent
    ]


def test_no_next_page(sides: Sides) -> None:
    for side in sides.all:
        last = side.call(LISTS["models.list"], answers=(page("a"),)).result
        assert not last.has_next_page()
        assert last.next_page_info() is None
        with pytest.raises((RuntimeError, side.module.OpenAIError)):
            side.wait(last.get_next_page())


def test_what_is_left_out_stays_out(sides: Sides) -> None:
    def walk_with(side: Side) -> list[Any]:
        side.recorder.take()
        side.recorder.answers.extend(SEQUENCES["three"])
        omit = side.module.omit
        side.drain(side.client.chat.completions.list(after=omit, model="m", metadata={"k": "v"}, order=omit))
        return [sorted(sent.pairs) for sent in side.recorder.take()]

    assert walk_with(sides.oxide) == walk_with(sides.official)
    assert walk_with(sides.oxide_async) == walk_with(sides.official_async)


def test_errors_on_the_way(sides: Sides) -> None:
    for side in sides.all:
        side.recorder.take()
        side.recorder.answers.extend([page("a", has_more=True), Answer(404, {"error": {"message": "gone"}})])
        with pytest.raises(side.module.NotFoundError, match="gone"):
            side.drain(side.client.chat.completions.list())


def test_pages_know_their_request(sides: Sides) -> None:
    for side in sides.all:
        first = side.call(LISTS["models.list"], answers=(Answer(200, {"data": []}, x_request_id="req_7"),)).result
        assert first._request_id == "req_7"
        assert type(first).__name__.partition("[")[0] == ("AsyncPage" if side.asynchronous else "SyncPage")
        assert isinstance(first, getattr(side.module.pagination, type(first).__name__.partition("[")[0]))
