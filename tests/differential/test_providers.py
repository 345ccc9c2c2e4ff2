"""Amazon Bedrock and Vertex AI beside the official SDK: what is sent, what is refused, and that signatures hold."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Iterator
from typing import Any

import botocore.auth
import openai
import openai.lib._bedrock_auth
import openai.providers
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import oxide
import oxide.providers

from .recorder import Answer, Recorder, Sent
from .sides import Outcome, Side, Sides, assert_same_requests

pytestmark = pytest.mark.exhaustive

NAMES = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_BEDROCK_BASE_URL",
    "AWS_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
)

STATIC = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "wJalr-secret", "session_token": "session"}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    # No configuration of this machine's, and no metadata server.
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


class Clients:
    """Both SDKs' clients for a platform, both ways."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.made: list[tuple[Side, Any]] = []

    def make(self, side: Side, kind: str, **arguments: Any) -> Any:
        """A client: of a provider, or `kind` is the client's class."""
        if side.module is openai:
            arguments["http_client"] = side.http
        name = f"Async{kind}" if side.asynchronous else kind
        client = getattr(side.module, name)(**arguments)
        self.made.append((side, client))
        return client

    def same(
        self,
        make: Callable[[Side], Any],
        call: Callable[[Any], Any],
        answers: Callable[[], tuple[Answer, ...]] = tuple,
    ) -> list[tuple[Outcome, Outcome]]:
        """Make clients and a call with them on both SDKs, both ways: the same requests, or both refuse."""
        outcomes = []
        for pair in self.sides.pairs:
            results = []
            for side in pair:
                try:
                    client = make(side)
                except Exception as error:  # noqa: BLE001 - compared
                    results.append(Outcome([], None, error))
                else:
                    results.append(side.call(call, client, answers()))
            assert_same_requests(*results)
            outcomes.append((results[0], results[1]))
        return outcomes

    def close(self) -> None:
        for side, client in self.made:
            if side.is_oxide:
                side.wait(client.close())


@pytest.fixture
def clients(sides: Sides) -> Iterator[Clients]:
    clients = Clients(sides)
    yield clients
    clients.close()


def provider(side: Side, name: str, **options: Any) -> Any:
    return getattr(sys.modules[f"{side.module.__name__}.providers"], name)(**options)


def create(client: Any) -> Any:
    return client.responses.create(model="m", input="hö")


def models(client: Any) -> Any:
    return client.models.list()


def busy() -> tuple[Answer, ...]:
    return (Answer(503, retry_after_ms="1"),)


# --- bearer tokens ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"api_key": "tok"}, {"token_provider": lambda: "tok"}], ids=["key", "function"])
def test_bedrock_bearer(clients: Clients, recorder: Recorder, options: dict[str, Any]) -> None:
    def make(side: Side) -> Any:
        told = provider(side, "bedrock", base_url=recorder.url + "/openai/v1/responses", **options)
        return clients.make(side, "OpenAI", provider=told, organization="o")

    for call in (create, models, lambda client: client.admin.organization.users.list()):
        for _, mine in clients.same(make, call, busy):
            assert len(mine.sent) == 2
            assert mine.sent[0].headers["authorization"] == "Bearer tok"
            assert mine.sent[0].path.startswith("/openai/v1/")


def test_bedrock_environment(clients: Clients, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "env-token")
    monkeypatch.setenv("AWS_BEDROCK_BASE_URL", recorder.url + "/x/")
    # Nothing of this is for Amazon.
    for name, value in {
        "API_KEY": "sk",
        "ORG_ID": "o",
        "BASE_URL": "http://127.0.0.1:1",
        "CUSTOM_HEADERS": "A: b",
    }.items():
        monkeypatch.setenv(f"OPENAI_{name}", value)
    for kind, arguments in (("OpenAI", True), ("BedrockOpenAI", False)):

        def make(side: Side, kind: str = kind, arguments: bool = arguments) -> Any:
            return clients.make(side, kind, **({"provider": provider(side, "bedrock")} if arguments else {}))

        for _, mine in clients.same(make, create):
            assert mine.sent[0].headers["authorization"] == "Bearer env-token"
            assert mine.sent[0].target == "/x/responses"


