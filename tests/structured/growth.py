"""Prints by how many bytes and objects a process grows with calls of `parse`: `python -m tests.structured.growth KIND`.

A process of its own, because in one that has run thousands of other tests every new class also leaves its mark in the
caches of hundreds of abstract base classes.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import sys
import tracemalloc
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
import pydantic

import oxide
from oxide.core import structured

BODY = json.dumps(
    {
        "id": "r",
        "object": "response",
        "status": "completed",
        "output": [
            {
                "type": "message",
                "id": "m",
                "role": "assistant",
                "content": [{"type": "output_text", "text": '{"x": 1}', "annotations": []}],
            }
        ],
    }
).encode()


class Canned:
    """A transport that gives the same answer to every request."""

    def send(self, request: oxide.Request, *, stream: bool) -> oxide.Response:
        return oxide.Response(200, oxide.Headers([(b"content-type", b"application/json")]), request, content=BODY)

    def close(self) -> None: ...


class Fixed(pydantic.BaseModel):
    x: int


def fixed() -> Any:
    return Fixed


def model() -> Any:
    return pydantic.create_model("M", x=(int, ...))


def struct() -> Any:
    return msgspec.defstruct("S", [("x", int)])


def dataclass() -> Any:
    return dataclasses.make_dataclass("D", [("x", int)])


COUNT = iter(range(10**9))


def schema() -> Any:
    return {"type": "object", "properties": {"x": {"type": "integer"}}, "description": str(next(COUNT))}


def parse(client: oxide.OpenAI, make: Callable[[], Any], times: int) -> None:
    for _ in range(times):
        response = client.responses.parse(model="m", input="x", text_format=make())
        assert response.output_parsed


KINDS = {make.__name__: make for make in (fixed, model, struct, dataclass, schema)}


def main(kind: str) -> None:
    make = KINDS[kind]
    # A smaller cache is full sooner; it works the same way.
    for name in ("_of_type", "_of_schema"):
        setattr(structured, name, lru_cache(16)(getattr(structured, name).__wrapped__))
    with oxide.OpenAI(api_key="k", base_url="http://test", http_client=Canned()) as client:
        parse(client, make, 500)  # caches that grow in steps have taken theirs
        gc.collect()
        objects = len(gc.get_objects())
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        parse(client, make, 2000 if make is fixed else 400)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        print(grown, len(gc.get_objects()) - objects)


if __name__ == "__main__":
    main(sys.argv[1])
