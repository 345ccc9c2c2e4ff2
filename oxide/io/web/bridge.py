"""JavaScript's side, as far as it is there: these modules can be imported anywhere, and used in Pyodide."""

from __future__ import annotations

from typing import Any

from ...core.errors import OpenAIError
from ...core.fetch import Failure

try:
    import js
    from pyodide.ffi import JsException, can_run_sync, create_proxy, run_sync, to_js
except ImportError:
    js = create_proxy = run_sync = to_js = None

    def can_run_sync() -> bool:
        return False

    class JsException(Exception):  # type: ignore[no-redef]
        """Never raised."""


__all__ = [
    "JsException",
    "can_run_sync",
    "create_proxy",
    "describe",
    "is_browser",
    "js",
    "require_javascript",
    "run_sync",
    "streams_requests",
    "to_js",
]


def require_javascript() -> None:
    """Raises OpenAIError where there is no JavaScript to call."""
    if js is None:
        raise OpenAIError(
            "fetch is there under WebAssembly, in Pyodide: elsewhere, use HTTPTransport or AsyncHTTPTransport"
        )


def describe(error: Any) -> Failure:
    """An error of JavaScript's as plain values."""
    cause = getattr(error, "cause", None)
    return Failure(
        _text(error, "name"), _text(error, "message"), _text(cause, "code"), _text(cause, "message").partition("\n")[0]
    )


def _text(error: Any, name: str) -> str:
    value = getattr(error, name, None)
    return value if isinstance(value, str) else ""


def is_browser() -> bool:
    """Whether this is a browser, and not Node or a worker on a server."""
    return "Mozilla" in str(getattr(getattr(js, "navigator", None), "userAgent", ""))


def streams_requests(secure: bool) -> bool:
    """Whether a request's body may be a stream: in Node and the like; in a browser that knows it (Chromium) over HTTP/2 only, which takes TLS."""
    if not is_browser():
        return True
    # Safari takes streams in a Request's constructor and makes text of them, so a browser is asked for the property.
    return secure and "duplex" in dir(js.Request.prototype)
