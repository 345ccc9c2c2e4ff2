"""Workload identity: an access token for the proof that a platform gives of who runs there (RFC 8693).

The exchange is a flow, written once. The token is kept until shortly before it expires; where several threads or tasks
need a new one, one of them gets it and the others wait for that.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from math import isfinite
from time import monotonic
from typing import Any, NamedTuple

from .call import api_error
from .codec import encode
from .credentials import Credentials, given
from .errors import APIConnectionError, OAuthError, OpenAIError, TotalTimeout, TransportError
from .flow import Await, Block, Discard, Flow, Gate, Invoke, MakeGate, Send, Sleep
from .http import HeadBlock, Request, Response
from .retry import RetryPolicy
from .timeouts import Timeout
from .url import URL

__all__ = ["TOKEN_EXCHANGE_URL", "X509", "SubjectToken", "WorkloadCredentials", "workload_credentials"]

TOKEN_EXCHANGE_URL = "https://auth.openai.com/oauth/token"
X509_TOKEN_EXCHANGE_URL = "https://mtls.auth.openai.com/oauth/token"

# Seconds before its end at which a token is replaced, but at most half of its life.
REFRESH_BUFFER = 1200.0

# Seconds until a token that still works is tried to be replaced again.
RETRY_REFRESH = 0.5

# Each part of an exchange may take as long, whatever calls may.
EXCHANGE_TIMEOUT = 10.0

MAX_RETRIES = 2

_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
_SUBJECT_TOKEN_TYPES = {
    "jwt": "urn:ietf:params:oauth:token-type:jwt",
    "id": "urn:ietf:params:oauth:token-type:id_token",
}
_X509_TOKEN_TYPE = "urn:openai:params:oauth:token-type:x509"

# RFC 6750, section 2.1.
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")

_REFUSED = (400, 401, 403)


class Token(NamedTuple):
    """An access token, and on `time.monotonic()`'s clock when to replace it and when it ends."""

    text: str
    refresh_at: float
    expires_at: float


