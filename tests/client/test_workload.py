"""Workload identity: tokens are exchanged, kept, shared, replaced and refused as they should be, all three ways."""

from __future__ import annotations

import json
import logging
import pickle
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

import oxide
import oxide.core.workload
from oxide.auth import WorkloadIdentityAuth, k8s_service_account_token_provider, x509_workload_identity
from oxide.core.url import URL

from .peer import Connection, Event, Peer, deaf_port, reply
from .tls import authority, client_context, server_context

SUBJECT = "subject-token-secret"


class Tokens:
    """A token server and an API at one address; a script for `Peer`.

    Attributes:
        exchanges: the bodies of the exchanges.
        calls: the `Authorization` of the API's calls.
        refuse: how many calls of the API are answered with 401.
        answers: what exchanges get, in turn; after these, tokens `t1`, `t2` and so on.
        expires_in: the life of these.
        gate: if there is one, exchanges wait for it.
    """

    def __init__(self, **answer: Any) -> None:
        self.exchanges: list[Any] = []
        self.calls: list[str | None] = []
        self.refuse = 0
        self.answers: list[bytes] = []
        self.expires_in: Any = 3600
        self.gate: Event | None = None
        self.others = answer
        self._lock = threading.Lock()

    def __call__(self, connection: Connection) -> None:
        while (request := connection.receive()) is not None:
            if request.target != "/oauth/token":
                with self._lock:
                    self.calls.append(request.headers.get("authorization"))
                    refused, self.refuse = self.refuse > 0, max(0, self.refuse - 1)
                connection.send(reply(b"{}", "401 Unauthorized") if refused else reply())
                continue
            with self._lock:
                self.exchanges.append(json.loads(request.body))
                number = len(self.exchanges)
                answer = self.answers.pop(0) if self.answers else None
            if self.gate is not None:
                self.gate.wait()
            token = {"access_token": f"t{number}", "expires_in": self.expires_in, **self.others}
            connection.send(reply(json.dumps(token).encode()) if answer is None else answer)


def identity(**changes: Any) -> dict[str, Any]:
    return {
        "identity_provider_id": "idp",
        "service_account_id": "sa",
        "provider": {"token_type": "jwt", "get_token": lambda: SUBJECT},
        **changes,
    }


def connect(way: Any, peer: Peer, told: Any = None, **arguments: Any) -> Any:
    """A client with a workload identity, whose tokens come from the peer."""
    client = way.client(
        api_key=None, workload_identity=identity() if told is None else told, base_url=peer.base_url, **arguments
    )
    client.config.credentials.url = URL(peer.origin + "/oauth/token")
    return client


