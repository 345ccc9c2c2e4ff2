"""Text that grows, and fields that are worked out when they are read.

A stream's events promise a snapshot: the text so far. Joining it for each event would make a stream cost the square of its length, and
few events are asked. So the pieces are gathered, an event notes how far the text had come, and its field finds out when it
is read. What is read is the same at any later time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ..codec import BaseModel
from ..codec._meta import member_of
from .partial_json import parse_partial

if TYPE_CHECKING:
    _Base = BaseModel
else:
    _Base = object

__all__ = ["MISSHAPEN", "LateFields", "Listed", "Live", "Parsed", "Pending", "Text", "Upto", "late", "slot_setter"]

ModelT = TypeVar("ModelT", bound=BaseModel)

# What using a value raises that was decoded as it came, being of another type than it should be.
MISSHAPEN = (AttributeError, IndexError, KeyError, TypeError)


class Text:
    """A text in pieces.

    Attributes:
        length: of the text so far, in characters.
    """

    __slots__ = ("_joined", "_pieces", "length")

    def __init__(self, start: str = "") -> None:
        self._joined = start
        self._pieces: list[str] = []
        self.length = len(start)

    def append(self, piece: str) -> None:
        """Add a piece.

        Raises:
            TypeError: It is no string, as a server may send it; the accumulators make a `StreamOrderError` of this.
        """
        if type(piece) is not str:
            raise TypeError(f"a piece of text is expected, not {type(piece).__name__}")
        self._pieces.append(piece)
        self.length += len(piece)

    def __str__(self) -> str:
        if self._pieces:
            # A string that nobody else holds is extended where it is, if it is in a local variable: whoever reads each snapshot
            # and keeps none does not copy the text each time.
            joined, self._joined = self._joined, ""
            joined += "".join(self._pieces)
            self._joined = joined
            self._pieces.clear()
        return self._joined

    def upto(self, length: int) -> str:
        """The first `length` characters."""
        text = str(self)
        return text if length == len(text) else text[:length]


class Pending:
    """The value of a field before it is read."""

    __slots__ = ()

    def resolve(self) -> Any:
        """The value."""
        raise NotImplementedError

    def model_dump(self, **_: Any) -> Any:
        # The codec asks values that it does not know for this.
        return self.resolve()


class Upto(Pending):
    """A text as long as it is now."""

    __slots__ = ("length", "text")

    def __init__(self, text: Text) -> None:
        self.text = text
        self.length = text.length

    def resolve(self) -> str:
        return self.text.upto(self.length)


class Parsed(Upto):
    """The JSON that a text holds as long as it is now, as plain values: whatever of it is complete."""

    __slots__ = ()

    def resolve(self) -> Any:
        return parse_partial(self.text.upto(self.length))


class Listed(Pending):
    """A list as long as it is now."""

    __slots__ = ("entries", "length")

    def __init__(self, entries: list[Any]) -> None:
        self.entries = entries
        self.length = len(entries)

    def resolve(self) -> list[Any]:
        return self.entries[: self.length]


class Live(Pending):
    """The `snapshot` of an accumulator, as it is each time that somebody reads it."""

    __slots__ = ("accumulator",)

    def __init__(self, accumulator: Any) -> None:
        self.accumulator = accumulator

    def resolve(self) -> Any:
        return self.accumulator.snapshot

    def model_dump(self, **wishes: Any) -> Any:
        return self.resolve().model_dump(**wishes)

    def __repr__(self) -> str:
        return repr(self.resolve())

    def __eq__(self, other: object) -> bool:
        return bool(self.resolve() == (other.resolve() if isinstance(other, Live) else other))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _itself, (self.resolve(),)


def _itself(value: Any) -> Any:
    return value


class LateFields(_Base):
    """A model with fields that may be `Pending`: the mixin goes before the model's base, `late` over the class."""

    if not TYPE_CHECKING:
        __slots__ = ()

    _ox_late: ClassVar[tuple[str, ...]] = ()

    def _settle(self) -> None:
        for name in self._ox_late:
            member = member_of(type(self), name)
            value = member.__get__(self)
            if isinstance(value, Pending) and type(value) is not Live:
                member.__set__(self, value.resolve())

    def to_dict(self, **wishes: Any) -> dict[str, object]:
        self._settle()
        return super().to_dict(**wishes)

    def model_dump(self, **wishes: Any) -> dict[str, Any]:
        self._settle()
        return super().model_dump(**wishes)

    def __repr_args__(self) -> Any:
        self._settle()
        return super().__repr_args__()

    def __eq__(self, other: object) -> bool:
        self._settle()
        if isinstance(other, LateFields):
            other._settle()
        return super().__eq__(other)

    __hash__ = None

    def __reduce__(self) -> tuple[Any, ...]:
        self._settle()
        return super().__reduce__()


def late(*names: str) -> Callable[[type[ModelT]], type[ModelT]]:
    """Decorate a model whose fields of these names may be `Pending`. What takes work to find out is kept once it was read."""

    def decorate(cls: type[ModelT]) -> type[ModelT]:
        late_cls: Any = cls
        late_cls._ox_late = names
        for name in names:
            setattr(cls, name, _resolving(getattr(cls, name), member_of(cls, name)))
        return cls

    return decorate


def _resolving(usual: Any, member: Any) -> property:
    raw, put = member.__get__, member.__set__
    # Reads UNSET as the default.
    get = usual.__get__

    def read(self: Any) -> Any:
        value = raw(self)
        if isinstance(value, Pending):
            found = value.resolve()
            if type(value) is Parsed:
                put(self, found)
            return found
        return get(self)

    # The codec finds the slot as what the setter is bound to.
    return property(read, put)


def slot_setter(cls: type[BaseModel], name: str) -> Any:
    """The function that sets a field of an object at the speed of C."""
    return member_of(cls, name).__set__