REGIONS = [
    "us-east-1",
    "cn-north-1",
    "us-iso-east-1",
    "us-isob-east-1",
    "eu-isoe-west-1",
    "us-isof-south-1",
    "eusc-de-east-1",
]


@pytest.mark.parametrize("region", REGIONS)
def test_bedrock_addresses(clients: Clients, sides: Sides, region: str) -> None:
    for endpoint in (None, "mantle", "runtime"):
        urls = [
            str(
                clients.make(
                    side, "OpenAI", provider=provider(side, "bedrock", endpoint=endpoint, region=region, api_key="k")
                ).base_url
            ).rstrip("/")
            for side in (sides.official, sides.oxide)
        ]
        assert urls[0] == urls[1]
        assert region in urls[0]


MANTLE = "https://bedrock-mantle.us-east-1.api.aws/openai/v1"
RUNTIME = "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1"

REFUSED: list[dict[str, Any]] = [
    {"api_key": "k"},
    {"api_key": "", "region": "us-east-1"},
    {"api_key": 7, "region": "us-east-1"},
    {"api_key": "k", "token_provider": str, "region": "us-east-1"},
    {"api_key": "k", "profile": "p", "region": "us-east-1"},
    {"profile": "p", "credential_provider": object, "region": "us-east-1"},
    {"profile": " ", "region": "us-east-1"},
    {"access_key_id": "a", "region": "us-east-1"},
    {"secret_access_key": "a", "region": "us-east-1"},
    {"session_token": "a", "region": "us-east-1"},
    {"access_key_id": " ", "secret_access_key": "b", "region": "us-east-1"},
    {**STATIC, "session_token": "", "region": "us-east-1"},
    {"region": "evil.example/"},
    {"region": ""},
    {"region": "us-east-1", "endpoint": "other"},
    {"region": "us-east-1", "base_url": ""},
    {"base_url": MANTLE, "endpoint": "runtime", "api_key": "k"},
    {"base_url": RUNTIME, "endpoint": "mantle", "api_key": "k"},
    {"base_url": RUNTIME, "region": "us-west-2", **STATIC},
    {"base_url": RUNTIME.replace("https", "http"), "api_key": "k"},
]


@pytest.mark.parametrize("options", REFUSED, ids=repr)
def test_bedrock_refuses(clients: Clients, sides: Sides, options: dict[str, Any]) -> None:
    for side in (sides.official, sides.oxide):
        with pytest.raises(side.module.OpenAIError) as caught:
            clients.make(side, "OpenAI", provider=provider(side, "bedrock", **options))
        assert "wJalr-secret" not in str(caught.value)


ACCEPTED: list[dict[str, Any]] = [
    {"base_url": MANTLE, "api_key": "k"},
    {"base_url": RUNTIME, "api_key": "k"},
    {"base_url": RUNTIME, "region": "us-east-1", **STATIC},
    {"base_url": RUNTIME + "/responses/x", "api_key": "k"},
    {"base_url": "https://proxy.example/a/", "token_provider": str},
    {"base_url": None, "region": " us-east-1 ", "api_key": "k"},
]


@pytest.mark.parametrize("options", ACCEPTED, ids=repr)
def test_bedrock_accepts(clients: Clients, sides: Sides, options: dict[str, Any]) -> None:
    urls = [
        str(clients.make(side, "OpenAI", provider=provider(side, "bedrock", **options)).base_url).rstrip("/")
        for side in (sides.official, sides.oxide)
    ]
    assert urls[0] == urls[1]


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": "k"},
        {"admin_api_key": "k"},
        {"base_url": "https://a.example"},
        {"workload_identity": {"type": "x509"}},
        {"data_residency": "eu"},
    ],
    ids=repr,
)
def test_providers_go_with_nothing_else(clients: Clients, sides: Sides, arguments: dict[str, Any]) -> None:
    for side in (sides.official, sides.oxide):
        told = provider(side, "bedrock", region="us-east-1", api_key="tok")
        with pytest.raises((side.module.OpenAIError, ValueError)):
            clients.make(side, "OpenAI", provider=told, **arguments)
        client = clients.make(side, "OpenAI", provider=told)
        with pytest.raises((side.module.OpenAIError, ValueError)):
            client.with_options(**arguments)


