"""What uploads look like on the wire: a server that takes them in, and their parts."""

from __future__ import annotations

import re
from typing import Any

from tests.client.peer import Connection, Peer, Received, reply

__all__ = ["Part", "Uploads", "normal", "parts", "receive"]


def receive(connection: Connection) -> Received | None:
    """The next request, its body of known length or in chunks (which are put together); `None` at the connection's end."""
    head = connection.receive_head()
    if head is None:
        return None
    received = Received(head, b"")
    headers = received.headers
    if headers.get("transfer-encoding") == "chunked":
        assert "content-length" not in headers
        pieces = []
        while True:
            size = int(_until(connection, b"\r\n"), 16)
            piece = _exactly(connection, size + 2)
            assert piece.endswith(b"\r\n")
            if not size:
                break
            pieces.append(piece[:-2])
        received.body = b"".join(pieces)
    else:
        received.body = _exactly(connection, int(headers.get("content-length", "0")))
    connection.requests.append(received)
    connection._peer._add(received)
    return received


def _more(connection: Connection) -> None:
    data = connection.sock.recv(1 << 20)
    if not data:
        raise ConnectionError("the client is gone")
    connection._buffer += data


def _until(connection: Connection, end: bytes) -> bytes:
    while end not in connection._buffer:
        _more(connection)
    data, _, connection._buffer = connection._buffer.partition(end)
    return data


def _exactly(connection: Connection, size: int) -> bytes:
    pieces, missing = [connection._buffer[:size]], size - len(connection._buffer)
    connection._buffer = connection._buffer[size:]
    while missing > 0:
        data = connection.sock.recv(min(missing, 1 << 20))
        if not data:
            raise ConnectionError("the client is gone")
        pieces.append(data)
        missing -= len(data)
    return b"".join(pieces)


class Uploads(Peer):
    """A server that takes in whatever comes, and answers with what `answers` has next, or with `{}`."""

    def __init__(self, *answers: bytes, **arguments: Any) -> None:
        self.answers = list(answers)
        super().__init__(self._take_in, **arguments)

    def _take_in(self, connection: Connection) -> None:
        while receive(connection) is not None:
            connection.send(self.answers.pop(0) if self.answers else reply())

    @property
    def last(self) -> Received:
        return self.requests[-1]


class Part:
    """One part of a multipart body: its header fields as they came, and its content."""

    def __init__(self, data: bytes) -> None:
        head, _, self.content = data.partition(b"\r\n\r\n")
        self.lines = head.decode().split("\r\n")
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in self.lines)}
        assert len(self.headers) == len(self.lines), "a header came twice"
        found = re.fullmatch(
            r'form-data; name="([^"\r\n]*)"(?:; filename="([^"\r\n]*)")?', self.headers["content-disposition"]
        )
        assert found, self.headers
        self.name, self.filename = found[1], found[2]
        self.content_type = self.headers.get("content-type")

    def __repr__(self) -> str:
        return f"<Part {self.lines} {self.content[:100]!r}>"


def parts(request: Any) -> list[Part]:
    """The parts of a request, read as strictly as RFC 2046, section 5.1.1 has them."""
    found = re.fullmatch(r"multipart/form-data; boundary=([0-9a-zA-Z]+)", request.headers["content-type"])
    assert found, request.headers
    boundary = found[1].encode()
    assert request.body.endswith(b"--%b--\r\n" % boundary)
    pieces = (b"\r\n" + request.body).split(b"\r\n--" + boundary)
    assert pieces[0] == b""
    assert pieces[-1] == b"--\r\n"
    assert all(piece.startswith(b"\r\n") for piece in pieces[1:-1])
    return [Part(piece[2:]) for piece in pieces[1:-1]]


def normal(request: Any) -> tuple[bytes, str]:
    """A body and its content type with `BOUNDARY` for the boundary."""
    kind = request.headers.get("content-type", "")
    boundary = kind.partition("boundary=")[2].strip('"')
    if not boundary:
        return request.body, kind
    return request.body.replace(boundary.encode(), b"BOUNDARY"), kind.replace(boundary, "BOUNDARY")
