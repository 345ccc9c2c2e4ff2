"""What is secret, and how it is kept out of what is shown: reprs, messages, logs, pickles.

Values are where their names say so. A header field or a parameter of a query is secret if its name has a word in it such as `key` or
`token`, or its value the form of a credential.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pickle import PicklingError
from types import FunctionType
from typing import Any

__all__ = [
    "HIDDEN",
    "carried",
    "check_carried",
    "gives_secrets",
    "hidden",
    "hide_headers_in_logs",
    "hide_requests_in_logs",
    "hide_tokens_in_logs",
    "is_secret",
    "pickle_secrets",
    "secret_items",
    "shown_attributes",
    "shown_fields",
    "shown_text",
    "without_secret_fields",
    "without_secret_parameters",
    "without_secret_values",
    "without_secrets",
]

HIDDEN = "[secret]"

_WORDS = frozenset(
    {
        "apikey",
        "assertion",
        "auth",
        "authorization",
        "code",
        "cookie",
        "credential",
        "credentials",
        "jwt",
        "key",
        "pass",
        "passphrase",
        "passwd",
        "password",
        "pwd",
        "secret",
        "session",
        "sid",
        "sig",
        "signature",
        "token",
    }
)

_HARMLESS = frozenset({"idempotency-key", "sec-websocket-key", "sec-websocket-accept", "authorization-type"})

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

_VALUE = re.compile(
    r"(?:bearer|basic|digest|negotiate|token)\s+\S|(?:^|\W)(?:sk|ek|rk|sess|ghp)[-_]\w|openai-insecure-api-key\.",
    re.IGNORECASE,
)


def is_secret(name: str, value: str = "") -> bool:
    """Whether a header field or a parameter with this name and value is nobody's business."""
    if name.lower() in _HARMLESS:
        return False
    return not _WORDS.isdisjoint(word.lower() for word in _WORD.findall(name)) or _VALUE.search(value) is not None


_URL_IN_TEXT = re.compile(r"(\w+://)(?:[^/@\s]*@)?([^?\s\"'<>]*)(\?[^\s\"'<>]*)?")
_REFERENCES = frozenset({"location", "content-location", "link", "referer", "refresh"})


def shown_text(text: str) -> str:
    """A text without what may be secret in the URLs in it: credentials, and queries."""
    return _URL_IN_TEXT.sub(lambda match: match[1] + match[2] + ("?[query]" if match[3] else ""), text)


def shown_fields(fields: Any) -> dict[str, Any]:
    """Header fields, or parameters, as a repr has them."""
    shown = {}
    for name, value in fields.items():
        if isinstance(value, str):
            if is_secret(str(name), value):
                value = HIDDEN
            elif str(name).lower() in _REFERENCES and "://" not in value:
                value = value.partition("?")[0]
            else:
                value = shown_text(value)
        elif isinstance(name, str) and is_secret(name) and type(value).__name__ not in ("Omit", "NotGiven"):
            value = HIDDEN
        shown[name] = value
    return shown


def without_secret_parameters(url: str) -> str:
    """A URL without the values of those parameters of its query that are secret."""
    path, mark, query = url.partition("?")
    if not mark:
        return url
    from urllib.parse import unquote

    parts = []
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        parts.append(f"{name}=" if equals and is_secret(unquote(name), unquote(value)) else part)
    return f"{path}?{'&'.join(parts)}"


_JSON_SECRET = (
    rb'("(?:[a-z]+_)*(?:api_key|client_secret|access_token|refresh_token|id_token|subject_token|password|authorization|signing_secret%b)"'
    rb'\s*:\s*")(?:[^"\\]|\\.)*'
)
_PROOF = re.compile(rb'"(?:subject_token|client_assertion|client_secret)"\s*:\s*"([^"]*)"')
_FORM_SECRET = re.compile(rb"((?:^|&)(?:client_secret|assertion|subject_token|password)=)[^&]*")


