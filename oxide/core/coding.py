"""Content codings (RFC 9110, section 8.4): undoing what a server or a proxy on the way did to a body.

oxide asks for none, since compressing costs a fast server more time than it saves; but some compress unasked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .errors import ProtocolError

__all__ = ["BodyDecoder", "body_decoder"]


def body_decoder(headers: Iterable[tuple[bytes, bytes]]) -> BodyDecoder | None:
    """A decoder for the body under these header fields, `None` if it comes as it is."""
    codings: list[str] = []
    for name, value in headers:
        if len(name) == 16 and name.lower() == b"content-encoding":
            codings += [coding.strip().lower() for coding in value.decode("latin-1").split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    return BodyDecoder(codings) if codings else None


class BodyDecoder:
    """A machine: bytes as they come in, bytes as they were before.

    Args:
        codings: their names in the order in which they were applied.
    """

    __slots__ = ("_codings", "_layers")

    def __init__(self, codings: list[str]) -> None:
        self._codings = codings
        self._layers: list[_Inflate] | None = None

    def receive_data(self, data: bytes) -> bytes:
        """What `data` gives.

        Raises:
            ProtocolError: the coding is not known, or `data` is not in it.
        """
        if self._layers is None:
            for coding in self._codings:
                if coding not in ("gzip", "x-gzip", "deflate"):
                    raise ProtocolError(f"the body came in the content coding {coding!r}, which was not asked for")
            self._layers = [_Inflate(coding) for coding in reversed(self._codings)]
        for layer in self._layers:
            data = layer.receive_data(data)
        return data

    def receive_eof(self) -> None:
        """Note that the body is over. Raises ProtocolError if something is missing."""
        for layer in self._layers or ():
            layer.receive_eof()


class _Inflate:
    """gzip (RFC 1952) and "deflate", which is zlib's format (RFC 1950) or, from servers that got it wrong, bare RFC 1951."""

    def __init__(self, coding: str) -> None:
        import zlib

        self._coding = coding
        self._error = zlib.error
        self._new = zlib.decompressobj
        self._inflate: Any = None
        self._bits = 15 if coding == "deflate" else 31

    def receive_data(self, data: bytes) -> bytes:
        pieces = []
        while data:
            if self._inflate is None:
                # 8 is zlib's only method, in the low half of its first byte; a bare block can't begin so.
                if self._coding == "deflate" and data[0] & 15 != 8:
                    self._bits = -15
                self._inflate = self._new(self._bits)
            try:
                pieces.append(self._inflate.decompress(data))
            except self._error as error:
                raise ProtocolError(f"the body is not in the content coding {self._coding!r}: {error}") from error
            data = b""
            if self._inflate.eof:
                # gzip may have several members, one behind the other.
                data, self._inflate = self._inflate.unused_data, None
        return b"".join(pieces)

    def receive_eof(self) -> None:
        if self._inflate is not None:
            raise ProtocolError(f"the body ends in the middle of its content coding {self._coding!r}")
