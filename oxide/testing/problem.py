"""Errors in the API's shape: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

from typing import Any

__all__ = ["Problem", "error_body", "invalid_type", "missing", "plain_error"]


class Problem(Exception):
    """A request that gets an error for an answer."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        type: str = "invalid_request_error",  # the API's own word
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = error_body(message, type=type, param=param, code=code)


def error_body(message: str, *, type: str, param: str | None, code: str | None) -> dict[str, Any]:
    """The JSON value of an error response."""
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def missing(param: str) -> Problem:
    """A required parameter is not there."""
    return Problem(400, f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


_NAMES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
}


def invalid_type(param: str, expected: str, value: object) -> Problem:
    """A parameter of the wrong JSON type."""
    got = "null" if value is None else _NAMES[type(value)]
    return Problem(
        400,
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.",
        param=param,
        code="invalid_type",
    )


_PLAIN: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "This is not allowed from here."),
    404: ("invalid_request_error", None, "There is nothing at this address."),
    408: ("invalid_request_error", None, "The request took too long."),
    409: ("invalid_request_error", None, "The resource was changed by another request."),
    422: ("invalid_request_error", None, "The request can't be processed."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests. Please try again later."),
    503: ("service_unavailable_error", "slow_down", "The engine is currently overloaded, please try again later."),
}


def plain_error(status: int) -> dict[str, Any]:
    """The error body that goes with a status, for replies that name nothing but the status."""
    kind, code, message = _PLAIN.get(
        status,
        ("server_error", None, "The server had an error while processing your request.")
        if status >= 500
        else ("invalid_request_error", None, "The request can't be answered."),
    )
    return error_body(message, type=kind, param=None, code=code)
