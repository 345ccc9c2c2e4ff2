"""Nothing in a name, a type, a header or a field can add a part or a header field to a body."""

from __future__ import annotations

import io
from email.parser import BytesParser
from email.policy import HTTP
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oxide.core.body import CHUNK_SIZE, FromFile, Measure, Open, Plan, ReadSome
from oxide.core.multipart import Form, encode_form

from .wire import parts

NASTY = '"\\\r\n\x00;=: -éa%'
texts = st.one_of(st.text(alphabet=NASTY), st.text())


class Sent:
    def __init__(self, body: bytes, content_type: str) -> None:
        self.body = body
        self.headers = {"content-type": content_type}


def encoded(files: Any, fields: Any = None) -> Sent:
    body, headers = encode_form(Form(files), fields, {})
    assert isinstance(body, bytes)
    return Sent(body, headers["Content-Type"])


def encodable(text: str) -> bool:
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


@given(texts.filter(encodable), texts.filter(encodable), st.binary(), texts.filter(lambda text: text.isprintable()))
@example('x"; name="other', 'a.txt"\r\nContent-Type: text/html\r\n\r\n<b>', b"\r\n--", "v")
def test_names(name: str, filename: str, content: bytes, field: str) -> None:
    sent = encoded([(name, (filename, content, "a/b"))], {"field": field})
    first, second = parts(sent)
    assert (first.name, first.content) == ("field", field.encode())
    assert second.content == content
    assert second.headers.keys() == {"content-disposition", "content-type"}
    assert second.content_type == "a/b"
    assert (second.filename is None) == (not filename)
    # And as another reader has them.
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + sent.headers["content-type"].encode() + b"\r\n\r\n" + sent.body
    )
    assert len(list(message.iter_parts())) == 2


@given(texts, texts)
def test_headers(name: str, value: str) -> None:
    for file in ((None, b"", None, {name: value}), (None, b"", value)):
        try:
            sent = encoded({"f": file})
        except ValueError:
            continue
        [part] = parts(sent)
        assert len(part.lines) == 2
        assert part.content == b""


def test_file_names_that_are_not_utf8() -> None:
    name = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
    assert b'filename="caf\xe9.txt"' in encoded({"f": (name, b"")}).body
    with pytest.raises(ValueError, match="surrogates"):
        encoded({"f": ("\ud800", b"")})


@given(st.lists(st.binary(max_size=30)))
def test_boundaries_differ(contents: list[bytes]) -> None:
    one, other = (encoded([("f", content) for content in contents]) for _ in range(2))
    assert one.headers != other.headers
    assert [part.content for part in parts(one)] == contents


@pytest.mark.parametrize("boundary", ["", " ", "a b ", "a" * 71, 'a"b', "é", "a\\b"])
def test_boundaries_that_are_none(boundary: str) -> None:
    with pytest.raises(ValueError, match="can't be the boundary"):
        encode_form(Form({"f": b""}), None, {"Content-Type": f'multipart/form-data; boundary="{boundary}"'})


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=abc", 'Multipart/Form-Data; x=y; Boundary="a b:c"'])
def test_boundaries_of_the_caller(kind: str) -> None:
    body, headers = encode_form(Form({"f": b""}), None, {"content-type": kind})
    boundary = kind.partition("oundary=")[2].strip('"').encode()
    assert isinstance(body, bytes)
    assert body.startswith(b"--" + boundary + b"\r\n")
    assert body.endswith(b"\r\n--" + boundary + b"--\r\n")
    assert headers == {"content-type": kind}


# --- plans --------------------------------------------------------------------------------------------------------------

sizes = st.sampled_from([0, 1, 2, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE])


class Memory:
    """Files that are buffers, and reads of any size."""

    def __init__(self, most: int) -> None:
        self.most = most

    def measure(self, source: Any) -> None:
        source.measured(0, len(source.file.getbuffer()))

    def open(self, source: Any) -> Any:
        source.file.seek(0)
        return source.file

    def read(self, reader: Any, size: int) -> bytes:
        assert 0 < size <= CHUNK_SIZE
        return reader.read(min(size, self.most))  # type: ignore[no-any-return]


def drive(flow: Any, files: Any) -> list[bytes]:
    written, value = [], None
    while True:
        try:
            step = flow.send(value)
        except StopIteration:
            return written
        if isinstance(step, bytes):
            written.append(step)
            value = None
        else:
            assert isinstance(step, (Measure, Open, ReadSome))
            value = step.perform(files)


@given(st.lists(st.tuples(st.booleans(), sizes), max_size=5), st.sampled_from([1 << 30, 100_000, CHUNK_SIZE]))
def test_plans(layout: list[tuple[bool, int]], most: int) -> None:
    pieces = [bytes([index + 1]) * size for index, (_, size) in enumerate(layout)]
    files = Memory(most)
    plan = Plan(
        FromFile(io.BytesIO(piece), True) if is_file else piece
        for piece, (is_file, _) in zip(pieces, layout, strict=True)
    )
    assert drive(plan.measure(), files) == []
    assert plan.length == sum(map(len, pieces))
    for _ in range(2):
        *written, end = drive(plan.chunks(), files)
        assert end == b""
        assert b"".join(written) == b"".join(pieces)
        assert all(0 < len(chunk) <= CHUNK_SIZE for chunk in written)
        # No more writes than there have to be.
        assert all(len(one) + len(other) > CHUNK_SIZE for one, other in pairwise(written))
