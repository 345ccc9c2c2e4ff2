"""Decoding loses nothing and refuses nothing: the five rules, on small types."""

from __future__ import annotations

import copy
import json
import random
from typing import Any, Optional, Union

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oxide.core.codec import BaseModel, DecodeError, GenericObject, construct, decode, decoder, encode

from .codec_data import decode_plain, mutate
from .codec_types import (
    DOCUMENT,
    Anything,
    Document,
    Easy,
    Either,
    Full,
    Image,
    Item,
    Message,
    NumberedPage,
    Open,
    Page,
    Plain,
    Search,
    Text,
    Usage,
    UsagePage,
    Verbose,
)


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


def check(type_: Any, value: Any) -> Any:
    """Decodes four times (the codec learns on the way), and every time everything is there."""
    for _ in range(4):
        obj = decode(type_, text(value))
        assert decode_plain(obj) == value
        assert json.loads(encode(obj)) == value
        if isinstance(obj, BaseModel):
            assert obj.to_dict() == value
            assert json.loads(obj.to_json()) == value
            assert obj == construct(type_, value)
    return obj


def test_valid() -> None:
    obj = check(Document, DOCUMENT)
    assert decode(Document, text(DOCUMENT), strict=True) == obj
    assert [type(item) for item in obj.items[:2]] == [Text, Image]
    assert isinstance(obj.items[2], Search)
    assert obj.items[2].type == "search_preview"
    assert obj.items[0].type == "text"
    assert isinstance(obj.choice, Text)
    assert obj.usage.seconds == 0.5
    assert obj.by_name["first"].tokens == 4
    assert obj.nested[0][0].tokens == 5
    assert obj.async_ is True
    assert obj.threat is False
    assert obj.anything == {"a": [1, {"b": None}]}
    assert [type(item).__name__ for item in obj.input] == ["Easy", "Full", "Image"]
    assert isinstance(obj.input[0], Easy)
    assert isinstance(obj.input[1], Full)
    assert isinstance(obj.either, Verbose)
    assert obj.child.level == "debug"
    assert obj.all_text == "hello world"


def test_unknown_fields_at_every_depth() -> None:
    value = copy.deepcopy(DOCUMENT)
    objects = [value, value["items"][0], value["items"][0]["notes"][1], value["usage"], value["choice"], value["child"]]
    objects += [value["by_name"]["first"], value["nested"][0][0], value["input"][0], value["input"][1], value["either"]]
    for number, place in enumerate(objects):
        place["brand_new"] = {"number": number}
    obj = check(Document, value)
    assert obj.brand_new == {"number": 0}
    assert obj.items[0].brand_new == {"number": 1}
    assert obj.items[0].notes[1].brand_new == {"number": 2}
    assert obj.choice.model_extra == {"brand_new": {"number": 4}}
    assert not hasattr(obj.items[1], "brand_new")
    assert getattr(obj.items[3], "brand_new", None) is None


@pytest.mark.parametrize(
    "key", ["to_dict", "copy", "model_extra", "_request_id", "__class__", "__dict__", "_ox", "_ox_0", "json", "self"]
)
def test_unknown_fields_that_hide_nothing(key: str) -> None:
    value = {"tokens": 1, key: {"x": 1}}
    obj = check(Usage, value)
    assert type(obj).__name__ == "Usage"
    assert obj.model_extra == {key: {"x": 1}}
    assert obj._request_id is None
    assert obj.copy().to_dict() == value


@pytest.mark.parametrize(
    "key", ["weird-name", "", "class", "é", 'quo"te', "back\\slash", "new\nline", "mro", "cls", "\ud800", "a" * 300]
)
def test_unknown_fields_with_odd_names(key: str) -> None:
    obj = check(Usage, {"tokens": 1, key: 2})
    assert getattr(obj, key) == 2
    assert obj.model_extra == {key: 2}
    with pytest.raises(AttributeError):
        getattr(decode(Usage, b'{"tokens": 1}'), key)


def test_unknown_tags() -> None:
    value = {"type": "brand.new", "text": "x", "inner": {"deep": [1, None]}}
    obj = check(Item, value)
    assert isinstance(obj, GenericObject)
    assert obj.type == "brand.new"
    assert obj.inner["deep"] == [1, None]
    assert repr(obj) == "GenericObject(type='brand.new', text='x', inner={'deep': [1, None]})"
    other = check(Item, {"type": "brand.new", "different": 1})
    assert not hasattr(other, "text")


