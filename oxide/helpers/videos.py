"""`client.videos`: making a video and waiting for it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .._resource import AsyncAPIResource, SyncAPIResource, deprecated
from ..core.flow import Flow, Invoke
from ..core.polling import poll
from ..core.sentinels import Omit, omit
from ._run import arun, run

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._client import AsyncOpenAI, OpenAI
    from .._resource import CallOptions
    from ..types.video import Video
    from ..types.video_create_params import VideoCreateParams

    class _Create(VideoCreateParams, CallOptions, total=False):
        pass


__all__ = ["AsyncVideosHelpers", "VideosHelpers"]


def _is_pending(video: Video) -> bool:
    return video.status in {"queued", "in_progress"}


def _poll(client: OpenAI | AsyncOpenAI, video_id: str, interval: int | Omit) -> Flow[Video]:
    return poll(partial(client.videos.retrieve, video_id), _is_pending, interval)


def _create_and_poll(client: OpenAI | AsyncOpenAI, params: Any, interval: int | Omit) -> Flow[Video]:
    video: Video = yield Invoke(client.videos.create, **params)
    return (yield from _poll(client, video.id, interval))


class VideosHelpers(SyncAPIResource):
    """What `Videos` does in several requests."""

    @deprecated("client.videos.create_and_poll is deprecated: the Sora API shuts down on September 24, 2026")
    def create_and_poll(self, *, poll_interval_ms: int | Omit = omit, **params: Unpack[_Create]) -> Video:
        """Create a video and wait until it is made; see `create` for the parameters and `poll` for the waiting."""
        return run(self._client, _create_and_poll(self._client, params, poll_interval_ms))

    @deprecated("client.videos.poll is deprecated: the Sora API shuts down on September 24, 2026")
    def poll(self, video_id: str, *, poll_interval_ms: int | Omit = omit) -> Video:
        """Retrieve a video until it is made; it may have failed, which its `status` and `error` tell.

        Args:
            video_id: the video's.
            poll_interval_ms: milliseconds between two requests; without it what the server advises, or a second.

        Raises:
            APIError: a request failed, after any retries.
        """
        return run(self._client, _poll(self._client, video_id, poll_interval_ms))


class AsyncVideosHelpers(AsyncAPIResource):
    """What `AsyncVideos` does in several requests."""

    @deprecated("client.videos.create_and_poll is deprecated: the Sora API shuts down on September 24, 2026")
    async def create_and_poll(self, *, poll_interval_ms: int | Omit = omit, **params: Unpack[_Create]) -> Video:
        """Create a video and wait until it is made; see `create` for the parameters and `poll` for the waiting."""
        return await arun(self._client, _create_and_poll(self._client, params, poll_interval_ms))

    @deprecated("client.videos.poll is deprecated: the Sora API shuts down on September 24, 2026")
    async def poll(self, video_id: str, *, poll_interval_ms: int | Omit = omit) -> Video:
        """Retrieve a video until it is made; see `Videos.poll`."""
        return await arun(self._client, _poll(self._client, video_id, poll_interval_ms))
