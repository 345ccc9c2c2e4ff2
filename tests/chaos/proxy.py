"""A TCP proxy that misbehaves: the connections that it accepts meet faults of kinds and at offsets that a seed decides.

It runs in a thread of its own, on an event loop of its own, and knows nothing of what it carries.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NamedTuple

__all__ = ["CORRUPTING", "FAULTS", "ChaosProxy", "Fault"]

FAULTS = ("delay", "reset", "truncate", "half_close", "stall", "garbage", "duplicate")

CORRUPTING = frozenset({"garbage", "duplicate"})
"""Faults after which bytes arrive that nobody sent: over TLS they are an error, in the clear they may pass for content."""


class Fault(NamedTuple):
    """What happens to a connection.

    Attributes:
        kind: one of `FAULTS`.
        down: in the bytes that go to the client, and not in those that come from it.
        offset: after how many bytes of that direction, counted from the fault before.
        size: how many bytes are made up or sent twice.
        seconds: how long a delay is.
    """

    kind: str
    down: bool
    offset: int
    size: int
    seconds: float


class ChaosProxy:
    """Use it as a context manager.

    Args:
        port: the port on 127.0.0.1 that it stands before.
        seed: the same seed gives the n-th connection the same faults.
        reach: offsets are below this many bytes.
        kinds: the faults to draw from.

    Attributes:
        port: where it listens, on 127.0.0.1.
        met: how often each kind of fault was reached.
    """

    def __init__(self, port: int, *, seed: int, reach: int = 20_000, kinds: Sequence[str] = FAULTS) -> None:
        self._upstream = port
        self._seed = seed
        self._reach = reach
        self._kinds = kinds
        self._accepted = 0
        self._open = 0
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._thread = threading.Thread(target=self._run, name="chaos proxy")
        self._serving: set[asyncio.Task[None]] = set()
        self.port: int = self._listener.getsockname()[1]
        self.met: Counter[str] = Counter()

    def __enter__(self) -> ChaosProxy:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()
        self._loop.close()

    def wait_until_unused(self, timeout: float) -> bool:
        """Whether no client has a connection any more, at the latest after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._open == 0, timeout)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._accepting = self._loop.create_task(self._accept())
        self._loop.run_forever()

    def _stop(self) -> None:
        async def stop() -> None:
            tasks = [self._accepting, *self._serving]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._listener.close()
            self._loop.stop()

        self._stopping = self._loop.create_task(stop())

    async def _accept(self) -> None:
        self._listener.setblocking(False)
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            self._accepted += 1
            task = self._loop.create_task(self._serve(client, random.Random(f"{self._seed} {self._accepted}")))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

    def _draw(self, chance: random.Random) -> Fault:
        # Every connection has its next fault ahead: one without would be the one that a client goes on using.
        kind = chance.choice(self._kinds)
        # Most answers are short: small offsets are the interesting ones.
        offset = int(self._reach ** chance.random()) - 1
        down = kind in ("half_close", *CORRUPTING) or chance.random() < 0.7
        return Fault(kind, down, offset, chance.randint(1, 400), chance.uniform(0.001, 0.05))

    async def _serve(self, client: socket.socket, chance: random.Random) -> None:
        with self._changed:
            self._open += 1
        server = socket.socket()
        try:
            for sock in (client, server):
                sock.setblocking(False)
            await self._loop.sock_connect(server, ("127.0.0.1", self._upstream))
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plan = _Plan(self._draw, chance)
            up = self._loop.create_task(self._pump(client, server, client, plan, False))
            down = self._loop.create_task(self._pump(server, client, client, plan, True))
            try:
                # The end of what the client sends is the end of all; the end of what it is sent need not be noticed.
                await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (up, down):
                    task.cancel()
                await asyncio.gather(up, down, return_exceptions=True)
        except OSError:
            # One of the two is gone.
            pass
        finally:
            client.close()
            server.close()
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    async def _pump(
        self, source: socket.socket, sink: socket.socket, client: socket.socket, plan: _Plan, down: bool
    ) -> None:
        last = b""
        while True:
            data = await self._loop.sock_recv(source, 65536)
            if not data:
                return
            while (offset := plan.reached(down, len(data))) is not None:
                before, data = data[:offset], data[offset:]
                last = (last + before)[-400:]
                await self._loop.sock_sendall(sink, before)
                fault = plan.next()
                self.met[fault.kind] += 1
                data = await self._hit(fault, last[-fault.size :], sink, client) + data
            last = (last + data)[-400:]
            await self._loop.sock_sendall(sink, data)

    async def _hit(self, fault: Fault, last: bytes, sink: socket.socket, client: socket.socket) -> bytes:
        """Do it; what is returned goes on to the sink in addition."""
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "garbage":
            return random.Random(fault.offset).randbytes(fault.size)
        elif fault.kind == "duplicate":
            return last
        elif fault.kind == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise OSError
        elif fault.kind == "truncate":
            raise OSError
        else:
            if fault.kind == "half_close":
                sink.shutdown(socket.SHUT_WR)
            # Nothing more goes this way; the connection ends when the client gives it up.
            if fault.down:
                await self._loop.create_future()
            while await self._loop.sock_recv(client, 65536):
                pass
            raise OSError
        return b""


class _Plan:
    """The faults of one connection, one after the other."""

    def __init__(self, draw: Callable[[random.Random], Fault], chance: random.Random) -> None:
        self._draw = draw
        self._chance = chance
        self._fault = draw(chance)
        self._passed = 0

    def reached(self, down: bool, count: int) -> int | None:
        """After how many of the next `count` bytes of a direction the fault is; `None` where it is not among them."""
        fault = self._fault
        if fault.down is not down:
            return None
        if self._passed + count <= fault.offset:
            self._passed += count
            return None
        return fault.offset - self._passed

    def next(self) -> Fault:
        """The fault, which happens now."""
        fault, self._fault, self._passed = self._fault, self._draw(self._chance), 0
        return fault
