"""Whether what a stream gives is the same on the official SDK and here."""

from __future__ import annotations

from typing import Any

import pydantic

import oxide
from oxide.core.codec import GenericObject


def assert_same_stream_object(theirs: Any, mine: Any, path: str = "$") -> None:
    """Equal classes and attributes, all the way down.

    Fields that a class does not declare are kept here where the official SDK makes a new event of the one that came, and loses them.
    """
    if isinstance(theirs, pydantic.BaseModel) and isinstance(mine, oxide.BaseModel):
        if isinstance(mine, GenericObject):
            # An unknown tag: the official SDK takes the first class of the union.
            assert mine.to_dict() == theirs.to_dict(warnings=False), path
            return
        assert type(mine).__name__ == type(theirs).__name__.partition("[")[0], path
        extra = theirs.model_extra or {}
        assert set(extra) <= set(mine.model_extra), path
        for name in (*type(theirs).model_fields, *extra):
            if name not in theirs.model_fields_set and name not in extra and not hasattr(theirs, name):
                continue
            assert_same_stream_object(getattr(theirs, name), getattr(mine, name), f"{path}.{name}")
    elif isinstance(theirs, list):
        assert isinstance(mine, list), path
        assert len(mine) == len(theirs), path
        for index, (there, here) in enumerate(zip(theirs, mine, strict=True)):
            assert_same_stream_object(there, here, f"{path}[{index}]")
    else:
        assert mine == theirs, path
