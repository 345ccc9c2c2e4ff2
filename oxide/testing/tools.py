"""Which of the offered functions are called, and with what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from .pattern import matching
from .problem import Problem, invalid_type, missing
from .prompt import Prompt
from .schema import fit, strict_problem
from .text import Source

__all__ = ["Choice", "Offer", "calls", "chat_choice", "chat_offers", "offers", "response_choice"]

JSON = dict[str, Any]
_NAME = re.compile(r"[a-zA-Z0-9_.-]+")


@dataclass(frozen=True)
class Offer:
    """A function, or a custom tool, that may be called.

    Attributes:
        name: its name.
        schema: of its arguments; `None` for a custom tool, which takes free text.
        pattern: for a custom tool with a regular grammar: what the text has to match.
        namespace: the namespace that it was offered in.
    """

    name: str
    schema: Any = None
    pattern: str | None = None
    namespace: str | None = None
    custom: bool = False

    def arguments(self, source: Source, prompt: Prompt) -> str:
        """The text of the arguments, made from the prompt."""
        if not self.custom:
            return msgspec.json.encode(fit(self.schema or {"type": "object"}, source)).decode()
        return prompt.text if self.pattern is None else matching(self.pattern)


@dataclass(frozen=True)
class Choice:
    """What `tool_choice` says.

    Attributes:
        mode: `"none"`, `"auto"` or `"required"`.
        names: only these functions, or all.
        kinds: only hosted tools of these types, or all.
    """

    mode: str = "auto"
    names: frozenset[str] | None = None
    kinds: frozenset[str] | None = None


def calls(offered: Sequence[Offer], choice: Choice, prompt: Prompt, *, parallel: bool) -> list[Offer]:
    """The offers that are called: those that the prompt names, or else the first.

    Nothing is called when the results of calls have just come in, unless a call is required.
    """
    if choice.mode == "none" or (choice.mode == "auto" and prompt.results):
        return []
    allowed = [offer for offer in offered if choice.names is None or offer.name in choice.names]
    named = [offer for offer in allowed if _mentioned(offer.name, prompt.text)] or allowed[:1]
    return named if parallel else named[:1]


def _mentioned(name: str, text: str) -> bool:
    plain = text.lower()
    return name.lower() in plain or re.sub(r"[_-]+", " ", name.lower()) in plain


def offers(tools: Sequence[Any]) -> list[Offer]:
    """The functions and custom tools among the `tools` of a response.

    Raises:
        Problem: a tool is of a wrong shape.
    """
    found = []
    for index, tool in enumerate(tools):
        where = f"tools[{index}]"
        kind = _type(tool, where)
        if kind == "function":
            found.append(_function(tool, where))
        elif kind == "custom":
            found.append(_custom(tool, where, tool.get("format")))
        elif kind == "namespace":
            space = tool.get("name")
            found += [
                _function(inner, f"{where}.tools[{number}]", namespace=space)
                for number, inner in enumerate(tool.get("tools", ()))
                if inner.get("type") == "function"
            ]
    return found


def chat_offers(tools: Sequence[Any]) -> list[Offer]:
    """The same for `tools` of a chat completion, which have their description one level deeper."""
    found = []
    for index, tool in enumerate(tools):
        where = f"tools[{index}]"
        kind = _type(tool, where)
        inner = tool.get(kind)
        if kind not in ("function", "custom"):
            raise Problem(
                400,
                f"Invalid value: '{kind}'. Supported values are: 'function' and 'custom'.",
                param=f"{where}.type",
                code="invalid_value",
            )
        if not isinstance(inner, dict):
            raise missing(f"{where}.{kind}")
        if kind == "function":
            found.append(_function(inner, f"{where}.function"))
        else:
            form = inner.get("format") or {}
            found.append(_custom(inner, f"{where}.custom", form.get("grammar", form)))
    return found


def _type(tool: Any, where: str) -> str:
    if not isinstance(tool, dict):
        raise invalid_type(where, "an object", tool)
    if "type" not in tool:
        raise missing(f"{where}.type")
    return str(tool["type"])


def _function(tool: JSON, where: str, namespace: str | None = None) -> Offer:
    name = _name(tool, where)
    schema = tool.get("parameters")
    if schema is not None and not isinstance(schema, dict):
        raise invalid_type(f"{where}.parameters", "an object", schema)
    if tool.get("strict") and schema is not None:
        problem = strict_problem(schema)
        if problem:
            raise Problem(
                400,
                f"Invalid schema for function '{name}': {problem}",
                param=f"{where}.parameters",
                code="invalid_function_parameters",
            )
    return Offer(name, schema, namespace=namespace)


def _custom(tool: JSON, where: str, form: Any) -> Offer:
    pattern = None
    if isinstance(form, dict) and form.get("syntax") == "regex":
        pattern = form.get("definition")
    return Offer(_name(tool, where), pattern=pattern, custom=True)


def _name(tool: JSON, where: str) -> str:
    name = tool.get("name")
    if not name:
        raise missing(f"{where}.name")
    if not _NAME.fullmatch(name):
        raise Problem(
            400,
            f"Invalid '{where}.name': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
            param=f"{where}.name",
            code="invalid_value",
        )
    return str(name)


def response_choice(value: Any, offered: Iterable[Offer], tools: Sequence[JSON]) -> Choice:
    """Read the `tool_choice` of a response.

    Raises:
        Problem: it names a tool that is not offered.
    """
    if value is None or isinstance(value, str):
        return _mode(value, bool(tools))
    kind = value.get("type")
    if kind == "allowed_tools":
        listed = value.get("tools", ())
        return Choice(
            value.get("mode", "auto"),
            frozenset(tool["name"] for tool in listed if "name" in tool),
            frozenset(tool["type"] for tool in listed if "name" not in tool),
        )
    if kind in ("function", "custom"):
        return _named(value.get("name"), offered, kind)
    if kind not in {tool["type"] for tool in tools}:
        raise Problem(400, f"Tool choice '{kind}' not found in 'tools' parameter.", param="tool_choice")
    return Choice("required", frozenset(), frozenset([kind]))


def chat_choice(value: Any, offered: Sequence[Offer]) -> Choice:
    """Read the `tool_choice` of a chat completion.

    Raises:
        Problem: it names a tool that is not offered, or none is.
    """
    if value is not None and not offered and value != "none":
        raise Problem(
            400, "Invalid value for 'tool_choice': it is only allowed when 'tools' are specified.", param="tool_choice"
        )
    if value is None or isinstance(value, str):
        return _mode(value, bool(offered))
    kind = value.get("type")
    if kind == "allowed_tools":
        allowed = value.get("allowed_tools", {})
        names = frozenset(str(_inner(tool).get("name")) for tool in allowed.get("tools", ()))
        return Choice(allowed.get("mode", "auto"), names)
    return _named(_inner(value).get("name"), offered, kind)


def _inner(tool: JSON) -> JSON:
    inner: JSON = tool.get(tool.get("type", ""), {})
    return inner


def _mode(value: str | None, any_tools: bool) -> Choice:
    if value not in (None, "none", "auto", "required"):
        raise Problem(
            400,
            f"Invalid value: '{value}'. Supported values are: 'none', 'auto', and 'required'.",
            param="tool_choice",
            code="invalid_value",
        )
    if value == "required" and not any_tools:
        raise Problem(400, "Tool choice 'required' must be specified with 'tools' parameter.", param="tool_choice")
    return Choice(value or "auto")


def _named(name: Any, offered: Iterable[Offer], kind: Any) -> Choice:
    if name not in {offer.name for offer in offered}:
        raise Problem(400, f"Tool choice '{kind}' named '{name}' not found in 'tools' parameter.", param="tool_choice")
    return Choice("required", frozenset([name]), frozenset())
