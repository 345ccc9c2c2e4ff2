"""What a conversation asks for: read from the input items of `/responses` and from chat messages alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .problem import Problem, invalid_type, missing
from .store import Store
from .text import count

__all__ = ["Prompt", "from_items", "from_messages", "read_items", "text_of"]

JSON = dict[str, Any]

_ROLES = ("user", "system", "developer", "assistant")
# Items that a client sends back, with the prefix of the ids that the API gives them.
_ITEMS = {
    "additional_tools": "at_",
    "apply_patch_call": "apc_",
    "apply_patch_call_output": "apco_",
    "code_interpreter_call": "ci_",
    "compaction": "cmp_",
    "compaction_trigger": "cmpt_",
    "computer_call": "cu_",
    "computer_call_output": "cuo_",
    "custom_tool_call": "ctc_",
    "custom_tool_call_output": "ctco_",
    "file_search_call": "fs_",
    "function_call": "fc_",
    "function_call_output": "fco_",
    "image_generation_call": "ig_",
    "item_reference": "",
    "local_shell_call": "lsh_",
    "local_shell_call_output": "lsho_",
    "mcp_approval_request": "mcpr_",
    "mcp_approval_response": "mcpa_",
    "mcp_call": "mcp_",
    "mcp_list_tools": "mcpl_",
    "message": "msg_",
    "program": "prg_",
    "program_output": "prgo_",
    "reasoning": "rs_",
    "shell_call": "sh_",
    "shell_call_output": "sho_",
    "tool_search_call": "ts_",
    "tool_search_output": "tso_",
    "web_search_call": "ws_",
}
_CALLS = {
    "apply_patch_call",
    "computer_call",
    "custom_tool_call",
    "function_call",
    "local_shell_call",
    "shell_call",
}


@dataclass
class Prompt:
    """The gist of a conversation.

    Attributes:
        text: the last thing the user said.
        turn: how many times the user has spoken.
        results: what tools gave back since then: the tool's name and its output.
        everything: all the text, instructions included.
        approved: whether an MCP call was approved since the user last spoke.
        tools_listed: the MCP servers whose tools are listed in the conversation.
    """

    text: str = ""
    turn: int = 0
    results: list[tuple[str, str]] = field(default_factory=list)
    everything: str = ""
    approved: bool = False
    tools_listed: set[str] = field(default_factory=set)

    @property
    def tokens(self) -> int:
        """How many tokens the conversation has."""
        return count(self.everything)


def text_of(content: Any) -> str:
    """The text of a message's content: a string, or parts of which some have text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ""
    parts = [part for part in content if isinstance(part, Mapping)]
    return " ".join(str(part.get("text") or part.get("refusal") or f"[{part.get('type')}]") for part in parts)


def read_items(value: Any, store: Store) -> list[JSON]:
    """The `input` of a response, as the API keeps it: items with ids, content as parts.

    Raises:
        Problem: it is of a wrong shape.
    """
    if isinstance(value, str):
        value = [{"role": "user", "content": value}]
    if not isinstance(value, list):
        raise invalid_type("input", "one of a string or array of input items", value)
    return [_item(item, f"input[{index}]", store) for index, item in enumerate(value)]


def _item(value: Any, where: str, store: Store) -> JSON:
    if not isinstance(value, dict):
        raise invalid_type(where, "an input item", value)
    item: JSON = value
    kind = item.get("type") or ("message" if "role" in item else "item_reference" if "id" in item else None)
    if kind is None:
        raise missing(f"{where}.type")
    if kind not in _ITEMS:
        raise Problem(
            400,
            f"Invalid value: '{kind}'. Supported values are: {', '.join(repr(name) for name in _ITEMS)}.",
            param=f"{where}.type",
            code="invalid_value",
        )
    if kind == "message":
        return _message(item, where, store)
    for name in ("call_id", "name", "arguments") if kind == "function_call" else ():
        if name not in item:
            raise missing(f"{where}.{name}")
    if kind == "function_call_output":
        for name in ("call_id", "output"):
            if name not in item:
                raise missing(f"{where}.{name}")
    item = {**item, "type": kind, "id": item.get("id") or store.id(_ITEMS[kind])}
    if kind in _CALLS or kind.endswith("_output"):
        item["status"] = item.get("status") or "completed"
    return item


