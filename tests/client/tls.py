"""Certificates for tests, of an authority of our own."""

from __future__ import annotations

import datetime
import functools
import ssl
from typing import Any

import trustme

__all__ = ["authority", "client_context", "server_context"]


@functools.cache
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(*names: str, issuer: Any = None, expired: bool = False) -> ssl.SSLContext:
    """A server's context with a certificate for these names (`127.0.0.1`, `::1` and `localhost` by default)."""
    issuer = issuer or authority()
    until = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc) if expired else None
    certificate = issuer.issue_cert(
        *(names or ("127.0.0.1", "::1", "localhost")),
        not_before=until and until - datetime.timedelta(days=1),
        not_after=until,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def client_context() -> ssl.SSLContext:
    """A client's context that trusts our authority alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority().configure_trust(context)
    return context