def test_copies_of_providers(clients: Clients, recorder: Recorder) -> None:
    def make(side: Side) -> Any:
        told = provider(side, "bedrock", base_url=recorder.url, api_key="tok")
        return clients.make(side, "OpenAI", provider=told, organization="o", default_headers={"x-own": "1"})

    def other(client: Any) -> Any:
        module = openai if isinstance(client, (openai.OpenAI, openai.AsyncOpenAI)) else oxide
        told = sys.modules[f"{module.__name__}.providers"].bedrock(base_url=recorder.url, api_key="other")
        return client.with_options(provider=told, default_headers={"x-new": "2"}).responses.create(model="m")

    clients.same(
        make, lambda client: client.with_options(timeout=3, default_headers={"a": "b"}).responses.create(model="m")
    )
    clients.same(make, other)
    clients.same(
        make,
        lambda client: client.with_options(
            provider=None, api_key="sk", max_retries=0, base_url=recorder.url
        ).models.list(),
    )


def test_no_provider(sides: Sides) -> None:
    for module in (openai, oxide):
        with pytest.raises(module.OpenAIError):
            module.OpenAI(provider=object())


def test_bedrock_owns_authorization(clients: Clients, recorder: Recorder, sides: Sides) -> None:
    for side in sides.all:
        told = provider(side, "bedrock", base_url=recorder.url, api_key="tok")
        client = clients.make(side, "OpenAI", provider=told)
        for call in (
            lambda client: client.models.list(extra_headers={"authorization": "Bearer mine"}),
            lambda client: client.get("http://127.0.0.1:1/elsewhere", cast_to=object),
        ):
            outcome = side.call(call, client)
            assert isinstance(outcome.error, side.module.OpenAIError)
            assert not isinstance(outcome.error, side.module.APIError)
            assert not outcome.sent


@pytest.mark.parametrize("value", ["", " ", None, 3])
@pytest.mark.parametrize("name", ["bedrock", "vertex"])
def test_functions_that_give_no_token(
    clients: Clients, sides: Sides, recorder: Recorder, name: str, value: Any
) -> None:
    for side in sides.all:
        told = provider(side, name, base_url=recorder.url, token_provider=lambda: value)
        outcome = side.call(models, clients.make(side, "OpenAI", provider=told))
        assert isinstance(outcome.error, side.module.OpenAIError)
        assert not outcome.sent


@pytest.mark.parametrize("name", ["bedrock", "vertex"])
def test_functions_that_fail_or_wait(clients: Clients, sides: Sides, recorder: Recorder, name: str) -> None:
    def fail() -> str:
        raise RuntimeError("private-key")

    async def give() -> str:
        return "tok"

    for side in sides.all:
        client = clients.make(side, "OpenAI", provider=provider(side, name, base_url=recorder.url, token_provider=fail))
        outcome = side.call(models, client)
        assert isinstance(outcome.error, side.module.OpenAIError)
        assert "private-key" not in str(outcome.error)
        assert name == "bedrock" or outcome.error.__cause__ is None
        client = clients.make(side, "OpenAI", provider=provider(side, name, base_url=recorder.url, token_provider=give))
        outcome = side.call(models, client)
        if side.asynchronous:
            assert outcome.sent[0].headers["authorization"] == "Bearer tok"
        else:
            assert isinstance(outcome.error, side.module.OpenAIError)
            assert "AsyncOpenAI" in str(outcome.error)


# --- signatures -------------------------------------------------------------------------------------------------------


def assert_signed(sent: Sent, url: str, service: str, keys: dict[str, Any] = STATIC) -> None:
    """The request's signature is what botocore makes of the fields that it names."""
    kind, _, rest = sent.headers["authorization"].partition(" ")
    assert kind == "AWS4-HMAC-SHA256"
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert parts["Credential"].endswith(f"/us-east-1/{service}/aws4_request")
    names = parts["SignedHeaders"].split(";")
    assert {"host", "x-amz-date", "x-amz-content-sha256", "content-type"} <= set(names) | {"content-type"}
    assert sent.headers["x-amz-security-token"] == keys["session_token"]
    request = AWSRequest(sent.method, url + sent.target, {name: sent.headers[name] for name in names}, sent.body)
    request.context["timestamp"] = sent.headers["x-amz-date"]
    auth = SigV4Auth(Credentials(*keys.values()), service, "us-east-1")
    text = auth.string_to_sign(request, auth.canonical_request(request))
    assert auth.signature(text, request) == parts["Signature"]


