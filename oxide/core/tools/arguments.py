"""A function's parameters as the model sees them: a schema, and what turns the text of a call's arguments into values.

Each parameter is read by pydantic if there is anything of pydantic's in its annotation, and by msgspec otherwise; most functions
have all of one kind. pydantic is found in `sys.modules`: who annotates with it has imported it.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from operator import getitem
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from ..structured import FormatError
from ..type_schema import type_schema
from .docstring import own_docstring, read_docstring
from .strict import strict_parameters

__all__ = ["Arguments", "Parameter", "read_parameters"]

Schema = dict[str, Any]

_VARIADIC = inspect.Parameter.VAR_POSITIONAL
_MISSING: Any = inspect.Parameter.empty


class Parameter:
    """One parameter that the model fills in.

    Attributes:
        name: the function's own name for it.
        type: its annotation, that of `*args` as a list.
        kind: how it is passed, in the terms of `inspect.Parameter`.
        default: what it is without an argument; `inspect.Parameter.empty` if it must have one.
        passed: whether the default has to be passed, since the function itself has another object in its place.
        description: from the annotation or the docstring.
    """

    __slots__ = ("default", "description", "kind", "name", "passed", "type")

    def __init__(self, name: str, type_: Any, kind: Any, default: Any, passed: bool, description: str | None) -> None:
        self.name = name
        self.type = type_
        self.kind = kind
        self.default = default
        self.passed = passed
        self.description = description


def read_parameters(
    function: Callable[..., Any], names: Mapping[str, Any] | None, is_context: Callable[[Any], bool]
) -> tuple[list[Parameter], str | None]:
    """The parameters that a model fills in, and the name of the one that gets the context, if there is one.

    Args:
        function: any callable.
        names: further names for annotations that are written as text.
        is_context: tells an annotation of the context.

    Raises:
        NameError: an annotation names something that is not there (yet).
        TypeError: a parameter has no annotation, or there is a `**` among them.
    """
    target, bound = function, frozenset[str]()
    while isinstance(target, functools.partial):
        bound |= target.keywords.keys()
        target = target.func
    if not inspect.isroutine(target) and not isinstance(target, type):
        target = type(target).__call__
    hints = get_type_hints(inspect.unwrap(target), localns=dict(names) if names else None, include_extras=True)
    _, texts = read_docstring(own_docstring(target))
    found: list[Parameter] = []
    context: str | None = None
    for name, parameter in inspect.signature(function).parameters.items():
        if name in bound:
            continue
        hint = hints.get(name, _MISSING)
        if hint is not _MISSING and is_context(hint):
            context = name
            continue
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            raise TypeError(
                f"a tool's arguments have names: write the parameters out instead of **{name}, or take a TypedDict"
            )
        if hint is _MISSING:
            raise TypeError(f"the parameter {name!r} needs an annotation, from which its schema is made")
        found.append(_parameter(parameter, hint, texts.get(name)))
    return found, context


def _parameter(parameter: inspect.Parameter, hint: Any, text: str | None) -> Parameter:
    default, passed = parameter.default, False
    description = _description(hint)
    if _is_field(default):
        # `x: int = Field(3, description="...")`
        info = default
        description = description or info.description
        default = _MISSING if info.is_required() else info.get_default(call_default_factory=True)
        hint, passed = Annotated[hint, _without_default(info)], True
    elif default is _MISSING:
        for info in _metadata(hint):
            if _is_field(info) and not info.is_required():
                default, passed = info.get_default(call_default_factory=True), True
                hint = getitem(Annotated, (get_args(hint)[0], *map(_without_default, _metadata(hint))))
                break
    if parameter.kind is _VARIADIC:
        hint, default, passed = list[hint], (), False
    return Parameter(parameter.name, hint, parameter.kind, default, passed, description or text)


def _is_field(value: Any) -> bool:
    """Whether it is what pydantic's `Field` returns."""
    fields = sys.modules.get("pydantic.fields")
    return fields is not None and isinstance(value, fields.FieldInfo)


def _without_default(info: Any) -> Any:
    if not _is_field(info):
        return info
    from copy import copy

    changed = copy(info)
    changed.default = _pydantic_undefined()
    changed.default_factory = None
    if hasattr(changed, "_attributes_set"):
        changed._attributes_set = {
            name: value for name, value in info._attributes_set.items() if name not in ("default", "default_factory")
        }
    return changed


def _pydantic_undefined() -> Any:
    from pydantic_core import PydanticUndefined

    return PydanticUndefined


def _metadata(hint: Any) -> tuple[Any, ...]:
    return hint.__metadata__ if get_origin(hint) is Annotated else ()


def _description(hint: Any) -> str | None:
    """The text in an `Annotated`: a plain one, msgspec's `Meta`, pydantic's `Field`, or `Doc`."""
    for part in reversed(_metadata(hint)):
        text = part if isinstance(part, str) else getattr(part, "description", None)
        text = text if text is not None else getattr(part, "documentation", None)
        if isinstance(text, str):
            return text
    return None


