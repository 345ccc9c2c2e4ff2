"""Streams of agents' sessions: what `client.beta.agents.sessions.stream` gives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, Union

from ...core.errors import StreamEndedError
from ...core.sentinels import NotGiven, Omit, not_given, omit
from ...core.streams.agent_result import AgentOutputParseError, AgentTurnResult, AgentTurnResultError, TurnCollector
from ...core.streams.agents import (
    AgentToolError,
    AgentTurn,
    PendingCall,
    answer,
    input_event,
    input_key,
    options,
    subscribe,
)
from ...core.structured import format_of
from ...helpers._run import arun, run
from ...streaming import AsyncStream, Stream

if TYPE_CHECKING:
    from typing_extensions import Self

    from ...core.timeouts import Timeout
    from ...types.beta.agent_session_event import AgentSessionEvent
    from ...types.beta.agent_session_input_message_param import AgentSessionInputMessageParam

__all__ = [
    "AgentSessionEventStream",
    "AgentSessionStream",
    "AsyncAgentSessionEventStream",
    "AsyncAgentSessionStream",
    "AsyncToolErrorHandler",
    "AsyncToolHandler",
    "ToolErrorHandler",
    "ToolHandler",
    "ToolOutput",
]

OutputT = TypeVar("OutputT")

# Text, an object that is sent as JSON, parts of content, or nothing.
ToolOutput: TypeAlias = Union[str, Mapping[str, Any], Iterable[Any], None]
ToolHandler: TypeAlias = Callable[[dict[str, Any]], ToolOutput]
AsyncToolHandler: TypeAlias = Callable[[dict[str, Any]], Union[ToolOutput, Awaitable[ToolOutput]]]
ToolErrorHandler: TypeAlias = Callable[[AgentToolError], None]
AsyncToolErrorHandler: TypeAlias = Callable[[AgentToolError], Union[Awaitable[None], None]]


class _Collecting:
    """What has a turn and collects its result."""

    _turn: AgentTurn
    _collector: TurnCollector
    _pending: PendingCall | None = None

    def with_result_collection(self) -> Self:
        """Keep what `get_final_result` needs while the events are read: to be called before the first."""
        self._collector.enable()
        return self

    def _take_pending(self) -> PendingCall | None:
        pending, self._pending = self._pending, None
        return pending


class _Turn(_Collecting):
    """What both streams of one turn know."""

    def __init__(
        self,
        sessions: Any,
        session_id: str,
        *,
        input: str | Iterable[AgentSessionInputMessageParam],
        output_type: Any = None,
        tool_handlers: Mapping[str, Any] | None = None,
        on_tool_error: Callable[[AgentToolError], Any] | None = None,
        idempotency_key: str | Omit = omit,
        extra_headers: Mapping[str, Any] | None = None,
        timeout: float | Timeout | NotGiven | None = not_given,
    ) -> None:
        self._sessions = sessions
        self._session_id = session_id
        self._input = input_event(input)
        self._key = input_key(idempotency_key, extra_headers)
        self._options = options(extra_headers, timeout)
        self._on_tool_error = on_tool_error
        self._turn = AgentTurn(session_id, tool_handlers)
        self._collector = TurnCollector(session_id, None if output_type is None else format_of(output_type))
        self._stream: Any = None
        self._entered = False
        self._closed = False

    def _enter(self) -> None:
        if self._entered or self._closed:
            raise RuntimeError("a stream of a session can be entered once")
        self._entered = True

    def _opened(self) -> Any:
        if self._stream is None:
            raise RuntimeError("sessions.stream is to be entered by a with block")
        return self._stream

    def _receive(self, event: Any) -> bool:
        self._collector.receive(event)
        self._pending = self._turn.pending(event)
        return self._turn.receive(event)


class _Results(_Collecting, Generic[OutputT]):
    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[AgentSessionEvent]: ...
        def close(self) -> None: ...

    def get_final_result(self) -> AgentTurnResult[OutputT]:
        """Read the events to the end of the turn, answering calls on the way, and return what came of it.

        Raises:
            AgentTurnResultError: the turn was not successful, or its end was not seen.
            AgentOutputParseError: its text does not fit `output_type`.
            RuntimeError: events have been read before, and not collected; see `with_result_collection`.
        """
        collector = self._collector
        collector.enable()
        try:
            collector.check(self._turn.handlers)
            if not collector.done:
                for _ in self:
                    collector.check(self._turn.handlers)
                    if collector.done:
                        break
            return collector.result()
        except (AgentTurnResultError, AgentOutputParseError):
            raise
        except Exception as error:
            raise collector.failure("observation_failed") from error
        finally:
            self.close()


class _AsyncResults(_Collecting, Generic[OutputT]):
    if TYPE_CHECKING:

        def __aiter__(self) -> AsyncIterator[AgentSessionEvent]: ...
        async def close(self) -> None: ...

    async def get_final_result(self) -> AgentTurnResult[OutputT]:
        """Read the events to the end of the turn, answering calls on the way, and return what came of it.

        Raises:
            AgentTurnResultError: the turn was not successful, or its end was not seen.
            AgentOutputParseError: its text does not fit `output_type`.
            RuntimeError: events have been read before, and not collected; see `with_result_collection`.
        """
        collector = self._collector
        collector.enable()
        try:
            collector.check(self._turn.handlers)
            if not collector.done:
                async for _ in self:
                    collector.check(self._turn.handlers)
                    if collector.done:
                        break
            return collector.result()
        except (AgentTurnResultError, AgentOutputParseError):
            raise
        except Exception as error:
            raise collector.failure("observation_failed") from error
        finally:
            await self.close()


class AgentSessionStream(_Results[OutputT], _Turn):
    """One turn of an idle session: entering sends the input, iterating gives the events up to the end of the turn.

    Only one caller may give a session input while this runs. Turns of subagents do not end it, and leaving it early does not cancel the turn.
    A call of a function that has a handler is answered when the next event is asked for; others are the caller's to answer.

    Iterating raises:
        StreamEndedError: the connection closed before the turn was over.
        APIError: a request failed, after any retries.
    """

    def __enter__(self) -> Self:
        self._enter()
        flow = subscribe(self._sessions, self._session_id, self._input, self._key, self._options)
        self._stream = run(self._sessions._client, flow)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> AgentSessionEvent:
        if self._closed:
            raise StopIteration
        stream = self._opened()
        try:
            pending = self._take_pending()
            if pending is not None:
                flow = answer(self._sessions, pending, self._on_tool_error, self._options)
                run(self._sessions._client, flow)
            for event in stream:
                if not self._turn.is_new(event):
                    continue
                if self._receive(event):
                    self.close()
                return event  # type: ignore[no-any-return]
            raise StreamEndedError("The stream of the session ended before the turn did", stream.response.request)
        except Exception as error:
            self._collector.record(error)
            self.close()
            raise

    def until_done(self) -> None:
        """Read the events to the end of the turn, answering calls on the way."""
        for _ in self:
            pass

    def close(self) -> None:
        """Close the connection. The turn goes on."""
        self._closed = True
        if self._stream is not None:
            self._stream.close()


class AsyncAgentSessionStream(_AsyncResults[OutputT], _Turn):
    """The same as `AgentSessionStream`, for asyncio and trio; handlers may be coroutine functions."""

    async def __aenter__(self) -> Self:
        self._enter()
        flow = subscribe(self._sessions, self._session_id, self._input, self._key, self._options)
        self._stream = await arun(self._sessions._client, flow)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AgentSessionEvent:
        if self._closed:
            raise StopAsyncIteration
        stream = self._opened()
        try:
            pending = self._take_pending()
            if pending is not None:
                flow = answer(self._sessions, pending, self._on_tool_error, self._options)
                await arun(self._sessions._client, flow)
            async for event in stream:
                if not self._turn.is_new(event):
                    continue
                if self._receive(event):
                    await self.close()
                return event  # type: ignore[no-any-return]
            raise StreamEndedError("The stream of the session ended before the turn did", stream.response.request)
        except Exception as error:
            self._collector.record(error)
            await self.close()
            raise

    async def until_done(self) -> None:
        """Read the events to the end of the turn, answering calls on the way."""
        async for _ in self:
            pass

    async def close(self) -> None:
        """Close the connection. The turn goes on."""
        self._closed = True
        if self._stream is not None:
            await self._stream.close()


class AgentSessionEventStream(_Results[OutputT], Stream["AgentSessionEvent"]):
    """The events of a session that was created with `stream=True`, which can collect the result of its first turn.

    A call of a function that has a handler is answered when the next event is asked for.
    """

    def __init__(self, raw: Stream[Any], sessions: Any, output_type: Any, tool_handlers: Any, options: Any) -> None:
        self.response = raw.response
        self._decoder = raw._decoder
        self._raw = raw
        self._sessions = sessions
        self._options = options
        self._turn = AgentTurn("", tool_handlers)
        self._collector = TurnCollector(None, None if output_type is None else format_of(output_type))
        self._pending = None

    def __next__(self) -> AgentSessionEvent:
        try:
            pending = self._take_pending()
            if pending is not None and not self.response.is_closed:
                run(self._sessions._client, answer(self._sessions, pending, None, self._options))
            event: AgentSessionEvent = self._raw.__next__()
        except StopIteration:
            raise
        except Exception as error:
            self._collector.record(error)
            self.close()
            raise
        self._collector.receive(event)
        self._pending = self._turn.pending(event)
        return event

    def __iter__(self) -> Self:
        return self

    def close(self) -> None:
        """Close the connection. The session goes on."""
        self._raw.close()


class AsyncAgentSessionEventStream(_AsyncResults[OutputT], AsyncStream["AgentSessionEvent"]):
    """The same as `AgentSessionEventStream`, for asyncio and trio."""

    def __init__(
        self, raw: AsyncStream[Any], sessions: Any, output_type: Any, tool_handlers: Any, options: Any
    ) -> None:
        self.response = raw.response
        self._decoder = raw._decoder
        self._raw = raw
        self._sessions = sessions
        self._options = options
        self._turn = AgentTurn("", tool_handlers)
        self._collector = TurnCollector(None, None if output_type is None else format_of(output_type))
        self._pending = None

    async def __anext__(self) -> AgentSessionEvent:
        try:
            pending = self._take_pending()
            if pending is not None and not self.response.is_closed:
                await arun(self._sessions._client, answer(self._sessions, pending, None, self._options))
            event: AgentSessionEvent = await self._raw.__anext__()
        except StopAsyncIteration:
            raise
        except Exception as error:
            self._collector.record(error)
            await self.close()
            raise
        self._collector.receive(event)
        self._pending = self._turn.pending(event)
        return event

    def __aiter__(self) -> Self:
        return self

    async def close(self) -> None:
        """Close the connection. The session goes on."""
        await self._raw.close()
