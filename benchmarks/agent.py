"""Agent loops: oxide's `run_tools`, the same loop written with the official SDK's `create`, and the official eager runner.

The server takes 50 ms to the arguments of a call and 100 ms more until the response is complete; the tool takes 100 ms. A loop that waits for
the whole response before it executes the tool takes 250 ms a step, one that doesn't 150.

`python -m benchmarks.agent` measures how soon a tool begins after the server has sent its arguments, when the response goes
on for 400 ms.
"""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import payloads
from .checks import WrongResult

__all__ = ["AgentServer", "asyncio_contenders", "sync_contenders", "trio_contenders"]

STEPS = 10
BEFORE, TOOL, AFTER, REST = 0.05, 0.1, 0.1, 0.4
ANSWER = "All done."
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"sent": {"type": "number"}},
    "required": ["sent"],
    "additionalProperties": False,
}
DEFINITION: Any = {"type": "function", "name": "step", "description": "A step.", "strict": True, "parameters": SCHEMA}
ROOT = Path(__file__).resolve().parent.parent


# --- the server -------------------------------------------------------------------------------------------------------


def _call(step: int, number: int, arguments: str) -> dict[str, Any]:
    identifier = f"{step}_{number}"
    return {
        "type": "function_call",
        "id": f"fc_{identifier}",
        "call_id": f"call_{identifier}",
        "name": "step",
        "arguments": arguments,
        "status": "completed",
    }


def _answer(step: int, output: list[Any], *, status: str = "completed") -> dict[str, Any]:
    return payloads.response(output, status=status, identifier=f"resp_{step}")


def _arguments() -> str:
    # The clock is the same in all processes.
    return json.dumps({"sent": time.monotonic()})


def reply(body: dict[str, Any], send: Callable[[bytes], None]) -> None:
    """Answer one request. How many steps there were is said by the response that it follows, or by its input."""
    previous = body.get("previous_response_id")
    entries = body["input"] if isinstance(body["input"], list) else []
    step = int(previous[5:]) + 1 if previous else sum(each.get("type") == "function_call_output" for each in entries)
    early = body["model"] == "early"
    last = step >= (1 if early else STEPS)
    message = payloads.message(ANSWER)
    if not body.get("stream"):
        if not last:
            time.sleep(BEFORE + AFTER)
        data = payloads.compact(_answer(step, [message if last else _call(step, 0, _arguments())]))
        send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(data), data))
        return
    number = 0

    def events(*documents: dict[str, Any]) -> bytes:
        nonlocal number
        chunks = []
        for document in documents:
            data = payloads.compact({**document, "sequence_number": number})
            number += 1
            event = b"event: %b\ndata: %b\n\n" % (document["type"].encode(), data)
            chunks.append(b"%x\r\n%b\r\n" % (len(event), event))
        return b"".join(chunks)

    send(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        + events({"type": "response.created", "response": _answer(step, [], status="in_progress")})
    )
    output: list[dict[str, Any]] = []
    for index in range(0 if last else 2 if early else 1):
        begun = {**_call(step, index, ""), "status": "in_progress"}
        send(events({"type": "response.output_item.added", "output_index": index, "item": begun}))
        time.sleep(BEFORE)
        item = _call(step, index, _arguments())
        where = {"item_id": item["id"], "output_index": index}
        done = {
            "type": "response.function_call_arguments.done",
            "arguments": item["arguments"],
            "name": "step",
            **where,
        }
        send(events(done, {"type": "response.output_item.done", "output_index": index, "item": item}))
        output.append(item)
    if last:
        output.append(message)
        send(
            events(
                {
                    "type": "response.output_item.added",
                    "output_index": 0,
                    "item": payloads.message(None, "in_progress"),
                },
                {"type": "response.output_item.done", "output_index": 0, "item": message},
            )
        )
    else:
        time.sleep(REST if early else AFTER)
    send(events({"type": "response.completed", "response": _answer(step, output)}) + b"0\r\n\r\n")


