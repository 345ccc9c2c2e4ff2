"""What one API method is, as data: the generated resources declare these, `core.prepare` turns them into requests.

An operation is made once, when its resource module is imported, so everything that can be worked out from the
declaration alone is worked out here and looked up later.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from importlib import import_module
from typing import Any, Literal

__all__ = ["BODY", "HEADER", "OPTION", "QUERY", "EventMode", "Operation", "Security"]

Security = Literal["bearer_auth", "admin_api_key_auth"]
EventMode = Literal["usual", "named", "unchecked"]

BODY, QUERY, HEADER, OPTION = range(4)

# What every method takes beside its own parameters. A parameter of the API with the same name comes first.
_OPTIONS = ("extra_headers", "extra_query", "extra_body", "timeout", "strict")


def _resolve(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


class Operation:
    """One endpoint: how its parameters travel and what comes back.

    Args:
        method: the HTTP method, in capitals.
        path: a template relative to the base URL, such as `/responses/{response_id}`; the braces name
            `path_params` in the order in which the method takes them.
        body: names of the parameters that make up the JSON body.
        query: names of the parameters that travel in the query.
        headers: parameters that travel as headers: parameter name to header name.
        aliases: parameter name to wire name, where they differ.
        path_params: names of the positional parameters.
        required: the sets of parameters of which at least one has to be there in full.
        response: `"package.module:Type"` of what the body decodes to, imported when it is first needed;
            `None` for no content.
        stream: the same for one event of the stream that `stream=True` asks for.
        events: how events are taken off the stream; see `core.events.EventDecoder`.
        page: name of a page class in `oxide.pagination` without `Sync` or `Async` (`"CursorPage"`); `response`
            is then the type of one item.
        page_via: where the next page's parameters go: `"query"` or `"body"`.
        security: which of the client's keys authorises the call.
        sends: header fields that every call has, which a caller may override.
        multipart: the body is `multipart/form-data`, with files or without.
        files: where files are inside the body (`"image"`, `"image[]"`, `"files[][file]"`; brackets for what is
            inside a list or a mapping). If there is one, the body is multipart.
        encodings: content types of the parts of a multipart body that have one of their own.
        raw_part: the one of these that is sent as the whole body where nothing else is given.
        renames: keys inside the body that have another name on the wire: `{"agent": {"async_": "async"}}`. The
            members of a list have the names of the list.
        chooses: the parameter that says what the body decodes to, and by its value what that is instead of `response`.
        binary: the body is content, such as a file, rather than JSON.
        always_streams: the answer is a stream of events without being asked for.
        adapt: `"package.module:Class"` of an object with `prepare(body)` and `finish(result, params, response)`, for an endpoint
            whose wire format is not what the caller sees.

    Attributes:
        places: parameter name to how it travels (`BODY`, `QUERY`, `HEADER`, `OPTION`) and its wire name.
        segments: the fixed parts of the path, between which the path parameters go.
        streams: whether `stream=True` gives a stream of events.
        plain: whether the body is sent as it is given, so that nothing of the following needs to be looked at.
        nests_tools: whether the definition of a function among the `tools` is in a key `function`.
        verbatim: the parameters that are properties of the body under their own names; `None` where the body is made in
            another way.
        needs: `required` as sets.
        simple: whether the result is what the response decodes to as `response`, and nothing else has a say in it.
    """

    __slots__ = (
        "_adapter",
        "_choices",
        "_response",
        "_stream",
        "always_streams",
        "binary",
        "chooses",
        "encodings",
        "events",
        "files",
        "has_body",
        "method",
        "multipart",
        "needs",
        "nests_tools",
        "page",
        "page_via",
        "path",
        "path_params",
        "places",
        "plain",
        "raw_part",
        "renames",
        "required",
        "security",
        "segments",
        "sends",
        "simple",
        "streams",
        "verbatim",
    )

    def __init__(
        self,
        method: str,
        path: str,
        *,
        body: tuple[str, ...] = (),
        query: tuple[str, ...] = (),
        headers: dict[str, str] | None = None,
        aliases: dict[str, str] | None = None,
        path_params: tuple[str, ...] = (),
        required: tuple[tuple[str, ...], ...] = (),
        response: str | None = None,
        stream: str | None = None,
        events: EventMode = "usual",
        page: str | None = None,
        page_via: Literal["query", "body"] = "query",
        security: tuple[Security, ...] = ("bearer_auth",),
        sends: tuple[tuple[str, str], ...] = (),
        multipart: bool = False,
        files: tuple[str, ...] = (),
        encodings: dict[str, str] | None = None,
        raw_part: str | None = None,
        renames: dict[str, Any] | None = None,
        chooses: tuple[str, dict[str, str]] | None = None,
        binary: bool = False,
        always_streams: bool = False,
        adapt: str | None = None,
    ) -> None:
        aliases = aliases or {}
        places: dict[str, tuple[int, str]] = {name: (OPTION, name) for name in _OPTIONS}
        places.update({name: (BODY, aliases.get(name, name)) for name in body})
        places.update({name: (QUERY, aliases.get(name, name)) for name in query})
        places.update({name: (HEADER, wire) for name, wire in (headers or {}).items()})
        self.method = method
        self.path = path
        self.places = places
        self.path_params = path_params
        # "/a/{x}/b" as ("/a/", "/b"): a value goes between each two.
        self.segments = tuple(part.rpartition("}")[2] for part in path.split("{"))
        self.required = required
        self.has_body = bool(body)
        self.page = page
        self.page_via = page_via
        self.security = security
        self.sends = sends
        self.multipart = multipart
        self.files = files
        self.encodings = encodings or {}
        self.raw_part = raw_part
        self.renames = renames
        self.chooses = chooses[0] if chooses else None
        self.binary = binary
        self.plain = not (multipart or files or renames or adapt)
        self.nests_tools = path.startswith(("/chat/", "/assistants", "/threads"))
        self.needs = tuple(map(frozenset, required))
        self.verbatim = (
            frozenset(name for name in body if places[name] == (BODY, name))
            if body and self.plain and method != "GET"
            else None
        )
        self.simple = not (chooses or page or binary or adapt)
        self.always_streams = always_streams
        self.events = events
        self.streams = stream is not None
        self._response: Any = response
        self._stream: Any = stream
        self._adapter: Any = adapt
        self._choices: dict[str, Any] = dict(chooses[1]) if chooses else {}

    def __repr__(self) -> str:
        return f"<Operation {self.method} {self.path}>"

    @property
    def response(self) -> Any:
        """The type that the body decodes to, or `None`."""
        if isinstance(self._response, str):
            self._response = _resolve(self._response)
        return self._response

    def response_for(self, params: Mapping[str, Any]) -> Any:
        """The type that the body of the answer to these parameters decodes to, or `None`."""
        choice = params.get(self.chooses) if self.chooses else None
        if choice not in self._choices:
            return self.response
        if isinstance(self._choices[choice], str):
            self._choices[choice] = _resolve(self._choices[choice])
        return self._choices[choice]

    @property
    def stream(self) -> Any:
        """The type of one event, or `None` where the endpoint doesn't stream."""
        if isinstance(self._stream, str):
            self._stream = _resolve(self._stream)
        return self._stream

    def streaming(self, stream: str) -> Operation:
        """The same endpoint with `stream` as the type of its events."""
        other = copy(self)
        other._stream = stream
        return other

    @property
    def adapter(self) -> Any:
        """The object that translates between the caller's view and the wire, or `None`."""
        if isinstance(self._adapter, str):
            self._adapter = _resolve(self._adapter)()
        return self._adapter
