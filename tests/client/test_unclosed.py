"""Clients that nobody closed: they warn, and are cleaned up all the same."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

import oxide

from .peer import Connection, Peer, chunk, chunked, reply

pytestmark = pytest.mark.exhaustive

ROOT = Path(__file__).parents[2]


def script(connection: Connection) -> None:
    while (request := connection.receive()) is not None:
        if request.target.endswith("/stream"):
            connection.send(chunked(end=False) + chunk(b"data: 1\n\n"))
            connection.wait_closed()
        else:
            connection.send(reply(b"1"))


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer(script) as peer:
        yield peer


class Runner:
    """Runs coroutine functions in the test's way, each in an event loop of its own."""

    def __init__(self, name: str) -> None:
        self.name = name

    def client(self, peer: Peer) -> Any:
        kind = oxide.OpenAI if self.name == "sync" else oxide.AsyncOpenAI
        return kind(api_key="k", base_url=peer.base_url)

    def call(self, client: Any, **arguments: Any) -> Any:
        """One call, of which the result is dropped."""
        if self.name == "sync":
            client.get("/x", cast_to=object, **arguments)
            return

        async def body() -> None:
            await client.get("/x", cast_to=object, **arguments)

        self.run(body)

    def run(self, function: Any) -> Any:
        return trio.run(function) if self.name == "trio" else asyncio.run(function(), debug=True)


@pytest.fixture(params=["sync", "asyncio", "trio"])
def runner(request: pytest.FixtureRequest) -> Runner:
    return Runner(request.param)


def test_warns_and_closes(runner: Runner, peer: Peer) -> None:
    client = runner.client(peer)
    runner.call(client)
    # Resources and client refer to each other.
    assert client.responses is not None
    with pytest.warns(ResourceWarning, match="unclosed client with 1 connections"):  # noqa: PT031
        del client
        gc.collect()
    peer.wait_closed(0)


def test_closes_where_the_warning_is_an_error(runner: Runner, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    client = runner.client(peer)
    runner.call(client)
    seen: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: seen.append(unraisable.exc_value))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del client
        gc.collect()
    assert [type(error) for error in seen] == [ResourceWarning]
    peer.wait_closed(0)


def test_says_nothing_where_nothing_is_open(runner: Runner, peer: Peer) -> None:
    """Never used, or closed."""
    unused, closed = runner.client(peer), runner.client(peer)
    runner.call(closed)
    if runner.name == "sync":
        closed.close()
    else:
        runner.run(closed.close)
    del unused, closed
    # Warnings are errors in these tests.
    gc.collect()


def test_copies_keep_the_connections(runner: Runner, peer: Peer) -> None:
    client = runner.client(peer)
    copy = client.with_options(max_retries=1)
    runner.call(client)
    del client
    gc.collect()
    runner.call(copy)
    assert peer.accepted == 1
    with pytest.warns(ResourceWarning, match="unclosed client"):  # noqa: PT031
        del copy
        gc.collect()
    peer.wait_closed(0)


def test_stream_outlives_its_client(runner: Runner, peer: Peer) -> None:
    """Its connection is closed with it."""
    client = runner.client(peer)
    held: list[Any] = []

    async def begin() -> None:
        stream = await client.get("/stream", cast_to=object, stream=True)  # noqa: F821
        assert await stream.__anext__() == 1
        held.append(stream)

    if runner.name == "sync":
        stream = client.get("/stream", cast_to=object, stream=True)
        assert next(stream) == 1
        held.append(stream)
        del stream
    else:
        runner.run(begin)
    with pytest.warns(ResourceWarning, match="unclosed client with 1 connections"):  # noqa: PT031
        del client, begin
        gc.collect()
    assert not peer.closed
    held.clear()
    gc.collect()
    peer.wait_closed(0)


@pytest.mark.parametrize("name", ["asyncio", "trio"])
@pytest.mark.parametrize("how", ["held", "dropped", "in a cycle", "in a task"])
def test_unfinished_streams_at_the_end_of_the_loop(name: str, how: str, peer: Peer) -> None:
    """Nothing is said of coroutines never awaited, generators or tasks destroyed; pytest would make an error of it."""
    runner = Runner(name)
    held: list[Any] = []
    client = runner.client(peer)

    async def body() -> None:
        stream = await client.get("/stream", cast_to=object, stream=True)
        async for event in stream:
            assert event == 1
            break
        if how == "held":
            held.append(stream)
        elif how == "in a cycle":
            cycle = [stream]
            cycle.append(cycle)
        elif how == "in a task":
            if name == "asyncio":
                # Cancelled by asyncio.run at its end.
                held.append(asyncio.ensure_future(anext_of(stream)))
                await asyncio.sleep(0)
            else:
                with trio.move_on_after(0.01):
                    await stream.__anext__()

    runner.run(body)
    held.clear()
    gc.collect()
    assert client._transport.stats()["open"] == 0
    peer.wait_closed(0)
    runner.run(client.close)


async def anext_of(stream: Any) -> Any:
    return await stream.__anext__()


SCRIPTS = {
    "sync": """
        client = oxide.OpenAI(api_key="k", base_url=sys.argv[1])
        client.get("/x", cast_to=object)
        stream = client.get("/stream", cast_to=object, stream=True)
        next(stream)
    """,
    "asyncio": """
        import asyncio
        async def main():
            global client, stream
            client = oxide.AsyncOpenAI(api_key="k", base_url=sys.argv[1])
            await client.get("/x", cast_to=object)
            stream = await client.get("/stream", cast_to=object, stream=True)
            await stream.__anext__()
        asyncio.run(main())
    """,
    "trio": """
        import trio
        async def main():
            global client, stream
            client = oxide.AsyncOpenAI(api_key="k", base_url=sys.argv[1])
            await client.get("/x", cast_to=object)
            stream = await client.get("/stream", cast_to=object, stream=True)
            await stream.__anext__()
        trio.run(main)
    """,
    "interrupted": """
        import asyncio, os, signal
        async def main():
            client = oxide.AsyncOpenAI(api_key="k", base_url=sys.argv[1])
            stream = await client.get("/stream", cast_to=object, stream=True)
            async for event in stream:
                asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGINT)
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            pass
    """,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_end_of_the_process(name: str, peer: Peer) -> None:
    """A program that just ends, ends quietly, and at once."""
    code = "import sys, oxide\n" + textwrap.dedent(SCRIPTS[name])
    done = subprocess.run(
        [sys.executable, "-c", code, peer.base_url], capture_output=True, text=True, timeout=20, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    peer.wait_closed(0)
