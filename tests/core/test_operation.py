"""Operations beyond plain JSON: what the builder makes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oxide import AsyncOpenAI, Timeout
from oxide.core.config import ClientConfig
from oxide.core.headers import Headers
from oxide.core.http import Response
from oxide.core.operation import Operation
from oxide.core.prepare import Call, RequestBuilder
from oxide.core.rename import rename
from oxide.core.sentinels import omit


def builder(**config: Any) -> RequestBuilder:
    return RequestBuilder(ClientConfig(api_key="sk-test", admin_api_key="sk-admin", **config), asynchronous=False)


def headers(call: Call) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in call.request(0, None).head.pairs}


def test_constant_headers_go_along() -> None:
    operation = Operation("POST", "/things", sends=(("OpenAI-Beta", "things=v1"), ("Accept", "*/*")))
    build = builder(default_headers={"openai-beta": "mine"})
    sent = headers(build.operation(operation, {}, ()))
    assert (sent["openai-beta"], sent["accept"]) == ("things=v1", "*/*")
    # The block is made once, and another operation's is another one.
    first, second = (build.operation(operation, {}, ()).request(0, None).head for _ in range(2))
    assert first is second
    other = headers(build.operation(Operation("POST", "/things"), {}, ()))
    assert (other["openai-beta"], other["accept"]) == ("mine", "application/json")


def test_a_caller_overrides_constant_headers() -> None:
    operation = Operation("POST", "/things", sends=(("OpenAI-Beta", "things=v1"),))
    sent = headers(builder().operation(operation, {"extra_headers": {"openai-beta": "things=v2"}}, ()))
    assert sent["openai-beta"] == "things=v2"
    sent = headers(builder().operation(operation, {"extra_headers": {"OpenAI-Beta": omit}}, ()))
    assert "openai-beta" not in sent


def test_a_list_in_a_header_is_joined_by_commas() -> None:
    operation = Operation("GET", "/things", headers={"betas": "openai-beta", "number": "x-number"})
    sent = headers(builder().operation(operation, {"betas": ["a=v1", "b=v2"], "number": 3}, ()))
    assert (sent["openai-beta"], sent["x-number"]) == ("a=v1,b=v2", "3")


def test_keys_inside_the_body_are_renamed() -> None:
    operation = Operation("POST", "/agents", body=("name", "agent"), renames={"agent": {"inner": {"async_": "async"}}})
    agent = {"inner": [{"async_": True, "n": 1}, {"async_": False}], "async_": 1}
    call = builder().operation(operation, {"name": "a", "agent": agent}, ())
    assert json.loads(call.content) == {
        "name": "a",
        "agent": {"inner": [{"async": True, "n": 1}, {"async": False}], "async_": 1},
    }
    assert agent["async_"] == 1
    assert "async_" in agent["inner"][0]  # type: ignore[index]


def test_renaming_leaves_alone_what_has_nothing_to_rename() -> None:
    inner = {"async_": 1}
    assert rename({"other": inner}, {"agent": {"async_": "async"}})["other"] is inner
    assert rename("text", {"async_": "async"}) == "text"
    assert rename(({"async_": 1},), {"async_": "async"}) == [{"async": 1}]


def test_admin_endpoints_are_called_with_the_admin_key() -> None:
    admin = Operation("GET", "/organization/users", security=("admin_api_key_auth",))
    assert headers(builder().operation(admin, {}, ()))["authorization"] == "Bearer sk-admin"
    either = Operation("GET", "/things", security=("admin_api_key_auth", "bearer_auth"))
    assert headers(builder().operation(either, {}, ()))["authorization"] == "Bearer sk-test"


def test_a_query_in_the_path_stays() -> None:
    operation = Operation("GET", "/responses/{id}?beta=true", path_params=("id",), query=("include",))
    call = builder().operation(operation, {"include": ["a", "b"]}, ("r 1",))
    assert call.url.target == "/v1/responses/r%201?beta=true&include%5B%5D=a&include%5B%5D=b"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, bytes),
        ({"form": "text"}, str),
        ({"form": "other"}, bytes),
        ({"form": omit}, bytes),
        ({"form": None}, bytes),
    ],
)
def test_a_parameter_may_choose_the_answer(params: dict[str, Any], expected: type) -> None:
    operation = Operation(
        "POST", "/things", body=("form",), response="builtins:bytes", chooses=("form", {"text": "builtins:str"})
    )
    assert operation.response_for(params) is expected


def test_an_endpoint_may_stream_without_being_asked() -> None:
    build = builder()
    assert build.operation(Operation("GET", "/e", stream="builtins:dict", always_streams=True), {}, ()).stream is True
    assert build.operation(Operation("GET", "/e", stream="builtins:dict"), {}, ()).stream is False


def test_plain_operations_are_known_beforehand() -> None:
    assert Operation("POST", "/responses", body=("model",), sends=(("A", "b"),)).plain
    assert not Operation("POST", "/files", body=("file",), files=("file",)).plain
    assert not Operation("POST", "/agents", body=("agent",), renames={"agent": {"async_": "async"}}).plain


def test_the_time_of_a_call_that_is_made_later_begins_then() -> None:
    call = builder().operation(Operation("GET", "/things"), {"timeout": Timeout(total=5)}, ())
    first = call.deadline
    assert first is not None
    call.deadline = first - 100
    call.begin()
    assert call.deadline >= first


async def test_a_list_method_makes_its_request_once(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if way.is_sync:
        pytest.skip("which makes it at once")
    made: list[Any] = []
    original = RequestBuilder.operation

    def operation(self: RequestBuilder, *arguments: Any) -> Call:
        made.append(arguments)
        return original(self, *arguments)

    class Nowhere:
        async def send(self, request: Any, *, stream: bool) -> Response:
            return Response(200, Headers(), request, content=b'{"data": [], "object": "list"}')

        async def aclose(self) -> None:
            pass

    monkeypatch.setattr(RequestBuilder, "operation", operation)
    client = AsyncOpenAI(api_key="sk-test", http_client=Nowhere())
    page = client.models.list()
    assert len(made) == 1
    for calls in (1, 2):
        assert (await page).data == []
        assert len(made) == calls
    with pytest.raises(TypeError, match="has no parameter 'limit'"):
        client.models.list(limit=3)  # type: ignore[call-arg]
