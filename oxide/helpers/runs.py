"""`client.beta.threads.runs`: starting a run, or giving it what it asked for, and waiting until it stops or reading its stream."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._resource import AsyncAPIResource, Operation, SyncAPIResource, deprecated
from ..core.flow import Flow, Invoke
from ..core.polling import poll
from ..core.sentinels import Omit, not_given, omit
from ._run import arun, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Unpack

    from .._client import AsyncOpenAI, OpenAI
    from .._resource import CallOptions
    from ..core.sentinels import NotGiven
    from ..core.timeouts import Timeout
    from ..lib.streaming import (
        AssistantEventHandler,
        AssistantStreamManager,
        AsyncAssistantEventHandler,
        AsyncAssistantStreamManager,
    )
    from ..types.beta.threads.run import Run
    from ..types.beta.threads.run_create_params import RunCreateParamsBase
    from ..types.beta.threads.run_submit_tool_outputs_params import ToolOutput

    class _Create(RunCreateParamsBase, CallOptions, total=False):
        pass

    HandlerT = TypeVar("HandlerT", bound=AssistantEventHandler)
    AsyncHandlerT = TypeVar("AsyncHandlerT", bound=AsyncAssistantEventHandler)


__all__ = ["AsyncRunsHelpers", "RunsHelpers", "poll_run", "run_stream"]

_FINAL = frozenset({"requires_action", "cancelled", "completed", "failed", "expired", "incomplete"})
_OPTIONS = ("extra_headers", "extra_query", "extra_body", "timeout", "strict")


def _is_pending(run: Run) -> bool:
    return run.status not in _FINAL


def poll_run(
    client: OpenAI | AsyncOpenAI,
    run_id: str,
    thread_id: str,
    interval: int | Omit,
    params: Mapping[str, Any],
) -> Flow[Run]:
    """Retrieve a run until it stops; those of `params` that every method takes go along."""
    options = {name: params[name] for name in _OPTIONS if name in params}
    headers = options.pop("extra_headers", None)
    retrieve = partial(client.beta.threads.runs.retrieve, run_id, thread_id=thread_id, **options)
    return poll(retrieve, _is_pending, interval, headers=headers)


def _create_and_poll(client: OpenAI | AsyncOpenAI, thread_id: str, interval: int | Omit, params: Any) -> Flow[Run]:
    started: Run = yield Invoke(client.beta.threads.runs.create, thread_id, stream=False, **params)
    return (yield from poll_run(client, started.id, thread_id, interval, params))


def _submit_and_poll(
    client: OpenAI | AsyncOpenAI,
    outputs: Iterable[ToolOutput],
    run_id: str,
    thread_id: str,
    interval: int | Omit,
    params: Any,
) -> Flow[Run]:
    submit: Any = client.beta.threads.runs.submit_tool_outputs
    started: Run = yield Invoke(submit, run_id, thread_id=thread_id, tool_outputs=outputs, stream=False, **params)
    return (yield from poll_run(client, started.id, thread_id, interval, params))


def run_stream(
    client: OpenAI | AsyncOpenAI, operation: Operation, event_handler: Any, params: Any, *path_values: str
) -> Any:
    """The manager of an operation's stream, whose events a handler gets: `event_handler`, or one that only hands them on."""
    from ..lib import streaming

    if not all(path_values):
        raise ValueError("the ids of the thread and the run must not be empty")
    request = partial(client._call, operation, {**params, "stream": True}, *path_values)
    if client._asynchronous:
        return streaming.AsyncAssistantStreamManager(
            request, event_handler=event_handler or streaming.AsyncAssistantEventHandler()
        )
    return streaming.AssistantStreamManager(request, event_handler=event_handler or streaming.AssistantEventHandler())


@cache
def _operations() -> tuple[Operation, Operation]:
    # The resource imports this module.
    from ..resources.beta.threads.runs.runs import _CREATE, _SUBMIT_TOOL_OUTPUTS

    return _CREATE, _SUBMIT_TOOL_OUTPUTS


