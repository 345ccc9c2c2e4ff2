"""TLS over a connection that has TLS already: to a server behind a proxy that is reached over TLS.

Over a plain socket, the ssl module does the same faster.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

from ...core.errors import WriteError
from ..sockets import READ_SIZE, read_error
from .network import Connection

__all__ = ["TLSConnection"]


class TLSConnection(Connection):
    """A connection with TLS between another one and the machine (`ssl.SSLObject` over memory buffers)."""

    __slots__ = ("_incoming", "_inner", "_outgoing", "_tls")

    def __init__(self, inner: Connection, context: ssl.SSLContext, host: str) -> None:
        # All waiting is done by the inner one, and so is closing.
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
        try:
            while True:
                try:
                    return self._tls.read(READ_SIZE)
                except ssl.SSLWantReadError:
                    self._flush(timeout)
                    self._fill(timeout)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            raise read_error(error) from error

    def read_ready(self) -> bytes | None:
        data = self._inner.read_ready()
        if data:
            self._incoming.write(data)
        elif data is not None:
            self._incoming.write_eof()
        try:
            return self._tls.read(READ_SIZE)
        except ssl.SSLWantReadError:
            # Half a record, or one that is not for us, such as a session ticket.
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            raise read_error(error) from error

    def write(self, data: bytes, allowance: Callable[[], float | None]) -> None:
        try:
            view = memoryview(data)
            while view:
                # A piece at a time, so that the ciphertext of a large body is not all in memory.
                view = view[self._tls.write(view[:READ_SIZE]) :]
                self._inner.write(self._outgoing.read(), allowance)
        except ssl.SSLError as error:
            raise WriteError(f"the TLS connection broke: {error.reason or error}") from error

    def has_input(self) -> bool:
        # What came in one packet with the last response may be waiting here instead of in the socket.
        return bool(self._incoming.pending or self._tls.pending()) or self._inner.has_input()

    def agreed_protocol(self) -> str | None:
        return self._tls.selected_alpn_protocol()

    def close(self) -> None:
        self._inner.close()

    def shut_down(self) -> None:
        self._inner.shut_down()

    def forget(self) -> None:
        self._inner.forget()

    def _fill(self, timeout: float | None) -> None:
        data = self._inner.read(timeout)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self, timeout: float | None) -> None:
        if self._outgoing.pending:
            self._inner.write(self._outgoing.read(), lambda: timeout)
