"""permessage-deflate (RFC 7692) as wsproto has it, with a limit on what a message inflates to.

wsproto inflates all of what came, and 64 KiB may become 64 MiB. Here inflation stops at the limit.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits

__all__ = ["Deflate"]


class Deflate(PerMessageDeflate):
    """The extension, on the client's side.

    Args:
        max_size: the most bytes that a message may have; `None` for no limit.
    """

    def __init__(self, max_size: int | None = None) -> None:
        super().__init__()
        self._max_size = max_size
        self._inflated = 0

    def offer(self) -> str:
        # As browsers and `websockets` have it: some servers decline an offer that names the server's window.
        return "client_max_window_bits"

    def frame_inbound_header(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        # wsproto forgets what it knows of a message when a ping comes between two of its fragments.
        if not opcode.iscontrol():
            return super().frame_inbound_header(proto, opcode, rsv, payload_length)
        self._inbound_is_compressible = False
        return CloseReason.PROTOCOL_ERROR if rsv.rsv1 else RsvBits(False, False, False)

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        if not self._inbound_compressed or not self._inbound_is_compressible:
            return data
        return self._inflate(data)

    def frame_inbound_complete(self, proto: Any, fin: bool) -> bytes | CloseReason | None:
        if not fin or not self._inbound_is_compressible:
            return None
        compressed, self._inbound_compressed = self._inbound_compressed, None
        if not compressed:
            return None
        # The tail that the sender left away (RFC 7692, section 7.2.2).
        data = self._inflate(b"\x00\x00\xff\xff")
        self._inflated = 0
        # A final block, which is allowed, ends the stream: the next message begins another one.
        if self.server_no_context_takeover or (self._decompressor is not None and self._decompressor.eof):
            self._decompressor = None
        return data

    def _inflate(self, data: bytes) -> bytes | CloseReason:
        decompressor = self._decompressor
        assert decompressor is not None
        try:
            if self._max_size is None:
                return decompressor.decompress(data)
            # One byte more than allowed tells that there is more; 0 would mean no limit.
            inflated = decompressor.decompress(data, self._max_size - self._inflated + 1)
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        self._inflated += len(inflated)
        return CloseReason.MESSAGE_TOO_BIG if self._inflated > self._max_size else inflated

    def compress(self, opcode: int, data: bytes, frame: Callable[[int, bytes], bytes]) -> bytes:
        """A message as one frame."""
        compressor = self._compressor
        if compressor is None:
            compressor = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -self.client_max_window_bits)
        # An empty block and the tail are left away (section 7.2.1).
        compressed = (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
        self._compressor = None if self.client_no_context_takeover else compressor
        return frame(0xC0 | Opcode(opcode), compressed)