class Clock:
    """The time that tokens live by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(oxide.core.workload, "monotonic", lambda: self.now)


async def copy(way: Any, client: Any, **changes: Any) -> Any:
    """A copy; to be awaited where a synchronous client has the asynchronous interface."""
    copied = client.with_options(**changes)
    return await copied if way.is_sync else copied


async def call(client: Any) -> Any:
    return await client.get("/x", cast_to=object)


async def test_a_token_is_exchanged_once(way: Any) -> None:
    tokens = Tokens()
    with Peer(tokens) as peer:
        client = connect(way, peer)
        await client.models.list()
        await call(await copy(way, client, timeout=3, default_headers={"x-own": "1"}))
        client.max_retries = 7
        await call(client)
        assert tokens.calls == ["Bearer t1"] * 3
        assert tokens.exchanges == [
            {
                "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "subject_token": SUBJECT,
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "identity_provider_id": "idp",
                "service_account_id": "sa",
            }
        ]
        assert "authorization" not in peer.requests[0].headers


async def test_many_at_once_exchange_once(way: Any) -> None:
    tokens = Tokens()
    with Peer(tokens) as peer:
        client = connect(way, peer)
        await way.gather(*[lambda: call(client)] * 20)
        assert tokens.calls == ["Bearer t1"] * 20
        assert len(tokens.exchanges) == 1


async def test_many_at_once_fail_alike(way: Any) -> None:
    """Those who wait for an exchange have its error, rather than trying again one after the other."""
    tokens = Tokens()
    tokens.gate = Event()
    tokens.answers = [reply(b'{"error": "invalid_grant", "error_description": "who?"}', "400 Bad Request")]
    with Peer(tokens) as peer:
        client = connect(way, peer)
        errors = []

        async def one() -> None:
            try:
                await call(client)
            except oxide.OAuthError as error:
                errors.append((error.error, str(error), error.status_code))

        async def release() -> None:
            peer.wait_requests(1)
            # As soon as everybody had a chance to queue up, though it holds if some come later.
            assert tokens.gate is not None
            tokens.gate.set()

        if way.is_sync:
            await way.gather(*[one] * 5, release)
        else:
            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(one)
                await anyio.to_thread.run_sync(peer.wait_requests, 1)
                tokens.gate.set()
        assert errors.count(("invalid_grant", "who?", 400)) >= 1
        # Who was late has made the next exchange, which went well.
        assert len(errors) + len(tokens.calls) == 5
        assert len(tokens.exchanges) <= 2


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_one_who_exchanges_is_cancelled(backend: str) -> None:
    tokens = Tokens()
    tokens.gate = Event()

    async def main() -> None:
        async with oxide.AsyncOpenAI(api_key=None, workload_identity=identity(), base_url=peer.base_url) as client:  # type: ignore[arg-type]
            client.config.credentials.url = URL(peer.origin + "/oauth/token")  # type: ignore[union-attr]
            first = anyio.CancelScope()

            async def leader() -> None:
                with first:
                    await client.get("/leader", cast_to=object)

            async with anyio.create_task_group() as group:
                group.start_soon(leader)
                await anyio.to_thread.run_sync(peer.wait_requests, 1)
                for _ in range(3):
                    group.start_soon(lambda: client.get("/x", cast_to=object))
                await anyio.wait_all_tasks_blocked()
                first.cancel()
                await anyio.to_thread.run_sync(peer.wait_requests, 2)
                assert tokens.gate is not None
                tokens.gate.set()

    with Peer(tokens) as peer:
        anyio.run(main, backend=backend)
        assert len(tokens.exchanges) == 2
        assert tokens.calls == ["Bearer t2"] * 3


async def test_tokens_are_replaced_before_they_end(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, tokens = Clock(monkeypatch), Tokens()
    with Peer(tokens) as peer:
        client = connect(way, peer)
        for now, token in ((0, "t1"), (2399, "t1"), (2400, "t2"), (4799, "t2"), (4801, "t3")):
            clock.now = 1000.0 + now
            await call(client)
            assert tokens.calls[-1] == f"Bearer {token}"
        # At most half of their life is left over.
        tokens.expires_in = 100
        client = connect(way, peer, identity(refresh_buffer_seconds=90))
        for now, exchanges in ((0, 4), (49, 4), (51, 5)):
            clock.now = 9000.0 + now
            await call(client)
            assert len(tokens.exchanges) == exchanges


async def test_an_old_token_does_until_the_server_is_back(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, tokens = Clock(monkeypatch), Tokens()
    with Peer(tokens) as peer:
        client = connect(way, peer, max_retries=0)
        await call(client)
        tokens.answers = [reply(b"", "503 Service Unavailable")] * 2
        clock.now += 2500
        await call(client)
        await call(client)
        assert tokens.calls == ["Bearer t1"] * 3
        assert len(tokens.exchanges) == 2
        clock.now += 0.6
        await call(client)
        assert len(tokens.exchanges) == 3
        clock.now += 0.6
        await call(client)
        assert tokens.calls[3:] == ["Bearer t1", "Bearer t4"]
        # After its end, there is nothing to fall back on; a refusal is one at any time.
        for later, answer, kind in (
            (4000, reply(b"", "503 Service Unavailable"), oxide.OpenAIError),
            (0, reply(b"{}", "403 Forbidden"), oxide.OAuthError),
        ):
            clock.now += later
            tokens.answers = [answer]
            with pytest.raises(kind):
                await call(client)


async def test_the_others_do_not_wait_for_an_early_exchange(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, tokens = Clock(monkeypatch), Tokens()
    with Peer(tokens) as peer:
        client = connect(way, peer)
        await call(client)
        clock.now += 2500
        tokens.gate = Event()

        async def meanwhile() -> None:
            if way.is_sync:
                peer.wait_requests(3)
            else:
                await anyio.to_thread.run_sync(peer.wait_requests, 3)
            await call(client)
            assert tokens.calls == ["Bearer t1"] * 2
            assert tokens.gate is not None
            tokens.gate.set()

        await way.gather(lambda: call(client), meanwhile)
        assert tokens.calls == ["Bearer t1", "Bearer t1", "Bearer t2"]


async def test_a_refused_token_is_replaced_once(way: Any) -> None:
    tokens = Tokens()
    with Peer(tokens) as peer:
        client = connect(way, peer, max_retries=0)
        tokens.refuse = 1
        await call(client)
        assert tokens.calls == ["Bearer t1", "Bearer t2"]
        tokens.refuse = 2
        with pytest.raises(oxide.AuthenticationError):
            await call(client)
        assert tokens.calls[2:] == ["Bearer t2", "Bearer t3"]
        await call(client)
        assert tokens.calls[-1] == "Bearer t4"


async def test_a_refused_upload_that_cannot_be_repeated(way: Any) -> None:
    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(reply(b'{"access_token": "t", "expires_in": 60}'))
        connection.receive_head()
        connection.send(reply(b"{}", "401 Unauthorized"))
        connection.wait_closed()

    with Peer(script) as peer:
        with pytest.raises(oxide.AuthenticationError, match="second time"):
            await connect(way, peer).post("/x", cast_to=object, content=iter([b"a", b"b"]))
        assert peer.accepted == 1


async def test_what_goes_without(way: Any) -> None:
    """A call with an `Authorization` of its own, and one for administration, exchange nothing."""
    tokens = Tokens()
    with Peer(tokens) as peer:
        client = connect(way, peer, admin_api_key="sk-admin")
        await client.get("/x", cast_to=object, options={"headers": {"authorization": "Basic mine"}})
        await client.admin.organization.users.list()
        await call(await copy(way, client, default_headers={"Authorization": "Basic default"}))
        tokens.refuse = 1
        with pytest.raises(oxide.AuthenticationError):
            await client.get("/x", cast_to=object, options={"headers": {"authorization": "Basic mine"}})
        assert tokens.calls == ["Basic mine", "Bearer sk-admin", "Basic default", "Basic mine"]
        assert not tokens.exchanges


BAD = [
    (b"", "200 OK"),
    (b"[]", "200 OK"),
    (b"not json", "200 OK"),
    (b"{}", "200 OK"),
    (b'{"access_token": "", "expires_in": 1}', "200 OK"),
    (b'{"access_token": "a b", "expires_in": 1}', "200 OK"),
    (b'{"access_token": "a\\r\\nX: y", "expires_in": 1}', "200 OK"),
    (b'{"access_token": 1, "expires_in": 1}', "200 OK"),
    (b'{"access_token": "t"}', "200 OK"),
    (b'{"access_token": "t", "expires_in": "1"}', "200 OK"),
    (b'{"access_token": "t", "expires_in": true}', "200 OK"),
    (b'{"access_token": "t", "expires_in": 0}', "200 OK"),
    (b'{"access_token": "t", "expires_in": 1e999}', "200 OK"),
    (b'{"access_token": "t", "expires_in": 1, "token_type": "mac"}', "200 OK"),
    (b"{}", "302 Found"),
    (b"{}", "404 Not Found"),
    (b"{}", "500 Internal Server Error"),
]


@pytest.mark.parametrize(("body", "status"), BAD, ids=repr)
def test_bad_answers(body: bytes, status: str) -> None:
    tokens = Tokens()
    tokens.answers = [reply(body, status)]
    with (
        Peer(tokens) as peer,
        oxide.OpenAI(workload_identity=identity(), base_url=peer.base_url, max_retries=0) as client,
    ):  # type: ignore[arg-type]
        client.config.credentials.url = URL(peer.origin + "/oauth/token")  # type: ignore[union-attr]
        with pytest.raises(oxide.OpenAIError) as caught:
            client.get("/x", cast_to=object)
        assert "token" in str(caught.value)
        assert not tokens.calls
        client.get("/x", cast_to=object)
        assert tokens.calls == ["Bearer t2"]


async def test_exchanges_are_retried(way: Any) -> None:
    tokens = Tokens()
    busy = reply(b"", "503 Service Unavailable", b"retry-after-ms: 1\r\n")
    with Peer(tokens) as peer:
        tokens.answers = [busy, busy]
        await call(connect(way, peer))
        assert tokens.calls == ["Bearer t3"]
        tokens.answers = [busy]
        with pytest.raises(oxide.OpenAIError, match="503"):
            await call(connect(way, peer, max_retries=0))


async def test_nobody_listens(way: Any) -> None:
    with Peer(Tokens()) as peer, deaf_port() as port:
        client = connect(way, peer, max_retries=0, timeout=oxide.Timeout(5, connect=0.05))
        client.config.credentials.url = URL(f"http://127.0.0.1:{port}/oauth/token")
        with pytest.raises(oxide.APIConnectionError, match="exchanging a token") as caught:
            await call(client)
        assert isinstance(caught.value.__cause__, oxide.TransportError)


async def test_the_total_timeout_bounds_the_exchange(way: Any) -> None:
    tokens = Tokens()
    tokens.gate = Event()
    with Peer(tokens) as peer:
        client = connect(way, peer)
        kinds = []

        async def one() -> None:
            try:
                await client.get("/x", cast_to=object, options={"timeout": oxide.Timeout(5, total=0.2)})
            except oxide.APITimeoutError as error:
                kinds.append(type(error.__cause__))

        await way.gather(one, one)
        tokens.gate.set()
        assert kinds == [oxide.TotalTimeout] * 2


async def test_functions(way: Any) -> None:
    async def give() -> str:
        return SUBJECT

    with Peer(Tokens()) as peer:
        client = connect(way, peer, identity(provider={"token_type": "id", "get_token": give}))
        if way.is_sync:
            with pytest.raises(oxide.OpenAIError, match="AsyncOpenAI"):
                await call(client)
        else:
            await call(client)
        for value in ("", None, 7):
            client = connect(way, peer, identity(provider={"token_type": "id", "get_token": lambda value=value: value}))
            with pytest.raises(oxide.OpenAIError, match="get_token"):
                await call(client)


@pytest.mark.parametrize(
    "told",
    [
        {},
        7,
        identity(provider=None),
        identity(provider={"token_type": "other", "get_token": str}),
        identity(provider={"token_type": "jwt"}),
        identity(service_account_id=""),
        identity(identity_provider_id=None),
        identity(refresh_buffer_seconds=-1),
        identity(refresh_buffer_seconds=float("nan")),
        identity(refresh_buffer_seconds="1"),
        {"type": "x509", "identity_provider_id": "i"},
        {**x509_workload_identity(identity_provider_id="i", service_account_id="s"), "client_id": "c"},
        identity(type="x509"),
    ],
    ids=lambda told: repr(told).partition("<")[0][:60],
)
def test_identities_that_are_none(told: Any) -> None:
    with pytest.raises(oxide.OpenAIError, match="workload"):
        oxide.OpenAI(workload_identity=told)


def test_one_or_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(oxide.OpenAIError, match="not both"):
        oxide.OpenAI(api_key="k", workload_identity=identity())  # type: ignore[arg-type]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    with oxide.OpenAI(workload_identity=identity()) as client:  # type: ignore[arg-type]
        assert client.api_key == ""
        assert client.copy().config.credentials is client.config.credentials
        keyed = client.copy(api_key="sk-2")
        assert (keyed.api_key, keyed.workload_identity, keyed.config.credentials) == ("sk-2", None, None)
        back = keyed.copy(workload_identity=identity(service_account_id="other"))  # type: ignore[arg-type]
        assert (back.api_key, back.workload_identity["service_account_id"]) == ("", "other")


async def test_nothing_secret_is_shown(way: Any, caplog: pytest.LogCaptureFixture) -> None:
    tokens = Tokens(access_token="access-token-secret")
    with Peer(tokens) as peer, caplog.at_level(logging.DEBUG):
        client = connect(way, peer, max_retries=0)
        tokens.refuse = 2
        with pytest.raises(oxide.AuthenticationError) as caught:
            await call(client)
        shown = repr([client, client.config, client.config.credentials, caught.value, caught.value.request.headers])
        for secret in (SUBJECT, "access-token-secret"):
            assert secret not in shown + caplog.text
            assert secret.encode() not in pickle.dumps(caught.value)


async def test_redirects_take_no_token_elsewhere(way: Any) -> None:
    tokens = Tokens()
    with Peer(tokens) as other:

        def script(connection: Connection) -> None:
            while (request := connection.receive()) is not None:
                if request.target == "/oauth/token":
                    connection.send(reply(b'{"access_token": "t", "expires_in": 60}'))
                else:
                    connection.send(reply(b"", "307 Temporary Redirect", b"location: %b/x\r\n" % other.origin.encode()))

        with Peer(script) as peer:
            await call(connect(way, peer))
            assert tokens.calls == [None]
            # A token server that points elsewhere is not followed.
            client = connect(way, peer, max_retries=0)
            client.config.credentials.url = URL(peer.origin + "/redirects")
            with pytest.raises(oxide.OpenAIError, match="307"):
                await call(client)
            assert len(tokens.calls) == 1


# --- X.509 ------------------------------------------------------------------------------------------------------------


def contexts(certificate: bool = True) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's that wants a certificate, and a client's that has one."""
    server, client = server_context(), client_context()
    server.verify_mode = ssl.CERT_REQUIRED
    authority().configure_trust(server)
    if certificate:
        authority().issue_cert("workload.example").configure_cert(client)
    return server, client


