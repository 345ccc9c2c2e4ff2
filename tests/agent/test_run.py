"""`run_tools`: the agent loop, in all three ways and with both APIs."""

from __future__ import annotations

import _thread
import functools
import gc
import threading
from typing import Any

import anyio
import msgspec
import pydantic
import pytest

import oxide
from oxide.testing import Gate, MockServer, Stream
from oxide.tools import Approval, ContextBudget, RunError, ToolContext, ToolError, ToolFinished, openai_tool

from ..client.peer import Event
from ..ways import Way
from .script import Call, chat, response

TEXT = "done"


def tool(way: Way, function: Any = None, **options: Any) -> Any:
    """A tool of the plain function: itself, or on the asynchronous side a coroutine function that does the same."""
    if function is None:
        return functools.partial(tool, way, **options)
    if way.is_sync:
        return openai_tool(**options)(function)

    @functools.wraps(function)
    async def asynchronous(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return openai_tool(**options)(asynchronous)


async def events(run: Any) -> list[Any]:
    async with run:
        return [event async for event in run]


def bare(run: Any) -> Any:
    """The run itself, for what needs no waiting."""
    return getattr(run, "_wrapped", run)


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def echo(text: str) -> str:
    return text


@pytest.fixture(params=["responses", "chat"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def start(client: Any, api: str, **options: Any) -> Any:
    if api == "chat":
        return client.chat.completions.run_tools(model="gpt-5", messages=[{"role": "user", "content": "hi"}], **options)
    return client.responses.run_tools(model="gpt-5", input="hi", **options)


def script(api: str, *parts: Any) -> Stream:
    return (chat if api == "chat" else response)(*parts)


def text_of(api: str, answer: Any) -> Any:
    return answer.choices[0].message.content if api == "chat" else answer.output_text


def outputs(server: MockServer, number: int = -1) -> dict[str, Any]:
    """The outputs of calls that a request had, by call."""
    body = server.requests[number].json()
    if "messages" in body:
        return {each["tool_call_id"]: each["content"] for each in body["messages"] if each["role"] == "tool"}
    return {each["call_id"]: each["output"] for each in body["input"] if str(each.get("type")).endswith("_call_output")}


# --- the loop ---------------------------------------------------------------------------------------------------------


async def test_a_run(way: Way, client: Any, server: MockServer, api: str) -> None:
    calls = [Call("add", a=1, b=2), Call("echo", text="x"), Call("add", a=3, b=4)]
    server.queue(script(api, *calls[:2]), script(api, calls[2]), script(api, TEXT))
    run = start(client, api, tools=[tool(way, add), tool(way, echo)])
    found = await events(run)
    assert text_of(api, await run.get_final_response()) == TEXT
    own = [event.type for event in found if not event.type.startswith(("response.", "chunk"))]
    assert sorted(own) == sorted(
        ["turn.started", "turn.finished"] * 3 + ["tool.started", "tool.finished"] * 3 + ["run.finished"]
    )
    assert (own[0], own[-1]) == ("turn.started", "run.finished")
    assert [event.final for event in found if event.type == "turn.finished"] == [False, False, True]
    done = {event.call.call_id: (event.output, event.result) for event in found if event.type == "tool.finished"}
    assert done == {calls[0].call_id: ("3", 3), calls[1].call_id: ("x", "x"), calls[2].call_id: ("7", 7)}
    assert outputs(server, 1) == {calls[0].call_id: "3", calls[1].call_id: "x"}
    assert outputs(server, 2)[calls[2].call_id] == "7"
    assert (bare(run).turn, bare(run).reason) == (3, "final")
    assert bare(run).usage == ((0, 0, 0) if api == "chat" else (6, 9, 15))
    if api == "responses":
        bodies = [request.json() for request in server.requests]
        answers = [event.response.id for event in found if event.type == "turn.finished"]
        assert [body.get("previous_response_id") for body in bodies] == [None, *answers[:2]]
        assert [len(body["input"]) for body in bodies] == [1, 2, 1]
    else:
        roles = [message["role"] for message in server.requests[2].json()["messages"]]
        assert roles == ["user", "assistant", "tool", "tool", "assistant", "tool"]


async def test_calls_begin_while_the_response_goes_on(way: Way, client: Any, server: MockServer, api: str) -> None:
    """Both tools run at the same time, before the server goes on."""
    more = Gate()
    barrier = threading.Barrier(2)
    arrived = [anyio.Event(), anyio.Event()]

    def meet(number: int) -> str:
        barrier.wait(10)
        more.open()
        return "met"

    async def meet_async(number: int) -> str:
        arrived[number].set()
        with anyio.fail_after(10):
            await arrived[1 - number].wait()
        more.open()
        return "met"

    meet_async.__name__ = "meet"
    calls = [Call("meet", number=0), Call("meet", number=1)]
    # A call of a chat completion is complete when the next one begins; and the last one with the end.
    parts = [*calls, more, "and more"] if api == "responses" else [*calls, Call("echo", text="x"), more, "and more"]
    server.queue(script(api, *parts), script(api, TEXT))
    tools = [openai_tool(meet if way.is_sync else meet_async), tool(way, echo)]
    assert text_of(api, await start(client, api, tools=tools).get_final_response()) == TEXT
    assert [outputs(server)[call.call_id] for call in calls] == ["met", "met"]


async def test_plain_functions_in_an_asynchronous_run_are_executed_in_threads(
    way: Way, client: Any, server: MockServer
) -> None:
    barrier = threading.Barrier(2)
    threads = set[int]()

    def meet(number: int) -> str:
        threads.add(threading.get_ident())
        barrier.wait(10)
        return "met"

    server.queue(response(Call("meet", number=0), Call("meet", number=1)), response(TEXT))
    assert (await start(client, "responses", tools=[meet]).get_final_response()).output_text == TEXT
    assert len(threads) == 2
    assert threading.get_ident() not in threads


async def test_what_is_not_to_be_early_waits_for_the_response(way: Way, client: Any, server: MockServer) -> None:
    order: list[str] = []

    def first() -> None:
        order.append("first")

    def second() -> None:
        order.append("second")

    for options, early in (
        ({"early": False}, set[str]()),
        ({"early": ["second"]}, {"second"}),
        ({}, {"second"}),
    ):
        order.clear()
        server.queue(response(Call("first"), Call("second")), response(TEXT))
        tools = [tool(way, first, early=False), tool(way, second)]
        run = start(client, "responses", tools=tools, **options)
        wanted = ("response.completed", "tool.started")
        async with run:
            async for event in run:
                order += [event.type] if event.type in wanted else []
        completed = order.index("response.completed")
        assert {name for name in order[:completed] if name in ("first", "second")} <= early
        assert order[:completed].count("tool.started") == len(early)
        assert sorted(order).count("tool.started") == 2


async def test_no_more_than_so_many_at_a_time(way: Way, client: Any, server: MockServer) -> None:
    running, most = 0, 0
    lock = threading.Lock()

    def count(number: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.005)
        with lock:
            running -= 1

    server.queue(response(*(Call("count", number=n) for n in range(6))), response(TEXT))
    await start(client, "responses", tools=[count], max_concurrent=2).get_final_response()
    assert 1 <= most <= 2
    assert len(outputs(server)) == 6


# --- errors -----------------------------------------------------------------------------------------------------------


async def test_arguments_that_do_not_fit_go_to_the_model(way: Way, client: Any, server: MockServer, api: str) -> None:
    wrong = [Call("add", a=1, b="x"), Call("add", a=1), Call("nothing"), Call("add")]
    wrong[3].text = "{"
    server.queue(script(api, *wrong), script(api, TEXT))
    run = start(client, api, tools=[tool(way, add)], on_error="raise")
    found = await events(run)
    said = list(outputs(server).values())
    assert "invalid arguments for add: Expected `int`, got `str` - at `$.b`" in said[0]
    assert "missing required field `b`" in said[1]
    assert said[2] == "There is no tool 'nothing'. There are: add."
    assert "not JSON" in said[3]
    assert not [event for event in found if event.type == "tool.started"]
    assert [type(event.error).__name__ for event in found if event.type == "tool.finished"] == [
        "FormatError",
        "FormatError",
        "NoneType",
        "FormatError",
    ]


async def test_where_an_exception_goes(way: Way, client: Any, server: MockServer, api: str) -> None:
    def fail(how: str) -> str:
        raise {"told": ToolError, "value": ValueError, "bare": KeyError}[how](
            *(() if how == "bare" else (f"no {how}",))
        )

    calls = [Call("fail", how="told"), Call("fail", how="value"), Call("fail", how="bare")]
    server.queue(script(api, *calls), script(api, TEXT))
    await start(client, api, tools=[tool(way, fail)]).get_final_response()
    assert list(outputs(server).values()) == ["no told", "Error: ValueError: no value", "Error: KeyError"]

    server.queue(script(api, *calls), script(api, TEXT))
    mine = tool(way, fail, on_error=lambda error: f"it was {error!r}")
    await start(client, api, tools=[mine], on_error="raise").get_final_response()
    assert list(outputs(server).values()) == ["no told", "it was ValueError('no value')", "it was KeyError()"]

    server.queue(script(api, *calls))
    run = start(client, api, tools=[tool(way, fail)], on_error="raise")
    with pytest.raises((ValueError, KeyError)) as caught:
        await run.get_final_response()
    if hasattr(caught.value, "__notes__"):
        assert "raised by the tool 'fail' in the call call_" in caught.value.__notes__[0]
    assert len(server.requests) == 5
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("oxide-tool")]


async def test_an_exception_is_not_kept_back_by_a_silent_server(way: Way, client: Any, server: MockServer) -> None:
    """In threads it is noticed with the next event, since nothing ends the read; in tasks at once."""
    never = Gate()

    def fail() -> None:
        if way.is_sync:
            never.open()
        raise ValueError("no")

    server.queue(response(Call("fail"), never, "x"))
    with pytest.raises(ValueError, match="no"):
        await start(client, "responses", tools=[tool(way, fail)], on_error="raise").get_final_response()
    never.open()


async def test_what_a_tool_returns(way: Way, client: Any, server: MockServer) -> None:
    class Point(msgspec.Struct):
        x: int

    class Weather(pydantic.BaseModel):
        degrees: int
        unit: str = "c"

    results = {
        "none": (None, "null"),
        "pydantic": (Weather(degrees=1), '{"degrees":1,"unit":"c"}'),
        "several": ([Weather(degrees=1)], '[{"degrees":1,"unit":"c"}]'),
        "set": ({5}, "[5]"),
        "text": ("text", "text"),
        "struct": (Point(1), '{"x":1}'),
        "list": ([1, "a"], '[1,"a"]'),
        "image": ([{"type": "input_image", "image_url": "u"}], [{"type": "input_image", "image_url": "u"}]),
    }

    def give(key: str) -> Any:
        return object() if key == "object" else results[key][0]

    server.queue(response(*(Call("give", key, key=key) for key in (*results, "object"))), response(TEXT))
    await start(client, "responses", tools=[tool(way, give)]).get_final_response()
    said = outputs(server)
    assert {key: said[key] for key in results} == {key: sent for key, (_, sent) in results.items()}
    assert "what the tool 'give' returned can't be sent to the model" in said["object"]


async def test_a_stream_that_fails(way: Way, client: Any, server: MockServer, api: str) -> None:
    """The error is the caller's, tools that run are ended, and nothing is left open."""
    server.queue(Stream(list(script(api, "a").events or ())[:2]))
    run = start(client, api, tools=[tool(way, echo)])
    with pytest.raises(oxide.APIConnectionError, match="ended before"):
        await run.get_final_response()
    # Into the second event: what has not begun would be asked for again.
    server.queue(Stream(reset_after=1))
    with pytest.raises(oxide.APIConnectionError):
        await start(client, api, tools=[tool(way, echo)]).get_final_response()
    if api == "responses":
        server.queue(response(end="failed", error={"code": "server_error", "message": "it broke"}))
        with pytest.raises(oxide.APIError, match="it broke"):
            await start(client, api, tools=[tool(way, echo)]).get_final_response()


async def test_cancelling_ends_the_tools(way: Way, client: Any, server: MockServer) -> None:
    begun, ended = Event(), Event()
    never = Gate()

    def wait(ctx: ToolContext[None]) -> None:
        begun.set()
        while not ctx.cancelled:
            threading.Event().wait(0.001)
        ended.set()

    async def wait_async() -> None:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    wait_async.__name__ = "wait"
    server.queue(response(Call("wait"), never, "x"), response(TEXT), repeat=2)
    run = start(client, "responses", tools=[wait if way.is_sync else wait_async])
    async with run:
        async for event in run:
            if event.type == "tool.started":
                break
    assert begun.is_set()
    assert ended.is_set()
    assert bare(run).checkpoint()["calls"][0]["state"] == "started"
    if way.is_sync:
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("oxide-tool")]
        return
    ended.clear()
    with anyio.move_on_after(10) as scope:
        async with start(client, "responses", tools=[wait_async]) as run:
            async for event in run:
                if event.type == "tool.started":
                    scope.cancel()
    assert scope.cancelled_caught
    assert ended.is_set()
    never.open()


def test_ctrl_c_waits_for_the_tools(server: MockServer) -> None:
    """A run that is interrupted leaves no thread behind."""
    ended = threading.Event()

    def interrupt(ctx: ToolContext[None]) -> None:
        # As if the user had pressed it while the stream is read.
        _thread.interrupt_main()
        while not ctx.cancelled:
            threading.Event().wait(0.001)
        ended.set()

    never = Gate()
    server.queue(response(Call("interrupt"), never, "x"))
    with oxide.OpenAI(base_url=server.base_url, api_key="sk-test") as client:
        run = client.responses.run_tools(model="gpt-5", input="hi", tools=[interrupt])
        with pytest.raises(KeyboardInterrupt):
            run.until_done()
        assert ended.is_set()
        assert run.checkpoint()["calls"][0]["state"] == "started"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("oxide-tool")]
    never.open()


