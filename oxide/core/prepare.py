"""From a method's arguments to a request: the builder that each client has one of.

What is the same for every request of a client is encoded once and looked up; what a call adds is joined to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from .._version import __version__
from .codec import encode
from .config import ClientConfig
from .credentials import Credentials
from .headers import encode_header, merge_headers
from .http import HeadBlock, Request
from .operation import BODY, OPTION, QUERY, EventMode, Operation
from .retry import RetryPolicy, as_policy
from .sentinels import NotGiven, Omit, omit
from .timeouts import Timeout, as_timeout
from .tools import definitions
from .url import URL, fill_path, query_string, quote_target

__all__ = ["Call", "RequestBuilder"]

_RETRY_COUNT = b"x-stainless-retry-count"

# Reserved: the wrappers behind `with_raw_response` pass the wish for a raw response among the parameters.
RAW = "__oxide_raw__"

_NOTHING: Mapping[str, Any] = {}

# A GET has no content to describe, whatever the caller says.
_NO_CONTENT: Mapping[str, Any] = {"Content-Type": omit}


class Call:
    """One call of a method, ready to be performed by `core.call.perform`.

    Attributes:
        operation: what is called.
        stream: whether the result is a stream of events.
        raw: `None`, or which raw form of the response is wanted: `"raw"` (body read) or `"stream"` (body unread).
        strict: whether a response that does not fit its type is an error.
        credentials: what authorises the requests, if that is no fixed key.
        events: what is made of a stream's events; only there if the call has no operation, which says so.
        follow_redirects: whether to; only there if the call says so.
        hedge: when the call is given a second request, or `None`.
        content: the body; a `core.body.Plan` becomes a `Body` when the call begins.
        kept_from: what kept the call from being repeated although the policy would have it so; empty for nothing.
        unread: whether the response is wanted before its body.
        watch: who is told what happens to it; only there if somebody is.
        ticket: what the client's limiter keeps of the request that is under way; only there if there is a limiter.
        started: when a call with a raw response was made, by `time.monotonic()`.
        plain: whether there is nothing to be decided about its first attempt (see `RequestBuilder`).
        params, path_values: the arguments, from which the next page's call is made.
    """

    __slots__ = (
        "_head",
        "builder",
        "cast_to",
        "content",
        "credentials",
        "deadline",
        "events",
        "extra_headers",
        "follow_redirects",
        "hedge",
        "kept_from",
        "method",
        "operation",
        "params",
        "path_values",
        "plain",
        "raw",
        "retries_taken",
        "retry",
        "security",
        "sends",
        "started",
        "stream",
        "strict",
        "ticket",
        "timeout",
        "unread",
        "url",
        "watch",
    )

    operation: Any
    cast_to: Any
    params: Mapping[str, Any]
    path_values: tuple[Any, ...]
    raw: str | None
    stream: bool
    strict: bool
    unread: bool
    events: EventMode
    follow_redirects: bool
    retries_taken: int
    started: float
    watch: Any
    ticket: Any

    def __init__(
        self,
        builder: RequestBuilder,
        method: str,
        url: URL,
        security: tuple[str, ...],
        content: Any,
        timeout: Timeout,
        extra_headers: Mapping[str, Any] | None,
        sends: tuple[tuple[str, str], ...],
        head: HeadBlock | None = None,
    ) -> None:
        self.builder = builder
        self.method = method
        self.url = url
        self.security = security
        self.content = content
        self.timeout = timeout
        self.extra_headers = extra_headers
        self.sends = sends
        self.retry = builder.retry
        self.hedge = builder.hedge
        self.plain = builder.plain
        credentials = builder.credentials
        self.credentials = credentials if credentials is not None and credentials.applies(security) else None
        self.deadline: float | None = None
        if timeout.total is not None:
            self.begin()
        self.retries_taken = 0
        self.kept_from = ""
        self.raw = None
        # A call that can't be authorised is refused before anything is sent or awaited.
        self._head = head if head is not None or self.credentials is not None else builder.head(self, None)

    def begin(self) -> None:
        """Let the time for the whole call begin now."""
        total = self.timeout.total
        self.deadline = None if total is None else monotonic() + total

    def add_idempotency_key(self) -> None:
        """Have all requests of this call carry one key, unless it is a GET, or somebody has said something about it."""
        given = (*self.builder.config.default_headers, *(self.extra_headers or _NOTHING), *dict(self.sends))
        if self.method == "GET" or any(name.lower() == "idempotency-key" for name in given):
            return
        from uuid import uuid4

        self.extra_headers = {**(self.extra_headers or _NOTHING), "Idempotency-Key": f"oxide-{uuid4()}"}
        self._head = None

    def request(self, attempt: int, api_key: str | None) -> Request:
        """The request for attempt number `attempt`, counted from 0; `api_key` is what `Credentials` got for it."""
        head = self._head or self.builder.head(self, api_key)
        if attempt:
            head = HeadBlock(
                tuple(
                    (name, b"%d" % attempt) if name == _RETRY_COUNT and value == b"0" else (name, value)
                    for name, value in head.pairs
                )
            )
        return Request(self.method, self.url, head, self.content, self.timeout, self.deadline, attempt)


class RequestBuilder:
    """Builds the requests of one client from its configuration.

    Args:
        config: the client's.
        asynchronous: which client it is, for the `User-Agent`.

    Attributes:
        credentials: what authorises requests, where that is no fixed key.
        plain: whether there is nothing to be decided about first attempts: no credentials to be fetched, no
            hedging, no budget, no limiter, no hooks.
        retry: the client's retry policy.
        functions: the hooks of the client, by the name of the event; `None` where there are none.
        stats: what gives the figures of the client's connections, or `None`.
    """

    def __init__(self, config: ClientConfig, asynchronous: bool) -> None:
        self.config = config
        self.accept_encoding: Callable[[], str] | None = None
        self.base_url = config.base_url
        path, mark, query = config.base_url.target.partition("?")
        self._base_path = path.rstrip("/")
        # A query in the base URL goes along with every request.
        self._base_query = query if mark else ""
        self.credentials: Credentials | None = config.credentials
        self.retry: RetryPolicy = config.retry
        self.hedge = config.hedge
        self.limiter = config.limiter
        self.functions = None if config.hooks is None else _functions(config.hooks)
        self.stats: Callable[[], dict[str, int]] | None = None
        alone = self.hedge is None and self.limiter is None and self.functions is None
        self.plain = self.credentials is None and self.retry.plain and alone
        self._agent = f"oxide/{__version__} ({'async' if asynchronous else 'sync'})"
        self._heads: dict[Any, HeadBlock] = {}
        self._urls: dict[str, URL] = {}
        # Where calls go and with which header fields, as long as they say nothing about either: these parameters don't.
        self._usual: dict[Operation, tuple[URL, HeadBlock, frozenset[str]]] = {}

    @property
    def platform(self) -> str:
        """Whose platform requests go to, for those who are told of them."""
        provider = self.config.provider
        return "openai" if provider is None else str(provider.name)

    # --- generated methods ------------------------------------------------------------------------------------------

    def operation(self, operation: Operation, params: Mapping[str, Any], path_values: tuple[Any, ...]) -> Call:
        """The call of a generated method.

        Args:
            operation: which.
            params: its keyword arguments.
            path_values: its positional ones.

        Raises:
            TypeError: a parameter is unknown (the message names the nearest known one), missing, or of a type that can't be sent.
            ValueError: a path parameter is empty or would leave the path, a header has a line break, a number is not finite.
        """
        usual = self._usual.get(operation)
        if usual is None or not usual[2].issuperset(params):
            call = self._unusual(operation, params, path_values)
        else:
            # What nearly every call is: parameters of the body, sent as they are to where such calls went before.
            url, head, _ = usual
            if operation.needs:
                check_needs(operation, params)
            body = params
            if "tools" in params:
                body = {**params, "tools": definitions(params["tools"], operation.nests_tools)}
            config = self.config
            content = encode(body, repeated="tools")
            call = Call(
                self, operation.method, url, operation.security, content, config.timeout, None, operation.sends, head
            )
            call.strict = config.strict
        call.operation = operation
        call.params = params
        call.path_values = path_values
        call.stream = operation.always_streams or bool(operation.streams and params.get("stream"))
        call.unread = call.stream or call.raw == "stream"
        return call

    def _unusual(self, operation: Operation, params: Mapping[str, Any], path_values: tuple[Any, ...]) -> Call:
        verbatim = operation.verbatim
        if verbatim is not None and verbatim.issuperset(params):
            # What is not to be sent is left out by the encoder.
            body: Any = params
            query, headers, options = _NOTHING, None, _NOTHING
        else:
            body, query, headers, options = _placed(operation, params)
        if operation.needs:
            check_needs(operation, params)
        if "tools" in body:
            body = {**body, "tools": definitions(body["tools"], operation.nests_tools)}
        if not operation.plain:
            body = _reshaped(operation, body)
        path = (
            operation.path
            if len(operation.segments) == 1
            else fill_path(operation.segments, operation.path_params, path_values)
        )
        call = self._call(
            operation.method,
            path,
            query,
            headers,
            body if operation.has_body else None,
            operation.security,
            options,
            operation,
            form=operation if operation.multipart or operation.files else None,
        )
        if (
            verbatim is not None
            and not (options or query or headers)
            and len(operation.segments) == 1
            and call._head is not None
        ):
            self._usual[operation] = call.url, call._head, verbatim
        if RAW in options:
            call.raw = options[RAW]
            call.started = monotonic()
        return call

    # --- undocumented endpoints -------------------------------------------------------------------------------------

    def endpoint(
        self, method: str, path: str, body: Any, options: Mapping[str, Any], files: Any = None, content: Any = None
    ) -> Call:
        """The call of an endpoint that has no method: `path` is relative to the base URL, or absolute.

        Args:
            body: a JSON value, or `bytes` to be sent as they are; `None` for no body. With files, or if the `Content-Type` says
                `multipart/form-data`, a mapping of form fields.
            files: part names with files, as a mapping or pairs.
            content: what to send as it is, instead of a body: bytes, text, a file, or an iterable of bytes.
            options: see `oxide.RequestOptions`.

        Raises:
            TypeError: an option is unknown, or the body can't be sent.
            ValueError: a header has a line break, or the path a control character.
        """
        for name in options:
            if name not in _ENDPOINT_OPTIONS:
                raise TypeError(f"unknown request option {name!r}; there are {', '.join(sorted(_ENDPOINT_OPTIONS))}")
        security = options.get("security")
        names = ("bearer_auth",) if security is None else tuple(name for name, wanted in security.items() if wanted)
        headers = dict(options.get("headers") or _NOTHING)
        if options.get("idempotency_key") is not None:
            headers.setdefault("Idempotency-Key", options["idempotency_key"])
        renamed: dict[str, Any] = {"extra_headers": headers, "extra_body": options.get("extra_json")}
        for name in ("timeout", "strict"):
            if name in options:
                renamed[name] = options[name]
        params = dict(options.get("params") or _NOTHING)
        if path[:1] == "/" or "://" not in path:
            path = quote_target(path)
        if "?" in path and (params or self.config.default_query):
            # A parameter replaces one of the same name in the path.
            from urllib.parse import parse_qsl

            path, _, written = path.partition("?")
            first = dict(reversed(parse_qsl(written, keep_blank_values=True)))
            params = {**dict(reversed(first.items())), **self.config.default_query, **params}
        form: Any = None
        if content is not None:
            if body is not None or files is not None or options.get("extra_json") is not None:
                raise TypeError("pass either content, or a body with or without files, but not both")
        elif files is not None or _media_type(headers) == "multipart/form-data":
            from .multipart import Form

            form = Form(files)
        call = self._call(method, path, params, None, body, names, renamed, None, form=form)
        if content is not None and method != "GET":
            if not isinstance(content, bytes):
                from .multipart import raw_content

                content = raw_content(content)
            call.content = content
        if options.get("retry") is not None:
            if options.get("max_retries") is not None:
                raise ValueError("pass either max_retries or retry, not both")
            call.retry = as_policy(options["retry"])
        elif options.get("max_retries") is not None:
            call.retry = call.retry.replace(max_retries=options["max_retries"])
        call.plain = call.plain and call.retry.plain
        if options.get("follow_redirects") is not None:
            call.follow_redirects = bool(options["follow_redirects"])
        if options.get("synthesize_event_and_data"):
            call.events = "named"
        else:
            call.events = "unchecked" if options.get("stream_mode") == "events" else "usual"
        call.operation = None
        call.params = _NOTHING
        call.path_values = ()
        call.stream = call.unread = False
        return call

    # --- what they share --------------------------------------------------------------------------------------------

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        headers: Mapping[str, Any] | None,
        body: Any,
        security: tuple[str, ...],
        options: Mapping[str, Any],
        operation: Operation | None,
        *,
        form: Any,
    ) -> Call:
        timeout = self.config.timeout
        strict = self.config.strict
        if options:
            given = options.get("timeout", timeout)
            if given is not timeout and not isinstance(given, NotGiven):
                timeout = as_timeout(given)
            if options.get("strict") is not None:
                strict = bool(options["strict"])
            extra_query = options.get("extra_query")
            if extra_query:
                query = {**query, **extra_query}
            extra_headers = options.get("extra_headers")
            if extra_headers:
                headers = merge_headers(headers or _NOTHING, extra_headers) | {
                    # An `omit` has to reach the merge with the client's own fields.
                    name: value
                    for name, value in extra_headers.items()
                    if isinstance(value, Omit)
                }
            body = _with_extra(body, options.get("extra_body"))
        content: Any = b""
        if method != "GET":
            if form is None:
                content = _content(body)
            else:
                from .multipart import encode_form

                content, headers = encode_form(form, body, dict(headers or {}))
        call = Call(
            self,
            method,
            self._url(path, query),
            security,
            content,
            timeout,
            headers,
            () if operation is None else operation.sends,
        )
        call.strict = strict
        return call

    def _url(self, path: str, query: Mapping[str, Any]) -> URL:
        if query:
            return self._make_url(path, query)
        url = self._urls.get(path)
        if url is None:
            if len(self._urls) >= 64:
                # Paths with an id in them must not pile up.
                self._urls.clear()
            url = self._urls[path] = self._make_url(path, query)
        return url

    def _make_url(self, path: str, query: Mapping[str, Any]) -> URL:
        defaults = self.config.default_query
        if defaults:
            query = {**defaults, **query}
        if path[:1] != "/":
            if "://" in path:
                url = URL(path)
                text = query_string(query) if query else ""
                return url.with_target(_join_query(url.target, text)) if text else url
            path = "/" + path
        target = self._base_path + path
        if self._base_query:
            target = _join_query(target, self._base_query)
        if query:
            text = query_string(query)
            if text:
                target = _join_query(target, text)
        return self.base_url.with_target(target)

    def head(self, call: Call, api_key: str | None) -> HeadBlock:
        """The header fields of a call, taken from the store where no call-specific ones are among them."""
        key = (call.security, call.method == "GET", call.timeout.read, api_key, call.sends)
        if call.extra_headers:
            fields = merge_headers(self._fields(*key), call.extra_headers, _NO_CONTENT if key[1] else _NOTHING)
            return self._encode(fields, call.extra_headers)
        block = self._heads.get(key)
        if block is None:
            if len(self._heads) >= 64:
                # Keys and timeouts that change with every call must not pile up.
                self._heads.clear()
            block = self._heads[key] = self._encode(self._fields(*key), _NOTHING)
        return block

    def _fields(
        self,
        security: tuple[str, ...],
        is_get: bool,
        read_timeout: float | None,
        api_key: str | None,
        sends: tuple[tuple[str, str], ...],
    ) -> dict[str, Any]:
        config = self.config
        return merge_headers(
            self._authorization(security, api_key),
            {
                "Accept": "application/json",
                "Accept-Encoding": omit if self.accept_encoding is None else self.accept_encoding(),
                "Content-Type": "application/json",
                "User-Agent": self._agent,
                "OpenAI-Organization": omit if config.organization is None else config.organization,
                "OpenAI-Project": omit if config.project is None else config.project,
            },
            config.default_headers,
            dict(sends),
            {
                "x-stainless-retry-count": "0",
                "x-stainless-read-timeout": omit if read_timeout is None else str(read_timeout),
            },
            _NO_CONTENT if is_get else _NOTHING,
        )

    def _authorization(self, security: tuple[str, ...], api_key: str | None) -> Mapping[str, str]:
        """The fields that authorise a call of this security; fields of the configuration replace them."""
        config = self.config
        secret = api_key if api_key is not None else config.api_key
        if "bearer_auth" in security and isinstance(secret, str) and secret:
            return {"Authorization": f"Bearer {secret}"}
        if "admin_api_key_auth" in security and config.admin_api_key:
            return {"Authorization": f"Bearer {config.admin_api_key}"}
        return _NOTHING

    def _encode(self, fields: dict[str, Any], extra: Mapping[str, Any]) -> HeadBlock:
        block = HeadBlock(tuple(encode_header(name, value) for name, value in fields.items()))
        self._check_authorized({name.lower() for name, _ in block.pairs}, {**self.config.default_headers, **extra})
        return block

    def _check_authorized(self, names: set[bytes], given: Mapping[str, Any]) -> None:
        """Refuse a call without credentials, unless `given` says that it wants none. Raises TypeError."""
        if b"authorization" in names or (self.credentials is not None and self.credentials.signs):
            return
        if not any(name.lower() == "authorization" and isinstance(value, Omit) for name, value in given.items()):
            raise TypeError(
                "this call can't be authorised: the client has no key that fits it. Pass api_key (or admin_api_key"
                " for administration endpoints) to the client, or pass omit as the Authorization header to send none."
                + (" Its key stayed behind when it was pickled: see oxide.pickle_secrets." if self.config._left else "")
            )


_ENDPOINT_OPTIONS = frozenset(
    {
        "extra_json",
        "follow_redirects",
        "headers",
        "idempotency_key",
        "max_retries",
        "params",
        "retry",
        "security",
        "stream_mode",
        "strict",
        "synthesize_event_and_data",
        "timeout",
    }
)


def _placed(
    operation: Operation, params: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None, Mapping[str, Any]]:
    """A method's arguments by how they travel: body, query, headers, and the options that every method has."""
    body: dict[str, Any] = {}
    query: dict[str, Any] = {}
    headers: dict[str, Any] | None = None
    options: Mapping[str, Any] = _NOTHING
    places = operation.places
    for name, value in params.items():
        place = places.get(name)
        if place is None:
            if name == RAW:
                options = {**options, RAW: value}
                continue
            raise unknown_parameter(operation, name)
        if type(value) is Omit or type(value) is NotGiven:
            continue
        kind, wire = place
        if kind == BODY:
            body[wire] = value
        elif kind == OPTION:
            options = {**options, name: value}
        elif kind == QUERY:
            query[wire] = value
        elif value is not None:
            headers = headers or {}
            headers[wire] = value if isinstance(value, (str, bytes)) else _header_text(value)
    return body, query, headers, options


