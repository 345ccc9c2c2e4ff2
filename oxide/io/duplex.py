"""A connection that is read and written at the same time, as far as it needs no waiting."""

from __future__ import annotations

from typing import Any

from ..core.errors import WriteError
from .sockets import input_probe

__all__ = ["BaseDuplex", "would_block"]


class BaseDuplex:
    """A non-blocking socket: what it does not take is kept and sent later.

    Attributes:
        sent: bytes that the socket has taken since the beginning.
        closed: whether `close` was called.
    """

    __slots__ = ("_connection", "_probe", "_sock", "_unsent", "closed", "sent")

    def __init__(self, connection: Any, sock: Any) -> None:
        self._connection = connection
        self._sock = sock
        self._probe = input_probe(sock)
        self._unsent = bytearray()
        self.sent = 0
        self.closed = False

    def _offer(self, data: bytes) -> int:
        """Send what the socket takes now of `data` and of what it did not take before. Returns what `sent` has to be for all to be sent.

        Raises:
            WriteError: the connection broke.
        """
        unsent = self._unsent
        if not unsent:
            taken = self._send(data) if data else 0
            if taken < len(data):
                unsent += memoryview(data)[taken:]
        else:
            unsent += data
        while unsent:
            taken = self._send(unsent)
            if not taken:
                break
            del unsent[:taken]
        return self.sent + len(unsent)

    def _send(self, data: bytes | bytearray) -> int:
        try:
            taken: int = self._sock.send(data)
        except OSError as error:
            if would_block(error):
                return 0
            raise WriteError(f"the connection broke: {error.strerror or error}") from error
        self.sent += taken
        return taken

    def is_readable(self) -> bool:
        """Whether there is something to be read."""
        return bool(self._probe())

    def close(self) -> None:
        """Close the socket, and wake up who waits for it. Never raises."""
        self.closed = True
        self._connection.close()


def would_block(error: OSError) -> bool:
    """Whether a non-blocking socket can't do now what it was asked for."""
    # By its name, since the ssl module may never have been imported.
    return isinstance(error, (BlockingIOError, InterruptedError)) or type(error).__name__ in (
        "SSLWantReadError",
        "SSLWantWriteError",
    )