def test_an_iteration_that_is_left_ends_its_tools(server: MockServer) -> None:
    ended = threading.Event()

    def wait(ctx: ToolContext[None]) -> None:
        while not ctx.cancelled:
            threading.Event().wait(0.001)
        ended.set()

    server.queue(response(Call("wait"), "x"))
    with oxide.OpenAI(base_url=server.base_url, api_key="sk-test") as client:
        for event in client.responses.run_tools(model="gpt-5", input="hi", tools=[wait]):
            if event.type == "tool.started":
                break
        del event
        gc.collect()
        assert ended.is_set()


async def test_many_runs_at_the_same_time(way: Way, client: Any, server: MockServer) -> None:
    """None gets another's events or outputs, and nothing is left."""
    before = set(threading.enumerate())

    async def one() -> None:
        run = start(client, "responses", tools=[tool(way, echo)], store=False)
        found = await events(run)
        assert [event.type for event in found].count("run.finished") == 1
        assert {event.output for event in found if event.type == "tool.finished"} == {"x"}

    server.queue(
        lambda request: (
            response(TEXT) if "function_call_output" in str(request.json()) else response(Call("echo", text="x"))
        ),
        repeat=None,
    )
    await way.gather(*[one] * 8)
    assert not [each for each in set(threading.enumerate()) - before if each.name.startswith("oxide-tool")]


