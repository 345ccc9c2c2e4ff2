"""Local files for agents: what is chosen, where it may go, and what is known when it fails."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import anyio
import pytest

import oxide
from oxide.helpers.selection import Selected, open_selected, select, select_directory
from oxide.lib.beta.agents import AgentFilePreparationError, AgentFileStagingError
from oxide.testing import MockServer, Reply

from ..ways import Way
from .parts import parts


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_text("A")
    (root / "b.txt").write_text("BB")
    (root / "sub" / "c.txt").write_text("CCC")
    (tmp_path / "outside").write_text("O")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "away").symlink_to(tmp_path, target_is_directory=True)
    return root


def files_sent(server: MockServer) -> list[tuple[str | None, bytes]]:
    found = []
    for request in server.requests:
        if request.path == "/v1/files":
            purpose, file = parts(request.header("content-type") or "", request.body)
            assert purpose[3] == b"user_data"
            found.append((file[1], file[3]))
    return found


async def test_prepare(way: Way, client: Any, server: MockServer, tree: Path) -> None:
    server.queue(Reply(json={"id": "f1"}), Reply(json={"id": "f2"}))
    files = client.beta.agents.environments.files
    prepared = await files.prepare({"/workspace/x/1": tree / "a.txt", "/workspace/2": str(tree / "sub" / "c.txt")})
    assert files_sent(server) == [("a.txt", b"A"), ("c.txt", b"CCC")]
    assert prepared.uploaded_file_ids == ["f1", "f2"]
    assert prepared.files == [
        {"type": "file_id", "file_id": "f1", "path": "/workspace/x/1"},
        {"type": "file_id", "file_id": "f2", "path": "/workspace/2"},
    ]


async def test_prepare_a_directory(way: Way, client: Any, server: MockServer, tree: Path) -> None:
    server.queue(Reply(json={"id": "f1"}), Reply(json={"id": "f2"}), Reply(json={"id": "f3"}))
    files = client.beta.agents.environments.files
    prepared = await files.prepare_directory(tree, destination="/workspace/in", include=["sub/*", "*.txt"])
    assert files_sent(server) == [("c.txt", b"CCC"), ("a.txt", b"A"), ("b.txt", b"BB")]
    assert [file["path"] for file in prepared.files] == [
        "/workspace/in/sub/c.txt",
        "/workspace/in/a.txt",
        "/workspace/in/b.txt",
    ]


async def test_a_failure_says_what_was_uploaded(way: Way, client: Any, server: MockServer, tree: Path) -> None:
    server.queue(Reply(json={"id": "f1"}), Reply(400))
    selection = {"/workspace/1": tree / "a.txt", "/workspace/2": tree / "b.txt", "/workspace/3": tree / "a.txt"}
    with pytest.raises(AgentFilePreparationError) as caught:
        await client.beta.agents.environments.files.prepare(selection)
    assert isinstance(caught.value.__cause__, oxide.BadRequestError)
    assert caught.value.prepared.uploaded_file_ids == ["f1"]
    assert len(server.requests) == 2
    assert pickle.loads(pickle.dumps(caught.value)).prepared == caught.value.prepared


async def test_an_interruption_says_what_was_uploaded(
    way: Way, server: MockServer, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = way.client(base_url=server.base_url)
    server.queue(Reply(json={"id": "f1"}), path="/v1/files")
    kind = KeyboardInterrupt
    real = anyio.to_thread.run_sync

    def interrupt(*args: Any) -> Any:
        if len(server.requests) == 1:
            raise kind
        return open_selected(*args)

    monkeypatch.setattr("oxide.helpers.agent_files.open_selected", interrupt)
    monkeypatch.setattr(anyio.to_thread, "run_sync", _in_the_loop if not way.is_sync else real)
    selection = {"/workspace/1": tree / "a.txt", "/workspace/2": tree / "b.txt"}
    with pytest.raises(kind) as caught:
        await client.beta.agents.environments.files.prepare(selection)
    assert caught.value.prepared.uploaded_file_ids == ["f1"]


async def _in_the_loop(function: Any, *args: Any, **_: Any) -> Any:
    return function(*args)


async def test_one_key_is_that_of_one_upload(way: Way, client: Any, server: MockServer, tree: Path) -> None:
    files = client.beta.agents.environments.files
    selection = {"/workspace/1": tree / "a.txt", "/workspace/2": tree / "b.txt"}
    with pytest.raises(ValueError, match="Idempotency-Key"):
        await files.prepare(selection, extra_headers={"idempotency-key": "k"})
    assert not server.requests
    server.queue(Reply(json={"id": "f1"}))
    await files.prepare({"/workspace/1": tree / "a.txt"}, extra_headers={"Idempotency-Key": "k"})
    assert server.requests[0].header("idempotency-key") == "k"


@pytest.mark.parametrize("kind", ["path", "named path", "bytes", "open"])
async def test_upload(way: Way, client: Any, server: MockServer, tree: Path, kind: str) -> None:
    server.queue(Reply(json={"id": "f1"}), Reply(json={"path": "/workspace/x"}))
    with open(tree / "a.txt", "rb") as opened:  # noqa: ASYNC230 (what people pass)
        file: Any = {
            "path": tree / "a.txt",
            "named path": ("n.csv", tree / "a.txt", "text/csv"),
            "bytes": b"A",
            "open": opened,
        }[kind]
        staged = await client.beta.agents.environments.files.upload("e1", file=file, path="/workspace/x")
    assert staged.uploaded_file_id == "f1"
    assert staged.file.path == "/workspace/x"
    name = {"named path": "n.csv", "bytes": "upload"}.get(kind, "a.txt")
    assert files_sent(server) == [(name, b"A")]
    create = server.requests[1]
    assert (create.method, create.path) == ("POST", "/v1/agents/environments/e1/files")
    assert create.json() == {"type": "file_id", "file_id": "f1", "path": "/workspace/x"}


async def test_upload_that_can_not_be_staged(way: Way, client: Any, server: MockServer) -> None:
    server.queue(Reply(json={"id": "f1"}), Reply(409, headers={"x-should-retry": "false"}))
    with pytest.raises(AgentFileStagingError) as caught:
        await client.beta.agents.environments.files.upload("e1", file=b"A", path="/workspace/x")
    assert caught.value.uploaded_file_id == "f1"
    assert isinstance(caught.value.__cause__, oxide.ConflictError)
    assert pickle.loads(pickle.dumps(caught.value)).uploaded_file_id == "f1"


@pytest.mark.parametrize(
    "path",
    [
        "workspace/a",
        "/workspace",
        "/workspace/",
        "/tmp/a",
        "/workspace/../a",
        "/workspace/./a",
        "/workspace//a",
        "/workspace/a/",
        "/workspace/a\\b",
        "/workspace/a\0b",
        "/workspace/outputs",
        "/workspace/.codex",
        "/workspace/.codex/a",
        "/workspace/.managed-agents/a",
        "/workspace/.managed-agents-x/a",
    ],
)
async def test_destinations(way: Way, client: Any, server: MockServer, tree: Path, path: str) -> None:
    files = client.beta.agents.environments.files
    with pytest.raises(ValueError, match=r"destination|reserves"):
        await files.upload("e1", file=b"A", path=path)
    with pytest.raises(ValueError, match=r"destination|reserves"):
        await files.prepare({path: tree / "a.txt"})
    assert not server.requests


def test_destinations_that_are_in_each_others_way(tree: Path) -> None:
    with pytest.raises(ValueError, match="below another"):
        select({"/workspace/a": tree / "a.txt", "/workspace/a/b": tree / "b.txt"})


def test_what_is_no_file(tree: Path) -> None:
    for name, message in (("link", "symbolic link"), ("sub", "regular file")):
        with pytest.raises(ValueError, match=message):
            select({"/workspace/a": tree / name})
    with pytest.raises(FileNotFoundError):
        select({"/workspace/a": tree / "nothing"})


@pytest.mark.parametrize(
    ("include", "message"),
    [
        ("*.txt", "sequence"),
        ([], "sequence"),
        ([""], "does not stay"),
        (["/etc/*"], "does not stay"),
        (["../*"], "does not stay"),
        (["*"], "symbolic link"),
        (["away/outside"], "symbolic link"),
        (["*.png"], "no file"),
        (["sub"], "no file"),
    ],
)
def test_patterns(tree: Path, include: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        select_directory(tree, "/workspace/in", include)


def test_roots(tree: Path) -> None:
    for name in ("away", "a.txt", "nothing"):
        with pytest.raises(ValueError, match="not a directory"):
            select_directory(tree / name, "/workspace/in", ["*"])
    with pytest.raises(ValueError, match="below /workspace"):
        select_directory(tree, "/elsewhere", ["*.txt"])


def test_a_file_that_changed(tree: Path) -> None:
    selected = Selected(tree / "a.txt")
    (tree / "a.txt").write_text("longer")
    with pytest.raises(ValueError, match="changed after it was selected"):
        open_selected(selected)
    selected = Selected(tree / "b.txt")
    os.replace(tree / "sub" / "c.txt", tree / "b.txt")
    with pytest.raises(ValueError, match="changed after it was selected"):
        open_selected(selected)
