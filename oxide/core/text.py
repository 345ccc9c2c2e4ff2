"""Text that arrives in pieces."""

from __future__ import annotations

from typing import Any

from .headers import Headers
from .http import charset

__all__ = ["Lines", "text_decoder"]


def text_decoder(headers: Headers) -> Any:
    """An incremental decoder for the charset that the headers name; bad bytes become U+FFFD."""
    import codecs

    return codecs.getincrementaldecoder(charset(headers))(errors="replace")


class Lines:
    """Text in pieces in, lines out; CR LF in two pieces is one end."""

    def __init__(self) -> None:
        self._rest = ""

    def add(self, text: str) -> list[str]:
        """The lines that are complete with `text`."""
        text = self._rest + text
        held = ""
        if text.endswith("\r"):
            text, held = text[:-1], "\r"
        # Not `splitlines`: JSON may have U+2028 and its like within a line.
        *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = rest + held
        return lines

    def rest(self) -> list[str]:
        """The last line, if it has no end."""
        rest, self._rest = self._rest, ""
        return [rest.removesuffix("\r")] if rest else []
