"""One request and its response on one HTTP/2 stream: what `core.exchange` is for HTTP/1.1.

`core.http2` puts in what comes; the call that it is for takes it out. Between the two is the window: what has been received
and not been taken is at most as much.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from .coding import BodyDecoder, body_decoder
from .errors import OpenAIError, ReadError, TransportError
from .headers import Headers
from .http import Request, Response
from .limits import Step, timed_out

__all__ = ["MAX_REPLAYS", "H2Stream", "refused", "replayable"]

MAX_REPLAYS = 3
"""How often a request that a server did not look at is sent again before that counts as a failure."""


class H2Stream:
    """A request under way. Whoever reads the connection fills it; `news` tells its own call that there is something.

    Attributes:
        number: the stream's identifier.
        ready: whether `response()` can be called.
        complete: whether the whole response has come in.
        ended: whether the whole request has gone out.
        error: what ended the stream before its time.
        news: something came that the call waits for; the call takes the mark away.
        wake: called when `news` is set; the call sets it while it waits.
        unsent: what of the request's body is still to go out, as far as it has been read.
        touched: when something last happened, on `time.monotonic()`'s clock.
        mark: how many bytes of the connection's output have to be written for the request to be out.
        step: what is being waited for.
    """

    __slots__ = (
        "_announced",
        "_decoder",
        "chunks",
        "complete",
        "credit",
        "ended",
        "error",
        "expected",
        "first",
        "head_size",
        "headers",
        "last",
        "mark",
        "news",
        "number",
        "ready",
        "received",
        "request",
        "status",
        "step",
        "streaming",
        "touched",
        "unread",
        "unsent",
        "wake",
    )

    def __init__(self, number: int, request: Request, streaming: bool, window: int, now: float) -> None:
        self.number = number
        self.request = request
        self.streaming = streaming
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.head_size = 0  # bytes of all the heads that came, informational ones included
        self.chunks: list[bytes] = []
        self.received = 0  # bytes of the body
        self.expected: int | None = None
        self.credit = window  # bytes that the server may still send
        self.unread = 0  # bytes that count against the window and are not given back to it
        self.first = True  # nothing has been received on the connection since the stream was opened on it, alone
        self.ready = False
        self.complete = False
        self.error: TransportError | None = None
        self.news = False
        self.wake: Callable[[], object] | None = None
        self.touched = now
        self.step: Step = "write"
        self.mark = 0
        self._decoder: BodyDecoder | None = None
        content = request.content
        if isinstance(content, bytes):
            self.unsent = memoryview(content)
            self.last = True
            self._announced: int | None = None
        else:
            self.unsent = memoryview(b"")
            self.last = False
            self._announced = content.length
        self.ended = False

    # --- the request's body -----------------------------------------------------------------------------------------

    def add(self, data: bytes) -> None:
        """Have a piece of a body that is read while it is sent go out; empty bytes stand for its end.

        Raises:
            OpenAIError: the body has another length than it said, so the request can't be completed.
        """
        if self._announced is not None:
            self._announced -= len(data)
            if self._announced < 0 or (self._announced and not data):
                raise OpenAIError(f"the request's body is not {self.request.length} bytes long, as it said it was")
        self.unsent = memoryview(data)
        self.last = not data

    @property
    def sending(self) -> bool:
        """Whether what was added is still to go out: there is some, and the server has not said that it wants no more."""
        return bool(self.unsent or self.last) and not (self.ended or self.declined)

    @property
    def declined(self) -> bool:
        """Whether it is of no use to send more: the response is there, or is going to be an error."""
        return self.complete or self.error is not None or self.status >= 400

    # --- waiting ----------------------------------------------------------------------------------------------------

    def patience(self, now: float) -> float | None:
        """Seconds that the call may wait from now on. Raises TimeoutError if none are left."""
        timeout = self.request.timeout
        limit = timeout.write if self.step == "write" else timeout.read
        end = None if limit is None else self.touched + limit
        deadline = self.request.deadline
        if deadline is not None and (end is None or deadline < end):
            end = deadline
        if end is None:
            return None
        if now >= end:
            raise TimeoutError
        return end - now

    def fail(self, error: Exception) -> NoReturn:
        """Raise what an error means for the request."""
        if isinstance(error, TimeoutError):
            raise timed_out(self.step, self.request.timeout, self.request.deadline) from error
        raise error

    # --- the response -----------------------------------------------------------------------------------------------

    def on_head(
        self, status: int, headers: list[tuple[bytes, bytes]], expected: int | None, max_expansion: float | None
    ) -> None:
        """The response's head came."""
        if self.request.trace is not None:
            self.request.trace.arrived()
        self.status = status
        self.headers = headers
        self.expected = expected
        self._decoder = body_decoder(headers, max_expansion)
        if self.streaming:
            self.ready = True

    def take(self) -> bytes:
        """The part of the body that came in since the last call, in one piece; empty for none.

        Of a compressed body that is streamed, a piece of what came in. Raises ProtocolError if it is not in its coding.
        """
        chunks = self.chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        decoder = self._decoder
        if decoder is None:
            return data
        if not self.streaming:
            data = decoder.receive_data(data)
        else:
            if data:
                decoder.feed(data)
            data = decoder.read()
        if self.complete and not (self.streaming and data):
            decoder.receive_eof()
        return data

    @property
    def available(self) -> bool:
        """Whether `take` may have something."""
        return bool(self.chunks) or self._decoder is not None

    def hold(self) -> None:
        """Note that what is taken will be kept in memory, so that it must not become larger than `max_expansion` allows."""
        if self._decoder is not None:
            self._decoder.held = True

    def response(self) -> Response:
        """The response; without its body where the call is a streaming one. Raises as `take`."""
        return Response(
            self.status,
            Headers(self.headers),
            self.request,
            content=None if self.streaming else self.take(),
            http_version="HTTP/2",
        )


def refused(text: str, cause: Exception | None = None) -> ReadError:
    """The error for a request that the server did not look at, so that it can be sent again without any risk."""
    error = ReadError(text)
    error.sent = False
    error.__cause__ = cause
    return error


def replayable(request: Request, error: TransportError, replays: int) -> bool:
    """Whether to send a request again at once after this error, on a connection that takes it."""
    if error.sent or replays >= MAX_REPLAYS:
        return False
    content = request.content
    return isinstance(content, bytes) or content.replayable
