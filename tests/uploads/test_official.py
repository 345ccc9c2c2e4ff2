"""The same files through the official SDK and through oxide: the bodies are equal, byte for byte but for the boundary."""

from __future__ import annotations

import io
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

import oxide

from .wire import Uploads, normal

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3


@pytest.fixture
def peer() -> Iterator[Uploads]:
    with Uploads() as peer:
        yield peer


def both(peer: Uploads, call: Callable[[Any], Any]) -> Any:
    """What both send."""
    for module in (openai, oxide):
        with module.OpenAI(api_key="sk-test", base_url=peer.base_url) as client:
            call(client)
    there, here = peer.requests
    assert (here.method, here.target) == (there.method, there.target)
    assert normal(here) == normal(there)
    for name in ("content-length", "transfer-encoding", "accept"):
        assert here.headers.get(name) == there.headers.get(name), name
    return here


class Named(io.BytesIO):
    name = "/somewhere/else/voice.mp3"


class Unseekable(io.RawIOBase):
    """A pipe, more or less."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._data.read(size)


def at_end(data: bytes) -> io.BytesIO:
    """A file that has just been written, and stands at its end."""
    file = io.BytesIO()
    file.write(data)
    return file


KINDS: dict[str, Callable[[pathlib.Path], Any]] = {
    "bytes": lambda path: PNG,
    "empty bytes": lambda path: b"",
    "a path": lambda path: path,
    "a buffer": lambda path: io.BytesIO(PNG),
    "a buffer at its end": lambda path: at_end(PNG),
    "a buffer with a name": lambda path: Named(PNG),
    "an open file": lambda path: path.open("rb"),
    "a raw file": lambda path: path.open("rb", buffering=0),
    "something that can't be sought": lambda path: Unseekable(PNG),
    "name and bytes": lambda path: ("a.txt", PNG),
    "name and path": lambda path: ("b.json", path),
    "name and buffer": lambda path: ("c", io.BytesIO(PNG)),
    "no name": lambda path: (None, PNG),
    "an empty name": lambda path: ("", PNG),
    "no name, but a type": lambda path: (None, PNG, "image/png"),
    "name, content, type": lambda path: ("d.png", PNG, "application/x-mine"),
    "name, content, no type": lambda path: ("d.png", PNG, None),
    "headers": lambda path: ("e.png", PNG, "image/png", {"X-One": "1", "X-Two": "zwei"}),
    "headers with a type": lambda path: ("e.png", PNG, "image/png", {"Content-Type": "image/webp", "X-Two": "2"}),
    "headers alone": lambda path: ("e.png", PNG, None, {"X-One": "1"}),
    "a directory in the name": lambda path: ("../../etc/passwd", PNG),
    "a name to be quoted": lambda path: ('a"b\\c\r\nX: y\x00\x1b\x7f.txt', PNG),
    "a name of other letters": lambda path: ("naïve 日本 😀.jsonl", PNG),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(peer: Uploads, tmp_path: pathlib.Path, kind: str) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(PNG)
    made: list[Any] = []

    def make() -> Any:
        made.append(KINDS[kind](path))
        return made[-1]

    request = both(peer, lambda client: client.files.create(file=make(), purpose="user_data"))
    assert PNG in request.body or kind == "empty bytes"
    for file in made:
        if hasattr(file, "close"):
            assert not file.closed
            file.close()


def test_descriptor_as_name(peer: Uploads, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(PNG)
    with path.open("rb") as first, open(first.fileno(), "rb", closefd=False) as file:
        both(peer, lambda client: client.files.create(file=file, purpose="batch"))


PARAMS: dict[str, Callable[[], dict[str, Any]]] = {
    "one image": lambda: {"image": PNG, "prompt": "p"},
    "a list of images": lambda: {"image": [PNG, ("b.png", PNG), io.BytesIO(PNG)], "prompt": "p"},
    "a list of one": lambda: {"image": [PNG], "prompt": "p"},
    "no image": lambda: {"image": [], "prompt": "p"},
    "a mask": lambda: {"mask": ("m.png", PNG), "image": PNG, "prompt": "é\r\nzwei"},
    "numbers and truth": lambda: {"image": PNG, "prompt": "", "n": 2, "stream": False, "user": None},
    "nested": lambda: {
        "image": PNG,
        "prompt": "p",
        "extra_body": {
            "a": {"b": [1, True, None], "c": {"d": 0.5}},
            "list": ["x", "y"],
            "objects": [{"k": 1}, {"k": 2}],
        },
    },
    "overridden": lambda: {"image": PNG, "prompt": "p", "extra_body": {"prompt": "q", "new": "r"}},
    "quotes in a field's name": lambda: {"image": PNG, "prompt": "p", "extra_body": {'a"\r\nb': 1}},
    "a boundary": lambda: {
        "image": PNG,
        "prompt": "p",
        "extra_headers": {"Content-Type": "multipart/form-data; boundary=mine"},
    },
    "a type without boundary": lambda: {
        "image": PNG,
        "prompt": "p",
        "extra_headers": {"content-type": "multipart/form-data"},
    },
}


@pytest.mark.parametrize("case", PARAMS)
def test_params(peer: Uploads, case: str) -> None:
    params = PARAMS[case]
    both(peer, lambda client: client.images.edit(**params()))


@pytest.mark.parametrize("files", [[("a/b.md", b"1"), b"2"], b"3", ("c.zip", b"4"), None, []])
def test_files_or_json(peer: Uploads, files: Any) -> None:
    params = {} if files is None else {"files": files}
    both(peer, lambda client: client.skills.create(**params))


def test_the_callers_objects_stay_as_they_are(peer: Uploads) -> None:
    headers = {"X-One": "1"}
    images = [("a.png", PNG, "image/png", headers)]
    with oxide.OpenAI(api_key="sk-test", base_url=peer.base_url) as client:
        client.images.edit(image=images, prompt="p")
    assert images == [("a.png", PNG, "image/png", {"X-One": "1"})]
    assert headers == {"X-One": "1"}


CALLS: dict[str, Callable[[], dict[str, Any]]] = {
    "raw": lambda: {"sdp": "v=0\r\né"},
    "two parts": lambda: {"sdp": "v=0", "session": {"type": "realtime", "model": "m", "list": [1, None]}},
    "extra": lambda: {"sdp": "v=0", "extra_body": {"more": [1]}},
}


@pytest.mark.parametrize("case", CALLS)
def test_parts_with_types(peer: Uploads, case: str) -> None:
    params = CALLS[case]
    both(peer, lambda client: client.realtime.calls.create(**params()))


REFUSED: dict[str, Any] = {
    "text": "hello",
    "nothing": None,
    "a number": 5,
    "an object": object(),
    "a text file": io.StringIO("hello"),
    "a tuple of text": ("a.txt", 5),
    "a long tuple": ("a", b"", None, {}, 1),
    "a line break in the type": ("a", b"", "a/b\r\nX: y"),
    "a line break in a header": ("a", b"", None, {"X": "1\r\nY: 2"}),
    "a bad header": ("a", b"", None, {"X Y": "1"}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(peer: Uploads, case: str) -> None:
    any_kind = (RuntimeError, TypeError, ValueError, AttributeError)
    with openai.OpenAI(api_key="sk-test", base_url=peer.base_url) as theirs, pytest.raises(any_kind):
        theirs.files.create(file=REFUSED[case], purpose="batch")
    with oxide.OpenAI(api_key="sk-test", base_url=peer.base_url) as mine, pytest.raises((TypeError, ValueError)):
        mine.files.create(file=REFUSED[case], purpose="batch")
    assert not peer.requests


def test_file_from_path(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "b.txt"
    path.write_bytes(PNG)
    assert oxide.file_from_path(str(path)) == openai.file_from_path(str(path)) == ("b.txt", PNG)
    with pytest.raises(FileNotFoundError):
        oxide.file_from_path(str(tmp_path / "none"))


ENDPOINTS: dict[str, Callable[[], dict[str, Any]]] = {
    "a mapping": lambda: {"files": {"file": ("a.txt", PNG)}, "body": {"purpose": "batch", "list": [1, 2]}},
    "pairs": lambda: {"files": [("image[]", PNG), ("image[]", io.BytesIO(b"2"))], "body": {"x": {"y": "z"}}},
    "fields alone": lambda: {"body": {"x": 1}},
    "nothing": dict,
}


@pytest.mark.parametrize("case", ENDPOINTS)
def test_endpoints(peer: Uploads, case: str) -> None:
    arguments = ENDPOINTS[case]
    options: Any = {"headers": {"Content-Type": "multipart/form-data"}}
    for module in (openai, oxide):
        with module.OpenAI(api_key="sk-test", base_url=peer.base_url) as client:
            client.post("/thing", cast_to=object, options=options, **arguments())
    assert normal(peer.requests[0]) == normal(peer.requests[1])
    assert peer.requests[0].headers["content-length"] == peer.requests[1].headers["content-length"]


def half_read(data: bytes) -> io.BytesIO:
    file = io.BytesIO(data)
    file.read(10)
    return file


CONTENTS: dict[str, Callable[[], Any]] = {
    "bytes": lambda: PNG,
    "a file": lambda: half_read(PNG),
    "a generator": lambda: (piece for piece in (b"a", b"", b"bc", PNG)),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_content(peer: Uploads, kind: str) -> None:
    options: Any = {"headers": {"Content-Type": "application/x-thing"}}
    for module in (openai, oxide):
        with module.OpenAI(api_key="sk-test", base_url=peer.base_url) as client:
            client.post("/thing", cast_to=object, options=options, content=CONTENTS[kind]())
    there, here = peer.requests
    assert here.body == there.body
    for name in ("content-length", "transfer-encoding", "content-type"):
        assert here.headers.get(name) == there.headers.get(name), name
