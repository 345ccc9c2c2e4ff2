"""The command line: `oxide serve`, `oxide demo`, `oxide --version`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .._version import __version__

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; `sys.argv` where no arguments are given.

    Returns:
        The exit status: 0, 1 where something went wrong, 2 where something is missing.
    """
    parser = argparse.ArgumentParser(prog="oxide", description="A very fast OpenAI client, and a server to try it on.")
    parser.add_argument("--version", action="version", version=f"oxide {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    serve = commands.add_parser(
        "serve", help="run a server that answers as the API does", description="Run the embedded server until Ctrl-C."
    )
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    serve.add_argument("--port", type=int, default=8080, help="the port, 0 for a free one (%(default)s)")
    serve.add_argument("--api-key", metavar="KEY", help="accept only this key (any is accepted otherwise)")
    serve.add_argument(
        "--max-connection-age",
        type=float,
        default=3600.0,
        metavar="SECONDS",
        help="how long a WebSocket may stay open (%(default)s)",
    )
    serve.add_argument(
        "--cors",
        action="append",
        metavar="ORIGIN",
        help="let web pages of this origin use it, such as http://localhost:8000; may be given several times, '*' for all pages",
    )
    commands.add_parser(
        "demo", help="show what oxide does, in a second", description="Start the embedded server and call it."
    )
    chosen = parser.parse_args(arguments)
    if chosen.command is None:
        parser.print_help()
        return 2
    if not _installed("uvicorn", *(["trio"] if chosen.command == "demo" else [])):
        return 2
    if chosen.command == "serve":
        from .serve import serve as run_server

        return run_server(chosen.host, chosen.port, chosen.api_key, chosen.max_connection_age, chosen.cors or ())
    from .demo import demo

    return demo()


def _installed(*names: str) -> bool:
    from importlib.util import find_spec

    missing = [name for name in names if find_spec(name) is None]
    if missing:
        print(
            f"This needs {' and '.join(missing)}, which the extra `server` installs:\n\n"
            "    pip install 'openai-oxide[server]'",
            file=sys.stderr,
        )
    return not missing
