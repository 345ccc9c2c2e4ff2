"""Streams of every kind, as the API sends them: lists of events or chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Event = dict[str, Any]


class ResponseScript:
    """Events of one response, numbered, with the items that they add up to.

    Attributes:
        events: so far.
    """

    def __init__(self, *, response_id: str = "resp_1", first: str = "created", **fields: Any) -> None:
        self.events: list[Event] = []
        self.items: dict[int, Event] = {}
        self.fields = {
            "id": response_id,
            "object": "response",
            "created_at": 1750000000,
            "model": "gpt-x",
            "status": "in_progress",
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "temperature": 1.0,
            "top_p": 1.0,
            **fields,
        }
        self.send(f"response.{first}", response={**self.fields, "output": []})

    def send(self, type: str, **fields: Any) -> None:
        self.events.append({"type": type, "sequence_number": len(self.events), **fields})

    def begin(self, index: int, item: Event) -> None:
        """Announce an item."""
        self.send("response.output_item.added", output_index=index, item={**item, "status": "in_progress"})
        self.items[index] = item

    def done(self, index: int, **fields: Any) -> None:
        """An item is complete."""
        self.items[index] = {**self.items[index], "status": "completed", **fields}
        self.send("response.output_item.done", output_index=index, item=self.items[index])

    def end(self, status: str = "completed", *, output: bool = True, **fields: Any) -> list[Event]:
        """The last event, and all of them."""
        response = {**self.fields, "status": status, **fields}
        if output:
            response["output"] = [self.items[index] for index in sorted(self.items)]
        if status == "completed":
            response["usage"] = {
                "input_tokens": 3,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": 5,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 8,
            }
        self.send(f"response.{status}", response=response)
        return self.events


def message(script: ResponseScript, index: int, pieces: list[str], *, finish: bool = True, **fields: Any) -> None:
    """A message of one text."""
    item_id = f"msg_{index}"
    script.begin(index, {"type": "message", "id": item_id, "role": "assistant", "content": [], **fields})
    place = {"item_id": item_id, "output_index": index, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    script.send("response.content_part.added", part=part, **place)
    for piece in pieces:
        script.send("response.output_text.delta", delta=piece, logprobs=[], **place)
    text = "".join(pieces)
    if finish:
        part = {**part, "text": text}
        script.send("response.output_text.done", text=text, logprobs=[], **place)
        script.send("response.content_part.done", part=part, **place)
        script.done(index, content=[part])


def call(index: int, name: str = "look_up", **fields: Any) -> Event:
    """A function call before its arguments."""
    return {
        "type": "function_call",
        "id": f"fc_{index}",
        "call_id": f"call_{index}",
        "name": name,
        "arguments": "",
        **fields,
    }


def arguments(script: ResponseScript, index: int, piece: str) -> None:
    """A piece of a function call's arguments."""
    script.send("response.function_call_arguments.delta", item_id=f"fc_{index}", output_index=index, delta=piece)


def arguments_done(script: ResponseScript, index: int, text: str, name: str = "look_up") -> None:
    """A function call's arguments are complete, and the call is."""
    script.send(
        "response.function_call_arguments.done",
        item_id=f"fc_{index}",
        output_index=index,
        name=name,
        arguments=text,
    )
    script.done(index, arguments=text)


def text() -> list[Event]:
    script = ResponseScript()
    script.send("response.in_progress", response={**script.fields, "output": []})
    message(script, 0, ["Hel", "lo", " 🐍", "", "!"])
    return script.end()


