"""The JSON at the beginning of a text: what can be said of a structured output while it is being written."""

from __future__ import annotations

import re
from typing import Any

from ..codec import DecodeError, decode

__all__ = ["parse_partial"]

# A string that is closed, a bracket or comma or colon, or a run of anything else (numbers, words). An open string matches nothing.
_TOKEN = re.compile(r'[ \t\n\r]*(?:("(?:[^"\\]|\\.)*")|([{}\[\],:])|([^\s{}\[\],:"]+))', re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")
_WORDS = frozenset({"true", "false", "null", "NaN", "Infinity", "-Infinity"})
_CLOSERS = {"{": "}", "[": "]"}


def parse_partial(text: str) -> Any:
    """The value that `text` begins, with everything in it that is complete; `None` if there is none, or it is not JSON.

    A string, number or word at the end counts if it could end there: `{"a": 12` is 12 so far, `{"a": "x` and `{"a": 1.` have no
    value yet. What follows a complete value is ignored. Takes as long as the text is.
    """
    try:
        return decode(object, text)
    except DecodeError:
        pass
    open_: list[str] = []
    # The text up to `end`, with `close` after it, is JSON.
    end, close = 0, ""
    # In an object: whether the next string is a key, and no value.
    key = False
    match = _TOKEN.match(text)
    while match is not None:
        string, mark, word = match.groups()
        position = match.end()
        complete = False
        if string is not None:
            complete = not key
        elif mark is None:
            complete = word in _WORDS or _NUMBER.match(word) is not None
            # Only the last word may be a part of one. Whatever else is wrong, the decoder below finds.
            if not complete and position < len(text):
                return None
        elif mark in "{[":
            open_.append(mark)
            key = mark == "{"
            complete = True
        elif mark in "}]":
            if not open_:
                break
            open_.pop()
            complete = True
        elif mark == ",":
            key = bool(open_) and open_[-1] == "{"
        else:
            key = False
        if complete:
            end, close = position, "".join([_CLOSERS[each] for each in reversed(open_)])
            if not open_:
                break
        match = _TOKEN.match(text, position)
    if not end:
        return None
    try:
        return decode(object, text[:end] + close)
    except DecodeError:
        return None