# --- where it ends ----------------------------------------------------------------------------------------------------


async def test_a_limit_of_turns(way: Way, client: Any, server: MockServer, api: str) -> None:
    server.queue(script(api, Call("echo", text="x")), repeat=2)
    server.queue(script(api, TEXT))
    run = start(client, api, tools=[tool(way, echo)], max_turns=2)
    with pytest.raises(RunError, match="after 2 turns") as caught:
        await run.get_final_response()
    assert caught.value.reason == bare(run).reason == "turn_limit"
    # Nothing is lost.
    more = start(client, api, tools=[tool(way, echo)], max_turns=3, resume=caught.value.checkpoint)
    assert text_of(api, await more.get_final_response()) == TEXT
    assert bare(more).turn == 3


async def test_a_deadline(way: Way, client: Any, server: MockServer, api: str) -> None:
    never = Gate()

    def wait(ctx: ToolContext[None]) -> None:
        while not ctx.cancelled:
            threading.Event().wait(0.001)

    async def wait_async() -> None:
        await anyio.sleep_forever()

    wait_async.__name__ = "wait"
    waiting = wait if way.is_sync else wait_async
    for parts in ([Call("wait")], [never, "x"]):
        server.queue(script(api, *parts))
        run = start(client, api, tools=[waiting], deadline=0.2)
        with pytest.raises(RunError, match="deadline has passed"):
            await run.get_final_response()
        assert bare(run).reason == "deadline"
    never.open()


