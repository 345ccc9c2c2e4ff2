"""What both shells know about the things that a request's body is read from."""

from __future__ import annotations

import os
import stat
from inspect import iscoroutinefunction
from typing import Any

from ..core.body import FromPath

__all__ = ["check_read", "is_async", "measure_path"]


def is_async(file: Any) -> bool:
    """Whether reading this file is to be awaited."""
    return iscoroutinefunction(getattr(file, "read", None) or getattr(file, "aread", None))


def measure_path(source: FromPath) -> None:
    """Set the length of the file at a path, and whether it can be read twice. Raises OSError."""
    status = os.stat(source.path)
    # A named pipe has no length, and what came out of it once does not come again.
    source.replayable = stat.S_ISREG(status.st_mode)
    source.length = status.st_size if source.replayable else None


def check_read(data: Any) -> bytes:
    """What a `read` returned, as bytes. Raises TypeError for anything else, such as text."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    if data is None:
        raise TypeError("the request's body is read from a file in non-blocking mode, which has nothing to give now")
    raise TypeError(
        f"the request's body must be read as bytes, not {type(data).__name__}: open the file in binary mode"
    )
