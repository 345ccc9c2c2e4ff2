"""Every secret is a known text, everything is logged, every error is raised: the text is nowhere in what was written."""

from __future__ import annotations

import base64
import contextlib
import copy
import gc
import logging
import pickle
import re
import ssl
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import oxide
from oxide import otel
from oxide.auth import k8s_service_account_token_provider
from oxide.core.hooks import NAMES
from oxide.providers import bedrock, vertex
from oxide.types.realtime import ClientSecretCreateResponse

from ..client.h2_peer import H2Server, serving
from ..client.peer import Connection, Peer, chunked, reply
from ..client.tls import server_context
from ..ways import Blocking, Way
from .test_otel import Collected

pytestmark = pytest.mark.exhaustive

MARK = "S3cr3tXyzzy"
KEY = f"sk-{MARK}+a/b=key"
COOKIE = f"session={MARK}"
HEADERS = {
    "Authorization": f"Bearer {MARK}.header",
    "Cookie": COOKIE,
    "X-API-Key": f"{MARK}-x",
    "X-Vault-Token": f"{MARK}-vault",
    "Proxy-Authorization": "Basic " + base64.b64encode(f"user:{MARK}".encode()).decode(),
}
QUERY = {"api-key": f"{MARK}/q+", "token": f"{MARK} t", "limit": 3}
HI: dict[str, Any] = {"model": "gpt-5", "input": "Say hi"}
USER = f"user:{MARK}%40p"


