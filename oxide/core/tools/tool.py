"""`@openai_tool`: a typed function as a tool, and what calls it with the text that a model wrote."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeVar, Union, cast, get_origin, overload

from ..structured import Format, FormatError, FunctionTool
from .arguments import Arguments, read_parameters
from .docstring import own_docstring, read_docstring

if TYPE_CHECKING:
    from typing_extensions import Self

    from ...types.chat.chat_completion_function_tool_param import ChatCompletionFunctionToolParam
    from ...types.responses.function_tool_param import FunctionToolParam

__all__ = ["OnError", "Tool", "ToolContext", "ToolError", "as_tool", "openai_tool"]

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")

OnError = Union[Literal["model", "raise"], Callable[[Exception], str]]
"""Where a tool's exception goes: to the model as text, to the caller, or to a function that makes the text for the model."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ToolError(Exception):
    """Raised by a tool to tell the model something: its text is the output, whatever `on_error` says."""


class ToolContext(Generic[C]):
    """What a tool is told beside its arguments, if it has a parameter that is annotated with this class.

    The model sees nothing of it.

    Attributes:
        context: what the caller gave to `run_tools(context=...)`.
        name: of the tool.
        call_id: of this call.
        arguments: the text that the model wrote.
        turn: the number of the turn, from 1.
    """

    __slots__ = ("_is_cancelled", "arguments", "call_id", "context", "name", "turn")

    def __init__(
        self,
        context: C,
        *,
        name: str = "",
        call_id: str = "",
        arguments: str = "",
        turn: int = 0,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.context = context
        self.name = name
        self.call_id = call_id
        self.arguments = arguments
        self.turn = turn
        self._is_cancelled = is_cancelled

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the output any more. A thread can't be interrupted: one that takes long looks here."""
        return self._is_cancelled is not None and self._is_cancelled()


def _is_context(hint: Any) -> bool:
    return hint is ToolContext or get_origin(hint) is ToolContext


class Tool(Mapping[str, Any], Generic[P, R]):
    """A function that a model can call. Calling it calls the function.

    As a mapping it is the definition that the Responses API takes, so it can stand in `tools=`; chat completions are sent their own form.

    Attributes:
        name: what the model calls it.
        description: what the model is told about it; `None` for nothing.
        strict: whether the model is held to the schema.
        is_async: whether it is a coroutine function.
        on_error, early, needs_approval, idempotent: see `openai_tool`.
    """

    _function: Callable[P, R]

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        strict: bool = True,
        on_error: OnError | None = None,
        early: bool = True,
        needs_approval: bool = False,
        idempotent: bool = False,
        defer_loading: bool | None = None,
        names: Mapping[str, Any] | None = None,
    ) -> None:
        if not callable(function):
            raise TypeError(f"a tool is made of a function, not of {function!r}")
        if isinstance(function, Tool):
            function = function._function
        target: Any = function
        while isinstance(target, functools.partial):
            target = target.func
        own = getattr(target, "__name__", None) or type(target).__name__
        self.name = own if name is None else name
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"a tool's name has up to 64 letters, digits, '_' and '-', not {self.name!r}: pass name=")
        if description is None:
            # The docstring of a class of callable objects is about the objects, and as good as there is.
            description = read_docstring(own_docstring(target))[0] or None
        self.description = description
        self.strict = strict
        self.on_error = on_error
        self.early = early
        self.needs_approval = needs_approval
        self.idempotent = idempotent
        # A decorator may have put a plain function around a coroutine function, or the other way round.
        self.is_async = any(
            inspect.iscoroutinefunction(each)
            for each in (target, inspect.unwrap(target), getattr(target, "__call__", None))  # noqa: B004 (it is not called)
        )
        self._function: Callable[P, R] = function
        self._defer_loading = defer_loading
        self._context: str | None = None
        self._arguments: Arguments | None = None
        self._definition: dict[str, Any] | None = None
        functools.update_wrapper(self, target)
        if not _is_method(target):
            try:
                self._read(names)
            except NameError:
                pass  # an annotation of something further down: there is time until the tool is used

    # --- as a function ----------------------------------------------------------------------------------------------

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._function(*args, **kwargs)

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Tool[..., R]: ...

    def __get__(self, instance: object | None, owner: type | None = None) -> Any:
        """The tool of one object, where the function is a method."""
        if instance is None:
            return self
        bound: Tool[..., R] = Tool(
            self._function.__get__(instance, owner),
            name=self.name,
            description=self.description,
            strict=self.strict,
            on_error=self.on_error,
            early=self.early,
            needs_approval=self.needs_approval,
            idempotent=self.idempotent,
            defer_loading=self._defer_loading,
        )
        return bound

    def __repr__(self) -> str:
        return f"<Tool {self.name}>"

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    # --- as a definition --------------------------------------------------------------------------------------------

    @property
    def parameters(self) -> dict[str, Any]:
        """The JSON schema of the arguments.

        Raises:
            TypeError: a parameter has no annotation, or no (strict) schema; the message names it and says what to do.
        """
        return deepcopy(self._read().schema)

    def to_responses(self) -> FunctionToolParam:
        """The definition for `client.responses`. Raises as `parameters`."""
        return cast("FunctionToolParam", self._responses())

    def to_chat(self) -> ChatCompletionFunctionToolParam:
        """The definition for `client.chat.completions`. Raises as `parameters`."""
        flat = self._responses()
        function = {name: value for name, value in flat.items() if name not in ("type", "defer_loading")}
        return cast(
            "ChatCompletionFunctionToolParam",
            {"type": "function", "function": FunctionTool(function, flat.format)},
        )

    def _responses(self) -> FunctionTool:
        return FunctionTool(deepcopy(self._flat()), Format(self.name, self._read().schema, self.parse))

    def __getitem__(self, name: str) -> Any:
        return self._flat()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._flat())

    def __len__(self) -> int:
        return len(self._flat())

    def _flat(self) -> dict[str, Any]:
        if self._definition is None:
            definition = {"type": "function", "name": self.name, "strict": self.strict}
            if self.description is not None:
                definition["description"] = self.description
            definition["parameters"] = self._read().schema
            if self._defer_loading is not None:
                definition["defer_loading"] = self._defer_loading
            self._definition = definition
        return self._definition

    # --- a call -----------------------------------------------------------------------------------------------------

    def parse(self, arguments: str) -> dict[str, Any]:
        """The values of a call's arguments by name; those that have a default may be missing.

        Raises:
            FormatError: they are not JSON, or do not fit; its text is made for the model, and its `path` says where.
        """
        try:
            return self._read().read(arguments)
        except FormatError as error:
            raise FormatError(f"invalid arguments for {self.name}: {error}", arguments, error.path) from error

    def bind(self, values: Mapping[str, Any], context: ToolContext[Any]) -> Callable[[], Any]:
        """A function of no arguments that makes the call with the values that `parse` returned."""
        args, kwargs = self._read().bind(values)
        if self._context is not None:
            kwargs[self._context] = context
        return functools.partial(self._function, *args, **kwargs)

    def _read(self, names: Mapping[str, Any] | None = None) -> Arguments:
        if self._arguments is None:
            try:
                parameters, self._context = read_parameters(self._function, names, _is_context)
                self._arguments = Arguments(self.name, parameters, self.strict)
            except NameError as error:
                raise NameError(
                    f"{self.name}: {error}; annotations that are text are looked up in the function's module",
                    name=error.name,
                ) from error
            except TypeError as error:
                if str(error).startswith(self.name):
                    raise
                raise TypeError(f"{self.name}: {error}") from error
        return self._arguments


