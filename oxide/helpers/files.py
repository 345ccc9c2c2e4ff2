"""`client.files`: waiting until the API has looked at a file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .._resource import AsyncAPIResource, SyncAPIResource
from ..core import polling
from ._run import arun, run

if TYPE_CHECKING:
    from .._client import AsyncOpenAI, OpenAI
    from ..core.flow import Flow
    from ..types.file_object import FileObject

__all__ = ["AsyncFilesHelpers", "FilesHelpers"]


def _is_pending(file: FileObject) -> bool:
    return file.status not in {"processed", "error", "deleted"}


def _wait(client: OpenAI | AsyncOpenAI, id: str, poll_interval: float, max_wait_seconds: float) -> Flow[FileObject]:
    retrieve = partial(client.files.retrieve, id)
    return polling.wait(retrieve, _is_pending, poll_interval, max_wait_seconds, f"the processing of file {id}")


class FilesHelpers(SyncAPIResource):
    """What `Files` does in several requests."""

    def wait_for_processing(
        self, id: str, *, poll_interval: float = 5.0, max_wait_seconds: float = 30 * 60
    ) -> FileObject:
        """Retrieve a file until it is processed, failed or deleted; look at its `status` for which.

        Args:
            id: the file's.
            poll_interval: seconds between two requests.
            max_wait_seconds: seconds after which it is given up.

        Raises:
            RuntimeError: the file is still being processed after `max_wait_seconds`.
            APIError: a request failed, after any retries.
        """
        return run(self._client, _wait(self._client, id, poll_interval, max_wait_seconds))


class AsyncFilesHelpers(AsyncAPIResource):
    """What `AsyncFiles` does in several requests."""

    async def wait_for_processing(
        self, id: str, *, poll_interval: float = 5.0, max_wait_seconds: float = 30 * 60
    ) -> FileObject:
        """Retrieve a file until it is processed, failed or deleted; see `Files.wait_for_processing`."""
        return await arun(self._client, _wait(self._client, id, poll_interval, max_wait_seconds))
