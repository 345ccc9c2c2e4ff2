"""`AzureOpenAI` beside the official one: paths, queries, credentials, copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest

import oxide

from .recorder import Answer, Recorder
from .sides import Outcome, Side, Sides, assert_same_requests

# Some of the methods are deprecated, which both say.
pytestmark = [pytest.mark.exhaustive, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

NAMES = ("OPENAI_API_VERSION", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


class Azure:
    """Both SDKs' clients for Azure, both ways."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.made: list[tuple[Side, Any]] = []

    def make(self, side: Side, arguments: dict[str, Any]) -> Any:
        arguments = {"api_version": "2025-01-01", "api_key": "az-key", **arguments}
        if "base_url" not in arguments:
            arguments.setdefault("azure_endpoint", self.sides.recorder.url)
        arguments = {name: value for name, value in arguments.items() if value is not None}
        if side.module is openai:
            arguments.setdefault("http_client", side.http)
        for name, value in arguments.items():
            if isinstance(value, Function):
                arguments[name] = value.for_side(side)
        client = (side.module.AsyncAzureOpenAI if side.asynchronous else side.module.AzureOpenAI)(**arguments)
        self.made.append((side, client))
        return client

    def outcomes(
        self, call: Callable[[Any], Any], answers: Callable[[], tuple[Answer, ...]] = tuple, **arguments: Any
    ) -> list[tuple[Outcome, Outcome]]:
        """What a call came to on both SDKs, both ways; a refused argument is an outcome."""
        pairs = []
        for pair in self.sides.pairs:
            results = []
            for side in pair:
                try:
                    client = self.make(side, arguments)
                except Exception as error:  # noqa: BLE001 - compared
                    results.append(Outcome([], None, error))
                else:
                    results.append(side.call(call, client, answers()))
            assert_same_requests(*results)
            pairs.append((results[0], results[1]))
        return pairs

    def close(self) -> None:
        for side, client in self.made:
            if side.is_oxide:
                side.wait(client.close())


class Function:
    """A function that gives these values in turn, the last one for ever; a coroutine function for asynchronous clients."""

    def __init__(self, *values: Any) -> None:
        self.values = values

    def __repr__(self) -> str:
        return f"Function{self.values}"

    def for_side(self, side: Side) -> Callable[[], Any]:
        values = list(self.values)

        def give() -> Any:
            return values.pop(0) if len(values) > 1 else values[0]

        async def give_later() -> Any:
            return give()

        return give_later if side.asynchronous else give


@pytest.fixture
def azure(sides: Sides) -> Iterator[Azure]:
    azure = Azure(sides)
    yield azure
    azure.close()


FILE = ("a.wav", b"RIFF", "audio/wav")

# Every method that Azure has an address of its own for, and some of those it has not.
CALLS: dict[str, Callable[[Any], Any]] = {
    "completions": lambda client: client.completions.create(model="m", prompt="x"),
    "chat": lambda client: client.chat.completions.create(model="gpt 4/o%", messages=[]),
    "chat stream": lambda client: client.chat.completions.create(model="m", messages=[], stream=True),
    "chat parse": lambda client: client.chat.completions.parse(model="m", messages=[]),
    "chat list": lambda client: client.chat.completions.list(model="m"),
    "embeddings": lambda client: client.embeddings.create(model="m", input="x", encoding_format="float"),
    "transcriptions": lambda client: client.audio.transcriptions.create(model="m", file=FILE),
    "translations": lambda client: client.audio.translations.create(model="m", file=FILE),
    "speech": lambda client: client.audio.speech.create(model="m", input="x", voice="alloy"),
    "images": lambda client: client.images.generate(model="m", prompt="x"),
    "images without": lambda client: client.images.generate(prompt="x"),
    "edits": lambda client: client.images.edit(model="m", image=FILE, prompt="x"),
    "variations": lambda client: client.images.create_variation(model="m", image=FILE),
    "responses": lambda client: client.responses.create(model="m", input="x"),
    "retrieve": lambda client: client.responses.retrieve("r 1"),
    "models": lambda client: client.models.list(),
    "files": lambda client: client.files.create(file=FILE, purpose="batch"),
    "assistants": lambda client: client.beta.assistants.create(model="m"),
    "extra body": lambda client: client.images.generate(prompt="x", extra_body={"model": "m"}),
    "extra query": lambda client: client.models.list(extra_query={"api-version": "mine", "a": 1}),
    "post": lambda client: client.post("/chat/completions", cast_to=object, body={"model": "m"}),
    "post relative": lambda client: client.post("chat/completions", cast_to=object, body={"model": "m"}),
    "get": lambda client: client.get("/whatever?a=1", cast_to=object),
    "admin": lambda client: client.admin.organization.users.list(),
}

