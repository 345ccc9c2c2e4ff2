"""Files: reading them for a request's body, writing a response's to them. What may block runs in worker threads."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from inspect import isawaitable
from typing import Any

from ...core.body import FromFile, FromIterable, FromPath, Plan, Source
from ...core.errors import OpenAIError, TransportError
from ..sources import check_read, is_async, measure_path
from .run import run
from .threads import run_in_thread

__all__ = ["Body", "load", "save"]


async def load(plan: Plan) -> Body:
    """The body that a plan describes, measured. Raises OSError where a file can't be read."""
    await run(plan.measure(), Files())
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

    def __aiter__(self) -> Chunks:
        return Chunks(self._plan)

    def __repr__(self) -> str:
        return f"<Body of {'unknown length' if self.length is None else f'{self.length} bytes'}>"


class Chunks:
    """One reading of a body from its start."""

    __slots__ = ("_files", "_flow")

    def __init__(self, plan: Plan) -> None:
        self._flow = plan.chunks()
        self._files = Files()

    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> bytes:
        value = None
        try:
            while True:
                step = self._flow.send(value)
                if isinstance(step, bytes):
                    break
                value = await step.perform(self._files)
        except (TransportError, TimeoutError) as error:
            await self.aclose()
            # Not to be taken for one of the connection that the body goes to.
            raise OpenAIError(f"the request's body can't be read: {str(error) or type(error).__name__}") from error
        except BaseException:
            await self.aclose()
            raise
        if step:
            return step
        await self.aclose()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Close the files that were opened here."""
        self._flow.close()
        self._files.close()


class Files:
    """What plans are performed against: `core.body.Files`."""

    __slots__ = ("_opened",)

    def __init__(self) -> None:
        self._opened: Any = None

    async def measure(self, source: Source) -> None:
        if isinstance(source, FromPath):
            await run_in_thread(measure_path, source)
        elif isinstance(source, FromFile):
            await self._measure_file(source)

    async def _measure_file(self, source: FromFile) -> None:
        file = source.file
        try:
            position = await _call(file, file.tell)
            end = await _call(file, file.seek, 0, os.SEEK_END)
            await _call(file, file.seek, position)
        except (AttributeError, OSError):
            # A pipe, a socket, or something of the user's with nothing but a `read`.
            return
        source.measured(position, end)

    async def open(self, source: Source) -> Callable[[int], Awaitable[bytes]]:
        if isinstance(source, FromPath):
            self.close()
            # Unbuffered, as all reads are large.
            opened = await run_in_thread(open, source.path, "rb", 0)
            self._opened = opened
            return lambda size: run_in_thread(opened.read, size)
        if isinstance(source, FromFile):
            file = source.file
            if source.start is not None:
                await _call(file, file.seek, source.start)
            read = getattr(file, "read", None) or file.aread
            return lambda size: _call(file, read, size)
        return self._open_iterable(source)

    def _open_iterable(self, source: FromIterable) -> Callable[[int], Awaitable[bytes]]:
        if not hasattr(source.iterable, "__aiter__"):
            pieces = filter(None, source.iterable)

            async def read(size: int) -> bytes:
                # In the event loop, since a generator of the caller's may not be meant for other threads.
                return next(pieces, b"")

            return read
        return _read_async(source.iterable)

    async def read(self, reader: Any, size: int) -> bytes:
        return check_read(await reader(size))

    def close(self) -> None:
        """Close what is open."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()


def _read_async(iterable: Any) -> Callable[[int], Awaitable[bytes]]:
    iterator = iterable.__aiter__()

    async def read(size: int) -> bytes:
        while True:
            try:
                data: bytes = await iterator.__anext__()
            except StopAsyncIteration:
                return b""
            if data:
                return data

    return read


async def _call(file: Any, method: Any, *args: Any) -> Any:
    """A method of a file, by whatever means it takes."""
    if is_async(file):
        result = method(*args)
        return await result if isawaitable(result) else result
    if isinstance(file, io.BytesIO):
        # Nothing to wait for.
        return method(*args)
    return await run_in_thread(method, *args)


async def save(path: str | os.PathLike[str], pieces: AsyncIterator[bytes]) -> None:
    """Write pieces of bytes to a file, as they come. Raises OSError."""
    with await run_in_thread(open, path, "wb") as file:
        async for data in pieces:
            await run_in_thread(file.write, data)
