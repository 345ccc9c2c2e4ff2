"""What the generated resources are made of: their base classes, and the wrappers behind `with_raw_response`."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypedDict, TypeVar

from .core.operation import Operation
from .core.prepare import RAW

if TYPE_CHECKING:
    from ._client import AsyncOpenAI, OpenAI
    from ._response import (
        APIResponse,
        AsyncAPIResponse,
        AsyncResponseContextManager,
        LegacyAPIResponse,
        ResponseContextManager,
    )
    from .core.sentinels import NotGiven
    from .core.timeouts import Timeout

__all__ = [
    "AsyncAPIResource",
    "CallOptions",
    "Operation",
    "SyncAPIResource",
    "async_to_raw_response_wrapper",
    "async_to_streamed_response_wrapper",
    "cached_property",
    "deprecated",
    "to_raw_response_wrapper",
    "to_streamed_response_wrapper",
]

if TYPE_CHECKING:
    from typing_extensions import deprecated
else:

    def deprecated(message: str) -> Callable[[Any], Any]:
        """What `typing_extensions.deprecated` does, without the milliseconds that importing it takes."""

        def mark(function: Any) -> Any:
            @wraps(function)
            def wrapped(*args: Any, **kwargs: Any) -> Any:
                import warnings

                warnings.warn(message, DeprecationWarning, stacklevel=2)
                return function(*args, **kwargs)

            if function.__code__.co_flags & _COROUTINE and sys.version_info >= (3, 12):
                from inspect import markcoroutinefunction

                # It warns where it is called, which is not always where it is awaited.
                markcoroutinefunction(wrapped)
            function.__deprecated__ = wrapped.__deprecated__ = message
            return wrapped

        return mark


_COROUTINE = 0x80
"""`inspect.CO_COROUTINE`."""

P = ParamSpec("P")
R = TypeVar("R")


class CallOptions(TypedDict, total=False):
    """What every method takes beside its own parameters.

    extra_headers: fields to send in addition, or instead of the client's; `omit` as a value takes a field away.
    extra_query: query parameters to send in addition.
    extra_body: properties to put into the JSON body in addition.
    timeout: seconds, a `Timeout`, or `None` for no limit, instead of the client's.
    strict: raise `APIResponseValidationError` if the response is not of the declared type.
    """

    extra_headers: Mapping[str, Any] | None
    extra_query: Mapping[str, object] | None
    extra_body: object | None
    timeout: float | Timeout | NotGiven | None
    strict: bool


class SyncAPIResource:
    """A group of methods of `OpenAI`."""

    def __init__(self, client: OpenAI) -> None:
        self._client = client


class AsyncAPIResource:
    """A group of methods of `AsyncOpenAI`."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client


def to_raw_response_wrapper(method: Callable[P, R]) -> Callable[P, LegacyAPIResponse[R]]:
    """The method, returning its response instead of what is in it."""

    @wraps(method)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> LegacyAPIResponse[R]:
        kwargs[RAW] = "raw"
        return method(*args, **kwargs)  # type: ignore[return-value]

    return wrapped


def async_to_raw_response_wrapper(method: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[LegacyAPIResponse[R]]]:
    """The same for asynchronous methods."""

    @wraps(method)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> LegacyAPIResponse[R]:
        kwargs[RAW] = "raw"
        return await method(*args, **kwargs)  # type: ignore[return-value]

    return wrapped


def to_streamed_response_wrapper(method: Callable[P, R]) -> Callable[P, ResponseContextManager[APIResponse[R]]]:
    """The method as a context manager whose response has not been read yet."""
    from ._response import ResponseContextManager

    @wraps(method)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> ResponseContextManager[APIResponse[R]]:
        kwargs[RAW] = "stream"
        return ResponseContextManager(lambda: method(*args, **kwargs))  # type: ignore[arg-type, return-value]

    return wrapped


def async_to_streamed_response_wrapper(
    method: Callable[P, Awaitable[R]],
) -> Callable[P, AsyncResponseContextManager[AsyncAPIResponse[R]]]:
    """The same for asynchronous methods."""
    from ._response import AsyncResponseContextManager

    @wraps(method)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> AsyncResponseContextManager[AsyncAPIResponse[R]]:
        kwargs[RAW] = "stream"
        return AsyncResponseContextManager(method(*args, **kwargs))  # type: ignore[arg-type]

    return wrapped