CLIENTS: dict[str, dict[str, Any]] = {
    "endpoint": {},
    "deployment": {"azure_deployment": "dep 1"},
    "slash": {"azure_endpoint": "/sub/", "azure_deployment": "dep"},
    "base_url": {"base_url": "/openai/v1"},
    "base_url with deployment": {"base_url": "/openai/deployments/dep"},
    "query": {"default_query": {"a": 1, "api-version": "mine"}, "organization": "o", "project": "p"},
}


@pytest.mark.parametrize("arguments", CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_requests(azure: Azure, recorder: Recorder, call: Callable[[Any], Any], arguments: dict[str, Any]) -> None:
    arguments = {
        name: recorder.url + value if name in ("azure_endpoint", "base_url") else value
        for name, value in arguments.items()
    }
    for _, mine in azure.outcomes(call, **arguments):
        assert mine.sent[0].headers["api-key"] == "az-key"
        assert "authorization" not in mine.sent[0].headers


CREDENTIALS: dict[str, dict[str, Any]] = {
    "key": {},
    "token": {"api_key": None, "azure_ad_token": "tok"},
    "key function": {"api_key": Function("k1", "k2", "k3")},
    "token function": {"api_key": None, "azure_ad_token_provider": Function("t1", "t2", "t3")},
    "headers": {"default_headers": {"Authorization": "Basic x", "API-Key": "mine"}},
    "token and headers": {
        "api_key": None,
        "azure_ad_token": "tok",
        "default_headers": {"authorization": "Basic x", "api-key": "mine"},
    },
    "function and headers": {
        "api_key": None,
        "azure_ad_token_provider": Function("t1"),
        "default_headers": {"authorization": "Basic x"},
    },
    "only headers": {"api_key": None, "_enforce_credentials": False, "default_headers": {"authorization": "Basic x"}},
    "admin key": {"admin_api_key": "admin"},
}


@pytest.mark.parametrize("arguments", CREDENTIALS.values(), ids=CREDENTIALS)
def test_credentials(azure: Azure, arguments: dict[str, Any]) -> None:
    """Retried requests too: a function is asked before each."""

    def busy() -> tuple[Answer, ...]:
        return (Answer(503, retry_after_ms="1"), Answer(429, retry_after_ms="1"))

    outcomes = azure.outcomes(lambda client: client.chat.completions.create(model="m", messages=[]), busy, **arguments)
    for _, mine in outcomes:
        assert len(mine.sent) == 3
    for extra in ({"api-key": "call"}, {"AUTHORIZATION": "Bearer call"}, {"api-key": oxide.omit}):

        def call(client: Any, extra: dict[str, Any] = extra) -> Any:
            ours = isinstance(client, oxide.lib.azure.BaseAzureClient)
            return client.models.list(
                extra_headers={
                    name: value if ours or isinstance(value, str) else openai.omit for name, value in extra.items()
                }
            )

        azure.outcomes(call, **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": None},
        {"api_key": None, "_enforce_credentials": False},
        {"azure_ad_token": "t"},
        {"azure_ad_token_provider": Function("t")},
        {"api_key": None, "azure_ad_token": "t", "azure_ad_token_provider": Function("t")},
        {"api_version": None},
        {"azure_endpoint": None, "base_url": None},
        {"azure_endpoint": "http://127.0.0.1:1", "base_url": "http://127.0.0.1:1"},
        {"workload_identity": {"type": "x509"}},
        {"data_residency": "eu"},
        {"no_such_argument": 1},
    ],
    ids=repr,
)
def test_refused(sides: Sides, arguments: dict[str, Any]) -> None:
    arguments = {
        "api_version": "v",
        "api_key": "k",
        "azure_endpoint": "http://127.0.0.1:1",
        **{
            name: value.for_side(sides.official) if isinstance(value, Function) else value
            for name, value in arguments.items()
        },
    }
    for module in (openai, oxide):
        with pytest.raises((module.OpenAIError, ValueError, TypeError)) as caught:
            module.AzureOpenAI(**arguments).models.list()
        assert not isinstance(caught.value, module.APIError)


