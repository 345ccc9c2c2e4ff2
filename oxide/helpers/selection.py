"""Local files for an agent's environment: which may be sent, and where to. Everything here may wait for the disk.

Only what was named is read: no symbolic link is followed below the directory that was chosen, and a file that changed
after it was selected is refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from stat import S_ISREG
from typing import BinaryIO

__all__ = ["Selected", "check_destination", "open_selected", "select", "select_directory"]

_ROOT = "/workspace/"
_RESERVED = (".codex", ".managed-agents")


class Selected(os.PathLike[str]):
    """A file as it was when it was selected.

    Attributes:
        path: where it is.
        identity: device, number and size in bytes.
    """

    def __init__(self, path: Path) -> None:
        if path.is_symlink():
            raise ValueError(f"{path} is a symbolic link; select the file itself")
        state = path.lstat()
        if not S_ISREG(state.st_mode):
            raise ValueError(f"{path} is not a regular file")
        self.path = path
        self.identity = _identity(state)

    def __fspath__(self) -> str:
        return str(self.path)


def _identity(state: os.stat_result) -> tuple[int, int, int]:
    return state.st_dev, state.st_ino, state.st_size


def check_destination(path: str) -> str:
    """See that a path in the environment can be written to, and return it.

    Raises:
        ValueError: it is not an absolute POSIX path below `/workspace`, has empty or dot components, or is reserved.
    """
    parts = path.split("/")[2:]
    if not path.startswith(_ROOT) or "\0" in path or "\\" in path:
        raise ValueError(f"the destination has to be an absolute POSIX path below /workspace; it is {path!r}")
    if any(part in {"", ".", ".."} for part in parts):
        raise ValueError(f"the destination has an empty or dot component: {path!r}")
    if parts == ["outputs"] or parts[0] in _RESERVED or parts[0].startswith(".managed-agents-"):
        raise ValueError(f"the environment reserves {path!r} for itself")
    return path


def select(files: Mapping[str, str | os.PathLike[str]]) -> list[tuple[str, Selected]]:
    """The files of a mapping from destinations to local paths.

    Raises:
        ValueError: a destination can't be written to or is a directory of another one, or a file can't be sent.
        OSError: a file is not there.
    """
    destinations = {check_destination(destination) for destination in files}
    for destination in destinations:
        if any(str(parent) in destinations for parent in PurePosixPath(destination).parents):
            raise ValueError(f"{destination!r} is below another destination")
    return [
        (destination, source if isinstance(source, Selected) else Selected(Path(source).absolute()))
        for destination, source in files.items()
    ]


def select_directory(
    root: str | os.PathLike[str], destination: str, include: Sequence[str]
) -> dict[str, os.PathLike[str]]:
    """Files below a directory, by their destinations below another one.

    Args:
        root: the directory.
        destination: where its content goes.
        include: glob patterns relative to the root; directories that fit are left aside.

    Raises:
        ValueError: the patterns leave the root or select nothing, or something selected can't be sent.
    """
    top = Path(root).absolute()
    if isinstance(include, str) or not include:
        raise ValueError("include has to be a sequence of one or more glob patterns")
    if top.is_symlink() or not top.is_dir():
        raise ValueError(f"{top} is not a directory")
    top = top.resolve()
    check_destination(f"{destination}/a")
    selected: dict[str, os.PathLike[str]] = {}
    for pattern in include:
        if not pattern or PurePosixPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
            raise ValueError(f"the pattern {pattern!r} does not stay inside the directory")
        for path in sorted(top.glob(pattern)):
            relative = path.relative_to(top)
            steps = [top.joinpath(*relative.parts[:count]) for count in range(1, len(relative.parts) + 1)]
            if any(step.is_symlink() for step in steps):
                raise ValueError(f"{path} is reached by a symbolic link; select the file itself")
            if not path.is_dir():
                selected[str(PurePosixPath(destination) / relative.as_posix())] = Selected(path)
    if not selected:
        raise ValueError("the patterns select no file")
    return selected


def open_selected(file: str | os.PathLike[str]) -> BinaryIO:
    """The file, open for reading.

    Raises:
        ValueError: it is not a regular file, or is another one than was selected, or has another size.
        OSError: it can't be read.
    """
    selected = file if isinstance(file, Selected) else Selected(Path(file).absolute())
    source = open(selected.path, "rb", opener=_opener)  # noqa: SIM115 (it is what is returned)
    if _identity(os.fstat(source.fileno())) != selected.identity:
        source.close()
        raise ValueError(f"{selected.path} changed after it was selected")
    return source


def _opener(path: str, flags: int) -> int:
    # Where the system can refuse to follow a link that was put there just now, it is asked to.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))
