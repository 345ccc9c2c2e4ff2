"""A server that writes down what it is sent, byte for byte, and answers what it is told to."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

SSE = "text/event-stream"


class Sent:
    """One request as it arrived.

    Attributes:
        method, target: the request line's; the target is path and query, still quoted.
        headers: lower-case name to value, repetitions joined by ", ".
        body: bytes.
    """

    def __init__(self, method: str, target: str, fields: Iterable[tuple[str, str]], body: bytes) -> None:
        self.method = method
        self.target = target
        self.body = body
        self.headers: dict[str, str] = {}
        for name, value in fields:
            key = name.lower()
            self.headers[key] = f"{self.headers[key]}, {value}" if key in self.headers else value

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def json(self) -> Any:
        """The body as JSON; `None` for no body."""
        return json.loads(self.body) if self.body else None

    @property
    def parts(self) -> list[Part]:
        """The parts of a multipart body; none if it is of another type."""
        kind = self.headers.get("content-type", "")
        if not kind.startswith("multipart/form-data"):
            return []
        message = BytesParser(policy=HTTP).parsebytes(b"content-type: %b\r\n\r\n%b" % (kind.encode(), self.body))
        assert message.is_multipart()
        assert not message.defects, message.defects
        return [Part(part) for part in message.iter_parts()]

    @property
    def content(self) -> Any:
        """What the body says: a JSON value, a list of parts, or bytes of another type; `None` for no body.

        Parts are sorted by name, those of one name in the order in which they came, which is what a form means.
        """
        kind = self.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            return sorted(self.parts, key=lambda part: part.name)
        return self.json if kind.startswith("application/json") else self.body or None

    def __repr__(self) -> str:
        return f"<{self.method} {self.target} {self.body[:200]!r}>"


class Part:
    """One part of a `multipart/form-data` body; equal to another if everything is.

    Attributes:
        name: the field's.
        headers: lower-case name to value, as they were sent. `Content-Disposition` has the name and the file name.
        content: bytes.
    """

    def __init__(self, message: Any) -> None:
        assert not message.defects, message.defects
        self.headers = {name.lower(): str(value) for name, value in message.raw_items()}
        self.name: str = message.get_param("name", header="content-disposition")
        self.content: bytes = message.get_payload(decode=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Part) and (self.headers, self.content) == (other.headers, other.content)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self.headers} {self.content[:100]!r}>"


class Answer:
    """What a request is answered with: a status, header fields, and a body (text, bytes, or a JSON value)."""

    def __init__(self, status: int = 200, body: Any = b"{}", *, type: str = "application/json", **headers: str) -> None:
        self.status = status
        if isinstance(body, str):
            body = body.encode()
        self.body: bytes = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = {"content-type": type, **{name.replace("_", "-"): value for name, value in headers.items()}}


def events(*data: Any, names: Iterable[str | None] = ()) -> Answer:
    """A stream of these events (text as it is, anything else as JSON); `names` are their `event` fields."""
    kinds = [*names, *[None] * len(data)]
    blocks = [
        (f"event: {kind}\n" if kind else "") + f"data: {item if isinstance(item, str) else json.dumps(item)}\n\n"
        for kind, item in zip(kinds, data, strict=False)
    ]
    return Answer(200, "".join(blocks), type=SSE)


class Recorder:
    """The server, on a thread; a context manager.

    Attributes:
        sent: every request so far, in order.
        answers: what the next requests get; after these, an empty stream where one was asked for, and else `{}`.
    """

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.answers: deque[Answer] = deque()
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                recorder.sent.append(Sent(self.command, self.path, self.headers.items(), body))
                answer = recorder.next_answer(self.path, body)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
                self.wfile.flush()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: the test says what went wrong."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def next_answer(self, target: str, body: bytes) -> Answer:
        """What the request gets."""
        if self.answers:
            return self.answers.popleft()
        wants_stream = b'"stream":true' in body or "stream=true" in target
        return Answer(200, "data: [DONE]\n\n", type=SSE) if wants_stream else Answer(x_request_id="req_1")

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def take(self) -> list[Sent]:
        """The requests since this was last called; forgets them, and the answers that are left."""
        sent, self.sent = self.sent, []
        self.answers.clear()
        return sent

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
