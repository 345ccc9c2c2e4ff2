"""Runs the tests, inside of Pyodide."""

from __future__ import annotations

import asyncio
import builtins
import gc
import importlib
import inspect
import sys
import time
import traceback
import warnings
from typing import Any

FORBIDDEN = ("socket", "ssl", "select", "threading", "httptools", "httpcore", "h2", "wsproto", "trio", "subprocess")

LIMIT = 60.0
"""Seconds that a test may take."""

_imported: set[tuple[str, str]] = set()


def watch_imports() -> None:
    """Note what oxide's modules import of that which is not to be imported here: themselves, or by what they import of oxide's."""
    plain = builtins.__import__

    def watched(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if level == 0 and name.partition(".")[0] in FORBIDDEN:
            importer = (globals or {}).get("__name__", "")
            if importer == "oxide" or importer.startswith("oxide."):
                _imported.add((importer, name))
        return plain(name, globals, locals, fromlist, level)

    builtins.__import__ = watched


def complaints() -> list[str]:
    """oxide's imports that should not be."""
    return [f"{importer} imports {name}" for importer, name in sorted(_imported)]


async def run(world: Any, modules: list[str], only: str, report: Any) -> dict[str, Any]:
    """Run every test of the modules; `report` is called with a line for each.

    Returns:
        Counts, and the failures with their tracebacks.
    """
    counts: dict[str, Any] = {"passed": 0, "skipped": 0, "failed": 0, "failures": []}
    unraised: list[str] = []
    sys.unraisablehook = lambda args: unraised.append(f"{args.exc_type.__name__}: {args.exc_value} ({args.err_msg})")
    lost: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: lost.append(str(context)))
    for module_name in modules:
        module = importlib.import_module(module_name)
        for name, function in list(vars(module).items()):
            if not name.startswith("test_") or only not in f"{module_name}.{name}":
                continue
            started = time.monotonic()
            outcome = await run_one(world, function, unraised, lost)
            kind = outcome.partition("\n")[0] if outcome in ("passed", "skipped") else "failed"
            counts[kind] += 1
            if kind == "failed":
                counts["failures"].append(f"{module_name}.{name}\n{outcome}")
            report(f"{kind:8} {time.monotonic() - started:6.2f} s  {module_name.rpartition('.')[2]}.{name}")
    return counts


async def run_one(world: Any, function: Any, unraised: list[str], lost: list[str]) -> str:
    if not inspect.iscoroutinefunction(function) and not world.switching:
        return "skipped"
    unraised.clear()
    lost.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            await world.begin()
            try:
                if inspect.iscoroutinefunction(function):
                    async with asyncio.timeout(LIMIT):
                        await function(world)
                else:
                    function(world)
            finally:
                await world.end()
            gc.collect()
            # What was dropped has had its turn by now.
            await asyncio.sleep(0)
        except Exception:  # noqa: BLE001 (reported)
            return traceback.format_exc()
    if unraised or lost:
        return "\n".join(["after it:", *unraised, *lost])
    return "passed"
