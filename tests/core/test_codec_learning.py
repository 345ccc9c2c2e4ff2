"""What is met twice is decoded in C from then on: at what bounds, from many threads, and still the same objects."""

import gc
import json
import pickle
import random
import string
import subprocess
import sys
import threading
import weakref
from copy import copy, deepcopy
from typing import Annotated, Any, Literal, Optional, Union

import msgspec
import pytest

from oxide.core.codec import BaseModel, Discriminator, GenericObject, _decode, _learn, decode, decoder, encode

from .codec_types import DOCUMENT, Document, Item


@pytest.fixture(autouse=True)
def _room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests of this process may have used up what may be learned."""
    monkeypatch.setattr(_learn, "MAX_LEARNED", _learn.version() + 500)


def types() -> Any:
    """Types that nothing has been learned about."""

    class Leaf(BaseModel):
        a: int
        b: Optional[str] = None

    class One(BaseModel, tag_field="type", tag="one"):
        type: Literal["one"]
        leaf: Leaf

    class Two(BaseModel, tag_field="type", tag="two"):
        type: Literal["two"]
        leaves: list[Leaf]

    class Root(BaseModel):
        id: str
        items: list[Annotated[Union[One, Two], Discriminator("type")]]

    return Root, Leaf


def is_fast(type_: Any, value: Any) -> bool:
    """Whether the C decoder takes it."""
    data = json.dumps(value).encode()
    try:
        _decode._root(type_).fast(data)
    except msgspec.ValidationError:
        return False
    return True


def feed(type_: Any, value: Any, times: int = 3) -> Any:
    data = json.dumps(value).encode()
    for _ in range(times):
        obj = decode(type_, data)
        assert json.loads(encode(obj)) == value
    return obj


@pytest.mark.parametrize(
    "item",
    [
        {"type": "one", "leaf": {"a": 1, "new": [1]}},
        {"type": "one", "leaf": {"a": 1}, "new": None, "weird-name": 1, "to_dict": 2},
        {"type": "two", "leaves": [{}]},
        {"type": "two", "leaves": [{"b": None, "c": 1}]},
        {"type": "three", "leaf": {"a": 1}, "x": 1},
    ],
)
def test_third_time_is_fast(item: Any) -> None:
    root, _ = types()
    value = {"id": "x", "items": [item, {"type": "one", "leaf": {"a": 1}}]}
    first = decode(root, json.dumps(value).encode())
    assert not is_fast(root, value)
    learned = feed(root, value)
    assert is_fast(root, value)
    assert learned == first
    assert first == learned
    assert repr(learned) == repr(first)
    assert type(learned).__name__ == type(first).__name__ == "Root"
    assert learned.items[0].model_extra == first.items[0].model_extra
    assert learned.items[0].model_fields_set == first.items[0].model_fields_set
    # What lacks the new fields is still as it was.
    plain = {"id": "x", "items": [{"type": "one", "leaf": {"a": 1}}]}
    obj = feed(root, plain, 1)
    assert obj.items[0].model_extra == {}
    assert not hasattr(obj.items[0].leaf, "new")


def test_classes_hold() -> None:
    root, leaf = types()
    value = {"id": "x", "items": [{"type": "two", "leaves": [{"a": 1, "new": 1}]}]}
    old = decode(root, json.dumps(value).encode())
    new = feed(root, value)
    assert isinstance(new, root)
    assert isinstance(new.items[0].leaves[0], leaf)
    assert type(new.items[0].leaves[0]).__doc__ == leaf.__doc__
    for obj in (old, new):
        for again in (copy(obj), deepcopy(obj), obj.model_copy(), obj.model_copy(deep=True)):
            assert again == obj
            assert again.to_dict() == value
    new.items[0].leaves[0].new = 2
    new.items[0].leaves[0].newer = 3
    assert new.items[0].leaves[0].to_dict() == {"a": 1, "new": 2, "newer": 3}
    assert old.items[0].leaves[0].new == 1


def test_one_type_learns_for_all_that_lead_to_it() -> None:
    root, leaf = types()
    feed(leaf, {"a": 1, "new": 1})
    value = {"id": "x", "items": [{"type": "one", "leaf": {"a": 1, "new": 1}}]}
    feed(root, value, 1)
    assert is_fast(root, value)


def test_recursive_types() -> None:
    value = DOCUMENT | {
        "learned_here": 1,
        "child": DOCUMENT | {"learned_here": 2, "child": {"id": "x", "learned_there": 3}},
    }
    obj = feed(Document, value, 4)
    assert is_fast(Document, value)
    assert obj.child.child.learned_there == 3
    assert isinstance(obj.child.child, Document)


def test_names_are_bounded() -> None:
    _, leaf = types()
    for number in range(3 * _learn.MAX_PER_TYPE):
        obj = feed(leaf, {"a": 1, f"name_{number}": number})
        assert obj.model_extra == {f"name_{number}": number}
    assert len(type(decode(leaf, b'{"a": 1}'))._ox_learned) <= _learn.MAX_PER_TYPE


def test_tags_are_bounded() -> None:
    before = _learn.version()
    for number in range(3 * _learn.MAX_PER_TYPE):
        obj = feed(Item, {"type": f"tag_{number}", "x": number})
        assert isinstance(obj, GenericObject)
    assert _learn.version() - before <= 2 * _learn.MAX_PER_TYPE


def test_all_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_learn, "MAX_LEARNED", _learn.version() + 5)
    for number in range(30):
        _, leaf = types()
        feed(leaf, {"a": 1, f"name_{number}": number})
    assert _learn.version() == _learn.MAX_LEARNED


def test_names_that_come_once_leave_nothing() -> None:
    _, leaf = types()
    rng = random.Random(1)
    read = decoder(leaf)
    before = _learn.version()
    for _ in range(2 * _learn.MAX_PENDING):
        name = "".join(rng.choices(string.ascii_letters, k=12))
        assert read(b'{"a": 1, "%s": 2}' % name.encode()).model_extra == {name: 2}
    assert _learn.version() == before
    assert len(_learn._pending) <= _learn.MAX_PENDING
    read(b'{"a": 1, "%s": 2}' % (b"x" * 10_000))
    assert all(len(name) <= 1000 for _, name in _learn._pending if isinstance(name, str))


def test_replaced_classes_are_freed() -> None:
    root, _ = types()
    value: dict[str, Any] = {"id": "x", "items": [{"type": "one", "leaf": {"a": 1}}]}
    old = []
    for number in range(5):
        value["items"][0]["leaf"][f"name_{number}"] = 1
        old.append(weakref.ref(type(feed(root, value))))
    gc.collect()
    assert sum(ref() is not None for ref in old) <= 2


def learn_in_threads() -> list[Any]:
    """Four threads decode what nobody has learned yet. Returns what came out wrong."""
    root, leaf = types()
    names = [f"name_{number}" for number in range(8)]
    values = []
    for name in names:
        items = [
            {"type": "one", "leaf": {name: 1}},
            {"type": name, "x": 1},
            {"type": "two", "leaves": [{"a": 1, name: 2}]},
        ]
        values.append({"id": name, "items": items})
    start = threading.Barrier(4)
    wrong: list[Any] = []

    def work(seed: int) -> None:
        rng = random.Random(seed)
        start.wait()
        read = decoder(root)
        for _ in range(60):
            value = rng.choice(values)
            obj = read(json.dumps(value).encode())
            if obj.to_dict() != value or not isinstance(obj.items[2].leaves[0], leaf):
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for value in values:
        feed(root, value)
        if not is_fast(root, value):
            wrong.append(value)
    return wrong


def test_threads() -> None:
    for _ in range(20):
        assert not learn_in_threads()


PICKLED: list[dict[str, Any]] = [
    DOCUMENT,
    {
        "id": 1,
        "pickled_field": 1,
        "to_dict": 2,
        "weird-name": 3,
        "items": [{"type": "text", "pickled": 1}, {"type": "pickled"}, {}],
    },
    {"choice": {"type": "image", "text": "x"}, "usage": {}},
]


@pytest.mark.parametrize("value", PICKLED)
def test_pickle_in_this_process(value: dict[str, Any]) -> None:
    for times in (1, 4):
        obj = feed(Document, value, times)
        for protocol in (2, pickle.HIGHEST_PROTOCOL):
            again = pickle.loads(pickle.dumps(obj, protocol))
            assert again == obj
            assert again.to_dict() == value
            assert isinstance(again, Document)


def test_pickle_to_another_process() -> None:
    objects = []
    for value in PICKLED:
        objects += [feed(Document, value, 1), feed(Document, value, 4)]
    objects[0]._request_id = "req_1"
    script = (
        "import sys, pickle, json\n"
        "objects = pickle.load(sys.stdin.buffer)\n"
        "print(json.dumps([o.to_dict() for o in objects]), objects[0]._request_id, [type(o).__name__ for o in objects[2].items],"
        " objects[2].items[2].type, sep='\\n')"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], input=pickle.dumps(objects), capture_output=True, check=True
    )
    lines = result.stdout.decode().splitlines()
    assert json.loads(lines[0]) == [value for value in PICKLED for _ in range(2)]
    assert lines[1:] == ["req_1", "['Text', 'GenericObject', 'Text']", "None"]


def test_failed_build_can_be_repeated() -> None:
    class Broken(BaseModel):
        inner: Optional["Later"] = None  # type: ignore[name-defined] # noqa: F821

    for _ in range(2):
        with pytest.raises(NameError):
            decode(Broken, b"{}")
    globals()["Later"] = types()[1]
    try:
        obj = decode(Broken, b'{"inner": {"a": 1}}')
    finally:
        del globals()["Later"]
    assert obj.inner.a == 1


def test_annotations_stay_as_written() -> None:
    before = dict(Document.__annotations__)
    feed(Document, DOCUMENT | {"another": 1}, 4)
    assert Document.__annotations__ == before
    assert Document.__annotations__["status"] == Literal["done", "failed"]
