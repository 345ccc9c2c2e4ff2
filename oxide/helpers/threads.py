"""`client.beta.threads`: making a thread, starting a run on it and waiting until that stops or reading its stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._resource import AsyncAPIResource, SyncAPIResource, deprecated
from ..core.flow import Flow, Invoke
from ..core.sentinels import Omit, omit
from ._run import arun, run
from .runs import poll_run, run_stream

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._client import AsyncOpenAI, OpenAI
    from .._resource import CallOptions
    from ..lib.streaming import (
        AssistantEventHandler,
        AssistantStreamManager,
        AsyncAssistantEventHandler,
        AsyncAssistantStreamManager,
    )
    from ..types.beta.thread_create_and_run_params import ThreadCreateAndRunParamsBase
    from ..types.beta.threads.run import Run

    class _CreateAndRun(ThreadCreateAndRunParamsBase, CallOptions, total=False):
        pass

    HandlerT = TypeVar("HandlerT", bound=AssistantEventHandler)
    AsyncHandlerT = TypeVar("AsyncHandlerT", bound=AsyncAssistantEventHandler)


__all__ = ["AsyncThreadsHelpers", "ThreadsHelpers"]


def _create_and_run_poll(client: OpenAI | AsyncOpenAI, interval: int | Omit, params: Any) -> Flow[Run]:
    started: Run = yield Invoke(client.beta.threads.create_and_run, stream=False, **params)
    return (yield from poll_run(client, started.id, started.thread_id, interval, params))


class ThreadsHelpers(SyncAPIResource):
    """What `Threads` does in several requests."""

    @deprecated(
        "client.beta.threads.create_and_run_poll is deprecated: the Assistants API makes way for the Responses API"
    )
    def create_and_run_poll(self, *, poll_interval_ms: int | Omit = omit, **params: Unpack[_CreateAndRun]) -> Run:
        """Make a thread, start a run on it and wait until that stops; see `create_and_run` and `runs.poll`."""
        return run(self._client, _create_and_run_poll(self._client, poll_interval_ms, params))

    @overload
    @deprecated(
        "client.beta.threads.create_and_run_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def create_and_run_stream(
        self, *, event_handler: None = None, **params: Unpack[_CreateAndRun]
    ) -> AssistantStreamManager[AssistantEventHandler]: ...

    @overload
    @deprecated(
        "client.beta.threads.create_and_run_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def create_and_run_stream(
        self, *, event_handler: HandlerT, **params: Unpack[_CreateAndRun]
    ) -> AssistantStreamManager[HandlerT]: ...

    @deprecated(
        "client.beta.threads.create_and_run_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def create_and_run_stream(
        self, *, event_handler: AssistantEventHandler | None = None, **params: Unpack[_CreateAndRun]
    ) -> AssistantStreamManager[Any]:
        """Make a thread, start a run on it and read the run's stream; see `create_and_run` and `runs.create_and_stream`."""
        from ..resources.beta.threads.threads import _CREATE_AND_RUN

        manager: AssistantStreamManager[Any] = run_stream(self._client, _CREATE_AND_RUN, event_handler, params)
        return manager


class AsyncThreadsHelpers(AsyncAPIResource):
    """What `AsyncThreads` does in several requests."""

    @deprecated(
        "client.beta.threads.create_and_run_poll is deprecated: the Assistants API makes way for the Responses API"
    )
    async def create_and_run_poll(self, *, poll_interval_ms: int | Omit = omit, **params: Unpack[_CreateAndRun]) -> Run:
        """Make a thread, start a run on it and wait until that stops; see `create_and_run` and `runs.poll`."""
        return await arun(self._client, _create_and_run_poll(self._client, poll_interval_ms, params))

    @overload
    @deprecated(
        "client.beta.threads.create_and_run_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def create_and_run_stream(
        self, *, event_handler: None = None, **params: Unpack[_CreateAndRun]
    ) -> AsyncAssistantStreamManager[AsyncAssistantEventHandler]: ...

    @overload
    @deprecated(
        "client.beta.threads.create_and_run_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def create_and_run_stream(
        self, *, event_handler: AsyncHandlerT, **params: Unpack[_CreateAndRun]
    ) -> AsyncAssistantStreamManager[AsyncHandlerT]: ...

    @deprecated(
        "client.beta.threads.create_and_run_stream is deprecated: the Assistants API makes way for the Responses API"
    )
    def create_and_run_stream(
        self, *, event_handler: AsyncAssistantEventHandler | None = None, **params: Unpack[_CreateAndRun]
    ) -> AsyncAssistantStreamManager[Any]:
        """Make a thread, start a run on it and read the run's stream; see `create_and_run` and `runs.create_and_stream`."""
        from ..resources.beta.threads.threads import _CREATE_AND_RUN

        manager: AsyncAssistantStreamManager[Any] = run_stream(self._client, _CREATE_AND_RUN, event_handler, params)
        return manager
