"""The synchronous client under WebAssembly: the asynchronous transport, waited for by switching stacks.

JavaScript engines that can do that (JSPI; Node with `--experimental-wasm-stack-switching`) let Python code stand still while the event loop goes
on, as long as JavaScript called it in a way that allows for it: `runPythonAsync`, `callPromising`. There are no threads, so what the
synchronous client does in threads elsewhere is done one after the other here, or by the asynchronous shell.
"""

from __future__ import annotations

from asyncio import sleep
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from ...core.errors import OpenAIError
from ...core.http import Request, Response
from ..aio.run import IO as AsyncIO
from ..sync.run import IO as SyncIO
from .bridge import can_run_sync, run_sync
from .transport import AsyncFetchTransport, Body

if TYPE_CHECKING:
    from ...core.body import Plan
    from ...core.race import Race

__all__ = ["IO", "FetchTransport"]


def wait_for(awaitable: Awaitable[Any]) -> Any:
    """What the awaitable gives. Raises OpenAIError where the stack can't be switched."""
    if not can_run_sync():
        close = getattr(awaitable, "close", None)
        if close is not None:
            close()
        raise OpenAIError(
            "the synchronous client can't wait here: under WebAssembly that takes stack switching (JSPI), which this JavaScript engine has"
            " not, or Python was called in a way that does not allow for it (runPython instead of runPythonAsync). Use AsyncOpenAI"
        )
    return run_sync(awaitable)


class FetchTransport:
    """Sends requests by `fetch`. `OpenAI` uses it by itself under WebAssembly.

    Args and raises as `AsyncFetchTransport`.
    """

    def __init__(self, **settings: Any) -> None:
        self._inner = AsyncFetchTransport(**settings)
        self._inner._make_body = BlockingBody

    def send(self, request: Request, *, stream: bool) -> Response:
        """Send one request; see `oxide.Transport`. Raises OpenAIError where nothing can be waited for."""
        response: Response = wait_for(self._inner.send(request, stream=stream))
        return response

    def open_websocket(self, request: Request, options: Any) -> Any:
        """Raises OpenAIError."""
        raise OpenAIError(
            "WebSocket connections of the synchronous client need threads, which WebAssembly has not: use AsyncOpenAI"
        )

    def warmup(self, request: Request, calls: int) -> None:
        """Raises OpenAIError: the platform opens connections when it needs them."""
        raise OpenAIError("there are no connections to warm up under WebAssembly: fetch has a pool of its own")

    def close(self) -> None:
        """Send nothing more. What is being read can be read to its end."""
        self._inner._closed = True

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._inner.closed

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{' closed' if self.closed else ''}>"


class BlockingBody(Body):
    """`core.http.ByteStream` as well."""

    __slots__ = ()

    def __next__(self) -> bytes:
        data: bytes | None = wait_for(self.next())
        if data is None:
            raise StopIteration
        return data

    def drain(self, seconds: float) -> None:  # type: ignore[override]
        """As `Body.drain`."""
        wait_for(super().drain(seconds))

    def close(self) -> None:
        self._give_up()


class IO(SyncIO):
    """What flows are run against."""

    __slots__ = ("_async",)

    def __init__(self, transport: Any) -> None:
        super().__init__(transport)
        # A transport of the user's may be something else than ours.
        self._async = AsyncIO(getattr(transport, "_inner", transport))

    def load(self, plan: Plan) -> Any:
        return wait_for(self._async.load(plan))

    def sleep(self, seconds: float) -> None:
        wait_for(sleep(seconds))

    def race(self, race: Race) -> Any:
        return wait_for(self._async.race(race))

    def map(self, function: Callable[[Any], Any], items: Iterable[Any], limit: int) -> list[Any]:
        return [function(item) for item in items]

    def make_gate(self) -> Any:
        # Only those need one who share a token, or a connection that may be restored.
        from ..aio.gate import Gate

        return Gate()

    def wait(self, gate: Any, seconds: float | None) -> bool:
        return wait_for(self._async.wait(gate, seconds))  # type: ignore[no-any-return]