def _functions(hooks: Any) -> Any:
    # Few clients have any.
    from .hooks import functions_of

    return functions_of(hooks) or None


def _join_query(target: str, query: str) -> str:
    return f"{target}{'&' if '?' in target else '?'}{query}"


def _reshaped(operation: Operation, body: dict[str, Any]) -> Any:
    """The body as the wire has it, where that is not what the caller gave."""
    if operation.renames is not None:
        from .rename import rename

        body = rename(body, operation.renames)
    if operation.adapter is not None:
        body = operation.adapter.prepare(body)
    return body


def _header_text(value: Any) -> str:
    return ",".join(str(item) for item in value) if isinstance(value, (list, tuple)) else str(value)


def _with_extra(body: Any, extra: Any) -> Any:
    if extra is None:
        return body
    if not isinstance(extra, Mapping):
        if body is None:
            return extra
        raise TypeError(f"extra_body must be a mapping to be merged into the body, not {type(extra).__name__}")
    if body is None:
        body = _NOTHING
    if not isinstance(body, Mapping):
        raise TypeError(f"extra_body can only be merged into a body that is a mapping, not {type(body).__name__}")
    return {name: value for name, value in {**body, **extra}.items() if not isinstance(value, (Omit, NotGiven))}


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    return encode(body, repeated="tools")


def _media_type(headers: Mapping[str, Any]) -> str | None:
    for name, value in headers.items():
        if name.lower() == "content-type" and isinstance(value, str):
            return value.partition(";")[0].strip().lower()
    return None


def unknown_parameter(operation: Operation, name: str) -> TypeError:
    """The error for a keyword that the method doesn't have."""
    from difflib import get_close_matches

    known = [known for known in operation.places if known != "strict" or name.startswith("str")]
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return TypeError(
        f"{operation.method} {operation.path} has no parameter {name!r}{hint}"
        " Pass what the API knows and oxide does not in extra_body, extra_query or extra_headers."
    )


def check_needs(operation: Operation, params: Mapping[str, Any]) -> None:
    """Refuse a call that lacks required keywords. Raises TypeError."""
    for alternative in operation.needs:
        if alternative.issubset(params):
            return
    raise missing_parameters(operation, params)


def missing_parameters(operation: Operation, params: Mapping[str, Any]) -> TypeError:
    """The error for a call that lacks required keywords."""
    missing = [name for name in operation.required[0] if name not in params]
    names = ", ".join(repr(name) for name in missing)
    return TypeError(f"{operation.method} {operation.path} needs the parameter{'s' * (len(missing) > 1)} {names}")