@pytest.mark.parametrize("endpoint", ["mantle", "runtime"])
@pytest.mark.parametrize("how", ["static", "function"])
def test_bedrock_signs(clients: Clients, recorder: Recorder, endpoint: str, how: str) -> None:
    options: dict[str, Any] = (
        STATIC if how == "static" else {"credential_provider": lambda: Credentials(*STATIC.values())}
    )

    def make(side: Side) -> Any:
        told = provider(side, "bedrock", base_url=recorder.url, region="us-east-1", endpoint=endpoint, **options)
        return clients.make(side, "OpenAI", provider=told, organization="o")

    for call in (create, models, lambda client: client.responses.retrieve("a b/c", extra_query={"q": "ä b"})):
        outcomes = []
        for pair in clients.sides.pairs:
            outcomes += [side.call(call, make(side), busy()) for side in pair]
        for outcome in outcomes:
            assert outcome.error is None, outcome
            assert len(outcome.sent) == 2
            for sent in outcome.sent:
                assert_signed(sent, recorder.url, "bedrock" if endpoint == "runtime" else "bedrock-mantle")
        assert len({(sent.method, sent.target, sent.body) for outcome in outcomes for sent in outcome.sent}) == 1


def test_the_same_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the same time, for the same request, the official SDK's."""

    class Frozen(datetime.datetime):
        @classmethod
        def utcnow(cls) -> Any:
            return cls(2026, 1, 2, 3, 4, 5)

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(2026, 1, 2, 3, 4, 5, tzinfo=tz)

    if hasattr(botocore.auth, "get_current_datetime"):
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: Frozen.utcnow())
    else:
        monkeypatch.setattr(botocore.auth.datetime, "datetime", Frozen)
    from oxide.core.http import HeadBlock, Request
    from oxide.core.url import URL
    from oxide.providers._aws import Signer

    auth = openai.lib._bedrock_auth
    for url, method, body in (
        (MANTLE + "/responses", "POST", b'{"a":1}'),
        (RUNTIME + "/responses/r%201?a=b%20c&a=1&b", "GET", b""),
    ):
        pairs = (
            (b"Content-Type", b"application/json"),
            (b"X-Own", b" a  b"),
            (b"User-Agent", b"x"),
            (b"X-Amz-Date", b"no"),
        )
        request = Request(method, URL(url), HeadBlock(pairs), body)
        config = auth.BedrockAwsAuthConfig(region="us-east-1", source="static", service="bedrock", **STATIC)
        theirs = auth.BedrockAwsAuth(config).sign(
            method=method, url=url, headers=dict(request.headers.multi_items()), body=body
        )
        signed = Signer("bedrock", "us-east-1", None, tuple(STATIC.values()), None).sign(request)
        assert dict(signed.headers.multi_items()) == {name.lower(): value.strip() for name, value in theirs.items()}
        assert signed.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/")


def test_bedrock_credentials_from_a_profile(clients: Clients, recorder: Recorder, tmp_path: Any) -> None:
    (tmp_path / "config").write_text("[profile one]\nregion = us-east-1\n")
    (tmp_path / "credentials").write_text(
        "[one]\naws_access_key_id=AKIDEXAMPLE\naws_secret_access_key=wJalr-secret\naws_session_token=session\n"
    )
    for side in clients.sides.all:
        for make in (
            lambda side: clients.make(
                side, "OpenAI", provider=provider(side, "bedrock", profile="one", base_url=recorder.url)
            ),
            lambda side: clients.make(side, "BedrockOpenAI", aws_profile="one", base_url=recorder.url),
        ):
            client = make(side)
            outcome = side.call(create, client)
            assert outcome.error is None, outcome
            assert_signed(outcome.sent[0], recorder.url, "bedrock-mantle")
        assert client.aws_region == "us-east-1"
        with pytest.raises(side.module.OpenAIError):
            clients.make(side, "OpenAI", provider=provider(side, "bedrock", profile="no such"))


