"""Bodies of `multipart/form-data` (RFC 7578): which parts there are, and what is around the files in them.

Part names, file names and content types are those of the official SDK. Files are not read here: see `core.body`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .body import FromFile, FromIterable, FromPath, Plan, Source
from .codec import encode
from .headers import encode_header
from .sentinels import NotGiven, Omit
from .url import query_items

__all__ = ["Form", "encode_form", "raw_content"]

# A body that is all bytes is put together at once up to this size, and beyond it piece by piece while it is sent.
_JOIN_LIMIT = 1 << 20

_QUOTED = {'"': "%22", "\\": "\\\\", **{chr(code): f"%{code:02X}" for code in range(0x20) if code != 0x1B}}
_SPECIAL = re.compile("|".join(map(re.escape, _QUOTED)))

# RFC 2046, section 5.1.1.
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")

_GIVEN = re.compile(r'boundary=(?:"([^"]*)"|([^";\s]*))\s*(?:;|$)', re.IGNORECASE)


class Form:
    """What `encode_form` wants to know of an endpoint that has no `Operation`.

    Args:
        parts: the files: a mapping or pairs of part name and file.

    Raises:
        TypeError: it is neither.
    """

    multipart = True
    files: tuple[str, ...] = ()
    encodings: Mapping[str, str] = {}
    raw_part = None

    def __init__(self, parts: Any = None) -> None:
        pairs = parts.items() if isinstance(parts, Mapping) else parts or ()
        if isinstance(pairs, (str, bytes)) or not isinstance(pairs, Iterable):
            raise TypeError(
                f"files must be a mapping of part names to files, or pairs of them, not {type(parts).__name__}"
            )
        self.parts: list[tuple[str, Any]] = [(name, file) for name, file in pairs]


def encode_form(form: Any, body: Any, headers: dict[str, Any]) -> tuple[bytes | Plan, dict[str, Any]]:
    """The body of a request that may have files, and its header fields.

    Args:
        form: an `Operation`, or a `Form`.
        body: the fields, files among them where the form says so.
        headers: those that the caller gave. A boundary in their `Content-Type` is used.

    Returns:
        What to send, and the headers with the `Content-Type` that says what it is.

    Raises:
        TypeError: something is no file where one should be, or is one where none should be.
        ValueError: a header of a part has a line break, or the caller's boundary can't be one.
    """
    if body is None:
        body = {}
    if not isinstance(body, Mapping):
        raise TypeError(f"the body of a form must be a mapping of its fields, not {type(body).__name__}")
    fields = {name: value for name, value in body.items() if not isinstance(value, (Omit, NotGiven))}
    files: list[tuple[str, Any]] = list(getattr(form, "parts", ()))
    for path in form.files:
        _take_files(fields, _segments(path), 0, "", files)
    if not (form.multipart or files):
        return encode(fields), headers
    if form.raw_part is not None and set(fields) == {form.raw_part}:
        return _text(form.raw_part, fields[form.raw_part]), _with_type(headers, form.encodings[form.raw_part])
    for name, content_type in form.encodings.items():
        if name in fields:
            value = fields.pop(name)
            data = encode(value) if content_type == "application/json" else _text(name, value)
            files.append((name, (None, data, content_type)))
    boundary, headers = _boundary(headers)
    return _assemble(boundary, _grouped(fields), files), headers


def raw_content(value: Any) -> bytes | Plan:
    """What a caller wants to be sent as it is: bytes, text, a path, a file from where it stands, or an iterable of bytes.

    Raises:
        TypeError: it is none of these.
    """
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if type(value) in (list, tuple) and all(isinstance(piece, bytes) for piece in value):
        return b"".join(value)
    if hasattr(value, "__fspath__"):
        return Plan([FromPath(value)])
    if _is_file(value):
        return Plan([FromFile(value, from_start=False)])
    if (hasattr(value, "__iter__") and not isinstance(value, Mapping)) or hasattr(value, "__aiter__"):
        return Plan([FromIterable(value)])
    raise TypeError(f"content must be bytes, a file, or an iterable of bytes, not {type(value).__name__}")


# --- which parts there are ----------------------------------------------------------------------------------------------


def _segments(path: str) -> list[str]:
    """`"files[][file]"` as `["files", "", "file"]`: the empty one stands for every member of a list."""
    return re.findall(r"[^\[\]]+|(?<=\[)(?=\])", path)


def _take_files(value: Any, path: list[str], index: int, name: str, files: list[tuple[str, Any]]) -> None:
    """Move the files at a path from `value`, a dict or list of our own, to `files`. What is not there is none."""
    last = index == len(path) - 1
    if path[index]:
        key = path[index]
        if not isinstance(value, dict) or key not in value:
            return
        name = f"{name}[{key}]" if name else key
        # One list of files may be declared as such, and as a file that may be a list.
        lists = all(not segment for segment in path[index + 1 :])
        if last or (lists and isinstance(value[key], list)):
            item = value.pop(key)
        else:
            item = value[key] = _copy(value[key])
        members = [(name, item)]
    elif isinstance(value, list):
        for position, member in enumerate(value):
            value[position] = _copy(member)
        members = [(name + "[]", member) for member in value]
    else:
        return
    for name, item in members:
        if not last:
            _take_files(item, path, index + 1, name, files)
        elif isinstance(item, list):
            files.extend((name + "[]", _checked(name + "[]", member)) for member in item)
        elif not isinstance(item, (Omit, NotGiven)):
            files.append((name, _checked(name, item)))


def _copy(value: Any) -> Any:
    # What is taken out must not be missing in the caller's own containers.
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, list) else value


def _checked(name: str, value: Any) -> Any:
    if isinstance(value, tuple) or _is_content(value):
        return value
    raise TypeError(_NO_FILE.format(name, type(value).__name__))


def _grouped(fields: Mapping[str, Any]) -> Iterable[tuple[str, list[str]]]:
    """Each name once, where it came first, with its values."""
    grouped: dict[str, list[str]] = {}
    for name, value in fields.items():
        _refuse_files(name, value)
    for name, text in query_items(fields):
        grouped.setdefault(name, []).append(text)
    return grouped.items()


def _refuse_files(name: str, value: Any) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_files(f"{name}[{key}]", item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_files(name + "[]", item)
    elif not isinstance(value, str) and _is_content(value):
        raise TypeError(f"{name!r} is a form field and takes no file, but it is {type(value).__name__}")


def _is_file(value: Any) -> bool:
    return hasattr(value, "read") or hasattr(value, "aread")


def _is_content(value: Any) -> bool:
    return isinstance(value, (bytes, bytearray, memoryview)) or hasattr(value, "__fspath__") or _is_file(value)


def _text(name: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError(f"{name!r} must be text, not {type(value).__name__}")
    return value.encode()


# --- how they are written -----------------------------------------------------------------------------------------------


def _boundary(headers: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """The boundary, and the headers that tell it."""
    for name, value in headers.items():
        if name.lower() != "content-type" or isinstance(value, Omit):
            continue
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if "boundary=" in text.lower():
            found = _GIVEN.search(text)
            boundary = (found[1] or found[2] or "") if found else text
            if not _BOUNDARY.fullmatch(boundary):
                raise ValueError(f"{boundary!r} can't be the boundary of a multipart body (RFC 2046, section 5.1.1)")
            return boundary.encode("ascii"), headers
    from os import urandom

    boundary = urandom(16).hex()
    return boundary.encode("ascii"), _with_type(headers, f"multipart/form-data; boundary={boundary}")


def _with_type(headers: dict[str, Any], content_type: str) -> dict[str, Any]:
    return {
        "Content-Type": content_type,
        **{name: value for name, value in headers.items() if name.lower() != "content-type"},
    }


def _assemble(boundary: bytes, fields: Iterable[tuple[str, list[str]]], files: list[tuple[str, Any]]) -> bytes | Plan:
    delimiter = b"--%b\r\n" % boundary
    pieces: list[bytes | Source] = []
    for name, values in fields:
        head = b"%bContent-Disposition: form-data; %b\r\n\r\n" % (delimiter, _parameter("name", name))
        pieces.extend(b"%b%b\r\n" % (head, value.encode()) for value in values)
    for name, file in files:
        head, content = _part(name, file)
        pieces += (delimiter + head, content, b"\r\n")
    pieces.append(b"--%b--\r\n" % boundary)
    size = 0
    for piece in pieces:
        if not isinstance(piece, bytes):
            return Plan(_merged(pieces))
        size += len(piece)
    return b"".join(pieces) if size <= _JOIN_LIMIT else Plan(pieces)  # type: ignore[arg-type]


def _merged(pieces: list[bytes | Source]) -> Iterable[bytes | Source]:
    """The same with bytes that follow each other in one piece, as long as that is short."""
    text = b""
    for piece in pieces:
        if isinstance(piece, bytes) and len(text) + len(piece) <= _JOIN_LIMIT:
            text += piece
        else:
            if text:
                yield text
            text = b""
            if isinstance(piece, bytes):
                text = piece
            else:
                yield piece
    yield text


def _part(name: str, file: Any) -> tuple[bytes, bytes | Source]:
    """The head of a part with its blank line, and its content."""
    headers: Mapping[str, Any] = {}
    content_type = None
    if isinstance(file, tuple):
        if not 2 <= len(file) <= 4:
            raise TypeError(f"{name!r}: a file's tuple is (filename, content[, content_type[, headers]])")
        filename, value = file[:2]
        content_type = file[2] if len(file) > 2 else None
        headers = (file[3] if len(file) > 3 else None) or {}
        if filename is not None and not isinstance(filename, str):
            raise TypeError(f"{name!r}: the file's name must be text, not {type(filename).__name__}")
    else:
        filename, value = _filename(file), file
    lines = [b"Content-Disposition: form-data; " + _parameter("name", name)]
    if filename:
        lines[0] += b"; " + _parameter("filename", filename)
    lines += [b"%b: %b" % encode_header(key, text) for key, text in headers.items()]
    if content_type is None and filename:
        content_type = _guess_type(filename)
    if content_type is not None and not any(key.lower() == "content-type" for key in headers):
        lines.append(b"%b: %b" % encode_header("Content-Type", content_type))
    return b"\r\n".join(lines) + b"\r\n\r\n", _content(name, value)


def _content(name: str, value: Any) -> bytes | Source:
    if isinstance(value, bytes):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if hasattr(value, "__fspath__"):
        return FromPath(value)
    if not _is_file(value):
        raise TypeError(_NO_FILE.format(name, type(value).__name__))
    import io

    if isinstance(value, io.TextIOBase):
        raise TypeError(f"{name!r}: the file must be open in binary mode, not in text mode")
    return FromFile(value, from_start=True)


def _parameter(key: str, value: str) -> bytes:
    """A parameter of `Content-Disposition`, written as browsers do: what could end it is percent-encoded."""
    quoted = _SPECIAL.sub(lambda found: _QUOTED[found[0]], value)
    # A file name that is not UTF-8 has its bytes as surrogates (PEP 383).
    return f'{key}="{quoted}"'.encode("utf-8", "surrogateescape")


def _filename(file: Any) -> str:
    given = file if hasattr(file, "__fspath__") else getattr(file, "name", None)
    if given is None:
        return "upload"
    from pathlib import PurePath

    # The name of a file that was opened by its descriptor is a number.
    return PurePath(str(given) if isinstance(given, int) else given).name


def _guess_type(filename: str) -> str:
    if filename == "upload":
        return "application/octet-stream"
    # The standard library reads the system's tables for this, once.
    from mimetypes import guess_type

    return guess_type(filename)[0] or "application/octet-stream"


_NO_FILE = (
    "{0!r} must be a file: bytes, a path (os.PathLike), a file open in binary mode,"
    " or a tuple (filename, content[, content_type[, headers]]); not {1}"
)
