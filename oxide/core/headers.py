"""Header fields (RFC 9110, section 5): reading them without regard to case, and refusing what must not be sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .sentinels import Omit

__all__ = ["Headers", "RawHeaders", "encode_header", "is_secret_field", "merge_headers"]

RawHeaders = tuple[tuple[bytes, bytes], ...]

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FORBIDDEN = re.compile(r"[\x00\r\n]")


class Headers(Mapping[str, str]):
    """Header fields as a mapping that does not care about case; several fields of one name are joined by ", ".

    Attributes:
        raw: the pairs as they stood on the wire, in order.
    """

    __slots__ = ("_fields", "_raw", "_source")

    def __init__(self, raw: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self._raw: Sequence[tuple[bytes, bytes]] | None = raw if isinstance(raw, (list, tuple)) else tuple(raw)
        self._source: Any = None
        self._fields: dict[str, str] | None = None

    @classmethod
    def of(cls, head: Any) -> Headers:
        """The fields of a `core.http11.Head`, which are taken from it when somebody asks for one."""
        headers = cls.__new__(cls)
        headers._raw = None
        headers._source = head
        headers._fields = None
        return headers

    @property
    def raw(self) -> Sequence[tuple[bytes, bytes]]:
        if self._raw is None:
            self._raw = self._source.headers
        return self._raw

    def _read(self) -> dict[str, str]:
        fields = self._fields
        if fields is None:
            fields = {}
            for name, value in self.raw:
                key = name.decode("latin-1").lower()
                text = value.decode("latin-1")
                fields[key] = f"{fields[key]}, {text}" if key in fields else text
            self._fields = fields
        return fields

    def __getitem__(self, name: str) -> str:
        return self._read()[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._read()

    def get_list(self, name: str) -> list[str]:
        """Each field of that name apart, in order."""
        key = name.lower().encode("latin-1")
        return [value.decode("latin-1") for field, value in self.raw if field.lower() == key]

    def multi_items(self) -> list[tuple[str, str]]:
        """Every field in order, names in lower case."""
        return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in self.raw]

    def __reduce__(self) -> tuple[Any, ...]:
        from .secrets import carried

        return Headers, (list(self.raw) if carried() else [pair for pair in self.raw if not is_secret_field(*pair)],)

    def __copy__(self) -> Headers:
        return self

    def __deepcopy__(self, memo: Any) -> Headers:
        return self

    def __repr__(self) -> str:
        from .secrets import shown_fields

        return f"Headers({shown_fields(self._read())!r})"


def is_secret_field(name: bytes, value: bytes) -> bool:
    """Whether a field as it stands on the wire has a credential in it, by its name or the form of its value."""
    # Needed for redirects, errors, and what is printed.
    from .secrets import is_secret

    return is_secret(name.decode("latin-1"), value.decode("latin-1"))


def encode_header(name: Any, value: Any) -> tuple[bytes, bytes]:
    """One field as it goes on the wire.

    Raises:
        TypeError: if name or value is neither text nor bytes.
        ValueError: if the name is no token (RFC 9110, section 5.1), or the value has CR, LF or NUL in it, which
            would let it end the header section (section 5.5). The value is not repeated in the message.
    """
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(name, str):
        raise TypeError(f"header names are text, not {type(name).__name__}")
    if not isinstance(value, str):
        raise TypeError(f"the value of the header {name!r} must be text, not {type(value).__name__}")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a valid header name")
    if _FORBIDDEN.search(value):
        raise ValueError(f"the value of the header {name!r} contains CR, LF or NUL")
    reason = ""
    try:
        return name.encode("ascii"), value.strip(" \t").encode("latin-1" if value.isascii() else "utf-8")
    except UnicodeEncodeError as error:
        reason = error.reason
    # Outside of the `except`, since the error that this would have as its context shows the value.
    raise ValueError(f"the value of the header {name!r} can't be encoded: {reason}")


def merge_headers(*mappings: Mapping[str, Any]) -> dict[str, Any]:
    """The mappings as one: a later field replaces an earlier one of any case, `omit` removes it."""
    merged: dict[str, tuple[str, Any]] = {}
    for mapping in mappings:
        for name, value in mapping.items():
            key = name.lower() if isinstance(name, str) else name
            if isinstance(value, Omit):
                merged.pop(key, None)
            else:
                merged[key] = (name, value)
    return dict(merged.values())
