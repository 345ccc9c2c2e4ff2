"""Types of parameters that are no TypedDicts: files, headers, the query."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import IO, Optional, Union

from .core.sentinels import Omit

__all__ = ["FileContent", "FileTypes", "Headers", "Query"]

# What a file is made of: a file that is open for reading, its bytes, or where it is.
FileContent = Union[IO[bytes], bytes, PathLike[str]]

# Beside that, the name it gets, its content type, and headers of its part.
FileTypes = Union[
    FileContent,
    tuple[Optional[str], FileContent],
    tuple[Optional[str], FileContent, Optional[str]],
    tuple[Optional[str], FileContent, Optional[str], Mapping[str, str]],
]

Headers = Mapping[str, Union[str, Omit]]
Query = Mapping[str, object]
