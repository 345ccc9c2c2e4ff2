"""Everything that oxide raises, in one tree.

The names, arguments and attributes from `APIError` down are those of the official SDK. `TransportError` and what is
under it come from below: a transport raises them, and the retry flow turns them into `APIConnectionError` and
`APITimeoutError` with the original chained as `__cause__`. A caller of an API method never sees a bare
`TransportError`; who calls a transport directly does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .http import Request, Response

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "ConnectError",
    "ConnectTimeout",
    "ContentFilterFinishReasonError",
    "InternalServerError",
    "InvalidWebhookSignatureError",
    "LengthFinishReasonError",
    "NotFoundError",
    "OAuthError",
    "OpenAIError",
    "PermissionDeniedError",
    "PoolTimeout",
    "ProtocolError",
    "ProxyError",
    "RateLimitError",
    "ReadError",
    "ReadTimeout",
    "ResponseNotCompletedError",
    "StreamEndedError",
    "StreamOrderError",
    "StructuredOutputError",
    "SubjectTokenProviderError",
    "TotalTimeout",
    "TransportError",
    "TransportTimeout",
    "UnprocessableEntityError",
    "WebSocketConnectionClosedError",
    "WebSocketQueueFullError",
    "WriteError",
    "WriteTimeout",
    "status_error_class",
]


class OpenAIError(Exception):
    """The root of everything that oxide raises on purpose, argument errors (TypeError, ValueError) aside."""


class SubjectTokenProviderError(OpenAIError):
    """A platform gave no proof of who runs there (see `oxide.auth`).

    Attributes:
        response: what the platform's metadata server answered, if it did.
    """

    def __init__(self, message: str, *, response: Any = None) -> None:
        super().__init__(message)
        self.response = response


# --- from the transport ---------------------------------------------------------------------------------------------


class TransportError(OpenAIError):
    """A request could not be sent or its response not be received.

    Attributes:
        sent: whether any byte of the request may have reached the server. While it is False the request can be
            repeated without any risk of it being carried out twice.
    """

    sent: bool = True


class ConnectError(TransportError):
    """No connection: the name does not resolve, nobody listens, or the TLS handshake failed."""

    sent = False


class ProxyError(ConnectError):
    """The proxy can't be used, or will not make a connection to the server. Credentials are not in the message."""


class ReadError(TransportError):
    """The connection broke, or the server closed it, while a response was due.

    Attributes:
        stale: whether it was a connection kept from an earlier request and not one byte of a response had come.
        told: whether the peer said why, in TLS; that says more than the failure of a write that it led to.
    """

    stale: bool = False
    told: bool = False


class WriteError(TransportError):
    """The connection broke while the request was being written."""


class ProtocolError(TransportError):
    """The peer sent something that is not HTTP, or more of it than the limits allow."""


class TransportTimeout(TransportError):
    """Some part of the exchange took longer than its timeout allows."""


class ConnectTimeout(TransportTimeout):
    """`Timeout.connect` passed before the connection (TLS included) was there."""

    sent = False


class ReadTimeout(TransportTimeout):
    """The server was silent for longer than `Timeout.read`."""


class WriteTimeout(TransportTimeout):
    """The server took nothing in for longer than `Timeout.write`."""


class PoolTimeout(TransportTimeout):
    """`Timeout.pool` passed before a connection of the pool was free."""

    sent = False


class TotalTimeout(TransportTimeout):
    """`Timeout.total` passed: the call, with its retries, took longer than it may."""


# --- from the API ---------------------------------------------------------------------------------------------------


class APIError(OpenAIError):
    """A call failed, or a stream carried an error event.

    Attributes:
        message: what happened, as text.
        request: the request that failed.
        body: the decoded JSON of the error, the text where it was not JSON, or `None` where there was no response.
        code, param, type: the fields of these names of an API error object, or `None`.
        retries_taken: how often the request had been repeated when this happened.
    """

    message: str
    request: Request
    body: object | None
    code: str | None
    param: str | None
    type: str | None

    def __init__(self, message: str, request: Request, *, body: object | None) -> None:
        from .secrets import hidden, secret_items

        # A server may repeat what authorised the request.
        secrets = secret_items(request)
        if secrets:
            message, body = hidden(message, secrets), hidden(body, secrets)
        super().__init__(message)
        self.message = message
        self.request = request
        self.body = body
        fields: dict[Any, Any] = body if isinstance(body, dict) else {}
        code = fields.get("code")
        self.code = None if code is None else str(code)
        self.param = fields.get("param")
        self.type = fields.get("type")

    @property
    def retries_taken(self) -> int:
        # Errors are also made of requests that other libraries made.
        return getattr(self.request, "retries", 0)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), {"message": self.message, "request": self.request, "body": self.body})


