"""`client.beta.agents.sessions.artifacts`: the files that one turn of an agent left, by their paths."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol

from .._resource import AsyncAPIResource, SyncAPIResource
from ..core.flow import Flow, Invoke
from ._run import arun, run

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._client import AsyncOpenAI, OpenAI
    from .._resource import CallOptions
    from .._response import HttpxBinaryResponseContent
    from ..types.beta.agents.sessions.session_artifact import SessionArtifact

__all__ = [
    "AgentResultArtifacts",
    "ArtifactsHelpers",
    "AsyncAgentResultArtifacts",
    "AsyncArtifactsHelpers",
    "TurnResult",
]


class TurnResult(Protocol):
    """What came of a turn, as far as it is needed to find its artifacts."""

    @property
    def session_id(self) -> str: ...

    @property
    def turn_id(self) -> str: ...


def _find(client: OpenAI | AsyncOpenAI, result: TurnResult, path: str, options: Any) -> Flow[SessionArtifact]:
    found: list[SessionArtifact] = []
    page = yield Invoke(client.beta.agents.sessions.artifacts.list, result.session_id, **options)
    while True:
        found += [
            item
            for item in page._get_page_items()
            if (item.session_id, item.turn_id, item.path) == (result.session_id, result.turn_id, path)
        ]
        if len(found) > 1:
            raise ValueError(f"turn {result.turn_id} has more than one artifact at {path!r}")
        if not page.has_next_page():
            break
        page = yield Invoke(page.get_next_page)
    if not found:
        raise ValueError(f"turn {result.turn_id} has no artifact at {path!r}")
    return found[0]


def _content(
    client: OpenAI | AsyncOpenAI, result: TurnResult, path: str, options: Any
) -> Flow[HttpxBinaryResponseContent]:
    artifact = yield from _find(client, result, path, options)
    content: HttpxBinaryResponseContent = yield Invoke(
        client.beta.agents.sessions.artifacts.content, artifact.id, session_id=result.session_id, **options
    )
    return content


class AgentResultArtifacts:
    """The artifacts of one turn.

    Args:
        client: that which asks for them.
        result: what came of the turn.
    """

    def __init__(self, client: OpenAI, result: TurnResult) -> None:
        self._client = client
        self._result = result

    def content(self, path: str, **options: Unpack[CallOptions]) -> HttpxBinaryResponseContent:
        """What is in the artifact at this path.

        Raises:
            ValueError: the turn has no artifact there, or several.
            APIError: a request failed, after any retries.
        """
        return run(self._client, _content(self._client, self._result, path, options))

    def download(self, path: str, *, to: str | PathLike[str], **options: Unpack[CallOptions]) -> SessionArtifact:
        """Write what is in the artifact at this path to a local file, as it arrives. Raises as `content`, and OSError."""
        artifact = run(self._client, _find(self._client, self._result, path, options))
        view: Any = self._client.beta.agents.sessions.artifacts.with_streaming_response
        with view.content(artifact.id, session_id=artifact.session_id, **options) as response:
            response.stream_to_file(to)
        return artifact


class AsyncAgentResultArtifacts:
    """The artifacts of one turn, for an asynchronous client; see `AgentResultArtifacts`."""

    def __init__(self, client: AsyncOpenAI, result: TurnResult) -> None:
        self._client = client
        self._result = result

    async def content(self, path: str, **options: Unpack[CallOptions]) -> HttpxBinaryResponseContent:
        """What is in the artifact at this path."""
        return await arun(self._client, _content(self._client, self._result, path, options))

    async def download(self, path: str, *, to: str | PathLike[str], **options: Unpack[CallOptions]) -> SessionArtifact:
        """Write what is in the artifact at this path to a local file, as it arrives."""
        artifact = await arun(self._client, _find(self._client, self._result, path, options))
        view: Any = self._client.beta.agents.sessions.artifacts.with_streaming_response
        async with view.content(artifact.id, session_id=artifact.session_id, **options) as response:
            await response.stream_to_file(to)
        return artifact


class ArtifactsHelpers(SyncAPIResource):
    """What `Artifacts` does in several requests."""

    def for_result(self, result: TurnResult) -> AgentResultArtifacts:
        """The artifacts of the turn that `result` is of."""
        return AgentResultArtifacts(self._client, result)


class AsyncArtifactsHelpers(AsyncAPIResource):
    """What `AsyncArtifacts` does in several requests."""

    def for_result(self, result: TurnResult) -> AsyncAgentResultArtifacts:
        """The artifacts of the turn that `result` is of."""
        return AsyncAgentResultArtifacts(self._client, result)