def _serve_connection(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = b""
    with connection:
        while True:
            while b"\r\n\r\n" not in buffer:
                data = connection.recv(65536)
                if not data:
                    return
                buffer += data
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))
            while len(buffer) < length:
                buffer += connection.recv(65536)
            body, buffer = buffer[:length], buffer[length:]
            reply(json.loads(body), connection.sendall)


def serve() -> None:
    """Serve on a free port until stdin ends, each connection in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve_connection, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


class AgentServer:
    """The server, in a process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.agent", "serve"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.base_url = f"http://127.0.0.1:{int(self.process.stdout.readline())}/v1"

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


# --- the contenders ---------------------------------------------------------------------------------------------------

OPTIONS: dict[str, Any] = {"api_key": "sk-benchmark", "max_retries": 0}


def check(text: str, executed: int) -> None:
    """That the loop came to its answer, and executed every step once."""
    if text != ANSWER or executed != STEPS:
        raise WrongResult(f"expected {STEPS} steps and {ANSWER!r}, got {executed} and {text!r}")


class Contender:
    """A client with a server of its own. Calling it runs a loop."""

    def __init__(self, client: Any) -> None:
        self.server = AgentServer()
        self.client = client(base_url=self.server.base_url, **OPTIONS)

    def close(self) -> Any:
        self.server.close()
        return self.client.close()


class OxideSync(Contender):
    """`run_tools`, and a plain function."""

    def __call__(self, lane: int) -> None:
        from oxide.tools import openai_tool

        executed = 0

        @openai_tool
        def step(sent: float) -> str:
            """A step."""
            nonlocal executed
            executed += 1
            time.sleep(TOOL)
            return "ok"

        run = self.client.responses.run_tools(model="agent", input="go", tools=[step])
        check(run.get_final_response().output_text, executed)


class OxideAsync(Contender):
    """`run_tools`, and a coroutine function."""

    async def __call__(self, lane: int) -> None:
        import anyio

        from oxide.tools import openai_tool

        executed = 0

        @openai_tool
        async def step(sent: float) -> str:
            """A step."""
            nonlocal executed
            executed += 1
            await anyio.sleep(TOOL)
            return "ok"

        response = await self.client.responses.run_tools(model="agent", input="go", tools=[step])
        check(response.output_text, executed)


def _next(response: Any) -> list[Any]:
    return [
        {"type": "function_call_output", "call_id": item.call_id, "output": "ok"}
        for item in response.output
        if item.type == "function_call"
    ]


class CreateSync(Contender):
    """The loop that everybody writes."""

    def __call__(self, lane: int) -> None:
        executed = 0
        more: dict[str, Any] = {"input": "go"}
        while True:
            response = self.client.responses.create(model="agent", tools=[DEFINITION], **more)
            outputs = _next(response)
            if not outputs:
                break
            for _ in outputs:
                time.sleep(TOOL)
                executed += 1
            more = {"input": outputs, "previous_response_id": response.id}
        check(response.output_text, executed)


class CreateAsync(Contender):
    """The loop that everybody writes."""

    async def __call__(self, lane: int) -> None:
        import anyio

        executed = 0
        more: dict[str, Any] = {"input": "go"}
        while True:
            response = await self.client.responses.create(model="agent", tools=[DEFINITION], **more)
            outputs = _next(response)
            if not outputs:
                break
            for _ in outputs:
                await anyio.sleep(TOOL)
                executed += 1
            more = {"input": outputs, "previous_response_id": response.id}
        check(response.output_text, executed)


class EagerSync(Contender):
    """The official runner, with everything on that makes it quick."""

    def __call__(self, lane: int) -> None:
        from openai.lib.responses_tool_runner import RegisteredFunction, ResponsesToolRunner

        executed = 0

        def step(arguments: dict[str, object]) -> str:
            nonlocal executed
            executed += 1
            time.sleep(TOOL)
            return "ok"

        runner = ResponsesToolRunner(functions=[RegisteredFunction(DEFINITION, step, independent=True)])
        params: Any = {"model": "agent", "input": "go"}
        response = runner.run(self.client, params, stream=True, eager=True)
        check(response.output_text, executed)


