"""Helpers for files that are uploaded."""

from __future__ import annotations

import os

__all__ = ["file_from_path"]


def file_from_path(path: str) -> tuple[str, bytes]:
    """The file at a path, read, as a tuple of its name and content that every parameter for a file takes. Raises OSError.

    A path itself (`pathlib.Path(path)`) is taken, too, and then read while it is sent, without ever being in memory as a whole.
    """
    with open(path, "rb") as file:
        return os.path.basename(path), file.read()
