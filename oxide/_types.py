"""Types of parameters that are no TypedDicts: files, headers, the query."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import IO, TYPE_CHECKING, Literal, Optional, TypedDict, Union

from .core.sentinels import Omit

if TYPE_CHECKING:
    from .core.retry import RetryPolicy
    from .core.timeouts import Timeout

__all__ = ["FileContent", "FileTypes", "Headers", "Query", "RequestOptions", "SecurityOptions"]

# What a file is made of: a file that is open for reading, its bytes, or where it is.
FileContent = Union[IO[bytes], bytes, PathLike[str]]

# Beside that, the name it gets, its content type, and headers of its part.
FileTypes = Union[
    FileContent,
    tuple[Optional[str], FileContent],
    tuple[Optional[str], FileContent, Optional[str]],
    tuple[Optional[str], FileContent, Optional[str], Mapping[str, str]],
]

Headers = Mapping[str, Union[str, Omit]]
Query = Mapping[str, object]


class SecurityOptions(TypedDict, total=False):
    """What authorises a request.

    bearer_auth: the API key, or what stands for it.
    admin_api_key_auth: the key for administration endpoints.
    """

    bearer_auth: bool
    admin_api_key_auth: bool


class RequestOptions(TypedDict, total=False):
    """What `client.get`, `client.post` and their like take as `options`.

    headers: fields to send in addition, or instead of the client's; `omit` as a value takes a field away.
    max_retries: how often to repeat the request, instead of the client's.
    retry: when and how often to, instead of the client's policy.
    timeout: seconds, a `Timeout`, or `None` for no limit, instead of the client's.
    params: the query.
    extra_json: properties to put into the JSON body in addition.
    idempotency_key: sent as `Idempotency-Key`.
    follow_redirects: whether to; True by default.
    security: what authorises the request, the API key by default.
    synthesize_event_and_data: make an object of each event's name and its data, as the assistants' events are.
    stream_mode: `"events"` if an object with a field `error` is an event like any other, rather than the end of the stream.
    strict: raise `APIResponseValidationError` if the response is not of the declared type.
    """

    headers: Headers
    max_retries: int
    retry: RetryPolicy
    timeout: float | Timeout | None
    params: Query
    extra_json: Mapping[str, object]
    idempotency_key: str
    follow_redirects: bool
    security: SecurityOptions
    synthesize_event_and_data: bool
    stream_mode: Literal["legacy", "events"]
    strict: bool
