"""`client.vector_stores.files`: putting a file into a vector store and waiting until it can be searched."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .._resource import AsyncAPIResource, SyncAPIResource
from ..core.flow import Flow, Invoke
from ..core.polling import check_wait, poll
from ..core.sentinels import Omit, omit
from ._run import arun, run

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._client import AsyncOpenAI, OpenAI
    from .._resource import CallOptions
    from .._types import FileTypes
    from ..types.file_chunking_strategy_param import FileChunkingStrategyParam
    from ..types.file_object import FileObject
    from ..types.vector_stores.vector_store_file import VectorStoreFile

    class _Create(CallOptions, total=False):
        attributes: dict[str, str | float | bool] | Omit | None
        chunking_strategy: FileChunkingStrategyParam | Omit


__all__ = ["AsyncFilesHelpers", "FilesHelpers"]


def _is_pending(file: VectorStoreFile) -> bool:
    return file.status == "in_progress"


def _poll(
    client: OpenAI | AsyncOpenAI, file_id: str, store: str, interval: int | Omit, limit: float | Omit
) -> Flow[VectorStoreFile]:
    retrieve = partial(client.vector_stores.files.retrieve, file_id, vector_store_id=store)
    return poll(retrieve, _is_pending, interval, within=limit, what=f"the processing of vector store file {file_id!r}")


def _create_and_poll(
    client: OpenAI | AsyncOpenAI,
    file_id: str,
    store: str,
    interval: int | Omit,
    limit: float | Omit,
    params: Any,
) -> Flow[VectorStoreFile]:
    check_wait(limit)
    yield Invoke(client.vector_stores.files.create, vector_store_id=store, file_id=file_id, **params)
    return (yield from _poll(client, file_id, store, interval, limit))


def _upload(client: OpenAI | AsyncOpenAI, store: str, file: FileTypes, **params: Any) -> Flow[VectorStoreFile]:
    uploaded: FileObject = yield Invoke(client.files.create, file=file, purpose="assistants")
    result: VectorStoreFile = yield Invoke(
        client.vector_stores.files.create, vector_store_id=store, file_id=uploaded.id, **params
    )
    return result


def _upload_and_poll(
    client: OpenAI | AsyncOpenAI,
    store: str,
    file: FileTypes,
    interval: int | Omit,
    limit: float | Omit,
    **params: Any,
) -> Flow[VectorStoreFile]:
    check_wait(limit)
    uploaded: FileObject = yield Invoke(client.files.create, file=file, purpose="assistants")
    return (yield from _create_and_poll(client, uploaded.id, store, interval, limit, params))


class FilesHelpers(SyncAPIResource):
    """What `Files` does in several requests."""

    def create_and_poll(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        poll_interval_ms: int | Omit = omit,
        max_wait_seconds: float | Omit = omit,
        **params: Unpack[_Create],
    ) -> VectorStoreFile:
        """Put a file into a vector store and wait until it is processed.

        See `create` for the parameters, `poll` for the waiting. `max_wait_seconds` runs from when the file is in the store.
        """
        flow = _create_and_poll(self._client, file_id, vector_store_id, poll_interval_ms, max_wait_seconds, params)
        return run(self._client, flow)

    def upload(
        self, *, vector_store_id: str, file: FileTypes, chunking_strategy: FileChunkingStrategyParam | Omit = omit
    ) -> VectorStoreFile:
        """Upload a file and put it into a vector store. It is processed after that; `upload_and_poll` waits for it.

        Args:
            vector_store_id: the store's.
            file: what `client.files.create` takes.
            chunking_strategy: how the text is cut.

        Raises:
            APIError: a request failed, after any retries.
        """
        return run(self._client, _upload(self._client, vector_store_id, file, chunking_strategy=chunking_strategy))

    def upload_and_poll(
        self,
        *,
        vector_store_id: str,
        file: FileTypes,
        attributes: dict[str, str | float | bool] | Omit | None = omit,
        poll_interval_ms: int | Omit = omit,
        max_wait_seconds: float | Omit = omit,
        chunking_strategy: FileChunkingStrategyParam | Omit = omit,
    ) -> VectorStoreFile:
        """Upload a file, put it into a vector store and wait until it is processed.

        See `upload` and `poll`. `max_wait_seconds` runs from when the file is in the store.

        Args:
            attributes: what searches can filter by.
        """
        flow = _upload_and_poll(
            self._client,
            vector_store_id,
            file,
            poll_interval_ms,
            max_wait_seconds,
            attributes=attributes,
            chunking_strategy=chunking_strategy,
        )
        return run(self._client, flow)

    def poll(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        poll_interval_ms: int | Omit = omit,
        max_wait_seconds: float | Omit = omit,
    ) -> VectorStoreFile:
        """Retrieve a file of a vector store until it is processed.

        It may have failed or been cancelled, which its `status` and `last_error` tell.

        Args:
            file_id: the file's.
            vector_store_id: the store's.
            poll_interval_ms: milliseconds between two requests; without it what the server advises, or a second.
            max_wait_seconds: seconds after which no further request is made, with 0 none at all; without it there is
                no limit. A request under way then has the client's timeout, and the server goes on processing.

        Raises:
            TimeoutError: the file is still being processed after `max_wait_seconds`.
            ValueError: `max_wait_seconds` is negative or not finite.
            APIError: a request failed, after any retries.
        """
        flow = _poll(self._client, file_id, vector_store_id, poll_interval_ms, max_wait_seconds)
        return run(self._client, flow)


class AsyncFilesHelpers(AsyncAPIResource):
    """What `AsyncFiles` does in several requests."""

    async def create_and_poll(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        poll_interval_ms: int | Omit = omit,
        max_wait_seconds: float | Omit = omit,
        **params: Unpack[_Create],
    ) -> VectorStoreFile:
        """Put a file into a vector store and wait until it is processed; see `Files.create_and_poll`."""
        flow = _create_and_poll(self._client, file_id, vector_store_id, poll_interval_ms, max_wait_seconds, params)
        return await arun(self._client, flow)

    async def upload(
        self, *, vector_store_id: str, file: FileTypes, chunking_strategy: FileChunkingStrategyParam | Omit = omit
    ) -> VectorStoreFile:
        """Upload a file and put it into a vector store; see `Files.upload`."""
        flow = _upload(self._client, vector_store_id, file, chunking_strategy=chunking_strategy)
        return await arun(self._client, flow)

    async def upload_and_poll(
        self,
        *,
        vector_store_id: str,
        file: FileTypes,
        attributes: dict[str, str | float | bool] | Omit | None = omit,
        poll_interval_ms: int | Omit = omit,
        max_wait_seconds: float | Omit = omit,
        chunking_strategy: FileChunkingStrategyParam | Omit = omit,
    ) -> VectorStoreFile:
        """Upload a file, put it into a vector store and wait until it is processed; see `Files.upload_and_poll`."""
        flow = _upload_and_poll(
            self._client,
            vector_store_id,
            file,
            poll_interval_ms,
            max_wait_seconds,
            attributes=attributes,
            chunking_strategy=chunking_strategy,
        )
        return await arun(self._client, flow)

    async def poll(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        poll_interval_ms: int | Omit = omit,
        max_wait_seconds: float | Omit = omit,
    ) -> VectorStoreFile:
        """Retrieve a file of a vector store until it is processed; see `Files.poll`."""
        flow = _poll(self._client, file_id, vector_store_id, poll_interval_ms, max_wait_seconds)
        return await arun(self._client, flow)
