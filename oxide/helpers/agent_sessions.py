"""`client.beta.agents.sessions.stream`: one turn of an idle session, from its input to its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from .._resource import AsyncAPIResource, SyncAPIResource
from ..core.sentinels import NotGiven, Omit, not_given, omit

if TYPE_CHECKING:
    from ..core.timeouts import Timeout
    from ..lib.streaming.agents import (
        AgentSessionStream,
        AsyncAgentSessionStream,
        AsyncToolErrorHandler,
        AsyncToolHandler,
        ToolErrorHandler,
        ToolHandler,
    )
    from ..types.beta.agent_session_input_message_param import AgentSessionInputMessageParam

__all__ = ["AsyncSessionsHelpers", "SessionsHelpers"]

OutputT = TypeVar("OutputT")


class SessionsHelpers(SyncAPIResource):
    """What `Sessions` does in several requests."""

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
    """What `AsyncSessions` does in several requests."""

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
