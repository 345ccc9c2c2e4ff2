"""The files that a turn of an agent left."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from oxide.testing import MockServer, Reply

from ..ways import Blocking, Way

RESULT = SimpleNamespace(session_id="s1", turn_id="t1")


def artifact(id: str, **changes: str) -> dict[str, str]:
    return {"id": id, "session_id": "s1", "turn_id": "t1", "path": "/workspace/outputs/a", **changes}


def pages(server: MockServer, *groups: list[dict[str, str]]) -> None:
    for index, group in enumerate(groups):
        more = index + 1 < len(groups)
        server.queue(Reply(json={"data": group, "has_more": more}), path="/v1/agents/sessions/s1/artifacts")


async def artifacts_of(way: Way, client: Any) -> Any:
    found = client.beta.agents.sessions.artifacts.for_result(RESULT)
    return Blocking(await found) if way.is_sync else found


async def test_artifacts_are_found_on_every_page(way: Way, client: Any, server: MockServer) -> None:
    pages(
        server, [artifact("x1", turn_id="t0"), artifact("x2", path="/b")], [artifact("x3")], [artifact("x4", path="c")]
    )
    server.queue(Reply(body=b"content"), path="/v1/agents/sessions/s1/artifacts/x3/content")
    found = await artifacts_of(way, client)
    content = await found.content("/workspace/outputs/a")
    assert content.content == b"content"
    assert [request.query.get("after") for request in server.requests] == [None, "x2", "x3", None]


async def test_artifacts_are_written_to_files(way: Way, client: Any, server: MockServer, tmp_path: Path) -> None:
    pages(server, [artifact("x3")])
    server.queue(Reply(body=b"content"), path="/v1/agents/sessions/s1/artifacts/x3/content")
    found = await artifacts_of(way, client)
    assert (await found.download("/workspace/outputs/a", to=tmp_path / "a")).id == "x3"
    assert (tmp_path / "a").read_bytes() == b"content"


@pytest.mark.parametrize(("count", "message"), [(0, "no artifact"), (2, "more than one")])
async def test_artifacts_that_are_not_one(way: Way, client: Any, server: MockServer, count: int, message: str) -> None:
    pages(server, [artifact(f"x{index}") for index in range(count)])
    found = await artifacts_of(way, client)
    with pytest.raises(ValueError, match=message):
        await found.content("/workspace/outputs/a")
