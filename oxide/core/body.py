"""Request bodies that are read while they are sent: what to read, in which order, and how long it all is.

A `Plan` says what a body consists of: bytes, and sources that a shell can read. It reads nothing itself. Its `measure` is
a flow, and its `chunks` a generator that asks for the next piece of a source and gives out what goes on the wire.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, Protocol, Union

from .errors import OpenAIError

__all__ = [
    "CHUNK_SIZE",
    "Files",
    "FromFile",
    "FromIterable",
    "FromPath",
    "Measure",
    "Open",
    "Plan",
    "ReadSome",
    "Source",
]

CHUNK_SIZE = 256 * 1024
"""Bytes that are read and written at a time: the asynchronous shell changes threads for each piece of a file."""


class FromPath:
    """The file at a path, opened anew for each attempt.

    Attributes:
        path: where.
        length: bytes; known once measured, and `None` for what is no regular file.
        replayable: whether it can be read a second time.
    """

    __slots__ = ("length", "path", "replayable")

    def __init__(self, path: Any) -> None:
        self.path = path
        self.length: int | None = None
        self.replayable = True

    def __str__(self) -> str:
        return f"the file {str(self.path)!r}"


class FromFile:
    """An open file of the caller's: anything with a `read` method, which may be a coroutine function. We never close it.

    Args:
        file: the file.
        from_start: read it from its beginning, wherever it stands, instead of from where it stands.

    Attributes:
        start: the position that it is read from; `None` where it can't be told to go anywhere.
        length: bytes from there to its end, or `None`; known once measured.
        replayable: whether it can be read a second time.
    """

    __slots__ = ("file", "from_start", "length", "replayable", "start")

    def __init__(self, file: Any, from_start: bool) -> None:
        self.file = file
        self.from_start = from_start
        self.start: int | None = None
        self.length: int | None = None
        self.replayable = False

    def measured(self, position: int, end: int) -> None:
        """The file can be told to go to a place; it stood at `position` and ends at `end`."""
        self.start = 0 if self.from_start else position
        self.length = max(end - self.start, 0)
        self.replayable = True

    def __str__(self) -> str:
        return f"the file {self.file!r}"


class FromIterable:
    """Pieces of bytes, to be had once: an iterable may give the same iterator every time. Or an asynchronous one."""

    __slots__ = ("iterable",)

    length = None
    replayable = False

    def __init__(self, iterable: Any) -> None:
        self.iterable = iterable

    def __str__(self) -> str:
        return f"the iterable {self.iterable!r}"


Source = Union[FromPath, FromFile, FromIterable]


class Files(Protocol):
    """What the commands of a plan are performed against. The asynchronous shell's methods return awaitables."""

    def measure(self, source: Source) -> Any:
        """Set `length` and `replayable` of a source. Raises OSError."""

    def open(self, source: Source) -> Any:
        """What `read` takes: the source, at its start. Raises OSError."""

    def read(self, reader: Any, size: int) -> Any:
        """Some bytes, at most `size` but for iterables; empty at the end. Raises OSError, TypeError for text."""


class Measure:
    """Find out how long a source is and whether it can be read twice."""

    __slots__ = ("source",)

    def __init__(self, source: Source) -> None:
        self.source = source

    def perform(self, files: Files) -> Any:
        return files.measure(self.source)


class Open:
    """Get a source ready to be read from its start."""

    __slots__ = ("source",)

    def __init__(self, source: Source) -> None:
        self.source = source

    def perform(self, files: Files) -> Any:
        return files.open(self.source)


class ReadSome:
    """The next bytes of an opened source."""

    __slots__ = ("reader", "size")

    def __init__(self, reader: Any, size: int) -> None:
        self.reader = reader
        self.size = size

    def perform(self, files: Files) -> Any:
        return files.read(self.reader, self.size)


class Plan:
    """What a body consists of.

    Args:
        pieces: bytes and sources, in order.

    Attributes:
        length: bytes altogether; `None` before `measure`, and where a source does not tell.
        begun: whether reading it has begun.
    """

    __slots__ = ("begun", "length", "pieces")

    def __init__(self, pieces: Iterable[bytes | Source]) -> None:
        self.pieces = tuple(pieces)
        self.length: int | None = None
        self.begun = False

    @property
    def replayable(self) -> bool:
        """Whether the body can be sent, from its first byte: once more, if it has been sent before."""
        return not self.begun or all(isinstance(piece, bytes) or piece.replayable for piece in self.pieces)

    def measure(self) -> Generator[Measure, Any, None]:
        """The flow that finds out how long the body is. Raises OSError where a file can't be read."""
        total: int | None = 0
        for piece in self.pieces:
            if isinstance(piece, bytes):
                length: int | None = len(piece)
            else:
                yield Measure(piece)
                length = piece.length
            total = None if total is None or length is None else total + length
        self.length = total

    def chunks(self) -> Generator[Any, Any, None]:
        """What to do to send the body once: commands, whose results are sent in, and between them the bytes to write.

        Empty bytes stand for the end. What is written at a time is no more than `CHUNK_SIZE`, unless an iterable gives more.

        Raises:
            OpenAIError: a file has another length than when it was measured, or the body can't be read a second time.
        """
        if not self.replayable:
            raise OpenAIError(NOT_AGAIN)
        self.begun = True
        pending: list[bytes] = []
        size = 0
        for piece in self.pieces:
            if isinstance(piece, bytes):
                taken = 0
                while taken < len(piece):
                    data = piece[taken : taken + CHUNK_SIZE - size]
                    taken += len(data)
                    pending.append(data)
                    size += len(data)
                    if size == CHUNK_SIZE:
                        yield b"".join(pending)
                        pending.clear()
                        size = 0
                continue
            reader = yield Open(piece)
            read = 0
            while True:
                # To its end, whatever it measured: only that shows whether it has grown.
                data = yield ReadSome(reader, CHUNK_SIZE - size)
                read += len(data)
                if piece.length is not None and (read > piece.length or (not data and read < piece.length)):
                    change = "grew" if data else "shrank"
                    raise OpenAIError(f"{piece} {change} while it was sent: it had {piece.length} bytes at first")
                if not data:
                    break
                pending.append(data)
                size += len(data)
                if size >= CHUNK_SIZE or piece.length is None:
                    # What comes slowly, such as a recording, goes on at once.
                    yield pending[0] if len(pending) == 1 else b"".join(pending)
                    pending.clear()
                    size = 0
        if pending:
            yield b"".join(pending)
        yield b""


NOT_AGAIN = "the request's body can't be read a second time"
