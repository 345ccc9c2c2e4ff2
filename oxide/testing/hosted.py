"""The tools that run at the API, and the calls of those tools that the client has to run but that are no functions."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from .prompt import Prompt
from .turn import Turn

__all__ = ["Hosted", "run"]

JSON = dict[str, Any]

# One transparent pixel.
_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


@dataclass
class Hosted:
    """What the tools of a turn lead to.

    Attributes:
        annotations: what the message that follows cites.
        waits: an item was written that the client has to answer first.
    """

    annotations: list[JSON] = field(default_factory=list)
    waits: bool = False


def run(turn: Turn, tool: JSON, prompt: Prompt, include: Collection[str], found: Hosted) -> None:
    """Use one tool; one of a kind that is not known here (or that is a function) is passed over."""
    runner = _RUNNERS.get(tool["type"].partition("_20")[0])
    if runner is not None:
        runner(turn, tool, prompt, include, found)


def _steps(turn: Turn, item: JSON, kind: str, *steps: str) -> int:
    index = turn.begin(item)
    _go(turn, item, index, kind, *steps)
    return index


def _go(turn: Turn, item: JSON, index: int, kind: str, *steps: str) -> None:
    for step in steps:
        turn.emit(f"response.{kind}.{step}", item_id=item["id"], output_index=index)


def _web_search(turn: Turn, tool: JSON, prompt: Prompt, include: Collection[str], found: Hosted) -> None:
    action: JSON = {"type": "search", "query": prompt.text, "queries": [prompt.text]}
    item = {"id": turn.id("ws_"), "type": "web_search_call", "status": "in_progress", "action": action}
    index = _steps(turn, item, "web_search_call", "in_progress", "searching", "completed")
    if "web_search_call.action.sources" in include:
        action = {**action, "sources": [{"type": "url", "url": "https://example.com/found"}]}
    turn.end(index, {**item, "status": "completed", "action": action})
    found.annotations.append(
        {
            "type": "url_citation",
            "start_index": 0,
            "end_index": 8,
            "title": "An example",
            "url": "https://example.com/found",
        }
    )


def _file_search(turn: Turn, tool: JSON, prompt: Prompt, include: Collection[str], found: Hosted) -> None:
    item = {
        "id": turn.id("fs_"),
        "type": "file_search_call",
        "status": "in_progress",
        "queries": [prompt.text],
        "results": None,
    }
    index = _steps(turn, item, "file_search_call", "in_progress", "searching", "completed")
    results = None
    if "file_search_call.results" in include:
        results = [
            {
                "file_id": "file-example",
                "filename": "example.txt",
                "score": 0.75,
                "text": f"About: {prompt.text}",
                "attributes": {},
            }
        ]
    turn.end(index, {**item, "status": "completed", "results": results})
    found.annotations.append(
        {"type": "file_citation", "index": 8, "file_id": "file-example", "filename": "example.txt"}
    )


def _code_interpreter(turn: Turn, tool: JSON, prompt: Prompt, include: Collection[str], found: Hosted) -> None:
    container = tool.get("container")
    code = f"print({prompt.text!r})"
    item = {
        "id": turn.id("ci_"),
        "type": "code_interpreter_call",
        "status": "in_progress",
        "code": "",
        "container_id": container if isinstance(container, str) else turn.id("cntr_"),
        "outputs": None,
    }
    index = _steps(turn, item, "code_interpreter_call", "in_progress")
    where = {"item_id": item["id"], "output_index": index}
    code = turn.take(code)
    turn.deltas("response.code_interpreter_call_code.delta", code, **where)
    turn.emit("response.code_interpreter_call_code.done", **where, code=code)
    _go(turn, item, index, "code_interpreter_call", "interpreting", "completed")
    outputs = None
    if "code_interpreter_call.outputs" in include:
        outputs = [{"type": "logs", "logs": prompt.text + "\n"}]
    turn.end(index, {**item, "status": "completed", "code": code, "outputs": outputs})
    found.annotations.append(
        {
            "type": "container_file_citation",
            "container_id": item["container_id"],
            "file_id": "cfile-example",
            "filename": "out.txt",
            "start_index": 0,
            "end_index": 8,
        }
    )


def _image_generation(turn: Turn, tool: JSON, prompt: Prompt, include: Collection[str], found: Hosted) -> None:
    look = {
        "background": "transparent",
        "output_format": tool.get("output_format", "png"),
        "quality": "low",
        "size": "1024x1024",
    }
    item = {"id": turn.id("ig_"), "type": "image_generation_call", "status": "in_progress", "result": None}
    index = _steps(turn, item, "image_generation_call", "in_progress", "generating")
    for number in range(tool.get("partial_images", 0)):
        turn.emit(
            "response.image_generation_call.partial_image",
            item_id=item["id"],
            output_index=index,
            partial_image_index=number,
            partial_image_b64=_PNG,
            **look,
        )
    _go(turn, item, index, "image_generation_call", "completed")
    turn.end(
        index,
        {**item, **look, "status": "completed", "action": "generate", "result": _PNG, "revised_prompt": prompt.text},
    )


def _mcp(turn: Turn, tool: JSON, prompt: Prompt, include: Collection[str], found: Hosted) -> None:
    label = tool.get("server_label", "server")
    asked = prompt.text.lower()
    if label not in prompt.tools_listed:
        failed = "please fail to list" in asked
        item: JSON = {"id": turn.id("mcpl_"), "type": "mcp_list_tools", "server_label": label, "tools": []}
        index = _steps(turn, item, "mcp_list_tools", "in_progress", "failed" if failed else "completed")
        if failed:
            turn.end(index, {**item, "error": "The server can't be reached."})
            return
        schema = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
        listed = {"name": "ask", "description": "Asks the server.", "input_schema": schema, "annotations": None}
        turn.end(index, {**item, "tools": [listed]})
    arguments = turn.take('{"query":"example"}')
    call = {"name": "ask", "server_label": label}
    if tool.get("require_approval", "always") == "always" and not prompt.approved:
        request = {"id": turn.id("mcpr_"), "type": "mcp_approval_request", **call, "arguments": arguments}
        turn.end(turn.begin(request), request)
        found.waits = True
        return
    failed = "please fail to call" in asked
    item = {
        "id": turn.id("mcp_"),
        "type": "mcp_call",
        "status": "in_progress",
        **call,
        "arguments": "",
        "approval_request_id": None,
        "output": None,
        "error": None,
    }
    index = _steps(turn, item, "mcp_call", "in_progress")
    where = {"item_id": item["id"], "output_index": index}
    turn.deltas("response.mcp_call_arguments.delta", arguments, **where)
    turn.emit("response.mcp_call_arguments.done", **where, arguments=arguments)
    _go(turn, item, index, "mcp_call", "failed" if failed else "completed")
    if failed:
        error = {"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": "It did not work."}]}
        turn.end(index, {**item, "status": "failed", "arguments": arguments, "error": error})
    else:
        turn.end(index, {**item, "status": "completed", "arguments": arguments, "output": f"Asked: {prompt.text}"})


def _shell(turn: Turn, tool: JSON, prompt: Prompt, include: Collection[str], found: Hosted) -> None:
    local = (tool.get("environment") or {}).get("type") == "local"
    environment = {"type": "local"} if local else {"type": "container_reference", "container_id": turn.id("cntr_")}
    command = turn.take("echo hello")
    item = {
        "id": turn.id("sh_"),
        "type": "shell_call",
        "status": "in_progress",
        "call_id": turn.id("call_"),
        "action": {"commands": [], "timeout_ms": None, "max_output_length": None},
        "environment": environment,
    }
    index = turn.begin(item)
    where = {"output_index": index, "command_index": 0}
    turn.emit("response.shell_call_command.added", **where, command="")
    turn.deltas("response.shell_call_command.delta", command, **where)
    turn.emit("response.shell_call_command.done", **where, command=command)
    action = {"commands": [command], "timeout_ms": None, "max_output_length": None}
    turn.end(index, {**item, "status": "completed", "action": action})
    if local:
        found.waits = True
        return
    result: JSON = {
        "id": turn.id("sho_"),
        "type": "shell_call_output",
        "status": "in_progress",
        "call_id": item["call_id"],
        "max_output_length": None,
        "output": [],
    }
    index = turn.begin(result)
    where = {"item_id": result["id"], "output_index": index, "command_index": 0}
    turn.emit("response.shell_call_output_content.delta", **where, delta={"stdout": "hello\n"})
    output = [{"stdout": "hello\n", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]
    turn.emit("response.shell_call_output_content.done", **where, output=output)
    turn.end(index, {**result, "status": "completed", "output": output})


def _for_client(kind: str, prefix: str, content: JSON) -> Callable[..., None]:
    def write(turn: Turn, tool: JSON, prompt: Prompt, include: Collection[str], found: Hosted) -> None:
        item = {"id": turn.id(prefix), "type": kind, "status": "in_progress", "call_id": turn.id("call_"), **content}
        turn.end(turn.begin(item), {**item, "status": "completed"})
        found.waits = True

    return write


_computer = _for_client("computer_call", "cu_", {"action": {"type": "screenshot"}, "pending_safety_checks": []})

_RUNNERS: dict[str, Callable[[Turn, JSON, Prompt, Collection[str], Hosted], None]] = {
    "apply_patch": _for_client(
        "apply_patch_call", "apc_", {"operation": {"type": "create_file", "path": "hello.txt", "diff": "+hello\n"}}
    ),
    "code_interpreter": _code_interpreter,
    "computer": _computer,
    "computer_use_preview": _computer,
    "file_search": _file_search,
    "image_generation": _image_generation,
    "local_shell": _for_client(
        "local_shell_call", "lsh_", {"action": {"type": "exec", "command": ["echo", "hello"], "env": {}}}
    ),
    "mcp": _mcp,
    "shell": _shell,
    "web_search": _web_search,
    "web_search_preview": _web_search,
}