class RunsHelpers(SyncAPIResource):
    """What `Runs` does in several requests."""

    @deprecated(
        "client.beta.threads.runs.create_and_poll is deprecated: the Assistants API makes way for the Responses API"
    )
    def create_and_poll(self, *, thread_id: str, poll_interval_ms: int | Omit = omit, **params: Unpack[_Create]) -> Run:
        """Start a run and wait until it stops; see `create` for the parameters and `poll` for the waiting."""
        return run(self._client, _create_and_poll(self._client, thread_id, poll_interval_ms, params))

    @deprecated("client.beta.threads.runs.poll is deprecated: the Assistants API makes way for the Responses API")
    def poll(
        self,
        run_id: str,
        thread_id: str,
        extra_headers: Mapping[str, Any] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: object | None = None,
        timeout: float | Timeout | NotGiven | None = not_given,
        poll_interval_ms: int | Omit = omit,
    ) -> Run:
        """Retrieve a run until it stops: it is at its end, or needs the outputs of tools. Its `status` tells which.

        Args:
            run_id: the run's.
            thread_id: the thread's.
            extra_headers, extra_query, extra_body, timeout: of each request, as in every method.
            poll_interval_ms: milliseconds between two requests; without it what the server advises, or a second.

        Raises:
            APIError: a request failed, after any retries.
        """
        params = {
            "extra_headers": extra_headers,
            "extra_query": extra_query,
            "extra_body": extra_body,
            "timeout": timeout,
        }
        return run(self._client, poll_run(self._client, run_id, thread_id, poll_interval_ms, params))

    @deprecated(
        "client.beta.threads.runs.submit_tool_outputs_and_poll is deprecated: the Assistants API makes way for the Responses API"
    )
    def submit_tool_outputs_and_poll(
        self,
        *,
        tool_outputs: Iterable[ToolOutput],
        run_id: str,
        thread_id: str,
        poll_interval_ms: int | Omit = omit,
        **params: Unpack[CallOptions],
    ) -> Run:
        """Give a run the outputs of its tools and wait until it stops again; see `submit_tool_outputs` and `poll`."""
        flow = _submit_and_poll(self._client, tool_outputs, run_id, thread_id, poll_interval_ms, params)
        return run(self._client, flow)

    @overload
    @deprecated(
        "client.beta.threads.runs.create_and_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def create_and_stream(
        self, *, thread_id: str, event_handler: None = None, **params: Unpack[_Create]
    ) -> AssistantStreamManager[AssistantEventHandler]: ...

    @overload
    @deprecated(
        "client.beta.threads.runs.create_and_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def create_and_stream(
        self, *, thread_id: str, event_handler: HandlerT, **params: Unpack[_Create]
    ) -> AssistantStreamManager[HandlerT]: ...

    @deprecated(
        "client.beta.threads.runs.create_and_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def create_and_stream(
        self, *, thread_id: str, event_handler: AssistantEventHandler | None = None, **params: Unpack[_Create]
    ) -> AssistantStreamManager[Any]:
        """Start a run and read its stream: `with` sends the request and gives the event handler.

        Args:
            event_handler: an object of a subclass, with callbacks; without it one that only hands the events on.
            params: those of `create`.

        Raises:
            ValueError: the thread's id is empty.
        """
        manager: AssistantStreamManager[Any] = run_stream(
            self._client, _operations()[0], event_handler, params, thread_id
        )
        return manager

    @overload
    @deprecated("client.beta.threads.runs.stream is deprecated: the Assistants API makes way for the Responses API")
    def stream(
        self, *, thread_id: str, event_handler: None = None, **params: Unpack[_Create]
    ) -> AssistantStreamManager[AssistantEventHandler]: ...

    @overload
    @deprecated("client.beta.threads.runs.stream is deprecated: the Assistants API makes way for the Responses API")
    def stream(
        self, *, thread_id: str, event_handler: HandlerT, **params: Unpack[_Create]
    ) -> AssistantStreamManager[HandlerT]: ...

    @deprecated("client.beta.threads.runs.stream is deprecated: the Assistants API makes way for the Responses API")
    def stream(
        self, *, thread_id: str, event_handler: AssistantEventHandler | None = None, **params: Unpack[_Create]
    ) -> AssistantStreamManager[Any]:
        """The same as `create_and_stream`."""
        manager: AssistantStreamManager[Any] = run_stream(
            self._client, _operations()[0], event_handler, params, thread_id
        )
        return manager

    @overload
    @deprecated(
        "client.beta.threads.runs.submit_tool_outputs_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def submit_tool_outputs_stream(
        self,
        *,
        tool_outputs: Iterable[ToolOutput],
        run_id: str,
        thread_id: str,
        event_handler: None = None,
        **params: Unpack[CallOptions],
    ) -> AssistantStreamManager[AssistantEventHandler]: ...

    @overload
    @deprecated(
        "client.beta.threads.runs.submit_tool_outputs_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def submit_tool_outputs_stream(
        self,
        *,
        tool_outputs: Iterable[ToolOutput],
        run_id: str,
        thread_id: str,
        event_handler: HandlerT,
        **params: Unpack[CallOptions],
    ) -> AssistantStreamManager[HandlerT]: ...

    @deprecated(
        "client.beta.threads.runs.submit_tool_outputs_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def submit_tool_outputs_stream(
        self,
        *,
        tool_outputs: Iterable[ToolOutput],
        run_id: str,
        thread_id: str,
        event_handler: AssistantEventHandler | None = None,
        **params: Unpack[CallOptions],
    ) -> AssistantStreamManager[Any]:
        """Give a run the outputs of its tools and read its stream; see `submit_tool_outputs` and `create_and_stream`."""
        body = {**params, "tool_outputs": tool_outputs}
        manager: AssistantStreamManager[Any] = run_stream(
            self._client, _operations()[1], event_handler, body, thread_id, run_id
        )
        return manager


