"""`strict=True`: one fault, one error, with the JSON path of the fault."""

from __future__ import annotations

import copy
import json
from typing import Any, Union

import pytest

from oxide.core.codec import DecodeError, construct, decode

from .codec_types import DOCUMENT, Document, Either, Item, Page, Usage

REMOVE = object()


def spoil(path: tuple[Any, ...], fault: Any) -> dict[str, Any]:
    value = copy.deepcopy(DOCUMENT)
    place: Any = value
    for step in path[:-1]:
        place = place[step]
    if fault is REMOVE:
        del place[path[-1]]
    else:
        place[path[-1]] = fault
    return value


@pytest.mark.parametrize(
    ("path", "fault", "where", "message"),
    [
        # null where none was promised
        (("id",), None, "$.id", "Expected str, got null"),
        (("items",), None, "$.items", "Expected array, got null"),
        (("items", 1), None, "$.items[1]", "got null"),
        (("items", 0, "notes", 1, "tokens"), None, "$.items[0].notes[1].tokens", "Expected int, got null"),
        (("async",), 3, "$.async", "Expected bool | null, got int"),
        (("hate/threat",), "no", '$["hate/threat"]', "got str"),
        (("options",), None, "$.options", "Expected object, got null"),
        # missing
        (("id",), REMOVE, "$.id", "Missing required field"),
        (("usage", "tokens"), REMOVE, "$.usage.tokens", "Missing required field"),
        (("child", "items"), REMOVE, "$.child.items", "Missing required field"),
        (("items", 1, "type"), REMOVE, "$.items[1].type", "Missing required field"),
        (("choice", "type"), REMOVE, "$.choice.type", "Missing required field"),
        # wrong types
        (("id",), 5, "$.id", "Expected str, got int"),
        (("created",), "now", "$.created", "Expected float, got str"),
        (("created",), True, "$.created", "Expected float, got bool"),
        (("items",), {}, "$.items", "Expected array, got object"),
        (("items", 0), "text", "$.items[0]", "Expected Text | Image | Search, got str"),
        (("items", 0), [], "$.items[0]", "got array"),
        (("usage",), "none", "$.usage", "got str"),
        (("usage", "tokens"), 1.5, "$.usage.tokens", "Expected int, got float"),
        (("by_name", "first", "tokens"), "1", "$.by_name.first.tokens", "Expected int, got str"),
        (("by_name", "odd name"), 1, '$.by_name["odd name"]', "Expected Usage, got int"),
        (("nested", 1), [3], "$.nested[1][0]", "Expected Usage, got int"),
        (("labels",), {"a": 1}, "$.labels.a", "Expected str, got int"),
        (("input",), 5, "$.input", "got int"),
        # unknown enum values and tags
        (("status",), "on hold", "$.status", "Unknown value 'on hold'"),
        (("level",), "silly", "$.level", "Unknown value 'silly'"),
        (("items", 1, "detail"), "medium", "$.items[1].detail", "Unknown value 'medium'"),
        (("items", 1, "type"), "brand.new", "$.items[1].type", "Unknown value 'brand.new'"),
        (("items", 2, "type"), "search_postview", "$.items[2].type", "Unknown value 'search_postview'"),
        (("items", 1, "type"), None, "$.items[1].type", "Expected 'image', got null"),
        (("items", 1, "type"), 7, "$.items[1].type", "Unknown value 7"),
        (("choice", "type"), "image", "$.choice.type", "Unknown value 'image'"),
        (("choice",), "manual", "$.choice", "Unknown value 'manual'"),
        (("input", 2, "type"), "brand.new", "$.input[2].type", "Unknown value 'brand.new'"),
        (("input", 1, "content", 0, "text"), None, "$.input[1].content[0].text", "Expected str, got null"),
        (("either", "text"), 4, "$.either.text", "Expected str, got int"),
    ],
)
def test_path(path: tuple[Any, ...], fault: Any, where: str, message: str) -> None:
    value = spoil(path, fault)
    data = json.dumps(value).encode()
    for _ in range(4):  # the path is the same once the codec has learned
        decode(Document, data)
        with pytest.raises(DecodeError) as caught:
            decode(Document, data, strict=True)
        assert caught.value.path == where
        assert message in caught.value.message
        assert str(caught.value) == f"{caught.value.message} - at `{where}`"
    with pytest.raises(DecodeError) as caught:
        construct(Document, value, strict=True)
    assert caught.value.path == where


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("brand_new",), 1),
        (("items", 0, "brand_new"), {"a": None}),
        (("input", 0, "brand_new"), 1),
        (("created",), 3),
        (("created",), 2**70),
        (("usage", "tokens"), 2.0),
        (("usage",), None),
        (("usage",), REMOVE),
        (("input",), "text"),
        (("input", 0, "type"), "message"),
        (("input", 0, "type"), None),
        (("choice",), "auto"),
        (("anything",), [{"type": "brand.new"}]),
        (("options",), {"a": {"b": None}}),
    ],
)
def test_no_fault(path: tuple[Any, ...], value: Any) -> None:
    spoilt = spoil(path, value)
    data = json.dumps(spoilt).encode()
    for _ in range(4):
        assert decode(Document, data, strict=True).to_dict() == spoilt


@pytest.mark.parametrize(
    ("type_", "data", "path"),
    [
        (Usage, b"[]", "$"),
        (Usage, b"null", "$"),
        (Item, b'{"type": "text"}', "$.text"),
        (Item, b"{}", "$.type"),
        (Either, b'{"duration": 1}', "$.text"),
        (list[Usage], b'[{"tokens": 1}, 2]', "$[1]"),
        (dict[str, Usage], b'{"a": {"tokens": null}}', "$.a.tokens"),
        (Union[int, str], b"1.5", "$"),
        (Page[Usage], b'{"data": [{"tokens": "x"}]}', "$.data[0].tokens"),
        (dict, b"3", "$"),
    ],
)
def test_any_type(type_: Any, data: bytes, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(type_, data, strict=True)
    assert caught.value.path == path


def test_validate() -> None:
    assert Usage.model_validate({"tokens": 1}) == Usage(tokens=1)
    assert Usage.model_validate_json('{"tokens": 1}') == Usage(tokens=1)
    usage = Usage(tokens=1)
    assert Usage.model_validate(usage) is usage
    for wrong in ({}, {"tokens": "x"}, 3, Page(data=[])):
        with pytest.raises(DecodeError):
            Usage.model_validate(wrong)
