"""`parse`: what it sends instead of what it was given, and how the answer is filled in.

One adapter for each endpoint. `check` looks at the arguments before anything is sent, `prepare` makes the body of
them, `finish` puts the objects into the decoded response.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from .codec import construct
from .errors import ContentFilterFinishReasonError, LengthFinishReasonError, StructuredOutputError
from .headers import Headers
from .http import Response
from .operation import BODY, Operation
from .sentinels import NotGiven, Omit
from .structured import FormatError, FunctionTool, format_of, is_format_parameter, parse_json
from .tools import definitions

__all__ = [
    "ChatParsing",
    "ResponseParsing",
    "chat_arguments",
    "parse_completion",
    "parse_plain_response",
    "parse_response",
    "parsing",
    "response_arguments",
    "response_parsing",
    "structured_output_error",
]

log = logging.getLogger("oxide")


def parsing(create: Operation, adapt: str, *names: str) -> Operation:
    """The operation of `parse`, made of that of `create`: its parameters and `names`, and an adapter."""

    def wire(kind: int) -> dict[str, str]:
        return {name: wire for name, (place, wire) in create.places.items() if place == kind}

    return Operation(
        create.method,
        create.path,
        body=(*wire(BODY), *names),
        response=create._response,
        required=(("messages", "model"),) if "messages" in create.places else (),
        security=create.security,
        sends=create.sends,
        adapt=adapt,
    )


def _given(params: Mapping[str, Any], name: str) -> Any:
    value = params.get(name)
    return None if isinstance(value, (Omit, NotGiven)) else value


# --- responses --------------------------------------------------------------------------------------------------------


def response_arguments(params: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `responses.parse`, checked; `parse_as` becomes what the answer's text is parsed to, `None` for nothing.

    Raises:
        TypeError: arguments exclude each other, or a type has no strict schema.
    """
    if params.get("stream") is True:
        raise TypeError("parse waits for the whole response: use responses.stream for the events")
    tools = _given(params, "tools")
    if tools is not None:
        params["tools"] = definitions(list(tools), nested=False)
    text, wanted = _given(params, "text"), _given(params, "text_format")
    form: Any = text.get("format") if text else None
    if wanted is not None:
        if text and "format" in text:
            raise TypeError("pass either text_format or text.format, not both")
        if is_format_parameter(wanted):
            raise TypeError(
                "text_format takes a type or a JSON schema: pass the API's own form as text={'format': ...}"
            )
        form = format_of(wanted).text_format()
    extra = params.get("extra_body")
    entries = extra["input"] if isinstance(extra, Mapping) and "input" in extra else params.get("input")
    target = _target(params.get("parse_as", Omit()), wanted, form, entries)
    params["parse_as"] = target if target is None else format_of(target)
    return params


def _target(parse_as: Any, wanted: Any, form: Any, entries: Any) -> Any:
    # A configuration update in the input may ask for another format, which then is that of the answer.
    if parse_as is None:
        return None
    chosen = not isinstance(parse_as, (Omit, NotGiven))
    for entry in reversed(entries) if isinstance(entries, list) else ():
        if not isinstance(entry, Mapping) or entry.get("type") != "configuration_update":
            continue
        update = entry.get("text")
        later = update.get("format") if isinstance(update, Mapping) else None
        if not isinstance(later, Mapping):
            continue
        if later.get("type") == "text":
            if chosen:
                raise TypeError("parse_as can't be used: the input updates the format to plain text")
            return None
        if wanted is not None and not chosen and later != form:
            raise TypeError(
                "the input updates the format: pass its type as parse_as, or parse_as=None to have the text alone"
            )
        break
    return parse_as if chosen else wanted


