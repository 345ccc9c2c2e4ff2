"""Where a WebSocket connection of the API goes, as data, and the flow that opens it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlencode

from .call import api_error
from .config import ClientConfig
from .errors import AuthenticationError, OpenAIError, TransportError
from .flow import Flow, Open
from .headers import merge_headers
from .http import HeadBlock
from .prepare import RequestBuilder
from .sentinels import NotGiven, Omit
from .url import URL, fill_path, query_items
from .ws_options import WebSocketOptions

__all__ = ["Channel", "open_channel"]


class Channel:
    """One endpoint that speaks WebSocket.

    Args:
        path: a template relative to the base URL; the braces name `path_params`.
        events: `"package.module:Type"` of what the server's messages decode to.
        path_params: the parameters of `connect` that are part of the path.
        query: those that travel in the query.
        sends: header fields that the handshake always has, which a caller may override.
    """

    __slots__ = ("_events", "path", "path_params", "query", "segments", "sends")

    def __init__(
        self,
        path: str,
        *,
        events: str,
        path_params: tuple[str, ...] = (),
        query: tuple[str, ...] = (),
        sends: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.path = path
        self.segments = tuple(part.rpartition("}")[2] for part in path.split("{"))
        self.path_params = path_params
        self.query = query
        self.sends = sends
        self._events: Any = events

    def __repr__(self) -> str:
        return f"<Channel {self.path}>"

    @property
    def events(self) -> Any:
        """The type of the server's messages, imported when it is first needed."""
        if isinstance(self._events, str):
            module, _, name = self._events.partition(":")
            self._events = getattr(import_module(module), name)
        return self._events

    def url(self, config: ClientConfig, params: Mapping[str, Any], extra_query: Mapping[str, object]) -> URL:
        """Where to connect to.

        The query has, the later ones replacing the earlier: the client's defaults, what is in the base URL, the parameters of
        `connect`, `extra_query`. Of the last two `None` is an empty value, and a list repeats its name.

        Raises:
            ValueError: a part of the path is empty, or would lead out of it.
        """
        base = config.base_url if config.websocket_base_url is None else config.websocket_base_url
        scheme = {"http": "ws", "https": "wss"}.get(base.scheme, base.scheme)
        path, _, written = base.target.partition("?")
        path = path.rstrip("/") + fill_path(
            self.segments, self.path_params, tuple(params[name] for name in self.path_params)
        )
        given = {name: params[name] for name in self.query if not isinstance(params[name], (Omit, NotGiven))}
        given.update(extra_query)
        defaults = {name: value for name, value in config.default_query.items() if name not in given}
        pairs = _merged(list(query_items(defaults)), parse_qsl(written, keep_blank_values=True))
        nested = tuple(f"{name}[" for name in given)
        pairs = [pair for pair in pairs if pair[0] not in given and not pair[0].startswith(nested)]
        query = urlencode(_merged(pairs, list(_repeated(given))))
        return URL(f"{scheme}://{base.host_header.decode('ascii')}{path}{'?' if query else ''}{query}")


def _merged(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Both, without those of the first that the second has, too."""
    names = {name for name, _ in second}
    return [pair for pair in first if pair[0] not in names] + second


def _repeated(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The pairs of a query in which `None` is empty, and a list repeats its name."""
    for name, value in values.items():
        if value is None:
            yield name, ""
        elif isinstance(value, (list, tuple)):
            for item in value:
                yield from [(name, "")] if item is None else _nested(name, item)
        else:
            yield from _nested(name, value)


def _nested(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _nested(f"{name}[{key}]", item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _nested(name, item)
    else:
        yield from query_items({name: value})


def open_channel(
    channel: Channel,
    builder: RequestBuilder,
    params: Mapping[str, Any],
    extra_query: Mapping[str, object],
    extra_headers: Mapping[str, Any],
    options: WebSocketOptions,
) -> Flow[Any]:
    """Open a connection; the result is the transport's.

    Raises:
        APIStatusError: the server declined, with this status.
        APITimeoutError: it was not open within `open_timeout`.
        APIConnectionError: no connection could be made, or the server does not speak WebSocket.
        ValueError, TypeError: a parameter or a header field has a value it can't have.
    """
    url = _url(channel, builder, params, extra_query)
    # A field that the caller takes away is taken away from the client's as well, so the marks have to survive the merge.
    headers = merge_headers(dict(channel.sends), extra_headers) | {
        name: value for name, value in extra_headers.items() if isinstance(value, Omit)
    }
    call = builder.endpoint("GET", "/", None, {"headers": headers})
    call.url = url
    credentials = call.credentials
    renewed = False
    while True:
        if credentials is None:
            request = call.request(0, None)
        else:
            request = yield from credentials.request(call, 0)
        # These are about requests that are answered and repeated.
        request.head = HeadBlock(tuple(pair for pair in request.head.pairs if not pair[0].startswith(b"x-stainless-")))
        try:
            return (yield Open(request, options))
        except TransportError as error:
            raise api_error(request, error) from error
        except AuthenticationError:
            if renewed or credentials is None or not credentials.renew(call, request):
                raise
            renewed = True


def _url(
    channel: Channel, builder: RequestBuilder, params: Mapping[str, Any], extra_query: Mapping[str, object]
) -> URL:
    # Azure has an address of its own for this.
    azure = getattr(builder, "realtime_url", None)
    if azure is None or channel.path != "/realtime":
        return channel.url(builder.config, params, extra_query)
    query = {name: params[name] for name in channel.query if name != "model" and not isinstance(params[name], Omit)}
    model = params.get("model")
    if not isinstance(model, str) or not model:
        raise OpenAIError("Azure needs a `model` to connect to: the name of a deployment")
    url: URL = azure(model, {**query, **extra_query})
    return url
