"""Request bodies that are read while they are sent, or just before: files and iterables."""

from __future__ import annotations

from typing import Any

from ...core.fetch import Fetch
from .alarm import Alarm
from .bridge import create_proxy, js, to_js

__all__ = ["Upload", "gather"]


async def gather(fetch: Fetch, content: Any, buffer_limit: int) -> Any:
    """All of a body as a `Blob`, which a browser may keep on disk. Raises OpenAIError if it is more than the limit, or what reading raises."""
    parts = js.Array.new()
    size = 0
    chunks = content.__aiter__()
    try:
        async for data in chunks:
            size += len(data)
            fetch.gathered(data, size, buffer_limit)
            # Only the total limit can pass here; what is read is the caller's own.
            fetch.allowance()
            parts.push(to_js(data))
        fetch.gathered(b"", size, buffer_limit)
    finally:
        await chunks.aclose()
    return js.Blob.new(parts)


class Upload:
    """A body as a `ReadableStream` that is read as the platform asks for more.

    Attributes:
        stream: for `fetch`.
        error: what reading the body raised.
    """

    def __init__(self, fetch: Fetch, content: Any, alarm: Alarm) -> None:
        self._fetch = fetch
        self._alarm = alarm
        self._chunks = content.__aiter__()
        self.error: BaseException | None = None
        self._proxy = create_proxy(self._pull)
        source = js.Object.new()
        source.pull = self._proxy
        self.stream = js.ReadableStream.new(source)

    async def _pull(self, controller: Any) -> None:
        alarm = self._alarm
        # The caller's own data may take as long as it likes.
        alarm.unset()
        try:
            data = await anext(self._chunks, b"")
            self._fetch.passed(data)
            if data:
                controller.enqueue(to_js(data))
            else:
                controller.close()
            alarm.set(self._fetch.allowance())
        except Exception as error:  # noqa: BLE001 (raised where the request is sent)
            self.error = error
            controller.error(js.Error.new("the request's body can't be read"))

    async def aclose(self) -> None:
        """The request is over."""
        await self._chunks.aclose()
        self._proxy.destroy()