class ResponseParsing:
    """The adapter of `responses.parse`."""

    @property
    def response(self) -> Any:
        """What the body is decoded to."""
        from ..types.responses.parsed_response import ParsedResponse

        return ParsedResponse

    def prepare(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body with the schema in `text.format`."""
        body.pop("parse_as", None)
        wanted = body.pop("text_format", None)
        if wanted is not None:
            body["text"] = {**(body.get("text") or {}), "format": format_of(wanted).text_format()}
        if body.get("tools") is not None:
            body["tools"] = [dict(tool) if isinstance(tool, FunctionTool) else tool for tool in body["tools"]]
        return body

    def finish(self, result: Any, params: Any, response: Response) -> Any:
        """The response with the objects in it; see `parse_response`."""
        return parse_response(result, params["parse_as"], _given(params, "tools"), response)


def parse_response(result: Any, format: Any, tools: Iterable[Any] | None, response: Response | None) -> Any:
    """Fill `parsed` and `parsed_arguments` of a `ParsedResponse` in.

    Args:
        result: decoded; it is changed.
        format: the `Format` of the text, or `None`.
        tools: those of the request.
        response: what the result came in, for errors; `None` if it came over a WebSocket.

    Raises:
        StructuredOutputError: a text is not JSON, or does not fit.
        LengthFinishReasonError, ContentFilterFinishReasonError: the same, because the response is incomplete.
    """
    known = list(tools or ())
    try:
        for item in result.output or ():
            kind = item.type
            if kind == "message":
                # Other phases than that of the answer have text for people.
                final = getattr(item, "phase", None) in (None, "final_answer")
                for part in item.content or ():
                    if part.type == "output_text":
                        part.parsed = format.parse(part.text) if final and format is not None else None
            elif kind == "function_call":
                tool = _response_tool(known, item.name, getattr(item, "namespace", None))
                item.parsed_arguments = _arguments(tool, item.name, item.arguments)
    except FormatError as error:
        details = result.incomplete_details if result.status == "incomplete" else None
        raise _failure(error, details.reason if details else None, result, response) from error
    return result


def parse_plain_response(result: Any, format: Any, tools: Iterable[Any] | None) -> Any:
    """The `ParsedResponse` of a response that was decoded without one, as those that come over a WebSocket are. Raises as `parse_response`."""
    from ..types.responses.parsed_response import ParsedResponse

    return parse_response(construct(ParsedResponse, result.to_dict()), format, tools, None)


def response_parsing(
    defaults: Mapping[str, Any], params: Mapping[str, Any]
) -> tuple[dict[str, Any], Callable[[Any], Any]]:
    """What `parse` sends where it is no request of its own, and what makes a `ParsedResponse` of the answer.

    Args:
        defaults: what holds where `params` say nothing.
        params: the arguments.

    Raises:
        TypeError: as `response_arguments`.
    """
    arguments = response_arguments({**defaults, **params})
    finish = partial(parse_plain_response, format=arguments["parse_as"], tools=_given(arguments, "tools"))
    given = {name: value for name, value in arguments.items() if not isinstance(value, (Omit, NotGiven))}
    return ResponseParsing().prepare(given), finish


def _response_tool(tools: list[Any], name: str, namespace: str | None) -> Any:
    if namespace is not None:
        for tool in tools:
            if tool["type"] == "namespace" and tool["name"] == namespace:
                return next((each for each in tool["tools"] if _is_function(each, name)), None)
        # A function outside of a namespace whose loading was deferred has its own name for one.
        if namespace != name:
            return None
    return next((tool for tool in tools if _is_function(tool, name)), None)


def _is_function(tool: Mapping[str, Any], name: str) -> bool:
    return tool["type"] == "function" and tool.get("name") == name


# --- chat completions -------------------------------------------------------------------------------------------------


def chat_arguments(params: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `chat.completions.parse`, checked.

    Raises:
        TypeError: the type has no strict schema.
        ValueError: a tool is not a function, or not strict.
    """
    wanted = _given(params, "response_format")
    if wanted is not None and not is_format_parameter(wanted):
        format_of(wanted)
    tools = _given(params, "tools")
    if tools is not None:
        params["tools"] = tools = definitions(list(tools), nested=True)
        for tool in tools:
            if tool["type"] != "function":
                raise ValueError(f"parse takes tools of the type function only, not {tool['type']}")
            if tool["function"].get("strict") is not True:
                raise ValueError(
                    f"the function {tool['function']['name']!r} must be strict for its arguments to be parsed"
                )
    return params


class ChatParsing:
    """The adapter of `chat.completions.parse`."""

    @property
    def response(self) -> Any:
        """What the body is decoded to."""
        from ..types.chat.parsed_chat_completion import ParsedChatCompletion

        return ParsedChatCompletion

    def prepare(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body with the schema in `response_format`."""
        body["stream"] = False
        wanted = body.get("response_format")
        if wanted is not None and not is_format_parameter(wanted):
            body["response_format"] = format_of(wanted).response_format()
        if body.get("tools") is not None:
            body["tools"] = [{**tool, "function": dict(tool["function"])} for tool in body["tools"]]
        return body

    def finish(self, result: Any, params: Any, response: Response) -> Any:
        """The completion with the objects in it; see `parse_completion`."""
        wanted = _given(params, "response_format")
        format = None if wanted is None or is_format_parameter(wanted) else format_of(wanted)
        return parse_completion(result, format, _given(params, "tools"), response)


def parse_completion(result: Any, format: Any, tools: Iterable[Any] | None, response: Response | None) -> Any:
    """Fill `parsed` and `parsed_arguments` of a `ParsedChatCompletion` in; the arguments are those of `parse_response`.

    Raises:
        LengthFinishReasonError, ContentFilterFinishReasonError: a choice was cut off; nothing has been filled in.
        StructuredOutputError: a text is not JSON, or does not fit.
    """
    for choice in result.choices or ():
        if choice.finish_reason in ("length", "content_filter"):
            raise _failure(None, choice.finish_reason, result, response)
    functions = {tool["function"]["name"]: tool["function"] for tool in reversed(list(tools or ()))}
    try:
        for choice in result.choices or ():
            message = choice.message
            calls = []
            for call in message.tool_calls or ():
                if call.type == "custom":
                    log.warning("a call of the custom tool %r is left out of the parsed completion", call.id)
                    continue
                if call.type == "function":
                    function = call.function
                    tool = functions.get(function.name)
                    function.parsed_arguments = _arguments(tool, function.name, function.arguments)
                calls.append(call)
            readable = format is not None and message.content and not message.refusal
            message.parsed = format.parse(message.content) if readable else None
            message.tool_calls = calls or None
    except FormatError as error:
        raise _failure(error, None, result, response) from error
    return result


# --- what they share --------------------------------------------------------------------------------------------------


def _arguments(tool: Any, name: str, text: str) -> Any:
    if isinstance(tool, FunctionTool):
        return tool.format.parse(text)
    return parse_json(text, f"list of arguments for {name}") if tool is not None and tool.get("strict") else None


def structured_output_error(error: FormatError, result: Any, response: Response | None) -> StructuredOutputError:
    """What is raised for a text that does not fit; the arguments are those of `parse_response`."""
    if response is None:
        nothing: Any = None
        response = Response(200, Headers([]), nothing)
    return StructuredOutputError(response, result, text=error.text, path=error.path, message=str(error))


def _failure(error: FormatError | None, reason: str | None, result: Any, response: Response | None) -> Exception:
    if reason in ("length", "max_output_tokens"):
        return LengthFinishReasonError(completion=result)
    if reason == "content_filter":
        return ContentFilterFinishReasonError(completion=result)
    assert error is not None
    return structured_output_error(error, result, response)