# --- who reads a parameter --------------------------------------------------------------------------------------------


def _is_pydantic(hint: Any, seen: set[Any]) -> bool:
    """Whether there is something of pydantic's in an annotation, at any depth."""
    parts: tuple[Any, ...] = get_args(hint)
    if get_origin(hint) is Annotated:
        if any(type(part).__module__.startswith(("pydantic", "annotated_types")) for part in hint.__metadata__):
            return True
        parts = (hint.__origin__,)
    cls = get_origin(hint) or hint
    if isinstance(cls, type):
        if cls.__module__.startswith("pydantic") or hasattr(cls, "__get_pydantic_core_schema__"):
            return True
        if cls not in seen and (dataclasses.is_dataclass(cls) or hasattr(cls, "__total__")):
            seen.add(cls)
            if hasattr(cls, "__pydantic_config__"):
                return True
            try:
                parts = (*parts, *get_type_hints(cls, include_extras=True).values())
            except NameError:
                pass  # msgspec will say so, with the name
    return any(_is_pydantic(part, seen) for part in parts)


class _Group:
    """The parameters that one library reads.

    Attributes:
        schema: an object's schema with a property for each, and its definitions.
    """

    schema: Schema

    def read(self, text: str | bytes) -> dict[str, Any]:
        """The values by name, those that are not in the text left out. Raises FormatError."""
        raise NotImplementedError


class _ByMsgspec(_Group):
    def __init__(self, name: str, parameters: list[Parameter]) -> None:
        fields: list[Any] = []
        for parameter in parameters:
            entry = (parameter.name, parameter.type)
            fields.append(entry if parameter.default is _MISSING else (*entry, msgspec.UNSET))
        self._names = [parameter.name for parameter in parameters]
        try:
            # `forbid_unknown_fields` is what says a wrong argument's name.
            struct = msgspec.defstruct("Arguments", fields, kw_only=True, forbid_unknown_fields=True)
            self.schema = type_schema(struct)
            self._decode = msgspec.json.Decoder(struct).decode
        except TypeError:
            for entry in fields:
                _check(name, entry)
            raise

    def read(self, text: str | bytes) -> dict[str, Any]:
        try:
            found = self._decode(text)
        except msgspec.ValidationError as error:
            message, _, place = str(error).partition(" - at `")
            path = place[:-1] if place else "$"
            raise FormatError(f"{message} - at `{path}`", _text(text), path) from error
        except ValueError as error:
            raise FormatError(f"they are not JSON: {error}", _text(text), "") from error
        values = {name: getattr(found, name) for name in self._names}
        return {name: value for name, value in values.items() if value is not msgspec.UNSET}


def _check(name: str, field: tuple[Any, ...]) -> None:
    """Raise TypeError naming the parameter if it is this one that has no schema."""
    try:
        type_schema(msgspec.defstruct("Argument", [field[:2]]))
        msgspec.json.Decoder(field[1])
    except TypeError as error:
        raise TypeError(f"{name}: the parameter {field[0]!r} has no schema: {error}") from error


class _ByPydantic(_Group):
    def __init__(self, name: str, parameters: list[Parameter]) -> None:
        import pydantic

        # Fields have names of our own, because a model has attributes (`json`, `copy`) that a parameter may be called after.
        self._fields = {f"p{number}": parameter.name for number, parameter in enumerate(parameters)}
        fields: dict[str, Any] = {}
        for field, parameter in zip(self._fields, parameters, strict=True):
            hint = getitem(Annotated, (parameter.type, pydantic.Field(alias=parameter.name)))
            fields[field] = (hint, ... if parameter.default is _MISSING else None)
        try:
            config = pydantic.ConfigDict(extra="forbid")
            self._model: Any = pydantic.create_model("Arguments", __config__=config, **fields)
            self.schema = self._model.model_json_schema()
        except pydantic.errors.PydanticUserError as error:
            # It says which of our own names it is, where there are several.
            raise TypeError(f"{name}: {_named(str(error), self._fields)}") from error
        for parameter in parameters:
            entry = self.schema["properties"][parameter.name]
            entry.pop("title", None)
            entry.pop("default", None)

    def read(self, text: str | bytes) -> dict[str, Any]:
        import pydantic

        try:
            found = self._model.model_validate_json(text)
        except pydantic.ValidationError as error:
            failures = error.errors(include_url=False, include_context=False, include_input=False)
            if failures[0]["type"] == "json_invalid":
                raise FormatError(f"they are not JSON: {failures[0]['msg']}", _text(text), "") from error
            paths = [
                "$" + "".join(f"[{x}]" if isinstance(x, int) else f".{x}" for x in each["loc"]) for each in failures
            ]
            said = [f"{each['msg']} - at `{path}`" for each, path in zip(failures, paths, strict=True)]
            raise FormatError("; ".join(said[:5]), _text(text), paths[0]) from error
        return {name: getattr(found, field) for field, name in self._fields.items() if field in found.model_fields_set}


