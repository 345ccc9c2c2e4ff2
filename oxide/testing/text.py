"""Text made from the prompt: deterministic, so that a test can say what it expects."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator

__all__ = ["Source", "count", "filler", "obfuscation", "reply_to", "sealed", "tokens"]

_TOKEN = re.compile(r"\s?\w{1,6}|\s?[^\w\s]|\s")
_LENGTH = re.compile(r"\b(\d{1,6}) words\b", re.IGNORECASE)
_LIST = (
    "amber anchor atlas birch bridge cedar chalk cloud coast copper delta ember fern field flint forest glass "
    "granite harbor hazel island ivory juniper kettle lantern maple marble meadow mirror nickel north oak ocean "
    "orbit paper pearl pine prairie quartz rain raven ridge river saddle silver slate spruce stone summit thistle "
    "timber tunnel valley velvet violet walnut willow winter zephyr"
)
_WORDS = _LIST.split()


def tokens(text: str) -> list[str]:
    """The text cut into tokens: pieces of words of up to six letters, with the space before them. They join to it."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """How many tokens a text has."""
    return len(tokens(text))


def filler(number: int, seed: str) -> str:
    """So many words, the same for the same seed."""
    start = _hash(seed)
    return " ".join(_WORDS[(start + 7 * index + index // len(_WORDS)) % len(_WORDS)] for index in range(number))


def reply_to(prompt: str, turn: int) -> str:
    """What the model says: the prompt, back. A prompt that asks for "50 words" gets 50 words.

    From the second turn of a conversation on the turn is named, which shows that the server had the earlier ones.
    """
    wanted = _LENGTH.search(prompt)
    if wanted:
        return filler(int(wanted[1]), prompt)
    said = f"You said: {prompt}" if prompt else "You said nothing."
    return said if turn < 2 else f"{said} (turn {turn})"


def obfuscation(delta: str) -> str:
    """Padding that hides the length of a delta from who watches the wire."""
    digest = hashlib.sha1(delta.encode(), usedforsecurity=False).hexdigest()
    return digest[: 16 - len(delta) % 8]


def sealed(text: str) -> str:
    """A text as the API hands out what only it can read: opaque, and the same for the same text."""
    return base64.urlsafe_b64encode(b"sealed:" + text.encode()).decode()


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")


_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|'([^']{2,})'")
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-Z][\w'-]*(?:\s[A-Z][\w'-]*)*")


class Source:
    """Values for arguments and structured output, taken from the prompt as far as it has some.

    Numbers are handed out in the order in which the prompt has them, and so are quoted texts and proper names;
    then come words.
    """

    def __init__(self, prompt: str) -> None:
        self._seed = prompt
        self._numbers = iter([float(found) for found in _NUMBER.findall(prompt)])
        quoted = ["".join(found) for found in _QUOTED.findall(prompt)]
        self._names = iter(quoted + _NAME.findall(_QUOTED.sub(" ", prompt)))
        self._more = self._endless()

    def number(self) -> float | None:
        """The next number of the prompt, or `None`."""
        return next(self._numbers, None)

    def text(self) -> str:
        """The next text."""
        found = next(self._names, None)
        return self.word() if found is None else found

    def word(self) -> str:
        """The next word that is not from the prompt."""
        return next(self._more)

    def _endless(self) -> Iterator[str]:
        start = _hash(self._seed)
        index = 0
        while True:
            word = _WORDS[(start + index) % len(_WORDS)]
            yield word if index < len(_WORDS) else f"{word}{index // len(_WORDS) + 1}"
            index += 1
