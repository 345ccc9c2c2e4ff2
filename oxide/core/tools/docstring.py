"""What a docstring says about a function and its parameters: in Google's style, NumPy's, or Sphinx's."""

from __future__ import annotations

import re
from inspect import cleandoc

__all__ = ["own_docstring", "read_docstring"]

# Titles of sections that list parameters, and of those that only end the text before them.
_PARAMETERS = frozenset(
    {
        "args",
        "arguments",
        "parameters",
        "params",
        "keyword args",
        "keyword arguments",
        "keyword parameters",
        "other parameters",
    }
)
_OTHERS = frozenset(
    {
        "attributes",
        "example",
        "examples",
        "note",
        "notes",
        "raises",
        "references",
        "return",
        "returns",
        "see also",
        "todo",
        "warning",
        "warnings",
        "warns",
        "yield",
        "yields",
    }
)

# `:param int count: how many`, and Epytext's `@param count: how many`.
_FIELD = re.compile(r"[:@](?P<kind>\w+)(?:\s+(?P<what>[^:\n]*?))?\s*:(?:\s+|$)(?P<text>.*)")
_PARAMETER_FIELDS = frozenset({"param", "parameter", "arg", "argument", "key", "keyword"})
_OTHER_FIELDS = frozenset(
    {"type", "return", "returns", "rtype", "raise", "raises", "except", "exception", "yield", "yields", "var", "ivar"}
)

# `count (int, optional): how many`
_GOOGLE_ENTRY = re.compile(r"(?P<names>\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?:\(.*?\))?\s*:(?:\s+|$)(?P<text>.*)")
# `x, y : int`
_NUMPY_ENTRY = re.compile(r"(?P<names>\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")


def read_docstring(text: str | None) -> tuple[str, dict[str, str]]:
    """What comes before the lists of parameters and the like, and the text for each parameter."""
    lines = cleandoc(text or "").splitlines()
    summary: list[str] = []
    parameters: dict[str, str] = {}
    index, seen_section = 0, False
    while index < len(lines):
        title, after = _section(lines, index)
        field = _FIELD.match(lines[index])
        if title is not None:
            end = _section_end(lines, after)
            if title in _PARAMETERS:
                entry = _NUMPY_ENTRY if after - index == 2 else _GOOGLE_ENTRY
                _entries(lines[after:end], entry, parameters)
            index, seen_section = end, True
        elif field is not None and field["kind"] in _PARAMETER_FIELDS | _OTHER_FIELDS:
            end = index + 1
            while end < len(lines) and (not lines[end].strip() or lines[end][:1].isspace()):
                end += 1
            if field["kind"] in _PARAMETER_FIELDS and field["what"]:
                # A type may stand before the name.
                name = field["what"].split()[-1].lstrip("*\\")
                parameters[name] = _joined([field["text"], *lines[index + 1 : end]])
            index, seen_section = end, True
        else:
            if not seen_section:
                summary.append(lines[index])
            index += 1
    return "\n".join(summary).strip(), parameters


def _section(lines: list[str], index: int) -> tuple[str | None, int]:
    """The title of the section that begins at a line, in small letters, and where what is in it begins."""
    line = lines[index]
    if not line or line[0].isspace():
        return None, index
    following = lines[index + 1] if index + 1 < len(lines) else ""
    name = line.strip().lower()
    if name in _PARAMETERS | _OTHERS and re.fullmatch(r"-{3,}\s*", following):
        return name, index + 2
    name = name.removesuffix(":")
    # A line of text may be `Note:` with nothing indented below it.
    if line.rstrip().endswith(":") and name in _PARAMETERS | _OTHERS and (not following or following[:1].isspace()):
        return name, index + 1
    return None, index


def _section_end(lines: list[str], start: int) -> int:
    numpy = start >= 2 and lines[start - 1].startswith("---")
    for index in range(start, len(lines)):
        line = lines[index]
        if numpy:
            if _section(lines, index)[0] is not None:
                return index
        elif line and not line[0].isspace():
            return index
    return len(lines)


def _entries(lines: list[str], entry: re.Pattern[str], into: dict[str, str]) -> None:
    block = cleandoc("\n" + "\n".join(lines)).splitlines()
    names: list[str] = []
    texts: list[str] = []

    def keep() -> None:
        text = _joined(texts)
        if text:
            into.update(dict.fromkeys(names, text))

    for line in block:
        found = None if line[:1].isspace() else entry.match(line)
        if found is None:
            texts.append(line)
            continue
        keep()
        names = [name.strip().lstrip("*") for name in found["names"].split(",")]
        texts = [found["text"]] if entry is _GOOGLE_ENTRY else []
    keep()


def _joined(lines: list[str]) -> str:
    """The lines of one description as one line; paragraphs stay apart."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(line.strip() for line in lines).strip())
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs if paragraph.strip())


def own_docstring(function: object) -> str | None:
    """The docstring without its indentation.

    `inspect.getdoc` would look a method up in its class, where a tool is bound again, without end.
    """
    text = getattr(function, "__doc__", None)
    return cleandoc(text) if isinstance(text, str) else None