@pytest.mark.parametrize("value", ["", None, 7])
@pytest.mark.parametrize("name", ["azure_ad_token_provider", "api_key"])
def test_functions_that_give_nothing(azure: Azure, sides: Sides, name: str, value: Any) -> None:
    for side in sides.all:
        arguments = {"api_key": None, name: Function(value)}
        outcome = side.call(lambda client: client.models.list(), azure.make(side, arguments))
        assert isinstance(outcome.error, (TypeError, ValueError)), outcome
        assert not outcome.sent


def test_an_asynchronous_function_for_the_synchronous_client(recorder: Recorder) -> None:
    async def provider() -> str:
        return "t"

    client = oxide.AzureOpenAI(
        api_version="v",
        azure_endpoint=recorder.url,
        azure_ad_token_provider=provider,  # type: ignore[arg-type]
    )
    with client, pytest.raises(ValueError, match="AsyncOpenAI"):
        client.models.list()


ENVIRONMENTS = [
    {},
    {"AZURE_OPENAI_API_KEY": "env"},
    {"AZURE_OPENAI_API_KEY": "env", "AZURE_OPENAI_AD_TOKEN": "tok"},
    {"AZURE_OPENAI_AD_TOKEN": "tok", "OPENAI_API_VERSION": "env"},
    {"OPENAI_API_KEY": "sk-openai", "AZURE_OPENAI_API_KEY": "env", "OPENAI_ORG_ID": "o"},
    {"OPENAI_API_KEY": "sk-openai"},
]


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=repr)
@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": None, "api_version": None, "azure_endpoint": None},
        {"api_key": None},
        {"api_key": None, "azure_ad_token": "mine"},
        {"api_key": "mine"},
        {"api_key": None, "azure_ad_token_provider": Function("mine")},
    ],
    ids=repr,
)
def test_environment(
    azure: Azure, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], arguments: Any
) -> None:
    for name, value in {"AZURE_OPENAI_ENDPOINT": recorder.url, **environment}.items():
        monkeypatch.setenv(name, value)
    azure.outcomes(lambda client: client.models.list(), **arguments)


COPIES: list[dict[str, Any]] = [
    {},
    {"api_version": "v2"},
    {"api_key": "k2"},
    {"azure_ad_token": "t2"},
    {"azure_ad_token_provider": Function("t3")},
    {"azure_ad_token": "t2", "api_key": "k2"},
    {"default_query": {"b": 2}},
    {"set_default_query": {"b": 2}},
    {"default_headers": {"x-own": "1"}, "max_retries": 0, "timeout": 3},
    {"base_url": "/other"},
    {"organization": "o2", "project": "p2"},
    {"data_residency": "eu"},
]