def test_bedrock_without_credentials(clients: Clients, recorder: Recorder) -> None:
    for side in clients.sides.all:
        told = provider(side, "bedrock", base_url=recorder.url, region="us-east-1")
        outcome = side.call(create, clients.make(side, "OpenAI", provider=told))
        assert isinstance(outcome.error, side.module.OpenAIError)
        assert not outcome.sent


def test_what_signatures_do_not_go_with(clients: Clients, recorder: Recorder, tmp_path: Any) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(b"x" * 10)
    with Recorder() as other:
        for side in clients.sides.all:
            told = provider(side, "bedrock", base_url=recorder.url, region="us-east-1", **STATIC)
            client = clients.make(side, "OpenAI", provider=told)
            # A signature is for one address: the redirect is the answer.
            outcome = side.call(models, client, (Answer(307, location=other.url + "/x"),))
            assert isinstance(outcome.error, side.module.APIStatusError)
            assert outcome.error.status_code == 307
            for call in (
                lambda client: client.get("/models", cast_to=object, options={"follow_redirects": True}),
                lambda client: client.files.create(file=path, purpose="batch"),
            ):
                outcome = side.call(call, client)
                assert isinstance(outcome.error, side.module.OpenAIError), outcome
                assert not outcome.sent
        assert not other.sent


@pytest.mark.parametrize("name", ["botocore", "google.auth"])
def test_what_is_not_installed(clients: Clients, sides: Sides, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for module in [module for module in sys.modules if module == name or module.startswith(name + ".")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    if name == "botocore":
        told = oxide.providers.bedrock(region="us-east-1", **STATIC)
    else:
        told = oxide.providers.vertex(base_url="https://a.example")
    client = clients.make(sides.oxide, "OpenAI", provider=told)
    with pytest.raises(oxide.OpenAIError, match="pip install 'openai-oxide"):
        client.models.list()


# --- the client from before -------------------------------------------------------------------------------------------


OLD: dict[str, dict[str, Any]] = {
    "key": {"api_key": "tok"},
    "function": {"bedrock_token_provider": lambda: "tok"},
    "key and region": {"api_key": "tok", "aws_region": "us-west-2"},
}


@pytest.mark.parametrize("original", OLD.values(), ids=OLD)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"api_key": "new"},
        {"bedrock_token_provider": lambda: "new"},
        {"aws_region": "eu-west-1"},
        {"timeout": 3, "max_retries": 0, "default_headers": {"x-own": "1"}, "organization": "o"},
        {"api_key": "new", "bedrock_token_provider": str},
        {"api_key": str},
        {"api_key": "new", "aws_profile": "p"},
        {"admin_api_key": "k"},
        {"data_residency": "eu"},
    ],
    ids=lambda value: "-".join(value) or "nothing",
)
def test_copies_of_bedrock_clients(
    clients: Clients, recorder: Recorder, original: dict[str, Any], changes: dict[str, Any]
) -> None:
    regions: list[Any] = []

    def call(client: Any) -> Any:
        copy = client.with_options(**changes)
        regions.append(copy.aws_region)
        return copy.responses.create(model="m")

    clients.same(lambda side: clients.make(side, "BedrockOpenAI", base_url=recorder.url, **original), call)
    assert len(set(regions)) <= 1


