"""Keeps the generated files in step with the official SDK: `python -m oxide._tools.sync [--version X | --check]`.

Two stages: the SDK's source is read into the description next to this file, and from the description alone
`oxide/types/` and `oxide/resources/` are written. What changed is printed, and how much is there.
"""

from __future__ import annotations

import argparse
import sys

from . import files, openapi
from .changes import changes
from .coverage import coverage
from .description import Description
from .sdk import NEWEST, describe, fetched, installed, read_sdk, version_of

__all__ = ["check", "main", "write"]


def check(from_description: bool) -> list[str]:
    """What is not as it would be generated, one line each.

    Raises:
        ModuleNotFoundError: the SDK is not installed, and is wanted.
        ValueError: it is of another version than what was generated from.
    """
    problems = []
    facts = files.committed(files.DESCRIPTION, "*.txt")
    description = files.load_description(facts)
    if not from_description:
        version = version_of(installed())
        if version != description.version:
            raise ValueError(f"openai {version} is installed, not {description.version}, which the code is made from")
        fresh = files.description_files(read_sdk())
        problems += [f"_tools/description/{path}: {what}" for path, what in files.differences(facts, fresh)]
    problems += [
        f"{path}: {what}"
        for path, what in files.differences(
            {path: files.fingerprint(source) for path, source in files.committed_code().items()},
            {path: files.fingerprint(source) for path, source in files.code(description).items()},
        )
    ]
    return problems


def write(fresh: Description | None) -> str:
    """Brings the files up to date, from a new description if there is one. Returns what was done."""
    touched = 0
    if fresh is not None:
        have = files.committed(files.DESCRIPTION, "*.txt")
        touched += files.replace(files.DESCRIPTION, have, files.description_files(fresh))
    description = files.committed_description()
    want = files.formatted(files.code(description))
    touched += files.replace(files.PACKAGE, files.committed_code(), want)
    return f"{touched} files changed"


def _sync(version: str) -> None:
    """Regenerates from a version of the SDK, and says what came of it."""
    old = files.committed_description()
    with fetched(version) as root:
        new = describe(root)
    print(write(new))
    print("\n".join(changes(old, new)) or f"openai {new.version}: nothing changed")
    if new.version != old.version:
        print(f"pyproject.toml has to ask for openai=={new.version} now, for the tests to compare with it")
    print("\n".join(coverage(new)))
    openapi.main()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m oxide._tools.sync", description=__doc__)
    parser.add_argument("--version", default=NEWEST, help="the version of openai to read (default: the newest)")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if anything would change")
    parser.add_argument(
        "--from-description", action="store_true", help="don't read the SDK, which may not be installed"
    )
    parser.add_argument("--coverage", action="store_true", help="only tell how much is there, and what is missing")
    options = parser.parse_args(arguments)
    try:
        if options.coverage:
            print("\n".join(coverage(files.committed_description())))
        elif options.check:
            problems = check(options.from_description)
            print("\n".join(problems) or "in sync")
            return 1 if problems else 0
        elif options.from_description:
            print(write(None))
        else:
            _sync(options.version)
    except (ModuleNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
