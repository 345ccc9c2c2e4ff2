"""Function tools out of types: what `oxide.pydantic_function_tool` and its twin for responses return."""

from __future__ import annotations

from typing import Any

from .sentinels import Omit, omit
from .structured import FunctionTool, function_definition

__all__ = ["pydantic_function_tool", "pydantic_responses_function_tool"]


def pydantic_function_tool(model: Any, *, name: str | None = None, description: str | None = None) -> dict[str, Any]:
    """A strict tool for `chat.completions.parse`, which fills `parsed_arguments` with a `model`.

    Args:
        model: the type of the arguments; any that `parse` takes, not only pydantic's.
        name: the function's name, if it is not the class's.
        description: what it is for, if it is not the class's docstring.

    Raises:
        TypeError: the type has no strict schema.
    """
    return {"type": "function", "function": function_definition(model, name, description)}


def pydantic_responses_function_tool(
    model: Any, *, name: str | None = None, description: str | None = None, defer_loading: bool | Omit = omit
) -> dict[str, Any]:
    """The same for `responses.parse`.

    Args:
        model, name, description: see `pydantic_function_tool`.
        defer_loading: have the model find the function by a tool search.

    Raises:
        TypeError: the type has no strict schema.
    """
    definition = function_definition(model, name, description)
    tool = FunctionTool({"type": "function", **definition}, definition.format)
    if not isinstance(defer_loading, Omit):
        tool["defer_loading"] = defer_loading
    return tool
