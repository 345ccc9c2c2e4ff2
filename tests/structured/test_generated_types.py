"""Types nobody thought of: their schema is strict, a value that fits it is parsed, one that does not is refused with its path."""

from __future__ import annotations

import dataclasses
import enum
import itertools
import json
from typing import Any, Literal, Optional, TypedDict, Union

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from oxide.core.schema_check import check
from oxide.core.structured import FormatError, format_of
from oxide.testing.schema import fit, strict_problem
from oxide.testing.text import Source

pytestmark = pytest.mark.exhaustive

Fields = list[tuple[str, Any]]
NUMBERS = itertools.count()


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


def struct(name: str, fields: Fields) -> Any:
    return msgspec.defstruct(name, fields)


def dataclass(name: str, fields: Fields) -> Any:
    return dataclasses.make_dataclass(name, fields)


def attrs_class(name: str, fields: Fields) -> Any:
    return attrs.define(type(name, (), {"__annotations__": dict(fields)}))


def typed_dict(name: str, fields: Fields) -> Any:
    return TypedDict(name, dict(fields))  # type: ignore[operator]


def model(name: str, fields: Fields) -> Any:
    return pydantic.create_model(name, **{key: (type_, ...) for key, type_ in fields})  # type: ignore[call-overload]


MAKERS = (struct, dataclass, attrs_class, typed_dict, model)

LEAVES = st.sampled_from(
    [int, float, str, bool, None, Size, Literal["a", "b"], Literal[1, 2], Optional[int], Union[int, str]]
)
NAMES = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta"]), min_size=1, max_size=4, unique=True)


@st.composite
def objects(draw: st.DrawFn, make: Any, depth: int = 0) -> Any:
    def field() -> Any:
        if depth < 3 and draw(st.booleans()):
            inner = draw(objects(make, depth + 1))
            return draw(st.sampled_from([inner, list[inner], Optional[inner]]))  # type: ignore[valid-type]
        leaf = draw(LEAVES)
        return draw(st.sampled_from([leaf, list[leaf], Optional[leaf]]))

    fields = [(name, field()) for name in draw(NAMES)]
    return make(f"T{next(NUMBERS)}", fields)


def leaves(value: Any, path: str) -> Any:
    """The containers of all values inside `value`, the key there, and the path."""
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
        here = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}"
        if isinstance(entry, (dict, list)):
            yield from leaves(entry, here)
        else:
            yield value, key, here


@pytest.mark.parametrize("make", [*MAKERS, None], ids=lambda make: make.__name__ if make else "schema")
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_round_trip(make: Any, data: st.DataObject) -> None:
    type_ = data.draw(objects(make or struct))
    form = format_of(type_)
    if make is None:
        form = format_of(form.schema)
    assert strict_problem(form.schema) is None
    value = fit(form.schema, Source(data.draw(st.sampled_from(["", "1 2 3", "'a' and 'b'"]))))
    check(value, form.schema)
    parsed = form.parse(json.dumps(value))
    assert (parsed.model_dump(mode="json") if make is model else msgspec.to_builtins(parsed)) == value

    found = list(leaves(value, "$"))
    assume(found)
    container, key, path = data.draw(st.sampled_from(found))
    container[key] = {"not": ["this"]}
    with pytest.raises(FormatError) as caught:
        form.parse(json.dumps(value))
    # Where there are several types to choose from, decoders may name the place of the choice, or the member they tried.
    assert caught.value.path.startswith("$.")
    first = path.split(".")[1].partition("[")[0]
    assert caught.value.path.startswith(f"$.{first}") or "[...]" in caught.value.path
    assert caught.value.text == json.dumps(value)
