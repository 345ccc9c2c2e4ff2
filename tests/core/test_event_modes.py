"""The streams that name their events apart from the data, and those in whose data an `error` is nothing special."""

from __future__ import annotations

from typing import Any

from oxide.core.codec import BaseModel
from oxide.core.errors import APIError
from oxide.core.events import EventDecoder
from oxide.core.headers import Headers
from oxide.core.http import HeadBlock, Request, Response
from oxide.core.url import URL

RESPONSE = Response(200, Headers([]), Request("POST", URL("http://localhost/threads/runs"), HeadBlock(())))


class Named(BaseModel):
    event: str
    data: Any


class Turn(BaseModel):
    type: str
    error: Any = None


def test_a_named_event_is_its_name_with_its_data() -> None:
    decoder = EventDecoder(Named, RESPONSE, mode="named")
    events = decoder.receive_data(
        b'event: thread.created\ndata: {"id": "t"}\n\nevent: other\ndata: {"id": "o"}\n\nevent: done\ndata: [DONE]\n\n'
    )
    assert [(event.event, event.data) for event in events] == [("thread.created", {"id": "t"}), ("other", {"id": "o"})]
    assert decoder.done
    assert decoder.error is None


def test_an_error_ends_a_stream_of_named_events() -> None:
    decoder = EventDecoder(Named, RESPONSE, mode="named")
    assert decoder.receive_data(b'event: error\ndata: {"error": {"message": "no"}}\n\n') == []
    assert isinstance(decoder.error, APIError)
    assert decoder.error.message == "no"


def test_a_thread_event_is_named_without_being_asked_for() -> None:
    (event,) = EventDecoder(Named, RESPONSE).receive_data(b'event: thread.run.failed\ndata: {"error": 1}\n\n')
    assert (event.event, event.data) == ("thread.run.failed", {"error": 1})


def test_an_error_in_unchecked_data_is_data() -> None:
    decoder = EventDecoder(Turn, RESPONSE, mode="unchecked")
    data = b'event: thread.turn\ndata: {"type": "failed", "error": {"message": "no"}}\n\ndata: {"type": "done"}\n\n'
    events = decoder.receive_data(data)
    assert [(event.type, event.error and event.error["message"]) for event in events] == [
        ("failed", "no"),
        ("done", None),
    ]
    assert decoder.error is None


def test_an_error_in_other_data_ends_the_stream() -> None:
    decoder = EventDecoder(Turn, RESPONSE)
    assert decoder.receive_data(b'data: {"type": "failed", "error": {"message": "no"}}\n\n') == []
    assert isinstance(decoder.error, APIError)
