"""Objects: what users do with them, under the names that they know from pydantic."""

from __future__ import annotations

import copy
import datetime
import json
from typing import Any

import pytest

from oxide.core.codec import BaseModel, GenericObject, decode, encode, get_meta, set_meta

from .codec_types import DOCUMENT, Document, Easy, Image, Page, Search, Text, Usage


def document(value: Any = DOCUMENT) -> Document:
    obj: Document = decode(Document, json.dumps(value).encode())
    return obj


def test_construction_by_keywords() -> None:
    obj = Document(
        id="x",
        created=1,
        items=[{"type": "text", "text": "a", "new": 1}, Text(type="text", text="b")],  # type: ignore[list-item]
        status="done",
        usage={"tokens": 1},  # type: ignore[arg-type]
        async_=True,
        brand_new=[1],  # type: ignore[call-arg]
    )
    assert isinstance(obj.items[0], Text)
    assert obj.items[0].new == 1  # type: ignore[attr-defined]
    assert isinstance(obj.usage, Usage)
    assert obj.model_extra == {"brand_new": [1]}
    assert obj.model_fields_set == {"id", "created", "items", "status", "usage", "async_"}
    assert obj.to_dict()["async"] is True
    assert Document(**obj.to_dict()) == obj  # type: ignore[arg-type]
    assert Text(type="text", text="a").to_dict() == {"type": "text", "text": "a"}
    assert Search(type="search", query="q").to_dict() == {"type": "search", "query": "q"}
    assert Easy(content="c", role="user").to_dict() == {"content": "c", "role": "user"}


