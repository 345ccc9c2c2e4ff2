"""A text that matches a regular expression, for `pattern` in a JSON schema."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import Any

__all__ = ["matching"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PRINTABLE = _LETTERS + _LETTERS.upper() + "0123456789 _-.,:;!?/@#%&*+=()[]{}<>'\"$^~`|\\"
_CATEGORIES = {"CATEGORY_DIGIT": "0", "CATEGORY_WORD": "a", "CATEGORY_SPACE": " "}


def matching(pattern: str) -> str:
    """A short text in which `pattern` is found.

    Raises:
        ValueError: the pattern is not one that Python understands, or needs more than this can do (lookarounds
            that restrict what follows).
    """
    # The standard library's own parser of regular expressions; its name is all that changed with 3.11.
    parser: Any = import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
    try:
        text = _sequence(parser.parse(pattern), {})
        if re.search(pattern, text):
            return text
    except re.error as error:
        raise ValueError(f"the pattern {pattern!r} can't be used: {error}") from None
    raise ValueError(f"no text was found for the pattern {pattern!r}")


def _sequence(parsed: Any, groups: dict[int, str]) -> str:
    return "".join(_node(str(operation), argument, groups) for operation, argument in parsed)


def _node(operation: str, argument: Any, groups: dict[int, str]) -> str:
    if operation == "LITERAL":
        return chr(argument)
    if operation == "NOT_LITERAL":
        return next(character for character in _PRINTABLE if ord(character) != argument)
    if operation == "ANY":
        return "a"
    if operation == "IN":
        return _one_of(argument)
    if operation in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, inner = argument
        # One where none would do reads better: "[a-z]*" gives a letter.
        return "".join(_sequence(inner, groups) for _ in range(max(least, min(1, most))))
    if operation == "SUBPATTERN":
        number, _, _, inner = argument
        text = _sequence(inner, groups)
        if number is not None:
            groups[number] = text
        return text
    if operation == "ATOMIC_GROUP":
        return _sequence(argument, groups)
    if operation == "GROUPREF":
        return groups.get(argument, "")
    if operation == "BRANCH":
        return _sequence(argument[1][0], groups)
    return ""  # anchors and lookarounds take no room; matching() checks what came of it


def _one_of(members: list[tuple[Any, Any]]) -> str:
    negated = str(members[0][0]) == "NEGATE"
    if not negated:
        operation, argument = members[0]
        if str(operation) == "LITERAL":
            return chr(argument)
        if str(operation) == "RANGE":
            return chr(argument[0])
        found = _CATEGORIES.get(str(argument))
        if found is not None:
            return found
    return next(character for character in _PRINTABLE if _within(character, members[negated:]) != negated)


def _within(character: str, members: list[tuple[Any, Any]]) -> bool:
    for operation, argument in members:
        kind = str(operation)
        if kind == "LITERAL" and ord(character) == argument:
            return True
        if kind == "RANGE" and argument[0] <= ord(character) <= argument[1]:
            return True
        if kind == "CATEGORY" and _in_category(character, str(argument)):
            return True
    return False


def _in_category(character: str, category: str) -> bool:
    negated = "_NOT_" in category
    name = category.replace("_NOT_", "_")
    if name == "CATEGORY_DIGIT":
        found = character.isdigit()
    elif name == "CATEGORY_SPACE":
        found = character.isspace()
    else:
        found = character.isalnum() or character == "_"
    return found != negated
