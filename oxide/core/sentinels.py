"""The two ways of saying "nothing here" that the official SDK has, and that `None` can't say."""

from __future__ import annotations

from typing import Literal, TypeVar, Union

__all__ = ["NOT_GIVEN", "NotGiven", "Omit", "Omittable", "is_given", "not_given", "omit"]

_T = TypeVar("_T")


class NotGiven:
    """The type of `not_given`: the argument was not passed, so the default applies.

    It differs from `None` where `None` has a meaning of its own: `timeout=None` switches the timeout off,
    `timeout=not_given` keeps the client's.
    """

    __slots__ = ()

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"

    def __reduce__(self) -> str:
        return "not_given"


class Omit:
    """The type of `omit`: leave this parameter or header out of the request, even if there is a default for it."""

    __slots__ = ()

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "omit"

    def __reduce__(self) -> str:
        return "omit"


not_given = NotGiven()
NOT_GIVEN = not_given
omit = Omit()

Omittable = Union[_T, Omit]


def is_given(value: object) -> bool:
    """Whether `value` is something to send: neither `not_given` nor `omit`."""
    return not isinstance(value, (NotGiven, Omit))
