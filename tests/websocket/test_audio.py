"""Realtime audio: buffers are appended while audio comes back, and a server that is slow to read slows the sender down.

The number of buffers is `OXIDE_AUDIO_BUFFERS`, 150 if it does not say.
"""

from __future__ import annotations

import base64
import json
import os
from typing import Any

from oxide.types.realtime import ResponseAudioDeltaEvent

from ..ways import Way
from .conftest import do
from .peer import Peer

BUFFERS = int(os.environ.get("OXIDE_AUDIO_BUFFERS", "150"))
SIZE = 4800  # bytes: a tenth of a second of 16-bit samples at 24 kHz


def reply(message: str | bytes) -> str:
    """The audio that came, as the server sends audio."""
    event = json.loads(message)
    return json.dumps(
        {
            "type": "response.output_audio.delta",
            "event_id": event["event_id"],
            "response_id": "r",
            "item_id": "i",
            "output_index": 0,
            "content_index": 0,
            "delta": event["audio"],
        }
    )


async def test_audio_goes_both_ways(way: Way) -> None:
    buffers = [os.urandom(SIZE) for _ in range(BUFFERS)]
    got: list[bytes] = []
    most = 0
    with Peer(reply=reply) as peer:
        client = way.client(base_url=peer.base_url)
        async with client.realtime.connect(model="gpt-realtime") as connection:
            await connection.send_raw(do("sleep", seconds=0.2))

            async def send() -> None:
                nonlocal most
                for number, data in enumerate(buffers):
                    audio = base64.b64encode(data).decode("ascii")
                    await connection.input_audio_buffer.append(audio=audio, event_id=f"e{number}")
                    most = max(most, _held(connection))

            async def receive() -> None:
                for number in range(BUFFERS):
                    event: Any = await connection.recv()
                    assert isinstance(event, ResponseAudioDeltaEvent)
                    assert event.event_id == f"e{number}"
                    got.append(base64.b64decode(event.delta))

            await way.gather(send, receive)
    assert got == buffers
    # What `send` has returned from is in the operating system's hands, so the client holds nothing of it.
    assert most == 0


def _held(connection: Any) -> int:
    """Bytes that wait in the client: to be sent, and to be received."""
    return len(connection._link.ws._stream._unsent)
