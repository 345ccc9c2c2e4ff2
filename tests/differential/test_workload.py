"""Workload identity beside the official SDK's: the exchange, the calls with its token, and what a refusal leads to."""

from __future__ import annotations

from typing import Any

import httpx2
import openai.auth
import pytest

import oxide.auth
from oxide.core.url import URL

from .recorder import Answer, Sent
from .sides import Side, Sides


def make(side: Side, url: str, token_type: str, **arguments: Any) -> Any:
    identity = {
        "identity_provider_id": "idp",
        "service_account_id": "sa",
        "provider": {"token_type": token_type, "get_token": lambda: "subject"},
    }
    client = side.make(api_key=None, workload_identity=identity, **arguments)
    if side.is_oxide:
        client.config.credentials.url = URL(url)
    else:
        client._workload_identity_auth.token_exchange_url = url
    return client


def token(text: str, **more: Any) -> Answer:
    return Answer(200, {"access_token": text, "expires_in": 3600, **more})


BUSY = Answer(503, retry_after_ms="1")
CASES: dict[str, list[Answer]] = {
    "well": [token("t1"), Answer()],
    "refused once": [token("t1"), Answer(401), token("t2", token_type="Bearer"), Answer()],
    "refused twice": [token("t1"), Answer(401), token("t2"), Answer(401)],
    "busy": [token("t1"), BUSY, Answer()],
    "busy and refused": [token("t1"), BUSY, Answer(401), token("t2"), BUSY, Answer()],
    "refused, busy, refused": [token("t1"), Answer(401), token("t2"), BUSY, Answer(401), token("t3"), Answer()],
    "no exchange": [Answer(400, {"error": "invalid_grant", "error_description": "no"})],
    "unauthorized exchange": [Answer(401, {"error": 7})],
    "forbidden exchange": [Answer(403)],
    "no token": [Answer(200, {"expires_in": 1})],
    "empty": [Answer(200, b"")],
}


@pytest.mark.parametrize("answers", CASES.values(), ids=CASES)
@pytest.mark.parametrize("token_type", ["jwt", "id"])
def test_exchanges(sides: Sides, answers: list[Answer], token_type: str) -> None:
    outcomes = []
    for pair in sides.pairs:
        for side in pair:
            client = make(side, sides.recorder.url + "/oauth/token", token_type, organization="o")
            outcomes.append(side.call(lambda client: client.responses.create(model="m"), client, tuple(answers)))

    def essence(sent: Sent) -> tuple[Any, ...]:
        names = ("authorization", "openai-organization", "content-type", "x-stainless-retry-count")
        return (sent.method, sent.target, sent.json, *(sent.headers.get(name) for name in names))

    first = outcomes[0]
    for outcome in outcomes:
        assert [essence(sent) for sent in outcome.sent] == [essence(sent) for sent in first.sent], outcomes
        assert type(outcome.error).__name__ == type(first.error).__name__
        assert getattr(outcome.error, "error", None) == getattr(first.error, "error", None)


def test_proofs_of_platforms(sides: Sides, tmp_path: Any) -> None:
    """The requests for a proof, through clients of httpx2, which both take."""
    (tmp_path / "token").write_text("k8s\n")
    found: list[list[Any]] = []
    for module in (openai.auth, oxide.auth):
        sent: list[Any] = []

        def answer(request: Any, sent: list[Any] = sent) -> Any:
            sent.append(
                (
                    request.method,
                    str(request.url),
                    request.headers.get("metadata"),
                    request.headers.get("metadata-flavor"),
                )
            )
            return httpx2.Response(200, json={"access_token": "proof"})

        with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
            providers = (
                module.k8s_service_account_token_provider(tmp_path / "token"),
                module.azure_managed_identity_token_provider(http_client=client),
                module.azure_managed_identity_token_provider("r", object_id="o", msi_res_id="m", http_client=client),
                module.gcp_id_token_provider(http_client=client),
                module.gcp_id_token_provider("aud&", http_client=client),
            )
            sent += [(provider["token_type"], provider["get_token"]()) for provider in providers]
        found.append(sent)
    assert found[0] == found[1]


def test_names() -> None:
    assert set(openai.auth.__all__) <= set(oxide.auth.__all__)
    for name in openai.auth.__all__:
        assert hasattr(oxide.auth, name)
    arguments = {"identity_provider_id": "i", "service_account_id": "s", "refresh_buffer_seconds": 3.0}
    assert oxide.auth.x509_workload_identity(**arguments) == openai.auth.x509_workload_identity(**arguments)
