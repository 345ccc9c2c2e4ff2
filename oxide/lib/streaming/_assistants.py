"""Streams of assistants' runs: event handlers with callbacks, and what the run came to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ...core.errors import APIConnectionError, APITimeoutError, StreamOrderError
from ...core.streams.assistants import CALLBACKS, AssistantAccumulator
from ...core.streams.readers import broken_off
from ._stream import AsyncPieces, Pieces

if TYPE_CHECKING:
    from typing_extensions import Self

    from ...streaming import AsyncStream, Stream
    from ...types.beta.assistant_stream_event import AssistantStreamEvent
    from ...types.beta.threads import ImageFile, Message, MessageDelta, Run, Text, TextDelta
    from ...types.beta.threads.runs import RunStep, RunStepDelta, ToolCall, ToolCallDelta

__all__ = [
    "AssistantEventHandler",
    "AssistantEventHandlerT",
    "AssistantStreamManager",
    "AsyncAssistantEventHandler",
    "AsyncAssistantEventHandlerT",
    "AsyncAssistantStreamManager",
]


class _State:
    """What both handlers know. A subclass need not call `super().__init__` before the stream is there."""

    _stream: Any = None
    _machine: AssistantAccumulator | None = None
    _over = False

    def _init(self, stream: Any) -> None:
        if self._stream is not None:
            raise RuntimeError("an event handler belongs to one stream: make a new one for each")
        self._stream = stream
        base = AsyncAssistantEventHandler if isinstance(self, AsyncAssistantEventHandler) else AssistantEventHandler
        wanted = frozenset(
            name for name in CALLBACKS if name in vars(self) or getattr(type(self), name) is not getattr(base, name)
        )
        self._machine = AssistantAccumulator(wanted, getattr(stream, "response", None))

    def _started(self) -> tuple[Any, AssistantAccumulator]:
        if self._machine is None:
            raise RuntimeError("the stream has not been started: enter the block of the `stream` method")
        return self._stream, self._machine

    @property
    def current_event(self) -> AssistantStreamEvent | None:
        """The event whose callbacks are running."""
        return self._machine.event if self._machine is not None else None

    @property
    def current_run(self) -> Run | None:
        """The run, as the last event had it."""
        return self._machine.run if self._machine is not None else None

    @property
    def current_run_step_snapshot(self) -> RunStep | None:
        """The step that is going on, so far."""
        return self._machine.step if self._machine is not None else None

    @property
    def current_message_snapshot(self) -> Message | None:
        """The message that is being written, or was last, so far."""
        return self._machine.message if self._machine is not None else None

    def _final_run(self) -> Run:
        run: Run | None = self._started()[1].run
        if run is None:
            raise StreamOrderError("the stream had no run")
        return run

    def _final_run_steps(self) -> list[RunStep]:
        steps = self._started()[1].steps
        if not steps:
            raise StreamOrderError("the stream had no steps of a run")
        return steps

    def _final_messages(self) -> list[Message]:
        messages = self._started()[1].messages
        if not messages:
            raise StreamOrderError("the stream had no messages")
        return messages


def _texts(event: Any) -> Iterator[str]:
    if event.event == "thread.message.delta":
        for part in event.data.delta.content or ():
            if part.type == "text" and part.text and part.text.value:
                yield part.text.value


class AssistantEventHandler(_State):
    """What happens on a run's stream: an iterator of its events, and callbacks to override."""

    def __next__(self) -> AssistantStreamEvent:
        stream, machine = self._started()
        if self._over:
            raise StopIteration
        try:
            for event in stream:
                for name, arguments in machine.receive(event):
                    getattr(self, name)(*arguments)
                return event  # type: ignore[no-any-return]
            machine.finish(announced=stream.announced)
        except Exception as caught:  # noqa: BLE001 (it is raised again)
            self._over = True
            error = broken_off(machine, caught) if isinstance(caught, APIConnectionError) else caught
            if isinstance(error, APITimeoutError):
                self.on_timeout()
            self.on_exception(error)
            self.on_end()
            raise error  # noqa: B904 (it has its cause)
        self._over = True
        self.on_end()
        raise StopIteration

    def __iter__(self) -> Self:
        return self

    @property
    def text_deltas(self) -> Iterator[str]:
        """The pieces of text as they arrive, and nothing else."""
        return Pieces(self, _texts)

    def close(self) -> None:
        """Give the response up. Leaving the block does so too."""
        if self._stream is not None:
            self._stream.close()

    def until_done(self) -> None:
        """Read the stream to its end."""
        for _ in self:
            pass

    def get_final_run(self) -> Run:
        """Read the stream to its end, and return the run. Raises StreamOrderError if there was none."""
        self.until_done()
        return self._final_run()

    def get_final_run_steps(self) -> list[RunStep]:
        """Read the stream to its end, and return the steps of the run. Raises StreamOrderError if there were none."""
        self.until_done()
        return self._final_run_steps()

    def get_final_messages(self) -> list[Message]:
        """Read the stream to its end, and return the messages. Raises StreamOrderError if there were none."""
        self.until_done()
        return self._final_messages()

    # --- to be overridden ----------------------------------------------------------------------------------------------

    def on_end(self) -> None:
        """The stream is over, or an exception ended it."""

    def on_event(self, event: AssistantStreamEvent) -> None:
        """Every event, before anything else is done with it."""

    def on_run_step_created(self, run_step: RunStep) -> None:
        """A step of the run begins."""

    def on_run_step_delta(self, delta: RunStepDelta, snapshot: RunStep) -> None:
        """A piece of a step, and the step so far."""

    def on_run_step_done(self, run_step: RunStep) -> None:
        """A step is over."""

    def on_tool_call_created(self, tool_call: ToolCall) -> None:
        """The first piece of a call of a tool."""

    def on_tool_call_delta(self, delta: ToolCallDelta, snapshot: ToolCall) -> None:
        """A further piece of a call, and the call so far."""

    def on_tool_call_done(self, tool_call: ToolCall) -> None:
        """A call is complete: the next one begins, or its step or the run is over."""

    def on_exception(self, exception: Exception) -> None:
        """Reading the stream, or a callback, raised; it is raised to the caller afterwards."""

    def on_timeout(self) -> None:
        """A timeout passed; before `on_exception`."""

    def on_message_created(self, message: Message) -> None:
        """A message begins."""

    def on_message_delta(self, delta: MessageDelta, snapshot: Message) -> None:
        """A piece of a message, and the message so far."""

    def on_message_done(self, message: Message) -> None:
        """A message is complete."""

    def on_text_created(self, text: Text) -> None:
        """The first piece of a text."""

    def on_text_delta(self, delta: TextDelta, snapshot: Text) -> None:
        """A piece of a text, and the text so far."""

    def on_text_done(self, text: Text) -> None:
        """A text is complete."""

    def on_image_file_done(self, image_file: ImageFile) -> None:
        """An image is complete."""


