"""This machine's side: the embedded server, a way to tell it what to do, and the files that Pyodide is started from."""

from __future__ import annotations

import json
import mimetypes
import socket
import threading
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from oxide import testing
from oxide.testing import MockServer

__all__ = ["Control"]


class Control:
    """Two embedded servers, and a small HTTP server beside them that the tests in Pyodide talk to.

    Args:
        files: what is served, by URL path: a file, or a folder that what is below the path is looked up in, or bytes.
        say: called with each line that the other side reports.

    Attributes:
        result: what the other side reported at its end.
        done: set then.
    """

    def __init__(self, files: dict[str, Path | bytes], say: Callable[[str], None]) -> None:
        # Tests of timeouts leave requests behind, so the servers are told whom to serve.
        self.server = MockServer(api_key="sk-test", cors=True)
        self.elsewhere = MockServer(api_key="sk-test", cors=True)
        self.files = files
        self.say = say
        self.result: dict[str, Any] | None = None
        self.done = threading.Event()
        control = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.answer(*control.find(self.path.partition("?")[0]))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                try:
                    answer = {"result": control.perform(json.loads(body))}
                except Exception as error:  # noqa: BLE001 (told to who asked)
                    answer = {"error": f"{type(error).__name__}: {error}"}
                self.answer(200, "application/json", json.dumps(answer).encode())

            def answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self._silent = socket.socket()
        self._silent.bind(("127.0.0.1", 0))
        self._deaf = socket.create_server(("127.0.0.1", 0))
        self._http = QuietServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def nobody(self) -> str:
        """The base URL of a port that is taken, and that nobody listens on."""
        return f"http://127.0.0.1:{self._silent.getsockname()[1]}/v1"

    @property
    def deaf(self) -> str:
        """The base URL of a server that is connected to, and reads nothing."""
        return f"http://127.0.0.1:{self._deaf.getsockname()[1]}/v1"

    def __enter__(self) -> Control:
        self.server.start()
        self.elsewhere.start()
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._silent.close()
        self._deaf.close()
        self.server.stop()
        self.elsewhere.stop()

    def find(self, path: str) -> tuple[int, str, bytes]:
        if path.startswith("/simple/"):
            return 200, "application/vnd.pypi.simple.v1+json", self._index(path.split("/")[2])
        for prefix, found in self.files.items():
            if isinstance(found, bytes):
                if path == prefix:
                    return 200, _kind(path), found
            elif path == prefix and found.is_file():
                return 200, _kind(found.name), found.read_bytes()
            elif path.startswith(prefix + "/"):
                file = (found / path[len(prefix) + 1 :]).resolve()
                if file.is_file() and file.is_relative_to(found.resolve()):
                    return 200, _kind(file.name), file.read_bytes()
        return 404, "text/plain", b"not here"

    def _index(self, project: str) -> bytes:
        """The wheels of a project, as a package index says it (PEP 691)."""
        folder = self.files["/wheels"]
        assert isinstance(folder, Path)
        found = []
        for wheel in folder.glob("*.whl"):
            name = wheel.name.partition("-")[0].replace("_", "-").lower()
            if name == project.replace("_", "-").lower():
                digest = sha256(wheel.read_bytes()).hexdigest()
                url = f"{self.url}/wheels/{wheel.name}"
                found.append({"filename": wheel.name, "url": url, "hashes": {"sha256": digest}})
        versions = sorted({file["filename"].split("-")[1] for file in found})  # type: ignore[attr-defined]
        meta = {"api-version": "1.1"}
        return json.dumps({"meta": meta, "name": project, "files": found, "versions": versions}).encode()

    def perform(self, order: dict[str, Any]) -> Any:
        what = order.pop("do")
        return getattr(self, f"_do_{what}")(**order)

    def _do_clear(self) -> None:
        self.server.clear()
        self.elsewhere.clear()

    def _do_queue(self, scripts: list[dict[str, Any]], options: dict[str, Any]) -> None:
        self.server.queue(*map(_script, scripts), **options)

    def _do_requests(self) -> list[dict[str, Any]]:
        found = []
        for request in [*self.server.requests, *self.elsewhere.requests]:
            fields = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers}
            found.append(
                {
                    "method": request.method,
                    "path": request.path,
                    "headers": fields,
                    "body": request.body.decode("latin-1"),
                    "length": len(request.body),
                    "query": request.query_string,
                }
            )
        return found

    def _do_wait_disconnected(self, index: int) -> None:
        self.server.wait_for(lambda: self.server.requests[index].disconnected, 20)

    def _do_say(self, line: str) -> None:
        self.say(line)

    def _do_finish(self, result: dict[str, Any]) -> None:
        self.result = result
        self.done.set()


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that is stopped resets its connections."""


def _script(order: dict[str, Any]) -> Any:
    target: Any = testing
    for name in order["kind"].split("."):
        target = getattr(target, name)
    kwargs = {name: _script(value) if _is_script(value) else value for name, value in order["kwargs"].items()}
    for name in ("body",):
        if isinstance(kwargs.get(name), str):
            kwargs[name] = kwargs[name].encode("latin-1")
    return target(*order["args"], **kwargs)


def _is_script(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"kind", "args", "kwargs"}


def _kind(name: str) -> str:
    known = {".mjs": "text/javascript", ".wasm": "application/wasm", ".whl": "application/zip"}
    return known.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