def test_construction_names_what_is_missing() -> None:
    with pytest.raises(TypeError, match=r"Document\(\) is missing 'id', 'items', 'status'"):
        Document(created=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Text\(\) is missing 'type'"):
        Text(text="a")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Usage(1)  # type: ignore[misc,call-arg]


def test_construct_checks_nothing() -> None:
    for make in (Usage.construct, Usage.model_construct):
        obj = make(seconds="long", other=1)
        assert obj.tokens is None
        assert obj.to_dict() == {"seconds": "long", "other": 1}
    assert Text.construct(text="a").to_dict() == {"text": "a"}
    assert Text.construct(type="text", text="a") == Text(type="text", text="a")


def test_dump_as_pydantic_does() -> None:
    obj = document({"id": "x", "created": 1, "items": [{"type": "text", "text": "a"}], "async": None, "new": None})
    assert obj.to_dict() == {
        "id": "x",
        "created": 1,
        "items": [{"type": "text", "text": "a"}],
        "async": None,
        "new": None,
    }
    dumped = obj.model_dump()
    assert list(dumped) == ["id", "created", "items", *list(Document.__annotations__)[3:], "new"]
    assert dumped["items"] == [{"type": "text", "text": "a", "notes": None}]
    assert dumped["level"] == "info"
    assert dumped["options"] == {}
    assert dumped["status"] is None
    assert "async_" in dumped
    assert "async" in obj.model_dump(by_alias=True)
    assert obj.model_dump(exclude_unset=True) == obj.to_dict(use_api_names=False)
    assert obj.model_dump(exclude_none=True).keys() == {"id", "created", "items", "options", "level"}
    assert obj.to_dict(exclude_none=True).keys() == {"id", "created", "items"}
    assert obj.model_dump(include={"id", "new"}) == {"id": "x", "new": None}
    assert obj.model_dump(exclude={"id", "new"}, exclude_unset=True).keys() == {"created", "items", "async_"}
    assert obj.to_dict(exclude_defaults=True).keys() == {"id", "created", "items", "new"}
    assert document(DOCUMENT | {"level": "info"}).to_dict(exclude_defaults=True).get("level") is None
    assert obj.dict() == obj.model_dump()
    assert obj.json() == obj.model_dump_json()


def test_dump_as_text() -> None:
    obj = document({"id": "é", "items": [], "new": {"a": None}})
    assert obj.to_json() == '{\n  "id": "é",\n  "items": [],\n  "new": {\n    "a": null\n  }\n}'
    assert obj.to_json(indent=None) == '{"id":"é","items":[],"new":{"a":null}}'
    assert json.loads(obj.model_dump_json()) == obj.model_dump()
    assert obj.model_dump_json(exclude_unset=True) == obj.to_json(indent=None)


def test_dump_does_not_share() -> None:
    obj = document()
    obj.to_dict()["items"].clear()  # type: ignore[attr-defined]
    obj.to_dict()["anything"]["a"].clear()  # type: ignore[index]
    assert obj.to_dict() == DOCUMENT


def test_values_of_users() -> None:
    now = datetime.datetime(2026, 1, 2, 3, 4, 5)
    obj = document()
    obj.anything = now
    assert obj.to_dict()["anything"] is now
    assert obj.to_dict(mode="json")["anything"] == "2026-01-02T03:04:05"
    assert json.loads(obj.to_json())["anything"] == "2026-01-02T03:04:05"
    obj.new = now  # type: ignore[attr-defined]
    assert obj.to_dict()["new"] is now
    assert obj.model_dump(mode="json")["new"] == "2026-01-02T03:04:05"


def test_attributes_can_be_set() -> None:
    obj = document()
    obj.id = "y"
    obj.labels = {"a": "b"}
    obj.new = 1  # type: ignore[attr-defined]
    obj.items[0].text = "changed"  # type: ignore[union-attr]
    expected = copy.deepcopy(DOCUMENT) | {"id": "y", "labels": {"a": "b"}, "new": 1}
    expected["items"][0]["text"] = "changed"
    assert obj.to_dict() == expected
    assert json.loads(encode({"again": [obj]})) == {"again": [expected]}
    assert obj.model_extra == {"new": 1}
    obj.child = Document(id="c", created=0, items=[], status="done")
    assert obj.child.to_dict() == {"id": "c", "created": 0, "items": [], "status": "done"}
    with pytest.raises(AttributeError):
        obj.all_text = "x"  # type: ignore[misc]


def test_tags_can_be_set() -> None:
    item = document().items[0]
    item.type = "text"
    assert item == document().items[0]
    item.type = "other"  # type: ignore[assignment]
    assert item.type == "other"  # type: ignore[comparison-overlap]
    assert item.to_dict() == DOCUMENT["items"][0] | {"type": "other"}
    assert item.model_fields_set == {"type", "text", "notes"}
    assert item.model_extra == {}
    item.type = "text"  # type: ignore[assignment]
    assert item == document().items[0]
    search = document().items[2]
    search.type = "search"
    assert search.to_dict() == {"type": "search", "query": "q"}


@pytest.mark.parametrize("extra", [{}, {"new": [1]}, {"to_dict": 1, "copy": [2]}])
def test_copies(extra: dict[str, Any]) -> None:
    obj = document(DOCUMENT | extra)
    obj._request_id = "req_1"
    shallow = [copy.copy(obj), obj.model_copy(), obj.copy()]
    deep = [copy.deepcopy(obj), obj.model_copy(deep=True), obj.copy(deep=True)]
    for again in shallow + deep:
        assert again == obj
        assert again is not obj
        assert type(again) is type(obj)
        assert again._request_id == "req_1"
        assert again.to_dict() == DOCUMENT | extra
        again.id = "y"
        again.another = 1
    assert obj.id == "doc_1"
    assert obj.model_extra == extra
    assert shallow[0].items is obj.items
    assert deep[0].items[0] is not obj.items[0]
    for again in deep:
        again.items[0].notes.clear()
        for value in again.model_extra.values():
            if isinstance(value, list):
                value.clear()
    assert obj.to_dict() == DOCUMENT | extra
    assert obj.__replace__(id="z").to_dict() == DOCUMENT | extra | {"id": "z"}
    assert obj.model_copy(update={"id": "z", "newer": 1}).to_dict() == DOCUMENT | extra | {"id": "z", "newer": 1}


def test_equality() -> None:
    assert document() == document()
    assert document() != document(DOCUMENT | {"id": "y"})
    assert document() != document(DOCUMENT | {"new": 1})
    assert document(DOCUMENT | {"to_dict": 1}) != document(DOCUMENT | {"to_dict": 2})
    assert Usage(tokens=1) != {"tokens": 1}
    assert Usage(tokens=1) != Image(type="image", url="u", detail="low")
    assert GenericObject(type="a") != GenericObject(type="b")
    with pytest.raises(TypeError):
        hash(Usage(tokens=1))


def test_repr() -> None:
    obj = document({"id": "x", "items": [{"type": "text", "text": "a", "new": 1}], "labels": None})
    assert repr(obj) == "Document(id='x', items=[Text(type='text', text='a', new=1)], labels=None)"
    assert str(obj) == repr(obj)
    assert list(Usage(tokens=1).__rich_repr__()) == [("tokens", 1)]


def test_iteration() -> None:
    usage = decode(Usage, b'{"tokens": 1, "new": 2}')
    assert list(usage) == [("tokens", 1), ("seconds", None), ("new", 2)]
    assert dict(Text(type="text", text="a")) == {"type": "text", "text": "a", "notes": None}


def test_patterns() -> None:
    match document().items[0]:
        case Text(text=text):
            assert text == "hello "
        case _:
            pytest.fail("not matched")


def test_request_id_and_meta() -> None:
    obj = document()
    assert obj._request_id is None
    assert get_meta(obj) is None
    obj._request_id = "req_1"
    assert obj._request_id == "req_1"
    assert obj.to_dict() == DOCUMENT
    assert obj.model_extra == {}
    assert obj == document()
    assert json.loads(encode(obj)) == DOCUMENT

    class Meta:
        request_id = "req_2"

    meta = Meta()
    set_meta(obj, meta)
    assert get_meta(obj) is meta
    assert obj._request_id == "req_2"
    other = document(DOCUMENT | {"_request_id": "of the JSON"})
    assert other._request_id is None
    assert other.to_dict()["_request_id"] == "of the JSON"


def test_subclasses_and_mixins() -> None:
    class Speaks:
        __slots__ = ()

        def speak(self) -> str:
            return f"{self.tokens} tokens"  # type: ignore[attr-defined, no-any-return]

    class Loud(Speaks, Usage):
        volume: int = 11
        seconds: int  # type: ignore[assignment]

    obj = Loud(tokens=1, seconds=2)
    assert obj.speak() == "1 tokens"
    assert obj.volume == 11
    assert obj.to_dict() == {"tokens": 1, "seconds": 2}
    assert Loud.construct(tokens=1).seconds is None
    assert decode(Loud, b'{"tokens": 1, "seconds": 2, "volume": 3, "x": 4}').to_dict() == {
        "tokens": 1,
        "seconds": 2,
        "volume": 3,
        "x": 4,
    }
    assert isinstance(obj, Usage)
    assert not isinstance(Usage(tokens=1), Loud)


def test_the_class_of_an_object_is_as_good_as_the_declared_one() -> None:
    source = {
        "id": "x",
        "items": [{"type": "text", "text": "a", "learned": 1}, {"type": "brand.new"}],
        "choice": {"text": "b"},
    }
    for _ in range(4):
        obj = document(source)
    for part in (obj, obj.items[0], obj.items[1], obj.choice):
        cls: Any = type(part)
        assert isinstance(part, BaseModel)
        assert cls.construct(**part.to_dict()) == part
        assert decode(cls, encode(part)) == part
    assert Text.__annotations__.keys() == {"type", "text", "notes"}


def test_base_is_empty() -> None:
    assert decode(BaseModel, b'{"a": 1}').to_dict() == {"a": 1}
    assert BaseModel().to_dict() == {}
    assert Page(data=[1]).to_dict() == {"data": [1]}