def x509() -> Any:
    return x509_workload_identity(identity_provider_id="idp", service_account_id="sa", refresh_buffer_seconds=60)


async def test_a_certificate_is_the_proof(way: Any) -> None:
    server, client_side = contexts()
    tokens = Tokens()
    shown: list[Any] = []

    def script(connection: Connection) -> None:
        shown.append(connection.sock.getpeercert())  # type: ignore[attr-defined]
        tokens(connection)

    with Peer(script, context=server) as peer:
        client = connect(way, peer, x509(), http_client=way.transport(ssl_context=client_side), max_retries=0)
        await call(client)
        tokens.refuse = 1
        await call(client)
        assert tokens.calls == ["Bearer t1", "Bearer t1", "Bearer t2"]
        assert tokens.exchanges[0] == {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token_type": "urn:openai:params:oauth:token-type:x509",
            "identity_provider_id": "idp",
            "service_account_id": "sa",
        }
        assert all(("DNS", "workload.example") in certificate["subjectAltName"] for certificate in shown)
        for options, match in (
            ({"headers": {"api-key": "k"}}, "api-key"),
            ({"headers": {"X-API-Key": "k"}}, "x-api-key"),
            ({"headers": {"Host": "other.example"}}, "Host"),
        ):
            with pytest.raises(oxide.OpenAIError, match=match):
                await client.get("/x", cast_to=object, options=options)
        with pytest.raises(oxide.OpenAIError, match="base_url"):
            await client.get("https://127.0.0.1:1/x", cast_to=object)


