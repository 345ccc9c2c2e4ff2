"""What both shells do to a socket, and how they name its failures."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterable
from functools import partial
from math import ceil
from time import sleep
from typing import Any

from ..core.dial import Address, Busy
from ..core.errors import ConnectError, ReadError

__all__ = [
    "READ_SIZE",
    "Attempt",
    "as_addresses",
    "begin",
    "configure",
    "connect_error",
    "finish",
    "has_kernel_timeouts",
    "idle_probe",
    "input_probe",
    "is_pending",
    "is_timeout",
    "numeric_addresses",
    "read_error",
    "says_something",
    "set_kernel_timeout",
    "tls_error",
    "wait_any",
    "wait_ready",
]

READ_SIZE = 65536
"""Bytes asked for in one read."""


def configure(sock: socket.socket) -> None:
    """Send small writes at once, and have the kernel find out about a peer that is gone without saying so."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # NAT gateways forget a silent connection after a few minutes. Probing after a minute keeps it known to them, and where
    # it is forgotten all the same, or the peer is gone, the connection breaks another minute later: after the six probes
    # that get no answer, or, where the kernel knows the last of these options, when what was sent is not acknowledged.
    for name, value in (
        ("TCP_KEEPIDLE", 60),
        ("TCP_KEEPALIVE", 60),
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 6),
        ("TCP_USER_TIMEOUT", 120_000),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


class Attempt:
    """A connection that is being made."""

    __slots__ = ("address", "sock")

    def __init__(self, sock: socket.socket, address: Address) -> None:
        self.sock = sock
        self.address = address

    def close(self) -> None:
        """Give it up."""
        self.sock.close()


def begin(address: Address, local_address: str | None) -> Attempt:
    """Begin to connect. Raises ConnectError."""
    family, where = address
    try:
        if family == "unix":
            sock = socket.socket(getattr(socket, "AF_UNIX", -1), socket.SOCK_STREAM)
        else:
            sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise connect_error(*_place(address), error) from error
    try:
        sock.setblocking(False)
        if local_address is not None and family != "unix":
            try:
                sock.bind((local_address, 0))
            except OSError as error:
                name = getattr(error, "strerror", None) or error
                raise ConnectError(f"can't connect from the local address {local_address}: {name}") from error
        try:
            sock.connect(where)
        except (BlockingIOError, InterruptedError) as error:
            if error.errno == errno.EAGAIN and family == "unix":
                raise Busy(f"can't connect to {where}: its backlog is full") from error
    except OSError as error:
        sock.close()
        raise connect_error(*_place(address), error) from error
    except BaseException:
        sock.close()
        raise
    return Attempt(sock, address)


def finish(attempt: Attempt) -> socket.socket:
    """The socket of an attempt that came to its end. Raises ConnectError, and closes it then."""
    sock = attempt.sock
    try:
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        configure(sock)
    except OSError as error:
        sock.close()
        raise connect_error(*_place(attempt.address), error) from error
    return sock


def wait_any(attempts: list[Attempt], timeout: float | None) -> list[Attempt]:
    """Those that came to their end, as soon as one has; none of them after `timeout` seconds."""
    if hasattr(select, "poll"):
        poll = select.poll()
        for attempt in attempts:
            poll.register(attempt.sock, select.POLLOUT)
        ended = {number for number, _ in poll.poll(None if timeout is None else ceil(timeout * 1000))}
    elif attempts:
        socks = [attempt.sock for attempt in attempts]
        # Windows tells of failures as exceptional conditions.
        _, writable, failed = select.select([], socks, socks, timeout)
        ended = {sock.fileno() for sock in (*writable, *failed)}
    else:
        # select() without a socket is an error there.
        sleep(timeout or 0.0)
        ended = set()
    return [attempt for attempt in attempts if attempt.sock.fileno() in ended]


def _place(address: Address) -> tuple[str, int | None]:
    family, where = address
    return (where, None) if family == "unix" else (where[0], where[1])


