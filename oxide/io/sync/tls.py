"""TLS over a connection that has TLS already: to a server behind a proxy that is reached over TLS.

Over a plain socket, the ssl module does the same faster.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

from ...core.errors import WriteError
from ..sockets import READ_SIZE
from ..tls import BaseTLS
from .network import Connection

__all__ = ["TLSConnection"]


class TLSConnection(BaseTLS, Connection):
    """A connection with TLS between another one and the machine (`ssl.SSLObject` over memory buffers)."""

    __slots__ = ("_incoming", "_inner", "_outgoing", "_tls")

    def __init__(self, inner: Connection, context: ssl.SSLContext, host: str) -> None:
        self._inner = inner
        self.h1 = inner.h1
        self.abort = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def handshake(self, timeout: float | None) -> None:
        """Do the TLS handshake. Raises ssl.SSLError, ReadError, WriteError, TimeoutError."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush(timeout)
                self._fill(timeout)
            except ssl.SSLError:
                # The peer is to get the alert that says why, if it is still there.
                try:
                    self._flush(timeout)
                except WriteError:
                    pass
                raise
            else:
                self._flush(timeout)
                return

    def read(self, timeout: float | None) -> bytes:
        while True:
            data = self._pull()
            if data is not None:
                return data
            self._flush(timeout)
            self._fill(timeout)

    def write(self, data: bytes, allowance: Callable[[], float | None]) -> None:
        try:
            view = memoryview(data)
            while view:
                # A piece at a time, so that the ciphertext of a large body is not all in memory.
                view = view[self._tls.write(view[:READ_SIZE]) :]
                self._inner.write(self._outgoing.read(), allowance)
        except ssl.SSLError as error:
            raise WriteError(f"the TLS connection broke: {error.reason or error}") from error

    def shut_down(self) -> None:
        self._inner.shut_down()

    def _fill(self, timeout: float | None) -> None:
        self._put(self._inner.read(timeout))

    def _flush(self, timeout: float | None) -> None:
        if self._outgoing.pending:
            self._inner.write(self._outgoing.read(), lambda: timeout)
