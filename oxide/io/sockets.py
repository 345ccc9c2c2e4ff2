"""What both shells do to a socket, and how they name its failures."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..core.errors import ConnectError

if TYPE_CHECKING:
    import ssl

__all__ = [
    "READ_SIZE",
    "configure",
    "connect_error",
    "default_ssl_context",
    "input_probe",
    "is_pending",
    "is_timeout",
    "tls_error",
]

READ_SIZE = 65536
"""Bytes asked for in one read."""


def configure(sock: socket.socket) -> None:
    """Send small writes at once, and have the kernel find out about a peer that is gone without saying so."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Probe after a minute of silence, every ten seconds, six times: NAT gateways forget idle connections after a few minutes.
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPALIVE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6)):
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def input_probe(sock: socket.socket) -> Callable[[], object]:
    """A function that tells whether a read would return at once; it takes no time to ask, and does not raise."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return partial(poll.poll, 0)

    def probe() -> bool:
        try:
            return bool(select.select([sock], [], [], 0)[0])
        except (OSError, ValueError):
            return True

    return probe


def is_timeout(error: Exception) -> bool:
    """Whether one of our limits passed; the kernel's ETIMEDOUT (a peer that answers no probes) is a broken connection."""
    return isinstance(error, TimeoutError) and error.errno is None


def is_pending(error: OSError) -> bool:
    """Whether a non-blocking read only came too early; on TLS, half a record may be there."""
    # By its name, since the ssl module may never have been imported.
    return isinstance(error, (BlockingIOError, InterruptedError)) or type(error).__name__ == "SSLWantReadError"


def connect_error(host: str, port: int | None, error: OSError | UnicodeError) -> ConnectError:
    """The error for a connection that was not made; `error` is to be chained."""
    where = host if port is None else f"{host}:{port}"
    return ConnectError(f"can't connect to {where}: {getattr(error, 'strerror', None) or error}")


def default_ssl_context() -> ssl.SSLContext:
    """Certificates and host names are verified, against the system's store or what `SSL_CERT_FILE` names."""
    # Only who talks TLS pays for its import.
    import ssl

    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def tls_error(host: str, error: Exception) -> ConnectError:
    """The error for a TLS handshake that failed; `error` is to be chained."""
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectError(f"the TLS certificate of {host} was refused: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return ConnectError(f"the TLS handshake with {host} failed: {error.reason or error}")
    if isinstance(error, ConnectionResetError):
        return ConnectError(f"the TLS handshake with {host} failed: the server closed the connection")
    return ConnectError(f"the TLS handshake with {host} failed: {error}")
