"""A connection that breaks at any byte: nothing hangs, no event is lost or comes twice without a word, and nothing is leaked.

The size is `OXIDE_WEBSOCKET_DROPS` connections for each way, 40 if it does not say; the seed is `OXIDE_WEBSOCKET_SEED`.
"""

from __future__ import annotations

import gc
import json
import os
import random
import socket
import threading
from typing import Any

import anyio
import pytest
from wsproto.utilities import generate_accept_token

from oxide.core.errors import APIConnectionError, WebSocketConnectionClosedError

from ..ways import Way
from .peer import delta

pytestmark = pytest.mark.exhaustive

DROPS = int(os.environ.get("OXIDE_WEBSOCKET_DROPS", "40"))
SEED = int(os.environ.get("OXIDE_WEBSOCKET_SEED", "20"))
EVENTS = 20


class Breaker:
    """A server that answers each connection with a handshake and `EVENTS` events, and breaks off after a random number of bytes.

    Attributes:
        sent: for each connection, how many events went out whole before the end, and whether the handshake did.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.sent: list[tuple[bool, int]] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            data = connection.recv(4096)
            if not data:
                return
            request += data
        key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
        head = (
            b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            + generate_accept_token(key)
            + b"\r\n\r\n"
        )
        frames = []
        for number in range(EVENTS):
            data = json.dumps(delta(number, "x" * self._random.randrange(200))).encode()
            frames.append(b"\x81\x7e" + len(data).to_bytes(2, "big") + data)
        wire = head + b"".join(frames)
        cut = self._random.randrange(len(wire) + 1)
        whole, place = 0, len(head)
        for frame in frames:
            place += len(frame)
            whole += place <= cut
        self.sent.append((cut >= len(head), whole))
        position = 0
        while position < cut:
            step = min(self._random.choice([1, 7, 100, 1000, 5000]), cut - position)
            connection.sendall(wire[position : position + step])
            position += step
        if self._random.random() < 0.5:
            connection.shutdown(socket.SHUT_WR)
            # An orderly end, after which what the client has to say is still read.
            while connection.recv(4096):
                pass

    def close(self) -> None:
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self._thread.join()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files by /proc")
async def test_breaking_anywhere(way: Way) -> None:
    breaker = Breaker(SEED)
    try:
        client = way.client(base_url=f"http://127.0.0.1:{breaker.port}/v1")
        await _drops(way, client, breaker, 3)
        gc.collect()
        before = descriptors()
        await _drops(way, client, breaker, DROPS)
        gc.collect()
        assert descriptors() <= before + 1
    finally:
        breaker.close()


async def _drops(way: Way, client: Any, breaker: Breaker, number: int) -> None:
    breaker.sent.clear()
    for index in range(number):
        got: list[int] = []
        error: Exception | None = None
        try:
            async with client.responses.connect(websocket_connection_options={"close_timeout": 5}) as connection:
                iterator = connection.__aiter__()
                while True:
                    # Nothing takes long here; what does, hangs.
                    if way.is_sync:
                        event = await iterator.__anext__()
                    else:
                        with anyio.fail_after(30):
                            event = await iterator.__anext__()
                    got.append(event.sequence_number)
        except (WebSocketConnectionClosedError, APIConnectionError) as caught:
            error = caught
        opened, whole = breaker.sent[index]
        assert isinstance(error, WebSocketConnectionClosedError if opened else APIConnectionError), (index, error)
        # A reset may take along what had not been read; an end without one may not.
        assert got == list(range(len(got)))
        reset = "reset" in str(error).lower() or "reset" in str(error.__cause__).lower()
        assert len(got) == whole or (reset and len(got) < whole), (index, got, whole, error)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files by /proc")
async def test_restored_until_all_has_come(way: Way) -> None:
    """With `on_reconnecting`, events come from one connection after the other, each from its beginning, and none between is lost."""
    breaker = Breaker(SEED + 1)
    try:
        client = way.client(base_url=f"http://127.0.0.1:{breaker.port}/v1")
        got: list[int] = []
        attempts: list[int] = []
        wanted = max(DROPS // 2, 10)

        def callback(event: Any) -> Any:
            attempts.append(event.attempt)
            return {"abort": True} if len(attempts) >= wanted else None

        while len(attempts) < wanted:
            try:
                manager = client.responses.connect(on_reconnecting=callback, initial_delay=0.0, max_retries=1000)
                async with manager as connection:
                    async for event in connection:
                        got.append(event.sequence_number)  # noqa: PERF401 (the end is an error)
            except (WebSocketConnectionClosedError, APIConnectionError):
                continue
        runs: list[int] = []
        for number in got:
            if number == 0:
                runs.append(0)
            assert number == runs[-1]
            runs[-1] += 1
        possible = [whole for opened, whole in breaker.sent if opened and whole]
        assert len(runs) <= len(possible)
        assert sum(runs) <= sum(possible)
    finally:
        breaker.close()
