"""Content codings (RFC 9110, section 8.4): undoing what a server or a proxy on the way did to a body.

Asked for is what can be undone: gzip and deflate always, br and zstd where a library for them is installed. Decoding is done piece
by piece, each of at most `PIECE` bytes, so that a small body that unfolds to a large one (a "decompression bomb") takes no memory
before somebody looks at it; and who keeps the whole body in memory keeps to a bound (`max_expansion`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from .errors import ProtocolError

__all__ = ["MAX_EXPANSION", "PIECE", "BodyDecoder", "accept_encoding", "body_decoder"]

PIECE = 256 * 1024
"""Bytes. The most that is decoded at a time, but for zstandard's package, which can't be told (see `_Zstandard`)."""

MAX_EXPANSION = 100
"""How many times its size a compressed body may have in memory. JSON comes to 5 to 20, the API's most monotonous to 50."""

_FREE = 64 * 1024 * 1024
"""Bytes. What a body may come to, however small it was."""

_MAX_CODINGS = 5

# The window that a decoder for HTTP has to have, and the most that it may be asked for (RFC 9659).
_ZSTD_WINDOW_LOG = 23


@cache
def accept_encoding() -> str:
    """The value of `Accept-Encoding`: what `body_decoder` can undo."""
    codings = ["gzip", "deflate"]
    if _brotli() is not None:
        codings.append("br")
    if _zstd() is not None:
        codings.append("zstd")
    return ", ".join(codings)


