"""Everything that is run on this project, each by one name: `nox -l` lists them, `nox -s tests` runs one.

The sessions named without choosing (`nox`) are those that have to pass before a change lands.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
# Four environments are made in seconds instead of minutes where uv is installed.
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "tests", "once"]

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
AUTOBAHN = ("autobahntestsuite==25.10.1", "autobahn==0.10.9")
LLAMA = "xllamacpp==2026.10.11549"

PROJECT = nox.project.load_toml("pyproject.toml")


@cache
def find_pythons() -> list[str]:
    """The supported versions that are on this machine: on `PATH`, or where pyenv keeps them.

    pyenv's are appended to `PATH`, since its own shims only reach the versions that are switched on.
    """
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    folders = [str(path.parent) for version in PYTHONS for path in sorted(versions.glob(f"{version}.*/bin/python3"))]
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), *folders])
    return [version for version in PYTHONS if works(shutil.which(f"python{version}"))]


def works(python: str | None) -> bool:
    """Whether this is an interpreter; a shim for a version that is switched off is none."""
    return python is not None and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


# Sessions whose environment has all that their parts ask for.
equipped: set[str] = set()


def install(session: nox.Session, *groups: str) -> None:
    """The project as it stands, and dependency groups of pyproject.toml."""
    if session.name in equipped:
        return
    packages = nox.project.dependency_groups(PROJECT, *groups)
    session.install("-e", ".[server]", *packages)


@nox.session(python=find_pythons())
def tests(session: nox.Session) -> None:
    """The tests, on every supported Python that is there. Arguments go to pytest.

    Those that go through every method, type, peer or example run on the newest.
    """
    install(session, "test")
    marks = "not slow" if session.python == find_pythons()[-1] else "not slow and not exhaustive"
    # One more than there are processors, since many tests wait for a limit to pass.
    session.run(
        "pytest", f"--numprocesses={(os.cpu_count() or 1) + 1}", "-m", marks, "--ignore=tests/real", *session.posargs
    )


@nox.session
def slow(session: nox.Session) -> None:
    """The tests that move gigabytes or open a thousand sessions, on one Python."""
    install(session, "test")
    session.run("pytest", "-m", "slow", "tests/uploads", "tests/sessions", "tests/soak", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """200 000 calls of all kinds, three ways: memory and descriptors stay as they are. Some minutes; `-- --calls N` for fewer."""
    install(session, "test")
    session.run("python", "-m", "tests.soak", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style: ruff's checks and its formatting."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types: mypy --strict over the package, and over a file of typical uses."""
    install(session, "lint", "test")
    session.run("mypy")
    session.run("mypy", "tests/typing/uses.py")
    session.run("basedpyright", "--level", "error", "-p", "tests/typing/pyrightconfig.json")


@nox.session
def sync(session: nox.Session) -> None:
    """Generate `oxide/types` and `oxide/resources` from the official SDK: the newest, or `-- --version X`; `-- --check` compares."""
    install(session, "generate")
    session.run("python", "-m", "oxide._tools.sync", *session.posargs)


@nox.session
def check(session: nox.Session) -> None:
    """Is the generated code what the generator makes?"""
    install(session, "generate")
    session.run("python", "-m", "oxide._tools.sync", "--check")


@nox.session
def parity(session: nox.Session) -> None:
    """What of the official SDK is there, counted and by name; fails while something is missing without a reason."""
    install(session, "generate")
    session.run("python", "-m", "oxide._tools.parity", *session.posargs)


@nox.session
def contract(session: nox.Session) -> None:
    """Every method against a mock of the OpenAPI specification; skipped where that or node is missing."""
    install(session, "test")
    session.run("python", "-m", "tests.contract", *session.posargs)


@nox.session
def real(session: nox.Session) -> None:
    """Against llama.cpp's own server; skipped where it isn't."""
    install(session, "test")
    session.install(LLAMA)
    session.run("pytest", "tests/real", *session.posargs)


@nox.session
def wasm(session: nox.Session) -> None:
    """WebAssembly: the wheel in Pyodide under Node, with and without stack switching, and in headless Chromium. Skipped without npm.

    Takes about three minutes. `-- --where chromium --only sockets` for a part; without Chromium, that part is skipped, and the last lines say so.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            session.skip(f"there is no {program}, which Pyodide is installed and run by")
    # pip fetches the wheels for the other platform.
    session.install("-e", ".[server]", "pip")
    folder = Path(session.virtualenv.location).parent / "pyodide"
    session.run("python", "-m", "tests.wasm", str(folder), *session.posargs)


def find_python2() -> str | None:
    """Python 2.7, on `PATH` or where pyenv keeps it."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for python in [shutil.which("python2.7"), *map(str, sorted(versions.glob("2.7.*/bin/python2.7")))]:
        if works(python):
            return python
    return None


@nox.session
def autobahn(session: nox.Session) -> None:
    """The WebSocket client against Autobahn's fuzzing server, three ways; skipped without Python 2.7, which that runs on.

    It takes about half an hour on two idle cores, most of it in sections 9, 12 and 13; `-- --cases "1.*" --ways sync` for a part.
    `-- --keep FOLDER` keeps each result, and goes on where a run before was ended.
    """
    python = find_python2()
    if python is None:
        session.skip("there is no Python 2.7, which Autobahn's test suite runs on: install it, by pyenv for one")
    install(session, "test")
    # Newer ones can't make environments for 2.7.
    session.install("virtualenv<20.22")
    folder = Path(session.virtualenv.location).parent / "autobahn-2.7"
    if not (folder / "bin" / "wstest").exists():
        session.run("python", "-m", "virtualenv", "-p", python, str(folder))
        session.run(str(folder / "bin" / "pip"), "install", *AUTOBAHN, external=True)
    session.run("python", "-m", "tests.autobahn", str(folder / "bin" / "wstest"), *session.posargs)


@nox.session
def once(session: nox.Session) -> None:
    """All that runs on one Python, in one environment: types, check, slow, real, contract, bench_smoke."""
    install(session, "lint", "test", "generate")
    session.install(LLAMA)
    equipped.add(session.name)

    def run(*parts: Callable[[nox.Session], None]) -> None:
        for part in parts:
            part(session)

    # Each takes one processor, and there are two. What is measured is measured alone.
    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(run, types, check), pool.submit(run, slow, real, contract)]:
            each.result()
    run(bench_smoke)


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks beside the peers and the floor, in one run. Arguments go to `python -m benchmarks`."""
    install(session, "test")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def bench_smoke(session: nox.Session) -> None:
    """A short run of the benchmarks, to see that every contender still gives the right answers."""
    install(session, "test")
    session.run("python", "-m", "benchmarks", "--quick")