@pytest.mark.parametrize(
    "original", [{}, {"api_key": None, "azure_ad_token": "t1"}, {"azure_deployment": "dep"}], ids=repr
)
@pytest.mark.parametrize("changes", COPIES, ids=repr)
def test_copies(
    azure: Azure, sides: Sides, recorder: Recorder, changes: dict[str, Any], original: dict[str, Any]
) -> None:
    for pair in sides.pairs:
        by_name = {"chat/completions": {"model": "m", "messages": []}, "models": None}
        for path, body in by_name.items():
            outcomes = []
            for side in pair:
                client = azure.make(side, original)
                given = {
                    name: value.for_side(side) if isinstance(value, Function) else value
                    for name, value in changes.items()
                }
                if "base_url" in given:
                    given["base_url"] = recorder.url + given["base_url"]

                def call(client: Any, given: dict[str, Any] = given, path: str = path, body: Any = body) -> Any:
                    copy = client.with_options(**given)
                    if body is None:
                        return copy.get(f"/{path}", cast_to=object)
                    return copy.post(f"/{path}", cast_to=object, body=body)

                outcomes.append(side.call(call, client))
            assert_same_requests(*outcomes)


def test_redirects_take_no_credentials_elsewhere(azure: Azure, sides: Sides) -> None:
    for arguments in ({}, {"api_key": None, "azure_ad_token": "tok"}):
        with Recorder() as other:

            def away(url: str = other.url) -> tuple[Answer, ...]:
                return (Answer(307, location=url + "/elsewhere"),)

            azure.outcomes(lambda client: client.models.list(), away, **arguments)
            assert len(other.sent) == 4
            for sent in other.sent:
                assert not {"authorization", "api-key"} & set(sent.headers)


def test_configuration(recorder: Recorder) -> None:
    config = oxide.AzureConfig(
        azure_endpoint=recorder.url, azure_deployment="dep", api_version="v", azure_ad_token="az-secret"
    )
    assert "az-secret" not in repr(config)
    with oxide.OpenAI.azure(config) as client:
        assert isinstance(client, oxide.AzureOpenAI)
        assert client.config == config
        client.chat.completions.create(model="m", messages=[])
    assert recorder.take()[-1].target == "/openai/deployments/dep/chat/completions?api-version=v"
    with pytest.raises(oxide.OpenAIError, match="AzureConfig"):
        oxide.AzureOpenAI.with_config(oxide.ClientConfig(api_key="k"))


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        ({}, "wss://e.example/openai/realtime?api-version=v&a=1&deployment=m"),
        ({"azure_deployment": "dep"}, "wss://e.example/openai/realtime?api-version=v&a=1&deployment=dep"),
        (
            {"websocket_base_url": "wss://w.example/x?y=1"},
            "wss://w.example/x/realtime?y=1&api-version=v&a=1&deployment=m",
        ),
    ],
)
def test_realtime(arguments: dict[str, Any], url: str) -> None:
    given: dict[str, Any] = {"api_key": "k", "api_version": "v", "azure_endpoint": "https://e.example", **arguments}
    with openai.AzureOpenAI(**given) as official, oxide.AzureOpenAI(**given) as ours:
        theirs = official._configure_realtime("m", {"a": 1})[0]
        mine = ours._builder.realtime_url("m", {"a": 1})
        assert str(mine) == url
        assert (theirs.scheme, theirs.host, theirs.path) == (mine.scheme, mine.host, mine.path)
        assert sorted(theirs.params.multi_items()) == sorted(httpx2.URL(url).params.multi_items())


def test_options_of_every_client(recorder: Recorder) -> None:
    """What oxide's clients take beyond the official ones', Azure's and Bedrock's do, too."""
    common = {"strict": True, "timeout": 3, "max_retries": 1, "http2": True}
    for client in (
        oxide.AzureOpenAI(azure_endpoint=recorder.url, api_version="v", api_key="k", **common),
        oxide.BedrockOpenAI(base_url=recorder.url, api_key="k", **common),
        oxide.OpenAI(provider=oxide.providers.bedrock(base_url=recorder.url, api_key="k"), **common),
    ):
        config = client.copy(max_retries=0, strict=False).config
        assert client.config.common().items() >= {"strict": True}.items()
        assert client.config.max_retries == 1
        assert client.config.http2 is not None
        assert config.http2 == client.config.http2
        assert (config.strict, config.max_retries) == (False, 0)
        with pytest.raises(TypeError, match="no_such_thing"):
            client.copy(no_such_thing=1)
        client.close()