class APIResponseValidationError(APIError):
    """The response arrived but is not what was asked for: not JSON, or, with `strict=True`, not of the declared type."""

    response: Response
    status_code: int

    def __init__(self, response: Response, body: object | None, *, message: str | None = None) -> None:
        super().__init__(message or "Data returned by API invalid for expected schema.", response.request, body=body)
        self.response = response
        self.status_code = response.status_code

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), {"response": self.response, "body": self.body, "message": self.message})


class StructuredOutputError(APIResponseValidationError, ValueError):
    """The text of a structured output, or the arguments of a function, is not JSON or not of the type that was asked for.

    It is a `ValueError` as well, as the errors of pydantic, msgspec and json are; theirs is the cause of the cause.

    Attributes:
        text: the text.
        path: where in it, such as `$.items[0].price`; empty where it is not JSON.
        body: the decoded response that the text is in.
    """

    def __init__(
        self, response: Response, body: object | None, *, text: str, path: str = "", message: str | None = None
    ) -> None:
        super().__init__(response, body, message=message)
        self.text = text
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        values = {"response": self.response, "body": self.body, "text": self.text, "path": self.path}
        return _rebuild, (type(self), {**values, "message": self.message})


class APIStatusError(APIError):
    """The API answered with a status of 4xx or 5xx.

    Attributes:
        response: the response, its body read.
        status_code: the HTTP status.
        request_id: the `x-request-id` header, to be quoted to the provider's support.
    """

    response: Response
    status_code: int
    request_id: str | None

    def __init__(self, message: str, *, response: Response, body: object | None) -> None:
        super().__init__(message, response.request, body=body)
        self.response = response
        self.status_code = response.status_code
        self.request_id = response.headers.get("x-request-id")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), {"message": self.message, "response": self.response, "body": self.body})


class APIConnectionError(APIError):
    """No response: the connection could not be made or broke. The transport's error is the `__cause__`."""

    def __init__(self, *, message: str = "Connection error.", request: Request) -> None:
        super().__init__(message, request, body=None)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), {"message": self.message, "request": self.request})


class APITimeoutError(APIConnectionError):
    """A timeout passed; the message says which one."""

    def __init__(self, request: Request, *, message: str = "Request timed out.") -> None:
        super().__init__(message=message, request=request)


class BadRequestError(APIStatusError):
    status_code: Literal[400] = 400


class AuthenticationError(APIStatusError):
    status_code: Literal[401] = 401


class PermissionDeniedError(APIStatusError):
    status_code: Literal[403] = 403


class NotFoundError(APIStatusError):
    status_code: Literal[404] = 404


class ConflictError(APIStatusError):
    status_code: Literal[409] = 409


class UnprocessableEntityError(APIStatusError):
    status_code: Literal[422] = 422


class RateLimitError(APIStatusError):
    status_code: Literal[429] = 429


class InternalServerError(APIStatusError):
    """Any status from 500 up."""


class OAuthError(AuthenticationError):
    """A token exchange was refused (RFC 6749, section 5.2).

    Attributes:
        error: the OAuth error code, such as `invalid_grant`.
    """

    error: str | None

    def __init__(self, *, response: Response, body: object | None) -> None:
        fields: dict[Any, Any] = body if isinstance(body, dict) else {}
        description = fields.get("error_description")
        message = description if description and isinstance(description, str) else "OAuth authentication error."
        super().__init__(message, response=response, body=body)
        self.error = fields.get("error")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), {"response": self.response, "body": self.body})


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def status_error_class(status: int) -> type[APIStatusError]:
    """The exception class for an HTTP status of 400 or more."""
    return _BY_STATUS.get(status) or (InternalServerError if status >= 500 else APIStatusError)


