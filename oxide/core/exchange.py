"""One request and its response on one HTTP/1.1 connection: which bytes go out, and what those that come in mean.

Both shells drive it the same way: write `data_to_send()`, then hand in what they read until it is ready.
"""

from __future__ import annotations

from typing import Any, NoReturn

from .coding import BodyDecoder, body_decoder
from .errors import OpenAIError, ReadError, WriteError
from .http import Request, Response
from .http11 import END, H1Connection, Head
from .limits import Step, allowance, timed_out

__all__ = ["Exchange"]

LARGE = 65536
"""Bytes of a body that are written together with the head; what is beyond is written on its own."""


class Exchange:
    """A request under way.

    Args:
        h1: the connection's protocol machine, idle.
        request: what to send.
        stream: be ready as soon as the response's head is there, instead of when all of it is.
        reused: whether the connection has carried a request before.

    Attributes:
        ready: whether `response()` can be called.
        complete: whether the whole response has come in.
        step: what is being waited for.
    """

    __slots__ = (
        "_chunks",
        "_deadline",
        "_decoder",
        "_h1",
        "_head",
        "_limit",
        "_request",
        "_reused",
        "_stream",
        "_unsent",
        "_unwritten",
        "complete",
        "ready",
        "step",
    )

    def __init__(self, h1: H1Connection, request: Request, stream: bool, reused: bool) -> None:
        self._h1 = h1
        self._request = request
        self._stream = stream
        self._reused = reused
        self._unsent: WriteError | None = None
        self._unwritten: int | None = None
        self.step: Step = "write"
        self._limit = request.timeout.write
        self._deadline = request.deadline
        self._head: Head | None = None
        self._decoder: BodyDecoder | None = None
        self._chunks: list[bytes] = []
        self.ready = False
        self.complete = False

    def data_to_send(self) -> bytes:
        """The request as it goes on the wire, a body that is still to be read aside; the exchange has then begun."""
        return b"".join(self.pieces_to_send())

    def pieces_to_send(self) -> tuple[bytes | memoryview, ...]:
        """The same in what is to be written one after another: one piece, or two so that a large body is not copied."""
        request = self._request
        content = request.content
        method = request.method
        self._h1.start(method)
        forward = self._h1.forward
        head = request.url.request_start(method, absolute=forward is not None)
        if forward is not None:
            head += forward
        fields = request.head.rendered
        if not isinstance(content, bytes):
            self._unwritten = content.length
            if content.length is None:
                return (b"%b%bTransfer-Encoding: chunked\r\n\r\n" % (head, fields),)
            return (b"%b%bContent-Length: %d\r\n\r\n" % (head, fields, content.length),)
        length = len(content)
        if length > LARGE:
            first = b"%b%bContent-Length: %d\r\n\r\n%b" % (head, fields, length, content[:LARGE])
            return first, memoryview(content)[LARGE:]
        if length or request.has_length:
            return (b"%b%bContent-Length: %d\r\n\r\n%b" % (head, fields, length, content),)
        return (b"%b%b\r\n" % (head, fields),)

    def body_to_send(self, data: bytes) -> bytes:
        """A piece of a body that is read while it is sent, as it goes on the wire; empty bytes stand for its end.

        Raises:
            OpenAIError: the body has another length than it said, so the request can't be completed.
        """
        if self._unwritten is None:
            # RFC 9112, section 7.1; the last chunk is the empty one.
            return b"%x\r\n%b\r\n" % (len(data), data)
        self._unwritten -= len(data)
        if self._unwritten < 0 or (self._unwritten and not data):
            raise OpenAIError(f"the request's body is not {self._request.length} bytes long, as it said it was")
        return data

    def receive_data(self, data: bytes) -> bool:
        """Take in what was read, `b""` for the end of the connection; returns `ready`.

        Raises:
            ReadError: the connection ended before the response did.
            ProtocolError: this is not HTTP/1.1, or over a limit, or in a content coding that is not known.
        """
        h1 = self._h1
        events: list[Any] = h1.receive_data(data) if data else h1.receive_eof()
        if not events:
            if self._request.trace is not None:
                self._request.trace.arrived()
            return self.ready
        if self._head is None:
            # A head is always the first.
            head = self._head = events.pop(0)
            if self._request.trace is not None:
                self._request.trace.arrived()
            # Not `in`, which first tries whether the bytes are a number, at twice the cost of all this.
            if head.raw.lower().find(b"\ncontent-encoding:") >= 0:
                self._decoder = body_decoder(head.headers, h1.max_expansion)
        if events and events[-1] is END:
            events.pop()
            self.complete = self.ready = True
        else:
            self.ready = self._stream
        if self._decoder is not None:
            events = self._decoded(self._decoder, events)
        self._chunks += events
        return self.ready

    def _decoded(self, decoder: BodyDecoder, coded: list[bytes]) -> list[bytes]:
        if self._stream:
            # `take` goes on from here, piece by piece.
            for data in coded:
                decoder.feed(data)
            return []
        plain = [decoder.receive_data(data) for data in coded]
        if self.complete:
            decoder.receive_eof()
        return plain

    def hold(self) -> None:
        """Note that what is taken will be kept in memory, so that it must not become larger than `max_expansion` allows."""
        if self._decoder is not None:
            self._decoder.held = True

    @property
    def reusable(self) -> bool:
        """Whether the connection can take another request."""
        return self.complete and self._unsent is None and self._h1.reusable

    def allowance(self) -> float | None:
        """Seconds that the next write or read may take. Raises TotalTimeout if none are left."""
        return self._limit if self._deadline is None else allowance(self._limit, self._deadline)

    def answered(self, data: bytes | None) -> bool:
        """Take in what came while the body was being written, if anything; returns whether to write no more of it.

        A server may refuse a request before it has all of it (RFC 9112, section 9.3). Raises as `receive_data`.
        """
        if data is None:
            return False
        self.receive_data(data)
        if self._head is None:
            return False
        # After the last byte it is not early, but only quick.
        early = self._unwritten != 0
        self.sent(WriteError("the server answered before it had the whole request") if early else None)
        return True

    def sent(self, error: WriteError | None = None) -> None:
        """The request is out; or part of it is, and the server takes no more: it may have answered all the same."""
        self._unsent = error
        self.step = "read"
        self._limit = self._request.timeout.read

    def fail(self, error: Exception) -> NoReturn:
        """Raise what an error of the connection means for the request."""
        if isinstance(error, TimeoutError):
            raise timed_out(self.step, self._request.timeout, self._request.deadline) from error
        if self._unsent is not None and not (isinstance(error, ReadError) and error.told):
            error = self._unsent
        if self._reused and not self._h1.bytes_received and isinstance(error, (ReadError, WriteError)):
            stale = ReadError("the server closed the connection, which was kept from an earlier request")
            stale.stale = True
            raise stale from error
        raise error

    def take(self) -> bytes:
        """The part of the body that came in since the last call, in one piece; empty for none.

        Of a compressed body that is streamed, a piece of what came in. Raises ProtocolError if it is not in its coding.
        """
        chunks = self._chunks
        if chunks:
            self._chunks = []
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        decoder = self._decoder
        if decoder is None or not self._stream:
            return b""
        data = decoder.read()
        if self.complete and not data:
            decoder.receive_eof()
        return data

    def response(self) -> Response:
        """The response; without its body where the exchange is a streaming one."""
        head = self._head
        assert head is not None, "response() before the exchange was ready"
        response = Response(head.status, head, self._request, content=None if self._stream else self.take())
        if not head.raw.startswith(b"HTTP/1.1"):
            response.http_version = "HTTP/1.0"
        return response