class AsyncRunsHelpers(AsyncAPIResource):
    """What `AsyncRuns` does in several requests."""

    @deprecated(
        "client.beta.threads.runs.create_and_poll is deprecated: the Assistants API makes way for the Responses API"
    )
    async def create_and_poll(
        self, *, thread_id: str, poll_interval_ms: int | Omit = omit, **params: Unpack[_Create]
    ) -> Run:
        """Start a run and wait until it stops; see `create` for the parameters and `poll` for the waiting."""
        return await arun(self._client, _create_and_poll(self._client, thread_id, poll_interval_ms, params))

    @deprecated("client.beta.threads.runs.poll is deprecated: the Assistants API makes way for the Responses API")
    async def poll(
        self,
        run_id: str,
        thread_id: str,
        extra_headers: Mapping[str, Any] | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: object | None = None,
        timeout: float | Timeout | NotGiven | None = not_given,
        poll_interval_ms: int | Omit = omit,
    ) -> Run:
        """Retrieve a run until it stops; see `Runs.poll`."""
        params = {
            "extra_headers": extra_headers,
            "extra_query": extra_query,
            "extra_body": extra_body,
            "timeout": timeout,
        }
        return await arun(self._client, poll_run(self._client, run_id, thread_id, poll_interval_ms, params))

    @deprecated(
        "client.beta.threads.runs.submit_tool_outputs_and_poll is deprecated: the Assistants API makes way for the Responses API"
    )
    async def submit_tool_outputs_and_poll(
        self,
        *,
        tool_outputs: Iterable[ToolOutput],
        run_id: str,
        thread_id: str,
        poll_interval_ms: int | Omit = omit,
        **params: Unpack[CallOptions],
    ) -> Run:
        """Give a run the outputs of its tools and wait until it stops again; see `submit_tool_outputs` and `poll`."""
        flow = _submit_and_poll(self._client, tool_outputs, run_id, thread_id, poll_interval_ms, params)
        return await arun(self._client, flow)

    @overload
    @deprecated(
        "client.beta.threads.runs.create_and_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def create_and_stream(
        self, *, thread_id: str, event_handler: None = None, **params: Unpack[_Create]
    ) -> AsyncAssistantStreamManager[AsyncAssistantEventHandler]: ...

    @overload
    @deprecated(
        "client.beta.threads.runs.create_and_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def create_and_stream(
        self, *, thread_id: str, event_handler: AsyncHandlerT, **params: Unpack[_Create]
    ) -> AsyncAssistantStreamManager[AsyncHandlerT]: ...

    @deprecated(
        "client.beta.threads.runs.create_and_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def create_and_stream(
        self, *, thread_id: str, event_handler: AsyncAssistantEventHandler | None = None, **params: Unpack[_Create]
    ) -> AsyncAssistantStreamManager[Any]:
        """Start a run and read its stream; see `Runs.create_and_stream`."""
        manager: AsyncAssistantStreamManager[Any] = run_stream(
            self._client, _operations()[0], event_handler, params, thread_id
        )
        return manager

    @overload
    @deprecated("client.beta.threads.runs.stream is deprecated: the Assistants API makes way for the Responses API")
    def stream(
        self, *, thread_id: str, event_handler: None = None, **params: Unpack[_Create]
    ) -> AsyncAssistantStreamManager[AsyncAssistantEventHandler]: ...

    @overload
    @deprecated("client.beta.threads.runs.stream is deprecated: the Assistants API makes way for the Responses API")
    def stream(
        self, *, thread_id: str, event_handler: AsyncHandlerT, **params: Unpack[_Create]
    ) -> AsyncAssistantStreamManager[AsyncHandlerT]: ...

    @deprecated("client.beta.threads.runs.stream is deprecated: the Assistants API makes way for the Responses API")
    def stream(
        self, *, thread_id: str, event_handler: AsyncAssistantEventHandler | None = None, **params: Unpack[_Create]
    ) -> AsyncAssistantStreamManager[Any]:
        """The same as `create_and_stream`."""
        manager: AsyncAssistantStreamManager[Any] = run_stream(
            self._client, _operations()[0], event_handler, params, thread_id
        )
        return manager

    @overload
    @deprecated(
        "client.beta.threads.runs.submit_tool_outputs_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def submit_tool_outputs_stream(
        self,
        *,
        tool_outputs: Iterable[ToolOutput],
        run_id: str,
        thread_id: str,
        event_handler: None = None,
        **params: Unpack[CallOptions],
    ) -> AsyncAssistantStreamManager[AsyncAssistantEventHandler]: ...

    @overload
    @deprecated(
        "client.beta.threads.runs.submit_tool_outputs_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def submit_tool_outputs_stream(
        self,
        *,
        tool_outputs: Iterable[ToolOutput],
        run_id: str,
        thread_id: str,
        event_handler: AsyncHandlerT,
        **params: Unpack[CallOptions],
    ) -> AsyncAssistantStreamManager[AsyncHandlerT]: ...

    @deprecated(
        "client.beta.threads.runs.submit_tool_outputs_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def submit_tool_outputs_stream(
        self,
        *,
        tool_outputs: Iterable[ToolOutput],
        run_id: str,
        thread_id: str,
        event_handler: AsyncAssistantEventHandler | None = None,
        **params: Unpack[CallOptions],
    ) -> AsyncAssistantStreamManager[Any]:
        """Give a run the outputs of its tools and read its stream; see `submit_tool_outputs` and `create_and_stream`."""
        body = {**params, "tool_outputs": tool_outputs}
        manager: AsyncAssistantStreamManager[Any] = run_stream(
            self._client, _operations()[1], event_handler, body, thread_id, run_id
        )
        return manager
