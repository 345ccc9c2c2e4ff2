"""Sound, as far as a server needs it that neither hears nor speaks: bytes of the right length, the same for the same words."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from .problem import Problem, invalid_type, missing
from .text import tokens

__all__ = ["BYTES_PER_MS", "TOKEN_MS", "decoded", "encoded", "heard", "spoken"]

BYTES_PER_MS = 48
"""Of 16-bit samples, 24 kHz, mono."""

TOKEN_MS = 20
"""How long a token takes to be said."""


def spoken(text: str) -> list[tuple[str, bytes]]:
    """A text as tokens, each with the sound of it."""
    length = TOKEN_MS * BYTES_PER_MS
    return [(token, (hashlib.blake2b(token.encode()).digest() * (length // 64 + 1))[:length]) for token in tokens(text)]


def heard(length: int) -> str:
    """What is understood of so many bytes of sound."""
    return f"That was {length // BYTES_PER_MS} milliseconds of sound."


def encoded(sound: bytes) -> str:
    """Sound as it is in an event."""
    return base64.b64encode(sound).decode()


def decoded(event: dict[str, Any]) -> bytes:
    """The sound in an event.

    Raises:
        Problem: there is none, or it is not base64.
    """
    if "audio" not in event:
        raise missing("audio")
    audio = event["audio"]
    if not isinstance(audio, str):
        raise invalid_type("audio", "a base64-encoded string", audio)
    try:
        return base64.b64decode(audio, validate=True)
    except binascii.Error:
        raise Problem(
            400, "Invalid 'audio'. Expected base64-encoded audio bytes.", param="audio", code="invalid_value"
        ) from None