def variants() -> list[str]:
    found = [MARK, quote(MARK)]
    for offset in range(3):
        # What of the text is the same in base64 wherever it begins.
        text = base64.b64encode(b"\0" * offset + MARK.encode()).decode().rstrip("=")
        found.append(text[-(-offset * 8 // 6) + (1 if offset else 0) : -1])
    return found


VARIANTS = variants()


class Written:
    """Gathers what is written of a run, and looks through it."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []
        self.handler = logging.Handler(level=1)
        self.handler.emit = self._emit  # type: ignore[method-assign]
        self.sdk = Collected(propagate=True)
        self.hooks = [
            oxide.Hooks(**{name: lambda event: self.note("event", event) for name in NAMES}),
            self.sdk.hooks,
        ]
        self.errors: list[BaseException] = []

    def _emit(self, record: logging.LogRecord) -> None:
        text = logging.Formatter("%(name)s %(message)s").format(record)
        self.texts.append(
            (f"log {record.name}", text + repr({name: value for name, value in vars(record).items() if name != "msg"}))
        )

    def note(self, what: str, *values: Any) -> None:
        for value in values:
            self.texts.append((f"{what} {type(value).__name__}", f"{value!r}"))

    def error(self, error: BaseException) -> None:
        """An exception, all that it refers to, and its pickle."""
        self.errors.append(error)
        self.texts += [
            ("traceback", "".join(traceback.format_exception(type(error), error, error.__traceback__))),
            ("traceback", "".join(traceback.TracebackException.from_exception(error).format())),
        ]
        links: list[BaseException | None] = [error]
        seen: set[int] = set()
        while links:
            link = links.pop()
            if link is None or id(link) in seen:
                continue
            seen.add(id(link))
            links += [link.__cause__, link.__context__]
            if type(link).__module__.startswith(("httpx", "httpcore")):
                # What the user's own client shows of its requests is its business; what it says is printed with ours.
                self.note(f"error {type(link).__name__}", link, str(link))
                continue
            self.note(f"error {type(link).__name__}", link, str(link), link.args, getattr(link, "__notes__", None))
            self.note(f"attributes of {type(link).__name__}", vars(link))
            for owner in (link, getattr(link, "response", None), getattr(link, "request", None)):
                for name in ("request", "response", "url", "headers", "body", "stream", "rate_limit"):
                    self.note(f"{type(link).__name__}'s {name}", getattr(owner, name, None))
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            self.texts.append((f"pickle of {type(error).__name__}", pickle.dumps(error, protocol).decode("latin-1")))

    def client(self, client: Any) -> None:
        """What is shown of a client, and its pickle."""
        inner = getattr(client, "_wrapped", client)
        config = inner.config
        self.note(
            "client",
            *(inner, str(inner), config, str(config), inner._transport, inner._builder, inner.stats()),
            *(inner.default_headers, inner.default_query, config.default_headers, config.default_query),
            *(inner.base_url, config.base_url, config.provider, config.credentials, config.workload_identity),
            *(inner.responses, inner.with_raw_response, inner.responses.with_raw_response),
        )
        for value in (inner, config):
            try:
                data = pickle.dumps(value)
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                self.note("refusal", error)
            else:
                self.texts.append(("pickle of a client", data.decode("latin-1")))

    def check(self) -> None:
        for span in self.sdk.spans:
            self.texts.append(("span", span.to_json()))
        leaks = [
            f"{what}: …{text[max(0, text.index(variant) - 150) : text.index(variant) + 60]}"
            for what, text in self.texts
            for variant in VARIANTS
            if variant in text
        ]
        assert not leaks, "\n".join(leaks[:12])


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Written]:
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    written = Written()
    root = logging.getLogger()
    level = root.level
    root.addHandler(written.handler)
    root.setLevel(1)
    others = [
        logging.getLogger(name)
        for name in ("oxide", "hpack", "hpack.hpack", "hpack.table", "botocore", "asyncio", "httpx", "httpcore")
    ]
    levels = [logger.level for logger in others]
    for logger in others:
        logger.setLevel(1)
    yield written
    root.removeHandler(written.handler)
    root.setLevel(level)
    for logger, before in zip(others, levels, strict=True):
        logger.setLevel(before)
    gc.collect()
    out, err = capfd.readouterr()
    written.texts += [("stdout", out), ("stderr", err)]
    written.check()


@contextlib.contextmanager
def raised(written: Written, *kinds: type[BaseException]) -> Iterator[None]:
    with pytest.raises(kinds or oxide.OpenAIError) as caught:
        yield
    written.error(caught.value)
    # pytest keeps it as long as the frame.
    caught.value.__traceback__ = None


def connect(way: Way, written: Written, base_url: str, **options: Any) -> Any:
    options.setdefault("api_key", KEY)
    options.setdefault("default_headers", {name: value for name, value in HEADERS.items() if name != "Authorization"})
    return way.client(
        **{
            "admin_api_key": KEY + "admin",
            "webhook_secret": "whsec_" + base64.b64encode(MARK.encode()).decode(),
            "base_url": base_url + f"?sig={MARK}",
            "default_query": QUERY,
            "max_retries": 1,
            "hooks": written.hooks,
            "timeout": oxide.Timeout(5, read=0.3, connect=0.5),
            **options,
        }
    )


STATUSES = (400, 401, 403, 404, 409, 418, 422, 429, 500, 503)
SET_COOKIE = f"Set-Cookie: {COOKIE}\r\nretry-after-ms: 1\r\nx-request-id: r1\r\n".encode()


def script(elsewhere: str) -> Any:
    def serve(connection: Connection) -> None:
        while (request := connection.receive()) is not None:
            name = request.target.partition("?")[0].rpartition("/")[2]
            if name.isdigit():
                status, message = int(name), b"no"
                connection.send(
                    reply(b'{"error": {"message": "%b", "code": "c"}}' % message, f"{status} X", SET_COOKIE)
                )
            elif name == "echo":
                # A server that repeats what it was sent, as some gateways do.
                body = f'{{"error": {{"message": "wrong key {request.headers["authorization"][7:]}"}}}}'
                connection.send(reply(body.encode(), "401 Unauthorized", SET_COOKIE))
            elif name == "redirect":
                location = f"Location: {elsewhere}/elsewhere?token={MARK}\r\n".encode()
                connection.send(reply(b"", "307 Temporary Redirect", location + SET_COOKIE))
            elif name == "nowhere":
                connection.send(reply(b"", "302 Found", f"Location: http://user:{MARK}@[::x/\r\n".encode()))
            elif name == "broken":
                return
            elif name == "half":
                connection.send(reply(b"{}" * 9, headers=SET_COOKIE)[:-5])
                return
            elif name == "garbage":
                connection.send(b"garbage\r\n\r\n")
                return
            elif name == "silent":
                connection.wait_closed()
                return
            elif name == "json":
                connection.send(reply(b"{", headers=SET_COOKIE))
            elif name == "html":
                connection.send(reply(b"<p>", content_type=b"text/html", headers=SET_COOKIE))
            elif name == "client_secrets":
                body = f'{{"value": "ek_{MARK}", "expires_at": 1, "session": {{"type": "realtime"}}'
                connection.send(
                    reply((body + ("}" if request.headers.get("x-whole") else "")).encode(), headers=SET_COOKIE)
                )
            elif name == "stream":
                connection.send(chunked(b'data: {"a": 1}\n\n', b'data: {"error": {"message": "no"}}\n\n'))
            elif name == "cut":
                connection.send(chunked(b'data: {"a": 1}\n\n', end=False))
                return
            elif name == "odd":
                connection.send(chunked(b"data: {\n\n"))
            elif name == "token":
                # It repeats the proof, too.
                body = f'{{"error": "invalid_grant", "error_description": "{MARK}-subject is not known"}}'
                connection.send(reply(body.encode(), "400 Bad Request"))
            else:
                connection.send(reply(headers=SET_COOKIE))

    return serve


def foreign(seen: list[Any]) -> Any:
    def serve(connection: Connection) -> None:
        while (request := connection.receive()) is not None:
            seen.append(request)
            connection.send(reply())

    return serve


async def test_http(way: Way, written: Written) -> None:
    seen: list[Any] = []
    with Peer(foreign(seen)) as other, Peer(script(other.origin.replace("127.0.0.1", "localhost"))) as peer:
        client = connect(way, written, peer.base_url)
        written.client(client)
        options = {"headers": {"X-Custom-Secret": MARK, **HEADERS}, "params": {"access_token": MARK, "sig": MARK}}
        for status in STATUSES:
            with raised(written, oxide.APIStatusError):
                await client.post(f"/{status}", cast_to=object, body={"password": MARK, "a": 1}, options=options)
        for name in ("echo", "broken", "half", "garbage", "silent", "json", "html", "nowhere"):
            with raised(written, oxide.APIError, oxide.TransportError):
                await client.post(f"/{name}", cast_to=object, body={}, options={"max_retries": 0})
        for name in ("stream", "cut", "odd"):
            with raised(written, oxide.APIError):
                async for _ in await client.post(f"/{name}", cast_to=object, body={}, stream=True):
                    pass
        await client.post("/redirect", cast_to=object, body={}, options=options)
        # The client's own secret reached where it is for, and nobody else.
        assert all(MARK in request.head.decode("latin-1") for request in peer.requests)
        (request,) = seen
        assert MARK not in request.head.partition(b"\r\n")[2].decode("latin-1")
        assert not re.search(r"(?im)^(authorization|cookie|x-)(?!stainless)", request.head.decode("latin-1"))
        # What the API gave is not shown either, only there.
        made = await client.realtime.client_secrets.create(extra_headers={"X-Whole": "yes"})
        made = getattr(made, "_wrapped", made)
        assert isinstance(made, ClientSecretCreateResponse)
        assert made.value == f"ek_{MARK}"
        written.note("client secret", made, str(made))
        with raised(written, oxide.APIResponseValidationError):
            await client.realtime.client_secrets.create()
        raw = await client.get("/raw", cast_to=object)
        written.note("result", raw)
        written.client(client)
    assert {error.status_code for error in written.errors if isinstance(error, oxide.APIStatusError)} == set(STATUSES)
    assert written.errors[0].request.headers["x-vault-token"] == f"{MARK}-vault"  # type: ignore[attr-defined]
    assert str(written.errors[0].request.url).count("S3cr3t") > 1  # type: ignore[attr-defined]


async def test_connections(way: Way, written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(script("http://localhost:1")) as peer, Peer(script(""), context=server_context("127.0.0.1")) as tls:
        for base_url in (
            "http://127.0.0.1:1/v1",
            peer.base_url.replace("http:", "https:"),
            tls.base_url,
            "http://does-not-exist.invalid/v1",
        ):
            with raised(written, oxide.APIConnectionError):
                await connect(way, written, base_url, max_retries=0).models.list()
        for scheme in ("http", "https", "socks5"):
            # There is no proxy of any of these kinds.
            for port in (peer.port, 1):
                url = f"{scheme}://{USER}@127.0.0.1:{port}"
                for target in ("http://api.example/v1", "https://api.example/v1"):
                    transport = way.transport(proxy=url)
                    written.note("transport", transport, oxide.Proxy(url))
                    with raised(written, oxide.APIError):
                        await connect(way, written, target, http_client=transport, max_retries=0).get(
                            "/407", cast_to=object
                        )
        monkeypatch.setenv("HTTPS_PROXY", f"http://{USER}@127.0.0.1:{peer.port}")
        with raised(written, oxide.APIConnectionError):
            await connect(way, written, "https://api.example/v1", max_retries=0).models.list()
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:{MARK}")
        with raised(written, ValueError):
            connect(way, written, "https://api.example/v1")
        monkeypatch.delenv("HTTPS_PROXY")
        certificate = tmp_path / "cert.pem"
        certificate.write_text("no certificate")
        for path in (certificate, tmp_path / "missing.pem"):
            transport = way.transport(cert=(str(path), str(path), MARK))
            written.note("transport", transport, transport._network, transport._network.__dict__)
            with raised(written, oxide.OpenAIError):
                await connect(way, written, tls.base_url, http_client=transport, max_retries=0).models.list()
        limited = way.transport(limits=oxide.Limits(max_connections=1))
        one = connect(way, written, peer.base_url, http_client=limited, timeout=oxide.Timeout(5, pool=0.05))
        stream = await one.post("/cut", cast_to=object, body={}, stream=True)
        with raised(written, oxide.APITimeoutError):
            await one.models.list()
        await stream.close()
        with raised(written, oxide.APITimeoutError):
            await connect(way, written, peer.base_url, timeout=oxide.Timeout(5, total=0.1), hedge=0.01).models.retrieve(
                "silent"
            )


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{MARK}@host/v1",
        f"https://user:{MARK}@host /v1",
        f"https://user:{MARK}",
        f"https://user:{MARK}@host:port/v1",
        f"user:{MARK}@host/v1",
        f"ftp://user:{MARK}@host/v1?key={MARK}",
        f"https://user:{MARK}@[::1/v1",
        f"https://host/v1?key={MARK}\n",
        f"https://user:{MARK}@/v1",
    ],
)
def test_urls_that_are_none(written: Written, url: str) -> None:
    with raised(written, ValueError):
        oxide.OpenAI(api_key=KEY, base_url=url)
    with raised(written, ValueError):
        oxide.OpenAI(api_key=KEY, websocket_base_url=url)
    with contextlib.suppress(ValueError), contextlib.ExitStack() as stack:
        stack.callback(oxide.HTTPTransport(proxy=url).close)
    try:
        oxide.Proxy(url)
    except ValueError as error:
        written.error(error)


@pytest.mark.parametrize("value", [MARK + "\n", MARK + "\udcff", MARK + "\x00"])
async def test_keys_that_can_not_be_sent(way: Way, written: Written, value: str) -> None:
    for options in ({"api_key": value}, {"default_headers": {"X-Token": value}}, {"api_key": lambda: value}):
        client = connect(way, written, "http://127.0.0.1:1/v1", **options)
        written.client(client)
        with raised(written, ValueError):
            await client.models.list()
    client = connect(way, written, "http://127.0.0.1:1/v1")
    with raised(written, ValueError):
        await client.models.list(extra_headers={"Authorization": value})


async def test_functions_that_give_keys(way: Way, written: Written) -> None:
    class Odd:
        def __repr__(self) -> str:
            return MARK

    def fail() -> str:
        raise RuntimeError("no vault")

    for function, kind in ((lambda: Odd(), oxide.OpenAIError), (lambda: "", oxide.OpenAIError), (fail, RuntimeError)):
        client = connect(way, written, "http://127.0.0.1:1/v1", api_key=function)
        written.client(client)
        with raised(written, kind):
            await client.models.list()


async def test_http2_and_other_packages_logs(way: Way, written: Written) -> None:
    def answer(server: H2Server, stream: int) -> None:
        server.h2.send_headers(
            stream, [(":status", "401"), ("set-cookie", COOKIE), ("content-type", "application/json")]
        )
        server.h2.send_data(stream, b"{}", end_stream=True)

    with Peer(serving(answer)) as peer:
        transport = way.transport(http2=oxide.HTTP2(prior_knowledge=True))
        client = connect(way, written, peer.base_url, http_client=transport)
        for _ in range(2):
            with raised(written, oxide.AuthenticationError):
                await client.models.list(extra_headers=HEADERS)
    assert any(what == "log hpack.hpack" for what, _ in written.texts)


async def test_clients_that_users_bring(way: Way, written: Written) -> None:
    import httpcore
    import httpx

    with Peer(script("http://localhost:1")) as peer:
        for make in (
            (httpx.Client, httpcore.ConnectionPool)
            if way.is_sync
            else (httpx.AsyncClient, httpcore.AsyncConnectionPool)
        ):
            client = connect(way, written, peer.base_url, http_client=make(), max_retries=0)
            with raised(written, oxide.AuthenticationError):
                await client.get("/401", cast_to=object, options={"headers": HEADERS})
            with raised(written, oxide.APIConnectionError):
                await client.get("/broken", cast_to=object)
    loggers = {what for what, _ in written.texts}
    assert {"log httpx", "log httpcore.http11"} <= loggers


async def test_azure_and_other_platforms(way: Way, written: Written) -> None:
    with Peer(script("")) as peer:
        kind = oxide.AzureOpenAI if way.is_sync else oxide.AsyncAzureOpenAI
        common: dict[str, Any] = {
            "azure_endpoint": peer.origin,
            "api_version": "v",
            "hooks": written.hooks,
            "max_retries": 0,
        }
        for secret in (
            {"api_key": KEY},
            {"azure_ad_token": MARK},
            {"azure_ad_token_provider": lambda: MARK},
        ):
            client = way.adopt(kind(**common, **secret))
            written.client(client)
            with raised(written, oxide.AuthenticationError):
                await client.get("/401", cast_to=object)
            assert MARK in peer.requests[-1].head.decode("latin-1")
        for provider in (
            bedrock(region="us-east-1", base_url=peer.base_url, api_key=MARK),
            bedrock(
                region="us-east-1",
                base_url=peer.base_url,
                access_key_id="AKIA",
                secret_access_key=MARK + "secret",
                session_token=MARK + "session",
            ),
            vertex(project="p", base_url=peer.base_url, token_provider=lambda: MARK),
        ):
            written.note("provider", provider)
            client = way.client(api_key=None, provider=provider, hooks=written.hooks, max_retries=0)
            written.client(client)
            with raised(written, oxide.OpenAIError):
                await client.post("/401", cast_to=object, body={})
            assert MARK in peer.requests[-1].head.decode("latin-1")
    assert any(what == "log botocore.auth" and "x-amz-security-token" in text for what, text in written.texts)


async def test_workload_identity(way: Way, written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from oxide.core import workload

    token = tmp_path / "token"
    token.write_text(f"{MARK}-subject")
    with Peer(script("")) as peer:
        monkeypatch.setattr(workload, "TOKEN_EXCHANGE_URL", peer.origin + "/oauth/token")
        for provider in (
            k8s_service_account_token_provider(token),
            {"token_type": "jwt", "get_token": lambda: f"{MARK}-subject"},
        ):
            identity = {"identity_provider_id": "i", "service_account_id": "s", "provider": provider}
            client = connect(way, written, peer.base_url, api_key=None, admin_api_key=None, workload_identity=identity)
            written.client(client)
            with raised(written, oxide.OAuthError):
                await client.models.list()
            assert MARK.encode() in peer.requests[-1].body


async def test_websockets(way: Way, written: Written) -> None:
    with Peer(script("http://localhost:1")) as peer:
        for base_url in (peer.base_url, "http://127.0.0.1:1/v1"):
            client = connect(way, written, base_url, max_retries=0)
            inner = getattr(client, "_wrapped", client)
            query = {"api-key": MARK, "extra": 1}
            for path in ("x", "401", "garbage", "broken", "redirect"):
                url = base_url.replace("http:", "ws:").replace("/v1", f"/{path}")
                other = inner.with_options(websocket_base_url=url)
                adopted = Blocking(other) if way.is_sync else other
                with raised(written, oxide.OpenAIError):
                    if way.is_sync:
                        with other.realtime.connect(model="m", extra_query=query, extra_headers=HEADERS):
                            pass
                    else:
                        async with adopted.realtime.connect(model="m", extra_query=query, extra_headers=HEADERS):
                            pass
                session = adopted.ws_session(model="m", extra_query=query, extra_headers=HEADERS)
                written.note("session", session)
                with raised(written, oxide.OpenAIError):
                    await session.create(input="x")
                await session.close()


def test_webhooks(written: Written) -> None:
    with oxide.OpenAI(api_key=KEY, webhook_secret="whsec_" + base64.b64encode(MARK.encode()).decode()) as client:
        headers = {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,x"}
        with raised(written, ValueError):
            client.webhooks.unwrap("{}", headers)
        with raised(written, ValueError):
            client.webhooks.verify_signature("{}", {**headers, "webhook-timestamp": "x"}, secret=MARK)
        with raised(written, ValueError):
            client.webhooks.verify_signature("{}", headers, secret=f"whsec_{MARK}!")


def test_pickles_of_parts(written: Written) -> None:
    parts: list[Any] = [
        oxide.Proxy(f"http://{USER}@proxy:1"),
        bedrock(region="us-east-1", api_key=MARK),
        oxide.URL(f"http://h/x?sig={MARK}&limit=1"),
        oxide.Headers([(b"X-Token", MARK.encode()), (b"X-Team", b"a")]),
        *(
            oxide.AzureConfig(azure_endpoint="https://x", api_version="1", **{name: MARK})
            for name in ("api_key", "azure_ad_token")
        ),
    ]
    with oxide.OpenAI(api_key=KEY, default_headers=HEADERS, default_query=QUERY) as client:
        head = client._builder.head(client._builder.endpoint("GET", "/x", None, {}), None)
        parts += [client.default_headers, client.default_query, client.config, head]
    for part in parts:
        assert copy.copy(part) == part
        assert copy.deepcopy(part) == part
        written.note("part", part)
        refusal = "oxide.pickle_secrets()"
        try:
            written.texts.append((f"pickle of {type(part).__name__}", pickle.dumps(part).decode("latin-1")))
        except pickle.PicklingError as error:
            refusal = str(error)
        assert "oxide.pickle_secrets()" in refusal
        with oxide.pickle_secrets():
            assert MARK.encode() in pickle.dumps(part)


def test_pickles_that_were_asked(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    with oxide.OpenAI(api_key=KEY, default_headers={"X-Token": MARK, "X-Team": "a"}, default_query=QUERY) as client:
        plain = pickle.dumps(client)
        with oxide.pickle_secrets():
            whole = pickle.dumps(client)
    with pickle.loads(whole) as again:
        assert again.api_key == KEY
        assert again.default_headers == {"X-Token": MARK, "X-Team": "a"}
    with pickle.loads(plain) as again:
        assert again.default_headers == {"X-Team": "a"}
        assert again.default_query == {"limit": 3}
        with pytest.raises(TypeError, match="stayed behind when it was pickled"):
            again.models.list()
    # A program of the same kind has them in its environment.
    monkeypatch.setenv("OPENAI_API_KEY", "theirs")
    with pickle.loads(plain) as again:
        assert again.api_key == "theirs"
    assert ssl.OPENSSL_VERSION
    assert otel.instrument


def test_what_is_looked_for() -> None:
    """The search finds the text in every form."""
    for text in (
        KEY,
        base64.b64encode(f"u:{MARK}".encode()).decode(),
        base64.b64encode(f"us:{MARK}".encode()).decode(),
        base64.b64encode(f"user:{MARK}:".encode()).decode(),
    ):
        assert any(variant in text for variant in VARIANTS), text
