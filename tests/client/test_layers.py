"""What the layers may know of each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "oxide"

FORBIDDEN = frozenset({"socket", "ssl", "select", "selectors", "asyncio", "anyio", "trio", "threading", "httpcore"})


def modules(directory: str) -> list[Path]:
    found = sorted((PACKAGE / directory).rglob("*.py"))
    assert found
    return found


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, relative ones resolved, wherever in the file it does."""
    package = ["oxide", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("path", modules("core"), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_core_does_no_io(path: Path) -> None:
    names = set(imports(path))
    assert not {name for name in names if name.partition(".")[0] in FORBIDDEN}
    assert not {name for name in names if name in ("time.sleep", "http.client", "urllib.request", "requests")}
    # Of oxide, core knows itself, the version, and the types that responses are decoded to.
    known = ("oxide.core", "oxide._version", "oxide.types")
    assert not {
        name for name in names if within(name, "oxide") and not any(within(name, package) for package in known)
    } - {"oxide"}
    called = {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
    assert not called & {"time.sleep", "sleep", "open", "input", "print"}


def test_resources_know_neither_core_nor_io() -> None:
    for path in modules("resources"):
        names = set(imports(path))
        assert not {name for name in names if within(name, "oxide.core") or within(name, "oxide.io")}, path
        assert not {name for name in names if name.partition(".")[0] in FORBIDDEN}, path


def test_types_know_only_core() -> None:
    for path in modules("types"):
        for name in imports(path):
            assert name.partition(".")[0] not in FORBIDDEN, path
            assert not within(name, "oxide.io"), path
            assert not within(name, "oxide.resources"), path


def core_modules() -> list[str]:
    names = []
    for path in modules("core"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def test_core_runs_without_io() -> None:
    """Importing all of core loads nothing that could do I/O."""
    code = f"""
import importlib, logging, sys
# What these two load is their own affair: on Python 3.10 msgspec comes to `subprocess` by way of `uuid`.
import httptools, msgspec
before = set(sys.modules)
for name in {core_modules()!r}:
    importlib.import_module(name)
print(*sorted((set(sys.modules) - before) & {set(FORBIDDEN | {"oxide.io", "oxide.resources", "httpx"})!r}))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r})\n{code}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == []
