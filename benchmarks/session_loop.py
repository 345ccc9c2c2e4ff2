"""A tool loop of 20 steps over a WebSocket session beside the same over HTTP, with TLS and a simulated round trip of 30 ms.

    nox -s bench -- --only session     or     python -m benchmarks.session_loop

The server is a process of its own: the embedded one with TLS, behind a relay that holds every piece back for 15 ms each way. Each contender runs the loop
five times, in turn with the others; the median is what counts. The tool takes no time, so what is left is round trips and the client. "Whole conversation" is
what a loop over HTTP has to send with each request where responses are not stored; a session's server remembers them as long as it is open.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

STEPS = 20
ROUNDS = 5
DELAY = 0.015
STEP: Any = {
    "type": "function",
    "name": "step",
    "parameters": {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    },
    "strict": True,
}


# --- the server -----------------------------------------------------------------------------------------------------


def _events(number: int) -> list[dict[str, Any]]:
    """The events of one turn: a call with this number, or a text after the last."""
    response: dict[str, Any] = {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 0,
        "model": "m",
        "tools": [],
    }
    if number > STEPS:
        text = {"type": "output_text", "text": "done", "annotations": []}
        item = {"type": "message", "id": "msg", "role": "assistant", "status": "completed", "content": [text]}
        middle: list[dict[str, Any]] = []
    else:
        arguments = json.dumps({"n": number})
        item = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "name": "step"}
        item |= {"arguments": arguments, "status": "completed"}
        where = {"item_id": item["id"], "output_index": 0}
        middle = [
            *({"type": "response.function_call_arguments.delta", **where, "delta": piece} for piece in arguments),
            {"type": "response.function_call_arguments.done", **where, "name": "step", "arguments": arguments},
        ]
    events = [
        {"type": "response.created", "response": {**response, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress"}},
        *middle,
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {**response, "status": "completed", "output": [item]}},
    ]
    return [{**event, "sequence_number": index} for index, event in enumerate(events)]


def _answer(request: Any) -> Any:
    from oxide.testing import Stream

    given = request.json()["input"]
    last = given[-1] if isinstance(given, list) else {}
    number = int(last["output"]) + 1 if last.get("type") == "function_call_output" else 1
    return Stream(events=_events(number))


async def _relay(port: int) -> None:
    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        # Everything later by the same time, whatever there is of it.
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def read() -> None:
            while data := await reader.read(65536):
                pieces.put_nowait((loop.time() + DELAY, data))
            pieces.put_nowait((loop.time() + DELAY, b""))

        reading = asyncio.ensure_future(read())
        try:
            while True:
                due, data = await pieces.get()
                await asyncio.sleep(max(due - loop.time(), 0))
                if not data:
                    break
                writer.write(data)
        finally:
            reading.cancel()
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, upstream[1]), pump(upstream[0], writer), return_exceptions=True)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def serve(certificate: str) -> None:
    """Serve until killed; prints the relay's port."""
    from oxide.testing import MockServer

    with MockServer(ssl=(certificate, certificate)) as server:
        server.queue(_answer, method="POST", repeat=None)
        server.queue(_answer, method="WS", repeat=None)
        asyncio.run(_relay(server.port))


# --- the contenders -------------------------------------------------------------------------------------------------


def step(n: int) -> str:
    """A tool that takes no time."""
    return str(n)


def loop(run_tools: Any, **params: Any) -> None:
    """One loop of ours."""
    run = run_tools(model="m", input="go", tools=[step], max_turns=STEPS + 1, **params)
    assert run.get_final_response().output_text == "done"


def official(client: Any, whole: bool) -> None:
    """The loop as one writes it with the official SDK's `create`."""
    given: Any = [{"role": "user", "content": "go"}]
    previous: Any = None
    while True:
        extra = {} if previous is None or whole else {"previous_response_id": previous}
        response = None
        for event in client.responses.create(model="m", input=given, tools=[STEP], stream=True, **extra):
            if event.type == "response.completed":
                response = event.response
        assert response is not None
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return
        outputs = [
            {"type": "function_call_output", "call_id": call.call_id, "output": step(**json.loads(call.arguments))}
            for call in calls
        ]
        before = [*given, *(item.to_dict() for item in response.output)] if whole else []
        given, previous = [*before, *outputs], response.id


def section(rounds: int, *, tell: Callable[[str], None]) -> None:
    """Measure, and tell the lines of the table."""
    import openai
    import trustme

    import oxide

    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "server.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.session_loop", "--serve", str(path)], stdout=subprocess.PIPE, text=True
        )
        try:
            assert server.stdout is not None
            url = f"https://127.0.0.1:{int(server.stdout.readline())}/v1"
            context = ssl.create_default_context()
            authority.configure_trust(context)
            _measure(openai, oxide, url, context, rounds, tell)
        finally:
            server.kill()
            server.wait()


def _measure(
    openai: Any, oxide: Any, url: str, context: ssl.SSLContext, rounds: int, tell: Callable[[str], None]
) -> None:
    transport = oxide.HTTPTransport(ssl_context=context)
    theirs = openai.OpenAI(base_url=url, api_key="k", http_client=openai.DefaultHttpxClient(verify=context))
    with (
        theirs,
        oxide.OpenAI(base_url=url, api_key="k", http_client=transport) as ours,
        ours.ws_session() as session,
    ):

        def fresh() -> None:
            with ours.ws_session() as one:
                loop(one.run_tools)

        contenders: dict[str, Callable[[], None]] = {
            "openai, HTTP": lambda: official(theirs, False),
            "openai, HTTP, whole conversation": lambda: official(theirs, True),
            "oxide, HTTP": lambda: loop(ours.responses.run_tools),
            "oxide, HTTP, whole conversation": lambda: loop(ours.responses.run_tools, carry_input=True),
            "oxide, session": lambda: loop(session.run_tools, previous_response_id=None),
            "oxide, session, opened for it": fresh,
        }
        times: dict[str, list[float]] = {name: [] for name in contenders}
        cpu: dict[str, list[float]] = {name: [] for name in contenders}
        for run in contenders.values():
            run()
        for _ in range(rounds):
            for name, run in contenders.items():
                before, used = time.perf_counter(), time.process_time()
                run()
                times[name].append(time.perf_counter() - before)
                cpu[name].append(time.process_time() - used)
    ideal = (STEPS + 1) * 2 * DELAY
    tell(f"{STEPS} steps, {STEPS + 1} turns, {DELAY * 2000:.0f} ms round trip: {ideal * 1000:.0f} ms of waiting")
    tell("")
    tell("| | all of it | beyond the round trips | CPU time of the client |")
    tell("|---|---|---|---|")
    for name, found in times.items():
        middle = statistics.median(found)
        tell(
            f"| {name} | {middle * 1000:.0f} ms | {(middle - ideal) * 1000:.0f} ms"
            f" | {statistics.median(cpu[name]) * 1000:.0f} ms |"
        )


if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve(sys.argv[-1])
    else:
        warnings.simplefilter("ignore")
        section(ROUNDS, tell=print)