def test_settings_of_bedrock_clients(
    clients: Clients, sides: Sides, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    found = []
    for side in (sides.official, sides.oxide):
        client = clients.make(side, "BedrockOpenAI", api_key="tok")
        urls = [str(client.base_url).rstrip("/")]
        client.aws_region = "eu-west-1"
        client.with_options()
        urls.append(str(client.copy().base_url).rstrip("/"))
        client.base_url = recorder.url
        client.api_key = "changed"
        outcome = side.call(create, client)
        found.append(
            (urls, client.aws_region, client.api_key, outcome.sent[0].headers["authorization"], outcome.sent[0].target)
        )
    assert found[0] == found[1]
    with pytest.raises(oxide.OpenAIError):
        clients.make(sides.oxide, "BedrockOpenAI", api_key=lambda: "k")
    assert "tok" not in repr(clients.make(sides.oxide, "BedrockOpenAI", api_key="tok").config)


def test_bedrock_module_client(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    openai._reset_client()
    sent = []
    for module in (openai, oxide):
        for name, value in {
            "api_type": "amazon-bedrock",
            "base_url": recorder.url,
            "bedrock_token_provider": lambda: "tok",
        }.items():
            monkeypatch.setattr(module, name, value)
        module.responses.create(model="m", input="x")
        sent.append(recorder.take()[0])
        module.models._client.close()
    openai._reset_client()
    assert sent[0].target == sent[1].target
    assert sent[0].headers["authorization"] == sent[1].headers["authorization"] == "Bearer tok"


# --- Vertex -----------------------------------------------------------------------------------------------------------


def test_vertex_token(clients: Clients, recorder: Recorder) -> None:
    def make(side: Side) -> Any:
        return clients.make(
            side,
            "OpenAI",
            provider=provider(side, "vertex", base_url=recorder.url + "/v1", token_provider=lambda: "tok"),
        )

    for _, mine in clients.same(make, create, busy):
        assert [sent.headers["authorization"] for sent in mine.sent] == ["Bearer tok"] * 2


class Google:
    """Credentials as google-auth's are, which count how often they are refreshed."""

    def __new__(cls) -> Any:
        from google.auth.credentials import Credentials

        class Counting(Credentials):
            refreshed = 0

            def refresh(self, request: Any) -> None:
                self.refreshed += 1
                self.token = f"google-{self.refreshed}"

        return Counting()


def test_vertex_credentials(clients: Clients, recorder: Recorder) -> None:
    for side in clients.sides.all:
        credentials = Google()
        told = provider(side, "vertex", base_url=recorder.url, credentials=credentials)
        client = clients.make(side, "OpenAI", provider=told)
        for _ in range(2):
            outcome = side.call(create, client, busy())
            assert [sent.headers["authorization"] for sent in outcome.sent] == ["Bearer google-1"] * 2, outcome
        assert credentials.refreshed == 1
        for arguments in ({"organization": "o"}, {"default_headers": {"api-key": "k"}}):
            outcome = side.call(models, clients.make(side, "OpenAI", provider=told, **arguments))
            assert isinstance(outcome.error, side.module.OpenAIError)
            assert not outcome.sent


VERTEX: list[dict[str, Any]] = [
    {"project": "p-1", "location": "us-central1"},
    {"project": "example.com:p", "location": "global"},
    {"project": "../p", "location": "global"},
    {"project": "p", "location": "evil.example/"},
    {"project": "p"},
    {"location": "global"},
    {},
    {"base_url": "https://a.example/x?y=1"},
    {"base_url": "https://user:pass@a.example/x"},
    {"base_url": "ftp://a.example/x"},
    {"base_url": "http://aiplatform.googleapis.com/x"},
    {"base_url": "https://a.example/x", "token_provider": str, "credentials": object()},
]


@pytest.mark.parametrize(
    "options", VERTEX, ids=lambda value: repr(sorted(value.items(), key=str))[:60].partition(" at ")[0]
)
@pytest.mark.parametrize(
    "environment", [{}, {"GOOGLE_CLOUD_PROJECT": "env", "GOOGLE_CLOUD_LOCATION": "eu"}], ids=["", "env"]
)
def test_vertex_addresses(
    clients: Clients,
    sides: Sides,
    options: dict[str, Any],
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = []
    for side in (sides.official, sides.oxide):
        try:
            found.append(
                str(clients.make(side, "OpenAI", provider=provider(side, "vertex", **options)).base_url).rstrip("/")
            )
        except side.module.OpenAIError:
            found.append("refused")
    assert found[0] == found[1]


def test_platforms_are_not_shown(clients: Clients, sides: Sides, recorder: Recorder) -> None:
    told = oxide.providers.bedrock(base_url=recorder.url, region="us-east-1", **STATIC)
    client = clients.make(sides.oxide, "OpenAI", provider=told)
    recorder.answers.append(Answer(404))
    with pytest.raises(oxide.NotFoundError) as caught:
        client.models.list()
    shown = repr([told, client, client.config, client.config.credentials, caught.value, caught.value.request.headers])
    assert "wJalr-secret" not in shown
    assert "Signature" not in shown
