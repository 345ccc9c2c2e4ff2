"""What the `stream` methods send for what they were given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..sentinels import NotGiven, Omit
from ..structured import Format, FunctionTool, format_of, is_format_parameter
from ..tools import definitions

__all__ = ["ChatRequest", "ResponseRequest", "given", "rich_format"]

_OPTIONS = frozenset({"extra_headers", "extra_query", "extra_body", "timeout", "strict"})
# What may be asked of a stored response as well.
_SHARED = _OPTIONS | {"include", "include_obfuscation"}


def given(value: Any) -> Any:
    """The value, `None` for the marks of what was not given."""
    return None if isinstance(value, (Omit, NotGiven)) else value


def rich_format(value: Any) -> Format | None:
    """The format of what a caller gave as `text_format` or `response_format`; `None` for the API's own parameter."""
    wanted = given(value)
    return None if wanted is None or is_format_parameter(wanted) else format_of(wanted)


def _present(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if not isinstance(value, (Omit, NotGiven))}


class ResponseRequest:
    """What `responses.stream` asks for.

    Args:
        params: its arguments.

    Attributes:
        response_id: of the stored response to resume; `None` for a new one.
        params: of the request, which is `create` or `retrieve`.
        text_format: what the text is parsed to, or `None`.
        tools: those of the request, or `None`.
        starting_after: the number of the last event that is not wanted, or `None`.

    Raises:
        ValueError: arguments are missing, or exclude each other.
        TypeError: a type has no strict schema, or arguments exclude each other.
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        values = _present(params)
        self.response_id: str | None = values.pop("response_id", None)
        self.starting_after: int | None = values.pop("starting_after", None)
        self.text_format = values.pop("text_format", None)
        tools = values.pop("tools", None)
        self.tools = None if tools is None else [_flat(tool) for tool in definitions(list(tools), nested=False)]
        form = rich_format(self.text_format)
        if self.text_format is not None and form is None:
            raise TypeError(
                "text_format takes a type or a JSON schema: pass the API's own form as text={'format': ...}"
            )
        if self.response_id is None and self.starting_after is None:
            values = self._new(values, form)
        else:
            others = sorted(values.keys() - _SHARED)
            if others:
                raise ValueError(
                    f"response_id and starting_after resume a stored response; {', '.join(others)} can't be changed"
                )
            if self.response_id is None:
                raise ValueError("starting_after needs the response_id of the stored response to resume")
        self.params = {**values, "stream": True}

    def _new(self, values: dict[str, Any], form: Format | None) -> dict[str, Any]:
        for name in ("input", "model"):
            if name not in values:
                raise ValueError(f"{name} is needed for a new response; response_id resumes a stored one")
        if form is not None:
            text = values.get("text") or {}
            if "format" in text:
                raise TypeError("pass either text_format or text.format, not both")
            values["text"] = {**text, "format": form.text_format()}
        if self.tools is not None:
            values["tools"] = [dict(tool) if isinstance(tool, FunctionTool) else tool for tool in self.tools]
        return values


def _flat(tool: Any) -> Any:
    """A tool as responses have it; that of `pydantic_function_tool` has its function one level deeper."""
    function = tool.get("function") if tool["type"] == "function" else None
    if function is None:
        return tool
    if not isinstance(function, FunctionTool):
        raise TypeError(
            f"the function {function.get('name')!r} is defined as chat completions have it: responses have its name and "
            "parameters beside the type"
        )
    return FunctionTool({"type": "function", "description": None, **function}, function.format)


class ChatRequest:
    """What `chat.completions.stream` asks for.

    Args:
        params: its arguments.

    Attributes:
        params: of the request, which is `create`.
        response_format: what the content is parsed to, the API's own parameter, or `None`.
        tools: those of the request, or `None`.

    Raises:
        TypeError: a type has no strict schema.
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        values = _present(params)
        self.response_format = values.get("response_format")
        form = rich_format(self.response_format)
        if form is not None:
            values["response_format"] = form.response_format()
        tools = values.get("tools")
        self.tools = None if tools is None else definitions(list(tools), nested=True)
        if self.tools is not None:
            values["tools"] = [
                {**tool, "function": dict(tool["function"])} if tool["type"] == "function" else tool
                for tool in self.tools
            ]
        self.params = {**values, "stream": True}
