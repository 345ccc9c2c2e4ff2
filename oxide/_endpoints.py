"""Endpoints that have no method: `client.get`, `client.post` and their like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from .core.prepare import Call, RequestBuilder

if TYPE_CHECKING:
    from ._types import RequestOptions
    from .streaming import AsyncStream, Stream

__all__ = ["AsyncEndpoints", "Endpoints", "SyncEndpoints"]

T = TypeVar("T")
StreamT = TypeVar("StreamT", bound="Stream[Any]")
AsyncStreamT = TypeVar("AsyncStreamT", bound="AsyncStream[Any]")

_NO_OPTIONS: RequestOptions = {}


class Endpoints:
    """What both clients have; what it returns is to be awaited on the asynchronous side."""

    _builder: RequestBuilder
    _perform: Callable[[Call], Any]

    def _endpoint(
        self,
        method: str,
        path: str,
        cast_to: Any,
        body: Any,
        options: Mapping[str, Any],
        files: Any,
        stream: bool,
        stream_cls: Any,
        content: Any = None,
    ) -> Call:
        call = self._builder.endpoint(method, path, body, options, files, content)
        call.stream = call.unread = stream
        if stream:
            arguments = getattr(stream_cls, "__args__", None)
            cast_to = arguments[0] if arguments else cast_to
        call.cast_to = cast_to
        return call

    def get(
        self,
        path: str,
        *,
        cast_to: Any,
        options: RequestOptions = _NO_OPTIONS,
        stream: bool = False,
        stream_cls: Any = None,
    ) -> Any:
        """`GET` an endpoint that has no method; see `post`."""
        return self._perform(self._endpoint("GET", path, cast_to, None, options, None, stream, stream_cls))

    def post(
        self,
        path: str,
        *,
        cast_to: Any,
        body: Any = None,
        content: Any = None,
        options: RequestOptions = _NO_OPTIONS,
        files: Any = None,
        stream: bool = False,
        stream_cls: Any = None,
    ) -> Any:
        """`POST` to an endpoint that has no method. With `AsyncOpenAI`, what this returns is to be awaited.

        Args:
            path: relative to the base URL, such as `/responses`, or an absolute URL.
            cast_to: what to decode the response to: a model, `dict`, `object`, `str`, `bytes`, `NoneType`, or `oxide.Response`
                for the response itself.
            body: what to send as JSON; with `files`, or `multipart/form-data` as the `Content-Type`, as form fields.
            content: what to send as it is, instead of a body: bytes, a file, a path, or an iterable of bytes.
            options: see `oxide.RequestOptions`.
            files: names of parts with files, as a mapping or as pairs. A file is bytes, a path (`os.PathLike`), a file open in
                binary mode, or a tuple of a file name with one of these, a content type and headers.
            stream: return a stream of events.
            stream_cls: `Stream[Model]`, which names the events' type.
        """
        return self._perform(self._endpoint("POST", path, cast_to, body, options, files, stream, stream_cls, content))

    def put(
        self,
        path: str,
        *,
        cast_to: Any,
        body: Any = None,
        content: Any = None,
        options: RequestOptions = _NO_OPTIONS,
        files: Any = None,
    ) -> Any:
        """`PUT` to an endpoint that has no method; see `post`."""
        return self._perform(self._endpoint("PUT", path, cast_to, body, options, files, False, None, content))

    def patch(
        self,
        path: str,
        *,
        cast_to: Any,
        body: Any = None,
        content: Any = None,
        options: RequestOptions = _NO_OPTIONS,
        files: Any = None,
    ) -> Any:
        """`PATCH` an endpoint that has no method; see `post`."""
        return self._perform(self._endpoint("PATCH", path, cast_to, body, options, files, False, None, content))

    def delete(
        self,
        path: str,
        *,
        cast_to: Any,
        body: Any = None,
        content: Any = None,
        options: RequestOptions = _NO_OPTIONS,
    ) -> Any:
        """`DELETE` at an endpoint that has no method; see `post`."""
        return self._perform(self._endpoint("DELETE", path, cast_to, body, options, None, False, None, content))


if TYPE_CHECKING:

    class SyncEndpoints:
        """The same for type checkers, which can't know the side."""

        @overload
        def get(
            self, path: str, *, cast_to: type[T], options: RequestOptions = ..., stream: Literal[False] = False
        ) -> T: ...

        @overload
        def get(
            self,
            path: str,
            *,
            cast_to: Any,
            options: RequestOptions = ...,
            stream: Literal[True],
            stream_cls: type[StreamT],
        ) -> StreamT: ...

        @overload
        def get(
            self,
            path: str,
            *,
            cast_to: type[T],
            options: RequestOptions = ...,
            stream: bool,
            stream_cls: type[StreamT] | None = None,
        ) -> T | StreamT: ...

        def get(self, path: str, **options: Any) -> Any: ...

        @overload
        def post(
            self,
            path: str,
            *,
            cast_to: type[T],
            body: Any = None,
            content: Any = None,
            options: RequestOptions = ...,
            files: Any = None,
            stream: Literal[False] = False,
        ) -> T: ...

        @overload
        def post(
            self,
            path: str,
            *,
            cast_to: Any,
            body: Any = None,
            content: Any = None,
            options: RequestOptions = ...,
            files: Any = None,
            stream: Literal[True],
            stream_cls: type[StreamT],
        ) -> StreamT: ...

        @overload
        def post(
            self,
            path: str,
            *,
            cast_to: type[T],
            body: Any = None,
            content: Any = None,
            options: RequestOptions = ...,
            files: Any = None,
            stream: bool,
            stream_cls: type[StreamT] | None = None,
        ) -> T | StreamT: ...

        def post(self, path: str, **options: Any) -> Any: ...

        def put(
            self,
            path: str,
            *,
            cast_to: type[T],
            body: Any = None,
            content: Any = None,
            options: RequestOptions = ...,
            files: Any = None,
        ) -> T: ...

        def patch(
            self,
            path: str,
            *,
            cast_to: type[T],
            body: Any = None,
            content: Any = None,
            options: RequestOptions = ...,
            files: Any = None,
        ) -> T: ...

        def delete(
            self, path: str, *, cast_to: type[T], body: Any = None, content: Any = None, options: RequestOptions = ...
        ) -> T: ...

    class AsyncEndpoints:
        """The same for the asynchronous side."""

        @overload
        async def get(
            self, path: str, *, cast_to: type[T], options: RequestOptions = ..., stream: Literal[False] = False
        ) -> T: ...

        @overload
        async def get(
            self,
            path: str,
            *,
            cast_to: Any,
            options: RequestOptions = ...,
            stream: Literal[True],
            stream_cls: type[AsyncStreamT],
        ) -> AsyncStreamT: ...

        @overload
        async def get(
            self,
            path: str,
            *,
            cast_to: type[T],
            options: RequestOptions = ...,
            stream: bool,
            stream_cls: type[AsyncStreamT] | None = None,
        ) -> T | AsyncStreamT: ...

        async def get(self, path: str, **options: Any) -> Any: ...

        @overload
        async def post(
            self,
            path: str,
            *,
            cast_to: type[T],
            body: Any = None,
            content: Any = None,
            options: RequestOptions = ...,
            files: Any = None,
            stream: Literal[False] = False,
        ) -> T: ...

        @overload
        async def post(
            self,
            path: str,
            *,
            cast_to: Any,
            body: Any = None,
            content: Any = None,
            options: RequestOptions = ...,
            files: Any = None,
            stream: Literal[True],
            stream_cls: type[AsyncStreamT],
        ) -> AsyncStreamT: ...

        @overload
        async def post(
            self,
            path: str,
            *,
            cast_to: type[T],
            body: Any = None,
            content: Any = None,
            options: RequestOptions = ...,
            files: Any = None,
            stream: bool,
            stream_cls: type[AsyncStreamT] | None = None,
        ) -> T | AsyncStreamT: ...

        async def post(self, path: str, **options: Any) -> Any: ...

        async def put(
            self,
            path: str,
            *,
            cast_to: type[T],
            body: Any = None,
            content: Any = None,
            options: RequestOptions = ...,
            files: Any = None,
        ) -> T: ...

        async def patch(
            self,
            path: str,
            *,
            cast_to: type[T],
            body: Any = None,
            content: Any = None,
            options: RequestOptions = ...,
            files: Any = None,
        ) -> T: ...

        async def delete(
            self, path: str, *, cast_to: type[T], body: Any = None, content: Any = None, options: RequestOptions = ...
        ) -> T: ...

else:
    SyncEndpoints = AsyncEndpoints = Endpoints
