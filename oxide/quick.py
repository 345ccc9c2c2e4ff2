"""A small asynchronous client, for programs that ask and want the answer.

    from oxide.quick import Client

    async with Client() as client:
        print(await client.create_text("gpt-5", "Say hi"))

Every method takes the model and the input first, and then whatever `client.responses.create` takes. All of the API is in `client.openai`.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._client import AsyncOpenAI

if TYPE_CHECKING:
    from typing_extensions import Self

    from .sessions import AsyncResponseEvents, AsyncWsSession
    from .streaming import AsyncStream
    from .types.responses.response import Response
    from .types.responses.response_input_param import ResponseInputParam
    from .types.responses.response_stream_event import ResponseStreamEvent

__all__ = ["Client", "Session"]


class Client:
    """Asks for responses, on asyncio or trio.

    Args:
        api_key: the key; the environment's by default.
        options: those of `AsyncOpenAI`.

    Raises:
        OpenAIError: there is no key.
    """

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        self.openai = AsyncOpenAI(api_key=api_key, **options)

    async def create(self, model: str, input: str | ResponseInputParam, **params: Any) -> Response:
        """A response."""
        response: Response = await self.openai.responses.create(model=model, input=input, **params)
        return response

    async def create_text(self, model: str, input: str | ResponseInputParam, **params: Any) -> str:
        """The text of a response."""
        return (await self.create(model, input, **params)).output_text

    async def create_stream(
        self, model: str, input: str | ResponseInputParam, **params: Any
    ) -> AsyncStream[ResponseStreamEvent]:
        """The events of a response, as they arrive."""
        events: AsyncStream[ResponseStreamEvent] = await self.openai.responses.create(
            model=model, input=input, stream=True, **params
        )
        return events

    async def create_stored_response_id(self, model: str, input: str | ResponseInputParam, **params: Any) -> str:
        """The id of a response that the server keeps, for `create_text_followup`."""
        return (await self.create(model, input, store=True, **params)).id

    async def create_text_followup(
        self, model: str, input: str | ResponseInputParam, previous_response_id: str, **params: Any
    ) -> str:
        """The text of a response that goes on from another one."""
        return await self.create_text(model, input, previous_response_id=previous_response_id, **params)

    async def ws_session(self, **params: Any) -> Session:
        """A WebSocket session, open already. Close it, or use it as a context manager."""
        session = self.openai.ws_session(**params)
        await session.open()
        return Session(session)

    async def close(self) -> None:
        """Close all connections but those of sessions."""
        await self.openai.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()


class Session:
    """A conversation on a connection that stays open; `session` is the whole of it, with its lanes."""

    def __init__(self, session: AsyncWsSession) -> None:
        self.session = session

    async def send(self, model: str, input: str | ResponseInputParam, **params: Any) -> Response:
        """A response, which goes on from the one before."""
        return await self.session.send(input, model=model, **params)

    async def send_stream(self, model: str, input: str | ResponseInputParam, **params: Any) -> AsyncResponseEvents:
        """The events of a response, as they arrive."""
        return await self.session.send_stream(input, model=model, **params)

    async def warmup(self, model: str, **params: Any) -> Response:
        """Have the server take in instructions and tools before they are needed."""
        return await self.session.warmup(model=model, **params)

    async def close(self) -> None:
        """Close the connection."""
        await self.session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()
