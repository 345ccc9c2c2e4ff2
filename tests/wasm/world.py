"""What the tests in Pyodide have: clients, and the embedded server at the other end of a few HTTP requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import js
from pyodide.ffi import to_js

import oxide

__all__ = ["World", "raises", "script"]


def script(kind: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Something of `oxide.testing` to queue: its name (`"Reply"`, `"Fault.reset_before"`) and its arguments."""
    return {"kind": kind, "args": args, "kwargs": kwargs}


class Server:
    """`MockServer`, as far as it can be told by HTTP; see `host.Control`."""

    def __init__(self, control: str) -> None:
        self._control = control

    async def do(self, what: str, **arguments: Any) -> Any:
        body = json.dumps({"do": what, **arguments})
        options = js.Object.fromEntries(to_js([["method", "POST"], ["body", body]]))
        response = await js.fetch(f"{self._control}/control", options)
        answer = json.loads(await response.text())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    async def queue(self, *scripts: Any, **options: Any) -> None:
        await self.do("queue", scripts=scripts, options=options)

    async def requests(self) -> list[dict[str, Any]]:
        """The requests since the test began."""
        return await self.do("requests")  # type: ignore[no-any-return]

    async def wait_disconnected(self, index: int) -> None:
        """Until the client of a request has gone."""
        await self.do("wait_disconnected", index=index)


class World:
    """Where a test runs.

    Attributes:
        base_url: of the embedded server.
        nobody: a base URL that nobody answers at.
        deaf: a base URL where everything is sent to, and nothing read.
        elsewhere: another origin of the same kind, for redirects.
        browser: whether this is a browser.
        switching: whether Python code can wait by switching stacks.
    """

    def __init__(
        self, base_url: str, nobody: str, deaf: str, elsewhere: str, control: str, browser: bool, switching: bool
    ) -> None:
        self.base_url = base_url
        self.nobody = nobody
        self.deaf = deaf
        self.elsewhere = elsewhere
        self.server = Server(control)
        self.browser = browser
        self.switching = switching
        self._clients: list[Any] = []

    def client(self, **arguments: Any) -> Any:
        return self._adopt(oxide.AsyncOpenAI(**{"api_key": "sk-test", "base_url": self.base_url, **arguments}))

    def blocking_client(self, **arguments: Any) -> Any:
        return self._adopt(oxide.OpenAI(**{"api_key": "sk-test", "base_url": self.base_url, **arguments}))

    def _adopt(self, client: Any) -> Any:
        self._clients.append(client)
        return client

    async def begin(self) -> None:
        await self.server.do("clear")

    async def end(self) -> None:
        for client in self._clients:
            closing = client.close()
            if closing is not None:
                await closing
        self._clients.clear()


class Caught:
    """What `raises` caught."""

    value: Any = None


@contextmanager
def raises(kind: Any, *texts: str) -> Iterator[Caught]:
    """The block has to raise this, with all the texts in its message."""
    caught = Caught()
    try:
        yield caught
    except kind as error:
        for text in texts:
            assert text in str(error), f"{text!r} is not in {str(error)!r}"
        caught.value = error
    else:
        raise AssertionError(f"{kind} was not raised")
