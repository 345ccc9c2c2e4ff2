"""Header fields: what may be sent, how they are read, how mappings of them are merged."""

from __future__ import annotations

from typing import Any

import pytest

from oxide.core.headers import Headers, encode_header, merge_headers
from oxide.core.http import RateLimit
from oxide.core.sentinels import omit


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\rb", "a\0b"])
def test_a_value_can_not_end_its_line(value: str) -> None:
    with pytest.raises(ValueError, match="'X-Test'") as caught:
        encode_header("X-Test", value)
    assert value not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\n", "ä"])
def test_a_name_is_a_token(name: str) -> None:
    with pytest.raises(ValueError, match="header name"):
        encode_header(name, "x")


@pytest.mark.parametrize(("name", "value"), [("a", None), ("a", 1), (1, "a")])
def test_text_only(name: Any, value: Any) -> None:
    with pytest.raises(TypeError, match="header"):
        encode_header(name, value)


def test_encoding() -> None:
    assert encode_header("X-A", " b ") == (b"X-A", b"b")
    assert encode_header(b"X-A", b"b") == (b"X-A", b"b")
    assert encode_header("X-A", "ä") == (b"X-A", "ä".encode())


def test_reading_without_regard_to_case() -> None:
    headers = Headers([(b"Content-Type", b"text/plain"), (b"X-A", b"1"), (b"x-a", b"2")])
    assert headers["content-type"] == headers["CONTENT-TYPE"] == "text/plain"
    assert headers["x-a"] == "1, 2"
    assert headers.get_list("X-A") == ["1", "2"]
    assert "x-b" not in headers
    assert headers.get("x-b") is None
    assert list(headers) == ["content-type", "x-a"]
    assert len(headers) == 2


def test_secrets_are_not_shown() -> None:
    headers = Headers([(b"Authorization", b"Bearer sk-secret"), (b"api-key", b"sk-secret"), (b"X-A", b"1")])
    assert "sk-secret" not in repr(headers)
    assert "'x-a': '1'" in repr(headers)


def test_merging() -> None:
    merged = merge_headers({"A": "1", "B": "2"}, {"a": "3", "b": omit}, {"C": "4"})
    assert merged == {"a": "3", "C": "4"}


def test_rate_limit() -> None:
    limit = RateLimit(
        Headers(
            [
                (b"x-ratelimit-limit-requests", b"60"),
                (b"x-ratelimit-remaining-requests", b"59"),
                (b"x-ratelimit-limit-tokens", b"many"),
                (b"x-ratelimit-reset-requests", b"1m0.5s"),
                (b"x-ratelimit-reset-tokens", b"120ms"),
            ]
        )
    )
    assert (limit.limit_requests, limit.remaining_requests) == (60, 59)
    assert limit.limit_tokens is limit.remaining_tokens is None
    assert limit.reset_requests == 60.5
    assert limit.reset_tokens == pytest.approx(0.12)
