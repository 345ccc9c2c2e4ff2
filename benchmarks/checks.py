"""What every contender has to show for its time: a call counts only when the decoded result is the one that was sent."""

from __future__ import annotations

from functools import cache

from . import payloads


class WrongResult(AssertionError):
    """A contender returned something else than the server sent."""


@cache
def stream_text(events: int) -> str:
    return "".join(payloads.stream_text(events))


def check_small(identifier: str, text: str) -> None:
    """The small response: its id and its text."""
    if identifier != payloads.RESPONSE_ID or text != payloads.TEXT:
        raise WrongResult(f"expected {payloads.RESPONSE_ID} and its text, got {identifier!r} and {text!r}")


def check_stream(events: int, seen: int, deltas: list[str]) -> None:
    """A stream of `events` events: how many were seen, and the text that the deltas make."""
    if seen != events or "".join(deltas) != stream_text(events):
        raise WrongResult(f"expected {events} events and their text, got {seen} and {len(deltas)} deltas")


def check_chat_stream(events: int, seen: int, text: str | None) -> None:
    """A stream of `events` chunks of a chat completion: how many were seen, and the content they come to."""
    wanted = "".join(payloads.completion_text(events))
    if seen != events or text != wanted:
        raise WrongResult(f"expected {events} chunks and their text, got {seen} and {text!r}")


def check_large(items: int, last_id: str) -> None:
    """The large response: how many output items, and the id of the last."""
    if items != payloads.LARGE_ITEMS or not last_id.endswith(str(payloads.LARGE_ITEMS - 1)):
        raise WrongResult(f"expected {payloads.LARGE_ITEMS} items, got {items}, the last {last_id!r}")