def _rebuild(cls: type[Any], arguments: dict[str, Any]) -> Any:
    # Exceptions pickle by positional arguments; these have keywords.
    return cls(**arguments)


# --- from the helpers above the API ---------------------------------------------------------------------------------


class LengthFinishReasonError(OpenAIError):
    """The completion stopped at the token limit, so what there is of it can't be parsed.

    Attributes:
        completion: the completion as far as it came.
    """

    def __init__(self, *, completion: Any) -> None:
        usage = getattr(completion, "usage", None)
        super().__init__(
            "The completion reached the token limit before it was complete, so its content can't be parsed"
            + (f" ({usage})" if usage else "")
        )
        self.completion = completion

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), {"completion": self.completion})


class ContentFilterFinishReasonError(OpenAIError):
    """The content filter stopped the completion, so there is nothing to parse.

    Attributes:
        completion: the completion as far as it came, if there is one.
    """

    def __init__(self, *, completion: Any = None) -> None:
        super().__init__("The content filter stopped the completion, so its content can't be parsed")
        self.completion = completion

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), {"completion": self.completion})


class StreamEndedError(APIConnectionError, RuntimeError):
    """A stream of events was over before the event that ends it: the connection closed in the middle of an answer.

    Attributes:
        snapshot: the response or completion as far as it came, or `None` if nothing came.
    """

    def __init__(self, message: str, request: Request, *, snapshot: Any = None) -> None:
        super().__init__(message=message, request=request)
        self.snapshot = snapshot

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), {"message": self.message, "request": self.request, "snapshot": self.snapshot})


class StreamOrderError(OpenAIError, RuntimeError):
    """An event of a stream does not fit those before it, such as a piece of an item that was not announced."""


class ResponseNotCompletedError(APIError, RuntimeError):
    """A stream came to its end and its response is not complete: it failed, was cut off, or there was an error event.

    The error's `code`, `param` and `type` are those of the API's error object, if it gave one.

    Attributes:
        response: the response as the last event had it, or as far as it came; `None` if there was none.
    """

    def __init__(self, message: str, request: Request, *, body: object | None, response: Any = None) -> None:
        super().__init__(message, request, body=body)
        self.response = response

    def __reduce__(self) -> tuple[Any, ...]:
        values = {"message": self.message, "request": self.request, "body": self.body}
        return _rebuild, (type(self), {**values, "response": self.response})


# --- from WebSocket connections -------------------------------------------------------------------------------------


class WebSocketConnectionClosedError(OpenAIError):
    """The connection is closed, so nothing more can be sent or received.

    Attributes:
        code: the code that the server closed it with; 1006 where it ended without one.
        reason: the reason that the server gave, often empty.
        unsent_frames: messages that waited to be sent and were not, in order.
        unsent_messages: those of them that are text, or bytes in UTF-8, as text.
    """

    def __init__(
        self,
        message: str,
        *,
        unsent_messages: Sequence[str | bytes] = (),
        code: int = 1006,
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.unsent_frames: list[str | bytes] = list(unsent_messages)
        self.unsent_messages: list[str] = [text for text in map(_as_text, unsent_messages) if text is not None]

    @property
    def ok(self) -> bool:
        """Whether the server said that it was done (1000) or going away (1001), and nothing was left unsent."""
        return self.code in (1000, 1001) and not self.unsent_frames

    def __reduce__(self) -> tuple[Any, ...]:
        values = {"unsent_messages": self.unsent_frames, "code": self.code, "reason": self.reason}
        return _rebuild_message, (type(self), str(self), values)


def _as_text(data: str | bytes) -> str | None:
    if isinstance(data, str):
        return data
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _rebuild_message(cls: type[Any], message: str, values: dict[str, Any]) -> Any:
    return cls(message, **values)


class WebSocketQueueFullError(OpenAIError):
    """The messages that wait for the connection to be restored have more bytes than the queue takes."""


class InvalidWebhookSignatureError(ValueError):
    """None of the signatures of a webhook's headers fits its body."""
