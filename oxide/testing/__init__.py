"""A server that answers the way the OpenAI API does, on loopback, for tests.

    from oxide.testing import MockServer, Reply

    with MockServer() as server:
        client = OpenAI(base_url=server.base_url, api_key=server.api_key)
        server.queue(Reply(429, headers={"retry-after-ms": "5"}))
        ...

It needs the extra `server` (`pip install 'openai-oxide[server]'`). Left alone it answers like this:

- The text is the prompt, back: "You said: ...", with the number of the turn from the second on. A prompt that asks for
  "50 words" gets 50. Tokens are pieces of words of up to six letters.
- Functions that are offered are called: those whose names the prompt has, otherwise the first. Arguments, like structured
  output, fit the schema, and take the prompt's numbers, quoted texts and names. When the results are in, the text is
  "The result of add is 42."
- Hosted tools that are offered are used, once each, with all their events.
- `reasoning` gives a reasoning item; `background=True` a response that gets on each time it is retrieved.

Words in a prompt that make something else happen, the first two in chat completions too:

| the last user message has | what comes |
|---|---|
| please refuse | a refusal |
| please stop early | a response that is incomplete for `content_filter` |
| please crash | a response with status `failed` |
| please break off | a stream that ends with an `error` event; status 500 without a stream |
| please think aloud | a reasoning item with its text |
| please speak | audio and transcript events |
| please compact | a compaction item (as does `context_management`) |
| please fail to list, please fail to call | an MCP server that does (a tool `mcp` has to be offered) |

It speaks the WebSocket protocols as well: `lanes.py`, `realtime.py`, `translation.py`, `live.py`.

What a test can order instead is in `script.py`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app import App
    from .record import RecordedRequest, RecordedSocket
    from .script import Close, Fault, Gate, Raw, Reply, Socket, Stream
    from .server import MockServer

__all__ = [
    "App",
    "Close",
    "Fault",
    "Gate",
    "MockServer",
    "Raw",
    "RecordedRequest",
    "RecordedSocket",
    "Reply",
    "Socket",
    "Stream",
]

_HOMES = {
    "App": "app",
    "Close": "script",
    "Fault": "script",
    "Gate": "script",
    "MockServer": "server",
    "Raw": "script",
    "RecordedRequest": "record",
    "RecordedSocket": "record",
    "Reply": "script",
    "Socket": "script",
    "Stream": "script",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