class EagerAsync(Contender):
    """The official runner, with everything on that makes it quick."""

    async def __call__(self, lane: int) -> None:
        import anyio
        from openai.lib.responses_tool_runner import AsyncRegisteredFunction, AsyncResponsesToolRunner

        executed = 0

        async def step(arguments: dict[str, object]) -> str:
            nonlocal executed
            executed += 1
            await anyio.sleep(TOOL)
            return "ok"

        runner = AsyncResponsesToolRunner(functions=[AsyncRegisteredFunction(DEFINITION, step, independent=True)])
        params: Any = {"model": "agent", "input": "go"}
        response = await runner.run(self.client, params, stream=True, eager=True)
        check(response.output_text, executed)


CONTENDERS = {
    "sync_contenders": ("oxide", "openai create", "openai eager runner"),
    "asyncio_contenders": ("oxide", "openai create", "openai eager runner"),
    "trio_contenders": ("oxide", "openai create"),
}


def sync_contenders() -> dict[str, Callable[[], Any]]:
    """What runs loops synchronously."""
    import openai

    import oxide

    return {
        "oxide": lambda: OxideSync(oxide.OpenAI),
        "openai create": lambda: CreateSync(openai.OpenAI),
        "openai eager runner": lambda: EagerSync(openai.OpenAI),
    }


def asyncio_contenders() -> dict[str, Callable[[], Any]]:
    """What runs loops on asyncio."""
    import openai

    import oxide

    return {
        "oxide": lambda: OxideAsync(oxide.AsyncOpenAI),
        "openai create": lambda: CreateAsync(openai.AsyncOpenAI),
        "openai eager runner": lambda: EagerAsync(openai.AsyncOpenAI),
    }


def trio_contenders() -> dict[str, Callable[[], Any]]:
    """What runs loops on trio. The official SDK's `create` does; its runner is made of asyncio's tasks."""
    found = asyncio_contenders()
    del found["openai eager runner"]
    return found


# --- how soon a tool begins ---------------------------------------------------------------------------------------------


def measure_starts(runs: int = 20) -> dict[str, list[float]]:
    """Milliseconds from when the server sends the arguments of a call to the tool's first line, by way."""
    import asyncio

    import trio

    import oxide
    from oxide.tools import openai_tool

    found: dict[str, list[float]] = {}
    server = AgentServer()

    def begin(name: str) -> Callable[[float], None]:
        found[name] = []
        return lambda sent: found[name].append((time.monotonic() - sent) * 1000)

    def plain(name: str) -> Any:
        note = begin(name)

        @openai_tool
        def step(sent: float) -> str:
            note(sent)
            time.sleep(TOOL)
            return "ok"

        return step

    def coroutine(name: str) -> Any:
        note = begin(name)

        @openai_tool
        async def step(sent: float) -> str:
            note(sent)
            return "ok"

        return step

    async def asynchronous(tool: Any) -> None:
        async with oxide.AsyncOpenAI(base_url=server.base_url, **OPTIONS) as client:
            for _ in range(runs + 1):
                await client.responses.run_tools(model="early", input="go", tools=[tool])

    with oxide.OpenAI(base_url=server.base_url, **OPTIONS) as client:
        tool = plain("sync, in threads")
        for _ in range(runs + 1):
            client.responses.run_tools(model="early", input="go", tools=[tool]).get_final_response()
    asyncio.run(asynchronous(coroutine("asyncio")))
    asyncio.run(asynchronous(plain("asyncio, in threads")))
    trio.run(asynchronous, coroutine("trio"))
    trio.run(asynchronous, plain("trio, in threads"))
    server.close()
    # The first run imports.
    return {name: values[2:] for name, values in found.items()}


def main() -> None:
    for name, values in measure_starts().items():
        print(f"{name}: median {statistics.median(values):.2f} ms, longest {max(values):.2f} ms of {len(values)}")


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