def body_decoder(
    headers: Iterable[tuple[bytes, bytes]], max_expansion: float | None = MAX_EXPANSION
) -> BodyDecoder | None:
    """A decoder for the body under these header fields, `None` if it comes as it is."""
    codings: list[str] = []
    for name, value in headers:
        if len(name) == 16 and name.lower() == b"content-encoding":
            codings += [coding.strip().lower() for coding in value.decode("latin-1").split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    return BodyDecoder(codings, max_expansion) if codings else None


class BodyDecoder:
    """A machine: bytes as they come in, bytes as they were before.

    `receive_data` gives what there is, within the bound. To go through a body without keeping it, `feed` what comes in and
    `read` until that gives nothing; then there is no bound, unless it is `held`.

    Args:
        codings: their names in the order in which they were applied.
        max_expansion: how many times its size a body may have in memory; it may always have 64 MiB. `None` for no bound.

    Attributes:
        held: whether what is read is kept in memory, and so bounded.
    """

    __slots__ = ("_codings", "_layers", "_max_expansion", "_received", "_returned", "held")

    def __init__(self, codings: list[str], max_expansion: float | None = MAX_EXPANSION) -> None:
        self._codings = codings
        self._max_expansion = max_expansion
        self._layers: list[Any] | None = None
        self._received = 0
        self._returned = 0
        self.held = False

    def receive_data(self, data: bytes) -> bytes:
        """What `data` gives.

        Raises:
            ProtocolError: the coding is not known, or `data` is not in it, or the body becomes larger than it may.
        """
        self.held = True
        self.feed(data)
        return b"".join(self)

    def receive_eof(self) -> None:
        """Note that the body is over, and all of it read. Raises ProtocolError if something is missing."""
        for layer in self._layers or ():
            layer.receive_eof()

    def feed(self, data: bytes) -> None:
        """Take `data` in, for `read`. Raises ProtocolError if the coding is not known."""
        if self._layers is None:
            self._layers = self._make_layers()
        self._received += len(data)
        self._layers[0].feed(data)

    def read(self) -> bytes:
        """The next piece of the body, empty where more has to be fed first. Raises ProtocolError."""
        layers = self._layers
        if layers is None:
            return b""
        data = self._pull(layers, len(layers) - 1)
        self._returned += len(data)
        if self.held and self._max_expansion is not None:
            limit = max(_FREE, self._max_expansion * self._received)
            if self._returned > limit:
                raise ProtocolError(
                    f"the body is larger than it may be: {self._received} bytes came to more than {int(limit)}, more than"
                    f" {self._max_expansion:g} times as many (max_expansion)"
                )
        return data

    def __iter__(self) -> Iterator[bytes]:
        while data := self.read():
            yield data

    def _pull(self, layers: list[Any], index: int) -> bytes:
        layer = layers[index]
        while True:
            data: bytes = layer.read()
            if data or not index:
                return data
            below = self._pull(layers, index - 1)
            if not below:
                return b""
            layer.feed(below)

    def _make_layers(self) -> list[Any]:
        if len(self._codings) > _MAX_CODINGS:
            raise ProtocolError(f"the body came in {len(self._codings)} content codings, one in the other")
        return [_layer(coding) for coding in reversed(self._codings)]


def _layer(coding: str) -> Any:
    if coding in ("gzip", "x-gzip", "deflate"):
        return _Inflate(coding)
    if coding == "br":
        brotli = _brotli()
        if brotli is not None:
            return _Brotli(brotli)
    elif coding == "zstd":
        make = _zstd()
        if make is not None:
            return make()
    raise ProtocolError(f"the body came in the content coding {coding!r}, which was not asked for")


class _Layer:
    """One coding. `feed` and `read` as in `BodyDecoder`; a body of no bytes at all is in any coding."""

    __slots__ = ("_coding", "_input")

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._input = b""

    def feed(self, data: bytes) -> None:
        self._input = self._input + data if self._input else data

    def _failed(self, error: Exception) -> ProtocolError:
        return ProtocolError(f"the body is not in the content coding {self._coding!r}: {error}")

    def _ended(self, complete: bool) -> None:
        if not complete:
            raise ProtocolError(f"the body ends in the middle of its content coding {self._coding!r}")


class _Inflate(_Layer):
    """gzip (RFC 1952) and "deflate", which is zlib's format (RFC 1950) or, from servers that got it wrong, bare RFC 1951."""

    __slots__ = ("_bits", "_error", "_inflate", "_members", "_more", "_new")

    def __init__(self, coding: str) -> None:
        import zlib

        super().__init__(coding)
        self._error = zlib.error
        self._new = zlib.decompressobj
        self._inflate: Any = None
        self._bits = 15 if coding == "deflate" else 31
        self._members = 0
        self._more = False  # the last piece was full, so there may be more without further input

    def read(self) -> bytes:
        while self._input or self._more:
            if self._inflate is None:
                if self._members and self._coding != "deflate":
                    # gzip may have several members, one behind the other, and zeros after the last.
                    self._input = self._input.lstrip(b"\0")
                    if not self._input:
                        break
                # 8 is zlib's only method, in the low half of its first byte; a bare block can't begin so.
                elif self._coding == "deflate" and self._input[0] & 15 != 8:
                    self._bits = -15
                self._inflate = self._new(self._bits)
            try:
                data: bytes = self._inflate.decompress(self._input, PIECE)
            except self._error as error:
                raise self._failed(error) from error
            self._input = self._inflate.unconsumed_tail
            self._more = len(data) == PIECE
            if self._inflate.eof:
                self._input, self._inflate, self._more = self._inflate.unused_data, None, False
                self._members += 1
            if data:
                return data
        return b""

    def receive_eof(self) -> None:
        self._ended(self._inflate is None)


class _Brotli(_Layer):
    """br (RFC 7932)."""

    __slots__ = ("_decoder", "_error", "_more", "_started")

    def __init__(self, brotli: Any) -> None:
        super().__init__("br")
        self._decoder = brotli.Decompressor()
        self._error = brotli.error
        self._more = False  # the last piece was not empty, so there may be more without further input
        self._started = False

    def read(self) -> bytes:
        decoder = self._decoder
        try:
            while True:
                data = b""
                if not self._more and decoder.can_accept_more_data():
                    if not self._input:
                        return b""
                    data, self._input = self._input, b""
                    self._started = True
                data = bytes(decoder.process(data, output_buffer_limit=PIECE))
                self._more = bool(data)
                if data:
                    return data
        except self._error as error:
            raise self._failed(error) from error

    def receive_eof(self) -> None:
        self._ended(not self._started or bool(self._decoder.is_finished()))


class _Zstd(_Layer):
    """zstd (RFC 8878), by Python's own module or its backport."""

    __slots__ = ("_decoder", "_module")

    def __init__(self, module: Any) -> None:
        super().__init__("zstd")
        self._module = module
        self._decoder: Any = None

    def read(self) -> bytes:
        while True:
            if self._decoder is None:
                # Frames may follow each other.
                if not self._input:
                    return b""
                options = {self._module.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
                self._decoder = self._module.ZstdDecompressor(options=options)
            elif self._decoder.needs_input and not self._input:
                return b""
            data, self._input = self._input, b""
            try:
                data = bytes(self._decoder.decompress(data, PIECE))
            except self._module.ZstdError as error:
                raise self._failed(error) from error
            if self._decoder.eof:
                self._input, self._decoder = self._decoder.unused_data, None
            if data:
                return data

    def receive_eof(self) -> None:
        self._ended(self._decoder is None)


class _Zstandard(_Layer):
    """zstd, by the package `zstandard`.

    That gives all that its input unfolds to. A block of four bytes can be 128 KiB, so input goes in 512 bytes at a time: at
    worst that makes 16 MiB.
    """

    __slots__ = ("_decoder", "_module")

    SLICE = 512

    def __init__(self, module: Any) -> None:
        super().__init__("zstd")
        self._module = module
        self._decoder: Any = None

    def read(self) -> bytes:
        while self._input:
            if self._decoder is None:
                window = 1 << _ZSTD_WINDOW_LOG
                self._decoder = self._module.ZstdDecompressor(max_window_size=window).decompressobj()
            data, self._input = self._input[: self.SLICE], self._input[self.SLICE :]
            try:
                data = bytes(self._decoder.decompress(data))
            except self._module.ZstdError as error:
                raise self._failed(error) from error
            if self._decoder.eof:
                self._input, self._decoder = self._decoder.unused_data + self._input, None
            if data:
                return data
        return b""

    def receive_eof(self) -> None:
        self._ended(self._decoder is None)


@cache
def _brotli() -> Any:
    """A module for br that can be told to stop, or `None`; before version 1.2 neither of the two could."""
    from importlib import import_module

    for name in ("brotli", "brotlicffi"):
        try:
            module = import_module(name)
        except ImportError:
            continue
        if hasattr(module.Decompressor, "can_accept_more_data"):
            return module
    return None


@cache
def _zstd() -> Any:
    """What makes a layer for zstd, or `None`. Nothing is imported before there is something to decode: it takes 15 ms."""
    from importlib import import_module
    from importlib.util import find_spec

    for name, layer in (("compression.zstd", _Zstd), ("backports.zstd", _Zstd), ("zstandard", _Zstandard)):
        try:
            if find_spec(name) is not None:
                return lambda name=name, layer=layer: layer(import_module(name))
        except ImportError:
            # The package around it is not there.
            continue
    return None
