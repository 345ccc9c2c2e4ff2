"""Responses over a WebSocket connection that stays open: sessions, and their lanes.

    with client.ws_session(model="gpt-5") as session:
        print(session.send("Say hi").output_text)
        for event in session.send_stream("And now in French"):
            ...

A session carries the conversation along: each turn goes on from the one before, unless `previous_response_id` is given (`None` for none).
What is to run at the same time goes on lanes of its own, `session.lane()`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from ._session_events import AsyncResponseEvents, ResponseEvents
from .core.sentinels import Omit, omit
from .core.ws_session import MAX_AGE, SessionConfig, SessionState, begin
from .core.ws_turns import SessionLane

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ._client import AsyncOpenAI, OpenAI
    from ._resource import CallOptions
    from ._session_calls import AsyncSessionCalls, SessionCalls
    from .core.tools.run_events import ResponseRunEvent
    from .core.ws_router import ResponsesWebSocketLimits
    from .helpers._run_params import ResponseRunParams
    from .helpers.tool_run import AsyncToolRun, ToolRun
    from .types.responses.parsed_response import ParsedResponse
    from .types.responses.response import Response
    from .types.responses.response_create_params import ResponseCreateParamsBase
    from .types.responses.response_input_param import ResponseInputParam

    class TurnParams(ResponseCreateParamsBase, CallOptions, total=False):
        """What a turn takes: the parameters of `responses.create`, but for `stream` and `background`."""


__all__ = [
    "AsyncResponseEvents",
    "AsyncWsLane",
    "AsyncWsSession",
    "ResponseEvents",
    "WsLane",
    "WsSession",
]


T = TypeVar("T")


def _with_input(input: Any, params: Mapping[str, Any]) -> Mapping[str, Any]:
    if input is None:
        return params
    if "input" in params:
        raise TypeError("input is given twice: once by position, and once by name")
    return {"input": input, **params}


class BaseLane:
    """A conversation of a session."""

    def __init__(self, client: Any, state: SessionState, lane: SessionLane, io: Any) -> None:
        self._client = client
        self._state = state
        self._lane = lane
        self._io = io
        self._run = client._run

    @property
    def stream_id(self) -> str | None:
        """The lane's name; `None` for that of the session itself."""
        return self._lane.stream_id

    @property
    def previous_response_id(self) -> str | None:
        """What the next turn goes on from; it can be set."""
        return self._lane.previous_response_id

    @previous_response_id.setter
    def previous_response_id(self, value: str | None) -> None:
        self._lane.previous_response_id = value
        self._lane.anchor = None

    def _begin(self, input: Any, params: Mapping[str, Any], generate: bool = True) -> Any:
        return begin(self._state, self._lane, _with_input(input, params), generate)

    def _parsing(
        self, input: Any, text_format: Any, parse_as: Any, params: Mapping[str, Any]
    ) -> tuple[dict[str, Any], Callable[[Any], Any]]:
        from .core.parsing import response_parsing

        given = {**_with_input(input, params), "text_format": text_format, "parse_as": parse_as}
        return response_parsing(self._state.config.params, given)


