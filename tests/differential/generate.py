"""Values for any annotation of the official SDK, the same ones in every run.

Alternatives (members of a union, values of a literal) are taken in turn, so that a few samples have all of them.
"""

from __future__ import annotations

import typing
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timezone
from os import PathLike
from pathlib import Path
from types import UnionType
from typing import IO, Any, Literal, TypeVar, Union, get_args, get_origin

import pydantic
import typing_extensions
from openai import NotGiven, Omit
from typing_extensions import NotRequired, Required, is_typeddict

_MARKERS = (typing.Annotated, Required, NotRequired, typing_extensions.ReadOnly, typing.ClassVar)
_ABSENT = (Omit, NotGiven)
_UNIONS = (Union, UnionType)
_MAPPINGS = ("dict", "Mapping")

# What the SDK takes as a file. Open files have tests of their own: reading one changes it.
FILES: tuple[Any, ...] = (
    ("picture.png", b"\x89PNG\r\n\x1a\n", "image/png"),
    b"only the bytes",
    ('\u00e9 "quoted".txt', b"no type"),
    ("own.bin", b"\x00\xff\r\n--", "application/x-own", {"X-Own": "1"}),
    Path(__file__),
)

# Types nest without end (a filter of filters): from here on only what is required, and one of each.
DEEP = 5


class Generator:
    """Makes values.

    Args:
        optional: whether fields that may be absent are there.
        extra: adds fields that the type does not have to an object: takes the class, gives them.
    """

    def __init__(self, *, optional: bool = True, extra: Callable[[Any], dict[str, Any]] | None = None) -> None:
        self._optional = optional
        self._extra = extra
        self._turns: Counter[Any] = Counter()
        self._count = 0

    def value(self, annotation: Any, depth: int = 0) -> Any:
        """A value of the annotated type, as JSON has it (a model is a dict).

        Raises:
            TypeError: the annotation is of a kind that is not known here.
        """
        annotation = strip(annotation)
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin in _UNIONS:
            return self._union(annotation, depth)
        if is_file(annotation):
            return self._turn("a file", FILES)
        if origin is Literal:
            return self._turn(annotation, arguments)
        if is_typeddict(annotation):
            return self._typed_dict(annotation, depth)
        if isinstance(origin or annotation, type) and issubclass(origin or annotation, pydantic.BaseModel):
            return self._model(origin or annotation, depth)
        name = getattr(origin or annotation, "__name__", "")
        if name in _MAPPINGS:
            item = arguments[1] if len(arguments) > 1 else object
            return {"key": self.value(item, depth + 1), "ключ": self.value(item, depth + 1)}
        if arguments and name in ("list", "List", "Iterable", "Sequence", "SequenceNotStr", "set"):
            return self._list(arguments[0], depth)
        return self._scalar(annotation)

    def _scalar(self, annotation: Any) -> Any:
        self._count += 1
        if isinstance(annotation, TypeVar):
            annotation = object
        if annotation is str:
            return f"text {self._count}"
        if annotation is int:
            return self._count
        if annotation is float:
            # Between 0 and 1, as most are that have limits.
            return (self._count % 8 + 0.5) / 8
        if annotation is bool:
            return self._count % 2 == 0
        if annotation in (object, Any, "object"):
            return {"any": [self._count, None, "x"]}
        if annotation is datetime:
            return datetime(2026, 1, 2, 3, 4, 5, self._count, tzinfo=timezone.utc)
        if annotation is date:
            return date(2026, 1, 2)
        if annotation is type(None):
            return None
        raise TypeError(f"no values are known for {annotation!r}")

    def _turn(self, key: Any, choices: Any) -> Any:
        choice = choices[self._turns[key] % len(choices)]
        self._turns[key] += 1
        return choice

    def _union(self, annotation: Any, depth: int) -> Any:
        choices = members(annotation)
        if depth >= DEEP:
            # The simplest one: not an object, if there is such.
            choices = sorted(choices, key=lambda choice: weight(choice))[:1]
        return self.value(self._turn(annotation, choices), depth)

    def _list(self, item: Any, depth: int) -> list[Any]:
        if depth >= DEEP:
            return []
        count = len(members(item)) if depth <= 1 else 2
        return [self.value(item, depth + 1) for _ in range(count)]

    def _typed_dict(self, cls: Any, depth: int) -> dict[str, Any]:
        hints = typing_extensions.get_type_hints(cls, include_extras=True)
        optional = self._optional and depth < DEEP
        return {
            name: self.value(hint, depth + 1)
            for name, hint in hints.items()
            if optional or is_required(cls, name, hint)
        }

    def _model(self, cls: type[pydantic.BaseModel], depth: int) -> dict[str, Any]:
        cls.model_rebuild()
        optional = self._optional and depth < DEEP
        values = {
            field.alias or name: self.value(field.annotation, depth + 1)
            for name, field in cls.model_fields.items()
            if field.is_required() or optional
        }
        return {**values, **self._extra(cls)} if self._extra else values


def strip(annotation: Any) -> Any:
    """The type inside `Annotated`, `Required` and named aliases."""
    while True:
        if get_origin(annotation) in _MARKERS:
            annotation = get_args(annotation)[0]
        elif hasattr(annotation, "__value__"):
            annotation = annotation.__value__
        else:
            return annotation


def is_required(cls: Any, name: str, hint: Any) -> bool:
    """Whether a key of a TypedDict has to be there. `__required_keys__` alone does not see marks in postponed annotations."""
    while get_origin(hint) in _MARKERS:
        if get_origin(hint) in (Required, NotRequired):
            return get_origin(hint) is Required
        hint = get_args(hint)[0]
    return name in cls.__required_keys__


def members(annotation: Any) -> list[Any]:
    """The alternatives of a union that are values to send, unions inside of it included; of another type, itself."""
    annotation = strip(annotation)
    if get_origin(annotation) not in _UNIONS:
        return [annotation]
    found: list[Any] = []
    for part in get_args(annotation):
        part = strip(part)
        if is_file(part):
            # The forms that a file can have count as one: `FILES` has them all.
            found += [bytes] if bytes not in found else []
        elif part not in (*_ABSENT, type(None)):
            found += [member for member in members(part) if member is not bytes or bytes not in found]
    return found or [type(None)]


def is_file(annotation: Any) -> bool:
    """Whether it is one of the forms in which a file can be given."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return any(is_file(strip(argument)) for argument in arguments)
    if origin in _UNIONS:
        return bool(arguments) and all(is_file(strip(argument)) for argument in arguments)
    return annotation in (bytes, PathLike) or origin in (IO, PathLike)


def weight(annotation: Any) -> int:
    """How much there is to a type, roughly."""
    annotation = strip(annotation)
    if get_origin(annotation) is Literal or annotation in (str, int, float, bool):
        return 0
    if is_typeddict(annotation):
        hints = typing_extensions.get_type_hints(annotation, include_extras=True)
        return 2 + sum(is_required(annotation, name, hint) for name, hint in hints.items())
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return 2 + sum(field.is_required() for field in annotation.model_fields.values())
    return 1
