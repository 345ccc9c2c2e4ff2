"""The opening handshake of a WebSocket connection (RFC 6455, section 4), the client's side: a machine.

The request is an HTTP request like any other. So is the answer of a server that declines, and it is read by the same machine as the
others, whatever its framing; only an answer with the status 101 is read here.
"""

from __future__ import annotations

import re

from wsproto.utilities import RemoteProtocolError, generate_accept_token, generate_nonce

from .errors import ProtocolError, ReadError
from .exchange import Exchange
from .headers import Headers
from .http import HeadBlock, Request, Response
from .http11 import MAX_HEAD_SIZE, H1Connection
from .websocket import WebSocket
from .ws_deflate import Deflate
from .ws_options import WebSocketOptions

__all__ = ["Handshake"]

_STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d\d\d)(?: [^\r\n]*)?")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\x00]*?)[ \t]*")


class Handshake:
    """One handshake.

    Args:
        request: the GET; what belongs to the handshake is added to its header fields.
        options: what to offer.

    Attributes:
        response: the answer, once it is there; the server agrees if its status is 101.
        websocket: the connection that was agreed on, or `None`.
        trailing: what came behind the answer: the first bytes of the connection.
        subprotocol: what the server chose, or `None`.
    """

    def __init__(self, request: Request, options: WebSocketOptions) -> None:
        self._key = generate_nonce()
        self._options = options
        self._deflate = Deflate(options.max_size) if options.compression else None
        fields: list[tuple[bytes, bytes]] = [
            (b"Upgrade", b"websocket"),
            (b"Connection", b"Upgrade"),
            (b"Sec-WebSocket-Key", self._key),
            (b"Sec-WebSocket-Version", b"13"),
        ]
        if self._deflate is not None:
            fields.append((b"Sec-WebSocket-Extensions", b"permessage-deflate; client_max_window_bits"))
        if options.subprotocols:
            fields.append((b"Sec-WebSocket-Protocol", ", ".join(options.subprotocols).encode("ascii")))
        own = {name.lower() for name, _ in fields}
        fields += [pair for pair in request.head.pairs if pair[0].lower() not in own]
        self.request = Request("GET", request.url, HeadBlock(tuple(fields)), b"", request.timeout, request.deadline)
        self._exchange = Exchange(H1Connection(), self.request, False, False)
        self._received = b""
        self._declined = False
        self.response: Response | None = None
        self.websocket: WebSocket | None = None
        self.trailing = b""
        self.subprotocol: str | None = None

    def data_to_send(self) -> bytes:
        """The request."""
        return self._exchange.data_to_send()

    def receive_data(self, data: bytes) -> bool:
        """Take in what was read, `b""` for the end of the connection; returns whether the answer is there.

        Raises:
            ReadError: the connection ended before the answer did.
            ProtocolError: the answer is no HTTP, or agrees to something else than was asked for.
        """
        if self._declined:
            return self._continue(data)
        self._received += data
        while True:
            received = self._received
            end = received.find(b"\r\n\r\n")
            if not data and end < 0:
                raise ReadError("the server closed the connection during the WebSocket handshake")
            line = _STATUS_LINE.fullmatch(received[: max(received.find(b"\r\n"), 0)])
            status = int(line[1]) if line else 0
            if end < 0 and (len(received) > MAX_HEAD_SIZE or not _may_be_interim(received)):
                status = 0
            elif end < 0:
                return False
            if not 100 <= status < 200:
                self._declined = True
                self._received = b""
                return self._continue(received)
            head, rest = received[:end], received[end + 4 :]
            if status == 101:
                self.response = self._accept(head)
                self.trailing = rest
                return True
            # 100 Continue and the like say nothing.
            self._received = rest

    def _continue(self, data: bytes) -> bool:
        self._exchange.sent()
        if not self._exchange.receive_data(data):
            return False
        self.response = self._exchange.response()
        return True

    def _accept(self, head: bytes) -> Response:
        fields: list[tuple[bytes, bytes]] = []
        for line in head.split(b"\r\n")[1:]:
            field = _FIELD.fullmatch(line)
            if field is None:
                raise _refused(f"{line[:80]!r} is no header field")
            fields.append((field[1], field[2]))
        headers = Headers(fields)
        if headers.get("upgrade", "").lower() != "websocket":
            raise _refused(f"Upgrade is {headers.get('upgrade')!r} where 'websocket' was expected")
        if "upgrade" not in [token.strip().lower() for token in headers.get("connection", "").split(",")]:
            raise _refused(f"Connection is {headers.get('connection')!r} where 'Upgrade' was expected")
        if headers.get("sec-websocket-accept", "").encode("latin-1") != generate_accept_token(self._key):
            raise _refused("Sec-WebSocket-Accept is not the answer to the key that was sent")
        self.subprotocol = headers.get("sec-websocket-protocol")
        if self.subprotocol is not None and self.subprotocol not in self._options.subprotocols:
            raise _refused(f"the subprotocol {self.subprotocol!r} was not offered")
        options = self._options
        self.websocket = WebSocket(
            self._agreed(headers),
            max_size=options.max_size,
            ping_interval=options.ping_interval,
            ping_timeout=options.ping_timeout,
        )
        return Response(101, headers, self.request, content=b"")

    def _agreed(self, headers: Headers) -> tuple[Deflate, ...]:
        text = headers.get("sec-websocket-extensions")
        if text is None:
            return ()
        if self._deflate is None or "," in text or text.partition(";")[0].strip() != "permessage-deflate":
            raise _refused(f"the extension {text!r} was not offered")
        try:
            self._deflate.finalize(text)
        except (ValueError, IndexError, RemoteProtocolError) as error:
            raise _refused(f"the extension {text!r} has parameters that were not offered") from error
        return (self._deflate,)


def _may_be_interim(received: bytes) -> bool:
    """Whether this may become the beginning of an answer with a status of 1xx, as far as it has come."""
    return received[:10] == b"HTTP/1.1 1"[: len(received)]


def _refused(text: str) -> ProtocolError:
    return ProtocolError(f"invalid WebSocket handshake: {text}")