def _named(message: str, fields: Mapping[str, str]) -> str:
    return re.sub(r"\bp\d+\b", lambda found: fields.get(found[0], found[0]), message)


def _text(data: str | bytes) -> str:
    return data if isinstance(data, str) else data.decode("utf-8", "replace")


# --- all of them ------------------------------------------------------------------------------------------------------


class Arguments:
    """The parameters of one function, made ready.

    Attributes:
        schema: of the object that the arguments are, strict if that was asked for.
    """

    def __init__(self, name: str, parameters: list[Parameter], strict: bool) -> None:
        self._name = name
        self._parameters = parameters
        kinds = [_is_pydantic(parameter.type, set()) for parameter in parameters]
        self._groups: list[tuple[frozenset[str], _Group]] = []
        for kind in (False, True):
            members = [parameter for parameter, other in zip(parameters, kinds, strict=True) if other is kind]
            # Without parameters there still is something that refuses arguments.
            if members or not (parameters or kind):
                group = _ByPydantic(name, members) if kind else _ByMsgspec(name, members)
                self._groups.append((frozenset(member.name for member in members), group))
        schema = self._joined()
        self.schema = strict_parameters(schema, name) if strict else schema
        # Nothing but names that can be passed as such: the common case, which needs no sorting out.
        self._plain = all(
            parameter.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
            and not parameter.passed
            for parameter in parameters
        )

    def _joined(self) -> Schema:
        properties: Schema = {}
        definitions: Schema = {}
        for _, group in self._groups:
            schema = _renamed(group.schema, definitions)
            definitions.update(schema.get("$defs", {}))
            properties.update(schema.get("properties", {}))
        ordered: Schema = {}
        for parameter in self._parameters:
            entry = dict(properties[parameter.name])
            if parameter.description is not None:
                entry["description"] = parameter.description
            default = _json(parameter.default)
            if default is not None and parameter.kind is not _VARIADIC:
                entry["default"] = default
            ordered[parameter.name] = entry
        required = [parameter.name for parameter in self._parameters if parameter.default is _MISSING]
        joined: Schema = {
            "type": "object",
            "properties": ordered,
            "required": required,
            "additionalProperties": False,
        }
        return {**joined, "$defs": definitions} if definitions else joined

    def read(self, text: str) -> dict[str, Any]:
        """The values of a call's arguments by name; parameters that have a default may be missing.

        Raises:
            FormatError: they are not JSON, or do not fit; the message has the path.
        """
        # Some servers send no text at all for a function without parameters.
        data: str | bytes = text if text.strip() else "{}"
        if len(self._groups) == 1:
            return self._groups[0][1].read(data)
        try:
            entries = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        except ValueError as error:
            raise FormatError(f"they are not a JSON object: {error}", text, "") from error
        known = frozenset[str]().union(*(names for names, _ in self._groups))
        for name in entries:
            if name not in known:
                raise FormatError(f"Object contains unknown field `{name}` - at `$`", text, "$")
        values: dict[str, Any] = {}
        for names, group in self._groups:
            part = msgspec.json.encode({name: value for name, value in entries.items() if name in names})
            values.update(group.read(part))
        return values

    def bind(self, values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The values as a function is called with them: positional ones, and by name."""
        if self._plain:
            return [], dict(values)
        args: list[Any] = []
        by_name = dict(values)
        for parameter in self._parameters:
            if parameter.passed and parameter.name not in by_name:
                by_name[parameter.name] = parameter.default
        # What stands before `*args`, or before a `/`, can only be passed by its place.
        last = max((n for n, each in enumerate(self._parameters) if each.kind in _BY_PLACE), default=-1)
        for parameter in self._parameters[: last + 1]:
            if parameter.kind is _VARIADIC:
                args += by_name.pop(parameter.name, ())
            elif parameter.name in by_name or parameter.default is not _MISSING:
                args.append(by_name.pop(parameter.name, parameter.default))
        return args, by_name


_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, _VARIADIC)


def _renamed(schema: Schema, taken: Mapping[str, Any]) -> Schema:
    """The schema with other names for the definitions whose names are taken by something else."""
    clashes = [name for name, entry in schema.get("$defs", {}).items() if taken.get(name, entry) != entry]
    if not clashes:
        return schema
    text = msgspec.json.encode(schema).decode()
    for name in clashes:
        text = text.replace(f'"#/$defs/{name}"', f'"#/$defs/{name}_2"')
    renamed: Schema = msgspec.json.decode(text)
    definitions = renamed["$defs"]
    renamed["$defs"] = {f"{name}_2" if name in clashes else name: entry for name, entry in definitions.items()}
    return renamed


def _json(default: Any) -> Any:
    """A default as JSON; `None` where that says nothing."""
    if default is _MISSING or default is None:
        return None
    dump = getattr(default, "model_dump", None)
    try:
        return dump(mode="json") if dump is not None else msgspec.to_builtins(default, str_keys=True)
    except (TypeError, ValueError):
        return None
