"""`oxide demo`: six things that oxide does, against the embedded server, each checked and timed."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import trio

from .. import AsyncOpenAI, AuthenticationError, OpenAI, __version__
from ..testing import Gate, MockServer, Reply, Stream

__all__ = ["demo"]

_MODEL = "gpt-5"
_PACE = 0.02  # seconds between the words of the stream, so that one can see it arrive
_ADD: Any = {
    "type": "function",
    "name": "add",
    "description": "Adds two whole numbers.",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
}


class Wrong(Exception):
    """A step did not give what it should have."""


def demo(server: MockServer | None = None) -> int:
    """Show everything; the exit status, 1 if any step went wrong.

    Args:
        server: a server that is not running yet; one with a key of its own by default.
    """
    failed = 0
    with server or MockServer(api_key="sk-demo") as running:
        print(f"oxide {__version__}, talking HTTP to a server in this process at {running.base_url}")
        for step in (_call, _stream, _trio, _function, _error, _ten):
            try:
                step(running)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is shown, and counts as wrong
                failed += 1
                print(f"\n   WRONG: {type(error).__name__}: {error}", flush=True)
    print(f"\n{failed} of 6 went wrong." if failed else "\nAll six as they should be.")
    return 1 if failed else 0


def _check(what: str, got: object, expected: object) -> None:
    if got != expected:
        raise Wrong(f"{what} should be {expected!r}, but is {got!r}")


def _title(number: int, text: str) -> None:
    print(f"\n{number}. {text}")


@contextmanager
def _timed() -> Iterator[Callable[[], str]]:
    """Gives a function that tells the time since the block began, or, after it, how long it took."""
    started = perf_counter()
    ended: list[float] = []
    yield lambda: f"{((ended or [perf_counter()])[0] - started) * 1000:.1f} ms"
    ended.append(perf_counter())


def _call(server: MockServer) -> None:
    _title(1, "A call")
    with OpenAI(base_url=server.base_url, api_key=server.api_key) as client:
        with _timed() as first:
            text = client.responses.create(model=_MODEL, input="Hello!").output_text
        with _timed() as second:
            again = client.responses.create(model=_MODEL, input="Hello again!").output_text
    print(f"   {text}  ({first()}, imports included)")
    print(f"   {again}  ({second()})")
    _check("the answer", (text, again), ("You said: Hello!", "You said: Hello again!"))


def _stream(server: MockServer) -> None:
    _title(2, "A stream, on asyncio, printed as it arrives")
    server.queue(Stream(interval=_PACE))

    parts: list[str] = []
    first = ""

    async def main() -> None:
        nonlocal first
        async with (
            AsyncOpenAI(base_url=server.base_url, api_key=server.api_key) as client,
            await client.responses.create(model=_MODEL, input="12 words", stream=True) as stream,
        ):
            async for event in stream:
                first = first or whole()
                if event.type == "response.output_text.delta":
                    parts.append(event.delta)
                    print(event.delta, end="", flush=True)

    print("   ", end="")
    with _timed() as whole:
        asyncio.run(main())
    print(f"  ({whole()} at the server's pace, first event after {first})")
    _check("the number of words", len("".join(parts).split()), 12)


def _trio(server: MockServer) -> None:
    _title(3, "The same client, on trio")

    async def main() -> str:
        async with AsyncOpenAI(base_url=server.base_url, api_key=server.api_key) as client:
            completion = await client.chat.completions.create(
                model=_MODEL, messages=[{"role": "user", "content": "Hello from trio!"}]
            )
        return completion.choices[0].message.content or ""

    with _timed() as whole:
        text = trio.run(main)
    print(f"   {text}  ({whole()})")
    _check("the answer", text, "You said: Hello from trio!")


def _function(server: MockServer) -> None:
    _title(4, "A function call, and its result sent back")
    with OpenAI(base_url=server.base_url, api_key=server.api_key) as client, _timed() as whole:
        asked = client.responses.create(model=_MODEL, input="What is 19 plus 23?", tools=[_ADD])
        calls = [item for item in asked.output if item.type == "function_call"]
        _check("the number of calls", len(calls), 1)
        call = calls[0]
        numbers = json.loads(call.arguments)
        answered = client.responses.create(
            model=_MODEL,
            previous_response_id=asked.id,
            input=[
                {
                    "type": "function_call_output",
                    "call_id": call.call_id,
                    "output": str(numbers["a"] + numbers["b"]),
                }
            ],
        )
    print(f"   {call.name}({numbers['a']}, {numbers['b']})")
    print(f"   {answered.output_text}  ({whole()})")
    _check("the call", (call.name, numbers), ("add", {"a": 19, "b": 23}))
    _check("the answer", answered.output_text, "The result of add is 42.")


def _error(server: MockServer) -> None:
    _title(5, "A typed error")
    with OpenAI(base_url=server.base_url, api_key="sk-wrong") as client, _timed() as whole:
        try:
            client.responses.create(model=_MODEL, input="Hello!")
        except AuthenticationError as error:
            caught = error
        else:
            raise Wrong("a wrong key was accepted")
    print(f"   AuthenticationError {caught.status_code}, code {caught.code}  ({whole()})")
    _check("status and code", (caught.status_code, caught.code), (401, "invalid_api_key"))


def _ten(server: MockServer) -> None:
    _title(6, "Ten calls at once")
    before = len(server.requests)
    gate = Gate()
    # The server answers none of them before it has all ten.
    server.queue(Reply(until=gate), repeat=10)

    def open_gate() -> None:
        try:
            server.wait_for_requests(before + 10)
        finally:
            gate.open()

    async def main() -> list[str]:
        async with AsyncOpenAI(base_url=server.base_url, api_key=server.api_key) as client:
            calls = [client.responses.create(model=_MODEL, input=f"number {n}") for n in range(10)]
            return [response.output_text for response in await asyncio.gather(*calls)]

    opener = threading.Thread(target=open_gate)
    opener.start()
    with _timed() as whole:
        texts = asyncio.run(main())
    opener.join()
    connections = {request.connection for request in server.requests[before:]}
    print(f"   {len(texts)} answers on {len(connections)} connections  ({whole()})")
    _check("the answers", texts, [f"You said: number {n}" for n in range(10)])
    _check("the number of connections", len(connections), 10)
