"""The description of resources as text, and back.

resource chat.completions.completions Completions
    part messages: Messages from chat.completions.messages
    method create
        post /chat/completions
        answers chat.chat_completion:ChatCompletion
        body model: Union[str, ChatModel]
        body seed: Optional[int] = omit
        overload ChatCompletion
            body stream: Optional[Literal[False]] = omit
    helper parse
        returns ParsedChatCompletion[ResponseFormatT]
        other messages: Iterable[ChatCompletionMessageParam]
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .description import Helper, Method, Overload, Parameter, Resource
from .text import Line, render
from .text_connections import dump_connection, parse_connection

__all__ = ["dump_client", "dump_resource", "parse_client", "parse_resource"]

_STEP = "    "
_VERBS = {"get", "post", "put", "patch", "delete"}
_PARAMETER = re.compile(r'(path|body|query|header|other) (\w+)(?: as "([^"]+)")?: (.*)')


def _parameter(item: Parameter, indent: int) -> Iterator[str]:
    wire = f' as "{item.wire}"' if item.wire else ""
    tail = f" = {item.default}" if item.default is not None else ""
    yield from render(f"{item.place} {item.name}{wire}: ", item.type, indent, tail)


def _parse_parameter(text: str) -> Parameter:
    match = _PARAMETER.fullmatch(text)
    if not match:
        raise ValueError(f"not a parameter: {text}")
    place, name, wire, rest = match.groups()
    statement = ast.parse(f"_: {rest}").body[0]
    assert isinstance(statement, ast.AnnAssign)
    default = ast.unparse(statement.value) if statement.value else None
    return Parameter(place, name, ast.unparse(statement.annotation), default, wire)


def dump_client(parts: dict[str, tuple[str, str]]) -> Iterator[str]:
    yield "client"
    yield from _parts(parts)


def parse_client(line: Line) -> dict[str, tuple[str, str]]:
    return dict(_parse_part(child.text.partition(" ")[2]) for child in line.children)


def _parts(parts: dict[str, tuple[str, str]]) -> Iterator[str]:
    for attribute, (module, name) in sorted(parts.items()):
        yield f"{_STEP}part {attribute}: {name} from {module}"


def _parse_part(text: str) -> tuple[str, tuple[str, str]]:
    match = re.fullmatch(r"(\w+): (\w+) from (\S+)", text)
    if not match:
        raise ValueError(f"not a part: {text}")
    attribute, name, module = match.groups()
    return attribute, (module, name)


def dump_resource(resource: Resource) -> Iterator[str]:
    yield f"resource {resource.module} {resource.name}"
    yield from _parts(resource.parts)
    if resource.wrapped:
        yield f"{_STEP}wrapped {' '.join(resource.wrapped)}"
    if not resource.viewed:
        yield f"{_STEP}unviewed"
    for method in resource.methods:
        yield f"{_STEP}method {method.name}"
        yield from (f"{_STEP * 2}{line}" for line in _facts(method))
        for parameter in method.parameters:
            yield from _parameter(parameter, 2)
        for overload in method.overloads:
            yield from render("overload ", overload.returns, 2)
            for parameter in overload.parameters:
                yield from _parameter(parameter, 3)
    for helper in resource.helpers:
        yield f"{_STEP}{'async ' if helper.asynchronous else ''}helper {helper.name}"
        yield f"{_STEP * 2}returns {helper.returns}"
        if helper.positional:
            yield f"{_STEP * 2}positional {' '.join(helper.positional)}"
        for parameter in helper.parameters:
            yield from _parameter(parameter, 2)
    if resource.connection is not None:
        yield from dump_connection(resource.connection, _parameter)


def _facts(method: Method) -> Iterator[str]:
    yield f"{method.verb} {method.path}"
    if method.positional:
        yield f"positional {' '.join(method.positional)}"
    if method.params:
        yield f"params {' '.join(method.params)}"
    yield f"answers {method.answers}"
    if method.page:
        yield f"page {method.page}"
    if method.streams:
        yield f"{'always ' if method.always_streams else ''}streams {method.streams}"
    if method.events:
        yield f"events {method.events}"
    if method.security:
        yield f"security {' '.join(method.security)}"
    for names in method.requires:
        yield f"requires {' '.join(names)}"
    for name, value in method.sends.items():
        yield f"sends {name}: {value}"
    if method.uploads:
        yield f"uploads {' '.join(method.uploads)}"
    for name, value in method.encodings.items():
        yield f"encodes {name}: {value}"
    if method.raw_part:
        yield f"raw_part {method.raw_part}"
    if method.chooses:
        yield f"chooses {method.chooses}"
    for name, value in method.choices.items():
        yield f"choice {name}: {value}"
    if method.adapts:
        yield "adapts"
    if method.deprecated:
        yield f"deprecated {method.deprecated}"
    if method.unread:
        yield f"unread {' '.join(method.unread)}"


def parse_resource(line: Line) -> Resource:
    _, module, name = line.text.split()
    resource = Resource(module, name)
    for child in line.children:
        word, _, rest = child.text.partition(" ")
        if word == "part":
            attribute, target = _parse_part(rest)
            resource.parts[attribute] = target
        elif word == "wrapped":
            resource.wrapped = rest.split()
        elif word == "unviewed":
            resource.viewed = False
        elif word == "connection":
            resource.connection = parse_connection(child, _parse_parameter)
        elif word == "method":
            resource.methods.append(_parse_method(rest, child))
        elif "helper" in (word, rest.partition(" ")[0]):
            resource.helpers.append(_parse_helper(child))
        else:
            raise ValueError(f"{module}: {child.text}")
    return resource


def _parse_helper(line: Line) -> Helper:
    helper = Helper(line.text.rpartition(" ")[2], "None", asynchronous=line.text.startswith("async "))
    for child in line.children:
        word, _, rest = child.text.partition(" ")
        if word == "returns":
            helper.returns = rest
        elif word == "positional":
            helper.positional = rest.split()
        else:
            helper.parameters.append(_parse_parameter(child.text))
    return helper


def _parse_method(method_name: str, line: Line) -> Method:
    verb, _, path = line.children[0].text.partition(" ")
    if verb not in _VERBS:
        raise ValueError(f"{method_name}: {line.children[0].text}")
    method = Method(method_name, verb, path)
    for child in line.children[1:]:
        word, _, rest = child.text.partition(" ")
        if word in {"positional", "params", "security", "uploads", "unread"}:
            setattr(method, word, rest.split())
        elif word in {"answers", "page", "streams", "events", "raw_part", "chooses", "deprecated"}:
            setattr(method, word, rest)
        elif word == "always":
            method.always_streams, method.streams = True, rest.partition(" ")[2]
        elif word == "requires":
            method.requires.append(rest.split())
        elif word in {"sends", "encodes", "choice"}:
            name, _, value = rest.partition(": ")
            getattr(method, {"encodes": "encodings", "choice": "choices"}.get(word, word))[name] = value
        elif word == "adapts":
            method.adapts = True
        elif word == "overload":
            returns = ast.unparse(ast.parse(rest, mode="eval").body)
            method.overloads.append(Overload(returns, [_parse_parameter(each.text) for each in child.children]))
        else:
            method.parameters.append(_parse_parameter(child.text))
    return method
