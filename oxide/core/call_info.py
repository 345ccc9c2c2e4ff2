"""Which call it is: what those are told who watch it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .hooks import CallInfo
from .sentinels import NotGiven, Omit

if TYPE_CHECKING:
    from .prepare import Call

__all__ = ["call_info"]

SETTINGS = (
    "temperature",
    "top_p",
    "max_tokens",
    "max_output_tokens",
    "max_completion_tokens",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "n",
    "stop",
    "service_tier",
    "dimensions",
    "encoding_format",
    "reasoning_effort",
    "parallel_tool_calls",
    "store",
    "background",
)
"""The parameters that are no content."""


def call_info(call: Call) -> CallInfo:
    url = call.url
    params = call.params
    model = params.get("model")
    return CallInfo(
        operation=operation_name(call),
        method=call.method,
        path=url.path,
        url=str(url).partition("?")[0],
        host=url.host,
        port=url.port,
        model=model if isinstance(model, str) else None,
        stream=call.stream,
        provider=call.builder.platform,
        settings={
            name: tuple(value) if isinstance(value, list) else value
            for name in SETTINGS
            if (value := params.get(name)) is not None and not isinstance(value, (Omit, NotGiven))
        },
    )


_names: dict[Any, str] = {}


def operation_name(call: Call) -> str:
    """What the method of a call is called, such as `chat.completions.create`.

    Operations don't know it. They are constants of the modules under `oxide.resources`, which do.
    """
    operation = call.operation
    if operation is None:
        return f"{call.method} {call.url.path}"
    name = _names.get(operation)
    if name is None:
        for module, constant, known in _operations():
            # The operation of a helper is made of one that has the same endpoint.
            if known is operation or (
                name is None and (known.method, known.path) == (operation.method, operation.path)
            ):
                name = f"{_resource(module)}.{constant.strip('_').lower()}"
                if known is operation:
                    break
        name = _names[operation] = name or f"{operation.method} {operation.path}"
    return name


def _operations() -> list[tuple[str, str, Any]]:
    import sys

    from .operation import Operation

    return [
        (name, constant, value)
        for name, module in list(sys.modules.items())
        if name.startswith("oxide.resources.")
        for constant, value in list(vars(module).items())
        if isinstance(value, Operation)
    ]


def _resource(module: str) -> str:
    parts = module.split(".")[2:]
    return ".".join(part for index, part in enumerate(parts) if index == 0 or part != parts[index - 1])
