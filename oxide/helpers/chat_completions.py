"""`client.chat.completions`: `parse`, for a completion whose content is an object of a type that the caller names; `stream` and `create_stream_fc`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._resource import AsyncAPIResource, Operation, SyncAPIResource
from ..core.sentinels import Omit, omit

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..core.tools.run_events import ChatRunEvent
    from ..lib.streaming.calls import AsyncCallStreamManager, AsyncChatCallStream, ChatCallStream
    from ..lib.streaming.chat import (
        AsyncChatCompletionStream,
        AsyncChatCompletionStreamManager,
        ChatCompletionStream,
        ChatCompletionStreamManager,
    )
    from ..types.chat.chat_completion import ChatCompletion
    from ..types.chat.completion_create_params import ResponseFormat
    from ..types.chat.parsed_chat_completion import ParsedChatCompletion
    from ._chat_params import ChatParams
    from ._run_params import ChatRunParams
    from .tool_run import AsyncToolRun, ToolRun

__all__ = ["AsyncCompletionsHelpers", "CompletionsHelpers"]

T = TypeVar("T")


@cache
def _operation() -> Operation:
    # The resource imports this module, and most programs never parse.
    from ..core.parsing import parsing
    from ..resources.chat.completions.completions import _CREATE

    return parsing(_CREATE, "oxide.core.parsing:ChatParsing")


def _arguments(response_format: Any, params: Any) -> dict[str, Any]:
    from ..core.parsing import chat_arguments

    return chat_arguments({**params, "response_format": response_format})


class _Opening:
    """A stream to be opened: what is sent, and what is made of the answer."""

    def __init__(self, client: Any, response_format: Any, params: Any, early_calls: bool = False) -> None:
        from ..core.streams.requests import ChatRequest

        self._client = client
        self._request = request = ChatRequest({**params, "response_format": response_format})
        self._arguments: dict[str, Any] = {
            "response_format": request.response_format,
            "input_tools": request.tools,
            "early_calls": early_calls,
        }

    def _send(self) -> Any:
        from ..resources.chat.completions.completions import _CREATE

        if self._arguments["early_calls"]:
            from ..core.events import get_ready

            get_ready(_CREATE.stream)
        return self._client._call(_CREATE, self._request.params)

    def open(self) -> ChatCompletionStream[Any]:
        """Send the request."""
        from ..lib.streaming.chat import ChatCompletionStream

        return ChatCompletionStream(raw_stream=self._send(), **self._arguments)

    async def aopen(self) -> AsyncChatCompletionStream[Any]:
        """Send the request of an asynchronous client."""
        from ..lib.streaming.chat import AsyncChatCompletionStream

        return AsyncChatCompletionStream(raw_stream=await self._send(), **self._arguments)

    async def aopen_calls(self) -> AsyncChatCallStream:
        """The same for `create_stream_fc`."""
        from ..lib.streaming.calls import AsyncChatCallStream

        return AsyncChatCallStream(await self.aopen())


class CompletionsHelpers(SyncAPIResource):
    """What `Completions` does beyond the request."""

    @overload
    def parse(self, *, response_format: type[T], **params: Unpack[ChatParams]) -> ParsedChatCompletion[T]: ...

    @overload
    def parse(
        self, *, response_format: Mapping[str, Any], **params: Unpack[ChatParams]
    ) -> ParsedChatCompletion[Any]: ...

    @overload
    def parse(self, *, response_format: Omit = omit, **params: Unpack[ChatParams]) -> ParsedChatCompletion[None]: ...

    def parse(
        self, *, response_format: type | Mapping[str, Any] | Omit = omit, **params: Unpack[ChatParams]
    ) -> ParsedChatCompletion[Any]:
        """Create a completion, and read its content and the arguments of strict functions as objects.

        The content's object is `message.parsed` (`None` beside a refusal), that of a function's arguments `function.parsed_arguments`.

        Args:
            response_format: a pydantic model or dataclass, a msgspec struct, dataclass, attrs class or TypedDict, whose strict schema
                is sent; or a JSON schema, for plain values. The API's own parameter is sent as it is, and nothing parsed.
            params: those of `create`; all tools have to be strict functions.

        Raises:
            TypeError: there is no strict schema for the type; or as `create`.
            ValueError: a tool is not a function, or not strict.
            LengthFinishReasonError, ContentFilterFinishReasonError: the completion was cut off; the error has it.
            StructuredOutputError: the text is not JSON, or does not fit the type; the error has it.
            APIError: the request failed, after any retries.
        """
        result: ParsedChatCompletion[Any] = self._client._call(_operation(), _arguments(response_format, params))
        return result

    @overload
    def stream(self, *, response_format: type[T], **params: Unpack[ChatParams]) -> ChatCompletionStreamManager[T]: ...

    @overload
    def stream(
        self, *, response_format: Mapping[str, Any], **params: Unpack[ChatParams]
    ) -> ChatCompletionStreamManager[Any]: ...

    @overload
    def stream(
        self, *, response_format: Omit = omit, **params: Unpack[ChatParams]
    ) -> ChatCompletionStreamManager[None]: ...

    def stream(
        self, *, response_format: type | Mapping[str, Any] | Omit = omit, **params: Unpack[ChatParams]
    ) -> ChatCompletionStreamManager[Any]:
        """Create a completion and read it as it is written.

            with client.chat.completions.stream(model="gpt-5", messages=messages) as stream:
                for event in stream:
                    ...
                completion = stream.get_final_completion()

        Each chunk is an event, followed by the events that it means: pieces of content, refusal and arguments with what came so far,
        and what is complete.

        Args:
            response_format: what to read the content as, see `parse`.
            params: those of `create`. The arguments of strict functions among the tools are read as objects.

        Raises:
            TypeError: there is no strict schema for the type; or as `create`.
        """
        from ..lib.streaming.chat import ChatCompletionStreamManager

        return ChatCompletionStreamManager(_Opening(self._client, response_format, params).open)

    def create_stream_fc(
        self, *, response_format: type | Mapping[str, Any] | Omit = omit, **params: Unpack[ChatParams]
    ) -> ChatCallStream:
        """Create a completion, and get each function call the moment its arguments are complete.

            with client.chat.completions.create_stream_fc(model="gpt-5", messages=messages, tools=tools) as stream:
                for call in stream:
                    start(call.name, call.arguments)
                completion = stream.get_final_completion()

        A call is known to be complete when the next one begins, or the choice is over.

        Args:
            params: those of `create`.

        Raises:
            as `create`: the request is sent at once.
        """
        from ..lib.streaming.calls import ChatCallStream

        return ChatCallStream(_Opening(self._client, response_format, params, early_calls=True).open())

    @overload
    def run_tools(
        self, *, response_format: type[T], **params: Unpack[ChatRunParams]
    ) -> ToolRun[ChatRunEvent, ParsedChatCompletion[T]]: ...

    @overload
    def run_tools(
        self, *, response_format: ResponseFormat | Omit = omit, **params: Unpack[ChatRunParams]
    ) -> ToolRun[ChatRunEvent, ChatCompletion]: ...

    def run_tools(
        self, *, response_format: type | ResponseFormat | Omit = omit, **params: Unpack[ChatRunParams]
    ) -> ToolRun[ChatRunEvent, Any]:
        """Run the agent loop; see `Responses.run_tools`, but for `carry_input`. Each request has all messages.

        Args:
            response_format: a type that the answer is parsed to, as in `parse`; or the API's own form.
            params: the options of a run, and those of `create` (but `n`).

        Raises:
            TypeError: a tool is a coroutine function, or has no schema.
            ValueError: an argument has a value it can't have.
        """
        from ..core.tools.dialog import ChatDialog
        from .tool_run import ToolRun, start

        run: ToolRun[ChatRunEvent, Any]
        run = start(self, ToolRun, ChatDialog, {**params, "response_format": response_format})
        return run


class AsyncCompletionsHelpers(AsyncAPIResource):
    """What `AsyncCompletions` does beyond the request."""

    @overload
    async def parse(self, *, response_format: type[T], **params: Unpack[ChatParams]) -> ParsedChatCompletion[T]: ...

    @overload
    async def parse(
        self, *, response_format: Mapping[str, Any], **params: Unpack[ChatParams]
    ) -> ParsedChatCompletion[Any]: ...

    @overload
    async def parse(
        self, *, response_format: Omit = omit, **params: Unpack[ChatParams]
    ) -> ParsedChatCompletion[None]: ...

    async def parse(
        self, *, response_format: type | Mapping[str, Any] | Omit = omit, **params: Unpack[ChatParams]
    ) -> ParsedChatCompletion[Any]:
        """Create a completion, and read it as objects; see `Completions.parse`."""
        result: ParsedChatCompletion[Any] = await self._client._call(_operation(), _arguments(response_format, params))
        return result

    @overload
    def stream(
        self, *, response_format: type[T], **params: Unpack[ChatParams]
    ) -> AsyncChatCompletionStreamManager[T]: ...

    @overload
    def stream(
        self, *, response_format: Mapping[str, Any], **params: Unpack[ChatParams]
    ) -> AsyncChatCompletionStreamManager[Any]: ...

    @overload
    def stream(
        self, *, response_format: Omit = omit, **params: Unpack[ChatParams]
    ) -> AsyncChatCompletionStreamManager[None]: ...

    def stream(
        self, *, response_format: type | Mapping[str, Any] | Omit = omit, **params: Unpack[ChatParams]
    ) -> AsyncChatCompletionStreamManager[Any]:
        """Create a completion and read it as it is written; see `Completions.stream`."""
        from ..lib.streaming.chat import AsyncChatCompletionStreamManager

        return AsyncChatCompletionStreamManager(_Opening(self._client, response_format, params).aopen)

    def create_stream_fc(
        self, *, response_format: type | Mapping[str, Any] | Omit = omit, **params: Unpack[ChatParams]
    ) -> AsyncCallStreamManager[AsyncChatCallStream]:
        """Create a completion, and get each function call the moment it is complete; see `Completions.create_stream_fc`.

        What this returns is awaited, entered with `async with`, or iterated over; that sends the request.
        """
        from ..lib.streaming.calls import AsyncCallStreamManager

        opening = _Opening(self._client, response_format, params, early_calls=True)
        return AsyncCallStreamManager(opening.aopen_calls)

    @overload
    def run_tools(
        self, *, response_format: type[T], **params: Unpack[ChatRunParams]
    ) -> AsyncToolRun[ChatRunEvent, ParsedChatCompletion[T]]: ...

    @overload
    def run_tools(
        self, *, response_format: ResponseFormat | Omit = omit, **params: Unpack[ChatRunParams]
    ) -> AsyncToolRun[ChatRunEvent, ChatCompletion]: ...

    def run_tools(
        self, *, response_format: type | ResponseFormat | Omit = omit, **params: Unpack[ChatRunParams]
    ) -> AsyncToolRun[ChatRunEvent, Any]:
        """Run the agent loop; see `AsyncResponses.run_tools` and `Completions.run_tools`."""
        from ..core.tools.dialog import ChatDialog
        from .tool_run import AsyncToolRun, start

        run: AsyncToolRun[ChatRunEvent, Any]
        run = start(self, AsyncToolRun, ChatDialog, {**params, "response_format": response_format})
        return run