async def test_a_callback_ends_it(way: Way, client: Any, server: MockServer, api: str) -> None:
    server.queue(script(api, Call("echo", text="x")), repeat=3)
    run = start(client, api, tools=[tool(way, echo)], stop_when=lambda turn: turn.turn == 2)
    answer = await run.get_final_response()
    assert bare(run).reason == "stopped"
    assert bare(run).turn == 2
    assert answer == bare(run).response


async def test_an_answer_that_was_cut_off(way: Way, client: Any, server: MockServer, api: str) -> None:
    if api == "chat":
        server.queue(chat("so f", end="length"))
    else:
        server.queue(response("so f", end="incomplete", incomplete_details={"reason": "max_output_tokens"}))
    run = start(client, api, tools=[tool(way, echo)])
    assert text_of(api, await run.get_final_response()) == "so f"
    assert bare(run).reason == "incomplete"


# --- approvals, and what the run can't execute --------------------------------------------------------------------------

REQUEST = {"type": "mcp_approval_request", "id": "mcpr_1", "name": "delete", "arguments": "{}", "server_label": "files"}
MCP: Any = {"type": "mcp", "server_label": "files", "server_url": "https://example.com", "authorization": "secret"}


async def test_approvals_of_mcp_calls(way: Way, client: Any, server: MockServer) -> None:
    for answer in (True, False):
        asked: list[Approval] = []

        def approve(request: Approval, answer: bool = answer, asked: list[Approval] = asked) -> bool:
            asked.append(request)
            return answer

        server.queue(response(REQUEST, Call("echo", text="x")), response(TEXT))
        found = await events(start(client, "responses", tools=[MCP, tool(way, echo)], approve=approve))
        assert asked == [Approval("mcp", "mcpr_1", "delete", "{}", "files")]
        sent = server.requests[-1].json()["input"]
        assert {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": answer} in sent
        assert len(sent) == 2
        assert [event.approved for event in found if event.type == "approval.answered"] == [answer]


async def test_a_run_waits_for_an_approval_and_goes_on(way: Way, client: Any, server: MockServer) -> None:
    executed: list[str] = []

    def careful(what: str) -> str:
        executed.append(what)
        return what

    tools = [MCP, tool(way, careful, needs_approval=True), tool(way, echo)]
    calls = [Call("careful", what="a"), Call("careful", what="b"), Call("echo", text="x")]
    server.queue(response(REQUEST, *calls), response(TEXT))
    run = start(client, "responses", tools=tools)
    with pytest.raises(RunError, match="waits for the approval mcpr_1") as caught:
        await run.get_final_response()
    assert caught.value.reason == "pending"
    approvals, others = bare(run).pending
    assert [approval.id for approval in approvals] == ["mcpr_1", calls[0].call_id, calls[1].call_id]
    assert others == []
    assert executed == []
    assert "secret" not in str(caught.value.checkpoint)

    answers = {"mcpr_1": True, calls[0].call_id: True, calls[1].call_id: False}
    again = start(client, "responses", tools=tools, resume=caught.value.checkpoint, approvals=answers)
    assert (await again.get_final_response()).output_text == TEXT
    assert executed == ["a"]
    assert outputs(server) == {
        calls[0].call_id: "a",
        calls[1].call_id: "The call was not allowed.",
        calls[2].call_id: "x",
    }


async def test_tools_that_are_definitions(way: Way, client: Any, server: MockServer, api: str) -> None:
    inner = {"name": "look", "parameters": {"type": "object", "properties": {}}}
    definition: Any = {"type": "function", **inner} if api == "responses" else {"type": "function", "function": inner}
    call = Call("look", where="there")
    server.queue(script(api, call), script(api, TEXT))
    run = start(client, api, tools=[definition], functions={"look": lambda arguments: arguments["where"]})
    assert text_of(api, await run.get_final_response()) == TEXT
    assert outputs(server) == {call.call_id: "there"}

    server.queue(script(api, call), script(api, TEXT))
    run = start(client, api, tools=[definition])
    with pytest.raises(RunError, match=f"waits for the output of {call.call_id}") as caught:
        await run.get_final_response()
    assert bare(run).pending[1][0].name == "look"
    again = start(client, api, tools=[definition], resume=caught.value.checkpoint, outputs={call.call_id: {"a": 1}})
    assert text_of(api, await again.get_final_response()) == TEXT
    assert outputs(server) == {call.call_id: '{"a":1}'}


async def test_tools_in_namespaces(way: Way, client: Any, server: MockServer) -> None:
    def look(what: str) -> str:
        return f"outer {what}"

    def inside(what: str) -> str:
        return f"inner {what}"

    inner = tool(way, inside, name="look")
    space = {"type": "namespace", "name": "shop", "description": "A shop.", "tools": [inner]}
    calls = [
        Call("look", "call_1", what="a"),
        Call("look", "call_2", "shop", what="b"),
        # As the API says it of a function whose loading was deferred.
        Call("look", "call_3", "look", what="c"),
        Call("look", "call_4", "other", what="d"),
    ]
    server.queue(response(*calls), response(TEXT))
    await start(client, "responses", tools=[tool(way, look), space]).get_final_response()
    assert list(outputs(server).values()) == [
        "outer a",
        "inner b",
        "outer c",
        "There is no tool 'other.look'. There are: look.",
    ]


async def test_calls_of_other_kinds_wait_for_the_caller(way: Way, client: Any, server: MockServer) -> None:
    action = {"type": "screenshot"}
    item = {"type": "computer_call", "id": "cu_1", "call_id": "cc_1", "action": action, "status": "completed"}
    server.queue(response(item), response(TEXT))
    run = start(client, "responses", tools=[{"type": "computer"}])
    with pytest.raises(RunError, match="the output of cc_1") as caught:
        await run.get_final_response()
    output = {"type": "computer_call_output", "call_id": "cc_1", "output": {"type": "computer_screenshot"}}
    again = start(
        client, "responses", tools=[{"type": "computer"}], resume=caught.value.checkpoint, outputs={"cc_1": output}
    )
    assert (await again.get_final_response()).output_text == TEXT
    assert server.requests[-1].json()["input"] == [output]


# --- checkpoints ------------------------------------------------------------------------------------------------------


async def test_every_checkpoint_is_where_to_go_on_without_executing_anything_twice(
    way: Way, client: Any, server: MockServer, api: str
) -> None:
    executed: list[str] = []
    saved: list[Any] = []

    def note(what: str) -> str:
        executed.append(what)
        return what

    calls = [Call("note", what="a"), Call("note", what="b"), Call("note", what="c")]
    server.queue(script(api, *calls[:2]), script(api, calls[2]), script(api, TEXT))
    tools = [tool(way, note)]
    await start(client, api, tools=tools, save=saved.append).get_final_response()
    assert sorted(executed) == ["a", "b", "c"]
    assert saved[-1]["reason"] == "final"
    for checkpoint in saved[:-1]:
        checkpoint = msgspec.json.decode(msgspec.json.encode(checkpoint))
        begun = {call["call_id"]: call["state"] for call in checkpoint["calls"]}
        executed.clear()
        server.clear()
        server.queue(script(api, TEXT))
        resumed = start(client, api, tools=tools, resume=checkpoint)
        answer = await resumed.get_final_response()
        assert text_of(api, answer) == TEXT
        # What had begun is not begun again; what had not, is.
        names = {call.call_id: str(msgspec.json.decode(call.text)["what"]) for call in calls}
        assert sorted(executed) == sorted(names[call] for call, state in begun.items() if state == "waiting")
        said = outputs(server)
        for call, state in begun.items():
            assert said[call] == (
                "The call was interrupted. Whether it had any effect is not known."
                if state == "started"
                else names[call]
            )


async def test_a_run_that_broke_off_goes_on_with_what_was_complete(
    way: Way, client: Any, server: MockServer, api: str
) -> None:
    """The connection breaks in the middle of a response, when a tool has been executed."""
    executed: list[str] = []

    def note(what: str) -> str:
        executed.append(what)
        return what

    call = Call("note", what="a")
    # In a chat completion the first call is complete when the second begins.
    whole = list(script(api, call, Call("note", what="b"), "x").events or ())
    cut = 5 if api == "responses" else 4
    done = Gate()
    server.queue(Stream([*whole[:cut], done, b": \n\n"], reset_after=cut + 1))
    tools = [tool(way, note)]
    run = start(client, api, tools=tools)
    async with run:
        # The connection breaks when the tool has begun.
        with pytest.raises(oxide.APIConnectionError):  # noqa: PT012
            async for event in run:
                if event.type == "tool.started":
                    done.open()
    checkpoint = bare(run).checkpoint()
    assert [entry["call_id"] for entry in checkpoint["calls"]] == [call.call_id]
    server.queue(script(api, TEXT))
    outputs_ = {call.call_id: "a"}
    again = start(client, api, tools=tools, resume=checkpoint, outputs=outputs_)
    assert text_of(api, await again.get_final_response()) == TEXT
    assert executed == ["a"]
    assert outputs(server) == outputs_
    body = server.requests[-1].json()
    if api == "responses":
        assert [item.get("type", "message") for item in body["input"]] == [
            "message",
            "function_call",
            "function_call_output",
        ]
        assert "previous_response_id" not in body
    else:
        assert [message["role"] for message in body["messages"]] == ["user", "assistant", "tool"]


async def test_a_conversation_goes_on(way: Way, client: Any, server: MockServer) -> None:
    server.queue(response("one", id="resp_a"), response("two"))
    run = start(client, "responses", tools=[tool(way, echo)])
    await run.get_final_response()
    again = start(client, "responses", tools=[tool(way, echo)], resume=bare(run).checkpoint())
    assert (await again.get_final_response()).output_text == "two"
    body = server.requests[-1].json()
    assert body["previous_response_id"] == "resp_a"
    assert body["input"] == [{"role": "user", "content": "hi"}]


async def test_something_is_said_in_between(way: Way, client: Any, server: MockServer, api: str) -> None:
    server.queue(script(api, Call("echo", text="x")), script(api, TEXT))
    run = start(client, api, tools=[tool(way, echo)])
    async with run:
        async for event in run:
            if event.type == "turn.finished" and not event.final:
                bare(run).add_input("be quick")
    body = server.requests[-1].json()
    assert body.get("messages", body.get("input"))[-1] == {"role": "user", "content": "be quick"}


# --- what requests carry ------------------------------------------------------------------------------------------------


async def test_without_storing_each_request_carries_everything(way: Way, client: Any, server: MockServer) -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "abc"}
    call = Call("echo", text="x")
    server.queue(response(reasoning, call), response(TEXT))
    await start(client, "responses", tools=[tool(way, echo)], store=False).get_final_response()
    first, second = (request.json() for request in server.requests)
    assert first["include"] == second["include"] == ["reasoning.encrypted_content"]
    assert "previous_response_id" not in second
    assert second["input"][:2] == [{"role": "user", "content": "hi"}, reasoning]
    assert [item["type"] for item in second["input"][2:]] == ["function_call", "function_call_output"]


async def test_a_conversation_object_keeps_it(way: Way, client: Any, server: MockServer) -> None:
    server.queue(response(Call("echo", text="x")), response(TEXT))
    await start(client, "responses", tools=[tool(way, echo)], conversation="conv_1").get_final_response()
    body = server.requests[-1].json()
    assert body["conversation"] == "conv_1"
    assert "previous_response_id" not in body
    assert [item["type"] for item in body["input"]] == ["function_call_output"]


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "echo"}])
async def test_a_forced_call_is_forced_once(way: Way, client: Any, server: MockServer, choice: Any) -> None:
    server.queue(response(Call("echo", text="x")), response(TEXT))
    await start(client, "responses", tools=[tool(way, echo)], tool_choice=choice).get_final_response()
    assert [request.json().get("tool_choice") for request in server.requests] == [choice, None]


async def test_a_budget_of_what_is_carried(way: Way, client: Any, server: MockServer, api: str) -> None:
    calls = [Call("echo", text=letter * 400) for letter in "abc"]
    server.queue(*(script(api, call) for call in calls), script(api, TEXT))
    budget = ContextBudget(max_bytes=2500 if api == "responses" else 2600)
    await start(client, api, tools=[tool(way, echo)], context_budget=budget).get_final_response()
    said = list(outputs(server).values())
    assert said[0] == "(left out: the conversation has become too long)"
    assert said[-1] == "c" * 400

    server.queue(script(api, calls[0]))
    with pytest.raises(ValueError, match=r"over its budget.*pass a `compact` function"):
        await start(client, api, tools=[tool(way, echo)], context_budget=ContextBudget(500)).get_final_response()

    server.queue(script(api, calls[0]), script(api, TEXT))
    seen: list[Any] = []

    def compact(items: list[Any]) -> list[Any]:
        seen.append(items)
        return items[:1]

    budget = ContextBudget(500, compact=compact)
    await start(client, api, tools=[tool(way, echo)], context_budget=budget).get_final_response()
    assert len(seen) == 1
    body = server.requests[-1].json()
    assert body.get("messages", body.get("input")) == [{"role": "user", "content": "hi"}]


async def test_the_context_reaches_the_tools(way: Way, client: Any, server: MockServer) -> None:
    seen: list[Any] = []

    def look(a: int, ctx: ToolContext[dict[str, int]]) -> None:
        seen.append((ctx.context, ctx.name, ctx.call_id, ctx.arguments, ctx.turn, ctx.cancelled))

    call = Call("look", a=1)
    server.queue(response(call), response(TEXT))
    await start(client, "responses", tools=[tool(way, look)], context={"user": 5}).get_final_response()
    assert seen == [({"user": 5}, "look", call.call_id, '{"a": 1}', 1, False)]


class Verdict(msgspec.Struct):
    good: bool


async def test_an_answer_of_a_type(way: Way, client: Any, server: MockServer, api: str) -> None:
    name = "response_format" if api == "chat" else "text_format"
    server.queue(script(api, "let me see", Call("echo", text="x")), script(api, '{"good": true}'))
    run = start(client, api, tools=[tool(way, echo)], **{name: Verdict})
    answer = await run.get_final_response()
    parsed = answer.choices[0].message.parsed if api == "chat" else answer.output_parsed
    assert parsed == Verdict(True)
    body = server.requests[-1].json()
    form = body["response_format"]["json_schema"] if api == "chat" else body["text"]["format"]
    assert (form["name"], form["strict"]) == ("Verdict", True)

    server.queue(script(api, "good"))
    with pytest.raises(oxide.StructuredOutputError, match="not a valid Verdict"):
        await start(client, api, tools=[tool(way, echo)], **{name: Verdict}).get_final_response()


# --- mistakes of the caller -----------------------------------------------------------------------------------------------


async def test_a_run_of_chat_completions_has_the_name_of_its_streams(client: Any, server: MockServer) -> None:
    server.queue(chat(TEXT))
    run = client.chat.completions.run_tools(model="m", messages=[{"role": "user", "content": "x"}], tools=[])
    completion = await run.get_final_completion()
    assert completion.choices[0].message.content == TEXT


def test_wrong_arguments() -> None:
    async def later() -> None: ...

    with oxide.OpenAI(api_key="sk-test") as client:
        run: Any = client.responses.run_tools
        for arguments, message in (
            ({"tools": [later]}, "coroutine function"),
            ({"tools": [echo], "approve": later}, "approve is a coroutine function"),
            ({"tools": [echo], "stream": False}, "streams every turn"),
        ):
            with pytest.raises(TypeError, match=message):
                run(model="m", input="hi", **arguments)
        for arguments, message in (
            ({"max_turns": 0}, "max_turns must be"),
            ({"max_concurrent": True}, "max_concurrent must be"),
            ({"deadline": -1}, "deadline must be"),
            ({"on_error": "ignore"}, "on_error must be"),
            ({"tools": [echo, echo]}, "two tools of the name 'echo'"),
            ({"functions": {"other": echo}}, "no tool of the name 'other'; there are echo"),
            ({"early": ["other"]}, "no tool of the name 'other'"),
            ({"resume": {}}, "resume must be"),
            ({"context_budget": ContextBudget(5), "conversation": "c"}, "whole conversation"),
        ):
            with pytest.raises(ValueError, match=message):
                run(**{"model": "m", "input": "hi", "tools": [echo], **arguments})
        with pytest.raises(ValueError, match="n must be 1"):
            client.chat.completions.run_tools(model="m", messages=[], tools=[echo], n=2)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="max_bytes must be"):
        ContextBudget(-1)


def test_the_listed_parameters_are_those_of_create() -> None:
    from oxide.helpers._run_params import ChatRunParams, ResponseRunParams, RunOptions
    from oxide.types.chat.completion_create_params import CompletionCreateParamsBase
    from oxide.types.responses.response_create_params import ResponseCreateParamsBase

    own = set(RunOptions.__annotations__)
    mine, theirs = set(ResponseRunParams.__annotations__) - own, set(ResponseCreateParamsBase.__annotations__)
    assert mine - theirs == {"carry_input"}
    assert theirs - mine == {"background", "background_options"}
    mine, theirs = set(ChatRunParams.__annotations__) - own, set(CompletionCreateParamsBase.__annotations__)
    assert mine - theirs == set()
    # One answer, the tools of today, and what has a place in the signature.
    assert theirs - mine == {"n", "functions", "function_call", "response_format"}


async def test_an_unknown_parameter_is_told(way: Way, client: Any) -> None:
    with pytest.raises(TypeError, match="max_turn"):
        await start(client, "responses", tools=[echo], max_turn=3).get_final_response()


async def test_an_asynchronous_run_has_to_be_entered(way: Way, client: Any) -> None:
    run = start(client, "responses", tools=[echo])
    if not way.is_sync:
        with pytest.raises(RuntimeError, match="async with"):
            await run.__anext__()
    assert isinstance(ToolFinished, type)