def _is_method(function: Any) -> bool:
    """Whether a function is written in a class, so that its first parameter is an object that is not there yet."""
    parents = getattr(function, "__qualname__", "").rpartition(".")[0]
    if not inspect.isfunction(function) or not parents or parents.endswith("<locals>"):
        return False
    return next(iter(inspect.signature(function).parameters), "") in ("self", "cls")


@overload
def openai_tool(function: Callable[P, R], /) -> Tool[P, R]: ...


@overload
def openai_tool(
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool = True,
    on_error: OnError | None = None,
    early: bool = True,
    needs_approval: bool = False,
    idempotent: bool = False,
    defer_loading: bool | None = None,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...


def openai_tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a tool of a typed function, with or without options: `@openai_tool`, `@openai_tool(name="...")`.

    The schema comes from the annotations, the descriptions from `Annotated` (a text, `msgspec.Meta`, pydantic's `Field`) or the
    docstring (Google's, NumPy's or Sphinx's style).

    Args:
        function: a function or coroutine function, or anything else that can be called and has a signature.
        name: what the model calls it, if not the function's name.
        description: what the model is told about it, if not the docstring.
        strict: hold the model to the schema. Without it the schema may have mappings, and what has a default may be left out.
        on_error: where an exception of the function goes, if not where `run_tools(on_error=...)` says.
        early: whether `run_tools` may start it while the response is still being generated.
        needs_approval: whether `run_tools` asks its `approve` before a call.
        idempotent: whether a call that was interrupted may be made again when a run is resumed.
        defer_loading: have the model find it by a tool search (Responses only).

    Raises:
        TypeError: a parameter has no annotation, or no strict schema; the message names it and says what to do.
        ValueError: the name has characters that the API does not take.
    """
    # Types that are local to where the function is written are found there if its annotations are written as text.
    names = sys._getframe(1).f_locals
    if function is not None:
        return Tool(function, names=names, **options)
    return lambda function: Tool(function, names=names, **options)


def as_tool(value: Any) -> Any:
    """A plain function as a tool; whatever else stands in `tools=` as it is."""
    function = getattr(value, "__func__", None)
    if isinstance(function, Tool):
        # `@classmethod` around `@openai_tool`, which Python binds without asking the tool (as of 3.13).
        return function.__get__(value.__self__)
    return Tool(value) if callable(value) and not isinstance(value, Mapping) else value
