"""The two shells are one shell written twice: a diff of them shows the waiting alone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "oxide"

SHELLS = sorted(path.name for path in (PACKAGE / "io" / "sync").glob("*.py"))

# What only one of the two has, and why.
ONLY = {
    "ToolIO.enter": "tasks have a group that they are within; threads don't",
    "ToolIO.leave": "the same",
    "waiting.py": "blocking sockets wait by themselves",
    "events.py": "threads have theirs from the standard library",
    "threads.py": "a thread may block",
    "timers.py": "and have a timeout of their own",
    "clock.py": "threads have one clock, and each event loop its own",
    "Connection._write_rest": "a coroutine for what is rare, so that there is none for what is not",
    "http2_loop.py": "threads have no event loop that could read for them",
    "Connection.shut_down": "only a thread has to be woken up by another",
    "TLSConnection.shut_down": "only a thread has to be woken up by another",
    "RacingTransport": "a task is cancelled where it waits, a thread is not",
    "RacingIO": "a task is cancelled where it waits, a thread is not",
    "Connection._timed_out": "blocking sockets have a timeout of their own",
    "Connection._limit": "blocking sockets have a timeout of their own",
    "_call": "a file's methods may be coroutine functions, or be run in worker threads",
    "Duplex._recv": "the event loop reads for asynchronous ones",
    "Duplex._wait": "the event loop waits for asynchronous ones",
    "Duplex._receive": "blocking sockets need no care for a read that was cancelled",
    "Duplex._encrypt": "the ssl module does this for blocking sockets",
    "Duplex._decrypt": "the ssl module does this for blocking sockets",
    "Nested": "asynchronous ones have TLS over whatever there is anyway",
    "_socket_of": "the same",
    "_would_block": "the ssl module has its own errors for this",
    "Keeper._schedule": "a thread sleeps by itself",
    "Keeper._tick": "a thread sleeps by itself",
    "_after_fork": "an event loop does not go along either",
    "_read_async": "only an asynchronous client can iterate asynchronously",
}

_RENAMED = {
    "__anext__": "__next__",
    "__aiter__": "__iter__",
    "aclose": "close",
    "AsyncHTTPTransport": "HTTPTransport",
    "AsyncWebSocketConnection": "WebSocketConnection",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
}


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
                arguments = arguments.replace("AsyncIterator", "Iterator")
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
    text = re.sub(r"\basync (?=def|for)", "", text).replace("await ", "").replace("StopAsyncIteration", "StopIteration")
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


def test_websocket_connections_differ_in_waiting_alone() -> None:
    """Line by line, but for imports and for the method that waits for an event."""

    def code(shell: str) -> list[str]:
        lines = statements(PACKAGE / "io" / shell / "websocket.py")
        start = next(index for index, line in enumerate(lines) if line.startswith("class "))
        pause = next(index for index, line in enumerate(lines) if "def _pause" in line)
        return lines[start:pause] + lines[pause + 3 :]

    assert code("sync") == code("aio")


def test_http2_differs_in_waiting_alone() -> None:
    """All but how to wait, of which asyncio has a way of its own."""

    def code(shell: str) -> list[str]:
        lines = statements(PACKAGE / "io" / shell / "http2.py")
        start = next(index for index, line in enumerate(lines) if line.startswith("def send("))
        return [line for line in lines[:start] if "run(" in line] + lines[start:]

    assert code("sync") == code("aio")


def test_runners_differ_in_waiting_alone() -> None:
    def code(shell: str) -> list[str]:
        lines = statements(PACKAGE / "io" / shell / "run.py")
        start = next(index for index, line in enumerate(lines) if line.startswith("def run("))
        end = next(index for index, line in enumerate(lines) if line.startswith("class "))
        return lines[start:end]

    assert code("sync") == code("aio")
