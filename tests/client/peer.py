"""A server that does exactly what a test says: bytes in, bytes out, over TCP or TLS, each connection on its own thread.

The script of a connection is a plain function. Where it has to wait for the test it waits for an `Event`, and where the
test has to know how far it came it sets one, so nothing sleeps.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

__all__ = ["LIMIT", "Connection", "Event", "Peer", "Received", "chunked", "deaf_port", "reply"]

LIMIT = 10.0
"""Seconds after which a script that waits has failed."""


class Event(threading.Event):
    """An event that must come: `wait` raises instead of returning False."""

    def wait(self, timeout: float | None = LIMIT) -> bool:
        if not super().wait(timeout):
            raise TimeoutError(f"the event did not come within {timeout} s")
        return True


class Received:
    """A request as it arrived."""

    def __init__(self, head: bytes, body: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = first.split(" ")
        self.fields = [tuple(line.split(": ", 1)) for line in lines]
        self.headers = {name.lower(): value for name, value in self.fields}
        self.head = head
        self.body = body


class Connection:
    """The server's end of one connection.

    Attributes:
        number: 0 for the first connection that the peer accepted, and so on.
        requests: those that `receive` has returned.
    """

    def __init__(self, peer: Peer, sock: socket.socket, number: int) -> None:
        self._peer = peer
        self.sock = sock
        self.number = number
        self.requests: list[Received] = []
        self._buffer = b""

    def receive_head(self) -> bytes | None:
        """The head of the next request without reading its body; `None` at the end of the connection."""
        while b"\r\n\r\n" not in self._buffer:
            data = self.sock.recv(65536)
            if not data:
                return None
            self._buffer += data
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head

    def receive(self) -> Received | None:
        """The next request; `None` at the end of the connection."""
        head = self.receive_head()
        if head is None:
            return None
        received = Received(head, b"")
        pieces, missing = [self._buffer], int(received.headers.get("content-length", "0")) - len(self._buffer)
        while missing > 0:
            data = self.sock.recv(1 << 20)
            if not data:
                return None
            pieces.append(data)
            missing -= len(data)
        body = b"".join(pieces)
        self._buffer = body[len(body) + missing :] if missing else b""
        received.body = body[: len(body) + missing]
        self.requests.append(received)
        self._peer._add(received)
        return received

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def pause(self, seconds: float, *, reading: bool = True) -> None:
        """Let time pass, which is what the test is about; less of it, if `reading`, when the client sends or closes."""
        select.select([self.sock] if reading else [], [], [], seconds)

    def reset(self) -> None:
        """Close with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close without any further word: on TLS without close_notify."""
        self.sock.close()

    def wait_closed(self) -> None:
        """Wait until the client has closed the connection."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while self.sock.recv(65536):
                pass
        self._peer._note_closed(self.number)


Script = Callable[[Connection], Any]


class Peer:
    """Listens on loopback and runs `script` for each connection; used as a context manager.

    Whatever goes wrong in a script is raised at the end of the block, except that the client went away.

    Args:
        script: what to do with a connection; it is closed when this returns.
        context: for TLS.
        host: the address to listen on.
        shake: do the TLS handshake before the script begins.
    """

    def __init__(
        self, script: Script, *, context: ssl.SSLContext | None = None, host: str = "127.0.0.1", shake: bool = True
    ) -> None:
        self._script = script
        self._context = context
        self._host = host
        self._shake = shake
        self._failures: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._changed = threading.Condition()
        self._stopped = False
        self.requests: list[Received] = []
        self.accepted = 0
        self.closed: set[int] = set()

    def __enter__(self) -> Peer:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._listener = socket.create_server((self._host, 0), family=family, backlog=128)
        self.port: int = self._listener.getsockname()[1]
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        self._threads.append(thread)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped = True
        # A connection wakes accept() up, which closing the listener does not.
        with socket.socket(self._listener.family) as wake:
            wake.connect_ex((self._host, self.port))
        self._threads[0].join(LIMIT)
        self._listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(LIMIT)
            assert not thread.is_alive(), "a script did not end"
        for sock in self._sockets:
            sock.close()
        if exc is None and self._failures:
            raise self._failures[0]

    @property
    def origin(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._context else 'http'}://{host}:{self.port}"

    @property
    def base_url(self) -> str:
        return self.origin + "/v1"

    def wait_requests(self, count: int) -> None:
        """Wait until so many requests have arrived on all connections."""
        self._wait(lambda: len(self.requests) >= count)

    def wait_accepted(self, count: int) -> None:
        """Wait until so many connections have been accepted."""
        self._wait(lambda: self.accepted >= count)

    def wait_closed(self, number: int) -> None:
        """Wait until the client has closed connection `number`, whose script says `wait_closed`, or `receive` to its end."""
        self._wait(lambda: number in self.closed)

    def _wait(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, LIMIT), "what was waited for did not happen"

    def _add(self, received: Received) -> None:
        with self._changed:
            self.requests.append(received)
            self._changed.notify_all()

    def _note_closed(self, number: int) -> None:
        with self._changed:
            self.closed.add(number)
            self._changed.notify_all()

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._stopped:
                sock.close()
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(LIMIT)
            thread = threading.Thread(target=self._serve, args=(sock, self.accepted), daemon=True)
            self._threads.append(thread)
            with self._changed:
                self.accepted += 1
                self._changed.notify_all()
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            if self._context is not None and self._shake:
                # The read-ahead of a client that closes is not of interest here.
                sock = self._context.wrap_socket(sock, server_side=True)
            self._sockets.append(sock)
            self._script(Connection(self, sock, number))
        except (ConnectionError, ssl.SSLError):
            pass
        except BaseException as error:  # noqa: BLE001
            if not self._stopped:
                self._failures.append(error)
        finally:
            sock.close()
            self._note_closed(number)


def reply(
    body: bytes = b"{}", status: str = "200 OK", headers: bytes = b"", *, content_type: bytes = b"application/json"
) -> bytes:
    """A response with a Content-Length; `headers` are lines with their CRLF."""
    return b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n%b" % (
        status.encode(),
        content_type,
        len(body),
        headers,
        body,
    )


def chunked(*pieces: bytes, end: bool = True, headers: bytes = b"Content-Type: text/event-stream\r\n") -> bytes:
    """A response in chunks."""
    head = b"HTTP/1.1 200 OK\r\n%bTransfer-Encoding: chunked\r\n\r\n" % headers
    return head + b"".join(map(chunk, pieces)) + (b"0\r\n\r\n" if end else b"")


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


@contextlib.contextmanager
def deaf_port() -> Any:
    """A port on loopback where connecting takes for ever: its backlog is full and nobody accepts."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        # Linux queues one more than the backlog says; the next one's SYN is dropped.
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
