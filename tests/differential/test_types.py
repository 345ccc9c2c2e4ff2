"""Every response type: the same JSON gives the same object."""

from __future__ import annotations

import importlib
import inspect
import itertools
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import pydantic
import pytest
from openai._models import construct_type

import oxide.types
from oxide.core.codec import decode

from .compare import assert_same, assert_same_out
from .generate import Generator

pytestmark = pytest.mark.exhaustive

SAMPLES = 2

# Nothing in the API's JSON is of these: their code is shared by types that are.
WITHOUT_JSON = ("oxide.types._",)


def _modules() -> Iterator[Any]:
    for module in pkgutil.walk_packages(oxide.types.__path__, "oxide.types."):
        if module.ispkg or module.name.startswith(WITHOUT_JSON):
            continue
        theirs = importlib.import_module("openai" + module.name[len("oxide") :])
        ours = importlib.import_module(module.name)
        pairs = [
            (cls, getattr(ours, name))
            for name, cls in vars(theirs).items()
            if inspect.isclass(cls) and issubclass(cls, pydantic.BaseModel) and cls.__module__ == theirs.__name__
        ]
        if pairs:
            yield pytest.param(pairs, id=module.name[len("oxide.types.") :])


MODULES = list(_modules())
TYPES = pytest.mark.parametrize("pairs", MODULES)


def both(theirs: Any, ours: Any, value: Any) -> tuple[Any, Any]:
    """The objects that the two SDKs make of a JSON value."""
    data = json.dumps(value)
    return construct_type(type_=theirs, value=json.loads(data)), decode(ours, data.encode())


def test_types_are_found() -> None:
    assert sum(len(module.values[0]) for module in MODULES) >= 2738


@TYPES
@pytest.mark.parametrize("optional", [True, False], ids=["all fields", "required fields"])
def test_known_fields(pairs: list[Any], optional: bool) -> None:
    values = Generator(optional=optional)
    for theirs, ours in pairs:
        for sample in range(SAMPLES):
            value = values.value(theirs)
            there, here = both(theirs, ours, value)
            assert here.to_dict() == value
            assert_same(there, here, theirs.__name__)
            if not sample:
                assert_same_out(there, here)


UNKNOWN = {
    "new_field": {"a": [1, {"b": None}]},
    "new_number": 1,
    "x y": "not an identifier",
    "to_dict": "a method's name",
}


@TYPES
def test_unknown_fields(pairs: list[Any]) -> None:
    values = Generator(extra=lambda cls: UNKNOWN)
    for theirs, ours in pairs:
        value = values.value(theirs)
        there, here = both(theirs, ours, value)
        assert here.to_dict() == value
        assert here.new_field == UNKNOWN["new_field"]
        assert here.model_extra == UNKNOWN
        assert_same(there, here, theirs.__name__)


WRONG = [None, "text", 7, 0.5, True, [], [1], {}, {"type": "none such"}, [None], [{"type": "none such"}]]


@TYPES
def test_values_of_another_type(pairs: list[Any]) -> None:
    wrong = itertools.cycle(WRONG)
    for theirs, ours in pairs:
        value = Generator().value(theirs)
        for key, instead in itertools.product(value, itertools.islice(wrong, 3)):
            changed = {**value, key: instead}
            there, here = both(theirs, ours, changed)
            assert here.to_dict() == changed
            assert here.to_dict() == there.to_dict(warnings=False)
            assert here.model_fields_set == there.model_fields_set


@TYPES
def test_missing_fields(pairs: list[Any]) -> None:
    for theirs, ours in pairs:
        there, here = both(theirs, ours, {})
        assert_same(there, here, theirs.__name__)
        assert here.to_dict() == {}
        assert here.model_fields_set == set()
