"""Uploading a file in parts: the flow behind `uploads.upload_file_chunked`."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable
from typing import Any

from .flow import Block, Flow, Invoke

__all__ = ["PART_SIZE", "Slice", "upload_in_parts"]

log = logging.getLogger("oxide")

PART_SIZE = 64 * 1024 * 1024
"""Bytes in a part, but for the last: what the API takes at most."""


class Slice(io.BufferedIOBase):
    """Some bytes of an open file as a file of its own, so that a part can be read piece by piece, and again.

    Args:
        file: what it is a part of, open for reading bytes; its position is moved at will, and it is not closed.
        start: where the part begins, in bytes.
        length: how long it is.
    """

    def __init__(self, file: Any, start: int, length: int) -> None:
        self._file = file
        self._start = start
        self._length = length
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        left = max(self._length - self._position, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        self._file.seek(self._start + self._position)
        data: bytes = self._file.read(wanted)
        self._position += len(data)
        return data


def upload_in_parts(
    create: Callable[..., Any],
    add: Callable[..., Any],
    complete: Callable[..., Any],
    *,
    file: bytes | str | os.PathLike[str],
    mime_type: str,
    purpose: str,
    filename: str | None,
    size: int | None,
    part_size: int | None,
    md5: Any,
) -> Flow[Any]:
    """Create an upload, send the parts one after the other, complete it; the result of the last request.

    An upload that fails is not cancelled: it ends by itself, and the caller may know better.

    Args:
        create, add, complete: the methods that make the requests.
        file: where the file is, or what is in it.
        filename, size: its name and its bytes; where the file is on disk they can be seen there.
        part_size: bytes in a part; `None` for 64 MiB.
        md5: the checksum that the API is to compare, as hexadecimal digits; `omit` for none.

    Raises:
        TypeError: bytes come without a name or a size.
        ValueError: the parts would be empty.
        OSError: the file can't be read.
    """
    if part_size is None:
        part_size = PART_SIZE
    if part_size < 1:
        raise ValueError(f"part_size must be at least 1 byte; it is {part_size}")
    if isinstance(file, bytes):
        if filename is None or size is None:
            missing = "filename" if filename is None else "bytes"
            raise TypeError(f"upload_file_chunked needs {missing} for a file in memory")
        source = None
        end = len(file)
    else:
        source = yield Block(open, file, "rb")
        end = yield Block(source.seek, 0, os.SEEK_END)
        filename = filename or os.path.basename(os.fspath(file))
        size = end if size is None else size
    try:
        upload = yield Invoke(create, bytes=size, filename=filename, mime_type=mime_type, purpose=purpose)
        parts: list[str] = []
        for start in range(0, end, part_size):
            length = min(part_size, end - start)
            data = file[start : start + length] if isinstance(file, bytes) else Slice(source, start, length)
            part = yield Invoke(add, upload_id=upload.id, data=data)
            log.info("part %s of upload %s is there", part.id, upload.id)
            parts.append(part.id)
    finally:
        if source is not None:
            source.close()
    return (yield Invoke(complete, upload_id=upload.id, part_ids=parts, md5=md5))