class AsyncAssistantEventHandler(_State):
    """The same as `AssistantEventHandler`, for asyncio and trio: its callbacks are coroutine functions."""

    async def __anext__(self) -> AssistantStreamEvent:
        stream, machine = self._started()
        if self._over:
            raise StopAsyncIteration
        try:
            async for event in stream:
                for name, arguments in machine.receive(event):
                    await getattr(self, name)(*arguments)
                return event  # type: ignore[no-any-return]
            machine.finish(announced=stream.announced)
        except Exception as caught:  # noqa: BLE001 (it is raised again)
            self._over = True
            error = broken_off(machine, caught) if isinstance(caught, APIConnectionError) else caught
            if isinstance(error, APITimeoutError):
                await self.on_timeout()
            await self.on_exception(error)
            await self.on_end()
            raise error  # noqa: B904 (it has its cause)
        self._over = True
        await self.on_end()
        raise StopAsyncIteration

    def __aiter__(self) -> Self:
        return self

    @property
    def text_deltas(self) -> AsyncIterator[str]:
        """The pieces of text as they arrive, and nothing else."""
        return AsyncPieces(self, _texts)

    async def close(self) -> None:
        """Give the response up. Leaving the block does so too."""
        if self._stream is not None:
            await self._stream.close()

    async def until_done(self) -> None:
        """Read the stream to its end."""
        async for _ in self:
            pass

    async def get_final_run(self) -> Run:
        """Read the stream to its end, and return the run. Raises StreamOrderError if there was none."""
        await self.until_done()
        return self._final_run()

    async def get_final_run_steps(self) -> list[RunStep]:
        """Read the stream to its end, and return the steps of the run. Raises StreamOrderError if there were none."""
        await self.until_done()
        return self._final_run_steps()

    async def get_final_messages(self) -> list[Message]:
        """Read the stream to its end, and return the messages. Raises StreamOrderError if there were none."""
        await self.until_done()
        return self._final_messages()

    # --- to be overridden ----------------------------------------------------------------------------------------------

    async def on_end(self) -> None:
        """The stream is over, or an exception ended it."""

    async def on_event(self, event: AssistantStreamEvent) -> None:
        """Every event, before anything else is done with it."""

    async def on_run_step_created(self, run_step: RunStep) -> None:
        """A step of the run begins."""

    async def on_run_step_delta(self, delta: RunStepDelta, snapshot: RunStep) -> None:
        """A piece of a step, and the step so far."""

    async def on_run_step_done(self, run_step: RunStep) -> None:
        """A step is over."""

    async def on_tool_call_created(self, tool_call: ToolCall) -> None:
        """The first piece of a call of a tool."""

    async def on_tool_call_delta(self, delta: ToolCallDelta, snapshot: ToolCall) -> None:
        """A further piece of a call, and the call so far."""

    async def on_tool_call_done(self, tool_call: ToolCall) -> None:
        """A call is complete: the next one begins, or its step or the run is over."""

    async def on_exception(self, exception: Exception) -> None:
        """Reading the stream, or a callback, raised; it is raised to the caller afterwards."""

    async def on_timeout(self) -> None:
        """A timeout passed; before `on_exception`."""

    async def on_message_created(self, message: Message) -> None:
        """A message begins."""

    async def on_message_delta(self, delta: MessageDelta, snapshot: Message) -> None:
        """A piece of a message, and the message so far."""

    async def on_message_done(self, message: Message) -> None:
        """A message is complete."""

    async def on_text_created(self, text: Text) -> None:
        """The first piece of a text."""

    async def on_text_delta(self, delta: TextDelta, snapshot: Text) -> None:
        """A piece of a text, and the text so far."""

    async def on_text_done(self, text: Text) -> None:
        """A text is complete."""

    async def on_image_file_done(self, image_file: ImageFile) -> None:
        """An image is complete."""


