"""The server that every contender talks to: canned replies over HTTP/1.1, from a process of its own.

It parses with llhttp, decides by a substring of the body what to send, and writes bytes that were made beforehand, so
that what is measured is the client. `Server` starts and stops it; it says on stdout which port it got, and leaves when
its stdin closes, so that it can not outlive the benchmark.

- `POST …/responses`: a Response of 1.2 KB; with `"stream":true` an event stream, as long as the model's name says
- `POST …/chat/completions`: the same for chat completions, whose streams end in `[DONE]`
- HTTP/2 by prior knowledge, with the same replies (`server_h2`)
- `GET` with an upgrade: a WebSocket, see `benchmarks.websocket`
- a stream has one HTTP chunk for an event and one socket write for `payloads.EVENTS_PER_WRITE` of them
"""

from __future__ import annotations

import os
import resource
import selectors
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import httptools

from . import payloads
from .server_h2 import H2

ROOT = Path(__file__).resolve().parent.parent
FILES = 8192  # descriptors: a thousand connections for each of several contenders


def raise_file_limit() -> None:
    """Lift the soft limit on open files to what a thousand connections a contender need, as far as the hard one lets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def fixed(body: bytes) -> tuple[bytes, ...]:
    """A reply of known length, in one write."""
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_0123456789abcdef\r\n"
        b"openai-processing-ms: 1\r\nopenai-version: 2020-10-01\r\nx-ratelimit-limit-requests: 10000\r\n"
        b"x-ratelimit-remaining-requests: 9999\r\nx-ratelimit-reset-requests: 6ms\r\ncontent-length: %d\r\n\r\n"
    )
    return (head % len(body) + body,)


def chunked(events: list[bytes]) -> tuple[bytes, ...]:
    """An event stream: the head, then the events in several writes, each event an HTTP chunk."""
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nx-request-id: req_0123456789abcdef\r\n"
        b"openai-processing-ms: 1\r\nopenai-version: 2020-10-01\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    chunks = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    step = payloads.EVENTS_PER_WRITE
    writes = [b"".join(chunks[i : i + step]) for i in range(0, len(chunks), step)]
    writes[-1] += b"0\r\n\r\n"
    return (head, *writes)


def response_stream(events: int, *, extra: bool = False) -> tuple[bytes, ...]:
    documents = payloads.response_events(events, extra=extra)
    return chunked([b"event: %b\ndata: %b\n\n" % (d["type"].encode(), payloads.compact(d)) for d in documents])


def completion_stream(events: int) -> tuple[bytes, ...]:
    documents = payloads.completion_chunks(events)
    return chunked([b"data: %b\n\n" % payloads.compact(d) for d in documents] + [b"data: [DONE]\n\n"])


SMALL = fixed(payloads.compact(payloads.response([payloads.message(payloads.TEXT)])))
COMPLETION = fixed(payloads.compact(payloads.completion()))
LARGE = 65536  # bytes from which on a request is not searched for what it asks for
MISSING = (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",)
LENGTHS = (payloads.HUGE_STREAM, payloads.SHORT_STREAM, payloads.LONG_STREAM)
# The longer marker first: `…-events-114` is the beginning of `…-events-114-extra`, and `…-events-2000` of `…-events-20000`.
STREAMS = {
    payloads.stream_model(length, extra=extra).encode(): (
        response_stream(length, extra=extra),
        completion_stream(length),
    )
    for length in LENGTHS
    for extra in (True, False)
    if not (extra and length == payloads.HUGE_STREAM)
}


def reply(path: bytes, body: bytes) -> tuple[bytes, ...]:
    """The writes that answer a request."""
    chat = path.endswith(b"/chat/completions")
    if not chat and not path.endswith(b"/responses"):
        return MISSING
    if len(body) < LARGE and (b'"stream":true' in body or b'"stream": true' in body):
        for marker, replies in STREAMS.items():
            if marker in body:
                return replies[chat]
        return MISSING
    return COMPLETION if chat else SMALL


class Connection:
    """One kept-alive connection: requests one after another, several in one read or one in several."""

    def __init__(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = accepted
        self.receive = accepted.recv
        self.feed = httptools.HttpRequestParser(self).feed_data
        self.unsent = b""
        self.upgraded: Any = None
        self.key = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"sec-websocket-key":
            self.key = value

    def on_url(self, url: bytes) -> None:
        self.path = url
        self.body = b""

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        if self.key:
            return
        for part in reply(self.path, self.body):
            self.write(part)

    def write(self, data: bytes) -> None:
        """Send what the kernel takes now; the rest waits in `unsent` until the socket is writable."""
        sent = 0
        if not self.unsent:
            try:
                sent = self.socket.send(data)
            except BlockingIOError:
                pass
        if sent < len(data):
            self.unsent += data[sent:]

    def ready(self, events: int) -> None:
        """Do what the socket is ready for. ConnectionError or HttpParserError: there is no more to do with it."""
        if events & selectors.EVENT_WRITE:
            unsent, self.unsent = self.unsent, b""
            self.write(unsent)
        if events & selectors.EVENT_READ:
            data = self.receive(65536)
            if not data:
                raise ConnectionResetError
            if self.upgraded is not None:
                for part in self.upgraded.receive(data):
                    self.write(part)
                if self.upgraded.closed:
                    raise ConnectionResetError
                return
            if data.startswith(b"PRI * HTTP/2.0"):
                self.feed = H2(self.write).feed
            try:
                self.feed(data)
            except httptools.HttpParserUpgrade:
                from .websocket import Upgraded

                self.upgraded = Upgraded(self.key)
                self.write(self.upgraded.head)


def serve() -> None:
    """Serve on a free port of the loopback interface until stdin ends.

    Not on asyncio, whose loop would take as long for a request as the quickest client does for the call.
    """
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    print(listener.getsockname()[1], flush=True)
    while True:
        for key, events in selector.select():
            connection = key.data
            if key.fileobj is sys.stdin:
                return
            if connection is None:
                accepted, _ = listener.accept()
                selector.register(accepted, selectors.EVENT_READ, Connection(accepted))
                continue
            try:
                connection.ready(events)
            except (ConnectionError, httptools.HttpParserError):
                selector.unregister(connection.socket)
                connection.socket.close()
                continue
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.unsent else 0)
            if wanted != key.events:
                selector.modify(connection.socket, wanted, connection)


class Server:
    """Context manager around the server process; `port` and `base_url` say where it listens."""

    def __enter__(self) -> Server:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the benchmark server did not start: exit status {self.process.wait()}")
        self.port = int(line)
        self.cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def place(self, placement: str) -> None:
        """Bind this thread (with the threads and processes it starts from now on) and the server to processors.

        "together": both to one. Taking turns costs neither a wake-up of an idle processor, which on a virtual machine
        is several times the floor's work and comes and goes with the scheduler's choice. What is left is the work done.
        "apart": to one each, as throughput wants it. "free": wherever the scheduler likes. No effect but on Linux.
        """
        if not self.cpus:
            return
        mine, its = {"together": (-1, -1), "apart": (0, -1)}.get(placement, (None, None))
        os.sched_setaffinity(0, self.cpus if mine is None else {self.cpus[mine]})
        os.sched_setaffinity(self.process.pid, self.cpus if its is None else {self.cpus[its]})

    def busy(self) -> float | None:
        """Processor seconds the server has used so far; None where /proc can not tell."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    raise_file_limit()
    serve()
