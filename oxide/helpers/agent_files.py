"""`client.beta.agents.environments.files`: taking local files into an agent's environment.

The files are uploaded for good: whoever called owns them, also when something went wrong after that, so the errors say
which there are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .._resource import AsyncAPIResource, SyncAPIResource
from ..core.errors import OpenAIError
from ..core.flow import Block, Flow, Invoke
from ..core.sentinels import Omit
from ._run import arun, run
from .selection import check_destination, open_selected, select, select_directory

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._client import AsyncOpenAI, OpenAI
    from .._resource import CallOptions
    from .._types import FileTypes
    from ..types.beta.agents.environments.environment_file import EnvironmentFile
    from ..types.beta.hosted_environment_file_param import HostedEnvironmentFileParam

__all__ = [
    "AgentFilePreparationError",
    "AgentFileStagingError",
    "AsyncFilesHelpers",
    "FilesHelpers",
    "PreparedAgentFiles",
    "StagedAgentFile",
]


@dataclass
class PreparedAgentFiles:
    """Files that were uploaded for an environment.

    Attributes:
        files: what the environment takes.
        uploaded_file_ids: the uploads, to be deleted when they are not needed any more.
    """

    files: list[HostedEnvironmentFileParam] = field(default_factory=list)
    uploaded_file_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class StagedAgentFile:
    """A file that was put into an environment.

    Attributes:
        uploaded_file_id: the upload, to be deleted when it is not needed any more.
        file: the file in the environment.
    """

    uploaded_file_id: str
    file: EnvironmentFile


class AgentFilePreparationError(OpenAIError):
    """Not all files could be uploaded; the cause is chained.

    Attributes:
        prepared: those that were; they stay until the caller deletes them.
    """

    def __init__(self, prepared: PreparedAgentFiles) -> None:
        super().__init__(f"preparing the files failed; {len(prepared.uploaded_file_ids)} were uploaded and are kept")
        self.prepared = prepared

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.prepared,)


class AgentFileStagingError(OpenAIError):
    """A file was uploaded but could not be put into the environment; the cause is chained.

    Attributes:
        uploaded_file_id: the upload; it stays until the caller deletes it.
    """

    def __init__(self, uploaded_file_id: str) -> None:
        super().__init__(f"the file was uploaded as {uploaded_file_id}, which is kept, but is not in the environment")
        self.uploaded_file_id = uploaded_file_id

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.uploaded_file_id,)


class _Uploaded:
    """What has been uploaded so far. Around a flow, it is noted on what interrupts it, such as a cancellation.

    Args:
        attribute: the name under which the interruption has it.
    """

    def __init__(self, attribute: str) -> None:
        self.attribute = attribute
        self.value: Any = None

    def __enter__(self) -> None: ...

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if exc is not None and not isinstance(exc, Exception) and self.value is not None:
            exc.__dict__[self.attribute] = self.value


def _prepare(
    client: OpenAI | AsyncOpenAI, files: Mapping[str, str | os.PathLike[str]], options: Any, uploaded: _Uploaded
) -> Flow[PreparedAgentFiles]:
    fields = {**client.default_headers, **(options.get("extra_headers") or {})}
    keys = {name.lower(): value for name, value in fields.items()}
    if len(files) > 1 and not isinstance(keys.get("idempotency-key", Omit()), Omit):
        raise ValueError("one Idempotency-Key can't be that of several uploads")
    selected = yield Block(select, files)
    prepared = uploaded.value = PreparedAgentFiles()
    try:
        for destination, source in selected:
            with (yield Block(open_selected, source)) as content:
                file = yield Invoke(
                    client.files.create, file=(source.path.name, content), purpose="user_data", **options
                )
            prepared.uploaded_file_ids.append(file.id)
            prepared.files.append({"type": "file_id", "file_id": file.id, "path": destination})
    except Exception as error:
        raise AgentFilePreparationError(prepared) from error
    return prepared


def _prepare_directory(
    client: OpenAI | AsyncOpenAI,
    root: str | os.PathLike[str],
    destination: str,
    include: Sequence[str],
    options: Any,
    uploaded: _Uploaded,
) -> Flow[PreparedAgentFiles]:
    files = yield Block(select_directory, root, destination, include)
    return (yield from _prepare(client, files, options, uploaded))


def _upload(
    client: OpenAI | AsyncOpenAI, environment_id: str, file: Any, path: str, options: Any, uploaded: _Uploaded
) -> Flow[StagedAgentFile]:
    if not environment_id:
        raise ValueError("environment_id is empty")
    check_destination(path)
    name, content, *rest = file if isinstance(file, tuple) else (None, file)
    source = None
    if isinstance(content, os.PathLike):
        source = yield Block(open_selected, content)
        file = (name or os.path.basename(content), source, *rest)
    try:
        sent = yield Invoke(client.files.create, file=file, purpose="user_data", **options)
    finally:
        if source is not None:
            source.close()
    uploaded.value = sent.id
    create: Any = client.beta.agents.environments.files.create
    try:
        staged = yield Invoke(create, environment_id, type="file_id", file_id=sent.id, path=path, **options)
    except Exception as error:
        raise AgentFileStagingError(sent.id) from error
    return StagedAgentFile(sent.id, staged)


class FilesHelpers(SyncAPIResource):
    """What `Files` does in several requests."""

    def prepare(
        self, files: Mapping[str, str | os.PathLike[str]], **options: Unpack[CallOptions]
    ) -> PreparedAgentFiles:
        """Upload local files, one after the other, for an environment that is still to be made.

        Args:
            files: from where they go, such as `/workspace/data.csv`, to where they are.

        Raises:
            ValueError: a destination can't be written to, or a file is a symbolic link, a device or the like.
            OSError: a file is not there.
            AgentFilePreparationError: a file changed, could not be read or uploaded; it says which were uploaded before.
        """
        uploaded = _Uploaded("prepared")
        with uploaded:
            return run(self._client, _prepare(self._client, files, options, uploaded))

    def prepare_directory(
        self,
        root: str | os.PathLike[str],
        *,
        destination: str,
        include: Sequence[str],
        **options: Unpack[CallOptions],
    ) -> PreparedAgentFiles:
        """Upload files of a local directory for an environment that is still to be made.

        Args:
            root: the directory.
            destination: where its content goes, `/workspace/...`.
            include: glob patterns, relative to `root`, of what is to be sent.

        Raises:
            ValueError: the patterns select nothing, leave the directory, or meet a symbolic link; or as `prepare`.
            AgentFilePreparationError: as `prepare`.
        """
        uploaded = _Uploaded("prepared")
        with uploaded:
            flow = _prepare_directory(self._client, root, destination, include, options, uploaded)
            return run(self._client, flow)

    def upload(
        self, environment_id: str, *, file: FileTypes, path: str, **options: Unpack[CallOptions]
    ) -> StagedAgentFile:
        """Upload a file and put it into an environment.

        Args:
            environment_id: the environment's.
            file: what `client.files.create` takes.
            path: where it goes, `/workspace/...`.

        Raises:
            ValueError: the destination can't be written to, or the file is a symbolic link, a device or the like.
            APIError: the upload failed, after any retries.
            AgentFileStagingError: it is uploaded, but could not be put into the environment.
        """
        uploaded = _Uploaded("uploaded_file_id")
        with uploaded:
            return run(self._client, _upload(self._client, environment_id, file, path, options, uploaded))


class AsyncFilesHelpers(AsyncAPIResource):
    """What `AsyncFiles` does in several requests."""

    async def prepare(
        self, files: Mapping[str, str | os.PathLike[str]], **options: Unpack[CallOptions]
    ) -> PreparedAgentFiles:
        """Upload local files for an environment that is still to be made; see `Files.prepare`."""
        uploaded = _Uploaded("prepared")
        with uploaded:
            return await arun(self._client, _prepare(self._client, files, options, uploaded))

    async def prepare_directory(
        self,
        root: str | os.PathLike[str],
        *,
        destination: str,
        include: Sequence[str],
        **options: Unpack[CallOptions],
    ) -> PreparedAgentFiles:
        """Upload files of a local directory for an environment that is still to be made; see `Files.prepare_directory`."""
        uploaded = _Uploaded("prepared")
        with uploaded:
            flow = _prepare_directory(self._client, root, destination, include, options, uploaded)
            return await arun(self._client, flow)

    async def upload(
        self, environment_id: str, *, file: FileTypes, path: str, **options: Unpack[CallOptions]
    ) -> StagedAgentFile:
        """Upload a file and put it into an environment; see `Files.upload`."""
        uploaded = _Uploaded("uploaded_file_id")
        with uploaded:
            return await arun(self._client, _upload(self._client, environment_id, file, path, options, uploaded))
