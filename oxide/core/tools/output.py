"""What a tool returned, as the API takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..codec import BaseModel, encode

__all__ = ["as_output"]

_BLOCKS = frozenset({"input_text", "input_image", "input_file"})


def as_output(value: Any, name: str) -> str | list[Any]:
    """Text as it is; a list of the API's content blocks as such a list; everything else as JSON.

    Args:
        value: what a tool returned.
        name: the tool's, for errors.

    Raises:
        TypeError, ValueError: it can't be written as JSON.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and value and all(_is_block(part) for part in value):
        return [dict(part) for part in value]
    try:
        return encode(_whole(value)).decode()
    except (TypeError, ValueError) as error:
        raise type(error)(f"what the tool {name!r} returned can't be sent to the model: {error}") from error


def _whole(value: Any) -> Any:
    """The value with pydantic's models as they are, defaults and all: in requests they go without what was not set."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_whole(part) for part in value]
    if isinstance(value, dict):
        return {key: _whole(entry) for key, entry in value.items()}
    if hasattr(value, "model_dump") and not isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    return value


def _is_block(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") in _BLOCKS