class WsLane(BaseLane):
    """A conversation on a WebSocket session; one response at a time. Lanes of a session run at the same time.

    All of its methods take what `client.responses.create` takes, but for `stream` and `background`, and the input by position as well.
    """

    def send(self, input: str | ResponseInputParam | None = None, /, **params: Unpack[TurnParams]) -> Response:
        """Ask, and wait for the whole response; failed and incomplete ones are given back, too.

        Raises:
            ResponsesWebSocketError: the server answered with an error.
            APIConnectionError: the connection was lost. A turn of which nothing had come is sent again first, as often as the client's
                `max_retries` say.
            APITimeoutError: a timeout passed.
            RuntimeError: there is a response on this lane that is not over.
        """
        with self.send_stream(input, **params) as events:
            return events.get_final_response()

    def send_stream(
        self, input: str | ResponseInputParam | None = None, /, **params: Unpack[TurnParams]
    ) -> ResponseEvents:
        """Ask; the events as they arrive. Returns with the first of them. Raises as `send`."""
        return ResponseEvents(self._run(self._begin(input, params), self._io))

    @overload
    def create(self, *, stream: Literal[True], **params: Unpack[TurnParams]) -> ResponseEvents: ...
    @overload
    def create(self, *, stream: Literal[False] | None = None, **params: Unpack[TurnParams]) -> Response: ...
    def create(self, *, stream: bool | None = None, **params: Any) -> Response | ResponseEvents:
        """`send`, or with `stream=True` `send_stream`: for code that has `client.responses` in its place otherwise."""
        return self.send_stream(**params) if stream else self.send(**params)

    @overload
    def parse(
        self,
        input: str | ResponseInputParam | None = None,
        /,
        *,
        text_format: type[T],
        parse_as: Omit = omit,
        **params: Unpack[TurnParams],
    ) -> ParsedResponse[T]: ...
    @overload
    def parse(
        self,
        input: str | ResponseInputParam | None = None,
        /,
        *,
        text_format: type | Mapping[str, Any] | Omit = omit,
        parse_as: type[T],
        **params: Unpack[TurnParams],
    ) -> ParsedResponse[T]: ...
    @overload
    def parse(
        self,
        input: str | ResponseInputParam | None = None,
        /,
        *,
        text_format: type | Mapping[str, Any] | Omit = omit,
        parse_as: Omit | None = omit,
        **params: Unpack[TurnParams],
    ) -> ParsedResponse[Any]: ...
    def parse(
        self,
        input: str | ResponseInputParam | None = None,
        /,
        *,
        text_format: type | Mapping[str, Any] | Omit = omit,
        parse_as: type | Mapping[str, Any] | Omit | None = omit,
        **params: Unpack[TurnParams],
    ) -> ParsedResponse[Any]:
        """Ask, and read the answer's text and the arguments of strict functions as objects; see `client.responses.parse`.

        Raises:
            StructuredOutputError: the text is not JSON, or does not fit the type; LengthFinishReasonError, ContentFilterFinishReasonError
                where the reason is that the response is incomplete.
            TypeError: there is no strict schema for the type.
            Exception: as `send`.
        """
        request, finish = self._parsing(input, text_format, parse_as, params)
        parsed: ParsedResponse[Any] = finish(self.send(**request))
        return parsed

    def create_stream_fc(
        self, input: str | ResponseInputParam | None = None, /, **params: Unpack[TurnParams]
    ) -> SessionCalls:
        """Ask; each function call the moment its arguments are complete. Raises as `send`."""
        from ._session_calls import SessionCalls

        return SessionCalls(self.send_stream(input, **params))

    @overload
    def run_tools(
        self, *, text_format: type[T], **params: Unpack[ResponseRunParams]
    ) -> ToolRun[ResponseRunEvent, ParsedResponse[T]]: ...
    @overload
    def run_tools(
        self, *, text_format: Omit = omit, **params: Unpack[ResponseRunParams]
    ) -> ToolRun[ResponseRunEvent, Response]: ...
    @overload
    def run_tools(
        self, *, text_format: Mapping[str, Any], **params: Unpack[ResponseRunParams]
    ) -> ToolRun[ResponseRunEvent, ParsedResponse[Any]]: ...
    def run_tools(
        self, *, text_format: type | Mapping[str, Any] | Omit = omit, **params: Unpack[ResponseRunParams]
    ) -> ToolRun[ResponseRunEvent, Any]:
        """Run the agent loop on this lane; see `client.responses.run_tools`."""
        run: ToolRun[ResponseRunEvent, Any]
        run = self._client.responses.run_tools(text_format=text_format, **{**params, "over": self})
        return run

    def warmup(self, input: str | ResponseInputParam | None = None, /, **params: Unpack[TurnParams]) -> Response:
        """Have the server take in instructions, tools and input without generating anything; the next turn goes on from there.

        Raises as `send`.
        """
        turn = self._run(self._begin([] if input is None and "input" not in params else input, params, False), self._io)
        with ResponseEvents(turn) as events:
            return events.get_final_response()

    def close(self) -> None:
        """Give the lane up. A response that is going on is, too; the session stays."""
        self._state.close_lane(self._lane)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()


