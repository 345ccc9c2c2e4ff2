"""`@openai_tool`: what becomes of a function's parameters, and of the text that a model wrote for them."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType, Optional, TypedDict, Union

import attrs
import msgspec
import openai
import pydantic
import pytest
from typing_extensions import Doc

import oxide
from oxide.core.tools.tool import as_tool
from oxide.testing import MockServer
from oxide.testing.schema import strict_problem
from oxide.tools import FormatError, Tool, ToolContext, openai_tool


class Unit(enum.Enum):
    METRE = "m"
    FOOT = "ft"


class Point(msgspec.Struct):
    """A place."""

    x: int
    y: int


@dataclasses.dataclass
class Person:
    name: str
    home: Optional[Point] = None


@attrs.define
class Pair:
    left: int
    right: int


class Movie(TypedDict):
    title: str


class Tree(msgspec.Struct):
    value: int
    children: list[Tree]


class Model(pydantic.BaseModel):
    a: int
    b: Optional[str] = None


UserId = NewType("UserId", int)


def properties(tool: Tool[..., Any]) -> Any:
    assert strict_problem(tool.parameters) is None
    return tool.parameters["properties"]


def test_parameters_become_a_strict_schema() -> None:
    @openai_tool
    def get_weather(
        city: str,
        days: Annotated[int, msgspec.Meta(ge=1, le=14)] = 3,
        *,
        unit: Literal["c", "f"] = "c",
        when: Optional[datetime.date] = None,
    ) -> str:
        """The weather.

        Of one city.
        """
        return f"{city}: {days} {unit} {when}"

    assert get_weather.to_responses() == {
        "type": "function",
        "name": "get_weather",
        "description": "The weather.\n\nOf one city.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "minimum": 1, "maximum": 14, "default": 3},
                "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
                "when": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
            },
            "required": ["city", "days", "unit", "when"],
            "additionalProperties": False,
        },
    }
    flat = dict(get_weather)
    assert flat == get_weather.to_responses()
    del flat["type"]
    assert get_weather.to_chat() == {"type": "function", "function": flat}
    # It still is the function.
    assert get_weather("Paris", 2) == "Paris: 2 c None"
    assert get_weather.__name__ == "get_weather"
    assert "Of one city" in (get_weather.__doc__ or "")


def test_what_the_model_wrote_becomes_the_functions_arguments() -> None:
    @openai_tool
    def everything(
        a: datetime.datetime,
        b: uuid.UUID,
        c: Decimal,
        d: Unit,
        e: Point,
        f: Person,
        g: Pair,
        h: Movie,
        i: set[int],
        j: tuple[int, int],
        k: list[Union[int, str]],
        l: UserId,  # noqa: E741
        m: bytes,
        n: Tree,
        o: Optional[float],
    ) -> None:
        pass

    assert strict_problem(everything.parameters) is None
    assert everything.parameters["properties"]["j"] == {
        "type": "array",
        "items": {"type": "integer"},
        "minItems": 2,
        "maxItems": 2,
    }
    text = """{"a": "2026-01-02T03:04:05Z", "b": "123e4567-e89b-42d3-a456-426614174000", "c": "1.5", "d": "m",
        "e": {"x": 1, "y": 2}, "f": {"name": "Ada", "home": null}, "g": {"left": 1, "right": 2}, "h": {"title": "M"},
        "i": [1, 1], "j": [1, 2], "k": [1, "x"], "l": 7, "m": "aGk=", "n": {"value": 1, "children": []}, "o": null}"""
    assert everything.parse(text) == {
        "a": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        "b": uuid.UUID("123e4567-e89b-42d3-a456-426614174000"),
        "c": Decimal("1.5"),
        "d": Unit.METRE,
        "e": Point(1, 2),
        "f": Person("Ada"),
        "g": Pair(1, 2),
        "h": {"title": "M"},
        "i": {1},
        "j": (1, 2),
        "k": [1, "x"],
        "l": 7,
        "m": b"hi",
        "n": Tree(1, []),
        "o": None,
    }


def call(tool: Tool[..., Any], text: str, context: Any = None) -> Any:
    return tool.bind(tool.parse(text), ToolContext(context))()


def test_kinds_of_parameters() -> None:
    @openai_tool(strict=False)
    def some(a: int, /, b: int, c: int = 3, *rest: int, d: int = 4) -> Any:
        return a, b, c, rest, d

    assert some.parameters["required"] == ["a", "b"]
    assert call(some, '{"a": 1, "b": 2}') == (1, 2, 3, (), 4)
    assert call(some, '{"a": 1, "b": 2, "d": 5, "rest": [6, 7]}') == (1, 2, 3, (6, 7), 5)
    assert call(some, '{"a": 1, "b": 2, "c": 8}') == (1, 2, 8, (), 4)

    @openai_tool
    def nothing() -> int:
        return 5

    assert call(nothing, "") == call(nothing, "{}") == 5
    assert nothing.parameters == {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    with pytest.raises(FormatError, match="unknown field `x`"):
        nothing.parse('{"x": 1}')


def test_pydantics_and_others_side_by_side() -> None:
    @openai_tool
    def mixed(
        model: Model,
        point: Point,
        count: int = pydantic.Field(2, ge=1, description="How many"),
        size: Annotated[int, pydantic.Field(default=5, le=9)] = pydantic.Field(default_factory=lambda: 6),
        json: Annotated[str, pydantic.Field(min_length=1)] = "x",
    ) -> Any:
        return model, point, count, size, json

    found = properties(mixed)
    assert list(found) == ["model", "point", "count", "size", "json"]
    assert found["count"] == {"type": "integer", "minimum": 1, "description": "How many", "default": 2}
    assert found["json"] == {"type": "string", "minLength": 1, "default": "x"}
    text = '{"model": {"a": 1, "b": null}, "point": {"x": 1, "y": 2}'
    assert call(mixed, text + "}") == (Model(a=1), Point(1, 2), 2, 6, "x")
    assert call(mixed, text + ', "json": "y", "size": 1}') == (Model(a=1), Point(1, 2), 2, 1, "y")
    for wrong, path in [
        ('{"model": {"a": "q"}, "point": {"x": 1, "y": 2}}', "$.model.a"),
        (text.replace("2}", '"2"}') + "}", "$.point.y"),
        (text + ', "count": 0}', "$.count"),
        (text + ', "more": 0}', "$"),
        ("[]", ""),
    ]:
        with pytest.raises(FormatError, match="invalid arguments for mixed: ") as caught:
            mixed.parse(wrong)
        assert caught.value.path == path
        assert path in str(caught.value)


def test_definitions_of_the_same_name_stay_apart() -> None:
    point = pydantic.create_model("Point", z=(int, ...))

    def both(a: Any, b: Point) -> Any:
        return a, b

    both.__annotations__["a"] = point
    tool = openai_tool(both)
    assert {frozenset(entry["properties"]) for entry in tool.parameters["$defs"].values()} == {
        frozenset("xy"),
        frozenset("z"),
    }
    assert call(tool, '{"a": {"z": 1}, "b": {"x": 1, "y": 2}}') == (point(z=1), Point(1, 2))


def google(city: str, days: int, note: str) -> None:
    """The weather.

    In more detail: this.

    Args:
        city (str, optional): Which city,
            with its country.
        days: How many:
            one or two.

            No more.
        note(str): A note

    Returns:
        text: nothing
    """


def numpy(city: str, days: int, note: str) -> None:
    """The weather.

    In more detail: this.

    Parameters
    ----------
    city : str, optional
        Which city,
        with its country.
    days
        How many: one or two.

        No more.
    note : {'a', 'b'}
        A note

    Returns
    -------
    text
        nothing
    """


def sphinx(city: str, days: int, note: str) -> None:
    """The weather.

    In more detail: this.

    :param city: Which city,
        with its country.
    :type city: str
    :param int days: How many: one or two.

        No more.
    :keyword note: A note
    :returns: nothing
    """


@pytest.mark.parametrize("function", [google, numpy, sphinx])
def test_docstrings(function: Any) -> None:
    tool = openai_tool(function)
    assert tool.description == "The weather.\n\nIn more detail: this."
    assert {name: entry["description"] for name, entry in properties(tool).items()} == {
        "city": "Which city, with its country.",
        "days": "How many: one or two.\nNo more.",
        "note": "A note",
    }


def test_where_descriptions_come_from() -> None:
    @openai_tool(name="other-name", description="Given")
    def some(
        a: Annotated[int, "plain"],
        b: Annotated[int, msgspec.Meta(description="meta")],
        c: Annotated[int, pydantic.Field(description="field")],
        d: Annotated[int, Doc("doc")],
        e: int,
        f: int,
    ) -> None:
        """Not this.

        Args:
            a: not this
            e: docstring
        """

    assert some.name == "other-name"
    assert some.description == "Given"
    assert [entry.get("description") for entry in properties(some).values()] == [
        "plain",
        "meta",
        "field",
        "doc",
        "docstring",
        None,
    ]


def test_the_context_is_hidden_from_the_model() -> None:
    @openai_tool
    def some(a: int, ctx: ToolContext[str], *, b: int) -> Any:
        return a, ctx.context, b, ctx.cancelled

    assert list(properties(some)) == ["a", "b"]
    assert call(some, '{"a": 1, "b": 2}', "user") == (1, "user", 2, False)


class Shop:
    def __init__(self, stock: int) -> None:
        self.stock = stock

    @openai_tool
    def take(self, count: int) -> int:
        """Take some."""
        return self.stock - count

    @openai_tool
    async def wait(self, item: LaterDefined) -> LaterDefined:
        return item


class LaterDefined(msgspec.Struct):
    z: int


@openai_tool
def early(item: EvenLater) -> int:
    return item.z


class EvenLater(msgspec.Struct):
    z: int


def test_a_class_method() -> None:
    class Shelf:
        @classmethod
        @openai_tool(name="put")
        def place(cls, count: int) -> str:
            return f"{cls.__name__} {count}"

    tool = as_tool(Shelf.place)
    assert tool.name == "put"
    assert call(tool, '{"count": 2}') == "Shelf 2"


def test_methods_partials_callables_and_what_is_defined_later() -> None:
    take = Shop(5).take
    assert list(properties(take)) == ["count"]
    assert take.description == "Take some."
    assert call(take, '{"count": 2}') == take(2) == 3
    assert Shop(5).wait.is_async
    assert not take.is_async
    assert Shop(5).wait.parse('{"item": {"z": 1}}') == {"item": LaterDefined(1)}
    assert call(early, '{"item": {"z": 1}}') == 1

    def add(a: int, b: int) -> int:
        return a + b

    partial = openai_tool(functools.partial(add, b=2))
    assert partial.name == "add"
    assert list(properties(partial)) == ["a"]
    assert call(partial, '{"a": 1}') == 3

    class Adder:
        """Adds one."""

        async def __call__(self, a: int) -> int:
            return a + 1

    adder = Tool(Adder())
    assert adder.is_async
    assert (adder.name, adder.description) == ("Adder", "Adds one.")


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (dict[str, int], r"the argument `a` is a mapping .*TypedDict.*strict=False"),
        (list[dict[str, Any]], r"the argument `a\[\]` is a mapping"),
        (Any, r"the argument `a` may be anything; name its type"),
        (list, r"the argument `a\[\]` may be anything"),
        (tuple[int, str], r"the argument `a` is a tuple of different types.*named fields"),
        (complex, r"the parameter 'a' has no schema"),
        (Union[Point, Tree], r"the parameter 'a' has no schema"),
        (Annotated[dict[str, int], pydantic.Field(description="d")], r"the argument `a` is a mapping"),
    ],
)
def test_what_has_no_strict_schema_is_told_with_what_to_do(annotation: Any, message: str) -> None:
    def some(a: Any) -> None: ...

    some.__annotations__ = {"a": annotation}
    with pytest.raises(TypeError, match="some.*" + message):
        openai_tool(some)


def test_other_mistakes() -> None:
    with pytest.raises(TypeError, match="bare: the parameter 'a' needs an annotation"):

        @openai_tool
        def bare(a) -> None: ...  # type: ignore[no-untyped-def]

    with pytest.raises(TypeError, match=r"more: .* instead of \*\*rest"):

        @openai_tool
        def more(**rest: int) -> None: ...

    with pytest.raises(ValueError, match=r"not 'a b': pass name="):
        openai_tool(name="a b")(google)
    with pytest.raises(ValueError, match="pass name="):
        openai_tool(lambda: None)
    with pytest.raises(TypeError, match="made of a function"):
        Tool(5)  # type: ignore[arg-type]

    @openai_tool
    def never(a: NowhereDefined) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(NameError, match="never: name 'NowhereDefined' is not defined; annotations"):
        never.to_responses()

    @openai_tool(strict=False)
    def loose(a: dict[str, int], b: Any = None, c: int = 1) -> None: ...

    assert loose.parameters["required"] == ["a"]
    assert loose.parameters["properties"]["a"]["additionalProperties"] == {"type": "integer"}
    assert loose.parse('{"a": {"x": 1}}') == {"a": {"x": 1}}


def test_pydantic_has_the_schema_of_the_official_sdk() -> None:
    """A function that takes what a model has, without defaults that are left out: the same properties."""

    class Arguments(pydantic.BaseModel):
        model: Model
        count: int = pydantic.Field(ge=1)
        choice: Literal["a", "b"]
        maybe: Optional[float] = None

    @openai_tool
    def some(
        model: Model,
        count: Annotated[int, pydantic.Field(ge=1)],
        choice: Literal["a", "b"],
        maybe: Optional[float] = None,
    ) -> None: ...

    theirs: Any = openai.pydantic_function_tool(Arguments)["function"]["parameters"]  # type: ignore[typeddict-item]
    for entry in theirs["properties"].values():
        entry.pop("title", None)
    mine = some.parameters
    assert mine["properties"] == theirs["properties"]
    assert mine["required"] == theirs["required"]
    assert mine["$defs"] == theirs["$defs"]


def test_tools_stand_wherever_definitions_do(server: MockServer) -> None:
    @openai_tool
    def get_weather(city: str, unit: Unit) -> str:
        return city

    with oxide.OpenAI(base_url=server.base_url, api_key="sk-test") as client:
        created = client.responses.create(model="gpt-5", input="weather in Paris?", tools=[get_weather])  # type: ignore[call-overload]
        assert created.output[0].name == "get_weather"
        parsed = client.responses.parse(model="gpt-5", input="weather in Paris?", tools=(get_weather.to_responses(),))
        assert parsed.output[0].parsed_arguments == get_weather.parse(parsed.output[0].arguments)  # type: ignore[union-attr]
        messages: Any = [{"role": "user", "content": "weather in Paris?"}]
        chat: Any = client.chat.completions.create(model="gpt-5", messages=messages, tools=[get_weather])  # type: ignore[call-overload]
        assert chat.choices[0].message.tool_calls[0].function.name == "get_weather"
        read: Any = client.chat.completions.parse(model="gpt-5", messages=messages, tools=[get_weather])  # type: ignore[list-item]
        function = read.choices[0].message.tool_calls[0].function
        assert function.parsed_arguments == get_weather.parse(function.arguments)
        space = {"type": "namespace", "name": "n", "description": "d", "tools": [get_weather]}
        deep: Any = client.responses.create(model="gpt-5", input="weather in Paris?", tools=[space])  # type: ignore[call-overload]
        assert deep.output[0].name == "get_weather"
    sent = [request.json()["tools"] for request in server.requests]
    flat = dict(get_weather)
    assert sent == [[flat], [flat], [get_weather.to_chat()], [get_weather.to_chat()], [{**space, "tools": [flat]}]]
