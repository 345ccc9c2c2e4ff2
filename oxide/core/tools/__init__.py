"""Tools: typed functions that a model calls, and the loop that lets it. Everything here decides; nothing here waits."""

from __future__ import annotations

from typing import Any

__all__ = ["definitions"]


def definitions(tools: Any, nested: bool) -> Any:
    """What stands in `tools=`, each `Tool` among it as the definition that an endpoint takes.

    Args:
        tools: a list or tuple; anything else is returned as it is.
        nested: whether the endpoint has a function's definition one level deeper, as chat completions do.
    """
    # Told by the method: most programs that send tools have dicts, and never import the class.
    if not isinstance(tools, (list, tuple)) or not any(hasattr(tool, "to_chat") for tool in tools):
        return tools
    return [
        tool if not hasattr(tool, "to_chat") else tool.to_chat() if nested else tool.to_responses() for tool in tools
    ]