class AsyncWsLane(BaseLane):
    """The same as `WsLane`, for asyncio and trio."""

    async def send(self, input: str | ResponseInputParam | None = None, /, **params: Unpack[TurnParams]) -> Response:
        """Ask, and wait for the whole response; failed and incomplete ones are given back, too. Raises as `WsLane.send`."""
        async with await self.send_stream(input, **params) as events:
            return await events.get_final_response()

    async def send_stream(
        self, input: str | ResponseInputParam | None = None, /, **params: Unpack[TurnParams]
    ) -> AsyncResponseEvents:
        """Ask; the events as they arrive. Returns with the first of them. Raises as `send`."""
        return AsyncResponseEvents(await self._run(self._begin(input, params), self._io))

    @overload
    async def create(self, *, stream: Literal[True], **params: Unpack[TurnParams]) -> AsyncResponseEvents: ...
    @overload
    async def create(self, *, stream: Literal[False] | None = None, **params: Unpack[TurnParams]) -> Response: ...
    async def create(self, *, stream: bool | None = None, **params: Any) -> Response | AsyncResponseEvents:
        """`send`, or with `stream=True` `send_stream`: for code that has `client.responses` in its place otherwise."""
        return await (self.send_stream(**params) if stream else self.send(**params))

    @overload
    async def parse(
        self,
        input: str | ResponseInputParam | None = None,
        /,
        *,
        text_format: type[T],
        parse_as: Omit = omit,
        **params: Unpack[TurnParams],
    ) -> ParsedResponse[T]: ...
    @overload
    async def parse(
        self,
        input: str | ResponseInputParam | None = None,
        /,
        *,
        text_format: type | Mapping[str, Any] | Omit = omit,
        parse_as: type[T],
        **params: Unpack[TurnParams],
    ) -> ParsedResponse[T]: ...
    @overload
    async def parse(
        self,
        input: str | ResponseInputParam | None = None,
        /,
        *,
        text_format: type | Mapping[str, Any] | Omit = omit,
        parse_as: Omit | None = omit,
        **params: Unpack[TurnParams],
    ) -> ParsedResponse[Any]: ...
    async def parse(
        self,
        input: str | ResponseInputParam | None = None,
        /,
        *,
        text_format: type | Mapping[str, Any] | Omit = omit,
        parse_as: type | Mapping[str, Any] | Omit | None = omit,
        **params: Unpack[TurnParams],
    ) -> ParsedResponse[Any]:
        """Ask, and read the answer as objects; see `WsLane.parse`."""
        request, finish = self._parsing(input, text_format, parse_as, params)
        parsed: ParsedResponse[Any] = finish(await self.send(**request))
        return parsed

    async def create_stream_fc(
        self, input: str | ResponseInputParam | None = None, /, **params: Unpack[TurnParams]
    ) -> AsyncSessionCalls:
        """Ask; each function call the moment its arguments are complete. Raises as `send`."""
        from ._session_calls import AsyncSessionCalls

        return AsyncSessionCalls(await self.send_stream(input, **params))

    @overload
    def run_tools(
        self, *, text_format: type[T], **params: Unpack[ResponseRunParams]
    ) -> AsyncToolRun[ResponseRunEvent, ParsedResponse[T]]: ...
    @overload
    def run_tools(
        self, *, text_format: Omit = omit, **params: Unpack[ResponseRunParams]
    ) -> AsyncToolRun[ResponseRunEvent, Response]: ...
    @overload
    def run_tools(
        self, *, text_format: Mapping[str, Any], **params: Unpack[ResponseRunParams]
    ) -> AsyncToolRun[ResponseRunEvent, ParsedResponse[Any]]: ...
    def run_tools(
        self, *, text_format: type | Mapping[str, Any] | Omit = omit, **params: Unpack[ResponseRunParams]
    ) -> AsyncToolRun[ResponseRunEvent, Any]:
        """Run the agent loop on this lane; see `client.responses.run_tools`."""
        run: AsyncToolRun[ResponseRunEvent, Any]
        run = self._client.responses.run_tools(text_format=text_format, **{**params, "over": self})
        return run

    async def warmup(self, input: str | ResponseInputParam | None = None, /, **params: Unpack[TurnParams]) -> Response:
        """Have the server take in instructions, tools and input without generating anything; the next turn goes on from there.

        Raises as `send`.
        """
        turn = await self._run(
            self._begin([] if input is None and "input" not in params else input, params, False), self._io
        )
        async with AsyncResponseEvents(turn) as events:
            return await events.get_final_response()

    async def close(self) -> None:
        """Give the lane up. A response that is going on is, too; the session stays."""
        self._state.close_lane(self._lane)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()