def text_with_logprobs_and_annotations() -> list[Event]:
    script = ResponseScript()
    script.begin(0, {"type": "message", "id": "msg_0", "role": "assistant", "content": [], "phase": "commentary"})
    place = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
    part: Event = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    script.send("response.content_part.added", part=part, **place)
    probability = {"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "a", "logprob": -0.5}]}
    script.send("response.output_text.delta", delta="a", logprobs=[probability], **place)
    citation = {"type": "url_citation", "url": "https://x.test", "title": "X", "start_index": 0, "end_index": 1}
    script.send("response.output_text.annotation.added", annotation=citation, annotation_index=0, **place)
    script.send("response.output_text.done", text="a", logprobs=[probability], **place)
    part = {**part, "text": "a", "annotations": [citation]}
    script.send("response.content_part.done", part=part, **place)
    script.done(0, content=[part])
    return script.end()


def refusal() -> list[Event]:
    script = ResponseScript()
    script.begin(0, {"type": "message", "id": "msg_0", "role": "assistant", "content": []})
    place = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
    script.send("response.content_part.added", part={"type": "refusal", "refusal": ""}, **place)
    for piece in ("I can", "not."):
        script.send("response.refusal.delta", delta=piece, **place)
    script.send("response.refusal.done", refusal="I cannot.", **place)
    script.send("response.content_part.done", part={"type": "refusal", "refusal": "I cannot."}, **place)
    script.done(0, content=[{"type": "refusal", "refusal": "I cannot."}])
    return script.end()


def reasoning() -> list[Event]:
    script = ResponseScript()
    script.begin(0, {"type": "reasoning", "id": "rs_0", "summary": [], "content": []})
    for index, pieces in enumerate((["First", " this."], ["Then."])):
        place = {"item_id": "rs_0", "output_index": 0, "summary_index": index}
        script.send("response.reasoning_summary_part.added", part={"type": "summary_text", "text": ""}, **place)
        for piece in pieces:
            script.send("response.reasoning_summary_text.delta", delta=piece, **place)
        script.send("response.reasoning_summary_text.done", text="".join(pieces), **place)
        part = {"type": "summary_text", "text": "".join(pieces)}
        script.send("response.reasoning_summary_part.done", part=part, **place)
    place = {"item_id": "rs_0", "output_index": 0, "content_index": 0}
    for piece in ("raw ", "thought"):
        script.send("response.reasoning_text.delta", delta=piece, **place)
    script.send("response.reasoning_text.done", text="raw thought", **place)
    summary = [{"type": "summary_text", "text": each} for each in ("First this.", "Then.")]
    script.done(0, summary=summary, content=[{"type": "reasoning_text", "text": "raw thought"}])
    message(script, 1, ["So."])
    return script.end()


def parallel_calls() -> list[Event]:
    """Two calls whose arguments come by turns, after a message."""
    script = ResponseScript()
    message(script, 0, ["Let me see."])
    script.begin(1, call(1))
    script.begin(2, call(2, namespace="shop"))
    for first, second in (('{"ci', '{"q"'), ('ty": "Pa', ": [1, 2"), ('ris"}', "]}")):
        arguments(script, 1, first)
        arguments(script, 2, second)
    arguments_done(script, 2, '{"q": [1, 2]}')
    arguments_done(script, 1, '{"city": "Paris"}')
    return script.end()


def custom_tool() -> list[Event]:
    script = ResponseScript()
    item = {"type": "custom_tool_call", "id": "ct_0", "call_id": "call_0", "name": "shell", "input": ""}
    script.begin(0, item)
    for piece in ("ls", " -la"):
        script.send("response.custom_tool_call_input.delta", item_id="ct_0", output_index=0, delta=piece)
    script.send("response.custom_tool_call_input.done", item_id="ct_0", output_index=0, input="ls -la")
    script.done(0, input="ls -la")
    return script.end()


def searches() -> list[Event]:
    script = ResponseScript()
    for index, kind in enumerate(("web_search", "file_search")):
        item: Event = {"type": f"{kind}_call", "id": f"s_{index}"}
        if kind == "file_search":
            item.update(queries=["q"], results=None)
        else:
            item.update(action={"type": "search", "query": "q"})
        script.begin(index, item)
        for state in ("in_progress", "searching", "completed"):
            script.send(f"response.{kind}_call.{state}", item_id=f"s_{index}", output_index=index)
        script.done(index)
    message(script, 2, ["Found", " it."])
    return script.end()


def code_interpreter() -> list[Event]:
    script = ResponseScript()
    item = {"type": "code_interpreter_call", "id": "ci_0", "code": "", "container_id": "c", "outputs": []}
    script.begin(0, item)
    place = {"item_id": "ci_0", "output_index": 0}
    script.send("response.code_interpreter_call.in_progress", **place)
    for piece in ("1 ", "+ 1"):
        script.send("response.code_interpreter_call_code.delta", delta=piece, **place)
    script.send("response.code_interpreter_call_code.done", code="1 + 1", **place)
    script.send("response.code_interpreter_call.interpreting", **place)
    script.send("response.code_interpreter_call.completed", **place)
    script.done(0, code="1 + 1", outputs=[{"type": "logs", "logs": "2"}])
    return script.end()


def mcp() -> list[Event]:
    script = ResponseScript()
    script.begin(0, {"type": "mcp_list_tools", "id": "l_0", "server_label": "s", "tools": []})
    script.send("response.mcp_list_tools.in_progress", item_id="l_0", output_index=0)
    script.send("response.mcp_list_tools.completed", item_id="l_0", output_index=0)
    script.done(0, tools=[{"name": "t", "input_schema": {"type": "object"}}])
    script.begin(1, {"type": "mcp_call", "id": "m_1", "server_label": "s", "name": "t", "arguments": ""})
    place = {"item_id": "m_1", "output_index": 1}
    script.send("response.mcp_call.in_progress", **place)
    script.send("response.mcp_call_arguments.delta", delta="{}", **place)
    script.send("response.mcp_call_arguments.done", arguments="{}", **place)
    script.send("response.mcp_call.failed", **place)
    script.done(1, arguments="{}", error={"type": "protocol_error", "code": 1, "message": "no"}, status="failed")
    script.begin(2, {"type": "mcp_approval_request", "id": "a_2", "server_label": "s", "name": "t", "arguments": "{}"})
    script.done(2)
    return script.end()


def image_generation() -> list[Event]:
    script = ResponseScript()
    script.begin(0, {"type": "image_generation_call", "id": "ig_0", "result": None})
    place = {"item_id": "ig_0", "output_index": 0}
    script.send("response.image_generation_call.in_progress", **place)
    script.send("response.image_generation_call.generating", **place)
    for index in range(2):
        script.send(
            "response.image_generation_call.partial_image",
            partial_image_index=index,
            partial_image_b64="QUJD",
            **place,
        )
    script.send("response.image_generation_call.completed", **place)
    script.done(0, result="QUJDRA==")
    return script.end()


def audio() -> list[Event]:
    script = ResponseScript()
    for piece in ("QUI=", "Q0Q="):
        script.send("response.audio.delta", delta=piece)
        script.send("response.audio.transcript.delta", delta="a")
    script.send("response.audio.transcript.done")
    script.send("response.audio.done")
    message(script, 0, ["said"])
    return script.end()


def unknown_things() -> list[Event]:
    """Fields, items and events of a later version of the API."""
    script = ResponseScript(brand_new={"a": [1]})
    script.send("response.something.new", thing=1)
    script.begin(0, {"type": "hologram_call", "id": "h_0", "depth": 3})
    script.done(0, depth=4)
    script.send("response.output_item.added", output_index=9, item=None)
    message(script, 1, ["x"], mood="good")
    script.send("keepalive")
    return script.end()


def failed() -> list[Event]:
    script = ResponseScript()
    message(script, 0, ["half"], finish=False)
    script.items[0] = {**script.items[0], "status": "incomplete"}
    return script.end("failed", error={"code": "server_error", "message": "broke"})


def failed_without_output() -> list[Event]:
    script = ResponseScript()
    message(script, 0, ["whole"])
    message(script, 1, ["half"], finish=False)
    return script.end("failed", output=False, error={"code": "server_error", "message": "broke"})


def incomplete() -> list[Event]:
    script = ResponseScript()
    message(script, 0, ['{"a"'])
    script.items[0] = {**script.items[0], "status": "incomplete"}
    return script.end("incomplete", incomplete_details={"reason": "max_output_tokens"})


def completed_without_output() -> list[Event]:
    script = ResponseScript()
    message(script, 1, ["one"])
    message(script, 0, ["zero"])
    return script.end(output=False)


def error_event() -> list[Event]:
    script = ResponseScript()
    message(script, 0, ["half"], finish=False)
    script.send("error", code="server_error", message="the model broke", param=None)
    return script.events


def queued() -> list[Event]:
    script = ResponseScript(background=True)
    script.send("response.queued", response={**script.fields, "status": "queued", "output": None})
    script.send("response.in_progress", response=dict(script.fields))
    message(script, 0, ["done"])
    return script.end()


RESPONSES: dict[str, Callable[[], list[Event]]] = {
    function.__name__: function
    for function in (
        text,
        text_with_logprobs_and_annotations,
        refusal,
        reasoning,
        parallel_calls,
        custom_tool,
        searches,
        code_interpreter,
        mcp,
        image_generation,
        audio,
        unknown_things,
        failed,
        failed_without_output,
        incomplete,
        completed_without_output,
        error_event,
        queued,
    )
}


# --- chat ----------------------------------------------------------------------------------------------------------------


def chunk(*choices: Event, **fields: Any) -> Event:
    """A chunk of a chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1750000000,
        "model": "gpt-x",
        "system_fingerprint": "fp_1",
        "choices": list(choices),
        **fields,
    }


def part(delta: Event, index: int = 0, finish: str | None = None, **fields: Any) -> Event:
    """A chunk's part for one choice."""
    return {"index": index, "delta": delta, "finish_reason": finish, **fields}


USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


def _texts(*pieces: str, index: int = 0) -> list[Event]:
    return [chunk(part({"content": piece}, index)) for piece in pieces]


def _start(index: int = 0, **delta: Any) -> Event:
    return chunk(part({"role": "assistant", "content": "", "refusal": None, **delta}, index, logprobs=None))


def chat_text() -> list[Event]:
    return [_start(), *_texts("Hel", "lo 🐍", "!"), chunk(part({}, finish="stop")), chunk(usage=USAGE)]


def chat_json() -> list[Event]:
    pieces = ("{", '"name"', ': "A', 'da", "age"', ": 3", "6, ", '"tags": ["x"', ', "y"]', "}")
    return [_start(), *_texts(*pieces), chunk(part({}, finish="stop")), chunk(usage=USAGE)]


def chat_refusal() -> list[Event]:
    pieces = [chunk(part({"refusal": piece})) for piece in ("I can", "not.")]
    return [_start(content=None, refusal=""), *pieces, chunk(part({}, finish="stop"))]


def fragment(index: int, name: str | None = None, text: str | None = None) -> Event:
    """A piece of a call: the first has a name."""
    if name is not None:
        function = {"name": name, "arguments": text or ""}
        return {"index": index, "id": f"call_{index}", "type": "function", "function": function}
    return {"index": index, "function": {"arguments": text}}


def chat_calls() -> list[Event]:
    parts = [
        fragment(0, "look_up"),
        fragment(0, text='{"city": '),
        fragment(0, text='"Paris"}'),
        fragment(1, "look_up"),
        fragment(1, text='{"city": "Ro'),
        fragment(1, text='me"}'),
    ]
    chunks = [chunk(part({"tool_calls": [each]})) for each in parts]
    return [_start(content=None), *chunks, chunk(part({}, finish="tool_calls")), chunk(usage=USAGE)]


def chat_text_then_call() -> list[Event]:
    chunks = [chunk(part({"tool_calls": [each]})) for each in (fragment(0, "look_up"), fragment(0, text="{}"))]
    return [_start(), *_texts("Let me ", "see."), *chunks, chunk(part({}, finish="tool_calls"))]


def chat_choices() -> list[Event]:
    """Two choices by turns."""
    turns = [each for pair in zip(_texts("a", "b", "c"), _texts("x", "y", "z", index=1), strict=True) for each in pair]
    ends = [chunk(part({}, index, finish="stop")) for index in (1, 0)]
    return [_start(), _start(1), *turns, *ends, chunk(usage=USAGE)]


def _probability(token: str) -> Event:
    return {"token": token, "logprob": -0.25, "bytes": [1], "top_logprobs": []}


def chat_logprobs() -> list[Event]:
    chunks = [
        chunk(part({"content": piece}, logprobs={"content": [_probability(piece)], "refusal": None}))
        for piece in ("a", "b", "c")
    ]
    refused = chunk(part({"refusal": "no"}, logprobs={"content": None, "refusal": [_probability("no")]}))
    return [_start(), *chunks, refused, chunk(part({}, finish="stop"))]


def chat_audio() -> list[Event]:
    pieces: list[Event] = [
        {"audio": {"id": "audio_1"}},
        {"audio": {"data": "QUI="}},
        {"audio": {"data": "Q0Q=", "transcript": "Hel"}},
        {"audio": {"transcript": "lo"}},
        {"audio": {"expires_at": 1750003600}},
    ]
    return [_start(content=None), *(chunk(part(each)) for each in pieces), chunk(part({}, finish="stop"))]


def chat_reasoning() -> list[Event]:
    """Fields that other servers send."""
    pieces = [chunk(part({"reasoning_content": piece, "content": None})) for piece in ("Hm", "m.")]
    return [_start(), *pieces, *_texts("So"), chunk(part({}, finish="stop", stop_token=7), timings={"ms": 3})]


def chat_custom_tool() -> list[Event]:
    first = {"index": 0, "id": "call_0", "type": "custom", "custom": {"name": "shell", "input": ""}}
    more = {"index": 0, "custom": {"input": "ls"}}
    chunks = [chunk(part({"tool_calls": [each]})) for each in (first, more)]
    return [_start(content=None), *chunks, chunk(part({}, finish="tool_calls"))]


def chat_cut_off() -> list[Event]:
    return [_start(), *_texts('{"name"', ': "A'), chunk(part({}, finish="length"))]


def chat_filtered() -> list[Event]:
    return [_start(), *_texts('{"na'), chunk(part({}, finish="content_filter"))]


def chat_azure() -> list[Event]:
    """A first chunk without choices, and one at the end that is none of the completion."""
    first = chunk(id="", created=0, model="", prompt_filter_results=[{"prompt_index": 0}])
    filtered = {**chunk(part({}, content_filter_offsets={"check_offset": 1})), "object": ""}
    return [first, _start(), *_texts("a", "b"), filtered, chunk(part({}, finish="stop"))]


def chat_moderation() -> list[Event]:
    result = {"type": "error", "code": "c", "message": "m"}
    moderated = chunk(moderation={"input": result, "output": result})
    return [_start(), *_texts("a"), moderated, chunk(part({}, finish="stop"), service_tier="default")]


CHATS: dict[str, Callable[[], list[Event]]] = {
    function.__name__: function
    for function in (
        chat_text,
        chat_json,
        chat_refusal,
        chat_calls,
        chat_text_then_call,
        chat_choices,
        chat_logprobs,
        chat_audio,
        chat_reasoning,
        chat_custom_tool,
        chat_cut_off,
        chat_filtered,
        chat_azure,
        chat_moderation,
    )
}


# --- assistants ----------------------------------------------------------------------------------------------------------


def _message(status: str = "in_progress", number: int = 1, **fields: Any) -> Event:
    return {
        "id": f"msg_{number}",
        "object": "thread.message",
        "created_at": 1,
        "thread_id": "thread_1",
        "role": "assistant",
        "status": status,
        "content": [],
        "metadata": {},
        **fields,
    }


def _run(status: str) -> Event:
    return {"id": "run_1", "object": "thread.run", "status": status, "thread_id": "thread_1", "assistant_id": "a"}


def _step(status: str, kind: str, number: int, **details: Any) -> Event:
    step_details = {"type": kind, **details}
    return {
        "id": f"step_{number}",
        "object": "thread.run.step",
        "status": status,
        "type": kind,
        "run_id": "run_1",
        "step_details": step_details,
    }


def _piece(*content: Event, number: int = 1) -> Event:
    return {"id": f"msg_{number}", "object": "thread.message.delta", "delta": {"content": list(content)}}


def _written(index: int, value: str | None = None, **text: Any) -> Event:
    return {"index": index, "type": "text", "text": ({} if value is None else {"value": value}) | text}


def _called(number: int, *calls: Event) -> Event:
    details = {"type": "tool_calls", "tool_calls": list(calls)}
    return {"id": f"step_{number}", "object": "thread.run.step.delta", "delta": {"step_details": details}}


def assistant_run() -> list[tuple[str, Any]]:
    """Names and data of the events of a run that calls tools and writes two messages."""
    citation = {"index": 0, "type": "file_citation", "text": "[1]", "start_index": 0, "end_index": 3}
    code = {"index": 0, "id": "call_0", "type": "code_interpreter", "code_interpreter": {"input": "", "outputs": []}}
    logs = {"index": 0, "type": "logs", "logs": "4"}
    function = {"index": 1, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
    final = [{"type": "text", "text": {"value": "Four.", "annotations": []}}]
    image = {"type": "image_file", "image_file": {"file_id": "file_1"}}
    return [
        ("thread.created", {"id": "thread_1", "object": "thread"}),
        *((f"thread.run.{status}", _run(status)) for status in ("created", "queued", "in_progress")),
        ("thread.run.step.created", _step("in_progress", "tool_calls", 1, tool_calls=[])),
        ("thread.run.step.in_progress", _step("in_progress", "tool_calls", 1, tool_calls=[])),
        ("thread.run.step.delta", _called(1, code)),
        ("thread.run.step.delta", _called(1, {**code, "id": None, "code_interpreter": {"input": "2 +"}})),
        ("thread.run.step.delta", _called(1, {**code, "id": None, "code_interpreter": {"input": " 2"}})),
        ("thread.run.step.delta", _called(1, {**code, "id": None, "code_interpreter": {"outputs": [logs]}})),
        ("thread.run.step.delta", _called(1, function)),
        ("thread.run.step.delta", _called(1, {**function, "id": None, "function": {"arguments": '{"a": 1}'}})),
        ("thread.run.step.completed", _step("completed", "tool_calls", 1, tool_calls=[])),
        ("thread.run.step.created", _step("in_progress", "message_creation", 2, message_creation={"message_id": "m"})),
        ("thread.message.created", _message()),
        ("thread.message.in_progress", _message()),
        ("thread.message.delta", _piece(_written(0, "Fo", annotations=[]))),
        ("thread.message.delta", _piece(_written(0, "ur"))),
        ("thread.message.delta", _piece(_written(0, ".", annotations=[citation]))),
        ("thread.message.delta", _piece({"index": 1, **image})),
        ("thread.message.delta", _piece(_written(2, "Th"), _written(2, "en"))),
        ("thread.message.completed", _message("completed", content=[*final, image, *final])),
        ("thread.message.created", _message(number=2)),
        ("thread.message.delta", _piece(_written(0, "Bye"), number=2)),
        ("thread.message.incomplete", _message("incomplete", 2, content=[*final, image, *final])),
        ("thread.run.step.completed", _step("completed", "message_creation", 2, message_creation={"message_id": "m"})),
        ("thread.run.completed", _run("completed")),
        ("done", "[DONE]"),
    ]
