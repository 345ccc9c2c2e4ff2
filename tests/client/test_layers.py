"""What the layers may know of each other, and that the two shells are one shell written twice."""

from __future__ import annotations

import ast
import re
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
import sys
before = set(sys.modules)
import importlib
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
    loaded = set(done.stdout.split())
    # msgspec and logging are free to use locks.
    assert loaded <= {"threading"}


# --- the two shells -----------------------------------------------------------------------------------------------------

SHELLS = sorted(path.name for path in (PACKAGE / "io" / "sync").glob("*.py"))

# What only one of the two has, and why.
ONLY = {
    "waiting.py": "blocking sockets wait by themselves",
    "Connection._limit": "blocking sockets have a timeout of their own",
    "TLSConnection": "the ssl module does this for blocking sockets",
}

_RENAMED = {"__anext__": "__next__", "aclose": "close", "AsyncHTTPTransport": "HTTPTransport"}


def outline(path: Path) -> list[str]:
    """The names of classes, methods and functions in order, with their arguments, as the synchronous side calls them."""
    lines: list[str] = []

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            name = prefix + _RENAMED.get(node.name, node.name)
            if name in ONLY:
                continue
            if isinstance(node, ast.ClassDef):
                lines.append(f"class {name}")
                visit(node.body, name + ".")
            else:
                arguments = ast.unparse(node.args).replace("AsyncTransport", "Transport")
                lines.append(f"def {name}({arguments})")

    visit(ast.parse(path.read_text()).body, "")
    return lines


@pytest.mark.parametrize("name", SHELLS)
def test_shells_are_parallel(name: str) -> None:
    sync, aio = PACKAGE / "io" / "sync" / name, PACKAGE / "io" / "aio" / name
    assert outline(sync) == outline(aio)


def test_shells_have_the_same_files() -> None:
    others = {path.name for path in (PACKAGE / "io" / "aio").glob("*.py")} - set(SHELLS)
    assert others <= set(ONLY)


def statements(path: Path) -> list[str]:
    """The code without comments and docstrings, with what the asynchronous side writes differently put the other way."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    text = ast.unparse(tree)
    text = re.sub(r"\basync def\b", "def", text).replace("await ", "").replace("StopAsyncIteration", "StopIteration")
    for old, new in _RENAMED.items():
        text = re.sub(rf"\b{old}\b", new, text)
    return [line for line in text.replace("AsyncTransport", "Transport").splitlines() if line]


def test_transports_differ_in_waiting_alone() -> None:
    """Line by line, but for imports and for the one method that waits for the pool."""

    def code(shell: str) -> list[str]:
        lines = statements(PACKAGE / "io" / shell / "transport.py")
        start = next(index for index, line in enumerate(lines) if line.startswith("class "))
        end = next(index for index, line in enumerate(lines) if line.startswith("class PoolNetwork"))
        return lines[start:end]

    assert code("sync") == code("aio")


def test_runners_differ_in_waiting_alone() -> None:
    def code(shell: str) -> list[str]:
        lines = statements(PACKAGE / "io" / shell / "run.py")
        start = next(index for index, line in enumerate(lines) if line.startswith("def run("))
        end = next(index for index, line in enumerate(lines) if line.startswith("class "))
        return lines[start:end]

    assert code("sync") == code("aio")
