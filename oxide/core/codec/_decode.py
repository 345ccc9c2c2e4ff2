"""Decoding: text or parsed data to objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from . import _learn
from ._build import build
from ._check import check
from ._errors import DecodeError
from ._model import BaseModel
from ._shape import LOCK, shape_of
from ._wire import make_decoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._learn import Note

__all__ = ["batch_decoder", "construct", "decode", "decoder"]

_FAILURES = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Root:
    """A type that something is decoded into.

    Attributes:
        fast: the C decoder, with what was learned up to `version`; `token` is the part of that which concerns it.
        decode: bytes to a value of the type.
    """

    __slots__ = ("decode", "fast", "shape", "token", "version")

    def __init__(self, type_: Any) -> None:
        self.shape = shape_of(type_)
        self.token: object = None
        self.update()

        def decode(data: bytes | bytearray | memoryview | str) -> Any:
            try:
                return self.fast(data)
            except _FAILURES:
                return self.slow(data)

        self.decode: Callable[[Any], Any] = decode

    def update(self) -> bool:
        """Builds the C decoder if something was learned that it does not know."""
        with LOCK:
            self.version = _learn.version()
            fast, self.token = make_decoder(self.shape, self.token)
            if fast is None:
                return False
            self.fast = fast
            return True

    def slow(self, data: bytes | bytearray | memoryview | str) -> Any:
        """Decodes what the C decoder refused; with a better C decoder if there is something new to it."""
        if self.version != _learn.version() and self.update():
            try:
                return self.fast(data)
            except _FAILURES:
                pass
        return self.construct(_parse(data))

    def construct(self, value: Any) -> Any:
        notes: list[Note] = []
        try:
            built = build(self.shape, value, notes)
        except RecursionError:
            raise DecodeError("JSON is nested too deeply") from None
        if notes:
            _learn.note(notes)
        return built


_roots: dict[Any, _Root] = {}


def _root(type_: Any) -> _Root:
    try:
        found = _roots.get(type_)
        if found is None:
            found = _roots.setdefault(type_, _Root(type_))
    except TypeError:  # unhashable metadata
        found = _Root(type_)
    return found


def decoder(type_: Any) -> Callable[[bytes | bytearray | memoryview | str], Any]:
    """The function that decodes JSON into `type_`. Look it up once and keep it; it goes on learning.

    It raises DecodeError where the text is not JSON, and for nothing else.
    """
    return _root(type_).decode


def batch_decoder(type_: Any) -> Callable[[list[bytes]], list[Any] | None]:
    """The function that decodes several texts into one `type_` each, at C speed or not at all.

    It returns `None` where one of them takes more than that, as unknown fields do the first times that they are met;
    `decoder` is for these.
    """
    root = _root(type_)

    def decode_all(texts: list[bytes]) -> list[Any] | None:
        try:
            return list(map(root.fast, texts))
        except _FAILURES:
            return None

    return decode_all


def decode(type_: Any, data: bytes | bytearray | memoryview | str, *, strict: bool = False) -> Any:
    """JSON text as an object of `type_`, which is any type: a model, a union, a `list[...]`, `dict`, `object`.

    Args:
        strict: check that the value is what the type promises (see `_check`), unknown fields aside.

    Raises:
        DecodeError: the text is not JSON (empty, cut off, followed by something else, nested deeper than the
            interpreter's recursion limit), or `strict` is set and the value is not of the type.
    """
    root = _root(type_)
    value = root.decode(data)
    if strict:
        check(root.shape, value)
    return value


def construct(type_: Any, value: Any, *, strict: bool = False) -> Any:
    """`decode` for JSON that is already parsed. Objects in `value` are taken as they are.

    Raises:
        DecodeError: `strict` is set and the value is not of the type.
    """
    root = _root(type_)
    built = value if isinstance(value, BaseModel) else root.construct(value)
    if strict:
        check(root.shape, built)
    return built


def _parse(data: bytes | bytearray | memoryview | str) -> Any:
    """Any JSON text, and what Python's own parser takes beyond that: NaN, Infinity, lone surrogates, UTF-16."""
    try:
        return msgspec.json.decode(data)
    except RecursionError:
        raise DecodeError("JSON is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        text = data if isinstance(data, str) else bytes(data)
        if not text.strip():
            raise DecodeError("Expected JSON, got nothing") from None
        import json

        try:
            return json.loads(text)
        except RecursionError:
            raise DecodeError("JSON is nested too deeply") from None
        except ValueError as other:
            message = str(error) if isinstance(error, msgspec.MsgspecError) else str(other)
            raise DecodeError(f"Not JSON: {message}") from None
