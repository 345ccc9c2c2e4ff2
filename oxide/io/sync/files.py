"""Files: reading them for a request's body, writing a response's to them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from ...core.body import FromFile, FromIterable, FromPath, Plan, Source
from ...core.errors import OpenAIError, TransportError
from ..sources import check_read, is_async, measure_path
from .run import run

__all__ = ["Body", "load", "save"]


def load(plan: Plan) -> Body:
    """The body that a plan describes, measured. Raises OSError where a file can't be read."""
    run(plan.measure(), Files())
    return Body(plan)


class Body:
    """`core.http.Body` of a plan."""

    __slots__ = ("_plan",)

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    @property
    def length(self) -> int | None:
        return self._plan.length

    @property
    def replayable(self) -> bool:
        return self._plan.replayable

    def __iter__(self) -> Chunks:
        return Chunks(self._plan)

    def __repr__(self) -> str:
        return f"<Body of {'unknown length' if self.length is None else f'{self.length} bytes'}>"


class Chunks:
    """One reading of a body from its start."""

    __slots__ = ("_files", "_flow")

    def __init__(self, plan: Plan) -> None:
        self._flow = plan.chunks()
        self._files = Files()

    def __iter__(self) -> Chunks:
        return self

    def __next__(self) -> bytes:
        value = None
        try:
            while True:
                step = self._flow.send(value)
                if isinstance(step, bytes):
                    break
                value = step.perform(self._files)
        except (TransportError, TimeoutError) as error:
            self.close()
            # Not to be taken for one of the connection that the body goes to.
            raise OpenAIError(f"the request's body can't be read: {str(error) or type(error).__name__}") from error
        except BaseException:
            self.close()
            raise
        if step:
            return step
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Close the files that were opened here."""
        self._flow.close()
        self._files.close()


class Files:
    """What plans are performed against: `core.body.Files`."""

    __slots__ = ("_opened",)

    def __init__(self) -> None:
        self._opened: Any = None

    def measure(self, source: Source) -> None:
        if isinstance(source, FromPath):
            measure_path(source)
        elif isinstance(source, FromFile):
            if is_async(source.file):
                raise TypeError(f"{source} has an asynchronous read: it needs an asynchronous client")
            self._measure_file(source)

    def _measure_file(self, source: FromFile) -> None:
        file = source.file
        try:
            position = file.tell()
            end = file.seek(0, os.SEEK_END)
            file.seek(position)
        except (AttributeError, OSError):
            # A pipe, a socket, or something of the user's with nothing but a `read`.
            return
        source.measured(position, end)

    def open(self, source: Source) -> Callable[[int], bytes]:
        if isinstance(source, FromPath):
            self.close()
            # Unbuffered, as all reads are large.
            self._opened = open(source.path, "rb", buffering=0)  # noqa: SIM115 (closed by `close`)
            return self._opened.read  # type: ignore[no-any-return]
        if isinstance(source, FromFile):
            if source.start is not None:
                source.file.seek(source.start)
            return source.file.read  # type: ignore[no-any-return]
        return self._open_iterable(source)

    def _open_iterable(self, source: FromIterable) -> Callable[[int], bytes]:
        if not hasattr(source.iterable, "__iter__"):
            raise TypeError(f"{source} is asynchronous: it needs an asynchronous client")
        pieces = filter(None, source.iterable)
        return lambda size: next(pieces, b"")

    def read(self, reader: Any, size: int) -> bytes:
        return check_read(reader(size))

    def close(self) -> None:
        """Close what is open."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()


def save(path: str | os.PathLike[str], pieces: Iterator[bytes]) -> None:
    """Write pieces of bytes to a file, as they come. Raises OSError."""
    with open(path, "wb") as file:
        for data in pieces:
            file.write(data)
