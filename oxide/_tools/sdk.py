"""Where the official SDK's source is, and what it says: read as text, so that any version can be read without installing it."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from .description import Description
from .read_resources import Resources, read_client
from .read_types import Types

__all__ = ["NEWEST", "describe", "fetched", "installed", "read_sdk", "version_of"]

NEWEST = "newest"


def installed() -> Path:
    """The SDK that is installed.

    Raises:
        ModuleNotFoundError: there is none.
    """
    spec = find_spec("openai")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("openai is not installed; --from-description works without it", name="openai")
    return Path(spec.origin).parent


def version_of(root: Path) -> str:
    match = re.search(r'__version__ = "([^"]+)"', (root / "_version.py").read_text(encoding="utf-8"))
    assert match
    return match[1]


@contextmanager
def fetched(version: str) -> Iterator[Path]:
    """The source of a version (or the `NEWEST`): what is installed if it is that, or else got by pip for the time being.

    Raises:
        ValueError: pip could not get it.
    """
    spec = find_spec("openai")
    if spec is not None and spec.origin is not None and version_of(Path(spec.origin).parent) == version:
        yield Path(spec.origin).parent
        return
    with tempfile.TemporaryDirectory() as directory:
        wanted = "openai" if version == NEWEST else f"openai=={version}"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", directory, wanted]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        if result.returncode:
            reason = result.stderr.strip().splitlines()
            raise ValueError(f"pip could not install {wanted}: {reason[-1] if reason else 'it did not say why'}")
        yield Path(directory) / "openai"


def describe(root: Path) -> Description:
    """Everything that the source in a directory says."""
    types = Types(root / "types")
    resources = Resources(root / "resources", types.packages)
    return Description(
        version_of(root),
        dict(sorted(types.packages.items())),
        dict(sorted(types.modules.items())),
        dict(sorted(resources.resources.items())),
        dict(sorted(resources.packages.items())),
        read_client(root / "_client.py", resources),
    )


@cache
def read_sdk() -> Description:
    """Everything that the installed SDK says.

    Raises:
        ModuleNotFoundError: it isn't installed.
    """
    return describe(installed())
