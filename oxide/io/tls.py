"""TLS over memory buffers (`ssl.SSLObject`), as far as it needs no waiting."""

from __future__ import annotations

import ssl
from typing import Any

from .sockets import READ_SIZE, read_error

__all__ = ["BaseTLS"]


class BaseTLS:
    """TLS between a connection and the machine that speaks over it. All waiting is done by the inner connection, and so is closing."""

    __slots__ = ()

    _inner: Any
    _incoming: ssl.MemoryBIO
    _outgoing: ssl.MemoryBIO
    _tls: ssl.SSLObject

    def _put(self, data: bytes) -> None:
        """Take in what came from the inner connection, `b""` for its end."""
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _pull(self) -> bytes | None:
        """What can be read, empty at the end; `None` for half a record, or one that is not for us, such as a session ticket.

        Raises:
            ReadError: the connection broke.
        """
        try:
            return self._tls.read(READ_SIZE)
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            raise read_error(error) from error

    def read_ready(self) -> bytes | None:
        data = self._inner.read_ready()
        if data is not None:
            self._put(data)
        return self._pull()

    def has_input(self) -> bool:
        # What came in one packet with the last response may be waiting here instead of in the socket.
        return bool(self._incoming.pending or self._tls.pending()) or self._inner.has_input()

    def agreed_protocol(self) -> str | None:
        return self._tls.selected_alpn_protocol()

    def close(self) -> None:
        self._inner.close()

    def forget(self) -> None:
        self._inner.forget()