def session_config(
    client: OpenAI | AsyncOpenAI,
    params: Mapping[str, Any],
    *,
    limits: ResponsesWebSocketLimits | None = None,
    max_age: float | None = MAX_AGE,
    extra_query: Mapping[str, object] | None = None,
    extra_headers: Mapping[str, Any] | None = None,
    websocket_connection_options: Mapping[str, Any] | None = None,
) -> SessionConfig:
    """What a session of this client is like."""
    from .resources.responses.responses import _CONNECT, _CREATE

    return SessionConfig(
        client._builder,
        _CREATE,
        _CONNECT,
        params,
        limits=limits,
        max_age=max_age,
        query=extra_query,
        headers=extra_headers,
        options=websocket_connection_options,
    )


class WsSession(WsLane):
    """A WebSocket session: a conversation of its own, and lanes for others. Any thread may use it, a lane one thread at a time.

    The connection is opened on entering the `with` block, or by the first turn, and again whenever that is needed. It is made by `client.ws_session`.
    """

    def __init__(self, client: OpenAI, config: SessionConfig) -> None:
        from .io.sync.lanes import SessionIO

        state = SessionState(config)
        io = SessionIO(client._websocket_io().transport, config.channel.events)
        super().__init__(client, state, state.default, io)

    def lane(self, stream_id: str | None = None) -> WsLane:
        """A lane for what is to run at the same time.

        Args:
            stream_id: its name; one of its own by default.

        Raises:
            ValueError: that is no name, or taken; or there are as many lanes as there can be.
        """
        return WsLane(self._client, self._state, self._state.lane(stream_id), self._io)

    def open(self) -> None:
        """Open the connection now, if there is none. Raises as `send`."""
        self._io.desk(self._state, self._lane)

    @property
    def is_stale(self) -> bool:
        """Whether the next turn would have to open a connection."""
        return self._state.is_stale

    def close(self) -> None:
        """Close the session with all of its lanes."""
        for desk in self._state.close():
            desk.close()

    def __enter__(self) -> Self:
        self.open()
        return self


class AsyncWsSession(AsyncWsLane):
    """The same as `WsSession`, for asyncio and trio."""

    def __init__(self, client: AsyncOpenAI, config: SessionConfig) -> None:
        from .io.aio.lanes import SessionIO

        state = SessionState(config)
        io = SessionIO(client._websocket_io().transport, config.channel.events)
        super().__init__(client, state, state.default, io)

    def lane(self, stream_id: str | None = None) -> AsyncWsLane:
        """A lane for what is to run at the same time. As `WsSession.lane`."""
        return AsyncWsLane(self._client, self._state, self._state.lane(stream_id), self._io)

    async def open(self) -> None:
        """Open the connection now, if there is none. Raises as `send`."""
        await self._io.desk(self._state, self._lane)

    @property
    def is_stale(self) -> bool:
        """Whether the next turn would have to open a connection."""
        return self._state.is_stale

    async def close(self) -> None:
        """Close the session with all of its lanes."""
        for desk in self._state.close():
            await desk.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self