def numeric_addresses(host: str, port: int) -> list[Address] | None:
    """The address that `host` is, in a list, or `None` for a name: an address needs no look-up, and so no thread."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return as_addresses(found)


def as_addresses(found: Iterable[Any]) -> list[Address]:
    """What `socket.getaddrinfo` found, as `core.dial` wants it."""
    return [(family, address) for family, _, _, _, address in found]


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


_SO_MEMINFO = 55
_ESTABLISHED = 1 if sys.byteorder == "little" else 1 << 24
_STATE = 0xFF * _ESTABLISHED

_BY_KERNEL = sys.platform == "linux" and struct.calcsize("ll") == 16


def idle_probe(sock: socket.socket) -> Callable[[], object]:
    """The same as `input_probe`; where there are several threads, one that does not give the interpreter away.

    A thread that makes a system call like `poll` lets the others run, and has to queue up behind them to go on, with
    64 threads for much longer than the call takes. Asking for an option does not do that. What has come and was not read (the
    end of input included) takes up memory of the kernel's, and a connection that was reset, or whose end came along with the last
    bytes that were read, is in another state. That takes twice the time of a `poll`, so one thread alone does not do it.
    """
    if threading.active_count() == 1:
        return input_probe(sock)
    option = sock.getsockopt
    if _BY_KERNEL:
        try:
            option(socket.SOL_SOCKET, _SO_MEMINFO), option(socket.IPPROTO_TCP, socket.TCP_INFO)
        except OSError:
            pass
        else:
            # As numbers: as bytes they take twice as long. All that this function uses is at hand in it, since it runs in every call.
            def probe(
                sockets: int = socket.SOL_SOCKET,
                memory: int = _SO_MEMINFO,
                tcp: int = socket.IPPROTO_TCP,
                info: int = socket.TCP_INFO,
            ) -> bool:
                try:
                    return option(sockets, memory) != 0 or option(tcp, info) & _STATE != _ESTABLISHED
                except OSError:
                    return True

            return probe
    return input_probe(sock)


def has_kernel_timeouts(sock: socket.socket) -> bool:
    """Whether `set_kernel_timeout` works for this socket. TLS would wait on when such a timeout has passed."""
    return _BY_KERNEL and type(sock) is socket.socket


def set_kernel_timeout(sock: socket.socket, timeout: float | None) -> None:
    """Have reads and writes of a blocking socket raise BlockingIOError after `timeout` seconds.

    Python's own timeouts make the socket non-blocking, and poll before each read and write.
    """
    # Zero is no limit.
    seconds, rest = divmod(0 if timeout is None else max(int(min(timeout, 1e9) * 1_000_000), 1000), 1_000_000)
    limit = struct.pack("ll", seconds, rest)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


def wait_ready(sock: socket.socket, reading: bool, writing: bool, timeout: float | None) -> None:
    """Wait until a socket can be read or written, or for `timeout` seconds; does not raise."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN * reading | select.POLLOUT * writing)
        # Rounded up, so that a limit has passed when the wait for it is over.
        poll.poll(None if timeout is None else int(min(timeout, 86400.0) * 1000) + 1)
        return
    try:
        select.select([sock] if reading else [], [sock] if writing else [], [], timeout)
    except (OSError, ValueError):
        return


def is_timeout(error: Exception) -> bool:
    """Whether one of our limits passed; the kernel's ETIMEDOUT (a peer that answers no probes) is a broken connection."""
    return isinstance(error, TimeoutError) and error.errno is None


def is_pending(error: OSError) -> bool:
    """Whether a non-blocking read only came too early; on TLS, half a record may be there."""
    # By its name, since the ssl module may never have been imported.
    return isinstance(error, (BlockingIOError, InterruptedError)) or type(error).__name__ == "SSLWantReadError"


def says_something(connection: Any) -> bool:
    """Whether an idle connection that has input was closed by its peer, or got bytes that nobody asked for; these are dropped.

    On TLS it may be neither. With version 1.3 the tickets for further sessions come after the handshake (RFC 8446, section 4.6.1), so
    that they wait on a connection that was opened ahead of its first request.
    """
    try:
        return connection.read_ready() is not None
    except ReadError:
        return True


def read_error(error: OSError) -> ReadError:
    """The error for a read that failed; `error` is to be chained."""
    # By its attribute, since the ssl module may never have been imported.
    if not getattr(error, "reason", None):
        return ReadError(f"the connection broke: {error.strerror or error}")
    failure = ReadError(f"the TLS connection broke: {_tls_reason(error)}")
    failure.told = "_ALERT_" in str(failure)
    return failure


def _tls_reason(error: Any) -> str:
    reason = str(error.reason or error)
    if "_ALERT_" in reason and ("_CERTIFICATE" in reason or "_UNKNOWN_CA" in reason):
        # With TLS 1.3 the server looks at it when the handshake is over for us.
        reason += "; the server wants a certificate of the client, or another one (cert=)"
    return reason


def connect_error(host: str, port: int | None, error: OSError | UnicodeError) -> ConnectError:
    """The error for a connection that was not made; `error` is to be chained."""
    where = host if port is None else f"{host}:{port}"
    return ConnectError(f"can't connect to {where}: {getattr(error, 'strerror', None) or error}")


# X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, _CERT_LOCALLY, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE.
_UNKNOWN_AUTHORITY = (2, 20, 19, 21)


def tls_error(host: str, error: Exception) -> ConnectError:
    """The error for a TLS handshake that failed; `error` is to be chained."""
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message
        if error.verify_code in _UNKNOWN_AUTHORITY:
            reason = (
                f"it comes from an unknown authority ({reason}); if you trust it, name it in verify= or SSL_CERT_FILE"
            )
        return ConnectError(f"the TLS certificate of {host} was refused: {reason}")
    if isinstance(error, ssl.SSLError):
        return ConnectError(f"the TLS handshake with {host} failed: {_tls_reason(error)}")
    if isinstance(error, ConnectionResetError):
        return ConnectError(f"the TLS handshake with {host} failed: the server closed the connection")
    return ConnectError(f"the TLS handshake with {host} failed: {error}")