def _message(item: JSON, where: str, store: Store) -> JSON:
    role = item.get("role")
    if role not in _ROLES:
        raise Problem(
            400,
            f"Invalid value: '{role}'. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
            param=f"{where}.role",
            code="invalid_value",
        )
    content = item.get("content")
    if content is None:
        raise missing(f"{where}.content")
    if isinstance(content, str):
        content = [{"type": "output_text" if role == "assistant" else "input_text", "text": content}]
    if role == "assistant":
        content = [{"annotations": [], **part} if part.get("type") == "output_text" else part for part in content]
    return {
        **item,
        "type": "message",
        "id": item.get("id") or store.id("msg_"),
        "status": item.get("status") or "completed",
        "content": content,
    }


def from_items(items: Iterable[JSON], instructions: str) -> Prompt:
    """Read a conversation of response items.

    Raises:
        Problem: an output without its call, or a call without its output.
    """
    prompt = Prompt()
    texts = [instructions]
    calls: dict[str, JSON] = {}
    for item in items:
        kind = item["type"]
        if kind == "message":
            text = text_of(item["content"])
            texts.append(text)
            if item["role"] == "user":
                prompt.text = text
                prompt.turn += 1
                prompt.results = []
                prompt.approved = False
        elif kind in _CALLS:
            calls[item.get("call_id", "")] = item
            texts.append(f"{item.get('name', '')} {item.get('arguments', item.get('input', ''))}")
        elif kind.endswith("_call_output"):
            call = calls.pop(item.get("call_id", ""), None)
            if call is None:
                raise Problem(
                    400,
                    f"No tool call found for {kind.replace('_', ' ')} with call_id {item.get('call_id')}.",
                    param="input",
                )
            output = _output(item.get("output"))
            texts.append(output)
            prompt.results.append((call.get("name", kind[: -len("_call_output")]), output))
        elif kind == "mcp_list_tools":
            prompt.tools_listed.add(item.get("server_label", ""))
        elif kind == "mcp_approval_response":
            prompt.approved = bool(item.get("approve"))
    for call_id in calls:
        raise Problem(400, f"No tool output found for function call {call_id}.", param="input")
    prompt.everything = "\n".join(texts)
    return prompt


def _output(value: Any) -> str:
    if isinstance(value, list) and value and "stdout" in value[0]:
        return "".join(part["stdout"] for part in value)
    return text_of(value)


def from_messages(messages: Any) -> Prompt:
    """Read a conversation of chat messages.

    Raises:
        Problem: it is of a wrong shape, or tool calls and tool messages don't match.
    """
    if not isinstance(messages, list):
        raise invalid_type("messages", "an array of objects", messages)
    if not messages:
        raise Problem(400, "Invalid 'messages': empty array.", param="messages", code="empty_array")
    prompt = Prompt()
    texts = []
    open_calls: dict[str, str] = {}
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        if not isinstance(message, dict):
            raise invalid_type(where, "an object", message)
        role = message.get("role")
        if role is None:
            raise missing(f"{where}.role")
        if role not in (*_ROLES, "tool", "function"):
            raise Problem(
                400,
                f"Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', "
                "and 'developer'.",
                param=f"{where}.role",
                code="invalid_value",
            )
        text = text_of(message.get("content"))
        texts.append(text)
        if role != "tool" and open_calls:
            raise _unanswered(open_calls)
        if role == "user":
            prompt.text = text
            prompt.turn += 1
            prompt.results = []
        elif role == "assistant":
            open_calls = {call["id"]: _called(call) for call in message.get("tool_calls") or ()}
            texts.extend(open_calls.values())
        elif role == "tool":
            call_id = message.get("tool_call_id")
            if call_id not in open_calls:
                raise Problem(
                    400,
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                    "'tool_calls'.",
                    param=f"{where}.role",
                )
            prompt.results.append((open_calls.pop(call_id), text))
        elif role == "function":
            prompt.results.append((str(message.get("name")), text))
    if open_calls:
        raise _unanswered(open_calls)
    prompt.everything = "\n".join(texts)
    return prompt


def _called(call: JSON) -> str:
    return str((call.get("function") or call.get("custom") or {}).get("name"))


def _unanswered(calls: Iterable[str]) -> Problem:
    return Problem(
        400,
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(calls)}",
        param="messages",
    )