@pytest.mark.parametrize("tag", [5, [], {}, True])
def test_tags_that_are_no_tags(tag: Any) -> None:
    obj = check(Item, {"type": tag, "text": "x"})
    assert isinstance(obj, GenericObject)
    assert obj.type == tag
    assert obj.text == "x"


@pytest.mark.parametrize("tag", [{}, {"type": None}])
def test_members_without_a_tag_are_what_they_look_like(tag: dict[str, None]) -> None:
    obj = check(Item, tag | {"text": "x", "notes": [{"tokens": 1}], "new": 1})
    assert isinstance(obj, Text)
    assert obj.type is None
    assert isinstance(obj.notes[0], Usage)
    assert isinstance(check(Item, tag | {"url": "x"}), Image)
    assert isinstance(check(Item, tag), Text)


def test_only_some_members_may_be_without_a_tag() -> None:
    assert isinstance(check(Message, {"content": "c", "role": "user"}), Easy)
    assert isinstance(check(Message, {"type": None, "new": 1}), Easy)
    assert isinstance(check(Message, {"url": "x", "detail": 3}), Image)


def test_other_tag_where_there_is_no_union() -> None:
    for tag in ("image", None, 3):
        obj = check(Document, DOCUMENT | {"choice": {"type": tag, "text": "x"}})
        assert isinstance(obj.choice, Text)
        assert obj.choice.type == tag
    obj = check(Document, DOCUMENT | {"choice": {"text": "x"}})
    assert obj.choice.type is None


def test_unknown_enum_value() -> None:
    assert check(Document, DOCUMENT | {"status": "on hold"}).status == "on hold"


def test_null_and_absent() -> None:
    without = check(Usage, {"tokens": 1})
    null = check(Usage, {"tokens": 1, "seconds": None})
    assert without.seconds is None
    assert null.seconds is None
    assert without.model_fields_set == {"tokens"}
    assert null.model_fields_set == {"tokens", "seconds"}
    assert without != null
    obj = check(Document, DOCUMENT)
    assert "labels" in obj.model_fields_set
    assert "level" not in obj.model_fields_set
    assert obj.level == "info"
    assert obj.child.options == {}


@pytest.mark.parametrize("key", list(DOCUMENT))
@pytest.mark.parametrize(
    "fault", [None, "remove", 5, "text", [], {}, True, [None], {"a": 1}, [[{}]], [{"type": "text"}]]
)
def test_any_field_spoilt(key: str, fault: Any) -> None:
    value = copy.deepcopy(DOCUMENT)
    if fault == "remove":
        del value[key]
    else:
        value[key] = fault
    obj = check(Document, value)
    if key == "id":
        assert obj.id == (None if fault == "remove" else fault)


@pytest.mark.parametrize("value", [None, True, 3, -0.0, "text", [], [1], {}, [{"id": 1}]])
@pytest.mark.parametrize(
    "type_", [Document, Item, Either, list[Item], dict[str, Item], Union[str, Item], Optional[Usage]]
)
def test_anything_for_any_type(type_: Any, value: Any) -> None:
    check(type_, value)


@pytest.mark.parametrize(
    "type_", [dict, list, object, Any, None, str, int, float, bool, dict[str, object], list[str], Union[int, str]]
)
def test_types_without_models(type_: Any) -> None:
    for value in ({"a": 1}, [1], "a", 1, 0.5, None):
        assert decode(type_, text(value)) == value


def test_members_told_apart_by_a_look_at_all() -> None:
    assert isinstance(check(Either, {"text": "a", "duration": 1}), Verbose)
    assert isinstance(check(Either, {"text": "a"}), Plain)
    assert isinstance(check(Either, {"text": "a", "duration": None}), Plain)
    assert isinstance(check(Either, {"text": "a", "duration": "long"}), Plain)


def test_a_member_with_any_tag() -> None:
    assert isinstance(check(Open, {"type": "text", "text": "a"}), Text)
    assert isinstance(check(Open, {"type": "brand.new", "name": "a"}), Anything)
    assert check(Open, {"type": "brand.new", "name": "a", "new": 1}).type == "brand.new"


def test_generic_pages() -> None:
    value = {"data": [{"tokens": 1, "more": 2}, {}], "has_more": False, "cursor": "c"}
    obj = check(Page[Usage], value)
    assert isinstance(obj, Page)
    assert type(obj).__name__ == "Page"
    assert isinstance(obj.data[0], Usage)
    assert list(obj) == obj.data
    assert isinstance(check(Page[Item], {"data": [{"type": "text", "text": "a"}]}).data[0], Text)
    assert check(Page, value).data == value["data"]
    numbered = check(NumberedPage[Usage], {"data": [{"tokens": 1}], "number": 2})
    assert isinstance(numbered.data[0], Usage)
    assert isinstance(check(UsagePage, {"data": [{"tokens": 1}], "total": 1}).data[0], Usage)
    assert isinstance(check(Page[Page[Usage]], {"data": [{"data": [{"tokens": 1}]}]}).data[0].data[0], Usage)


