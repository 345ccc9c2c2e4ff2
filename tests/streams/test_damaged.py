"""Streams with events missing, doubled, out of order and of the wrong shape: an answer or an oxide error, and nothing else.

Where the official SDK makes events of such a stream, ours are the same. `OXIDE_DAMAGED_STREAMS` is how many streams are read.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import omit
from openai._models import construct_type
from openai.lib.streaming.responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent as OfficialEvent

import oxide
from oxide.core.codec import decoder
from oxide.core.streams.calls import ChatCalls, ResponseCalls
from oxide.core.streams.chat import ChatAccumulator
from oxide.core.streams.response_events import ResponseStreamEvent
from oxide.core.streams.responses import ResponseAccumulator
from oxide.types.chat import ChatCompletionChunk

from . import scripts
from .compare import assert_same_stream_object

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")

SIZE = int(os.environ.get("OXIDE_DAMAGED_STREAMS", "60"))
ODD = ("null", "3", '"x"', "[]", "{}", "[1]", '{"a": 1}')

event_of = decoder(ResponseStreamEvent)
chunk_of = decoder(ChatCompletionChunk)


def damaged(events: list[Any], chance: random.Random, *, shapes: bool) -> list[Any]:
    """The events, a few of them gone, twice there, elsewhere, or with another value somewhere inside."""
    events = json.loads(json.dumps(events))
    for _ in range(chance.randint(1, 3)):
        if not events:
            break
        place, other = chance.randrange(len(events)), chance.randrange(len(events))
        how = chance.randrange(5 if shapes else 3)
        if how == 0:
            del events[place]
        elif how == 1:
            events.insert(other, json.loads(json.dumps(events[place])))
        elif how == 2:
            events[place], events[other] = events[other], events[place]
        else:
            inside = events[place]
            for _ in range(chance.randint(0, 3)):
                parts = inside.values() if isinstance(inside, dict) else inside
                inside = chance.choice([part for part in parts if isinstance(part, (dict, list)) and part] or [inside])
            if isinstance(inside, dict) and inside:
                key = chance.choice(list(inside))
                if how == 3:
                    inside[key] = json.loads(chance.choice(ODD))
                else:
                    del inside[key]
    return events  # type: ignore[no-any-return]


def read(machine: Any, calls: Any, objects: list[Any]) -> None:
    """Read all, with every snapshot, as far as it goes."""
    try:
        for each in objects:
            found = machine.receive(each)
            for event in found if isinstance(found, list) else [found]:
                if event is not None:
                    event.to_dict()
            calls.receive(each)
            assert machine.snapshot is not None
        machine.finish()
        machine.final()
    except oxide.OpenAIError:
        return


@settings(max_examples=SIZE)
@given(st.integers(), st.sampled_from(sorted(scripts.RESPONSES)))
def test_responses_of_any_shape(seed: int, kind: str) -> None:
    events = damaged(scripts.RESPONSES[kind](), random.Random(seed), shapes=True)
    read(ResponseAccumulator(), ResponseCalls(), [event_of(json.dumps(event)) for event in events])


@settings(max_examples=SIZE)
@given(st.integers(), st.sampled_from(sorted(scripts.CHATS)))
def test_chats_of_any_shape(seed: int, kind: str) -> None:
    chunks = damaged(scripts.CHATS[kind](), random.Random(seed), shapes=True)
    read(ChatAccumulator(), ChatCalls(), [chunk_of(json.dumps(each)) for each in chunks])


@settings(max_examples=SIZE)
@given(st.integers(), st.sampled_from(sorted(scripts.RESPONSES)))
def test_responses_out_of_order(seed: int, kind: str) -> None:
    """Both SDKs refuse the same event, and give the same for all before it."""
    official, mine = ResponseStreamState(input_tools=omit, text_format=omit), ResponseAccumulator()
    parts = set()
    for event in damaged(scripts.RESPONSES[kind](), random.Random(seed), shapes=False):
        if event["type"] == "response.content_part.added":
            # They put a part that is announced twice there twice; we replace it.
            if event["item_id"] in parts:
                return
            parts.add(event["item_id"])
        try:
            theirs = official.handle_event(construct_type(type_=OfficialEvent, value=json.loads(json.dumps(event))))
        except (RuntimeError, AttributeError, AssertionError, IndexError):
            # They also refuse what can be read: an error event that comes first, a part that was not announced.
            return
        ours = mine.receive(event_of(json.dumps(event)))
        assert len(theirs) == (ours is not None)
        for each in theirs:
            assert_same_stream_object(each, ours)
