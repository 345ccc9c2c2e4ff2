"""What a type means for a structured output: the schema that is sent, and the decoder for what comes back.

A type is one of three kinds. Those of pydantic (models, its dataclasses) write their own schema and decode themselves;
pydantic is not imported here, since who passes such a type has imported it. Every other class is msgspec's: structs,
dataclasses, attrs classes, TypedDicts. A mapping is a JSON schema, whose values are plain JSON.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any

import msgspec

from .json_schema import strict_schema

__all__ = [
    "Format",
    "FormatError",
    "FunctionTool",
    "format_of",
    "function_definition",
    "is_format_parameter",
    "parse_json",
]

# Types that were used lately keep their schema and decoder. There may be any number of types over time: a factory may make one for
# each call. A weak mapping would not help, because a decoder holds its type.
_KEPT = 256

_JSON_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})


class FormatError(ValueError):
    """A text is not what its format says; the cause is what the decoder raised.

    Attributes:
        text: the text.
        path: where in it, such as `$.items[0].price`; empty where it is not JSON.
    """

    def __init__(self, message: str, text: str, path: str) -> None:
        super().__init__(message)
        self.text = text
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.text, self.path)


class Format:
    """A type, made ready.

    Attributes:
        name: what it is called in the request.
        schema: its strict schema. It is shared between calls: not to be changed.
    """

    __slots__ = ("_decode", "name", "schema")

    def __init__(self, name: str, schema: dict[str, Any], decode: Callable[[str], Any]) -> None:
        self.name = name
        self.schema = schema
        self._decode = decode

    def parse(self, text: str) -> Any:
        """The object that `text` stands for. Raises FormatError if it is not JSON, or does not fit the type."""
        return _guarded(self._decode, text, self.name)

    def response_format(self) -> dict[str, Any]:
        """`response_format` of a chat completion."""
        schema = {"schema": self.schema, "name": self.name, "strict": True}
        return {"type": "json_schema", "json_schema": schema}

    def text_format(self) -> dict[str, Any]:
        """`text.format` of a response."""
        return {"type": "json_schema", "strict": True, "name": self.name, "schema": self.schema}


class FunctionTool(dict[str, Any]):
    """A function's definition that remembers the type of its arguments.

    Attributes:
        format: what the arguments are parsed by.
    """

    format: Format

    def __init__(self, definition: Mapping[str, Any], format: Format) -> None:
        super().__init__(definition)
        self.format = format


def format_of(type_: Any) -> Format:
    """What is sent and decoded for a type (a class, a specialised generic one, or a mapping that is a JSON schema).

    Raises:
        TypeError: the type is of no kind that has a strict schema.
        ValueError: a JSON schema has a `$ref` that leads nowhere.
    """
    if isinstance(type_, Mapping):
        return _of_schema(msgspec.json.encode(type_))
    return _of_type(type_)


def is_format_parameter(value: Any) -> bool:
    """Whether a mapping is the API's own parameter (`{"type": "json_object"}`) and no JSON schema."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    return isinstance(kind, str) and kind not in _JSON_TYPES


def parse_json(text: str, name: str) -> Any:
    """JSON text as plain values. Raises FormatError naming what it was the text of."""
    return _guarded(msgspec.json.decode, text, name)


@lru_cache(_KEPT)
def _of_type(type_: Any) -> Format:
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and isinstance(type_, type):
        if issubclass(type_, pydantic.BaseModel):
            model: Any = type_
            return Format(_name(type_), strict_schema(model.model_json_schema()), model.model_validate_json)
        if hasattr(type_, "__pydantic_config__"):
            adapter = pydantic.TypeAdapter(type_)
            return Format(_name(type_), strict_schema(adapter.json_schema()), adapter.validate_json)
    from .type_schema import type_schema

    return Format(_name(type_), strict_schema(type_schema(type_)), msgspec.json.Decoder(type_).decode)


@lru_cache(_KEPT)
def _of_schema(text: bytes) -> Format:
    schema = msgspec.json.decode(text)
    title = schema.get("title")
    name = _sendable(title) if isinstance(title, str) and title else "response"
    strict = strict_schema(schema)

    def decode(text: str) -> Any:
        from .schema_check import check

        value = msgspec.json.decode(text)
        check(value, strict)
        return value

    return Format(name, strict, decode)


def _name(type_: Any) -> str:
    if not hasattr(type_, "__name__") and not hasattr(type_, "__origin__"):
        raise TypeError(f"a type or a JSON schema is needed, not {type_!r}")
    return _sendable(getattr(type_, "__name__", None) or getattr(type_, "__origin__", type_).__name__)


def _sendable(name: str) -> str:
    # The API takes no other characters, and 64 of them. `Box[int]` is the name of a pydantic class.
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:64] or "response"


def _guarded(decode: Callable[[str], Any], text: str, name: str) -> Any:
    try:
        return decode(text)
    except ValueError as error:
        raise FormatError(f"the text is not a valid {name}: {error}", text, _path(error)) from error


def _path(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        found = re.search(r" - at `(.+)`$", str(error))
        return found[1] if found else "$"
    path = getattr(error, "path", None)
    if isinstance(path, str):
        return path
    errors = getattr(error, "errors", None)
    first = errors()[0] if callable(errors) else {}
    if not first or first["type"] == "json_invalid":
        return ""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])


# --- tools ------------------------------------------------------------------------------------------------------------


def function_definition(type_: Any, name: str | None, description: str | None) -> FunctionTool:
    """The definition of a function whose arguments are a `type_`: name, `strict`, `parameters`, and a description if there is one.

    Without `name` and `description` they are the class's name and docstring. Raises as `format_of`.
    """
    format = format_of(type_)
    title = name or format.name
    tool = FunctionTool({"name": title, "strict": True, "parameters": deepcopy(format.schema)}, format)
    if description is None:
        description = getattr(type_, "__doc__", None)
        if description is not None and description.startswith(f"{getattr(type_, '__name__', '')}("):
            description = None
    if description is not None:
        tool["description"] = description
    return tool
