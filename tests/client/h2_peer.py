"""A server of HTTP/2 that does what a test says: h2's server side on the scripted `Peer`, over TCP or TLS."""

from __future__ import annotations

import ssl
import struct
from collections.abc import Callable
from typing import Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

from .peer import Connection
from .tls import server_context

__all__ = ["H2Server", "h2_context", "serving"]


def h2_context() -> ssl.SSLContext:
    """A server's context that agrees to HTTP/2."""
    context = server_context()
    context.set_alpn_protocols(["h2"])
    return context


class H2Server:
    """The server's end of one connection.

    Attributes:
        number: 0 for the first connection that the peer accepted, and so on.
        bodies: what has come of each stream's body.
        paths: each stream's path.
        resets: streams that the client gave up.
        pings: how many came.
    """

    def __init__(self, connection: Connection, answer: Callable[[H2Server, int], None] | None, **settings: int) -> None:
        self.connection = connection
        self.number = connection.number
        self.answer = answer or echo
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
        codes = {getattr(h2.settings.SettingCodes, name): value for name, value in settings.items()}
        window = codes.pop(h2.settings.SettingCodes.INITIAL_WINDOW_SIZE, None)
        if codes:
            self.h2.local_settings = h2.settings.Settings(client=False, initial_values=codes)
        self.h2.initiate_connection()
        if window is not None:
            # It holds from when the client has acknowledged it: until then it may not have known.
            self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.bodies: dict[int, bytearray] = {}
        self.paths: dict[int, str] = {}
        self.resets: set[int] = set()
        self.pings = 0
        self.flush()

    def flush(self) -> None:
        data = self.h2.data_to_send()
        if data:
            self.connection.send(data)

    def receive(self) -> bool:
        """Take in what comes next; whether there was something."""
        data = self.connection.sock.recv(65536)
        if not data:
            return False
        complete = []
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self.paths[event.stream_id] = dict(event.headers)[b":path"].decode()
                self.bodies[event.stream_id] = bytearray()
            elif isinstance(event, h2.events.DataReceived):
                self.bodies[event.stream_id] += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self.resets.add(event.stream_id)
            elif isinstance(event, h2.events.PingReceived):
                self.pings += 1
            elif isinstance(event, h2.events.StreamEnded):
                complete.append(event.stream_id)
        for stream in complete:
            self.answer(self, stream)
        self.flush()
        return True

    def serve(self) -> None:
        """Go on until the client closes the connection."""
        while self.receive():
            pass

    def head(self, stream: int, status: str = "200", *fields: tuple[str, str], end: bool = False) -> None:
        self.h2.send_headers(stream, [(":status", status), *fields], end_stream=end)

    def reply(self, stream: int, body: bytes, status: str = "200") -> None:
        self.head(stream, status, ("content-type", "application/json"))
        self.h2.send_data(stream, body, end_stream=True)

    def reset(self, stream: int, code: h2.errors.ErrorCodes) -> None:
        self.h2.reset_stream(stream, code)

    def goaway(self, last: int, code: int = 0) -> None:
        """GOAWAY as a frame, after which h2's server would do nothing more."""
        self.flush()
        self.connection.send(struct.pack(">HBBBLLL", 0, 8, 7, 0, 0, last, code))


def echo(server: H2Server, stream: int) -> None:
    """The last part of the path."""
    server.reply(stream, b'"%b"' % server.paths[stream].rpartition("/")[2].encode())


def serving(answer: Callable[[H2Server, int], None] | None = None, **settings: int) -> Callable[[Connection], Any]:
    """A script for `Peer`: every connection answers each complete request by `answer`."""

    def script(connection: Connection) -> None:
        H2Server(connection, answer, **settings).serve()

    return script
