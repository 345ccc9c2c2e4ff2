"""Names of helpers, at the places where the official SDK has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from ._formats import ResponseFormatT as ResponseFormatT
    from ._formats import pydantic_function_tool as pydantic_function_tool
    from ._formats import pydantic_responses_function_tool as pydantic_responses_function_tool
    from ._formats import type_to_response_format_param as type_to_response_format_param

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "ResponseFormatT": "_formats",
        "pydantic_function_tool": "_formats",
        "pydantic_responses_function_tool": "_formats",
        "type_to_response_format_param": "_formats",
    },
)