class WorkloadCredentials(Credentials):
    """Access tokens for a workload identity. What the two kinds have in common.

    Args:
        identity: the mapping that the client was given.
        url: where tokens are exchanged.

    Attributes:
        url: the same.
    """

    def __init__(self, identity: Mapping[str, Any], url: str) -> None:
        self._identity = dict(identity)
        self.url = URL(url)
        self._token: Token | None = None
        self._gates: dict[Any, Gate] = {}
        buffer = identity.get("refresh_buffer_seconds", REFRESH_BUFFER)
        if isinstance(buffer, bool) or not isinstance(buffer, (int, float)) or not (isfinite(buffer) and buffer >= 0):
            raise OpenAIError("refresh_buffer_seconds of the workload identity must be a number of at least 0")
        self._buffer = float(buffer)
        for name in ("identity_provider_id", "service_account_id"):
            if not isinstance(identity.get(name), str) or not identity[name]:
                raise OpenAIError(f"the workload identity needs {name!r}, a non-empty text")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._identity['service_account_id']}>"

    def request(self, call: Any, attempt: int) -> Flow[Request]:
        if _is_overridden(call):
            # The caller knows better; what is passed here is replaced.
            return call.request(attempt, "-")  # type: ignore[no-any-return]
        token = yield from self.get(call.timeout, call.deadline, call.retry.max_retries)
        return call.request(attempt, token)  # type: ignore[no-any-return]

    def renew(self, call: Any, request: Request) -> bool:
        if _is_overridden(call):
            return False
        self.forget(request.headers["authorization"].removeprefix("Bearer "))
        return True

    def forget(self, text: str | None = None) -> None:
        """Use this token no more; whichever it is, if none is named."""
        token = self._token
        # Another thread may have been faster: what is there now is not what was refused.
        if token is not None and (text is None or token.text == text):
            self._token = None

    # --- the flow ---------------------------------------------------------------------------------------------------

    def get(self, timeout: Timeout, deadline: float | None, max_retries: int) -> Flow[str]:
        """A token that works for now.

        Raises:
            OAuthError: the exchange was refused.
            APIConnectionError: the token server was not reached, or did not answer in time.
            OpenAIError: it answered with something else; or there is no subject token.
        """
        while True:
            token, now = self._token, monotonic()
            if token is not None and now < token.refresh_at:
                return token.text
            gate = yield MakeGate()
            # Of several at once, one gets in; this is atomic.
            first = self._gates.setdefault(gate.scope, gate)
            if first is gate:
                try:
                    return (yield from self._refresh(token, timeout, deadline, max_retries))
                except Exception as error:
                    gate.error = error
                    raise
                finally:
                    del self._gates[gate.scope]
                    gate.open()
            if token is not None and now < token.expires_at:
                return token.text
            if not (yield Await(first, None if deadline is None else max(0.0, deadline - monotonic()))):
                late = TotalTimeout("the call's total timeout passed while another call was getting an access token")
                raise api_error(self._request(b"", timeout, deadline, 0), late) from late
            if first.error is not None:
                raise first.error

    def _refresh(self, old: Token | None, timeout: Timeout, deadline: float | None, max_retries: int) -> Flow[str]:
        if self._token is not None and self._token is not old:
            # Replaced between the look and the turn.
            return self._token.text
        try:
            text, lifetime = yield from self._exchange(timeout, deadline, min(max_retries, MAX_RETRIES))
        except (APIConnectionError, _Unavailable):
            now = monotonic()
            if old is None or now >= old.expires_at or self._token is None:
                raise
            # It is early yet: the old one does until the server is back.
            self._token = Token(old.text, min(now + RETRY_REFRESH, old.expires_at), old.expires_at)
            return old.text
        now = monotonic()
        self._token = Token(text, now + lifetime - min(self._buffer, lifetime / 2), now + lifetime)
        return text

    def _exchange(self, timeout: Timeout, deadline: float | None, max_retries: int) -> Flow[tuple[str, float]]:
        content = encode({**(yield from self._proof()), **self._names()})
        policy = RetryPolicy(max_retries)
        attempt = 0
        while True:
            request = self._request(content, timeout, deadline, attempt)
            try:
                response: Response = yield Send(request, False)
            except TransportError as error:
                delay = None if isinstance(error, TotalTimeout) else policy.after_error(error, attempt)
                if delay is None:
                    raise api_error(request, error, " (while exchanging a token)") from error
            else:
                refused = response.status_code in _REFUSED
                delay = None if refused else policy.after_response(response, attempt)
                if delay is None:
                    return self._read(response)
                yield Discard(response)
            yield Sleep(delay)
            attempt += 1

    def _request(self, content: bytes, timeout: Timeout, deadline: float | None, attempt: int) -> Request:
        parts = {
            name: EXCHANGE_TIMEOUT if seconds is None else min(seconds, EXCHANGE_TIMEOUT)
            for name in ("connect", "read", "write", "pool")
            for seconds in [getattr(timeout, name)]
        }
        return Request("POST", self.url, _HEAD, content, Timeout(**parts), deadline, attempt)

    def _names(self) -> dict[str, str]:
        return {name: self._identity[name] for name in ("identity_provider_id", "service_account_id")}

    def _proof(self) -> Flow[dict[str, str]]:
        """The fields of the request that prove who this is."""
        raise NotImplementedError

    def _read(self, response: Response) -> tuple[str, float]:
        """The token of a response, and its life in seconds."""
        try:
            body: Any = response.json()
        except ValueError:
            body = None
        status = response.status_code
        if status in _REFUSED:
            raise OAuthError(response=response, body=self._safe(body))
        if not 200 <= status < 300:
            raise _Unavailable(f"the token exchange failed with status {status}")
        if not isinstance(body, dict):
            raise OpenAIError("the response of the token exchange is not a JSON object")
        text, lifetime = body.get("access_token"), body.get("expires_in")
        kind = body.get("token_type", "Bearer")
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise OpenAIError("the token exchange gave a token of another type than Bearer")
        if not isinstance(text, str) or not _BEARER.fullmatch(text):
            raise OpenAIError("the response of the token exchange has no valid access_token")
        if isinstance(lifetime, bool) or not isinstance(lifetime, (int, float)) or not (0 < lifetime < 1e9):
            raise OpenAIError("the response of the token exchange has no valid expires_in, a number of seconds above 0")
        return text, float(lifetime)

    def _safe(self, body: Any) -> Any:
        return body


