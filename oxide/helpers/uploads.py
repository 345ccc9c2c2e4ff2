"""`client.uploads`: uploading a file in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from .._resource import AsyncAPIResource, SyncAPIResource
from ..core.sentinels import Omit, omit
from ..core.uploads import upload_in_parts
from ._run import arun, run

if TYPE_CHECKING:
    import builtins
    from os import PathLike

    from .._client import AsyncOpenAI, OpenAI
    from ..core.flow import Flow
    from ..types.file_purpose import FilePurpose
    from ..types.upload import Upload

__all__ = ["AsyncUploadsHelpers", "UploadsHelpers"]


def _upload(client: OpenAI | AsyncOpenAI, **arguments: Any) -> Flow[Upload]:
    uploads = client.uploads
    return upload_in_parts(uploads.create, uploads.parts.create, uploads.complete, **arguments)


class UploadsHelpers(SyncAPIResource):
    """What `Uploads` does in several requests."""

    @overload
    def upload_file_chunked(
        self,
        *,
        file: PathLike[str],
        mime_type: str,
        purpose: FilePurpose,
        bytes: int | None = None,
        part_size: int | None = None,
        md5: str | Omit = omit,
    ) -> Upload: ...
    @overload
    def upload_file_chunked(
        self,
        *,
        file: builtins.bytes,
        filename: str,
        bytes: int,
        mime_type: str,
        purpose: FilePurpose,
        part_size: int | None = None,
        md5: str | Omit = omit,
    ) -> Upload: ...
    def upload_file_chunked(
        self,
        *,
        file: PathLike[str] | builtins.bytes,
        mime_type: str,
        purpose: FilePurpose,
        filename: str | None = None,
        bytes: int | None = None,
        part_size: int | None = None,
        md5: str | Omit = omit,
    ) -> Upload:
        """Upload a file in parts, one after the other, and complete the upload.

        An upload that fails is not cancelled; it expires.

        Args:
            file: where the file is, or its content.
            mime_type: its content type, such as `application/pdf`.
            purpose: what it is for.
            filename: its name; needed for content, otherwise the one on disk.
            bytes: its size; needed for content, otherwise the one on disk.
            part_size: bytes in a part; without it 64 MiB, which is the most the API takes.
            md5: the MD5 checksum of the file in hexadecimal digits, which the API then compares.

        Raises:
            TypeError: content comes without a name or a size.
            ValueError: `part_size` is less than 1.
            OSError: the file can't be read.
            APIError: a request failed, after any retries.
        """
        flow = _upload(
            self._client,
            file=file,
            mime_type=mime_type,
            purpose=purpose,
            filename=filename,
            size=bytes,
            part_size=part_size,
            md5=md5,
        )
        return run(self._client, flow)


class AsyncUploadsHelpers(AsyncAPIResource):
    """What `AsyncUploads` does in several requests."""

    @overload
    async def upload_file_chunked(
        self,
        *,
        file: PathLike[str],
        mime_type: str,
        purpose: FilePurpose,
        bytes: int | None = None,
        part_size: int | None = None,
        md5: str | Omit = omit,
    ) -> Upload: ...
    @overload
    async def upload_file_chunked(
        self,
        *,
        file: builtins.bytes,
        filename: str,
        bytes: int,
        mime_type: str,
        purpose: FilePurpose,
        part_size: int | None = None,
        md5: str | Omit = omit,
    ) -> Upload: ...
    async def upload_file_chunked(
        self,
        *,
        file: PathLike[str] | builtins.bytes,
        mime_type: str,
        purpose: FilePurpose,
        filename: str | None = None,
        bytes: int | None = None,
        part_size: int | None = None,
        md5: str | Omit = omit,
    ) -> Upload:
        """Upload a file in parts, one after the other, and complete the upload; see `Uploads.upload_file_chunked`."""
        flow = _upload(
            self._client,
            file=file,
            mime_type=mime_type,
            purpose=purpose,
            filename=filename,
            size=bytes,
            part_size=part_size,
            md5=md5,
        )
        return await arun(self._client, flow)
