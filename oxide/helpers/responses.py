"""`client.responses`: `parse`, for a response whose text is an object of a type that the caller names; `stream` and `create_stream_fc`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._resource import AsyncAPIResource, Operation, SyncAPIResource
from ..core.sentinels import Omit, omit

if TYPE_CHECKING:
    from typing import Literal

    from typing_extensions import Unpack

    from .._resource import CallOptions
    from ..core.tools.run_events import ResponseRunEvent
    from ..lib.streaming.calls import AsyncCallStreamManager, AsyncResponseCallStream, ResponseCallStream
    from ..lib.streaming.responses import (
        AsyncResponseStream,
        AsyncResponseStreamManager,
        ResponseStream,
        ResponseStreamManager,
    )
    from ..types.responses.parsed_response import ParsedResponse
    from ..types.responses.response import Response
    from ..types.responses.response_create_params import ResponseCreateParamsBase, ResponseCreateParamsNonStreaming
    from ._run_params import ResponseRunParams
    from .tool_run import AsyncToolRun, ToolRun

    class _Parse(ResponseCreateParamsNonStreaming, CallOptions, total=False):
        verbosity: Literal["low", "medium", "high"] | None

    class _Stream(ResponseCreateParamsBase, CallOptions, total=False):
        pass


__all__ = ["AsyncResponsesHelpers", "ResponsesHelpers"]

T = TypeVar("T")


@cache
def _operation() -> Operation:
    # The resource imports this module, and most programs never parse.
    from ..core.parsing import parsing
    from ..resources.responses.responses import _CREATE

    return parsing(_CREATE, "oxide.core.parsing:ResponseParsing", "verbosity", "text_format", "parse_as")


def _arguments(text_format: Any, parse_as: Any, params: Any) -> dict[str, Any]:
    from ..core.parsing import response_arguments

    return response_arguments({**params, "text_format": text_format, "parse_as": parse_as})


@cache
def _stream_operations() -> tuple[Operation, Operation]:
    # For a new response, and for a stored one. The events are decoded into what is handed on.
    from ..resources.responses.responses import _CREATE, _RETRIEVE

    events = "oxide.core.streams.response_events:ResponseStreamEvent"
    return _CREATE.streaming(events), _RETRIEVE.streaming(events)


class _Opening:
    """A stream to be opened: what is sent, and what is made of the answer."""

    def __init__(self, client: Any, params: Any, early_calls: bool = False) -> None:
        from ..core.streams.requests import ResponseRequest

        request = ResponseRequest(params)
        self._client = client
        self._request = request
        self._arguments: dict[str, Any] = {
            "text_format": request.text_format,
            "input_tools": request.tools,
            "starting_after": request.starting_after,
            "early_calls": early_calls,
        }

    def _send(self) -> Any:
        new, stored = _stream_operations()
        request = self._request
        if self._arguments["early_calls"]:
            from ..core.events import get_ready

            get_ready(new.stream)
        if request.response_id is None:
            return self._client._call(new, request.params)
        return self._client._call(stored, request.params, request.response_id)

    def open(self) -> ResponseStream[Any]:
        """Send the request."""
        from ..lib.streaming.responses import ResponseStream

        return ResponseStream(raw_stream=self._send(), **self._arguments)

    async def aopen(self) -> AsyncResponseStream[Any]:
        """Send the request of an asynchronous client."""
        from ..lib.streaming.responses import AsyncResponseStream

        return AsyncResponseStream(raw_stream=await self._send(), **self._arguments)

    async def aopen_calls(self) -> AsyncResponseCallStream:
        """The same for `create_stream_fc`."""
        from ..lib.streaming.calls import AsyncResponseCallStream

        return AsyncResponseCallStream(await self.aopen())


class ResponsesHelpers(SyncAPIResource):
    """What `Responses` does beyond the request."""

    @overload
    def parse(
        self, *, text_format: type | Mapping[str, Any] | Omit = omit, parse_as: type[T], **params: Unpack[_Parse]
    ) -> ParsedResponse[T]: ...

    @overload
    def parse(
        self, *, text_format: type | Mapping[str, Any] | Omit = omit, parse_as: None, **params: Unpack[_Parse]
    ) -> ParsedResponse[None]: ...

    @overload
    def parse(self, *, text_format: type[T], parse_as: Omit = omit, **params: Unpack[_Parse]) -> ParsedResponse[T]: ...

    @overload
    def parse(
        self, *, text_format: Mapping[str, Any], parse_as: Omit = omit, **params: Unpack[_Parse]
    ) -> ParsedResponse[Any]: ...

    @overload
    def parse(
        self, *, text_format: Omit = omit, parse_as: Omit = omit, **params: Unpack[_Parse]
    ) -> ParsedResponse[None]: ...

    def parse(
        self,
        *,
        text_format: type | Mapping[str, Any] | Omit = omit,
        parse_as: type | Mapping[str, Any] | Omit | None = omit,
        **params: Unpack[_Parse],
    ) -> ParsedResponse[Any]:
        """Create a response, and read its text and the arguments of strict functions as objects.

        The text's object is `response.output_parsed` (`None` beside a refusal), that of a call's arguments its `parsed_arguments`.

        Args:
            text_format: a pydantic model or dataclass, a msgspec struct, dataclass, attrs class or TypedDict, whose strict schema
                is sent; or a JSON schema, for plain values.
            parse_as: what to read the text as, if that is not `text_format`; `None` for no object. Nothing is sent for it.
            params: those of `create`.

        Raises:
            TypeError: there is no strict schema for the type, or arguments exclude each other; or as `create`.
            LengthFinishReasonError, ContentFilterFinishReasonError: the text is not whole because the response is incomplete; the error has it.
            StructuredOutputError: the text is not JSON, or does not fit the type; the error has it.
            APIError: the request failed, after any retries.
        """
        result: ParsedResponse[Any] = self._client._call(_operation(), _arguments(text_format, parse_as, params))
        return result

    @overload
    def stream(
        self,
        *,
        text_format: type[T],
        response_id: str | Omit = omit,
        starting_after: int | Omit = omit,
        **params: Unpack[_Stream],
    ) -> ResponseStreamManager[T]: ...

    @overload
    def stream(
        self,
        *,
        text_format: Mapping[str, Any],
        response_id: str | Omit = omit,
        starting_after: int | Omit = omit,
        **params: Unpack[_Stream],
    ) -> ResponseStreamManager[Any]: ...

    @overload
    def stream(
        self,
        *,
        text_format: Omit = omit,
        response_id: str | Omit = omit,
        starting_after: int | Omit = omit,
        **params: Unpack[_Stream],
    ) -> ResponseStreamManager[None]: ...

    def stream(
        self,
        *,
        text_format: type | Mapping[str, Any] | Omit = omit,
        response_id: str | Omit = omit,
        starting_after: int | Omit = omit,
        **params: Unpack[_Stream],
    ) -> ResponseStreamManager[Any]:
        """Create a response and read it as it is written, or read a stored one again.

            with client.responses.stream(model="gpt-5", input="Count to ten") as stream:
                for event in stream:
                    ...
                response = stream.get_final_response()

        The events are those of `create(stream=True)`, some of them with more in them: the text so far, the object of a text that is
        done, the parsed response.

        Args:
            text_format: what to read the text as, see `parse`.
            response_id: of a response that was made with `background=True`, to resume its stream.
            starting_after: the number of the last event that is known, to hand on what follows.
            params: those of `create`, for a new response.

        Raises:
            ValueError: arguments are missing, or exclude each other.
            TypeError: there is no strict schema for the type; or as `create`.
        """
        from ..lib.streaming.responses import ResponseStreamManager

        special = {"text_format": text_format, "response_id": response_id, "starting_after": starting_after}
        return ResponseStreamManager(_Opening(self._client, {**params, **special}).open)

    def create_stream_fc(
        self, *, text_format: type | Mapping[str, Any] | Omit = omit, **params: Unpack[_Stream]
    ) -> ResponseCallStream:
        """Create a response, and get each function call the moment its arguments are complete.

            with client.responses.create_stream_fc(model="gpt-5", input="Weather?", tools=tools) as stream:
                for call in stream:
                    start(call.name, call.arguments)
                response = stream.get_final_response()

        Calls of functions and of custom tools come out, of the tools that the API runs itself none.

        Args:
            params: those of `stream`.

        Raises:
            as `stream`, and as `create`: the request is sent at once.
        """
        from ..lib.streaming.calls import ResponseCallStream

        opening = _Opening(self._client, {**params, "text_format": text_format}, early_calls=True)
        return ResponseCallStream(opening.open())

    @overload
    def run_tools(
        self, *, text_format: type[T], **params: Unpack[ResponseRunParams]
    ) -> ToolRun[ResponseRunEvent, ParsedResponse[T]]: ...

    @overload
    def run_tools(
        self, *, text_format: Mapping[str, Any], **params: Unpack[ResponseRunParams]
    ) -> ToolRun[ResponseRunEvent, ParsedResponse[Any]]: ...

    @overload
    def run_tools(
        self, *, text_format: Omit = omit, **params: Unpack[ResponseRunParams]
    ) -> ToolRun[ResponseRunEvent, Response]: ...

    def run_tools(
        self, *, text_format: type | Mapping[str, Any] | Omit = omit, **params: Unpack[ResponseRunParams]
    ) -> ToolRun[ResponseRunEvent, Any]:
        """Run the agent loop: ask, execute the tools that the model calls, send their outputs back, until it has its answer.

        Each call is executed as soon as its arguments are complete, while the response is still being generated, and calls run
        concurrently (in threads).

            with client.responses.run_tools(model="gpt-5", input="Is it nice in Paris?", tools=[get_weather]) as run:
                for event in run:
                    print(event.type)
            print(run.get_final_response().output_text)

        Args:
            text_format: what the answer is parsed to, as in `parse`: `run.get_final_response().output_parsed`.
            tools: made by `openai_tool`, plain functions, and definitions of hosted tools.
            context: for the tools that have a parameter of the type `ToolContext`.
            functions: what executes tools that are given as definitions, by name: called with the decoded arguments.
            max_turns: the number of requests, at most.
            deadline: seconds for the whole run. What is being executed then is cancelled; in threads it is waited for.
            max_concurrent: how many calls are executed at the same time, at most.
            early: whether calls are executed while the response is being generated; or the names of the tools that may be.
            on_error: where a tool's exception goes: `"model"` (as the call's output), `"raise"` (here), or to a function that
                makes the output of it. Arguments that don't fit always go to the model.
            approve: asked about each request of an MCP server, and each call of a tool with `needs_approval`; returns `True`, `False`,
                or `None` to end the run with the reason `"pending"`, as it does without this function.
            approvals, outputs: answers to what a run waited for, by the id of the request or call, together with `resume`.
            stop_when: called after each turn that is not the last; the run ends if it returns something true.
            save: called with a checkpoint before and after each execution and after each turn.
            resume: a checkpoint to go on from. If that run came to its answer, `input` is what to say further; otherwise it is
                not looked at, so that the same call can be made again.
            context_budget: limits of what a request carries.
            carry_input: whether each request has the whole conversation instead of `previous_response_id`; without it, `store=False` decides.
            over: what streams the turns instead of this client: anything with a `create` such as this one's, like a WebSocket session.
            params: those of `create`. A `tool_choice` that forces a call holds for the first turn.

        Raises:
            TypeError: a tool is a coroutine function, or has no schema.
            ValueError: an argument has a value it can't have.
        """
        from ..core.tools.dialog import ResponseDialog
        from .tool_run import ToolRun, start

        run: ToolRun[ResponseRunEvent, Any]
        run = start(self, ToolRun, ResponseDialog, {**params, "text_format": text_format})
        return run


class AsyncResponsesHelpers(AsyncAPIResource):
    """What `AsyncResponses` does beyond the request."""

    @overload
    async def parse(
        self, *, text_format: type | Mapping[str, Any] | Omit = omit, parse_as: type[T], **params: Unpack[_Parse]
    ) -> ParsedResponse[T]: ...

    @overload
    async def parse(
        self, *, text_format: type | Mapping[str, Any] | Omit = omit, parse_as: None, **params: Unpack[_Parse]
    ) -> ParsedResponse[None]: ...

    @overload
    async def parse(
        self, *, text_format: type[T], parse_as: Omit = omit, **params: Unpack[_Parse]
    ) -> ParsedResponse[T]: ...

    @overload
    async def parse(
        self, *, text_format: Mapping[str, Any], parse_as: Omit = omit, **params: Unpack[_Parse]
    ) -> ParsedResponse[Any]: ...

    @overload
    async def parse(
        self, *, text_format: Omit = omit, parse_as: Omit = omit, **params: Unpack[_Parse]
    ) -> ParsedResponse[None]: ...

    async def parse(
        self,
        *,
        text_format: type | Mapping[str, Any] | Omit = omit,
        parse_as: type | Mapping[str, Any] | Omit | None = omit,
        **params: Unpack[_Parse],
    ) -> ParsedResponse[Any]:
        """Create a response, and read it as objects; see `Responses.parse`."""
        result: ParsedResponse[Any] = await self._client._call(_operation(), _arguments(text_format, parse_as, params))
        return result

    @overload
    def stream(
        self,
        *,
        text_format: type[T],
        response_id: str | Omit = omit,
        starting_after: int | Omit = omit,
        **params: Unpack[_Stream],
    ) -> AsyncResponseStreamManager[T]: ...

    @overload
    def stream(
        self,
        *,
        text_format: Mapping[str, Any],
        response_id: str | Omit = omit,
        starting_after: int | Omit = omit,
        **params: Unpack[_Stream],
    ) -> AsyncResponseStreamManager[Any]: ...

    @overload
    def stream(
        self,
        *,
        text_format: Omit = omit,
        response_id: str | Omit = omit,
        starting_after: int | Omit = omit,
        **params: Unpack[_Stream],
    ) -> AsyncResponseStreamManager[None]: ...

    def stream(
        self,
        *,
        text_format: type | Mapping[str, Any] | Omit = omit,
        response_id: str | Omit = omit,
        starting_after: int | Omit = omit,
        **params: Unpack[_Stream],
    ) -> AsyncResponseStreamManager[Any]:
        """Create a response and read it as it is written, or read a stored one again; see `Responses.stream`."""
        from ..lib.streaming.responses import AsyncResponseStreamManager

        special = {"text_format": text_format, "response_id": response_id, "starting_after": starting_after}
        return AsyncResponseStreamManager(_Opening(self._client, {**params, **special}).aopen)

    def create_stream_fc(
        self, *, text_format: type | Mapping[str, Any] | Omit = omit, **params: Unpack[_Stream]
    ) -> AsyncCallStreamManager[AsyncResponseCallStream]:
        """Create a response, and get each function call the moment its arguments are complete; see `Responses.create_stream_fc`.

        What this returns is awaited, entered with `async with`, or iterated over; that sends the request.
        """
        from ..lib.streaming.calls import AsyncCallStreamManager

        opening = _Opening(self._client, {**params, "text_format": text_format}, early_calls=True)
        return AsyncCallStreamManager(opening.aopen_calls)

    @overload
    def run_tools(
        self, *, text_format: type[T], **params: Unpack[ResponseRunParams]
    ) -> AsyncToolRun[ResponseRunEvent, ParsedResponse[T]]: ...

    @overload
    def run_tools(
        self, *, text_format: Mapping[str, Any], **params: Unpack[ResponseRunParams]
    ) -> AsyncToolRun[ResponseRunEvent, ParsedResponse[Any]]: ...

    @overload
    def run_tools(
        self, *, text_format: Omit = omit, **params: Unpack[ResponseRunParams]
    ) -> AsyncToolRun[ResponseRunEvent, Response]: ...

    def run_tools(
        self, *, text_format: type | Mapping[str, Any] | Omit = omit, **params: Unpack[ResponseRunParams]
    ) -> AsyncToolRun[ResponseRunEvent, Any]:
        """Run the agent loop, with tools in tasks (plain functions in threads); see `Responses.run_tools`.

            response = await client.responses.run_tools(model="gpt-5", input="Is it nice in Paris?", tools=[get_weather])

        To iterate over its events enter it: `async with client.responses.run_tools(...) as run`.
        """
        from ..core.tools.dialog import ResponseDialog
        from .tool_run import AsyncToolRun, start

        run: AsyncToolRun[ResponseRunEvent, Any]
        run = start(self, AsyncToolRun, ResponseDialog, {**params, "text_format": text_format})
        return run
