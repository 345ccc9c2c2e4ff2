"""A parser of event streams that follows the WHATWG text step by step, on the whole stream at once.

It is what the fast parser is compared with, so it is written to be compared with the standard: HTML, section 9.2.6,
"Interpreting an event stream". The text works on decoded characters; here bytes that are not UTF-8 become lone
surrogates, so that the raw data can be had back.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Dispatched(NamedTuple):
    event: str | None
    data: bytes
    id: str | None
    retry: int | None


def replaced(text: str) -> str:
    """The text as a decoder that replaces would have had it."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def parse(stream: bytes) -> list[Dispatched]:
    text = stream.decode("utf-8", "surrogateescape")
    # "If the stream starts with a U+FEFF BYTE ORDER MARK, it is skipped."
    if text.startswith("\ufeff"):
        text = text[1:]
    # "Lines must be separated by a CRLF pair, a single LF, or a single CR." What follows the last one is no line:
    # "Once the end of the file is reached, any pending data must be discarded."
    lines = re.split("\r\n|\n|\r", text)[:-1]

    dispatched: list[Dispatched] = []
    data, event_type, last_event_id = "", "", None
    id_of_stream = None
    retry = None
    for line in lines:
        if line == "":
            id_of_stream = last_event_id
            if data == "":
                event_type = ""
            else:
                data = data.removesuffix("\n")
                name = replaced(event_type) or None
                shown_id = None if id_of_stream is None else replaced(id_of_stream)
                raw = data.encode("utf-8", "surrogateescape")
                dispatched.append(Dispatched(name, raw, shown_id, retry))
                data, event_type = "", ""
            retry = None
        elif line[0] == ":":
            continue
        else:
            if ":" in line:
                field, value = line.split(":", 1)
                if value.startswith(" "):
                    value = value[1:]
            else:
                field, value = line, ""
            if field == "event":
                event_type = value
            elif field == "data":
                data += value + "\n"
            elif field == "id":
                if "\0" not in value:
                    last_event_id = value
            elif field == "retry" and re.fullmatch("[0-9]{1,18}", value):
                # The standard has no limit for the number of digits; ours is in the table of oxide.core.sse.
                retry = int(value)
    return dispatched
