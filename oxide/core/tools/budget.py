"""How much of a conversation a request may carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..codec import encode

__all__ = ["ContextBudget", "size_of", "trimmed"]

_OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})
_LEFT_OUT = "(left out: the conversation has become too long)"


@dataclass(frozen=True)
class ContextBudget:
    """Limits of what a request of a run carries as `input` or `messages`.

    With it each request has the whole conversation, as the server's own copy could not be cut. Where a request would be over a limit, the
    conversation is cut for good: by `compact`, or without it by leaving out what tools returned, the oldest first.

    Args:
        max_bytes: as JSON.
        max_images: how many images there may be.
        keep_last: how many of the last outputs are never left out.
        compact: takes the items and returns those to go on with (a coroutine function in an asynchronous run). Calls and
            their outputs belong together.
    """

    max_bytes: int
    max_images: int | None = None
    keep_last: int = 1
    compact: Callable[[list[Any]], Any] | None = None

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_images", "keep_last"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                raise ValueError(f"{name} must be a whole number that is not negative, not {value!r}")

    def holds(self, items: list[Any]) -> bool:
        """Whether items are within the limits."""
        size, images = size_of(items)
        return size <= self.max_bytes and (self.max_images is None or images <= self.max_images)


def size_of(items: list[Any]) -> tuple[int, int]:
    """The bytes of items as JSON, and the number of images among them."""
    text = encode(items)
    # Counting in the text is right unless somebody quotes JSON, and never counts too few.
    images = text.count(b'"type":"input_image"') + text.count(b'"type":"image_url"')
    return len(text), images + text.count(b'"type":"computer_screenshot"')


def trimmed(items: list[Any], budget: ContextBudget) -> list[Any]:
    """Items within the budget: outputs of tools left out, the oldest first, as many as it takes.

    Raises:
        ValueError: that is not enough.
    """
    result = list(items)
    places = [index for index, item in enumerate(result) if _is_output(item)]
    for index in places[: len(places) - budget.keep_last]:
        if budget.holds(result):
            break
        key = "content" if result[index].get("role") == "tool" else "output"
        result[index] = {**result[index], key: _LEFT_OUT}
    if not budget.holds(result):
        size, images = size_of(result)
        raise ValueError(
            f"the conversation is over its budget, with {size} bytes and {images} images, "
            "and nothing more can be left out: raise the limits, or pass a `compact` function"
        )
    return result


def _is_output(item: Any) -> bool:
    return isinstance(item, dict) and (item.get("type") in _OUTPUTS or item.get("role") == "tool")