async def test_a_certificate_is_shown_to_nobody_else(way: Any) -> None:
    server, client_side = contexts()
    with Peer(Tokens()) as other:

        def script(connection: Connection) -> None:
            while (request := connection.receive()) is not None:
                if request.target == "/oauth/token":
                    connection.send(reply(b'{"access_token": "t", "expires_in": 60}'))
                else:
                    connection.send(reply(b"", "307 Temporary Redirect", b"location: %b/x\r\n" % other.origin.encode()))

        with Peer(script, context=server) as peer:
            client = connect(way, peer, x509(), http_client=way.transport(ssl_context=client_side))
            with pytest.raises(oxide.APIStatusError) as caught:
                await call(client)
            assert caught.value.status_code == 307
            assert other.accepted == 0


def test_addresses_for_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Basic env\nX-Own: 1")
    with oxide.OpenAI(workload_identity=x509()) as client:
        assert client.base_url == "https://mtls.api.openai.com/v1"
        assert "Authorization" not in client.default_headers
        assert client.default_headers["X-Own"] == "1"
        assert client.copy(data_residency="eu").base_url == "https://mtls-eu.api.openai.com/v1"
        assert client.copy(api_key="k").base_url == "https://api.openai.com/v1"
        assert client.copy(api_key="k").copy(workload_identity=x509()).base_url == "https://mtls.api.openai.com/v1"
        with pytest.raises(oxide.OpenAIError):
            client.copy(data_residency="jp")
        with pytest.raises(oxide.OpenAIError, match="https"):
            client.copy(base_url="http://127.0.0.1:1")
    for arguments in ({"data_residency": "jp"}, {"base_url": "http://a.example"}):
        with pytest.raises(oxide.OpenAIError):
            oxide.OpenAI(workload_identity=x509(), **arguments)  # type: ignore[arg-type]