AssistantEventHandlerT = TypeVar("AssistantEventHandlerT", bound=AssistantEventHandler)
AsyncAssistantEventHandlerT = TypeVar("AsyncAssistantEventHandlerT", bound=AsyncAssistantEventHandler)


class AssistantStreamManager(Generic[AssistantEventHandlerT]):
    """What the assistants' `stream` methods return: `with` sends the request and gives the handler."""

    def __init__(
        self, api_request: Callable[[], Stream[AssistantStreamEvent]], *, event_handler: AssistantEventHandlerT
    ) -> None:
        self._request = api_request
        self._handler = event_handler

    def __enter__(self) -> AssistantEventHandlerT:
        self._handler._init(self._request())
        return self._handler

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._handler.close()


class AsyncAssistantStreamManager(Generic[AsyncAssistantEventHandlerT]):
    """The same for asyncio and trio, with `async with`."""

    def __init__(
        self,
        api_request: Callable[[], Awaitable[AsyncStream[AssistantStreamEvent]]],
        *,
        event_handler: AsyncAssistantEventHandlerT,
    ) -> None:
        self._request = api_request
        self._handler = event_handler

    async def __aenter__(self) -> AsyncAssistantEventHandlerT:
        self._handler._init(await self._request())
        return self._handler

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._handler.close()