def _is_overridden(call: Any) -> bool:
    headers = {**call.builder.config.default_headers, **(call.extra_headers or {})}
    return any(name.lower() == "authorization" for name in headers)


class _Unavailable(OpenAIError):
    """The token server could not say yes or no."""


_HEAD = HeadBlock(((b"Accept", b"application/json"), (b"Content-Type", b"application/json")))


class SubjectToken(WorkloadCredentials):
    """Tokens for the subject token that a platform gives to what runs there: `oxide.auth.WorkloadIdentity`."""

    def __init__(self, identity: Mapping[str, Any]) -> None:
        super().__init__(identity, TOKEN_EXCHANGE_URL)
        provider = identity["provider"]
        if not isinstance(provider, Mapping) or not callable(provider.get("get_token")):
            raise OpenAIError("provider of the workload identity must have a function 'get_token'; see oxide.auth")
        kind = provider.get("token_type")
        if kind not in _SUBJECT_TOKEN_TYPES:
            known = ", ".join(map(repr, _SUBJECT_TOKEN_TYPES))
            raise OpenAIError(f"token_type of the workload identity's provider must be one of {known}, not {kind!r}")
        self._function = provider["get_token"]
        self._kind = _SUBJECT_TOKEN_TYPES[kind]

    def _proof(self) -> Flow[dict[str, str]]:
        # A plain one may wait for a disk or a metadata server.
        ask = Invoke if inspect.iscoroutinefunction(self._function) else Block
        token = yield ask(self._function)
        if not isinstance(token, str) or not token:
            raise OpenAIError(f"get_token of the workload identity returned {given(token)}, expected a non-empty text")
        return {"grant_type": _GRANT_TYPE, "subject_token": token, "subject_token_type": self._kind}


_X509_FIELDS = {"type", "identity_provider_id", "service_account_id", "refresh_buffer_seconds"}
_FOREIGN = frozenset({"api-key", "x-api-key", "proxy-authorization"})


class X509(WorkloadCredentials):
    """Tokens for the certificate that the client's transport shows (RFC 8705): `oxide.auth.X509WorkloadIdentity`.

    They are bound to the certificate and to the API's address, so nothing is sent elsewhere.
    """

    follows_redirects = False

    def __init__(self, identity: Mapping[str, Any], base_url: URL) -> None:
        unknown = sorted(set(identity) - _X509_FIELDS)
        if unknown:
            raise OpenAIError(f"an X.509 workload_identity has no {', '.join(map(repr, unknown))}")
        super().__init__(identity, X509_TOKEN_EXCHANGE_URL)
        if base_url.scheme != "https":
            raise OpenAIError(f"X.509 workload identity needs a base_url with https, not {base_url.scheme}")
        self._origin = base_url.origin

    def request(self, call: Any, attempt: int) -> Flow[Request]:
        if call.url.origin != self._origin:
            raise OpenAIError("a client with an X.509 workload identity sends requests to its base_url only")
        request = yield from super().request(call, attempt)
        names = {name.decode("latin-1").lower().replace("_", "-") for name, _ in request.head.pairs}
        foreign = names & _FOREIGN
        if foreign:
            raise OpenAIError(f"a request with an X.509 workload identity can't carry {', '.join(sorted(foreign))}")
        if "host" in names:
            raise OpenAIError("a request with an X.509 workload identity can't have a Host of its own")
        return request

    def _proof(self) -> Flow[dict[str, str]]:
        return {"grant_type": _GRANT_TYPE, "subject_token_type": _X509_TOKEN_TYPE}
        yield

    def _safe(self, body: Any) -> Any:
        error = body.get("error") if isinstance(body, dict) else None
        return {"error": error} if isinstance(error, str) else None


def workload_credentials(config: Any) -> WorkloadCredentials:
    """What a configuration's `workload_identity` says. Raises OpenAIError."""
    identity = config.workload_identity
    if not isinstance(identity, Mapping):
        raise OpenAIError(f"workload_identity must be a mapping, see oxide.auth; not {type(identity).__name__}")
    if identity.get("type") == "x509":
        return X509(identity, config.base_url)
    if "provider" not in identity:
        raise OpenAIError(
            "workload_identity needs a 'provider' of subject tokens, or the 'type' 'x509'; see oxide.auth"
        )
    return SubjectToken(identity)