@given(st.randoms(use_true_random=False), st.integers(1, 6))
def test_spoilt_documents(rng: random.Random, count: int) -> None:
    value = mutate(DOCUMENT, rng, count)
    obj = decode(Document, text(value))
    assert decode_plain(obj) == value
    assert decode_plain(decode(Document, text(value))) == value
    assert json.loads(encode(obj)) == value
    assert obj == construct(Document, value) == decode(Document, text(value))


# --- text --------------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
@example(2**64)
@example(-0.0)
@example(5e-324)
@example(123456789012345680.0)
def test_values_as_python_reads_them(value: Any) -> None:
    source = text({"id": value, "created": value, "usage": value, "new": value})
    expected = json.loads(source)
    obj = decode(Document, source)
    assert repr(obj.to_dict()) == repr(expected)
    assert repr(obj.created) == repr(expected["created"])
    assert json.loads(obj.to_json()) == expected


@pytest.mark.parametrize(
    "source",
    [
        b'{"id": NaN, "created": Infinity, "x": -Infinity}',
        b'{"id": "\\ud800", "created": 1e400}',
        b'{"id": 1, "id": 2, "items": [], "items": [{"type": "text", "text": "a", "text": "b"}]}',
        b'{"items": [{"type": "text", "text": "a", "type": "image"}]}',
        b'{"items": [{"type": "image", "type": "text", "text": "a"}], "usage": {"tokens": 1}, "usage": null}',
        b'\xef\xbb\xbf{"id": 1}',
        '{"id": "é"}'.encode("utf-16"),
        b' \n{"id": 1}\t ',
        b'{"id": "\\u0000", "\\u0041": -0, "b": 1E2, "c": 1.0, "d": 123456789012345678901234567890}',
    ],
)
def test_text_as_python_reads_it(source: bytes) -> None:
    expected = json.loads(source)
    for _ in range(4):
        obj = decode(Document, source)
        assert repr(obj.to_dict()) == repr({key: expected[key] for key in obj.to_dict()})
        assert len(obj.to_dict()) == len(expected)
        assert repr(json.loads(obj.to_json())) == repr(obj.to_dict())


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_buffers(kind: Any) -> None:
    assert decode(Usage, kind(b'{"tokens": 1}')).tokens == 1
    assert decode(Usage, kind(b'{"tokens": 1, "x": NaN}')).tokens == 1


def test_str() -> None:
    assert decode(Usage, '{"tokens": 1, "é": 1}').tokens == 1
    assert decode(Usage, '{"tokens": 1, "x": NaN}').tokens == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "nothing"),
        (b" \n", "nothing"),
        (b"<html>", "Not JSON"),
        (b"{", "Not JSON"),
        (b'{"id": 1} x', "trailing"),
        (b'{"id": "\xff"}', "Not JSON"),
        (b'{"id": 1,}', "Not JSON"),
        (b"[" * 200_000, "nested"),
        (b'{"child":' * 200_000, "nested"),
        (b"1" * 5000, "Not JSON"),
    ],
)
def test_text_that_is_not_json(source: bytes, message: str) -> None:
    for type_ in (Document, dict, list[Item], Either):
        with pytest.raises(DecodeError, match=message) as caught:
            decode(type_, source)
        assert caught.value.path == ""


@given(st.binary(max_size=20))
def test_any_bytes(source: bytes) -> None:
    try:
        expected = json.loads(source)
    except ValueError:
        with pytest.raises(DecodeError):
            decode(Document, source)
    else:
        assert repr(decode_plain(decode(Document, source))) == repr(expected)


def test_decoder_is_the_same_thing() -> None:
    read = decoder(Document)
    assert read is decoder(Document)
    assert read(text(DOCUMENT)) == decode(Document, text(DOCUMENT))
    with pytest.raises(DecodeError):
        read(b"")


def test_construct_takes_objects_as_they_are() -> None:
    usage = Usage(tokens=1)
    obj = construct(Document, {"usage": usage, "items": [Text(type="text", text="a")]})
    assert obj.usage is usage
    assert construct(Usage, usage) is usage
    assert obj.to_dict() == {"usage": {"tokens": 1}, "items": [{"type": "text", "text": "a"}]}