# --- the platforms' proofs --------------------------------------------------------------------------------------------


def test_kubernetes(tmp_path: Path) -> None:
    path = tmp_path / "token"
    provider = k8s_service_account_token_provider(path)
    assert provider["token_type"] == "jwt"
    get: Callable[[], Any] = provider["get_token"]
    with pytest.raises(oxide.core.errors.SubjectTokenProviderError, match="token"):
        get()
    for text in (" first\n", "second"):
        path.write_text(text)
        assert get() == text.strip()
    path.write_text("\n")
    with pytest.raises(oxide.core.errors.SubjectTokenProviderError, match="empty"):
        get()


class Metadata:
    """A transport to a metadata server, which is on loopback here."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.inner = oxide.HTTPTransport()
        self.hosts: list[str] = []

    def send(self, request: Any, *, stream: bool) -> Any:
        self.hosts.append(request.url.host)
        request.url = URL(self.peer.origin + request.url.target)
        return self.inner.send(request, stream=stream)

    def close(self) -> None:
        self.inner.close()


@pytest.mark.parametrize("name", ["azure_managed_identity_token_provider", "gcp_id_token_provider"])
def test_metadata_servers(name: str) -> None:
    answers = [
        reply(b'{"access_token": "proof"}' if "azure" in name else b" proof\n"),
        reply(b"{}" if "azure" in name else b" "),
        reply(b"", "404 Not Found"),
    ]

    def script(connection: Connection) -> None:
        while connection.receive() is not None:
            if not answers:
                return
            connection.send(answers.pop(0))

    with Peer(script) as peer:
        transport = Metadata(peer)
        options = {"client_id": "c d"} if "azure" in name else {}
        provider = getattr(oxide.auth, name)(http_client=transport, **options)
        get = provider["get_token"]
        assert get() == "proof"
        first = peer.requests[0]
        if "azure" in name:
            assert transport.hosts == ["169.254.169.254"]
            assert first.headers["metadata"] == "true"
            assert first.target == (
                "/metadata/identity/oauth2/token?api-version=2018-02-01"
                "&resource=https%3A%2F%2Fmanagement.azure.com%2F&client_id=c+d"
            )
        else:
            assert transport.hosts == ["metadata.google.internal"]
            assert first.headers["metadata-flavor"] == "Google"
            assert first.target.endswith("/default/identity?audience=https%3A%2F%2Fapi.openai.com%2Fv1")
        for _ in range(3):
            with pytest.raises(oxide.core.errors.SubjectTokenProviderError) as caught:
                get()
        assert caught.value.response is None
        transport.close()


async def test_tokens_without_a_client(way: Any) -> None:
    tokens = Tokens()
    with Peer(tokens) as peer:
        auth = WorkloadIdentityAuth(workload_identity=identity(), token_exchange_url=peer.origin + "/oauth/token")  # type: ignore[arg-type]

        async def get() -> str:
            return auth.get_token() if way.is_sync else await auth.get_token_async()

        assert [await get(), await get()] == ["t1", "t1"]
        auth.invalidate_token("other")
        assert await get() == "t1"
        auth.invalidate_token("t1")
        assert await get() == "t2"
        auth.invalidate_token()
        assert await way.gather(*[get] * 5) == ["t3"] * 5
