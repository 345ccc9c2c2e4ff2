"""URLs: the base URL taken apart, paths that nothing leaves, queries in the official SDK's format."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxide.core.operation import Operation
from oxide.core.sentinels import not_given, omit
from oxide.core.url import URL, Origin, fill_path, query_items, query_string

RETRIEVE = Operation("GET", "/responses/{response_id}/input_items", path_params=("response_id",))


@pytest.mark.parametrize(
    ("text", "origin", "target", "host"),
    [
        ("https://api.openai.com/v1", Origin("https", "api.openai.com", 443), "/v1", b"api.openai.com"),
        ("HTTP://LOCALHOST:8080", Origin("http", "localhost", 8080), "/", b"localhost:8080"),
        ("http://[::1]:81/a?b=c", Origin("http", "::1", 81), "/a?b=c", b"[::1]:81"),
        ("http://[fe80::1%25Eth0]:81/a", Origin("http", "fe80::1%Eth0", 81), "/a", b"[fe80::1]:81"),
        ("https://[fe80::1%Eth0]/", Origin("https", "fe80::1%Eth0", 443), "/", b"[fe80::1]"),
        (
            "https://bücher.example/ä",
            Origin("https", "xn--bcher-kva.example", 443),
            "/%C3%A4",
            b"xn--bcher-kva.example",
        ),
    ],
)
def test_parts(text: str, origin: Origin, target: str, host: bytes) -> None:
    url = URL(text)
    assert (url.origin, url.target, url.host_header) == (origin, target, host)
    assert URL(str(url)) == url


@pytest.mark.parametrize(
    "text",
    ["", "api.openai.com/v1", "ftp://host/", "https:///v1", "http://h:99999/", "http://h/ x", "http://h/\r\nX: y"],
)
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid URL"):
        URL(text)


def path(value: Any) -> str:
    return fill_path(RETRIEVE.segments, RETRIEVE.path_params, (value,))


@pytest.mark.parametrize(
    ("value", "segment"),
    [
        ("resp_1", "resp_1"),
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("..%2f", "..%252f"),
        ("ft:gpt-4o:x", "ft:gpt-4o:x"),
        ("ä b", "%C3%A4%20b"),
        ("...", "..."),
        (7, "7"),
    ],
)
def test_path_values_stay_in_their_segment(value: Any, segment: str) -> None:
    assert path(value) == f"/responses/{segment}/input_items"


@pytest.mark.parametrize("value", [".", ".."])
def test_dot_segments_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="segment"):
        path(value)


@pytest.mark.parametrize("value", ["", None])
def test_empty_path_values_are_refused_by_name(value: Any) -> None:
    with pytest.raises(ValueError, match="response_id"):
        path(value)


@given(st.text(min_size=1))
def test_no_text_adds_or_removes_a_segment(value: str) -> None:
    try:
        result = path(value)
    except (ValueError, UnicodeEncodeError):
        return
    assert result.isascii()
    assert result.count("/") == 3
    assert not set(result) & set("?# \r\n\0")


def test_query_in_brackets() -> None:
    params = {
        "a": {"b": {"c": 1}, "d": [1, {"e": True}]},
        "list": ["x", None, "y"],
        "none": None,
        "omit": omit,
        "not_given": not_given,
        "flag": False,
        "number": 1.5,
    }
    assert list(query_items(params)) == [
        ("a[b][c]", "1"),
        ("a[d][]", "1"),
        ("a[d][][e]", "true"),
        ("list[]", "x"),
        ("list[]", "y"),
        ("flag", "false"),
        ("number", "1.5"),
    ]


def test_query_string_is_quoted() -> None:
    assert query_string({"a[b]": "ä &=", "c": None}) == "a%5Bb%5D=%C3%A4+%26%3D"


def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="headers") as caught:
        URL("https://user:secret@host/v1")
    assert "secret" not in str(caught.value)
