"""`oxide serve`: the embedded server, in the foreground."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence

from ..testing import MockServer

__all__ = ["serve"]


def serve(host: str, port: int, api_key: str | None, max_connection_age: float, origins: Sequence[str] = ()) -> int:
    """Serve until Ctrl-C or SIGTERM; the exit status."""
    cors = True if "*" in origins else origins
    server = MockServer(host=host, port=port, api_key=api_key, max_connection_age=max_connection_age, cors=cors)
    # SIGTERM ends it as Ctrl-C does, with everything closed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with server:
            print(_greeting(server), flush=True)
            threading.Event().wait()
    except OSError as error:
        print(f"can't listen on {host}:{port}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped")
    return 0


def _greeting(server: MockServer) -> str:
    return f"""\
oxide answers as the OpenAI API does, at {server.base_url}

    from oxide import OpenAI

    client = OpenAI(base_url="{server.base_url}", api_key="{server.api_key}")
    print(client.responses.create(model="gpt-5", input="Hello!").output_text)

or

    curl {server.base_url}/responses -H "Content-Type: application/json" \\
        -H "Authorization: Bearer {server.api_key}" -d '{{"model": "gpt-5", "input": "Hello!"}}'

WebSockets: /responses, /realtime, /realtime/translations, /live/sessions. Ctrl-C stops it."""
