"""Formats of answers, as parameters."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypeVar

from ..core.function_tools import pydantic_function_tool, pydantic_responses_function_tool
from ..core.sentinels import is_given

__all__ = [
    "ResponseFormatT",
    "pydantic_function_tool",
    "pydantic_responses_function_tool",
    "type_to_response_format_param",
]

ResponseFormatT = TypeVar("ResponseFormatT", default=None)


def type_to_response_format_param(response_format: Any) -> Any:
    """What `response_format` of a chat completion is for a type; a dict, and `omit`, are left as they are.

    Raises:
        TypeError: the type has no strict schema.
    """
    if not is_given(response_format) or isinstance(response_format, dict):
        return response_format
    from ..core.structured import format_of

    return format_of(response_format).response_format()
