"""Webhooks: who sent them, when, and what they say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import openai
import pytest

import oxide
from oxide.core.webhooks import verify
from oxide.types.webhooks.response_completed_webhook_event import ResponseCompletedWebhookEvent

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
EVENT = {"id": "evt_1", "object": "event", "created_at": 1, "type": "response.completed", "data": {"id": "resp_1"}}
BODY = json.dumps(EVENT)
NOW = 1_700_000_000

CLIENTS = [oxide.OpenAI, oxide.AsyncOpenAI]


def signature(body: str = BODY, timestamp: str = str(NOW), key: bytes = KEY, identity: str = "wh_1") -> str:
    digest = hmac.new(key, f"{identity}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def headers(**changes: Any) -> dict[str, Any]:
    fields = {"webhook-id": "wh_1", "webhook-timestamp": str(NOW), "webhook-signature": signature()}
    fields |= {f"webhook-{name}": value for name, value in changes.items()}
    return {name: value for name, value in fields.items() if value is not None}


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW + 0.7)
    monkeypatch.setattr("oxide.helpers.webhooks.time", lambda: NOW + 0.7)


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Any:
    return request.param(api_key="sk-test", webhook_secret=SECRET)


def test_the_vector_of_standard_webhooks() -> None:
    # The example of the specification's reference implementation.
    fields = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    verify('{"test": 2432232314}', fields, secret, 300, 1614265330)
    with pytest.raises(oxide.InvalidWebhookSignatureError):
        verify('{"test": 2432232315}', fields, secret, 300, 1614265330)


GOOD = {
    "one signature": headers(),
    "capitals": {name.upper(): value for name, value in headers().items()},
    "without v1": headers(signature=signature()[3:]),
    "several, the last fits": headers(signature=f"v1,AAAA {signature(key=b'old')} {signature()}"),
    "several, the first fits": headers(signature=f"{signature()} v1a,xyz"),
    "as old as may be": headers(timestamp=str(NOW - 300), signature=signature(timestamp=str(NOW - 300))),
    "as new as may be": headers(timestamp=str(NOW + 300), signature=signature(timestamp=str(NOW + 300))),
}
BAD = {
    "another key": headers(signature=signature(key=b"another")),
    "another body": headers(signature=signature(body=BODY + " ")),
    "another id": headers(id="wh_2"),
    "another time": headers(timestamp=str(NOW - 1)),
    "no signature fits": headers(signature="v1,AAAA v1,BBBB v1,"),
    "another version": headers(signature=signature().replace("v1,", "v2,")),
    "too old": headers(timestamp=str(NOW - 301), signature=signature(timestamp=str(NOW - 301))),
    "too new": headers(timestamp=str(NOW + 301), signature=signature(timestamp=str(NOW + 301))),
    "no time": headers(timestamp="yesterday", signature=signature(timestamp="yesterday")),
}
INCOMPLETE = {
    "no signature": headers(signature=None),
    "no id": headers(id=None),
    "no timestamp": headers(timestamp=None),
    "not text": headers(signature=1),
    "nothing": {},
}


@pytest.mark.parametrize("body", [BODY, BODY.encode()], ids=["str", "bytes"])
@pytest.mark.parametrize("name", GOOD)
def test_good_ones(client: Any, name: str, body: Any) -> None:
    assert client.webhooks.verify_signature(body, GOOD[name]) is None
    event = client.webhooks.unwrap(body, GOOD[name])
    assert type(event) is ResponseCompletedWebhookEvent
    assert event.data.id == "resp_1"
    assert event.to_dict() == EVENT


@pytest.mark.parametrize("name", BAD)
def test_bad_ones(client: Any, name: str) -> None:
    for method in (client.webhooks.verify_signature, client.webhooks.unwrap):
        with pytest.raises(oxide.InvalidWebhookSignatureError):
            method(BODY, BAD[name])


@pytest.mark.parametrize("name", INCOMPLETE)
def test_incomplete_ones(client: Any, name: str) -> None:
    with pytest.raises(ValueError, match="the webhook has no webhook-") as caught:
        client.webhooks.verify_signature(BODY, INCOMPLETE[name])
    assert not isinstance(caught.value, oxide.InvalidWebhookSignatureError)


@pytest.mark.parametrize("name", sorted({*GOOD, *BAD, *INCOMPLETE} - {"not text"}))
def test_the_official_sdk_agrees(name: str) -> None:
    fields = {**GOOD, **BAD, **INCOMPLETE}[name]
    official = openai.OpenAI(api_key="sk-test", webhook_secret=SECRET)
    outcomes = []
    for sdk in (official, oxide.OpenAI(api_key="sk-test", webhook_secret=SECRET)):
        try:
            outcomes.append(type(sdk.webhooks.unwrap(BODY, fields)).__name__)
        except ValueError as error:
            outcomes.append(type(error).__name__)
    official.close()
    assert outcomes[0] == outcomes[1]


def test_what_a_stranger_sends_is_refused_and_does_no_harm(client: Any) -> None:
    for text in ("v1,\udcff", "v1,ä", "é" * 1000):
        with pytest.raises(oxide.InvalidWebhookSignatureError):
            client.webhooks.unwrap(b"\xff\xfe", headers(signature=text))


def test_the_tolerance(client: Any) -> None:
    fields = headers(timestamp=str(NOW - 1000), signature=signature(timestamp=str(NOW - 1000)))
    client.webhooks.verify_signature(BODY, fields, tolerance=1000)
    with pytest.raises(oxide.InvalidWebhookSignatureError, match="older than 999 seconds"):
        client.webhooks.verify_signature(BODY, fields, tolerance=999)


def test_secrets(client: Any) -> None:
    fields = headers(signature=signature(key=b"plain text"))
    client.webhooks.unwrap(BODY, fields, secret="plain text")
    with pytest.raises(ValueError, match="not base64"):
        client.webhooks.unwrap(BODY, fields, secret="whsec_A")
    # Everybody can sign with an empty one.
    with pytest.raises(ValueError, match="there is no webhook secret"):
        client.webhooks.unwrap(BODY, headers(signature=signature(key=b"")), secret="")
    client.webhook_secret = None
    with pytest.raises(ValueError, match="there is no webhook secret"):
        client.webhooks.unwrap(BODY, headers())


def test_headers_that_are_no_mapping(client: Any) -> None:
    class Fields:
        def get(self, name: str, default: Any = None) -> Any:
            return {name.title(): value for name, value in headers().items()}.get(name, default)

    assert client.webhooks.unwrap(BODY, Fields()).type == "response.completed"


def test_an_event_of_the_future(client: Any) -> None:
    body = json.dumps({"type": "moon.landed", "data": {"where": "mare"}})
    event = client.webhooks.unwrap(body, headers(signature=signature(body=body)))
    assert event.type == "moon.landed"
    assert event.data["where"] == "mare"


def test_no_json(client: Any) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the message is the decoder's)
        client.webhooks.unwrap("no json", headers(signature=signature(body="no json")))
    assert not isinstance(caught.value, oxide.InvalidWebhookSignatureError)
