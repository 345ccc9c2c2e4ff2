"""Deprecated methods say so where they are called, as the official SDK's do."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from .sides import Sides, sdk

CALLS: dict[str, Callable[[Any], Any]] = {
    "images": lambda client: client.images.create_variation(image=b"x"),
    "translations": lambda client: client.audio.translations.create(model="m", file=b"x"),
    "videos": lambda client: client.videos.retrieve("v"),
    "page": lambda client: client.videos.list(),
    "assistants": lambda client: client.beta.assistants.create(model="m"),
    "runs": lambda client: client.beta.threads.runs.retrieve("r", thread_id="t"),
    "content": lambda client: client.files.retrieve_content("f"),
    "raw": lambda client: client.images.with_raw_response.create_variation(image=b"x"),
    "responses": lambda client: client.responses.create(model="m"),
    "content()": lambda client: client.files.content("f"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_warnings(sides: Sides, call: Callable[[Any], Any]) -> None:
    found = []
    for side in sides.all:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            outcome = side.call(call)
        assert outcome.error is None, outcome
        assert outcome.sent
        found.append([warning.category for warning in caught])
        if side.is_oxide:
            assert all("client." in str(warning.message) for warning in caught)
    assert found == [found[0]] * 4


def test_where_they_point(sides: Sides) -> None:
    for side in sides.all:
        with pytest.warns(DeprecationWarning, match="Sora") as caught:
            side.call(lambda client: client.videos.retrieve("v"))
        assert [warning.filename for warning in caught] == [__file__]


def test_they_are_what_they_were(sides: Sides) -> None:
    """To who looks at it, a deprecated method is like another."""
    for client in (sides.oxide.client, sides.oxide_async.client):
        method = client.videos.retrieve
        assert method.__name__ == "retrieve"
        assert "video" in method.__doc__
        assert list(inspect.signature(method).parameters) == ["video_id", "params"]
        assert method.__deprecated__
        assert sdk(client) is not None
