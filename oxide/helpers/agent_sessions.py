"""`client.beta.agents.sessions`: `create` with handlers and a type for the first turn; `stream`, one turn from its input to its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._resource import AsyncAPIResource, SyncAPIResource
from ..core.sentinels import NotGiven, Omit, not_given, omit

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._resource import CallOptions
    from ..core.timeouts import Timeout
    from ..lib.streaming.agents import (
        AgentSessionEventStream,
        AgentSessionStream,
        AsyncAgentSessionEventStream,
        AsyncAgentSessionStream,
        AsyncToolErrorHandler,
        AsyncToolHandler,
        ToolErrorHandler,
        ToolHandler,
    )
    from ..types.beta.agent_session import AgentSession
    from ..types.beta.agent_session_input_message_param import AgentSessionInputMessageParam
    from ..types.beta.agents.session_create_params import (
        SessionCreateParamsBase,
        SessionCreateParamsNonStreaming,
        SessionCreateParamsStreaming,
    )

    class _Create(SessionCreateParamsNonStreaming, CallOptions, total=False):
        pass

    class _CreateStreaming(SessionCreateParamsStreaming, CallOptions, total=False):
        pass

    class _CreateEither(SessionCreateParamsBase, CallOptions, total=False):
        stream: bool | None


__all__ = ["AsyncSessionsHelpers", "SessionsHelpers"]

OutputT = TypeVar("OutputT")


def _create_arguments(output_type: Any, tool_handlers: Any, params: Any) -> dict[str, Any]:
    """The parameters of the request, with the schema of the type."""
    values = dict(params)
    if tool_handlers is not None and values.get("stream") is not True:
        raise ValueError("tool_handlers are called while the events are read: pass stream=True")
    if output_type is not None:
        from ..core.structured import format_of

        agent = values.get("agent")
        agent = {} if agent is None or isinstance(agent, (Omit, NotGiven)) else dict(agent)
        text = dict(agent.get("text") or {})
        if text.get("format") is not None:
            raise ValueError("pass either output_type or agent.text.format, not both")
        text["format"] = {"type": "json_schema", "schema": format_of(output_type).schema}
        values["agent"] = {**agent, "text": text}
    return values


def _options_of(params: Any) -> dict[str, Any]:
    from ..core.streams.agents import options

    return options(params.get("extra_headers"), params.get("timeout", not_given))


class SessionsHelpers(SyncAPIResource):
    """What `Sessions` does beyond the request."""

    @overload
    def create(
        self, *, output_type: type[Any] | None = None, tool_handlers: None = None, **params: Unpack[_Create]
    ) -> AgentSession: ...

    @overload
    def create(
        self,
        *,
        output_type: type[OutputT] | None = None,
        tool_handlers: Mapping[str, ToolHandler] | None = None,
        **params: Unpack[_CreateStreaming],
    ) -> AgentSessionEventStream[OutputT]: ...

    @overload
    def create(
        self,
        *,
        output_type: type[OutputT] | None = None,
        tool_handlers: Mapping[str, ToolHandler] | None = None,
        **params: Unpack[_CreateEither],
    ) -> AgentSession | AgentSessionEventStream[OutputT]: ...

    def create(
        self,
        *,
        output_type: type[Any] | None = None,
        tool_handlers: Mapping[str, ToolHandler] | None = None,
        **params: Any,
    ) -> Any:
        """Create a session: `POST /agents/sessions`. With `stream=True` its events come back, with `get_final_result` for the first turn.

        Args:
            output_type: what `get_final_result` reads the text as; its schema is sent as the format of the agent's text.
            tool_handlers: functions by name that answer calls while the events are read; see `stream`.
            params: of the request.

        Raises:
            ValueError: there are handlers and no stream, or two formats.
            TypeError: there is no strict schema for the type; a parameter is unknown or missing.
            APIStatusError: the server refused, after any retries.
            APIConnectionError: no answer came; `APITimeoutError` if it took too long.
        """
        from ..streaming import Stream

        sessions: Any = self
        created = sessions._create(**_create_arguments(output_type, tool_handlers, params))
        if not isinstance(created, Stream):
            return created
        from ..lib.streaming.agents import AgentSessionEventStream

        return AgentSessionEventStream(created, self, output_type, tool_handlers, _options_of(params))

    def stream(
        self,
        session_id: str,
        *,
        input: str | Iterable[AgentSessionInputMessageParam],
        output_type: type[OutputT] | None = None,
        tool_handlers: Mapping[str, ToolHandler] | None = None,
        on_tool_error: ToolErrorHandler | None = None,
        idempotency_key: str | Omit = omit,
        extra_headers: Mapping[str, Any] | None = None,
        timeout: float | Timeout | NotGiven | None = not_given,
    ) -> AgentSessionStream[OutputT]:
        """Give an idle session input, and stream the turn that comes of it.

        Args:
            session_id: the session's.
            input: a user's message, or messages.
            output_type: what `get_final_result` reads the text as: a type as `responses.parse` takes it.
            tool_handlers: functions by name, which get their arguments as a dict. What one returns is sent: text, an object, parts of content or nothing.
                If it raises, the model is told that the call failed, and not why.
            on_tool_error: is told what went wrong with a call.
            idempotency_key: under which the input is taken once; made up if it is left out.
            extra_headers, timeout: of each request, as in every method.

        Raises:
            ValueError: the input is empty; or, on entering, the session is not idle.
            TypeError: there is no strict schema for the type.
        """
        from ..lib.streaming.agents import AgentSessionStream

        return AgentSessionStream(
            self,
            session_id,
            input=input,
            output_type=output_type,
            tool_handlers=tool_handlers,
            on_tool_error=on_tool_error,
            idempotency_key=idempotency_key,
            extra_headers=extra_headers,
            timeout=timeout,
        )


class AsyncSessionsHelpers(AsyncAPIResource):
    """What `AsyncSessions` does beyond the request."""

    @overload
    async def create(
        self, *, output_type: type[Any] | None = None, tool_handlers: None = None, **params: Unpack[_Create]
    ) -> AgentSession: ...

    @overload
    async def create(
        self,
        *,
        output_type: type[OutputT] | None = None,
        tool_handlers: Mapping[str, AsyncToolHandler] | None = None,
        **params: Unpack[_CreateStreaming],
    ) -> AsyncAgentSessionEventStream[OutputT]: ...

    @overload
    async def create(
        self,
        *,
        output_type: type[OutputT] | None = None,
        tool_handlers: Mapping[str, AsyncToolHandler] | None = None,
        **params: Unpack[_CreateEither],
    ) -> AgentSession | AsyncAgentSessionEventStream[OutputT]: ...

    async def create(
        self,
        *,
        output_type: type[Any] | None = None,
        tool_handlers: Mapping[str, AsyncToolHandler] | None = None,
        **params: Any,
    ) -> Any:
        """Create a session; see `Sessions.create`."""
        from ..streaming import AsyncStream

        sessions: Any = self
        created = await sessions._create(**_create_arguments(output_type, tool_handlers, params))
        if not isinstance(created, AsyncStream):
            return created
        from ..lib.streaming.agents import AsyncAgentSessionEventStream

        return AsyncAgentSessionEventStream(created, self, output_type, tool_handlers, _options_of(params))

    def stream(
        self,
        session_id: str,
        *,
        input: str | Iterable[AgentSessionInputMessageParam],
        output_type: type[OutputT] | None = None,
        tool_handlers: Mapping[str, AsyncToolHandler] | None = None,
        on_tool_error: AsyncToolErrorHandler | None = None,
        idempotency_key: str | Omit = omit,
        extra_headers: Mapping[str, Any] | None = None,
        timeout: float | Timeout | NotGiven | None = not_given,
    ) -> AsyncAgentSessionStream[OutputT]:
        """Give an idle session input, and stream the turn that comes of it; see `Sessions.stream`."""
        from ..lib.streaming.agents import AsyncAgentSessionStream

        return AsyncAgentSessionStream(
            self,
            session_id,
            input=input,
            output_type=output_type,
            tool_handlers=tool_handlers,
            on_tool_error=on_tool_error,
            idempotency_key=idempotency_key,
            extra_headers=extra_headers,
            timeout=timeout,
        )
