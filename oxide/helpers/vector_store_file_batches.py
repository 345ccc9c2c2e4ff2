"""`client.vector_stores.file_batches`: putting many files into a vector store and waiting for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from .._resource import AsyncAPIResource, SyncAPIResource
from ..core.flow import Flow, Invoke, Map
from ..core.polling import poll
from ..core.sentinels import Omit, omit
from ._run import arun, run

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._client import AsyncOpenAI, OpenAI
    from .._resource import CallOptions
    from .._types import FileTypes
    from ..types.file_chunking_strategy_param import FileChunkingStrategyParam
    from ..types.file_object import FileObject
    from ..types.vector_stores.file_batch_create_params import FileBatchCreateParams
    from ..types.vector_stores.vector_store_file_batch import VectorStoreFileBatch

    class _Create(FileBatchCreateParams, CallOptions, total=False):
        pass


__all__ = ["AsyncFileBatchesHelpers", "FileBatchesHelpers"]


def _is_pending(batch: VectorStoreFileBatch) -> bool:
    return batch.file_counts.in_progress > 0


def _poll(client: OpenAI | AsyncOpenAI, batch_id: str, store: str, interval: int | Omit) -> Flow[VectorStoreFileBatch]:
    retrieve = partial(client.vector_stores.file_batches.retrieve, batch_id, vector_store_id=store)
    return poll(retrieve, _is_pending, interval)


def _create_and_poll(
    client: OpenAI | AsyncOpenAI, store: str, interval: int | Omit, params: Any
) -> Flow[VectorStoreFileBatch]:
    batch: VectorStoreFileBatch = yield Invoke(client.vector_stores.file_batches.create, store, **params)
    return (yield from _poll(client, batch.id, store, interval))


def _upload_and_poll(
    client: OpenAI | AsyncOpenAI,
    store: str,
    files: Iterable[FileTypes],
    concurrency: int,
    file_ids: Sequence[str],
    interval: int | Omit,
    chunking_strategy: FileChunkingStrategyParam | Omit,
) -> Flow[VectorStoreFileBatch]:
    if concurrency < 1:
        raise ValueError(f"max_concurrency must be at least 1; it is {concurrency}")
    create: Any = client.files.create
    uploaded: list[FileObject] = yield Map(lambda file: create(file=file, purpose="assistants"), files, concurrency)
    params = {"file_ids": [*file_ids, *(file.id for file in uploaded)], "chunking_strategy": chunking_strategy}
    return (yield from _create_and_poll(client, store, interval, params))


class FileBatchesHelpers(SyncAPIResource):
    """What `FileBatches` does in several requests."""

    def create_and_poll(
        self, vector_store_id: str, *, poll_interval_ms: int | Omit = omit, **params: Unpack[_Create]
    ) -> VectorStoreFileBatch:
        """Put files into a vector store and wait until they are processed.

        See `create` for the parameters and `poll` for the waiting.
        """
        return run(self._client, _create_and_poll(self._client, vector_store_id, poll_interval_ms, params))

    def upload_and_poll(
        self,
        vector_store_id: str,
        *,
        files: Iterable[FileTypes],
        max_concurrency: int = 5,
        file_ids: Sequence[str] = (),
        poll_interval_ms: int | Omit = omit,
        chunking_strategy: FileChunkingStrategyParam | Omit = omit,
    ) -> VectorStoreFileBatch:
        """Upload files, several at the same time, put them into a vector store and wait until they are processed.

        Args:
            vector_store_id: the store's.
            files: what `client.files.create` takes, each; they are drawn as there is room for them.
            max_concurrency: how many uploads there are at the same time, in threads.
            file_ids: files to put into the store that were uploaded before; they come first.
            poll_interval_ms: milliseconds between two requests; without it what the server advises, or a second.
            chunking_strategy: how the text is cut.

        Raises:
            ValueError: `max_concurrency` is less than 1.
            APIError: a request failed, after any retries. After an upload failed no other is begun; those that had
                been made stay.
        """
        flow = _upload_and_poll(
            self._client, vector_store_id, files, max_concurrency, file_ids, poll_interval_ms, chunking_strategy
        )
        return run(self._client, flow)

    def poll(self, batch_id: str, *, vector_store_id: str, poll_interval_ms: int | Omit = omit) -> VectorStoreFileBatch:
        """Retrieve a batch of files until none of them is being processed.

        Some may have failed, which `file_counts.failed` tells.

        Args:
            batch_id: the batch's.
            vector_store_id: the store's.
            poll_interval_ms: milliseconds between two requests; without it what the server advises, or a second.

        Raises:
            APIError: a request failed, after any retries.
        """
        return run(self._client, _poll(self._client, batch_id, vector_store_id, poll_interval_ms))


class AsyncFileBatchesHelpers(AsyncAPIResource):
    """What `AsyncFileBatches` does in several requests."""

    async def create_and_poll(
        self, vector_store_id: str, *, poll_interval_ms: int | Omit = omit, **params: Unpack[_Create]
    ) -> VectorStoreFileBatch:
        """Put files into a vector store and wait until they are processed; see `FileBatches.create_and_poll`."""
        return await arun(self._client, _create_and_poll(self._client, vector_store_id, poll_interval_ms, params))

    async def upload_and_poll(
        self,
        vector_store_id: str,
        *,
        files: Iterable[FileTypes],
        max_concurrency: int = 5,
        file_ids: Sequence[str] = (),
        poll_interval_ms: int | Omit = omit,
        chunking_strategy: FileChunkingStrategyParam | Omit = omit,
    ) -> VectorStoreFileBatch:
        """Upload files, several at the same time, put them into a vector store and wait until they are processed.

        See `FileBatches.upload_and_poll`; here the uploads run in tasks, and are cancelled when one fails.
        """
        flow = _upload_and_poll(
            self._client, vector_store_id, files, max_concurrency, file_ids, poll_interval_ms, chunking_strategy
        )
        return await arun(self._client, flow)

    async def poll(
        self, batch_id: str, *, vector_store_id: str, poll_interval_ms: int | Omit = omit
    ) -> VectorStoreFileBatch:
        """Retrieve a batch of files until none of them is being processed; see `FileBatches.poll`."""
        return await arun(self._client, _poll(self._client, batch_id, vector_store_id, poll_interval_ms))