def without_secret_values(content: bytes, path: str) -> bytes:
    """The JSON (or the form) of a request or a response without the values of what is called like a credential."""
    pattern = _JSON_SECRET % (b"|value" if gives_secrets(path) else b"")
    return _FORM_SECRET.sub(rb"\1", re.sub(pattern, rb"\1[secret]", content))


_GIVES_SECRETS = re.compile(
    r"/(?:client_secrets|admin_api_keys|api_keys|service_accounts|oauth/token)$|/(?:realtime|chatkit)/(?:transcription_)?sessions$"
)


def gives_secrets(path: str) -> bool:
    """Whether what an endpoint answers with is a credential."""
    return _GIVES_SECRETS.search(path) is not None


_ATTRIBUTES = frozenset(
    {"access_token", "api_key", "authorization", "client_secret", "password", "refresh_token", "signing_secret"}
)
_SECRET_OBJECT = re.compile(r"ClientSecret|APIKeyCreate|DomainSecret|^APIKey$")


def shown_attributes(name: str, attributes: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The attributes of an object that came from the API, as a repr has them: without the keys that it may be there for."""
    holds = _SECRET_OBJECT.search(name) is not None
    for key, value in attributes:
        if isinstance(value, str) and (key in _ATTRIBUTES or (holds and key == "value")):
            value = HIDDEN
        elif key == "headers" and isinstance(value, dict):
            value = shown_fields(value)
        yield key, value


# --- what a request carries, in what came back of it ------------------------------------------------------------------


def secret_items(request: Any) -> list[str]:
    """What of a request must not be shown, the longest first: the values of its secret fields and parameters, and the tokens in them."""
    head = getattr(request, "head", None)
    if head is None:
        return []
    found: set[str] = set()
    for raw_name, raw_value in head.pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if is_secret(name, value):
            found |= {value, value.rpartition(" ")[2]}
    query = request.url.target.partition("?")[2]
    if query:
        from urllib.parse import unquote_plus

        for part in query.split("&"):
            name, _, value = part.partition("=")
            if is_secret(unquote_plus(name), unquote_plus(value)):
                found |= {value, unquote_plus(value)}
    content = request.content
    if isinstance(content, bytes) and gives_secrets(request.url.path):
        # The proof that a token is given for.
        found |= {match[1].decode("utf-8", "replace") for match in _PROOF.finditer(content)}
    # What is shorter would be found where it is none.
    return sorted((text for text in found if len(text) >= 8), key=len, reverse=True)


def hidden(value: Any, secrets: list[str]) -> Any:
    """A JSON value in which none of these texts stands."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, HIDDEN)
        return value
    if isinstance(value, bytes):
        for secret in secrets:
            value = value.replace(secret.encode("latin-1", "replace"), HIDDEN.encode())
        return value
    if isinstance(value, dict):
        return {hidden(name, secrets): hidden(each, secrets) for name, each in value.items()}
    if isinstance(value, list):
        return [hidden(each, secrets) for each in value]
    return value


# --- pickles ----------------------------------------------------------------------------------------------------------

_asked: ContextVar[bool] = ContextVar("pickle_secrets", default=False)


def carried() -> bool:
    """Whether what is pickled now is to have its secrets with it."""
    return _asked.get()


def without_secrets(settings: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """The attributes of a configuration as they are pickled.

    Args:
        settings: the attributes.
        keys: those that are secret themselves.

    Raises:
        PicklingError: it is not known what of a setting is secret.
    """
    kept = dict(settings)
    for name in ("default_headers", "default_query"):
        kept[name] = without_secret_fields(kept[name])
    # A function goes by its name, and has nothing in it.
    left = tuple(name for name in keys if kept[name] and not isinstance(kept[name], FunctionType))
    for name in left:
        # A key that is not there is an empty one where the environment's is not to be taken.
        kept[name] = "" if name == "api_key" else None
    kept["_left"] = left
    identity = kept["workload_identity"]
    source = None if identity is None else identity.get("provider")
    function = source.get("get_token") if isinstance(source, Mapping) else None
    if kept["provider"] is not None or (function is not None and not isinstance(function, FunctionType)):
        check_carried("a client with a provider or a workload identity")
    return kept


def without_secret_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Header fields, or parameters, without those that are secret."""
    return {
        name: value
        for name, value in fields.items()
        if not is_secret(str(name), value if isinstance(value, str) else "") or type(value).__name__ == "Omit"
    }


def check_carried(what: str) -> None:
    """Refuse to pickle what has credentials in it that can't be left behind, unless they are asked for. Raises PicklingError."""
    if not carried():
        raise PicklingError(
            f"{what} has credentials in it that can't be left behind: make it where it is needed, or pickle it within"
            " oxide.pickle_secrets()"
        )


@contextmanager
def pickle_secrets() -> Iterator[None]:
    """What is pickled in this block (by this thread or task) has its secrets with it.

    Otherwise a client's keys stay behind, as do the secret ones of its header fields and parameters, and a copy that is made of the
    pickle takes those of its own environment.
    """
    token = _asked.set(True)
    try:
        yield
    finally:
        _asked.reset(token)


# --- other packages' logs ---------------------------------------------------------------------------------------------


def hide_tokens_in_logs() -> None:
    """Keep `botocore` from writing the session token to its log at level debug, within what it signs."""
    import logging

    log = logging.getLogger("botocore.auth")
    if _without_token not in log.filters:
        log.addFilter(_without_token)


_SESSION_TOKEN = re.compile(r"(x-amz-security-token[:=])[^\n&]*", re.IGNORECASE)


def _without_token(record: Any) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(
            _SESSION_TOKEN.sub(r"\1" + HIDDEN, argument) if isinstance(argument, str) else argument
            for argument in record.args
        )
    return True


_CLIENT_LOGS = ("httpx", "httpx2", "httpcore.http11", "httpcore.http2", "httpcore2.http11", "httpcore2.http2")
_PAIR = re.compile(r"\(b(['\"])([^'\"]*)\1, b(['\"])(.*?)\3\)")


def hide_requests_in_logs() -> None:
    """Keep the clients that users bring from writing queries and cookies to their logs."""
    import logging

    for name in _CLIENT_LOGS:
        log = logging.getLogger(name)
        if _without_requests not in log.filters:
            log.addFilter(_without_requests)


def _without_requests(record: Any) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(
            shown_text(str(argument)) if "URL" in type(argument).__name__ else argument for argument in record.args
        )
    if isinstance(record.msg, str) and "b'" in record.msg:
        record.msg = _PAIR.sub(
            lambda pair: f"({pair[2]}: {_shown_value(pair[2].encode(), pair[4].encode()).decode()})", record.msg
        )
    return True


def hide_headers_in_logs() -> None:
    """Keep `hpack` from writing credentials and cookies to its log at level debug."""
    import logging

    for name in ("hpack.hpack", "hpack.table"):
        log = logging.getLogger(name)
        if _without_fields not in log.filters:
            log.addFilter(_without_fields)


def _without_fields(record: Any) -> bool:
    arguments = record.args
    if isinstance(arguments, tuple):
        shown = [_shown_field(argument) for argument in arguments]
        if len(shown) > 1 and isinstance(shown[0], bytes) and isinstance(shown[1], bytes):
            shown[1] = _shown_value(shown[0], shown[1])
        elif len(shown) == 1 and isinstance(shown[0], (bytes, bytearray, memoryview)):
            shown[0] = f"{len(shown[0])} bytes"
        record.args = tuple(shown)
    return True


def _shown_field(argument: Any) -> Any:
    if isinstance(argument, tuple) and len(argument) == 2:
        name, value = (part if isinstance(part, bytes) else str(part).encode() for part in argument)
        return name, _shown_value(name, value)
    return argument


def _shown_value(name: bytes, value: bytes) -> bytes:
    (shown,) = shown_fields({name.decode("latin-1").lstrip(":"): value.decode("latin-1")}).values()
    if name == b":path":
        shown = shown.partition("?")[0]
    return str(shown).encode("latin-1", "replace")
